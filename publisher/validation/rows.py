"""The row loop: raw rows to spooled values and refusals, one row at a time.

Frictionless' cell readers judge every cell. A row that all of them find clean is spooled at
once; any other is judged again as Frictionless' own Row, whose word is final. Whatever
replaces this loop by a faster pass has to write the same two spools.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from publisher.model.run import ROWS_NAMED
from publisher.validation.checks.theirs import RowChecks
from publisher.validation.proof.dialects import Delimited
from publisher.validation.reading.table import Cells
from publisher.validation.spool import Spool
from publisher.validation.verdict import Clash, RowVerdict, Verdict
from publisher.validation.view import Fit, SourceView

ROW = "_row_number"
BAD = "_bad"
FOLD_OF = "_fold_"
"""Before a field's name: its fold, where the time exists twice."""

_NUL = b"\\u0000"
_REPLACEMENT = "\ufffd".encode()
_LINE = orjson.OPT_APPEND_NEWLINE
_TELL_EVERY = 1000
_ALWAYS_TOLD = 1000  # bad rows


@dataclass
class Tally:
    """What the loop counts."""

    read: int = 0
    damaged: int = 0
    """Good rows with U+FFFD in a cell that was read."""
    folded: set[str] = field(default_factory=set)
    """Fields with times that exist twice."""
    max_bad: float | None = None
    """The share of bad rows that a delivery is held beyond."""
    bad: int = 0
    """Rows that are bad by themselves."""
    untold: "array[int]" = field(default_factory=lambda: array("q"))
    """Positions of those whose details were not spooled, for the delivery was past *max_bad*."""
    unspooled: dict[tuple[str, str | None], list[int]] = field(default_factory=dict)
    """Of the errors of those, by rule and field: how many, and the first row numbers."""
    known: int = 0
    """Rows that are known to be there, whether the loop has come to them or not."""

    @property
    def past_max_bad(self) -> bool:
        return self.max_bad is not None and self.bad / max(self.read, self.known) > self.max_bad

    def leave_untold(self, position: int, number: int, verdict: Verdict) -> None:
        self.untold.append(position)
        for found in verdict.found:
            counted = self.unspooled.setdefault((found.error.type, found.field), [0])
            counted[0] += 1
            if len(counted) <= ROWS_NAMED:
                counted.append(number)


@dataclass(frozen=True, slots=True)
class Spools:
    staged: Spool
    """The values of every row whose keys count, bad ones marked."""
    refused: Spool
    """The rows that are bad by themselves, as `judged_bad` has them."""
    clashing: Spool
    """The rows that clash with others, likewise."""
    remarks: Spool
    """What Frictionless' checks say of rows: ``position``, ``rank``, ``field`` and ``note``."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows to judge, under one header."""

    fit: Fit
    rows: Iterable[tuple[int, Sequence[Any]]]
    file: Delimited | None = None
    """They are all the rows of this file."""


class RowLoop:
    """Judges the rows under one header."""

    def __init__(
        self,
        view: SourceView,
        fit: Fit,
        spools: Spools,
        tally: Tally,
        *,
        progress: Callable[[int], None] | None = None,
        checks: RowChecks | None = None,
    ) -> None:
        self._checks = checks
        self._view = view
        self._fit = fit
        self._spools = spools
        self._tally = tally
        self._progress = progress
        self._verdict = RowVerdict(view, fit)

    def judge(self, rows: Iterable[tuple[int, Sequence[Any]]]) -> None:
        """Spool the values of all *rows*, and of the bad ones what is wrong with them."""
        clean_line, tally, write = self._proof(), self._tally, self._spools.staged.write
        for position, cells in rows:
            tally.read += 1
            if self._progress and not tally.read % _TELL_EVERY:
                self._progress(tally.read)
            line = None if self._checks else clean_line(position, cells)
            if line is None:
                self._judge_slowly(position, cells)
            else:
                write(line)
                if _REPLACEMENT in line:
                    tally.damaged += 1

    def _proof(self) -> Callable[[int, Sequence[Any]], bytes | None]:
        """Make the function that gives the line of a row that is clean, None for any doubt."""
        folds, width, keys = self._view.folds.found, len(self._fit.labels), self._view.open_key
        plan = [(slot.field, slot.index) for slot in self._fit.slots]
        readers = [(field.name, index, field.read, field.encode) for field, index in plan]

        def clean_line(position: int, cells: Sequence[Any]) -> bytes | None:
            if len(cells) != width:
                return None
            values: dict[str, Any] = {ROW: position}
            try:
                for name, index, read, encode in readers:
                    value, notes = read(cells[index])
                    if notes:
                        return None
                    if value is not None:
                        values[name] = encode(value) if encode else value
                line = orjson.dumps(values, option=_LINE)
            except MemoryError:
                raise
            except Exception:  # noqa: BLE001 - whatever it is, Frictionless' Row will tell
                return None
            keyed = not keys or any(key in values for key in keys)
            return line if keyed and len(values) > 1 and not folds and _NUL not in line else None

        return clean_line

    def refuse(self, position: int, cells: Sequence[Any], clashes: Sequence[Clash]) -> None:
        """Spool a row as bad for *clashes* and for whatever else is wrong with it."""
        verdict = self._verdict(_number(position, cells), cells, clashes)
        self._view.folds.found.clear()
        self._write(self._spools.clashing, position, cells, verdict)

    def tell(self, position: int, cells: Sequence[Any]) -> None:
        """Spool the details of a row that is bad by itself, and was left untold."""
        verdict = self._verdict(_number(position, cells), cells)
        self._view.folds.found.clear()
        self._write(self._spools.refused, position, cells, verdict)

    def _judge_slowly(self, position: int, cells: Sequence[Any]) -> None:
        self._view.folds.found.clear()
        verdict = self._verdict(_number(position, cells), cells)
        folds = {FOLD_OF + name: fold for name, fold in self._view.folds.found.items()}
        self._tally.folded.update(self._view.folds.found)
        self._view.folds.found.clear()
        if self._checks and verdict.read is not None:
            for remark in self._checks.look(position, verdict.read):
                self._spools.remarks.add(remark._asdict())
        marks = {BAD: True} if verdict.found else {}
        if not verdict.unstorable & self._view.key_fields:
            line = orjson.dumps({ROW: position, **verdict.values, **folds, **marks}, option=_LINE)
            self._spools.staged.write(line)
            if not marks and _REPLACEMENT in line:
                self._tally.damaged += 1
        if verdict.found:
            self._tally.bad += 1
            if self._tally.bad > _ALWAYS_TOLD and self._tally.past_max_bad:
                self._tally.leave_untold(position, _number(position, cells), verdict)
            else:
                self._write(self._spools.refused, position, cells, verdict)

    def _write(self, to: Spool, position: int, cells: Sequence[Any], verdict: Verdict) -> None:
        known = cells if isinstance(cells, Cells) else None
        to.add(
            {
                "position": position,
                "row_number": _number(position, cells),
                "labels": known.labels if known is not None else self._fit.labels,
                "cells": known.raw if known is not None else cells,
                "errors": verdict.descriptors(),
                "rules": verdict.rules(),
            }
        )


def _number(position: int, cells: Sequence[Any]) -> int:
    """Give the row number of a row at *position* of the rows being judged."""
    return cells.number if isinstance(cells, Cells) and cells.number is not None else position
