"""Rows in the formats of an answer, from columns that the engine has rendered.

JSON and GeoJSON (RFC 7946) members, NDJSON, and CSV (RFC 4180). A row may have further columns
behind those of its fields.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

import orjson

from publisher.model.query import DELETED
from publisher.model.schema import Field
from publisher.query.output import Style
from publisher.query.sql import raw_json

Rows = Sequence[Sequence[Any]]
_BOM = "\ufeff"


Key = Sequence[str] | None
"""Of an answer that tells of deleted rows: what is told of them."""


def json_rows(fields: Sequence[Field], rows: Rows, key: Key = None) -> orjson.Fragment:
    """Write a list of objects, a member a field."""
    return orjson.Fragment(orjson.dumps(list(_objects(fields, rows, key))))


def json_arrays(fields: Sequence[Field], rows: Rows) -> orjson.Fragment:
    """Write a list of arrays, in the fields' order."""
    width = len(fields)
    return orjson.Fragment(orjson.dumps([row[:width] for row in _cells(fields, rows)]))


def ndjson_rows(fields: Sequence[Field], rows: Rows, key: Key = None) -> bytes:
    """Write an object a line."""
    return b"".join(
        orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in _objects(fields, rows, key)
    )


def geojson_features(fields: Sequence[Field], rows: Rows, key: Key = None) -> orjson.Fragment:
    """Write a list of features; longitude and latitude come behind the fields' columns."""
    width = len(fields)
    return orjson.Fragment(
        orjson.dumps(
            [
                {
                    "type": "Feature",
                    "geometry": _point(*row[width : width + 2]),
                    "properties": shown,
                }
                for row, shown in zip(rows, _objects(fields, rows, key), strict=True)
            ]
        )
    )


def csv_rows(fields: Sequence[Field], rows: Rows, style: Style) -> bytes:
    """Write a header and the rows: UTF-8, CRLF; null is an empty cell."""
    text = io.StringIO(newline="")
    if style.bom:
        text.write(_BOM)
    writer = csv.writer(text, lineterminator="\r\n", delimiter=style.separator)
    writer.writerow(field.name for field in fields)
    width = len(fields)
    if style.decimal == ".":
        writer.writerows(row[:width] for row in rows)
    else:
        numbers = [index for index, field in enumerate(fields) if field.type == "number"]
        writer.writerows(_localised(row[:width], numbers, style.decimal) for row in rows)
    return text.getvalue().encode()


def _objects(fields: Sequence[Field], rows: Rows, key: Key) -> Iterator[dict[str, Any]]:
    names = [field.name for field in fields]
    # A loop in C: rows are many
    found = map(dict, map(zip, repeat(names), _cells(fields, rows)))
    return found if key is None else (_changed(row, key) for row in found)


def _changed(row: dict[str, Any], key: Sequence[str]) -> dict[str, Any]:
    return {**{name: row[name] for name in key}, DELETED: True} if row.pop(DELETED) else row


def _cells(fields: Sequence[Field], rows: Rows) -> Rows:
    """Give the rows with what is JSON text already marked as such."""
    written = [index for index, field in enumerate(fields) if raw_json(field)]
    return [_unquoted(row, written) for row in rows] if written else rows


def _unquoted(row: Sequence[Any], written: Sequence[int]) -> list[Any]:
    cells = list(row)
    for index in written:
        if cells[index] is not None:
            cells[index] = orjson.Fragment(cells[index])
    return cells


def _localised(row: Sequence[Any], numbers: Sequence[int], mark: str) -> list[Any]:
    cells = list(row)
    for index in numbers:
        if cells[index] is not None:
            cells[index] = str(cells[index]).replace(".", mark)
    return cells


def _point(longitude: float | None, latitude: float | None) -> dict[str, Any] | None:
    if longitude is None or latitude is None:
        return None
    return {"type": "Point", "coordinates": [longitude, latitude]}
