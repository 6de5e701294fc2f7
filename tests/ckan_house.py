"""An installation, a corner of a real CKAN behind a faulty proxy, and a watcher, together."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from faulty import FaultyProxy
from publishing import House, open_house
from scale import scale
from state_faults import Corner, own_corner
from support import CkanSite
from watcher import Watcher

from publisher.model.catalog import CkanTarget
from publisher.targets.base import PublishResult
from publisher.targets.ckan.packages import resource_ids
from publisher.targets.kinds import installation_id

LATE = 2.0
"""Seconds after which a request that was given up is carried out no more."""
FIRST_WAIT = scale(100, 500) / 1_000
"""Seconds before what failed is asked again the first time."""


def as_ckan_shows(value: Any) -> Any:
    """Give a stored value as datastore_search tells it: times to the millisecond."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, str) and value[:1] in {"{", "["}:
        return json.loads(value)
    return value


def target(url: str, organization: str, **more: Any) -> dict[str, CkanTarget]:
    spec = {
        "type": "ckan",
        "url": url,
        "timeout": 3,
        "late": f"PT{LATE:g}S",
        "organizations": {"esbjerg": {"name": organization, "token": "${CKAN_TOKEN}"}},
        **more,
    }
    return {"portal": CkanTarget.model_validate(spec)}


def described(
    url: str, organization: str, token: str, *, timeout: float = 3, **more: Any
) -> dict[str, Any]:
    """Give what a house is made of that publishes at *url*."""
    return {
        "name": organization,
        "publish": {"access": "public", "targets": ["portal"]},
        "targets": target(url, organization, timeout=timeout),
        "environ": {"CKAN_TOKEN": token},
        **more,
    }


def shown(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: as_ckan_shows(value) for name, value in row.items()} for row in rows]


@dataclass
class Quarter:
    """Everything a test of faults has."""

    corner: Corner
    proxy: FaultyProxy
    house: House
    watcher: Watcher
    table: str = "levels"

    @property
    def resource(self) -> str:
        """The id that the table is published under, known before it is."""
        found = resource_ids(installation_id(self.house.settings.data), self.house.name)
        return found(self.table)

    async def commit(self, rows: list[tuple[Any, ...]]) -> int:
        """Commit a version, and allow the watcher to see it."""
        version = await self.house.commit(rows, self.table)
        await self.allow(version)
        return version

    async def allow(self, version: int) -> None:
        self._allow(version, await self.house.rows(self.table))

    def allow_whole(self, version: int, rows: list[tuple[Any, ...]]) -> None:
        """Allow a version that somebody else will commit, and that holds these rows alone."""
        fields = self.house.schemas[self.table]["fields"]
        named = [{it["name"]: value for it, value in zip(fields, row, strict=True)} for row in rows]
        hidden = {it["name"] for it in fields if it.get("personal")}
        self._allow(
            version,
            [{name: it for name, it in row.items() if name not in hidden} for row in named],
        )

    def _allow(self, version: int, rows: Iterable[Mapping[str, Any]]) -> None:
        key = self.house.schemas[self.table]["primaryKey"]
        self.watcher.allow(
            self.resource, version, shown(rows), key=[key] if isinstance(key, str) else key
        )

    async def publish(self, **how: bool) -> PublishResult:
        [result] = await self.house.outbox.publish(self.house.name, **how)
        return result

    async def until_published(self, seconds: float = 60, **how: bool) -> PublishResult:
        """Try again and again, as the outbox does by itself; fails after *seconds*."""
        async with asyncio.timeout(seconds):
            while True:
                result = await self.publish(**how)
                if result.outcome != "failed":
                    return result
                await asyncio.sleep(0.2)

    async def differences(self) -> Mapping[str, Any]:
        """Give what a reconcile finds, by another process of the same installation."""
        outbox = self.house.new_outbox()
        try:
            [result] = await outbox.publish(self.house.name, dry_run=True)
        finally:
            await outbox.close()
        assert result.problem is None, result.problem
        return {change.what: (change.before, change.after) for change in result.changes}

    async def assert_equal(self) -> None:
        """The reconcile finds no difference, and the watcher saw nothing wrong."""
        await asyncio.to_thread(self.watcher.wait)
        assert await self.differences() == {}
        assert self.watcher.violations == []


async def remade(corner: Corner, resource: str, as_text: str, rows: list[Any]) -> None:
    """Make a DataStore table anew by hand: its own columns, one of them *as_text*, and *rows*."""
    fields = await corner.fields(resource)
    for field in fields:
        if field["id"] == as_text:
            field["type"] = "text"
    await corner.call("datastore_delete", resource_id=resource, force=True)
    await corner.call(
        "datastore_create",
        resource_id=resource,
        fields=fields,
        primary_key=["station", "at"],
        records=rows,
        force=True,
    )


@asynccontextmanager
async def quarter(
    folder: Path, site: CkanSite, *, watched: bool = True, direct: bool = False, **more: Any
) -> AsyncIterator[Quarter]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("publisher.targets.ckan.client._FIRST_WAIT", FIRST_WAIT)
        async with _quarter(folder, site, watched=watched, direct=direct, **more) as found:
            yield found


@asynccontextmanager
async def _quarter(
    folder: Path, site: CkanSite, *, watched: bool, direct: bool, **more: Any
) -> AsyncIterator[Quarter]:
    async with own_corner(site) as corner, FaultyProxy(site.url) as proxy:
        url = site.url if direct else proxy.url
        settings = described(url, corner.organization, corner.token, **more)
        async with open_house(folder, **settings) as house:
            watcher = Watcher(site.url)
            found = Quarter(corner, proxy, house, watcher, next(iter(house.schemas)))
            if not watched:
                yield found
                return
            with watcher:
                yield found
