"""What ``publisher status`` and ``publisher publish`` tell of a target, against a real CKAN."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from commands import Ended, Installation, dataset, end, installation
from faults import Throttled
from faulty import FaultyProxy, action
from state_faults import Corner, own_corner
from support import CkanSite, write_yaml

ROWS = 12_000  # three calls


class Town:
    """An installation that publishes to a corner of the site, through a proxy."""

    def __init__(self, folder: Path, corner: Corner, proxy: FaultyProxy) -> None:
        self.corner = corner
        self.proxy = proxy
        self.token = corner.token
        self._own: Installation = installation(folder)
        self.name = corner.organization
        (self._own.root / "catalog" / "river.yaml").unlink()
        self.describe(access="public")
        minutes = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(ROWS))
        self._own.deliver("a.csv", *(f"38.05;{minute:%FT%TZ};1.5" for minute in minutes))

    def describe(self, **publish: Any) -> None:
        catalog = self._own.root / "catalog"
        organizations = {"town": {"name": self.corner.organization, "token": "${CKAN_TOKEN}"}}
        portal = {"type": "ckan", "url": self.proxy.url, "organizations": organizations}
        write_yaml(catalog / "targets.yaml", {"portal": portal})
        river = dataset(self.name, "inbox/*.csv")
        river["publish"] = {"targets": ["portal"], **publish}
        write_yaml(catalog / f"{self.name}.yaml", river)

    def start(self, *words: str) -> Any:
        return self._own.start(*words, CKAN_TOKEN=self.token)

    async def run(self, *words: str) -> Ended:
        return await asyncio.to_thread(lambda: end(self.start(*words)))

    async def told(self) -> Mapping[str, Any]:
        ended = await self.run("status", self.name, "--json")
        (found,) = ended.json["datasets"]
        (portal,) = found["targets"]
        return portal


@pytest.fixture
async def town(tmp_path: Path, ckan: CkanSite) -> AsyncIterator[Town]:
    async with own_corner(ckan) as corner, FaultyProxy(ckan.url) as proxy:
        yield Town(tmp_path, corner, proxy)


async def test_status_tells_how_a_dataset_stands_from_first_try_to_withdrawal(town: Town) -> None:
    assert (await town.run("harvest", town.name)).code == 0
    assert (await town.told())["state"] == "never"
    town.token = "a-token-of-nobody"
    assert (await town.run("publish", town.name)).code != 0
    held = await town.told()
    assert (held["state"], held["problem"]["code"]) == ("held", "ckan-refused")
    assert "a-token-of-nobody" not in orjson.dumps(held).decode()
    town.token = town.corner.token
    assert (await town.run("publish", town.name)).code == 0
    current = await town.told()
    assert (current["state"], current["problem"]) == ("current", None)
    assert current["versions"] == {"levels": 1}
    [package] = await town.corner.packages()
    assert current["url"].endswith(f"/dataset/{package}")
    town.describe()
    assert (await town.run("publish", town.name)).code == 0
    withdrawn = await town.told()
    assert withdrawn["state"] == "withdrawn"
    removed = datetime.fromisoformat(withdrawn["removedAt"]) - datetime.now(UTC)
    assert timedelta(days=29) < removed < timedelta(days=30)
    assert (await town.corner.call("package_show", id=package))["private"]


async def test_a_publication_tells_how_far_it_is_while_it_goes_on(town: Town) -> None:
    """The site tells each call but the first to come again later."""
    assert (await town.run("harvest", town.name)).code == 0
    town.proxy.next(Throttled(3, as_date=False), action("datastore_upsert"), skip=1, times=2)
    process = town.start("serve", "--port", "0", "--json")
    try:
        while True:
            told = await town.told()
            if told["progress"] is not None and told["progress"]["rows"]:
                break
            assert told["state"] != "current", "it was over before it was seen"
        assert told["progress"]["total"] == ROWS
        assert 0 < told["progress"]["rows"] < ROWS
        assert told["progress"]["seconds"] > 0
    finally:
        process.terminate()
        await asyncio.to_thread(end, process)


async def test_what_is_withdrawn_during_its_first_load_is_never_shown(town: Town) -> None:
    assert (await town.run("harvest", town.name)).code == 0
    town.proxy.next(Throttled(5, as_date=False), action("datastore_upsert"), skip=1, times=3)
    process = town.start("serve", "--port", "0", "--json")
    try:
        while not ((told := await town.told())["progress"] or {}).get("rows"):
            assert told["state"] != "current", "it was over before it was seen"
        town.describe()  # a draft from now on
        while (told := await town.told())["state"] != "withdrawn":
            assert told["state"] != "current", "it was shown first"
        [package] = await town.corner.packages()
        assert (await town.corner.call("package_show", id=package))["private"]
    finally:
        process.terminate()
        await asyncio.to_thread(end, process)
