"""What a table's fields are in CKAN's DataStore, and its rows on the wire.

Behaviour relied on (CKAN 2.12 and 2.11): times lose their zone, so they are sent in UTC;
numbers are ``numeric``, which holds every double and decimal exactly; a JSON column gives back
what it was given; a field's ``info`` is stored with the table and dies with it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from publisher.engine import identifier
from publisher.model.schema import Field
from publisher.model.table import sql_type
from publisher.targets.snapshot import ROW_ID, PinnedTable

OURS = "publisher_"
"""What our keys in a column's info begin with."""


class _Type(NamedTuple):
    name: str
    """The DataStore's."""
    sent: str
    """How a value of the engine's is put on the wire; JSON columns are read once more."""


_ISO = "replace(strftime({}, '%Y-%m-%dT%H:%M:%S.%f'), '.000000', '')"
_TYPES = {
    "VARCHAR": _Type("text", "{}"),
    "DOUBLE": _Type("numeric", "{}"),
    "BIGINT": _Type("int8", "{}"),
    "INTEGER": _Type("int4", "{}"),
    "BOOLEAN": _Type("bool", "{}"),
    "DATE": _Type("date", "{}::VARCHAR"),
    "TIME": _Type("time", "{}::VARCHAR"),
    "TIMESTAMP": _Type("timestamp", _ISO),
    "JSON": _Type("json", "{}"),
}
_DECIMAL = _Type("numeric", "{}::VARCHAR")
_READ_BACK = {"nested": "json"}  # CKAN's own name for a JSON column


def key(table: PinnedTable) -> tuple[str, ...]:
    """Give the DataStore table's key: the schema's, else a column of the store's row ids."""
    return table.key or (row_id_column(table),)


def row_id_column(table: PinnedTable) -> str:
    """Name the column of row ids (CKAN takes no leading underscore) so that no field has it."""
    taken = {field.name.lower() for field in table.fields}
    name = "row_id"
    while name in taken:
        name = f"row_{name}"
    return name


def columns(table: PinnedTable, marker: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give the DataStore's fields with their data dictionary; each carries *marker*."""
    found: list[dict[str, Any]] = [
        {"id": field.name, "type": _type(field).name, "info": _info(field)}
        for field in table.fields
    ]
    if not table.key:
        note = "Number of the row; the table has no key of its own."
        info = {"label": "", "notes": note}
        found.insert(0, {"id": row_id_column(table), "type": "int8", "info": info})
    for column in found:
        column["info"] |= marker
    return found


def sql_types(table: PinnedTable) -> dict[str, str]:
    """Give the engine's type of each of the DataStore table's columns."""
    types = {field.name: sql_type(field) for field in table.fields}
    return types if table.key else {row_id_column(table): "BIGINT", **types}


def source(table: PinnedTable, name: str) -> str:
    """Give the store's column, quoted, that a column of the DataStore table is made of."""
    return identifier(name if table.key or name != row_id_column(table) else ROW_ID)


def wire(table: PinnedTable) -> str:
    """List the expressions that give a row as it is sent, in the columns' order."""
    return _wire(table, sql_types(table))


def wire_key(table: PinnedTable) -> str:
    """List the same for the columns of the key alone."""
    return _wire(table, key(table))


def _wire(table: PinnedTable, names: Iterable[str]) -> str:
    sent = {field.name: _type(field).sent for field in table.fields}
    return ", ".join(
        f"{sent.get(name, '{}').format(source(table, name))} AS {identifier(name)}"
        for name in names
    )


def records(table: PinnedTable) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """Give the function that makes rows, as `wire` gives them, ready to be sent."""
    json = [field.name for field in table.fields if sql_type(field) == "JSON"]

    def convert(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for row in rows:
            for name in json:
                if row.get(name) is not None:
                    row[name] = orjson.loads(row[name])
        return rows

    return convert


def same_type(wanted: str, held: str) -> bool:
    return wanted == _READ_BACK.get(held, held)


def _type(field: Field) -> _Type:
    name = sql_type(field)
    return _DECIMAL if name.startswith("DECIMAL") else _TYPES[name]


def _info(field: Field) -> dict[str, str]:
    info = {"label": field.title or "", "notes": field.description or ""}
    if field.unit:
        info["unit"] = field.unit
    if field.observed_property:
        info["observed_property"] = field.observed_property
    return info
