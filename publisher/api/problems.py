"""Every failure as an RFC 9457 problem: nothing of the inside is ever shown."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from publisher.api.negotiation import NEVER, language_of, respond
from publisher.errors import PublisherError, UsageError, answer_to
from publisher.messages import Language, render
from publisher.messages.api import TITLES

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_STATUS = {
    "not-acceptable": 406,
    "address-too-long": 414,
    "queries-waiting": 503,
    "listeners-many": 503,
    "exports-waiting": 503,
    "unknown-api-key": 401,
    "quota-spent": 429,
    "quota-waiting": 429,
    "query-timeout": 504,
    "partial-denied": 503,
    "asks-itself": 508,
}
"""Of the codes whose status is not that of their kind of error."""
_RETRY = {"Retry-After": "5"}
_SHOWN = 200
_MOST_ERRORS = 20


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a problem."""
    try:
        return await handler(request)
    except PublisherError as error:
        return problem(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _refused(request, error)
    except Exception as error:  # noqa: BLE001 - the last line before a stack trace gets out
        return _failed(request, 500, error)


def problem(
    request: web.Request, error: PublisherError, more: Mapping[str, Any] | None = None
) -> web.Response:
    """Give the problem of an expected error, and *more* that is to be said of it."""
    status = _STATUS.get(error.code, answer_to(error).status)
    if status >= 500 and error.code not in _STATUS:
        return _failed(request, status, error)
    language = language_of(request)
    content = _content(request, status, error.code, detail(error, language))
    content |= {**_members(error, language), **(more or {})}
    return _respond(request, status, content, _headers(error, status))


def _headers(error: PublisherError, status: int) -> Mapping[str, str]:
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if status == 429:
        return {"Retry-After": str(error.params.get("seconds", 1))}
    return _RETRY if status == 503 else {}


def detail(error: PublisherError, language: Language) -> str:
    """Say what is wrong and what to do about it."""
    return _sentence(error.code, error.params, language)


def _members(error: PublisherError, language: Language) -> dict[str, Any]:
    members: dict[str, Any] = {
        name: error.params[name] for name in ("parameter", "allowed") if name in error.params
    }
    faults = error.params.get("faults")
    if isinstance(faults, tuple):
        members["errors"] = list(_errors(faults[:_MOST_ERRORS], language))
    return members


def _errors(faults: Iterable[PublisherError], language: Language) -> Iterator[dict[str, Any]]:
    """Explain each fault; what is allowed is said at the first of those it is the same for."""
    told: list[Any] = []
    for one in faults:
        found = {"code": one.code, "detail": detail(one, language), **_members(one, language)}
        if "allowed" in found:
            if found["allowed"] in told:
                del found["allowed"]
            else:
                told.append(found["allowed"])
        yield found


def _refused(request: web.Request, error: web.HTTPException) -> web.Response:
    """Give the problem of what aiohttp itself refuses."""
    path = request.path[:_SHOWN]
    headers = {}
    if isinstance(error, web.HTTPMethodNotAllowed):
        choices = ", ".join(sorted({*error.allowed_methods, "OPTIONS"}))
        headers["Allow"] = choices
        found = UsageError(
            "method-not-allowed", method=error.method[:_SHOWN], path=path, choices=choices
        )
    elif error.status == 404:
        found = UsageError("no-such-page", path=path)
    else:
        found = UsageError("bad-request")
    language = language_of(request)
    content = _content(request, error.status, found.code, detail(found, language))
    return _respond(request, error.status, content, headers)


def _failed(request: web.Request, status: int, error: Exception) -> web.Response:
    """Note what happened under a number, and say no more than the number."""
    number = secrets.token_hex(4)
    log.error("request failed", id=number, path=request.path, exc_info=error)
    code, headers = "internal-error", None
    if status == 503:
        code, headers = "not-available", _RETRY
    else:
        status = 500
    text = _sentence(code, {"id": number}, language_of(request))
    return _respond(request, status, _content(request, status, code, text), headers)


def _content(request: web.Request, status: int, code: str, text: str) -> dict[str, Any]:
    title = TITLES.get(status, TITLES[400])
    return {
        "type": f"/docs#{code}",
        "title": title.da if language_of(request) == "da" else title.en,
        "status": status,
        "detail": text,
        "instance": request.path_qs[:2_000],
        "code": code,
    }


def _sentence(code: str, params: Any, language: Language) -> str:
    message, remedy = render(code, params, language)
    return f"{message}. {remedy}" if remedy else f"{message}."


def _respond(
    request: web.Request,
    status: int,
    content: dict[str, Any],
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    return respond(
        request,
        orjson.dumps(content, default=str),
        MEDIA_TYPE,
        status=status,
        cache=NEVER,
        headers={"Content-Language": language_of(request), **(headers or {})},
    )
