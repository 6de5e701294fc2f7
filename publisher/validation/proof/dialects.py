"""Which dialects the engine's reader and Python's csv take alike."""

from dataclasses import dataclass
from pathlib import Path

from frictionless import Dialect
from frictionless.formats import CsvControl

_UTF8 = {"utf-8", "utf-8-sig"}
_HEAD = 1_000_000
_BUFFER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Delimited:
    """A CSV file of which the rows may be split by the engine."""

    path: Path
    encoding: str
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
        return cls(path, encoding, control.delimiter, first)

    def head(self) -> bytes:
        """Give the lines before the first row."""
        with self.path.open("rb") as file:
            return b"".join(file.readline(_HEAD) for _ in range(self.first - 1))

    def in_utf8(self, folder: Path) -> "Delimited":
        """Give the same file in UTF-8, written to *folder* where it is in another encoding.

        Raises UnicodeDecodeError.
        """
        if self.encoding in _UTF8:
            return self
        path = folder / "utf-8.csv"
        with (
            self.path.open(encoding=self.encoding, newline="") as source,
            path.open("w", encoding="utf-8", newline="") as target,
        ):
            while text := source.read(_BUFFER):
                target.write(text)
        return Delimited(path, "utf-8", self.delimiter, self.first)


def first_row(dialect: Dialect) -> int:
    """Give the number of the first row behind the header."""
    return int(dialect.create_first_content_row())  # type: ignore[no-untyped-call]
