"""The source view: a schema as a source writes it, and its fit to a delivery's header."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from frictionless import Field as FrictionlessField
from frictionless import Schema as FrictionlessSchema
from frictionless.table.row import create_cell_handlers

from publisher.errors import ConfigurationError, DeliveryError
from publisher.model.catalog import TableEntry
from publisher.model.dataset import FieldView
from publisher.model.profile import Writing
from publisher.model.run import Problem
from publisher.model.schema import Field, Schema
from publisher.model.values import parse_zone
from publisher.validation.cells import (
    Convert,
    cell_reader,
    converter,
    described,
    published_field,
    source_field,
    writing_of,
)
from publisher.validation.localtime import Folds, placer
from publisher.validation.proof.form import Cell
from publisher.validation.reading.table import Seen
from publisher.validation.storing import Encode, UnstorableError, check_text, encoder
from publisher.validation.units import conversion
from publisher.validation.writing import CellReader

_CONVERTIBLE = {"number", "integer"}


@dataclass(frozen=True, slots=True)
class ViewField:
    """One schema field as the source writes it."""

    name: str
    column: str
    """The source's label, or its path in JSON."""
    mapped: bool
    """The view names it; otherwise its own name is its column, if the delivery has that."""
    needed: bool
    """Required, or part of the primary key."""
    source: FrictionlessField
    read: CellReader
    encode: Encode | None
    cell: Cell | None
    """How it is read, as far as a form may prove it; None where none could."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A view field and the position of its cell in the delivery's rows."""

    field: ViewField
    index: int
    label: str
    main: bool
    """Frictionless' row reads the cell for this field; other fields read it again."""


@dataclass(frozen=True)
class Fit:
    """The view synced to one header."""

    labels: tuple[str, ...]
    slots: tuple[Slot, ...]
    handlers: Mapping[str, Any]
    """Of Frictionless' rows: a field for every label, `any` for those not mapped."""
    first: tuple[str, ...]
    """Labels of key fields, in the order in which Frictionless reads them before all others."""
    fields: Mapping[str, str]
    """Label to the schema field it is read for."""
    notes: tuple[Problem, ...]


class SourceView:
    """A table's schema with the overrides of its `harvest.fields`, compiled once.

    Raises ConfigurationError where a field, bound, unit or constant cannot be used.
    """

    def __init__(self, entry: TableEntry) -> None:
        harvest = entry.harvest
        self.schema: Schema = entry.schema
        self.folds = Folds()
        views = harvest.fields if harvest else {}
        self._profile = harvest.text_profile if harvest else None
        self.zone_name = (harvest.read_timezone if harvest else None) or "UTC"
        self.zone = parse_zone(self.zone_name)
        self._ignore_case = harvest is not None and harvest.dialect.get("headerCase") is False
        for name in views:
            if name not in self.schema.by_name:
                raise ConfigurationError("unknown-view-field", field=name, schema=self.schema.name)
        keys = set(self.schema.primary_key)
        self.fields: list[ViewField] = []
        self.published: list[FrictionlessField] = []
        """As Frictionless reads what is published."""
        self.constants: dict[str, Any] = {}
        """Schema field to its value, encoded for the store."""
        self.constant_values: dict[str, Any] = {}
        for field in self.schema.fields:
            view = views.get(field.name) or FieldView()
            compiled = self._compile(field, view, mapped=field.name in views, keys=keys)
            if "constant" in view.model_fields_set:
                self._take_constant(compiled, view.constant)
            else:
                self.fields.append(compiled)
        self.key_fields = frozenset(self._key_order())
        """Every field of a primary, unique or foreign key."""
        self.open_key = (
            ()
            if any(self.constants.get(name) is not None for name in keys)
            else self.schema.primary_key
        )
        """The primary key, unless a constant makes sure that some of it is there."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read, each once."""
        return tuple(dict.fromkeys(field.column for field in self.fields))

    def _compile(self, field: Field, view: FieldView, *, mapped: bool, keys: set[str]) -> ViewField:
        published = published_field(field, self.schema.missing_values)
        self.published.append(published)
        writing = writing_of(field, view, self._profile)
        source = source_field(published, view, writing)
        return ViewField(
            name=field.name,
            column=view.column if view.column is not None else field.name,
            mapped=mapped,
            needed=field.required or field.name in keys,
            source=source,
            read=cell_reader(published, source, self._convert(field, view), writing),
            encode=encoder(field),
            cell=self._describe(field, view, published, source, writing),
        )

    def _describe(
        self,
        field: Field,
        view: FieldView,
        published: FrictionlessField,
        source: FrictionlessField,
        writing: Writing,
    ) -> Cell | None:
        shift: int | None = 0
        if view.unit is not None and field.unit is not None and view.unit != field.unit:
            shift = conversion(view.unit, field.unit).power_of_ten
        if shift is None or field.decimal is not None:
            return None
        return described(published, source, writing, shift=shift, placed=field.type == "datetime")

    def _convert(self, field: Field, view: FieldView) -> Convert | None:
        if field.type == "datetime":
            return placer(field.name, self.zone, self.zone_name, self.folds)
        if view.unit is None or view.unit == field.unit:
            return None
        if field.unit is None:
            raise ConfigurationError("unit-without-unit", field=field.name, unit=view.unit)
        if field.type not in _CONVERTIBLE:
            raise ConfigurationError("unit-of-no-number", field=field.name, type=field.type)
        return converter(conversion(view.unit, field.unit), whole=field.type == "integer")

    def _take_constant(self, field: ViewField, constant: Any) -> None:
        self.folds.found.clear()
        value, notes = field.read(constant)
        reason = "; ".join(notes.values()) if notes else None
        if self.folds.found:
            reason = "the local time exists twice"
        try:
            check_text(value)
            encoded = field.encode(value) if field.encode and value is not None else value
        except UnstorableError as error:
            reason = str(error)
        if reason:
            raise ConfigurationError(
                "wrong-constant", field=field.name, constant=constant, reason=reason
            )
        self.constants[field.name] = encoded
        self.constant_values[field.name] = value

    def fit(self, labels: Sequence[str]) -> Fit:
        """Sync the view to a delivery's header.

        Raises DeliveryError ``missing-column`` or ``doubled-column``. Columns that are not
        mapped, and optional fields without a column, are told in the notes.
        """
        places: dict[str, int] = {}
        slots = []
        absent = []
        for field in self.fields:
            index = places.get(field.column)
            if index is None:
                index = self._find(field.column, labels)
                if index is None and (field.mapped or field.needed):
                    raise missing_column(field.name, field.column, labels)
                if index is None:
                    absent.append(field.name)
                    continue
            slots.append(Slot(field, index, labels[index], main=index not in places.values()))
            places[field.column] = index
        return self._fitted(tuple(labels), tuple(slots), absent)

    def review(self, seen: Seen) -> tuple[Problem, ...]:
        """Look at what a delivery of JSON elements turned out to hold.

        Raises DeliveryError ``missing-column`` where none of them has what a field needs.
        Elements that all lack everything are bad rows, and no matter of columns.
        """
        if not seen.columns:
            return ()
        notes = []
        for field in self.fields:
            if field.column not in seen.columns:
                if field.needed:
                    raise missing_column(field.name, field.column, list(seen.keys))
                notes.append(Problem("absent-field", {"field": field.name}))
        unused = [
            key
            for key in seen.keys
            if not any(re.match(re.escape(key) + r"($|[.\[])", column) for column in self.columns)
        ]
        return (*notes, Problem("unused-columns", {"columns": unused})) if unused else (*notes,)

    def _find(self, column: str, labels: Sequence[str]) -> int | None:
        """Find *column*, exactly or else but for Unicode form, outer blanks and byte order mark."""
        for plain in (str, self._plain):
            found = [index for index, label in enumerate(labels) if plain(label) == plain(column)]
            if len(found) > 1:
                positions = ", ".join(str(index + 1) for index in found)
                raise DeliveryError("doubled-column", column=column, positions=positions)
            if found:
                return found[0]
        return None

    def _plain(self, label: str) -> str:
        plain = unicodedata.normalize("NFC", label).strip("\ufeff \t\r\n\xa0")
        return plain.casefold() if self._ignore_case else plain

    def _fitted(
        self, labels: tuple[str, ...], slots: tuple[Slot, ...], absent: Iterable[str]
    ) -> Fit:
        mains = {slot.index: slot for slot in slots if slot.main}
        names = _unique(labels, mains)
        fields = []
        for index, name in enumerate(names):
            if index in mains:
                field = mains[index].field.source.to_copy()
                field.name = name
            else:
                field = FrictionlessField.from_descriptor({"name": name, "type": "any"})
            fields.append(field)
        # Fields belong to a schema here as they do in Frictionless' own resource
        handlers = create_cell_handlers(FrictionlessSchema(fields=fields).fields)
        for index, slot in mains.items():
            name = names[index]
            handlers[name] = handlers[name]._replace(reader=slot.field.read)
        label_of = {slot.field.name: names[slot.index] for slot in slots if slot.main}
        unused = [label for index, label in enumerate(labels) if index not in mains and label]
        notes = [Problem("unused-columns", {"columns": unused})] if unused else []
        notes += [Problem("absent-field", {"field": name}) for name in absent]
        damaged = [label for label in labels if "\ufffd" in label]
        notes += [Problem("damaged-labels", {"labels": damaged})] if damaged else []
        return Fit(
            labels=labels,
            slots=slots,
            handlers=handlers,
            first=tuple(label_of[name] for name in self._key_order() if name in label_of),
            fields={names[slot.index]: slot.field.name for slot in slots if slot.main},
            notes=tuple(notes),
        )

    def _key_order(self) -> list[str]:
        schema = self.schema
        unique = [field.name for field in schema.fields if field.constraints.unique]
        foreign = [name for key in schema.foreign_keys for name in key.fields]
        return list(dict.fromkeys([*unique, *schema.primary_key, *foreign]))


def missing_column(field: str, column: str, labels: Sequence[str]) -> DeliveryError:
    """Say which column is not there, what is, and what may be meant."""
    nearest = get_close_matches(column, [label for label in labels if label], 1, 0.6)
    return DeliveryError(
        "missing-column",
        column=column,
        field=field,
        header=[label[:100] for label in labels[:50]],
        nearest=nearest[0] if nearest else "",
    )


def _unique(labels: Sequence[str], mains: Mapping[int, Slot]) -> list[str]:
    """Name every column: mapped ones keep their label, others give way."""
    taken = {labels[index] for index in mains}
    names = []
    for index, label in enumerate(labels):
        name = label
        if index not in mains:
            while not name or name in taken:
                name = f"{name or 'column'} ({index + 1})"
            taken.add(name)
        names.append(name)
    return names
