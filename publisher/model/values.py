"""Small values that descriptors are written in."""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import isodate
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, StringConstraints
from pydantic_core import PydanticCustomError

NAME = r"[a-z0-9][a-z0-9_-]*"
FIELD_NAME = r"[A-Za-z][A-Za-z0-9_.]*"

# Faults carry the code that publisher.messages has texts for; they are ValueErrors.


def _name(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise PydanticCustomError(
            "wrong-name", "a name has lower-case letters a-z, digits, '_' and '-' only"
        )
    return name


Name = Annotated[str, StringConstraints(max_length=100), AfterValidator(_name)]
"""Of a dataset, table, schema, organisation, target or partner."""


def _field_name(name: str) -> str:
    if not re.fullmatch(FIELD_NAME, name) or "__" in name or name.endswith("_"):
        raise PydanticCustomError(
            "wrong-field-name",
            "a field name has letters, digits, '_' and '.', a letter first, "
            "no '__' and no trailing '_'",
        )
    return name


FieldName = Annotated[str, StringConstraints(max_length=63), AfterValidator(_field_name)]


def _email(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._%+-]+@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}", text):
        raise PydanticCustomError("wrong-email", "an e-mail address is written like a@example.org")
    return text


Email = Annotated[str, AfterValidator(_email)]


class TableRef(NamedTuple):
    """Names a table: ``dataset/table``."""

    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.dataset}/{self.table}"


def parse_duration(text: object) -> timedelta:
    """Read an ISO 8601 duration; a year counts 365 days, a month 30.

    Raises ValueError for anything else, and for zero or negative lengths.
    """
    if isinstance(text, timedelta):
        return text
    try:
        found = isodate.parse_duration(text)
        if isinstance(found, isodate.Duration):
            days = float(found.years) * 365 + float(found.months) * 30
            found = timedelta(days=days) + found.tdelta
    except (isodate.ISO8601Error, TypeError, ArithmeticError) as error:
        raise _no_duration() from error
    if found <= timedelta(0):
        raise _no_duration()
    return timedelta(seconds=found.total_seconds())


def _no_duration() -> PydanticCustomError:
    return PydanticCustomError(
        "wrong-duration", "an ISO 8601 duration, longer than nothing, is written like PT15M or P1D"
    )


def duration_text(length: timedelta) -> str:
    """Write an ISO 8601 duration such as PT15M."""
    return str(isodate.duration_isoformat(length))


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(duration_text, return_type=str),
]


def _share(value: object) -> float:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip())):
        value = float(match[1]) / 100
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise PydanticCustomError("wrong-share", "a share is written like 5%")
    return float(value)


Share = Annotated[
    float,
    BeforeValidator(_share),
    PlainSerializer(lambda share: f"{share * 100:g}%", return_type=str),
]
"""Of rows, 0 to 1; written ``5%``."""


def parse_zone(text: str) -> tzinfo:
    """Read ``+01:00`` or an IANA name such as ``Europe/Copenhagen``; ValueError otherwise."""
    if text in {"Z", "UTC"}:
        return UTC
    try:
        if match := re.fullmatch(r"([+-])(0\d|1[0-4]):([0-5]\d)", text, re.ASCII):
            offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
            return timezone(-offset if match[1] == "-" else offset)
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise PydanticCustomError(
            "wrong-zone",
            "a zone is an offset such as +01:00 or a name such as Europe/Copenhagen",
        ) from error


def _zone_text(text: Any) -> Any:
    if isinstance(text, str):
        parse_zone(text)
    return text


Zone = Annotated[str, BeforeValidator(_zone_text)]
"""The text of a zone, known to be one; ``parse_zone`` gives the tzinfo."""
