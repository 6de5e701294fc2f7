"""Times placed in time, and units converted, before anything is judged by them. Data made up."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judging import Court, court, entry

from publisher.errors import ConfigurationError
from publisher.validation.units import conversion

SERIES = {
    "fields": [
        {"name": "id", "type": "string", "role": "entity"},
        {"name": "at", "type": "datetime", "role": "time"},
    ],
    "primaryKey": ["id", "at"],
}
COPENHAGEN: dict[str, Any] = {
    "timezone": "Europe/Copenhagen",
    "fields": {"at": {"format": "%Y-%m-%d %H:%M"}, "id": {}},
    "dialect": {"csv": {"delimiter": ","}},
}


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Court]:
    with court(tmp_path) as found:
        yield found


def rows(*times: str, entity: str = "a") -> str:
    return "".join(f"{entity},{time}\n" for time in times)


@pytest.mark.parametrize("day", ["2025-03-30", "2026-03-29"])
def test_a_time_in_the_gap_does_not_exist(judge: Court, day: str) -> None:
    judge.judge(
        entry(SERIES, **COPENHAGEN),
        "id,at\n" + rows(f"{day} 01:59", f"{day} 02:00", f"{day} 02:59", f"{day} 03:00"),
    )
    date = datetime.fromisoformat(day)
    assert judge.good('"at"') == [(date.replace(minute=59),), (date.replace(hour=1),)]
    # As with any cell that cannot be read, a key without it is (a, nothing), here twice
    assert judge.refusals() == [
        (3, "type-error", "at"),
        (4, "type-error", "at"),
        (4, "primary-key", None),
    ]
    assert "does not exist in Europe/Copenhagen" in judge.bad()[0]["errors"][0]["note"]


def test_the_fold_is_settled_by_the_order_of_each_series(judge: Court) -> None:
    day = "2025-10-26"
    judge.judge(
        entry(SERIES, **COPENHAGEN),
        "id,at\n"
        + rows(f"{day} 01:30", f"{day} 02:00", f"{day} 02:30")
        + rows(
            f"{day} 02:30",
            f"{day} 02:00",
            f"{day} 02:30",
            f"{day} 02:00",
            f"{day} 01:30",
            entity="down",
        )
        + rows(f"{day} 02:00", f"{day} 02:30", f"{day} 03:00"),
    )
    assert judge.bad() == []
    found = judge.good("id, strftime(\"at\", '%H:%M')")
    assert [time for entity, time in found if entity == "a"] == [
        "23:30", "00:00", "00:30", "01:00", "01:30", "02:00",
    ]  # fmt: skip
    assert [time for entity, time in found if entity == "down"] == [
        "01:30", "01:00", "00:30", "00:00", "23:30",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "times",
    [
        ["01:00", "02:00", "02:30", "03:00"],
        ["02:00", "02:30", "02:00", "02:30"],
        ["01:00", "02:00", "02:30", "02:00", "02:30", "02:00"],
    ],
    ids=["no break", "no direction", "two breaks"],
)
def test_a_fold_that_the_order_does_not_decide_is_refused(judge: Court, times: list[str]) -> None:
    day = "2026-10-25"
    content = "id,at\n" + rows(*(f"{day} {time}" for time in times))
    found = judge.judge(entry(SERIES, **COPENHAGEN), content)
    undecided = [number for number, time in enumerate(times, 2) if time.startswith("02")]
    assert [row for row, rule, _ in judge.refusals() if rule == "type-error"] == undecided
    assert found.good == len(times) - len(undecided)
    assert "exists twice" in judge.bad()[0]["errors"][0]["note"]


def test_rows_of_other_deliveries_decide_no_fold_when_rows_are_judged_again(judge: Court) -> None:
    schema = {**SERIES, "fields": [*SERIES["fields"], {"name": "n", "type": "integer"}]}
    view = {**COPENHAGEN, "fields": {**COPENHAGEN["fields"], "n": {"missingValues": ["-"]}}}
    day, times = "2026-10-25", ["01:00", "02:00", "02:00", "03:00"]
    lines = "".join(f"a,{day} {time},-\n" for time in times)
    judge.judge(entry(schema, **COPENHAGEN), "id,at,n\n" + lines)
    waiting = judge.quarantined(entry(schema))
    judge.rejudge(entry(schema, **view), waiting)
    assert judge.refusals() == []
    judge.rejudge(
        entry(schema, **view),
        [replace(row, delivery="1" if row.row_number < 4 else "2") for row in waiting],
    )
    assert [row for row, _, _ in judge.refusals()] == [3, 4]


def test_an_hourly_series_through_the_fold(judge: Court) -> None:
    """The same hour twice in a row is the break."""
    day = "2026-10-25"
    content = "id,at\n" + rows(*(f"{day} {time}" for time in ["01:00", "02:00", "02:00", "03:00"]))
    judge.judge(entry(SERIES, **COPENHAGEN), content)
    hours = [(datetime(2026, 10, 24, 23),)] + [(datetime(2026, 10, 25, hour),) for hour in range(3)]
    assert judge.good('"at"') == hours


def test_keys_and_bounds_are_judged_in_time(judge: Court) -> None:
    schema = {
        "fields": [
            {
                "name": "at",
                "type": "datetime",
                "constraints": {
                    "minimum": "2025-01-01T00:00:00",
                    "maximum": "2025-01-01T03:00:00+02:00",
                },
            }
        ],
        "primaryKey": ["at"],
    }
    cells = [
        "2025-01-01T01:00:00",
        "2025-01-01T00:00:00Z",
        "2025-01-01T00:59:59",
        "2025-01-01T02:00:00",
        "2025-01-01T02:00:01",
    ]
    judge.judge(entry(schema, timezone="+01:00"), "at\n" + "\n".join(cells) + "\n")
    assert judge.good('"at"') == [(datetime(2025, 1, 1),), (datetime(2025, 1, 1, 1),)]
    assert [(row, rule) for row, rule, _ in judge.refusals()] == [
        (3, "primary-key"),
        (4, "constraint-error"),
        (6, "constraint-error"),
    ]
    notes = [row["errors"][0]["note"] for row in judge.bad()]
    assert notes == [
        "the same as in the row at position 2",
        'constraint "minimum" is "2025-01-01T00:00:00"',
        'constraint "maximum" is "2025-01-01T03:00:00+02:00"',
    ]


def test_a_time_beyond_the_calendar_is_refused(judge: Court) -> None:
    table = entry({"fields": [{"name": "at", "type": "datetime"}]}, timezone="+01:00")
    judge.judge(table, "at\n0001-01-01T00:30:00\n9999-12-31T23:59:59\n")
    assert judge.refusals() == [(2, "type-error", "at")]


def test_a_unit_in_a_label_is_never_trusted(judge: Court) -> None:
    """A real export's label says cm and its cells are metres."""
    label = "Vandstand (cm DVR90)"
    schema = {
        "fields": [{"name": "level", "type": "number", "unit": "m", "constraints": {"maximum": 4}}]
    }
    content = f"{label}\n3.61\n361\n"
    judge.judge(entry(schema, fields={"level": {"column": label}}), content)
    assert judge.good("level") == [(3.61,)]
    judge.judge(entry(schema, fields={"level": {"column": label, "unit": "cm"}}), content)
    assert judge.good("level") == [(0.0361,), (3.61,)]


def test_a_whole_number_must_stay_whole(judge: Court) -> None:
    schema = {"fields": [{"name": "v", "type": "integer", "unit": "V"}]}
    judge.judge(entry(schema, fields={"v": {"unit": "mV"}}), "v\n3000\n3600\n")
    assert judge.good("v") == [(3,)]
    assert judge.refusals() == [(3, "type-error", "v")]


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("20", "Cel", "[degF]", "68"),
        ("-40", "[degF]", "Cel", "-40"),
        ("0", "Cel", "K", "273.15"),
        ("0.1", "cm", "m", "0.001"),
        ("55", "%", "1", "0.55"),
        ("0.5", "1", "%", "50"),
        ("420", "[ppm]", "%", "0.042"),
        ("1013.25", "hPa", "Pa", "101325"),
        ("36", "km/h", "m/s", "10"),
        ("1", "kW.h", "J", "3600000"),
        ("1", "L/m2", "mm", "1"),
        ("3600", "mV", "V", "3.6"),
    ],
)
def test_conversion_is_exact(value: str, source: str, target: str, expected: str) -> None:
    assert conversion(source, target).apply(Decimal(value)) == Decimal(expected)


@given(st.decimals(-1000, 1000, places=3), st.sampled_from(["cm", "mm", "km", "[ft_i]"]))
def test_there_and_back_is_where_it_was(value: Decimal, unit: str) -> None:
    there = conversion(unit, "m").apply(value)
    assert round(conversion("m", unit).apply(there), 20) == value


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        ("m", "s", "incompatible-units"),
        ("B", "1", "nonlinear-unit"),
        ("meter", "m", "unknown-unit"),
        ("", "m", "unknown-unit"),
        ("10*999999999.m", "m", "unknown-unit"),  # would be worked out for years
        ("m.km-999999999", "m", "unknown-unit"),
        ("(" * 40 + "m" + ")" * 40, "m", "unknown-unit"),
        ("m{" + "a" * 1_000 + "}", "m", "unknown-unit"),
        ("10*99.10*99.10*99.10*99.m", "m", "nonlinear-unit"),
    ],
)
def test_units_that_cannot_be_converted(source: str, target: str, code: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        conversion(source, target)
    assert error.value.code == code


def test_threads_that_ask_for_units_at_once_all_get_them() -> None:
    # In a process of its own: what is asked for first builds what all others use.
    program = """
import sys, threading
from publisher.validation.units import conversion
start, wrong = threading.Barrier(8), []
def ask(unit):
    start.wait()
    try:
        conversion(unit, "m")
    except Exception as error:
        wrong.append(f"{unit}: {error}")
threads = [threading.Thread(target=ask, args=[unit]) for unit in ["cm", "[ft_i]", "km", "mm"] * 2]
for thread in threads: thread.start()
for thread in threads: thread.join()
sys.exit("; ".join(wrong) or 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
