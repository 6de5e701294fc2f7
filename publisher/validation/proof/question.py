"""What is asked of a table, in the engine's SQL."""

import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from publisher.engine import literal
from publisher.validation.proof.cells import column
from publisher.validation.proof.form import Form

_NUMBERLIKE = re.compile("[0-9nN]")  # of digits, or an infinity, or not a number


@dataclass(frozen=True, slots=True)
class Column:
    """What its cells must be."""

    index: int
    form: Form | None
    missing: tuple[str, ...]
    required: bool
    double: bool = False
    """Read as a number by the engine's reader, and NULL where it is empty: of it the extremes
    can be asked, and not what is said of texts."""

    @property
    def text(self) -> str:
        return column(self.index)

    @property
    def absent(self) -> str:
        """Whether the cell's value is None by its being missing."""
        if not self.missing:
            return "false"
        if self.double:
            return f"{self.text} IS NULL"
        return f"{self.text} IN ({', '.join(map(literal, self.missing))})"

    @property
    def free(self) -> bool:
        """Any text at all is clean."""
        return (
            self.form is not None
            and self.form.pattern is None
            and self.form.proves(self.text, self.text) == "true"
            and not (self.required and self.missing)
        )

    @property
    def clean(self) -> str:
        """Whether the cell is proved clean, but for a pattern; never NULL."""
        return f"coalesce({self.text} IS NOT NULL AND ({self.proved(self.read)}), false)"

    def proved(self, read: str) -> str:
        """Whether a cell that is there is clean, but for a pattern; *read* is what `read` is."""
        return self._or_absent("false" if self.form is None else self.form.proves(self.text, read))

    def _or_absent(self, clean: str) -> str:
        if not self.missing:
            return clean
        return (
            f"NOT {self.absent} AND ({clean})" if self.required else f"{self.absent} OR ({clean})"
        )

    @property
    def patterned(self) -> bool:
        """Its texts must match a pattern, which Python judges."""
        return self.form is not None and self.form.pattern is not None

    @property
    def bulk(self) -> bool:
        """The column can be proved by the extremes of its values."""
        return self.form is not None and self.form.bulk is not None

    @property
    def readable_as_double(self) -> bool:
        """The engine's own reader gives the values that the form does, or trips."""
        bulk = None if self.form is None else self.form.bulk
        return bulk is not None and bulk.bare and {*self.missing} <= {""}

    def in_bulk(self) -> tuple[str, str, str]:
        """Count the cells that no value was found for, and give the extremes of the values."""
        value, odd = self.read, self._odd
        if not self._apart:
            value = f"CASE WHEN {self.absent} THEN NULL ELSE {value} END"
        wrong = counted(f"{value} IS NULL OR {odd}") if odd else f"count(*) - count({value})"
        if self.missing and not self.required:
            wrong += f" - {counted(self.absent)}"
        return wrong, f"min({value})", f"max({value})"

    def readable(self, read: str) -> str:
        """Whether the cell is missing and may be, or has a value that the extremes prove."""
        odd = self._odd
        return self._or_absent(f"{read} IS NOT NULL" + (f" AND NOT ({odd})" if odd else ""))

    @property
    def _odd(self) -> str:
        assert self.form is not None  # noqa: S101 - see `bulk`
        assert self.form.bulk is not None  # noqa: S101 - see `bulk`
        return self.form.bulk.odd(self.text)

    def within(self, least: float | None, most: float | None) -> bool:
        """Tell whether extremes that `in_bulk` found prove all values."""
        return self.form is None or self.form.bulk is None or self.form.bulk.holds(least, most)

    @property
    def read(self) -> str:
        """The value of the text where it is of the form."""
        if self.double:
            return self.text
        return "NULL" if self.form is None else self.form.value(self.text)

    @property
    def value(self) -> str:
        """The typed value where the cell is clean."""
        return self.typed(self.read)

    def typed(self, read: str) -> str:
        """Give the typed value; *read* is what `read` is."""
        if self._apart or self.required:
            return read
        return f"CASE WHEN {self.absent} THEN NULL ELSE {read} END"

    @property
    def _apart(self) -> bool:
        """What is missing has no value anyway."""
        return not self.missing or (self.bulk and not any(map(_NUMBERLIKE.search, self.missing)))

    @property
    def key(self) -> tuple[str, ...]:
        """What of the cell equals another's where their values are equal.

        A required cell that is missing is not proved anyway.
        """
        parts = ("NULL",) if self.form is None else self.form.key(self.text)
        if not self.missing or self.required:
            return parts
        return tuple(f"CASE WHEN {self.absent} THEN NULL ELSE {part} END" for part in parts)


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be proved of a table."""

    columns: Sequence[Column]
    unique: Sequence[int] = ()
    """Positions of columns whose values must differ."""
    primary: Sequence[int] = ()
    """Positions of the columns that the primary key is made of."""
    others: Sequence[Column] = ()
    """Columns of which nothing is asked but whether a row is blank."""
    compared: bool = True
    """Whether rows with equal keys are looked for."""

    @property
    def keys(self) -> list[Sequence[int]]:
        if not self.compared:
            return []
        return [*([place] for place in self.unique), *([self.primary] if self.primary else [])]

    def with_doubles(self, repeating: Container[int]) -> "Question":
        """Have the engine's reader read the numbers whose extremes prove them.

        Of the *repeating* columns, by index, each text is looked at instead, and so is any
        that another field of the same column asks for.
        """
        fields = Counter(each.index for each in self.columns)
        columns = [
            replace(each, double=True)
            if each.readable_as_double and fields[each.index] == 1 and each.index not in repeating
            else each
            for each in self.columns
        ]
        return replace(self, columns=columns)

    @property
    def doubles(self) -> frozenset[int]:
        """Indices of the columns that the engine's reader reads as numbers."""
        return frozenset(each.index for each in self.columns if each.double)

    def blank(self) -> str | None:
        """Whether all cells of a row are None; None where the cells' own proof covers that."""
        if any(each.required for each in self.columns):
            return None
        of = [*self.columns, *self.others]
        return " AND ".join(f"({each.absent} OR {each.text} IS NULL)" for each in of)

    def keyless(self) -> str | None:
        """Whether all cells of the primary key are None; None where that is covered."""
        of = [self.columns[index] for index in self.primary]
        if not of or any(each.required for each in of):
            return None
        return " AND ".join(f"({each.absent} OR {each.text} IS NULL)" for each in of)


def counted(condition: str | None) -> str:
    """Count the rows where it is so."""
    return "0" if condition is None else f"count(*) FILTER (WHERE {condition})"
