"""CSV, through Frictionless' own parser with the full dialect."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frictionless import FrictionlessException
from frictionless.formats import CsvParser
from frictionless.resources import TableResource

from publisher.errors import DeliveryError
from publisher.validation.proof.dialects import Delimited
from publisher.validation.reading.bytes import check_lines, checked_text, notes_on, wrong_encoding
from publisher.validation.reading.table import Reading, Table, header_of

LARGEST_CELL = 16 * 1024 * 1024
"""Characters. Frictionless lifts Python's limit to 2 GB, so an unclosed quote would take the
rest of the file into memory; this puts a bound on it again, for the whole process (the import
of its parser, above, is what lifts it)."""

csv.field_size_limit(LARGEST_CELL)


@contextmanager
def open_delimited(path: Path, reading: Reading) -> Iterator[Table]:
    encoding = checked_text(path, reading.encoding)
    check_lines(path)
    resource = TableResource(
        path=path.name,
        basepath=str(path.parent),
        scheme="file",
        format="csv",
        encoding=encoding,
        dialect=(dialect := reading.frictionless_dialect()),
    )
    with _explained(path, encoding, reading.encoding), CsvParser(resource) as parser:
        labels = header_of(dialect, parser.sample)
        rows = dialect.read_enumerated_content_stream(parser.cell_stream)
        yield Table(
            labels,
            rows,
            notes_on(encoding, reading.encoding),
            file=Delimited.of(path, encoding, dialect),
        )


@contextmanager
def _explained(path: Path, encoding: str, stated: str | None) -> Iterator[None]:
    try:
        yield
    except FrictionlessException as error:
        if error.error.type == "encoding-error":
            raise wrong_encoding(path, encoding, stated) from error
        raise DeliveryError("unreadable-delivery", reason=error.error.note) from error
