"""Frictionless' own checks on the rows of a delivery, as Frictionless runs them on a file's.

They see every row, typed as the schema says, under the schema's names, in the order in which
the delivery has them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from frictionless import Check, Error, FrictionlessException, errors
from frictionless import Field as FrictionlessField
from frictionless import Schema as FrictionlessSchema
from frictionless.resources import TableResource
from frictionless.table.row import Row, create_cell_handlers

from publisher.errors import ConfigurationError, HeldError
from publisher.model import checks as model
from publisher.model.run import Problem
from publisher.validation.reason import reason

OF_A_DELIVERY = {
    "deviated-cell",
    "deviated-value",
    "required-value",
    "sequential-value",
    "table-dimensions",
}
"""They say something of a whole delivery, so not of rows that are judged again one by one."""
_ROW = re.compile(r'row(?: at position)? "(\d+)"')
_FIELD = re.compile(r'field "([^"]*)"')


class Remark(NamedTuple):
    """What a check found: about a row, or with no position about the delivery."""

    position: int | None
    rank: int
    field: str
    note: str


class RowChecks:
    """One run of the checks over one delivery.

    Raises ConfigurationError ``unusable-check`` where Frictionless refuses one.
    """

    def __init__(
        self,
        fields: Sequence[FrictionlessField],
        listed: Sequence[model.Check],
        *,
        again: bool = False,
    ) -> None:
        own = [field.to_copy() for field in fields]
        handlers = create_cell_handlers(FrictionlessSchema(fields=own).fields)
        self._handlers = {name: it._replace(reader=_as_it_is) for name, it in handlers.items()}
        self._resource = TableResource(data=[["-"]], schema=FrictionlessSchema(fields=own))
        self._checks: list[tuple[int, Check]] = []
        self.remarks: list[Remark] = []
        """Of the delivery's beginning."""
        self._rows = 0
        for rank, each in enumerate(listed):
            if not isinstance(each, model.Own) and not (again and each.type in OF_A_DELIVERY):
                self._begin(rank, each)

    def _begin(self, rank: int, listed: model.Check) -> None:
        descriptor = listed.model_dump(
            mode="json", by_alias=True, exclude_unset=True, exclude={"severity"}
        )
        try:
            check: Check = Check.from_descriptor(descriptor)
            check.connect(self._resource)
            found = list(check.validate_start())
        except FrictionlessException as error:
            raise ConfigurationError(
                "unusable-check", check=listed.type, reason=reason(error)
            ) from error
        for fault in found:
            if fault.type == "check-error":
                raise ConfigurationError("unusable-check", check=listed.type, reason=fault.note)
            self.remarks.append(Remark(None, rank, "", fault.note))
        self._checks.append((rank, check))

    def __bool__(self) -> bool:
        return bool(self._checks)

    def look(self, position: int, values: Mapping[str, Any]) -> list[Remark]:
        """Look at the next row; *values* are by schema field."""
        self._rows += 1
        cells = [values.get(name) for name in self._handlers]
        row = Row(cells, handlers=self._handlers, row_number=position)
        return [
            Remark(position, rank, getattr(error, "field_name", ""), error.note)
            for rank, check in self._checks
            for error in check.validate_row(row)
        ]

    def end(self) -> list[Remark]:
        """Give what can be said once all rows are known."""
        self._resource.stats.rows = self._rows
        return [
            _remark(rank, error) for rank, check in self._checks for error in check.validate_end()
        ]


def speak(remarks: Sequence[Remark], listed: Sequence[model.Check]) -> tuple[Problem, ...]:
    """Give the notes on a delivery as a whole. Raises HeldError for what it is held for."""
    notes = []
    for remark in remarks:
        check = listed[remark.rank]
        if check.severity == "error":
            raise HeldError("failed-check", check=check.type, note=remark.note)
        notes.append(Problem("delivery-warning", {"check": check.type, "note": remark.note}))
    return tuple(notes)


def _remark(rank: int, error: Error) -> Remark:
    position, field = place_of(error)
    return Remark(position, rank, field, error.note)


def place_of(error: Error) -> tuple[int | None, str]:
    """Find the row and the field that an error is about; there is no row where it is about all.

    Of some Frictionless tells them in the note only.
    """
    if error.type not in {errors.DeviatedValueError.type, errors.DeviatedCellError.type}:
        return getattr(error, "row_number", None), getattr(error, "field_name", "")
    row, field = _ROW.search(error.note), _FIELD.search(error.note)
    return (int(row[1]), field[1] if field else "") if row else (None, "")


def _as_it_is(cell: Any) -> tuple[Any, None]:
    return cell, None
