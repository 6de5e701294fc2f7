"""Rows that failed, kept with their reasons until they are released, discarded or offered anew.

Insert-only: a row judged again is a new revision of it, the newest counts; closing is a row in
a table of its own.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import orjson

from publisher.engine import Connection
from publisher.model.dataset import Mode
from publisher.model.run import Delivery, RuleCount
from publisher.model.table import QuarantinedRow
from publisher.model.values import TableRef
from publisher.store.versions import utc

_PAGE = 2000
_EXAMPLES = 10

_OPEN = """(
    SELECT * FROM (
        SELECT * FROM store.meta.quarantine WHERE ref = $ref
        QUALIFY row_number() OVER (PARTITION BY id ORDER BY revision DESC) = 1
    ) AS newest
    WHERE id NOT IN (SELECT id FROM store.meta.quarantine_closed WHERE ref = $ref)
)"""


class QuarantineCounts(NamedTuple):
    rules: tuple[RuleCount, ...]
    """Most frequent first; a row that broke two rules counts under both."""
    total: int
    """Rows that wait."""


def count_open(con: Connection, ref: TableRef) -> int:
    row = con.execute(f"SELECT count(*) FROM {_OPEN}", {"ref": str(ref)}).fetchone()
    return int(row[0]) if row else 0


def waiting(con: Connection) -> dict[TableRef, int]:
    """Count the rows that wait, for every table that has any."""
    rows = con.execute(
        "SELECT ref, count(DISTINCT id) FROM store.meta.quarantine"
        " ANTI JOIN store.meta.quarantine_closed USING (ref, id) GROUP BY ref"
    ).fetchall()
    return {TableRef(*ref.split("/")): count for ref, count in rows}


def has_open(con: Connection, ref: TableRef, rule: str) -> bool:
    """Tell whether a row waits that *rule* alone refused."""
    row = con.execute(
        f"SELECT 1 FROM {_OPEN} WHERE list_distinct(rules) = [$rule] LIMIT 1",
        {"ref": str(ref), "rule": rule},
    ).fetchone()
    return row is not None


def rows(
    con: Connection,
    ref: TableRef,
    *,
    limit: int,
    after: str | None = None,
    only_rule: str | None = None,
    ids: Collection[str] | None = None,
) -> list[QuarantinedRow]:
    """Give at most *limit* rows that wait, oldest first, those behind the id *after*.

    With *only_rule* those that this rule alone refused; with *ids* only these.
    """
    found = con.execute(
        "SELECT id, run, delivery, row_number, labels, cells, errors, version, origin"
        f" FROM {_OPEN} LEFT JOIN ("
        "   SELECT id AS delivery, any_value(origin) AS origin FROM store.meta.deliveries"
        "   WHERE ref = $ref GROUP BY ALL) USING (delivery)"
        " WHERE ($after IS NULL OR id > $after)"
        " AND ($rule IS NULL OR list_distinct(rules) = [$rule])"
        " AND ($ids IS NULL OR list_contains($ids::VARCHAR[], id)) ORDER BY id LIMIT $limit",
        {
            "ref": str(ref),
            "after": after,
            "rule": only_rule,
            "ids": None if ids is None else list(ids),
            "limit": limit,
        },
    ).fetchall()
    return [_read(ref, row) for row in found]


def each(
    con: Connection, ref: TableRef, *, only_rule: str | None = None
) -> Iterator[QuarantinedRow]:
    """Give every row that waits, a page in memory at a time.

    Other statements may run on *con* between two rows.
    """
    after: str | None = None
    while page := rows(con, ref, limit=_PAGE, after=after, only_rule=only_rule):
        yield from page
        after = page[-1].id


def counts(con: Connection, ref: TableRef) -> QuarantineCounts:
    """Count the rows that wait by rule and schema field.

    Errors that were stored before they told the field are counted by the column's label.
    """
    found = con.execute(
        f"""
        SELECT e ->> 'type' AS rule, CASE WHEN json_exists(e, '$.field') THEN e ->> 'field'
            ELSE nullif(e ->> 'fieldName', '') END AS field, count(DISTINCT id) AS hits,
            min(row_number, {_EXAMPLES})
        FROM (SELECT id, row_number, unnest(from_json(errors, '["JSON"]')) AS e FROM {_OPEN})
        GROUP BY rule, field ORDER BY hits DESC, rule, field
        """,
        {"ref": str(ref)},
    ).fetchall()
    rules = tuple(
        RuleCount(rule=rule, field=field, count=hits, rows=tuple(dict.fromkeys(examples)))
        for rule, field, hits, examples in found
    )
    return QuarantineCounts(rules, count_open(con, ref))


def close(
    con: Connection,
    ref: TableRef,
    run: str,
    reason: Literal["released", "discarded", "superseded"],
    which: str = "true",
    **params: object,
) -> int:
    """Close the open rows that the condition *which* holds for; give how many."""
    closed = con.execute(
        "INSERT INTO store.meta.quarantine_closed"
        f" SELECT ref, id, $run, $reason, $now::TIMESTAMP FROM {_OPEN} AS q WHERE {which}",
        {
            "ref": str(ref),
            "run": run,
            "reason": reason,
            "now": utc(datetime.now(UTC)),
            **params,
        },
    ).fetchone()
    return int(closed[0]) if closed else 0


def discard(con: Connection, ref: TableRef, ids: Collection[str] | None) -> int:
    """Close rows without releasing them: all that wait, or those of *ids*."""
    if ids is None:
        return close(con, ref, "", "discarded")
    return close(con, ref, "", "discarded", "list_contains($ids::VARCHAR[], id)", ids=list(ids))


def refuse(con: Connection, delivery: Delivery, *, run: str, version: int, mode: Mode) -> int:
    """Keep the rows of ``judged_bad``, refused on top of the table's *version*.

    What waits and is offered anew by this delivery is closed: all of the table where the
    delivery is the whole of it, else the rows of the same content read again, and rows that
    the same file or URL offers again as they were. Without this a file that grows would leave
    the same row behind at every harvest.
    """
    ref = str(delivery.ref)
    if mode == "replace":
        close(con, delivery.ref, run, "superseded")
    elif mode == "merge" and _waiting(con, ref):
        close(
            con,
            delivery.ref,
            run,
            "superseded",
            """delivery IN (SELECT id FROM store.meta.deliveries
                            WHERE ref = $ref AND origin = $origin)
            AND (delivery IN (SELECT id FROM store.meta.deliveries
                              WHERE ref = $ref AND sha256 = $sha256)
                 OR (labels, cells) IN (SELECT (labels, cells) FROM temp.judged_bad))""",
            origin=delivery.origin,
            sha256=delivery.sha256,
        )
    kept = con.execute(
        "INSERT INTO store.meta.quarantine"
        " SELECT $ref, $delivery || '.' || lpad(row_number::VARCHAR, 10, '0'), 0, $run, $delivery,"
        " row_number, labels, cells, errors, rules, $version FROM temp.judged_bad",
        {"ref": ref, "delivery": delivery.id, "run": run, "version": version},
    ).fetchone()
    return int(kept[0]) if kept else 0


def keep_open(con: Connection, ref: TableRef) -> None:
    """Take out of the judged rows what was closed while they were judged."""
    for judged in ("judged_good", "judged_bad"):
        con.execute(
            f"DELETE FROM temp.{judged} WHERE _quarantine_id NOT IN (SELECT id FROM {_OPEN})",
            {"ref": str(ref)},
        )


def place(con: Connection, ref: TableRef) -> int | None:
    """Give the oldest version at which a row of ``judged_good`` was refused."""
    row = con.execute(
        "SELECT min(version) FROM store.meta.quarantine WHERE ref = ?"
        " AND id IN (SELECT _quarantine_id FROM temp.judged_good)",
        [str(ref)],
    ).fetchone()
    return row[0] if row else None


def judge_again(con: Connection, ref: TableRef, *, run: str) -> int:
    """Close the rows of ``judged_good``; give those of ``judged_bad`` their new errors.

    Those of ``temp.outdone`` lost to a newer row of their key: they are not released but
    superseded. Gives how many are still refused.
    """
    close(con, ref, run, "superseded", "id IN (SELECT _quarantine_id FROM temp.outdone)")
    close(con, ref, run, "released", "id IN (SELECT _quarantine_id FROM temp.judged_good)")
    con.execute(
        "INSERT INTO store.meta.quarantine"
        " SELECT q.ref, q.id, q.revision + 1, $run, q.delivery, q.row_number, q.labels, q.cells,"
        f" b.errors, b.rules, q.version FROM {_OPEN} AS q"
        " JOIN temp.judged_bad AS b ON b._quarantine_id = q.id"
        " WHERE b.errors IS DISTINCT FROM q.errors",
        {"ref": str(ref), "run": run},
    )
    row = con.execute("SELECT count(*) FROM temp.judged_bad").fetchone()
    return int(row[0]) if row else 0


def _waiting(con: Connection, ref: str) -> bool:
    row = con.execute("SELECT 1 FROM store.meta.quarantine WHERE ref = ? LIMIT 1", [ref]).fetchone()
    return row is not None


def _read(ref: TableRef, row: tuple[Any, ...]) -> QuarantinedRow:
    row_id, run, delivery, row_number, labels, cells, errors, version, origin = row
    return QuarantinedRow(
        id=row_id,
        ref=ref,
        run=run,
        delivery=delivery,
        row_number=row_number,
        labels=tuple(orjson.loads(labels)),
        cells=tuple(orjson.loads(cells)),
        errors=tuple(orjson.loads(errors)),
        version=version,
        origin=origin,
    )
