"""``filter``: conditions in CQL2, read into the query tree.

The text is parsed into the JSON form first, and that form alone is read, so both say the same.
Values are read as the field's own type, as those of the other parameters are.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any

from publisher.errors import ParameterError
from publisher.model.query import (
    Always,
    Among,
    And,
    Compare,
    Comparison,
    Condition,
    IsNull,
    Like,
    Not,
    Or,
    Place,
)
from publisher.model.schema import Field
from publisher.query.areas import area_of, box_of
from publisher.query.cql2 import Number, from_json, from_text, too_deep
from publisher.query.cql2 import op as node_of
from publisher.query.names import unknown
from publisher.query.parameters import MOST_AREAS, MOST_DEPTH, MOST_FILTER, MOST_TERMS
from publisher.query.times import fault
from publisher.query.values import OPERATORS_OF, read_value

GEOMETRY = "geometry"
"""The name that a point goes by in a condition, whatever its two fields are called."""

_COMPARISONS: Mapping[str, Comparison] = {
    "=": "exact", "<>": "not", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte",
}  # fmt: skip
_TURNED = {"=": "=", "<>": "<>", ">": "<", ">=": "<=", "<": ">", "<=": ">="}

_OPEN = ".."
_TEMPORAL: Mapping[str, tuple[tuple[Comparison, int], ...]] = {
    "t_after": (("gt", 1),),
    "t_before": (("lt", 0),),
    "t_equals": (("exact", 0), ("exact", 1)),
    "t_during": (("gt", 0), ("lt", 1)),
    "t_intersects": (("gte", 0), ("lte", 1)),
}
"""How the field stands to the first (0) and the last (1) instant of an interval."""


def read_filter(
    stated: str | Mapping[str, Any] | bool,
    fields: Mapping[str, Field],
    place: Place | None,
    zone: tzinfo,
) -> Condition:
    """Read a filter on *fields*: CQL2 as text, as JSON text, or the JSON itself.

    Points lie in *place*; instants without an offset are in *zone*. Raises ParameterError.
    """
    if isinstance(stated, str):
        if len(stated) > MOST_FILTER:
            raise ParameterError("filter-too-long", parameter="filter", most=MOST_FILTER)
        stated = from_json(stated) if stated.lstrip()[:1] == "{" else from_text(stated)
    return _Reader(fields, place, zone).condition(stated, 0)


class _Reader:
    """Reads the JSON form; every part of it may be wrong in any way."""

    def __init__(self, fields: Mapping[str, Field], place: Place | None, zone: tzinfo) -> None:
        self._fields = fields
        self._place = place
        self._zone = zone
        self._terms = 0
        self._areas = 0

    def condition(self, node: Any, depth: int) -> Condition:
        if depth > MOST_DEPTH:
            raise too_deep()
        self._count(1)
        if isinstance(node, bool):
            return Always(node)
        if not isinstance(node, dict) or not isinstance(node.get("op"), str):
            raise _no_condition(node)
        op, args = node["op"], node.get("args")
        if not isinstance(args, list) or not args:
            raise _no_condition(node)
        if op in {"and", "or"}:
            parts = tuple(self.condition(it, depth + 1) for it in args)
            return And(parts) if op == "and" else Or(parts)
        if op == "not" and len(args) == 1:
            return Not(self.condition(args[0], depth + 1))
        reader = _PREDICATES.get(op)
        if reader is None:
            raise unknown("operator", op, ["and", "or", "not", *_PREDICATES], "filter")
        return reader(self, op, args)

    def _count(self, terms: int) -> None:
        self._terms += terms
        if self._terms > MOST_TERMS:
            raise ParameterError("filter-too-large", parameter="filter", most=MOST_TERMS)

    def _compare(self, op: str, args: list[Any]) -> Condition:
        if len(args) == 2 and not _is_name(args[0]) and _is_name(args[1]):
            op, args = _TURNED[op], args[::-1]
        field, value = self._operands(args, 2)
        self._check(field, op, _COMPARISONS[op])
        return Compare(field.name, _COMPARISONS[op], self._value(field, value))

    def _between(self, op: str, args: list[Any]) -> Condition:
        field, low, high = self._operands(args, 3)
        self._check(field, op, "gte")
        return And(
            (
                Compare(field.name, "gte", self._value(field, low)),
                Compare(field.name, "lte", self._value(field, high)),
            )
        )

    def _among(self, op: str, args: list[Any]) -> Condition:
        field, values = self._operands(args, 2)
        self._check(field, op, "in")
        if not isinstance(values, list) or not values:
            raise _no_condition(node_of(op, *args))
        self._count(len(values))
        return Among(field.name, tuple(self._value(field, it) for it in values))

    def _like(self, op: str, args: list[Any]) -> Condition:
        field, pattern = self._operands(args, 2)
        self._check(field, op, "contains")
        if not isinstance(pattern, str) or isinstance(pattern, Number):
            raise self._wrong(field, pattern)
        text = str(self._value(field, pattern))
        if re.search(r"(?<!\\)(?:\\\\)*\\\Z", text):
            raise fault("filter-escape", "filter", text)
        return Like(field.name, text)

    def _null(self, op: str, args: list[Any]) -> Condition:
        (field,) = self._operands(args, 1)
        self._check(field, op, "isnull")
        return IsNull(field.name)

    def _temporal(self, op: str, args: list[Any]) -> Condition:
        field, stated = self._operands(args, 2)
        if field.type not in {"date", "datetime"}:
            raise self._unfit(field, op)
        interval = stated.get("interval") if isinstance(stated, dict) else None
        bounds = [stated, stated] if interval is None else interval
        if not isinstance(bounds, list) or len(bounds) != 2 or bounds == [_OPEN, _OPEN]:
            raise self._wrong(field, stated)
        values = [None if it == _OPEN else self._value(field, it) for it in bounds]
        parts: list[Condition] = []
        for how, side in _TEMPORAL[op]:
            if (value := values[side]) is not None:
                parts.append(Compare(field.name, how, value))
            elif op not in {"t_during", "t_intersects"}:
                # Nothing is beyond an open end; of a null even that cannot be said
                closed = next(it for it in values if it is not None)
                return And((Compare(field.name, "gt", closed), Compare(field.name, "lt", closed)))
        return And(tuple(dict.fromkeys(parts)))

    def _spatial(self, op: str, args: list[Any]) -> Condition:
        if len(args) != 2 or not _is_name(args[0]):
            raise _no_condition(node_of(op, *args))
        name = args[0]["property"]
        if self._place is None:
            raise fault("no-place-fields", "filter", name)
        if name not in {GEOMETRY, self._place.longitude, self._place.latitude}:
            raise unknown("field", name, [GEOMETRY], "filter")
        self._areas += 1
        if self._areas > MOST_AREAS:
            raise ParameterError("many-areas", parameter="filter", most=MOST_AREAS)
        geometry = args[1]
        if isinstance(geometry, dict) and isinstance(geometry.get("bbox"), list):
            return box_of("filter", [str(it) for it in geometry["bbox"]], self._place)
        return area_of("filter", geometry, self._place)

    def _operands(self, args: list[Any], count: int) -> Any:
        if len(args) != count or not _is_name(args[0]):
            raise _no_condition(args)
        name = args[0]["property"]
        if name not in self._fields:
            raise unknown("field", name, self._fields, "filter")
        for other in args[1:]:
            if _is_name(other):
                raise fault("filter-two-fields", "filter", other["property"])
        return self._fields[name], *args[1:]

    def _check(self, field: Field, op: str, needed: str) -> None:
        if needed not in OPERATORS_OF[field.type]:
            raise self._unfit(field, op)

    def _unfit(self, field: Field, op: str) -> ParameterError:
        return fault(
            "operator-not-for-type",
            "filter",
            op,
            field=field.name,
            type=field.type,
            allowed=list(OPERATORS_OF[field.type]),
        )

    def _value(self, field: Field, node: Any) -> Any:
        if isinstance(node, dict) and len(node) == 1:
            kind, text = next(iter(node.items()))
            wanted = {"timestamp": {"datetime"}, "date": {"date", "datetime"}}.get(kind, set())
            if field.type in wanted and isinstance(text, str):
                return read_value(field, "filter", text, self._zone)
        elif isinstance(node, bool):
            if field.type == "boolean":
                return node
        elif isinstance(node, Number):
            if field.type in {"number", "integer", "year"}:
                return read_value(field, "filter", str(node), self._zone)
        elif isinstance(node, str) and field.type not in {"number", "integer", "year", "boolean"}:
            return read_value(field, "filter", node, self._zone)
        raise self._wrong(field, node)

    def _wrong(self, field: Field, node: Any) -> ParameterError:
        return fault(
            "filter-wrong-type",
            "filter",
            _shown(node),
            field=field.name,
            type=field.type,
            wanted=_EXAMPLES.get(field.type, "'text'"),
        )


_EXAMPLES = {
    "number": "2.5",
    "integer": "25",
    "year": "2026",
    "boolean": "TRUE",
    "date": "DATE('2026-01-31')",
    "datetime": "TIMESTAMP('2026-01-31T12:00:00Z')",
    "time": "'12:30:00'",
    "yearmonth": "'2026-01'",
}

_PREDICATES: Mapping[str, Callable[[_Reader, str, list[Any]], Condition]] = {
    **dict.fromkeys(_COMPARISONS, _Reader._compare),  # noqa: SLF001 - a table of its own methods
    "between": _Reader._between,  # noqa: SLF001
    "in": _Reader._among,  # noqa: SLF001
    "like": _Reader._like,  # noqa: SLF001
    "isNull": _Reader._null,  # noqa: SLF001
    **dict.fromkeys(
        _TEMPORAL,
        _Reader._temporal,  # noqa: SLF001
    ),
    "s_intersects": _Reader._spatial,  # noqa: SLF001
}


def _is_name(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("property"), str)


def _no_condition(node: Any) -> ParameterError:
    return fault("filter-no-condition", "filter", _shown(node))


def _shown(node: Any) -> str:
    if isinstance(node, Number):
        return str(node)
    try:
        return json.dumps(node, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):
        return "…"
