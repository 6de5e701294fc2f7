"""Further checks of series: what the SQL finds is what a plain loop finds, however rows arrive."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from judging import Court, court, entry
from scale import scale

from publisher.validation.validate import validated

START = datetime(2026, 1, 1)
MINUTE = timedelta(minutes=1)
SCHEMA = {
    "fields": [
        {"name": "sensor", "type": "string", "role": "entity"},
        {"name": "time", "type": "datetime", "role": "time"},
        {"name": "value", "type": "number"},
    ],
    "primaryKey": ["sensor", "time"],
}
STORED = "temp.stored"


class Reading(NamedTuple):
    sensor: str
    minute: int
    value: float | None


class Kept(NamedTuple):
    minute: int
    value: float | None
    row: int | None
    """Its row number, None where an earlier delivery brought it."""


Series = list[Kept]
"""One entity's, by time."""
Oracle = Callable[[Series], set[int]]


def pairs(series: Series) -> Iterator[tuple[Kept, Kept]]:
    there = [it for it in series if it.value is not None]
    return itertools.pairwise(there)


def steps(maximum: float, within: int | None) -> Oracle:
    def look(series: Series) -> set[int]:
        found = set()
        for before, it in pairs(series):
            near = within is None or it.minute - before.minute <= within
            told = it.row if it.row is not None else before.row
            if abs(it.value - before.value) > maximum and near and told is not None:
                found.add(told)
        return found

    return look


def falls(series: Series) -> set[int]:
    found = set()
    for before, it in pairs(series):
        told = it.row if it.row is not None else before.row
        reset = before.value > 0 and it.value * 10 <= before.value
        if it.value < before.value and not reset and told is not None:
            found.add(told)
    return found


def gaps(longest: float) -> Oracle:
    def look(series: Series) -> set[int]:
        return {
            it.row
            for before, it in itertools.pairwise(series)
            if it.minute - before.minute > longest and it.row is not None
        }

    return look


def flat(length: int | None, rows: int | None, tolerance: float) -> Oracle:
    def look(series: Series) -> set[int]:
        there = [it for it in series if it.value is not None]
        found = set()
        for place, it in enumerate(there):
            alike = []
            for other in reversed(there[: place + 1]):
                if abs(other.value - it.value) > tolerance:
                    break
                alike.append(other)
            lasted = length is not None and it.minute - alike[-1].minute >= length
            if it.row is not None and (lasted or (rows is not None and len(alike) >= rows)):
                found.add(it.row)
        return found

    return look


CHECKS: list[tuple[dict[str, Any], Oracle]] = [
    ({"type": "step-change", "fields": ["value"], "maximum": 2}, steps(2, None)),
    (
        {"type": "step-change", "fields": ["value"], "maximum": 1, "within": "PT7M"},
        steps(1, 7),
    ),
    ({"type": "missing-interval", "interval": "PT4M", "tolerance": 1.5}, gaps(6)),
    ({"type": "flat-line", "for": "PT10M"}, flat(10, None, 0)),
    ({"type": "flat-line", "for": "PT9M", "tolerance": 1}, flat(9, None, 1)),
    ({"type": "flat-line", "rows": 3, "tolerance": 1}, flat(None, 3, 1)),
    (
        {"type": "falling-total", "fields": ["value"], "resets": True, "severity": "warning"},
        falls,
    ),
]


CELLS = st.tuples(
    st.sampled_from(["a", "b", "", " a", "æ"]),
    st.builds(
        str.format,
        st.sampled_from(
            [
                "2026-01-01T00:{:02}:00Z",
                "2026-01-01T01:{:02}:00+01:00",
                "2026-01-01T00:{:02}:00",
                "2026-01-01 00:{:02}:00",
                "x{}",
            ]
        ),
        st.integers(0, 59),
    ),
    st.sampled_from(["1", "1.50", "-3", "2e1", "6553.5", "99", "", "x", " 1", "NaN", "1_0"]),
)
ALL = [
    {"type": "plausible-range", "fields": ["value"], "minimum": -2, "maximum": 50},
    {"type": "sentinel-value"},
    *({**check, "severity": "error"} for check, _ in CHECKS),
]


@given(
    rows=st.lists(CELLS | CELLS.map(lambda it: it[:2]) | st.just(()), max_size=12),
)
@settings(max_examples=scale(12, 1_000), deadline=None)
def test_cells_that_are_proved_are_checked_as_those_that_are_read(
    rows: list[tuple[str, ...]],
) -> None:
    found = []
    # A field of type any is nothing that can be proved: Frictionless reads its rows
    for more in ([], [{"name": "more", "type": "any"}]):
        fields = [*SCHEMA["fields"], *more]
        head = ["sensor", "time", "value", *(field["name"] for field in more)]
        lines = [head, *([*row, *("1" for _ in more)] if len(row) > 2 else row for row in rows)]
        with tempfile.TemporaryDirectory() as folder:
            file, schema = Path(folder) / "file.csv", Path(folder) / "schema.json"
            file.write_text("".join(f"{','.join(line)}\n" for line in lines))
            schema.write_bytes(orjson.dumps({**SCHEMA, "fields": fields}))
            # Stated, for what Frictionless guesses of a file depends on its columns
            dialect = {"headerRows": [1], "csv": {"delimiter": ","}}
            with validated(file, schema, dialect=dialect, encoding="utf-8", checks=ALL) as report:
                errors = report.descriptor["tasks"][0]["errors"]
        names = {check["type"] for check in ALL}
        found.append(
            [
                (error["type"], error["rowNumber"], error["fieldName"], error["note"])
                for error in errors
                if error["type"] in names
            ]
        )
    assert found[0] == found[1], [set(found[0]) - set(found[1]), set(found[1]) - set(found[0])]


def store(judge: Court) -> None:
    judge.con.execute(f"INSERT INTO {STORED} BY NAME SELECT * EXCLUDE _row_number FROM judged_good")


@pytest.fixture(scope="module")
def judge() -> Iterator[Court]:
    with tempfile.TemporaryDirectory() as folder, court(Path(folder)) as found:
        yield found


def fresh(judge: Court) -> None:
    judge.con.execute(
        "CREATE OR REPLACE TEMP TABLE stored(sensor VARCHAR, time TIMESTAMP, value DOUBLE)"
    )


def delivery(readings: list[Reading]) -> str:
    lines = (
        f"{it.sensor},{(START + it.minute * MINUTE).isoformat()}Z,"
        f"{'' if it.value is None else it.value}\n"
        for it in readings
    )
    return "sensor,time,value\n" + "".join(lines)


def deliveries(values: st.SearchStrategy[float | None]) -> st.SearchStrategy[list[list[Reading]]]:
    reading = st.builds(Reading, st.sampled_from("ab"), st.integers(0, 40), values)
    one = st.lists(reading, min_size=1, max_size=12, unique_by=lambda it: it[:2])
    return st.lists(one, min_size=1, max_size=3)


@given(sent=deliveries(st.none() | st.integers(0, 4).map(float) | st.just(40.0)))
@example(sent=[[Reading("a", n, 40.0) for n in (2, 3, 4)], [Reading("a", 11, 40.0)]])
@settings(max_examples=scale(25, 2_000))
def test_a_series_is_looked_at_as_a_loop_would(judge: Court, sent: list[list[Reading]]) -> None:
    checks = [{"severity": "warning", **check} for check, _ in CHECKS]
    table = entry(SCHEMA, checks=checks, maxBad="100%")
    fresh(judge)
    kept: dict[tuple[str, int], float | None] = {}
    for readings in sent:
        rows = {it[:2]: number for number, it in enumerate(readings, start=2)}
        kept |= {it[:2]: it.value for it in readings}
        expected = []
        for check, oracle in CHECKS:
            found: set[int] = set()
            for sensor in "ab":
                series = [
                    Kept(minute, value, rows.get((name, minute)))
                    for (name, minute), value in sorted(kept.items(), key=lambda it: it[0])
                    if name == sensor
                ]
                found |= oracle(series)
            if found:
                first = ", ".join(map(str, sorted(found)[:10]))
                expected.append((check["type"], len(found), first))
        judged = judge.judge(table, delivery(readings), stored=STORED)
        told = [(it.params["check"], it.params["count"], it.params["rows"]) for it in judged.notes]
        assert told == expected
        assert judged.bad == 0
        keys = "(sensor, time) IN (SELECT (sensor, time) FROM judged_good)"
        judge.con.execute(f"DELETE FROM {STORED} WHERE {keys}")
        store(judge)


@given(sent=deliveries(st.integers(0, 30).map(float)))
@settings(max_examples=scale(25, 2_000))
def test_a_refused_total_never_makes_the_table_fall(
    judge: Court, sent: list[list[Reading]]
) -> None:
    table = entry(SCHEMA, checks=[{"type": "falling-total", "fields": ["value"]}], maxBad="100%")
    fresh(judge)
    kept: dict[tuple[str, int], float] = {}
    for readings in sent:
        # A key that came before would be a correction, which may lower a total
        new = [it for it in readings if it[:2] not in kept]
        if not new:
            continue
        refused = set()
        numbered = sorted(enumerate(new, start=2), key=lambda it: it[1][:2])
        before = dict(kept)
        for number, it in numbered:
            earlier = [v for (s, m), v in kept.items() if s == it.sensor and m < it.minute]
            later = [v for (s, m), v in before.items() if s == it.sensor and m > it.minute]
            if any(v > it.value for v in earlier) or any(v < it.value for v in later):
                refused.add(number)
            else:
                kept[it[:2]] = it.value
        judge.judge(table, delivery(new), stored=STORED)
        assert {row for row, _, _ in judge.refusals()} == refused
        store(judge)
