"""Tells who waits that a table has a newer version: one look at the store for all of them.

A listener costs a coroutine and its place. What was committed is read once for each table that
somebody listens to, and written once as an event.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import structlog

from publisher.engine import Connection, Engine
from publisher.errors import UsageError
from publisher.model.values import TableRef
from publisher.store import Store, Version

log = structlog.get_logger(__name__)

MOST_LISTENERS = 20_000
_REMEMBERED = 200
"""Events of a table; whoever is further behind reads the store."""
_READ = 500
_LOOK_SECONDS = 5.0
"""Between looks where nothing is heard: another process may have committed."""


class Event(NamedTuple):
    version: int
    frame: bytes
    """As it goes over the wire (WHATWG HTML, section 9.2)."""


@dataclass(slots=True)
class _Topic:
    newest: int
    listeners: int = 0
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Commits:
    def __init__(self, engine: Engine, store: Store, write: Callable[[Version], bytes]) -> None:
        """*write* gives a version as the data of an event."""
        self._engine = engine
        self._store = store
        self._write = write
        self._topics: dict[TableRef, _Topic] = {}
        self._listeners = 0
        self._poked = asyncio.Event()
        self._closed = False

    def poke(self) -> None:
        """Tell that something was committed."""
        self._poked.set()

    def close(self) -> None:
        """Let all listeners end."""
        self._closed = True
        for topic in self._topics.values():
            topic.changed.set()

    async def run(self) -> None:
        """Look whenever something was committed, until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._poked.wait(), _LOOK_SECONDS)
            self._poked.clear()
            try:
                await self._look()
            except Exception:  # the store may be readable again in a moment
                log.exception("listeners could not be told what was committed")
                await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> None:
        if not self._topics:
            return
        newest = await self._engine.run(self._store.newest_versions, lane="query")
        for ref, topic in list(self._topics.items()):
            if newest.get(ref, 0) > topic.newest:
                found = await self._read(ref, topic.newest)
                topic.events.extend(found)
                topic.newest = found[-1].version if found else newest[ref]
                topic.changed.set()
                topic.changed = asyncio.Event()

    async def _read(self, ref: TableRef, after: int) -> list[Event]:
        def read(con: Connection) -> list[Version]:
            return self._store.versions_after(con, ref, after, most=_READ)

        return [self._event(it) for it in await self._engine.run(read, lane="query")]

    def _event(self, version: Version) -> Event:
        data = self._write(version)
        return Event(
            version.version, b"id: %d\nevent: version\ndata: %b\n\n" % (version.version, data)
        )

    @contextmanager
    def listening(self, ref: TableRef, newest: int) -> Iterator["Listen"]:
        """Listen to a table, whose newest version is known, for as long as the context lasts.

        Raises UsageError ``listeners-many`` where there are as many as there may be.
        """
        if self._listeners >= MOST_LISTENERS:
            raise UsageError("listeners-many", most=MOST_LISTENERS)
        topic = self._topics.setdefault(ref, _Topic(newest))
        topic.listeners += 1
        self._listeners += 1
        try:
            yield partial(self._after, ref, topic)
        finally:
            topic.listeners -= 1
            self._listeners -= 1
            if not topic.listeners and self._topics.get(ref) is topic:
                del self._topics[ref]

    async def _after(
        self, ref: TableRef, topic: _Topic, version: int, seconds: float
    ) -> Sequence[Event] | None:
        changed = topic.changed
        if topic.newest <= version and not self._closed:
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), seconds)
        if self._closed:
            return None
        if topic.newest <= version:
            return []
        events = [event for event in topic.events if event.version > version]
        if events and events[0].version == version + 1:
            return events
        return await self._read(ref, version)


Listen = Callable[[int, float], Awaitable[Sequence[Event] | None]]
"""Gives the events after a version, waiting for one: an empty list where none came in so many
seconds, None where all listening ends."""
