"""Values of parameters, read as the field's type; and comma lists.

Each refusal names the parameter, the value and what would be allowed.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time, tzinfo
from decimal import Decimal
from typing import TypeVar

from publisher.model.query import Value
from publisher.model.schema import Field, FieldType
from publisher.query.names import unknown
from publisher.query.parameters import MOST_ITEMS, OPERATORS
from publisher.query.times import fault, read_instant

T = TypeVar("T", bound=str)

_EQUALITY = ("exact", "not", "in", "notin", "isnull")
_ORDERED = ("exact", "not", "gt", "gte", "lt", "lte", "in", "notin", "isnull")
_TEXT = tuple(OPERATORS)
_DOCUMENT = ("isnull",)

OPERATORS_OF: Mapping[FieldType, tuple[str, ...]] = {
    "string": _TEXT,
    "any": _TEXT,
    "number": _ORDERED,
    "integer": _ORDERED,
    "boolean": _EQUALITY,
    "date": _ORDERED,
    "time": _ORDERED,
    "datetime": _ORDERED,
    "year": _ORDERED,
    "yearmonth": _ORDERED,
    "duration": _EQUALITY,
    "geopoint": _EQUALITY,
    "geojson": _DOCUMENT,
    "array": _DOCUMENT,
    "object": _DOCUMENT,
    "list": _DOCUMENT,
}
"""What can be asked of a field of each type."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"[+ -]?\d{1,40}")
_NUMBER = re.compile(r"[+ -]?(\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})([eE][+ -]?\d{1,4})?")
_YEAR = re.compile(r"-?\d{1,4}")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_MOST_DIGITS = 38
"""Of a decimal in the engine."""


def sortable(field: Field) -> bool:
    return "gt" in OPERATORS_OF[field.type] or field.type == "boolean"


def read_value(field: Field, parameter: str, text: str, zone: tzinfo) -> Value:
    """Read *text* as a value of *field*; raises ParameterError."""
    if text == "" and field.type not in {"string", "any"}:
        raise fault("empty-value", parameter, text)
    if "\0" in text:
        raise fault("text-with-nul", parameter, text)
    if _SURROGATE.search(text):
        raise fault("text-not-unicode", parameter, _SURROGATE.sub("\ufffd", text))
    if field.type == "datetime":
        return read_instant(parameter, text, zone)
    if field.type == "number" and field.decimal is not None:
        return _decimal(field.decimal, parameter, text)
    return _READERS.get(field.type, _text)(parameter, text)


def read_list(parameter: str, text: str) -> list[str]:
    """Split a comma list whose items may be double-quoted as in CSV."""
    if text == "":
        return [""]
    try:
        lines = list(csv.reader([text], strict=True))
    except csv.Error:
        raise fault("broken-list", parameter, text) from None
    items = lines[0] if len(lines) == 1 else []
    if not items:
        raise fault("broken-list", parameter, text)
    if len(items) > MOST_ITEMS:
        raise fault("long-list", parameter, text, most=MOST_ITEMS)
    return items


def read_names(parameter: str, text: str, fields: Mapping[str, Field]) -> tuple[str, ...]:
    """Read a list of *fields*, each once; raises ParameterError."""
    names = read_list(parameter, text)
    for name in names:
        if name not in fields:
            raise unknown("field", name, fields, parameter)
    if len(set(names)) < len(names):
        raise fault("name-twice", parameter, text)
    return tuple(names)


def read_grouping(parameter: str, text: str, fields: Mapping[str, Field]) -> tuple[str, ...]:
    """Read a list of fields whose values can be told apart and sorted; raises ParameterError."""
    names = read_names(parameter, text, fields)
    for name in names:
        if not sortable(fields[name]):
            raise fault("not-sortable", parameter, name, type=fields[name].type)
    return names


def read_boolean(parameter: str, text: str) -> bool:
    if text not in {"true", "false"}:
        raise fault("not-a-boolean", parameter, text, allowed=["true", "false"])
    return text == "true"


def read_choice(parameter: str, text: str, choices: Sequence[T]) -> T:
    """Give the one of *choices* that is written like *text*."""
    for choice in choices:
        if text == choice:
            return choice
    raise fault("not-a-choice", parameter, text, allowed=choices, choices=", ".join(choices))


def read_count(parameter: str, text: str, least: int, most: int) -> int:
    """Read a whole number between *least* and *most*, of a URL parameter of ours."""
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII) or not least <= int(text) <= most:
        raise fault("not-in-range", parameter, text, least=least, most=most)
    return int(text)


def _text(_parameter: str, text: str) -> str:
    return text


def _signed(text: str) -> str:
    return text.replace(" ", "+")


def _integer(parameter: str, text: str) -> int:
    if not _INTEGER.fullmatch(text) or not text.isascii():
        raise fault("not-an-integer", parameter, text)
    value = int(_signed(text))
    if not -(2**63) <= value < 2**63:
        raise fault("integer-too-large", parameter, text)
    return value


def _number(parameter: str, text: str) -> float:
    if not _NUMBER.fullmatch(text) or not text.isascii():
        raise fault("not-a-number", parameter, text)
    value = float(_signed(text))
    if value in {float("inf"), float("-inf")}:
        raise fault("number-too-large", parameter, text)
    return value


def _decimal(precision: str, parameter: str, text: str) -> Decimal:
    if not _NUMBER.fullmatch(text) or not text.isascii():
        raise fault("not-a-number", parameter, text)
    value = Decimal(_signed(text))
    _, stated, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - neither infinite nor NaN: the pattern has none
    digits, scale = (int(part) for part in precision.split(","))
    whole = max(len(stated) + exponent if value else 0, digits - scale)
    if whole + max(-exponent, scale) > _MOST_DIGITS:
        raise fault("number-too-large", parameter, text)
    return value


def _date(parameter: str, text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise fault("not-a-date", parameter, text)


def _time(parameter: str, text: str) -> time:
    try:
        if re.fullmatch(r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", text, re.ASCII):
            return time.fromisoformat(text)
    except ValueError:
        pass
    raise fault("not-a-time", parameter, text)


def _year(parameter: str, text: str) -> int:
    if not _YEAR.fullmatch(text) or not text.isascii():
        raise fault("not-a-year", parameter, text)
    return int(text)


def _month(parameter: str, text: str) -> str:
    if not _MONTH.fullmatch(text) or not text.isascii():
        raise fault("not-a-month", parameter, text)
    return text


_READERS: Mapping[FieldType, Callable[[str, str], Value]] = {
    "integer": _integer,
    "number": _number,
    "boolean": read_boolean,
    "date": _date,
    "time": _time,
    "year": _year,
    "yearmonth": _month,
}
