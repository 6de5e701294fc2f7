"""Partners of other standards give the same rows as our own tables, whatever is asked."""

import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from federating import Loop, Town, towns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scale
from standards import Standards
from test_partners import (
    CONDITIONS,
    GROUPS,
    SCHEMA,
    SORTS,
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
    partner, path, shape = KINDS[kind]
    table = {"schema": "../schemas/levels.yaml", **shape}
    spec = partner.model_validate(
        {
            "type": kind,
            "title": kind,
            "url": other.url + path,
            "tables": {str(of.ref): table},
            **stated,
        }
    )
    here.befriend("other", spec, **{str(of.ref): BoundTable(spec.tables[str(of.ref)], of.schema)})


def whole_point(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Leave out half a point, which a geometry cannot say."""
    return row if None not in row[4:] else (*row[:4], None, None)


QUESTIONS: dict[str, Any] = {
    "wanted": st.lists(st.sampled_from(CONDITIONS), max_size=3, unique_by=lambda it: it[0]),
    "sort": st.sampled_from(SORTS),
    "groups": st.none() | st.sampled_from(GROUPS),
    "limit": st.sampled_from([1, 3, 7, 1000]),
}


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
