"""Rows as JSON and as CSV (RFC 4180), from columns that the engine has rendered."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import orjson

from publisher.model.schema import Field
from publisher.query.sql import raw_json


def json_rows(fields: Sequence[Field], rows: Sequence[Sequence[Any]]) -> orjson.Fragment:
    """Write a list of objects; a row may have further columns behind those of *fields*."""
    names = [field.name for field in fields]
    written = [index for index, field in enumerate(fields) if raw_json(field)]
    if written:
        rows = [_unquoted(row, written) for row in rows]
    return orjson.Fragment(orjson.dumps([dict(zip(names, row, strict=False)) for row in rows]))


def csv_rows(fields: Sequence[Field], rows: Sequence[Sequence[Any]]) -> bytes:
    """Write a header and the rows: UTF-8, comma, CRLF; null is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(field.name for field in fields)
    width = len(fields)
    writer.writerows(row[:width] for row in rows)
    return text.getvalue().encode()


def _unquoted(row: Sequence[Any], written: Sequence[int]) -> list[Any]:
    cells = list(row)
    for index in written:
        if cells[index] is not None:
            cells[index] = orjson.Fragment(cells[index])
    return cells
