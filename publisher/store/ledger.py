"""The run ledger and the settled deliveries: insert-only, the newest row counts."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from publisher.engine import Connection
from publisher.model.run import (
    Counts,
    Delivery,
    Example,
    Outcome,
    Problem,
    Rejection,
    RuleCount,
    Run,
    Seen,
)
from publisher.model.values import TableRef
from publisher.store.versions import aware, utc


def dumps(value: object) -> str:
    return orjson.dumps(value).decode()


def problem_text(problem: Problem | None) -> str | None:
    if problem is None:
        return None
    return orjson.dumps({"code": problem.code, "params": problem.params}, default=str).decode()


def read_problem(text: str | None) -> Problem | None:
    return None if text is None else Problem(**orjson.loads(text))


# deliveries


def _rejection_text(rejection: Rejection | None) -> str | None:
    if rejection is None:
        return None
    body = {
        **rejection.problem.descriptor(),
        "findings": rejection.findings,
        "examples": rejection.examples,
    }
    return orjson.dumps(body, default=str).decode()


def _read_rejection(text: str | None) -> Rejection | None:
    """Read what was wrong; of deliveries settled by the first releases only the problem is kept."""
    if text is None:
        return None
    body = orjson.loads(text)
    return Rejection(
        problem=Problem(body["code"], body["params"]),
        findings=_read_findings(body.get("findings", ())),
        examples=tuple(Example(**example) for example in body.get("examples", ())),
    )


def _read_findings(stored: Iterable[Mapping[str, Any]]) -> tuple[RuleCount, ...]:
    return tuple(RuleCount(**{**found, "rows": tuple(found["rows"])}) for found in stored)


def settle(
    con: Connection,
    delivery: Delivery,
    *,
    fingerprint: str,
    run: str,
    outcome: Outcome,
    version: int,
    rejection: Rejection | None = None,
) -> None:
    """Record that *delivery* was judged under the view *fingerprint*, and how it ended.

    *version* is its place: the table's when these bytes were settled for the first time.
    """
    con.execute(
        "INSERT INTO store.meta.deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            str(delivery.ref),
            delivery.id,
            run,
            delivery.origin,
            delivery.sha256,
            fingerprint,
            outcome,
            dumps(dict(delivery.cursor)),
            _rejection_text(rejection),
            utc(datetime.now(UTC)),
            version,
        ],
    )


def is_settled(con: Connection, delivery_id: str) -> bool:
    row = con.execute(
        "SELECT 1 FROM store.meta.deliveries WHERE id = ? LIMIT 1", [delivery_id]
    ).fetchone()
    return row is not None


def is_taken(con: Connection, delivery_id: str) -> bool:
    """Tell whether the delivery's rows are in the store already."""
    row = con.execute(
        "SELECT 1 FROM store.meta.deliveries WHERE id = ?"
        " AND outcome IN ('committed', 'unchanged') LIMIT 1",
        [delivery_id],
    ).fetchone()
    return row is not None


def seen(con: Connection, ref: TableRef) -> dict[str, Seen]:
    """Give the last settled delivery of each origin."""
    rows = con.execute(
        "SELECT origin, id, sha256, fingerprint, outcome, position, problem, version"
        " FROM store.meta.deliveries WHERE ref = ?"
        " QUALIFY row_number() OVER (PARTITION BY origin ORDER BY id DESC, settled_at DESC) = 1",
        [str(ref)],
    ).fetchall()
    return {
        origin: Seen(
            delivery=delivery,
            sha256=sha256,
            view=fingerprint,
            outcome=outcome,
            cursor=orjson.loads(position),
            rejection=_read_rejection(problem),
            version=version,
        )
        for origin, delivery, sha256, fingerprint, outcome, position, problem, version in rows
    }


def rejections(con: Connection, deliveries: Collection[str]) -> list[tuple[str, Rejection]]:
    """Give what was wrong with those of the *deliveries* that were refused, by origin."""
    rows = con.execute(
        "SELECT origin, arg_max(problem, settled_at) FROM store.meta.deliveries"
        " WHERE id IN (SELECT unnest($ids::VARCHAR[])) AND outcome IN ('held', 'failed')"
        " GROUP BY id, origin ORDER BY id",
        {"ids": list(deliveries)},
    ).fetchall()
    found = ((origin, _read_rejection(problem)) for origin, problem in rows)
    return [(origin, rejection) for origin, rejection in found if rejection is not None]


def unsettled_contents(con: Connection) -> set[str]:
    """Give the contents whose newest delivery was held or failed: a steward may still need them."""
    rows = con.execute(
        "SELECT arg_max(sha256, id), arg_max(outcome, id) AS last"
        " FROM store.meta.deliveries GROUP BY ref, origin HAVING last IN ('held', 'failed')"
    ).fetchall()
    return {sha256 for sha256, _ in rows}


# runs


def start_run(con: Connection, run: Run) -> None:
    _write(con, replace(run, outcome="running", finished_at=None))


def finish_run(con: Connection, run: Run) -> None:
    """Write the run's end; ``finished_at`` is now where it is not stated."""
    _write(con, replace(run, finished_at=run.finished_at or datetime.now(UTC)))


def runs(
    con: Connection, ref: TableRef | None = None, *, limit: int = 100, before: str | None = None
) -> list[Run]:
    """Give runs as they stand now, newest first; *before* is the id of the last one given."""
    rows = con.execute(
        "SELECT ref, id, started_at, finished_at, outcome, body FROM store.meta.runs"
        " WHERE ($ref IS NULL OR ref = $ref) AND ($before IS NULL OR (started_at, id) <"
        " (SELECT (any_value(started_at), id) FROM store.meta.runs WHERE id = $before GROUP BY id))"
        " QUALIFY row_number() OVER (PARTITION BY id ORDER BY finished_at DESC NULLS LAST) = 1"
        " ORDER BY started_at DESC, id DESC LIMIT $limit",
        {"ref": None if ref is None else str(ref), "before": before, "limit": limit},
    ).fetchall()
    return [_read(row) for row in rows]


def last_runs(con: Connection) -> dict[TableRef, Run]:
    """Give each table's newest run."""
    return _newest(con, "")


def last_harvests(con: Connection) -> dict[TableRef, Run]:
    """Give each table's newest run that asked its source; others judge what is here already."""
    return _newest(con, " WHERE body ->> 'trigger' IN ('command', 'schedule')")


def _newest(con: Connection, where: str) -> dict[TableRef, Run]:
    # of the others nothing but the time is read
    rows = con.execute(
        "SELECT ref, id, started_at, finished_at, outcome, body"
        f" FROM (SELECT * FROM store.meta.runs{where})"
        " SEMI JOIN (SELECT ref, max(started_at) AS started_at"
        f" FROM store.meta.runs{where} GROUP BY ref)"
        " USING (ref, started_at) QUALIFY row_number() OVER (PARTITION BY ref"
        " ORDER BY id DESC, finished_at DESC NULLS LAST) = 1"
    ).fetchall()
    return {run.ref: run for run in map(_read, rows)}


def last_reads(con: Connection) -> dict[TableRef, datetime]:
    """Give when each table's source was last read in full."""
    rows = con.execute(
        "SELECT ref, max(started_at) FROM store.meta.runs"
        " WHERE outcome IN ('committed', 'unchanged')"
        " AND body ->> 'trigger' IN ('command', 'schedule') GROUP BY ref"
    ).fetchall()
    return {TableRef(*ref.split("/")): aware(started_at) for ref, started_at in rows}


def close_interrupted(con: Connection) -> int:
    """End the runs that a stopped process left open, with what they had committed by then."""
    rows = con.execute(
        "SELECT ref, id, started_at, finished_at, outcome, body FROM store.meta.runs"
        " WHERE id IN (SELECT id FROM store.meta.runs GROUP BY id HAVING count(finished_at) = 0)"
    ).fetchall()
    for run in map(_read, rows):
        version, *counts = con.execute(
            "SELECT max(version), sum(read_rows), sum(new_rows), sum(corrected), sum(unchanged),"
            " sum(removed), sum(quarantined) FROM store.meta.versions WHERE ref = ? AND run = ?",
            [str(run.ref), run.id],
        ).fetchall()[0]
        finish_run(
            con,
            replace(
                run,
                outcome="interrupted",
                version=version,
                rows=Counts(*(int(count or 0) for count in counts)),
            ),
        )
    return len(rows)


def _write(con: Connection, run: Run) -> None:
    body = {
        "trigger": run.trigger,
        "version": run.version,
        "rows": run.rows,
        "seconds": run.seconds,
        "problem": run.problem,
        "findings": run.findings,
        "notes": run.notes,
        "deliveries": run.deliveries,
    }
    con.execute(
        "INSERT INTO store.meta.runs VALUES (?, ?, ?, ?, ?, ?)",
        [
            str(run.ref),
            run.id,
            utc(run.started_at),
            None if run.finished_at is None else utc(run.finished_at),
            run.outcome,
            orjson.dumps(body, default=_plain).decode(),
        ],
    )


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _read(row: tuple[Any, ...]) -> Run:
    ref, run_id, started_at, finished_at, outcome, text = row
    body = orjson.loads(text)
    return Run(
        id=run_id,
        ref=TableRef(*ref.split("/")),
        trigger=body["trigger"],
        started_at=aware(started_at),
        outcome=outcome,
        finished_at=None if finished_at is None else aware(finished_at),
        version=body["version"],
        rows=Counts(**body["rows"]),
        seconds=body["seconds"],
        problem=None if body["problem"] is None else Problem(**body["problem"]),
        findings=_read_findings(body["findings"]),
        notes=tuple(Problem(**note) for note in body["notes"]),
        deliveries=tuple(body["deliveries"]),
    )
