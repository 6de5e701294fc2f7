"""The word of Frictionless' own Row on one row, and what Publisher adds to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from frictionless import errors
from frictionless.table.row import Row

from publisher.validation.checks.errors import KINDS
from publisher.validation.reading.table import Cells
from publisher.validation.storing import UnstorableError, check_text
from publisher.validation.view import Fit, Slot, SourceView
from publisher.validation.writing import CellReader

UNIQUE = "unique-error"
PRIMARY = "primary-key"
FOREIGN = "foreign-key"
FOLD = "fold"

_SAME = "the same as in the row at position {}"
_TWICE = (
    "the local time exists twice, for the clocks were put back, "
    "and the order of the rows does not tell which is meant"
)
# Of an error's descriptor, but for what all of one type say alike (title, description, tags)
# and the row's cells, which stand beside its errors. `fieldName` is Frictionless' word for the
# column's label: the schema's field is told beside it, as `field`.
_PARTS = {
    "type": "type",
    "note": "note",
    "message": "message",
    "rowNumber": "row_number",
    "cell": "cell",
    "fieldName": "field_name",
    "fieldNumber": "field_number",
    "fieldNames": "field_names",
    "fieldCells": "field_cells",
    "referenceName": "reference_name",
    "referenceFieldNames": "reference_field_names",
}
_BRIEF = {"type": "type", "fieldName": "field_name"}
_TOLD_IN_FULL = 20  # a row of 120 columns with decimal commas has 50 kB of errors


class UnstorableCellError(errors.CellError):
    type = "unstorable"
    title = "Unstorable Cell"
    description = "The value is valid but cannot be stored or served."
    template = (
        'The cell "{cell}" in row at position "{rowNumber}" and field "{fieldName}" '
        'at position "{fieldNumber}" cannot be stored: {note}'
    )


class BrokenRowError(errors.RowError):
    type = "source-error"
    title = "Source Error"
    description = "No cells can be made of what the source wrote."
    template = 'Row at position "{rowNumber}" cannot be read: {note}'


@dataclass(frozen=True, slots=True)
class Clash:
    """What only the whole delivery, or the store, can find against a row."""

    rule: str
    field: str
    """The schema field; of a foreign key its position in the schema; of the key nothing."""
    other: int | None = None
    """Number of the row it clashes with."""
    note: str | None = None
    """What a further check says, whose name is the rule."""


class Found(NamedTuple):
    """An error, and the schema field it is about; none where no field reads the cell."""

    error: errors.RowError
    field: str | None = None

    def descriptor(self, parts: Mapping[str, str]) -> dict[str, Any]:
        error = self.error
        told = {key: getattr(error, part) for key, part in parts.items() if hasattr(error, part)}
        return {**told, "field": self.field} if "fieldName" in told else told


def error_of(rule: str, field: str) -> tuple[str, str | None]:
    """Give the type of the error that a clash becomes, and the schema field it names."""
    if rule == FOLD:
        return errors.TypeError.type, field
    return rule, None if rule in {PRIMARY, FOREIGN} else field or None


@dataclass(frozen=True, slots=True)
class Verdict:
    found: tuple[Found, ...]
    values: Mapping[str, Any]
    """By schema field, encoded for the spool; only what is there and can be stored."""
    unstorable: frozenset[str]
    """Schema fields whose value cannot be stored."""
    read: Mapping[str, Any] | None = None
    """By schema field, as it was read, with constants; None where nothing could be."""

    def descriptors(self) -> list[dict[str, Any]]:
        """Give the errors as Frictionless does, without what they all say alike.

        Of a row with very many, those after the first few are told by rule and field alone.
        """
        told = [found.descriptor(_PARTS) for found in self.found[:_TOLD_IN_FULL]]
        brief = [found.descriptor(_BRIEF) for found in self.found[_TOLD_IN_FULL:]]
        if brief:
            note = f"this and the {len(brief) - 1} after it are told by rule and field alone"
            brief[0] |= {"note": note}
        return told + brief

    def rules(self) -> list[str]:
        """Name the rules that the row broke, each once."""
        return list(dict.fromkeys(found.error.type for found in self.found))


class RowVerdict:
    """Judges single rows under one header."""

    def __init__(self, view: SourceView, fit: Fit) -> None:
        self._view = view
        self._fit = fit
        self._handlers = {
            name: handler._replace(reader=_guarded(handler.reader))
            for name, handler in fit.handlers.items()
        }
        self._names = list(fit.handlers)
        self._slots = {slot.field.name: slot for slot in fit.slots}

    def __call__(self, number: int, cells: Sequence[Any], clashes: Sequence[Clash] = ()) -> Verdict:
        if isinstance(cells, Cells) and cells.broken is not None:
            raw = [str(cell) for cell in cells.raw]
            broken = BrokenRowError(note=cells.broken, cells=raw, row_number=number)
            return Verdict((Found(broken),), {}, frozenset())
        row = Row(list(cells), handlers=self._handlers, row_number=number)
        for name in self._fit.first:
            row[name]
        field_of = self._fit.fields
        found = [Found(it, field_of.get(getattr(it, "field_name", ""))) for it in row.errors]
        blank = any(error.type == "blank-row" for error in row.errors)
        values: dict[str, Any] = {}
        for slot in self._fit.slots:
            if slot.main:
                values[slot.field.name] = row[self._names[slot.index]]
            else:
                values[slot.field.name], more = self._read_again(slot, row)
                found += [] if blank else more
        read = {**self._view.constant_values, **values}
        found += self._clashing(row, read, clashes)
        encoded: dict[str, Any] = {}
        unstorable = set()
        for name, value in values.items():
            try:
                encoded |= self._encoded(name, value)
            except UnstorableError as error:
                unstorable.add(name)
                found.append(self._of_cell(UnstorableCellError, row, name, str(error)))
        return Verdict(tuple(found), encoded, frozenset(unstorable), read)

    def _read_again(self, slot: Slot, row: Row) -> tuple[Any, list[Found]]:
        """Read a cell that Frictionless' row has read for another field."""
        cell = row.cells[slot.index] if slot.index < len(row.cells) else None
        value, notes = _guarded(slot.field.read)(cell)
        found = [
            self._of_cell(
                errors.TypeError if rule == "type" else errors.ConstraintError,
                row,
                slot.field.name,
                note,
            )
            for rule, note in (notes or {}).items()
        ]
        return value, found

    def _encoded(self, name: str, value: Any) -> dict[str, Any]:
        if value is None:
            return {}
        check_text(value)
        encode = self._slots[name].field.encode
        return {name: encode(value) if encode else value}

    def _clashing(
        self, row: Row, values: Mapping[str, Any], clashes: Sequence[Clash]
    ) -> Iterator[Found]:
        """Give the errors of keys, in Frictionless' order and words."""
        for clash in clashes:
            if clash.rule == FOLD:
                yield self._of_cell(errors.TypeError, row, clash.field, _TWICE)
        for clash in clashes:
            if clash.rule == UNIQUE:
                note = _SAME.format(clash.other)
                value = values[clash.field]
                yield self._of_cell(errors.UniqueError, row, clash.field, note, cell=value)
        key = self._view.schema.primary_key
        if key and all(values.get(name) is None for name in key):
            note = 'cells composing the primary keys are all "None"'
            yield Found(errors.PrimaryKeyError.from_row(row, note=note))
        for clash in clashes:
            if clash.rule == PRIMARY:
                note = _SAME.format(clash.other)
                yield Found(errors.PrimaryKeyError.from_row(row, note=note))
        foreign = (int(clash.field) for clash in clashes if clash.rule == FOREIGN)
        yield from (Found(self._foreign(row, values, position)) for position in foreign)
        yield from (self._checked(row, clash) for clash in clashes if clash.rule in KINDS)

    def _checked(self, row: Row, clash: Clash) -> Found:
        kind, note = KINDS[clash.rule], clash.note or ""
        if issubclass(kind, errors.CellError):
            return self._of_cell(kind, row, clash.field, note)
        return Found(kind.from_row(row, note=note))

    def _foreign(self, row: Row, values: Mapping[str, Any], position: int) -> errors.RowError:
        key = self._view.schema.foreign_keys[position]
        found = [values.get(name) for name in key.fields]
        note = 'for "{}": values "{}" not found in the lookup table "{}" as "{}"'.format(
            ", ".join(key.fields),
            ", ".join(map(str, found)),
            key.reference.resource,
            ", ".join(key.reference.fields),
        )
        error: errors.RowError = errors.ForeignKeyError.from_row(
            row,
            note=note,
            field_names=list(key.fields),
            field_values=found,
            reference_name=key.reference.resource,
            reference_field_names=list(key.reference.fields),
        )
        return error

    def _of_cell(
        self,
        kind: type[errors.CellError],
        row: Row,
        name: str,
        note: str,
        cell: Any = None,
    ) -> Found:
        """Make an error of schema field *name*; *cell* is the raw one where not given."""
        slot = self._slots.get(name)
        if cell is None and slot and slot.index < len(row.cells):
            cell = row.cells[slot.index]
        error = kind(
            note=note,
            cells=["" if cell is None else str(cell) for cell in row.cells],
            row_number=row.row_number,
            cell=str(cell),
            field_name=slot.label if slot else name,
            field_number=slot.index + 1 if slot else 0,
        )
        return Found(error, name)


def _guarded(reader: CellReader) -> CellReader:
    """Make a reader's crash a fault of the cell it crashed on, so that it ends no run."""

    def read(cell: Any) -> tuple[Any, dict[str, str] | None]:
        try:
            return reader(cell)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a crash of Frictionless can be anything
            return None, {"type": f"Frictionless cannot judge it ({type(error).__name__}: {error})"}

    return read
