"""Which dialects the engine's reader and Python's csv take alike."""

import codecs
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from frictionless import Dialect
from frictionless.formats import CsvControl

from publisher.validation.proof.cells import Plain
from publisher.validation.proof.scan import Scan, scanning

_HEAD = 1_000_000


@dataclass(frozen=True, slots=True)
class Delimited:
    """A CSV file of which the rows may be split by the engine."""

    path: Path
    encoding: str
    """As Python's codecs name it."""
    delimiter: str
    first: int
    """Number of the first row."""

    @classmethod
    def of(cls, path: Path, encoding: str | None, dialect: Dialect) -> "Delimited | None":
        """Give the file where its *dialect*, as sniffed by now, allows for that."""
        control = CsvControl.from_dialect(dialect)
        first = first_row(dialect)
        other = (
            dialect.comment_char
            or dialect.comment_rows
            or dialect.skip_blank_rows
            or control.quote_char != '"'
            or control.escape_char
            or control.skip_initial_space
            or len(control.delimiter) != 1
            or not control.delimiter.isascii()
            or control.delimiter in '"\r\n\0'
            or (first == 1 and encoding == "utf-8-sig")
        )
        if other or encoding is None:
            return None
        return cls(path, codecs.lookup(encoding).name, control.delimiter, first)

    def plain(self, width: int, scan: Future[Scan] | None = None) -> Plain:
        """Give it as the engine may take it, with *width* labels; *scan* where it was begun."""
        with self.path.open("rb") as file:
            head = b"".join(file.readline(_HEAD) for _ in range(self.first - 1))
        scan = scan or scanning(self.path, self.delimiter.encode())
        return Plain(self.path, self.encoding, self.delimiter, width, self.first - 1, head, scan)


def first_row(dialect: Dialect) -> int:
    """Give the number of the first row behind the header."""
    return int(dialect.create_first_content_row())  # type: ignore[no-untyped-call]
