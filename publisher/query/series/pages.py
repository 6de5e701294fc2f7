"""Which series a question is about, and the page that is cut out of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, cast

import numpy as np

from publisher.model.query import Compare, Groups, Order, Value
from publisher.model.table import TableState
from publisher.query.groups import BUCKET
from publisher.query.parameters import Form
from publisher.query.rows import Page, Prepared, kept_at_hand
from publisher.query.series.buckets import bucketed, plain
from publisher.query.series.columns import (
    EARLIEST,
    EPOCH,
    LATEST,
    MICROSECOND,
    NEWEST,
    Name,
    Series,
    Shape,
    month_of,
)

_FORMS: frozenset[Form] = frozenset({"json", "ndjson", "csv"})
_MOST_MONTHS = 2
_UNCHANGED = frozenset({"string", "integer"})
"""Types of a key's fields whose values are the same whether stored or shown."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked, as a stretch of series."""

    shape: Shape
    time: str
    """What the page is in the order of: the time, or the bucket."""
    entity: tuple[Value, ...]
    """Empty: every entity's newest row."""
    months: Sequence[int]
    start: int = 0
    end: int = 0
    """Microseconds since 1970; the end is not part of it."""
    backwards: bool = False
    groups: Groups | None = None
    """What is to be worked out of the rows."""

    @property
    def names(self) -> Sequence[Name]:
        return [(() if month == NEWEST else self.entity, month) for month in self.months]


def wanted_of(prepared: Prepared, form: Form) -> Wanted | None:
    """Give which series are asked for, and what of them; None where it is something else."""
    query, state = prepared.query, prepared.state
    if state is None or query.united or query.version != state.version or not _plain(prepared):
        return None
    shape = _shape_of(prepared, state)
    if shape is None or not _as_kept(prepared, form):
        return None
    time = shape.time.name
    names = [field.name for field in state.schema.entity_fields]
    entity: dict[str, Value] = {}
    times: list[Compare] = []
    for part in query.where:
        if not isinstance(part, Compare):
            return None
        if part.field in names and part.op == "exact" and part.field not in entity:
            entity[part.field] = part.value
        elif part.field == time and part.op != "not":
            times.append(part)
        else:
            return None
    whose = tuple(entity[name] for name in names) if len(entity) == len(names) else ()
    if query.newest is not None:
        if times or bool(entity) != bool(whose) or not _newest_as_kept(prepared, state):
            return None
        return Wanted(shape, time, whose, [NEWEST])
    return _stretch(prepared, shape, whose, times) if whose else None


def _plain(prepared: Prepared) -> bool:
    query = prepared.query
    extra = query.expansions or query.units or query.since is not None
    return not extra and prepared.place is None and prepared.asked.count != "estimated"


def _newest_as_kept(prepared: Prepared, state: TableState) -> bool:
    by_key = prepared.query.order == tuple(map(Order, state.schema.primary_key))
    return by_key and kept_at_hand(prepared, state)


def _stretch(
    prepared: Prepared, shape: Shape, whose: tuple[Value, ...], times: Sequence[Compare]
) -> Wanted | None:
    """Give the series of an entity between two times, in whatever order its key settles."""
    query, key = prepared.query, list(shape.schema.primary_key)
    time, groups = shape.time.name, query.groups
    if groups is not None:
        if not plain(groups, shape.fields, key, query.zone):
            return None
        time, key = BUCKET, [*groups.by, BUCKET]
    names = [order.field for order in query.order]
    if sorted(names) != sorted(key):
        return None
    at = names.index(time)
    start, end = _bounds(times)
    if start is None or end is None or not EARLIEST <= start <= end < LATEST:
        return None
    months = range(month_of(start), month_of(max(start, end - 1)) + 1)
    if len(months) > _MOST_MONTHS:
        return None
    backwards = query.order[at].descending
    return Wanted(shape, time, whose, months, start, end, backwards, groups)


def _shape_of(prepared: Prepared, state: TableState) -> Shape | None:
    """Give the table's shape, where entity and time are the key and can be shown."""
    schema, shown = state.schema, prepared.stored
    time, entity = schema.time_field, schema.entity_fields
    if time is None or time.type != "datetime" or not entity:
        return None
    key = [*(field.name for field in entity), time.name]
    unchanged = all(field.type in _UNCHANGED for field in entity)
    if unchanged and sorted(key) == sorted(schema.primary_key) and shown.keys() >= {*key}:
        return Shape(state.ref, schema, shown, time)
    return None


def _as_kept(prepared: Prepared, form: Form) -> bool:
    """Tell whether the selected cells are written as they are kept."""
    types = {prepared.fields[name].type for name in prepared.query.select}
    if "datetime" in types and prepared.query.zone != "UTC":
        return False
    return form in _FORMS and (form != "csv" or "boolean" not in types)


def _bounds(times: Sequence[Compare]) -> tuple[int | None, int | None]:
    """Give the half-open interval that all of the comparisons leave, as far as it is bounded."""
    starts, ends = [], []
    for part in times:
        at: int = (cast("Any", part.value) - EPOCH) // MICROSECOND
        if part.op in {"exact", "gte", "gt"}:
            starts.append(at + (part.op == "gt"))
        if part.op in {"exact", "lte", "lt"}:
            ends.append(at + (part.op != "lt"))
    return max(starts, default=None), min(ends, default=None)


def page_of(found: Sequence[Series], wanted: Wanted, prepared: Prepared) -> Page | None:
    """Give the page that is asked for out of the series, which follow each other.

    None where it is for the engine to find, as is one that others follow: the place where it ends
    is a row of the store's.
    """
    if wanted.groups is not None:
        buckets = bucketed(found, (wanted.start, wanted.end), wanted.groups)
        if buckets is None:
            return None
        # The first may begin before the time that was asked for
        found, wanted = [buckets], replace(wanted, start=EARLIEST, end=LATEST)
    query, total, skip = prepared.query, 0, prepared.query.offset
    rows: list[tuple[Any, ...]] = []
    for series in reversed(found) if wanted.backwards else found:
        matching = _matching(series, wanted)
        total += len(matching)
        page = matching[skip:]
        skip = max(0, skip - len(matching))
        if len(rows) + len(page) > query.limit:
            return None
        stop: int | None = page.stop
        of = slice(page.start, None if stop == -1 else stop, page.step)
        cells = [series.cells(name, of, wanted.time) for name in query.select]
        rows += islice(zip(*cells, strict=False), len(page))
    return Page(rows, None, None if prepared.asked.count == "none" else total)


def _matching(series: Series, wanted: Wanted) -> range:
    """Give which of the rows match, in their order."""
    everything = range(len(series.times))
    if wanted.months[0] != NEWEST:
        first, end = map(int, np.searchsorted(series.times, (wanted.start, wanted.end)))
        return everything[first:end][:: -1 if wanted.backwards else 1]
    if wanted.entity:
        at = series.places.get(wanted.entity)
        return everything[:0] if at is None else everything[at : at + 1]
    return everything
