"""Several tables asked as one: wherever rows are placed, the answer is the same."""

import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
import pytest_asyncio
from answering import River, Site, answering, catalog_of, published, river_store, row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scale
from storing import Desk, entry, opened
from yarl import URL

from publisher.model.catalog import TableEntry
from publisher.query import Signer, fetch, json_rows, next_pairs
from publisher.query.several import prepare_several

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIGNER = Signer(b"a key for tests")
START = datetime(2026, 3, 28, 20)
SCHEMA: dict[str, Any] = {
    "name": "levels",
    "version": "1.0.0",
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
_tables = itertools.count()

rows_of_a_table = st.lists(
    st.tuples(
        st.sampled_from(["A", "a", "Å", "b"]),
        st.integers(0, 20).map(lambda hours: START + timedelta(hours=hours)),
        st.none() | st.integers(-3, 3),
        st.none() | st.sampled_from(["", "x", "Ø", 'q"']),
        st.none() | st.sampled_from([10.0, 10.5]),
        st.none() | st.sampled_from([56.0, 56.5]),
    ),
    max_size=30,
    unique_by=lambda row: row[:2],
)
QUESTIONS = (
    [],
    [("level__gte", "0")],
    [("filter", "note IS NULL OR level < 1")],
    [("bbox", "9,55,10.2,56.2")],
    [("time", "2026-03-29/..")],
    [("sort", "-level,note")],
    [("sort", "-at"), ("select", "at,level")],
    [("by", "station"), ("agg", "level:sum,*:count")],
    [("every", "P1D"), ("tz", "Europe/Copenhagen"), ("agg", "level:avg,level:p50")],
    [("by", "note"), ("every", "PT6H"), ("agg", "level:max,level:first")],
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened(tmp_path_factory.mktemp("several")) as found:
        yield found


def asked(desk: Desk, tables: list[TableEntry], pairs: Any, limit: int) -> list[dict[str, Any]]:
    """Follow all pages; where each row is from is left out."""
    found: list[dict[str, Any]] = []
    wanted = [*pairs, ("limit", str(limit))]
    while True:
        ready = prepare_several(desk.con, desk.store, tables, wanted, signer=SIGNER, now=NOW)
        page = fetch(desk.con, desk.store, ready, form="json", signer=SIGNER)
        found += orjson.loads(orjson.dumps(json_rows(ready.shown, page.rows)))
        if page.cursor is None:
            return [{name: it for name, it in row.items() if name[0] != "_"} for row in found]
        wanted = next_pairs(wanted, ready, page.cursor)


@settings(max_examples=scale(30, 2_000), suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=rows_of_a_table,
    places=st.lists(st.integers(0, 2), min_size=30, max_size=30),
    pairs=st.sampled_from(QUESTIONS),
    limit=st.integers(1, 10),
)
def test_rows_answer_alike_in_one_table_and_spread_over_three(
    desk: Desk, rows, places, pairs, limit
) -> None:
    whole, *spread = [entry(SCHEMA, name=f"s{next(_tables)}") for _ in range(4)]
    desk.commit(whole, rows)
    for number, table in enumerate(spread):
        share = [it for it, place in zip(rows, places, strict=False) if place == number]
        if share:
            desk.commit(table, share)
    assert asked(desk, spread, pairs, limit) == asked(desk, [whole], pairs, 10_000)


class Coast:
    """Two rivers under one schema, a third in other units, and a draft; all made up."""

    def __init__(self, store: River) -> None:
        self.store = store
        other = [
            {"name": "station"},
            {"name": "seen_at", "type": "datetime", "role": "time"},
            {"name": "level", "type": "integer", "unit": "cm"},
            {"name": "count"},
        ]
        fjord = {"name": "fjord", "version": "1.0.0", "fields": other, "primaryKey": "station"}
        self.fjord = published(entry(fjord, name="fjord"))
        store.desk.commit(self.fjord, [("F", datetime(2026, 1, 1, 1), 150, "many")])

    def catalog(self) -> Any:
        return catalog_of(self.store.river, self.store.empty, self.store.draft, self.fjord)


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    with river_store(tmp_path) as store:
        coast = Coast(store)
        async with answering(store, tmp_path / "data", catalog=coast.catalog) as found:
            yield found


BOTH = "query?from=river/levels&from=fjord/levels"


async def test_two_tables_in_one_answer_with_their_versions(site: Site) -> None:
    told = await site.get(f"{BOTH}&sort=-seen_at&select=_dataset,station,level&limit=3")
    assert told["data"] == [
        {"_dataset": "river", "station": "Å,b", "level": 250.0},
        {"_dataset": "river", "station": "B", "level": None},
        {"_dataset": "fjord", "station": "F", "level": 150.0},
    ]
    assert told["versions"] == {"fjord/levels": 1, "river/levels": 2}
    assert told["complete"] is True
    assert told["sources"]["data"] == [{"id": "local", "status": "successful"}]
    rest = await site.get(told["next"])
    assert len(told["data"]) + len(rest["data"]) == 5
    assert rest["next"] is None


async def test_numbers_are_in_one_unit_and_what_differs_in_type_is_text(site: Site) -> None:
    """Tables come in the order of their names, and the first one's unit counts."""
    told = await site.get(f"{BOTH}&_dataset__in=fjord,river&station__in=A,F&sort=seen_at")
    assert {it["station"]: it["level"] for it in told["data"] if it["level"]} == {
        "A": 950.0,
        "F": 150.0,
    }
    [fjord] = [it for it in told["data"] if it["station"] == "F"]
    assert fjord["count"] == "many"
    assert fjord["price"] is None
    metres = await site.get(f"{BOTH}&station=F&units=level:m")
    assert metres["data"][0]["level"] == 1.5
    kept = await site.get(f"{BOTH}&station__in=A,F&level__gte=900&original=level&sort=-level")
    assert [(it["level"], it["_original_level"], it["_unit_level"]) for it in kept["data"]] == [
        (950.0, 9.5, "m")
    ]
    for field in ("station", "lev"):
        refused = await site.get(f"{BOTH}&original={field}", 400)
        assert refused["parameter"] == "original"
    groups = await site.get(f"{BOTH}&by=_dataset&agg=*:count,level:max")
    assert {it["_dataset"]: (it["count"], it["level_max"]) for it in groups["data"]} == {
        "fjord": (1, 150.0),
        "river": (4, 950.0),
    }


async def test_a_page_goes_on_with_the_versions_it_began_on(site: Site) -> None:
    first = await site.get(f"{BOTH}&limit=2")
    await site.commit(row("AA", "2026-01-01T00:00:00", 1.0))
    second = await site.get(first["next"])
    assert second["versions"] == first["versions"]
    stations = [it["station"] for it in (*first["data"], *second["data"])]
    assert "AA" not in stations
    assert "AA" in [it["station"] for it in (await site.get(f"{BOTH}&limit=9"))["data"]]


async def test_all_tables_under_a_schema(site: Site) -> None:
    told = await site.get("query?from=schema:levels&from=schema:empty-schema")
    assert told["versions"] == {"empty/levels": 0, "river/levels": 2}
    assert len(told["data"]) == 4
    assert {it["_table"] for it in told["data"]} == {"levels"}


def deep(levels: int) -> str:
    return '{"op": "not", "args": [' * levels + "true" + "]}" * levels


async def test_what_is_posted_is_answered_like_an_address(site: Site) -> None:
    body = {
        "from": ["river/levels", "fjord/levels"],
        "station__in": ["A", "F", "Å,b"],
        "filter": {"op": ">=", "args": [{"property": "level"}, 1.5]},
        "sort": ["-level"],
        "limit": 2,
    }
    got = await site.get(
        f"{BOTH}&station__in=A,F,%22%C3%85,b%22&filter=level>=1.5&sort=-level&limit=2"
    )
    answer = await site.client.post("/v1/query", json=body)
    assert answer.status == 200
    told = await answer.json()
    assert told["data"] == got["data"]
    assert "river" not in told["next"]
    more = await (await site.client.post(URL(told["next"]).relative(), json=body)).json()
    rest = await site.get(got["next"])
    assert (more["data"], more["next"]) == (rest["data"], None)
    held = {"If-None-Match": answer.headers["ETag"]}
    assert (await site.client.post("/v1/query", json=body, headers=held)).status == 200
    as_csv = await site.client.post("/v1/query?f=csv&limit=1", json=body)
    assert (await as_csv.text()).splitlines()[0].startswith("_source,_dataset,_table,station")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", "body-not-json"),
        ("[]", "body-not-json"),
        ('{"from": ["river/levels"], "limit": null}', "body-not-a-value"),
        ('{"from": ["river/levels"], "level": {"gt": 1}}', "body-not-a-value"),
        ('{"from": ["river/levels"], "lvel": 1}', "unknown-parameter-near"),
        ('{"limit": 1}', "from-needed"),
        ('{"from": ["river/levels"], "limit": 1, "limit": 2}', "parameter-given-twice"),
        ('{"from": ["river/levels"], "note": "\\ud800"}', "body-not-json"),
        ('{"from": ["river/levels"], "limit": 1e999}', "body-not-json"),
        (f'{{"from": ["river/levels"], "filter": {deep(300)}}}', "filter-too-deep"),
        (f'{{"from": ["river/levels"], "filter": {deep(5_000)}}}', "body-not-json"),
        ('{"from": [' + ", ".join(['"schema:levels"'] * 51) + "]}", "many-tables"),
        ("{" + ", ".join(f'"a{n}": 1' for n in range(101)) + "}", "many-parameters"),
    ],
)
async def test_a_body_that_is_wrong_is_explained(site: Site, body: str, code: str) -> None:
    answer = await site.client.post("/v1/query", data=body)
    told = await answer.json()
    assert (answer.status, told["code"]) == (400, code)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "from-needed"),
        ("?from=river/level", "from-unknown-table-near"),
        ("?from=draft/levels", "from-unknown-table"),
        ("?from=schema:levles", "from-unknown-schema-near"),
        ("?from=river/levels@norddjurs", "unknown-partner"),
        ("?from=river/levels@*", "unknown-partner"),
        ("?from=river/levels&timeout=0", "not-in-range"),
        ("?from=river/levels&partial=perhaps", "not-a-choice"),
        ("?from=river/levels&version=1", "unknown-parameter"),
        ("?from=river/levels&cursor=x", "bad-cursor"),
    ],
)
async def test_a_wrong_question_is_explained(site: Site, query: str, code: str) -> None:
    told = await site.get(f"query{query}", status=400)
    assert told["code"].removesuffix("-near") == code.removesuffix("-near")


async def test_a_posted_question_goes_on_whatever_its_body_says_of_the_first_page(
    site: Site,
) -> None:
    body = {"from": ["river/levels"], "limit": 2, "offset": 1, "as_of": "2040-01-01"}
    told = await (await site.client.post("/v1/query", json=body)).json()
    await site.commit(row("AA", "2026-01-01T00:00:00", 1.0))
    answer = await site.client.post(URL(told["next"]).relative(), json=body)
    more = await answer.json()
    assert (answer.status, more["versions"], len(more["data"])) == (200, {"river/levels": 2}, 1)


async def test_groups_are_paged_in_files_too_and_added_columns_counted(
    site: Site, tmp_path: Path
) -> None:
    groups = f"{BOTH}&by=station&agg=*:count,_dataset:count&limit=2"
    told = await site.get(groups)
    for offset, expected in ((0, told["data"]), (2, (await site.get(told["next"]))["data"])):
        answer = await site.client.get(f"/v1/{groups}&offset={offset}&f=parquet")
        file = tmp_path / "page.parquet"
        file.write_bytes(await answer.read())
        rows = duckdb.sql(f"SELECT * FROM '{file}'").fetchall()
        assert rows == [tuple(it.values()) for it in expected]


async def test_a_slow_answer_is_not_kept_for_what_was_committed_meanwhile(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = site.store.desk.store.relation
    asked = []

    def late(ref: Any, version: int) -> Any:
        if not asked:
            asked.append(ref)
            site.store.commit(row("AA", "2026-01-01T00:00:00", 1.0))
            site.store.desk.store.state(site.store.desk.con, site.store.river.ref)
        return found(ref, version)

    monkeypatch.setattr(site.store.desk.store, "relation", late)
    first = await site.get(BOTH)
    assert first["versions"]["river/levels"] == 2
    assert (await site.get(BOTH))["versions"]["river/levels"] == 3


async def test_a_cursor_of_other_tables_is_refused(site: Site) -> None:
    first = await site.get(f"{BOTH}&limit=2")
    cursor = first["next"].partition("cursor=")[2]
    told = await site.get(f"query?from=river/levels&limit=2&cursor={cursor}", status=400)
    assert told["code"] == "bad-cursor"
