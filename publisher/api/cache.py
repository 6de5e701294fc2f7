"""Answers that were given, kept as long as they are true, and equal questions asked once.

An answer is true for the catalog and the states of the tables that it was worked out from, or
all that the store holds: whatever is committed, pruned or described otherwise gives others. It
is found by what the question looks like on the wire, before anything of it is read.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from aiohttp import web

from publisher.model.catalog import Catalog
from publisher.model.table import TableState
from publisher.store import Store

T = TypeVar("T")
_OVERHEAD = 2_000
"""Bytes, roughly, that an answer takes beside its body."""
_LARGEST_SHARE = 4


@dataclass(frozen=True, slots=True)
class Truth:
    """What an answer was worked out from."""

    catalog: Catalog
    states: tuple[TableState, ...]
    minute: datetime | None = None
    """Where it speaks of now."""
    moment: object | None = None
    """Where it tells of more than tables: what the store held before it was read."""


@dataclass(frozen=True, slots=True)
class _Kept:
    status_headers: Mapping[str, str]
    """Of an answer that the caller holds already."""
    headers: Mapping[str, str]
    body: bytes
    truth: Truth

    @property
    def size(self) -> int:
        return len(self.body) + _OVERHEAD


def minute_of(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


class Cache:
    """The answers that were asked for last, as far as so many bytes hold them."""

    def __init__(self, most: int, catalog: Callable[[], Catalog], store: Store) -> None:
        self._most = most
        self._catalog = catalog
        self._store = store
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._size = 0

    def get(self, request: web.Request) -> web.Response | None:
        """Give the answer to a question that was asked before, word for word."""
        key = _key(request)
        kept = self._kept.get(key)
        if kept is None or request.method not in {"GET", "HEAD"}:
            return None
        if not self._holds(kept.truth):
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        if request.headers.get("If-None-Match") == kept.headers["ETag"]:
            return web.Response(status=304, headers=kept.status_headers)
        if "If-None-Match" in request.headers:
            return None
        return web.Response(body=kept.body, headers=kept.headers)

    def put(self, request: web.Request, response: web.Response, truth: Truth) -> None:
        """Keep an answer; it holds all of its headers but those that every answer has."""
        key = _key(request)
        self._drop(key)
        if truth.moment is not None and truth.moment is not self._store.moment:
            return  # something was written meanwhile
        body = response.body
        headers = {**response.headers, "Server-Timing": "cache;dur=0.00"}
        told = {name: it for name, it in headers.items() if not name.startswith("Content-")}
        if not isinstance(body, bytes) or "ETag" not in headers:
            return
        kept = _Kept(told, headers, body, truth)
        if kept.size > self._most // _LARGEST_SHARE:
            return
        self._kept[key] = kept
        self._size += kept.size
        while self._size > self._most:
            self._drop(next(iter(self._kept)))

    def _holds(self, truth: Truth) -> bool:
        if truth.catalog is not self._catalog():
            return False
        if truth.minute is not None and truth.minute != minute_of(datetime.now(UTC)):
            return False
        if truth.moment is not None and truth.moment is not self._store.moment:
            return False
        known = self._store.known_state
        return all(known(state.ref) is state for state in truth.states)

    def _drop(self, key: Hashable) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= kept.size


def _key(request: web.Request) -> Hashable:
    headers = request.headers
    return (
        request.raw_path,
        headers.get("Host"),
        headers.get("Accept"),
        headers.get("Accept-Encoding"),
        headers.get("Accept-Language"),
        request.scheme,
    )


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
