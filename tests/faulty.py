"""A CKAN behind a bad network: a proxy that forwards, keeps a record, and fails as told.

How it can fail stands in faults.py.

    async with FaultyProxy(ckan.url) as proxy:
        proxy.next(FAULTS["504, done"], when=action("datastore_upsert"), skip=2)
        ...                                        # publish to proxy.url
        assert proxy.planned == []                 # it struck
        assert proxy.rows_sent <= 100
"""

import asyncio
import io
import json
import re
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, Self

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

_HOP_BY_HOP = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
    *("te", "trailer", "transfer-encoding", "upgrade"),
}
_READS = re.compile(r"_(show|list|search|info|autocomplete)(_|$)")
_PIECE = 65_536


@dataclass
class Call:
    """One call through the proxy: what was asked, and what became of it."""

    number: int
    """Of all calls, from 1."""
    nth: int
    """Of the calls of this action, from 1."""
    method: str
    action: str
    """The path where it is no action."""
    resource: str | None = None
    records: int = 0
    filters: int = 0
    """Values that the filters name."""
    fault: "Fault | None" = None
    ckan_status: int | None = None
    """What CKAN answered; None: it was not asked, or not yet, or could not answer."""
    status: int | None = None
    """What the client was given; None: a connection that was cut."""
    at: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    """Until the client was answered; None: not yet."""

    @property
    def write(self) -> bool:
        if self.action.startswith("/"):
            return self.method not in {"GET", "HEAD", "OPTIONS"}
        return _READS.search(self.action) is None


Predicate = Callable[[Call], bool]


def anything(call: Call) -> bool:
    return True


def writes(call: Call) -> bool:
    return call.write


def reads(call: Call) -> bool:
    return not call.write


def action(*names: str) -> Predicate:
    return lambda call: call.action in names


class Reply(NamedTuple):
    """CKAN's whole answer."""

    status: int
    headers: CIMultiDict[str]
    body: bytes


class Fault(Protocol):
    async def strike(self, exchange: "Exchange") -> web.StreamResponse: ...


PAGE = "<html><head><title>Oh</title></head><body><h1>Oh</h1><hr>nginx</body></html>\n"


@dataclass
class _Plan:
    fault: Fault
    when: Predicate
    skip: int
    times: float


class FaultyProxy:
    """Listens on a port of its own in front of *url*; runs in the loop that enters it."""

    def __init__(self, url: str) -> None:
        self.calls: list[Call] = []
        self.port = 0
        self.upstream = url.rstrip("/")
        self._plans: list[_Plan] = []
        self._counts: Counter[str] = Counter()
        self._late: dict[asyncio.Task[None], asyncio.Event] = {}
        self._under_way = 0
        self._idle = asyncio.Event()
        self._mending: asyncio.TimerHandle | None = None
        self._starting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        # What a client sent is worked on though it has gone: so do real servers.
        self._server = web.Server(self._handle, auto_decompress=False, access_log=None)
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close; requests still held are dropped."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        self.down()
        if self._starting is not None:
            await self._starting
            self.down()
        await self._server.shutdown(0)
        await self.session.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def writes(self) -> list[Call]:
        return [call for call in self.calls if call.write]

    @property
    def rows_sent(self) -> int:
        return sum(call.records for call in self.writes)

    @property
    def planned(self) -> list[Fault]:
        """The faults that have not struck yet."""
        return [plan.fault for plan in self._plans]

    def next(
        self, fault: Fault, when: Predicate = anything, *, skip: int = 0, times: float = 1
    ) -> None:
        """Plan *fault* for the next calls that fit, after *skip* of them; inf times: for good."""
        self._plans.append(_Plan(fault, when, skip, times))

    def clear(self) -> None:
        """Forget what is planned and recorded; requests that are held stay held."""
        self._plans.clear()
        self.calls.clear()

    async def up(self) -> None:
        if self._mending is not None:
            self._mending.cancel()
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._server, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    def down(self, seconds: float | None = None) -> None:
        """Cut every connection and refuse new ones, for *seconds* or until ``up``."""
        self._listener.close()
        for connection in self._server.connections:
            _reset(connection.transport)
        if self._mending is not None:
            self._mending.cancel()
        if seconds is not None:
            self._mending = asyncio.get_running_loop().call_later(seconds, self._mend)

    def _mend(self) -> None:
        self._starting = asyncio.create_task(self.up())

    def hold(self, exchange: "Exchange", seconds: float | None) -> None:
        go = asyncio.Event()

        async def wait() -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(go.wait(), seconds)
            await exchange.forward()

        task = asyncio.create_task(wait())
        self._late[task] = go

    async def release(self) -> None:
        """Give CKAN the late requests now, in their order; return when it has done them."""
        while self._late:
            task = next(iter(self._late))
            self._late.pop(task).set()
            await task

    async def idle(self) -> None:
        """Return when no call is under way; those held are not.

        What a client sent that was killed or gave up is done then, or never.
        """
        if self._under_way:
            await self._idle.wait()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._under_way += 1
        self._idle.clear()
        try:
            return await self._exchange(Exchange(self, request))
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def _exchange(self, exchange: "Exchange") -> web.StreamResponse:
        call = await exchange.read()
        self.calls.append(call)
        fault = call.fault = self._due(call)
        try:
            if fault is None:
                return await exchange.relay()
            await exchange.take_body()
            return await fault.strike(exchange)
        except aiohttp.ClientError:
            # CKAN went away; or the client did, or CKAN in the midst of its answer.
            return await exchange.answer(502, PAGE) if call.status is None else exchange.cut()
        finally:
            call.seconds = time.monotonic() - call.at

    def new_call(self, method: str, name: str, facts: Mapping[str, Any]) -> Call:
        self._counts[""] += 1
        self._counts[name] += 1
        filters = facts.get("filters")
        named = filters.values() if isinstance(filters, dict) else ()
        return Call(
            number=self._counts[""],
            nth=self._counts[name],
            method=method,
            action=name,
            resource=facts.get("resource_id") or facts.get("id"),
            records=len(facts.get("records") or ()),
            filters=sum(len(it) if isinstance(it, list) else 1 for it in named),
        )

    def _due(self, call: Call) -> Fault | None:
        for plan in self._plans:
            if plan.when(call):
                if plan.skip:
                    plan.skip -= 1
                    continue
                plan.times -= 1
                if plan.times <= 0:
                    self._plans.remove(plan)
                return plan.fault
        return None


class Exchange:
    """One request and its answer, in the hands of a fault."""

    def __init__(self, proxy: FaultyProxy, request: web.BaseRequest) -> None:
        self.proxy = proxy
        self._request = request
        self._transport = request.transport
        self._body: bytes | None = None

    async def read(self) -> Call:
        """Make the record of the call; a body of JSON is read whole, others are streamed."""
        request = self._request
        facts: Any = dict(request.query)
        if request.content_type == "application/json":
            self._body = await request.content.read()
            try:
                facts = json.loads(self._body)
            except ValueError:
                facts = {}
        _, _, name = request.path.partition("/action/")
        self.call = self.proxy.new_call(
            request.method, name or request.path, facts if isinstance(facts, dict) else {}
        )
        return self.call

    async def take_body(self) -> None:
        if self._body is None:
            self._body = await self._request.content.read()

    async def forward(self) -> Reply:
        """Have CKAN do the work, and keep what it says."""
        async with self._asked() as answer:
            return Reply(answer.status, _end_to_end(answer.headers), await answer.read())

    async def relay(self) -> web.StreamResponse:
        """Pass on what CKAN says, as it comes."""
        async with self._asked() as answer:
            response = web.StreamResponse(status=answer.status, headers=_end_to_end(answer.headers))
            self.call.status = answer.status
            await response.prepare(self._request)
            async for piece in answer.content.iter_chunked(_PIECE):
                await response.write(piece)
            await response.write_eof()
        return response

    async def answer(
        self,
        status: int,
        body: str | bytes,
        headers: Mapping[str, str] | None = None,
        *,
        pace: int | None = None,
        declared: int | None = None,
    ) -> web.StreamResponse:
        """Answer at *pace* bytes a second; end in the midst where more bytes are *declared*."""
        content = body.encode() if isinstance(body, str) else body
        told = CIMultiDict(headers or {"Content-Type": "text/html"})
        told["Content-Length"] = str(len(content) if declared is None else declared)
        response = web.StreamResponse(status=status, headers=told)
        self.call.status = status
        await response.prepare(self._request)
        step = max(1, pace // 20) if pace else _PIECE
        for start in range(0, len(content), step):
            if pace:
                await asyncio.sleep(step / pace)
            await response.write(content[start : start + step])
        if declared is not None and self._transport is not None:
            self._transport.close()
        return response

    async def gone(self) -> None:
        """Return when the client has given up."""
        while self._transport is not None and not self._transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def cut(self) -> web.StreamResponse:
        """Reset the connection; what is returned goes nowhere."""
        _reset(self._transport)
        return web.Response()

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[aiohttp.ClientResponse]:
        request, call = self._request, self.call
        async with self.proxy.session.request(
            request.method,
            URL(f"{self.proxy.upstream}{request.raw_path}", encoded=True),
            headers=_end_to_end(request.headers, but="host"),
            data=request.content if self._body is None else io.BytesIO(self._body),
            allow_redirects=False,
        ) as answer:
            call.ckan_status = answer.status
            yield answer


def _end_to_end(headers: Any, but: str = "") -> CIMultiDict[str]:
    return CIMultiDict(
        (name, text)
        for name, text in headers.items()
        if name.lower() not in _HOP_BY_HOP and name.lower() != but
    )


def _reset(transport: asyncio.BaseTransport | None) -> None:
    """Close with a TCP reset, as a crashed server or a firewall does, and not with an end."""
    if isinstance(transport, asyncio.Transport) and not transport.is_closing():
        wire = transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
