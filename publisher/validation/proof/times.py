"""Forms of dates and times."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

from publisher.engine import literal
from publisher.validation.proof.form import (
    Cell,
    Form,
    NoFormError,
    Sql,
    conjunction,
    properties,
    sql_truth,
    within_bounds,
)

_DATE = r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_ISO_DATE = "%Y-%m-%d"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_AWARE = r"Z$|[+-][0-9]{2}:[0-9]{2}$"
_OFFSET = r"[+-](0[0-9]|1[0-4]):[0-5][0-9]"
# Shapes that most sensors write. Where a text has these places, and the engine reads it by the
# format, only its first character could be other than a digit.
_QUICK = {
    f"{_DATE}T{_CLOCK}Z": ("____-__-__T__:__:__Z", "%Y-%m-%dT%H:%M:%SZ"),
    f"{_DATE}T{_CLOCK}": ("____-__-__T__:__:__", "%Y-%m-%dT%H:%M:%S"),
}
# Directives whose two-digit (for the year: four-digit) text both strptimes read alike
_DIRECTIVES = {
    "%Y": r"[12][0-9]{3}",
    "%m": r"(0[1-9]|1[0-2])",
    "%d": r"(0[1-9]|[12][0-9]|3[01])",
    "%H": r"([01][0-9]|2[0-3])",
    "%M": r"[0-5][0-9]",
    "%S": r"[0-5][0-9]",
}


def date_form(cell: Cell) -> Form:
    properties(cell)

    def write(bound: Any) -> str:
        if not isinstance(bound, date) or isinstance(bound, datetime):
            raise NoFormError
        return f"DATE '{bound.isoformat()}'"

    shape: str = _DATE
    read: Sql = _cast_to_date
    if cell.formats:
        shape, read = _strptimes([it.replace("default", _ISO_DATE) for it in cell.formats], cell)
    elif cell.format != "default":
        shape, read = _strptime(cell.format)

    def found(text: str) -> str:
        return f"CAST({read(text)} AS DATE)"

    within = within_bounds(cell, write)
    return Form(
        proves=lambda text, value: conjunction(
            f"regexp_full_match({text}, {literal(shape)})", f"{value} IS NOT NULL", within(value)
        ),
        value=found,
        key=lambda text: (found(text),),
    )


def _cast_to_date(text: str) -> str:
    return f"TRY_CAST({text} AS DATE)"


def datetime_form(cell: Cell) -> Form:
    properties(cell)
    times = _Either.of(cell) if cell.formats else _Times.of(cell)

    def write(bound: Any) -> str:
        utc = bound if bound.tzinfo is None else bound.astimezone(UTC).replace(tzinfo=None)
        return f"TIMESTAMP '{utc.isoformat(' ')}'"

    within = within_bounds(cell, write)
    return Form(
        proves=lambda text, value: conjunction(times.proves(text, value), within(value)),
        value=times.value,
        key=times.key,
    )


@dataclass(frozen=True, slots=True)
class _Times:
    """How a date and time is written."""

    shape: str
    """Regular expression."""
    read: Sql
    """Its digits as a timestamp, whatever their offset."""
    offset: Literal["", "Z", "?"]
    """A text of the shape has none, has Z, or has this, that or another."""
    comparable: bool | None
    """Only texts with (or without) an offset can be compared with the bounds; None: all can."""
    place: Callable[[str], tuple[str, str]] | None

    @classmethod
    def of(cls, cell: Cell) -> "_Times":
        custom = cell.format != "default"
        shape, read = _strptime(cell.format) if custom else _iso(cell.sample)
        offset: Literal["", "Z", "?"] = "?"
        if custom or shape.endswith("]"):
            offset = ""
        elif not shape.endswith("?"):
            offset = "Z"
        zones = {item.tzinfo is not None for item in _instants(cell.bounds or {})}
        if len(zones) > 1:
            raise NoFormError
        comparable = None if cell.place or not zones else zones.pop()
        if comparable is not None and offset != "?" and comparable != (offset == "Z"):
            raise NoFormError  # what cannot be compared breaks Frictionless down
        return cls(shape, read, offset, comparable, cell.place)

    def aware(self, text: str) -> str:
        if self.offset == "?":
            return f"regexp_matches({text}, {literal(_AWARE)})"
        return sql_truth(self.offset == "Z")

    def value(self, text: str) -> str:
        naive = self.read(text)
        local = self.place(naive)[0] if self.place else naive
        if self.offset != "?":
            return naive if self.offset else local
        # The engine's cast to TIMESTAMP lets an offset fall away
        instant = f"timezone('UTC', TRY_CAST({text} AS TIMESTAMPTZ))"
        return (
            f"CASE WHEN suffix({text}, 'Z') THEN {naive} WHEN {self.aware(text)} THEN {instant} "
            f"ELSE {local} END"
        )

    def shaped(self, text: str) -> str:
        """Whether the text is of the shape, provided that the engine can read it."""
        if self.shape not in _QUICK:
            return f"regexp_full_match({text}, {literal(self.shape)})"
        like, _ = _QUICK[self.shape]
        # The engine passes over blanks at the end, and Frictionless does not
        last = "" if like.endswith("Z") else f" AND {text}[{len(like)}] >= '0'"
        return f"({text} LIKE {literal(like)} AND {text} >= '1' AND {text} < '3'{last})"

    def proves(self, text: str, value: str) -> str:
        alike = placed = ""
        if self.comparable is not None and self.offset == "?":
            alike = self.aware(text) if self.comparable else f"NOT {self.aware(text)}"
        if self.place and self.offset != "Z":
            proved = self.place(self.read(text))[1]
            placed = f"({self.aware(text)} OR {proved})" if self.offset == "?" else proved
        found = self.read(text) if placed and not self.offset else value
        return conjunction(self.shaped(text), alike, f"{found} IS NOT NULL", placed)

    def key(self, text: str) -> tuple[str, ...]:
        if f"{_DATE}T" in self.shape or not self.shape.startswith(_DATE):
            return (text,)  # no two texts of such a shape have the same value
        return (self.value(text), f"regexp_matches({text}, {literal(_AWARE)})")


@dataclass(frozen=True, slots=True)
class _Either:
    """A date and time that has one of several formats, ISO's among them."""

    custom: _Times
    iso: _Times

    @classmethod
    def of(cls, cell: Cell) -> "_Either":
        formats = [it for it in cell.formats if it != "default"]
        if len(formats) == len(cell.formats) or cell.place is None:
            raise NoFormError
        shape, read = _strptimes(formats, cell)
        iso = _Times.of(replace(cell, format="default", formats=()))
        return cls(_Times(shape, read, "", None, cell.place), iso)

    def _chosen(self, text: str, write: Callable[[_Times], str]) -> str:
        # What Frictionless takes for ISO has seconds; of the others none begins with a year then
        iso = f"(length({text}) > 16 AND {text} LIKE '____-%')"
        return f"CASE WHEN {iso} THEN {write(self.iso)} ELSE {write(self.custom)} END"

    def value(self, text: str) -> str:
        return self._chosen(text, lambda times: times.value(text))

    def proves(self, text: str, _: str) -> str:
        return self._chosen(text, lambda times: times.proves(text, times.value(text)))

    def key(self, text: str) -> tuple[str, ...]:
        return (self.value(text),)  # all of them are placed


def _iso(sample: str) -> tuple[str, Sql]:
    """Give the shape that *sample* has, or else all that is proved, and the engine's reading."""
    for shape, (_, format_) in _QUICK.items():
        if re.fullmatch(shape, sample, re.ASCII):
            return shape, _parsed(format_)
    shape = f"{_DATE} {_CLOCK}"
    if not re.fullmatch(shape, sample, re.ASCII):
        shape = f"{_DATE}[ T]{_CLOCK}(\\.[0-9]{{1,6}})?(Z|{_OFFSET})?"
    return shape, lambda text: f"TRY_CAST({text} AS TIMESTAMP)"


def _parsed(format_: str) -> Sql:
    return lambda text: f"try_strptime({text}, {literal(format_)})"


def _instants(bounds: Mapping[str, Any]) -> list[datetime]:
    stated = [
        item for name, bound in bounds.items() for item in (bound if name == "enum" else [bound])
    ]
    if not all(isinstance(item, datetime) for item in stated):
        raise NoFormError
    return stated


def time_form(cell: Cell) -> Form:
    if cell.format != "default" or cell.properties or cell.bounds:
        raise NoFormError
    return Form(
        proves=lambda text, _: f"regexp_full_match({text}, {literal(_CLOCK)})",
        value=lambda text: f"TRY_CAST({text} AS TIME)",
        key=lambda text: (text,),
    )


def yearmonth_form(cell: Cell) -> Form:
    if cell.properties or cell.bounds:
        raise NoFormError
    return Form(
        proves=lambda text, _: f"regexp_full_match({text}, '[0-9]{{4}}-(0[1-9]|1[0-2])')",
        value=lambda text: text,
        key=lambda text: (text,),
    )


def _strptime(format_: str) -> tuple[str, Sql]:
    """Give the regular expression and the reading of a format that both sides know alike."""
    parts = re.findall(r"%.|[^%]", format_, re.DOTALL)
    directives = [part for part in parts if part.startswith("%")]
    unknown = any(part not in _DIRECTIVES for part in directives)
    if unknown or "".join(parts) != format_ or len(set(directives)) < len(directives):
        raise NoFormError
    literals = [part for part in parts if not part.startswith("%")]
    if not {"%Y", "%m", "%d"} <= set(directives) or any(
        not (part.isascii() and (part in " -./:,_T")) for part in literals
    ):
        raise NoFormError
    shape = "".join(_DIRECTIVES.get(part, re.escape(part)) for part in parts)
    return shape, _parsed(format_)


def _strptimes(formats: Sequence[str], cell: Cell) -> tuple[str, Sql]:
    """Give what `_strptime` does for any one of *formats*, the sample's first."""
    shapes = {format_: _strptime(format_)[0] for format_ in formats}
    first = sorted(shapes, key=lambda it: re.fullmatch(shapes[it], cell.sample, re.ASCII) is None)
    # To try formats in turn is slow: the engine writes down why each of them fails
    tried = [(re.sub("%Y", "____", it), _parsed(it)) for it in first]
    tried = [(literal(re.sub("%.", "__", places)), read) for places, read in tried]

    def read(text: str) -> str:
        whens = " ".join(f"WHEN {text} LIKE {places} THEN {read(text)}" for places, read in tried)
        return f"CASE {whens} END"

    return "|".join(shapes.values()), read
