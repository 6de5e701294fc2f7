"""One table's rows, its newest ones, and groups of them."""

from datetime import UTC, datetime

from aiohttp import web

from publisher.api.cache import minute_of
from publisher.api.negotiation import form_of
from publisher.api.parts import Call
from publisher.api.replies import site
from publisher.api.rows import Answered, respond, work_out
from publisher.engine import Connection
from publisher.query import Prepared, prepare
from publisher.query.grammar import Kind


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

    def settle(con: Connection) -> Prepared:
        return prepare(
            con,
            call.parts.store,
            entry,
            call.pairs,
            signer=call.signer,
            now=now,
            kind=kind,
            others=call.other,
        )

    async def work() -> Answered:
        found = await call.read(lambda con: work_out(con, call, form, settle))
        call.caller.charge(0, found.rows)
        return found

    if "If-None-Match" in call.request.headers or "expand" in dict(call.pairs):
        answer = await work()  # whoever holds it is spared the rows
    else:
        # Whoever asks after a commit is not given what was asked before
        asked = (kind, entry.ref, site(call), call.pairs, form)
        answer = await call.flights.once((asked, id(entry), id(state), minute_of(now)), work)
    return await respond(call, answer, form, catalog, now)
