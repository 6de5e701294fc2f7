"""Partners that are a real pygeoapi: features, a forecast's grid, and stations that measure."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import Installation
from federating import Town, towns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pygeoapi_site import Site, serving
from scale import scale
from test_partners import SCHEMA, START, rows_and_places
from test_partners_standards import QUESTIONS, befriend, check_question, check_wherever

from publisher.model.partner import BoundTable, EdrPartner

FORECAST: dict[str, Any] = {
    "name": "forecast",
    "version": "1.0.0",
    "fields": [
        {"name": "at", "type": "datetime", "role": "time", "constraints": {"required": True}},
        {
            "name": "east",
            "type": "number",
            "role": "longitude",
            "constraints": {"required": True},
        },
        {"name": "north", "type": "number", "role": "latitude", "constraints": {"required": True}},
        {"name": "level", "type": "number"},
        {"name": "wind", "type": "number"},
    ],
    "primaryKey": ["at", "east", "north"],
}
MEASURED: dict[str, Any] = {
    **SCHEMA,
    "name": "measured",
    "fields": [it for it in SCHEMA["fields"] if it["name"] != "note"],
}
PLACED = [{**it, "constraints": {}} for it in FORECAST["fields"]]
OWN: dict[str, dict[str, Any]] = {
    "forecast": {
        "name": "forecast-own",
        "version": "1.0.0",
        "fields": [*PLACED[1:3], PLACED[0], *PLACED[3:]],
    },
    "measured": {
        "name": "measured-own",
        "version": "1.0.0",
        "fields": [
            *PLACED[1:3],
            PLACED[0],
            {"name": "station"},
            {"name": "level", "type": "number", "unit": "cm"},
        ],
    },
}
"""The same in the order, and with the types, in which a service tells of them."""
VIEWS = {"at": {"column": "t"}, "east": {"column": "x"}, "north": {"column": "y"}}
TIMES = [START + timedelta(hours=hours) for hours in (0, 1, 3, 5)]
EAST, NORTH = [10.0, 10.5], [56.5, 56.0, 55.5]
GRID = list(itertools.product(NORTH, EAST, TIMES))
ROWS = [
    (at, east, north, None if number % 5 == 0 else number - 10, number * 2.0)
    for number, (north, east, at) in enumerate(GRID)
]
STATIONS = [
    (name, at, None if at == TIMES[2] else number * 3 - at.hour, east, north)
    for number, (name, east, north) in enumerate(
        [("A", 10.0, 56.0), ("Å b", 10.5, 56.0), ("Aa", 10.5, 56.5)]
    )
    for at in TIMES
]
BOX = [9, 55, 11, 57]
EDR: dict[str, dict[str, Any]] = {
    "cube": {"collection": "grid", "query": "cube", "box": BOX},
    "position": {
        "collection": "grid",
        "instance": "today",
        "query": "position",
        "coords": "POINT(10.1 56.1)",
    },
    "locations": {"collection": "stations", "query": "locations"},
    "area": {"collection": "stations", "query": "area", "box": BOX},
}
CONDITIONS = (
    ("level__gte", "0"),
    ("level__isnull", "true"),
    ("level__in", "-1,3"),
    ("at__lt", "2026-03-29T00:00:00Z"),
    ("at", "2026-03-28T21:00:00Z"),
    ("time", "2026-03-28T20:30:00Z/.."),
    ("time", "2026-03-29T12:00:00Z/.."),
    ("time", "2027-01-01/.."),  # beyond what it has, and it refuses that
    ("bbox", "9,55,10.2,56.2"),
    ("bbox", "10,55.5,10.5,56"),
    ("bbox", "9.9,55.9,10.1,56.1"),
    ("bbox", "1,2,3,4"),
    ("near", "10,56,1000"),
)
OF_STATIONS = (("station", "A"), ("station", "Å b"), ("station__in", "A,Aa,b"), ("station", "b"))
SORTS = ("", "at", "-at", "level", "-level,east", "-north,at", "east")
GROUPS: tuple[list[tuple[str, str]], ...] = (
    [("by", "east"), ("agg", "level:sum,*:count")],
    [("by", "north"), ("every", "PT6H"), ("agg", "level:min,level:p50,level:count")],
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Site]]:
    site = Site(tmp_path_factory.mktemp("pygeoapi"))
    site.rows = []
    site.stations(STATIONS)
    held = {name: [row[3 + of] for row in ROWS] for of, name in enumerate(("level", "wind"))}
    site.grid(
        {"lat": NORTH, "lon": EAST, "time": [it.isoformat() for it in TIMES]},
        {name: _shaped(values) for name, values in held.items()},
    )
    with serving(site), towns(tmp_path_factory.mktemp("ogc"), "here") as (here,):
        here.table(FORECAST, "forecast", ROWS)
        here.table(MEASURED, "measured", STATIONS)
        here.table(OWN["forecast"], "forecast-own", [(*row[1:3], row[0], *row[3:]) for row in ROWS])
        here.table(
            OWN["measured"],
            "measured-own",
            [(east, north, at, name, level) for name, at, level, east, north in STATIONS],
        )
        yield here, site


def _shaped(values: list[Any]) -> list[Any]:
    """Give the values by latitude, longitude and time; what is none is not a number there."""
    known = [float("nan") if it is None else it for it in values]
    lines = [known[at : at + len(TIMES)] for at in range(0, len(known), len(TIMES))]
    return [lines[at : at + len(EAST)] for at in range(0, len(lines), len(EAST))]


def befriend_edr(here: Town, site: Site, kind: str, *, own: bool = False) -> str:
    """Have a table of the site's as a partner's; gives the one of ours that is the same.

    *own*: its fields are those that the site tells of.
    """
    shape = EDR[kind]
    of = "forecast" if shape["collection"] == "grid" else "measured"
    ours = f"{of}-own/levels" if own else f"{of}/levels"
    [schema] = [it.schema for it in here.entries.values() if str(it.ref) == ours]
    station = {"station": {"column": "location"}} if of == "measured" else {}
    table = {"fields": {**VIEWS, **station}, **shape}
    if not own:
        table["schema"] = "../schemas/any.yaml"
    name = f"{kind}/levels"
    spec = EdrPartner.model_validate(
        {"type": "ogc-edr", "title": "Made up", "url": site.url, "tables": {name: table}}
    )
    if spec != getattr(here.partners.get("other"), "spec", None):
        bound = BoundTable(spec.tables[name], None if own else schema)
        here.befriend("other", spec, **{name: bound})
    return ours


@settings(
    max_examples=scale(20, 1_000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=rows_and_places, **QUESTIONS)
def test_features_give_the_answer_that_our_rows_give(served, data, **question):
    here, site = served
    check_wherever(here, site, "ogc-features", data, **question)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("kind", ["cube", "locations", "area"])
@settings(
    max_examples=scale(20, 1_000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    data=st.data(),
    sort=st.sampled_from(SORTS),
    groups=st.none() | st.sampled_from(GROUPS),
    limit=st.sampled_from([1, 7, 1000]),
)
def test_observations_give_the_answer_that_our_rows_give(
    served, kind, own, data, sort, groups, limit
):
    here, site = served
    ours = befriend_edr(here, site, kind, own=own)
    conditions = CONDITIONS if EDR[kind]["collection"] == "grid" else (*CONDITIONS, *OF_STATIONS)
    some = st.lists(st.sampled_from(conditions), max_size=3, unique_by=lambda it: it[0])
    check_question(
        here,
        [f"{kind}/levels@other"],
        ours,
        wanted=data.draw(some),
        sort=sort,
        groups=groups,
        limit=limit,
    )


def test_a_site_tells_of_its_parameters(served):
    here, site = served
    befriend_edr(here, site, "locations", own=True)
    [table] = here.get("/v1/partners/other")["tables"]
    assert (table["schemaName"], table["primaryKey"]) == (None, [])
    told = {it["column"]: it for it in table["told"]}
    assert {column: (it["name"], it["type"]) for column, it in told.items()} == {
        "x": ("east", "number"),
        "y": ("north", "number"),
        "t": ("at", "datetime"),
        "location": ("station", "string"),
        "level": ("level", "number"),
    }
    assert (told["level"]["title"], told["level"]["unit"]) == ("Level", "cm")
    page = here.get("/v1/query?from=locations/levels@other&bbox=9,55,10.2,57&time=2026-03-28/..")
    assert page["sources"]["data"][0]["pushedDown"] == ["bbox", "filter"]
    assert {it["station"] for it in page["data"]} == {"A"}


def test_a_position_is_the_nearest_point_of_the_grid(served):
    here, site = served
    befriend_edr(here, site, "position")
    page = here.get("/v1/query?from=position/levels@other&time=2026-03-28T21:00:00Z/..&sort=at")
    expected = [row for row in ROWS if row[1:3] == (10.0, 56.0) and row[0] >= TIMES[1]]
    assert [it["level"] for it in page["data"]] == [row[3] for row in expected]
    assert page["sources"]["data"][0]["pushedDown"] == ["filter"]


@pytest.mark.parametrize(
    ("kind", "query", "pushed"),
    [
        ("cube", "time=2026-03-28T21:00:00Z/..&bbox=9,55,11,57", ["bbox", "filter"]),
        ("cube", "level__gt=0", []),
        ("cube", "time=2027-01-01/..", []),  # which it refuses
        ("cube", "bbox=10.1,56.1,10.2,56.2", []),  # where it has none, and fails
        ("locations", "station=A", ["filter"]),
        ("locations", "bbox=9,55,10.2,57", ["bbox"]),
        ("area", "bbox=9,55,10.2,57&time=../2026-03-28T21:00:00Z", ["bbox", "filter"]),
    ],
)
def test_what_is_passed_on_is_told(served, kind, query, pushed):
    here, site = served
    befriend_edr(here, site, kind)
    page = here.get(f"/v1/query?from={kind}/levels@other&{query}")
    [told] = page["sources"]["data"]
    assert (told["status"], told["pushedDown"]) == ("successful", pushed)
    assert told["appliedLocally"] == ["filter", "sort", "limit"]
    assert page["complete"]


def test_what_features_are_asked_is_told(served):
    here, site = served
    ours = here.table(SCHEMA, "asked", [])
    at = datetime(2026, 3, 29, 1)
    site.rows = [(name, at, 1, None, 10.0, 56.0) for name in "Ab"]
    befriend(here, site, "ogc-features", ours)
    for query, pushed in (
        ("time=2026-03-29/..&station=A&bbox=9,55,11,57", ["bbox", "filter"]),
        ("level=1", []),
        ("time=../2020-01-01", []),  # which it refuses
    ):
        page = here.get(f"/v1/query?from={ours.ref}@other&{query}")
        [told] = page["sources"]["data"]
        assert (told["status"], told["pushedDown"]) == ("successful", pushed)
    [listed] = here.get("/v1/datasets?source=other")["data"]
    assert (listed["title"], listed["tables"]) == ("Vandstand", [f"{ours.ref}@other"])


def test_datasets_of_observations_are_listed(served):
    here, site = served
    befriend_edr(here, site, "cube")
    [listed] = here.get("/v1/datasets?source=other&bbox=9,55,10,56")["data"]
    assert (listed["title"], listed["tables"]) == ("Prognose", ["cube/levels@other"])


def test_check_asks_for_rows_of_every_table(served, root: Path, tmp_path: Path):
    _, site = served
    site.rows = [("A", START, 1, "x", 10.0, 56.0)]
    for name, schema in (("levels", SCHEMA), ("forecast", FORECAST)):
        (root / f"schemas/{name}.yaml").write_text(yaml.safe_dump(schema))
    place = {
        name: {"column": f"geometry.coordinates[{at}]"} for at, name in enumerate(("east", "north"))
    }
    features = {"collection": "levels", "schema": "../schemas/levels.yaml", "fields": place}
    grid = {**EDR["cube"], "schema": "../schemas/forecast.yaml", "fields": VIEWS}
    own = {"sea/own": EDR["cube"]}
    partners = {
        "geo": {"type": "ogc-features", "tables": {"river/levels": features}},
        "sea": {"type": "ogc-edr", "tables": {"sea/forecast": grid, **own}},
    }
    stated = {name: {"title": "T", "url": site.url, **it} for name, it in partners.items()}
    (root / "catalog/partners.yaml").write_text(yaml.safe_dump(stated))
    here = Installation(root, tmp_path / "data")
    checked = here.run("check", "--partners", "--json")
    assert (checked.code, checked.json["problems"]) == (0, [])
    [read] = checked.json["partnerTables"]
    assert (read["table"], len(read["fields"])) == ("sea/own@sea", 5)

    stated["sea"]["tables"]["sea/forecast"]["collection"] = "nothing"
    (root / "catalog/partners.yaml").write_text(yaml.safe_dump(stated))
    checked = here.run("check", "--partners", "--json")
    assert [it["rule"] for it in checked.json["problems"]] == ["http-missing"]
