"""Columns of a table that is known by its first records alone, or by a JSON schema of them."""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from publisher.model.schema import FieldType
from publisher.validation.reading.elements import at

SAMPLE = 1_000
"""Records whose values tell what a column's type is."""
_PAGES = 10
"""That are read for them at the most."""
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_FORMATS: Mapping[str, FieldType] = {"date-time": "datetime", "date": "date"}
_FITTING: Mapping[FieldType, tuple[FieldType, ...]] = {
    "number": ("integer",),
    "string": ("date", "datetime"),
}
"""Types that values are taken for which fit another one."""
_TYPES: Mapping[str, FieldType] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "array": "array",
    "object": "object",
}


async def sampled(pages: AsyncIterator[Sequence[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """Give the records of the first pages."""
    found: list[Mapping[str, Any]] = []
    count = 0
    async for page in pages:
        found += page
        count += 1
        if len(found) >= SAMPLE or count >= _PAGES:
            break
    return found[:SAMPLE]


def types_of(records: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> dict[str, FieldType]:
    """Give the type that all values of each column fit; those without a value are left out."""
    found = {}
    for column in columns:
        kinds = {_kind(at(dict(record), column)) for record in records} - {None}
        kind = _common({it for it in kinds if it is not None})
        if kind is not None:
            found[column] = kind
    return found


def columns_of(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give the columns of all records, in the order in which they come."""
    return list(dict.fromkeys(name for record in records for name in record))


def type_of(stated: object) -> FieldType | None:
    """Give the type of a property that a JSON schema states; None where it tells of none."""
    if not isinstance(stated, dict):
        return None
    kinds = stated.get("type")
    named = [str(it) for it in (kinds if isinstance(kinds, list) else [kinds]) if it != "null"]
    kind = _TYPES.get(named[0]) if len(named) == 1 else None
    return _FORMATS.get(str(stated.get("format")), kind) if kind == "string" else kind


def settled(stated: FieldType | None, seen: FieldType | None) -> FieldType | None:
    """Give the stated type, unless there are values that it cannot have."""
    if stated is None or seen is None:
        return stated or seen
    fits = {stated, *_FITTING.get(stated, ())}
    return stated if seen in fits else seen


def _kind(value: object) -> FieldType | None:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str() if _DATETIME.fullmatch(value):
            return "datetime"
        case str() if _DATE.fullmatch(value):
            return "date"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return None


def _common(kinds: set[FieldType]) -> FieldType | None:
    if len(kinds) <= 1:
        return next(iter(kinds), None)
    if kinds == {"integer", "number"}:
        return "number"
    return "string" if kinds <= {"string", "date", "datetime"} else "any"
