"""Copies of partners' tables: equal to them, asked in their place, and no longer than is told."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import partner_faults
import pytest
from aiohttp import web
from federating import Loop, Town, bound, ckan_at, datastore_at, publisher_at, towns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from partner_faults import Forward, Middle
from scale import scale
from test_partners import (
    COLUMNS,
    QUESTIONS,
    SCHEMA,
    check_alike,
    rows_and_places,
)

from publisher.engine import Connection, Engine
from publisher.errors import SourceError
from publisher.model.catalog import Catalog
from publisher.model.partner import Partner
from publisher.partners import Ask, Fetched, Partners
from publisher.secrets import Secrets
from publisher.settings import Settings

START = datetime(2026, 3, 1)
_names = itertools.count()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Town, Middle]]:
    loop = Loop()
    with (
        pytest.MonkeyPatch.context() as patch,
        towns(tmp_path_factory.mktemp("copies"), "here", "there") as (here, there),
    ):
        patch.setattr("publisher.partners.federation._TICK", 0.02)
        middle = Middle(there.url)
        loop.run(middle.start())
        yield here, there, middle
        loop.run(middle.close())
    loop.close()


@pytest.fixture
def copying(served: tuple[Town, Town, Middle]) -> tuple[Town, Town, Middle, str]:
    here, there, middle = served
    middle.planned.clear()
    return here, there, middle, f"t{next(_names)}"


def befriend(here: Town, middle: Middle, name: str, every: str, **stated: Any) -> None:
    title = f"Nabokommune {time.monotonic()}"  # whom we have not met
    copies = {f"{name}/levels": every}
    here.befriend("norddjurs", publisher_at(middle.url, title=title, copies=copies, **stated))
    middle.asked.clear()


def until(here: Town, question: str, holds: Callable[[Any, Any], bool]) -> Any:
    """Ask until what is told of the partner's table, and the rows, are as they should be."""
    for _ in range(400):
        page = here.get(f"/v1/query?{question}")
        [told] = page["sources"]["data"]
        if holds(told, page):
            return page
        time.sleep(0.02)
    pytest.fail(f"it never comes to that: {page}")


def is_copy(told: Any, _: Any) -> bool:
    return bool(told.get("served") == "materialised")


@settings(
    max_examples=scale(25, 1_000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=rows_and_places, **QUESTIONS)
def test_a_copy_answers_as_the_table_does(served, data, wanted, sort, groups, limit):
    here, there, middle = served
    name = f"t{next(_names)}"
    whole = here.table(SCHEMA, f"{name}-whole", [row for row, _ in data])
    here.table(SCHEMA, name, [row for row, place in data if place == "here"])
    there.table(SCHEMA, name, [row for row, place in data if place != "here"])
    befriend(here, middle, name, "PT1H")
    theirs = f"{name}/levels@norddjurs"
    until(here, f"from={theirs}", is_copy)
    middle.asked.clear()

    asked = [*wanted, ("limit", str(limit)), *(groups or [("sort", sort)] * bool(sort))]
    found = here.walk(urlencode([("from", f"{name}/levels"), ("from", theirs), *asked]))
    expected = here.walk(urlencode([("from", str(whole.ref)), *asked]))

    check_alike(found, expected, "" if groups else sort)
    assert middle.asked == []


@settings(
    max_examples=scale(3, 100),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(
    steps=st.lists(
        st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), max_size=8),
        min_size=1,
        max_size=5,
    )
)
def test_a_copy_follows_what_comes_is_corrected_and_goes(served, steps):
    here, there, middle = served
    name = f"t{next(_names)}"
    there.table(SCHEMA, name, [("z", START, 1, None, None, None)], mode="replace", maxShrink=1)
    befriend(here, middle, name, "PT0.05S")
    for levels in steps:
        rows = [(station, START, level, None, None, None) for station, level in levels.items()]
        there.table(SCHEMA, name, rows, mode="replace", maxShrink=1)
        expected = there.get(f"/v1/datasets/{name}/levels/rows")

        def equal(told: Any, page: Any, now: int = expected["version"]) -> bool:
            return is_copy(told, page) and page["versions"] == {f"{name}/levels@norddjurs": now}

        page = until(here, f"from={name}/levels@norddjurs", equal)
        told = [{key: it[key] for key in it if key[0] != "_"} for it in page["data"]]
        assert told == expected["data"]
    whole = [it for it in middle.asked if "/export" in it and "changed_since" not in it]
    assert len(whole) == 1


def test_a_copy_answers_while_its_partner_is_away_and_no_longer_than_is_allowed(copying):
    here, there, middle, name = copying
    there.table(SCHEMA, name, [("b", START, 4, None, None, None)])
    befriend(here, middle, name, "PT2S", stale="PT1H", timeout=0.5)
    question = f"from={name}/levels@norddjurs"
    until(here, question, is_copy)
    middle.away = True
    try:
        page = here.get(f"/v1/query?{question}&level=4")
        [told] = page["sources"]["data"]
        assert (told["served"], page["complete"]) == ("materialised", True)
        assert told["age"] is not None
        assert told["retrievedAt"] is not None
        time.sleep(4)
        page = here.get(f"/v1/query?{question}&level=4")
        [told] = page["sources"]["data"]
        assert (told["served"], told["status"], page["complete"]) == (
            "materialised",
            "partial",
            False,
        )
        assert len(page["data"]) == 1
        shown = here.get("/v1/partners/norddjurs")
        assert shown["problem"] is not None
    finally:
        middle.away = False


def test_a_copy_is_made_anew_where_its_history_is_gone_or_its_fields_are_others(copying):
    here, there, middle, name = copying
    there.table(SCHEMA, name, [("b", START, 4, None, None, None)])
    befriend(here, middle, name, "PT0.05S")
    question = f"from={name}/levels@norddjurs"
    until(here, question, is_copy)
    gone, given = partner_faults.status(410), partner_faults.late(0)

    async def without_history(request: web.Request, forward: Forward) -> web.StreamResponse:
        answer = gone if "changed_since" in request.query else given
        return await answer(request, forward)

    middle.always = without_history
    try:
        there.table(SCHEMA, name, [("c", START, 5, None, None, None)])
        until(here, question, lambda told, page: is_copy(told, page) and len(page["data"]) == 2)
    finally:
        middle.always = None
    assert [("changed_since" in it) for it in middle.asked if "/export" in it] == [
        False,
        True,
        False,
    ]
    more = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "remark"}]}
    there.table(more, name, [("d", START, 6, None, None, None, "x")])
    befriend(here, middle, name, "PT0.05S")
    page = until(here, question, lambda told, page: is_copy(told, page) and len(page["data"]) == 3)
    assert [it["remark"] for it in page["data"]] == [None, None, "x"]


def test_a_copy_is_of_the_table_that_the_entry_names_now(copying):
    here, there, middle, name = copying
    there.table(SCHEMA, name, [("b", START, 4, None, None, None)])
    befriend(here, middle, name, "PT0.05S")
    question = f"from={name}/levels@norddjurs"
    until(here, question, is_copy)
    with towns(here.folder / name, "third") as (third,):
        third.table(SCHEMA, name, [("z", START, 9, None, None, None)])
        copies = {f"{name}/levels": "PT0.05S"}
        here.befriend("norddjurs", publisher_at(third.url, copies=copies))
        for _ in range(20):
            assert [it["station"] for it in here.walk(question)] == ["z"]
        until(here, question, is_copy)
        assert [it["station"] for it in here.walk(question)] == ["z"]
    befriend(here, middle, name, "PT1H")


@pytest.mark.parametrize("more", [0, 1])
def test_a_copy_is_not_of_another_table_whose_versions_have_the_same_numbers(copying, more):
    """So it is where a neighbour puts an older backup in place, and goes on from there."""
    here, there, middle, name = copying
    for hours in range(2):
        there.table(SCHEMA, name, [("b", START + timedelta(hours=hours), 4, None, None, None)])
    befriend(here, middle, name, "PT0.05S")
    question = f"from={name}/levels@norddjurs"
    until(here, question, is_copy)

    def is_copy_of_theirs(told: Any, page: Any) -> bool:
        stations = [it["station"] for it in page["data"]]
        return is_copy(told, page) and stations == ["c"] * (2 + more)

    with towns(here.folder / f"{name}-old", "older") as (older,):
        for hours in range(2 + more):
            older.table(SCHEMA, name, [("c", START + timedelta(hours=hours), 5, None, None, None)])
        middle.target = older.url
        try:
            until(here, question, is_copy_of_theirs)
        finally:
            middle.target = there.url
    befriend(here, middle, name, "PT1H")


def test_a_copy_that_is_damaged_is_not_asked_and_made_anew(copying):
    here, there, middle, name = copying
    there.table(SCHEMA, name, [("b", START, 4, None, None, None)])
    befriend(here, middle, name, "PT1S")
    question = f"from={name}/levels@norddjurs"
    until(here, question, is_copy)
    for damage in (
        lambda file: file.write_bytes(file.read_bytes()[:100]),
        lambda file: file.unlink(),
    ):
        [file] = (here.folder / "copies/norddjurs" / name / "levels").glob("*.parquet")
        damage(file)
        page = here.get(f"/v1/query?{question}")
        assert (page["complete"], len(page["data"])) == (True, 1)
        assert page["sources"]["data"][0]["served"] == "live"
        until(here, question, is_copy)


def test_a_walk_without_a_key_goes_on_from_a_copy_to_the_table_and_back(copying):
    here, there, middle, name = copying
    keyless = {**SCHEMA, "primaryKey": []}
    rows = [(f"s{it:02}", START, it % 4, None, None, None) for it in range(40)]
    there.table(keyless, name, rows, mode="append")
    expected = [f"s{it:02}" for it in range(40) if it % 4 == 3]
    question = f"from={name}/levels@norddjurs&level=3&limit=3"
    befriend(here, middle, name, "PT1H")
    copied = until(here, question, is_copy)
    here.befriend("norddjurs", publisher_at(middle.url))
    live = here.get(f"/v1/query?{question}")
    assert live["sources"]["data"][0]["served"] == "live"
    for page, back in ((copied, False), (live, True)):
        if back:
            befriend(here, middle, name, "PT1H")
            until(here, question, is_copy)
        found, url = page["data"], page["next"]
        while url:
            further = here.get(url)
            found, url = [*found, *further["data"]], further["next"]
        assert sorted(it["station"] for it in found) == expected


@pytest.mark.parametrize(("rows", "large"), [(1_001, True), (1_000, False)])
def test_what_was_put_in_order_for_an_answer_is_given_back(copying, monkeypatch, rows, large):
    here, there, middle, name = copying
    keyless = {**SCHEMA, "primaryKey": []}
    made = [(f"s{it}", START, it, None, None, None) for it in range(rows)]
    there.table(keyless, name, made, mode="append")
    befriend(here, middle, name, "PT1H")
    question = f"from={name}/levels@norddjurs&sort=-level&limit=1"
    until(here, question, is_copy)
    told = []
    real = Engine._leave

    def leave(engine: Engine, con: Connection, *, large: bool) -> None:
        told.append(large)
        real(engine, con, large=large)

    monkeypatch.setattr(Engine, "_leave", leave)
    until(here, question, lambda _, page: page["data"][0]["level"] == rows - 1)
    for _ in range(100):
        if told:
            break
        time.sleep(0.02)
    assert told == [large]


def test_a_walk_that_began_at_the_table_ends_at_its_version(copying):
    here, there, middle, name = copying
    hours = [START + timedelta(hours=hour) for hour in range(10)]
    there.table(SCHEMA, name, [("b", at, 4, None, None, None) for at in hours])
    befriend(here, middle, name, "PT0.05S")
    question = f"from={name}/levels@norddjurs&limit=4"
    page = until(here, question, is_copy)
    assert page["sources"]["data"][0]["rows"] == 4
    there.table(SCHEMA, name, [("a", at, 4, None, None, None) for at in hours])
    until(here, question, lambda told, page: is_copy(told, page) and 2 in page["versions"].values())
    found = page["data"]
    while page["next"]:
        page = here.get(page["next"])
        assert page["sources"]["data"][0]["served"] == "live"
        found += page["data"]
    assert [it["station"] for it in found] == ["b"] * 10


async def copied(
    here: Town, data: Path, partner: Partner, column: str = "level"
) -> tuple[Fetched, list[Any]]:
    """Give the partner's copy, in a process that begins with what another left in *data*."""
    catalog = Catalog(partners={partner.name: partner})
    partners = Partners(Settings(data=data), Secrets({}), lambda: catalog, here.desk.engine)
    copying = asyncio.create_task(partners.keep_copies())
    [ref] = partner.copies
    try:
        for _ in range(100):
            await asyncio.sleep(0.05)
            with suppress(SourceError):
                remote = await partners.find(partner.name, ref, 5)
                assert remote is not None
                async with partners.fetched([Ask(remote, (column,))], 5) as [status]:
                    found = status.fetched
                    if found is not None and found.served == "materialised":
                        [file] = found.files
                        with here.desk.engine.cursor() as con:
                            found.load(con, "copy", [file])
                            return found, con.execute(f"SELECT {column} FROM copy").fetchall()
        raise AssertionError
    finally:
        copying.cancel()
        await partners.close()


def test_a_copy_outlasts_a_restart_and_goes_when_nobody_wants_it(copying, tmp_path):
    here, there, middle, name = copying
    there.table(SCHEMA, name, [("b", START, 4, None, None, None)])
    copies = {f"{name}/levels": "PT1H"}
    met = Partner("norddjurs", publisher_at(middle.url, copies=copies, stale="P1D"))
    home = tmp_path / "copies/norddjurs" / name / "levels"

    before, rows = asyncio.run(copied(here, tmp_path, met))
    assert rows == [(4,)]
    half = home / "half-done"
    half.mkdir()
    (home / "half-done.parquet").write_bytes(b"PAR1")
    middle.away = True
    try:
        again, rows = asyncio.run(copied(here, tmp_path, met))
    finally:
        middle.away = False
    assert rows == [(4,)]
    assert again.retrieved_at == before.retrieved_at <= datetime.now(UTC)
    assert sorted(it.suffix for it in home.iterdir()) == [".json", ".parquet"]

    async def unwanted() -> None:
        partners = Partners(Settings(data=tmp_path), Secrets({}), Catalog, here.desk.engine)
        copying = asyncio.create_task(partners.keep_copies())
        try:
            for _ in range(100):
                if not home.exists():
                    return
                await asyncio.sleep(0.05)
        finally:
            copying.cancel()
            await partners.close()

    asyncio.run(unwanted())
    assert not home.exists()


def test_a_table_at_a_ckan_can_be_copied_too(copying, ckan):
    here, _, _, name = copying
    ours = here.table(SCHEMA, name, [])
    with datastore_at(ckan, COLUMNS) as table:
        table.fill([("Å", START, 4, None, None, None), ("a", START, None, "x", 10.5, 56.0)])
        stated = {f"{name}/levels": {"resource": table.resource, "schema": "x"}}
        spec = ckan_at(ckan.url, stated, copies={f"{name}/levels": "PT0.1S"})
        here.befriend("aarhus", spec, **{f"{name}/levels": bound(table.resource, ours)})
        page = until(here, f"from={name}/levels@aarhus", is_copy)
        assert [it["station"] for it in page["data"]] == ["a", "Å"]
        table.fill([("b", START, 4, None, None, None)])
        until(here, f"from={name}/levels@aarhus", lambda _, page: len(page["data"]) == 1)
    del here.partners["aarhus"]
