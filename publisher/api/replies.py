"""Replies that are models: written, tagged and, where they are lists, paged."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import orjson
from aiohttp import web
from yarl import URL

from publisher.api.cache import Truth
from publisher.api.negotiation import BRIEF, held, packed, respond, unchanged
from publisher.api.parts import Call
from publisher.model.base import Model
from publisher.query.values import read_count

JSON = "application/json"
T = TypeVar("T")

DEFAULT_PAGE = 100
MOST_PAGE = 1_000


def reply(
    call: Call, model: Model, *, cache: str = BRIEF, next_url: str | None = None
) -> web.Response:
    """Answer with *model* as JSON."""
    return reply_json(
        call, model.model_dump(mode="json", by_alias=True), cache=cache, next_url=next_url
    )


async def reply_kept(call: Call, model: Model, *, next_url: str | None = None) -> web.Response:
    """Answer with *model*, made of nothing but the catalog and the store, and keep the answer."""
    body = orjson.dumps(model.model_dump(mode="json", by_alias=True))
    etag = call.signer.etag(body)
    if (tag := held(call.request, etag)) is not None:
        return unchanged(tag, BRIEF, link(next_url))
    response = await packed(
        call.request, body, JSON, etag=etag, weak=False, cache=BRIEF, headers=link(next_url)
    )
    call.cache.put(call.request, response, Truth(call.catalog, (), moment=call.moment))
    return response


def reply_json(
    call: Call, content: object, *, cache: str = BRIEF, next_url: str | None = None
) -> web.Response:
    body = orjson.dumps(content)
    etag = call.signer.etag(body)
    return tagged(call.request, body, JSON, etag=etag, cache=cache, headers=link(next_url))


def tagged(
    request: web.Request,
    body: bytes,
    media_type: str,
    *,
    etag: str,
    cache: str = BRIEF,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Answer with *body*, or with 304 where the caller holds it."""
    if (tag := held(request, etag)) is not None:
        return unchanged(tag, cache, headers)
    return respond(request, body, media_type, etag=etag, cache=cache, headers=headers)


def link(next_url: str | None) -> Mapping[str, str]:
    """Give the ``Link`` header to the next page."""
    return {"Link": f'<{next_url}>; rel="next"'} if next_url else {}


def url_of(call: Call, pairs: Iterable[tuple[str, str]]) -> str:
    """Give the request's own address with other parameters."""
    here = URL(f"{site(call)}{call.request.url.raw_path}", encoded=True)
    return str(here.with_query(list(pairs)))


def site(call: Call) -> str:
    """Give where the API is reached, without a slash at the end."""
    public = call.parts.settings.public_url
    return public.rstrip("/") if public is not None else str(call.request.url.origin())


def page_size(call: Call) -> int:
    stated = call.stated.get("limit")
    return DEFAULT_PAGE if stated is None else read_count("limit", stated, 1, MOST_PAGE)


def page_after(call: Call, kind: str) -> str | None:
    """Give the key that the page before ended on."""
    cursor = call.stated.get("cursor")
    if cursor is None:
        return None
    return str(call.signer.place(cursor, bound_to=_bound_to(call, kind)))


def next_page(call: Call, kind: str, last: str) -> str:
    """Give the address of the page behind the key *last*."""
    cursor = call.signer.cursor(last, bound_to=_bound_to(call, kind))
    kept = [(name, value) for name, value in call.pairs if name != "cursor"]
    return url_of(call, [*kept, ("cursor", cursor)])


def paged(
    call: Call, kind: str, items: Iterable[T], key: Callable[[T], str]
) -> tuple[tuple[T, ...], str | None]:
    """Give the page of *items*, which are sorted by *key*, and the address of the next one."""
    after = page_after(call, kind)
    shown, more = first(
        [item for item in items if after is None or key(item) > after], page_size(call)
    )
    return shown, next_page(call, kind, key(shown[-1])) if more else None


def first(items: Sequence[T], count: int) -> tuple[tuple[T, ...], bool]:
    """Give the first *count* and whether there are more."""
    return tuple(items[:count]), len(items) > count


def _bound_to(call: Call, kind: str) -> object:
    filters = sorted(item for item in call.stated.items() if item[0] not in {"cursor", "limit"})
    return kind, call.request.path, filters
