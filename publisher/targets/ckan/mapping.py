"""What a dataset, its tables and their fields are called in CKAN.

Behaviour relied on (CKAN 2.12 and 2.11): times lose their zone, so they are sent in UTC;
numbers are ``numeric``, which holds every double and decimal exactly; a JSON column gives back
what it was given; a field's ``info`` is stored with the table and dies with it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import orjson

from publisher.model.schema import Field
from publisher.model.table import sql_type
from publisher.targets.licenses import ckan_license
from publisher.targets.snapshot import ROW_ID, PinnedTable, Snapshot

INSTALLATION = "publisher_installation"
DATASET = "publisher_dataset"
OURS = "publisher_"
"""What our extras begin with, and our keys of a column's info."""

KEY = "publisher_key"
"""In the info of the columns that make the table's key."""

_TYPES = {
    "VARCHAR": "text",
    "DOUBLE": "numeric",
    "BIGINT": "int8",
    "INTEGER": "int4",
    "BOOLEAN": "bool",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "JSON": "json",
}
_READ_BACK = {"nested": "json"}  # CKAN's own name for a JSON column
_NO_TAG = re.compile(r"[^\w \-.]", re.UNICODE)
_TAG_LENGTH = range(2, 101)


def package(snapshot: Snapshot, *, installation: str, organization: str) -> dict[str, Any]:
    """Give the package's own properties, without its resources."""
    dataset, publisher = snapshot.dataset, snapshot.organization
    return {
        "name": dataset.name,
        "title": dataset.title,
        "notes": dataset.description or "",
        "url": dataset.homepage or publisher.url or "",
        "version": dataset.version or "",
        "author": publisher.title,
        "author_email": publisher.email or "",
        "license_id": ckan_license(dataset.licenses),
        "owner_org": organization,
        "tags": [{"name": name} for name in tags(dataset.keywords)],
        "extras": [
            {"key": key, "value": value}
            for key, value in sorted(_extras(snapshot, installation).items())
        ],
    }


def _extras(snapshot: Snapshot, installation: str) -> dict[str, str]:
    dataset = snapshot.dataset
    extras = {
        INSTALLATION: installation,
        DATASET: dataset.name,
        "publisher_versions": _json(snapshot.versions),
        "publisher_schemas": _json(
            {
                table.name: f"{table.state.schema.name}@{table.state.schema.version}"
                for table in snapshot.tables
            }
        ),
    }
    if dataset.themes:
        extras["publisher_themes"] = _json(list(dataset.themes))
    if dataset.update_frequency:
        extras["publisher_frequency"] = dataset.update_frequency
    return extras


def tags(keywords: Iterable[str]) -> list[str]:
    """Clean keywords to what CKAN takes: letters, digits, blank, ``-``, ``.``, ``_``; 2 to 100."""
    cleaned = (" ".join(_NO_TAG.sub(" ", keyword).split()) for keyword in keywords)
    return sorted({tag for tag in cleaned if len(tag) in _TAG_LENGTH})


def resource(table: PinnedTable) -> dict[str, Any]:
    """Give a resource's properties that we look after, without its id."""
    return {
        "name": table.resource.title or table.name,
        "description": table.resource.description or "",
        "format": "CSV",  # what the DataStore's dump gives
        "publisher_table": table.name,
    }


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
        {"id": field.name, "type": _column_type(field), "info": _info(field)}
        for field in table.fields
    ]
    if not table.key:
        note = "Number of the row; the table has no key of its own."
        info = {"label": "", "notes": note}
        found.insert(0, {"id": row_id_column(table), "type": "int8", "info": info})
    for column in found:
        column["info"] |= marker
        if column["id"] in key(table):
            column["info"][KEY] = "true"
    return found


def _column_type(field: Field) -> str:
    name = sql_type(field)
    return "numeric" if name.startswith("DECIMAL") else _TYPES[name]


def _info(field: Field) -> dict[str, str]:
    info = {"label": field.title or "", "notes": field.description or ""}
    if field.unit:
        info["unit"] = field.unit
    if field.observed_property:
        info["observed_property"] = field.observed_property
    return info


def same_type(wanted: str, held: str) -> bool:
    return wanted == _READ_BACK.get(held, held)


def record(table: PinnedTable) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Give the function from a snapshot's row to a DataStore record."""
    readers = {field.name: _reader(field) for field in table.fields}
    row_id = None if table.key else row_id_column(table)

    def convert(row: Mapping[str, Any]) -> dict[str, Any]:
        values = {
            name: None if row[name] is None else read(row[name])
            for name, read in readers.items()
            if name in row
        }
        return values if row_id is None else {row_id: row[ROW_ID], **values}

    return convert


def _reader(field: Field) -> Callable[[Any], Any]:
    return orjson.loads if sql_type(field) == "JSON" else _wire


def _wire(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
