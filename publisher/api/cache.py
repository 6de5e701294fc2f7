"""Answers that were given, kept as long as they are true, and equal questions asked once.

An answer is true for the state of the table and the entry of the catalog that it was worked out
from: whatever is committed, pruned or described otherwise gives others.
"""

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from publisher.model.catalog import TableEntry
from publisher.model.table import TableState

T = TypeVar("T")
_OVERHEAD = 1_500
"""Bytes, roughly, that an answer takes beside its body."""
_LEVEL = 6
_OFF_LOOP_FROM = 16_384


@dataclass(frozen=True, slots=True)
class Truth:
    """What an answer was worked out from."""

    entry: TableEntry
    state: TableState
    minute: datetime | None
    """Where it speaks of now."""

    def holds(self, entry: TableEntry, state: TableState, now: datetime) -> bool:
        return (
            self.entry is entry
            and self.state is state
            and (self.minute is None or self.minute == minute_of(now))
        )


def minute_of(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


@dataclass(slots=True)
class Body:
    """Bytes, in one coding at a time: as they are until somebody takes gzip."""

    content: bytes
    packed: bool = False

    async def plain(self) -> bytes:
        if not self.packed:
            return self.content
        return await _off_loop(gzip.decompress, self.content)

    async def gzipped(self) -> bytes:
        if not self.packed:
            content = await _off_loop(_pack, self.content)
            self.content, self.packed = content, True
        return self.content


def _pack(content: bytes) -> bytes:
    return gzip.compress(content, _LEVEL, mtime=0)


async def _off_loop(work: Callable[[bytes], bytes], content: bytes) -> bytes:
    if len(content) < _OFF_LOOP_FROM:
        return work(content)
    return await asyncio.to_thread(work, content)


@dataclass(slots=True)
class _Kept(Generic[T]):
    answer: T
    body: Body
    truth: Truth
    size: int


class Cache(Generic[T]):
    """The answers that were asked for last, as far as so many bytes hold them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, _Kept[T]] = OrderedDict()
        self._size = 0

    def get(
        self, key: Hashable, entry: TableEntry, state: TableState | None, now: datetime
    ) -> T | None:
        kept = self._kept.get(key)
        if kept is None or state is None:
            return None
        if not kept.truth.holds(entry, state, now):
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        self._size += len(kept.body.content) + _OVERHEAD - kept.size
        kept.size = len(kept.body.content) + _OVERHEAD
        return kept.answer

    def put(self, key: Hashable, answer: T, body: Body, truth: Truth) -> None:
        self._drop(key)
        size = len(body.content) + _OVERHEAD
        if size > self._most // 4:
            return
        self._kept[key] = _Kept(answer, body, truth, size)
        self._size += size
        while self._size > self._most:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= kept.size


class Flights(Generic[T]):
    """Work that several wait for is done once, and stopped when nobody waits for it."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, tuple[asyncio.Task[T], list[int]]] = {}

    async def once(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        if key not in self._under_way:
            task = asyncio.ensure_future(_awaited(work))
            self._under_way[key] = task, [0]
            task.add_done_callback(lambda done: self._landed(key, done))
        task, waiting = self._under_way[key]
        waiting[0] += 1
        try:
            return await asyncio.shield(task)
        finally:
            waiting[0] -= 1
            if not waiting[0] and not task.done():
                self._under_way.pop(key, None)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def _landed(self, key: Hashable, task: "asyncio.Task[T]") -> None:
        known = self._under_way.get(key)
        if known is not None and known[0] is task:
            del self._under_way[key]
        if not task.cancelled():
            task.exception()  # has been seen by those who waited


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
