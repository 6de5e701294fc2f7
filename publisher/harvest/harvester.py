"""The harvest of one table: ask the source, land, judge, commit; and the ledger's line of it."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal

import structlog

from publisher.engine import Connection, Engine
from publisher.errors import PublisherError, SourceError, UsageError
from publisher.harvest.attempts import worth_another
from publisher.harvest.step import Step, judge_again, referred, take
from publisher.landing import Landing
from publisher.model.catalog import TableEntry
from publisher.model.run import Counts, Delivery, Outcome, Problem, Run, Seen
from publisher.model.values import TableRef
from publisher.settings import Settings
from publisher.sources import Source, SourceContext, open_source
from publisher.store import Store

log = structlog.get_logger(__name__)

Trigger = Literal["command", "schedule", "release", "reference"]
Progress = Callable[[TableRef, int], None]
"""Called with the rows judged so far; from any thread."""

_SEVERITY: Mapping[Outcome, int] = {"unchanged": 0, "committed": 1, "held": 2, "failed": 3}


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
    """Harvests tables, never one table twice at the same time."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._locks: dict[TableRef, asyncio.Lock] = {}
        self._going: set[asyncio.Task[Run]] = set()

    async def harvest(
        self,
        entry: TableEntry,
        *,
        trigger: Trigger = "command",
        progress: Progress | None = None,
    ) -> Run:
        """Bring in what the table's source has to offer; failures are told in the Run.

        A cancelled caller stops waiting, the harvest goes on to its end. Raises UsageError
        for a table that is harvested from nowhere.
        """
        source = self.source(entry)
        return await self._whole(
            entry, trigger, lambda run: self._harvest(entry, source, run, progress)
        )

    async def release(
        self, entry: TableEntry, *, trigger: Trigger = "release", only_rule: str | None = None
    ) -> Run:
        """Judge the table's quarantined rows again; those that pass now are committed."""
        return await self._whole(
            entry, trigger, lambda run: self._judge_again(entry, run, only_rule)
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

    async def _whole(
        self, entry: TableEntry, trigger: Trigger, steps: Callable[[str], AsyncIterator[Step]]
    ) -> Run:
        task = asyncio.create_task(self._recorded(entry, trigger, steps))
        self._going.add(task)
        task.add_done_callback(self._going.discard)
        return await asyncio.shield(task)

    async def _recorded(
        self, entry: TableEntry, trigger: Trigger, steps: Callable[[str], AsyncIterator[Step]]
    ) -> Run:
        parts = self._parts
        async with self._locks.setdefault(entry.ref, asyncio.Lock()):
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
            problem: Problem | None = None
            try:
                async with aclosing(steps(run.id)) as stream:  # type: ignore[type-var]
                    async for step in stream:
                        done.append(step)
                        if step.changed:
                            parts.committed()
            except PublisherError as error:
                problem = Problem(error.code, dict(error.params))
            except Exception as error:  # a bug or a broken machine must not lose the ledger's line
                log.exception("harvest broke", table=str(entry.ref), run=run.id)
                problem = Problem("unexpected", {"reason": type(error).__name__})
            run = _summed(run, done, problem, seconds=time.monotonic() - began)
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
        seen = await parts.engine.run(lambda con: parts.store.seen(con, entry.ref))
        for delivery in await asyncio.to_thread(parts.landing.pending, entry.ref):
            if await parts.engine.run(partial(parts.store.is_settled, delivery_id=delivery.id)):
                await asyncio.to_thread(parts.landing.settle, delivery)
                continue
            yield await self._bring_in(entry, delivery, run, seen, progress)
            seen = await parts.engine.run(lambda con: parts.store.seen(con, entry.ref))
        known = {origin: last for origin, last in seen.items() if _stands(entry, last)}
        async with aclosing(source.offers(known)) as offers:  # type: ignore[type-var]
            broken: SourceError | None = None
            async for offer in offers:
                try:
                    delivery = await parts.landing.land(entry.ref, offer)
                except SourceError as error:  # costs this offer, not those behind it
                    broken = error
                    continue
                step = await self._bring_in(entry, delivery, run, seen, progress)
                seen[delivery.origin] = Seen(
                    delivery=delivery.id,
                    sha256=delivery.sha256,
                    view=entry.view_fingerprint,
                    outcome=step.outcome,
                    cursor=delivery.cursor,
                    problem=step.problem,
                )
                yield step
            if broken is not None:
                raise broken

    async def _bring_in(
        self,
        entry: TableEntry,
        delivery: Delivery,
        run: str,
        seen: Mapping[str, Seen],
        progress: Progress | None,
    ) -> Step:
        last = _last(entry, delivery, seen)
        if last and last.sha256 == delivery.sha256 and _judged(entry, last):
            step = await self._repeat(entry, delivery, run, last)
        else:
            step = await self._take(entry, delivery, run, progress)
        await asyncio.to_thread(self._parts.landing.settle, delivery)
        return replace(step, delivery=delivery.id)

    async def _take(
        self, entry: TableEntry, delivery: Delivery, run: str, progress: Progress | None
    ) -> Step:
        parts = self._parts
        return await parts.engine.run(
            lambda con: take(
                con,
                parts.store,
                entry,
                delivery,
                landing=parts.landing,
                work=parts.settings.work_path,
                max_bytes=parts.settings.max_delivery_bytes,
                run=run,
                progress=(lambda rows: progress(entry.ref, rows)) if progress else None,
            )
        )

    async def _repeat(self, entry: TableEntry, delivery: Delivery, run: str, last: Seen) -> Step:
        """Settle bytes that were judged before: the cursor is new, the outcome is the old one."""
        parts = self._parts
        outcome: Outcome = "unchanged" if last.outcome == "committed" else last.outcome
        await parts.engine.run(
            lambda con: parts.store.settle(
                con, entry, delivery, run=run, outcome=outcome, problem=last.problem
            )
        )
        return Step(outcome=outcome, problem=last.problem)

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
                key.reference.resource and referred(entry.ref, key.reference.resource) == changed
                for key in entry.schema.foreign_keys
            )
            if refers and await parts.engine.run(
                partial(parts.store.has_quarantined, ref=entry.ref, rule="foreign-key")
            ):
                await self.release(entry, trigger="reference", only_rule="foreign-key")


def _last(entry: TableEntry, delivery: Delivery, seen: Mapping[str, Seen]) -> Seen | None:
    """Give what the delivery is to be compared with: its origin's last one.

    Of a table that only appends, any that brought in the same bytes: the file was renamed.
    """
    if entry.mode == "append":
        for other in seen.values():
            if other.sha256 == delivery.sha256 and other.outcome in {"committed", "unchanged"}:
                return other
    return seen.get(delivery.origin)


def _judged(entry: TableEntry, last: Seen) -> bool:
    """Whether judging the same bytes again could not change anything.

    A table that only appends must never take the same bytes twice, even under a new view.
    """
    if entry.mode == "append" and last.outcome in {"committed", "unchanged"}:
        return True
    return last.view == entry.view_fingerprint and not worth_another(last)


def _stands(entry: TableEntry, last: Seen) -> bool:
    """Whether the source may skip what it knows to be unchanged.

    What was held or failed is asked for again, so that the run says again what is wrong.
    """
    return last.outcome in {"committed", "unchanged"} and _judged(entry, last)


def _summed(run: Run, steps: list[Step], problem: Problem | None, *, seconds: float) -> Run:
    worst = max(steps, key=lambda step: _SEVERITY[step.outcome], default=Step("unchanged"))
    return replace(
        run,
        outcome="failed" if problem else worst.outcome,
        finished_at=datetime.now(UTC),
        rows=sum((step.rows for step in steps), Counts()),
        seconds=seconds,
        problem=problem or worst.problem,
        findings=tuple(finding for step in steps for finding in step.findings),
        notes=_distinct(note for step in steps for note in step.notes),
        deliveries=tuple(step.delivery for step in steps if step.delivery),
    )


def _distinct(notes: Iterable[Problem]) -> tuple[Problem, ...]:
    kept: list[Problem] = []
    for note in notes:
        if note not in kept:
            kept.append(note)
    return tuple(kept)


def _finish(store: Store, con: Connection, run: Run) -> Run:
    state = store.state(con, run.ref)
    run = replace(run, version=state.version if state else None)
    store.finish_run(con, run)
    return run
