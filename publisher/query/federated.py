"""Questions to partners' tables and our own together: parted, put together again, paged.

Each source is read from a place of its own. What a partner did not give keeps its place, so that
it comes on a later page and nothing is lost; what it gave moves its place to the last row shown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from publisher.errors import ParameterError
from publisher.model.catalog import TableEntry
from publisher.model.query import LOCAL, Groups, Member, Order
from publisher.model.table import sql_type
from publisher.model.values import TableRef
from publisher.partners import Ask, Fetched, Grouped, Remote
from publisher.query.cursor import Signer
from publisher.query.grammar import Ask as Question
from publisher.query.grammar import Pairs, distinct, read_query, read_when
from publisher.query.groups import shown_fields
from publisher.query.origins import Chosen
from publisher.query.partial import partial_groups
from publisher.query.rows import (
    Prepared,
    bad_cursor,
    bound_to_query,
    complete_order,
    query_of,
)
from publisher.query.several import MOST_TABLES, key_of_parts, ref_of
from publisher.query.sql import (
    fields_of,
    located,
)
from publisher.query.union import ORIGINAL, Part, united_fields, units_of

_BEGIN = (0, None)
"""The version and the place of a table that no page was of yet."""
_NUMBERS = frozenset({"integer", "number"})
_NONE_CHOSEN = Chosen()
_NOT_COMPARED = frozenset({"duration", "geopoint", "geojson", "array", "object", "list"})
"""Types of which it cannot be asked what is greater."""
_CHEAP = 1_000
"""Rows that everybody is rather asked for than somebody twice."""
_SHARE = 1.5
"""How many more than its share of a page a table is asked for."""


Name = tuple[str, TableRef | None]
"""A partner and a table of it; None: all that are meant."""
Ours = Callable[[TableEntry, int | None, datetime | None], Part]
"""Gives one of our tables at a version, else by a time."""


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
    chosen: Chosen = _NONE_CHOSEN
    """What is left out, so that no observation comes twice."""
    before: Mapping[Name, tuple[int, Sequence[Any] | None]] = field(default_factory=dict)
    """The version and the place of each partner's table that the page before was of."""

    def cursor(
        self,
        fetched: Sequence[Fetched | None],
        ours: Sequence[Any] | None,
        theirs: Sequence[Sequence[Any] | None],
    ) -> str:
        """Write where our rows and each partner's go on."""
        members = self.prepared.query.members
        absent: list[Name] = [*self.missing]
        absent += [(remote.partner, remote.ref) for remote, _ in self.unfit]
        names = [[it.source, str(it.table)] for it in members if it.source != LOCAL]
        names += [[partner, "" if ref is None else str(ref)] for partner, ref in absent]
        versions = [it.version for it in members if it.source == LOCAL]
        pinned = [
            ask.version if found is None else ask.remote.mark or found.version
            for found, ask in zip(fetched, self.asks, strict=True)
        ]
        held = [self.before.get(name, _BEGIN) for name in absent]
        pinned += [version for version, _ in held]
        ends = [*theirs, *(end for _, end in held)]
        units = units_of(self.prepared.stored.values())
        place = [names, versions, pinned, ours, ends, self.chosen.written, units]
        return self.signer.cursor(place, bound_to=self.bound_to)


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
    ours: Ours,
    entries: Sequence[TableEntry],
    remotes: Sequence[Remote],
    pairs: Pairs,
    *,
    signer: Signer,
    now: datetime,
    missing: Sequence[Name] = (),
    chosen: Chosen = _NONE_CHOSEN,
) -> Federated:
    """Read *pairs* as a query of our tables and of partners', and settle what each is asked.

    *ours* tells of each of the *entries*, which are our tables: see ``local_part``.
    *missing* are meant as well, and not known now; what was *chosen* is kept for the pages behind.
    Raises what ``prepare_several`` does.
    """
    texts = tuple(sorted(text for name, text in pairs if name in {"from", "dedupe"}))
    stated = distinct([pair for pair in pairs if pair[0] != "from"])
    _, as_of = read_when(stated)
    locals_ = tuple(ours(entry, None, as_of) for entry in entries)
    remotes, unfit = _fitting(locals_, remotes)
    theirs = tuple(_part(remote, remote.version) for remote in remotes)
    parts = (*locals_, *theirs)
    fields = united_fields(parts, stated.values.get("original"))
    asked = read_query(stated, fields.values(), now, Question("query"))
    order = complete_order(asked.order, key_of_parts(parts, asked.groups))
    ours_known = tuple((LOCAL, entry.ref) for entry in entries)
    bound_to = (texts, bound_to_query(ours_known, asked, order))
    local_place: Sequence[Any] | None = None
    before: dict[Name, tuple[int, Sequence[Any] | None]] = {}
    if asked.cursor is not None:
        if asked.as_of is not None:
            raise bad_cursor()
        place = signer.place(asked.cursor, bound_to=bound_to)
        names, versions, pinned, local_place, ends, _, units = place
        for (partner, text), version, end in zip(names, pinned, ends, strict=True):
            if text:
                before[partner, TableRef(*text.split("/"))] = version, end
        locals_ = tuple(
            ours(entry, version, None) for entry, version in zip(entries, versions, strict=True)
        )
        theirs = tuple(_part(it, before.get((it.partner, it.ref), _BEGIN)[0]) for it in remotes)
        parts = (*locals_, *theirs)
        fields = united_fields(parts, stated.values.get("original"), units)
        asked = read_query(stated, fields.values(), now, Question("query"))
    query = replace(query_of(asked, tuple(it.member for it in parts), order), united=True)
    shown = fields if asked.groups is None else shown_fields(asked.groups, fields)
    grouped = asked.groups is not None
    prepared = Prepared(query, asked, fields, shown, local_place if grouped else None, None, parts)
    here = [before.get((it.partner, it.ref), _BEGIN) for it in remotes]
    asks = tuple(
        _ask(prepared, remote, place, version)
        for remote, (version, place) in zip(remotes, here, strict=True)
    )
    return Federated(
        prepared,
        tuple(remotes),
        asks,
        None if grouped else local_place,
        tuple(place for _, place in here),
        signer,
        bound_to,
        tuple(missing),
        tuple(unfit),
        chosen,
        before,
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
        it for it in query.where if all(same(prepared, remote, name) for name in fields_of([it]))
    )
    own = own_order(prepared, remote)
    # A limit goes along only where nothing that narrows or sorts the rows is left to be done
    windowed = query.groups is None and len(passed) == len(query.where) and bool(own)
    wanted = {*query.select, *(it.field for it in query.order), *fields_of(query.where)}
    wanted |= set(located(query, "geojson")) | {it.field for it in own}
    grouped = None
    if query.groups is not None:
        groups = query.groups
        if len(passed) == len(query.where):
            grouped = _grouped(prepared, remote, groups)
        wanted |= {*groups.by, *([groups.time] if groups.time else [])}
        wanted |= {it.field for it in groups.measures if it.field is not None}
    wanted |= {name.removeprefix(ORIGINAL) for name in wanted}
    if not own and not remote.key and query.groups is None:
        wanted |= remote.stored.keys()
    return Ask(
        remote=remote,
        fields=tuple(name for name in remote.stored if name in wanted),
        where=passed,
        order=own if windowed else (),
        after=tuple(place) if windowed and place is not None else None,
        limit=_limit(prepared) if windowed else None,
        version=version,
        as_of=asked.as_of,
        counted=asked.count == "exact",
        grouped=grouped,
    )


def _limit(prepared: Prepared) -> int:
    """Give how many rows of a page each table is asked for at first.

    Of many rows about its share will do: whoever turns out to have more of them is asked again.
    """
    end = prepared.query.end
    if prepared.query.offset:
        return end
    share = round(end / len(prepared.parts) * _SHARE)
    return min(end, max(share, _CHEAP))


def _grouped(prepared: Prepared, remote: Remote, groups: Groups) -> Grouped | None:
    """Give what a partner can work out of its rows for the groups of all; None where it cannot."""
    wanted = partial_groups(groups)
    if wanted is None:
        return None
    own = [name for name in groups.by if name in remote.fields]
    fields = {*own, *(it.field for it in wanted.measures if it.field is not None)}
    if groups.every is not None and groups.time is not None:
        fields.add(groups.time)
        if remote.fields.keys() >= {groups.time} and remote.fields[groups.time].role != "time":
            return None
    if not all(same(prepared, remote, name) for name in fields):
        return None
    theirs = replace(wanted, by=tuple(own))
    shown = shown_fields(theirs, remote.fields)
    return Grouped(theirs.by, theirs.every, theirs.measures, prepared.query.zone, shown)


def own_order(prepared: Prepared, remote: Remote) -> tuple[Order, ...]:
    """Give the order as the table itself can have it, a key last; nothing where it cannot.

    A field that the table does not have is null in all its rows, and changes nothing.
    """
    key = remote.key or (() if remote.row is None else (remote.row.name,))
    if not key:
        return ()
    terms: dict[str, Order] = {}
    for it in prepared.query.order:
        name = it.field.removeprefix(ORIGINAL)
        if name in remote.fields and name not in terms:
            if name == it.field and not _alike(prepared, remote, name):
                return ()
            terms[name] = replace(it, field=name)
    order = complete_order(tuple(terms.values()), key)
    kinds = {remote.stored[it.field].type for it in order}
    return () if kinds & _NOT_COMPARED else order


def same(prepared: Prepared, remote: Remote, name: str) -> bool:
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
