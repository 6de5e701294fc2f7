"""Several tables asked together: ``/v1/query``, by address or by a posted body."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from publisher.api.cache import Truth, minute_of
from publisher.api.negotiation import form_of
from publisher.api.parts import Call
from publisher.api.rows import respond, work_out
from publisher.engine import Connection
from publisher.errors import ParameterError, UsageError
from publisher.query import Prepared
from publisher.query.faults import Faults
from publisher.query.parameters import MOST_TIMEOUT
from publisher.query.several import Known, prepare_several, read_from
from publisher.query.times import fault
from publisher.query.values import read_count

_TOGETHER = "from"


async def query(call: Call) -> web.Response:
    if call.request.method == "POST":
        posted = await _posted(call)
        call = replace(call, pairs=(*call.pairs, *posted), posted=posted)
    stated = dict(call.pairs)
    catalog = call.parts.catalog()
    public = {ref: it for ref, it in catalog.entries.items() if call.other(ref) is not None}
    entries = read_from(call.pairs, Known(public))
    form = form_of(call.request, stated.get("f"))
    now = datetime.now(UTC)

    def settle(con: Connection) -> Prepared:
        return prepare_several(
            con, call.parts.store, entries, call.pairs, signer=call.signer, now=now
        )

    answer = await call.read(
        lambda con: work_out(con, call, form, settle), most=_seconds(stated.get("timeout"))
    )
    call.caller.charge(0, answer.rows)
    response = await respond(call, answer, form)
    if response.status == 200 and answer.states and not call.posted:
        minute = minute_of(now) if answer.now else None
        call.cache.put(call.request, response, Truth(catalog, answer.states, minute))
    return response


def _seconds(text: str | None) -> int | None:
    try:
        return None if text is None else read_count("timeout", text, 1, MOST_TIMEOUT)
    except ParameterError:
        return None  # it is told with everything else


async def _posted(call: Call) -> tuple[tuple[str, str], ...]:
    """Give the parameters of the body; one that stands in the address too counts there."""
    try:
        stated = orjson.loads(await call.request.read())
    except orjson.JSONDecodeError:
        raise UsageError("body-not-json") from None
    if not isinstance(stated, dict):
        raise UsageError("body-not-json")
    addressed = {name for name, _ in call.pairs}
    faults = Faults()
    found: list[tuple[str, str]] = []
    for name, value in stated.items():
        with faults.collected():
            if name not in addressed:
                found += _pairs(name, value)
    faults.settle()
    return tuple(found)


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Give the parameter as an address has it: lists after commas."""
    if isinstance(value, dict) and name == "filter":
        yield name, orjson.dumps(value).decode()
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
            return value
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
    raise fault("body-not-a-value", name, type(value).__name__)
