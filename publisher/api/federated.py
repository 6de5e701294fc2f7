"""Answers in which partners take part: asked at once, put together, and how each did said."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import orjson
from aiohttp import web

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
from publisher.model.query import LOCAL
from publisher.partners import Ask, Partners, Remote, Status
from publisher.query import next_pairs
from publisher.query.combined import Combined, fetch_federated
from publisher.query.federated import Federated, members_of, prepare_federated
from publisher.query.parameters import Form
from publisher.query.passing import passed_on, passes
from publisher.query.rows import bad_cursor
from publisher.query.several import MOST_TABLES, Elsewhere, Wanted, unknown_schema
from publisher.query.times import fault
from publisher.query.union import units_of

_COMPLETE, _RESUME = "X-Complete", "X-Resume"
_FINDING = 0.5
"""Share of the time in which it is found out what tables there are."""
_MORE = 8
"""Times as many rows are asked for where too many of them did not fit."""
_FEW = 100
T = TypeVar("T")
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
    reading: Reading
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
    return await call.read(
        partial(
            prepare_federated,
            store=call.parts.store,
            entries=choice.entries,
            remotes=choice.remotes,
            pairs=call.pairs,
            signer=call.signer,
            now=work.now,
            missing=choice.missing,
            chosen=choice.chosen,
        )
    )


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


async def _fetched(
    work: _Work, ready: Federated, known: Sequence[tuple[Ask, Status]] = ()
) -> _Gathered:
    """Ask everybody whose answer is not *known*, and put together what they gave."""
    left = max(work.until - time.monotonic(), 0.001)
    before = [next((it for asked, it in known if asked == ask), None) for ask in ready.asks]
    new = [ask for ask, it in zip(ready.asks, before, strict=True) if it is None]
    # One partner's rows may be passed on as they are
    came = work.reading.came if len(ready.asks) > 1 else None
    async with work.partners.fetched(new, left, came) as told:
        asked = time.monotonic()
        answers = iter(told)
        statuses = [next(answers) if it is None else it for it in before]
        combined = await _put_together(work, ready, statuses)
        short = _short(ready.asks, combined, statuses)
        answered = [*known, *zip(ready.asks, statuses, strict=True)]
        if asked < work.until and (short or combined.ended):
            again = _asking_for_more(ready, short, combined.ended)
            return await _fetched(work, again, answered)
        if short:
            for number in short:
                error = SourceError("partner-not-rows", partner=statuses[number].source)
                _failed(statuses[number], error)
            combined = await _put_together(work, ready, statuses)
        if work.choice.lose(ready, statuses):
            return await _fetched(work, await _settled(work), answered)
        return _Gathered(ready, statuses, combined, asked)


def _asking_for_more(ready: Federated, short: Sequence[int], ended: Sequence[int]) -> Federated:
    whole = ready.prepared.query.offset + ready.prepared.query.limit
    asks = list(ready.asks)
    for number in short:
        asks[number] = replace(asks[number], limit=(asks[number].limit or 0) * _MORE)
    for number in ended:
        asks[number] = replace(asks[number], limit=max(asks[number].limit or 0, whole))
    return replace(ready, asks=tuple(asks))


async def _soon(rows: int, work: Callable[[], T]) -> T:
    """Do *work* on so many rows: in a thread, unless that would take longer than the work."""
    return work() if rows <= _FEW else await asyncio.to_thread(work)


def _failed(status: Status, error: SourceError) -> None:
    status.fetched, status.problem, status.outcome, status.rows = None, error, "failed", 0


def _short(asks: Sequence[Ask], combined: Combined, statuses: Sequence[Status]) -> list[int]:
    """Give those of whom too few rows are left for the page, though they have more."""
    return [
        number
        for number, (ask, status) in enumerate(zip(asks, statuses, strict=True))
        if ask.limit is not None
        and status.fetched is not None
        and status.fetched.more
        and combined.refused[number]
        and combined.loaded[number] < ask.limit
    ]


async def _put_together(work: _Work, ready: Federated, statuses: Sequence[Status]) -> Combined:
    """Put the answer together; whoever gave what cannot be read is left out of it."""
    form, reading = work.form, work.reading
    if passes(ready, form) and (found := statuses[0].fetched) is not None:
        combined = await _soon(found.rows or 0, partial(passed_on, ready, found))
        if combined is not None:
            statuses[0].rows = combined.loaded[0]
            return combined
    while True:
        fetched = [status.fetched for status in statuses]
        broken: list[tuple[int, SourceError]] = []
        combined = await reading.read(
            partial(
                fetch_federated,
                store=work.call.parts.store,
                federated=ready,
                fetched=fetched,
                form=form,
                loads=reading.loads,
                broken=broken,
            )
        )
        if combined is not None:
            told = zip(statuses, combined.loaded, combined.refused, strict=True)
            for status, loaded, refused in told:
                status.rows, status.refused = loaded, refused
                if refused and status.outcome == "successful":
                    status.outcome = "partial"
            return combined
        for number, error in broken:
            _failed(statuses[number], error)


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
    body = found.combined.file
    if body is None:
        write = partial(body_of, found.federated.prepared, page, form, next_url, about)
        body = await _soon(len(page.rows), write)
    response = await packed(
        call.request,
        body,
        media_type(form),
        etag=call.signer.etag(orjson.dumps(found.versions), body),
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
