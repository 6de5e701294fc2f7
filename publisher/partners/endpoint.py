"""One partner's server: asked within its limits and ours, and what is known of how it does."""

import asyncio
import time
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Self

import aiohttp
import orjson
from yarl import URL

from publisher.errors import PublisherError, SourceError, SourceUnavailableError
from publisher.model.partner import Partner
from publisher.partners.breaker import Breaker
from publisher.secrets import Secrets, without_credentials
from publisher.settings import Settings
from publisher.sources.client import HttpClient, retry_after, unpacked
from publisher.sources.guard import Guard, is_written_address

_BUSY = frozenset({429, 503})
_NO_CONTENT = 204
_UNAVAILABLE = frozenset({408, 425, 500, 502, 504})
_LOOP = 508
_TRIES = 2
"""A connection that breaks is tried once more; what answers that it cannot is not."""
_LONGEST_DOCUMENT = 16_000_000
"""Bytes of what is read as one document."""
_SMOOTHING = 0.2
_ACCEPTED = "application/json, application/geo+json, application/x-ndjson;q=0.9, */*;q=0.1"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    bytes: int
    url: URL
    """Where it came from in the end."""
    lines: int = 0
    """Of a body that went to a file."""


@dataclass(slots=True)
class Health:
    """How a partner did lately."""

    asked: int = 0
    failed: int = 0
    milliseconds: float | None = None
    """That an answer takes, the latest counting most."""
    answered_at: datetime | None = None
    problem: PublisherError | None = None
    """The last; None once it answers again."""
    problem_at: datetime | None = None


class Endpoint:
    """An async context manager; the connections end with it."""

    def __init__(self, partner: Partner, settings: Settings, secrets: Secrets, *, via: str) -> None:
        self.partner = partner
        self._via = via
        self.health = Health()
        self.breaker = Breaker(partner.name, time.monotonic)
        self._settings = settings
        self._secrets = secrets
        spec = partner.spec
        self.url = URL(secrets.expand(spec.url)).with_query(None).with_fragment(None)
        self.shown = without_credentials(spec.url)
        # What a steward writes as an address is the steward's word; a name may be changed by others
        private = spec.private_network or is_written_address(self.url)
        self._client = HttpClient(
            settings,
            stated=Guard(private=private, hosts=settings.http_allow_hosts),
            leaves=False,
            connections=spec.connections,
        )
        self._places = asyncio.Semaphore(spec.connections)
        self._turn = 0.0
        """When the next request may begin, where there is a rate."""

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.__aexit__(*error)

    async def document(
        self, path: str, query: Mapping[str, str], *, seconds: float
    ) -> tuple[object, Reply]:
        """Give an answer that is read as JSON, and its frame; raises SourceError."""
        return await self.document_at(self.address(path, query), seconds=seconds)

    async def document_at(self, url: URL, *, seconds: float) -> tuple[object, Reply]:
        """Give the same of an address that ``address`` or ``follow`` gave.

        Whoever answers that there is no content gives None.
        """
        pieces: list[bytes] = []
        reply = await self._get(url, pieces, _LONGEST_DOCUMENT, seconds)
        if reply.status == _NO_CONTENT:
            return None, reply
        body = b"".join(pieces).removeprefix(BOM_UTF8)  # RFC 8259, 8.1
        try:
            return await asyncio.to_thread(orjson.loads, body), reply
        except orjson.JSONDecodeError:
            raise self._learnt(SourceError("partner-not-json", url=self.shown)) from None

    @property
    def most_bytes(self) -> int:
        """That one question may bring."""
        return self._settings.max_delivery_bytes

    async def file(self, url: URL, file: Path, *, seconds: float) -> Reply:
        """Write the body of an answer to *file*; raises SourceError."""
        # Pieces are small, and go to the system's cache: a thread for each would take longer
        with file.open("wb") as opened:
            writing = _Writing(opened)
            reply = await self._get(url, writing, self.most_bytes, seconds)
        return replace(reply, lines=writing.lines)

    def address(self, path: str, query: Mapping[str, str] | None = None) -> URL:
        base = self.url.with_path(f"{self.url.raw_path.rstrip('/')}{path}", encoded=True)
        return base.with_query(query or {})

    def follow(self, current: URL, link: str) -> URL:
        """Give the address that a link of theirs leads to; raises SourceError for another's."""
        try:
            target = current.join(URL(link))
        except ValueError:
            raise SourceError("http-url", url=self.shown) from None
        if target.with_user(None).origin() != self.url.with_user(None).origin():
            raise SourceError("http-elsewhere", url=self.shown, host=target.host)
        return target.with_user(self.url.user).with_password(self.url.password)

    async def _get(self, url: URL, into: "_Sink", most: int, seconds: float) -> Reply:
        until = time.monotonic() + seconds
        for attempt in range(1, _TRIES + 1):
            async with self._place(until):
                try:
                    return await self._ask(url, into, most, until)
                except SourceError as problem:
                    again = problem.code in {"http-connection", "http-cut-off"}
                    if not again or attempt == _TRIES or time.monotonic() >= until:
                        raise
                    into.clear()
        raise AssertionError

    @asynccontextmanager
    async def _place(self, until: float) -> AsyncIterator[None]:
        """Wait for one of the connections, and for its turn; that tells nothing of the partner."""
        late = SourceUnavailableError("partner-late", partner=self.partner.name)
        try:
            async with asyncio.timeout(max(until - time.monotonic(), 0)):
                await self._places.acquire()
        except TimeoutError:
            raise late from None
        try:
            rate, now = self.partner.spec.rate, time.monotonic()
            if rate is not None:
                turn = max(self._turn, now)
                if turn >= until:
                    raise late
                self._turn = turn + 1 / rate
                await asyncio.sleep(turn - now)
            yield
        finally:
            self._places.release()

    async def _ask(self, url: URL, into: "_Sink", most: int, until: float) -> Reply:
        self.breaker.enter()
        self.health.asked += 1
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(until - began, 0)):
                reply = await self._read(url, into, most, until - began)
        except TimeoutError:
            problem = SourceUnavailableError("http-timeout", url=self.shown)
            raise self._learnt(problem) from None
        except SourceError as problem:
            raise self._learnt(problem) from None
        except BaseException:  # whoever asked went away, or the fault is ours
            self.breaker.left()
            raise
        self._answered((time.monotonic() - began) * 1000)
        return reply

    async def _read(self, url: URL, into: "_Sink", most: int, seconds: float) -> Reply:
        headers = {"Accept": _ACCEPTED, "Via": f"1.1 {self._via}"}
        if self.partner.spec.token is not None:
            headers["Authorization"] = self._secrets.expand(self.partner.spec.token, secret=True)
        async with self._client.get(
            str(url), shown=self.shown, headers=headers, conditions=lambda _: {}, seconds=seconds
        ) as response:
            self._check(response)
            size = 0
            async for chunk in unpacked(response, self.shown):
                size += len(chunk)
                if size > most:
                    raise SourceError("partner-too-large", url=self.shown, most=most)
                into.append(chunk)
            return Reply(response.status, response.headers, size, response.url)

    def _check(self, response: aiohttp.ClientResponse) -> None:
        status = response.status
        if status in _BUSY:
            wait = retry_after(response)
            self.breaker.busy(wait)
            raise SourceUnavailableError(
                "http-busy", url=self.shown, status=status, retry_after=wait
            )
        if status in _UNAVAILABLE:
            raise SourceUnavailableError("http-status", url=self.shown, status=status)
        if status in {401, 403}:
            raise SourceError("http-refused", url=self.shown, status=status)
        if status == _LOOP:
            raise SourceError("partner-loop", partner=self.partner.name)
        if status in {404, 410}:
            raise SourceError("http-missing", url=self.shown, status=status)
        if status not in {200, _NO_CONTENT}:
            raise SourceError("http-status", url=self.shown, status=status)

    def _answered(self, milliseconds: float) -> None:
        self.breaker.succeeded()
        health = self.health
        old = milliseconds if health.milliseconds is None else health.milliseconds
        health.milliseconds = old + (milliseconds - old) * _SMOOTHING
        health.answered_at, health.problem = datetime.now(UTC), None

    def _learnt(self, problem: SourceError) -> SourceError:
        """Remember a failure; one that is about the question alone tells nothing of the partner."""
        self.health.failed += 1
        self.health.problem, self.health.problem_at = problem, datetime.now(UTC)
        if isinstance(problem, SourceUnavailableError) and problem.code != "http-busy":
            self.breaker.failed()
        else:
            self.breaker.left()
        return problem


def seconds_left(until: float) -> float:
    """Give the seconds until a time of the event loop, never none."""
    return max(until - asyncio.get_running_loop().time(), 0.001)


class _Writing:
    """A file that is written to like a list."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.lines = 0

    def append(self, piece: bytes) -> None:
        self._file.write(piece)
        self.lines += piece.count(b"\n")

    def clear(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self.lines = 0


_Sink = list[bytes] | _Writing
