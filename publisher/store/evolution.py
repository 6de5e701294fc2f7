"""What a changed schema means for the rows that are stored: applied, or refused with the reason."""

import re
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from publisher.engine import Connection, DataError, identifier
from publisher.errors import SchemaChangeError
from publisher.model.schema import Field, Schema
from publisher.model.table import TableState, sql_type
from publisher.model.values import TableRef
from publisher.store import layout, newest
from publisher.store.versions import descriptor_text

_ORDERED = {"number", "integer", "date", "time", "datetime", "year", "yearmonth"}
_TEXTS = {"string", "any"}


@dataclass(frozen=True, slots=True)
class Evolution:
    """A schema change that the stored rows allow."""

    changed: bool
    recreate: bool = False
    """The table never held a row: it is made anew."""
    added: tuple[Field, ...] = ()
    roles: bool = False
    """Which row is the newest of its entity is told otherwise now."""


def judge(con: Connection, stored: TableState | None, schema: Schema) -> Evolution:
    """Tell how the stored table follows to *schema*.

    A column may be added where it is not required; a constraint may change where every
    current row keeps it; titles, roles, privacy and the like are free, and a unit may be
    stated where none was. Raises SchemaChangeError for what would lose or re-read stored
    values: a column taken away, another type, unit or key.
    """
    if stored is None:
        return Evolution(changed=True)
    before = stored.schema
    if descriptor_text(before) == descriptor_text(schema):
        return Evolution(changed=False)
    if _never_held_a_row(con, stored):
        return Evolution(changed=True, recreate=True)
    _same_key(stored, schema)
    added = tuple(field for field in schema.fields if field.name not in before.by_name)
    for field in before.fields:
        if field.name not in schema.by_name:
            raise _refusal("schema-field-removed", stored.ref, field)
    for field in added:
        if field.required and stored.rows:
            raise _refusal("schema-field-required", stored.ref, field)
    for field in schema.fields:
        if field.name in before.by_name:
            _same_values(con, stored.ref, before.by_name[field.name], field)
    return Evolution(changed=True, added=added, roles=_roles(before) != _roles(schema))


def apply(con: Connection, ref: TableRef, schema: Schema, change: Evolution, *, new: bool) -> None:
    """Carry the change out, in the commit's transaction."""
    if change.recreate:
        layout.drop_table(con, ref)
    if new or change.recreate:
        layout.create_table(con, ref, schema)
        return
    for field in change.added:
        layout.add_column(con, ref, field)
    if change.roles:
        newest.rebuild(con, ref, schema)


def _never_held_a_row(con: Connection, stored: TableState) -> bool:
    return (
        stored.rows == 0
        and not con.execute(f"SELECT 1 FROM {layout.history(stored.ref)} LIMIT 1").fetchall()
    )


def _roles(schema: Schema) -> tuple[object, ...]:
    time = schema.time_field
    return (time and time.name, tuple(field.name for field in schema.entity_fields))


def _refusal(code: str, ref: TableRef, field: Field, **params: object) -> SchemaChangeError:
    return SchemaChangeError(code, table=str(ref), field=field.name, **params)


def _same_key(stored: TableState, schema: Schema) -> None:
    if stored.schema.primary_key != schema.primary_key:
        raise SchemaChangeError(
            "schema-key-changed",
            table=str(stored.ref),
            before=", ".join(stored.schema.primary_key) or "-",
            after=", ".join(schema.primary_key) or "-",
        )


def _same_values(con: Connection, ref: TableRef, before: Field, after: Field) -> None:
    if (before.type, sql_type(before)) != (after.type, sql_type(after)):
        raise _refusal("schema-type-changed", ref, after, before=before.type, after=after.type)
    if before.unit is not None and before.unit != after.unit:
        raise _refusal(
            "schema-unit-changed", ref, after, before=before.unit, after=after.unit or "-"
        )
    stated = after.constraints.model_dump(exclude_none=True)
    earlier = before.constraints.model_dump(exclude_none=True)
    for name, limit in stated.items():
        if name in earlier and earlier[name] == limit:
            continue
        broken = _broken(con, ref, after, name, limit)
        if broken:
            raise _refusal("schema-narrowed", ref, after, constraint=name, rows=broken)


def _broken(con: Connection, ref: TableRef, field: Field, name: str, limit: Any) -> int:
    """Count the current rows that break the constraint; SchemaChangeError where nobody can."""
    value = identifier(field.name)
    table = layout.data(ref)
    if name == "pattern":
        return _unlike(con, ref, field, limit)
    if name == "unique":
        query = f"SELECT count({value}) - count(DISTINCT {value}) FROM {table} WHERE ?"
    elif (condition := _condition(field, name)) is not None:
        query = f"SELECT count(*) FROM {table} WHERE {condition}"
    else:
        raise _refusal("schema-constraint-unproven", ref, field, constraint=name)
    try:
        row = con.execute(query, [_parameter(limit)]).fetchone()
    except DataError as error:  # the limit is written in a way that SQL reads otherwise
        raise _refusal("schema-constraint-unproven", ref, field, constraint=name) from error
    return int(row[0]) if row else 0


def _condition(field: Field, name: str) -> str | None:
    """Give the SQL that holds for rows which break the constraint; its limit is one parameter."""
    value, kind = identifier(field.name), sql_type(field)
    orders = {"minimum": "<", "exclusive_minimum": "<=", "maximum": ">", "exclusive_maximum": ">="}
    if name == "required":
        return f"? AND {value} IS NULL"
    if name in orders and field.type in _ORDERED:
        return f"{value} {orders[name]} ?::VARCHAR::{kind}"
    if name == "min_length" and field.type in _TEXTS:
        return f"length({value}) < ?"
    if name == "max_length" and field.type in _TEXTS:
        return f"length({value}) > ?"
    if name == "enum" and field.type in _ORDERED | _TEXTS:
        return f"{value} NOT IN (SELECT unnest(?::VARCHAR[])::{kind})"
    return None


def _parameter(limit: Any) -> Any:
    if isinstance(limit, bool):
        return limit
    return [str(item) for item in limit] if isinstance(limit, tuple | list) else limit


def _unlike(con: Connection, ref: TableRef, field: Field, pattern: str) -> int:
    """Count the distinct texts that do not match, by the expressions Frictionless uses."""
    if field.type not in _TEXTS:
        raise _refusal("schema-constraint-unproven", ref, field, constraint="pattern")
    value = identifier(field.name)
    compiled = re.compile(f"^{pattern}$")
    found = con.execute(
        f"SELECT DISTINCT {value} FROM {layout.data(ref)} WHERE {value} IS NOT NULL"
    )
    pages = iter(partial(found.fetchmany, 10_000), [])
    return sum(1 for (text,) in chain.from_iterable(pages) if not compiled.match(text))
