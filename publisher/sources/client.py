"""The HTTP client that all sources share: sessions, timeouts, redirects, and errors in words."""

import asyncio
import os
import re
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
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

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._guards = {
            True: Guard(private=True),
            False: Guard(private=False, hosts=settings.http_allow_hosts),
        }
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        # Reading the system's certificates takes tens of milliseconds.
        context = await asyncio.to_thread(ssl.create_default_context)
        for stated, guard in self._guards.items():
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=GuardedResolver(aiohttp.ThreadedResolver(), guard),
                    limit_per_host=_CONNECTIONS_PER_HOST,
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
