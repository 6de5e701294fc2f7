"""Buckets of time, true to the calendar of a zone.

Days, weeks (from Monday) and months are those of the zone: a day may have 23 or 25 hours. Periods
of hours, minutes and seconds count elapsed time and begin anew at each local midnight, so an hour
that comes twice is two buckets. The zone's rules are written into the statement as the few pieces
that the asked range has: nothing is worked out row by row outside the engine.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal, TypeVar

from publisher.errors import ParameterError
from publisher.model.query import Period
from publisher.model.values import parse_zone
from publisher.query.times import fault

MOST_BUCKETS = 100_000
_ELAPSED = re.compile(r"PT(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?", re.ASCII)
_CALENDAR = re.compile(r"P(\d{1,4})([YMWD])", re.ASCII)
_DAY = 86_400
_WHOLE = timedelta(days=1)
_BEHIND = 719_163 * _DAY * 1_000_000
"""Microseconds, of whole days, that make every instant since the year 1 positive."""
_MONDAY = 4
"""The first Monday, in days after 1970-01-01."""
_EPOCH = date(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_UNITS: Mapping[str, tuple[Literal["days", "months"], int]] = {
    "Y": ("months", 12),
    "M": ("months", 1),
    "W": ("days", 7),
    "D": ("days", 1),
}
_LONGEST = {"months": 1_200, "days": 3_660}
_MOST_PIECES = 2_000
_STEP = timedelta(days=7)
"""No zone has changed its offset and changed it back within a week."""
K = TypeVar("K", date, datetime)


def read_period(parameter: str, text: str) -> Period:
    """Read an ISO 8601 period of one kind; raises ParameterError."""
    if (match := _ELAPSED.fullmatch(text)) is not None:
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        length = hours * 3_600 + minutes * 60 + seconds
        if 0 < length <= _DAY:
            return Period("seconds", length)
    elif (match := _CALENDAR.fullmatch(text)) is not None:
        unit, each = _UNITS[match[2]]
        count = int(match[1]) * each
        if 0 < count <= _LONGEST[unit]:
            return Period(unit, count)
    raise fault("not-a-period", parameter, text)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The rules of a zone over a range of time: which offset holds from when on."""

    period: Period
    offsets: tuple[tuple[datetime, timedelta], ...]
    """Of instants (UTC, no tzinfo), each from its own on."""
    midnights: tuple[tuple[date, timedelta], ...]
    """What a local date's midnight is ahead of the first instant of that date in UTC."""

    def start(self, instant: str) -> str:
        """Write the start of the bucket that *instant*, an expression, lies in."""
        day = self._day(instant)
        count = self.period.count
        if self.period.unit == "seconds":
            length = count * 1_000_000
            if self._in_step:
                whole = f"(epoch_us({instant}) + {_BEHIND}) // {length} * {length}"
                return f"make_timestamp({whole} - {_BEHIND})"
            midnight = f"epoch_us({self._midnight(day)})"
            elapsed = f"(epoch_us({instant}) - {midnight}) // {length} * {length}"
            return f"make_timestamp({midnight} + {elapsed})"
        return self._midnight(self._first(day))

    @property
    def _in_step(self) -> bool:
        """Tell whether every local midnight is the start of a bucket that is counted in UTC."""
        length = timedelta(seconds=self.period.count)
        return not any(
            ahead % length for _, ahead in (*self.offsets, *self.midnights, (None, _WHOLE))
        )

    def end(self, start: str) -> str:
        """Write the end of the bucket that begins at *start*, an expression."""
        day, count = self._day(start), self.period.count
        if self.period.unit == "seconds":
            whole = f"{start} + to_seconds({count})"
            return f"least({whole}, {self._midnight(f'({day} + 1)')})"
        if self.period.unit == "days":
            return self._midnight(f"({day} + {count})")
        return self._midnight(f"CAST({day} + to_months({count}) AS DATE)")

    def starts(self, first: datetime, last: datetime) -> list[datetime]:
        """Give the starts of all buckets from the one of *first* to the one of *last*.

        Raises ParameterError where they are too many.
        """
        found: list[datetime] = []
        shortest = {"seconds": 1, "days": _DAY, "months": 28 * _DAY}[self.period.unit]
        if (last - first) / timedelta(seconds=2 * shortest * self.period.count) > MOST_BUCKETS:
            raise _too_many()
        try:
            day = self._date(first)
        except OverflowError:
            raise _too_many() from None  # before the calendar's first day
        for start in self._from(day):
            if start > last:
                break
            if start <= first:
                found.clear()
            elif found and start == found[-1]:
                continue  # a date that the zone left out
            found.append(start)
            if len(found) > MOST_BUCKETS:
                raise _too_many()
        return found

    def _from(self, day: date) -> Iterator[datetime]:
        count = self.period.count
        if self.period.unit == "months":
            month = day.year * 12 + day.month - 1
            month -= month % count
            while month < 10_000 * 12:
                yield self._begins(date(month // 12, month % 12 + 1, 1))
                month += count
            return
        if self.period.unit == "days":
            ahead = (day - _EPOCH).days - _anchor(count)
            day -= timedelta(days=ahead % count)
        step = count if self.period.unit == "days" else 1
        while day < date.max - timedelta(days=step):
            begins, ends = self._begins(day), self._begins(day + timedelta(days=step))
            yield begins
            if self.period.unit == "seconds":
                inner = begins + timedelta(seconds=count)
                while inner < ends:
                    yield inner
                    inner += timedelta(seconds=count)
            day += timedelta(days=step)

    def _date(self, instant: datetime) -> date:
        offset = [offset for since, offset in self.offsets if since <= instant][-1]
        return (instant + offset).date()

    def _begins(self, day: date) -> datetime:
        ahead = [ahead for since, ahead in self.midnights if since <= day][-1]
        return datetime(day.year, day.month, day.day) - ahead  # noqa: DTZ001 - UTC as stored

    def _first(self, day: str) -> str:
        """Write the first date of the period that *day* lies in."""
        count = self.period.count
        if self.period.unit == "days":
            ahead = f"(({day} - DATE '{_EPOCH}') - {_anchor(count)})"
            return f"({day} - CAST(({ahead} % {count} + {count}) % {count} AS INTEGER))"
        month = f"(year({day}) * 12 + month({day}) - 1)"
        first = f"({month} - {month} % {count})"
        return f"make_date({first} // 12, {first} % 12 + 1, 1)"

    def _day(self, instant: str) -> str:
        ahead = _case(instant, [(f"TIMESTAMP '{it}'", ahead) for it, ahead in self.offsets])
        return f"CAST({instant} + {ahead} AS DATE)"

    def _midnight(self, day: str) -> str:
        ahead = _case(day, [(f"DATE '{it}'", ahead) for it, ahead in self.midnights])
        return f"(CAST({day} AS TIMESTAMP) - {ahead})"


def calendar(period: Period, zone: str, years: Iterable[int]) -> Calendar:
    """Give the rules of *zone* for the buckets that instants of *years* lie in."""
    fixed = parse_zone(zone).utcoffset(None)
    if fixed is not None:
        first = datetime(1, 1, 1)  # noqa: DTZ001 - UTC as stored
        return Calendar(period, ((first, fixed),), ((first.date(), fixed),))
    reach = {"seconds": 0, "days": period.count // 365, "months": period.count // 12}[period.unit]
    wanted: set[int] = set()
    for year in years:
        wanted |= {*range(year - reach - 1, year + reach + 2)}
    if len(wanted) > _MOST_PIECES:
        raise _too_long(zone)
    offsets: list[tuple[datetime, timedelta]] = []
    midnights: list[tuple[date, timedelta]] = []
    for year in sorted(wanted & {*range(1, 9999)}):
        of_instants, of_days = _rules(zone, year)
        offsets += of_instants
        midnights += of_days
    # What a year says of the days about its ends, its neighbour says as well
    found = Calendar(period, _pieces(sorted(set(offsets))), _pieces(sorted(set(midnights))))
    if len(found.midnights) > _MOST_PIECES:
        raise _too_long(zone)
    return found


@lru_cache(maxsize=16_384)
def _rules(
    zone: str, year: int
) -> tuple[list[tuple[datetime, timedelta]], list[tuple[date, timedelta]]]:
    """Give a year's offsets of instants and of local midnights, where they change."""
    rules = parse_zone(zone)

    def offset(instant: datetime) -> timedelta:
        try:
            return instant.replace(tzinfo=UTC).astimezone(rules).utcoffset() or timedelta()
        except OverflowError:
            return timedelta()

    def ahead(day: datetime) -> timedelta:
        try:
            return day - day.replace(tzinfo=rules).astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            return timedelta()

    day = datetime(year, 1, 1)  # noqa: DTZ001 - UTC as stored
    offsets = [(day, offset(day))]
    midnights = [(day.date(), ahead(day))]
    while day.year == year:
        before, after = day, day + _STEP
        if offset(before) != (now := offset(after)):
            while after - before > timedelta(seconds=1):
                middle = before + (after - before) // timedelta(seconds=2) * timedelta(seconds=1)
                before, after = (before, middle) if offset(middle) == now else (middle, after)
            offsets.append((after, now))
            # A date begins by another offset only about here
            midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
            for near in range(-2, 3):
                one = midnight + timedelta(days=near)
                midnights.append((one.date(), ahead(one)))
        day += _STEP
    return offsets, midnights


def _pieces(found: Sequence[tuple[K, timedelta]]) -> tuple[tuple[K, timedelta], ...]:
    """Leave out what only says again what held before."""
    kept: list[tuple[K, timedelta]] = []
    for since, ahead in found:
        if not kept or ahead != kept[-1][1]:
            kept.append((since, ahead))
    return tuple(kept)


def _case(value: str, pieces: Sequence[tuple[str, timedelta]]) -> str:
    """Write the interval that holds for *value*: the last piece that it does not come before."""
    lengths = [f"to_microseconds({ahead // _MICROSECOND})" for _, ahead in pieces]
    whens = [
        f"WHEN {value} < {since} THEN {length}"
        for (since, _), length in zip(pieces[1:], lengths[:-1], strict=True)
    ]
    return f"CASE {' '.join(whens)} ELSE {lengths[-1]} END" if whens else lengths[-1]


def _anchor(count: int) -> int:
    return _MONDAY if count % 7 == 0 else 0


def _too_many() -> ParameterError:
    return ParameterError("many-buckets", parameter="every", most=MOST_BUCKETS)


def _too_long(zone: str) -> ParameterError:
    return ParameterError("many-years", parameter="every", zone=zone)
