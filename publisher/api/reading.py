"""Rows of partners go into the engine as they come, while others are still waited for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from publisher.api.parts import Call
from publisher.engine import Connection, Sitting
from publisher.errors import UsageError
from publisher.partners import Ask, Fetched
from publisher.query.loads import Loads

T = TypeVar("T")

_MANY = 1_000
"""Rows that it is worth giving back the memory of."""


class Reading:
    """What one question reads, in one sitting and within the time of one query."""

    def __init__(self, call: Call, sitting: Sitting) -> None:
        self.loads = Loads()
        self._call = call
        self._sitting = sitting
        self._most = self._left = call.parts.settings.query_timeout
        """Seconds of the engine, and what is left of them."""
        self._waiting: list[tuple[Ask, Fetched]] = []
        self._task: asyncio.Task[None] | None = None

    def came(self, ask: Ask, fetched: Fetched) -> None:
        """Read what came, behind what came before it; nobody waits for that."""
        self._waiting.append((ask, fetched))
        if self._task is None or (self._task.done() and not _failed(self._task)):
            self._task = asyncio.create_task(self._ahead())

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Do *work* once all that came is read; raises what went wrong then: see ``Call.read``."""
        if self._task is not None:
            await self._task
        return await self._timed(work)

    async def close(self) -> None:
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._sitting.large = self.loads.rows > _MANY

    async def _ahead(self) -> None:
        while self._waiting:
            came, self._waiting = self._waiting, []
            await self._timed(partial(self.loads.read, came=came))

    async def _timed(self, work: Callable[[Connection], T]) -> T:
        def timed(con: Connection) -> T:
            began = time.monotonic()
            try:
                return work(con)
            finally:
                self._left -= time.monotonic() - began

        most = max(self._left, 0.001)
        try:
            return await self._call.read(timed, most=most, sitting=self._sitting)
        except UsageError as error:
            if error.code == "query-timeout":  # of all that was read
                raise UsageError(error.code, seconds=self._most) from None
            raise


def _failed(task: "asyncio.Task[None]") -> bool:
    return task.cancelled() or task.exception() is not None


@asynccontextmanager
async def reading(call: Call) -> AsyncIterator[Reading]:
    with call.parts.engine.sitting() as sitting:
        found = Reading(call, sitting)
        try:
            yield found
        finally:
            await found.close()
