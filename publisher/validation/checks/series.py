"""Checks of an entity's rows in the order of time.

A row's neighbours are the rows of the delivery and those of the table. Of two neighbours the
later one is told, or the earlier where the later was there already.
"""

# ruff: noqa: S608 - identifiers are quoted, values are parameters
from collections.abc import Iterator

from publisher.engine import identifier
from publisher.errors import ConfigurationError
from publisher.model.checks import FallingTotal, FlatLine, MissingInterval, StepChange
from publisher.validation.checks.base import SERIES, Query, Table, micros, numbers

_ORDER = "PARTITION BY _entity ORDER BY _time, _position NULLS FIRST"
_RESET = 10
"""A total that falls to less than this part of the one before has started over."""


def _values(name: str) -> str:
    column = identifier(name)
    return (
        f"SELECT _entity, _position, _time, {column} AS v FROM {SERIES} WHERE {column} IS NOT NULL"
    )


def _pairs(name: str) -> str:
    return (
        "SELECT *, coalesce(_position, lag(_position) OVER w) AS position, lag(v) OVER w AS before,"
        f" epoch_us(_time) - epoch_us(lag(_time) OVER w) AS apart FROM ({_values(name)})"
        f" WINDOW w AS ({_ORDER})"
    )


def step_change(check: StepChange, table: Table) -> Iterator[Query]:
    for field in numbers(check.type, check.fields, table.schema):
        near = "" if check.within is None else f" AND apart <= {micros(check.within)}"
        yield Query(
            field.name,
            "SELECT position, 'it changed from ' || before || ' to ' || v AS note FROM "
            f"({_pairs(field.name)}) WHERE position IS NOT NULL AND abs(v - before) > ?{near}",
            (check.maximum,),
        )


def missing_interval(check: MissingInterval, table: Table) -> Iterator[Query]:
    interval = check.interval or table.interval
    if interval is None:
        raise ConfigurationError("check-without-interval", check=check.type)
    time = table.schema.time_field
    yield Query(
        time.name if time else "",
        "SELECT _position AS position, 'the row before it is of ' || before AS note FROM (SELECT "
        f"_position, _time, lag(_time) OVER ({_ORDER}) AS before FROM {SERIES}) "
        "WHERE _position IS NOT NULL AND epoch_us(_time) - epoch_us(before) > ?",
        (int(micros(interval) * check.tolerance),),
    )


def flat_line(check: FlatLine, table: Table) -> Iterator[Query]:
    tolerance = check.tolerance
    for field in numbers(check.type, check.fields, table.schema):
        values = _values(field.name)
        if check.length is not None:
            # Those of the time before it, and the last one that is older than that
            length = f"to_microseconds({micros(check.length)})"
            yield Query(
                field.name,
                f"WITH values AS ({values}), ranged AS (SELECT *, _time - {length} AS since,"
                " max(v) OVER w AS high, min(v) OVER w AS low FROM values WINDOW w AS ("
                f"PARTITION BY _entity ORDER BY _time RANGE BETWEEN {length} PRECEDING "
                "AND CURRENT ROW)) SELECT r._position AS position, "
                "'it has been ' || r.v || ' since ' || b._time || ' or longer' AS note "
                "FROM ranged AS r ASOF JOIN values AS b "
                "ON b._entity = r._entity AND b._time <= r.since WHERE r._position IS NOT NULL "
                "AND high - r.v <= $1 AND r.v - low <= $1 AND abs(b.v - r.v) <= $1",
                (tolerance,),
            )
        if check.rows is not None:
            yield Query(
                field.name,
                "SELECT _position AS position, 'it is ' || v || ' in ' || rows || ' rows' AS note"
                " FROM (SELECT *, count(*) OVER w AS rows, max(v) OVER w AS high, "
                f"min(v) OVER w AS low FROM ({values}) WINDOW w AS ({_ORDER} "
                f"ROWS BETWEEN {check.rows - 1} PRECEDING AND CURRENT ROW)) "
                f"WHERE _position IS NOT NULL AND rows = {check.rows} "
                "AND high - v <= $1 AND v - low <= $1",
                (tolerance,),
            )


def falling_total(check: FallingTotal, table: Table) -> Iterator[Query]:
    """Compare with the row before; where rows are refused, with the highest that is kept."""
    reset = f"before > 0 AND v * {_RESET} <= before" if check.resets else "false"
    for field in numbers(check.type, check.fields, table.schema):
        pairs = _pairs(field.name)
        if check.severity == "warning":
            yield Query(
                field.name,
                "SELECT position, 'it fell from ' || before || ' to ' || v AS note "
                f"FROM ({pairs}) WHERE position IS NOT NULL AND v < before AND NOT ({reset})",
            )
            continue
        order = "PARTITION BY _entity, part ORDER BY _time, _position NULLS FIRST ROWS BETWEEN"
        yield Query(
            field.name,
            f"""
            WITH parted AS (
                SELECT _entity, _position, _time, v,
                    sum(CAST(coalesce({reset}, false) AS INTEGER)) OVER ({_ORDER}) AS part
                FROM ({pairs})
            ), bounded AS (
                SELECT *, min(CASE WHEN _position IS NULL THEN v END)
                    OVER ({order} 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS later
                FROM parted
            ), ranged AS (
                SELECT *, max(CASE WHEN _position IS NULL OR v <= coalesce(later, v) THEN v END)
                    OVER ({order} UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier
                FROM bounded
            )
            SELECT _position AS position, CASE WHEN v < earlier
                THEN 'it is ' || v || ' after ' || earlier
                ELSE 'it is ' || v || ' before ' || later END AS note
            FROM ranged WHERE _position IS NOT NULL AND (v < earlier OR v > later)
            """,
        )
