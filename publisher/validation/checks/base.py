"""What the further checks have in common: a query each, over typed values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from publisher.engine import identifier
from publisher.errors import ConfigurationError
from publisher.model.dataset import Mode
from publisher.model.schema import Field, Schema

STAGED = "temp.judged_good"
SERIES = "temp.judged_series"
"""``_position`` (NULL: stored already), ``_entity``, ``_time`` and numbers, as DOUBLE."""
RECEIVED = "temp.judged_received"
"""When each row was received: ``position`` and ``received``, UTC."""
KNOWN = "temp.judged_known"
"""The rows of the table that stay beside those of the delivery, as the store has them."""
NUMBERS = ("number", "integer")


@dataclass(frozen=True, slots=True)
class Query:
    """Finds rows: ``position`` and ``note``."""

    field: str
    """The schema field that it is about; empty for the row."""
    sql: str
    params: tuple[object, ...] = ()


@dataclass(frozen=True)
class Table:
    """What a check has to know of its table."""

    schema: Schema
    units: Mapping[str, str] = field(default_factory=dict)
    """The source's unit of a field, where it is another than the schema's."""
    interval: timedelta | None = None
    mode: Mode = "append"


def named(check: str, names: Iterable[str], schema: Schema, types: tuple[str, ...]) -> list[Field]:
    """Give the fields that a check names.

    Raises ConfigurationError for one that is not there or has none of the *types* (any, if none).
    """
    found = []
    for name in names:
        wanted = schema.by_name.get(name)
        if wanted is None:
            raise ConfigurationError(
                "unknown-check-field",
                check=check,
                field=name,
                nearest="",
                known=", ".join(schema.by_name),
            )
        if types and wanted.type not in types:
            raise ConfigurationError(
                "check-of-other-type",
                check=check,
                field=name,
                type=wanted.type,
                types=", ".join(types),
            )
        found.append(wanted)
    return found


def numbers(check: str, names: tuple[str, ...] | None, schema: Schema) -> list[Field]:
    """Give the number fields that are named, or else all of them that identify nothing."""
    if names is not None:
        return named(check, names, schema, NUMBERS)
    keys = {*schema.primary_key, *(name for key in schema.foreign_keys for name in key.fields)}
    return [
        each
        for each in schema.fields
        if each.type in NUMBERS and each.role is None and each.name not in keys
    ]


def shown(name: str) -> str:
    """Write a value as a text of the engine."""
    return f"CAST({identifier(name)} AS VARCHAR)"


def alike(one: str, other: str, names: Iterable[str]) -> str:
    """Say in SQL that two tables' rows have the same values, a null being the same as a null."""
    return " AND ".join(
        f"{identifier(one, name)} IS NOT DISTINCT FROM {identifier(other, name)}" for name in names
    )


def micros(length: timedelta) -> int:
    return length // timedelta(microseconds=1)
