"""The grammar of a crontab line: minute, hour, day of month, month, day of week (POSIX)."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?", re.ASCII)
_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class _Column(NamedTuple):
    name: str
    low: int
    high: int
    names: Sequence[str] = ()
    wraps: bool = False
    """A span may go over the end, as fri-mon does."""


_COLUMNS = (
    _Column("minute", 0, 59),
    _Column("hour", 0, 23),
    _Column("day", 1, 31),
    _Column("month", 1, 12, _MONTHS),
    _Column("weekday", 0, 7, _WEEKDAYS, wraps=True),
)


def cron_fault(line: str) -> str | None:
    """Give the part of *line* that is wrong, None where it is a crontab line."""
    parts = line.split()
    if len(parts) != len(_COLUMNS):
        return line.strip()
    values = []
    for column, text in zip(_COLUMNS, parts, strict=True):
        members = [_members(column, part) for part in text.split(",")]
        if not all(members):
            return text
        values.append({member for part in members for member in part})
    days, months = values[2], values[3]
    longest = max(_DAYS_OF_MONTH[month - 1] for month in months)
    if parts[4] == "*" and min(days) > longest:
        return f"{parts[2]} {parts[3]}"  # 31 feb: it would never run
    return None


def spelled_out(line: str) -> list[str]:
    """Give the first four columns of a crontab line with every number listed; ``*`` stays.

    Names, spans and steps are written in more ways than a scheduler may read.
    """
    return [
        text
        if text == "*"
        else ",".join(
            str(number)
            for number in sorted({n for part in text.split(",") for n in _members(column, part)})
        )
        for column, text in zip(_COLUMNS[:4], line.split(), strict=False)
    ]


def _members(column: _Column, part: str) -> range:
    """List what one part of a column names; empty where it is wrong."""
    match = _PART.fullmatch(part.lower())
    if match is None:
        return range(0)
    star, first, last, step = match.groups()
    low = column.low if star else _number(column, first)
    high = column.high if star or (step and not last) else _number(column, last or first)
    if low is None or high is None or (step is not None and int(step) == 0):
        return range(0)
    if high < low and column.wraps:
        high += 7
    return range(low, high + 1, int(step or 1))


def _number(column: _Column, text: str) -> int | None:
    if text in column.names:
        return column.names.index(text) + column.low
    if not text.isdigit():
        return None
    number = int(text)
    return number if column.low <= number <= column.high else None
