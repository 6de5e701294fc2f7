"""One table's rows, its run ledger and what its quarantine holds."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from publisher.api import answers
from publisher.api.cache import Truth, minute_of
from publisher.api.negotiation import (
    BRIEF,
    IMMUTABLE,
    form_of,
    held,
    media_type,
    packed,
    unchanged,
)
from publisher.api.parts import Call
from publisher.api.replies import first, link, next_page, page_after, page_size, reply, site, url_of
from publisher.engine import Connection
from publisher.model.run import RuleCount, Run
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
    prepare,
)
from publisher.query.grammar import Kind
from publisher.query.parameters import Form
from publisher.query.times import fault

_RENDERING = 1
"""Part of every ETag: to be raised when the same rows are written in other bytes."""
_FILES: frozenset[Form] = frozenset({"parquet", "xlsx"})
"""Formats that are written as a file."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as whoever asks the same is given it."""

    etag: str
    weak: bool
    version: int
    fixed: bool
    """The address gives the same answer for ever."""
    total: int | None
    rows: int
    body: bytes | None
    """None where the caller holds it already."""
    next_url: str | None
    timings: Mapping[str, float]
    """Seconds, by step."""
    state: TableState | None = None
    """That it was worked out from; None where it is not to be kept."""
    now: bool = False
    """It speaks of now."""


async def get_rows(call: Call) -> web.Response:
    return await _answer(call, "rows")


async def get_latest(call: Call) -> web.Response:
    return await _answer(call, "latest")


async def get_aggregate(call: Call) -> web.Response:
    return await _answer(call, "aggregate")


async def _answer(call: Call, kind: Kind) -> web.Response:
    entry = call.entry()
    form = form_of(call.request, dict(call.pairs).get("f"))
    now = datetime.now(UTC)
    state = call.parts.store.known_state(entry.ref)
    catalog = call.parts.catalog()

    async def work() -> Answered:
        found = await call.read(lambda con: _work_out(con, call, kind, form, now))
        call.caller.charge(0, found.rows)
        return found

    if "If-None-Match" in call.request.headers or "expand" in dict(call.pairs):
        answer = await work()  # whoever holds it is spared the rows
    else:
        # Whoever asks after a commit is not given what was asked before
        asked = (kind, entry.ref, site(call), call.pairs, form)
        answer = await call.flights.once((asked, id(entry), id(state), minute_of(now)), work)
    response = await _respond(call, answer, form)
    if response.status == 200 and answer.state is not None:
        minute = minute_of(now) if answer.now else None
        call.cache.put(call.request, response, Truth(catalog, answer.state, minute))
    return response


def _work_out(con: Connection, call: Call, kind: Kind, form: Form, now: datetime) -> Answered:
    start = time.perf_counter()
    store, signer, entry = call.parts.store, call.signer, call.entry()
    prepared = prepare(
        con, store, entry, call.pairs, signer=signer, now=now, kind=kind, others=call.other
    )
    query = prepared.query
    shown = prepared.shown
    if form == "geojson" and query.place is None:
        raise fault("no-place-fields", "f", form)
    etag = signer.etag(
        _RENDERING,
        query,
        prepared.asked.count,
        prepared.asked.style,
        prepared.place,
        form,
        [(f.type, f.decimal) for f in shown],
    )
    planned = time.perf_counter()
    timings = {"plan": planned - start}
    answer = Answered(
        etag=etag,
        weak=not prepared.exact,
        version=query.version,
        # before the first version the columns are the catalog's
        fixed=prepared.fixed,
        total=None,
        rows=0,
        body=None,
        next_url=None,
        timings=timings,
    )
    if (tag := held(call.request, etag)) is not None:
        return replace(answer, etag=tag)
    page = fetch(con, store, prepared, form=form, signer=signer)
    fetched = time.perf_counter()
    next_url = url_of(call, next_pairs(call.pairs, prepared, page.cursor)) if page.cursor else None
    if form in _FILES:
        body = files.page(con, store, prepared, [row[-1] for row in page.rows], form)
    else:
        body = _body(prepared, page, form, next_url)
    timings |= {"engine": fetched - planned, "render": time.perf_counter() - fetched}
    return replace(
        answer,
        total=page.total,
        rows=len(page.rows),
        body=body,
        next_url=next_url,
        # What happens to others' rows is not seen
        state=None if query.expansions else prepared.state,
        now=prepared.asked.fixed_time is not None,
    )


async def _respond(call: Call, answer: Answered, form: Form) -> web.Response:
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
    response.headers["X-Table-Version"] = str(answer.version)
    if answer.total is not None:
        response.headers["X-Total-Count"] = str(answer.total)
    response.headers["Server-Timing"] = ", ".join(
        f"{name};dur={seconds * 1000:.2f}" for name, seconds in answer.timings.items()
    )
    return response


def _body(prepared: Prepared, page: Page, form: Form, next_url: str | None) -> bytes:
    shown, style = prepared.shown, prepared.asked.style
    since = prepared.query.since
    key = None if since is None else since.key
    if form == "csv":
        return csv_rows(shown, page.rows, style)
    if form == "ndjson":
        return ndjson_rows(shown, page.rows, key)
    told: dict[str, Any] = {"next": next_url, "version": prepared.query.version}
    if page.total is not None:
        told["count"] = page.total
    if form == "geojson":
        features = geojson_features(shown, page.rows, key)
        return orjson.dumps({"type": "FeatureCollection", "features": features, **told})
    if style.arrays:
        names = [field.name for field in shown]
        return orjson.dumps({"fields": names, "data": json_arrays(shown, page.rows), **told})
    return orjson.dumps({"data": json_rows(shown, page.rows, key), **told})


async def get_runs(call: Call) -> web.Response:
    entry = call.entry()
    before, size = page_after(call, "runs"), page_size(call)

    def read(con: Connection) -> tuple[list[Run], set[str]]:
        store = call.parts.store
        state = store.state(con, entry.ref)
        fields = entry.shown_fields(state.schema if state else None)
        runs = store.runs(con, entry.ref, limit=size + 1, before=before)
        return runs, {field.name for field in fields}

    found, names = await call.read(read)
    shown, more = first(found, size)
    next_url = next_page(call, "runs", shown[-1].id) if more else None
    data = tuple(_run(run, names) for run in shown)
    return reply(call, answers.Runs(data=data, next=next_url), next_url=next_url)


async def get_quarantine(call: Call) -> web.Response:
    entry = call.entry()

    def read(con: Connection) -> answers.Quarantine:
        store = call.parts.store
        state = store.state(con, entry.ref)
        fields = entry.shown_fields(state.schema if state else None)
        counts = store.quarantine_counts(con, entry.ref)
        names = {field.name for field in fields}
        return answers.Quarantine(total=counts.total, data=_findings(counts.rules, names))

    return reply(call, await call.read(read))


def _run(run: Run, names: set[str]) -> answers.RunAnswer:
    return answers.RunAnswer(
        id=run.id,
        trigger=run.trigger,
        started_at=run.started_at,
        finished_at=run.finished_at,
        outcome=run.outcome,
        version=run.version,
        rows=answers.RowCounts(
            read=run.rows.read,
            new=run.rows.new,
            corrected=run.rows.corrected,
            unchanged=run.rows.unchanged,
            removed=run.rows.removed,
            quarantined=run.rows.quarantined,
        ),
        seconds=None if run.seconds is None else round(run.seconds, 3),
        # Codes only: a problem's texts may quote cells, paths and internal addresses.
        problem=run.problem.code if run.problem else None,
        notes=tuple(note.code for note in run.notes),
        findings=_findings(run.findings, names),
    )


def _findings(counts: Iterable[RuleCount], names: set[str]) -> tuple[answers.Finding, ...]:
    return tuple(
        answers.Finding(
            rule=count.rule,
            field=count.field if count.field in names else None,
            count=count.count,
            rows=count.rows,
        )
        for count in counts
    )
