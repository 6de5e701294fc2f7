"""What every reader gives: labels and numbered rows of raw cells."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frictionless import Detector, Dialect, FrictionlessException
from frictionless.formats import CsvControl

from publisher.errors import ConfigurationError, DeliveryError
from publisher.model.run import Problem
from publisher.validation.proof.dialects import Delimited
from publisher.validation.reading.bytes import python_encoding
from publisher.validation.reason import reason


class Cells(list[Any]):
    """A row's cells where more is known of it than the cells under the labels.

    ``labels`` and ``raw`` are what the source wrote (an element of JSON has no labels and is
    one raw cell), ``broken`` why no cells could be made of it, ``number`` its row number
    where that is not its position.
    """

    __slots__ = ("broken", "labels", "number", "raw")

    def __init__(
        self,
        cells: Sequence[Any] = (),
        *,
        raw: Sequence[Any],
        labels: tuple[str, ...] = (),
        number: int | None = None,
        broken: str | None = None,
    ) -> None:
        super().__init__(cells)
        self.labels = labels
        self.raw = raw
        self.number = number
        self.broken = broken


Rows = Iterator[tuple[int, Sequence[Any]]]
"""Row numbers as Frictionless counts them, and cells; Cells where there is more to know."""


@dataclass
class Seen:
    """What the elements of a delivery held, so far."""

    columns: set[str] = field(default_factory=set)
    """Columns that some element had."""
    keys: dict[str, None] = field(default_factory=dict)
    """Top-level keys, in order of appearance; the first few hundred."""


@dataclass(frozen=True, slots=True)
class Table:
    labels: tuple[str, ...] | None
    """None: there is no header, the columns are the view's."""
    rows: Rows
    notes: tuple[Problem, ...] = ()
    seen: Seen | None = None
    """Of elements, which have no header: what they turn out to hold while they are read."""
    file: Delimited | None = None
    """The same as a file that the engine may take apart, if it is such a one."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a delivery's files are read, from its table's `harvest`."""

    dialect: Mapping[str, Any]
    encoding: str | None
    columns: tuple[str, ...]
    """What the view reads, as labels or JSON paths."""

    def check(self) -> None:
        """Raise ConfigurationError for an encoding or a dialect that is none."""
        if self.encoding:
            python_encoding(self.encoding)
        if self.dialect:
            self.frictionless_dialect()

    def frictionless_dialect(self) -> Dialect:
        """Make a fresh one: parsers write what they find out into it.

        Raises ConfigurationError ``wrong-dialect``.
        """
        try:
            dialect = Dialect.from_descriptor(dict(self.dialect))
        except FrictionlessException as error:
            raise ConfigurationError("wrong-dialect", reason=reason(error)) from error
        if not dialect.has_control("csv"):
            dialect.add_control(CsvControl())  # an empty dialect is falsy and would be replaced
        return dialect


Reader = Callable[[Path, Reading], AbstractContextManager[Table]]


def header_of(dialect: Dialect, sample: list[list[Any]]) -> tuple[str, ...] | None:
    """Read the labels as Frictionless does; None where the dialect says there are none.

    Where the dialect states no row, that includes its guess at one, by the width of the rows;
    the dialect then has it. Raises DeliveryError ``missing-header``, and ``nul-in-header`` where
    the encoding must be another one.
    """
    Detector().detect_dialect(sample, dialect=dialect)
    if not dialect.header:
        return None
    labels = tuple(dialect.read_labels(sample))
    if not any(labels):
        rows = ", ".join(map(str, dialect.header_rows))
        raise DeliveryError("missing-header", rows=rows, lines=len(sample))
    if any("\0" in label for label in labels):
        raise DeliveryError("nul-in-header")
    return labels
