"""Cell readers: Frictionless' own, with times placed and units converted before constraints."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from frictionless import Field as FrictionlessField
from frictionless import FrictionlessException

from publisher.errors import ConfigurationError
from publisher.model.dataset import FieldView
from publisher.model.profile import AS_STATED, Profile, Writing
from publisher.model.schema import Field, Reading
from publisher.validation.proof.fields import stated_constraints, stated_properties
from publisher.validation.proof.form import SHAPE, Cell
from publisher.validation.reason import reason
from publisher.validation.units import Conversion
from publisher.validation.writing import CellReader, created, written_reader

Convert = Callable[[Any], tuple[Any, str | None]]

_READING = set(Reading.model_fields)
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def published_field(field: Field, missing_values: tuple[str, ...]) -> FrictionlessField:
    """Give *field* as Frictionless reads what is published; *missing_values* are the schema's.

    Raises ConfigurationError ``unusable-field``.
    """
    stated = field.model_dump(
        mode="json", by_alias=True, exclude_unset=True, include={*_READING, "constraints"}
    )
    return made_field(
        {"missingValues": list(missing_values), **stated, "name": field.name, "type": field.type}
    )


def writing_of(field: Field, view: FieldView, profile: Profile | None) -> Writing:
    """Tell what *profile* says of the cells, where neither *field* nor *view* do."""
    if profile is None:
        return AS_STATED
    return profile.writing(field.type, {**_stated(field), **_stated(view)})


def _stated(reading: Reading) -> dict[str, Any]:
    return reading.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude_none=True, include=_READING
    )


def source_field(
    published: FrictionlessField, view: FieldView, writing: Writing
) -> FrictionlessField:
    """Give the field as the source writes it: *view*'s overrides; of constraints `required`.

    It is *published* itself where nothing is overridden.
    """
    overrides = {**writing.properties, **_stated(view)}
    if not overrides:
        return published
    descriptor = {**published.to_descriptor(), **overrides}
    # Frictionless leaves its default lists out of descriptors: an emptied one would come back
    descriptor.setdefault("missingValues", published.missing_values)
    descriptor["constraints"] = {"required": published.required}
    return made_field(descriptor)


def cell_reader(
    published: FrictionlessField,
    source: FrictionlessField,
    convert: Convert | None,
    writing: Writing = AS_STATED,
) -> CellReader:
    """Compose missing values and type (*source*), *convert*, then constraints (*published*).

    Frictionless would read the bounds as cells of the source; they are the schema's, so they
    are read as published. Raises ConfigurationError where a bound cannot be read.
    """
    check = _constraint_check(published, place=convert is not None)
    if convert is None and source is published and not writing.beyond:
        return created(published)
    if check is not None and source is published:
        source = published.to_copy()
        source.missing_values = published.missing_values
        source.constraints = {"required": published.required}
    read = written_reader(source, writing)

    def read_cell(cell: Any) -> tuple[Any, dict[str, str] | None]:
        value, notes = read(cell)
        if notes:
            return value, notes
        if value is not None and convert is not None:
            value, note = convert(value)
            if note:
                return None, {"type": note}
        return check(value) if check else (value, None)

    return read_cell


def described(
    published: FrictionlessField,
    source: FrictionlessField,
    writing: Writing = AS_STATED,
    *,
    shift: int,
    placed: bool,
) -> Cell:
    """Say how cells are read, for a form to be found that proves them clean.

    *shift* is the power of ten of a unit's conversion; the times of a field that is *placed*
    become UTC.
    """
    stated = stated_constraints(published)
    typed = published.to_copy()
    return Cell(
        type=published.type,
        format=source.format,
        properties=stated_properties(source),
        bounds={
            name: _typed(typed, name, stated[name], place=placed)
            for name in (*_BOUNDS, "enum")
            if name in stated
        },
        shape={name: stated[name] for name in SHAPE if name in stated},
        shift=shift,
        formats=writing.formats,
        thousands=writing.thousands,
    )


def converter(conversion: Conversion, *, whole: bool) -> Convert:
    """Convert numbers by *conversion*; *whole* ones must stay whole (integer fields)."""

    def convert(value: Any) -> tuple[Any, str | None]:
        exact = value if isinstance(value, Decimal) else Decimal(str(value))
        converted = conversion.apply(exact)
        if not whole:
            return converted, None
        if converted.is_finite() and converted == converted.to_integral_value():
            return int(converted), None
        return None, f'"{value}" is no integer once converted to the schema\'s unit'

    return convert


def _constraint_check(published: FrictionlessField, *, place: bool) -> CellReader | None:
    if not published.constraints.keys() - {"required"}:
        return None
    return _check_of(_key(published.to_descriptor()), place)


@lru_cache(maxsize=10_000)
def _check_of(descriptor: bytes, place: bool) -> CellReader | None:
    field = FrictionlessField.from_descriptor(orjson.loads(descriptor))
    stated = {
        name: value
        for name, value in field.constraints.items()
        if name in field.supported_constraints and name != "required" and value is not None
    }
    if not stated:
        return None
    field.missing_values = []
    field.constraints = {
        name: _typed(field, name, value, place=place) for name, value in stated.items()
    }
    reader = created(field)
    # Its notes quote field.constraints as they are when a cell fails: as the schema has them.
    field.constraints = stated
    return reader


def _typed(field: FrictionlessField, name: str, value: Any, *, place: bool) -> Any:
    """Read a bound as published; times of a field that is *place*d become UTC."""
    if name == "enum":
        return [_typed_bound(field, name, item, place=place) for item in value]
    return _typed_bound(field, name, value, place=place) if name in _BOUNDS else value


def _typed_bound(field: FrictionlessField, name: str, value: Any, *, place: bool) -> Any:
    found = field.create_value_reader()(value)
    if found is None:
        raise ConfigurationError(
            "unreadable-constraint", field=field.name, constraint=name, value=value
        )
    if place and isinstance(found, datetime) and found.tzinfo is not None:
        return found.astimezone(UTC).replace(tzinfo=None)
    return found


def made_field(descriptor: Mapping[str, Any]) -> FrictionlessField:
    """Make a field that nobody may change: equal ones are one."""
    try:
        return _field_of(_key(descriptor))
    except FrictionlessException as error:
        raise ConfigurationError(
            "unusable-field", field=descriptor["name"], reason=reason(error)
        ) from error


def _key(descriptor: Mapping[str, Any]) -> bytes:
    return orjson.dumps(descriptor, option=orjson.OPT_SORT_KEYS)


@lru_cache(maxsize=10_000)  # a millisecond each, and schemas are shared by many tables
def _field_of(descriptor: bytes) -> FrictionlessField:
    return FrictionlessField.from_descriptor(orjson.loads(descriptor))
