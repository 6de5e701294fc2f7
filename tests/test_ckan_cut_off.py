"""Cases that no random sequence draws: what is cut off near an end, opened late, refused late."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from ckan_house import LATE, Quarter, quarter, remade
from faults import FAULTS, Instead
from faulty import action
from publishing import WATER, open_house, together, until, water
from support import CkanSite

BROKEN = Instead(500, "<h1>Oh</h1>", done=False)


@pytest.fixture
async def here(tmp_path: Path, ckan: CkanSite) -> AsyncIterator[Quarter]:
    async with quarter(tmp_path, ckan, watched=False) as found:
        yield found


def levels(rows: int = 20, **values: Any) -> list[tuple[Any, ...]]:
    return [water(f"s{n % 4}", n, **values) for n in range(rows)]


def personal(name: str) -> dict[str, Any]:
    fields = [
        {**field, "personal": True} if field["name"] == name else field for field in WATER["fields"]
    ]
    return {**WATER, "fields": fields}


async def held(here: Quarter) -> list[dict[str, Any]]:
    return await here.corner.rows(here.resource)


async def test_a_column_that_is_opened_later_has_its_values_in_the_rows_of_before(
    here: Quarter,
) -> None:
    here.house.schemas["levels"] = personal("note")
    here.house.describe()
    await here.house.commit(levels(note="old"))
    await here.until_published()
    assert "note" not in (await held(here))[0]
    here.house.schemas["levels"] = WATER
    here.house.describe()
    await here.house.commit([water("new", 1, note="new")])
    await here.until_published()
    assert sorted({row["note"] for row in await held(here)}) == ["new", "old"]
    assert await here.differences() == {}


async def test_a_spare_that_was_left_behind_goes_with_what_it_holds(here: Quarter) -> None:
    """The table was made anew twice; the second time the last call of all was lost."""
    await here.house.commit(levels())
    await here.until_published()
    await remade(here.corner, here.resource, "level", [])
    await here.until_published()
    first = (await here.corner.call("datastore_info", id=here.resource))["meta"]["id"]
    assert first != here.resource
    await here.corner.call("datastore_create", resource_id=first, aliases=[], force=True)
    await remade(here.corner, first, "level", [])
    await here.corner.call(
        "datastore_create", resource_id=first, aliases=[here.resource], force=True
    )
    here.proxy.next(BROKEN, action("resource_delete"), times=float("inf"))
    assert (await here.publish()).outcome == "failed"
    package = await here.corner.call("package_show", id=here.house.name)
    assert first in {it["id"] for it in package["resources"]}
    here.proxy.clear()
    assert "levels.spare" in await here.differences()
    await here.until_published()
    package = await here.corner.call("package_show", id=here.house.name)
    assert first not in {it["id"] for it in package["resources"]}
    assert await here.differences() == {}


async def test_what_was_public_before_it_was_recorded_can_be_withdrawn(here: Quarter) -> None:
    """The process ended between the last call and the note that all was done."""
    await here.house.commit(levels())
    here.proxy.next(FAULTS["reset, done"], action("package_revise"), times=float("inf"))
    here.proxy.next(BROKEN, action("package_show"), skip=3, times=float("inf"))
    assert (await here.publish()).outcome == "failed"
    here.proxy.clear()
    package = await here.corner.call("package_show", id=here.house.name)
    await here.corner.call("package_patch", id=package["id"], private=False)
    await here.house.outbox.close()
    here.house.outbox = here.house.new_outbox()
    here.house.publish = {"targets": ["portal"]}
    here.house.describe()
    here.house.outbox.start()

    async def private() -> bool:
        return bool((await here.corner.call("package_show", id=package["id"]))["private"])

    await until(private)


async def test_a_correction_that_ckan_refuses_leaves_no_row_of_an_older_version(
    here: Quarter,
) -> None:
    words = random.Random(1).randbytes(700_000).hex()  # more than its full text index takes
    note = " ".join(words[n : n + 12] for n in range(0, len(words), 12))
    await here.house.commit(levels(note="fine"))
    await here.until_published()
    await here.house.commit([water("s1", 1, note=note), water("s2", 2, note="better")])
    result = await here.until_published()
    assert [(it.code, it.params["rows"]) for it in result.notices] == [("ckan-rows-refused", 1)]
    rows = {(row["station"], row["at"][14:16]): row["note"] for row in await held(here)}
    assert ("s1", "01") not in rows
    assert rows["s2", "02"] == "better"
    assert await here.differences() == {}
    await here.house.commit([water("s1", 1, note="shorter")])
    await here.until_published()
    assert len(await held(here)) == 20


async def test_after_a_first_load_that_was_cut_off_newer_rows_wait(here: Quarter) -> None:
    """What that process had under way may still be carried out."""
    await here.house.commit(levels(6_000))
    here.proxy.next(BROKEN, action("datastore_upsert"), times=float("inf"))
    assert (await here.publish()).outcome == "failed"
    here.proxy.clear()
    await here.house.outbox.close()
    here.house.outbox = here.house.new_outbox()
    await here.house.commit(levels(level=3.0))
    assert (await here.publish()).outcome == "published"
    sent = {call.action: call.at for call in reversed(here.proxy.calls)}
    assert sent["datastore_upsert"] - sent["datastore_create"] > LATE * 0.9
    assert await here.differences() == {}


async def test_after_a_column_was_opened_newer_rows_wait_for_what_was_given_up(
    here: Quarter,
) -> None:
    """A correction was under way when its process ended, and may still be carried out."""
    here.house.schemas["levels"] = personal("note")
    here.house.describe()
    await here.house.commit(levels(note="old"))
    await here.until_published()
    await here.house.commit([water("s1", 1, note="newer")])
    here.proxy.next(BROKEN, action("datastore_upsert"), times=float("inf"))
    assert (await here.publish()).outcome == "failed"
    here.proxy.clear()
    await here.house.outbox.close()
    here.house.outbox = here.house.new_outbox()
    here.house.schemas["levels"] = WATER
    here.house.describe()
    await here.house.commit([water("s2", 2, note="newest")])
    assert (await here.publish()).outcome == "published"
    sent = {call.action: call.at for call in reversed(here.proxy.calls)}
    assert sent["datastore_upsert"] - sent["datastore_create"] > LATE * 0.9
    assert {row["note"] for row in await held(here)} == {"old", "newer", "newest"}
    assert await here.differences() == {}


async def test_rows_of_any_width_go_in_calls_of_a_bounded_size(
    tmp_path: Path, ckan: CkanSite
) -> None:
    wide = "x" * 50_000
    async with quarter(tmp_path, ckan, watched=False, timeout=30) as here:
        await here.house.commit(levels(100, note=wide))
        await here.until_published()
        taken = [call.records for call in here.proxy.calls if call.status == HTTPStatus.OK]
        assert sum(taken) == 100
        assert max(call.records for call in here.proxy.calls) * len(wide) <= 1_100_000
        assert await here.differences() == {}
        await here.corner.call(
            "datastore_records_delete", resource_id=here.resource, filters={}, force=True
        )
        here.proxy.clear()
        await here.until_published(thorough=True)
        assert max(call.records for call in here.proxy.calls) * len(wide) <= 1_100_000
        assert len(await held(here)) == 100


async def test_a_table_that_has_no_version_yet_keeps_its_resource(
    tmp_path: Path, ckan: CkanSite
) -> None:
    """As after a start with an empty store, table by table."""
    one = {"name": "one", "version": "1.0.0", "fields": [{"name": "n"}], "primaryKey": "n"}
    schemas = {"first": one, "second": {**one, "name": "two"}}
    async with quarter(tmp_path, ckan, watched=False, schemas=schemas) as here:
        await here.house.commit([("1",)], "first")
        await here.house.commit([("2",)], "second")
        await here.until_published()
        installation = (here.house.settings.data / "installation").read_bytes()
        package = await here.corner.call("package_show", id=here.house.name)
        again = {
            "schemas": schemas,
            "targets": here.house.targets,
            "name": here.house.name,
            "publish": here.house.publish,
            "environ": here.house.environ,
        }
        async with open_house(tmp_path / "again", **again) as house:
            (house.settings.data / "installation").write_bytes(installation)
            await house.commit([("1",)], "first")
            [result] = await house.outbox.publish(house.name)
            assert result.problem is None
        after = await here.corner.call("package_show", id=here.house.name)
        ids = [it["id"] for it in package["resources"]]
        assert [it["id"] for it in after["resources"]] == ids


async def test_every_row_is_compared_though_the_table_is_behind(here: Quarter) -> None:
    await here.house.commit(levels())
    await here.until_published()
    rows = (await held(here))[:2]
    await here.corner.call(
        "datastore_upsert",
        resource_id=here.resource,
        method="update",
        records=[{"_id": row["_id"], "level": 19} for row in rows],
        force=True,
    )
    await here.house.commit([water("new", 1)])
    await here.until_published(thorough=True)
    assert await here.differences() == {}


async def test_what_a_person_is_told_is_the_newest_reason(here: Quarter) -> None:
    async def told() -> tuple[str, dict[str, Any]]:
        def look(con: Any) -> Any:
            return here.house.store.published(con, here.house.name, "portal")

        problem = (await here.house.engine.run(look)).attempt.problem
        return problem.code, dict(problem.params)

    await here.house.commit(levels())
    for status in (502, 503):
        here.proxy.next(Instead(status, "", done=False), action("package_show"), times=float("inf"))
        await here.publish()
        here.proxy.clear()
        assert (await told())[1]["status"] == status


async def test_a_target_that_is_described_otherwise_ends_what_is_under_way_first(
    here: Quarter,
) -> None:
    """Another dataset is the first to see the new description."""
    house, first = here.house, here.house.name
    await house.commit(levels(6_000))
    catalog = house.catalog
    house.name = f"{first}-other"
    house.describe()
    await house.commit(levels())
    catalog = house.catalog = together([catalog, house.catalog])
    publishing = asyncio.create_task(house.outbox.publish(first))
    while not here.proxy.writes:  # noqa: ASYNC110 - the proxy only keeps a list
        await asyncio.sleep(0.01)
    described = catalog.targets["portal"].model_copy(update={"timeout": 20.0})
    house.catalog = replace(catalog, targets={**catalog.targets, "portal": described})
    results = [*await house.outbox.publish(house.name), *await publishing]
    assert [result.problem for result in results] == [None, None]


async def test_a_table_that_is_held_keeps_nothing_of_the_others_public(here: Quarter) -> None:
    """One table has a row without its key, another's field becomes personal, a third leaves."""

    def table(name: str, **who: Any) -> dict[str, Any]:
        fields = [{"name": "id", "type": "integer"}, {"name": "who", **who}]
        return {"name": name, "version": "1.0.0", "fields": fields, "primaryKey": ["id"]}

    house = here.house
    first = {**table("aa"), "primaryKey": ["id", "who"]}
    house.schemas = {"aa": first, "bb": table("bb"), "cc": table("cc")}
    house.describe()
    for name in ("aa", "bb", "cc"):
        await house.commit([(1, "Karen")], name)
    [result] = await house.outbox.publish(house.name)
    assert result.problem is None
    package = await here.corner.call("package_show", id=house.name)
    ids = {it["publisher_table"]: it["id"] for it in package["resources"]}
    await house.commit([(2, None)], "aa")
    house.schemas = {"aa": first, "bb": table("bb", personal=True)}
    house.describe()
    [result] = await house.outbox.publish(house.name)
    assert result.problem is not None
    assert result.problem.code == "ckan-null-key"
    assert all("who" not in row for row in await here.corner.rows(ids["bb"]))
    package = await here.corner.call("package_show", id=house.name)
    assert {it["publisher_table"] for it in package["resources"]} == {"aa", "bb"}
