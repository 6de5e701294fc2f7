"""Answers of rows: worked out, written in their format, and told by their headers."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web

from publisher.api.cache import Truth, minute_of
from publisher.api.negotiation import (
    BRIEF,
    IMMUTABLE,
    held,
    media_type,
    packed,
    unchanged,
)
from publisher.api.parts import Call
from publisher.api.replies import link, url_of
from publisher.engine import Connection
from publisher.model.query import LOCAL, Member, Rows
from publisher.model.schema import Field
from publisher.model.table import TableState
from publisher.query import (
    Page,
    Prepared,
    csv_rows,
    fetch,
    files,
    geojson_features,
    json_arrays,
    json_rows,
    ndjson_rows,
    next_pairs,
)
from publisher.query.parameters import Form
from publisher.query.times import fault
from publisher.query.union import units_of

_RENDERING = 1
"""Part of every ETag: to be raised when the same rows are written in other bytes."""


Look = Callable[[Connection, Call, Prepared, Form], Page]
"""Finds the rows of a page."""


def fetched(con: Connection, call: Call, prepared: Prepared, form: Form) -> Page:
    return fetch(con, call.parts.store, prepared, form=form, signer=call.signer)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as whoever asks the same is given it."""

    etag: str
    weak: bool
    versions: Mapping[str, int]
    """By the table's name."""
    fixed: bool
    """The address gives the same answer for ever."""
    total: int | None
    rows: int
    body: bytes | None
    """None where the caller holds it already."""
    next_url: str | None
    timings: dict[str, float]
    """Seconds, by step."""
    states: tuple[TableState, ...] = ()
    """That it was worked out from; none where it is not to be kept."""
    now: bool = False
    """It speaks of now."""


def work_out(
    con: Connection,
    call: Call,
    form: Form,
    settle: Callable[[Connection], Prepared],
    look: Look = fetched,
) -> Answered:
    """Give the page that is asked for, by the query that *settle* makes of the question."""
    start = time.perf_counter()
    prepared = settle(con)
    answer = settled(call, prepared, form, start)
    if (tag := held(call.request, answer.etag)) is not None:
        return replace(answer, etag=tag)
    start = time.perf_counter()
    page = look(con, call, prepared, form)
    answer.timings["engine"] = time.perf_counter() - start
    if form not in files.FILES:
        return written(call, prepared, form, page, answer)
    ids = [row[-1] for row in page.rows]
    body = files.page(con, call.parts.store, prepared, ids, form)
    return written(call, prepared, form, page, answer, body=body)


def settled(call: Call, prepared: Prepared, form: Form, start: float) -> Answered:
    """Give the answer as far as it is known before the rows; it was begun at *start*."""
    query = prepared.query
    if form == "geojson" and query.place is None:
        raise fault("no-place-fields", "f", form)
    etag = call.signer.etag(
        _RENDERING,
        query,
        prepared.asked.count,
        prepared.asked.style,
        prepared.place,
        form,
        [(f.type, f.decimal) for f in prepared.shown],
    )
    return Answered(
        etag=etag,
        weak=not prepared.exact,
        versions={name_of(member): member.version for member in query.members},
        # before the first version the columns are the catalog's
        fixed=prepared.fixed,
        total=None,
        rows=0,
        body=None,
        next_url=None,
        timings={"plan": time.perf_counter() - start},
    )


def written(
    call: Call,
    prepared: Prepared,
    form: Form,
    page: Page,
    answer: Answered,
    *,
    body: bytes | None = None,
) -> Answered:
    """Give the answer with the rows of a page, whose *body* is that unless it is to be written."""
    start = time.perf_counter()
    next_url = None
    if page.cursor:
        # Whoever posted the question posts it to the next page's address again
        pairs = next_pairs(call.pairs, prepared, page.cursor)
        next_url = url_of(call, [pair for pair in pairs if pair not in call.posted])
    if body is None:
        body = body_of(prepared, page, form, next_url)
    answer.timings["render"] = time.perf_counter() - start
    return replace(
        answer,
        total=page.total,
        rows=len(page.rows),
        body=body,
        next_url=next_url,
        states=_states(prepared),
        now=prepared.asked.fixed_time is not None,
    )


def name_of(member: Member) -> str:
    """Name a table as ``from`` does."""
    return str(member.table) if member.source == LOCAL else f"{member.table}@{member.source}"


def _states(prepared: Prepared) -> tuple[TableState, ...]:
    """Give the states that the answer hangs on, where they are all known."""
    if prepared.query.expansions:
        return ()  # what happens to others' rows is not seen
    read = [part.state for part in prepared.parts] or [prepared.state]
    found = tuple(state for state in read if state is not None)
    return found if len(found) == len(read) else ()


async def respond(call: Call, answer: Answered, form: Form, now: datetime) -> web.Response:
    """Give the answer, or 304 where the caller holds it, and keep it for whoever asks the same.

    It was worked out at the time *now*.
    """
    response = await _told(call, answer, form)
    if response.status == 200 and answer.states and not call.posted:
        minute = minute_of(now) if answer.now else None
        call.cache.put(call.request, response, Truth(call.catalog, answer.states, minute))
    return response


async def _told(call: Call, answer: Answered, form: Form) -> web.Response:
    cache = IMMUTABLE if answer.fixed else BRIEF
    if answer.body is None:
        response = unchanged(answer.etag, cache, weak=answer.weak)
    else:
        response = await packed(
            call.request,
            answer.body,
            media_type(form),
            etag=answer.etag,
            weak=answer.weak,
            cache=cache,
            headers=link(answer.next_url),
        )
    if len(answer.versions) == 1:
        response.headers["X-Table-Version"] = str(*answer.versions.values())
    if answer.total is not None:
        response.headers["X-Total-Count"] = str(answer.total)
    response.headers["Server-Timing"] = ", ".join(
        f"{name};dur={seconds * 1000:.2f}" for name, seconds in answer.timings.items()
    )
    return response


def _about(query: Rows, shown: Iterable[Field]) -> dict[str, Any]:
    """Say which versions were read and, where several tables were, of whom."""
    if not query.united:
        return {"version": query.version}
    sources = sorted({member.source for member in query.members})
    counts = {"total": len(sources), "successful": len(sources)}
    none = dict.fromkeys(("partial", "skipped", "failed"), 0)
    return {
        "units": units_of(shown),
        "versions": {name_of(member): member.version for member in query.members},
        "complete": True,
        "sources": {
            **counts,
            **none,
            "data": [{"id": source, "status": "successful"} for source in sources],
        },
    }


def body_of(
    prepared: Prepared,
    page: Page,
    form: Form,
    next_url: str | None,
    about: Mapping[str, Any] | None = None,
) -> bytes:
    """Write a page; *about* it is told whatever is known of how it came about."""
    shown, style = prepared.shown, prepared.asked.style
    since = prepared.query.since
    key = None if since is None else since.key
    if form == "csv":
        return csv_rows(shown, page.rows, style)
    if form == "ndjson":
        return ndjson_rows(shown, page.rows, key)
    told: dict[str, Any] = {"next": next_url, **(about or _about(prepared.query, shown))}
    if page.total is not None:
        told["count"] = page.total
    if form == "geojson":
        features = geojson_features(shown, page.rows, key)
        return orjson.dumps({"type": "FeatureCollection", "features": features, **told})
    if style.arrays:
        names = [field.name for field in shown]
        return orjson.dumps({"fields": names, "data": json_arrays(shown, page.rows), **told})
    return orjson.dumps({"data": json_rows(shown, page.rows, key), **told})
