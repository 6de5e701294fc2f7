"""The newest row of each entity, in a table of its own, kept in the commit that changes it.

Newest by the time role, then by ``_row``; rows without a time are never it.
"""

from publisher.engine import Connection, identifier
from publisher.model.schema import Schema
from publisher.model.values import TableRef
from publisher.store import layout


def follow(con: Connection, ref: TableRef, schema: Schema, version: int, *, left: bool) -> None:
    """Bring the newest rows up to date with what *version* brought and ``leaving`` took.

    *left* tells whether that was anything. The current table is read whole only for entities
    whose newest row went without one at least as new coming.
    """
    time = schema.time_field
    if time is None:
        return
    when = identifier(time.name)
    same = _same_entity(schema, "a")
    latest = layout.latest(ref)
    _arrivals(con, ref, schema, version)
    gone = "l._row IN (SELECT current_row FROM temp.leaving)" if left else "false"
    overtaken = f"EXISTS (SELECT 1 FROM temp.arrivals AS a WHERE {same} AND a.{when} >= l.{when})"
    names = layout.columns(schema.entity_fields)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE bereft AS SELECT {names or '1 AS one'}"
        f" FROM {latest} AS l WHERE {gone} AND NOT {overtaken}"
    )
    con.execute(f"DELETE FROM {latest} AS l WHERE {gone} OR {overtaken}")
    con.execute(
        f"INSERT INTO {latest} BY NAME SELECT a.* FROM temp.arrivals AS a"
        f" WHERE NOT EXISTS (SELECT 1 FROM {latest} AS l WHERE {same})"
        f" AND NOT EXISTS (SELECT 1 FROM temp.bereft AS l WHERE {same})"
    )
    if left and con.execute("SELECT 1 FROM temp.bereft LIMIT 1").fetchone():
        same = _same_entity(schema, "c")
        _insert(con, ref, schema, f"EXISTS (SELECT 1 FROM temp.bereft AS l WHERE {same})")


def rebuild(con: Connection, ref: TableRef, schema: Schema) -> None:
    """Make the newest rows from the current ones: the roles changed."""
    con.execute(f"DELETE FROM {layout.latest(ref)}")
    if schema.time_field is not None:
        _insert(con, ref, schema, "true")


def _arrivals(con: Connection, ref: TableRef, schema: Schema, version: int) -> None:
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE arrivals AS {_newest(ref, schema, '_since = $version')}",
        {"version": version},
    )


def _insert(con: Connection, ref: TableRef, schema: Schema, which: str) -> None:
    con.execute(f"INSERT INTO {layout.latest(ref)} BY NAME {_newest(ref, schema, which)}")


def _newest(ref: TableRef, schema: Schema, which: str) -> str:
    """Select the newest rows of each entity among the current rows *which* holds for (as c)."""
    assert schema.time_field is not None  # noqa: S101 - both callers have asked
    when = identifier(schema.time_field.name)
    entities = layout.columns(schema.entity_fields)
    group = f"GROUP BY {entities}" if entities else "HAVING count(*) > 0"
    current = layout.data(ref)
    return (
        f"SELECT c.* FROM {current} AS c SEMI JOIN ("
        f" SELECT max_by(_row, {{'at': {when}, 'row': _row}}) AS newest FROM {current} AS c"
        f" WHERE {which} AND {when} IS NOT NULL {group}) AS n ON n.newest = c._row"
    )


def _same_entity(schema: Schema, row: str) -> str:
    """Give the condition that *row* and ``l`` are of one entity."""
    names = [identifier(field.name) for field in schema.entity_fields]
    return " AND ".join(f"{row}.{name} IS NOT DISTINCT FROM l.{name}" for name in names) or "true"
