"""Rules of how a field's cells are read, the same in a schema and in a source view."""

import re
from collections.abc import Iterator, Mapping

from publisher.model.schema import Field, FieldType, Reading
from publisher.registry.document import Document
from publisher.registry.finding import Finding
from publisher.registry.paths import Path

_FORMATS: Mapping[FieldType, tuple[str, ...]] = {
    "string": ("default", "email", "uri", "binary", "uuid", "wkt"),
    "geopoint": ("default", "array", "object"),
    "geojson": ("default", "topojson"),
}
_TIMES: tuple[FieldType, ...] = ("date", "time", "datetime")
# https://docs.python.org/3/library/datetime.html#format-codes
_DIRECTIVE = re.compile(r"%[aAbBcdfGHIjmMpSuUVwWxXyYzZ%]")
_EXAMPLES: Mapping[FieldType, str] = {
    "date": "%d-%m-%Y",
    "time": "%H:%M",
    "datetime": "%d-%m-%Y %H:%M",
}
# Table Schema: a property means something for these types only
_NUMBERS: tuple[FieldType, ...] = ("number", "integer")
_PROPERTIES: Mapping[str, tuple[FieldType, ...]] = {
    "decimalChar": ("number",),
    "groupChar": _NUMBERS,
    "bareNumber": _NUMBERS,
    "floatNumber": ("number",),
    "trueValues": ("boolean",),
    "falseValues": ("boolean",),
    "arrayItem": ("array",),
    "delimiter": ("list",),
    "itemType": ("list",),
}


def check_reading(
    field: Field, reading: Reading, document: Document, path: Path, *, typed: bool
) -> Iterator[Finding]:
    """Judge the *reading* of *field* that stands at *path*; *typed*: its type is known."""
    for key in document.value_at(path) if typed else ():
        types = _PROPERTIES.get(key)
        if types and field.type not in types:
            yield document.warning(
                "property-of-other-type",
                (*path, key),
                key=key,
                field=field.name,
                type=field.type,
                types=", ".join(types),
            )
    if reading.format is not None and typed:
        yield from _check_format(field, reading.format, document, (*path, "format"))
    if reading.decimal_char is not None and reading.decimal_char == reading.group_char:
        yield document.error("same-characters", (*path, "groupChar"), field=field.name)
    both = set(reading.true_values or ()) & set(reading.false_values or ())
    if both:
        yield document.error(
            "true-and-false", (*path, "falseValues"), field=field.name, value=min(both)
        )


def _check_format(field: Field, format_: str, document: Document, path: Path) -> Iterator[Finding]:
    if field.type in _TIMES:
        if format_ == "any":
            yield document.warning("guessed-format", path, field=field.name)
        elif format_ != "default" and ("%" not in format_ or "%" in _DIRECTIVE.sub("", format_)):
            yield document.error(
                "wrong-format",
                path,
                field=field.name,
                format=format_,
                example=_EXAMPLES[field.type],
            )
        return
    allowed = _FORMATS.get(field.type, ("default",))
    if format_ not in allowed:
        yield document.error(
            "unknown-format",
            path,
            field=field.name,
            type=field.type,
            format=format_,
            allowed=", ".join(allowed),
        )
