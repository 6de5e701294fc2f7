"""Partners of other standards give the same rows as our own tables, whatever is asked."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from federating import Loop, Town, towns
from hypothesis import HealthCheck, given, settings
from scale import scale
from standards import Standards
from test_partners import (
    QUESTIONS,
    SCHEMA,
    START,
    check_alike,
    rows_and_places,
)

from publisher.model.catalog import TableEntry
from publisher.model.partner import (
    BoundTable,
    FeaturesPartner,
    OpendatasoftPartner,
    SensorThingsPartner,
)

PLACE = {"east": "geometry.coordinates[0]", "north": "geometry.coordinates[1]"}
PARAMETERS = {name: f"parameters.{name}" for name in ("note", "east", "north")}
KINDS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "opendatasoft": (OpendatasoftPartner, "", {"dataset": "levels"}),
    "ogc-features": (
        FeaturesPartner,
        "",
        {
            "collection": "levels",
            "temporal": True,
            "fields": {name: {"column": column} for name, column in PLACE.items()},
        },
    ),
    "sensorthings": (
        SensorThingsPartner,
        "/sta/v1.1",
        {
            "expand": "Datastream/Thing",
            "fields": {
                "station": {"column": "Datastream.Thing.name"},
                "at": {"column": "phenomenonTime"},
                "level": {"column": "result"},
                **{name: {"column": column} for name, column in PARAMETERS.items()},
            },
        },
    ),
}
_names = itertools.count()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Standards]]:
    loop = Loop()
    with towns(tmp_path_factory.mktemp("standards"), "here") as (here,):
        other = Standards()
        loop.run(other.start())
        yield here, other
        loop.run(other.close())
    loop.close()


def befriend(here: Town, other: Standards, kind: str, of: TableEntry, **stated: Any) -> None:
    _befriend(here, other, kind, of, {"schema": "../schemas/levels.yaml"}, **stated)


def befriend_own(
    here: Town, other: Standards, kind: str, of: TableEntry, **shape: Any
) -> dict[str, Any]:
    """Have the same table without a schema; gives what is told of its fields."""
    _befriend(here, other, kind, of, shape)
    [table] = here.get("/v1/partners/other")["tables"]
    assert table["schemaName"] is None
    return {it["name"]: it for it in table["told"]}


def _befriend(
    here: Town,
    other: Standards,
    kind: str,
    of: TableEntry,
    table: dict[str, Any],
    **stated: Any,
) -> None:
    partner, path, shape = KINDS[kind]
    table = {**shape, **table}
    schema = of.schema if "schema" in table else None
    spec = partner.model_validate(
        {
            "type": kind,
            "title": kind,
            "url": other.url + path,
            "tables": {str(of.ref): table},
            **stated,
        }
    )
    here.befriend("other", spec, **{str(of.ref): BoundTable(spec.tables[str(of.ref)], schema)})


def whole_point(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Leave out half a point, which a geometry cannot say."""
    return row if None not in row[4:] else (*row[:4], None, None)


def check_wherever(here: Town, other: Any, kind: str, data: Any, **question: Any) -> None:
    """Rows at a partner give the answer that they give in a table of ours."""
    data = [(whole_point(row), place) for row, place in data]
    name = f"t{next(_names)}"
    whole = here.table(SCHEMA, f"{name}-whole", [row for row, _ in data])
    ours = here.table(SCHEMA, name, [row for row, place in data if place == "here"])
    other.rows = [row for row, place in data if place != "here"]
    befriend(here, other, kind, ours)
    check_question(here, [str(ours.ref), f"{ours.ref}@other"], str(whole.ref), **question)


def check_question(
    here: Town, parted: list[str], whole: str, *, wanted: Any, sort: str, groups: Any, limit: int
) -> None:
    asked = [*wanted, ("limit", str(limit)), *(groups or [("sort", sort)] * bool(sort))]
    found = here.walk(urlencode([*(("from", it) for it in parted), *asked]))
    expected = here.walk(urlencode([("from", whole), *asked]))
    check_alike(found, expected, "" if groups else sort)


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=scale(20, 1_000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=rows_and_places, **QUESTIONS)
def test_an_answer_is_the_same_wherever_the_rows_lie(
    served, kind, data, wanted, sort, groups, limit
):
    here, other = served
    check_wherever(here, other, kind, data, wanted=wanted, sort=sort, groups=groups, limit=limit)


@pytest.mark.parametrize("kind", KINDS)
def test_what_narrows_the_rows_is_passed_on_and_told(served, kind):
    here, other = served
    ours = here.table(SCHEMA, f"t{next(_names)}", [])
    other.rows = []
    befriend(here, other, kind, ours)
    other.asked.clear()
    time = "time=2026-03-29/2026-03-30"
    page = here.get(f"/v1/query?from={ours.ref}@other&{time}&station=A&bbox=9,55,11,57")
    [told] = page["sources"]["data"]
    assert "filter" in told["pushedDown"]
    assert "filter" in told["appliedLocally"]
    assert "2026-03-29" in other.asked[0]
    assert ("bbox" in told["pushedDown"]) == (kind == "ogc-features")
    assert here.get("/v1/datasets?source=other")["data"][0]["tables"] == [f"{ours.ref}@other"]


@pytest.mark.parametrize(("kind", "again"), [("opendatasoft", 1), ("ogc-features", 2)])
def test_what_a_partner_told_of_itself_is_asked_again_once_it_is_old_or_doubted(
    served, kind, again, monkeypatch
):
    here, other = served
    ours = here.table(SCHEMA, f"t{next(_names)}", [])
    other.rows = [("A", START, 1, None, None, None), ("b", START, 2, None, None, None)]
    befriend(here, other, kind, ours)
    numbers = itertools.count(2)

    def cost(complete: bool = True) -> int:
        before = other.requests
        asked = f"station=A&level__lt={next(numbers)}"  # answers are not kept
        page = here.get(f"/v1/query?from={ours.ref}@other&{asked}")
        assert page["complete"] == complete
        assert len(page["data"]) == complete
        return other.requests - before

    assert [cost(), cost(), cost()] == [2, 1, 1]

    # A question that is narrowed by what is known is refused: all is asked for, where that goes
    other.refusing = 1
    assert cost(complete=again > 1) == again
    assert [cost(), cost()] == [2, 1]

    monkeypatch.setattr("publisher.partners.known.FRESH", 0)
    assert [cost(), cost()] == [2, 2]


ROWS: list[Any] = [
    (station, START + timedelta(hours=hour), level, note, *place)
    for hour, (station, level, note, place) in enumerate(
        itertools.product(
            ["A", "Å", "b"], [None, -1, 2], [None, "aa"], [(None, None), (10.5, 56.5), (12.0, 55.0)]
        )
    )
]
ASKED = (
    "sort=at",
    "sort=-level,at&limit=7",
    "level__gte=0&note=aa&sort=at",
    "station__in=A,b&level__isnull=true&sort=at",
    "at__gte=2026-03-29T04:00:00Z&sort=-at&limit=5",
    "by=station&agg=level:sum,note:count,*:count&sort=station",
)


ROLES = {
    "opendatasoft": ("bbox=9,56,11,57",),
    "ogc-features": ("bbox=9,56,11,57", "time=2026-03-29/2026-03-30"),
    "sensorthings": ("time=2026-03-29/2026-03-30",),
}
"""What can be asked of fields whose roles each tells by itself."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_without_a_schema_is_asked_alike(served, kind):
    here, other = served
    other.rows = ROWS
    ours = here.table(SCHEMA, f"t{next(_names)}", ROWS)
    told = befriend_own(here, other, kind, ours)
    assert {name: it["type"] for name, it in told.items() if it["type"] == "datetime"} in (
        {"at": "datetime"},
        {"at": "datetime", "resultTime": "datetime"},
    )
    for question in ASKED:
        shown = "" if "by=" in question else "&select=station,at,level,note,east,north"
        found = here.walk(f"from={ours.ref}@other&{question}{shown}")
        expected = here.walk(f"from={ours.ref}&{question}{shown}")
        assert [bare(it) for it in found] == [bare(it) for it in expected], question
    for narrowed in ROLES[kind]:
        asked = f"sort=at&{narrowed}&select=station,at&limit=1000"
        page = here.get(f"/v1/query?from={ours.ref}@other&{asked}")
        expected = here.get(f"/v1/query?from={ours.ref}&{asked}")
        pushed = page["sources"]["data"][0]["pushedDown"]
        assert (pushed != []) == (kind != "opendatasoft")  # which is asked for no box
        assert [bare(it) for it in page["data"]] == [bare(it) for it in expected["data"]] != []


def bare(row: dict[str, Any]) -> dict[str, Any]:
    return {name: it for name, it in row.items() if name[0] != "_"}


def test_what_each_standard_tells_of_its_fields(served):
    here, other = served
    other.rows = ROWS
    ours = here.table(SCHEMA, f"t{next(_names)}", [])
    level = befriend_own(here, other, "opendatasoft", ours)["level"]
    assert (level["title"], level["type"], level["unit"]) == ("Vandstand", "integer", "cm")
    told = befriend_own(here, other, "opendatasoft", ours)
    assert (told["place.lon"]["type"], told["place.lat"]["type"]) == ("number", "number")
    assert told["words"]["type"] == "array"
    [row] = here.walk(f"from={ours.ref}@other&at=2026-03-29T12:00:00Z&select=words,place.lat")
    assert (row["words"], row["place.lat"]) == (["A", "x"], 56.5)
    told = befriend_own(here, other, "ogc-features", ours, fields={})
    assert {name: it["type"] for name, it in told.items()} == {
        "id": "integer",
        "station": "string",
        "at": "datetime",
        "level": "integer",
        "note": "string",
        "longitude": "number",
        "latitude": "number",
    }
    path = "Datastreams(5)/Observations"
    told = befriend_own(here, other, "sensorthings", ours, path=path, fields={}, expand=None)
    assert {name: it["type"] for name, it in told.items()} == {
        "id": "string",
        "phenomenonTime": "datetime",
        "resultTime": "datetime",
        "result": "number",
        "parameters": "object",
    }
    assert (told["result"]["unit"], told["id"]["column"]) == ("cm", "@iot.id")
    assert len(here.walk(f"from={ours.ref}@other&result__gt=0&limit=10")) == 18


def test_a_schema_of_features_tells_their_types_where_they_have_them(served):
    here, other = served
    other.rows = ROWS
    ours = here.table(SCHEMA, f"t{next(_names)}", [])
    other.schema = {
        "station": {"type": "string", "title": "Målested"},
        "at": {"type": "string", "format": "date-time", "x-ogc-role": "primary-instant"},
        "level": {"type": ["number", "null"]},
        "note": {"type": "integer"},
        "seen": {"type": "string", "format": "date"},
        "geometry": {"format": "geometry-point"},
    }
    try:
        shape = {"fields": {"level_2": {"column": "level"}}, "temporal": False}
        told = befriend_own(here, other, "ogc-features", ours, **shape)
    finally:
        other.schema = None
    assert {name: it["type"] for name, it in told.items()} == {
        "id": "integer",
        "station": "string",
        "at": "datetime",
        "level_2": "number",
        "note": "string",  # which is what they have
        "seen": "date",
        "longitude": "number",
        "latitude": "number",
    }
    assert told["station"]["title"] == "Målested"
    narrowed = here.walk(f"from={ours.ref}@other&time=2026-03-29/2026-03-30&limit=1000")
    assert len(narrowed) == 24


@pytest.mark.parametrize("kind", ["ogc-features", "sensorthings"])
def test_a_later_value_of_another_type_costs_its_row(served, kind):
    here, other = served
    other.rows = ROWS
    ours = here.table(SCHEMA, f"t{next(_names)}", [])
    befriend_own(here, other, kind, ours)
    other.rows = [*ROWS, ("c", START + timedelta(days=9), "high", "aa", 10.5, 56.5)]
    page = here.get(f"/v1/query?from={ours.ref}@other&limit=1000")
    assert len(page["data"]) == len(ROWS)
    assert page["complete"] is False
    assert page["sources"]["data"][0]["refused"] == 1


def test_a_table_that_is_not_there_costs_itself_only(served):
    here, other = served
    other.rows = []
    ours = here.table(SCHEMA, f"t{next(_names)}", [])
    partner, _, _ = KINDS["ogc-features"]
    stated = {"collection": "none"}
    spec = partner.model_validate(
        {"type": "ogc-features", "title": "x", "url": other.url, "tables": {str(ours.ref): stated}}
    )
    here.befriend("other", spec, **{str(ours.ref): BoundTable(spec.tables[str(ours.ref)], None)})
    page = here.get(f"/v1/query?from={ours.ref}@other")
    assert page["sources"]["data"][0]["problem"]["code"] == "http-missing"


@pytest.mark.parametrize("ours", [0, 5])
def test_rows_behind_many_that_do_not_fit_are_found_on_a_later_page(served, monkeypatch, ours):
    """The row that the page before ended with comes again, with those that are alike to it."""
    monkeypatch.setattr("publisher.partners.opendatasoft._BEYOND", 5)
    here, other = served
    at = [START + timedelta(minutes=n) for n in range(110)]
    other.rows = [
        ("s", moment, None if 3 <= n < 100 else n, None, 10.5, 56.0) for n, moment in enumerate(at)
    ]
    fields = [
        {**field, "constraints": {"required": True}} if field["name"] == "level" else field
        for field in SCHEMA["fields"]
    ]
    beyond = [
        ("h", at[-1] + timedelta(minutes=n), 1_000 + n, None, 0, 0) for n in range(1, ours + 1)
    ]
    made = here.table({**SCHEMA, "fields": fields}, f"t{next(_names)}", beyond)
    befriend(here, other, "opendatasoft", made)
    found: list[int] = []
    url = f"/v1/query?from={made.ref}@other&from={made.ref}&sort=at&limit=3"
    for _ in range(10):
        page = here.get(url)
        found += [it["level"] for it in page["data"]]
        url = page["next"]
        if url is None:
            break
    assert found == [0, 1, 2, *range(100, 110), *range(1_001, 1_001 + ours)]
