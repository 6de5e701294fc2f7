"""A target that was written before a restore: it is looked at again and brought to the store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from publishing import House, open_house, outcomes, water
from support import CkanSite
from test_target_ckan import Read, assert_equal, name, read, target

from publisher.landing import Landing
from publisher.store.backup import backup, restore

__all__ = ["name", "read"]  # fixtures


async def back_up(house: House, copy: Path) -> None:
    data = house.settings.data
    landing = Landing(data / "landing", max_bytes=1)
    await house.engine.run(lambda con: backup(con, data, copy, landing=landing))


@asynccontextmanager
async def restored(copy: Path, root: Path, **described: Any) -> AsyncIterator[House]:
    restore(copy, root / "data")
    async with open_house(root, **described) as house:
        yield house


@pytest.mark.parametrize("commits", [0, 1, 2])
async def test_ckan_holds_the_restored_store_and_what_it_commits(
    tmp_path: Path, ckan: CkanSite, read: Read, name: str, commits: int
) -> None:
    described: dict[str, Any] = {
        "name": name,
        "publish": {"access": "public", "targets": ["portal"]},
        "targets": target(ckan),
        "environ": {"CKAN_TOKEN": ckan.token},
    }
    async with open_house(tmp_path / "old", **described) as old:
        await old.commit([water("a", minute) for minute in range(3)])
        await old.outbox.publish(name)
        await back_up(old, tmp_path / "copy")
        await old.commit([water("a", 1, level=2.0), water("b", 1)])
        await old.outbox.publish(name)
    try:
        async with restored(tmp_path / "copy", tmp_path / "new", **described) as new:
            for number in range(commits):
                await new.commit([water("a", 2, level=float(number)), water(f"c{number}", 1)])
            assert outcomes(await new.outbox.publish(name)) == {"portal": "published"}
            await assert_equal(read, new, ckan)
            assert outcomes(await new.outbox.publish(name)) == {"portal": "unchanged"}
    finally:
        package = await read("package_show", id=name)
        await read("dataset_purge", id=package["id"])
