"""Keeps targets open as the catalog describes them now, each for as long as it is used."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from publisher.model.catalog import Catalog, CkanTarget, FolderTarget
from publisher.secrets import Secrets
from publisher.settings import Settings
from publisher.targets.base import Target, TargetContext
from publisher.targets.extents import Extents
from publisher.targets.facts import Links
from publisher.targets.kinds import installation_id, open_target


@dataclass(slots=True)
class _Open:
    spec: FolderTarget | CkanTarget
    target: Target
    uses: int = 0


class OpenTargets:
    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets
        self._context: TargetContext | None = None
        self._open: dict[str, _Open] = {}

    @asynccontextmanager
    async def using(self, catalog: Catalog, name: str) -> AsyncIterator[Target]:
        """Give the target; one that is described otherwise now is closed after its last use."""
        if self._context is None:
            installation = await asyncio.to_thread(installation_id, self._settings.data)
            self._context = TargetContext(
                settings=self._settings,
                secrets=self._secrets,
                installation=installation,
                links=Links(self._settings.public_url, self._settings.published_path),
                extents=Extents(),
            )
        spec = catalog.targets[name]
        before = self._open.get(name)
        if before is None or before.spec != spec:
            self._open[name] = _Open(spec, open_target(spec, self._context))
            if before is not None and not before.uses:
                await before.target.close()
        held = self._open[name]
        held.uses += 1
        try:
            yield held.target
        finally:
            held.uses -= 1
            if not held.uses and self._open.get(name) is not held:
                await held.target.close()

    async def close(self) -> None:
        for held in self._open.values():
            await held.target.close()
        self._open.clear()
