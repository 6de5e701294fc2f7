"""What the outbox does by itself at a real CKAN: look at every row, withdraw, remove, hold."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ckan_house import Quarter, described, quarter
from faults import Instead
from publishing import START, open_house, until, water
from state_faults import STATE_FAULTS, own_corner
from structlog.testing import capture_logs
from support import CkanSite

from publisher.model.catalog import CkanTarget, Organization
from publisher.store import Attempt


@pytest.fixture
async def here(tmp_path: Path, ckan: CkanSite) -> AsyncIterator[Quarter]:
    async with quarter(tmp_path, ckan, watched=False) as found:
        yield found


def with_target(here: Quarter, **more: Any) -> None:
    held = here.house.targets["portal"].model_dump(by_alias=True)
    here.house.targets = {"portal": CkanTarget.model_validate({**held, **more})}
    here.house.describe()


def levels(rows: int = 20) -> list[tuple[Any, ...]]:
    return [water(f"s{n % 4}", n, level=float(n)) for n in range(rows)]


async def test_what_nobody_told_is_found_and_put_right_in_time(here: Quarter) -> None:
    with_target(here, reconcile="PT2S")
    await here.house.commit(levels())
    await here.until_published()
    await STATE_FAULTS["rows changed"](here.corner, here.house.name)
    await STATE_FAULTS["title edited"](here.corner, here.house.name)
    assert {"levels.rows.2026-03", "package.title"} <= (await here.differences()).keys()
    with capture_logs() as logs:
        here.house.outbox.start()
        await until(lambda: _no_difference(here))
    [told] = [line for line in logs if line["event"] == "put right what was found to differ"]
    assert set(told["found"]) == {"levels.rows.2026-03", "package.title"}


async def _no_difference(here: Quarter) -> bool:
    return await here.differences() == {}


async def test_a_look_at_every_row_that_fails_is_put_off_and_all_else_goes_on(
    here: Quarter,
) -> None:
    """CKAN gives nobody the whole table."""
    here.house.settings.__dict__["backoff_max"] = 3600.0
    here.house.outbox = here.house.new_outbox()
    with_target(here, reconcile="PT1S")
    await here.house.commit(levels())
    await here.until_published()
    refused = Instead(403, "", done=False)
    here.proxy.next(refused, lambda call: "/dump/" in call.action, times=float("inf"))
    here.proxy.calls.clear()
    here.house.outbox.start()

    def dumps() -> int:
        return sum("/dump/" in call.action for call in here.proxy.calls)

    async def current() -> Attempt | None:
        state = await here.house.engine.run(
            lambda con: here.house.store.published(con, here.house.name, "portal")
        )
        return state.attempt if state and not state.attempt.problem else None

    await until(lambda: dumps() > 0)
    here.house.describe()  # as by a steward who mends something else
    here.house.outbox.poke()
    for version in (2, 3):
        await here.house.commit([water("s0", 0, level=float(version))])
        here.house.outbox.poke()

        async def arrived(version: int = version) -> bool:
            attempt = await current()
            return attempt is not None and attempt.versions == {"levels": version}

        await until(arrived)
    await asyncio.sleep(2)
    attempt = await current()
    assert attempt is not None
    assert attempt.remote["uncompared"][0] == "ckan-refused"
    assert dumps() <= 2


async def test_rows_that_seem_to_have_one_key_are_counted(here: Quarter) -> None:
    """CKAN tells instants to the millisecond; a key may hold them to the microsecond."""
    at = [START + timedelta(microseconds=n) for n in (100, 200, 300)]
    await here.house.commit([water("s", 0, at=it) for it in at] + levels())
    await here.until_published()
    for times in ({"at": at[1].isoformat()}, {"at": at[2].isoformat()}):
        await here.corner.call(
            "datastore_records_delete", resource_id=here.resource, filters=times, force=True
        )
    assert (await here.differences()).keys() == {"levels.rows", "levels.rows.2026-03"}
    await here.until_published(thorough=True)
    for more in (400, 500):
        record = {"station": "s", "at": (START + timedelta(microseconds=more)).isoformat()}
        await here.corner.call(
            "datastore_upsert", resource_id=here.resource, records=[record], force=True
        )
    await here.until_published(thorough=True)
    assert await here.differences() == {}
    assert len(await here.corner.rows(here.resource)) == 23


async def test_a_dry_run_counts_the_rows_by_month_and_changes_nothing(here: Quarter) -> None:
    rows = levels()
    april = [water("s9", 45_000 + n, level=1.0) for n in range(3)]
    await here.house.commit([*rows, *april])
    await here.until_published()
    march = {"station": ["s0"]}
    await here.corner.call(
        "datastore_records_delete", resource_id=here.resource, filters=march, force=True
    )
    await STATE_FAULTS["rows added"](here.corner, here.house.name)
    here.proxy.clear()
    [result] = await here.house.outbox.publish(here.house.name, dry_run=True)
    found = {change.what: change.before for change in result.changes}
    assert found["levels.rows.2026-03"] == {"missing": 5, "different": 0, "extra": 3}
    assert "levels.rows.2026-04" not in found
    assert here.proxy.writes == []
    await here.until_published()
    assert await here.differences() == {}


async def test_withdrawn_it_is_private_and_removed_when_its_time_has_come(here: Quarter) -> None:
    with_target(here, grace="PT3S")
    await here.house.commit(levels())
    await here.until_published()
    other = await here.corner.call(
        "package_create", name=f"{here.house.name}-other", owner_org=here.corner.organization
    )
    here.house.outbox.start()
    here.house.publish = {"targets": ["portal"]}
    here.house.describe()
    here.house.outbox.poke()

    async def state() -> tuple[str, bool]:
        package = await here.corner.call("package_show", id=package_id)
        return package["state"], package["private"]

    package_id = (await here.corner.call("package_show", id=here.house.name))["id"]

    async def private() -> bool:
        return await state() == ("active", True)

    async def removed() -> bool:
        return (await state())[0] == "deleted"

    await until(private)
    await until(removed)
    left = await here.corner.call("package_show", id=other["id"])
    assert (left["state"], left["private"]) == ("active", False)
    here.house.publish = {"access": "public", "targets": ["portal"]}
    here.house.describe()
    here.house.outbox.poke()

    async def back() -> bool:
        return await state() == ("active", False)

    await until(back)
    assert await here.differences() == {}


async def test_what_a_person_has_to_mend_is_held_until_the_catalog_says_otherwise(
    here: Quarter,
) -> None:
    """It is not tried again and again meanwhile."""
    here.house.settings.__dict__["backoff_max"] = 3600.0
    here.house.outbox = here.house.new_outbox()
    await here.house.commit(levels())
    right = here.house.targets
    wrong = described(here.proxy.url, "no-such-organisation", "")["targets"]
    here.house.targets = wrong
    here.house.describe()
    here.house.outbox.start()

    async def failed() -> bool:
        state = await here.house.engine.run(
            lambda con: here.house.store.published(con, here.house.name, "portal")
        )
        return state is not None and state.attempt.problem is not None

    await until(failed)
    here.proxy.clear()
    here.house.outbox.poke()
    await asyncio.sleep(1)
    assert here.proxy.calls == []
    here.house.targets = right
    here.house.describe()
    here.house.outbox.poke()
    await until(lambda: _no_difference(here))


async def test_a_lost_state_is_found_again_without_a_row_sent(here: Quarter) -> None:
    """The marks at CKAN are of another store's commits: the rows are compared, and are the same."""
    await here.house.commit(levels())
    await here.until_published()
    package = await here.corner.call("package_show", id=here.house.name)
    folder = here.house.settings.data
    async with open_house(
        folder.parent / "again",
        **described(here.proxy.url, here.corner.organization, here.corner.token),
    ) as again:
        shutil.copy(folder / "installation", again.settings.data)
        await again.commit(levels())
        here.proxy.clear()
        [result] = await again.outbox.publish(again.name)
        assert (result.outcome, here.proxy.rows_sent) == ("published", 0)
        [result] = await again.outbox.publish(again.name, dry_run=True)
        assert result.outcome == "unchanged"
    after = await here.corner.call("package_show", id=here.house.name)
    assert after["id"] == package["id"]


async def test_each_organisation_writes_with_its_own_token(tmp_path: Path, ckan: CkanSite) -> None:
    async with own_corner(ckan) as one, own_corner(ckan) as two:
        target = {
            "type": "ckan",
            "url": ckan.url,
            "organizations": {
                "esbjerg": {"name": one.organization, "token": "${ONE}"},
                "syddjurs": {"name": two.organization, "token": "${TWO}"},
            },
        }
        async with open_house(
            tmp_path,
            publish={"access": "public", "targets": ["portal"]},
            targets={"portal": CkanTarget.model_validate(target)},
            environ={"ONE": one.token, "TWO": two.token},
        ) as house:
            for name, publisher, corner in (
                (one.organization, "esbjerg", one),
                (two.organization, "syddjurs", two),
            ):
                house.name, house.facts = name, {"publisher": publisher}
                house.describe()
                house.catalog.organizations["syddjurs"] = Organization(  # type: ignore[index]
                    title="Syddjurs Kommune", email="data@example.org"
                )
                await house.commit(levels(random.Random(1).randint(5, 9)))
                [result] = await house.outbox.publish(name)
                assert result.problem is None
                package = await corner.call("package_show", id=name)
                assert package["organization"]["name"] == corner.organization
            house.environ["TWO"] = one.token
            await house.commit(levels(12))
            [result] = await house.outbox.publish(two.organization)
            assert result.problem is not None
            assert result.problem.code == "ckan-refused"
