"""Crontab lines as the field's five-column standard (POSIX crontab) means them.

APScheduler's own reading differs in two places: it counts weekdays from Monday, and asks for
day of month *and* day of week where crontab means either.
"""

from datetime import tzinfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from publisher.registry.checks.cron import spelled_out

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


def cron_trigger(line: str, zone: tzinfo, *, jitter: float = 0) -> BaseTrigger:
    """Give the trigger of a crontab *line* in *zone*; ValueError where it is none.

    *jitter* is in seconds.
    """
    columns = line.split()
    if len(columns) != 5:
        msg = f"a crontab line has five columns, not {len(columns)}"
        raise ValueError(msg)
    minute, hour, day, month = spelled_out(line)
    weekday = columns[4]

    def trigger(**days: str) -> BaseTrigger:
        return CronTrigger(
            minute=minute, hour=hour, month=month, timezone=zone, jitter=jitter or None, **days
        )

    if weekday == "*":
        return trigger(day=day)
    weekday = ",".join(_named(part) for part in weekday.lower().split(","))
    if day == "*":
        return trigger(day_of_week=weekday)
    return OrTrigger([trigger(day=day), trigger(day_of_week=weekday)])


def _named(part: str) -> str:
    """Write one part of the weekday column (``1-5``, ``sun``, ``*/2``) as a list of names."""
    span, _, step = part.partition("/")
    first, dash, last = ("0", "-", "6") if span == "*" else span.partition("-")
    low = _number(first)
    high = _number(last) if dash else (6 if step else low)
    if high < low:
        high += 7  # fri-mon goes over the week's end
    return ",".join(
        dict.fromkeys(_WEEKDAYS[day % 7] for day in range(low, high + 1, int(step or 1)))
    )


def _number(text: str) -> int:
    if text in _WEEKDAYS:
        return _WEEKDAYS.index(text)
    number = int(text)
    if not 0 <= number <= 7:
        msg = f"{text} is no day of the week"
        raise ValueError(msg)
    return number
