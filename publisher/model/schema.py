"""A table's schema: Frictionless Table Schema with a version, roles and units.

Spec: https://datapackage.org/standard/table-schema/ ; the added properties (``version``,
``role``, ``unit``, ``personal``, ``decimal``, ``observedProperty``, ``translations``) are
ignored by other Frictionless tools.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator
from pydantic import Field as Key
from pydantic_core import PydanticCustomError

from publisher.model.base import Model
from publisher.model.values import FieldName, Name, TableRef

FieldType = Literal[
    "string",
    "number",
    "integer",
    "boolean",
    "date",
    "time",
    "datetime",
    "year",
    "yearmonth",
    "duration",
    "geopoint",
    "geojson",
    "array",
    "object",
    "list",
    "any",
]
Role = Literal["entity", "time", "latitude", "longitude", "quality", "modified"]
# https://semver.org/spec/v2.0.0.html
_VERSION = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?"


def _version(text: str) -> str:
    if not re.fullmatch(_VERSION, text, re.ASCII):
        raise PydanticCustomError("wrong-version", "a semantic version is written like 1.0.0")
    return text


def version_order(version: str) -> tuple[object, ...]:
    """Give what semantic versions sort by, https://semver.org/#spec-item-11 ."""
    core, _, before = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in core.split("."))
    parts = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in before.split(".") if part
    )
    return numbers, not before, parts


SemanticVersion = Annotated[str, AfterValidator(_version)]


def _decimal(text: str) -> str:
    match = re.fullmatch(r"(\d{1,2}),\s*(\d{1,2})", text, re.ASCII)
    if not match or not int(match[2]) <= int(match[1]) <= 38 or match[1] == "0":
        raise PydanticCustomError("wrong-decimal", "decimal is written like 10,2")
    return text


Decimal = Annotated[str, AfterValidator(_decimal)]


def _one_or_many(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


class Constraints(Model):
    required: bool | None = None
    unique: bool | None = None
    minimum: Any = None
    maximum: Any = None
    exclusive_minimum: Any = None
    exclusive_maximum: Any = None
    min_length: int | None = Key(None, ge=0)
    max_length: int | None = Key(None, ge=0)
    pattern: str | None = None
    enum: tuple[Any, ...] | None = Key(None, min_length=1)


class Translation(Model):
    """Texts in another language."""

    title: str | None = None
    description: str | None = None


class Reading(Model):
    """The Table Schema properties that say how a field's cells are read."""

    format: str | None = None
    decimal_char: str | None = Key(None, min_length=1, max_length=1)
    group_char: str | None = Key(None, min_length=1, max_length=1)
    bare_number: bool | None = None
    float_number: bool | None = None
    true_values: tuple[str, ...] | None = None
    false_values: tuple[str, ...] | None = None
    missing_values: tuple[str, ...] | None = None
    array_item: Mapping[str, Any] | None = None
    delimiter: str | None = None
    item_type: (
        Literal["string", "integer", "boolean", "number", "datetime", "date", "time"] | None
    ) = None


_SAID_OF_IT = {
    "title",
    "description",
    "example",
    "rdf_type",
    "personal",
    "observed_property",
    "translations",
}
"""What is told of a field, and decides nothing."""


class Field(Reading):
    name: FieldName
    type: FieldType = "string"
    title: str | None = None
    description: str | None = None
    constraints: Constraints = Constraints()
    example: Any = None
    rdf_type: str | None = None
    role: Role | None = None
    unit: str | None = None
    """UCUM code of the values as published."""
    decimal: Decimal | None = None
    """``p,s``: stored exactly, with p digits (at most 38) of which s behind the point."""
    personal: bool = False
    """Never published or served."""
    observed_property: str | None = None
    translations: Mapping[str, Translation] = {}

    @property
    def required(self) -> bool:
        return bool(self.constraints.required)

    @property
    def reading(self) -> dict[str, Any]:
        """Give what can change a verdict on a cell, or its value; texts and privacy cannot."""
        stated = self.model_dump(mode="json", exclude=_SAID_OF_IT, exclude_defaults=True)
        if self.role not in {"entity", "time", "modified"}:
            stated.pop("role", None)
        return stated


TEXTS = ("title", "description", "translations", "observed_property")
"""What may be said otherwise of a field without a new version of its table."""


class Reference(Model):
    resource: str
    """A table of the same dataset, ``dataset/table`` of another, or empty: this table."""
    fields: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]


class ForeignKey(Model):
    fields: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]
    reference: Reference

    def refers_to(self, table: TableRef) -> TableRef:
        """Give the table that is meant where *table* has the key; it may be *table* itself."""
        name = self.reference.resource
        if not name:
            return table
        return TableRef(*name.split("/", 1)) if "/" in name else TableRef(table.dataset, name)


class Schema(Model):
    name: Name
    version: SemanticVersion
    id: str | None = None
    title: str | None = None
    description: str | None = None
    fields: tuple[Field, ...] = Key(min_length=1)
    primary_key: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    missing_values: tuple[str, ...] = ("",)
    translations: Mapping[str, Translation] = {}

    @property
    def major(self) -> str:
        """The first number of the version: tables mean the same where it and the name are alike."""
        return self.version.partition(".")[0]

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {field.name: field for field in self.fields}

    def with_role(self, role: Role) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.role == role)

    @cached_property
    def reading(self) -> Mapping[str, Any]:
        """What can change a verdict on a row, or its values."""
        return {
            "fields": [field.reading for field in self.fields],
            **self.model_dump(
                mode="json",
                include={"primary_key", "foreign_keys", "missing_values"},
                exclude_defaults=True,
            ),
        }

    @property
    def time_field(self) -> Field | None:
        return next(iter(self.with_role("time")), None)

    @property
    def entity_fields(self) -> tuple[Field, ...]:
        return self.with_role("entity")

    @property
    def modified_field(self) -> Field | None:
        return next(iter(self.with_role("modified")), None)

    @cached_property
    def open_fields(self) -> tuple[Field, ...]:
        """The fields that may be published and served: all but the personal ones."""
        return tuple(field for field in self.fields if not field.personal)
