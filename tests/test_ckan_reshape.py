"""A table that has to be made anew while it is read: its address stays, and nobody sees it half."""

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from ckan_house import Quarter, quarter, remade, shown
from publishing import WATER, water
from scale import scale
from support import CkanSite

ROWS = scale(600, 6_000)  # more than one call takes
FEWER = ROWS - ROWS // 60


@pytest.fixture
async def here(
    tmp_path: Path, ckan: CkanSite, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Quarter]:
    monkeypatch.setattr("publisher.targets.ckan.tables.CHUNK", scale(500, 5_000))
    async with quarter(tmp_path, ckan, modes={"levels": "replace"}, timeout=30) as found:
        yield found


def levels(level: float, *, rows: int = ROWS) -> list[tuple[Any, ...]]:
    return [water(f"s{n % 4}", n // 4, level=level) for n in range(rows)]


async def swap_type(here: Quarter, resource: str) -> None:
    """Replace the table by one with the same rows and dictionary, but text for numbers."""
    rows = await here.corner.rows(resource)
    for row in rows:
        del row["_id"]
    await remade(here.corner, resource, "level", rows)


async def homes(here: Quarter) -> tuple[str, list[str]]:
    """Give where the resource's rows are kept, and the package's resources with a table."""
    info = await here.corner.call("datastore_info", id=here.resource)
    package = await here.corner.call("package_show", id=here.house.name)
    tables = [it["id"] for it in package["resources"] if it.get("datastore_active")]
    return info["meta"]["id"], tables


async def test_another_type_and_what_follows(here: Quarter) -> None:
    """The second table takes deltas, columns, and gives way to a third in the same manner."""
    await here.commit(levels(0.5))
    await here.until_published()
    with here.watcher.suspended():
        await swap_type(here, here.resource)
        here.watcher.allow(
            here.resource,
            1,
            [{**row, "level": str(row["level"])} for row in shown(await here.house.rows())],
            key=["station", "at"],
        )
    await here.until_published()
    first, tables = await homes(here)
    assert first != here.resource
    assert tables == [here.resource, first]
    await here.commit(levels(0.75, rows=FEWER))
    await here.until_published()
    await here.assert_equal()
    here.house.schemas["levels"] = {
        **WATER,
        "fields": [*WATER["fields"], {"name": "extra", "type": "integer"}],
    }
    here.house.describe()
    await here.commit([(*row, 7) for row in levels(0.75, rows=FEWER)])
    await here.until_published()
    await here.assert_equal()
    here.house.schemas["levels"]["fields"][-1]["personal"] = True
    here.house.describe()
    await here.until_published()
    found = await here.corner.call("datastore_search", resource_id=here.resource, limit=1)
    assert "extra" not in json.dumps(found)
    with here.watcher.suspended():
        await here.corner.call("datastore_create", resource_id=first, aliases=[], force=True)
        await swap_type(here, first)
        await here.corner.call(
            "datastore_create", resource_id=first, aliases=[here.resource], force=True
        )
        await here.until_published()
    second, tables = await homes(here)
    assert second not in {here.resource, first}
    assert tables == [here.resource, second]
    assert await here.differences() == {}
    assert here.watcher.gap_ms(here.resource) < 5_000  # tests/bench/ckan.py measures it


async def test_a_key_that_becomes_personal_goes_at_once(here: Quarter) -> None:
    await here.commit(levels(0.5))
    await here.until_published()
    fields = [
        {**field, "personal": True} if field["name"] == "station" else field
        for field in WATER["fields"]
    ]
    here.house.schemas["levels"] = {**WATER, "fields": fields}
    here.house.describe()
    with here.watcher.suspended():
        await here.until_published()
    info = await here.corner.call("datastore_info", id=here.resource)
    assert [it["id"] for it in info["fields"]][:2] == ["row_id", "at"]
    assert info["meta"]["count"] == ROWS
    assert await here.differences() == {}
    search = await here.corner.call("package_show", id=here.house.name)
    assert "station" not in json.dumps(search)


async def test_a_dropped_table_is_back_whole(here: Quarter) -> None:
    rng = random.Random(1)
    await here.commit(levels(rng.random()))
    await here.until_published()
    with here.watcher.suspended():
        await here.corner.call("datastore_delete", resource_id=here.resource, force=True)
    await here.until_published()
    await here.assert_equal()
    assert (await homes(here))[0] != here.resource
