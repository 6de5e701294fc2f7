"""Series: an entity's rows of one month, or the newest row of every entity, as columns in memory.

They are read from the store whole, and changed by what a commit changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import repeat
from sys import getsizeof
from typing import Any, cast

import numpy as np

from publisher.engine import Connection, identifier
from publisher.model.query import Compare, Value
from publisher.model.schema import Field, Schema
from publisher.model.table import TableState, sql_type
from publisher.model.values import TableRef
from publisher.query.sql import Statement, condition, filtered, place_column, rendered
from publisher.store import Store

Times = np.ndarray[tuple[int], np.dtype[np.int64]]
Array = np.ndarray[tuple[int], np.dtype[Any]]
Column = Array | list[str | None]
Name = tuple[tuple[Value, ...], int]
"""Of a series: its entity, and its month."""

MOST_ROWS = 50_000
"""Of a series; one with more is never kept."""
MOST_TEXTS = 10_000
"""The same where some of its cells are text."""
MOST_ENTITIES = 2_000
"""The same of the newest rows."""
MOST_DOCUMENTS = 1_000
"""The same where some may be of any size."""
NEWEST = -1
"""Stands for a month where the newest rows are meant."""
_MOST = 20_000
"""Rows by which series are brought up to date; after more has changed all are read again."""
_OVERHEAD, _OF_COLUMN = 1_000, 300
"""Bytes, roughly, that a series takes beside its values, and each of its columns."""
_DOCUMENTS = frozenset({"any", "array", "geojson", "list", "object"})
"""Types whose values may be of any size."""
_NARROW = frozenset({"number", "integer", "boolean"})
"""Types of which many values are read soon."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
MICROSECOND = timedelta(microseconds=1)
EARLIEST, LATEST = ((EPOCH.replace(year=year) - EPOCH) // MICROSECOND for year in (1000, 9999))
"""Between these years Python writes a time as the engine does."""


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
        return _OVERHEAD + _sizes([self.times, *self.columns.values()]) + 200 * len(self.places)

    def cells(self, name: str, of: slice, time: str) -> Iterable[Any]:
        if name == time:
            return map(_instant, self.times[of].tolist())
        column = self.columns.get(name)
        if column is None:
            return repeat(self.same[name])
        return column[of] if isinstance(column, list) else column[of].tolist()


def month_of(at: int) -> int:
    """Give the number of the month that an instant, in microseconds since 1970, lies in."""
    day = EPOCH + at * MICROSECOND
    return day.year * 12 + day.month - 1


def first_of(month: int) -> datetime:
    return EPOCH.replace(year=month // 12, month=month % 12 + 1)


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as series are read from it."""

    ref: TableRef
    schema: Schema
    fields: Mapping[str, Field]
    """Those that are shown."""
    time: Field

    @property
    def entity(self) -> list[str]:
        return [field.name for field in self.schema.entity_fields]

    @property
    def varying(self) -> list[Field]:
        """Give the fields that are not the same in all of a series, but for the time."""
        same = {*self.entity, self.time.name}
        return [field for field in self.fields.values() if field.name not in same]

    @property
    def narrow(self) -> bool:
        """Tell whether all cells are numbers, of which many are read soon."""
        return all(field.type in _NARROW and not field.decimal for field in self.varying)

    @property
    def most(self) -> int:
        """Give the most rows that a series may have to be kept."""
        if any(field.type in _DOCUMENTS for field in self.fields.values()):
            return MOST_DOCUMENTS
        return MOST_ROWS if self.narrow else MOST_TEXTS


def load(con: Connection, store: Store, shape: Shape, name: Name) -> Series:
    """Read one series."""
    entity, month = name
    if month == NEWEST:
        return _load_newest(con, store, shape)
    same = dict(zip(shape.entity, entity, strict=True))
    statement = Statement()
    where = filtered(_of_month(shape, same, month, statement))
    *cells, times = (
        con.execute(
            f"SELECT {_listed(shape.varying, shape.time)}"
            f" FROM {store.relation_name(shape.ref)} AS t{where} LIMIT {shape.most + 1}",
            statement.parameters,
        )
        .fetchnumpy()
        .values()
    )
    columns = {it.name: column for it, column in zip(shape.varying, cells, strict=True)}
    return _by_time(times, same, columns, shape.most)


def _load_newest(con: Connection, store: Store, shape: Shape) -> Series:
    fields = [*map(shape.fields.__getitem__, shape.entity), *shape.varying]
    order = ", ".join(map(identifier, shape.schema.primary_key))
    *cells, times = (
        con.execute(
            f"SELECT {_listed(fields, shape.time)} FROM {store.latest_name(shape.ref)} AS t"
            f" ORDER BY {order} LIMIT {MOST_ENTITIES + 1}"
        )
        .fetchnumpy()
        .values()
    )
    if len(times) > MOST_ENTITIES or not _of_our_time(times):
        return too_much()
    kept = {it.name: _packed(column) for it, column in zip(fields, cells, strict=True)}
    entities = zip(*(column.tolist() for column in cells[: len(shape.entity)]), strict=True)
    return Series(times, {}, kept, {entity: n for n, entity in enumerate(entities)}, whole=True)


def load_together(
    con: Connection, store: Store, shape: Shape, month: int, most: int
) -> Mapping[Name, Series] | None:
    """Read every entity's series of a *month* by one look; None: they are more bytes than *most*.

    None too where there is text among them.
    """
    fields = shape.varying
    if not shape.narrow:
        return None
    statement = Statement()
    where = filtered(_of_month(shape, {}, month, statement))
    rows = f"FROM {store.relation_name(shape.ref)} AS t{where}"
    entity = ", ".join(map(identifier, shape.entity))
    counted = con.execute(
        f"SELECT count(*), {entity} {rows} GROUP BY ALL ORDER BY {entity} LIMIT {MOST_ENTITIES}",
        statement.parameters,
    ).fetchall()
    rows_of_all = sum(row[0] for row in counted)
    if len(counted) == MOST_ENTITIES or 8 * rows_of_all * (len(fields) + 1) > most:
        return None
    order = f"{entity}, {identifier(shape.time.name)}"
    text = f"SELECT {_listed(fields, shape.time)} {rows} ORDER BY {order}"
    *cells, times = con.execute(text, statement.parameters).fetchnumpy().values()
    found, first = {}, 0
    for count, *whose in counted:
        of = slice(first, first := first + count)
        # Copied, for a view would hold the memory of all
        columns = {it.name: column[of].copy() for it, column in zip(fields, cells, strict=True)}
        same = dict(zip(shape.entity, whose, strict=True))
        found[tuple(whose), month] = _by_time(times[of].copy(), same, columns, shape.most)
    return found


@dataclass(frozen=True, slots=True)
class Change:
    """What a series has other than before."""

    gone: Sequence[int]
    """The times of rows that went away or were replaced."""
    times: Times
    columns: Mapping[str, Array]
    """Of rows that came."""

    @property
    def size(self) -> int:
        return _OVERHEAD + 8 * len(self.gone) + _sizes([self.times, *self.columns.values()])


def changes(
    con: Connection,
    store: Store,
    shape: Shape,
    names: Sequence[Name],
    *,
    before: TableState,
    after: TableState,
) -> Mapping[Name, Change] | None:
    """Give what changed in the series *names* from one state to another.

    None: so much that all of them should be read again.
    """
    if (
        after.version <= before.version
        or after.schema_since > before.version
        or after.oldest_version > before.version
    ):
        return None
    if not names:
        return {}
    schema, time, fields = shape.schema, shape.time, shape.varying
    statement = Statement()
    kinds = [f"{sql_type(field)}[]" for field in schema.entity_fields] + ["BIGINT[]"]
    whose = zip(*((*entities, month) for entities, month in names), strict=True)
    lists = [statement.value(list(it), kind) for it, kind in zip(whose, kinds, strict=True)]
    at = identifier(time.name)
    named = [*map(identifier, shape.entity), f"CAST(year({at}) * 12 + month({at}) - 1 AS BIGINT)"]
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
    if not series.whole:
        return series
    left = np.ones(len(series.times), dtype=bool)
    left[np.searchsorted(series.times, change.gone)] = False
    times = np.concatenate([series.times[left], change.times])
    columns = {
        name: _joined(_unpacked(column)[left], _unpacked(change.columns[name]))
        for name, column in series.columns.items()
    }
    return _by_time(times, series.same, columns, MOST_ROWS)


def _by_name(columns: Sequence[Array]) -> dict[Name, list[int]]:
    """Give which rows are of which series."""
    found: dict[Name, list[int]] = defaultdict(list)
    for row, (*entity, month) in enumerate(zip(*(it.tolist() for it in columns), strict=True)):
        found[tuple(entity), month].append(row)
    return found


def _listed(fields: Sequence[Field], time: Field) -> str:
    cells = [*(rendered(it, "UTC", "json") for it in fields), place_column(time)]
    return ", ".join(f"{cell} AS c{n}" for n, cell in enumerate(cells))


def _by_time(
    times: Times, same: Mapping[str, Any], columns: Mapping[str, Array], most: int
) -> Series:
    if not _rising(times):
        order = np.argsort(times, kind="stable")
        times, columns = times[order], {name: it[order] for name, it in columns.items()}
    # Appended rows may have one key
    if len(times) > most or not _rising(times):
        return too_much()
    return Series(times, same, {name: _packed(it) for name, it in columns.items()}, {}, whole=True)


def too_much() -> Series:
    return Series(np.zeros(0, dtype=np.int64), {}, {}, {}, whole=False)


def _of_month(
    shape: Shape, same: Mapping[str, Value], month: int, statement: Statement
) -> list[str]:
    time, fields = shape.time.name, shape.schema.by_name
    parts = [
        *(Compare(name, "exact", value) for name, value in same.items()),
        Compare(time, "gte", first_of(month)),
        Compare(time, "lt", first_of(month + 1)),
    ]
    return [condition(fields, part, statement) for part in parts]


def _rising(times: Times) -> bool:
    return bool((times[1:] > times[:-1]).all())


def _of_our_time(times: Times) -> bool:
    return bool(((times >= EARLIEST) & (times < LATEST)).all())


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


def _sizes(columns: Sequence[Column]) -> int:
    return sum(_OF_COLUMN + _size(column) for column in columns)


def _size(column: Column) -> int:
    if not isinstance(column, list):
        return column.nbytes * (2 if isinstance(column, np.ma.MaskedArray) else 1)
    return 8 * len(column) + sum(map(getsizeof, {id(it): it for it in column}.values()))


@lru_cache(maxsize=32_768)
def _instant(at: int) -> str:
    return (EPOCH + at * MICROSECOND).isoformat() + "Z"
