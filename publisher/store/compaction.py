"""Housekeeping: worn state goes, closed months are laid out in cluster order again."""

from datetime import UTC, datetime
from functools import partial

from publisher.engine import Connection, Engine
from publisher.model.schema import Schema
from publisher.model.values import TableRef
from publisher.store import layout
from publisher.store.versions import state, utc

_WORN = (
    # runs that ended before, and the first line of those that have their last one
    """DELETE FROM store.meta.runs WHERE ref = $ref AND id IN (
        SELECT id FROM store.meta.runs WHERE ref = $ref AND finished_at < $before)""",
    """DELETE FROM store.meta.runs WHERE ref = $ref AND finished_at IS NULL AND id IN (
        SELECT id FROM store.meta.runs WHERE ref = $ref AND finished_at IS NOT NULL)""",
    # closed rows of the quarantine
    """DELETE FROM store.meta.quarantine WHERE ref = $ref AND id IN (
        SELECT id FROM store.meta.quarantine_closed WHERE ref = $ref AND closed_at < $before)""",
    "DELETE FROM store.meta.quarantine_closed WHERE ref = $ref AND closed_at < $before",
    # deliveries that are neither the newest of their origin nor waited for in the quarantine
    """DELETE FROM store.meta.deliveries WHERE ref = $ref AND settled_at < $before
        AND id NOT IN (SELECT max(id) FROM store.meta.deliveries WHERE ref = $ref GROUP BY origin)
        AND id NOT IN (SELECT delivery FROM store.meta.quarantine WHERE ref = $ref)""",
    # versions that cannot be asked for any more and their schemas, and what an older row said
    """DELETE FROM store.meta.versions WHERE ref = $ref AND version < $oldest""",
    """DELETE FROM store.meta.schemas WHERE ref = $ref AND version < (
        SELECT max(version) FROM store.meta.schemas WHERE ref = $ref AND version <= $oldest)""",
    "DELETE FROM store.meta.horizons WHERE ref = $ref AND oldest < $oldest",
    """DELETE FROM store.meta.published WHERE dataset = $dataset
        AND (target, attempted_at) NOT IN (
            SELECT (target, max(attempted_at)) FROM store.meta.published
            WHERE dataset = $dataset GROUP BY target, problem IS NULL)""",
)


def compact_state(con: Connection, ref: TableRef, before: datetime) -> None:
    """Delete the state rows that no longer count, to be run in a transaction.

    Runs, deliveries and closed quarantine rows are kept until they are older than *before*.
    """
    found = state(con, ref)
    known = {
        "ref": str(ref),
        "dataset": ref.dataset,
        "before": utc(before),
        "oldest": found.oldest_version if found else 0,
    }
    for statement in _WORN:
        con.execute(statement, {k: v for k, v in known.items() if f"${k}" in statement})


def compact(engine: Engine, con: Connection, ref: TableRef) -> list[datetime]:
    """Rewrite each closed month that rows came to since it was last written; give the months.

    Late rows and corrections lie behind all others until then. One month is one transaction;
    no row changes, nor its version.
    """
    found = state(con, ref)
    month_of = layout.month_of(found.schema) if found else None
    if found is None or month_of is None:
        return []
    months = _worn_months(con, ref, month_of)
    for month in months:
        engine.transaction(con, partial(_rewrite, con, ref, found.schema, month, found.version))
    return months


def _worn_months(con: Connection, ref: TableRef, month_of: str) -> list[datetime]:
    """Give the months before this one that rows of several versions lie in."""
    this_month = utc(datetime.now(UTC)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    rows = con.execute(
        "SELECT l.month_start FROM ("
        f" SELECT {month_of} AS month_start, min(_since) AS first, max(_since) AS last"
        f" FROM {layout.data(ref)} WHERE {month_of} < $now GROUP BY month_start) AS l"
        " LEFT JOIN (SELECT month_start, max(version) AS done FROM store.meta.compacted"
        " WHERE ref = $ref GROUP BY month_start) AS c ON c.month_start = l.month_start"
        " WHERE l.first < l.last AND l.last > coalesce(c.done, 0) ORDER BY l.month_start",
        {"ref": str(ref), "now": this_month},
    ).fetchall()
    return [month for (month,) in rows]


def _rewrite(con: Connection, ref: TableRef, schema: Schema, month: datetime, version: int) -> None:
    current = layout.data(ref)
    of_month = f"{layout.month_of(schema)} = ?"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE month_rows AS SELECT * FROM {current} WHERE {of_month}",
        [month],
    )
    con.execute(f"DELETE FROM {current} WHERE {of_month}", [month])
    con.execute(
        f"INSERT INTO {current} BY NAME SELECT * FROM temp.month_rows"
        f" ORDER BY {layout.clustering(schema)}, _row"
    )
    con.execute("DROP TABLE temp.month_rows")
    con.execute("INSERT INTO store.meta.compacted VALUES (?, ?, ?)", [str(ref), month, version])
