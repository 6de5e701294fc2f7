"""The query tree written as CQL2 text (OGC 21-065r2), for partners who read it."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import assert_never

from publisher.model.query import (
    Always,
    Among,
    And,
    Compare,
    Comparison,
    Condition,
    Contains,
    InArea,
    InBox,
    IsNull,
    Like,
    Near,
    Not,
    Or,
    Part,
    Polygon,
    Value,
    flattened,
)

_OPERATORS: Mapping[Comparison, str] = {
    "exact": "=",
    "not": "<>",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
}
_PATTERNS: Mapping[Part, str] = {"contains": "%{}%", "startswith": "{}%", "endswith": "%{}"}
_GEOMETRY = "geometry"
_PLAIN = frozenset({"exact", "gt", "gte", "lt", "lte"})
_LONGEST_PLAIN = 200
"""Characters."""


class UnwritableError(Exception):
    """There is no such condition in CQL2; caught where it is asked what can be passed on."""


def written(part: Condition) -> str:
    """Write a condition; raises UnwritableError."""
    match part:
        case Always(holds):
            return "TRUE" if holds else "FALSE"
        case And(parts) | Or(parts):
            word = " AND " if isinstance(part, And) else " OR "
            return f"({word.join(map(written, parts))})"
        case Not(negated):
            return f"(NOT {written(negated)})"
        case InBox():
            box = ", ".join(map(repr, (part.west, part.south, part.east, part.north)))
            return f"S_INTERSECTS({_GEOMETRY}, BBOX({box}))"
        case InArea(_, polygons):
            shapes = ", ".join(map(_shape, polygons))
            return f"S_INTERSECTS({_GEOMETRY}, MULTIPOLYGON({shapes}))"
        case Near():
            raise UnwritableError
        case _:
            return _of_field(part)


def _of_field(part: Compare | Among | Contains | Like | IsNull) -> str:
    name = quoted(part.field)
    match part:
        case Compare(_, op, value):
            return f"{name} {_OPERATORS[op]} {literal(value)}"
        case Among(_, values, negated):
            word = "NOT IN" if negated else "IN"
            return f"{name} {word} ({', '.join(map(literal, values))})"
        case Contains(_, where, text):
            return f"{name} LIKE {literal(_PATTERNS[where].format(_escaped(text)))}"
        case Like(_, pattern):
            return f"{name} LIKE {literal(pattern)}"
        case IsNull(_, negated):
            return f"{name} IS {'NOT ' if negated else ''}NULL"
    assert_never(part)


def _shape(polygon: Polygon) -> str:
    rings = (
        "(" + ", ".join(f"{east!r} {north!r}" for east, north in ring) + ")" for ring in polygon
    )
    return f"({', '.join(rings)})"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: Value) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case Decimal():
            return f"{value:f}"
        case int() | float():
            return repr(value)
        case datetime():
            return f"'{value.isoformat()}Z'"
        case date() | time():
            return f"'{value.isoformat()}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
    assert_never(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def parted(where: Iterable[Condition]) -> tuple[dict[str, str], list[Condition]]:
    """Give what can be asked as parameters, ``FIELD__OP=value``, and what is left to be written.

    A Publisher reads both alike, and answers the former from memory where it can.
    """
    plain: dict[str, str] = {}
    rest: list[Condition] = []
    for part in flattened(where):
        text = _plainly(part.value) if isinstance(part, Compare) and part.op in _PLAIN else None
        name = f"{part.field}__{part.op}" if isinstance(part, Compare) else ""
        if text is None or name in plain:
            rest.append(part)
        else:
            plain[name] = text
    return plain, rest


def _plainly(value: Value) -> str | None:
    """Write a value as a parameter has it; None where that could be read otherwise."""
    match value:
        case bool():
            return None
        case str():
            return value if 0 < len(value) <= _LONGEST_PLAIN else None
        case datetime():
            return f"{value.isoformat()}Z"
        case date() | int():
            return str(value)
        case _:
            return None
