"""The store's format, and the way from an older one to the present one.

A format's number never changes its meaning. Migration n leads from format n - 1 to n; they
run forward in order, each in a transaction of its own, after a copy of the file.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from publisher.engine import Connection, Engine
from publisher.errors import StoreError, StoreFormatError
from publisher.store.layout import create_store
from publisher.store.snapshot import copy_database

Migration = Callable[[Connection], None]

FORMAT = 4
RESTORING = ".restore.partial"
"""Stands beside the store while a restore goes on, and after one that was killed."""


def _without_intents(con: Connection) -> None:
    """Versions are the intents to publish; the table that repeated them was never read."""
    con.execute("DROP TABLE store.meta.intents")


def _with_places(con: Connection) -> None:
    """Deliveries know the version they were settled at, versions that replay one its place."""
    con.execute("ALTER TABLE store.meta.deliveries ADD COLUMN version BIGINT")
    con.execute(
        "UPDATE store.meta.deliveries SET version = coalesce((SELECT max(v.version)"
        " FROM store.meta.versions AS v"
        " WHERE v.ref = deliveries.ref AND v.committed_at <= deliveries.settled_at), 0)"
    )
    con.execute("CREATE TABLE store.meta.replays (ref VARCHAR, version BIGINT, place BIGINT)")


def _with_times_and_keys(con: Connection) -> None:
    """Versions know the times of the rows that came and went with them; older ones do not."""
    con.execute(
        "CREATE TABLE store.meta.api_keys (id VARCHAR, name VARCHAR, made_at TIMESTAMP,"
        " revoked_at TIMESTAMP, digest VARCHAR)"
    )
    con.execute("ALTER TABLE store.meta.versions ADD COLUMN first_time TIMESTAMP")
    con.execute("ALTER TABLE store.meta.versions ADD COLUMN last_time TIMESTAMP")


MIGRATIONS: Mapping[int, Migration] = {
    2: _without_intents,
    3: _with_places,
    4: _with_times_and_keys,
}
"""By the number of the format each one leads to."""


def prepare(
    engine: Engine,
    con: Connection,
    *,
    target: int = FORMAT,
    migrations: Mapping[int, Migration] = MIGRATIONS,
) -> None:
    """Create the store where there is none; bring an older one to format *target*.

    A DuckDB file is first copied beside itself as ``NAME.format-N``; DuckLake keeps its own
    snapshots. Raises StoreFormatError where the store is newer than *target*, StoreError where
    a restore stopped half-way.
    """
    file = _file(con)
    if file is not None and file.with_name(RESTORING).exists():
        raise StoreError("restore-unfinished", path=str(file.parent))
    found = read_format(con)
    if found is None:
        engine.transaction(con, lambda: _create(con, target))
        return
    if found > target:
        raise StoreFormatError("store-format-newer", found=found, known=target)
    if found < target and file is not None:
        copy = file.with_name(f"{file.name}.format-{found}")
        copy.unlink(missing_ok=True)
        copy_database(con, copy)
    for number in range(found + 1, target + 1):
        engine.transaction(con, partial(_migrate, con, number, migrations[number]))


def read_format(con: Connection) -> int | None:
    """Give the number of the store's format, None where the store is empty."""
    there = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'store'"
        " AND schema_name = 'meta' AND table_name = 'format'"
    ).fetchone()
    if there is None:
        return None
    row = con.execute("SELECT max(number) FROM store.meta.format").fetchone()
    return int(row[0]) if row else None


def _create(con: Connection, number: int) -> None:
    create_store(con)
    _record(con, number)


def _migrate(con: Connection, number: int, migration: Migration) -> None:
    migration(con)
    _record(con, number)


def _record(con: Connection, number: int) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    con.execute("INSERT INTO store.meta.format VALUES (?, ?)", [number, now])


def _file(con: Connection) -> Path | None:
    """Give the store's file; None where it is no DuckDB file."""
    row = con.execute(
        "SELECT path FROM duckdb_databases() WHERE database_name = 'store' AND type = 'duckdb'"
    ).fetchone()
    return Path(row[0]) if row and row[0] else None
