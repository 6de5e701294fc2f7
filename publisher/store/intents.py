"""What is to be published, and what was: insert-only, the newest row counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from publisher.engine import Connection
from publisher.model.run import Problem
from publisher.model.values import TableRef
from publisher.store.ledger import dumps, problem_text, read_problem
from publisher.store.versions import aware, utc


@dataclass(frozen=True, slots=True)
class Intent:
    """A dataset whose target does not hold the newest versions yet."""

    dataset: str
    target: str
    versions: Mapping[str, int]
    """The newest version of each table that is wanted there and not recorded as published."""
    since: datetime
    """The oldest commit that waits."""


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


def record_intents(con: Connection, ref: TableRef, targets: Iterable[str], version: int) -> None:
    """Note that *version* of a table is wanted at each of *targets*."""
    now = utc(datetime.now(UTC))
    for target in targets:
        con.execute(
            "INSERT INTO store.meta.intents VALUES (?, ?, ?, ?, ?)",
            [ref.dataset, target, ref.table, version, now],
        )


def pending_intents(con: Connection) -> list[Intent]:
    """Give what no successful publication covers yet, by dataset and target."""
    rows = con.execute(
        """
        WITH done AS (
            SELECT dataset, target, arg_max(versions, attempted_at) AS versions
            FROM store.meta.published WHERE problem IS NULL GROUP BY dataset, target
        )
        SELECT i.dataset, i.target, i.table_name, max(i.version), min(i.made_at)
        FROM store.meta.intents AS i
        LEFT JOIN done AS d ON d.dataset = i.dataset AND d.target = i.target
        WHERE i.version > coalesce(
            json_extract(d.versions, '$."' || i.table_name || '"')::BIGINT, 0)
        GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    wanted: dict[tuple[str, str], Intent] = {}
    for dataset, target, table, version, made_at in rows:
        known = wanted.get((dataset, target))
        since = aware(made_at) if known is None else min(known.since, aware(made_at))
        versions = {**(known.versions if known else {}), table: version}
        wanted[dataset, target] = Intent(dataset, target, versions, since)
    return list(wanted.values())


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


def publications(con: Connection) -> dict[tuple[str, str], Published]:
    """Give how every dataset stands at every target that was ever tried."""
    return _standing(con, "", [])


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
