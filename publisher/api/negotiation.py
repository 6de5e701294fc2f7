"""Languages, formats, codings and conditional requests, as RFC 9110 has them."""

import asyncio
import gzip
import re
from collections.abc import Iterator, Mapping, Sequence

from aiohttp import web

from publisher.errors import UsageError
from publisher.messages import Language
from publisher.query.parameters import FORMATS, Form
from publisher.query.times import fault

GZIP_FROM = 1_024
"""Bytes; smaller answers gain nothing."""
_OFF_LOOP_FROM = 16_384
"""Bytes from which an answer is compressed in a thread."""

BRIEF = "public, max-age=10, must-revalidate"
IMMUTABLE = "public, max-age=31536000, immutable"
NEVER = "no-store"

_GZIP = "-gzip"
_LEVEL = 6
_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def language_of(request: web.Request) -> Language:
    """Give the language the caller likes best of English and Danish."""
    weights: dict[Language, float] = {"en": 0.0, "da": 0.0}
    for value, weight in _weighted(request.headers.get("Accept-Language", "")):
        name = value.split("-")[0]
        if name == "da":
            weights["da"] = max(weights["da"], weight)
        elif name == "en":
            weights["en"] = max(weights["en"], weight)
    return "da" if weights["da"] > weights["en"] else "en"


def form_of(
    request: web.Request, stated: str | None, forms: Sequence[Form] = tuple(FORMATS)
) -> Form:
    """Give the format of ``f=``, or the one that ``Accept`` likes best, the first of *forms* else.

    Raises ParameterError ``not-a-format`` and UsageError ``not-acceptable``.
    """
    if stated is not None:
        for form in forms:
            if stated == form:
                return form
        raise fault("not-a-format", "f", stated, allowed=list(FORMATS), choices=", ".join(FORMATS))
    accept = request.headers.get("Accept")
    if not accept:
        return forms[0]
    weights = dict(_weighted(accept))
    best = max(forms, key=lambda form: _weight(FORMATS[form], weights))
    if _weight(FORMATS[best], weights) == 0:
        raise UsageError(
            "not-acceptable", allowed=list(FORMATS.values()), choices=", ".join(FORMATS.values())
        )
    return best


def media_type(form: Form) -> str:
    return FORMATS[form] + ("; charset=utf-8; header=present" if form == "csv" else "")


def accepts(request: web.Request, *media_types: str) -> str:
    """Give the one of the types that ``Accept`` likes best; the last where it does not say."""
    weights = dict(_weighted(request.headers.get("Accept", "")))
    return max(reversed(media_types), key=lambda it: _weight(it, weights))


def held(request: web.Request, etag: str) -> str | None:
    """Give the tag by which the caller holds what *etag* stands for, in whichever coding."""
    header = request.headers.get("If-None-Match")
    if header is None or request.method == "POST":  # what is posted may be another question
        return None
    if header.strip() == "*":
        return etag
    return next((tag for tag in _TAG.findall(header) if tag.removesuffix(_GZIP) == etag), None)


def respond(
    request: web.Request,
    body: bytes,
    media_type: str,
    *,
    etag: str | None = None,
    weak: bool = False,
    cache: str = NEVER,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Give the response, compressed where that is asked for and pays.

    The tag is *weak* where another answer of the same may differ in its last digits.
    """
    coded = len(body) >= GZIP_FROM and _takes_gzip(request)
    response = web.Response(
        body=body,
        status=status,
        headers={
            "Content-Type": media_type,
            "Cache-Control": cache,
            "Vary": "Accept, Accept-Encoding, Accept-Language",
            **(headers or {}),
        },
        zlib_executor_size=_OFF_LOOP_FROM,
    )
    if etag is not None:
        response.headers["ETag"] = _tagged(f"{etag}{_GZIP}" if coded else etag, weak=weak)
    if coded:
        response.enable_compression(web.ContentCoding.gzip)
    return response


async def packed(
    request: web.Request,
    body: bytes,
    media_type: str,
    *,
    etag: str,
    weak: bool,
    cache: str,
    headers: Mapping[str, str],
) -> web.Response:
    """Give the response with its body as it goes over the wire, so that it can be kept."""
    coded = len(body) >= GZIP_FROM and _takes_gzip(request)
    if coded:
        large = len(body) >= _OFF_LOOP_FROM
        body = await asyncio.to_thread(_gzipped, body) if large else _gzipped(body)
    response = respond(
        request,
        b"",
        media_type,
        etag=f"{etag}{_GZIP}" if coded else etag,
        weak=weak,
        cache=cache,
        headers={**headers, **({"Content-Encoding": "gzip"} if coded else {})},
    )
    response.body = body
    return response


def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)


def unchanged(
    etag: str, cache: str, headers: Mapping[str, str] | None = None, *, weak: bool = False
) -> web.Response:
    """Give the 304 for an answer the caller holds already, by the tag it holds."""
    return web.Response(
        status=304,
        headers={
            "ETag": _tagged(etag, weak=weak),
            "Cache-Control": cache,
            "Vary": "Accept, Accept-Encoding, Accept-Language",
            **(headers or {}),
        },
    )


def _tagged(etag: str, *, weak: bool) -> str:
    return f'W/"{etag}"' if weak else f'"{etag}"'


def _takes_gzip(request: web.Request) -> bool:
    header = request.headers.get("Accept-Encoding")
    if not header:
        return False
    weights = dict(_weighted(header))
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(media_type: str, weights: Mapping[str, float]) -> float:
    kind = media_type.partition("/")[0]
    for name in (media_type, f"{kind}/*", "*/*"):
        if name in weights:
            return weights[name]
    return 0.0


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    """Give the values of a header such as ``Accept``, each with its weight."""
    for part in header.lower().split(","):
        value, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        if value:
            yield value, weight
