"""Groups and buckets are what a plain reading of the rows makes them, in every calendar.

The oracle is Python, written apart: the first instant of a local date is looked for a quarter of
an hour at a time, and each measure is its definition over a list.
"""

import itertools
import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scale
from storing import Desk, entry, opened

from publisher.errors import ParameterError
from publisher.model.catalog import TableEntry
from publisher.query import Signer, fetch, json_rows, next_pairs, prepare

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIGNER = Signer(b"a key for tests")
FIELDS = ["station", "at", "level", "n", "quality"]
SCHEMA: dict[str, Any] = {
    "name": "any",
    "version": "1.0.0",
    "fields": [
        {"name": "station", "role": "entity"},
        {"name": "at", "type": "datetime", "role": "time"},
        {"name": "level", "type": "number"},
        {"name": "n", "type": "integer"},
        {"name": "quality", "type": "integer", "role": "quality"},
    ],
    "primaryKey": ["station", "at"],
}
# Around: an hour twice and one left out, a midnight left out and one twice, half an hour, a date
EDGES = {
    "Europe/Copenhagen": [datetime(2026, 3, 28, 22), datetime(2026, 10, 24, 21)],
    "America/Sao_Paulo": [datetime(2018, 11, 3, 20), datetime(2018, 2, 17, 22)],
    "America/Havana": [datetime(2025, 11, 2, 2)],
    "Australia/Lord_Howe": [datetime(2026, 4, 4, 10)],
    "Pacific/Apia": [datetime(2011, 12, 29, 20)],
    "UTC": [datetime(2026, 2, 28, 20)],
    "+05:45": [datetime(2026, 2, 28, 14)],
}
PERIODS = ["PT15M", "PT1H", "PT7H", "PT24H", "P1D", "P3D", "P1W", "P1M", "P5M", "P1Y"]
FUNCTIONS = ["count", "min", "max", "sum", "avg", "median", "stddev", "first", "last", "p5", "p95"]
_tables = itertools.count()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened(tmp_path_factory.mktemp("groups")) as found:
        yield found


def asked(desk: Desk, table: TableEntry, *pairs: tuple[str, str]) -> list[dict[str, Any]]:
    """Follow all pages, three groups each."""
    found: list[dict[str, Any]] = []
    wanted = [*pairs, ("limit", "3")]
    while True:
        ready = prepare(
            desk.con, desk.store, table, wanted, signer=SIGNER, now=NOW, kind="aggregate"
        )
        page = fetch(desk.con, desk.store, ready, form="json", signer=SIGNER)
        found += orjson.loads(orjson.dumps(json_rows(ready.shown, page.rows)))
        if page.cursor is None:
            return found
        wanted = next_pairs(wanted, ready, page.cursor)


def zone_of(name: str) -> Any:
    if name[0] == "+":
        return timezone_of(name)
    return ZoneInfo(name)


def timezone_of(name: str) -> Any:
    return datetime.fromisoformat(f"2026-01-01T00:00:00{name}").tzinfo


def local(instant: datetime, zone: Any) -> date:
    return instant.replace(tzinfo=UTC).astimezone(zone).date()


def begins(day: date, zone: Any) -> datetime:
    """Look for the first instant of a local date, or of the next one that there is."""
    instant = datetime(day.year, day.month, day.day) - timedelta(hours=20)
    while local(instant, zone) < day:
        instant += timedelta(minutes=15)
    return instant


def bucket(instant: datetime, every: str, zone: Any) -> datetime:
    day = local(instant, zone)
    count, unit = int(every.strip("PTHMDWY")), every[-1]
    if every.startswith("PT"):
        length = timedelta(hours=count) if unit == "H" else timedelta(minutes=count)
        start = begins(day, zone)
        return start + (instant - start) // length * length
    if unit in "DW":
        days = count * (7 if unit == "W" else 1)
        since = date(1970, 1, 5) if unit == "W" else date(1970, 1, 1)
        return begins(day - timedelta(days=(day - since).days % days), zone)
    months = count * (12 if unit == "Y" else 1)
    month = (day.year * 12 + day.month - 1) // months * months
    return begins(date(month // 12, month % 12 + 1, 1), zone)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def worked_out(function: str, cells: list[Any]) -> Any:
    """Give the measure of a group's cells, in the order of their times."""
    values = [cell for cell in cells if cell is not None]
    if function == "count":
        return len(values)
    if not values:
        return None
    if function == "stddev":
        return statistics.stdev(values) if len(values) > 1 else None
    if function[0] == "p":
        return percentile(values, int(function[1:]) / 100)
    measures: dict[str, Callable[[], Any]] = {
        "min": lambda: min(values),
        "max": lambda: max(values),
        "sum": lambda: sum(values),
        "avg": lambda: statistics.fmean(values),
        "median": lambda: statistics.median(values),
        "first": lambda: values[0],
        "last": lambda: values[-1],
    }
    return measures[function]()


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[tuple[Any, ...]]]:
    zone = draw(st.sampled_from(sorted(EDGES)))
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b"]),
                st.builds(
                    lambda edge, minutes: edge + timedelta(minutes=minutes),
                    st.sampled_from(EDGES[zone]),
                    st.integers(0, 2 * 24 * 60) | st.sampled_from([0, 60, 240, 40 * 24 * 60]),
                ),
                st.none() | st.sampled_from([0.0, 1.5, -2.25, 100.0]),
                st.none() | st.integers(-5, 5) | st.just(2**63 - 1),
                st.none() | st.integers(0, 1),
            ),
            max_size=15,
            unique_by=lambda row: row[:2],
        )
    )
    return zone, rows


@settings(max_examples=scale(40, 5_000), suppress_health_check=[HealthCheck.too_slow])
@given(
    given_=tables(),
    every=st.none() | st.sampled_from(PERIODS),
    by=st.sampled_from([[], ["station"], ["quality", "station"]]),
    agg=st.lists(
        st.tuples(st.sampled_from(["level", "n"]), st.sampled_from(FUNCTIONS)),
        min_size=1,
        max_size=4,
        unique=True,
    ),
)
def test_groups_are_what_their_rows_say(desk: Desk, given_, every, by, agg):
    zone, rows = given_
    table = entry(SCHEMA, name=f"g{next(_tables)}")
    desk.commit(table, rows)
    rules = zone_of(zone)
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    # Rows of one delivery are stored, and so told apart at one time, by their station
    for row in sorted(rows, key=lambda row: (row[1], row[0])):
        key = [row[FIELDS.index(name)] for name in by]
        if every:
            key.append(bucket(row[1], every, rules))
        groups.setdefault(tuple(key), []).append(row)
    if not by and not every:
        groups.setdefault((), [])
    pairs = [("agg", ",".join([*(f"{name}:{how}" for name, how in agg), "*:count"])), ("tz", zone)]
    pairs += [("by", ",".join(by))] if by else []
    pairs += [("every", every)] if every else []

    found = asked(desk, table, *pairs)

    # Nulls last; the columns of a key are of one type each
    order = sorted(groups, key=lambda key: [(part is None, part or 0) for part in key])
    assert len(found) == len(groups)
    for key, told in zip(order, found, strict=True):
        cells = groups[key]
        assert [told[name] for name in by] == list(key[: len(by)])
        if every:
            start = datetime.fromisoformat(told["bucket"])
            assert start.astimezone(UTC).replace(tzinfo=None) == key[-1]
            assert start.utcoffset() == start.astimezone(rules).utcoffset()
        assert told["count"] == len(cells)
        for name, how in agg:
            expected = worked_out(how, [cell[FIELDS.index(name)] for cell in cells])
            value = told[f"{name}_{how}"]
            if expected is None or value is None:
                assert value is expected
            elif isinstance(expected, int) and how not in {"avg", "median", "p5", "p95", "stddev"}:
                assert value == expected or value == float(expected)
            else:
                assert math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-9)


def readings(*times: str, station: str = "a") -> list[tuple[Any, ...]]:
    stamps = [datetime.fromisoformat(time) for time in times]
    return [(station, at, float(number), number, 0) for number, at in enumerate(stamps)]


def test_buckets_without_rows_are_filled(desk: Desk):
    table = entry(SCHEMA, name="filled")
    desk.commit(
        table,
        [
            *readings("2026-03-28T12:00:00", "2026-03-30T12:00:00"),
            *readings("2026-03-29T12:00:00", station="b"),
        ],
    )
    ask = [("every", "P1D"), ("tz", "Europe/Copenhagen"), ("agg", "level:last,*:count")]
    days = [
        "2026-03-28T00:00:00+01:00",
        "2026-03-29T00:00:00+01:00",
        "2026-03-30T00:00:00+02:00",
    ]
    told = asked(desk, table, *ask, ("by", "station"), ("fill", "null"))
    assert [(it["station"], it["bucket"]) for it in told] == [
        (station, day) for station in "ab" for day in days
    ]
    assert [it["level_last"] for it in told] == [0.0, None, 1.0, None, 0.0, None]
    assert [it["count"] for it in told] == [1, 0, 1, 0, 1, 0]
    told = asked(desk, table, *ask, ("by", "station"), ("fill", "previous"))
    assert [it["level_last"] for it in told] == [0.0, 0.0, 1.0, None, 0.0, 0.0]
    # The interval that was asked for is filled to its ends, even where there is nothing at all
    told = asked(
        desk, table, *ask, ("fill", "null"), ("time", "2026-05-01/2026-05-04"), ("station", "c")
    )
    assert [(it["bucket"], it["count"]) for it in told] == [
        (f"2026-05-0{day}T00:00:00+02:00", 0) for day in (1, 2, 3)
    ]


def test_coverage_tells_what_was_to_be_expected(desk: Desk):
    plain = entry(SCHEMA, name="covered")
    stated = plain.resource.model_copy(update={"interval": timedelta(minutes=30)})
    table = replace(plain, resource=stated)
    times = [f"2026-03-29T{hour:02}:{minute:02}:00" for hour in range(22) for minute in (0, 30)]
    desk.commit(table, [*readings(*times[:-4]), *readings(*times[:2], station="b")])
    ask = [("every", "P1D"), ("tz", "Europe/Copenhagen"), ("time", "2026-03-29")]
    # That day had 23 hours, of which the first came before these readings
    [one, other] = asked(desk, table, *ask, ("by", "station"))
    assert one["coverage"] == {
        "expected": 46,
        "observed": 40,
        "share": 0.8696,
        "quality": {"0": 40},
    }
    assert other["coverage"]["observed"] == 2
    [both] = asked(desk, table, *ask)
    assert (both["coverage"]["expected"], both["coverage"]["observed"]) == (92, 42)
    # A bucket that the interval asked for cuts is expected to hold its share
    [half] = asked(
        desk, table, ("every", "P1D"), ("time", "2026-03-29T06:00Z/2026-03-29T12:00Z"),
        ("station", "a"),
    )  # fmt: skip
    assert half["coverage"] == {
        "expected": 12,
        "observed": 12,
        "share": 1.0,
        "quality": {"0": 12},
    }


def test_dates_are_parted_by_the_calendar_and_moved_by_no_zone(desk: Desk):
    schema = {
        "name": "dated",
        "version": "1.0.0",
        "fields": [
            {"name": "day", "type": "date", "role": "time"},
            {"name": "price", "type": "number", "decimal": "8,2"},
        ],
        "primaryKey": ["day"],
    }
    table = entry(schema, name="dated")
    desk.commit(table, [(date(2026, 1, 31), "1.10"), (date(2026, 2, 1), "2.20")])
    told = asked(desk, table, ("every", "P1M"), ("tz", "America/New_York"), ("agg", "price:sum"))
    assert told == [
        {"bucket": "2026-01-01", "price_sum": 1.1},
        {"bucket": "2026-02-01", "price_sum": 2.2},
    ]


@pytest.mark.parametrize(
    ("pairs", "code", "parameter"),
    [
        ([("agg", "level:xyz")], "unknown-function", "agg"),
        ([("agg", "level:avgg")], "unknown-function-near", "agg"),
        ([("agg", "lvel:avg")], "unknown-field-near", "agg"),
        ([("agg", "station:avg")], "function-not-for-type", "agg"),
        ([("agg", "level")], "unknown-function", "agg"),
        ([("agg", "*:sum")], "unknown-field", "agg"),
        ([("agg", "level:p101")], "unknown-function", "agg"),
        ([("agg", "level:avg,level:avg")], "name-twice", "agg"),
        ([("every", "PT25H")], "not-a-period", "every"),
        ([("every", "P1DT1H")], "not-a-period", "every"),
        ([("every", "P0D")], "not-a-period", "every"),
        ([("every", "P101Y")], "not-a-period", "every"),
        ([("every", "hour")], "not-a-period", "every"),
        ([("fill", "null")], "fill-without-every", "fill"),
        ([("every", "P1D"), ("fill", "zero")], "not-a-choice", "fill"),
        ([("by", "nothing")], "unknown-field", "by"),
        ([("sort", "level")], "unknown-field", "sort"),
        ([("select", "level")], "unknown-parameter", "select"),
        (
            [("every", "PT1S"), ("fill", "null"), ("time", "2020-01-01/2026-01-01")],
            "many-buckets",
            "every",
        ),
    ],
)
def test_what_cannot_be_worked_out_is_told(desk: Desk, pairs, code, parameter):
    table = entry(SCHEMA, name=f"g{next(_tables)}")
    desk.commit(table, readings("2026-01-01T00:00:00"))
    with pytest.raises(ParameterError) as caught:
        asked(desk, table, *pairs)
    assert (caught.value.code, caught.value.params["parameter"]) == (code, parameter)


def test_columns_of_one_name_are_refused(desk: Desk):
    fields = [{"name": "count", "type": "integer"}, {"name": "bucket"}]
    table = entry({"name": "named", "version": "1.0.0", "fields": fields}, name="clash")
    with pytest.raises(ParameterError) as caught:
        asked(desk, table, ("by", "count,bucket"))
    assert caught.value.code == "group-name-twice"
    told = asked(desk, table, ("by", "bucket"), ("agg", "count:max"), ("sort", "-count_max"))
    assert told == []


def test_years_too_far_apart_for_a_calendar_are_told(desk: Desk):
    table = entry(SCHEMA, name="ages")
    desk.commit(
        table, readings("0001-01-01T00:00:00", "2026-03-29T12:00:00", "9998-12-31T23:00:00")
    )
    days = asked(desk, table, ("every", "P1D"), ("tz", "Europe/Copenhagen"))
    assert [it["bucket"] for it in days][1:] == [
        "2026-03-29T00:00:00+01:00",
        "9999-01-01T00:00:00+01:00",
    ]
    for zone in ("Europe/Copenhagen", "Europe/London"):
        with pytest.raises(ParameterError) as caught:
            asked(desk, table, ("every", "P1Y"), ("tz", zone), ("fill", "null"))
        assert caught.value.code in {"many-years", "many-buckets"}
