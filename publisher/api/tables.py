"""One table's rows, its newest ones, and groups of them."""

import time
from datetime import UTC, datetime

from aiohttp import web

from publisher.api.cache import minute_of
from publisher.api.negotiation import form_of
from publisher.api.parts import Call
from publisher.api.replies import site
from publisher.api.rows import Answered, fetched, respond, settled, work_out, written
from publisher.engine import Connection
from publisher.model.catalog import TableEntry
from publisher.model.table import TableState
from publisher.query import Page, Prepared, prepare, prepare_newest
from publisher.query.grammar import Kind
from publisher.query.parameters import Form

_HELD = "If-None-Match"
_SLOW = frozenset({"expand", "filter", "tz", "units"})
"""Parameters that take a library or a file to be read, the first time."""
_SHORT = 1_000
"""Bytes of an address that is read in the event loop."""


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
    prepared = _prepared(call, entry, state, kind, now)
    if prepared is not None:
        found = _at_hand(call, entry, prepared, form)
        if found is not None:
            call.caller.charge(sum(found.timings.values()), found.rows)
            return await respond(call, found, form, now)

    def settle(con: Connection) -> Prepared:
        return prepared or prepare(
            con,
            call.parts.store,
            entry,
            call.pairs,
            signer=call.signer,
            now=now,
            kind=kind,
            others=call.other,
        )

    def look(con: Connection, call: Call, prepared: Prepared, form: Form) -> Page:
        page = call.series.read(con, prepared, entry, form)
        return fetched(con, call, prepared, form) if page is None else page

    async def work() -> Answered:
        found = await call.read(lambda con: work_out(con, call, form, settle, look))
        call.caller.charge(0, found.rows)
        return found

    if _HELD in call.request.headers or "expand" in dict(call.pairs):
        answer = await work()  # whoever holds it is spared the rows
    else:
        # Whoever asks after a commit is not given what was asked before
        asked = (kind, entry.ref, site(call), call.pairs, form)
        answer = await call.flights.once((asked, id(entry), call.moment, minute_of(now)), work)
    return await respond(call, answer, form, now)


def _prepared(
    call: Call, entry: TableEntry, state: TableState | None, kind: Kind, now: datetime
) -> Prepared | None:
    """Read a short question here: it takes less than the way to a thread and back."""
    if state is None or len(call.request.raw_path) > _SHORT:
        return None
    if not _SLOW.isdisjoint(name for name, _ in call.pairs):
        return None
    return prepare_newest(state, entry, call.pairs, signer=call.signer, now=now, kind=kind)


def _at_hand(call: Call, entry: TableEntry, prepared: Prepared, form: Form) -> Answered | None:
    """Answer from memory where that is soon done."""
    if _HELD in call.request.headers:
        return None
    start = time.perf_counter()
    page = call.series.page(prepared, entry, form)
    if page is None:
        return None
    answer = settled(call, prepared, form, start)
    return written(call, prepared, form, page, answer)
