"""What partners gave, as tables of one connection: read once, while others are still asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from publisher.engine import Connection, OutOfMemoryError, identifier
from publisher.errors import SourceError
from publisher.model.query import ROW, Order
from publisher.partners import Ask, Fetched
from publisher.query.areas import points_within
from publisher.query.sql import Statement, areas, condition, filtered, that_come_after
from publisher.query.values import sortable

_BEHIND_ALL = 2**62
"""Of a key there is one row: what is alike in it is the row itself."""


@dataclass(frozen=True, slots=True)
class Load:
    name: str
    """Of the table, or of the view of a copy."""
    rows: int = 0
    """Of a copy 0: those count that are shown."""
    refused: int = 0


@dataclass(slots=True)
class Loads:
    """The tables are the connection's: all work with them takes the same one."""

    _read: dict[int, tuple[Fetched, Load | SourceError]] = field(default_factory=dict)

    def read(self, con: Connection, ask: Ask, found: Fetched) -> Load:
        """Give the table of what was *found*, which is read where it was not yet.

        Raises SourceError where it cannot be read.
        """
        if id(found) not in self._read:
            load: Load | SourceError
            try:
                load = _load(con, f"partner_{len(self._read)}", ask, found)
            except SourceError as error:
                load = error
            self._read[id(found)] = found, load
        load = self._read[id(found)][1]
        if isinstance(load, SourceError):
            raise load
        return load


def _load(con: Connection, name: str, ask: Ask, found: Fetched) -> Load:
    try:
        refused = found.load(con, name, found.files)
    except OutOfMemoryError:
        raise SourceError("partner-too-much", partner=ask.remote.partner) from None
    if found.whole:
        return Load(name, refused=refused)
    [(rows,)] = con.execute(f"SELECT count(*) FROM {identifier(name)}").fetchall()
    if found.more and not (rows or refused):  # it would never end
        raise SourceError("partner-unlike", partner=ask.remote.partner, kind="partner")
    return Load(name, rows, refused)


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
    source = identifier(load.name)
    points = {it: points_within(con, (source, []), it) for it in areas(ask.where)}
    statement = Statement([], points)
    where = filtered([condition(ask.remote.stored, it, statement) for it in ask.where])
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {identifier(name)} AS SELECT * EXCLUDE ({ROW}),"
        f" row_number() OVER (ORDER BY {', '.join(terms) or '1'}) AS {ROW}"
        f" FROM {source} AS t{where}",
        statement.parameters,
    )
    return replace(load, name=name)


def after_place(ask: Ask, place: Sequence[Any] | None, load: Load) -> tuple[str, Sequence[object]]:
    """Give a FROM item of the rows that come after the *place* where a page before ended."""
    table = identifier(load.name)
    if place is None:
        return table, []
    statement = Statement()
    if ask.order:
        end = [*place, _BEHIND_ALL]
        where = that_come_after(ask.order, ask.remote.stored, end, statement)
    else:
        where = that_come_after((), {}, place, statement)
    return f"(SELECT * FROM {table} AS t WHERE {where})", statement.parameters
