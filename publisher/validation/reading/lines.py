"""NDJSON: one record a line, read line by line."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from publisher.validation.reading.bytes import check_lines, checked_text, notes_on, wrong_encoding
from publisher.validation.reading.elements import nested_too_deep, table_of
from publisher.validation.reading.table import Cells, Reading, Table

_TOO_DEEP = "the line is nested too deep"


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
    for line in lines:
        if line.strip():
            yield _element(line)


def _element(line: str) -> Any:
    """Parse a line, and what Python's reader takes beyond JSON (NaN), to be judged as a cell.

    One that is no JSON or cannot be kept as it is becomes a broken row.
    """
    try:
        element = _parsed(line)
    except ValueError as error:
        broken = f"the line is no JSON: {error}"
    except RecursionError:
        broken = _TOO_DEEP
    else:
        if not nested_too_deep(element, line.count("[") + line.count("{")):
            return element
        broken = _TOO_DEEP
    return Cells(raw=[line.rstrip("\r\n")], broken=broken)


def _parsed(line: str) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line)
