"""What may be the cause of a finding, guessed from its examples; no verdict hangs on it."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, NamedTuple

import orjson


class Hint(NamedTuple):
    code: str
    """Of a text in `publisher.messages.findings`."""
    params: Mapping[str, Any] = {}


EXAMPLE = datetime(2026, 1, 31, 13, 45, tzinfo=UTC)
DEFAULTS = {"date": "%Y-%m-%d", "time": "%H:%M:%S", "datetime": "%Y-%m-%dT%H:%M:%SZ"}
_NEAR = 0.6  # as `publisher.validation.view` names the nearest column
_DELIMITERS = ";\t|,"
_MISSING = {
    *("-", "--", "---", ".", "?", "*", "#", "null", "none", "nil", "nan", "na", "n/a", "n.a."),
    *("#n/a", "#value!", "#div/0!", "missing", "no data", "unknown", "error", "void"),
    *("ukendt", "ingen", "ingen data", "mangler", "fejl", "tom", "udgået", "ikke målt"),
}
# All nines, and the ends of the integers that sensors send; Milesight's 6553.5
_SENTINEL = re.compile(r"[-\u2212]?(9{2,}([.,]9+)?|6553[.,]?5|32767|32768|2147483647|2147483648)")
# UTF-8 read as Windows-1252, the mark of what could not be read, and the letters that Danish
# bytes become where the encoding was guessed to be an Asian one
_DAMAGED = re.compile(
    r"\ufffd|[ÃÂ][\u00a0-\u00bf\u2018-\u203a\u0152\u0160…†‡Ÿž€]|â€|[\u3000-\u9fff가-힣]"
)
_DATES = ("%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d", "%Y/%m/%d", "%d-%m-%y", "%Y%m%d")
_TIMES = ("%H:%M", "%H:%M:%S", "%H.%M", "%H.%M.%S")
_ZONE = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$")
_FORMATS: Mapping[str, Sequence[str]] = {
    "date": _DATES,
    "time": _TIMES,
    "datetime": [
        f"{date}{between}{time}{zone}"
        for date in _DATES
        for between in (" ", "T")
        for time in _TIMES
        for zone in ("", "%z")
    ],
}


def of_cells(
    rule: str, constraint: str | None, field: Mapping[str, Any], cells: Sequence[str]
) -> list[Hint]:
    """Guess what the *cells* of *field* were meant to say."""
    if damaged := [cell for cell in cells if _DAMAGED.search(cell)]:
        return [Hint("hint-encoding", {"texts": damaged[:1]})]
    found = []
    if rule in {"type-error", "constraint-error"}:
        missing = [cell for cell in cells if cell.strip().casefold() in _MISSING]
        if missing:
            found.append(Hint("hint-missing-value", {"texts": _distinct(missing)}))
        cells = [cell for cell in cells if cell not in missing]
        other = _of_values(rule, constraint, field, cells) if cells else None
        found += [other] if other else []
    return found


def of_label(label: str, field: str, fields: Sequence[str], labels: Sequence[str]) -> Hint | None:
    """Guess why a column has the heading *label* and not its *field*'s name."""
    if _DAMAGED.search(label):
        return Hint("hint-encoding", {"texts": [label]})
    if hint := of_header(fields, labels):
        return hint
    if _plain(label) == _plain(field):
        return Hint("hint-label-case")
    if label in fields:
        return Hint("hint-label-order", {"label": label})
    return Hint("hint-label-misspelt") if near(label, field) else None


def of_header(fields: Sequence[str], labels: Sequence[str]) -> Hint | None:
    """Guess whether the wrong delimiter made one column of all."""
    if len(labels) == 1 and len(fields) > 1:
        for delimiter in _DELIMITERS:
            if delimiter in labels[0]:
                dialect = orjson.dumps({"csv": {"delimiter": delimiter}}).decode()
                return Hint("hint-delimiter", {"delimiter": delimiter, "dialect": dialect})
    return None


def near(label: str, field: str) -> bool:
    return bool(get_close_matches(_plain(label), [_plain(field)], 1, _NEAR))


def _plain(label: str) -> str:
    return re.sub(r"[\W_]", "", label.casefold())


def _of_values(
    rule: str, constraint: str | None, field: Mapping[str, Any], cells: Sequence[str]
) -> Hint | None:
    kind = field.get("type")
    if rule == "constraint-error":
        return _of_constraint(constraint, field, cells)
    if kind in {"number", "integer"}:
        return _of_numbers(field, cells)
    if kind in DEFAULTS:
        return _of_times(str(kind), field, cells)
    return _blanks(cells)


def _of_constraint(
    constraint: str | None, field: Mapping[str, Any], cells: Sequence[str]
) -> Hint | None:
    if constraint in {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}:
        found = _distinct(cell for cell in cells if _SENTINEL.fullmatch(cell.strip()))
        return Hint("hint-sentinel", {"texts": found}) if found else None
    if constraint == "enum":
        allowed = [str(value) for value in field.get("constraints", {}).get("enum", ())]
        for cell in cells:
            same = [value for value in allowed if value.casefold() == cell.strip().casefold()]
            if nearest := same or get_close_matches(cell, allowed, 1, _NEAR):
                return Hint("hint-nearest", {"texts": [cell], "nearest": nearest[0]})
    return _blanks(cells)


def _of_numbers(field: Mapping[str, Any], cells: Sequence[str]) -> Hint | None:
    comma = field.get("decimalChar", ".") == ","

    def like(pattern: str) -> bool:
        return any(re.fullmatch(pattern, cell.strip()) for cell in cells)

    if field.get("thousands") == "." and like(r"[+-]?[\d.,]*\.[\d.,]*"):
        decimals = field["type"] == "number" and like(r"[+-]?\d*\.\d+")
        return Hint("hint-point-of-profile" if decimals else "hint-group-of-profile")
    if field["type"] == "integer":
        return Hint("hint-decimals") if like(r"[+-]?\d+[.,]\d+") else _beside(field, cells)
    if like(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?") and field.get("groupChar") != ".":
        return Hint("hint-thousands-point")
    if not comma and like(r"[+-]?\d*,\d+"):
        return Hint("hint-decimal-comma")
    if comma and like(r"[+-]?\d*\.\d+"):
        return Hint("hint-decimal-point")
    return _beside(field, cells)


def _beside(field: Mapping[str, Any], cells: Sequence[str]) -> Hint | None:
    unit = r"[+-]?\d+([.,]\d+)?\s*[^\d\s.,:/-][^\d]{0,9}"
    if field.get("bareNumber", True) and any(re.fullmatch(unit, cell.strip()) for cell in cells):
        return Hint("hint-unit")
    return None


def _of_times(kind: str, field: Mapping[str, Any], cells: Sequence[str]) -> Hint | None:
    known = field.get("formats", ())
    if cells and all(_is_time(cell, known) for cell in cells):
        return Hint("hint-gap", {"timezone": field.get("timezone")})
    stated = field.get("format", "default")
    asked = DEFAULTS[kind] if stated in {"default", "any"} else stated
    shape = _shape(EXAMPLE.strftime(asked))
    if all(_shape(cell) == shape for cell in cells):
        return Hint("hint-no-such-time")
    for other in (kind, *(name for name in _FORMATS if name != kind)):
        for written in _FORMATS[other]:
            if written != asked and all(_parses(cell, written) for cell in cells):
                if other != kind:
                    return Hint("hint-other-kind", {"type": other, "format": written})
                if asked == f"{written}%z":
                    return Hint("hint-no-offset", {"format": written})
                return Hint("hint-format", {"format": written})
    return _blanks(cells)


def _shape(text: str) -> str:
    return re.sub(r"[0-9]", "0", text)


def _parses(text: str, written: str) -> bool:
    # Each format that strptime meets costs it a millisecond: most are told by their signs
    plain = written.removesuffix("%z")
    told = text if plain == written else _ZONE.sub("", text)
    if _signs(told) != _signs(EXAMPLE.strftime(plain)):
        return False
    try:
        datetime.strptime(text, written)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True


def _signs(text: str) -> str:
    return re.sub(r"[0-9]+", "0", text)


def _is_time(cell: str, formats: Sequence[str]) -> bool:
    """Tell whether a cell has one of a profile's *formats*, and so must be wrong otherwise."""
    iso = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S") if "default" in formats else ()
    return any(_parses(cell, it) for it in (*formats, *iso) if it != "default")


def _blanks(cells: Sequence[str]) -> Hint | None:
    return Hint("hint-blanks") if any(cell != cell.strip() for cell in cells) else None


def _distinct(texts: Any) -> list[str]:
    return list(dict.fromkeys(texts))
