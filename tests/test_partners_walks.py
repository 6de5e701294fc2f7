"""Walks over pages of partners' rows end, and hold every row once, in order."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from federating import DataStore, Loop, Town, bound, ckan_at, datastore_at, publisher_at, towns
from partner_faults import Middle, hang, late, status, truncated
from support import CkanSite
from test_partners import COLUMNS, SCHEMA
from yarl import URL

START = datetime(2026, 3, 1)
_names = itertools.count()


def row(station: str, minutes: int, level: int | None = 1, note: str | None = None) -> Any:
    return (station, START + timedelta(minutes=minutes), level, note, 10.5, 56.0)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Town]]:
    with towns(tmp_path_factory.mktemp("walks"), "here", "there") as (here, there):
        here.befriend("norddjurs", publisher_at(there.url))
        yield here, there


@pytest.fixture(scope="module")
def table(ckan: CkanSite) -> Iterator[DataStore]:
    with datastore_at(ckan, COLUMNS) as found:
        yield found


@pytest.fixture(scope="module")
def old_table(portal: CkanSite) -> Iterator[DataStore]:
    """A table at a CKAN 2.11, which knows no ranges."""
    with datastore_at(portal, COLUMNS) as found:
        yield found


def at_ckan(here: Town, table: DataStore, rows: list[Any], **stated: Any) -> str:
    name = f"t{next(_names)}"
    shape = here.table({**SCHEMA, **stated}, name, [])
    table.fill(rows)
    spec = ckan_at(table.site.url, {f"{name}/levels": {"resource": table.resource, "schema": "x"}})
    here.befriend("aarhus", spec, **{f"{name}/levels": bound(table.resource, shape)})
    return f"from={name}/levels@aarhus"


@pytest.mark.parametrize(
    "question",
    ["sort=at", "sort=-at", "time=2026-03-01T05:00:00Z/..&sort=at", "sort=level,-at", ""],
)
@pytest.mark.parametrize("old", [False, True])
def test_a_long_table_of_a_ckan_is_walked_to_its_end(both, table, old_table, old, question):
    here, _ = both
    table = old_table if old else table
    rows = [row(f"s{n % 3}", n // 3, n % 5) for n in range(2_400)]
    asked = at_ckan(here, table, rows)
    found = here.walk(f"{asked}&limit=300&{question}")
    wanted = [it for it in rows if "time=" not in question or it[1] >= datetime(2026, 3, 1, 5)]
    keys = [(it["station"], it["at"]) for it in found]
    assert sorted(keys) == sorted((it[0], f"{it[1].isoformat()}Z") for it in wanted)
    times = [it["at"] for it in found]
    if "sort=at" in question:
        assert times == sorted(times)
    if "sort=-at" in question:
        assert times == sorted(times, reverse=True)


def test_a_value_that_stands_for_none_is_none_wherever_it_is_sorted(both, table):
    here, _ = both
    fields = [
        {**field, "missingValues": ["-999"]} if field["name"] == "level" else field
        for field in SCHEMA["fields"]
    ]
    rows = [row("s", n, -999 if n % 2 else n) for n in range(1_500)]
    found = here.walk(f"{at_ckan(here, table, rows, fields=fields)}&sort=level&limit=100")
    levels = [it["level"] for it in found]
    assert levels == [*range(0, 1_500, 2), *[None] * 750]


def test_only_the_fields_that_are_asked_for_must_be_right(both, table):
    here, _ = both
    fields = [
        {**field, "constraints": {"required": True}} if field["name"] == "level" else field
        for field in SCHEMA["fields"]
    ]
    asked = at_ckan(here, table, [row("s", n, None, "x") for n in range(3)], fields=fields)
    assert [it["note"] for it in here.walk(f"{asked}&select=note")] == ["x"] * 3
    page = here.get(f"/v1/query?{asked}&select=note,level")
    assert page["sources"]["data"][0]["refused"] == 3


def test_rows_that_are_skipped_do_not_come_back(both):
    here, there = both
    name = f"t{next(_names)}"
    here.table(SCHEMA, name, [row("a", n, n) for n in range(4)])
    there.table(SCHEMA, name, [row("b", n, 10 + n) for n in range(6)])
    asked = f"from={name}/levels&from={name}/levels@norddjurs&sort=level"
    found = here.walk(f"{asked}&limit=3&offset=5")
    assert [it["level"] for it in found] == [11, 12, 13, 14, 15]


def test_rows_that_do_not_fit_keep_no_other_from_being_found(both, table):
    here, _ = both
    rows = [row("s", n, None if n < 40 else n) for n in range(50)]
    fields = [
        {**field, "constraints": {"required": True}} if field["name"] == "level" else field
        for field in SCHEMA["fields"]
    ]
    asked = at_ckan(here, table, rows, fields=fields)
    found, url = [], f"/v1/query?{asked}&sort=at&limit=3"
    for _ in range(20):
        page = here.get(url)
        found += [it["level"] for it in page["data"]]
        if not (url := page["next"]):
            break
    assert found == list(range(40, 50))


def test_groups_with_something_missing_are_given_again_as_a_whole(both):
    here, there = both
    name = f"t{next(_names)}"
    here.table(SCHEMA, name, [row("x", 1), row("y", 2)])
    there.table(SCHEMA, name, [row("x", 3), row("z", 4)])
    here.befriend("norddjurs", publisher_at("http://127.0.0.1:9"))
    asked = f"from={name}/levels&from={name}/levels@norddjurs&by=station&agg=*:count"
    page = here.get(f"/v1/query?{asked}")
    assert page["complete"] is False
    assert page["next"] is None
    here.befriend("norddjurs", publisher_at(there.url))
    whole = here.get(page["resume"])
    assert whole["complete"] is True
    assert {it["station"]: it["count"] for it in whole["data"]} == {"x": 2, "y": 1, "z": 1}


def test_a_table_unlike_the_others_costs_itself_only(both):
    here, there = both
    name = f"t{next(_names)}"
    here.table(SCHEMA, name, [row("a", 1)])
    renamed = [
        {**it, "name": "Level" if it["name"] == "level" else it["name"]} for it in SCHEMA["fields"]
    ]
    upper = {**SCHEMA, "fields": renamed}
    there.table(upper, name, [row("b", 1)])
    page = here.get(f"/v1/query?from={name}/levels&from={name}/levels@norddjurs")
    assert [it["station"] for it in page["data"]] == ["a"]
    assert page["sources"]["data"][1]["problem"]["code"] == "partner-names-clash"


def test_exact_numbers_stay_exact(both):
    here, there = both
    name = f"t{next(_names)}"
    fields = [
        {"name": "station", "constraints": {"required": True}},
        {"name": "price", "type": "number", "decimal": "38,2"},
    ]
    schema = {"name": "prices", "version": "1.0.0", "fields": fields, "primaryKey": "station"}
    there.table(schema, name, [("a", "12345678901234567.89"), ("b", None)])
    page = here.get(f"/v1/query?from={name}/levels@norddjurs")
    assert "12345678901234567.89" in here.text(f"/v1/query?from={name}/levels@norddjurs")
    assert [it["price"] for it in page["data"]][1] is None


@pytest.mark.parametrize(
    "name", ["a/../../../admin", "a/b%3Fx=1", "a/b/c", "%2e%2e/x", "A/b", "a/b%23"]
)
def test_no_question_leads_to_another_path_of_a_partner(both, name):
    here, _ = both
    problem = here.get(f"/v1/query?from={name}@norddjurs", 400)
    assert problem["code"].startswith("from-unknown-table")


@pytest.fixture
def three(both: tuple[Town, Town]) -> Iterator[tuple[Town, dict[str, Middle]]]:
    """A town, and three partners before which somebody counts what they are asked."""
    here, there = both
    loop = Loop()
    middles = {name: Middle(there.url) for name in ("east", "north", "west")}
    for middle in middles.values():
        loop.run(middle.start())
    yield here, middles
    for name, middle in middles.items():
        del here.partners[name]
        loop.run(middle.close())
    loop.close()


def met(three: Any, there: Town, of: dict[str, list[Any]], **stated: Any) -> str:
    """Give each partner a table of its own; gives the question to all of them."""
    here, middles = three
    tables = []
    for name, rows in of.items():
        made = there.table(SCHEMA, f"t{next(_names)}", rows)
        here.befriend(name, publisher_at(middles[name].url, **stated))
        tables.append(f"from={made.ref}@{name}")
        here.get(f"/v1/query?{tables[-1]}&limit=1")
        middles[name].asked.clear()
    return "&".join(tables)


def most_in_the_east(three: Any, there: Town, *, others: int, **stated: Any) -> str:
    """Give one partner 4,000 rows, and each of the *others* so many that come behind them."""
    rows = {"east": [row("e", n, n) for n in range(4_000)]}
    rows |= {name: [row(name, n, 9_000 + n) for n in range(others)] for name in ("north", "west")}
    return met(three, there, rows, **stated)


def limits(middle: Middle) -> list[int]:
    return [int(URL(it).query["limit"]) for it in middle.asked]


def test_of_a_long_page_each_is_asked_for_about_its_share(both, three):
    here, middles = three
    rows = {name: [row(name, n, n) for n in range(1_200)] for name in middles}
    asked = met(three, both[1], rows)
    page = here.get(f"/v1/query?{asked}&sort=level&limit=3000")
    assert [it["level"] for it in page["data"]] == [n // 3 for n in range(3_000)]
    assert [limits(it) for it in middles.values()] == [[1_500]] * 3
    rest = here.get(page["next"])
    assert [it["level"] for it in rest["data"]] == [n // 3 for n in range(3_000, 3_600)]
    assert rest["next"] is None


def test_who_has_more_than_its_share_of_a_page_is_asked_again(both, three):
    here, middles = three
    asked = most_in_the_east(three, both[1], others=600)
    page = here.get(f"/v1/query?{asked}&sort=level&limit=3000")
    assert [it["level"] for it in page["data"]] == list(range(3_000))
    assert [limits(it) for it in middles.values()] == [[1_500, 3_000], [1_500], [1_500]]
    assert page["complete"], page["sources"]
    rest = here.get(page["next"])["data"]
    assert [it["level"] for it in rest[:1_000]] == list(range(3_000, 4_000))
    assert len(rest) == 1_000 + 2 * 600


@pytest.mark.parametrize("fault", [late(0.3), status(500), truncated])
def test_where_who_is_asked_again_fails_what_it_gave_at_first_has_to_do(both, three, fault):
    here, middles = three
    asked = most_in_the_east(three, both[1], others=2)
    middles["west"].planned = [late(0.85)]  # there is little time left then
    middles["east"].planned = [None, fault]
    page = here.get(f"/v1/query?{asked}&sort=level&limit=3000&timeout=1")
    assert len(middles["east"].asked) == 2
    assert (page["complete"], page["sources"]["successful"]) == (True, 3)
    assert [it["level"] for it in page["data"]] == list(range(1_500))
    assert here.get(page["next"])["data"][0]["level"] == 1_500


def test_what_was_given_at_first_does_rather_than_what_is_old(both, three):
    here, middles = three
    question = most_in_the_east(three, both[1], others=2, stale="PT1H")
    asked = f"/v1/query?{question}&sort=level&limit=3000"
    assert len(here.get(asked)["data"]) == 3_000
    middles["east"].planned = [None, status(500)]
    page = here.get(asked)
    assert (page["complete"], len(page["data"])) == (True, 1_500)
    middles["east"].planned = [status(500), status(500)]
    page = here.get(asked)
    told = {it["id"]: (it["status"], it["served"]) for it in page["sources"]["data"]}
    assert told["east"] == ("partial", "cached")
    assert len(page["data"]) == 3_000


def test_rows_that_are_skipped_stay_so_where_somebody_is_too_slow(both, three):
    here, middles = three
    asked = most_in_the_east(three, both[1], others=2)
    middles["west"].planned = [hang]
    page = here.get(f"/v1/query?{asked}&sort=level&limit=10&offset=3000&timeout=1")
    assert [it["level"] for it in page["data"]] == list(range(3_000, 3_010))
    assert here.get(page["next"])["data"][0]["level"] == 3_010


def test_rows_of_a_ckan_that_end_before_the_page_end_it_too(both, table, monkeypatch):
    monkeypatch.setattr("publisher.query.federated._CHEAP", 1)
    monkeypatch.setattr("publisher.partners.ckan._BEYOND", 5)
    here, _ = both
    asked = at_ckan(here, table, [row("s", n, n) for n in range(200)])
    mine = here.table(SCHEMA, f"t{next(_names)}", [row("h", n, 1_000 + n) for n in range(50)])
    found = here.walk(f"{asked}&from={mine.ref}&sort=level&limit=60")
    assert [it["level"] for it in found] == [*range(200), *range(1_000, 1_050)]


def test_where_no_time_is_left_to_ask_again_the_page_is_shorter(both, three):
    here, middles = three
    asked = most_in_the_east(three, both[1], others=2)
    middles["west"].planned = [hang]
    page = here.get(f"/v1/query?{asked}&sort=level&limit=3000&timeout=1")
    told = {it["id"]: it["status"] for it in page["sources"]["data"]}
    assert told == {"east": "successful", "north": "successful", "west": "failed"}
    assert [it["level"] for it in page["data"]] == list(range(1_500))
    found, url = [], page["next"]
    while url:
        page = here.get(url)
        assert page["complete"], page["sources"]
        found += [it["level"] for it in page["data"]]
        url = page["next"]
    assert found == [*range(1_500, 4_000), 9_000, 9_000, 9_001, 9_001]
