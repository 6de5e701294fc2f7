"""A table as the store holds it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from publisher.model.schema import Field, Schema
from publisher.model.values import TableRef

_SQL_TYPES = {
    "string": "VARCHAR",
    "number": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "datetime": "TIMESTAMP",  # UTC, microseconds
    "year": "INTEGER",
    "yearmonth": "VARCHAR",  # YYYY-MM
    "duration": "VARCHAR",  # ISO 8601
    "geopoint": "VARCHAR",  # lon,lat
    "geojson": "JSON",
    "array": "JSON",
    "object": "JSON",
    "list": "JSON",
    "any": "VARCHAR",
}


def sql_type(field: Field) -> str:
    """Give the engine's type that holds the field's values."""
    if field.type == "number" and field.decimal is not None:
        return f"DECIMAL({field.decimal.replace(' ', '')})"
    return _SQL_TYPES[field.type]


def instant_text(name: str) -> str:
    """Write an instant of a quoted column in UTC (RFC 3339), its fraction where it has one."""
    return (
        f"CASE WHEN epoch_us({name}) % 1000000 = 0 THEN strftime({name}, '%Y-%m-%dT%H:%M:%SZ')"
        f" ELSE strftime({name}, '%Y-%m-%dT%H:%M:%S.%fZ') END"
    )


@dataclass(frozen=True, slots=True)
class TableState:
    """A table after its newest commit."""

    ref: TableRef
    version: int
    schema: Schema
    """As it was applied to the stored table by that commit."""
    schema_since: int
    """The version that brought the schema."""
    rows: int
    committed_at: datetime
    oldest_version: int
    """The first version that can still be asked for."""


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that failed, with its reasons. Never leaves by the API."""

    id: str
    ref: TableRef
    run: str
    delivery: str
    row_number: int
    labels: tuple[str, ...]
    """The source's column names, aligned with ``cells``."""
    cells: tuple[Any, ...]
    """As the source wrote them: text, or JSON values."""
    errors: tuple[dict[str, Any], ...]
    """Frictionless error descriptors (type, note, message, rowNumber, fieldName, ...).

    ``fieldName`` is the column's label; ``field`` beside it the schema's field, if one reads it.
    """
    version: int
    """What the table stood at before the commit that refused the row (0: nothing yet).

    That commit need not have made a version. A released row supersedes nothing newer than this.
    """
    origin: str | None = None
    """The file or URL it came from; None where its delivery is not known any longer."""
