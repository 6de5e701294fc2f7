"""A partner's table without a schema of ours: the fields it tells of, under names of ours.

A name that is legal stays as it is. Of another the letters become plain ones, whatever else is no
letter, digit or point becomes `_`, and what then begins with no letter gets `f_` before it. A name
that is taken, whatever its case, gets `_2`, `_3` behind it; legal names are given first.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from publisher.errors import SourceError
from publisher.model.dataset import FieldView
from publisher.model.partner import TableSpec
from publisher.model.schema import Constraints, Field, FieldType, Role, Schema
from publisher.model.values import TableRef

ROW_NUMBER = "publisher.number"
"""What the number of the row is called."""
_LONGEST = 63
_LETTERS = str.maketrans(
    {
        "æ": "ae",
        "ø": "oe",
        "å": "aa",
        "Æ": "Ae",
        "Ø": "Oe",
        "Å": "Aa",
        "ß": "ss",
        "ð": "d",
        "þ": "th",
    }
)
_ALIKE = (
    *("m", "km", "cm", "mm", "m2", "km2", "m3", "g", "kg", "mg", "s", "min", "h", "%"),
    *("m/s", "km/h", "m3/s", "V", "A", "W", "kW", "Hz", "Pa", "hPa", "lx"),
)
_UNITS = {
    **{it: it for it in _ALIKE},
    "°C": "Cel",
    "m²": "m2",
    "km²": "km2",
    "m³": "m3",
    "m³/s": "m3/s",
}
"""UCUM codes of symbols that mean nothing else."""


_NUMBER = Field(name=ROW_NUMBER, type="integer", constraints=Constraints(required=True))


@dataclass(frozen=True, slots=True)
class Column:
    """A column as a partner tells of it."""

    name: str
    """As its records have it; in JSON also a path."""
    type: FieldType
    title: str | None = None
    description: str | None = None
    unit: str | None = None
    """UCUM code, or None."""
    role: Role | None = None
    called: str | None = None
    """What it is called rather than by its own name."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a partner tells of a table."""

    columns: Sequence[Column]
    types: Mapping[str, str]
    """By column, in the partner's words; by them a change is seen."""
    key: tuple[str, ...] = ()
    """Columns that no two rows have alike, and that are never null."""
    row: str | None = None
    """A column of whole numbers that no two rows have alike, which is no field."""


def made(ref: TableRef, table: TableSpec, told: Told, partner: str) -> tuple[TableSpec, Schema]:
    """Give the schema of what is told, and the table with a view of each of its fields.

    A column that the table's own ``fields`` name is called so. Raises SourceError.
    """
    known = {it.name: it for it in told.columns}
    views = {
        name: view.model_copy(update={"column": name if view.column is None else view.column})
        for name, view in table.fields.items()
    }
    for view in views.values():
        if view.column not in known:
            raise SourceError(
                "partner-no-column", partner=partner, table=str(ref), column=view.column
            )
    if not known:
        raise SourceError("partner-no-fields", partner=partner, table=str(ref))
    renamed = {view.column for view in views.values()}
    rest = {it.name: it.called or it.name for it in told.columns if it.name not in renamed}
    names = named(rest, {*views, ROW_NUMBER})
    views |= {name: FieldView(column=column) for column, name in names.items()}
    places = {column: place for place, column in enumerate(known)}
    views = dict(sorted(views.items(), key=lambda it: places[it[1].column or ""]))
    called = {str(view.column): name for name, view in views.items()}
    fields = [_field(name, known[str(view.column)]) for name, view in views.items()]
    if told.row is not None:
        views[ROW_NUMBER] = FieldView(column=told.row)
        fields.append(_NUMBER)
    schema = Schema(
        name="own",
        version="0.0.0",
        fields=tuple(fields),
        primary_key=tuple(called[column] for column in told.key),
        missing_values=(),
    )
    return table.model_copy(update={"fields": views}), schema


def _field(name: str, column: Column) -> Field:
    title = column.title or (column.name if column.name != name else None)
    return Field(
        name=name,
        type=column.type,
        title=title,
        description=column.description,
        unit=column.unit,
        role=column.role,
    )


def named(columns: Mapping[str, str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Name each column after what it is called: legally, and as nothing else nor *taken* is."""
    used = {it.casefold() for it in taken}
    names: dict[str, str] = {}
    for column, called in columns.items():
        if legal(called) == called and called.casefold() not in used:
            used.add(called.casefold())
            names[column] = called
    for column, called in columns.items():
        if column in names:
            continue
        base = name = legal(called)
        number = 1
        while name.casefold() in used:
            number += 1
            ending = f"_{number}"
            name = base[: _LONGEST - len(ending)].rstrip("_") + ending
        used.add(name.casefold())
        names[column] = name
    return names


def legal(text: str) -> str:
    """Give the legal field name that is most like *text*; itself where it is legal."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).translate(_LETTERS))
    plain = "".join(it for it in plain if not unicodedata.combining(it))
    name = re.sub(r"[^A-Za-z0-9.]+", "_", plain).strip("_")
    if not re.match("[A-Za-z]", name):
        name = f"f_{name.lstrip('._')}"
    return name[:_LONGEST].rstrip("_")


def paths_in(table: TableSpec) -> list[str]:
    """Give the columns that a table's own ``fields`` name."""
    return [name if it.column is None else it.column for name, it in table.fields.items()]


def ucum(symbol: object) -> str | None:
    """Give the UCUM code of a unit's symbol; None where it may mean another unit."""
    return _UNITS.get(symbol.strip()) if isinstance(symbol, str) else None


def text_of(value: object) -> str | None:
    """Give a text that is told of something; None where there is none."""
    return value.strip() or None if isinstance(value, str) else None
