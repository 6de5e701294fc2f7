"""Series: an entity's rows of one month, or the newest row of every entity, as columns in memory.

What is asked of a table is read here as a stretch of series, and a page cut out of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, repeat
from sys import getsizeof
from typing import Any, cast

import numpy as np

from publisher.engine import Connection, identifier
from publisher.model.catalog import TableEntry
from publisher.model.query import Compare, Condition, Order, Rows, Value
from publisher.model.schema import Field, Schema
from publisher.model.table import TableState, sql_type
from publisher.query.cursor import Signer
from publisher.query.parameters import Form
from publisher.query.rows import Page, Prepared, cursor_after, kept_at_hand
from publisher.query.sql import Statement, condition, filtered, place_column, rendered
from publisher.store import Store

Times = np.ndarray[tuple[int], np.dtype[np.int64]]
Array = np.ndarray[tuple[int], np.dtype[Any]]
Column = Array | list[str | None]
Name = tuple[tuple[Value, ...], int]
"""Of a series: its entity, and its month."""

MOST_ROWS = 50_000
"""Of a series; one with more is never kept."""
MOST_ENTITIES = 2_000
"""The same of the newest rows."""
NEWEST = -1
"""Stands for a month where the newest rows are meant."""
_MOST = 20_000
"""Rows by which series are brought up to date; after more has changed all are read again."""
_MOST_TOGETHER = 750_000
"""Rows that are read by one look for many series."""
_MOST_MONTHS = 2
_OVERHEAD = 1_000
"""Bytes, roughly, that a series takes beside its values."""
_FORMS: frozenset[Form] = frozenset({"json", "ndjson", "csv"})
_NARROW = frozenset({"number", "integer", "boolean"})
"""Types of which many values are read soon."""
_UNCHANGED = frozenset({"string", "integer"})
"""Types of a key's fields whose values are the same whether stored or shown."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST, _LATEST = ((_EPOCH.replace(year=year) - _EPOCH) // _MICROSECOND for year in (1000, 9999))
"""Between these years Python writes a time as the engine does."""
_BEYOND = 2**63 - 1
"""Where a cursor has the id of a row: no row of the same key comes after it."""


@dataclass(frozen=True, slots=True)
class Series:
    """Rows in the order of their key. Columns hold what an answer shows, in UTC."""

    times: Times
    """Microseconds since 1970."""
    same: Mapping[str, Any]
    """Cells that all rows have alike."""
    columns: Mapping[str, Column]
    """By field, but for the time and what is the same."""
    places: Mapping[tuple[Value, ...], int]
    """Of newest rows: where the entity's row is."""
    whole: bool
    """It was not too much to be kept."""

    @property
    def size(self) -> int:
        columns = (self.times, *self.columns.values())
        return _OVERHEAD + sum(map(_size, columns)) + 2 * getsizeof(self.places)

    def cells(self, name: str, of: slice, time: str) -> Iterable[Any]:
        if name == time:
            return map(_instant, self.times[of].tolist())
        column = self.columns.get(name)
        if column is None:
            return repeat(self.same[name])
        return column[of] if isinstance(column, list) else column[of].tolist()

    def place(self, name: str, row: int, time: str) -> Any:
        """Give a sort value as a cursor carries it."""
        of = slice(row, row + 1)
        return self.times[row].item() if name == time else next(iter(self.cells(name, of, time)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked, as a stretch of series."""

    schema: Schema
    time: str
    entity: tuple[Value, ...]
    """Empty: every entity's newest row."""
    months: Sequence[int]
    start: int = 0
    end: int = 0
    """Microseconds since 1970; the end is not part of it."""
    place: int | None = None
    """The time where the page before ended."""
    backwards: bool = False

    @property
    def names(self) -> Sequence[Name]:
        return [(() if month == NEWEST else self.entity, month) for month in self.months]


def wanted_of(prepared: Prepared, form: Form) -> Wanted | None:
    """Give which series are asked for, and what of them; None where it is something else."""
    query, state = prepared.query, prepared.state
    if state is None or query.united or query.version != state.version or not _plain(query):
        return None
    time = _time_of(state.schema, prepared.stored)
    if time is None or not _as_kept(prepared, form):
        return None
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
        return Wanted(state.schema, time, whose, [NEWEST])
    return _stretch(prepared, state.schema, whose, times) if whose else None


def _plain(query: Rows) -> bool:
    extra = query.expansions or query.units or query.groups is not None
    return not extra and query.since is None


def _newest_as_kept(prepared: Prepared, state: TableState) -> bool:
    by_key = prepared.query.order == tuple(map(Order, state.schema.primary_key))
    return by_key and prepared.place is None and kept_at_hand(prepared, state)


def _stretch(
    prepared: Prepared, schema: Schema, whose: tuple[Value, ...], times: Sequence[Compare]
) -> Wanted | None:
    """Give the series of an entity between two times, in whatever order its key settles."""
    place, key = prepared.place, prepared.query.order
    names = [order.field for order in key]
    time = next(name for name in schema.primary_key if schema.by_name[name].role == "time")
    if sorted(names) != sorted(schema.primary_key):
        return None
    at = names.index(time)
    if place is not None and len(place) <= len(key):
        return None
    start, end = _bounds(times)
    if start is None or end is None or not _EARLIEST <= start <= end < _LATEST:
        return None
    months = range(_month(start), _month(max(start, end - 1)) + 1)
    if len(months) > _MOST_MONTHS:
        return None
    before = None if place is None else place[at]
    return Wanted(schema, time, whose, months, start, end, before, backwards=key[at].descending)


def _time_of(schema: Schema, shown: Mapping[str, Field]) -> str | None:
    """Give the time field, where entity and time are the key and can be shown."""
    time, entity = schema.time_field, schema.entity_fields
    if time is None or time.type != "datetime" or not entity:
        return None
    key = [*(field.name for field in entity), time.name]
    plain = all(field.type in _UNCHANGED for field in entity)
    alike = sorted(key) == sorted(schema.primary_key)
    return time.name if plain and alike and shown.keys() >= {*key} else None


def _as_kept(prepared: Prepared, form: Form) -> bool:
    """Tell whether the selected cells are written as they are kept."""
    types = {prepared.stored[name].type for name in prepared.query.select}
    if "datetime" in types and prepared.query.zone != "UTC":
        return False
    return form in _FORMS and (form != "csv" or "boolean" not in types)


def _bounds(times: Sequence[Compare]) -> tuple[int | None, int | None]:
    """Give the half-open interval that all of the comparisons leave, as far as it is bounded."""
    starts, ends = [], []
    for part in times:
        at = (cast("datetime", part.value) - _EPOCH) // _MICROSECOND
        if part.op in {"exact", "gte", "gt"}:
            starts.append(at + (part.op == "gt"))
        if part.op in {"exact", "lte", "lt"}:
            ends.append(at + (part.op != "lt"))
    return max(starts, default=None), min(ends, default=None)


def _month(at: int) -> int:
    day = _EPOCH + at * _MICROSECOND
    return day.year * 12 + day.month - 1


def _first_of(month: int) -> datetime:
    return _EPOCH.replace(year=month // 12, month=month % 12 + 1)


def cut(found: Sequence[Series], wanted: Wanted, prepared: Prepared, signer: Signer) -> Page:
    """Give the page that is asked for out of the series, which follow each other."""
    query, time = prepared.query, wanted.time
    total, skip = 0, query.offset
    rows: list[tuple[Any, ...]] = []
    last: tuple[Series, int] | None = None
    """The last row that is shown."""
    for series in reversed(found) if wanted.backwards else found:
        matching, shown = _span(series, wanted)
        total += len(matching)
        page = shown[skip : skip + query.limit + 1 - len(rows)]
        skip = max(0, skip - len(shown))
        if not page:
            continue
        stop: int | None = page.stop
        of = slice(page.start, None if stop == -1 else stop, page.step)
        if len(rows) < query.limit:
            last = series, page[min(len(page), query.limit - len(rows)) - 1]
        cells = [series.cells(name, of, time) for name in query.select]
        rows += islice(zip(*cells, strict=False), len(page))
    counted = None if prepared.asked.count == "none" else total
    if len(rows) <= query.limit or last is None:
        return Page(rows, None, counted)
    rows.pop()
    series, at = last
    place = [series.place(order.field, at, time) for order in query.order]
    return Page(rows, cursor_after(prepared, [*place, _BEYOND], signer), counted)


def _span(series: Series, wanted: Wanted) -> tuple[range, range]:
    """Give which of the rows match, and which of them are yet to be shown, in their order."""
    everything = range(len(series.times))
    if wanted.months[0] == NEWEST:
        if wanted.entity:
            at = series.places.get(wanted.entity)
            everything = everything[:0] if at is None else everything[at : at + 1]
        return everything, everything
    first, end = map(int, np.searchsorted(series.times, (wanted.start, wanted.end)))
    matching = shown = everything[first:end]
    if wanted.place is not None and wanted.backwards:
        shown = everything[first : min(end, int(np.searchsorted(series.times, wanted.place)))]
    elif wanted.place is not None:
        after = int(np.searchsorted(series.times, wanted.place, side="right"))
        shown = everything[max(first, after) : end]
    return matching, shown[::-1] if wanted.backwards else shown


def load(con: Connection, store: Store, prepared: Prepared, wanted: Wanted, month: int) -> Series:
    """Read the series of that *month*."""
    schema, table = wanted.schema, prepared.query.table
    names = [field.name for field in schema.entity_fields]
    newest = month == NEWEST
    same = {} if newest else dict(zip(names, wanted.entity, strict=True))
    fields = _varying(prepared.stored.values(), {*same, wanted.time})
    name = store.latest_name(table) if newest else store.relation_name(table)
    most = MOST_ENTITIES if newest else MOST_ROWS
    statement = Statement()
    conditions = () if newest else _of_month(wanted, same, month)
    where = [condition(schema.by_name, it, statement) for it in conditions]
    order = ", ".join(map(identifier, schema.primary_key if newest else ()))
    found = con.execute(
        f"SELECT {_listed(fields, schema.by_name[wanted.time])} FROM {name} AS t{filtered(where)}"
        f"{' ORDER BY ' if order else ''}{order} LIMIT {most + 1}",
        statement.parameters,
    ).fetchnumpy()
    *cells, times = found.values()
    columns = {it.name: column for it, column in zip(fields, cells, strict=True)}
    if not newest:
        return _by_time(times, same, columns)
    if len(times) > most or not _of_our_time(times):
        return _too_much()
    kept = {name: _packed(column) for name, column in columns.items()}
    entities = zip(*(kept[name] for name in names), strict=True)
    return Series(times, same, kept, {entity: n for n, entity in enumerate(entities)}, whole=True)


def load_together(
    con: Connection, store: Store, prepared: Prepared, wanted: Wanted, month: int
) -> Mapping[Name, Series] | None:
    """Read every entity's series of that *month* by one look; None where that is too much."""
    schema = wanted.schema
    names = [field.name for field in schema.entity_fields]
    fields = _varying(prepared.stored.values(), {*names, wanted.time})
    if any(field.type not in _NARROW or field.decimal for field in fields):
        return None
    statement = Statement()
    where = [condition(schema.by_name, it, statement) for it in _of_month(wanted, {}, month)]
    entity = ", ".join(map(identifier, names))
    rows = f"FROM {store.relation_name(prepared.query.table)} AS t{filtered(where)}"
    counted = con.execute(
        f"SELECT count(*), {entity} {rows} GROUP BY ALL ORDER BY {entity} LIMIT {MOST_ENTITIES}",
        statement.parameters,
    ).fetchall()
    if len(counted) == MOST_ENTITIES or sum(row[0] for row in counted) > _MOST_TOGETHER:
        return None
    listed = _listed(fields, schema.by_name[wanted.time])
    order = f"{entity}, {identifier(wanted.time)}"
    text = f"SELECT {listed} {rows} ORDER BY {order}"
    *cells, times = con.execute(text, statement.parameters).fetchnumpy().values()
    found, first = {}, 0
    for count, *whose in counted:
        of = slice(first, first := first + count)
        # Copied, for a view would hold the memory of all
        columns = {it.name: column[of].copy() for it, column in zip(fields, cells, strict=True)}
        same = dict(zip(names, whose, strict=True))
        found[tuple(whose), month] = _by_time(times[of].copy(), same, columns)
    return found


@dataclass(frozen=True, slots=True)
class Change:
    """What a series has other than before."""

    gone: Sequence[int]
    """The times of rows that went away or were replaced."""
    times: Times
    columns: Mapping[str, Array]
    """Of rows that came."""


def changes(
    con: Connection, store: Store, before: TableState, entry: TableEntry, names: Sequence[Name]
) -> Mapping[Name, Change] | None:
    """Give what changed in the series *names* up to the newest version.

    None: so much that all of them should be read again.
    """
    after = store.state(con, before.ref)
    if (
        after is None
        or after.version <= before.version
        or after.schema_since > before.version
        or after.oldest_version > before.version
    ):
        return None
    if not names:
        return {}
    schema = after.schema
    entity = [field.name for field in schema.entity_fields]
    time = cast("Field", schema.time_field)
    fields = _varying(entry.shown_fields(schema), {*entity, time.name})
    statement = Statement()
    kinds = [f"{sql_type(field)}[]" for field in schema.entity_fields] + ["BIGINT[]"]
    whose = zip(*((*entities, month) for entities, month in names), strict=True)
    lists = [statement.value(list(it), kind) for it, kind in zip(whose, kinds, strict=True)]
    at = identifier(time.name)
    named = [*map(identifier, entity), f"CAST(year({at}) * 12 + month({at}) - 1 AS BIGINT)"]
    unnested = ", ".join(f"unnest({it})" for it in lists)
    kept = f"({', '.join(named)}) IN (SELECT ({unnested}))"
    columns = ", ".join(f"{it} AS k{n}" for n, it in enumerate(named))

    def look(relation: tuple[str, Sequence[object]], listed: str) -> list[Array]:
        text = f"SELECT {columns}, {listed} FROM {relation[0]} AS t WHERE {kept} LIMIT {_MOST + 1}"
        return list(con.execute(text, [*relation[1], *statement.parameters]).fetchnumpy().values())

    came = look(store.came(after.ref, before.version, after.version), _listed(fields, time))
    went = look(store.went(after.ref, before.version, after.version), _listed([], time))
    if max(len(came[0]), len(went[0])) > _MOST:
        return None
    width = len(named)
    rows, gone = _by_name(came[:width]), _by_name(went[:width])
    none = np.zeros(0, dtype=np.int64)
    found = {}
    for name in {**rows, **gone}:
        of, off = (np.array(it.get(name, none), dtype=np.int64) for it in (rows, gone))
        cells = {it.name: column[of] for it, column in zip(fields, came[width:], strict=False)}
        found[name] = Change(went[-1][off].tolist(), came[-1][of], cells)
    return found


def changed(series: Series, change: Change) -> Series:
    """Give the series as it is after the *change*."""
    left = np.ones(len(series.times), dtype=bool)
    left[np.searchsorted(series.times, change.gone)] = False
    times = np.concatenate([series.times[left], change.times])
    columns = {
        name: _joined(_unpacked(column)[left], _unpacked(change.columns[name]))
        for name, column in series.columns.items()
    }
    return _by_time(times, series.same, columns)


def _by_name(columns: Sequence[Array]) -> dict[Name, list[int]]:
    """Give which rows are of which series."""
    found: dict[Name, list[int]] = defaultdict(list)
    for row, (*entity, month) in enumerate(zip(*(it.tolist() for it in columns), strict=True)):
        found[tuple(entity), month].append(row)
    return found


def _varying(fields: Iterable[Field], same: Collection[str]) -> list[Field]:
    return [field for field in fields if field.name not in same]


def _listed(fields: Sequence[Field], time: Field) -> str:
    cells = [*(rendered(it, "UTC", "json") for it in fields), place_column(time)]
    return ", ".join(f"{cell} AS c{n}" for n, cell in enumerate(cells))


def _by_time(times: Times, same: Mapping[str, Any], columns: Mapping[str, Array]) -> Series:
    if not _rising(times):
        order = np.argsort(times, kind="stable")
        times, columns = times[order], {name: it[order] for name, it in columns.items()}
    # Appended rows may have one key
    if len(times) > MOST_ROWS or not _rising(times):
        return _too_much()
    return Series(times, same, {name: _packed(it) for name, it in columns.items()}, {}, whole=True)


def _too_much() -> Series:
    return Series(np.zeros(0, dtype=np.int64), {}, {}, {}, whole=False)


def _of_month(wanted: Wanted, same: Mapping[str, Value], month: int) -> tuple[Condition, ...]:
    return (
        *(Compare(name, "exact", value) for name, value in same.items()),
        Compare(wanted.time, "gte", _first_of(month)),
        Compare(wanted.time, "lt", _first_of(month + 1)),
    )


def _rising(times: Times) -> bool:
    return bool((times[1:] > times[:-1]).all())


def _of_our_time(times: Times) -> bool:
    return bool(((times >= _EARLIEST) & (times < _LATEST)).all())


def _packed(column: Array) -> Column:
    """Give the cells in as little memory as holds them exactly."""
    if column.dtype == object:
        once: dict[str | None, str | None] = {}
        return [once.setdefault(cell, cell) for cell in column.tolist()]
    if isinstance(column, np.ma.MaskedArray) and not np.ma.is_masked(column):
        column = column.data
    if column.dtype.kind == "i" and len(column):
        for kind in (np.int8, np.int16, np.int32):
            span = np.iinfo(kind)
            if span.min <= column.min() and column.max() <= span.max:
                return column.astype(kind)
    return column


def _unpacked(column: Column) -> Array:
    if not isinstance(column, list) and column.dtype != object:
        return column
    return np.array(column if isinstance(column, list) else column.tolist(), dtype=object)


def _joined(one: Array, other: Array) -> Array:
    if isinstance(one, np.ma.MaskedArray) or isinstance(other, np.ma.MaskedArray):
        return cast("Array", np.ma.concatenate([one, other]))  # type: ignore[no-untyped-call]
    return np.concatenate([one, other])


def _size(column: Column) -> int:
    if not isinstance(column, list):
        return column.nbytes * (2 if isinstance(column, np.ma.MaskedArray) else 1)
    return 8 * len(column) + sum(map(getsizeof, {id(it): it for it in column}.values()))


@lru_cache(maxsize=32_768)
def _instant(at: int) -> str:
    return (_EPOCH + at * _MICROSECOND).isoformat() + "Z"
