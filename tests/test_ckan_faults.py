"""Whatever befalls it, the catalog ends equal to the store, and its readers saw nothing wrong.

A watcher polls throughout: see watcher.py for the three laws it holds. What cannot be promised
against a request that is carried out later than the target's ``late`` is looked away from, and
said in docs/targets/ckan.md.
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ckan_house import Quarter, described, quarter
from ckan_site import RefusedError
from faults import FAULTS, Kill
from faulty import Predicate, action, anything, writes
from publishing import open_house, water
from scale import FULL, scale
from state_faults import STATE_FAULTS, Heal, own_corner
from support import PROJECT, CkanSite

from publisher.errors import HeldError

CHILD = Path(__file__).with_name("ckan_child.py")
HELD_BACK = {name for name in FAULTS if "released" in name}
CALLS: dict[str, Predicate] = {
    "any": anything,
    "write": writes,
    "look": action("package_show", "datastore_info"),
    "marker": action("datastore_create"),
    "delete": action("datastore_records_delete"),
    "rows": action("datastore_upsert"),
    "metadata": action("package_revise"),
}


@pytest.fixture
async def here(tmp_path: Path, ckan: CkanSite) -> AsyncIterator[Quarter]:
    async with quarter(tmp_path, ckan, modes={"levels": "replace"}) as found:
        yield found


def levels(rng: random.Random, most: int = 40) -> list[tuple[Any, ...]]:
    """Give most of the rows there may be, some with another value than last time."""
    return [
        water(f"s{n % 4}", n // 4, level=rng.choice([None, round(rng.random(), 3)]))
        for n in range(most)
        if rng.random() < 0.93
    ]


async def settle(here: Quarter) -> None:
    """Let everything come to its end: nothing planned, nothing held, nothing to be repaired."""
    here.proxy.clear()
    await here.proxy.idle()
    await here.proxy.release()
    await here.until_published(thorough=True)


STRUCK = [
    (fault, call)
    for fault in FAULTS
    for call in (CALLS if FULL else random.Random(fault).sample(list(CALLS), 1))
]


@pytest.mark.parametrize(("fault", "call"), STRUCK)
async def test_a_fault_on_the_wire(here: Quarter, fault: str, call: str) -> None:
    rng = random.Random(fault + call)
    await here.commit(levels(rng))
    await here.until_published()
    here.proxy.next(FAULTS[fault], CALLS[call])
    await here.commit(levels(rng))
    await here.publish()
    await here.commit(levels(rng))
    if fault in HELD_BACK:  # it comes when it is given up for good
        with here.watcher.suspended():
            await here.until_published()
            await settle(here)
    await here.until_published()
    await here.assert_equal()


@pytest.mark.parametrize("fault", STATE_FAULTS)
async def test_something_done_by_hand(here: Quarter, fault: str) -> None:
    rng = random.Random(fault)
    await here.commit(levels(rng))
    await here.until_published()
    package = await here.corner.call("package_show", id=here.house.name)
    with here.watcher.suspended():
        heal = await STATE_FAULTS[fault](here.corner, here.house.name)
        if heal is not None:
            await here.commit(levels(rng))
            result = await here.publish()
            assert result.outcome == "failed"
            await heal()
            here.house.environ["CKAN_TOKEN"] = here.corner.token
        await here.until_published(thorough=True)
    await here.assert_equal()
    again = await here.corner.call("package_show", id=here.house.name)
    assert again["id"] == package["id"]
    assert not again["private"]
    assert here.resource in {resource["id"] for resource in again["resources"]}


async def _by_hand(here: Quarter, fault: str, *, late: bool) -> None:
    """Spoil something; people put right what only people can, before or after a publication."""
    heal: Heal | None = None
    with here.watcher.suspended():
        with suppress(LookupError, RefusedError):
            heal = await STATE_FAULTS[fault](here.corner, here.house.name)
        if late:
            await here.publish()
        if heal is not None:
            await heal()
            here.house.environ["CKAN_TOKEN"] = here.corner.token
        await settle(here)


async def _sequence(here: Quarter, rng: random.Random) -> None:
    most = rng.choice([10, 40, 40, 200])
    await here.commit(levels(rng, most))
    for _ in range(rng.randint(3, 7)):
        step = rng.choices(["commit", "wire", "hand", "restart"], [3, 5, 4, 1])[0]
        if step == "hand":
            await _by_hand(here, rng.choice(list(STATE_FAULTS)), late=rng.random() < 0.5)
            continue
        if step == "restart":
            await here.house.outbox.close()
            here.house.outbox = here.house.new_outbox()
        if step == "wire":
            fault = FAULTS[rng.choice(list(FAULTS))]
            here.proxy.next(fault, CALLS[rng.choice(list(CALLS))], skip=rng.randint(0, 4))
        if step == "commit" or rng.random() < 0.6:
            with suppress(HeldError):  # it would have taken too many rows away
                await here.commit(levels(rng, most))
        await here.publish()
        if rng.random() < 0.3:
            with here.watcher.suspended():
                await settle(here)


@pytest.mark.parametrize("number", range(scale(8, 200)))
async def test_a_random_sequence_of_faults(here: Quarter, number: int, seed: int) -> None:
    await _sequence(here, random.Random(f"{seed}/{number}"))
    with here.watcher.suspended():
        await settle(here)
    await here.assert_equal()


@pytest.mark.parametrize("number", range(scale(10, 60)))
async def test_killed_at_any_call(tmp_path: Path, ckan: CkanSite, number: int, seed: int) -> None:
    """A first publication and a later one take about thirty calls: each is the last one once."""
    rng = random.Random(f"{seed}/{number}")
    call, done = (number // 2, bool(number % 2)) if FULL else (number, rng.random() < 0.5)
    async with quarter(tmp_path, ckan) as here:
        await here.commit(levels(rng))
        here.allow_whole(2, [water(f"s{n % 4}", n // 4, level=0.5) for n in range(40)])
        await here.house.outbox.close()
        await asyncio.to_thread(here.house.engine.close)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, str(CHILD), str(tmp_path), here.proxy.url, here.corner.organization),
            env={**os.environ, "CKAN_TOKEN": here.corner.token, "PYTHONPATH": str(PROJECT)},
        )
        here.proxy.next(Kill(child.kill, done=done), skip=call)
        await child.wait()
        await here.proxy.idle()
        here.proxy.clear()
        corner = here.corner
        again = described(here.proxy.url, corner.organization, corner.token)
        async with open_house(tmp_path, **again) as after:
            here.house = after
            await here.until_published()
            await here.assert_equal()


async def test_a_row_that_ckan_does_not_take_among_ten_thousand(
    tmp_path: Path, ckan: CkanSite
) -> None:
    """Its key is longer than PostgreSQL can index; it is told, and all others are there."""
    schema = {
        "name": "notes",
        "version": "1.0.0",
        "fields": [{"name": "note"}, {"name": "n", "type": "integer"}],
        "primaryKey": "note",
    }
    long = random.Random(1).randbytes(10_000).hex()
    async with quarter(tmp_path, ckan, watched=False, schemas={"notes": schema}) as here:
        rows = [(f"n{n}", n) for n in range(10_000)]
        await here.house.commit([*rows[:7_000], (long, 1), *rows[7_000:]], "notes")
        result = await here.until_published()
        [notice] = result.notices
        assert (notice.code, notice.params["rows"]) == ("ckan-rows-refused", 1)
        info = await here.corner.call("datastore_info", id=here.resource)
        assert info["meta"]["count"] == 10_000
        assert await here.differences() == {}
        here.proxy.clear()
        assert (await here.publish()).outcome == "unchanged"
        assert here.proxy.writes == []
        await here.house.commit([(long, 2), ("new", 1)], "notes")
        assert (await here.until_published()).outcome == "published"
        assert await here.differences() == {}


async def test_two_installations_on_one_package(tmp_path: Path, ckan: CkanSite) -> None:
    async with own_corner(ckan) as corner:
        settings = described(ckan.url, corner.organization, corner.token)
        async with (
            open_house(tmp_path / "one", **settings) as one,
            open_house(tmp_path / "two", **settings) as two,
        ):
            for house in (one, two):
                await house.commit(levels(random.Random(1)))
            await asyncio.gather(one.outbox.publish(one.name), two.outbox.publish(two.name))
            # CKAN answers 500 to some of those that are too late: then the next try tells
            results = [await house.outbox.publish(house.name) for house in (one, two)]
            problems = [result.problem and result.problem.code for [result] in results]
            assert sorted(map(str, problems)) == ["None", "ckan-not-ours"]
            winner = one if problems[0] is None else two
            package = await corner.call("package_show", id=corner.organization)
            marks = {extra["key"]: extra["value"] for extra in package["extras"]}
            installation = (winner.settings.data / "installation").read_text("ascii").strip()
            assert marks["publisher_installation"] == installation


async def test_away_for_a_day(here: Quarter) -> None:
    """Whole days are but more tries: each fails, is told once, and what counts is the end."""
    rng = random.Random(1)
    await here.commit(levels(rng))
    await here.until_published()
    here.house.outbox.start()
    here.proxy.down()
    for _ in range(3):
        await here.commit(levels(rng))
        here.house.outbox.poke()
        await asyncio.sleep(1)
    await here.house.outbox.close()
    here.house.outbox = here.house.new_outbox()
    here.house.outbox.start()
    await here.commit(levels(rng))
    await asyncio.sleep(1)
    await here.proxy.up()
    async with asyncio.timeout(60):
        while await here.differences():  # noqa: ASYNC110 - it is another process that is asked
            await asyncio.sleep(0.2)
    await here.assert_equal()


async def test_nobody_sees_a_first_load_before_it_is_whole(here: Quarter) -> None:
    rng = random.Random(1)
    here.watcher.watch(here.resource)
    await here.commit(levels(rng, 8_000))
    await here.until_published()
    await here.assert_equal()
    statuses = set(here.watcher.answers(here.resource))
    assert statuses <= {403, 404, 200}
