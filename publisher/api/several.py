"""Several tables asked together: ``/v1/query``, by address or by a posted body."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from publisher.api import federated
from publisher.api.cache import minute_of
from publisher.api.dedupe import has_copies
from publisher.api.negotiation import form_of
from publisher.api.parts import Call
from publisher.api.replies import site
from publisher.api.rows import Answered, respond, work_out
from publisher.engine import Connection
from publisher.errors import ParameterError, UsageError
from publisher.query import Prepared
from publisher.query.cql2 import dumps, loads, too_deep
from publisher.query.faults import Faults
from publisher.query.grammar import given_twice
from publisher.query.parameters import MOST_PARAMETERS, MOST_TIMEOUT
from publisher.query.several import Known, prepare_several, read_from
from publisher.query.times import fault
from publisher.query.values import read_count

_TOGETHER = "from"
_OF_THE_FIRST_PAGE = {"offset", "as_of"}
"""A cursor tells where to go on, and with which versions."""


async def query(call: Call) -> web.Response:
    if call.request.method == "POST":
        posted = await _posted(call)
        call = replace(call, pairs=(*call.pairs, *posted), posted=posted)
    stated = dict(call.pairs)
    public = {ref: it for ref, it in call.catalog.entries.items() if call.other(ref) is not None}
    partners = call.parts.partners
    wanted = read_from(call.pairs, Known(public, sorted(partners.known) if partners else ()))
    form = form_of(call.request, stated.get("f"))
    now = datetime.now(UTC)
    most = _seconds(stated.get("timeout"))
    if partners is not None and (wanted.elsewhere or has_copies(call, wanted.entries)):
        return await federated.answer(call, partners, wanted, form, seconds=most)

    def settle(con: Connection) -> Prepared:
        return prepare_several(
            con, call.parts.store, wanted.entries, call.pairs, signer=call.signer, now=now
        )

    async def work() -> Answered:
        found = await call.read(lambda con: work_out(con, call, form, settle), most=most)
        call.caller.charge(0, found.rows)
        return found

    if call.posted or "If-None-Match" in call.request.headers:
        answer = await work()
    else:
        asked = (call.request.raw_path, site(call), form)
        answer = await call.flights.once(
            (asked, id(call.catalog), call.moment, minute_of(now)), work
        )
    return await respond(call, answer, form, now)


def _seconds(text: str | None) -> int | None:
    try:
        return None if text is None else read_count("timeout", text, 1, MOST_TIMEOUT)
    except ParameterError:
        return None  # it is told with everything else


async def _posted(call: Call) -> tuple[tuple[str, str], ...]:
    """Give the parameters of the body; one that stands in the address too counts there."""
    try:
        content = await call.request.read()
        orjson.loads(content)  # refuses what is no Unicode, and more that is no JSON
        stated = loads(content.decode(), members=_each_once)
    except (web.RequestPayloadError, ValueError, RecursionError):
        raise UsageError("body-not-json") from None
    if not isinstance(stated, dict):
        raise UsageError("body-not-json")
    if len(stated) > MOST_PARAMETERS:
        raise ParameterError("many-parameters", most=MOST_PARAMETERS)
    addressed = {name for name, _ in call.pairs}
    if "cursor" in addressed:
        addressed |= _OF_THE_FIRST_PAGE
    faults = Faults()
    found: list[tuple[str, str]] = []
    for name, value in stated.items():
        with faults:
            if name not in addressed:
                found += _pairs(name, value)
    faults.settle()
    return tuple(found)


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        names = [name for name, _ in members]
        raise given_twice(next(name for name in names if names.count(name) > 1))
    return found


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Give the parameter as an address has it: lists after commas."""
    if isinstance(value, dict) and name == "filter":
        yield name, _filter(value)
        return
    if not isinstance(value, list):
        yield name, _text(name, value)
        return
    items = [_text(name, item) for item in value]
    if name == _TOGETHER:
        for item in items:
            yield name, item
        return
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="").writerow(items)
    yield name, line.getvalue()


def _text(name: str, value: Any) -> str:
    match value:
        case str():
            return str(value)  # of a number its digits
        case bool():
            return str(value).lower()
    raise fault("body-not-a-value", name, type(value).__name__)


def _filter(value: Any) -> str:
    try:
        return dumps(value)
    except RecursionError:
        raise too_deep() from None
