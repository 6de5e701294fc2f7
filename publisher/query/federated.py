"""Questions to partners' tables and our own together: parted, put together again, paged.

Each source is read from a place of its own. What a partner did not give keeps its place, so that
it comes on a later page and nothing is lost; what it gave moves its place to the last row shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from publisher.engine import Connection, identifier, literal
from publisher.errors import SourceError
from publisher.model.catalog import TableEntry
from publisher.model.query import LOCAL, Member, Order
from publisher.model.table import sql_type
from publisher.model.values import TableRef
from publisher.partners import Ask, Fetched, Remote
from publisher.query import files
from publisher.query.areas import points_within
from publisher.query.cursor import Signer
from publisher.query.grammar import Ask as Question
from publisher.query.grammar import Pairs, distinct, read_query, read_when
from publisher.query.groups import GroupsWork, shown_fields
from publisher.query.parameters import Form
from publisher.query.relations import empty_source
from publisher.query.rows import (
    Page,
    Prepared,
    bad_cursor,
    bound_to_query,
    check_kept,
    complete_order,
    query_of,
)
from publisher.query.several import key_of_parts, local_part
from publisher.query.sql import (
    ROW,
    Source,
    Statement,
    areas,
    count_statement,
    fields_of,
    located,
    place_column,
    rows_statement,
    that_come_after,
)
from publisher.query.union import SOURCE, Part, united_fields, united_relation
from publisher.query.values import sortable
from publisher.store import Store

_BEHIND_ALL = 2**62
"""Of a key there is one row: what is alike in it is the row itself."""
_NUMBERS = frozenset({"integer", "number"})


@dataclass(frozen=True, slots=True)
class Federated:
    """A question of which everything is settled but what the partners say."""

    prepared: Prepared
    remotes: tuple[Remote, ...]
    asks: tuple[Ask, ...]
    """One for each of the remotes."""
    local_place: Sequence[Any] | None
    """Where our own rows of the page before ended."""
    places: tuple[Sequence[Any] | None, ...]
    """The same for each of the remotes."""
    signer: Signer


def members_of(signer: Signer, cursor: str) -> list[tuple[str, TableRef]]:
    """Give the partners' tables that a cursor speaks of: they are not looked for anew.

    The cursor itself is checked when the question is read. Raises ParameterError.
    """
    try:
        names = signer.peek(cursor)[0]
        return [(str(partner), TableRef(str(one), str(two))) for partner, one, two in names]
    except (TypeError, ValueError, IndexError, KeyError):
        raise bad_cursor() from None


def prepare_federated(
    con: Connection,
    store: Store,
    entries: Sequence[TableEntry],
    remotes: Sequence[Remote],
    pairs: Pairs,
    *,
    signer: Signer,
    now: datetime,
) -> Federated:
    """Read *pairs* as a query of our tables and of partners', and settle what each is asked.

    Raises what ``prepare_several`` does.
    """
    stated = distinct([pair for pair in pairs if pair[0] != "from"])
    _, as_of = read_when(stated)
    locals_ = tuple(local_part(con, store, entry, None, as_of) for entry in entries)
    theirs = tuple(_part(remote, remote.version) for remote in remotes)
    parts = (*locals_, *theirs)
    fields = united_fields(parts)
    asked = read_query(stated, fields.values(), now, Question("query"))
    order = complete_order(asked.order, key_of_parts(parts, asked.groups))
    local_place: Sequence[Any] | None = None
    places: list[Sequence[Any] | None] = [None] * len(remotes)
    versions = [0] * len(remotes)
    if asked.cursor is not None:
        tables = tuple((part.member.source, part.member.table) for part in parts)
        held = signer.place(asked.cursor, bound_to=bound_to_query(tables, asked, order))
        try:
            _, ours, versions, local_place, places = held
        except ValueError:
            raise bad_cursor() from None
        if asked.as_of is not None:
            raise bad_cursor()
        locals_ = tuple(
            local_part(con, store, entry, version, None)
            for entry, version in zip(entries, ours, strict=True)
        )
        theirs = tuple(
            _part(remote, version) for remote, version in zip(remotes, versions, strict=True)
        )
        parts = (*locals_, *theirs)
        fields = united_fields(parts)
        asked = read_query(stated, fields.values(), now, Question("query"))
    query = replace(query_of(asked, tuple(it.member for it in parts), order), united=True)
    shown = fields if asked.groups is None else shown_fields(asked.groups, fields)
    grouped = asked.cursor is not None and asked.groups is not None
    prepared = Prepared(query, asked, fields, shown, local_place if grouped else None, None, parts)
    asks = tuple(
        _ask(prepared, remote, place, version)
        for remote, place, version in zip(remotes, places, versions, strict=True)
    )
    return Federated(
        prepared, tuple(remotes), asks, None if grouped else local_place, tuple(places), signer
    )


def _part(remote: Remote, version: int) -> Part:
    return Part(Member(remote.ref, version, remote.partner), remote.fields, remote.key, None)


def _ask(prepared: Prepared, remote: Remote, place: Sequence[Any] | None, version: int) -> Ask:
    """Give what of the question a partner's table can be asked, in its own fields and units."""
    query, asked = prepared.query, prepared.asked
    passed = tuple(
        it for it in query.where if all(_same(prepared, remote, name) for name in fields_of([it]))
    )
    own = own_order(prepared, remote)
    # A limit goes along only where nothing that narrows or sorts the rows is left to be done
    windowed = query.groups is None and len(passed) == len(query.where) and bool(own)
    wanted = {*query.select, *(it.field for it in query.order), *fields_of(query.where)}
    wanted |= set(located(query, "geojson")) | {it.field for it in own}
    if query.groups is not None:
        groups = query.groups
        wanted |= {*groups.by, *([groups.time] if groups.time else [])}
        wanted |= {it.field for it in groups.measures if it.field is not None}
    if not remote.key and query.groups is None:
        wanted |= remote.fields.keys()
    return Ask(
        remote=remote,
        fields=tuple(name for name in remote.fields if name in wanted),
        where=passed,
        order=own if windowed else (),
        after=tuple(place) if windowed and place is not None else None,
        limit=query.limit + query.offset if windowed else None,
        version=version,
        as_of=asked.as_of,
        counted=asked.count == "exact",
    )


def own_order(prepared: Prepared, remote: Remote) -> tuple[Order, ...]:
    """Give the order as the table itself can have it, its key last; nothing where it cannot.

    A field that the table does not have is null in all its rows, and changes nothing.
    """
    if not remote.key:
        return ()
    terms = [it for it in prepared.query.order if it.field in remote.fields]
    if not all(_alike(prepared, remote, it.field) for it in terms):
        return ()
    return complete_order(terms, remote.key)


def _same(prepared: Prepared, remote: Remote, name: str) -> bool:
    """Tell whether a field's values are in the table what they are in the answer."""
    own, united = remote.fields.get(name), prepared.stored.get(name)
    if own is None or united is None:
        return False
    return (own.type, sql_type(own), own.unit) == (united.type, sql_type(united), united.unit)


def _alike(prepared: Prepared, remote: Remote, name: str) -> bool:
    """Tell whether a field's values sort in the table as they do in the answer."""
    own, united = remote.fields[name], prepared.stored[name]
    numbers = {own.type, united.type} <= _NUMBERS
    return own.unit == united.unit and (numbers or own.type == united.type)


@dataclass(frozen=True, slots=True)
class Combined:
    """A page, and what is to be told of how it came about."""

    page: Page
    refused: tuple[int, ...]
    """Of each partner's table the rows that did not fit."""
    resume: str | None
    """A cursor for what is missing on this page and those before; None where nothing is."""
    file: bytes | None = None
    """The page itself, where its format is that of a file."""


def fetch_federated(
    con: Connection,
    store: Store,
    federated: Federated,
    fetched: Sequence[Fetched | None],
    *,
    form: Form,
    broken: list[tuple[int, SourceError]],
) -> Combined | None:
    """Give a page of what our tables hold and the partners gave.

    None where one gave what cannot be read: they are told in *broken*, by their number.
    """
    prepared, refused = federated.prepared, []
    parts = list(prepared.parts)
    first = len(parts) - len(federated.remotes)
    for number, (ask, found) in enumerate(zip(federated.asks, fetched, strict=True)):
        part = parts[first + number]
        if found is None:
            empty = empty_source(part.fields.values())
            parts[first + number] = replace(part, relation=(empty.text, []))
            refused.append(0)
            continue
        name = _staged(number)
        try:
            refused.append(found.load(con, name, found.files))
        except SourceError as error:
            broken.append((number, error))
            continue
        if not ask.order:
            _rank(con, name, ask, prepared)
        relation = _after_place(ask, federated.places[number], name)
        fields = {it: part.fields[it] for it in ask.fields}
        parts[first + number] = replace(part, relation=relation, fields=fields)
    if broken:
        return None
    ready = replace(federated, prepared=replace(prepared, parts=tuple(parts)))
    work = _Work(con, store, ready, fetched, form)
    page, file = work.page()
    resume = work.cursor(page.rows) if None in fetched else None
    return Combined(page, tuple(refused), resume, file)


def _staged(number: int) -> str:
    return f"partner_{number}"


def _rank(con: Connection, name: str, ask: Ask, prepared: Prepared) -> None:
    """Give numbers by their values to rows that came in no order; what is alike is one."""
    terms = [
        f"{identifier(it.field)} {'DESC' if it.descending else 'ASC'} NULLS LAST"
        for it in prepared.query.order
        if it.field in ask.fields and sortable(ask.remote.fields[it.field])
    ]
    terms += [f"CAST({identifier(field)} AS VARCHAR) NULLS LAST" for field in ask.fields]
    table = identifier(name)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * EXCLUDE ({ROW}),"
        f" row_number() OVER (ORDER BY {', '.join(terms) or '1'}) AS {ROW} FROM {table}"
    )


def _after_place(ask: Ask, place: Sequence[Any] | None, name: str) -> tuple[str, Sequence[object]]:
    table = identifier(name)
    if place is None:
        return table, []
    statement = Statement()
    if ask.order:
        end = [*place, _BEHIND_ALL]
        where = that_come_after(ask.order, ask.remote.fields, end, statement)
    else:
        where = that_come_after((), {}, place, statement)
    return f"(SELECT * FROM {table} AS t WHERE {where})", statement.parameters


@dataclass(frozen=True, slots=True)
class _Work:
    con: Connection
    store: Store
    federated: Federated
    fetched: Sequence[Fetched | None]
    form: Form

    @property
    def prepared(self) -> Prepared:
        return self.federated.prepared

    @property
    def first(self) -> int:
        """The place of the first partner's table among the parts."""
        return len(self.prepared.parts) - len(self.federated.remotes)

    def page(self) -> tuple[Page, bytes | None]:
        prepared, query = self.prepared, self.prepared.query
        source = self._source(prepared.parts)
        total = None if prepared.asked.count == "none" else self._total()
        if query.groups is not None:
            work = GroupsWork(query.groups, query.where, prepared.stored, source, query.zone)
            source = work.source(self.con)
            query = replace(query, where=())
        else:
            source = self._ours_after(source)
        statement = rows_statement(query, prepared.fields, source, self.form, prepared.place)
        rows = self.con.execute(*statement).fetchall()
        ours = tuple(it for it in query.members if it.source == LOCAL)
        check_kept(self.con, self.store, replace(prepared, query=replace(query, members=ours)))
        more = len(rows) > query.limit or any(it is not None and it.more for it in self.fetched)
        rows = rows[: query.limit]
        file = None
        if self.form in files.FILES:
            left = replace(prepared, query=query)
            file = files.page_of(self.con, left, source, [row[-1] for row in rows], self.form)
        return Page(rows, self.cursor(rows) if more else None, total), file

    def cursor(self, rows: Sequence[tuple[Any, ...]]) -> str:
        """Give where each source goes on behind the *rows* of a page."""
        query, asked = self.prepared.query, self.prepared.asked
        width = len(query.select) + len(located(query, self.form))
        ends = list(self.federated.places)
        if query.groups is not None:
            ours = list(rows[-1][width:]) if rows else self.prepared.place
        else:
            ours = self.federated.local_place
            count = len(self.prepared.parts)
            last = {row[-1] % count: row for row in rows}
            for member, row in last.items():
                if member >= self.first:
                    number = member - self.first
                    ends[number] = self._place(number, row[-1] // count)
            mine = [row for row in rows if row[-1] % count < self.first]
            ours = list(mine[-1][width:]) if mine else ours
        versions = [it.version for it in query.members if it.source == LOCAL]
        theirs = [
            ask.version if found is None else found.version
            for found, ask in zip(self.fetched, self.federated.asks, strict=True)
        ]
        tables = tuple((it.source, it.table) for it in query.members)
        bound_to = bound_to_query(tables, asked, query.order)
        names = [[it.source, *it.table] for it in query.members if it.source != LOCAL]
        place = [names, versions, theirs, ours, ends]
        return self.federated.signer.cursor(place, bound_to=bound_to)

    def _place(self, number: int, rank: int) -> Sequence[Any]:
        """Give the place of a row of a partner's table, by its number among those it gave."""
        ask = self.federated.asks[number]
        if not ask.order:
            return [rank]
        columns = ", ".join(place_column(ask.remote.fields[it.field]) for it in ask.order)
        [found] = self.con.execute(
            f"SELECT {columns} FROM {identifier(_staged(number))} WHERE {ROW} = ?", [rank]
        ).fetchall()
        return list(found)

    def _source(self, parts: Sequence[Part]) -> Source:
        relation = united_relation(self.store, parts, self.prepared.stored)
        wanted = areas(self.prepared.query.where)
        return Source(*relation, {it: points_within(self.con, relation, it) for it in wanted})

    def _ours_after(self, source: Source) -> Source:
        place = self.federated.local_place
        if place is None:
            return source
        statement = Statement(list(source.parameters), source.points)
        order = self.prepared.query.order
        after = that_come_after(order, self.prepared.fields, place, statement)
        where = f"{identifier(SOURCE)} <> {literal(LOCAL)} OR {after}"
        text = f"(SELECT * FROM {source.text} AS t WHERE {where})"
        return Source(text, statement.parameters, source.points)

    def _total(self) -> int | None:
        """Count all that match: what partners count, and what is here; None where unknown."""
        here, total = list(self.prepared.parts[: self.first]), 0
        for number, (ask, found) in enumerate(zip(self.federated.asks, self.fetched, strict=True)):
            if found is None:
                return None
            if ask.limit is None:
                part = self.prepared.parts[self.first + number]
                here.append(replace(part, relation=(identifier(_staged(number)), [])))
            elif found.total is None or ask.after is not None:
                return None
            else:
                total += found.total
        if not here:
            return total
        query, stored = self.prepared.query, self.prepared.stored
        statement = count_statement(query, stored, self._source(here))
        [(counted,)] = self.con.execute(*statement).fetchall()
        return total + int(counted)
