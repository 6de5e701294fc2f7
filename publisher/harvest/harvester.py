"""The harvest of one table: ask the source, land, judge, commit; and the ledger's line of it."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal

import structlog

from publisher.engine import Connection, Engine
from publisher.errors import PublisherError, SourceError, UsageError
from publisher.harvest.attempts import worth_another
from publisher.harvest.order import references_first
from publisher.harvest.step import Compiled, judge_again, retitle, take
from publisher.harvest.summary import Step, summed
from publisher.landing import Landing
from publisher.model.catalog import TableEntry
from publisher.model.run import Delivery, Outcome, Problem, Run, Seen
from publisher.model.values import TableRef
from publisher.settings import Settings
from publisher.sources import Source, SourceContext, open_source
from publisher.store import Store

log = structlog.get_logger(__name__)

Trigger = Literal["command", "schedule", "release", "reference"]
Progress = Callable[[TableRef, int], None]
"""Called with the rows judged so far; from any thread."""

_TAKEN = frozenset({"committed", "unchanged"})


@dataclass(frozen=True, slots=True)
class Parts:
    """What a harvest works with."""

    settings: Settings
    engine: Engine
    store: Store
    landing: Landing
    sources: SourceContext
    entries: Callable[[], Iterable[TableEntry]]
    """The catalog's tables as they are now."""
    committed: Callable[[], None]
    """Called after each commit that changed something."""


class Harvester:
    """Harvests tables, never one table twice at the same time, and ``threads`` at most at once.

    A table waits for those it refers to that were asked for before it, by whomever.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._locks: dict[TableRef, asyncio.Lock] = {}
        self._room = asyncio.Semaphore(parts.settings.threads)
        self._going: dict[asyncio.Task[Run], TableRef] = {}
        self._waiting: set[asyncio.Task[Run]] = set()
        """Those that are going but for their first step."""

    async def harvest(
        self,
        entry: TableEntry,
        *,
        trigger: Trigger = "command",
        progress: Progress | None = None,
    ) -> Run:
        """Bring in what the table's source has to offer; failures are told in the Run.

        A cancelled caller stops waiting, a harvest that has begun goes on to its end.
        Raises UsageError for a table that is harvested from nowhere.
        """
        source = self.source(entry)
        return await self._whole(
            entry,
            trigger,
            lambda run: self._harvest(entry, source, run, progress),
            self._turn(entry, [it for it, ref in self._going.items() if ref in entry.refers_to]),
        )

    async def harvest_all(
        self,
        entries: Iterable[TableEntry],
        *,
        progress: Progress | None = None,
        done: Callable[[Run], None] | None = None,
    ) -> dict[TableRef, Run]:
        """Harvest each of *entries*, as there is room for them, as ``harvest`` does one."""

        async def one(entry: TableEntry) -> Run:
            run = await self.harvest(entry, progress=progress)
            if done:
                done(run)
            return run

        try:
            async with asyncio.TaskGroup() as group:
                tasks = {
                    entry.ref: group.create_task(one(entry)) for entry in references_first(entries)
                }
        except ExceptionGroup as failures:
            raise _first_expected(failures) from failures
        return {ref: task.result() for ref, task in tasks.items()}

    async def release(
        self, entry: TableEntry, *, trigger: Trigger = "release", only_rule: str | None = None
    ) -> Run:
        """Judge the table's quarantined rows again; those that pass now are committed."""
        return await self._whole(
            entry,
            trigger,
            lambda run: self._judge_again(entry, run, only_rule),
            self._lock(entry.ref),
        )

    def source(self, entry: TableEntry) -> Source:
        """Open the source that *entry* is harvested from."""
        if entry.harvest is None:
            raise UsageError("nothing-to-harvest", table=str(entry.ref))
        return open_source(entry.harvest.source, self._parts.sources)

    async def close(self) -> None:
        """Wait for what is going on: a harvest is never cut off half-way."""
        while self._going:
            await asyncio.wait(self._going)

    # one run, from its first line in the ledger to its last

    def _lock(self, ref: TableRef) -> asyncio.Lock:
        return self._locks.setdefault(ref, asyncio.Lock())

    @asynccontextmanager
    async def _turn(
        self, entry: TableEntry, before: list[asyncio.Task[Run]]
    ) -> AsyncIterator[None]:
        """Wait for *before*, then for the table, then for room: so nobody waits in a circle.

        Whoever has the table's lock or room waits for no run any more.
        """
        if before:
            await asyncio.wait(before)
        async with self._lock(entry.ref), self._room:
            yield

    async def _whole(
        self,
        entry: TableEntry,
        trigger: Trigger,
        steps: Callable[[str], AsyncIterator[Step]],
        turn: AbstractAsyncContextManager[None],
    ) -> Run:
        task = asyncio.create_task(self._recorded(entry, trigger, steps, turn))
        self._going[task] = entry.ref
        self._waiting.add(task)
        task.add_done_callback(self._ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task in self._waiting:
                task.cancel()
            raise

    def _ended(self, task: asyncio.Task[Run]) -> None:
        del self._going[task]
        self._waiting.discard(task)

    async def _recorded(
        self,
        entry: TableEntry,
        trigger: Trigger,
        steps: Callable[[str], AsyncIterator[Step]],
        turn: AbstractAsyncContextManager[None],
    ) -> Run:
        parts = self._parts
        async with turn:
            self._waiting.discard(asyncio.current_task())
            began = time.monotonic()
            run = Run(
                id=uuid.uuid4().hex,
                ref=entry.ref,
                trigger=trigger,
                started_at=datetime.now(UTC),
                outcome="running",
            )
            await parts.engine.run(lambda con: parts.store.start_run(con, run))
            done: list[Step] = []
            broke: Problem | None = None
            try:
                async with aclosing(steps(run.id)) as stream:  # type: ignore[type-var]
                    async for step in stream:
                        done.append(step)
                        if step.changed:
                            parts.committed()
            except PublisherError as error:
                broke = Problem.of(error)
            except Exception as error:  # a bug or a broken machine must not lose the ledger's line
                log.exception("harvest broke", table=str(entry.ref), run=run.id)
                broke = Problem("unexpected", {"reason": type(error).__name__})
            run = summed(run, done, broke, seconds=time.monotonic() - began)
            run = await parts.engine.run(lambda con: _finish(parts.store, con, run))
        log.info(
            "harvested",
            table=str(entry.ref),
            outcome=run.outcome,
            version=run.version,
            seconds=round(run.seconds or 0, 3),
        )
        if any(step.changed for step in done):
            await self._retry_referring(entry.ref)
        return run

    # the steps of a harvest

    async def _harvest(
        self, entry: TableEntry, source: Source, run: str, progress: Progress | None
    ) -> AsyncIterator[Step]:
        parts = self._parts
        if progress:
            progress(entry.ref, 0)  # its turn has come
        seen = await parts.engine.run(lambda con: parts.store.seen(con, entry.ref), lane="query")
        appended = _appended(entry, seen)
        validator = Compiled(entry)
        for delivery in await asyncio.to_thread(parts.landing.pending, entry.ref):
            if await parts.engine.run(
                partial(parts.store.is_settled, delivery_id=delivery.id), lane="query"
            ):
                await asyncio.to_thread(parts.landing.settle, delivery)
                continue
            yield await self._bring_in(
                entry, delivery, validator, run, seen, appended=appended, progress=progress
            )
            seen = await parts.engine.run(
                lambda con: parts.store.seen(con, entry.ref), lane="query"
            )
        known = {origin: last for origin, last in seen.items() if _stands(entry, last)}
        try:
            async with aclosing(source.offers(known)) as offers:  # type: ignore[type-var]
                async for offer in offers:
                    validator.begin()
                    try:
                        delivery = await parts.landing.land(entry.ref, offer)
                    except SourceError as error:  # costs this offer, not those behind it
                        yield Step("failed", problem=Problem.of(error, origin=offer.origin))
                        continue
                    yield await self._bring_in(
                        entry, delivery, validator, run, seen, appended=appended, progress=progress
                    )
        except SourceError as error:  # what the source could not even offer
            yield Step("failed", problem=Problem.of(error))
        retitled = await parts.engine.run(lambda con: retitle(con, parts.store, entry, run=run))
        if retitled is not None:
            yield retitled

    async def _bring_in(
        self,
        entry: TableEntry,
        delivery: Delivery,
        validator: Compiled,
        run: str,
        seen: Mapping[str, Seen],
        *,
        appended: dict[str, Seen],
        progress: Progress | None,
    ) -> Step:
        last = seen.get(delivery.origin)
        if same := appended.get(delivery.sha256):
            step = await self._repeat(entry, delivery, run, same, "unchanged")
        elif last is None or last.sha256 != delivery.sha256:
            step = await self._take(entry, delivery, validator, run, progress, place=None)
        elif _judged(entry, last):
            outcome: Outcome = "unchanged" if last.outcome == "committed" else last.outcome
            step = await self._repeat(entry, delivery, run, last, outcome)
        elif _overtaken(entry, last, seen):
            step = await self._repeat(entry, delivery, run, last, "unchanged")
        else:
            step = await self._take(entry, delivery, validator, run, progress, place=last.version)
        if entry.mode == "append" and step.outcome in _TAKEN:
            view = entry.judged_under(step.outcome)
            appended[delivery.sha256] = Seen(
                delivery.id, delivery.sha256, view, step.outcome, delivery.cursor
            )
        await asyncio.to_thread(self._parts.landing.settle, delivery)
        return replace(step, delivery=delivery.id)

    async def _take(
        self,
        entry: TableEntry,
        delivery: Delivery,
        validator: Compiled,
        run: str,
        progress: Progress | None,
        *,
        place: int | None,
    ) -> Step:
        parts = self._parts
        return await parts.engine.run(
            lambda con: take(
                con,
                parts.store,
                entry,
                delivery,
                validator,
                landing=parts.landing,
                work=parts.settings.work_path,
                max_bytes=parts.settings.max_delivery_bytes,
                run=run,
                progress=(lambda rows: progress(entry.ref, rows)) if progress else None,
                place=place,
            )
        )

    async def _repeat(
        self, entry: TableEntry, delivery: Delivery, run: str, last: Seen, outcome: Outcome
    ) -> Step:
        """Settle bytes that were judged before as *outcome*: only the cursor is new."""
        parts = self._parts
        rejection = None if outcome == "unchanged" else last.rejection
        await parts.engine.run(
            lambda con: parts.store.settle(
                con,
                entry,
                delivery,
                run=run,
                outcome=outcome,
                rejection=rejection,
                place=last.version,
            )
        )
        if rejection is None:
            return Step(outcome)
        return Step(outcome, problem=rejection.problem, findings=rejection.findings)

    # quarantine

    async def _judge_again(
        self, entry: TableEntry, run: str, only_rule: str | None
    ) -> AsyncIterator[Step]:
        parts = self._parts
        yield await parts.engine.run(
            lambda con: judge_again(
                con,
                parts.store,
                entry,
                Compiled(entry),
                work=parts.settings.work_path,
                run=run,
                only_rule=only_rule,
            )
        )

    async def _retry_referring(self, changed: TableRef) -> None:
        """Rows refused for a missing reference alone are judged again: it may be there now."""
        parts = self._parts
        for entry in list(parts.entries()):
            refers = any(
                key.reference.resource and key.refers_to(entry.ref) == changed
                for key in entry.schema.foreign_keys
            )
            if refers and await parts.engine.run(
                partial(parts.store.has_quarantined, ref=entry.ref, rule="foreign-key"),
                lane="query",
            ):
                await self.release(entry, trigger="reference", only_rule="foreign-key")


def _first_expected(failures: ExceptionGroup[Exception]) -> Exception:
    """Give the failure to tell: the ledger itself could not be written."""
    expected, rest = failures.split(PublisherError)
    chosen = expected or rest
    assert chosen is not None  # noqa: S101 - a group is never empty
    while isinstance(chosen, ExceptionGroup):
        chosen = chosen.exceptions[0]  # type: ignore[assignment]
    return chosen


def _appended(entry: TableEntry, seen: Mapping[str, Seen]) -> dict[str, Seen]:
    """Give, by their bytes, the deliveries that a table which only appends must not take twice.

    Their file may have been renamed or copied since.
    """
    if entry.mode != "append":
        return {}
    return {last.sha256: last for last in seen.values() if last.outcome in _TAKEN}


def _judged(entry: TableEntry, last: Seen) -> bool:
    """Whether judging the same bytes again could not change anything.

    A table that only appends must never take the same bytes twice, even under a new view.
    """
    if entry.mode == "append" and last.outcome in _TAKEN:
        return True
    return last.view == entry.judged_under(last.outcome) and not worth_another(last)


def _overtaken(entry: TableEntry, last: Seen, seen: Mapping[str, Seen]) -> bool:
    """Whether another delivery has been the whole table since.

    A delivery that was unchanged has the place of the one before it; what was held then is
    the older of the two if it was settled first.
    """
    return entry.mode == "replace" and any(
        other.outcome in _TAKEN
        and (
            other.version > last.version
            or (
                last.outcome not in _TAKEN
                and (other.version, other.delivery) > (last.version, last.delivery)
            )
        )
        for other in seen.values()
    )


def _stands(entry: TableEntry, last: Seen) -> bool:
    """Whether the source may skip what it knows to be unchanged.

    What was held or failed is asked for again, so that the run says again what is wrong.
    """
    return last.outcome in _TAKEN and _judged(entry, last)


def _finish(store: Store, con: Connection, run: Run) -> Run:
    state = store.state(con, run.ref)
    run = replace(run, version=state.version if state else None)
    store.finish_run(con, run)
    return run
