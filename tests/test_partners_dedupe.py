"""No observation comes twice: of a table and its copies one is asked, another where it fails."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import partner_faults
import pytest
from ckan_site import call, forget_feed, harvest
from federating import Loop, Town, bound, ckan_at, publisher_at, towns
from partner_faults import Middle
from support import CkanSite
from test_partners import COLUMNS, SCHEMA
from test_partners_origin import harvested

START = datetime(2026, 3, 1)
COUNT = 6
_names = itertools.count()


def rows_of(station: str, count: int = COUNT) -> list[tuple[Any, ...]]:
    return [
        (station, START + timedelta(hours=hour), hour, None, 10.5, 56.0) for hour in range(count)
    ]


class Places:
    """We, a town that publishes by a bad network, and one that harvests from it."""

    def __init__(self, here: Town, there: Town, other: Town, middle: Middle) -> None:
        self.here, self.there, self.other, self.middle = here, there, other, middle
        self.name = f"t{next(_names)}"
        self.origin = f"{self.name}/levels@nord"
        self.copy = f"{self.name}/levels@syd"
        self.address = f"{middle.url}/v1/datasets/{self.name}/levels"
        self.schema = {**SCHEMA, "name": f"{self.name}-levels"}

    def publish(self, rows: list[tuple[Any, ...]]) -> None:
        self.there.table(self.schema, self.name, rows)

    def take_over(self, town: Town, rows: list[tuple[Any, ...]], query: str = "") -> str:
        name = self.name if town is self.other else f"{self.name}-{next(_names)}"
        url = f"{self.address}/export{query}"
        return str(harvested(town, name, url, rows, schema=self.schema).ref)

    def meet_anew(self, **stated: Any) -> None:
        """Have us know nothing of the others."""
        title = f"Nabokommune {next(_names)}"
        self.here.befriend("nord", publisher_at(self.middle.url, title=title, timeout=2, **stated))
        self.here.befriend("syd", publisher_at(self.other.url, title=title))

    def ask(self, *tables: str, **stated: Any) -> Any:
        return self.here.get(f"/v1/query?{self.query(*tables, **stated)}")

    def query(self, *tables: str, **stated: Any) -> str:
        return urlencode([*(("from", it) for it in tables), *stated.items()])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, ...]]:
    loop = Loop()
    with towns(tmp_path_factory.mktemp("copies"), "here", "there", "other") as (here, there, other):
        middle = Middle(there.url)
        loop.run(middle.start())
        other.befriend("nord", publisher_at(middle.url))
        yield here, there, other, middle
        loop.run(middle.close())
    loop.close()


@pytest.fixture
def places(served: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> Places:
    for name, seconds in (("_BUSY", 0.2), ("_FIRST", 0.2), ("_LONGEST", 0.2)):
        monkeypatch.setattr(f"publisher.partners.breaker.{name}", seconds)
    found = Places(*served)
    found.middle.planned.clear()
    found.meet_anew()
    return found


def whence(page: Any) -> list[tuple[str, int]]:
    return sorted((it["_source"], it["level"]) for it in page["data"])


def of(page: Any, source: str, table: str | None = None) -> dict[str, Any]:
    found = [
        it
        for it in page["sources"]["data"]
        if it["id"] == source and table in {None, it.get("table")}
    ]
    assert len(found) == 1, page["sources"]
    return found[0]


def counts(page: Any) -> tuple[int, ...]:
    names = ("total", "successful", "partial", "skipped", "failed")
    return tuple(page["sources"][name] for name in names)


def test_the_origin_is_asked_and_its_copies_are_not(places):
    places.publish(rows_of("a"))
    ours = places.take_over(places.here, rows_of("a", 3))
    places.take_over(places.other, rows_of("a", 4))
    page = places.ask(f"schema:{places.schema['name']}")
    assert whence(page) == [("nord", hour) for hour in range(COUNT)]
    assert page["complete"] is True
    assert page["versions"].keys() == {places.origin}
    assert counts(page) == (3, 1, 0, 2, 0)
    for source, table in (("local", ours), ("syd", f"{places.name}/levels")):
        assert of(page, source) == {
            "id": source,
            "table": table,
            "status": "skipped",
            "copyOf": places.origin,
        }
    assert of(page, "nord")["status"] == "successful"
    assert "resume" not in page
    sums = places.ask(ours, places.origin, places.copy, agg="*:count")
    assert sums["data"] == [{"count": COUNT}]
    assert places.ask(ours, places.origin, partial="deny")["complete"] is True


def test_whoever_wants_all_rows_gets_them(places):
    places.publish(rows_of("a"))
    ours = places.take_over(places.here, rows_of("a", 3))
    page = places.ask(ours, places.origin, dedupe="off")
    assert len(page["data"]) == COUNT + 3
    assert counts(page) == (2, 2, 0, 0, 0)
    assert whence(places.ask(ours, places.origin, dedupe="on"))[0] == ("nord", 0)
    problem = places.here.get(f"/v1/query?from={ours}&dedupe=perhaps", 400)
    assert problem["code"] == "not-a-choice"


def test_of_copies_whose_origin_is_not_meant_ours_is_asked(places):
    ours = places.take_over(places.here, rows_of("a", 3))
    places.take_over(places.other, rows_of("a", 4))
    page = places.ask(ours, places.copy)
    assert whence(page) == [("local", hour) for hour in range(3)]
    assert of(page, "syd")["copyOf"] == ours
    assert page["complete"] is True


def test_our_own_copies_of_one_table_are_one(places):
    first = places.take_over(places.here, rows_of("a"))
    second = places.take_over(places.here, rows_of("a", 4), "?f=csv&sep=;")
    part = places.take_over(places.here, rows_of("a", 2), "?level__lt=2")
    page = places.ask(second, part, first)
    assert len(page["data"]) == COUNT
    assert of(page, "local", second)["copyOf"] == of(page, "local", part)["copyOf"] == first
    assert counts(page) == (1, 1, 0, 0, 0)
    assert len(places.ask(second, first, dedupe="off")["data"]) == COUNT + 4
    walked = places.here.walk(places.query(first, second, limit=4))
    assert [it["level"] for it in walked] == list(range(COUNT))


def test_parts_of_a_table_that_nobody_else_has_are_all_asked(places):
    parts = [
        places.take_over(places.here, rows_of(station), f"?station={station}") for station in "ab"
    ]
    page = places.ask(*parts)
    assert len(page["data"]) == 2 * COUNT
    places.publish(rows_of("a") + rows_of("b"))
    page = places.ask(*parts, places.origin)
    assert {it["_source"] for it in page["data"]} == {"nord"}
    assert len(page["data"]) == 2 * COUNT


@pytest.mark.parametrize("where", ["here", "other"])
def test_where_the_origin_fails_a_copy_is_asked_within_the_time_that_is_left(places, where: str):
    places.publish(rows_of("a"))
    ours = places.take_over(places.here, rows_of("a", 4))
    places.take_over(places.other, rows_of("a", 5))
    tables = [places.origin, places.copy, *([ours] if where == "here" else [])]
    assert whence(places.ask(*tables)) == [("nord", hour) for hour in range(COUNT)]
    places.middle.planned[:] = [partner_faults.status(500)]
    page = places.ask(*tables)
    source, table, count = ("local", ours, 4) if where == "here" else ("syd", places.copy, 5)
    assert whence(page) == [(source, hour) for hour in range(count)]
    assert of(page, "nord")["problem"]["code"] == "http-status"
    assert page["complete"] is False  # the copy may be behind
    ref = table.partition("@")[0]
    assert of(page, source, ref)["insteadOf"] == places.origin
    if where == "here":
        assert of(page, "syd")["copyOf"] == ours
    assert "resume" not in page
    places.middle.planned[:] = [partner_faults.status(500)]
    places.here.get(f"/v1/query?{places.query(*tables, partial='deny', limit=50)}", 503)


def test_an_origin_too_slow_for_the_question_leaves_our_own_copy_to_answer(places):
    places.publish(rows_of("a"))
    ours = places.take_over(places.here, rows_of("a", 4))
    places.ask(ours, places.origin)
    places.middle.planned[:] = [partner_faults.hang]
    page = places.ask(ours, places.origin, timeout=1)
    assert whence(page) == [("local", hour) for hour in range(4)]
    assert of(page, "nord")["status"] == "failed"
    assert of(page, "local", ours)["insteadOf"] == places.origin


def test_an_origin_that_is_not_found_is_stood_in_for(places):
    places.publish(rows_of("a"))
    ours = places.take_over(places.here, rows_of("a", 4))
    nobody = publisher_at("http://127.0.0.1:9")
    places.address = f"http://127.0.0.1:9/v1/datasets/{places.name}/levels"
    alone = places.take_over(places.here, rows_of("a", 3))
    places.here.befriend("nord", nobody)
    for tables in ([alone, places.origin], [f"schema:{places.schema['name']}"]):
        page = places.ask(*tables)
        assert of(page, "local", alone)["insteadOf"] == places.origin
        assert of(page, "nord")["status"] in {"failed", "skipped"}
        assert page["complete"] is False
        # Of those that could not be listed there may be others
        assert ("resume" in page) is (tables[-1] != places.origin)
    # The other came from an address that is nobody's by now: it is a copy of nothing that is meant
    assert len(page["data"]) == 3 + 4
    assert ours in page["versions"]


def test_a_walk_keeps_what_its_first_page_decided(places):
    places.publish(rows_of("a"))
    ours = places.take_over(places.here, rows_of("a"))
    places.take_over(places.other, rows_of("a"))
    tables = (ours, places.origin, places.copy)
    first = places.ask(*tables, limit=2)
    assert {it["_source"] for it in first["data"]} == {"nord"}
    # It fails later on: its rows are waited for, and come once
    places.middle.planned[:] = [partner_faults.status(500)]
    second = places.here.get(first["next"])
    assert (second["data"], second["complete"]) == ([], False)
    assert of(second, "local", ours)["copyOf"] == places.origin
    rest = places.here.get(second["resume"])
    found = first["data"] + rest["data"]
    while rest["next"]:
        rest = places.here.get(rest["next"])
        found += rest["data"]
    assert [(it["_source"], it["level"]) for it in found] == [("nord", it) for it in range(COUNT)]


@pytest.mark.parametrize("where", ["here", "other"])
def test_a_walk_that_began_at_a_copy_ends_at_it(places, where: str):
    places.publish(rows_of("a"))
    tables = [places.origin]
    if where == "here":
        tables.append(places.take_over(places.here, rows_of("a")))
    else:
        places.take_over(places.other, rows_of("a"))
        tables.append(places.copy)
    places.ask(*tables)
    places.middle.planned[:] = [partner_faults.status(500)]
    page = places.ask(*tables, limit=2)
    found = list(page["data"])
    while page["next"]:  # the origin is back by now
        page = places.here.get(page["next"])
        found += page["data"]
        assert page["complete"] is False
        source = "local" if where == "here" else "syd"
        told = [it for it in page["sources"]["data"] if it.get("insteadOf") == places.origin]
        assert [it["id"] for it in told] == [source]
    assert [it["level"] for it in found] == list(range(COUNT))
    assert len({it["_source"] for it in found}) == 1


@pytest.mark.parametrize("where", ["here", "other"])
def test_who_could_not_be_listed_brings_no_copies_to_a_later_page(places, where: str):
    places.publish(rows_of("a"))
    places.take_over(getattr(places, where), rows_of("a"))
    source = "local" if where == "here" else "syd"
    places.there.table(places.schema, f"{places.name}-more", rows_of("b"))
    there, places.middle.target = places.middle.target, "http://127.0.0.1:9"
    try:
        first = places.ask(f"schema:{places.schema['name']}", limit=2)
    finally:
        places.middle.target = there
    assert whence(first) == [(source, 0), (source, 1)]
    found, page = list(first["data"]), first
    while page["next"]:
        page = places.here.get(page["next"])
        found += page["data"]
    told = sorted((it["_source"], it["station"], it["level"]) for it in found)
    assert told == sorted(
        [
            *((source, "a", hour) for hour in range(COUNT)),
            *(("nord", "b", hour) for hour in range(COUNT)),
        ]
    )
    assert of(page, "nord", f"{places.name}/levels")["status"] == "skipped"


def test_where_all_copies_fail_their_rows_come_later_and_once(places):
    places.publish(rows_of("a"))
    places.take_over(places.other, rows_of("a"))
    behind = Middle(places.other.url)
    loop = Loop()
    loop.run(behind.start())
    try:
        places.here.befriend("syd", publisher_at(behind.url))
        places.ask(places.origin, places.copy)
        places.middle.planned[:] = [partner_faults.status(500)]
        behind.planned[:] = [partner_faults.status(500)]
        page = places.ask(places.origin, places.copy)
        assert (page["data"], page["complete"]) == ([], False)
        assert counts(page) == (2, 0, 0, 0, 2)
        rest = places.here.get(page["resume"])
        assert [it["level"] for it in rest["data"]] == list(range(COUNT))
        assert len({it["_source"] for it in rest["data"]}) == 1
    finally:
        loop.run(behind.close())
        loop.close()


def test_others_are_not_asked_twice_for_one_who_fails(places):
    places.publish(rows_of("a"))
    ours = places.take_over(places.here, rows_of("a", 4))
    places.there.table(places.schema, f"{places.name}-more", rows_of("b"))
    more = f"{places.name}-more/levels@nord"
    places.ask(ours, places.origin, more)
    places.middle.asked.clear()
    places.middle.planned[:] = [None, None]
    places.ask(ours, places.origin, more)
    assert len(places.middle.asked) == 2

    async def only_one(request: Any, forward: Any) -> Any:
        fault = partner_faults.status(500) if f"/{places.name}/" in request.path else None
        return await (fault or partner_faults.slow)(request, forward)

    places.middle.asked.clear()
    places.middle.planned[:] = [only_one, only_one]
    page = places.ask(ours, places.origin, more)
    assert len(places.middle.asked) == 2
    assert whence(page) == [
        *(("local", hour) for hour in range(4)),
        *(("nord", hour) for hour in range(COUNT)),
    ]


def test_who_has_answered_is_not_asked_again_where_one_hangs(places, monkeypatch):
    """Two copies stand in for it: each of the tables has a smaller share of the page then."""
    monkeypatch.setattr("publisher.query.federated._CHEAP", 1)
    places.publish(rows_of("a"))
    copies = [places.take_over(places.here, rows_of(it, 3), f"?station={it}") for it in "ab"]
    schema = {**SCHEMA, "name": f"x{next(_names)}"}
    apart = places.other.table(schema, f"d{next(_names)}", rows_of("d", 30))
    tables = (*copies, places.origin, f"{apart.ref}@syd")
    places.ask(*tables, limit=100)
    places.middle.planned = [partner_faults.hang]
    page = places.ask(*tables, limit=100, timeout=1)
    assert of(page, "nord")["status"] == "failed"
    assert (of(page, "syd")["status"], of(page, "syd")["rows"]) == ("successful", 30)
    assert len(page["data"]) == 36


def test_a_partners_copy_of_our_own_table_is_not_asked(served, tmp_path: Path):
    _, there, _, _ = served
    name = f"t{next(_names)}"
    schema = {**SCHEMA, "name": f"{name}-levels"}
    public = "https://data.example.org/aaer"
    with towns(tmp_path, "home", public_url=public) as (home,):
        home.table(schema, name, rows_of("a"))
        url = f"{public}/v1/datasets/{name}/levels/export?f=csv"
        harvested(there, f"{name}-copy", url, rows_of("a", 4), schema=schema)
        home.befriend("nord", publisher_at(there.url))
        page = home.get(f"/v1/query?from=schema:{schema['name']}")
        origin = home.get(f"/v1/datasets?source=nord&q={name}")["data"][0]["origin"]
    assert whence(page) == [("local", hour) for hour in range(COUNT)]
    assert of(page, "nord")["copyOf"] == f"{name}/levels"
    assert (origin["source"], origin["dataset"], origin["table"]) == ("local", name, "levels")


def test_two_names_of_one_partner_are_asked_once(places):
    places.publish(rows_of("a"))
    places.here.befriend("nordre", publisher_at(places.middle.url))
    page = places.ask(f"{places.name}/levels@*")
    assert whence(page) == [("nord", hour) for hour in range(COUNT)]
    assert of(page, "nordre")["copyOf"] == places.origin


def test_what_a_ckan_harvested_from_a_partner_is_not_asked(harvester: CkanSite, tmp_path: Path):
    name = f"kopi-{next(_names)}"
    schema = {**SCHEMA, "name": f"{name}-levels"}
    rows = rows_of("a")
    with towns(tmp_path, "here", "there") as (here, there):
        made = there.table(schema, name, rows)
        here.befriend("nord", publisher_at(there.url))
        feed = f"{there.url}/catalog.ttl"
        try:
            [found] = harvest(harvester, feed)["objects"]
            package = call(harvester, "package_show", id=found["package"]["id"])
            resource = package["resources"][0]["id"]
            cells = [
                [it.isoformat() if isinstance(it, datetime) else it for it in row] for row in rows
            ]
            call(
                harvester,
                "datastore_create",
                resource_id=resource,
                force=True,
                fields=[{"id": column, "type": kind} for column, kind in COLUMNS.items()],
                records=[dict(zip(COLUMNS, row, strict=True)) for row in cells],
            )
            spec = {f"{name}/levels": {"resource": resource, "schema": "x"}}
            here.befriend(
                "portal", ckan_at(harvester.url, spec), **{f"{name}/levels": bound(resource, made)}
            )
            page = here.get(f"/v1/query?from={name}/levels@*")
            both = here.get(f"/v1/query?from={name}/levels@*&dedupe=off")
            here.befriend("nord", publisher_at("http://127.0.0.1:9"))
            alone = here.get(f"/v1/query?from={name}/levels@*")
        finally:
            forget_feed(harvester, feed)
    assert whence(page) == [("nord", hour) for hour in range(COUNT)]
    assert of(page, "portal")["copyOf"] == f"{name}/levels@nord"
    assert page["complete"] is True
    assert len(both["data"]) == 2 * COUNT
    assert whence(alone) == [("portal", hour) for hour in range(COUNT)]


def test_what_a_cursor_says_is_left_out_cannot_be_made_up(places):
    places.publish(rows_of("a"))
    ours = places.take_over(places.here, rows_of("a"))
    page = places.ask(ours, places.origin, limit=2)
    cursor = page["next"].partition("cursor=")[2]
    problem = places.here.get(
        f"/v1/query?{places.query(ours, places.origin, limit=2, dedupe='off')}&cursor={cursor}", 400
    )
    assert problem["code"] == "bad-cursor"
    changed = cursor[:-6] + ("A" if cursor[-6] != "A" else "B") + cursor[-5:]
    asked = places.query(ours, places.origin, limit=2)
    assert places.here.get(f"/v1/query?{asked}&cursor={changed}", 400)["code"] == "bad-cursor"
