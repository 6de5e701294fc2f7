"""Answers in which partners take part: asked at once, put together, and how each did said."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from publisher.api.asked import Asked, fail
from publisher.api.dedupe import Choice
from publisher.api.negotiation import BRIEF, NEVER, language_of, media_type, packed
from publisher.api.parts import Call
from publisher.api.problems import detail, problem
from publisher.api.reading import Reading, reading
from publisher.api.replies import link, url_of
from publisher.api.rows import body_of, name_of
from publisher.errors import (
    ParameterError,
    PublisherError,
    SourceError,
    SourceUnavailableError,
)
from publisher.model.catalog import TableEntry
from publisher.model.query import LOCAL
from publisher.partners import Ask, Partners, Remote, Status
from publisher.query import next_pairs
from publisher.query.combined import Combined, fetch_federated
from publisher.query.federated import Federated, Ours, members_of, prepare_federated
from publisher.query.parameters import Form
from publisher.query.passing import passed_on, passes
from publisher.query.rows import bad_cursor
from publisher.query.several import (
    MOST_TABLES,
    Elsewhere,
    Wanted,
    local_part,
    unknown_schema,
)
from publisher.query.times import fault
from publisher.query.union import Part, units_of
from publisher.threads import away

_COMPLETE, _RESUME = "X-Complete", "X-Resume"
_FINDING = 0.5
"""Share of the time in which it is found out what tables there are."""
_SHORT = 500
"""Characters of a question, at the most."""
_FEW = 50
"""Fields of a table, at the most."""
_SLOW = frozenset({"cursor", "filter", "units"})
"""Parameters for which a grammar may have to be loaded, or all units there are: of a walk they are
those that it began with."""
_AT_REST = {"successful": 0, "partial": 0, "skipped": 0, "failed": 0}


@dataclass(frozen=True, slots=True)
class _Answered:
    federated: Federated
    combined: Combined
    statuses: Sequence[Status]
    versions: Mapping[str, int | None]
    timings: Mapping[str, float]

    @property
    def complete(self) -> bool:
        # A copy may be behind what it is a copy of
        instead = self.federated.chosen.instead
        return not instead and all(it.outcome == "successful" for it in self.statuses)


@dataclass(frozen=True, slots=True)
class _Gathered:
    federated: Federated
    statuses: Sequence[Status]
    combined: Combined
    asked: float
    """When the last had answered."""


@dataclass(frozen=True, slots=True)
class _Work:
    """One question, until a time of the clock."""

    call: Call
    partners: Partners
    choice: Choice
    form: Form
    reads: Reading
    until: float
    now: datetime


async def answer(
    call: Call, partners: Partners, wanted: Wanted, form: Form, *, seconds: float | None
) -> web.Response:
    """Answer a question to partners; *seconds* is how long the caller would wait for them."""
    limit = call.parts.settings.partner_timeout if seconds is None else seconds

    async def work() -> _Answered:
        return await _worked_out(call, partners, wanted, form, limit)

    if call.posted:
        found = await work()
    else:
        asked = (call.request.raw_path, form, id(call.catalog), call.moment)
        found = await call.flights.once(asked, work)
    about = _about(call, found)
    if dict(call.pairs).get("partial") == "deny" and not found.complete:
        error = SourceUnavailableError("partial-denied", parameter="partial")
        return problem(call.request, error, {"complete": False, "sources": about["sources"]})
    return await _told(call, found, form, about)


async def _worked_out(
    call: Call, partners: Partners, wanted: Wanted, form: Form, seconds: float
) -> _Answered:
    began = time.monotonic()
    until = began + seconds
    elsewhere: Sequence[Elsewhere] = wanted.elsewhere
    cursor = dict(call.pairs).get("cursor")
    if cursor is not None:
        elsewhere = _of_cursor(call, elsewhere, cursor)
    remotes, failed = await _found(call, partners, elsewhere, seconds * _FINDING)
    if not (cursor or remotes or wanted.entries or failed):  # but for a schema, that was told
        raise unknown_schema(elsewhere[0].schema or "", call.catalog.entries.values())
    if len(remotes) + len(wanted.entries) > MOST_TABLES:
        raise ParameterError("many-tables", parameter="from", most=MOST_TABLES)
    choice = Choice(call, wanted.entries, remotes, failed)
    async with reading(call) as reads:
        work = _Work(call, partners, choice, form, reads, until, datetime.now(UTC))
        return await _gathered(work, failed, began)


async def _gathered(work: _Work, failed: Sequence[Status], began: float) -> _Answered:
    call, choice = work.call, work.choice
    ready = await _settled(work)
    if work.form == "geojson" and ready.prepared.query.place is None:
        raise fault("no-place-fields", "f", work.form)
    planned = time.monotonic()
    async with call.caller.turn(partners=True):
        # Who waits for a turn of one's own has no less time for the partners
        work = replace(work, until=work.until + time.monotonic() - planned)
        found = await _fetched(work, ready)
    done = time.monotonic()
    ready, combined = found.federated, found.combined
    versions = _versions(ready, found.statuses)
    unfit = [Status(it.partner, it.ref, "failed", problem=error) for it, error in ready.unfit]
    call.caller.charge(0, sum(combined.loaded) + len(combined.page.rows))
    timings = {"plan": planned - began, "partners": found.asked - planned}
    timings["engine"] = done - found.asked
    return _Answered(
        ready, combined, [*found.statuses, *failed, *choice.gone, *unfit], versions, timings
    )


async def _settled(work: _Work) -> Federated:
    """Settle what everybody is asked who is asked by now."""
    call, choice = work.call, work.choice

    def settle(ours: Ours) -> Federated:
        return prepare_federated(
            ours,
            choice.entries,
            choice.remotes,
            call.pairs,
            signer=call.signer,
            now=work.now,
            missing=choice.missing,
            chosen=choice.chosen,
        )

    if not choice.entries and _is_short(call, choice.remotes):
        return settle(_none_of_ours)
    return await call.read(lambda con: settle(partial(local_part, con, call.parts.store)))


def _is_short(call: Call, remotes: Sequence[Remote]) -> bool:
    """Tell whether a question is read in less time than the way to a thread and back takes."""
    if len(remotes) != 1 or len(remotes[0].fields) > _FEW or call.posted:
        return False
    slow = any(name in _SLOW for name, _ in call.pairs)
    return not slow and len(call.request.raw_path) <= _SHORT


def _none_of_ours(entry: TableEntry, version: int | None, by: datetime | None) -> Part:
    """Stand in for what tells of our tables, where the question is of none."""
    raise AssertionError(entry, version, by)


def _versions(ready: Federated, statuses: Sequence[Status]) -> dict[str, int | None]:
    """Give the version of each table that was read; None of those that have none."""
    members = ready.prepared.query.members
    versions: dict[str, int | None] = {
        name_of(it): it.version for it in members if it.source == LOCAL
    }
    for remote, status in zip(ready.remotes, statuses, strict=True):
        if status.fetched is not None:
            versions[remote.name] = status.fetched.version or None
    return versions


async def _fetched(work: _Work, ready: Federated) -> _Gathered:
    """Ask everybody and put together what they gave, until that is enough or time is up."""
    known = Asked()
    new: Sequence[Ask] = ready.asks
    # One partner's rows may be passed on as they are
    came = work.reads.came if len(ready.asks) > 1 else None
    async with AsyncExitStack() as files:
        while True:
            left = max(work.until - time.monotonic(), 0.001)
            told = await files.enter_async_context(work.partners.fetched(new, left, came))
            asked = time.monotonic()
            known.take(new, told)
            ready, statuses, combined = await _put_together(work, ready, known)
            new = known.more(ready.asks, combined.ended, ready.prepared.query.end)
            if new and asked < work.until:
                continue
            if combined.empty:
                known.give_up(ready.asks, combined.empty)
                ready, statuses, combined = await _put_together(work, ready, known)
            if not work.choice.lose(ready, statuses):
                return _Gathered(ready, statuses, combined, asked)
            ready = await _settled(work)
            new = known.missing(ready.asks)


async def _put_together(
    work: _Work, ready: Federated, known: Asked
) -> tuple[Federated, list[Status], Combined]:
    """Put the answer together of what is known, which each ask is settled with.

    Whoever gave what cannot be read is left out of it, but for what it gave before.
    """
    while True:
        known.recover()
        asks, statuses = known.of(ready.asks)
        ready = replace(ready, asks=asks)
        combined = await _combined(work, ready, statuses)
        if combined is not None:
            return ready, statuses, combined


async def _combined(work: _Work, ready: Federated, statuses: Sequence[Status]) -> Combined | None:
    """Put together what they gave; None where one gave what cannot be read, and failed by that."""
    form, reads = work.form, work.reads
    if passes(ready, form) and (found := statuses[0].fetched) is not None:
        combined = await away(partial(passed_on, ready, found), rows=found.rows or 0)
        if combined is not None:
            statuses[0].rows = combined.loaded[0]
            return combined
    broken: list[tuple[int, SourceError]] = []
    combined = await reads.read(
        partial(
            fetch_federated,
            store=work.call.parts.store,
            federated=ready,
            fetched=[status.fetched for status in statuses],
            form=form,
            loads=reads.loads,
            broken=broken,
        )
    )
    for number, error in broken:
        fail(statuses[number], error)
    if combined is not None:
        told = zip(statuses, combined.loaded, combined.refused, strict=True)
        for status, loaded, refused in told:
            status.rows, status.refused = loaded, refused
            if refused and status.outcome == "successful":
                status.outcome = "partial"
    return combined


async def _found(
    call: Call, partners: Partners, elsewhere: Sequence[Elsewhere], seconds: float
) -> tuple[list[Remote], list[Status]]:
    """Find the tables that are meant, and who could not tell of theirs."""
    looks = [(it, name) for it in elsewhere for name in it.partners]
    answers = await asyncio.gather(
        *(_look(call, partners, it, name, seconds) for it, name in looks), return_exceptions=True
    )
    remotes: dict[str, Remote] = {}
    failed: list[Status] = []
    for (it, name), found in zip(looks, answers, strict=True):
        if isinstance(found, PublisherError) and not isinstance(found, ParameterError):
            status = Status(name, it.ref)
            status.outcome = "skipped" if found.code == "partner-resting" else "failed"
            status.problem = found
            failed.append(status)
        elif isinstance(found, BaseException):
            raise found
        else:
            remotes |= {remote.name: remote for remote in found}
    return [remotes[name] for name in sorted(remotes)], failed


def _of_cursor(call: Call, elsewhere: Sequence[Elsewhere], cursor: str) -> list[Elsewhere]:
    """Give the tables that a page before was of, which are among those that are meant."""
    found = []
    for name, ref in members_of(call.signer, cursor):
        meant = [it for it in elsewhere if name in it.partners and it.ref in {None, ref}]
        if not meant:
            raise bad_cursor()
        if ref is None:
            found += [replace(it, partners=(name,)) for it in meant]
        else:
            found.append(Elsewhere((name,), ref=ref, text=f"{ref}@{name}"))
    return found


async def _look(
    call: Call, partners: Partners, it: Elsewhere, name: str, seconds: float
) -> list[Remote]:
    if it.ref is not None:
        found = await partners.find(name, it.ref, seconds)
        if found is None and len(it.partners) == 1:
            raise fault("from-unknown-table", "from", it.text, allowed=[])
        return [found] if found is not None else []
    if not partners.known[name].may_have(it.schema or ""):
        return []
    ours = call.catalog.schemas.get(it.schema or "")
    tables = await partners.tables(name, seconds)
    return [
        remote
        for remote in tables.values()
        if remote.told is None
        and remote.schema.name == it.schema
        and (ours is None or remote.schema.major == ours.major)
    ]


def _about(call: Call, found: _Answered) -> dict[str, Any]:
    """Say which versions were read, of whom, and how each of them did."""
    language = language_of(call.request)
    chosen = found.federated.chosen
    ours = [it for it in found.federated.prepared.query.members if it.source == LOCAL]
    data: list[dict[str, Any]] = []
    outcomes: dict[str, list[str]] = {}
    if ours:
        data.append({"id": LOCAL, "status": "successful"})
        outcomes[LOCAL] = ["successful"]
    for status in found.statuses:
        outcomes.setdefault(status.source, []).append(status.outcome)
        told = _status(status, language)
        if (name := f"{status.table}@{status.source}") in chosen.instead:
            told["insteadOf"] = chosen.instead[name]
        data.append(told)
    for name in (str(it.table) for it in ours):
        if name in chosen.instead:
            told = {"id": LOCAL, "table": name, "status": "successful"}
            data.append({**told, "insteadOf": chosen.instead[name]})
    for name, of in sorted(chosen.copies.items()):
        table, _, source = name.partition("@")
        # Whoever is asked for another table is counted by that
        outcomes.setdefault(source or LOCAL, ["skipped"])
        told = {"id": source or LOCAL, "table": table, "status": "skipped", "copyOf": of}
        data.append(told)
    counts = dict(_AT_REST)
    for several in outcomes.values():
        counts[_together(several)] += 1
    about: dict[str, Any] = {
        "units": units_of(found.federated.prepared.shown),
        "versions": dict(found.versions),
        "complete": found.complete,
        "sources": {"total": len(outcomes), **counts, "data": data},
    }
    if found.combined.resume is not None:
        about["resume"] = _page_url(call, found, found.combined.resume)
    return about


def _together(outcomes: Sequence[str]) -> str:
    """Give how a partner did, of whom several tables were asked."""
    if len(set(outcomes)) == 1:
        return outcomes[0]
    return "partial"


def _status(status: Status, language: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": status.source,
        "table": None if status.table is None else str(status.table),
        "status": status.outcome,
        "milliseconds": round(status.milliseconds, 1),
        "rows": status.rows,
    }
    fetched = status.fetched
    if fetched is not None:
        told |= {
            "served": fetched.served,
            "http": fetched.status,
            "retrievedAt": _instant(fetched.retrieved_at),
            "age": None if fetched.age is None else round(fetched.age),
            "pushedDown": list(fetched.pushed),
            "appliedLocally": list(fetched.local),
            "truncated": fetched.more,
        }
    if status.refused:
        told["refused"] = status.refused
    if status.problem is not None:
        told["problem"] = {
            "code": status.problem.code,
            "detail": detail(status.problem, language),
        }
    return told


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _page_url(call: Call, found: _Answered, cursor: str) -> str:
    # Whoever posted the question posts it to the next page's address again
    pairs = next_pairs(call.pairs, found.federated.prepared, cursor)
    return url_of(call, [pair for pair in pairs if pair not in call.posted])


async def _told(call: Call, found: _Answered, form: Form, about: Mapping[str, Any]) -> web.Response:
    page = found.combined.page
    next_url = None if page.cursor is None else _page_url(call, found, page.cursor)

    def write() -> tuple[bytes, str]:
        body = found.combined.file
        if body is None:
            body = body_of(found.federated.prepared, page, form, next_url, about)
        return body, call.signer.etag(orjson.dumps(found.versions), body)

    body, etag = await away(write, rows=len(page.rows))
    response = await packed(
        call.request,
        body,
        media_type(form),
        etag=etag,
        weak=True,
        cache=BRIEF if found.complete else NEVER,
        headers=link(next_url),
    )
    response.headers[_COMPLETE] = "true" if found.complete else "false"
    if found.combined.resume is not None:  # a file has no other place for it
        response.headers[_RESUME] = _page_url(call, found, found.combined.resume)
    if page.total is not None:
        response.headers["X-Total-Count"] = str(page.total)
    response.headers["Server-Timing"] = ", ".join(
        f"{name};dur={seconds * 1000:.2f}" for name, seconds in found.timings.items()
    )
    return response
