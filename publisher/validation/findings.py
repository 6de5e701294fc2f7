"""What a file's errors come to: counts by rule and column, and the first examples of each."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from publisher.messages.text import cut

OUTSIDE = " is outside "
"""In the note of a value, before the range that it should be in."""
_EXAMPLES = 5
_LONGEST_CELL = 200
_LONGEST_TEXT = 1_000

# Rules whose note tells what exactly was broken in its first letters: which constraint, and
# whether a key is empty or comes twice. The rest of a note may differ from row to row.
_SPLIT = {"constraint-error", "primary-key"}
_TELLING = 23  # letters, by which `exclusiveMinimum` and `exclusiveMaximum` still differ


@dataclass(frozen=True, slots=True)
class Example:
    row: int | None
    """Frictionless' row number; None of the header or the whole file."""
    cell: str | None
    """The cell, or the label of a header's error; cut where it is very long."""
    note: str
    message: str
    """Frictionless' own."""
    cells: int | None
    """How many the row has."""


@dataclass(slots=True)
class Finding:
    """All errors of one rule in one column."""

    rule: str
    """Frictionless' type of the error."""
    title: str
    constraint: str | None
    """Which one, of a constraint-error; ``empty`` of a primary-key without any value."""
    field: str | None
    """The schema's field; None of an error that belongs to no one field."""
    number: int | None
    """The column's position."""
    errors: int = 0
    rows: int = 0
    """Rows that have such an error."""
    examples: list[Example] = dataclasses.field(default_factory=list)
    last: int | None = None
    """The last row that was counted."""


class Findings:
    """Collects errors in the order of their rows, in memory that the schema bounds.

    What no field bounds (labels and cells beyond the schema's) is one finding for all columns.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | None, int | None, str], Finding] = {}

    def take(self, errors: Iterable[Mapping[str, Any]]) -> None:
        """Take Frictionless' descriptors of the errors of a row, the header or the file."""
        found = self._found  # a loop of millions: what it does is counted in nanoseconds
        for error in errors:
            rule = error["type"]
            name = error.get("fieldName")
            part = error["note"][:_TELLING] if rule in _SPLIT else ""
            key = (rule, name, error["fieldNumber"] if name else None, part)
            it = found.get(key)
            if it is None:
                it = found[key] = _begun(error)
            it.errors += 1
            row = error.get("rowNumber")
            if row != it.last:
                it.last = row
                it.rows += 1
            if it.errors <= _EXAMPLES:
                it.examples.append(_example(error))

    @property
    def by_rule(self) -> dict[str, int]:
        """Errors by rule, most frequent first."""
        counts: Counter[str] = Counter()
        for finding in self._found.values():
            counts[finding.rule] += finding.errors
        return dict(counts.most_common())

    def all(self) -> tuple[Finding, ...]:
        """Give them in the order in which they were met."""
        return tuple(self._found.values())


def _begun(error: Mapping[str, Any]) -> Finding:
    rule, name = error["type"], error.get("fieldName") or None
    constraint = None
    if rule == "constraint-error":
        constraint = error["note"].partition('"')[2].partition('"')[0]
    elif rule == "primary-key" and error["note"].startswith("cells composing"):
        constraint = "empty"
    number = error["fieldNumber"] if name else None
    return Finding(rule, str(error.get("title", rule)), constraint, name, number)


def _example(error: Mapping[str, Any]) -> Example:
    rule, row, cells = error["type"], error.get("rowNumber"), error.get("cells")
    cell = error.get("cell", error.get("label"))
    return Example(
        row=row,
        # A cell that is not there, and a label that is not, have no text to be shown
        cell=None if cell is None or rule.startswith("missing-") else cut(cell, _LONGEST_CELL),
        note=cut(str(error.get("note", "")), _LONGEST_TEXT),
        message=cut(str(error.get("message", "")), _LONGEST_TEXT),
        cells=None if cells is None else len(cells),
    )
