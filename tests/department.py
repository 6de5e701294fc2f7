"""A department system on a real socket, and the steward who harvests it; for tests."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from publisher.errors import PublisherError
from publisher.landing import Landing
from publisher.model.dataset import HttpSource
from publisher.model.run import Delivery, Seen
from publisher.model.values import TableRef
from publisher.secrets import Secrets
from publisher.settings import Settings
from publisher.sources import Http, SourceContext, open_source

REF = TableRef("air", "rows")
CSV = b"device;co2\nA;400\n"

Answer = bytes | Callable[[asyncio.StreamWriter], object]
"""What is written to the socket before it is closed, or who writes it."""


@dataclass
class Department:
    """A department system that says exactly what it is told to, byte by byte."""

    answers: list[Answer] = field(default_factory=list)
    """One after the other; the last again and again."""
    heard: list[dict[str, str]] = field(default_factory=list)
    """The requests' headers, with ``path``."""
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/data.csv"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers: dict[str, str] = {}
            for name, value in (line.lower().split(": ", 1) for line in lines if line):
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
            answer = self.answers[min(len(self.heard), len(self.answers) - 1)]
            self.heard.append({"path": first.split()[1], **headers})
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def open(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["Department"]:
        server = await asyncio.start_server(self.handle, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        self.scheme = "https" if tls else "http"
        try:
            yield self
        finally:
            server.close()


def answer(
    body: bytes = CSV, status: str = "200 OK", length: int | None = None, **headers
) -> bytes:
    told = {"Content-Length": len(body) if length is None else length, "Connection": "close"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{k}: {v}" for k, v in told.items() if v is not None)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def redirect(to: str, status: str = "302 Found") -> bytes:
    return answer(b"", status, Location=to)


@dataclass
class Taken:
    deliveries: list[Delivery] = field(default_factory=list)
    problem: PublisherError | None = None

    @property
    def code(self) -> str | None:
        return self.problem and self.problem.code


@dataclass
class Steward:
    landing: Landing
    secrets: Secrets
    settings: dict = field(default_factory=dict)

    async def takes(self, url: str, last: Delivery | None = None, **spec) -> Taken:
        """Harvest once; *last* is what was settled before."""
        settings = Settings(**{"http_timeout": 5, "http_attempts": 3, **self.settings})
        seen = {}
        if last:
            seen = {last.origin: Seen(last.id, last.sha256, "view", "committed", last.cursor)}
        taken = Taken()
        async with Http(settings) as http:
            context = SourceContext(Path(), settings, self.secrets, http)
            source = open_source(HttpSource(type="http", url=url, **spec), context)
            try:
                async for offer in source.offers(seen):
                    taken.deliveries.append(await self.landing.land(REF, offer))
            except PublisherError as problem:
                taken.problem = problem
        if taken.problem:
            assert taken.problem.message("en") != taken.problem.message("da")
            assert taken.problem.remedy("en") != taken.problem.remedy("da")
        return taken

    async def takes_one(self, url: str, last: Delivery | None = None, **spec) -> Delivery:
        taken = await self.takes(url, last, **spec)
        if taken.problem:
            raise taken.problem
        (delivery,) = taken.deliveries
        return delivery

    def bytes_of(self, delivery: Delivery) -> bytes:
        return self.landing.path(delivery.sha256).read_bytes()
