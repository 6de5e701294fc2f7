"""What Frictionless says of one row, in its words and its order, from its own cell readers.

Frictionless' ``Row`` costs a hundred microseconds where it finds something. Here the readers
are asked once for each distinct text, and the errors are written as their descriptors at
once: the order of reading, which decides the order of errors, is that of ``Row.__process``
and of ``TableResource``'s row stream.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from frictionless import Error, errors
from frictionless import Field as FrictionlessField
from frictionless.table.row import create_cell_handlers

Descriptor = dict[str, Any]
Read = Callable[[Any], tuple[Any, dict[str, str] | None]]
"""Frictionless' cell reader: the value, and what is wrong with it by rule."""
_SAME = "the same as in the row at position {}"
_KEYLESS = 'cells composing the primary keys are all "None"'
_TEXTS_KEPT = 50_000
"""Of each column, distinct texts whose verdict is remembered."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Rows with equal keys that went before, by row number."""

    unique: Mapping[int, int]
    """By the column's index."""
    primary: int | None = None


NONE = Matches({})


class Writer:
    """Writes the descriptors of one type of error."""

    def __init__(self, kind: type[Error]) -> None:
        self._fixed = {
            "type": kind.type,
            "title": kind.title,
            "description": kind.description,
        }
        self._tags = list(kind.tags)
        self._message = kind.template.format_map

    def __call__(self, note: str, cells: list[str], number: int, **more: Any) -> Descriptor:
        message = self._message({"rowNumber": number, "note": note, **more})
        return {
            **self._fixed,
            "message": message,
            "tags": self._tags,
            "note": note,
            "cells": cells,
            "rowNumber": number,
            **more,
        }


_TYPE = Writer(errors.TypeError)
_CONSTRAINT = Writer(errors.ConstraintError)
_EXTRA = Writer(errors.ExtraCellError)
_MISSING = Writer(errors.MissingCellError)
_BLANK = Writer(errors.BlankRowError)
_UNIQUE = Writer(errors.UniqueError)
_PRIMARY = Writer(errors.PrimaryKeyError)


class RowJudge:
    """Judges rows of texts under the *fields* that their header asks for."""

    def __init__(
        self, fields: Sequence[FrictionlessField], unique: Sequence[int], primary: Sequence[int]
    ) -> None:
        handlers = create_cell_handlers(list(fields)).values()
        self._names = [handler.field.name for handler in handlers]
        self.readers = [_remembering(handler.reader) for handler in handlers]
        self._unique, self._primary = unique, primary
        order = dict.fromkeys([*unique, *primary, *range(len(self._names))])
        self._turn = {at: turn for turn, at in enumerate(order)}

    def cells(self, number: int, cells: list[str], doubtful: Iterable[int]) -> list[Descriptor]:
        """Judge a row of which all but the *doubtful* cells are clean, as is its key."""
        found = []
        for at in sorted(doubtful, key=self._turn.__getitem__):
            value, notes = self.readers[at](cells[at])
            if value is None and (at in self._primary or not (notes and "type" in notes)):
                return self(number, cells)  # it may be blank, or without a key
            if notes:
                place = {"cell": cells[at], "fieldName": self._names[at], "fieldNumber": at + 1}
                for rule, note in notes.items():
                    writer = _TYPE if rule == "type" else _CONSTRAINT
                    found.append(writer(note, cells, number, **place))
        return found

    def __call__(self, number: int, cells: list[str], matches: Matches = NONE) -> list[Descriptor]:
        """Give the errors of the row *number*, in the order in which Frictionless finds them."""
        row = _Row(self._names, self.readers, number, cells)
        for index in self._unique:
            value = row.take(index)
            if (other := matches.unique.get(index)) is not None:
                row.process()
                row.found.append(
                    _UNIQUE(_SAME.format(other), cells, number, **row.place(index, value))
                )
        if self._primary:
            values = [row.take(index) for index in self._primary]
            if all(value is None for value in values):
                row.process()
                row.found.append(_PRIMARY(_KEYLESS, cells, number))
            elif matches.primary is not None:
                row.process()
                row.found.append(_PRIMARY(_SAME.format(matches.primary), cells, number))
        row.process()
        return row.found


class _Row:
    """One row while it is read; see ``Row.__process``."""

    __slots__ = (
        "_blank",
        "_cells",
        "_names",
        "_number",
        "_processed",
        "_readers",
        "_taken",
        "found",
    )

    def __init__(
        self, names: Sequence[str], readers: Sequence[Read], number: int, cells: list[str]
    ) -> None:
        self._names, self._readers = names, readers
        self._number, self._cells = number, cells
        self._taken: set[int] = set()
        self._blank = 0
        self._processed = False
        self.found: list[Descriptor] = []

    def take(self, index: int) -> Any:
        """Give the value of a cell; its errors are found at the first time."""
        cell = self._cells[index] if index < len(self._cells) else None
        value, notes = self._readers[index](cell)
        if index not in self._taken:
            self._taken.add(index)
            for rule, note in (notes or {}).items():
                writer = _TYPE if rule == "type" else _CONSTRAINT
                place = self.place(index, cell)
                self.found.append(writer(note, self._cells, self._number, **place))
            self._blank += value is None and not (notes and "type" in notes)
        return value

    def place(self, index: int, cell: Any) -> Descriptor:
        return {"cell": str(cell), "fieldName": self._names[index], "fieldNumber": index + 1}

    def process(self) -> None:
        """Take all cells that were not taken yet, and look at how many there are."""
        if self._processed:
            return
        self._processed = True
        for index in range(len(self._names)):
            if index not in self._taken:
                self.take(index)
        self.found.extend(self._shape_errors())
        if self._blank == len(self._names):
            self.found[:] = [_BLANK("", self._cells, self._number)]

    def _shape_errors(self) -> list[Descriptor]:
        cells, number = self._cells, self._number
        width, wanted = len(cells), len(self._names)
        extra = [
            _EXTRA("", cells, number, cell=cells[index], fieldName="", fieldNumber=index + 1)
            for index in range(wanted, width)
        ]
        missing = [
            _MISSING("", cells, number, **self.place(index, "")) for index in range(width, wanted)
        ]
        return extra or missing


def _remembering(reader: Read) -> Read:
    return lru_cache(maxsize=_TEXTS_KEPT)(reader)
