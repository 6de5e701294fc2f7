"""Rows that the table has already, from an earlier delivery."""

# ruff: noqa: S608 - identifiers are quoted
from collections.abc import Iterator

from publisher.engine import identifier
from publisher.errors import ConfigurationError
from publisher.model.checks import KnownRow
from publisher.validation.checks.base import KNOWN, STAGED, Query, Table, alike, named
from publisher.validation.rows import ROW


def known_row(check: KnownRow, table: Table) -> Iterator[Query]:
    if table.mode == "replace" or (table.mode == "merge" and check.fields is None):
        raise ConfigurationError("check-of-mode", check=check.type, mode=table.mode)
    fields = named(check.type, check.fields or tuple(table.schema.by_name), table.schema, ())
    same = alike("g", "c", [each.name for each in fields])
    some = " OR ".join(f"g.{identifier(each.name)} IS NOT NULL" for each in fields)
    yield Query(
        "" if check.fields is None or len(fields) > 1 else fields[0].name,
        f"SELECT {ROW} AS position, 'an earlier delivery has brought it' AS note "
        f"FROM {STAGED} AS g SEMI JOIN {KNOWN} AS c ON {same} WHERE {some}",
    )
