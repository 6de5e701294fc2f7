"""Local times placed in time by the engine, where it does it as Python does."""

from collections.abc import Callable
from datetime import date, timedelta, tzinfo

from publisher.engine import Connection, literal

Place = Callable[[str], tuple[str, str]]
"""From the SQL of a local timestamp to that of its UTC, and of whether that is proved."""

_FIRST, _LAST = 1990, 2060


def placing(con: Connection, zone: tzinfo, name: str) -> Place:
    """Make what places timestamps that are local to *zone*; *name* is its IANA name.

    Not proved are days on which clocks change, or on which the engine's data of the zone are
    not Python's, with their neighbours, and years far from now.
    """
    fixed = zone.utcoffset(None)
    if fixed is not None:
        minutes = fixed // timedelta(minutes=1)
        exact = "true" if timedelta(minutes=minutes) == fixed else "false"
        if not minutes:
            return lambda local: (local, exact)
        return lambda local: (f"({local} - to_minutes(CAST({minutes} AS BIGINT)))", exact)
    days = _doubtful_days(con, zone, name)
    months = ", ".join(sorted({str(day.month) for day in days}, key=int)) or "0"
    dates = ", ".join(f"DATE '{day}'" for day in days) or "NULL"

    def place(local: str) -> tuple[str, str]:
        proved = (
            f"(year({local}) BETWEEN {_FIRST} AND {_LAST} AND "
            f"(month({local}) NOT IN ({months}) OR CAST({local} AS DATE) NOT IN ({dates})))"
        )
        return f"timezone('UTC', timezone({literal(name)}, {local}))", proved

    return place


_DAYS: dict[str, tuple[date, ...]] = {}


def _doubtful_days(con: Connection, zone: tzinfo, name: str) -> tuple[date, ...]:
    found = _DAYS.get(name)
    if found is None:
        found = _DAYS[name] = _compared(con, zone, name)
    return found


def _compared(con: Connection, zone: tzinfo, name: str) -> tuple[date, ...]:
    rows = con.execute(
        "SELECT t, timezone('UTC', timezone(?, t)) FROM range(make_timestamp(?, 1, 1, 0, 0, 0), "
        "make_timestamp(?, 1, 1, 0, 0, 0), INTERVAL 12 HOUR) AS times(t)",
        [name, _FIRST, _LAST + 1],
    ).fetchall()
    days: set[date] = set()
    before = None
    for local, utc in rows:
        offset = zone.utcoffset(local)
        if offset != before or local - utc != offset:
            days |= {(local + timedelta(days=beside)).date() for beside in (-1, 0, 1)}
        before = offset
    return tuple(sorted(days))
