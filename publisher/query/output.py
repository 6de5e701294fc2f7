"""How rows are shown: in which units, and the details of a format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from publisher.errors import ConfigurationError
from publisher.model.schema import Field
from publisher.query.faults import Faults
from publisher.query.names import unknown
from publisher.query.parameters import BOMS, DECIMALS, SEPARATORS, SHAPES
from publisher.query.times import fault
from publisher.query.values import read_choice, read_list
from publisher.validation.units import Conversion, conversion

Units = tuple[tuple[str, str, Conversion], ...]
"""Field, unit, and how the stored value becomes one in it."""


@dataclass(frozen=True, slots=True)
class Style:
    arrays: bool = False
    """Rows of JSON are arrays."""
    separator: str = ","
    decimal: str = "."
    bom: bool = False


def read_style(stated: Mapping[str, str], faults: Faults) -> Style:
    """Read the details of a format; what does not concern the one asked for changes nothing."""
    found = {}
    for name, choices in (
        ("shape", SHAPES),
        ("sep", tuple(SEPARATORS)),
        ("decimal", DECIMALS),
        ("bom", BOMS),
    ):
        with faults:
            if name in stated:
                found[name] = read_choice(name, stated[name], choices)
    return Style(
        arrays=found.get("shape") == "arrays",
        separator=SEPARATORS[found.get("sep", ",")],
        decimal=found.get("decimal", "."),
        bom=found.get("bom") == "1",
    )


def read_units(text: str, fields: Mapping[str, Field], shown: Sequence[str]) -> Units:
    """Read ``FIELD:UNIT`` items; raises ParameterError."""
    found: dict[str, tuple[str, str, Conversion]] = {}
    for item in read_list("units", text):
        name, colon, unit = item.partition(":")
        if name not in fields:
            raise unknown("field", name, fields, "units")
        field = fields[name]
        if not colon or not unit:
            raise fault("not-a-unit", "units", item)
        if name in found:
            raise fault("name-twice", "units", text)
        if field.unit is None or field.type not in {"number", "integer"}:
            raise fault("field-without-unit", "units", name)
        if unit == field.unit:
            continue
        found[name] = (name, unit, _conversion(name, field.unit, unit))
    return tuple(it for name, it in found.items() if name in shown)


def _conversion(name: str, of: str, unit: str) -> Conversion:
    try:
        return conversion(of, unit)
    except ConfigurationError:
        raise fault("unit-not-of-field", "units", unit, field=name, unit=of) from None
