"""An entity's rows in the order of time: those of a delivery between those of the table."""

# ruff: noqa: S608 - identifiers are quoted, relations come from the store, values are parameters
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from publisher.engine import Connection, identifier, literal
from publisher.model.schema import Field, Schema
from publisher.model.table import sql_type
from publisher.validation.checks.base import KNOWN, NUMBERS, SERIES, STAGED, alike, micros
from publisher.validation.rows import BAD, ROW

_RECENT = timedelta(days=31)
"""How far back the rows before a delivery are looked for at first."""
_ENTITIES = "temp.judged_entities"
_SPANS = "temp.judged_spans"


@dataclass(frozen=True, slots=True)
class Reach:
    """How far before a delivery its rows have neighbours."""

    rows: int = 1
    length: timedelta = timedelta(0)


def know(con: Connection, schema: Schema, stored: str | None) -> None:
    """Make `judged_known`: the rows of *stored* that no row of the delivery supersedes.

    A field that it does not have, or not of this type, is NULL there.
    """
    held = {}
    if stored is not None:
        held = {str(name): str(type_) for name, type_, *_ in _described(con, stored)}
    columns = ", ".join(
        f"c.{identifier(field.name)}"
        if held.get(field.name) == sql_type(field)
        else f"CAST(NULL AS {sql_type(field)}) AS {identifier(field.name)}"
        for field in schema.fields
    )
    con.execute("DROP VIEW IF EXISTS temp.judged_known")
    if stored is None:
        con.execute(f"CREATE TEMP VIEW judged_known AS SELECT {columns} WHERE false")
        return
    source = f"{stored} AS c"
    if schema.primary_key and set(schema.primary_key) <= held.keys():
        same = alike("c", "g", schema.primary_key)
        source += f" ANTI JOIN (SELECT * FROM {STAGED} WHERE {_counted()}) AS g ON {same}"
    con.execute(f"CREATE TEMP VIEW judged_known AS SELECT {columns} FROM {source}")


def line_up(
    con: Connection, schema: Schema, fields: Collection[str], doubted: Collection[str], reach: Reach
) -> None:
    """Make `judged_series` with the number *fields*; cells that a check speaks against are NULL.

    *doubted* are the fields that have such cells. Of the table only the rows next to those of
    the delivery are read: those between them, *reach* before them, one behind them.
    """
    assert schema.time_field is not None  # noqa: S101 - a series check is refused without it
    entity = schema.entity_fields
    time = f"CAST({identifier(schema.time_field.name)} AS TIMESTAMP)"
    names = ", ".join(identifier(field.name) for field in entity)
    numbers = [name for name in schema.by_name if name in fields]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE judged_entities AS SELECT row_number() OVER () AS _entity, "
        f"{names} FROM (SELECT DISTINCT {names} FROM {STAGED} WHERE {_counted()})"
    )
    own = "".join(f", {_number(name, doubted)}" for name in numbers)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE judged_series AS SELECT {ROW} AS _position, _entity, "
        f"{time} AS _time{own} FROM {STAGED} AS s JOIN {_ENTITIES} AS e ON {_same(entity)} "
        f"WHERE {_counted()} AND {time} IS NOT NULL"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE judged_spans AS SELECT _entity, min(_time) AS first, "
        f"max(_time) AS last, CAST(NULL AS TIMESTAMP) AS floor FROM {SERIES} GROUP BY _entity"
    )
    # A row without a value is no neighbour where the value is compared
    there = ["true", *(f"s.{identifier(name)} IS NOT NULL" for name in numbers)]
    _find_floors(con, entity, time, there, reach)
    begin, end = _bounds(con, entity, time, there)
    if begin is None:
        return
    stored = "".join(f", CAST(s.{identifier(name)} AS DOUBLE)" for name in numbers)
    con.execute(
        f"INSERT INTO {SERIES} SELECT NULL, _entity, {time}{stored} FROM {KNOWN} AS s "
        f"JOIN {_ENTITIES} AS e ON {_same(entity)} JOIN {_SPANS} USING (_entity) "
        f"WHERE {time} BETWEEN $begin AND $end AND {time} BETWEEN coalesce(floor, first) AND last",
        {"begin": begin, "end": end},
    )


def _number(name: str, doubted: Collection[str]) -> str:
    value = f"CAST(s.{identifier(name)} AS DOUBLE)"
    if name in doubted:
        value = (
            f"CASE WHEN {ROW} IN (SELECT position FROM temp.judged_checked "
            f"WHERE field = {literal(name)}) THEN NULL ELSE {value} END"
        )
    return f"{value} AS {identifier(name)}"


def _counted() -> str:
    """Say in SQL that a row of `judged_good` is not refused."""
    return f"{BAD} IS NULL AND {ROW} NOT IN (SELECT position FROM temp.judged_clash)"


def _same(entity: Sequence[Field]) -> str:
    return alike("s", "e", [field.name for field in entity])


def _find_floors(
    con: Connection, entity: Sequence[Field], time: str, there: Sequence[str], reach: Reach
) -> None:
    """Set the time that each entity's neighbours begin at: looked for nearby, then everywhere.

    *there* are the conditions that rows are neighbours under, each for itself.
    """
    earliest = con.execute(f"SELECT min(first) FROM {_SPANS}").fetchone()
    if not earliest or earliest[0] is None:
        return
    length = f"to_microseconds({micros(reach.length)})"
    # The last but so many of those before, and the last one that is older than the length; where
    # none is, all of them may matter to a shorter length
    lows, wholes = [], []
    for each in there:
        older = f"{each} AND {time} <= first - {length}"
        lows.append(f"list_min(max({time}, {reach.rows}) FILTER ({each}))")
        lows.append(f"coalesce(max({time}) FILTER ({older}), min({time}) FILTER ({each}))")
        wholes.append(f"count(*) FILTER ({each}) >= {reach.rows}")
        wholes.append(f"count(*) FILTER ({older}) > 0")
    low, whole = ", ".join(lows), " AND ".join(wholes)
    for horizon in (_before(earliest[0], reach.length + _RECENT), None):
        if not con.execute(f"SELECT 1 FROM {_SPANS} WHERE floor IS NULL LIMIT 1").fetchone():
            return
        near = "" if horizon is None else f"AND {time} >= $horizon"
        params = {} if horizon is None else {"horizon": horizon}
        con.execute(
            f"UPDATE {_SPANS} AS p SET floor = found.low FROM (SELECT _entity, "
            f"least({low}) AS low, {whole} AS whole "
            f"FROM {KNOWN} AS s JOIN {_ENTITIES} AS e ON {_same(entity)} "
            f"JOIN {_SPANS} USING (_entity) WHERE floor IS NULL AND {time} < first {near} "
            f"GROUP BY _entity) AS found WHERE p._entity = found._entity"
            + (" AND whole" if horizon is not None else ""),
            params,
        )


def _before(instant: datetime, length: timedelta) -> datetime:
    try:
        return instant - length
    except OverflowError:
        return datetime.min  # noqa: DTZ901 - the engine's times have no zone


def _bounds(
    con: Connection, entity: Sequence[Field], time: str, there: Sequence[str]
) -> tuple[object, object]:
    """Move each entity's end to its first row behind the delivery; give the range of all."""
    nexts = ", ".join(f"min({time}) FILTER ({each})" for each in there)
    con.execute(
        f"UPDATE {_SPANS} AS p SET last = found.next "
        f"FROM (SELECT _entity, greatest({nexts}) AS next "
        f"FROM {KNOWN} AS s JOIN {_ENTITIES} AS e ON {_same(entity)} "
        f"JOIN {_SPANS} USING (_entity) WHERE {time} > last "
        f"AND {time} > (SELECT min(last) FROM {_SPANS}) GROUP BY _entity) AS found "
        "WHERE p._entity = found._entity"
    )
    ((begin, end),) = con.execute(
        f"SELECT min(coalesce(floor, first)), max(last) FROM {_SPANS}"
    ).fetchall()
    return begin, end


def _described(con: Connection, relation: str) -> list[tuple[object, ...]]:
    return con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()


def numeric(schema: Schema) -> frozenset[str]:
    return frozenset(field.name for field in schema.fields if field.type in NUMBERS)
