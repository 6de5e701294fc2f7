"""Simple forms: what proves a cell clean by its text alone, in the engine's SQL.

A form never claims more than Frictionless grants: a text of the form is valid, has the value
that the form gives it, and keeps its constraints. A text that is not of the form is no error
yet; Frictionless' own reader tells. So a form may be as narrow as is convenient, and is as
wide as sensors write: a plain decimal, an ISO date and time, the texts of an enumeration.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from publisher.engine import literal

Sql = Callable[[str], str]
"""From the SQL of a cell's text to the SQL of what is said of it."""

_EXACT_DIGITS = 15
"""Decimals of so many characters differ as doubles wherever they differ at all."""
_BOUNDS = {
    "minimum": (">=", ">"),
    "maximum": ("<=", "<"),
    "exclusiveMinimum": (">", ">"),
    "exclusiveMaximum": ("<", "<"),
}
_DATE = r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_AWARE = r"Z$|[+-][0-9]{2}:[0-9]{2}$"
_OFFSET = r"[+-](0[0-9]|1[0-4]):[0-5][0-9]"
# Directives whose two-digit (for the year: four-digit) text both strptimes read alike
_DIRECTIVES = {
    "%Y": r"[12][0-9]{3}",
    "%m": r"(0[1-9]|1[0-2])",
    "%d": r"(0[1-9]|[12][0-9]|3[01])",
    "%H": r"([01][0-9]|2[0-3])",
    "%M": r"[0-5][0-9]",
    "%S": r"[0-5][0-9]",
}


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

    proves: Sql
    """Whether it is of the form; never true in doubt, and never an error."""
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
    place: Callable[[str], tuple[str, str] | None] | None = None
    """From the SQL of a naive timestamp to its UTC, and whether that is proved."""
    sample: str = ""
    """One of the texts: a form as narrow as it is quicker to prove."""


def form_of(cell: Cell) -> Form | None:
    """Give the form that proves cells of this kind; None where none does."""
    maker = _MAKERS.get(cell.type)
    if maker is None or (cell.shift and cell.type != "number"):
        return None
    try:
        return maker(cell)
    except _NoFormError:
        return None


class _NoFormError(Exception):
    """A property or constraint is beyond what a form can prove."""


def _properties(cell: Cell, *known: str) -> Mapping[str, Any]:
    stated = cell.properties or {}
    if stated.keys() - set(known):
        raise _NoFormError
    return stated


def _default_only(cell: Cell) -> None:
    if cell.format != "default" or cell.properties:
        raise _NoFormError


def _all(*conditions: str) -> str:
    return " AND ".join(condition for condition in conditions if condition) or "true"


def _within(cell: Cell, write: Callable[[Any], str]) -> Callable[[str], str]:
    """Compare exact values with the bounds; *write* gives a bound's SQL or refuses."""
    bounds = [
        (_BOUNDS[name][0], write(bound))
        for name, bound in (cell.bounds or {}).items()
        if name in _BOUNDS
    ]
    among = [write(item) for item in (cell.bounds or {}).get("enum", ())]

    def condition(value: str) -> str:
        parts = [f"{value} {operator} {bound}" for operator, bound in bounds]
        if among:
            parts.append(f"{value} IN ({', '.join(among)})")
        return _all(*parts) if parts else ""

    return condition


def _text(cell: Cell) -> Form:
    _default_only(cell)
    shape = cell.shape or {}
    among = (cell.bounds or {}).get("enum")
    if (cell.bounds or {}).keys() - {"enum"}:
        raise _NoFormError
    conditions: list[Sql] = []
    if among is not None:
        if not all(isinstance(item, str) and "\0" not in item for item in among):
            raise _NoFormError
        listed = ", ".join(literal(item) for item in among)
        conditions.append(lambda text: f"{text} IN ({listed})")
    for name, operator in (("minLength", ">="), ("maxLength", "<=")):
        if (length := shape.get(name)) is not None:
            conditions.append(_length(operator, int(length)))
    pattern = shape.get("pattern")
    return Form(
        proves=lambda text: _all(*(condition(text) for condition in conditions)),
        value=lambda text: text,
        key=lambda text: (text,),
        # As Frictionless writes it: "a|b" has no brackets around it there either
        pattern=None if pattern is None else re.compile(f"^{pattern}$"),
    )


def _length(operator: str, length: int) -> Sql:
    return lambda text: f"length({text}) {operator} {length}"


def _integer(cell: Cell) -> Form:
    stated = _properties(cell, "bareNumber", "groupChar")
    if stated.get("groupChar"):
        raise _NoFormError

    def write(bound: Any) -> str:
        if isinstance(bound, bool) or not isinstance(bound, int) or abs(bound) >= 2**63:
            raise _NoFormError
        return str(bound)

    within = _within(cell, write)
    return Form(
        proves=lambda text: _all(
            f"regexp_full_match({text}, '-?[0-9]{{1,18}}')", within(f"TRY_CAST({text} AS BIGINT)")
        ),
        value=lambda text: f"TRY_CAST({text} AS BIGINT)",
        key=lambda text: (
            f"TRY_CAST({text} AS BIGINT)",
            f"CASE WHEN length({text}) > 18 THEN {text} END",
        ),
    )


def _number(cell: Cell) -> Form:
    stated = _properties(cell, "bareNumber", "groupChar", "decimalChar", "floatNumber")
    decimal, group = stated.get("decimalChar") or ".", stated.get("groupChar") or ""
    if set(decimal + group) & set("0123456789+-eE") or decimal == group:
        raise _NoFormError
    bounds = {name: bound for name, bound in (cell.bounds or {}).items() if name in _BOUNDS}
    written = {name: _double(bound) for name, bound in bounds.items()}
    among = [_double(item) for item in (cell.bounds or {}).get("enum", ())]
    shift = f" || 'e{cell.shift}'" if cell.shift else ""

    def ungrouped(text: str) -> str:
        return f"replace({text}, {literal(group)}, '')" if group else text

    def value(text: str) -> str:
        pointed = ungrouped(text)
        if decimal != ".":
            pointed = f"replace({pointed}, {literal(decimal)}, '.')"
        found = f"TRY_CAST({pointed}{shift} AS DOUBLE)"
        return f"({found} + 0.0)" if shift else found  # no negative zero comes of a conversion

    def odd(text: str) -> str:
        parts = []
        if decimal != "." and group != ".":
            parts.append(f"contains({ungrouped(text)}, '.')")
        if cell.shift:  # an exponent of its own would be followed by another
            parts.append(f"regexp_matches({text}, '[eE]')")
        if stated.get("bareNumber") is False:
            # Frictionless strips no digit, and no leading minus
            parts.append(f"NOT regexp_full_match({text}, '-?[0-9](.*[0-9])?')")
        return " OR ".join(parts)

    def exact(text: str) -> str:
        # An exponent could make of a short text a number that no double tells from another
        return f"(length({text}) <= {_EXACT_DIGITS} AND NOT regexp_matches({text}, '[eE]'))"

    def proves(text: str) -> str:
        found, rare = value(text), odd(text)
        parts = [f"isfinite({found})", f"NOT contains({text}, '+')"]
        parts += [f"NOT ({rare})"] if rare else []
        for name, bound in written.items():
            touching, inside = _BOUNDS[name]
            at_bound = f" OR ({found} {touching} {bound} AND {exact(text)})"
            parts.append(f"({found} {inside} {bound}{at_bound if touching != inside else ''})")
        if among:
            parts.append(f"({found} IN ({', '.join(among)}) AND {exact(text)})")
        if cell.keyed:
            parts.append(exact(text))
        return _all(*parts)

    below = [float(bounds[name]) for name in ("minimum", "exclusiveMinimum") if name in bounds]
    above = [float(bounds[name]) for name in ("maximum", "exclusiveMaximum") if name in bounds]
    return Form(
        proves=proves,
        value=value,
        key=lambda text: (
            f"({value(text)} + 0.0)",  # -0.0 and 0.0 are one
            f"CASE WHEN length({text}) > {_EXACT_DIGITS} THEN {text} END",
        ),
        bulk=None
        if among or cell.keyed
        else Bulk(odd, max(below, default=None), min(above, default=None)),
    )


def _double(bound: Any) -> str:
    if isinstance(bound, bool) or not isinstance(bound, int | float | Decimal):
        raise _NoFormError
    exact = bound if isinstance(bound, Decimal) else Decimal(str(bound))
    if not exact.is_finite() or len(exact.as_tuple().digits) > _EXACT_DIGITS:
        raise _NoFormError
    found = float(exact)
    if not math.isfinite(found) or (found == 0) != (exact == 0):
        raise _NoFormError
    return f"CAST('{found!r}' AS DOUBLE)"


def _boolean(cell: Cell) -> Form:
    stated = _properties(cell, "trueValues", "falseValues")
    if cell.format != "default" or cell.bounds:
        raise _NoFormError
    # Of a text on both lists Frictionless takes the later: the false
    true = [text for text in stated.get("trueValues", ("true", "True", "TRUE", "1"))]
    false = [text for text in stated.get("falseValues", ("false", "False", "FALSE", "0"))]
    if not all(isinstance(text, str) and "\0" not in text for text in (*true, *false)) or not false:
        raise _NoFormError
    texts = ", ".join(literal(text) for text in (*true, *false))
    falses = ", ".join(literal(text) for text in false)
    return Form(
        proves=lambda text: f"{text} IN ({texts})",
        value=lambda text: f"{text} NOT IN ({falses})",
        key=lambda text: (f"{text} NOT IN ({falses})",),
    )


def _date(cell: Cell) -> Form:
    _properties(cell)

    def write(bound: Any) -> str:
        if not isinstance(bound, date) or isinstance(bound, datetime):
            raise _NoFormError
        return f"DATE '{bound.isoformat()}'"

    shape, found = _DATE, lambda text: f"TRY_CAST({text} AS DATE)"
    if cell.format != "default":
        shape, read = _strptime(cell.format)
        found = lambda text: f"CAST({read(text)} AS DATE)"  # noqa: E731 - the other of the two
    within = _within(cell, write)
    return Form(
        proves=lambda text: _all(
            f"regexp_full_match({text}, {literal(shape)})",
            f"{found(text)} IS NOT NULL",
            within(found(text)),
        ),
        value=found,
        key=lambda text: (found(text),),
    )


def _datetime(cell: Cell) -> Form:
    _properties(cell)
    custom = cell.format != "default"
    shape, read = _strptime(cell.format) if custom else _iso(cell.sample)
    # What a text of the shape can have: an offset always, never, or now and then
    offset = "" if custom or shape.endswith("]") else "?" if shape.endswith("?") else "Z"
    zones = {item.tzinfo is not None for item in _instants(cell.bounds or {})}
    apart = zones and not cell.place and offset != "?" and zones != {offset == "Z"}
    if len(zones) > 1 or apart:
        raise _NoFormError  # what cannot be compared breaks Frictionless down
    place = cell.place

    def write(bound: Any) -> str:
        if not isinstance(bound, datetime):
            raise _NoFormError
        utc = bound if bound.tzinfo is None else bound.astimezone(UTC).replace(tzinfo=None)
        return f"TIMESTAMP '{utc.isoformat(' ')}'"

    within = _within(cell, write)

    def aware(text: str) -> str:
        if offset == "?":
            return f"regexp_matches({text}, {literal(_AWARE)})"
        return sql_truth(offset == "Z")

    def value(text: str) -> str:
        naive = read(text)
        placed = place(naive) if place else None
        local = placed[0] if placed else naive
        if offset != "?":
            return naive if offset else local
        # The engine's cast to TIMESTAMP lets an offset fall away
        instant = f"timezone('UTC', TRY_CAST({text} AS TIMESTAMPTZ))"
        return (
            f"CASE WHEN suffix({text}, 'Z') THEN {naive} WHEN {aware(text)} THEN {instant} "
            f"ELSE {local} END"
        )

    def proves(text: str) -> str:
        placed = place(read(text)) if place and offset != "Z" else None
        alike = ""
        if zones and not place and offset == "?":
            alike = aware(text) if zones == {True} else f"NOT {aware(text)}"
        return _all(
            f"regexp_full_match({text}, {literal(shape)})",
            alike,
            f"{value(text)} IS NOT NULL",
            f"({aware(text)} OR {placed[1]})" if placed else "",
            within(value(text)),
        )

    def key(text: str) -> tuple[str, ...]:
        if custom or f"{_DATE}T" in shape:
            return (text,)  # no two texts of such a shape have the same value
        return (value(text), f"regexp_matches({text}, {literal(_AWARE)})")

    return Form(proves=proves, value=value, key=key)


def _iso(sample: str) -> tuple[str, Sql]:
    """Give the shape that *sample* has, or else all that is proved, and the engine's reading."""
    for shape in (f"{_DATE}T{_CLOCK}Z", f"{_DATE}T{_CLOCK}", f"{_DATE} {_CLOCK}"):
        if re.fullmatch(shape, sample, re.ASCII):
            break
    else:
        shape = f"{_DATE}[ T]{_CLOCK}(\\.[0-9]{{1,6}})?(Z|{_OFFSET})?"
    return shape, lambda text: f"TRY_CAST({text} AS TIMESTAMP)"


def _instants(bounds: Mapping[str, Any]) -> list[datetime]:
    stated = [
        item for name, bound in bounds.items() for item in (bound if name == "enum" else [bound])
    ]
    if not all(isinstance(item, datetime) for item in stated):
        raise _NoFormError
    return stated


def sql_truth(truth: bool) -> str:
    return "true" if truth else "false"


def _time(cell: Cell) -> Form:
    if cell.format != "default" or cell.properties or cell.bounds:
        raise _NoFormError
    return Form(
        proves=lambda text: f"regexp_full_match({text}, {literal(_CLOCK)})",
        value=lambda text: f"TRY_CAST({text} AS TIME)",
        key=lambda text: (text,),
    )


def _year(cell: Cell) -> Form:
    form = _integer(cell)
    return Form(
        proves=lambda text: _all(f"regexp_full_match({text}, '[0-9]{{4}}')", form.proves(text)),
        value=form.value,
        key=form.key,
    )


def _yearmonth(cell: Cell) -> Form:
    if cell.properties or cell.bounds:
        raise _NoFormError
    return Form(
        proves=lambda text: f"regexp_full_match({text}, '[0-9]{{4}}-(0[1-9]|1[0-2])')",
        value=lambda text: text,
        key=lambda text: (text,),
    )


def _strptime(format_: str) -> tuple[str, Sql]:
    """Give the regular expression and the reading of a format that both sides know alike."""
    parts = re.findall(r"%.|[^%]", format_, re.DOTALL)
    directives = [part for part in parts if part.startswith("%")]
    unknown = any(part not in _DIRECTIVES for part in directives)
    if unknown or "".join(parts) != format_ or len(set(directives)) < len(directives):
        raise _NoFormError
    literals = [part for part in parts if not part.startswith("%")]
    if not {"%Y", "%m", "%d"} <= set(directives) or any(
        not (part.isascii() and (part in " -./:,_T")) for part in literals
    ):
        raise _NoFormError
    shape = "".join(_DIRECTIVES.get(part, re.escape(part)) for part in parts)
    return shape, lambda text: f"try_strptime({text}, {literal(format_)})"


_MAKERS: Mapping[str, Callable[[Cell], Form]] = {
    "string": _text,
    "any": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "year": _year,
    "yearmonth": _yearmonth,
}
