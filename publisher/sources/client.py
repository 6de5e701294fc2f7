"""The HTTP client that all sources share: sessions, timeouts, redirects, and errors in words."""

import asyncio
import os
import re
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import hdrs
from yarl import URL

from publisher import __version__
from publisher.errors import ConfigurationError, SourceError, SourceUnavailableError
from publisher.settings import Settings
from publisher.sources.guard import AddressRefusedError, Guard, GuardedResolver, same_origin

_CONNECTIONS_PER_HOST = 4
_CONNECT_SECONDS = 30
_PIECE = 1 << 20  # bytes that one step of decompression may give
_SMALL_PIECE = 1 << 15  # the first, which a thread would take longer for
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, token
_OWN_HEADERS: Mapping[str, str] = {
    hdrs.USER_AGENT: f"publisher/{__version__}",
    hdrs.ACCEPT_ENCODING: "gzip",
}

Conditions = Callable[[URL], Mapping[str, str]]
"""The conditional headers that fit a URL."""


class HttpClient:
    """Sessions for the URLs that stewards wrote and, apart, for those they redirect to.

    An async context manager. The two share no connection: one that was opened to a
    steward's private system never serves somebody's redirect.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        stated: Guard | None = None,
        leaves: bool = True,
        connections: int = _CONNECTIONS_PER_HOST,
    ) -> None:
        """Make one; *stated* guards the stewards' own URLs, which may lead anywhere without it.

        Unless it *leaves*, redirects stay at one origin and at the hosts that the settings allow.
        *connections*: to one host at the same time.
        """
        self._settings = settings
        self._leaves = leaves
        self._connections = connections
        self._guards = {
            True: stated or Guard(private=True),
            False: Guard(private=False, hosts=settings.http_allow_hosts),
        }
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        context = await asyncio.to_thread(_trusting)
        for stated, guard in self._guards.items():
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=GuardedResolver(aiohttp.ThreadedResolver(), guard),
                    limit_per_host=self._connections,
                    ssl=context,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
            self._sessions[stated] = await self._stack.enter_async_context(session)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def get(
        self,
        url: str,
        *,
        shown: str,
        headers: Mapping[str, str],
        conditions: Conditions,
        seconds: float,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask for *url*, following redirects; *seconds* bounds it all, the body included.

        Errors, those met while the body is read too, name the URL as *shown*. *headers* are
        not sent to another origin (RFC 9110, 15.4). Raises SourceError,
        SourceUnavailableError and ConfigurationError.
        """
        stated, sent = _prepared(url, headers, shown)
        target = stated
        until = time.monotonic() + seconds
        with _explained(shown):
            for _ in range(self._settings.http_redirects + 1):
                near = same_origin(stated, target)
                if not near:
                    sent = {}
                    if not self._leaves and not self._guards[False].names(target):
                        raise SourceError("http-elsewhere", url=shown, host=target.host)
                self._guards[near].check_literal(target)
                async with self._sessions[near].get(
                    target,
                    headers=_merged(_OWN_HEADERS, sent, conditions(target)),
                    allow_redirects=False,
                    timeout=self._timeout(until - time.monotonic()),
                ) as response:
                    location = response.headers.get(hdrs.LOCATION)
                    if response.status not in _REDIRECTS or not location:
                        yield response
                        return
                    target = _next(target, location, shown)
            raise SourceError("http-redirects", url=shown, count=self._settings.http_redirects)

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        read = self._settings.http_timeout
        return aiohttp.ClientTimeout(
            total=max(seconds, 0.001), sock_connect=min(read, _CONNECT_SECONDS), sock_read=read
        )


async def unpacked(response: aiohttp.ClientResponse, shown: str) -> AsyncIterator[bytes]:
    """Give the body piece by piece, decompressed; each piece is small, whatever it grows to.

    Raises SourceError for a coding that was not asked for, SourceUnavailableError for one that
    is damaged or ends early.
    """
    coding = response.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    chunks: AsyncIterator[bytes] = response.content.iter_any()
    if coding in {"gzip", "x-gzip"}:
        chunks = _gunzipped(chunks)
    elif coding not in {"identity", ""}:
        raise SourceError("http-coding", url=shown, coding=coding)
    try:
        async for chunk in chunks:
            yield chunk
    except zlib.error:
        raise SourceUnavailableError("http-cut-off", url=shown) from None


def _trusting() -> ssl.SSLContext:
    """Give what trusts the system's certificates, as they are by now."""
    paths = ssl.get_default_verify_paths()
    stated = [Path(it) for it in (paths.cafile, paths.capath) if it is not None]
    return _context(tuple((it, it.stat().st_mtime_ns) for it in stated))


@lru_cache(maxsize=1)
def _context(_of: object) -> ssl.SSLContext:
    """Read them once for all: it takes tens of milliseconds and a megabyte."""
    return ssl.create_default_context()


async def _gunzipped(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Decompress piece by piece (RFC 1952); zlib.error for what is damaged or ends early."""
    inflate, begun = zlib.decompressobj(wbits=31), False
    async for chunk in chunks:
        begun, most = True, _SMALL_PIECE
        while True:
            if most == _SMALL_PIECE:
                piece = inflate.decompress(chunk, most)
            else:
                piece = await asyncio.to_thread(inflate.decompress, chunk, most)
            if piece:
                yield piece
            if inflate.eof:
                if not inflate.unused_data:
                    break
                chunk = inflate.unused_data  # noqa: PLW2901 - what is left of it
                inflate = zlib.decompressobj(wbits=31)
            else:
                chunk = inflate.unconsumed_tail  # noqa: PLW2901 - what is left of it
                if not chunk and len(piece) < most:
                    break
            most = _PIECE
    if begun and not inflate.eof:
        raise zlib.error


def retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Give the seconds that the server asks to wait, stated as such or as a date by its clock."""
    stated = response.headers.get(hdrs.RETRY_AFTER, "").strip()
    if stated.isascii() and stated.isdigit():
        return float(stated)
    moment = date_of(response, hdrs.RETRY_AFTER)
    now = date_of(response, hdrs.DATE) or datetime.now(UTC)
    return max((moment - now).total_seconds(), 0.0) if moment else None


def date_of(response: aiohttp.ClientResponse, header: str) -> datetime | None:
    """Give the moment that a header tells; None where it tells none."""
    try:
        found = parsedate_to_datetime(response.headers[header])
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (KeyError, ValueError, OverflowError):
        return None


def _prepared(url: str, headers: Mapping[str, str], shown: str) -> tuple[URL, dict[str, str]]:
    """Read the URL; what it says of user and password becomes a header."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
            raise ConfigurationError("http-header", url=shown, header=name)
    target = _parsed(url, shown)
    login = {}
    if target.user is not None:
        coded = aiohttp.encode_basic_auth(target.user, target.password or "")
        login = {"Authorization": coded}
    return target.with_user(None), _merged(login, headers)


def _merged(*parts: Mapping[str, str]) -> dict[str, str]:
    """Put headers together, the later ones over the earlier, however they are capitalised."""
    by_name = {name.lower(): (name, value) for part in parts for name, value in part.items()}
    return dict(by_name.values())


def _parsed(url: str, shown: str) -> URL:
    try:
        found = URL(url)
    except ValueError:
        raise SourceError("http-url", url=shown) from None
    if found.scheme not in {"http", "https"} or not found.host:
        raise SourceError("http-url", url=shown)
    return found


def _next(current: URL, location: str, shown: str) -> URL:
    try:
        target = current.join(URL(location))
    except ValueError:
        raise SourceError("http-redirect-broken", url=shown) from None
    if target.scheme not in {"http", "https"} or not target.host:
        raise SourceError("http-redirect-broken", url=shown)
    if current.scheme == "https" and target.scheme == "http":
        raise SourceError("http-downgrade", url=shown, host=target.host)
    return target.with_user(None)


@contextmanager
def _explained(shown: str) -> Iterator[None]:
    """Tell aiohttp's errors in our words; their own texts may quote what is secret."""
    try:
        yield
    except AddressRefusedError as error:
        raise SourceError(
            "http-address", url=shown, host=error.host, address=error.address
        ) from None
    except aiohttp.InvalidURL:
        raise SourceError("http-url", url=shown) from None
    except aiohttp.ClientConnectorCertificateError as error:
        reason = getattr(error.certificate_error, "verify_message", "")
        raise SourceError("http-certificate", url=shown, reason=reason) from None
    except aiohttp.ClientConnectorDNSError as error:
        raise SourceUnavailableError("http-no-host", url=shown, host=error.host) from None
    except TimeoutError:
        raise SourceUnavailableError("http-timeout", url=shown) from None
    except aiohttp.ClientPayloadError:
        raise SourceUnavailableError("http-cut-off", url=shown) from None
    except aiohttp.ClientResponseError:
        raise SourceUnavailableError("http-broken", url=shown) from None
    except aiohttp.ClientError as error:
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if isinstance(number, int) else type(error).__name__
        raise SourceUnavailableError("http-connection", url=shown, reason=reason) from None
