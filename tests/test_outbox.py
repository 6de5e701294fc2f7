"""The outbox: what was committed or changed is published by itself, once, until it is there."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import orjson
import pytest
from publishing import ODD_ROWS, House, open_house, outcomes, until, water
from structlog.testing import capture_logs

from publisher.model.catalog import Catalog, FolderTarget
from publisher.targets.datapackage import fingerprint
from publisher.targets.snapshot import Snapshot


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


def package(house: House) -> dict[str, object]:
    return orjson.loads((house.published / "datapackage.json").read_bytes())


def version(house: House) -> int | None:
    """Give the published version, None where nothing is."""
    if not house.published.is_symlink():
        return None
    return package(house)["resources"][0]["version"]


async def test_each_commit_is_published_by_itself(house: House) -> None:
    house.outbox.start()
    for expected in range(1, 4):
        await house.commit([water("a", expected)])
        house.outbox.poke()
        await until(lambda expected=expected: version(house) == expected)

    async def recorded() -> bool:
        state = await house.engine.run(lambda con: house.store.published(con, "vand", "folder"))
        return state is not None and state.attempt.versions == {"levels": 3}

    await until(recorded)


async def test_what_a_stopped_outbox_left_is_carried_out_at_the_next_start(house: House) -> None:
    await house.commit(ODD_ROWS)
    outbox = house.new_outbox()
    outbox.start()
    await until(lambda: version(house) == 1)
    await outbox.close()


async def test_what_a_target_lost_unseen_is_there_again_after_a_start(house: House) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish("vand")
    house.published.unlink()
    outbox = house.new_outbox()
    outbox.start()
    await until(lambda: version(house) == 1)
    await outbox.close()


async def test_a_change_of_the_catalog_alone_is_published_and_a_draft_withdrawn(
    house: House,
) -> None:
    await house.commit(ODD_ROWS)
    house.outbox.start()
    await until(lambda: version(house) == 1)
    house.facts["title"] = "Vandstand i bækken"
    house.describe()
    house.outbox.poke()
    await until(lambda: package(house)["title"] == "Vandstand i bækken")
    house.publish = {}
    house.describe()
    house.outbox.poke()
    await until(lambda: version(house) is None)


async def test_a_dataset_whose_file_cannot_be_read_stays_published(house: House) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish("vand")
    whole = house.catalog
    house.catalog = type(whole)(targets=whole.targets)
    house.outbox.start()
    house.outbox.poke()
    await asyncio.sleep(0.3)
    assert version(house) == 1


async def test_rows_wait_for_the_period_but_other_changes_do_not(house: House) -> None:
    house.publish = {"access": "public", "every": "PT2S"}
    house.describe()
    await house.commit([water("a", 1)])
    house.outbox.start()
    await until(lambda: version(house) == 1)
    began = asyncio.get_running_loop().time()
    for minute in range(2, 5):
        await house.commit([water("a", minute)])
        house.outbox.poke()
        await asyncio.sleep(0.1)
    assert version(house) == 1
    await until(lambda: version(house) == 4)
    assert asyncio.get_running_loop().time() - began > 1
    await house.commit([water("a", 9)])
    house.facts["title"] = "Vandstand i bækken"
    house.describe()
    house.outbox.poke()
    await until(lambda: version(house) == 5, seconds=1.5)


async def test_a_failing_target_is_told_once_and_once_when_it_is_back(house: House) -> None:
    await house.commit(ODD_ROWS)
    house.published.mkdir(parents=True)
    with capture_logs() as lines:
        house.outbox.start()
        await until(lambda: [line["event"] for line in lines].count("target fails") > 0)
        await asyncio.sleep(1)  # in which it is tried again several times
        assert [line["event"] for line in lines] == ["target fails"]

        async def tried_and_recorded() -> bool:
            state = await house.engine.run(lambda con: house.store.published(con, "vand", "folder"))
            return state is not None and state.attempt.problem is not None

        await until(tried_and_recorded)
        house.published.rmdir()
        await until(lambda: version(house) == 1)
        await until(lambda: "target is back" in [line["event"] for line in lines])
    assert [line["event"] for line in lines] == ["target fails", "target is back", "published"] or [
        line["event"] for line in lines
    ] == ["target fails", "published", "target is back"]


async def test_two_at_once_publish_once(house: House) -> None:
    await house.commit([water("a", n) for n in range(100)])
    both = await asyncio.gather(house.outbox.publish("vand"), house.outbox.publish("vand"))
    assert sorted(outcomes(results)["folder"] for results in both) == ["published", "unchanged"]


async def test_a_failure_at_one_target_is_no_failure_at_another(house: House) -> None:
    house.targets = {"share": FolderTarget(type="folder", path="no-folder/file/below")}
    (house.settings.root / "no-folder").write_text("made up: a file where a folder should be")
    house.publish = {"access": "public", "targets": ["share", "folder"]}
    house.describe()
    await house.commit(ODD_ROWS)
    assert outcomes(await house.outbox.publish("vand")) == {
        "share": "failed",
        "folder": "published",
    }


async def test_nothing_harvested_is_nothing_to_publish(house: House) -> None:
    [result] = await house.outbox.publish("vand")
    assert result.problem is not None
    assert (result.outcome, result.problem.code) == ("unchanged", "nothing-to-publish")
    assert version(house) is None


async def test_a_table_that_is_not_harvested_yet_is_waited_for_at_rest(house: House) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish("vand")
    house.schemas = {"others": next(iter(house.schemas.values()))}
    house.describe()
    outbox = house.new_outbox()
    outbox.start()
    done = outbox.tallies["folder"].outcomes
    await until(lambda: sum(done.values()) > 0)
    assert not house.published.exists()  # with the table that is no more
    for _ in range(20):
        outbox.poke()
        await asyncio.sleep(0.02)
    assert sum(done.values()) == 1


async def test_a_dataset_whose_file_goes_when_its_turn_comes_is_told(house: House) -> None:
    await house.commit(ODD_ROWS)
    catalogs = iter([house.catalog, house.catalog])
    house.outbox._catalog = lambda: next(catalogs, Catalog(targets=house.catalog.targets))
    [result] = await house.outbox.publish("vand")
    assert result.problem is not None
    assert (result.outcome, result.problem.code) == ("failed", "unknown-dataset")


async def test_what_is_to_go_does_not_wait_for_its_turn(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish("vand")
    monkeypatch.setattr("publisher.targets.outbox._AT_ONCE", 0)  # others have all the turns
    outbox = house.new_outbox()
    outbox.start()
    asked = asyncio.create_task(outbox.publish("vand"))
    await asyncio.sleep(0.1)
    assert not asked.done()
    house.publish = {}
    house.describe()
    outbox.poke()
    await until(lambda: version(house) is None)
    [result] = await asked
    assert result.outcome in {"withdrawn", "unchanged"}
    await outbox.close()


async def test_a_dry_run_counts_as_no_publication(house: House) -> None:
    await house.commit(ODD_ROWS)
    [result] = await house.outbox.publish("vand", dry_run=True)
    assert result.outcome == "different"
    assert not house.outbox.tallies["folder"].outcomes


async def test_links_to_files_are_published_anew_when_there_are_none_any_more(
    house: House,
) -> None:
    snapshot = partial(Snapshot.pin, house.engine, house.store, work=house.settings.work_path)
    await house.commit(ODD_ROWS)
    marks = set()
    for targets in (["folder"], []):
        house.publish = {"access": "public", "targets": targets}
        house.describe()
        marks.add(fingerprint(await snapshot(house.catalog, house.name), {}))
    assert len(marks) == 2
