"""Partners' tables and our own asked as one: wherever rows lie, the answer is the same."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from federating import DataStore, Town, bound, ckan_at, datastore_at, publisher_at, towns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scale
from support import CkanSite

START = datetime(2026, 3, 28, 20)
SCHEMA: dict[str, Any] = {
    "name": "levels",
    "version": "1.0.0",
    "missingValues": [],
    "fields": [
        {"name": "station", "role": "entity", "constraints": {"required": True}},
        {"name": "at", "type": "datetime", "role": "time", "constraints": {"required": True}},
        {"name": "level", "type": "integer", "unit": "cm"},
        {"name": "note"},
        {"name": "east", "type": "number", "role": "longitude"},
        {"name": "north", "type": "number", "role": "latitude"},
    ],
    "primaryKey": ["station", "at"],
}
COLUMNS = {
    "station": "text",
    "at": "timestamp",
    "level": "int",
    "note": "text",
    "east": "float",
    "north": "float",
}
_names = itertools.count()

rows_and_places = st.lists(
    st.tuples(
        st.tuples(
            st.sampled_from(["A", "a", "Å", "Aa", "b", "z"]),
            st.integers(0, 20).map(lambda hours: START + timedelta(hours=hours)),
            st.none() | st.integers(-3, 3),
            st.none() | st.sampled_from(["", "x", "Ø", "aa", 'q"']),
            st.none() | st.sampled_from([10.0, 10.5]),
            st.none() | st.sampled_from([56.0, 56.5]),
        ),
        st.sampled_from(["here", "publisher", "ckan"]),
    ),
    max_size=40,
    unique_by=lambda it: it[0][:2],
)
CONDITIONS = (
    ("level__gte", "0"),
    ("level", "1"),
    ("level__in", "1,2"),
    ("level__not", "0"),
    ("level__isnull", "true"),
    ("station__in", "A,Å,b"),
    ("station__gt", "a"),
    ("note__contains", "a"),
    ("note", "aa"),
    ("at__lt", "2026-03-29T04:00:00Z"),
    ("at", "2026-03-29T01:00:00Z"),
    ("filter", "note IS NULL OR level < 1"),
    ("filter", "NOT (level > 0 AND station LIKE 'A%')"),
    ("bbox", "9,55,10.2,56.2"),
    ("near", "10,56,1000"),
    ("time", "2026-03-29/.."),
)
SORTS = ("", "at", "-at", "level", "-level,note", "note,-at", "station", "-station,level", "east")
GROUPS: tuple[list[tuple[str, str]], ...] = (
    [("by", "station"), ("agg", "level:sum,*:count")],
    [("by", "note"), ("agg", "level:min,level:max,level:p50,level:count")],
    [("every", "P1D"), ("tz", "Europe/Copenhagen"), ("agg", "level:avg")],
    [("by", "station"), ("every", "PT6H"), ("agg", "level:first,level:last")],
    [("by", "note"), ("every", "PT6H"), ("agg", "level:max,level:sum,east:avg,north:count")],
    [("agg", "level:min,level:avg,note:max,*:count")],
)


QUESTIONS: dict[str, Any] = {
    "wanted": st.lists(st.sampled_from(CONDITIONS), max_size=3, unique_by=lambda it: it[0]),
    "sort": st.sampled_from(SORTS),
    "groups": st.none() | st.sampled_from(GROUPS),
    "limit": st.sampled_from([1, 3, 7, 1000]),
}


@contextmanager
def neighbours(folder: Path) -> Iterator[tuple[Town, Town]]:
    with towns(folder, "here", "there") as (here, there):
        here.befriend("norddjurs", publisher_at(there.url))
        yield here, there


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Town]]:
    with neighbours(tmp_path_factory.mktemp("towns")) as found:
        yield found


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Town, Town]]:
    with neighbours(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def table(ckan: CkanSite) -> Iterator[DataStore]:
    with datastore_at(ckan, COLUMNS) as found:
        yield found


@pytest.mark.parametrize("batch", range(scale(1, 10)))  # each with stores of its own
@settings(
    max_examples=scale(60, 500),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=rows_and_places, few=st.sampled_from([1, 1_000]), **QUESTIONS)
def test_an_answer_is_the_same_wherever_the_rows_lie(
    two, table, batch, monkeypatch, data, few, wanted, sort, groups, limit
):
    here, there = two
    # As of a long page, of which each is asked for about its share at first
    monkeypatch.setattr("publisher.query.federated._CHEAP", few)
    monkeypatch.setattr("publisher.partners.ckan._BEYOND", few)
    name = f"t{next(_names)}"
    by_place: dict[str, list[Any]] = {"here": [], "publisher": [], "ckan": []}
    for row, place in data:
        by_place[place].append(row)
    whole = here.table(SCHEMA, f"{name}-whole", [row for row, _ in data])
    ours = here.table(SCHEMA, name, by_place["here"])
    there.table(SCHEMA, name, by_place["publisher"])
    table.fill(by_place["ckan"])
    spec = ckan_at(table.site.url, {f"{name}/levels": {"resource": table.resource, "schema": "x"}})
    here.befriend("aarhus", spec, **{f"{name}/levels": bound(table.resource, ours)})

    asked = [*wanted, ("limit", str(limit))]
    if groups is not None:
        asked += groups
    elif sort:
        asked.append(("sort", sort))
    parted = [("from", f"{name}/levels"), ("from", f"{name}/levels@*")]
    found = here.walk(urlencode([*parted, *asked]))
    expected = here.walk(urlencode([("from", str(whole.ref)), *asked]))

    check_alike(found, expected, "" if groups else sort)


@settings(
    max_examples=scale(30, 1_000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    data=rows_and_places,
    wanted=st.lists(st.sampled_from(CONDITIONS), max_size=3, unique_by=lambda it: it[0]),
    sort=st.sampled_from(SORTS),
    select=st.sampled_from(["", "level,_source", "at,station", "north,_table,note"]),
    tz=st.sampled_from(["UTC", "Europe/Copenhagen"]),
    limit=st.sampled_from([1, 3, 7, 1000]),
    offset=st.sampled_from([0, 2]),
)
def test_one_publishers_rows_are_the_same_here_as_there(
    places, data, wanted, sort, select, tz, limit, offset
):
    here, there = places
    name = f"t{next(_names)}"
    made = there.table(SCHEMA, name, [row for row, _ in data])
    asked = [*wanted, ("limit", str(limit)), ("tz", tz)]
    asked += [(key, text) for key, text in (("sort", sort), ("select", select)) if text]
    asked += [("offset", str(offset))] * bool(offset)

    found = here.walk(urlencode([("from", f"{made.ref}@norddjurs"), *asked]))
    expected = there.walk(urlencode([("from", str(made.ref)), *asked]))

    told = {"_source": "norddjurs"}
    assert found == [{**row, **{it: told[it] for it in told if it in row}} for row in expected]


def test_a_publisher_works_out_its_own_groups_where_they_can_be_put_together(places):
    here, there = places
    name = f"t{next(_names)}"
    hours = [START + timedelta(hours=hour) for hour in range(500)]
    here.table(SCHEMA, name, [("a", at, 1, None, None, None) for at in hours])
    there.table(SCHEMA, name, [("b", at, 4, None, None, None) for at in hours[:250]])

    def asked(question: str) -> tuple[Any, Any]:
        page = here.get(f"/v1/query?from={name}/levels&from={name}/levels@norddjurs&{question}")
        return page["data"], page["sources"]["data"][1]

    [row], told = asked("agg=level:avg,level:sum,*:count")
    assert row == {"level_avg": 2.0, "level_sum": 1500, "count": 750}
    assert (told["rows"], told["pushedDown"]) == (1, ["groups"])
    rows, told = asked("every=P1D&by=_source,station&agg=level:max&level__gte=2")
    assert {(it["_source"], it["station"], it["level_max"]) for it in rows} == {
        ("norddjurs", "b", 4)
    }
    assert (told["rows"], told["pushedDown"]) == (len(rows), ["filter", "groups"])
    [row], told = asked("agg=level:median")
    assert (row, told["rows"]) == ({"level_median": 1.0}, 250)
    assert "groups" not in told["pushedDown"]


def test_numbers_in_another_unit_are_converted_and_kept_where_that_is_asked(places):
    here, there = places
    name = f"t{next(_names)}"
    metres = [
        {**it, "type": "number", "unit": "m"} if it["name"] == "level" else it
        for it in SCHEMA["fields"]
    ]
    here.table(SCHEMA, name, [("a", START, 150, None, None, None)])
    there.table({**SCHEMA, "fields": metres}, name, [("b", START, 2.5, None, None, None)])
    question = f"from={name}/levels&from={name}/levels@norddjurs&sort=level&original=level"
    assert [
        (it["level"], it["_original_level"], it["_unit_level"]) for it in here.walk(question)
    ] == [(150.0, 150.0, "cm"), (250.0, 2.5, "m")]


def test_a_walk_stays_in_the_units_that_it_began_in(places):
    here, there = places
    first, second = f"t{next(_names)}", f"t{next(_names)}"
    metres = [
        {**it, "type": "number", "unit": "m"} if it["name"] == "level" else it
        for it in SCHEMA["fields"]
    ]
    there.table(SCHEMA, first, [("a", START, 150, None, None, None)])
    there.table({**SCHEMA, "fields": metres}, second, [("b", START, 2.5, None, None, None)])
    here.befriend("aarhus", publisher_at("http://127.0.0.1:9"))
    question = f"from={first}/levels@aarhus&from={second}/levels@norddjurs"
    page = here.get(f"/v1/query?{question}")
    assert (page["complete"], page["units"]["level"]) == (False, "m")
    assert [it["level"] for it in page["data"]] == [2.5]
    here.befriend("aarhus", publisher_at(there.url))
    rest = here.get(page["resume"])
    assert (rest["complete"], rest["units"]["level"]) == (True, "m")
    assert [it["level"] for it in rest["data"]] == [1.5]
    assert here.get(f"/v1/query?{question}")["units"]["level"] == "cm"
    del here.partners["aarhus"]
    here.befriend("norddjurs", here.partners["norddjurs"].spec)


def test_an_order_by_what_was_before_the_conversion_is_kept_over_pages(places):
    here, there = places
    name = f"t{next(_names)}"
    metres = [
        {**it, "type": "number", "unit": "m"} if it["name"] == "level" else it
        for it in SCHEMA["fields"]
    ]
    levels = [5, 3, 9, 1, 7, 2]
    here.table(SCHEMA, name, [(f"a{it}", START, it, None, None, None) for it in levels])
    theirs = [(f"b{it}", START, it + 0.5, None, None, None) for it in levels]
    there.table({**SCHEMA, "fields": metres}, name, theirs)
    question = f"from={name}/levels&from={name}/levels@norddjurs&original=level"
    found = here.walk(f"{question}&sort=_original_level&limit=3")
    assert [it["_original_level"] for it in found] == sorted(
        [*levels, *(it + 0.5 for it in levels)]
    )


def test_where_a_place_has_no_rows_there_is_no_group_of_it(places):
    here, there = places
    name = f"t{next(_names)}"
    counted = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "level_sum"}]}
    here.table(counted, name, [("h", START, 1, None, None, None, "x")])
    there.table(SCHEMA, name, [("t", START, 3, None, None, None)])
    question = f"/v1/query?from={name}/levels&from={name}/levels@norddjurs"
    by = here.get(f"{question}&by=_source&agg=*:count&station=h")["data"]
    assert by == [{"_source": "local", "count": 1}]
    alone = here.get(f"/v1/query?from={name}/levels@norddjurs&by=_source&station=h")["data"]
    assert alone == []
    assert here.get(f"{question}&agg=*:count&station=none")["data"] == [{"count": 0}]
    mean = here.get(f"{question}&by=level_sum&agg=level:avg")
    assert mean["complete"], mean["sources"]
    assert {(it["level_sum"], it["level_avg"]) for it in mean["data"]} == {("x", 1.0), (None, 3.0)}


def test_what_is_for_rows_is_refused_of_groups(places):
    here, _ = places
    made = here.table(SCHEMA, f"t{next(_names)}", [])
    for parameter in ("select=station", "units=level:m", "original=level"):
        told = here.get(f"/v1/query?from={made.ref}&by=station&{parameter}", 400)
        assert told["code"] == "not-of-groups"


def test_a_schema_that_nobody_has_is_told(places):
    here, _ = places
    here.table(SCHEMA, f"t{next(_names)}", [])
    told = here.get("/v1/query?from=schema:level", 400)
    assert "schema:levels" in told["allowed"]


def check_alike(found: list[Any], expected: list[Any], sort: str) -> None:
    """Both hold the same rows, and in the same order as far as *sort* says."""
    assert canonical(found) == canonical(expected)
    terms = [term.removeprefix("-") for term in sort.split(",")] if sort else []
    assert [[it[term] for term in terms] for it in found] == [
        [it[term] for term in terms] for it in expected
    ]


def canonical(rows: list[dict[str, Any]]) -> list[str]:
    """Write rows without where they are from; means may differ in their last digit."""
    return sorted(
        repr(
            {
                name: round(it, 9) if isinstance(it, float) else it
                for name, it in row.items()
                if name[0] != "_"
            }
        )
        for row in rows
    )
