"""Forms of numbers."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from publisher.engine import literal
from publisher.validation.proof.form import (
    BOUNDS,
    Bulk,
    Cell,
    Form,
    NoFormError,
    conjunction,
    properties,
    within_bounds,
)

_EXACT_DIGITS = 15
"""Decimals of so many characters differ as doubles wherever they differ at all."""


def grouped(group: str, decimal: str = "", *, most: int | None = None) -> str:
    """Give the regular expression of an unsigned number with each *group* where it belongs.

    A zero does not go before one: 0.181 is a decimal, whatever is stated. *decimal* is the
    decimal character, empty where there are no decimals; *most* bounds the groups.
    """
    decimals = f"({re.escape(decimal)}[0-9]*)?" if decimal else ""
    times = "+" if most is None else f"{{1,{most}}}"
    return f"[1-9][0-9]{{0,2}}({re.escape(group)}[0-9]{{3}}){times}{decimals}"


def integer(cell: Cell) -> Form:
    stated, group = properties(cell, "bareNumber", "groupChar"), cell.thousands
    if stated.get("groupChar") and not group:
        raise NoFormError

    def write(bound: Any) -> str:
        if isinstance(bound, bool) or not isinstance(bound, int) or abs(bound) >= 2**63:
            raise NoFormError
        return str(bound)

    def value(text: str) -> str:
        return f"TRY_CAST({_without(text, group)} AS BIGINT)"

    within = within_bounds(cell, write)
    digits = "-?[0-9]{1,18}"
    if group:
        digits += f"|-?{grouped(group, most=4)}"
    return Form(
        proves=lambda text, value: conjunction(
            f"regexp_full_match({text}, {literal(digits)})", within(value)
        ),
        value=value,
        key=lambda text: (
            value(text),
            f"CASE WHEN length({_without(text, group)}) > 18 THEN {text} END",
        ),
    )


def _without(text: str, group: str) -> str:
    return f"replace({text}, {literal(group)}, '')" if group else text


def year(cell: Cell) -> Form:
    form = integer(cell)
    return Form(
        proves=lambda text, value: conjunction(
            f"regexp_full_match({text}, '[0-9]{{4}}')", form.proves(text, value)
        ),
        value=form.value,
        key=form.key,
    )


def number(cell: Cell) -> Form:
    notation = _Notation.of(cell)
    bounds = {name: bound for name, bound in (cell.bounds or {}).items() if name in BOUNDS}
    within = _number_within(cell, bounds)

    def proves(text: str, value: str) -> str:
        rare = notation.odd(text)
        return conjunction(
            f"isfinite({value})",
            f"NOT contains({text}, '+')",
            f"NOT ({rare})" if rare else "",
            within(text, value),
        )

    below = [float(bounds[name]) for name in ("minimum", "exclusiveMinimum") if name in bounds]
    above = [float(bounds[name]) for name in ("maximum", "exclusiveMaximum") if name in bounds]
    exact_only = cell.keyed or "enum" in (cell.bounds or {})
    return Form(
        proves=proves,
        value=notation.value,
        key=lambda text: (
            f"({notation.value(text)} + 0.0)",  # -0.0 and 0.0 are one
            f"CASE WHEN length({text}) > {_EXACT_DIGITS} THEN {text} END",
        ),
        bulk=None
        if exact_only
        else Bulk(
            notation.odd, max(below, default=None), min(above, default=None), bare=notation.plain
        ),
    )


@dataclass(frozen=True, slots=True)
class _Notation:
    """How a number is written."""

    decimal: str
    group: str
    bare: bool
    shift: int
    thousands: str
    """The group character, where it counts only before exactly three digits."""

    @classmethod
    def of(cls, cell: Cell) -> "_Notation":
        stated = properties(cell, "bareNumber", "groupChar", "decimalChar", "floatNumber")
        decimal, group = stated.get("decimalChar") or ".", stated.get("groupChar") or ""
        if set(decimal + group) & set("0123456789+-eE") or decimal == group:
            raise NoFormError
        bare = stated.get("bareNumber") is not False
        return cls(decimal, group, bare, cell.shift, cell.thousands)

    @property
    def plain(self) -> bool:
        """A decimal point and nothing else."""
        return (
            self.decimal == "." and self.bare and not (self.group or self.shift or self.thousands)
        )

    def value(self, text: str) -> str:
        pointed = _without(text, self.group)
        if self.decimal != ".":
            pointed = f"replace({pointed}, {literal(self.decimal)}, '.')"
        if not self.shift:
            return f"TRY_CAST({pointed} AS DOUBLE)"
        # no negative zero comes of a conversion
        return f"(TRY_CAST({pointed} || 'e{self.shift}' AS DOUBLE) + 0.0)"

    def odd(self, text: str) -> str:
        """Tell what the value alone does not: texts that Frictionless reads otherwise."""
        parts = []
        if self.decimal != "." and self.group != ".":
            parts.append(f"contains({_without(text, self.group)}, '.')")
        if self.thousands:
            right = literal(f"-?{grouped(self.thousands, self.decimal)}")
            point = f"contains({text}, {literal(self.thousands)})"
            parts.append(f"({point} AND NOT regexp_full_match({text}, {right}))")
        if self.shift:  # an exponent of its own would be followed by another
            parts.append(f"regexp_matches({text}, '[eE]')")
        if not self.bare:  # of such a text Frictionless strips nothing
            parts.append(f"NOT regexp_full_match({text}, '-?[0-9](.*[0-9])?')")
        return " OR ".join(parts)


def _number_within(cell: Cell, bounds: Mapping[str, Any]) -> Callable[[str, str], str]:
    written = {name: _double(bound) for name, bound in bounds.items()}
    among = [_double(item) for item in (cell.bounds or {}).get("enum", ())]

    def exact(text: str) -> str:
        # An exponent could make of a short text a number that no double tells from another
        return f"(length({text}) <= {_EXACT_DIGITS} AND NOT regexp_matches({text}, '[eE]'))"

    def condition(text: str, found: str) -> str:
        parts = []
        for name, bound in written.items():
            touching, inside = BOUNDS[name]
            at_bound = f" OR ({found} {touching} {bound} AND {exact(text)})"
            parts.append(f"({found} {inside} {bound}{at_bound if touching != inside else ''})")
        if among:
            parts.append(f"({found} IN ({', '.join(among)}) AND {exact(text)})")
        if cell.keyed:
            parts.append(exact(text))
        return conjunction(*parts) if parts else ""

    return condition


def _double(bound: Any) -> str:
    if isinstance(bound, bool) or not isinstance(bound, int | float | Decimal):
        raise NoFormError
    exact = bound if isinstance(bound, Decimal) else Decimal(str(bound))
    if not exact.is_finite() or len(exact.as_tuple().digits) > _EXACT_DIGITS:
        raise NoFormError
    found = float(exact)
    if not math.isfinite(found) or (found == 0) != (exact == 0):
        raise NoFormError
    return f"CAST('{found!r}' AS DOUBLE)"
