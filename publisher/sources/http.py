"""Source ``http``: the answer of one URL, asked for again and again."""

import hashlib
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime

import stamina
import structlog
from aiohttp import ClientResponse, hdrs
from yarl import URL

from publisher.errors import DeliveryError, PublisherError, SourceError, SourceUnavailableError
from publisher.landing import Details, Offer, readable
from publisher.model.dataset import HttpSource as HttpSpec
from publisher.model.run import Seen
from publisher.secrets import without_credentials
from publisher.sources.base import SourceContext
from publisher.sources.client import date_of, retry_after, unpacked

log = structlog.get_logger(__name__)

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_LONGEST_RETRY_AFTER = 60.0  # what a server wants longer than that is left to the next run
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})

# The part of a URL that is no secret: a base address, written out or in one variable.
_BASE = re.compile(r"(?:\$\{[^}]*\}|https?://[^/?#@]*)(?=[/?#]|$)")


class HttpSource:
    """Offers the URL's answer whenever the server does not say that it is unchanged.

    The cursor holds the answer's ``etag`` or ``last_modified`` and, as ``url``, what they
    belong to.
    """

    def __init__(self, spec: HttpSpec, context: SourceContext) -> None:
        self._spec = spec
        self._settings = context.settings
        self._secrets = context.secrets
        self._http = context.http
        self._cap = min(
            spec.max_bytes or context.settings.max_delivery_bytes,
            context.settings.max_delivery_bytes,
        )
        self._shown = without_credentials(spec.url)

    async def offers(self, seen: Mapping[str, Seen]) -> AsyncIterator[Offer]:
        last = seen.get(self._shown)
        async with aclosing(self._fetch(last.cursor if last else {})) as chunks:
            async for details in chunks:
                if isinstance(details, Details):
                    yield Offer(self._shown, chunks, details)
                    return

    async def _fetch(self, cursor: Mapping[str, object]) -> AsyncGenerator[bytes | Details, None]:
        """Give Details, then bytes; again from the start if it broke off; nothing at a 304."""
        url = self._expanded_url()
        headers = {
            name: self._secrets.expand(value, secret=True)
            for name, value in self._spec.headers.items()
        }
        until = time.monotonic() + self._settings.http_total_timeout
        async for attempt in stamina.retry_context(
            on=_wait,
            attempts=self._settings.http_attempts,
            timeout=self._settings.http_total_timeout,
            wait_initial=_FIRST_WAIT,
            wait_max=_LONGEST_WAIT,
            wait_jitter=_FIRST_WAIT,
        ):
            with attempt:
                async with (await self._http.client()).get(
                    url,
                    shown=self._shown,
                    headers=headers,
                    conditions=lambda target: _conditions(cursor, _mark(target, headers)),
                    seconds=until - time.monotonic(),
                ) as response:
                    if response.status == 304 and _is_conditional(response):
                        return
                    self._check(response)
                    yield _details(response, _mark(response.url, headers))
                    async with aclosing(self._body(response)) as body:
                        async for chunk in body:
                            yield chunk

    def _expanded_url(self) -> str:
        """Fill in the variables; what stands behind the base address is kept secret."""
        template = self._spec.url
        base = _BASE.match(template)
        end = base.end() if base else 0
        return self._secrets.expand(template[:end]) + self._secrets.expand(
            template[end:], secret=True
        )

    def _check(self, response: ClientResponse) -> None:
        """Raise unless the answer brings a body that may be taken."""
        status = response.status
        if status in _TRANSIENT:
            raise SourceUnavailableError(
                "http-busy", url=self._shown, status=status, retry_after=retry_after(response)
            )
        if status in {401, 403}:
            raise SourceError("http-refused", url=self._shown, status=status)
        if status in {404, 410}:
            raise SourceError("http-missing", url=self._shown, status=status)
        if status not in {200, 203}:
            raise SourceError("http-status", url=self._shown, status=status)
        if response.content_length is not None and response.content_length > self._cap:
            raise self._too_large()

    async def _body(self, response: ClientResponse) -> AsyncGenerator[bytes, None]:
        size = 0
        async for chunk in unpacked(response, self._shown):
            size += len(chunk)
            if size > self._cap:
                raise self._too_large()
            yield chunk

    def _too_large(self) -> DeliveryError:
        return DeliveryError("too-large", origin=self._shown, limit=readable(self._cap))


def _mark(url: URL, headers: Mapping[str, str]) -> str:
    """Tell requests apart; too short to give away a secret that they hold."""
    told = "\n".join(
        [
            str(url.with_fragment(None)),
            *(f"{name}: {value}" for name, value in sorted(headers.items())),
        ]
    )
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def _conditions(cursor: Mapping[str, object], mark: str) -> dict[str, str]:
    if cursor.get("url") != mark:
        return {}
    if etag := cursor.get("etag"):
        return {hdrs.IF_NONE_MATCH: str(etag)}
    if modified := cursor.get("last_modified"):
        return {hdrs.IF_MODIFIED_SINCE: str(modified)}
    return {}


def _is_conditional(response: ClientResponse) -> bool:
    sent = response.request_info.headers
    return hdrs.IF_NONE_MATCH in sent or hdrs.IF_MODIFIED_SINCE in sent


def _details(response: ClientResponse, mark: str) -> Details:
    modified_at = date_of(response, hdrs.LAST_MODIFIED)
    cursor = {"url": mark}
    if etag := response.headers.get(hdrs.ETAG):
        cursor["etag"] = etag
    elif modified_at:
        # Within one second a second change would go unseen (RFC 9110, 8.8.2.2).
        now = date_of(response, hdrs.DATE) or datetime.now(UTC)
        if (now - modified_at).total_seconds() >= 1:
            cursor["last_modified"] = response.headers[hdrs.LAST_MODIFIED]
    return Details(
        modified_at=modified_at,
        media_type=response.content_type if hdrs.CONTENT_TYPE in response.headers else None,
        charset=response.charset,
        cursor=cursor,
    )


def _tell_retry(details: stamina.instrumentation.RetryDetails) -> None:
    """Say what is asked again; stamina's own line knows neither the URL nor the reason."""
    error = details.caused_by
    if isinstance(error, PublisherError):
        log.warning(
            "source is asked again",
            url=error.params.get("url"),
            code=error.code,
            tries=details.retry_num,
            wait=round(details.wait_for, 2),
        )


stamina.instrumentation.set_on_retry_hooks([_tell_retry])


def _wait(error: Exception) -> bool | float:
    """Tell whether to try again, and after how many seconds where the server said so."""
    if not isinstance(error, SourceUnavailableError):
        return False
    asked = error.params.get("retry_after")
    if not isinstance(asked, float):
        return True
    return asked if asked <= _LONGEST_RETRY_AFTER else False
