"""Checks of single cells: what a sensor cannot have meant."""

# ruff: noqa: S608 - identifiers are quoted, values are parameters
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from publisher.engine import identifier
from publisher.errors import ConfigurationError
from publisher.model.checks import ClockAhead, PlausibleRange, SentinelValue
from publisher.model.schema import Field
from publisher.validation.checks.base import (
    RECEIVED,
    STAGED,
    Query,
    Table,
    micros,
    named,
    numbers,
    shown,
)
from publisher.validation.findings import OUTSIDE
from publisher.validation.rows import ROW
from publisher.validation.units import conversion

RANGES: Mapping[str, tuple[float, float]] = {
    "Cel": (-50, 80),
    "K": (223.15, 353.15),
    "%": (0, 100),
    "hPa": (870, 1085),
    "Pa": (87_000, 108_500),
    "[ppm]": (0, 10_000),
    "[ppb]": (0, 10_000),
    "ug/m3": (0, 5_000),
    "lx": (0, 200_000),
    "dB": (0, 150),
    "dB[SPL]": (0, 150),
    "m": (-100, 1_000),
    "m/s": (0, 75),
    "km/h": (0, 300),
    "L/m2": (0, 200),
    "W/m2": (0, 1_600),
    "deg": (0, 360),
    "[pH]": (0, 14),
    "V": (0, 60),
    "mV": (-60_000, 60_000),
}
"""By UCUM unit, what a sensor in or around a Danish town can show at all.

Wider than any record: of weather those of the WMO (https://wmo.asu.edu), else the reach of
common sensors. What is outside is a fault of the sensor or of the unit.
"""

SENTINELS = (-9999.0, -999.9, -999.0, -32768.0, -3276.8, 32767.0, 3276.7, 65535.0, 6553.5)
"""What loggers write for no reading: the ends of 16-bit numbers, also of tenths, and nines."""
HUMIDITY_SENTINEL = 127.5
"""Of fields in per cent as well: eight bits of halves (Milesight's humidity)."""
AHEAD = timedelta(minutes=5)


def plausible_range(check: PlausibleRange, table: Table) -> Iterator[Query]:
    for field, low, high in _bounds(check, table):
        name = identifier(field.name)
        limits = [(f"{name} < ?", low), (f"{name} > ?", high)]
        stated = [(text, bound) for text, bound in limits if bound is not None]
        yield Query(
            field.name,
            f"SELECT {ROW} AS position, {shown(field.name)} || ? AS note FROM {STAGED} "
            f"WHERE {' OR '.join(text for text, _ in stated)}",
            (OUTSIDE + _range(low, high, field.unit), *(bound for _, bound in stated)),
        )


def _bounds(
    check: PlausibleRange, table: Table
) -> Iterator[tuple[Field, float | None, float | None]]:
    free = check.minimum is None and check.maximum is None
    if not free and check.fields is None and check.unit is None:
        raise ConfigurationError("check-without-fields", check=check.type)
    for field in numbers(check.type, check.fields, table.schema):
        if free:
            found = RANGES.get(field.unit or "")
            if found is None and check.fields is not None:
                raise ConfigurationError(
                    "no-plausible-range", field=field.name, unit=field.unit or ""
                )
            if found is not None:
                yield field, *found
            continue
        if check.unit is None or check.unit == field.unit:
            yield field, check.minimum, check.maximum
            continue
        try:
            low = _converted(check.minimum, check.unit, field)
            high = _converted(check.maximum, check.unit, field)
        except ConfigurationError as error:
            if check.fields is not None or error.code == "unknown-unit":
                raise
            continue  # it measures something else
        yield field, low, high


def _converted(value: float | None, unit: str, field: Field) -> float | None:
    to = field.unit
    if to is None:
        raise ConfigurationError("unit-without-unit", field=field.name, unit=unit)
    return None if value is None else float(conversion(unit, to).apply(Decimal(str(value))))


def _range(low: float | None, high: float | None, unit: str | None) -> str:
    """Write a range as one reads it in any language, such as ``-50 … 80 Cel``."""
    limits = [f"{bound:.10g}" for bound in (low, high) if bound is not None]
    sign = "≥ " if high is None else "≤ " if low is None else ""
    return f"{sign}{' … '.join(limits)}{f' {unit}' if unit else ''}"


def sentinel_value(check: SentinelValue, table: Table) -> Iterator[Query]:
    for field in numbers(check.type, check.fields, table.schema):
        values: list[float | None] = list(SENTINELS if check.values is None else check.values)
        unit = table.units.get(field.name, field.unit or "")
        if check.values is None and unit == "%":
            values.append(HUMIDITY_SENTINEL)
        if field.unit is not None and unit != field.unit:
            values[:] = [_converted(value, unit, field) for value in values]
        yield Query(
            field.name,
            f"SELECT {ROW} AS position, {shown(field.name)} || ' stands for none' AS note "
            f"FROM {STAGED} WHERE CAST({identifier(field.name)} AS DOUBLE) IN "
            f"({', '.join('?' * len(values))})",
            tuple(values),
        )


def clock_ahead(check: ClockAhead, table: Table) -> Iterator[Query]:
    time = table.schema.time_field
    if check.fields is None and time is None:
        raise ConfigurationError("check-without-role", check=check.type, role="time")
    names = check.fields or (time.name,) if time else check.fields or ()
    for field in named(check.type, names, table.schema, ("datetime", "date")):
        name = f"CAST({identifier(field.name)} AS TIMESTAMP)"
        yield Query(
            field.name,
            f"SELECT {ROW} AS position, {shown(field.name)} || ' is later than ' || "
            f"CAST(received AS VARCHAR) || ', when it was received' AS note FROM {STAGED} "
            f"JOIN {RECEIVED} AS r ON r.position = {ROW} OR r.position IS NULL "
            f"WHERE {name} > received + to_microseconds(CAST(? AS BIGINT))",
            (micros(check.by or AHEAD),),
        )
