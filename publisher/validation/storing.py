"""Values as the spool writes them for the store, and the ones that no store can hold."""

import math
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Context, Decimal, Inexact
from typing import Any

import orjson

from publisher.model.schema import Field

Encode = Callable[[Any], Any]

_EXACT = Context(prec=60, traps=[Inexact])
_LARGEST_INTEGER = 2**63 - 1


class UnstorableError(Exception):
    """The value is valid to Frictionless but cannot be stored or served; the text says why."""


def encoder(field: Field) -> Encode | None:
    """Give what turns a read value of *field* into what is spooled; None for: as it is.

    Raises (when called) UnstorableError. Texts are looked at line by line in the spool, so
    their NUL characters and surrogates are `check_text`'s business.
    """
    if field.type == "number":
        return _double if field.decimal is None else _decimal(*map(int, field.decimal.split(",")))
    return _ENCODERS.get(field.type)


def check_text(value: Any) -> None:
    """Raise UnstorableError for a text with a NUL character or a lone surrogate."""
    if not isinstance(value, str):
        return
    if "\0" in value:
        msg = "the text holds a NUL character"
        raise UnstorableError(msg)
    try:
        value.encode()
    except UnicodeEncodeError:
        msg = "the text holds half a surrogate pair"
        raise UnstorableError(msg) from None


def _double(value: Any) -> float:
    try:
        found = float(value)
    except (OverflowError, ValueError):
        found = math.inf
    if not math.isfinite(found):
        msg = "it is not a number or too large for one"
        raise UnstorableError(msg)
    return found


def _decimal(precision: int, scale: int) -> Encode:
    step = Decimal(1).scaleb(-scale)

    def encode(value: Any) -> str:
        exact = value if isinstance(value, Decimal) else Decimal(str(value))
        msg = f"it has more than {precision} digits, or more than {scale} of them decimals"
        if not exact.is_finite() or exact.adjusted() >= precision - scale:
            raise UnstorableError(msg)
        try:
            return format(exact.quantize(step, context=_EXACT), "f")
        except Inexact:
            raise UnstorableError(msg) from None

    return encode


def _integer(value: int) -> int:
    if -_LARGEST_INTEGER - 1 <= value <= _LARGEST_INTEGER:
        return value
    msg = "it is larger than 64 bits hold"
    raise UnstorableError(msg)


def _time(value: time) -> time:
    if value.tzinfo is None:
        return value
    if value.utcoffset():
        msg = "a time of day with an offset from UTC has no place in a time field"
        raise UnstorableError(msg)
    return value.replace(tzinfo=None)


def _yearmonth(value: Any) -> str:
    year, month = value
    if not isinstance(year, int) or not isinstance(month, int) or not 1 <= month <= 12:
        msg = "it is no year and month"
        raise UnstorableError(msg)
    return f"{year:04}-{month:02}"


def _duration(value: Any) -> str:
    """Write ISO 8601; years and months stay apart, as for Frictionless P1Y is not P12M."""
    days = value if isinstance(value, timedelta) else value.tdelta
    years, months = (0, 0) if isinstance(value, timedelta) else (value.years, value.months)
    sign = "-" if years < 0 or months < 0 or days < timedelta(0) else ""
    if sign:
        years, months, days = -years, -months, -days
    if years < 0 or months < 0 or days < timedelta(0):
        msg = "the duration has parts of different signs"
        raise UnstorableError(msg)
    hours, rest = divmod(days.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    exact = Decimal(seconds) + Decimal(days.microseconds) / 1_000_000
    date_part = _designated(zip((years, months, days.days), "YMD", strict=True))
    time_part = _designated(zip((hours, minutes, exact), "HMS", strict=True))
    return f"{sign}P{date_part}T{time_part}".removesuffix("T") if date_part or time_part else "P0D"


def _designated(parts: Iterable[tuple[Decimal | int, str]]) -> str:
    return "".join(f"{_plain_number(count)}{unit}" for count, unit in parts if count)


def _geopoint(value: Any) -> str:
    return ",".join(_plain_number(Decimal(str(part))) for part in value)


def _plain_number(value: Decimal | int) -> str:
    return f"{Decimal(value).normalize() + 0:f}"


def _any(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bool | dict | list):
        return orjson.dumps(_json(value)).decode()
    return str(value)


def _json(value: Any) -> Any:
    """Give a value orjson writes as it is; NaN, which it would write as null, is refused."""
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, Decimal):
        return _double(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    check_text(value)
    return value


_ENCODERS: dict[str, Encode] = {
    "integer": _integer,
    "time": _time,
    "yearmonth": _yearmonth,
    "duration": _duration,
    "geopoint": _geopoint,
    "geojson": _json,
    "array": _json,
    "object": _json,
    "list": _json,
    "any": _any,
}
