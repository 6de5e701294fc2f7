"""A table's versions: its state now, at an instant, and how far back it can be asked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from publisher.engine import Connection, identifier
from publisher.errors import GoneError, NotFoundError
from publisher.model.run import Counts
from publisher.model.schema import Schema
from publisher.model.table import TableState
from publisher.model.values import TableRef
from publisher.store import layout


def utc(instant: datetime) -> datetime:
    """Give an aware time as the store keeps it: UTC, without a zone."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def aware(stored: datetime) -> datetime:
    return stored.replace(tzinfo=UTC)


@lru_cache(maxsize=1024)
def _schema(descriptor: str) -> Schema:
    return Schema.model_validate_json(descriptor)


_ALL_STATES = """
    SELECT v.ref, max(v.version), arg_max(total_rows, v.version), arg_max(committed_at, v.version),
        any_value(s.descriptor), any_value(s.since), coalesce(any_value(h.oldest), 1)
    FROM store.meta.versions AS v
    JOIN (SELECT ref, arg_max(descriptor, version) AS descriptor, max(version) AS since
          FROM store.meta.schemas GROUP BY ref) AS s ON s.ref = v.ref
    LEFT JOIN (SELECT ref, max(oldest) AS oldest
               FROM store.meta.horizons GROUP BY ref) AS h ON h.ref = v.ref
    GROUP BY v.ref ORDER BY v.ref
"""
_STATE = """
    SELECT $ref, max(version), arg_max(total_rows, version), arg_max(committed_at, version),
        (SELECT arg_max(descriptor, version) FROM store.meta.schemas WHERE ref = $ref),
        (SELECT max(version) FROM store.meta.schemas WHERE ref = $ref),
        coalesce((SELECT max(oldest) FROM store.meta.horizons WHERE ref = $ref), 1)
    FROM store.meta.versions WHERE ref = $ref HAVING count(*) > 0
"""  # asked with every request: scalar subqueries are planned twice as fast as joins


def state(con: Connection, ref: TableRef) -> TableState | None:
    """Give the table after its newest commit, None before its first."""
    row = con.execute(_STATE, {"ref": str(ref)}).fetchone()
    return None if row is None else _read(row)


def states(con: Connection) -> dict[TableRef, TableState]:
    """Give every table that has a version."""
    return {found.ref: found for found in map(_read, con.execute(_ALL_STATES).fetchall())}


def _read(row: tuple[Any, ...]) -> TableState:
    ref, version, rows, committed_at, descriptor, schema_since, oldest = row
    return TableState(
        ref=TableRef(*ref.split("/")),
        version=version,
        schema=_schema(descriptor),
        schema_since=schema_since,
        rows=rows,
        committed_at=aware(committed_at),
        oldest_version=oldest,
    )


Schemas = tuple[tuple[int, Schema], ...]
"""Each with the version that brought it, oldest first."""


def schemas(con: Connection, ref: TableRef) -> Schemas:
    """Give every schema that the table had."""
    rows = con.execute(
        "SELECT version, descriptor FROM store.meta.schemas WHERE ref = ? ORDER BY version",
        [str(ref)],
    ).fetchall()
    return tuple((version, _schema(descriptor)) for version, descriptor in rows)


def version_at(con: Connection, ref: TableRef, instant: datetime) -> int:
    """Give the newest version committed by *instant*.

    Raises NotFoundError before the first version, GoneError where its history is not kept.
    """
    row = con.execute(
        "SELECT max(version), (SELECT max(oldest) FROM store.meta.horizons WHERE ref = $ref)"
        " FROM store.meta.versions WHERE ref = $ref AND committed_at <= $instant",
        {"ref": str(ref), "instant": utc(instant)},
    ).fetchone()
    version, oldest = row or (None, None)
    if oldest is not None and (version is None or version < oldest):
        raise GoneError("version-gone", table=str(ref), oldest=oldest)
    if version is None:
        raise NotFoundError("no-version-yet", table=str(ref), instant=instant.isoformat())
    return int(version)


def committed_at(con: Connection, ref: TableRef, version: int) -> datetime | None:
    """Give when *version* was committed; None where there is none, or none any longer."""
    row = con.execute(
        "SELECT committed_at FROM store.meta.versions WHERE ref = ? AND version = ?",
        [str(ref), version],
    ).fetchone()
    return aware(row[0]) if row else None


def relation(ref: TableRef, version: int) -> tuple[str, list[object]]:
    """Give a FROM item with the columns, ``_since`` and ``_row`` of *version*, and parameters.

    The rows that were current then are those of the current table that it brought or found,
    and those of the history that went away later. Newer rows than *version* may be there: a
    reader stays on its version whatever is committed meanwhile.
    """
    item = (
        f"(SELECT * FROM {layout.data(ref)} WHERE _since <= ? UNION ALL BY NAME"
        f" SELECT * EXCLUDE (_until) FROM {layout.history(ref)} WHERE _since <= ? AND _until > ?)"
    )
    return item, [version, version, version]


Span = tuple[datetime | None, datetime | None]
"""UTC, no tzinfo."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version about to be recorded."""

    ref: TableRef
    version: int
    run: str
    rows: int
    counts: Counts
    schema: Schema | None
    """Where it changed."""
    span: Span = (None, None)
    """The first and the last time of the rows that came or went (UTC, no tzinfo)."""


def record(con: Connection, new: NewVersion, before: TableState | None) -> None:
    """Write the version's row; its time is later than that of the version before."""
    committed_at = datetime.now(UTC)
    if before is not None and committed_at <= before.committed_at:
        committed_at = before.committed_at + timedelta(microseconds=1)
    counts = new.counts
    con.execute(
        "INSERT INTO store.meta.versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            str(new.ref),
            new.version,
            utc(committed_at),
            new.run,
            new.rows,
            counts.read,
            counts.new,
            counts.corrected,
            counts.unchanged,
            counts.removed,
            counts.quarantined,
            *new.span,
        ],
    )
    if new.schema is not None:
        con.execute(
            "INSERT INTO store.meta.schemas VALUES (?, ?, ?)",
            [str(new.ref), new.version, descriptor_text(new.schema)],
        )


def record_place(con: Connection, ref: TableRef, version: int, place: int) -> None:
    """Note that what *version* brought had come before: its rows count as of version *place*."""
    con.execute("INSERT INTO store.meta.replays VALUES (?, ?, ?)", [str(ref), version, place])


def descriptor_text(schema: Schema) -> str:
    return schema.model_dump_json(by_alias=True, exclude_unset=True)


def prune_history(con: Connection, ref: TableRef, before: datetime) -> int:
    """Let go of what only versions that ended by *before* need; give the rows removed.

    The version that was the newest at *before* can still be asked for, those under it no
    longer. To be run in a transaction.
    """
    row = con.execute(
        "SELECT max(version) FROM store.meta.versions WHERE ref = ? AND committed_at <= ?",
        [str(ref), utc(before)],
    ).fetchone()
    now = state(con, ref)
    if row is None or row[0] is None or now is None or row[0] <= now.oldest_version:
        return 0
    oldest = int(row[0])
    con.execute("INSERT INTO store.meta.horizons VALUES (?, ?)", [str(ref), oldest])
    removed = con.execute(
        f"DELETE FROM {layout.history(ref)} WHERE _until <= ?", [oldest]
    ).fetchone()
    return int(removed[0]) if removed else 0


@dataclass(frozen=True, slots=True)
class Version:
    """What one commit changed."""

    version: int
    committed_at: datetime
    total: int
    """Rows of the table as it is by then."""
    new: int
    corrected: int
    removed: int
    first: datetime | None
    """The first time of the rows that came or went; None: none has one, or an older Publisher
    made the version."""
    last: datetime | None


def after(con: Connection, ref: TableRef, version: int, *, most: int) -> list[Version]:
    """Give the versions after *version*, oldest first."""
    rows = con.execute(
        "SELECT version, committed_at, total_rows, new_rows, corrected, removed, first_time,"
        " last_time FROM store.meta.versions WHERE ref = ? AND version > ?"
        " ORDER BY version LIMIT ?",
        [str(ref), version, most],
    ).fetchall()
    return [
        Version(number, aware(committed), *counts, *(it and aware(it) for it in times))
        for number, committed, *counts, times in ((*row[:6], (row[6], row[7])) for row in rows)
    ]


def span(con: Connection, ref: TableRef, schema: Schema, version: int, *, left: bool) -> Span:
    """Give the first and last time of what *version* brought and, where rows *left*, took."""
    time = schema.time_field
    if time is None or time.type not in {"date", "datetime"}:
        return None, None
    when = f"{identifier(time.name)}::TIMESTAMP"
    looks = [f"SELECT {when} AS moment FROM {layout.data(ref)} WHERE _since = $version"]
    if left:
        looks.append(f"SELECT {when} FROM {layout.history(ref)} WHERE _until = $version")
    found = con.execute(
        f"SELECT min(moment), max(moment) FROM ({' UNION ALL '.join(looks)})",
        {"version": version},
    ).fetchone()
    return (found[0], found[1]) if found else (None, None)


def newest_of(con: Connection, ref: TableRef) -> int:
    """Give the table's newest version, 0 before its first."""
    row = con.execute(
        "SELECT max(version) FROM store.meta.versions WHERE ref = ?", [str(ref)]
    ).fetchone()
    return int(row[0] or 0) if row else 0


def newest(con: Connection) -> dict[TableRef, int]:
    """Give the newest version of every table that has one."""
    rows = con.execute("SELECT ref, max(version) FROM store.meta.versions GROUP BY ref").fetchall()
    return {TableRef(*name.split("/")): version for name, version in rows}
