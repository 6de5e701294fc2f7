"""A place in a total order, as a condition that can be passed on."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from publisher.model.query import And, Compare, Condition, IsNull, Or, Order, Value
from publisher.model.schema import Field

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_READ: Mapping[str, Callable[[Any], Value]] = {
    "datetime": lambda microseconds: _EPOCH + timedelta(microseconds=microseconds),
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}


def value_at(field: Field, place: Any) -> Value:
    """Give a value as conditions have it, of one as a cursor has it."""
    if field.type == "number" and field.decimal is not None:
        return Decimal(place)
    read = _READ.get(field.type)
    found: Value = place if read is None else read(place)
    return found


def after(
    order: Sequence[Order], fields: Mapping[str, Field], place: Sequence[Any]
) -> Condition | None:
    """Give the condition that a row comes after *place*; None where none can.

    Nulls come last either way.
    """
    beyond: list[Condition] = []
    same: list[Condition] = []
    for part, stated in zip(order, place, strict=True):
        name = part.field
        if stated is None:
            same.append(IsNull(name))
            continue
        value = value_at(fields[name], stated)
        further: list[Condition] = [IsNull(name)]
        if not isinstance(value, bool):
            further.append(Compare(name, "lt" if part.descending else "gt", value))
        elif value == part.descending:  # there is but one value beyond, and no other comparison
            further.append(Compare(name, "exact", not value))
        beyond.append(_all([*same, further[0] if len(further) == 1 else Or(tuple(further))]))
        same.append(Compare(name, "exact", value))
    if not beyond:
        return None
    return beyond[0] if len(beyond) == 1 else Or(tuple(beyond))


def _all(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else And(tuple(parts))
