"""The aiohttp application: routes from the one table, everything else in middlewares."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from publisher.api.cache import Cache, Flights
from publisher.api.changes import written
from publisher.api.commits import Commits
from publisher.api.openapi import document
from publisher.api.pages import SECURITY, reading_page
from publisher.api.parts import (
    CACHE,
    CALLER,
    COMMITS,
    FEED,
    FLIGHTS,
    PARTS,
    QUOTAS,
    SERIES,
    SIGNER,
    SPOOL,
    Call,
    Parts,
)
from publisher.api.problems import problems
from publisher.api.quotas import Quotas
from publisher.api.replies import JSON, tagged
from publisher.api.route import Route
from publisher.api.routes import ROUTES
from publisher.api.spool import Spool
from publisher.errors import UsageError
from publisher.query import SeriesCache, Signer, load_key
from publisher.query.faults import Faults
from publisher.query.grammar import distinct, given_twice
from publisher.query.names import unknown
from publisher.query.times import fault
from publisher.targets.dcat.feed import Feed

MOST_URL = 32_768
"""Bytes of a request's first line."""
SERVER_OPTIONS: Mapping[str, Any] = {
    "max_line_size": 2 * MOST_URL,
    "max_field_size": MOST_URL,
    "handler_cancellation": True,
}
"""For the runner: room for long lists of conditions, and for a problem to say it was too much;
a caller that leaves is worked for no longer."""
_MOST_BODY = 524_288
_START = web.RequestKey("start", float)
_MOST_PORT = 65_535
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, Server-Timing, X-Table-Version, X-Total-Count,"
    " X-Complete, X-Resume,"
    " Retry-After, RateLimit, RateLimit-Policy",
}
_PREFLIGHT = {
    "Access-Control-Allow-Headers": "*, Authorization",
    "Access-Control-Max-Age": "86400",
}


def create_app(parts: Parts) -> web.Application:
    """Make the application; its resources are opened when it starts."""
    app = web.Application(
        middlewares=[_outermost, problems, _addressed], client_max_size=_MOST_BODY
    )
    app[PARTS] = parts
    app[FEED] = Feed(parts.settings, parts.engine, parts.store)
    app[SPOOL] = Spool(parts.settings.exports_path, parts.settings.export_bytes)
    app[QUOTAS] = Quotas(parts.settings, parts.engine, parts.store)
    app[CACHE] = Cache(parts.settings.cache_bytes, parts.catalog, parts.store)
    app[SERIES] = SeriesCache(parts.settings.series_bytes, parts.store)
    app[FLIGHTS] = Flights()
    app[COMMITS] = Commits(parts.engine, parts.store, written)
    parts.on_commit(app[COMMITS].poke)
    app.cleanup_ctx.append(_signing)
    app.cleanup_ctx.append(_following)
    app.cleanup_ctx.append(_telling)
    app.cleanup_ctx.append(_spooling)
    app.on_shutdown.append(_ending)
    app.on_response_prepare.append(_headed)
    for route in ROUTES:
        # A file may lie in a folder of the package
        path = route.path.replace("{file}", "{file:.+}")
        app.router.add_get(path, _handler(route), name=route.name)
        if route.posted:
            app.router.add_post(path, _handler(route))
    described, page = _described()
    app.router.add_get("/openapi.json", _document(described, JSON))
    app.router.add_get(
        "/docs", _document(page, "text/html; charset=utf-8", {"Content-Security-Policy": SECURITY})
    )
    return app


@cache
def _described() -> tuple[bytes, bytes]:
    """Give what the routes say of themselves, for programs and for people."""
    return orjson.dumps(document(ROUTES)), reading_page(ROUTES).encode()


async def _signing(app: web.Application) -> AsyncIterator[None]:
    path = app[PARTS].settings.data / "secret.key"
    app[SIGNER] = Signer(await asyncio.to_thread(load_key, path))
    yield


async def _following(app: web.Application) -> AsyncIterator[None]:
    with app[PARTS].store.followed(app[SERIES].follow):
        yield


async def _telling(app: web.Application) -> AsyncIterator[None]:
    telling = asyncio.create_task(app[COMMITS].run())
    yield
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)


async def _spooling(app: web.Application) -> AsyncIterator[None]:
    await app[SPOOL].open()
    yield
    await app[SPOOL].close()


async def _ending(app: web.Application) -> None:
    """End the streams, which would outlive the stop otherwise."""
    app[COMMITS].close()


def _handler(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        if len(request.raw_path) > MOST_URL:
            raise UsageError("address-too-long", most=MOST_URL)
        if not _is_text(request.raw_path):
            raise UsageError("address-not-utf-8")
        request[CALLER] = await request.app[QUOTAS].caller(request)
        pairs = tuple(request.query.items())
        stated = {} if route.fields else _stated(route, pairs)
        parts = request.app[PARTS]
        if parts.partners is not None and parts.partners.is_ours(request.headers.get("Via", "")):
            raise UsageError("asks-itself")
        call = Call(
            request=request,
            parts=parts,
            signer=request.app[SIGNER],
            catalog=parts.catalog(),
            moment=parts.store.moment,
            pairs=pairs,
            stated=stated,
        )
        if route.metered:
            call.caller.check()
        return await route.handler(call)

    return handle


def _is_text(address: str) -> bool:
    try:
        unquote_to_bytes(address).decode()
    except UnicodeError:
        return False
    return True


def _stated(route: Route, pairs: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Give the parameters by name; all of them must be the route's."""
    faults = Faults()
    stated = distinct(pairs)
    known = [parameter.name for parameter in route.query]
    for name in stated.values:
        with faults:
            if not known:
                raise fault("takes-no-parameters", name, name)
            if name not in known:
                raise unknown("parameter", name, known, name)
            if name in stated.repeated:
                raise given_twice(name)
    faults.settle()
    return stated.values


def _document(
    body: bytes, media_type: str, headers: dict[str, str] | None = None
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return tagged(
            request, body, media_type, etag=request.app[SIGNER].etag(body), headers=headers
        )

    return handle


@web.middleware
async def _outermost(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer preflights, and what was asked before."""
    request[_START] = time.perf_counter()
    if request.method == "OPTIONS" and isinstance(
        refusal := request.match_info.http_exception, web.HTTPMethodNotAllowed
    ):
        methods = ", ".join([*sorted(refusal.allowed_methods), "OPTIONS"])
        allowed = {"Access-Control-Allow-Methods": methods, "Allow": methods}
        return web.Response(status=204, headers=_PREFLIGHT | allowed)
    if "Authorization" not in request.headers:  # a key may have been revoked
        kept = request.app[CACHE].get(request)
        if kept is not None:
            return kept
    return await handler(request)


async def _headed(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that every answer has."""
    headers = response.headers
    headers.update(_CORS)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Server"] = "publisher"
    caller = request.get(CALLER)
    if caller is not None:
        headers.update(caller.headers())
    start = request.get(_START)
    if start is not None:
        total = f"total;dur={(time.perf_counter() - start) * 1000:.2f}"
        steps = headers.get("Server-Timing")
        headers["Server-Timing"] = f"{steps}, {total}" if steps else total


@web.middleware
async def _addressed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a Host that is none before a link is made of it."""
    stated = request.headers.get("Host")
    if not request.raw_path.startswith("/"):
        stated = request.url.raw_authority  # the whole address was sent, which counts more
    if stated is not None:
        found = _HOST.fullmatch(stated)
        if found is None or int(found[1] or 0) > _MOST_PORT:
            raise UsageError("wrong-host")
    return await handler(request)
