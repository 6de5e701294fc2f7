"""NDJSON: one record a line, read line by line."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from publisher.validation.reading.bytes import check_lines, checked_text, notes_on, wrong_encoding
from publisher.validation.reading.document import loads
from publisher.validation.reading.elements import table_of
from publisher.validation.reading.table import Cells, Reading, Table


@contextmanager
def open_lines(path: Path, reading: Reading) -> Iterator[Table]:
    encoding = checked_text(path, reading.encoding)
    check_lines(path)
    with path.open(encoding=encoding) as file:
        try:
            yield table_of(_elements(file), reading, notes_on(encoding, reading.encoding))
        except UnicodeDecodeError as error:
            raise wrong_encoding(path, encoding, reading.encoding) from error


def _elements(lines: Iterable[str]) -> Iterator[Any]:
    """Parse every line that is not blank; one that is no JSON becomes a broken row."""
    for line in lines:
        if line.strip():
            try:
                yield loads(line)
            except ValueError as error:
                yield Cells(raw=[line.rstrip("\r\n")], broken=f"the line is no JSON: {error}")
