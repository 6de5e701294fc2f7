"""What our tables hold and partners gave, put together: one page, and where each source goes on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from publisher.engine import Connection, identifier, literal
from publisher.errors import SourceError
from publisher.model.query import LOCAL, ROW, Groups, Rows
from publisher.model.schema import Field
from publisher.partners import Ask, Fetched
from publisher.query import files
from publisher.query.areas import points_within
from publisher.query.federated import Federated, same
from publisher.query.groups import GroupsWork
from publisher.query.loads import Load, Loads, after_place, ranked
from publisher.query.parameters import Form
from publisher.query.partial import group_place, merged, partial_groups
from publisher.query.relations import empty_source
from publisher.query.rows import (
    Page,
    Prepared,
    check_kept,
)
from publisher.query.sql import (
    Source,
    Statement,
    areas,
    count_statement,
    located,
    place_column,
    rows_statement,
    that_come_after,
)
from publisher.query.union import SOURCE, SPREAD, Part, united_relation
from publisher.store import Store


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
    ended: tuple[int, ...] = ()
    """Who has more rows, but gave too few for a longer page: it ends where theirs do."""
    empty: tuple[int, ...] = ()
    """Those of them whose rows bring the page no further."""
    file: bytes | None = None
    """The page itself, where its format is that of a file."""


def fetch_federated(
    con: Connection,
    store: Store,
    federated: Federated,
    fetched: Sequence[Fetched | None],
    *,
    form: Form,
    loads: Loads,
    broken: list[tuple[int, SourceError]],
) -> Combined | None:
    """Give a page of what our tables hold and the partners gave.

    What of it was read already is in *loads*. None where one gave what cannot be read: they are
    told in *broken*, by their number.
    """
    prepared = federated.prepared
    parts = list(prepared.parts)
    first = len(parts) - len(federated.remotes)
    loaded: list[Load] = []
    asked = list(zip(federated.asks, fetched, strict=True))
    loads.read(con, [(ask, found) for ask, found in asked if found is not None])
    for number, (ask, found) in enumerate(asked):
        part = parts[first + number]
        if found is None:
            empty = empty_source(part.fields.values())
            parts[first + number] = replace(part, relation=(empty.text, []))
            loaded.append(Load("", empty.text))
            continue
        try:
            load = loads.of(found)
        except SourceError as error:
            broken.append((number, error))
            continue
        asis = found.grouped or (found.whole and prepared.query.groups is not None)
        if not asis and not (ask.order and found.in_order):
            load = ranked(con, load, ask, prepared.query.order)
        loaded.append(load)
        relation = after_place(ask, federated.places[number], load)
        parts[first + number] = replace(part, relation=relation, fields=_fields(part, ask, found))
    if broken:
        return None
    ready = replace(federated, prepared=replace(prepared, parts=tuple(parts)))
    merge = _Merge(con, store, ready, fetched, loaded, form)
    cut = merge.cut()
    passed = cut.passed
    resume = None
    if prepared.query.groups is not None:
        passed = []
    if merge.incomplete:
        resume = merge.cursor(passed)
    rows = [it.rows for it in loaded]
    if not all(rows):
        shown = Counter(row[-1] % SPREAD - first for row in passed)
        rows = [it or shown[number] for number, it in enumerate(rows)]
    refused = tuple(it.refused for it in loaded)
    return Combined(
        cut.page, tuple(rows), refused, resume, tuple(cut.ended), tuple(cut.empty), cut.file
    )


def _fields(part: Part, ask: Ask, found: Fetched) -> dict[str, Field]:
    """Give what the rows have that came."""
    if found.grouped and ask.grouped is not None:
        return dict(ask.grouped.fields)
    return {it: part.fields[it] for it in ask.fields if it in part.fields}


@dataclass(frozen=True, slots=True)
class _Cut:
    page: Page
    passed: Sequence[tuple[Any, ...]]
    """The rows up to its end, with those that are skipped."""
    ended: Sequence[int]
    empty: Sequence[int]
    """See Combined."""
    file: bytes | None


@dataclass(frozen=True, slots=True)
class _Merge:
    con: Connection
    store: Store
    federated: Federated
    fetched: Sequence[Fetched | None]
    loaded: Sequence[Load]
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

    def cut(self) -> _Cut:
        """Cut the page from all rows."""
        prepared, query = self.prepared, self.prepared.query
        counting = prepared.asked.count != "none"
        if query.groups is not None:
            source = self._groups(query.groups)
            query = replace(query, where=())
            total = self._counted(query, prepared.fields, source) if counting else None
        else:
            source = self._ours_after(self._source(prepared.parts))
            total = self._total() if counting else None
        # What is skipped counts for where each source goes on
        wanted = replace(query, offset=0, limit=query.end)
        statement = rows_statement(wanted, prepared.fields, source, self.form, prepared.place)
        rows = self.con.execute(*statement).fetchall()
        ours = tuple(it for it in query.members if it.source == LOCAL)
        check_kept(self.con, self.store, replace(prepared, query=replace(query, members=ours)))
        more = len(rows) > wanted.limit or any(it is not None and it.more for it in self.fetched)
        passed = rows[: wanted.limit]
        ended: list[int] = []
        empty: list[int] = []
        if query.groups is None:
            passed, ended, empty = self._up_to_who_ends(passed)
        rows = passed[query.offset :]
        file = None
        if self.form in files.FILES:
            left = replace(prepared, query=query)
            file = files.page_of(self.con, left, source, [row[-1] for row in rows], self.form)
        # Groups in which somebody's rows are missing are to be worked out again, all of them
        ends = query.groups is not None and self.incomplete
        page = Page(rows, self.cursor(passed) if more and not ends else None, total)
        # Whoever ended it within the rows that are skipped brought it nowhere
        return _Cut(page, passed, ended, empty if rows else ended, file)

    def _up_to_who_ends(
        self, rows: list[tuple[Any, ...]]
    ) -> tuple[list[tuple[Any, ...]], list[int], list[int]]:
        """Cut the rows off where those of a partner end that has more: they would come too late.

        Tells who that is, and who has more and gave none that matches.
        """
        lasts: set[int] = set()
        empty: list[int] = []
        for number, (found, load) in enumerate(zip(self.fetched, self.loaded, strict=True)):
            if found is not None and found.more:
                if load.last is None:
                    empty.append(number)
                else:
                    lasts.add(load.last * SPREAD + self.first + number)
        if not lasts:
            return rows, empty, empty
        whole = rows[:-1] if len(rows) == self.prepared.query.end else rows
        ends = [place for place, row in enumerate(whole) if row[-1] in lasts]
        ended = [rows[place][-1] % SPREAD - self.first for place in ends]
        return rows[: ends[0] + 1] if ends else rows, empty + ended, empty

    def cursor(self, rows: Sequence[tuple[Any, ...]]) -> str:
        """Give where each source goes on behind the *rows* of a page."""
        query = self.prepared.query
        width = len(query.select) + len(located(query, self.form))
        ends = list(self.federated.places)
        if query.groups is not None:
            ours = list(rows[-1][width:]) if rows else self.prepared.place
        else:
            ours = self.federated.local_place
            last: dict[int, tuple[Any, ...]] = {}
            for row in reversed(rows):  # of a page that is not the last most are found at once
                if len(last) == len(self.prepared.parts):
                    break
                last.setdefault(row[-1] % SPREAD, row)
            for member, row in last.items():
                if member >= self.first:
                    number = member - self.first
                    ends[number] = self._place(number, row[-1] // SPREAD, row[width:])
            mine = next((row for member, row in last.items() if member < self.first), None)
            ours = ours if mine is None else list(mine[width:])
        return self.federated.cursor(self.fetched, ours, ends)

    def _place(self, number: int, rank: int, united: Sequence[Any]) -> Sequence[Any]:
        """Give the place of a row of a partner's table, by its number among those it gave.

        *united* is the place in the order of all, which has most of it as a rule.
        """
        ask = self.federated.asks[number]
        if not ask.order:
            return [rank]
        names = [it.field for it in self.prepared.query.order]
        known = dict(zip(names, united, strict=False))
        if all(it.field in known and same(self.prepared, ask.remote, it.field) for it in ask.order):
            return [known[it.field] for it in ask.order]
        columns = ", ".join(place_column(ask.remote.stored[it.field]) for it in ask.order)
        [found] = self.con.execute(
            f"SELECT {columns} FROM {self.loaded[number].source} AS t WHERE {ROW} = ?", [rank]
        ).fetchall()
        return list(found)

    def _groups(self, groups: Groups) -> Source:
        """Give the groups of all rows, of which some partners may have worked out their own."""
        query, stored = self.prepared.query, self.prepared.stored
        grouped = [
            it for it, found in enumerate(self.fetched) if found is not None and found.grouped
        ]
        theirs = partial_groups(groups)

        def worked_out(what: Groups, parts: Sequence[Part]) -> Source:
            rows = self._source(parts)
            return GroupsWork(what, query.where, stored, rows, query.zone).source(self.con)

        parts = self.prepared.parts
        if not grouped or theirs is None:
            return worked_out(groups, parts)
        apart = {self.first + number for number in grouped}
        places = [group_place(parts[number], theirs, stored) for number in apart]
        left = [part for number, part in enumerate(parts) if number not in apart]
        if left:
            found = worked_out(theirs, left)
            places.append((found.text, found.parameters))
        return merged(groups, stored, places)

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
            if ask.limit is None or found.whole:
                part = self.prepared.parts[self.first + number]
                here.append(replace(part, relation=(self.loaded[number].source, [])))
            elif found.total is None or ask.after is not None:
                return None
            else:
                total += found.total
        if not here:
            return total
        query, stored = self.prepared.query, self.prepared.stored
        return total + self._counted(query, stored, self._source(here))

    def _counted(self, query: Rows, fields: Mapping[str, Field], source: Source) -> int:
        [(counted,)] = self.con.execute(*count_statement(query, fields, source)).fetchall()
        return int(counted)
