"""What was published where: insert-only, the newest row counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from publisher.engine import Connection
from publisher.model.run import Problem
from publisher.store.ledger import dumps, problem_text, read_problem
from publisher.store.versions import aware, utc


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to bring a target up to date."""

    at: datetime
    versions: Mapping[str, int]
    fingerprint: str
    """Of what was published besides rows: descriptor, format."""
    remote: Mapping[str, Any]
    """What the target calls it: ids, URLs."""
    problem: Problem | None
    """Why it failed; None where it succeeded."""


@dataclass(frozen=True, slots=True)
class Published:
    """How a dataset stands at a target."""

    success: Attempt | None
    """The newest that succeeded."""
    attempt: Attempt
    """The newest."""


def record_published(
    con: Connection,
    dataset: str,
    target: str,
    *,
    versions: Mapping[str, int],
    fingerprint: str,
    remote: Mapping[str, Any],
    problem: Problem | None = None,
) -> None:
    """Write down one try; *versions* by table name are those the target holds after it."""
    last = con.execute(
        "SELECT max(attempted_at) FROM store.meta.published WHERE dataset = ? AND target = ?",
        [dataset, target],
    ).fetchone()
    now = utc(datetime.now(UTC))
    if last is not None and last[0] is not None:
        now = max(now, last[0] + timedelta(microseconds=1))
    con.execute(
        "INSERT INTO store.meta.published VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            dataset,
            target,
            dumps(dict(versions)),
            fingerprint,
            dumps(dict(remote)),
            problem_text(problem),
            now,
        ],
    )


def published(con: Connection, dataset: str, target: str) -> Published | None:
    """Give how the dataset stands at the target, None where nobody tried yet."""
    found = _standing(con, " WHERE dataset = ? AND target = ?", [dataset, target])
    return found.get((dataset, target))


def publications(con: Connection, dataset: str | None = None) -> dict[tuple[str, str], Published]:
    """Give how *dataset*, or every one, stands at every target that was ever tried."""
    if dataset is None:
        return _standing(con, "", [])
    return _standing(con, " WHERE dataset = ?", [dataset])


def _standing(
    con: Connection, where: str, parameters: list[object]
) -> dict[tuple[str, str], Published]:
    rows = con.execute(
        "SELECT dataset, target, attempted_at, versions, fingerprint, remote, problem"
        f" FROM store.meta.published{where} QUALIFY row_number() OVER ("
        "PARTITION BY dataset, target, problem IS NULL ORDER BY attempted_at DESC) = 1"
        " ORDER BY attempted_at",
        parameters,
    ).fetchall()
    found: dict[tuple[str, str], Published] = {}
    for dataset, target, attempted_at, versions, fingerprint, remote, problem in rows:
        attempt = Attempt(
            at=aware(attempted_at),
            versions=orjson.loads(versions),
            fingerprint=fingerprint,
            remote=orjson.loads(remote),
            problem=read_problem(problem),
        )
        before = found.get((dataset, target))
        success = before.success if before else None
        found[dataset, target] = Published(
            success=attempt if attempt.problem is None else success, attempt=attempt
        )
    return found
