"""Which fields an answer shows: those of the version asked for that are still public today."""

import asyncio
import copy
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from answering import CPR, ROWS, SCHEMA, River, Site, answering, catalog_of, river_store, row

from publisher.model.schema import Schema
from publisher.store import Commit


class Steward:
    """Changes the river's schema, as an edit of its file does."""

    def __init__(self, store: River) -> None:
        self.store = store
        self.river = store.river

    def describe(self, *added: dict[str, Any], without: str = "", **personal: bool) -> None:
        schema = copy.deepcopy(SCHEMA)
        schema["fields"] = [it for it in schema["fields"] if it["name"] != without] + list(added)
        for field in schema["fields"]:
            if field["name"] in personal:
                field["personal"] = personal[field["name"]]
        self.river = replace(self.store.river, schema=Schema.model_validate(schema))

    async def commit(self, *rows: tuple[Any, ...]) -> None:
        await asyncio.to_thread(self.store.desk.commit, self.river, rows)


@pytest.fixture
def steward(tmp_path: Path) -> Iterator[Steward]:
    with river_store(tmp_path) as store:
        yield Steward(store)


@pytest_asyncio.fixture
async def site(steward: Steward, tmp_path: Path) -> AsyncIterator[Site]:
    async with answering(
        steward.store, tmp_path / "data", catalog=lambda: catalog_of(steward.river)
    ) as found:
        yield found


async def text(site: Site, path: str) -> str:
    answer = await site.client.get(f"/v1/datasets/river/levels{path}")
    assert answer.status == 200
    return (await answer.read()).decode()


async def test_a_field_whose_line_is_gone_is_shown_no_longer(steward: Steward, site: Site):
    for hidden in ("price", "warden"):
        steward.describe(without=hidden)
        for path in ("", "/rows", "/rows?version=1", "/rows?f=csv"):
            shown = await text(site, path)
            assert hidden not in shown, path
            assert CPR not in shown, path
        assert (await site.rows(f"?{hidden}__isnull=true", 400))["code"] == "unknown-parameter"


async def test_a_field_is_described_by_the_catalog_and_typed_as_it_is_stored(
    steward: Steward, site: Site
):
    schema = copy.deepcopy(SCHEMA)
    schema["fields"][2] |= {"title": "Vandstand", "unit": "cm", "type": "string"}
    steward.river = replace(steward.river, schema=Schema.model_validate(schema))
    table = await site.get("datasets/river/levels")
    assert table["fields"][2] == {
        "name": "level", "type": "number", "unit": "m", "title": "Vandstand",
    }  # fmt: skip


async def test_a_version_keeps_its_fields_when_others_come(steward: Steward, site: Site):
    first = await site.client.get(f"{ROWS}?f=csv&limit=1&sort=seen_at")
    held = (await first.read()).splitlines()[0]
    steward.describe({"name": "wind", "type": "number"})
    await steward.commit((*row("C", "2026-03-01T00:00:00"), 7.0))
    assert b"wind" in await (await site.client.get(f"{ROWS}?f=csv")).read()
    walked = [first]
    while following := walked[-1].links.get("next"):
        walked.append(await site.client.get(following["url"].relative()))
    assert {(await page.read()).splitlines()[0] for page in walked[1:]} == {held}
    assert (await site.rows("?version=2&select=wind", 400))["code"] == "unknown-field"
    assert (await site.rows("?version=2&wind=7", 400))["code"] == "unknown-parameter"
    assert [it["wind"] for it in (await site.rows("?version=3&wind=7"))["data"]] == [7.0]
    assert b"wind" not in await (await site.client.get(f"{ROWS}?f=csv&version=0")).read()


async def test_what_is_hidden_later_goes_from_older_versions_and_changes_their_tag(
    steward: Steward, site: Site
):
    held = await site.client.get(f"{ROWS}?version=1")
    steward.describe(price=True)
    await steward.commit()
    again = await site.client.get(
        f"{ROWS}?version=1", headers={"If-None-Match": held.headers["ETag"]}
    )
    assert again.status == 200
    assert b"price" not in await again.read()
    steward.describe()
    await steward.commit(row("C", "2026-03-01T00:00:00", price="2.50"))
    assert "price" in (await site.rows())["data"][0]
    assert "price" not in (await site.rows("?version=3"))["data"][0]


async def test_a_table_made_anew_answers_for_the_versions_before(steward: Steward, site: Site):
    desk = steward.store.desk
    for type_ in ("string", "number"):
        steward.describe({"name": "wind", "type": type_})
        steward.river = replace(steward.river, dataset=steward.store.empty.dataset)
        await asyncio.to_thread(desk.store.commit, desk.con, Commit(steward.river, "run", None))
    path = "datasets/empty/levels/rows"
    assert (await site.get(f"{path}?version=1&select=station"))["data"] == []
    assert (await site.get(f"{path}?version=1&wind=a", 400))["code"] == "unknown-parameter"


async def test_housekeeping_leaves_the_fields_of_the_versions_that_stay(
    steward: Steward, site: Site
):
    desk = steward.store.desk
    steward.describe({"name": "wind", "type": "number"})
    await steward.commit((*row("C", "2026-03-01T00:00:00"), 7.0))
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    await asyncio.to_thread(desk.store.keep_house, desk.con, steward.river.ref, long_ago)
    assert "wind" not in (await site.rows("?version=1"))["data"][0]


async def test_a_key_to_what_is_hidden_is_no_part_of_a_shared_schema(tmp_path: Path):
    def key(resource: str, field: str) -> dict[str, Any]:
        return {"fields": ["station"], "reference": {"resource": resource, "fields": [field]}}

    keys = [
        key("empty/levels", "station"),
        key("empty/levels", "warden"),
        key("draft/levels", "station"),
        key("gone/levels", "station"),
        key("", "warden"),
    ]
    schema = Schema.model_validate({**SCHEMA, "foreignKeys": keys})
    with river_store(tmp_path) as store:
        river = replace(store.river, schema=schema)
        catalog = catalog_of(river, store.draft, store.empty)
        async with answering(store, tmp_path / "data", catalog=lambda: catalog) as site:
            assert (await site.get("schemas/levels"))["foreignKeys"] == keys[:1]


async def test_a_schema_is_listed_with_the_tables_of_its_own_version(tmp_path: Path):
    older = Schema.model_validate({**SCHEMA, "version": "1.1.0"})
    with river_store(tmp_path) as store:
        catalog = catalog_of(store.river, replace(store.empty, schema=older))
        async with answering(store, tmp_path / "data", catalog=lambda: catalog) as site:
            listed = (await site.get("schemas"))["data"]
            assert [(it["version"], it["tables"]) for it in listed] == [
                ("1.1.0", ["empty/levels"]),
                ("1.2.0", ["river/levels"]),
            ]
            assert (await site.get("schemas/levels"))["version"] == "1.2.0"
