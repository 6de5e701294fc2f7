"""Which fields an answer shows: those of the version asked for that are still public today."""

import asyncio
import copy
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from answering import CPR, SCHEMA, River, Site, answering, catalog_of, river_store

from publisher.model.schema import Schema


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
