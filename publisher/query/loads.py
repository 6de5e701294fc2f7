"""What partners gave, as tables of one connection: read once, while others are still asked."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from publisher.engine import Connection, OutOfMemoryError, identifier
from publisher.errors import SourceError
from publisher.model.query import ROW, Order
from publisher.model.table import sql_type
from publisher.partners import Ask, Fetched
from publisher.partners.loading import OF, WRONG, read_lines, stand_together
from publisher.query.areas import points_within
from publisher.query.sql import Statement, areas, condition, filtered, that_come_after
from publisher.query.values import sortable

_BEHIND_ALL = 2**62
"""Of a key there is one row: what is alike in it is the row itself."""
_Came = Sequence[tuple[Ask, Fetched]]


@dataclass(frozen=True, slots=True)
class Load:
    name: str
    """What tables made of it are called after; no other load has it."""
    source: str
    """A FROM item."""
    rows: int = 0
    """Of a copy 0: those count that are shown."""
    refused: int = 0
    last: int | None = None
    """The number of the last row that matches; None where none does, and of a copy."""
    behind: bool = False
    """All its rows come after the place where a page before ended."""


class Loads:
    """The tables are the connection's: all work with them takes the same one."""

    def __init__(self) -> None:
        self.rows = 0
        """That were to be read."""
        self._read: dict[int, tuple[Fetched, Load | SourceError]] = {}
        self._tables = 0

    def read(self, con: Connection, came: _Came) -> None:
        """Read what was not yet; those whose rows are alike by one statement."""
        alike: dict[Hashable, list[tuple[Ask, Fetched]]] = {}
        for ask, found in came:
            if id(found) not in self._read:
                self.rows += found.rows or 0
                alike.setdefault(_alike(ask, found), []).append((ask, found))
        for several in alike.values():
            if len(several) == 1 or not self._take(con, several):
                for one in several:
                    self._take(con, [one])

    def of(self, found: Fetched) -> Load:
        """Give the table of what was read; raises SourceError where it could not be."""
        load = self._read[id(found)][1]
        if isinstance(load, SourceError):
            raise load
        return load

    def _take(self, con: Connection, several: _Came) -> bool:
        """Read them at once; False where each is to be read by itself, as one is no rows."""
        self._tables += 1
        name = f"partner_{self._tables}"
        loads: Sequence[Load | SourceError]
        try:
            loads = _loaded(con, name, several)
        except (SourceError, OutOfMemoryError) as error:
            con.execute(f"DROP TABLE IF EXISTS {identifier(name)}")
            if len(several) > 1:
                return False
            loads = [_told(error, several[0][0])]
        for (_, found), load in zip(several, loads, strict=True):
            self._read[id(found)] = found, load
        return True


def _told(error: SourceError | OutOfMemoryError, ask: Ask) -> SourceError:
    if isinstance(error, SourceError):
        return error
    return SourceError("partner-too-much", partner=ask.remote.partner)


def _alike(ask: Ask, found: Fetched) -> Hashable:
    """Give what is the same of those that can be read at once."""
    if found.lines is None or not stand_together(found.lines):
        return id(found)
    kinds = tuple((name, it.type, sql_type(it)) for name, it in found.lines.items())
    return (kinds, ask.where, ask.order) if _in_order(ask, found) else kinds


def _in_order(ask: Ask, found: Fetched) -> bool:
    return bool(ask.order) and found.in_order and not (found.grouped or found.whole)


def _loaded(con: Connection, name: str, several: _Came) -> list[Load | SourceError]:
    """Read them into the table *name*; raises SourceError where one of them is no rows."""
    table = identifier(name)
    ask, found = several[0]
    lines, refused = found.lines, 0
    if lines is None:
        refused = found.load(con, name, found.files)
        if found.whole:
            return [Load(name, table, refused=refused)]
    else:
        read_lines(con, name, [it.files for _, it in several], lines, ask.remote.partner)
    counts = _narrowed(con, table, several)
    loads: list[Load | SourceError] = []
    for number, (ask, found) in enumerate(several):
        it = counts.get(number, _NO_ROWS)
        if found.more and not (it.rows or it.wrong or refused):  # it would never end
            loads.append(SourceError("partner-unlike", partner=ask.remote.partner, kind="partner"))
            continue
        source = table
        if lines is not None and len(several) > 1:  # else it is all of the table
            columns = ", ".join([*map(identifier, lines), f"{ROW} - {it.before} AS {ROW}"])
            source = f"(SELECT {columns} FROM {table} WHERE {OF} = {number})"
        last = None if it.last is None else it.last - it.before
        behind = _in_order(ask, found)
        loads.append(Load(f"{name}_{number}", source, it.rows, it.wrong + refused, last, behind))
    return loads


@dataclass(frozen=True, slots=True)
class _Counts:
    rows: int
    """That fit."""
    wrong: int
    last: int | None
    before: int
    """How many rows of others come before its first: those of one table stand together."""
    unwanted: int
    """That are to go: those that do not fit, or were not asked for."""


_NO_ROWS = _Counts(0, 0, None, 0, 0)


def _narrowed(con: Connection, table: str, several: _Came) -> dict[int, _Counts]:
    """Leave out of the table what does not fit or was not asked for; counts, by the number."""
    ask, found = several[0]
    of, wrong = ("0", "false") if found.lines is None else (OF, WRONG)
    statement = Statement()
    held = [f"NOT {wrong}"]
    if _in_order(ask, found):
        matching, statement = _matching(con, table, ask)
        held += [*matching, *_behind([ask for ask, _ in several], of, statement)]
    wanted = f"coalesce({' AND '.join(held)}, false)"
    told = con.execute(
        f"SELECT _number, count_if(NOT _unfit), count_if(_unfit), max({ROW}) FILTER (_wanted),"
        f" min({ROW}) - 1, count_if(NOT _wanted) FROM (SELECT {of} AS _number, {wrong} AS _unfit,"
        f" {ROW}, {wanted} AS _wanted FROM {table} AS t) GROUP BY 1",
        statement.parameters,
    ).fetchall()
    counts = {number: _Counts(*counted) for number, *counted in told}
    if any(it.unwanted for it in counts.values()):
        con.execute(f"DELETE FROM {table} AS t WHERE NOT {wanted}", statement.parameters)
    return counts


def _matching(con: Connection, source: str, ask: Ask) -> tuple[list[str], Statement]:
    """Write that a row of the FROM item matches what was asked."""
    statement = Statement([], {it: points_within(con, (source, []), it) for it in areas(ask.where)})
    return [condition(ask.remote.stored, it, statement) for it in ask.where], statement


def _behind(asks: Sequence[Ask], of: str, statement: Statement) -> list[str]:
    """Write that a row comes after the place that rows of its table were asked for behind."""
    cases = [
        f"WHEN {number} THEN {_after(ask, ask.after, statement)}"
        for number, ask in enumerate(asks)
        if ask.after is not None
    ]
    return [f"CASE {of} {' '.join(cases)} ELSE true END"] if cases else []


def _after(ask: Ask, place: Sequence[Any], statement: Statement) -> str:
    end = [*place, _BEHIND_ALL]
    return that_come_after(ask.order, ask.remote.stored, end, statement)


def ranked(con: Connection, load: Load, ask: Ask, order: Sequence[Order]) -> Load:
    """Give numbers by their values to the rows that match, which came in no order.

    The numbers hang on nothing but the question, of which *order* is what it states: not on what
    of it the partner did itself.
    """
    stated = ask.order or [
        it for it in order if it.field in ask.fields and sortable(ask.remote.stored[it.field])
    ]
    terms = [
        f"{identifier(it.field)} {'DESC' if it.descending else 'ASC'} NULLS LAST" for it in stated
    ]
    terms += [f"CAST({identifier(it)} AS VARCHAR) NULLS LAST" for it in ask.fields]
    name = f"{load.name}_ranked"
    where, statement = _matching(con, load.source, ask)
    if ask.order and ask.after is not None:
        where.append(_after(ask, ask.after, statement))
    [(rows,)] = con.execute(
        f"CREATE OR REPLACE TEMP TABLE {identifier(name)} AS SELECT * EXCLUDE ({ROW}),"
        f" row_number() OVER (ORDER BY {', '.join(terms) or '1'}) AS {ROW}"
        f" FROM {load.source} AS t{filtered(where)}",
        statement.parameters,
    ).fetchall()
    return replace(load, source=identifier(name), last=rows or None, behind=bool(ask.order))


def after_place(ask: Ask, place: Sequence[Any] | None, load: Load) -> tuple[str, Sequence[object]]:
    """Give a FROM item of the rows that come after the *place* where a page before ended."""
    if place is None or load.behind:
        return load.source, []
    statement = Statement()
    if ask.order:
        where = _after(ask, place, statement)
    else:
        where = that_come_after((), {}, place, statement)
    return f"(SELECT * FROM {load.source} AS t WHERE {where})", statement.parameters
