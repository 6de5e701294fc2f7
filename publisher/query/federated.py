"""Questions to partners' tables and our own together: parted, put together again, paged.

Each source is read from a place of its own. What a partner did not give keeps its place, so that
it comes on a later page and nothing is lost; what it gave moves its place to the last row shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from publisher.engine import Connection, identifier, literal
from publisher.errors import ParameterError, SourceError
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
from publisher.query.several import MOST_TABLES, key_of_parts, local_part, ref_of
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
from publisher.query.union import SOURCE, SPREAD, Part, united_fields, united_relation
from publisher.query.values import sortable
from publisher.store import Store

_BEHIND_ALL = 2**62
"""Of a key there is one row: what is alike in it is the row itself."""
_NUMBERS = frozenset({"integer", "number"})
_NOT_COMPARED = frozenset({"duration", "geopoint", "geojson", "array", "object", "list"})
"""Types of which it cannot be asked what is greater."""


Name = tuple[str, TableRef | None]
"""A partner and a table of it; None: all that are meant."""


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
    bound_to: object
    """What its cursors are bound to."""
    missing: tuple[Name, ...] = ()
    """Partners' tables of which nothing is known now."""
    unfit: tuple[tuple[Remote, ParameterError], ...] = ()
    """Those that cannot stand beside the others."""


def members_of(signer: Signer, cursor: str) -> list[Name]:
    """Give the partners' tables that a cursor speaks of: they are not looked for anew.

    The cursor itself is checked when the question is read. Raises ParameterError.
    """
    try:
        names = signer.peek(cursor)[0]
        found = [(str(partner), ref_of(str(text)) if text else None) for partner, text in names]
    except (TypeError, ValueError, IndexError, KeyError):
        raise bad_cursor() from None
    if len(found) > MOST_TABLES or any(
        text and ref is None for (_, text), (_, ref) in zip(names, found, strict=True)
    ):
        raise bad_cursor()
    return found


def prepare_federated(
    con: Connection,
    store: Store,
    entries: Sequence[TableEntry],
    remotes: Sequence[Remote],
    pairs: Pairs,
    *,
    signer: Signer,
    now: datetime,
    missing: Sequence[Name] = (),
) -> Federated:
    """Read *pairs* as a query of our tables and of partners', and settle what each is asked.

    *missing* are meant as well, and not known now. Raises what ``prepare_several`` does.
    """
    texts = tuple(sorted(text for name, text in pairs if name == "from"))
    stated = distinct([pair for pair in pairs if pair[0] != "from"])
    _, as_of = read_when(stated)
    locals_ = tuple(local_part(con, store, entry, None, as_of) for entry in entries)
    remotes, unfit = _fitting(locals_, remotes)
    theirs = tuple(_part(remote, remote.version) for remote in remotes)
    parts = (*locals_, *theirs)
    fields = united_fields(parts)
    asked = read_query(stated, fields.values(), now, Question("query"))
    order = complete_order(asked.order, key_of_parts(parts, asked.groups))
    ours_known = tuple((LOCAL, entry.ref) for entry in entries)
    bound_to = (texts, bound_to_query(ours_known, asked, order))
    local_place: Sequence[Any] | None = None
    places: dict[tuple[str, TableRef], Sequence[Any] | None] = {}
    versions: dict[tuple[str, TableRef], int] = {}
    if asked.cursor is not None:
        if asked.as_of is not None:
            raise bad_cursor()
        names, ours, pinned, local_place, ends = signer.place(asked.cursor, bound_to=bound_to)
        for (partner, text), version, end in zip(names, pinned, ends, strict=True):
            if text:
                key = (partner, TableRef(*text.split("/")))
                versions[key], places[key] = version, end
        locals_ = tuple(
            local_part(con, store, entry, version, None)
            for entry, version in zip(entries, ours, strict=True)
        )
        theirs = tuple(_part(it, versions.get((it.partner, it.ref), 0)) for it in remotes)
        parts = (*locals_, *theirs)
        fields = united_fields(parts)
        asked = read_query(stated, fields.values(), now, Question("query"))
    query = replace(query_of(asked, tuple(it.member for it in parts), order), united=True)
    shown = fields if asked.groups is None else shown_fields(asked.groups, fields)
    grouped = asked.groups is not None
    prepared = Prepared(query, asked, fields, shown, local_place if grouped else None, None, parts)
    here = tuple(places.get((it.partner, it.ref)) for it in remotes)
    asks = tuple(
        _ask(prepared, remote, place, versions.get((remote.partner, remote.ref), 0))
        for remote, place in zip(remotes, here, strict=True)
    )
    return Federated(
        prepared,
        tuple(remotes),
        asks,
        None if grouped else local_place,
        here,
        signer,
        bound_to,
        tuple(missing),
        tuple(unfit),
    )


def _fitting(
    locals_: Sequence[Part], remotes: Sequence[Remote]
) -> tuple[list[Remote], list[tuple[Remote, ParameterError]]]:
    """Part the tables that can stand beside ours, and beside those before them, from the others."""
    parts = list(locals_)
    fit: list[Remote] = []
    unfit: list[tuple[Remote, ParameterError]] = []
    for remote in remotes:
        part = _part(remote, remote.version)
        names = {name for it in [*parts, part] for name in it.fields}
        if len({name.casefold() for name in names}) < len(names):
            unfit.append((remote, ParameterError("partner-names-clash", partner=remote.partner)))
            continue
        try:
            united_fields([*parts, part])
        except ParameterError as error:
            unfit.append((remote, error))
        else:
            parts.append(part)
            fit.append(remote)
    return fit, unfit


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
    order = complete_order(terms, remote.key)
    kinds = {remote.fields[it.field].type for it in order}
    return () if kinds & _NOT_COMPARED else order


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
    loaded: tuple[int, ...]
    """Of each partner's table the rows that it gave."""
    refused: tuple[int, ...]
    """Of each the rows that did not fit, and were left out."""
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
    prepared, refused, loaded = federated.prepared, [], []
    parts = list(prepared.parts)
    first = len(parts) - len(federated.remotes)
    for number, (ask, found) in enumerate(zip(federated.asks, fetched, strict=True)):
        part = parts[first + number]
        if found is None:
            empty = empty_source(part.fields.values())
            parts[first + number] = replace(part, relation=(empty.text, []))
            refused.append(0)
            loaded.append(0)
            continue
        name = _staged(number)
        try:
            refused.append(found.load(con, name, found.files))
        except SourceError as error:
            broken.append((number, error))
            continue
        if not ask.order or not found.in_order:
            _rank(con, name, ask, prepared)
        [(count,)] = con.execute(f"SELECT count(*) FROM {identifier(name)}").fetchall()
        loaded.append(int(count))
        relation = _after_place(ask, federated.places[number], name)
        fields = {it: part.fields[it] for it in ask.fields}
        parts[first + number] = replace(part, relation=relation, fields=fields)
    if broken:
        return None
    ready = replace(federated, prepared=replace(prepared, parts=tuple(parts)))
    work = _Work(con, store, ready, fetched, form)
    page, file, passed = work.page()
    resume = None
    if work.incomplete:
        resume = work.cursor([] if ready.prepared.query.groups is not None else passed)
    return Combined(page, tuple(loaded), tuple(refused), resume, file)


def _staged(number: int) -> str:
    return f"partner_{number}"


def _rank(con: Connection, name: str, ask: Ask, prepared: Prepared) -> None:
    """Give numbers by their values to rows that came in no order; what is alike is one."""
    stated = ask.order or [
        it
        for it in prepared.query.order
        if it.field in ask.fields and sortable(ask.remote.fields[it.field])
    ]
    terms = [
        f"{identifier(it.field)} {'DESC' if it.descending else 'ASC'} NULLS LAST" for it in stated
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

    @property
    def incomplete(self) -> bool:
        return None in self.fetched or bool(self.federated.missing)

    def page(self) -> tuple[Page, bytes | None, Sequence[tuple[Any, ...]]]:
        """Give the page, its file, and the rows up to its end, with those that are skipped."""
        prepared, query = self.prepared, self.prepared.query
        source = self._source(prepared.parts)
        total = None if prepared.asked.count == "none" else self._total()
        if query.groups is not None:
            work = GroupsWork(query.groups, query.where, prepared.stored, source, query.zone)
            source = work.source(self.con)
            query = replace(query, where=())
        else:
            source = self._ours_after(source)
        # What is skipped counts for where each source goes on
        wanted = replace(query, offset=0, limit=query.offset + query.limit)
        statement = rows_statement(wanted, prepared.fields, source, self.form, prepared.place)
        rows = self.con.execute(*statement).fetchall()
        ours = tuple(it for it in query.members if it.source == LOCAL)
        check_kept(self.con, self.store, replace(prepared, query=replace(query, members=ours)))
        more = len(rows) > wanted.limit or any(it is not None and it.more for it in self.fetched)
        passed = rows[: wanted.limit]
        rows = passed[query.offset :]
        file = None
        if self.form in files.FILES:
            left = replace(prepared, query=query)
            file = files.page_of(self.con, left, source, [row[-1] for row in rows], self.form)
        # Groups in which somebody's rows are missing are to be worked out again, all of them
        ends = query.groups is not None and self.incomplete
        return Page(rows, self.cursor(passed) if more and not ends else None, total), file, passed

    def cursor(self, rows: Sequence[tuple[Any, ...]]) -> str:
        """Give where each source goes on behind the *rows* of a page."""
        query = self.prepared.query
        width = len(query.select) + len(located(query, self.form))
        ends = list(self.federated.places)
        if query.groups is not None:
            ours = list(rows[-1][width:]) if rows else self.prepared.place
        else:
            ours = self.federated.local_place
            last = {row[-1] % SPREAD: row for row in rows}
            for member, row in last.items():
                if member >= self.first:
                    number = member - self.first
                    ends[number] = self._place(number, row[-1] // SPREAD)
            mine = [row for row in rows if row[-1] % SPREAD < self.first]
            ours = list(mine[-1][width:]) if mine else ours
        versions = [it.version for it in query.members if it.source == LOCAL]
        theirs = [
            ask.version if found is None else found.version
            for found, ask in zip(self.fetched, self.federated.asks, strict=True)
        ]
        absent: list[Name] = [*self.federated.missing]
        absent += [(remote.partner, remote.ref) for remote, _ in self.federated.unfit]
        names = [[it.source, str(it.table)] for it in query.members if it.source != LOCAL]
        names += [[partner, "" if ref is None else str(ref)] for partner, ref in absent]
        none = [None] * len(absent)
        place = [names, versions, [*theirs, *(0 for _ in absent)], ours, [*ends, *none]]
        return self.federated.signer.cursor(place, bound_to=self.federated.bound_to)

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
