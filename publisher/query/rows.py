"""Rows of one table at one version, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from publisher.engine import Connection
from publisher.errors import GoneError, NotFoundError, ParameterError
from publisher.model.catalog import TableEntry
from publisher.model.query import (
    DELETED,
    LOCAL,
    ROW,
    Compare,
    Expansion,
    Member,
    Order,
    Rows,
    Since,
)
from publisher.model.schema import Field
from publisher.model.table import TableState, sql_type
from publisher.model.values import TableRef
from publisher.query.areas import points_within
from publisher.query.cursor import Signer
from publisher.query.expand import Others, read_expand, settle
from publisher.query.grammar import (
    Ask,
    Asked,
    Kind,
    Pairs,
    Stated,
    distinct,
    read_query,
    read_when,
)
from publisher.query.groups import GroupsWork, inexact, key_of, shown_fields
from publisher.query.parameters import Form
from publisher.query.relations import changes_source, empty_source, expanded, newest_source
from publisher.query.sql import (
    Source,
    areas,
    count_statement,
    fields_of,
    located,
    place_statement,
    rows_statement,
    sample_statement,
)
from publisher.query.union import Part, united_relation
from publisher.store import Store

_COUNTED = 1_000_000
"""Rows up to which an estimate is a count; of more, so many are looked at."""
_ROW_ID = Field(name="row", type="integer").model_copy(update={"name": ROW})
_IS_DELETED = Field(name="deleted", type="boolean").model_copy(update={"name": DELETED})
_LOOKED_UP = frozenset({"expand", "as_of", "changed_since"})
"""Parameters for which the store is asked what there is."""
_LONGEST_PLACE = 1_500
"""Bytes of sort values that a cursor carries; longer ones are looked up again by row."""


def _alone(_: TableRef) -> None:
    """Find no other table."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A query of one table with everything settled but the rows."""

    query: Rows
    asked: Asked
    stored: Mapping[str, Field]
    """The table's fields that may be asked for."""
    fields: Mapping[str, Field]
    """Those that an answer may have: the same, or what groups of rows have."""
    place: Sequence[Any] | None
    """Where the page before ended."""
    state: TableState | None
    """Of the newest version; None where several tables are united."""
    parts: tuple[Part, ...] = ()
    """The tables that are united."""

    @property
    def exact(self) -> bool:
        """Whether the same query of the same version has the same answer to the last digit."""
        groups = self.query.groups
        return groups is None or not inexact(groups, self.stored)

    @property
    def fixed(self) -> bool:
        """Whether the address gives the same answer for ever."""
        whole = all(it.version for it in self.query.expansions)
        return bool(self.asked.version) and self.asked.fixed_time is None and whole

    @property
    def shown(self) -> tuple[Field, ...]:
        """The fields as the answer has them; those in another unit are plain numbers."""
        units = {name: unit for name, unit, _ in self.asked.units}
        return tuple(
            field.model_copy(update={"type": "number", "decimal": None, "unit": units[name]})
            if (name := field.name) in units
            else field
            for field in map(self.fields.__getitem__, self.query.select)
        )


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[tuple[Any, ...]]
    """Columns as selected and rendered, then those of the sort; never more than the limit."""
    cursor: str | None
    """Of the next page; None on the last."""
    total: int | None = None
    """All rows that match, where that was asked."""


def prepare(
    con: Connection,
    store: Store,
    entry: TableEntry,
    pairs: Pairs,
    *,
    signer: Signer,
    now: datetime,
    kind: Kind = "rows",
    others: Others = _alone,
) -> Prepared:
    """Read *pairs* as a query of the table, of that *kind*, and settle its version.

    *others* finds the tables that its foreign keys may be followed to.

    A table without a version answers as version 0, which is empty, whenever. Raises ParameterError,
    NotFoundError for a version that is not there yet, GoneError for one kept no longer.
    """
    stated = distinct(pairs)
    state = store.state(con, entry.ref)
    version = _version(con, store, entry.ref, state, stated)
    own = fields_at(con, store, entry, state, version)
    wanted = read_expand(stated.values.get("expand"), entry, own, others)
    instant = None
    if wanted and read_when(stated) != (None, None):
        instant = store.committed_at(con, entry.ref, version)
    expansions, fields = settle(con, store, wanted, own, pinned=None, instant=instant)
    ask = Ask(kind, entry.resource.interval)
    asked = read_query(stated, fields.values(), now, ask)
    key = (state.schema if state else entry.schema).primary_key
    if asked.groups is not None:
        key = key_of(asked.groups)
    order = complete_order(asked.order, [name for name in key if name in fields or asked.groups])
    place = None
    if asked.cursor is not None:
        tables = ((LOCAL, entry.ref),)
        pinned, *place = signer.place(asked.cursor, bound_to=bound_to_query(tables, asked, order))
        if pinned != version and (asked.version, asked.as_of) != (None, None):
            raise bad_cursor()
        others_pinned, place = place[: len(expansions)], place[len(expansions) :]
        if pinned != version or others_pinned != [it.version for it in expansions]:
            version, own = pinned, fields_at(con, store, entry, state, pinned)
            expansions, fields = settle(con, store, wanted, own, pinned=others_pinned, instant=None)
            asked = read_query(stated, fields.values(), now, ask)
    check_version(entry.ref, state, version)
    select, since = asked.select, None
    shown = fields
    if asked.since is not None:
        _check_since(entry.ref, state, asked.since, version)
        since = Since(asked.since, tuple(key) if {*key} <= fields.keys() and key else (ROW,))
        shown = {**fields, ROW: _ROW_ID, DELETED: _IS_DELETED}
        select = tuple(dict.fromkeys([*since.key, *select, DELETED]))
    query = replace(
        query_of(asked, (Member(entry.ref, version),), order),
        select=select,
        since=since,
        expansions=expansions,
    )
    if asked.groups is not None:
        return Prepared(query, asked, fields, shown_fields(asked.groups, fields), place, state)
    return Prepared(query, asked, fields, shown, place, state)


def prepare_newest(
    state: TableState,
    entry: TableEntry,
    pairs: Pairs,
    *,
    signer: Signer,
    now: datetime,
    kind: Kind = "rows",
) -> Prepared | None:
    """Read *pairs* as a query of rows of the newest version, which *state* tells of.

    It takes no look at the store; None for a question that does. Raises ParameterError.
    """
    stated = distinct(pairs)
    if not _LOOKED_UP.isdisjoint(stated.values) or read_when(stated)[0] not in {
        None,
        state.version,
    }:
        return None
    fields = {field.name: field for field in entry.shown_fields(state.schema)}
    asked = read_query(stated, fields.values(), now, Ask(kind, entry.resource.interval))
    groups = asked.groups
    key = state.schema.primary_key if groups is None else key_of(groups)
    shown = fields if groups is None else shown_fields(groups, fields)
    order = complete_order(asked.order, [name for name in key if name in shown])
    place = None
    if asked.cursor is not None:
        bound_to = bound_to_query(((LOCAL, entry.ref),), asked, order)
        pinned, *place = signer.place(asked.cursor, bound_to=bound_to)
        if pinned != state.version:
            return None
    query = query_of(asked, (Member(entry.ref, state.version),), order)
    return Prepared(query, asked, fields, shown, place, state)


def fetch(con: Connection, store: Store, prepared: Prepared, *, form: Form, signer: Signer) -> Page:
    """Give one page as *form* writes its cells; GoneError where its version went meanwhile."""
    query = prepared.query
    if query.version == 0 and not query.united:
        return Page([], None, None if prepared.asked.count == "none" else 0)
    state = prepared.state
    if state is not None and state.version == query.version and store.stands(state):
        if kept_at_hand(prepared, state):
            left, name = prepared, store.latest_name(query.table)
            source = _source(con, store, prepared, (name, []))
        else:
            # The history holds nothing of the newest version
            name = store.relation_name(query.table)
            source, left = matching(con, store, prepared, (name, []))
        found = _page(con, store, left, source, form=form, signer=signer)
        if store.stands(state):
            return found
    source, left = matching(con, store, prepared)
    return _page(con, store, left, source, form=form, signer=signer)


def matching(
    con: Connection,
    store: Store,
    prepared: Prepared,
    relation: tuple[str, Sequence[object]] | None = None,
) -> tuple[Source, Prepared]:
    """Give where the rows stand that are asked for, and the query of what is left to be done.

    *relation* holds the rows of the table at the version, where that is known.
    """
    query = prepared.query
    if query.version == 0 and not query.united:
        return empty_source(prepared.fields.values()), prepared
    if query.since is not None:
        source = _changes(con, store, prepared, query.since)
    else:
        if query.united:
            relation = united_relation(store, prepared.parts, prepared.stored)
        elif relation is None:
            relation = store.relation(query.table, query.version)
        source = _source(con, store, prepared, relation)
        if query.groups is not None:
            work = GroupsWork(query.groups, query.where, prepared.stored, source, query.zone)
            source = work.source(con)
        elif query.newest is not None:
            source = newest_source(query, query.newest, prepared.stored, source)
        else:
            return source, prepared
    # What is left are the rows, or groups of them, that match
    return source, replace(prepared, query=replace(query, where=()))


def check_kept(con: Connection, store: Store, prepared: Prepared) -> None:
    """Raise GoneError where the history of the version was let go of since it was settled."""
    for member in prepared.query.members:
        check_version(member.table, store.state(con, member.table), member.version)


def _source(
    con: Connection, store: Store, prepared: Prepared, relation: tuple[str, Sequence[object]]
) -> Source:
    query = prepared.query
    relation = expanded(relation, [(it, _other(store, prepared, it)) for it in query.expansions])
    points = {area: points_within(con, relation, area) for area in areas(query.where)}
    return Source(*relation, points)


def _other(store: Store, prepared: Prepared, of: Expansion) -> tuple[str, Sequence[object]]:
    """Give the relation of another table."""
    if of.version:
        return store.relation(of.table, of.version)
    there = {
        name: found.model_copy(update={"name": name})
        for name in of.fields
        if (found := prepared.stored.get(f"{of.name}.{name}")) is not None
    }
    keys = [Field(name=name) for _, name in of.on if name not in there]
    return empty_source([*there.values(), *keys]).text, []


def _changes(con: Connection, store: Store, prepared: Prepared, since: Since) -> Source:
    query = prepared.query
    came = _source(con, store, prepared, store.came(query.table, since.version, query.version))
    went = _source(con, store, prepared, store.went(query.table, since.version, query.version))
    both = {
        area: ([*east, *went.points[area][0]], [*north, *went.points[area][1]])
        for area, (east, north) in came.points.items()
    }
    source = changes_source(query, since, prepared.stored, replace(came, points=both), went)
    # Its history may have been let go of since that was looked at: rather nothing than too little
    check_version(query.table, store.state(con, query.table), since.version)
    return source


def kept_at_hand(prepared: Prepared, state: TableState) -> bool:
    """Tell whether the store keeps just the rows that are asked for, of the newest version."""
    newest = prepared.query.newest
    if newest is None:
        return False
    entity = {field.name for field in state.schema.entity_fields}
    time = state.schema.time_field
    return (
        time is not None
        and (newest.time, set(newest.of)) == (time.name, entity)
        and fields_of(prepared.query.where) <= entity
    )


def _page(
    con: Connection,
    store: Store,
    prepared: Prepared,
    source: Source,
    *,
    form: Form,
    signer: Signer,
) -> Page:
    query, place = prepared.query, prepared.place
    counting = prepared.asked.count
    total = None
    if counting != "none":
        total = _count(con, prepared, source)
    if place is not None and len(place) <= len(query.order):
        found = con.execute(
            *place_statement(query.order, prepared.fields, source, place[0])
        ).fetchone()
        if found is None:
            check_kept(con, store, prepared)
            raise bad_cursor()
        place = found
    rows: list[tuple[Any, ...]] = []
    statement = partial(rows_statement, query, prepared.fields, source, form, place)
    first = _clustered(prepared)
    few = any(
        isinstance(it, Compare) and (it.field, it.op) == (first, "exact") for it in query.where
    )
    if place is not None and first is not None and not few:
        rows = con.execute(*statement(near=True, few=True)).fetchall()
    if len(rows) <= query.limit:
        rows = con.execute(*statement(few=few)).fetchall()
    # History may have been let go of since the version was settled: rather no page than a short one
    check_kept(con, store, prepared)
    if len(rows) <= query.limit:
        return Page(rows, None, total)
    rows.pop()
    end = list(rows[-1][len(query.select) + len(located(query, form)) :])
    if query.groups is None and len(orjson.dumps(end)) > _LONGEST_PLACE:
        end = end[-1:]
    tables = tuple((it.source, it.table) for it in query.members)
    bound_to = bound_to_query(tables, prepared.asked, query.order)
    versions = [it.version for it in query.members]
    versions += [it.version for it in query.expansions]
    return Page(rows, signer.cursor([*versions, *end], bound_to=bound_to), total)


def _clustered(prepared: Prepared) -> str | None:
    """Give what is sorted by first, if rows that are alike in it lie side by side in the store."""
    query, state = prepared.query, prepared.state
    if state is None or query.groups is not None or query.offset or not query.order:
        return None
    first = query.order[0].field
    return first if first == next(iter(state.schema.primary_key), None) else None


def _count(con: Connection, prepared: Prepared, source: Source) -> int:
    """Count the rows that match; of a large table, where an estimate will do, by a sample."""
    query, fields = prepared.query, prepared.fields
    whole = query.newest is None and query.groups is None
    rows = prepared.state.rows if prepared.state and whole else 0
    if prepared.asked.count == "estimated" and query.where and rows > _COUNTED:
        statement = sample_statement(query, fields, source, _COUNTED / rows)
        [(matching, seen)] = con.execute(*statement).fetchall()
        return int(rows * matching / max(seen, 1))
    [(counted,)] = con.execute(*count_statement(query, fields, source)).fetchall()
    return int(counted)


def next_pairs(pairs: Pairs, prepared: Prepared, cursor: str) -> list[tuple[str, str]]:
    """Give the parameters of the next page: pinned to the version, with ``now`` made fixed."""
    fixed = prepared.asked.fixed_time
    kept = [
        (name, fixed if name == "time" and fixed else value)
        for name, value in pairs
        if name not in {"cursor", "offset", "as_of", "version"}
    ]
    if not prepared.query.united:
        kept.append(("version", str(prepared.query.version)))
    return [*kept, ("cursor", cursor)]


def query_of(asked: Asked, members: tuple[Member, ...], order: tuple[Order, ...]) -> Rows:
    """Make the query of what is *asked* of the *members*, in the completed *order*."""
    return Rows(
        members=members,
        where=asked.where,
        select=asked.select,
        order=order,
        limit=asked.limit,
        offset=asked.offset,
        zone=asked.zone,
        newest=asked.newest,
        groups=asked.groups,
        place=asked.place,
        units=tuple((name, (how.factor, how.offset)) for name, _, how in asked.units),
    )


def complete_order(stated: Sequence[Order], key: Sequence[str]) -> tuple[Order, ...]:
    """Append the key to the stated order; the row's own id settles the rest."""
    named = {order.field for order in stated}
    return (*stated, *(Order(name) for name in key if name not in named))


def bad_cursor() -> ParameterError:
    return ParameterError("bad-cursor", parameter="cursor")


def bound_to_query(
    tables: tuple[tuple[str, TableRef], ...], asked: Asked, order: tuple[Order, ...]
) -> object:
    """Give what a cursor of the query is bound to beside the versions."""
    return tables, asked.where, asked.newest, asked.groups, asked.since, asked.expand, order


def _version(
    con: Connection, store: Store, ref: TableRef, state: TableState | None, stated: Stated
) -> int:
    version, as_of = read_when(stated)
    if state is None:
        return version or 0
    if as_of is not None:
        return store.version_at(con, ref, as_of.replace(tzinfo=UTC))
    return state.version if version is None else version


def fields_at(
    con: Connection, store: Store, entry: TableEntry, state: TableState | None, version: int
) -> Mapping[str, Field]:
    """Give the fields of *version* that may be shown, so that its answer stays the same."""
    if state is None:
        return {field.name: field for field in entry.shown_fields(None)}
    schema = store.schema_at(con, state, version)
    shown = entry.shown_fields(schema)
    if schema is not state.schema:
        # a table that never held a row may have been made anew with other columns
        held = state.schema.by_name
        shown = tuple(
            field
            for field in shown
            if field.name in held and sql_type(held[field.name]) == sql_type(field)
        )
    return {field.name: field for field in shown}


def _check_since(ref: TableRef, state: TableState | None, since: int, version: int) -> None:
    if since > version:
        raise NotFoundError("unknown-version", table=str(ref), version=since, newest=version)
    check_version(ref, state, since)


def check_version(ref: TableRef, state: TableState | None, version: int) -> None:
    """Raise NotFoundError or GoneError where the version is not there yet, or no more."""
    if version == 0:
        return
    if state is None or version > state.version:
        raise NotFoundError(
            "unknown-version",
            table=str(ref),
            version=version,
            newest=state.version if state else 0,
        )
    if version < state.oldest_version:
        raise GoneError("version-gone", table=str(ref), oldest=state.oldest_version)
