"""What Frictionless says of one row, in its words and its order, from its own cell readers.

Frictionless' ``Row`` costs a hundred microseconds where it finds something. Here the readers
are asked once for each distinct text, and the errors are written as their descriptors at
once: the order of reading, which decides the order of errors, is that of ``Row.__process``
and of ``TableResource``'s row stream.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from frictionless import Error, errors
from frictionless import Field as FrictionlessField
from frictionless.table.row import create_cell_handlers

Descriptor = dict[str, Any]
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
        self._width = len(self._names)

    def read(self, index: int, cells: Sequence[str]) -> tuple[Any, dict[str, str] | None]:
        """Give the value and notes of the cell at *index*; it may not be there."""
        return self.readers[index](cells[index] if index < len(cells) else None)

    def __call__(self, number: int, cells: list[str], matches: Matches = NONE) -> list[Descriptor]:
        found: list[Descriptor] = []
        read: set[int] = set()
        blank = 0
        processed = False

        def take(index: int) -> Any:
            nonlocal blank
            value, notes = self.read(index, cells)
            if index not in read:
                read.add(index)
                if notes:
                    found.extend(self._cell_errors(index, number, cells, notes))
                blank += value is None and not (notes and "type" in notes)
            return value

        def process() -> None:
            nonlocal processed
            if processed:
                return
            processed = True
            for index in range(self._width):
                if index not in read:
                    take(index)
            found.extend(self._shape_errors(number, cells))
            if blank == self._width:
                found[:] = [_BLANK("", cells, number)]

        for index in self._unique:
            value = take(index)
            if (other := matches.unique.get(index)) is not None:
                process()
                place = {
                    "cell": str(value),
                    "fieldName": self._names[index],
                    "fieldNumber": index + 1,
                }
                found.append(_UNIQUE(_SAME.format(other), cells, number, **place))
        if self._primary:
            values = [take(index) for index in self._primary]
            if all(value is None for value in values):
                process()
                found.append(_PRIMARY(_KEYLESS, cells, number))
            elif matches.primary is not None:
                process()
                found.append(_PRIMARY(_SAME.format(matches.primary), cells, number))
        process()
        return found

    def _cell_errors(
        self, index: int, number: int, cells: list[str], notes: Mapping[str, str]
    ) -> list[Descriptor]:
        cell = cells[index] if index < len(cells) else None
        place = {"cell": str(cell), "fieldName": self._names[index], "fieldNumber": index + 1}
        return [
            (_TYPE if rule == "type" else _CONSTRAINT)(note, cells, number, **place)
            for rule, note in notes.items()
        ]

    def _shape_errors(self, number: int, cells: list[str]) -> list[Descriptor]:
        width = len(cells)
        extra = [
            _EXTRA("", cells, number, cell=cells[index], fieldName="", fieldNumber=index + 1)
            for index in range(self._width, width)
        ]
        return extra or [
            _MISSING(
                "", cells, number, cell="", fieldName=self._names[index], fieldNumber=index + 1
            )
            for index in range(width, self._width)
        ]


def _remembering(
    reader: Callable[[Any], tuple[Any, dict[str, str] | None]],
) -> Callable[[Any], tuple[Any, dict[str, str] | None]]:
    return lru_cache(maxsize=_TEXTS_KEPT)(reader)
