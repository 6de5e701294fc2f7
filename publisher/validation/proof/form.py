"""What a form is: a proof by a cell's text alone, in the engine's SQL.

A form never claims more than Frictionless grants: a text of the form is valid, has the value
that the form gives it, and keeps its constraints. A text that is not of the form is no error
yet; Frictionless' own reader tells. So a form may be as narrow as is convenient, and is as
wide as sensors write: a plain decimal, an ISO date and time, the texts of an enumeration.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Sql = Callable[[str], str]
"""From the SQL of a cell's text to the SQL of what is said of it."""
BOUNDS = {
    "minimum": (">=", ">"),
    "maximum": ("<=", "<"),
    "exclusiveMinimum": (">", ">"),
    "exclusiveMaximum": ("<", "<"),
}
"""Of a constraint, the comparison that keeps it, and the one that does so strictly."""
PROPERTIES = {
    "decimal_char": "decimalChar",
    "group_char": "groupChar",
    "bare_number": "bareNumber",
    "float_number": "floatNumber",
    "true_values": "trueValues",
    "false_values": "falseValues",
}
"""Of Frictionless' fields, those that say how cells are read: its name to Table Schema's."""
SHAPE = ("pattern", "minLength", "maxLength")


@dataclass(frozen=True, slots=True)
class Form:
    """What is known of a text that is neither absent nor a missing value."""

    proves: Callable[[str, str], str]
    """Whether it is of the form, with the SQL of its value; never true in doubt, or an error."""
    value: Sql
    """Its value, typed as it is stored; only where it is of the form."""
    key: Callable[[str], tuple[str, ...]]
    """Values that are equal where Frictionless' are, and only there."""
    pattern: re.Pattern[str] | None = None
    """It must match this too, which is Python's to judge, once for each distinct text."""
    bulk: "Bulk | None" = None
    """A cheaper proof of a whole column, sufficient and not necessary."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """Proves a column's texts by the extremes of their values, where the file has no ``+``."""

    odd: Sql
    """Whether a text is none that the value alone tells of."""
    below: float | None
    above: float | None
    """The values lie strictly between, where stated."""
    bare: bool = False
    """The engine reads the texts as these values where it is told to read doubles."""

    def holds(self, least: float | None, most: float | None) -> bool:
        """Tell whether all lie between; of no values at all, None, they do."""
        if least is None or most is None:
            return True
        return (
            math.isfinite(least)
            and math.isfinite(most)
            and (self.below is None or least > self.below)
            and (self.above is None or most < self.above)
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """How a field's cells are read, as Table Schema has it."""

    type: str
    format: str = "default"
    properties: Mapping[str, Any] | None = None
    """``decimalChar groupChar bareNumber trueValues falseValues`` where they are declared."""
    bounds: Mapping[str, Any] | None = None
    """``minimum maximum exclusiveMinimum exclusiveMaximum enum`` as values of the field."""
    shape: Mapping[str, Any] | None = None
    """``pattern minLength maxLength`` as declared."""
    keyed: bool = False
    """Part of a key: equal values must be told from their forms."""
    shift: int = 0
    """Power of ten that the number is multiplied by."""
    place: Callable[[str], tuple[str, str]] | None = None
    """From the SQL of a naive timestamp to its UTC, and whether that is proved."""
    formats: tuple[str, ...] = ()
    """Of a time that may have any of several; *format* is one of them then."""
    thousands: str = ""
    """The group character, where it counts only before exactly three digits."""
    sample: str = ""
    """One of the texts: a form as narrow as it is quicker to prove."""


class NoFormError(Exception):
    """A property or constraint is beyond what a form can prove."""


def properties(cell: Cell, *known: str) -> Mapping[str, Any]:
    stated = cell.properties or {}
    if stated.keys() - set(known):
        raise NoFormError
    return stated


def conjunction(*conditions: str) -> str:
    return " AND ".join(condition for condition in conditions if condition) or "true"


def within_bounds(cell: Cell, write: Callable[[Any], str]) -> Callable[[str], str]:
    """Compare exact values with the bounds; *write* gives a bound's SQL or refuses."""
    bounds = [
        (BOUNDS[name][0], write(bound))
        for name, bound in (cell.bounds or {}).items()
        if name in BOUNDS
    ]
    among = [write(item) for item in (cell.bounds or {}).get("enum", ())]

    def condition(value: str) -> str:
        parts = [f"{value} {operator} {bound}" for operator, bound in bounds]
        if among:
            parts.append(f"{value} IN ({', '.join(among)})")
        return conjunction(*parts) if parts else ""

    return condition


def sql_truth(truth: bool) -> str:
    return "true" if truth else "false"
