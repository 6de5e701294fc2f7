"""Bytes that are judged again: what a change of the catalog replays, and what it must not undo."""

from pathlib import Path
from typing import Any

import pytest
from test_harvest import LEVELS, Town, harvest, levels, rows

from publisher.app import Service


@pytest.fixture
def town(root: Path) -> Town:
    return Town(root)


AT = "2026-01-01T10:00:00Z"


async def levels_by_version(service: Service, station: str) -> list[float | None]:
    """Give a station's level in every version so far; None where it is not there."""

    def read(con: Any) -> list[float | None]:
        state = service.store.state(con, LEVELS)
        found = []
        for version in range(1, state.version + 1):
            relation, values = service.store.relation(LEVELS, version)
            row = con.execute(
                f"SELECT level FROM {relation} WHERE station = ?", [*values, station]
            ).fetchone()
            found.append(row and row[0])
        return found

    return await service.engine.run(read)


async def test_texts_replay_nothing_and_make_a_version(town: Town) -> None:
    for level in (1, 2, 3):
        town.deliver(f"a,{AT},{level}")
    async with town.service() as service:
        await harvest(service)
        town.schema |= {"title": "Vandstand"}
        town.schema["fields"][2] |= {"description": "Over DVR90.", "personal": True}
        town.write()
        run = await harvest(service)
        assert (run.outcome, run.version, run.rows.read, run.deliveries) == ("committed", 4, 0, ())
        state = await service.engine.run(lambda con: service.store.state(con, LEVELS))
        assert state is not None
        assert (state.schema.title, len(state.schema.open_fields)) == ("Vandstand", 2)
        assert await levels_by_version(service, "a") == [1, 2, 3, 3]
        assert (await harvest(service)).outcome == "unchanged"


async def test_a_new_view_reads_again_and_brings_no_older_value_back(town: Town) -> None:
    header = "station,at,level,mean"
    town.deliver(f"a,{AT},1,10", f"b,{AT},1,10", f"d,{AT},1,10", header=header)
    town.deliver(f"a,{AT},2,20", f"c,{AT},2,20", f"d,{AT},1,20", header=header)
    town.deliver(f"a,{AT},3,30", f"b,{AT},3,30", header=header)
    town.schema["fields"][2]["constraints"] = {}
    async with town.service() as service:
        await harvest(service)
        (town.root / "inbox/003.csv").unlink()
        town.harvest["fields"] = {"level": {"column": "mean"}}
        town.write()
        await harvest(service)
        assert await levels(service) == {"a": 3, "b": 3, "c": 20, "d": 20}
        assert set(await levels_by_version(service, "a")) == {1, 2, 3}
        del town.harvest["fields"]
        town.write()
        await harvest(service)
        assert await levels(service) == {"a": 3, "b": 3, "c": 2, "d": 1}
        assert set((await levels_by_version(service, "b"))[2:]) == {3}
        town.deliver(f"a,{AT},0,0", header=header)
        await harvest(service)
        assert (await levels(service))["a"] == 0


async def test_a_new_view_of_a_table_that_is_replaced_takes_the_newest_delivery_alone(
    town: Town,
) -> None:
    town.harvest["mode"] = "replace"
    for count in (10, 11, 20):
        town.deliver(*(f"s{n},{AT},{count},{n}" for n in range(count)), header="station,at,level,n")
    async with town.service() as service:
        await harvest(service)
        town.harvest["fields"] = {"level": {"column": "n"}}
        town.write()
        run = await harvest(service)
        assert (run.outcome, run.problem, run.version, run.rows.read) == ("committed", None, 4, 20)
        assert (await levels(service))["s19"] == 19
        assert (await harvest(service)).outcome == "unchanged"


async def test_a_raised_limit_lets_what_was_held_in_behind_what_came_since(town: Town) -> None:
    town.harvest["maxBad"] = "10%"
    town.deliver(f"a,{AT},1", f"b,{AT},1")
    async with town.service() as service:
        await harvest(service)
        town.deliver(f"a,{AT},2", f"c,{AT},2", f"d,{AT},x")
        assert (await harvest(service)).outcome == "held"
        town.deliver(f"a,{AT},3")
        assert (await harvest(service)).outcome == "held"
        town.harvest["maxBad"] = "50%"
        town.write()
        run = await harvest(service)
        assert (run.outcome, run.rows.read) == ("committed", 3), "no committed one is replayed"
        assert await levels(service) == {"a": 3, "b": 1, "c": 2}


async def test_a_raised_limit_brings_no_table_back_that_another_has_replaced(town: Town) -> None:
    town.harvest |= {"mode": "replace", "maxShrink": "20%"}
    town.deliver(*(f"s{n},{AT},1" for n in range(10)))
    async with town.service() as service:
        await harvest(service)
        town.deliver(f"s0,{AT},2")
        run = await harvest(service)
        assert (run.outcome, len(await rows(service))) == ("held", 10)
        town.deliver(*(f"s{n},{AT},3" for n in range(10)))
        assert (await harvest(service)).outcome == "held"
        town.harvest["maxShrink"] = "100%"
        town.write()
        assert (await harvest(service)).outcome == "unchanged"
        assert set((await levels(service)).values()) == {3}
        town.deliver(f"s0,{AT},4")
        assert (await harvest(service)).outcome == "committed"
        assert await levels(service) == {"s0": 4}
