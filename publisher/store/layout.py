"""Names and shapes of what the store holds.

``data`` has each table's current rows, ``history`` the superseded ones, ``latest`` the newest
row of each entity, ``meta`` all state. No key, index or sequence anywhere: DuckLake has none.
"""

from collections.abc import Iterable

from publisher.engine import Connection, identifier
from publisher.model.schema import Field, Schema
from publisher.model.table import sql_type
from publisher.model.values import TableRef

_META = """
CREATE SCHEMA store.data;
CREATE SCHEMA store.history;
CREATE SCHEMA store.latest;
CREATE SCHEMA store.meta;
CREATE TABLE store.meta.format (number INTEGER, since TIMESTAMP);
CREATE TABLE store.meta.versions (
    ref VARCHAR, version BIGINT, committed_at TIMESTAMP, run VARCHAR, total_rows BIGINT,
    read_rows BIGINT, new_rows BIGINT, corrected BIGINT, unchanged BIGINT, removed BIGINT,
    quarantined BIGINT, first_time TIMESTAMP, last_time TIMESTAMP);
CREATE TABLE store.meta.schemas (ref VARCHAR, version BIGINT, descriptor JSON);
CREATE TABLE store.meta.horizons (ref VARCHAR, oldest BIGINT);
CREATE TABLE store.meta.deliveries (
    ref VARCHAR, id VARCHAR, run VARCHAR, origin VARCHAR, sha256 VARCHAR, fingerprint VARCHAR,
    outcome VARCHAR, position JSON, problem JSON, settled_at TIMESTAMP, version BIGINT);
CREATE TABLE store.meta.replays (ref VARCHAR, version BIGINT, place BIGINT);
CREATE TABLE store.meta.quarantine (
    ref VARCHAR, id VARCHAR, revision BIGINT, run VARCHAR, delivery VARCHAR, row_number BIGINT,
    labels JSON, cells JSON, errors JSON, rules VARCHAR[], version BIGINT);
CREATE TABLE store.meta.quarantine_closed (
    ref VARCHAR, id VARCHAR, run VARCHAR, reason VARCHAR, closed_at TIMESTAMP);
CREATE TABLE store.meta.runs (
    ref VARCHAR, id VARCHAR, started_at TIMESTAMP, finished_at TIMESTAMP, outcome VARCHAR,
    body JSON);
CREATE TABLE store.meta.published (
    dataset VARCHAR, target VARCHAR, versions JSON, fingerprint VARCHAR, remote JSON,
    problem JSON, attempted_at TIMESTAMP);
CREATE TABLE store.meta.api_keys (
    id VARCHAR, name VARCHAR, made_at TIMESTAMP, revoked_at TIMESTAMP, digest VARCHAR);
CREATE TABLE store.meta.compacted (ref VARCHAR, month_start TIMESTAMP, version BIGINT);
"""


def create_store(con: Connection) -> None:
    """Make the empty store of the present format, but for its number."""
    for statement in filter(str.strip, _META.split(";")):
        con.execute(statement)


def data(ref: TableRef) -> str:
    """Quote the table of current rows."""
    return identifier("store", "data", str(ref))


def history(ref: TableRef) -> str:
    """Quote the table of superseded rows; ``_until`` is the version that took each away."""
    return identifier("store", "history", str(ref))


def latest(ref: TableRef) -> str:
    """Quote the table of the newest row per entity; there only with a time role."""
    return identifier("store", "latest", str(ref))


def columns(fields: Iterable[Field]) -> str:
    """List the fields' names, quoted."""
    return ", ".join(identifier(field.name) for field in fields)


def create_table(con: Connection, ref: TableRef, schema: Schema) -> None:
    shape = ", ".join(f"{identifier(field.name)} {sql_type(field)}" for field in schema.fields)
    con.execute(f"CREATE TABLE {data(ref)} ({shape}, _since BIGINT, _row BIGINT)")
    con.execute(f"CREATE TABLE {history(ref)} ({shape}, _since BIGINT, _row BIGINT, _until BIGINT)")
    con.execute(f"CREATE TABLE {latest(ref)} ({shape}, _since BIGINT, _row BIGINT)")


def drop_table(con: Connection, ref: TableRef) -> None:
    for name in (data(ref), history(ref), latest(ref)):
        con.execute(f"DROP TABLE {name}")


def add_column(con: Connection, ref: TableRef, field: Field) -> None:
    """Add *field* to a stored table; it is null in every row there is."""
    for name in (data(ref), history(ref), latest(ref)):
        con.execute(f"ALTER TABLE {name} ADD COLUMN {identifier(field.name)} {sql_type(field)}")


def clustering(schema: Schema, row: str = "") -> str:
    """Give the ORDER BY terms that rows are stored in: month, entity, time.

    *row* is a prefix such as ``g.``.
    """
    time = schema.time_field
    terms = [f"{row}{identifier(field.name)}" for field in schema.entity_fields]
    if time is not None:
        terms.append(f"{row}{identifier(time.name)}")
        if time.type in {"date", "datetime"}:
            at = terms[-1]
            terms.insert(0, f"year({at}) * 12 + month({at})")  # sorts faster than a date does
    return ", ".join(terms or ["1"])


def month_of(schema: Schema, row: str = "") -> str | None:
    """Give the expression of the month that a row belongs to; None where time has none."""
    time = schema.time_field
    if time is None or time.type not in {"date", "datetime"}:
        return None
    return f"date_trunc('month', {row}{identifier(time.name)}::TIMESTAMP)"
