"""Rows of partners go into the engine as they come, while others are still waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from publisher.api.parts import Call
from publisher.engine import Connection, Sitting
from publisher.errors import PublisherError
from publisher.partners import Ask, Fetched
from publisher.query.loads import Loads

T = TypeVar("T")


class Reading:
    """What one question reads, in one sitting."""

    def __init__(self, call: Call, sitting: Sitting) -> None:
        self.loads = Loads()
        self._call = call
        self._sitting = sitting
        self._waiting: list[tuple[Ask, Fetched]] = []
        self._task: asyncio.Task[None] | None = None

    def came(self, ask: Ask, fetched: Fetched) -> None:
        """Read what came, behind what came before it; nobody waits for that."""
        self._waiting.append((ask, fetched))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._ahead())

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Do *work* once all that came is read; see ``Call.read``."""
        if self._task is not None:
            await self._task
        return await self._call.read(work, sitting=self._sitting)

    async def close(self) -> None:
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ahead(self) -> None:
        while self._waiting:
            came, self._waiting = self._waiting, []
            for ask, fetched in came:
                # What cannot be read is told when all is put together
                with suppress(PublisherError):
                    read = partial(self.loads.read, ask=ask, found=fetched)
                    await self._call.read(read, sitting=self._sitting)


@asynccontextmanager
async def reading(call: Call) -> AsyncIterator[Reading]:
    with call.parts.engine.sitting() as sitting:
        found = Reading(call, sitting)
        try:
            yield found
        finally:
            await found.close()
