"""A partner behind a bad network: a proxy that forwards, counts, and fails as told."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import orjson
from aiohttp import web

Forward = Callable[[], Awaitable[tuple[int, Mapping[str, str], bytes]]]
Fault = Callable[[web.Request, Forward], Awaitable[web.StreamResponse]]
_KEPT = ("Content-Type", "Link", "X-Table-Version", "X-Total-Count", "ETag")


class Middle:
    """Stands before *target*; takes the next of *planned* for each request to a path with *rows*.

    *always* takes those for which nothing is planned.
    """

    def __init__(self, target: str, *rows: str, host: str = "127.0.0.1") -> None:
        self.target = target
        self.planned: list[Fault | None] = []
        self.always: Fault | None = None
        self.asked: list[str] = []
        self.struck: list[Fault | None] = []
        """For each that was asked, how it was failed."""
        self.busy = self.busiest = 0
        """Requests under way, now and at the most."""
        self.url = ""
        self.away = False
        """Every request is reset."""
        self.public = ""
        """The address that others know it by, where that is another."""
        self._rows = rows or ("/rows", "/aggregate", "/export")
        self._host = host
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._session = aiohttp.ClientSession(auto_decompress=True)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self.port).start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://{self._host}:{self.port}"

    async def close(self) -> None:
        """Stop, once or again; where it is started anew it listens at the same place."""
        assert self._runner is not None
        assert self._session is not None
        await self._session.close()
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        async def forward() -> tuple[int, Mapping[str, str], bytes]:
            assert self._session is not None
            async with self._session.get(self.target + request.raw_path) as answer:
                headers = {it: answer.headers[it] for it in _KEPT if it in answer.headers}
                if "Link" in headers:
                    headers["Link"] = headers["Link"].replace(self.target, self.public or self.url)
                body = (await answer.read()).replace(self.target.encode(), self.url.encode())
                return answer.status, headers, body

        fault = reset if self.away else None
        if fault is None and any(it in request.path for it in self._rows):
            self.asked.append(request.raw_path)
            fault = self.planned.pop(0) if self.planned else self.always
            self.struck.append(fault)
        if fault is not None:
            self.busy += 1
            self.busiest = max(self.busy, self.busiest)
            try:
                return await fault(request, forward)
            finally:
                self.busy -= 1
        status, headers, body = await forward()
        return web.Response(status=status, headers=headers, body=body)


async def reset(request: web.Request, _: Forward) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut(request: web.Request, forward: Forward) -> web.StreamResponse:
    status, headers, body = await forward()
    answer = web.StreamResponse(status=status, headers=headers)
    answer.content_length = len(body) + 10
    await answer.prepare(request)
    await answer.write(body[: len(body) // 2])
    assert request.transport is not None
    request.transport.abort()
    return answer


async def hang(_: web.Request, __: Forward) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


def late(seconds: float) -> Fault:
    async def answer(_: web.Request, forward: Forward) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        status, headers, body = await forward()
        return web.Response(status=status, headers=headers, body=body)

    return answer


slow = late(0.2)


async def drip(request: web.Request, forward: Forward) -> web.StreamResponse:
    status, headers, body = await forward()
    answer = web.StreamResponse(status=status, headers=headers)
    answer.content_length = len(body) + 100
    await answer.prepare(request)
    with suppress(ConnectionError):
        for byte in body:
            await answer.write(bytes([byte]))
            await asyncio.sleep(1)
    return answer


def status(code: int, **headers: str) -> Fault:
    async def answer(_: web.Request, __: Forward) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=code, headers=named, text="no")

    return answer


def telling(**headers: str) -> Fault:
    """Answer as it is, with headers beside."""

    async def answer(_: web.Request, forward: Forward) -> web.StreamResponse:
        code, known, body = await forward()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=code, headers={**known, **named}, body=body)

    return answer


async def html(_: web.Request, __: Forward) -> web.StreamResponse:
    return web.Response(text="<html>Log in</html>", content_type="text/html")


async def truncated(_: web.Request, forward: Forward) -> web.StreamResponse:
    """Tell the length of what is there, though a row is not whole."""
    code, headers, body = await forward()
    return web.Response(status=code, headers=headers, body=body[:-20])


async def no_text(_: web.Request, forward: Forward) -> web.StreamResponse:
    code, headers, body = await forward()
    return web.Response(status=code, headers=headers, body=body.replace(b"a", b"\xe5", 1))


async def other_types(_: web.Request, forward: Forward) -> web.StreamResponse:
    code, headers, body = await forward()
    rows = [{**orjson.loads(line), "level": "high"} for line in body.splitlines()]
    body = b"".join(orjson.dumps(it, option=orjson.OPT_APPEND_NEWLINE) for it in rows)
    return web.Response(status=code, headers=headers, body=body)


async def bomb(_: web.Request, __: Forward) -> web.StreamResponse:
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    return web.Response(headers=headers, body=await asyncio.to_thread(_bomb))


def _bomb() -> bytes:
    return gzip.compress(b" " * 50_000_000, 9)


def redirect(target: str) -> Fault:
    async def answer(_: web.Request, __: Forward) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": target})

    return answer


def next_link(target: str) -> Fault:
    """Lead to another place for more rows."""

    async def answer(_: web.Request, forward: Forward) -> web.StreamResponse:
        code, headers, body = await forward()
        link = {"Link": f'<{target}>; rel="next"'}
        return web.Response(status=code, headers={**headers, **link}, body=body)

    return answer


FAULTS: Mapping[str, tuple[Fault, str]] = {
    "reset": (reset, "http-connection"),
    "cut off": (cut, "http-cut-off"),
    "no answer": (hang, "http-timeout"),
    "a byte a second": (drip, "http-timeout"),
    "429": (status(429), "http-busy"),
    "429, come back": (status(429, Retry_After="1"), "http-busy"),
    "500": (status(500), "http-status"),
    "502": (status(502), "http-status"),
    "503": (status(503), "http-busy"),
    "403": (status(403), "http-refused"),
    "a page": (html, "partner-unlike"),
    "half a row": (truncated, "partner-not-rows"),
    "no UTF-8": (no_text, "partner-not-rows"),
    "a bomb": (bomb, "partner-too-large"),
    "elsewhere": (redirect("http://127.0.0.1:9/"), "http-elsewhere"),
    "metadata": (redirect("http://169.254.169.254/latest/"), "http-elsewhere"),
}
"""By name: what happens, and the code that it is told by."""


def plan(middle: Middle, *faults: Any) -> None:
    """Have the next requests fail so; a connection that breaks is tried again, by us and below."""
    for fault in faults:
        middle.planned += [fault] * (4 if fault in {reset, cut} else 1)
