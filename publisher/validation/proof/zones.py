"""Local times placed in time by the engine, where it does it as Python does."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta, tzinfo

from publisher.engine import Connection, literal

Place = Callable[[str], tuple[str, str]]
"""From the SQL of a local timestamp to that of its UTC, and of whether that is proved."""

_FIRST, _LAST = 1990, 2060


def placing(con: Connection, zone: tzinfo, name: str) -> Place:
    """Make what places timestamps that are local to *zone*; *name* is its IANA name.

    Not proved are hours in which clocks change, with their neighbours, and years far from now;
    nothing is where the engine's data of the zone are not Python's.
    """
    fixed = zone.utcoffset(None)
    if fixed is not None:
        minutes = fixed // timedelta(minutes=1)
        exact = "true" if timedelta(minutes=minutes) == fixed else "false"
        if not minutes:
            return lambda local: (local, exact)
        return lambda local: (f"({local} - to_minutes(CAST({minutes} AS BIGINT)))", exact)
    hours = _doubtful_hours(con, zone, name)
    if hours is None:
        return lambda local: (local, "false")
    listed = ", ".join(f"TIMESTAMP '{hour}'" for hour in hours) or "NULL"
    ahead = f"[{', '.join(_by_month(zone, {(hour.year, hour.month) for hour in hours}))}]"

    def place(local: str) -> tuple[str, str]:
        # The engine's own way is slow, and needed in the few months with a change only. It takes
        # both sides of an OR, and of a CASE the one that is asked for
        month = f"date_diff('month', DATE '{_FIRST}-01-01', {local}) + 1"
        minutes = f"{ahead}[greatest({month}, 0)]"
        utc = (
            f"coalesce({local} - to_minutes({minutes}), "
            f"timezone('UTC', timezone({literal(name)}, {local})))"
        )
        proved = (
            f"CASE WHEN {minutes} IS NOT NULL THEN true "
            f"WHEN year({local}) BETWEEN {_FIRST} AND {_LAST} "
            f"THEN date_trunc('hour', {local}) NOT IN ({listed}) ELSE false END"
        )
        return utc, proved

    return place


def _by_month(zone: tzinfo, changing: AbstractSet[tuple[int, int]]) -> Iterator[str]:
    """Give for each month how many minutes clocks are ahead; NULL for those *changing*."""
    for year in range(_FIRST, _LAST + 1):
        for month in range(1, 13):
            ahead = zone.utcoffset(datetime.fromisoformat(f"{year}-{month:02}-15"))
            exact = ahead is not None and not ahead % timedelta(minutes=1)
            known = exact and (year, month) not in changing
            yield str(ahead // timedelta(minutes=1)) if ahead is not None and known else "NULL"


_HOURS: dict[str, tuple[datetime, ...] | None] = {}


def _doubtful_hours(con: Connection, zone: tzinfo, name: str) -> tuple[datetime, ...] | None:
    if name not in _HOURS:
        _HOURS[name] = _compared(con, zone, name)
    return _HOURS[name]


def _compared(con: Connection, zone: tzinfo, name: str) -> tuple[datetime, ...] | None:
    """Look at every half day, and around those with a change at every half hour.

    None where the engine's data of the zone are others than Python's.
    """
    first, step = datetime.fromisoformat(f"{_FIRST}-01-01"), timedelta(hours=12)
    count = (datetime.fromisoformat(f"{_LAST + 1}-01-01") - first) // step
    changes: list[tuple[datetime, timedelta | None]] = []
    before = None
    for at in (first + step * number for number in range(count)):
        if (offset := zone.utcoffset(at)) != before:
            changes.append((at, offset))
        before = offset
    found = con.execute(
        "SELECT t, ahead FROM (SELECT t, t - timezone('UTC', timezone(?, t)) AS ahead "
        "FROM range(?, ? + INTERVAL 12 HOUR * ?, INTERVAL 12 HOUR) AS times(t)) "
        "QUALIFY ahead IS DISTINCT FROM lag(ahead) OVER (ORDER BY t) ORDER BY t",
        [name, first, first, count],
    ).fetchall()
    if found != changes:
        return None
    hours: set[datetime] = set()
    for at in _doubtful(con, zone, name, [at for at, _ in changes[1:]]):
        hour = at.replace(minute=0)
        hours |= {hour + timedelta(hours=beside) for beside in (-1, 0, 1)}
    return tuple(sorted(hours))


def _doubtful(
    con: Connection, zone: tzinfo, name: str, changes: Sequence[datetime]
) -> Iterator[datetime]:
    """Give the half hours before *changes* of which the engine does not tell what Python does.

    And those with two offsets, or none, or another than the one before.
    """
    before = None
    for local, utc in con.execute(
        "SELECT t, timezone('UTC', timezone(?, t)) FROM (SELECT DISTINCT unnest(range("
        "t - INTERVAL 13 HOUR, t + INTERVAL 2 HOUR, INTERVAL 30 MINUTE)) AS t "
        "FROM (SELECT unnest(CAST(? AS TIMESTAMP[])) AS t)) ORDER BY t",
        [name, list(changes)],
    ).fetchall():
        offset = zone.utcoffset(local)
        changed = before is not None and offset != before
        if changed or local - utc != offset or offset != zone.utcoffset(local.replace(fold=1)):
            yield local
        before = offset
