"""How catalogs fail on the wire, for FaultyProxy.

Each fault says what becomes of the work (done, not done, done late) and what the client is
given in its place. FAULTS is the whole list.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web
from faulty import PAGE, Exchange, Fault


@dataclass(frozen=True)
class Refused:
    """The connection is cut, and for a while nobody listens at the port."""

    seconds: float

    async def strike(self, exchange: Exchange) -> web.StreamResponse:
        exchange.proxy.down(self.seconds)
        return exchange.cut()


@dataclass(frozen=True)
class Reset:
    """A TCP reset before CKAN is asked, or after it has done the work."""

    done: bool

    async def strike(self, exchange: Exchange) -> web.StreamResponse:
        if self.done:
            await exchange.forward()
        return exchange.cut()


@dataclass(frozen=True)
class Late:
    """The client hears at once that it failed, by a reset or a status; CKAN is asked later.

    After *seconds*, None: when the test calls ``proxy.release()``. So it is done after what the
    client sent next.
    """

    seconds: float | None = None
    status: int | None = None

    async def strike(self, exchange: Exchange) -> web.StreamResponse:
        exchange.proxy.hold(exchange, self.seconds)
        if self.status is None:
            return exchange.cut()
        return await exchange.answer(self.status, PAGE)


@dataclass(frozen=True)
class Silent:
    """No answer comes for as long as the client waits for one."""

    done: bool

    async def strike(self, exchange: Exchange) -> web.StreamResponse:
        if self.done:
            await exchange.forward()
        await exchange.gone()
        return exchange.cut()


@dataclass(frozen=True)
class Instead:
    """Another answer in the place of CKAN's, which may have done the work."""

    status: int
    body: str
    done: bool
    type: str = "text/html"
    headers: tuple[tuple[str, str], ...] = ()

    async def strike(self, exchange: Exchange) -> web.StreamResponse:
        if self.done:
            await exchange.forward()
        headers = {"Content-Type": self.type, **dict(self.headers)}
        return await exchange.answer(self.status, self.body, headers)


@dataclass(frozen=True)
class Throttled:
    """429 before CKAN is asked; Retry-After in seconds or as a date."""

    seconds: int
    as_date: bool

    async def strike(self, exchange: Exchange) -> web.StreamResponse:
        until = datetime.now(UTC) + timedelta(seconds=self.seconds)
        after = format_datetime(until, usegmt=True) if self.as_date else str(self.seconds)
        return await exchange.answer(429, "Too Many Requests", {"Retry-After": after})


@dataclass(frozen=True)
class Slow:
    """CKAN is asked after a while, and its answer passed on."""

    seconds: float

    async def strike(self, exchange: Exchange) -> web.StreamResponse:
        await asyncio.sleep(self.seconds)
        return await exchange.relay()


@dataclass(frozen=True)
class Drip:
    """CKAN's answer, so slowly that it always is about to come: no read ever times out."""

    bytes_per_second: int

    async def strike(self, exchange: Exchange) -> web.StreamResponse:
        reply = await exchange.forward()
        return await exchange.answer(
            reply.status, reply.body, reply.headers, pace=self.bytes_per_second
        )


@dataclass(frozen=True)
class Truncated:
    """The first half of CKAN's answer; Content-Length tells of the whole, or of the half."""

    whole_declared: bool

    async def strike(self, exchange: Exchange) -> web.StreamResponse:
        reply = await exchange.forward()
        half = reply.body[: len(reply.body) // 2]
        if not self.whole_declared:
            return await exchange.answer(reply.status, half, reply.headers)
        return await exchange.answer(reply.status, half, reply.headers, declared=len(reply.body))


@dataclass(frozen=True)
class Kill:
    """Kills the client (or whatever *callback* does) at this call, before or after the work."""

    callback: Callable[[], object]
    done: bool

    async def strike(self, exchange: Exchange) -> web.StreamResponse:
        if self.done:
            await exchange.forward()
        self.callback()
        return exchange.cut()


_UNSUCCESSFUL = json.dumps(
    {"success": False, "error": {"__type": "Internal Error", "message": "Something went wrong"}}
)
_ELSEWHERE = (("Location", "http://elsewhere.invalid/"),)

FAULTS: Mapping[str, Fault] = {
    "refused": Refused(0.5),
    "reset, not done": Reset(done=False),
    "reset, done": Reset(done=True),
    "reset, done late": Late(0.5),
    "reset, done when released": Late(),
    "silent, not done": Silent(done=False),
    "silent, done": Silent(done=True),
    "502, not done": Instead(502, PAGE, done=False),
    "502, done": Instead(502, PAGE, done=True),
    "503, not done": Instead(503, PAGE, done=False),
    "503, done": Instead(503, PAGE, done=True),
    "504, not done": Instead(504, PAGE, done=False),
    "504, done": Instead(504, PAGE, done=True),
    "504, done late": Late(0.5, status=504),
    "504, done when released": Late(status=504),
    "429, seconds": Throttled(1, as_date=False),
    "429, date": Throttled(1, as_date=True),
    "drip": Drip(bytes_per_second=200),
    "cut short": Truncated(whole_declared=True),
    "JSON ends early": Truncated(whole_declared=False),
    "success false, not done": Instead(200, _UNSUCCESSFUL, False, "application/json"),
    "success false, done": Instead(200, _UNSUCCESSFUL, True, "application/json"),
    "empty, not done": Instead(200, "", done=False),
    "empty, done": Instead(200, "", done=True),
    "page, not done": Instead(200, PAGE, done=False),
    "page, done": Instead(200, PAGE, done=True),
    "redirected": Instead(302, PAGE, done=False, headers=_ELSEWHERE),
}
"""All but Kill, which needs to be told whom."""
