"""Rules within one schema."""

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from publisher.model.query import PARAMETERS
from publisher.model.schema import Field, FieldType, Role, Schema
from publisher.registry.checks.cells import check_reading
from publisher.registry.checks.texts import check_translations
from publisher.registry.document import Document
from publisher.registry.finding import Finding
from publisher.registry.keys import nearest
from publisher.registry.paths import ANY, Path

# Frictionless' own table; `unique` is judged apart and fails on what cannot be hashed
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_LENGTHS = ("minLength", "maxLength")
_ORDERED: tuple[FieldType, ...] = (
    "number", "integer", "date", "time", "datetime", "year", "yearmonth",
)  # fmt: skip
_SUPPORTED: Mapping[str, tuple[FieldType, ...]] = {
    **dict.fromkeys(_BOUNDS, _ORDERED),
    **dict.fromkeys(_LENGTHS, ("string", "array", "object", "list")),
    "pattern": ("string",),
}
_NO_ENUM: tuple[FieldType, ...] = ("list",)
_NOT_UNIQUE: tuple[FieldType, ...] = ("array", "object", "list", "geojson")

# Table Schema's defaults
_TRUE = ("true", "True", "TRUE", "1")
_FALSE = ("false", "False", "FALSE", "0")

_ROLE_TYPES: Mapping[Role, tuple[FieldType, ...]] = {
    "time": ("datetime", "date"),
    "latitude": ("number",),
    "longitude": ("number",),
    "modified": ("datetime", "date", "integer"),
}
_NUMBERS: tuple[FieldType, ...] = ("number", "integer")

NAMES = ("fields", ANY, "name")
"""Where one of them is lost, any other name may be what it was meant to be."""
# What a bound or an example is read by
_LEGIBLE = ("type", "format", "trueValues", "falseValues")


def check_schema(schema: Schema, document: Document) -> Iterator[Finding]:
    """Judge a schema that was read from *document*."""
    yield from _check_names(schema, document)
    yield from _check_roles(schema, document)
    yield from _check_keys(schema, document)
    yield from check_translations(schema.translations, document, ())
    for index, field in enumerate(schema.fields):
        path = ("fields", index)
        typed = not document.lost((*path, "type"))
        legible = not any(document.lost((*path, key)) for key in _LEGIBLE)
        yield from check_reading(field, field, document, path, typed=typed)
        yield from _check_pattern(field, document, (*path, "constraints"))
        if typed:
            yield from _check_constraints(field, document, (*path, "constraints"), legible=legible)
            yield from _check_number(field, document, path)
        if field.example and legible and _readable(field, field.example) is None:
            yield document.error(
                "wrong-example", (*path, "example"), field=field.name, value=field.example
            )
        yield from check_translations(field.translations, document, path)


def _check_names(schema: Schema, document: Document) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for index, field in enumerate(schema.fields):
        path = ("fields", index, "name")
        folded = field.name.casefold()
        if document.lost(path):
            continue
        if folded in seen:
            yield document.error("doubled-field", path, field=field.name, other=seen[folded])
        seen.setdefault(folded, field.name)
        if field.name in PARAMETERS:
            yield document.warning("field-named-like-parameter", path, field=field.name)


def _check_roles(schema: Schema, document: Document) -> Iterator[Finding]:
    for index, field in enumerate(schema.fields):
        types = _ROLE_TYPES.get(field.role) if field.role else None
        typed = not document.lost(("fields", index, "type"))
        if types and typed and field.type not in types:
            yield document.error(
                "role-of-other-type",
                ("fields", index, "role"),
                field=field.name,
                role=field.role,
                type=field.type,
                types=", ".join(types),
            )
    counts = Counter(field.role for field in schema.fields if field.role in _ROLE_TYPES)
    for role, count in counts.items():
        if count > 1:
            last = max(i for i, field in enumerate(schema.fields) if field.role == role)
            yield document.error("doubled-role", ("fields", last, "role"), role=role)
    half = ("latitude" in counts) != ("longitude" in counts)
    if half and not document.lost(("fields", ANY, "role")):
        has, lacks = (
            ("latitude", "longitude") if "latitude" in counts else ("longitude", "latitude")
        )
        index = next(i for i, field in enumerate(schema.fields) if field.role == has)
        yield document.warning("half-position", ("fields", index, "role"), has=has, lacks=lacks)


def _check_keys(schema: Schema, document: Document) -> Iterator[Finding]:
    yield from _check_key(schema, schema.primary_key, document, ("primaryKey",))
    for index, key in enumerate(schema.foreign_keys):
        path = ("foreignKeys", index)
        yield from _check_key(schema, key.fields, document, (*path, "fields"))
        ends = ((*path, "fields", ANY), (*path, "reference", "fields", ANY))
        lost = any(document.lost(end) for end in ends)
        if len(key.fields) != len(key.reference.fields) and not lost:
            yield document.error(
                "uneven-foreign-key",
                (*path, "reference"),
                fields=len(key.fields),
                referred=len(key.reference.fields),
            )


def _check_key(
    schema: Schema, names: tuple[str, ...], document: Document, path: Path
) -> Iterator[Finding]:
    for position, name in enumerate(names):
        if name in names[:position]:
            yield document.error("doubled-key-field", (*path, position), key=path[0], field=name)
        elif name not in schema.by_name and not document.lost(NAMES):
            known = list(schema.by_name)
            yield document.error(
                "unknown-key-field",
                (*path, position),
                key=path[0],
                field=name,
                nearest=nearest(name, known),
                known=", ".join(known),
            )


def _check_number(field: Field, document: Document, path: Path) -> Iterator[Finding]:
    if field.unit is not None and field.type not in _NUMBERS:
        yield document.warning(
            "unit-of-other-type", (*path, "unit"), field=field.name, type=field.type
        )
    if field.decimal is not None and field.type != "number":
        yield document.error(
            "decimal-of-other-type", (*path, "decimal"), field=field.name, type=field.type
        )


def _check_constraints(
    field: Field, document: Document, path: Path, *, legible: bool
) -> Iterator[Finding]:
    stated = document.value_at(path)
    for key, value in stated.items():
        types = _SUPPORTED.get(key)
        unsupported = (
            (types is not None and field.type not in types)
            or (key == "enum" and field.type in _NO_ENUM)
            or (key == "unique" and value and field.type in _NOT_UNIQUE)
        )
        if unsupported:
            yield document.error(
                "constraint-of-other-type",
                (*path, key),
                constraint=key,
                field=field.name,
                type=field.type,
            )
        elif not legible:
            continue
        elif key in _BOUNDS:
            yield from _check_value(field, key, value, document, (*path, key))
        elif key == "enum":
            for index, item in enumerate(value):
                yield from _check_value(field, key, item, document, (*path, key, index))
    if legible:
        yield from _check_order(field, stated, document, path)


def _check_pattern(field: Field, document: Document, path: Path) -> Iterator[Finding]:
    if field.constraints.pattern is None:
        return
    try:
        with warnings.catch_warnings(action="ignore"):  # of what may mean something else some day
            re.compile(f"^{field.constraints.pattern}$")  # as Frictionless does
    except (re.error, OverflowError, RecursionError) as error:
        yield document.error(
            "wrong-pattern",
            (*path, "pattern"),
            field=field.name,
            pattern=field.constraints.pattern,
            reason=str(error),
        )


def _check_value(
    field: Field, key: str, value: Any, document: Document, path: Path
) -> Iterator[Finding]:
    if _readable(field, value) is None:
        yield document.error(
            "unreadable-constraint", path, field=field.name, constraint=key, value=value
        )
    elif key in _BOUNDS and field.type == "datetime" and _readable(field, value).tzinfo is None:
        yield document.warning("bound-without-offset", path, field=field.name, constraint=key)


def _check_order(
    field: Field, stated: Mapping[str, Any], document: Document, path: Path
) -> Iterator[Finding]:
    pairs = [
        (low, high)
        for low in ("minimum", "exclusiveMinimum", "minLength")
        for high in ("maximum", "exclusiveMaximum", "maxLength")
        if low in stated and high in stated and ("Length" in low) == ("Length" in high)
    ]
    for low, high in pairs:
        length = low == "minLength"
        least = stated[low] if length else _readable(field, stated[low])
        most = stated[high] if length else _readable(field, stated[high])
        try:
            crossed = least is not None and most is not None and least > most
        except TypeError:  # one with an offset, one without
            continue
        if crossed:
            yield document.error("bounds-crossed", (*path, high), field=field.name, low=low)


def _readable(field: Field, value: Any) -> Any:
    """Read a bound as Frictionless reads a cell of the field; None where it cannot."""
    try:
        match field.type:
            case "number" | "integer" | "year":
                return _number(field.type, value)
            case "date" | "time" | "datetime":
                return _time(field, value)
            case "yearmonth":
                return value if re.fullmatch(r"\d{4}-\d{1,2}", value) else None
            case "string":
                return value if isinstance(value, str) else None
            case "boolean":
                texts = (*(field.true_values or _TRUE), *(field.false_values or _FALSE))
                return value if isinstance(value, bool) or value in texts else None
            case _:
                return value
    except (ValueError, TypeError, LookupError, InvalidOperation):
        return None


def _time(field: Field, value: str) -> date | time | datetime | None:
    if field.format == "any":
        return None  # nobody knows what the guess will be
    if field.format not in {None, "default"}:
        found = datetime.strptime(value, field.format)  # noqa: DTZ007 - naive where it says so
        if field.type == "time":
            return found.time()
        return found.date() if field.type == "date" else found
    if field.type == "date":
        return date.fromisoformat(value)
    if field.type == "time":
        return time.fromisoformat(value)
    return datetime.fromisoformat(value) if value[16] == ":" else None


def _number(type_: FieldType, value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    number = Decimal(str(value).strip())
    whole = type_ == "number" or number == number.to_integral_value()
    return number if whole and not number.is_nan() else None
