"""Publisher's checks by name: which rows each finds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from publisher.errors import ConfigurationError
from publisher.model import checks as model
from publisher.validation.checks import cells, known, series
from publisher.validation.checks.base import Query, Table

Compile = Callable[[Any, Table], Iterable[Query]]

OWN: Mapping[str, Compile] = {
    "plausible-range": cells.plausible_range,
    "sentinel-value": cells.sentinel_value,
    "clock-ahead": cells.clock_ahead,
    "known-row": known.known_row,
    "flat-line": series.flat_line,
    "step-change": series.step_change,
    "missing-interval": series.missing_interval,
    "falling-total": series.falling_total,
}


@dataclass(frozen=True, slots=True)
class Compiled:
    check: model.Own
    queries: tuple[Query, ...]

    @property
    def serial(self) -> bool:
        return isinstance(self.check, model.Series)


def compiled(check: model.Own, table: Table) -> Compiled:
    """Make the queries of *check*. Raises ConfigurationError where the table has no use for it."""
    if isinstance(check, model.Series):
        for role, there in (
            ("entity", table.schema.entity_fields),
            ("time", table.schema.time_field),
        ):
            if not there:
                raise ConfigurationError("check-without-role", check=check.type, role=role)
        time = table.schema.time_field
        if time is not None and time.type not in {"date", "datetime"}:
            raise ConfigurationError(
                "check-of-other-type",
                check=check.type,
                field=time.name,
                type=time.type,
                types="datetime, date",
            )
    return Compiled(check, tuple(OWN[check.type](check, table)))
