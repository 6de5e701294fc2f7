"""What is not to be shown any more goes at once, whatever else is under way or wrong."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ckan_house import Quarter, described, quarter
from ckan_site import RefusedError
from faults import FAULTS, Instead, Late, Slow, Throttled
from faulty import action
from publishing import WATER, open_house, until, water
from support import CkanSite

from publisher.model.catalog import CkanTarget, Organization
from publisher.store import Published
from publisher.targets.ckan.packages import resource_ids
from publisher.targets.due import standing, withdrawn_at
from publisher.targets.kinds import installation_id


@pytest.fixture
async def here(tmp_path: Path, ckan: CkanSite) -> AsyncIterator[Quarter]:
    async with quarter(tmp_path, ckan, watched=False) as found:
        yield found


def hidden(name: str) -> dict[str, Any]:
    fields = [
        {**field, "personal": True} if field["name"] == name else field for field in WATER["fields"]
    ]
    return {**WATER, "fields": fields}


async def columns(here: Quarter) -> tuple[set[str], int]:
    """Give the table's columns as anybody sees them, and how many rows it has."""
    info = await here.corner.call("datastore_info", id=here.resource)
    return {field["id"] for field in info["fields"]}, info["meta"]["count"]


async def test_a_field_that_becomes_personal_is_sent_no_further(
    here: Quarter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its table is being sent, and the site takes its time."""
    monkeypatch.setattr("publisher.targets.ckan.tables.CHUNK", 200)
    await here.house.commit([water("s", 0, note="old")])
    await here.until_published()
    rows = 1_000
    await here.house.commit([water("s", minute, note="new") for minute in range(rows)])
    here.proxy.next(Throttled(3, as_date=False), action("datastore_upsert"), skip=1, times=2)
    here.house.outbox.start()

    async def under_way() -> bool:
        return (await columns(here))[1] > 1

    await until(under_way)
    here.house.schemas["levels"] = hidden("note")
    here.house.describe()
    here.house.outbox.poke()
    while "note" in (found := await columns(here))[0]:  # noqa: ASYNC110 - CKAN tells nobody
        await asyncio.sleep(0.01)
    assert found[1] < rows

    async def whole() -> bool:
        return (await columns(here))[1] == rows

    await until(whole, 60)


async def test_it_goes_though_the_rest_breaks_a_rule_of_the_portal(
    tmp_path: Path, portal: CkanSite
) -> None:
    """The organisation has no address any more, which that portal asks for."""
    schemas = {"gone": {**WATER, "name": "gone"}, "levels": WATER}
    async with quarter(tmp_path, portal, watched=False, schemas=schemas) as here:
        house = here.house
        spec = house.targets["portal"].model_dump(by_alias=True)
        house.targets = {"portal": CkanTarget.model_validate({**spec, "profile": "opendata-dk"})}
        house.describe()
        for table in schemas:
            await house.commit([water("s", 0, note="told")], table)
        [result] = await house.outbox.publish(house.name)
        assert result.problem is None
        here.table = "levels"
        house.schemas = {"levels": hidden("note")}
        house.describe()
        nobody = {"esbjerg": Organization(title="Esbjerg Kommune")}
        house.catalog = replace(house.catalog, organizations=nobody)
        [result] = await house.outbox.publish(house.name)
        assert result.problem is not None
        assert result.problem.code == "ckan-profile"
        assert "note" not in (await columns(here))[0]
        package = await here.corner.call("package_show", id=house.name)
        assert {it.get("publisher_table") for it in package["resources"]} == {"levels"}


async def test_a_table_goes_though_the_others_have_no_rows_yet(here: Quarter) -> None:
    house = here.house
    house.publish = {"access": "public", "targets": ["portal", "folder"]}
    house.describe()
    await house.commit([water("s", 0)])
    results = await house.outbox.publish(house.name)
    assert [result.problem for result in results] == [None, None]
    house.schemas = {"fresh": {**WATER, "name": "fresh"}}
    house.describe()
    house.outbox.start()

    async def gone() -> bool:
        package = await here.corner.call("package_show", id=house.name)
        return not package["resources"] and not house.published.exists()

    await until(gone)
    await house.commit([water("s", 0)], "fresh")
    house.outbox.poke()

    async def there() -> bool:
        package = await here.corner.call("package_show", id=house.name)
        return [it["publisher_table"] for it in package["resources"]] == ["fresh"]

    await until(there)


async def test_a_spare_that_shows_it_is_emptied_though_it_cannot_be_taken_out(
    here: Quarter,
) -> None:
    await here.house.commit([water("s", 0, note="told")])
    await here.until_published()
    spare = resource_ids(installation_id(here.house.settings.data), here.house.name)(
        "levels.spare-a"
    )
    left = {"name": "made up: left by a kill", "url": "_table", "url_type": "datastore"}
    await here.corner.call("resource_create", package_id=here.house.name, id=spare, **left)
    fields = [{"id": "note", "type": "text"}]
    await here.corner.call("datastore_create", resource_id=spare, fields=fields, force=True)
    here.house.schemas["levels"] = hidden("note")
    here.house.describe()
    here.proxy.next(Instead(403, "<h1>No</h1>", done=False), action("resource_delete"))
    assert (await here.publish()).outcome == "failed"
    with pytest.raises(RefusedError, match="404"):
        await here.corner.call("datastore_info", id=spare)
    assert "note" not in (await columns(here))[0]


async def test_what_is_being_asked_is_waited_for_before_it_is_taken_back(here: Quarter) -> None:
    """The package is about to be made public, and the site takes its time."""
    await here.house.commit([water("s", 0)])
    await here.until_published()
    await here.corner.call("package_patch", id=here.house.name, private=True)
    here.proxy.next(Slow(1), action("package_revise"))
    here.house.outbox.start()
    asked = asyncio.create_task(here.publish())
    await until(lambda: here.proxy.planned == [])
    here.house.publish = {"targets": ["portal"]}
    here.house.describe()
    here.house.outbox.poke()
    assert (await asked).outcome == "withdrawn"
    await here.proxy.idle()
    assert (await here.corner.call("package_show", id=here.house.name))["private"]


async def test_what_was_given_up_and_comes_to_pass_later_is_taken_back_too(here: Quarter) -> None:
    """The package was about to be made public when the site answered no more."""
    await here.house.commit([water("s", 0)])
    await here.until_published()
    name = here.house.name
    await here.corner.call("package_patch", id=name, private=True)
    here.proxy.next(Late(status=504), action("package_revise"), times=float("inf"))
    assert (await here.publish()).outcome == "failed"
    here.proxy.clear()
    here.house.publish = {"targets": ["portal"]}
    here.house.describe()
    here.house.outbox.start()
    done = here.house.outbox.tallies["portal"].outcomes
    await until(lambda: done["withdrawn"] == 1)
    await here.proxy.release()
    assert not (await here.corner.call("package_show", id=name))["private"]

    async def private() -> bool:
        return bool((await here.corner.call("package_show", id=name))["private"])

    await until(private)


async def test_a_table_that_cannot_be_looked_at_keeps_no_others_open(
    tmp_path: Path, ckan: CkanSite
) -> None:
    schemas = {name: {**WATER, "name": name} for name in ("first", "gone", "levels")}
    async with quarter(tmp_path, ckan, watched=False, schemas=schemas) as here:
        for table in schemas:
            await here.house.commit([water("s", 0, note="told")], table)
        assert (await here.publish()).outcome == "published"
        here.house.schemas = {name: hidden("note") for name in ("first", "levels")}
        here.house.describe()
        first, here.table = here.table, "levels"
        assert first == "first"
        ids = resource_ids(installation_id(here.house.settings.data), here.house.name)
        here.proxy.next(
            Instead(500, "<h1>Oh</h1>", done=False),
            lambda call: call.action == "datastore_info" and call.resource == ids("first"),
            times=float("inf"),
        )
        assert (await here.publish()).outcome == "failed"
        assert "note" not in (await columns(here))[0]
        package = await here.corner.call("package_show", id=here.house.name)
        assert ids("gone") not in {it["id"] for it in package["resources"]}


async def test_a_table_that_may_have_been_shown_goes_though_nothing_was_recorded(
    here: Quarter,
) -> None:
    """The process ended between the last call and the note of it; then the table was replaced."""
    house = here.house
    await house.commit([water("s", 0)])
    here.proxy.next(FAULTS["reset, done"], action("package_revise"), times=float("inf"))
    here.proxy.next(Instead(500, "Oh", done=False), action("package_show"), skip=3, times=99)
    assert (await here.publish()).outcome == "failed"
    here.proxy.clear()
    await here.corner.call("package_patch", id=house.name, private=False)
    house.schemas = {"fresh": {**WATER, "name": "fresh"}}
    house.describe()
    house.outbox.start()

    async def gone() -> bool:
        return not (await here.corner.call("package_show", id=house.name))["resources"]

    await until(gone)


async def test_a_fault_while_it_is_withdrawn_is_forgotten_and_its_time_goes_on(
    here: Quarter,
) -> None:
    house = here.house

    async def state() -> Published:
        found = await house.engine.run(lambda con: house.store.published(con, house.name, "portal"))
        assert found is not None
        return found

    await house.commit([water("s", 0)])
    await here.until_published()
    house.publish = {"targets": ["portal"]}
    house.describe()
    assert (await here.publish()).outcome == "withdrawn"
    since = withdrawn_at((await state()).success)
    broken = Instead(403, "<h1>No</h1>", done=False)
    here.proxy.next(broken, action("package_show"), times=float("inf"))
    assert (await here.publish()).outcome == "failed"
    here.proxy.clear()
    assert (await state()).attempt.problem is not None
    assert (await here.publish()).outcome == "withdrawn"
    after = await state()
    assert (standing(after, {}), withdrawn_at(after.success)) == ("withdrawn", since)


async def test_a_draft_is_withdrawn_though_the_store_knows_of_no_publication(here: Quarter) -> None:
    """It was restored to before the first one."""
    here.house.publish = {"access": "public", "targets": ["portal", "folder"]}
    here.house.describe()
    await here.house.commit([water("s", 0)])
    await here.house.outbox.publish(here.house.name)
    data = here.house.settings.data
    settings = described(here.proxy.url, here.corner.organization, here.corner.token)
    settings["publish"] = {"targets": ["portal", "folder"]}
    async with open_house(data.parent / "restored", **settings) as house:
        shutil.copy(data / "installation", house.settings.data)
        shutil.copytree(data / "published", house.settings.published_path, symlinks=True)
        here.proxy.clear()
        results = await house.outbox.publish(house.name, dry_run=True)
        assert {it.target: it.outcome for it in results} == dict.fromkeys(
            ("folder", "portal"), "different"
        )
        assert here.proxy.writes == []
        house.outbox.start()

        async def withdrawn() -> bool:
            package = await here.corner.call("package_show", id=house.name)
            return bool(package["private"]) and not house.published.exists()

        await until(withdrawn)
