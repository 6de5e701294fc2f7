"""A schema whose fields are read as a text profile has it, for ``publisher validate``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from frictionless import Field as FrictionlessField
from frictionless import Schema as FrictionlessSchema

from publisher.engine import Connection
from publisher.model.profile import Profile
from publisher.model.values import parse_zone
from publisher.validation.cells import cell_reader, described, made_field
from publisher.validation.localtime import Folds, placer
from publisher.validation.proof.form import Cell
from publisher.validation.proof.zones import placing
from publisher.validation.writing import CellReader


@dataclass(frozen=True, slots=True)
class _Field:
    descriptor: Mapping[str, Any]
    read: CellReader
    cell: Cell


class Profiled:
    """What *profile* fills in of *schema*: of a field whose cells are written its way, all.

    Times are placed: a cell's value is its instant in UTC, and a local time that does not
    exist is none; of one that exists twice it is the earlier. Raises ConfigurationError for a
    bound that cannot be read.
    """

    def __init__(self, schema: FrictionlessSchema, profile: Profile) -> None:
        self._zone, self._zone_name = parse_zone(profile.timezone), profile.timezone
        self._folds = Folds()
        self._fields: dict[str, _Field] = {}
        for field in schema.fields:
            descriptor = field.to_descriptor()
            writing = profile.writing(field.type, descriptor)
            if not (writing.properties or writing.beyond):
                continue
            missing = schema.missing_values if "missingValues" not in descriptor else ()
            whole = {**({"missingValues": list(missing)} if missing else {}), **descriptor}
            published = made_field(whole)
            source = made_field(
                {**whole, **writing.properties, "constraints": {"required": field.required}}
            )
            timed = field.type == "datetime"
            convert = (
                placer(field.name, self._zone, self._zone_name, self._folds) if timed else None
            )
            read = cell_reader(published, source, convert, writing)
            self._fields[field.name] = _Field(
                {**descriptor, **writing.properties},
                _aware(read) if timed else read,
                described(published, source, writing, shift=0, placed=timed),
            )

    def applied(self, schema: FrictionlessSchema) -> FrictionlessSchema:
        """Give *schema*, the same one, with fields that read so."""
        for field in list(schema.fields):
            if known := self._fields.get(field.name):
                schema.set_field(self._made(known))
        return schema

    def _made(self, known: _Field) -> FrictionlessField:
        """Make a field of Frictionless' that gives the reader to who asks it; so do its copies."""
        field = FrictionlessField.from_descriptor(dict(known.descriptor))
        vars(field).update(
            create_cell_reader=lambda: known.read,
            to_copy=lambda: self._made(known),
            profiled=self,
        )
        return field

    def descriptor(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Give a schema's descriptor with what the profile says, for errors to be explained."""
        fields = []
        for field in schema.get("fields", ()):
            known = self._fields.get(field["name"])
            more: dict[str, Any] = {}
            if known is not None:
                cell = known.cell
                more = {**known.descriptor, "formats": cell.formats, "thousands": cell.thousands}
                more |= {"timezone": self._zone_name} if cell.type == "datetime" else {}
            fields.append({**field, **more})
        return {**schema, "fields": fields}

    def forgiving(self) -> Callable[[int, Mapping[str, str], int], bool]:
        """Give what tells, for one file, whether a key that went before may stand once more.

        So it may where it has a local time that exists twice, and was given once: which of the
        two is meant is told by the order of the whole series, and that is beyond a row. It is
        asked with a row's number, the key's texts by field, and the number of the row before.
        """
        second: set[tuple[tuple[str, ...], int]] = set()

        def forgives(number: int, key: Mapping[str, str], other: int) -> bool:
            names = tuple(key)
            if (names, other) in second or not any(map(self._is_twice, names, key.values())):
                return False
            second.add((names, number))
            return True

        return forgives

    def _is_twice(self, name: str, text: str) -> bool:
        self._folds.found.clear()
        if name in self._fields:
            self._fields[name].read(text)
        return bool(self._folds.found)

    def cells(self, con: Connection) -> dict[str, Cell]:
        """Say by field's name how its cells are read, for a form to be found."""
        place = placing(con, self._zone, self._zone_name)
        return {
            name: replace(field.cell, place=place if field.cell.type == "datetime" else None)
            for name, field in self._fields.items()
        }


def _aware(read: CellReader) -> CellReader:
    """Say of the times that they are UTC, so that nothing takes them for local ones."""

    def read_cell(cell: Any) -> tuple[Any, dict[str, str] | None]:
        value, notes = read(cell)
        return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value, notes

    return read_cell
