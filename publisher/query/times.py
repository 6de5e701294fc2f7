"""Instants, intervals and zones as they are written in a URL.

A ``+`` in a URL means a space to most clients' libraries, so a space where an offset's ``+``
stood is read as one. A local time in the gap of a summer-time change is read with the offset
before it, one in the fold as the first of the two; so the start of a day is its first instant.
"""

import re
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from publisher.errors import ParameterError
from publisher.model.values import parse_duration, parse_zone

_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})"
    r"(?:[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(?:([Zz])|([+ -])(\d{2}):?(\d{2}))?)?",
    re.ASCII,
)
_NOW = re.compile(r"now(?:([-+ ])(P[0-9A-Z.,]+))?")
_WHOLE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_SHOWN = 100
"""Characters of a wrong value that are said again."""

Bound = datetime | None


def fault(code: str, parameter: str, text: str, **more: object) -> ParameterError:
    """Give the error for *text*, cut to a length that can be said again."""
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return ParameterError(code, parameter=parameter, value=shown, **more)


def read_zone(parameter: str, text: str) -> str:
    """Give the zone's text as the rest takes it: ``UTC``, ``+01:00`` or an IANA name."""
    text = f"+{text[1:]}" if text.startswith(" ") else text
    if text in {"Z", "UTC"}:
        return "UTC"
    try:
        if text[:1] in {"+", "-"} or text in _zone_names():
            parse_zone(text)
            return text
    except ValueError:
        pass
    raise fault("not-a-zone", parameter, text)


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    # Names that hang on the machine (localtime, posix/...) mean nothing to a caller.
    return frozenset(zoneinfo.available_timezones() - {"localtime"})


def read_instant(parameter: str, text: str, zone: tzinfo) -> datetime:
    """Read a date or a date and time; without an offset it is in *zone*. UTC, no tzinfo."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise fault("not-an-instant", parameter, text)
    day, clock, zulu, sign, hours, minutes = match.groups()
    try:
        local = datetime.combine(
            date.fromisoformat(day), time.fromisoformat(clock) if clock else time()
        )
        if zulu:
            return local
        if sign:
            if int(hours) > 14 or int(minutes) > 59:
                raise fault("not-an-instant", parameter, text)
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            return local + offset if sign == "-" else local - offset
        return _utc(local, zone)
    except (ValueError, OverflowError):
        raise fault("not-an-instant", parameter, text) from None


def read_interval(parameter: str, text: str, zone: tzinfo, now: datetime) -> tuple[Bound, Bound]:
    """Read a half-open interval into its bounds in UTC; None is an open end.

    *now* is the instant that ``now`` means; it is cut to the minute.
    """
    start, slash, end = text.partition("/")
    if not slash:
        return _whole(parameter, text, zone)
    bounds = (_bound(parameter, start, zone, now), _bound(parameter, end, zone, now))
    if bounds == (None, None):
        raise fault("not-an-interval", parameter, text)
    if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
        raise fault("interval-backwards", parameter, text)
    return bounds


def mentions_now(text: str) -> bool:
    return "now" in text


def interval_text(bounds: tuple[Bound, Bound]) -> str:
    """Write an interval with fixed ends, as ``read_interval`` reads it."""
    return "/".join(
        ".." if bound is None else f"{bound.isoformat(timespec='microseconds')}Z"
        for bound in bounds
    )


def _bound(parameter: str, text: str, zone: tzinfo, now: datetime) -> Bound:
    if text in {"", ".."}:
        return None
    match = _NOW.fullmatch(text)
    if match is None:
        return read_instant(parameter, text, zone)
    minute = now.astimezone(UTC).replace(second=0, microsecond=0, tzinfo=None)
    if match[1] is None:
        return minute
    try:
        length = parse_duration(match[2])
        return minute - length if match[1] == "-" else minute + length
    except (ValueError, OverflowError):
        raise fault("not-an-interval", parameter, text) from None


def _whole(parameter: str, text: str, zone: tzinfo) -> tuple[Bound, Bound]:
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise fault("not-an-interval", parameter, text)
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        start = date(year or 0, month or 1, day or 1)
    except ValueError:
        raise fault("not-an-interval", parameter, text) from None
    end = _end(start, month, day)
    return _start_of(start, zone), _start_of(end, zone) if end else None


def _end(start: date, month: int | None, day: int | None) -> date | None:
    """Give the first date behind the day, month or year; None behind the calendar's last."""
    try:
        if day is not None:
            return start + timedelta(days=1)
        if month is not None:
            return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
        return start.replace(year=start.year + 1)
    except (ValueError, OverflowError):
        return None


def _start_of(day: date, zone: tzinfo) -> Bound:
    try:
        return _utc(datetime.combine(day, time()), zone)
    except OverflowError:
        return None  # in UTC it lies before the calendar's first year or behind its last


def _utc(local: datetime, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
