"""Text profiles: how Danish systems write numbers and times, stated by one name."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from commands import installation
from frictionless import Dialect, Schema, system, validate
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import Court, court, entry
from scale import scale

from publisher.model.profile import PROFILES
from publisher.validation.explain import explained
from publisher.validation.validate import validated

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
CLOCKS = ["%H:%M", "%H:%M:%S"]
DAYS = ["%d-%m-%Y", "%d.%m.%Y", "%d/%m/%Y"]
TIMES = [
    *(f"{day} {clock}" for day in DAYS for clock in CLOCKS),
    *(f"%Y-%m-%d{between}{clock}" for between in " T" for clock in CLOCKS),
]
few = settings(max_examples=scale(18, 2_000))


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    with court(tmp_path_factory.mktemp("profiles")) as found:
        yield found


def values(judge: Court, kind: str, cells: list[str], **view: Any) -> dict[int, Any]:
    """Harvest the *cells* as a column, and give what is stored of those that pass."""
    fields = [{"name": "n", "type": "integer"}, {"name": "v", "type": kind}]
    text = "n;v\n" + "".join(f"{n};{cell}\n" for n, cell in enumerate(cells))
    views = {"fields": {"v": view}} if view else {}
    judge.judge(entry({"fields": fields}, profile="danish", **views), text)
    return dict(judge.good("n, v"))


def written(value: Decimal, *, grouped: bool) -> str:
    text = f"{value:,f}" if grouped else f"{value:f}"
    return text.translate(str.maketrans(",.", ".,"))


@few
@given(st.lists(st.tuples(st.decimals(-(10**9), 10**9, places=3), st.booleans()), min_size=1))
def test_numbers_come_back_as_they_were(judge: Court, numbers: list[tuple[Decimal, bool]]) -> None:
    cells = [written(value, grouped=grouped) for value, grouped in numbers]
    found = values(judge, "number", cells)
    assert found == {n: float(value) for n, (value, _) in enumerate(numbers)}


def plain_number(text: str) -> float | None:
    """Read a number as the profile has it, by plain Python."""
    sign, digits = (text[:1], text[1:]) if text[:1] in {"-", "+"} else ("", text)
    whole, comma, decimals = digits.partition(",")
    if "." in digits:
        first, *groups = whole.split(".")
        right = re.fullmatch("[1-9][0-9]{0,2}", first) and all(
            re.fullmatch("[0-9]{3}", group) for group in groups
        )
        if not right or not groups or "." in decimals:
            return None
        whole = first + "".join(groups)
    try:
        return float(f"{sign}{whole}{'.' if comma else ''}{decimals}")
    except ValueError:
        return None


@few
@given(st.lists(st.text("0159.,-+", min_size=1, max_size=9), min_size=1))
def test_a_point_counts_before_exactly_three_digits(judge: Court, cells: list[str]) -> None:
    plain = {n: value for n, cell in enumerate(cells) if (value := plain_number(cell)) is not None}
    assert values(judge, "number", cells) == plain
    whole = {n: int(value) for n, value in plain.items() if "," not in cells[n]}
    assert values(judge, "integer", cells) == whole


def instant(moment: datetime, fold: int = 0) -> datetime:
    placed = moment.replace(tzinfo=COPENHAGEN, fold=fold).astimezone(UTC)
    return placed.replace(tzinfo=None)


MOMENTS = st.datetimes(datetime(1995, 1, 1), datetime(2050, 1, 1)).map(
    lambda moment: moment.replace(second=0, microsecond=0)
)
NEAR_THE_GAP = st.integers(-150, 150).map(
    lambda minutes: datetime(2025, 3, 30, 2) + timedelta(minutes=minutes)
)
# What comes twice may be settled by the order of the others
ONCE = (MOMENTS | NEAR_THE_GAP).filter(lambda it: instant(it) >= instant(it, fold=1))


@few
@given(st.lists(st.tuples(ONCE, st.sampled_from(TIMES)), min_size=1))
def test_local_times_come_back_as_instants(judge: Court, times: list[tuple[datetime, str]]) -> None:
    cells = [moment.strftime(form) for moment, form in times]
    expected = {
        n: instant(moment)
        for n, (moment, _) in enumerate(times)
        if instant(moment) == instant(moment, fold=1)  # in the gap it does not exist
    }
    assert values(judge, "datetime", cells) == expected


@few
@given(st.lists(st.tuples(st.dates(date(1000, 1, 1)), st.sampled_from([*DAYS, "%Y-%m-%d"]))))
def test_dates_come_back_as_they_were(judge: Court, dates: list[tuple[date, str]]) -> None:
    cells = [day.strftime(form) for day, form in dates]
    assert values(judge, "date", cells) == {n: day for n, (day, _) in enumerate(dates)}


@pytest.mark.parametrize(
    ("kind", "cell", "view", "stored"),
    [
        ("number", "1.5", {}, None),
        ("number", "1.5", {"decimalChar": "."}, 1.5),
        ("number", "1 234,5", {"groupChar": " "}, 1234.5),
        ("number", "1.234,5", {"groupChar": " "}, None),
        ("number", "kr. 1.234,50", {"bareNumber": False}, 1234.5),
        ("number", "kr. 1.5", {"bareNumber": False}, None),
        ("integer", "1.234", {}, 1234),
        ("datetime", "01/02/2026 10:00", {}, datetime(2026, 2, 1, 9)),
        ("datetime", "01/02/2026 10:00", {"format": "%m/%d/%Y %H:%M"}, datetime(2026, 1, 2, 9)),
        ("datetime", "2026-01-02T10:00:00", {"format": "%d-%m-%Y %H:%M"}, None),
        ("datetime", "2026-01-02T10:00:00+03:00", {}, datetime(2026, 1, 2, 7)),
        ("datetime", "01-02.2026 10:00", {}, None),
        ("datetime", "25-10-2026 02:30", {}, None),
        ("datetime", "01-02-2026", {}, None),
        ("date", "1/2/2026", {}, date(2026, 2, 1)),
        ("date", "01-02-26", {}, None),
    ],
)
def test_what_is_stated_goes_before_the_profile(
    judge: Court, kind: str, cell: str, view: dict[str, Any], stored: Any
) -> None:
    assert values(judge, kind, [cell], **view) == ({} if stored is None else {0: stored})


FIELDS: list[dict[str, Any]] = [
    {"name": "station", "type": "string", "constraints": {"required": True}},
    {"name": "at", "type": "datetime"},
    {"name": "level", "type": "number", "constraints": {"minimum": -5, "maximum": 20}},
    {"name": "count", "type": "integer", "constraints": {"minimum": 0}},
    {"name": "day", "type": "date"},
]
PLAIN = {
    "station": ["a", "å", "", "Ribe Å"],
    "at": ["01-02-2026 10:00", "31-12-2025 23:59", "31-02-2026 10:00", "x", "", "1-7-2026 1:00"],
    "level": ["1,5", "-5", "20", "20,001", "1e1", "x", "", " 2,5"],
    "count": ["0", "12", "-1", "5,0", "", "x"],
    "day": ["01-02-2026", "31-04-2026", "", "1-2-2026"],
}
LINES = st.lists(st.tuples(*(st.sampled_from(PLAIN[field["name"]]) for field in FIELDS)))


@settings(max_examples=scale(18, 1_000))
@given(LINES, st.sampled_from(["danish", "danish-windows-1252"]))
def test_stated_by_standard_properties_the_verdict_is_frictionless(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, ...]], name: Any
) -> None:
    """What the profile expands to is Table Schema: Frictionless finds the same errors by it."""
    folder, profile = tmp_path_factory.mktemp("stated"), PROFILES[name]
    data, schema = folder / "data.csv", folder / "schema.json"
    names = [field["name"] for field in FIELDS]
    text = "".join(f"{';'.join(line)}\n" for line in (names, *lines))
    data.write_bytes(text.encode(profile.encoding))
    plain = {"fields": FIELDS, "primaryKey": ["station", "at"]}
    schema.write_bytes(orjson.dumps(plain))
    expanded = [{**field, **profile.writing(field["type"], field).properties} for field in FIELDS]
    with system.use_context(trusted=True):
        theirs = validate(
            str(data),
            schema=Schema.from_descriptor({**plain, "fields": expanded}),
            dialect=Dialect.from_descriptor(profile.dialect({})),
            encoding=profile.encoding,
        )
    with validated(data, schema, profile=profile) as report:
        ours = report.descriptor
    found = [
        [(it.get("rowNumber"), it["type"], it.get("fieldName")) for it in errors]
        for errors in (theirs.to_descriptor()["tasks"][0]["errors"], ours["tasks"][0]["errors"])
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "danish"), ("utf-8-sig", "danish"), ("cp1252", "danish-windows-1252")],
)
def test_a_file_is_read_in_its_encoding(
    tmp_path: Path, judge: Court, encoding: str, name: Any
) -> None:
    schema = {"fields": FIELDS, "primaryKey": ["station", "at"]}
    data, described = tmp_path / "data.csv", tmp_path / "schema.json"
    described.write_bytes(orjson.dumps(schema))
    text = "station;at;level;count;day\nÅ;01.07.2026 10:00;-0,5;1.000;31/12/2025\n"
    data.write_bytes(text.encode(encoding))
    with validated(data, described, profile=PROFILES[name]) as report:
        assert report.valid, report.descriptor
    judge.judge(entry(schema, profile=name), data.read_bytes())
    row = ("Å", datetime(2026, 7, 1, 8), -0.5, 1000, date(2025, 12, 31))
    assert judge.good('station, "at", level, count, day') == [row]


BY_PROOF: list[dict[str, str]] = []
BY_FRICTIONLESS_ITSELF = [{"type": "ascii-value"}]


@pytest.mark.parametrize("checks", [BY_PROOF, BY_FRICTIONLESS_ITSELF])
@pytest.mark.parametrize("limit", [None, 3])
def test_an_hour_that_comes_twice_is_no_doubled_key(
    tmp_path: Path, checks: list[dict[str, str]], limit: int | None
) -> None:
    schema, data = tmp_path / "schema.json", tmp_path / "data.csv"
    schema.write_bytes(orjson.dumps({"fields": FIELDS[:2], "primaryKey": ["station", "at"]}))
    hours = ["01:00", "02:00", "02:00", "02:00", "03:00", "03:00"]
    lines = [f"a;{form}" for form in (f"25-10-2026 {hour}" for hour in hours)]
    data.write_text("\n".join(["station;at", *lines, "a;29.03.2026 02:30:00", ""]))
    with validated(
        data,
        schema,
        profile=PROFILES["danish"],
        checks=checks,
        limit_errors=limit,
        stop_at_limit=limit is not None,
    ) as report:
        (task,) = report.descriptor["tasks"]
        assert report.errors == 3
    assert [(error["rowNumber"], error["type"]) for error in task["errors"]] == [
        (5, "primary-key"),
        (7, "primary-key"),
        (8, "type-error"),
    ]
    assert "does not exist in Europe/Copenhagen" in task["errors"][-1]["note"]


def test_what_a_profile_refuses_is_told_with_what_to_do(tmp_path: Path) -> None:
    schema, data = tmp_path / "schema.json", tmp_path / "data.csv"
    schema.write_bytes(orjson.dumps({"fields": FIELDS}))
    data.write_text(
        "station;at;level;count;day\na;29-03-2026 02:30;1.5;1.50;\na;29-03-2026 01:30;0.181;1;\n"
    )
    with validated(data, schema, profile=PROFILES["danish"]) as report:
        told = {
            (it.field, language): it.remedy
            for language in ("en", "da")
            for it in explained(report, language)
        }
    assert "clocks in Europe/Copenhagen are put forward past this time" in told["at", "en"]
    assert "urene i Europe/Copenhagen stilles frem" in told["at", "da"]
    assert 'if the source writes decimal points, state "decimalChar": "."' in told["level", "en"]
    assert 'skriver kilden decimalpunktum, så angiv "decimalChar": "."' in told["level", "da"]
    assert "counts only before exactly three digits" in told["count", "en"]
    assert "kun før præcis tre cifre" in told["count", "da"]


def test_an_unknown_profile_is_told_with_the_nearest(tmp_path: Path) -> None:
    here = installation(tmp_path)
    file = tmp_path / "levels.csv"
    file.write_text("station;at;level\nÅ;01-02-2026 10:00;9,5\n")
    asked = ["validate", str(file), "--schema", "level", "--profile"]
    assert here.run(*asked, "danish").code == 0
    ended = here.run(*asked, "danich")
    assert (ended.code, "“danish”" in ended.err) == (2, True)
