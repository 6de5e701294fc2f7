"""Cell readers for what a text profile says beyond Table Schema, made of Frictionless' own."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from frictionless import Field as FrictionlessField

from publisher.errors import ConfigurationError
from publisher.model.profile import Writing
from publisher.validation.proof.numbers import grouped

CellReader = Callable[[Any], tuple[Any, dict[str, str] | None]]
"""Frictionless' cell reader: the value, and what is wrong with it by rule."""

_AROUND = re.compile(r"((^[^-\d]*)|(\D*$))")  # what Frictionless strips where not bareNumber
_NUMERIC = re.compile(r"[+-]?[0-9.,]*[0-9][0-9.,]*")


def created(field: FrictionlessField) -> CellReader:
    """Make Frictionless' reader. Raises ConfigurationError ``unusable-field``."""
    try:
        reader: CellReader = field.create_cell_reader()
    except Exception as error:  # a pattern that does not compile, a bound of another type, ...
        raise ConfigurationError("unusable-field", field=field.name, reason=str(error)) from error
    return reader


def written_reader(field: FrictionlessField, writing: Writing) -> CellReader:
    """Make the reader of *field*, of which only `required` may be constrained."""
    if writing.formats:
        return _any_of(field, writing.formats)
    return _grouped(field, writing.thousands) if writing.thousands else created(field)


def _any_of(field: FrictionlessField, formats: Sequence[str]) -> CellReader:
    readers = [created(_formatted(field, format_)) for format_ in formats]

    def read_cell(cell: Any) -> tuple[Any, dict[str, str] | None]:
        first = None
        for read in readers:
            value, notes = read(cell)
            if not notes or "type" not in notes:
                return value, notes
            first = first or notes
        return None, first

    return read_cell


def _formatted(field: FrictionlessField, format_: str) -> FrictionlessField:
    copy = field.to_copy()
    copy.missing_values = field.missing_values
    copy.format = format_
    return copy


def _grouped(field: FrictionlessField, group: str) -> CellReader:
    read, bare, whole = created(field), getattr(field, "bare_number", True), field.type == "integer"
    decimal = getattr(field, "decimal_char", "")
    right = re.compile(f"[+-]?{grouped(group, decimal)}")

    note = (
        f'type is "{field.type}": "{group}" counts before exactly three digits only, as in '
        f'"1{group}234{decimal and decimal + "5"}", and is no decimal point'
    )

    def read_cell(cell: Any) -> tuple[Any, dict[str, str] | None]:
        value, notes = read(cell)
        if not isinstance(cell, str) or group not in cell:
            return value, notes
        if value is None and not (notes and "type" in notes):
            return value, notes  # a missing value
        number = cell.strip() if bare else _AROUND.sub("", cell.strip())
        if group not in number:
            return value, notes
        if right.fullmatch(number):
            # Frictionless has no groupChar for integers
            return read(number.replace(group, "")) if whole else (value, notes)
        if value is None and not _NUMERIC.fullmatch(number):
            return value, notes
        return None, {"type": note}

    return read_cell
