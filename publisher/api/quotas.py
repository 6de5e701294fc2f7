"""How much each caller may ask for: so much cost a minute, and so many questions at once.

The cost of an answer is a unit for each millisecond of the engine's and for each hundred rows.
Whoever has spent a minute's worth waits until it has grown again; what is answered from memory
costs nothing. Headers: draft-ietf-httpapi-ratelimit-headers.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from math import ceil

from aiohttp import web

from publisher.engine import Engine
from publisher.errors import UsageError
from publisher.settings import Settings
from publisher.store import ApiKey, Store
from publisher.store.keys import parted

WINDOW = 60.0
ROWS_PER_UNIT = 100
_AT_ONCE = 4
"""Questions of one caller that the engine is at; more wait for these."""
_AT_PARTNERS = 8
"""The same of those that partners are asked: the rows of each are held until it is answered."""
_WAITING = 100
_KNOWN_SECONDS = 5.0
"""For how long the keys are not read again: a revoked one opens nothing after that."""
_MOST_CALLERS = 50_000
_SHARED_PREFIX = 64
"""Bits of an IPv6 address that a household shares."""


@dataclass(slots=True)
class Caller:
    """Who asks, and how much of a minute's worth is left."""

    policy: str
    quota: int
    left: float
    seen: float
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    at_partners: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_PARTNERS))
    waiting: int = 0

    def grown(self, now: float) -> None:
        self.left = min(self.quota, self.left + (now - self.seen) * self.quota / WINDOW)
        self.seen = now

    def charge(self, seconds: float, rows: int = 0) -> None:
        """Take what an answer cost; never more than a minute's worth is owed."""
        if self.quota:
            self.grown(time.monotonic())
            cost = seconds * 1_000 + rows / ROWS_PER_UNIT
            self.left = max(-float(self.quota), self.left - cost)

    def check(self) -> None:
        """Raise UsageError ``quota-spent`` where nothing is left."""
        if not self.quota:
            return
        self.grown(time.monotonic())
        if self.left <= 0:
            seconds = max(1, ceil((1 - self.left) * WINDOW / self.quota))
            raise UsageError("quota-spent", seconds=seconds)

    def headers(self) -> Mapping[str, str]:
        if not self.quota:
            return {}
        full = ceil((self.quota - self.left) * WINDOW / self.quota)
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={WINDOW:g}',
            "RateLimit": f'"{self.policy}";r={max(0, int(self.left))};t={full}',
        }

    @asynccontextmanager
    async def turn(self, *, partners: bool = False) -> AsyncIterator[None]:
        """Wait for one of the caller's own turns, at the engine or at *partners*.

        So nobody else does. Raises UsageError ``quota-waiting``.
        """
        turns = self.at_partners if partners else self.at_once
        if self.waiting >= _WAITING:
            raise UsageError("quota-waiting", most=_WAITING)
        self.waiting += 1
        try:
            await turns.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            turns.release()


class Quotas:
    def __init__(self, settings: Settings, engine: Engine, store: Store) -> None:
        self._settings = settings
        self._engine = engine
        self._store = store
        self._trusted = settings.trusted_proxies
        self._callers: OrderedDict[str, Caller] = OrderedDict()
        self._keys: Mapping[str, ApiKey] = {}
        self._read = float("-inf")

    async def caller(self, request: web.Request) -> Caller:
        """Give who asks: by the key that is shown, else by the address.

        Raises UsageError ``unknown-api-key``.
        """
        stated = request.headers.get("Authorization")
        if stated is None:
            name, policy, quota = self._address(request), "anonymous", self._settings.quota
        else:
            key = await self._key(stated)
            name, policy, quota = f"key {key.id}", "key", self._settings.key_quota
        caller = self._callers.get(name)
        if caller is None or caller.quota != quota:
            caller = self._callers[name] = Caller(policy, quota, quota, time.monotonic())
        self._callers.move_to_end(name)
        while len(self._callers) > _MOST_CALLERS:
            self._callers.popitem(last=False)
        return caller

    async def _key(self, stated: str) -> ApiKey:
        scheme, _, text = stated.partition(" ")
        parts = parted(text.strip()) if scheme.lower() == "bearer" else None
        if parts is not None:
            id_, secret = parts
            if time.monotonic() - self._read > _KNOWN_SECONDS:
                keys = await self._engine.run(self._store.api_keys, lane="query")
                self._keys, self._read = {key.id: key for key in keys}, time.monotonic()
            key = self._keys.get(id_)
            if key is not None and key.opens(secret):
                return key
        raise UsageError("unknown-api-key")

    def _address(self, request: web.Request) -> str:
        """Give the address of who asks, past the proxies that are trusted."""
        peer = request.transport.get_extra_info("peername") if request.transport else None
        hops: Sequence[str] = request.headers.get("X-Forwarded-For", "").split(",")
        found = _parsed(str(peer[0])) if peer else None
        for hop in reversed(hops):
            if found is None or not any(found in network for network in self._trusted):
                break
            found = _parsed(hop.strip()) or found
        if isinstance(found, IPv6Address):
            return str(IPv6Network((int(found), _SHARED_PREFIX), strict=False))
        return str(found)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
