"""Local times placed in time: to UTC, with the summer-time gap and fold told apart."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

Placed = tuple[datetime | None, str | None]
"""The time in UTC, without tzinfo, or the reason why there is none."""


class Folds:
    """The times of the row at hand that exist twice: field name to ``local date/seconds``.

    The text names the fold: two times with the same text lie in the same one, and the later
    reading is that many seconds after the earlier one, which the reader gave.
    """

    def __init__(self) -> None:
        self.found: dict[str, str] = {}


def placer(name: str, zone: tzinfo, zone_name: str, folds: Folds) -> Callable[[datetime], Placed]:
    """Make the function that brings the times of field *name* to UTC.

    Times with an offset keep it. Those without are read in *zone*: in its gap they do not
    exist; in its fold the earlier one is given and the row's *folds* say so.
    """

    def place(value: datetime) -> Placed:
        try:
            if value.tzinfo is not None:
                return value.astimezone(UTC).replace(tzinfo=None), None
            early = value.replace(tzinfo=zone)
            before = early.utcoffset()
            after = early.replace(fold=1).utcoffset()
            utc = early.astimezone(UTC).replace(tzinfo=None)
        except (OverflowError, ValueError):
            return None, f'the time "{value}" is outside the years 1 to 9999 in UTC'
        if before == after or before is None or after is None:
            return utc, None
        if before < after:
            return None, (
                f'the local time "{value}" does not exist in {zone_name}: '
                "the clocks were put forward past it"
            )
        folds.found[name] = f"{value:%Y-%m-%d}/{int((before - after).total_seconds())}"
        return utc, None

    def place_fixed(value: datetime) -> Placed:
        try:
            placed = value if value.tzinfo is not None else value.replace(tzinfo=zone)
            return placed.astimezone(UTC).replace(tzinfo=None), None
        except (OverflowError, ValueError):
            return None, f'the time "{value}" is outside the years 1 to 9999 in UTC'

    # datetime.timezone answers without a date where the offset never changes
    return place if zone.utcoffset(None) is None else place_fixed
