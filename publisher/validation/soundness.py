"""Proof that a table could be judged, part by part, so that one fault hides no other."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from publisher.errors import ConfigurationError
from publisher.model.catalog import TableEntry
from publisher.model.checks import Check
from publisher.model.dataset import FieldView, Harvest
from publisher.model.schema import Constraints, Field
from publisher.validation.cells import published_field
from publisher.validation.checks.run import Checks, table_of
from publisher.validation.checks.theirs import RowChecks
from publisher.validation.judge import Validator
from publisher.validation.reading import Reading
from publisher.validation.units import conversion, known
from publisher.validation.view import SourceView

Part = tuple[str | int, ...]
"""Where a part stands under ``harvest``."""
Fault = tuple[Part, ConfigurationError]


def faults(entry: TableEntry, certain: Callable[[Part], bool]) -> Iterator[Fault]:
    """Give what keeps deliveries of the table from being judged, and the part that is to blame.

    *certain* tells of a part whether it is known and right as far as is known: what is not is
    left alone. A schema's own unit that UCUM does not have is no fault of the table.
    """
    harvest = entry.harvest
    if harvest is None:
        return
    try:
        Validator(entry)
    except ConfigurationError as error:
        found = [*_faults(entry, harvest, certain)]
        if not found and error.code != "unknown-unit" and certain(()):
            found = [((), error)]
        yield from found


def _faults(
    entry: TableEntry, harvest: Harvest, certain: Callable[[Part], bool]
) -> Iterator[Fault]:
    for index, check in enumerate(harvest.checks):
        if certain(("checks", index)):
            yield from _tried(("checks", index), partial(_try_check, entry, check))
    for key, dialect, encoding in (
        ("dialect", harvest.dialect, None),
        ("encoding", {}, harvest.encoding),
    ):
        if certain((key,)):
            yield from _tried((key,), Reading(dialect, encoding, columns=()).check)
    for field in entry.schema.fields:
        yield from _field_faults(entry, harvest, field, certain)


def _try_check(entry: TableEntry, check: Check) -> None:
    """Compile one check. Raises ConfigurationError."""
    Checks.of(entry.schema, [check], table_of(entry))
    fields = [published_field(each, entry.schema.missing_values) for each in entry.schema.fields]
    RowChecks(fields, [check])


def _field_faults(
    entry: TableEntry, harvest: Harvest, field: Field, certain: Callable[[Part], bool]
) -> Iterator[Fault]:
    stated = harvest.fields.get(field.name)
    view = stated or FieldView()
    place: Part = ("fields", field.name) if stated else ()
    wrong_units = []
    if certain(("fields", field.name, "unit")):
        wrong_units = [*_unit_faults(field, view, place)]
    yield from wrong_units
    if not certain(("fields", field.name)):
        return
    if wrong_units or (view.unit is not None and not _convertible(view.unit, field.unit)):
        # Its bounds are in a unit that nothing can be brought to
        view = view.model_copy(update={"unit": None})
        field = field.model_copy(update={"constraints": Constraints()})

    def compile_() -> None:
        schema = entry.schema.model_copy(
            update={"fields": (field,), "primary_key": (), "foreign_keys": ()}
        )
        views = {field.name: view} if stated else {}
        resource = entry.resource.model_copy(
            update={"harvest": harvest.model_copy(update={"fields": views})}
        )
        SourceView(replace(entry, resource=resource, schema=schema))

    yield from _tried(place, compile_)


def _unit_faults(field: Field, view: FieldView, place: Part) -> Iterator[Fault]:
    if view.unit is None or view.unit == field.unit:
        return
    if not known(view.unit):
        yield place, ConfigurationError("unknown-unit", unit=view.unit)
    elif field.unit is not None and known(field.unit):
        yield from _tried(place, lambda: conversion(str(view.unit), str(field.unit)))


def _convertible(source: str, target: str | None) -> bool:
    try:
        return target is not None and bool(conversion(source, target))
    except ConfigurationError:
        return False


def _tried(place: Part, action: Callable[[], object]) -> Iterator[Fault]:
    try:
        action()
    except ConfigurationError as error:
        yield place, error
