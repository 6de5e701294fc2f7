"""Brings targets to what the store holds and the catalog says, until they do.

What is wanted is compared with what was last published: a version stands until the target has
it or a newer one, and a change of the catalog alone is published too. A dataset file that is
gone or cannot be read takes nothing down: only a dataset that says so is withdrawn.

After a start each target is looked at once, whatever was recorded: the store may have been
restored, and the target be ahead of it. Once in a target's ``reconcile`` period the rows
themselves are compared with the store's, and put right.

A failure that passes by itself is tried again, ever more slowly; one that needs a person is held
until the catalog says something else, and looked at again now and then: a token may have been
renewed over there.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from publisher.engine import Connection, Engine
from publisher.errors import PublisherError
from publisher.model.catalog import Catalog, CkanTarget, FolderTarget
from publisher.model.dataset import Dataset
from publisher.model.run import Problem
from publisher.model.values import TableRef
from publisher.secrets import Secrets
from publisher.settings import Settings
from publisher.store import Published, Store
from publisher.targets.base import PublishOutcome, PublishResult
from publisher.targets.datapackage import fingerprint
from publisher.targets.due import (
    BEGUN,
    EMPTY,
    REMOVED,
    WITHDRAWN,
    Differing,
    Due,
    Pair,
    can_reach,
    completed,
    expected,
    grace,
    hides,
    is_there,
    late,
    left,
    lingers,
    withdrawn_at,
)
from publisher.targets.opened import OpenTargets
from publisher.targets.progress import Progress, Tally
from publisher.targets.records import Records
from publisher.targets.snapshot import Snapshot

log = structlog.get_logger(__name__)

_BROKEN_WAIT = 10.0
_AT_ONCE = 2  # datasets that are published to one target at the same time
_WAITS = 3  # for what was left unanswered to settle, where somebody waits for the result


@dataclass(slots=True)
class _Work:
    """What is under way for one dataset and target, or waits for its turn there."""

    catalog: Catalog
    """It is done by."""
    task: asyncio.Task[PublishResult] | None = None
    cut_off: bool = False
    """It would show what is not to be shown any more."""


class Outbox:
    """Publishes, one at a time for each dataset and target."""

    def __init__(
        self,
        *,
        settings: Settings,
        secrets: Secrets,
        engine: Engine,
        store: Store,
        catalog: Callable[[], Catalog],
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._store = store
        self._catalog = catalog
        self._records = Records(engine, store)
        self._targets = OpenTargets(settings, secrets)
        self._locks: defaultdict[Pair, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._gates: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(_AT_ONCE)
        )
        self._due = Due(settings.backoff_max)
        self._compared: dict[Pair, Catalog] = {}
        """The catalog under which a pair was last found up to date."""
        self._written: Counter[str] = Counter()
        """How often files were written of a dataset, which other targets tell of."""
        self._looked: set[Pair] = set()
        """Those that are not to be there, and were not, or are not any more."""
        self._due_now: dict[Pair, asyncio.Task[PublishResult]] = {}
        """Started by the outbox itself; they may still wait for their turn."""
        self._under_way: dict[Pair, _Work] = {}
        self.progress: dict[Pair, Progress] = {}
        """Of what is being published now."""
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        """By target, since this process began."""
        self._poked = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Publish by itself from now on."""
        self._loop = asyncio.create_task(self.run())

    def poke(self) -> None:
        """Tell that something was committed or the catalog changed."""
        self._poked.set()

    async def run(self) -> None:
        """Carry out what is due, again and again, until cancelled."""
        while True:
            self._poked.clear()
            try:
                wait = await self._start_due()
            except Exception:  # the store may be readable again in a moment
                log.exception("the outbox could not see what is due")
                wait = _BROKEN_WAIT
            with suppress(TimeoutError):
                await asyncio.wait_for(self._poked.wait(), wait)

    async def publish(
        self,
        dataset: str,
        target: str | None = None,
        *,
        dry_run: bool = False,
        thorough: bool = False,
        told: Callable[[int], None] | None = None,
    ) -> list[PublishResult]:
        """Bring the dataset's targets, or *target* alone, up to date now.

        With *thorough* the rows themselves are compared, as a dry run does; *told* hears of the
        rows that have arrived at a target. A failure is a result. Raises NotFoundError where
        there is no such dataset.
        """
        stated = self._catalog().dataset(dataset)
        known = await self._engine.run(
            lambda con: self._store.publications(con, dataset), lane="query"
        )
        there = {name for _, name in known}
        names = [*stated.stated_targets, *sorted(there - set(stated.stated_targets))]
        if target is not None:
            names = [target]
        catalog = self._catalog()
        pairs = [Pair(dataset, name) for name in names if name in catalog.targets]
        return [
            await self._patiently(pair, dry_run=dry_run, thorough=thorough, told=told)
            for pair in sorted(pairs, key=lambda pair: not _writes_files(pair, catalog))
        ]

    async def _patiently(self, pair: Pair, **how: Any) -> PublishResult:
        """Bring the pair up to date, waiting where newer rows have to."""
        for _ in range(_WAITS):
            result = await self._bring(pair, **how)
            if result.problem is None or result.problem.code != "ckan-settling":
                break
            await asyncio.sleep(float(str(result.problem.params["seconds"])) + 0.1)
        return result

    async def close(self) -> None:
        """Stop; what is cut off is taken up again by the next start."""
        tasks = [task for task in (self._loop, *self._due_now.values()) if task is not None]
        for task in tasks:
            task.cancel()
        # A target that closes ends what it waits for
        await asyncio.gather(self._targets.close(), *tasks, return_exceptions=True)

    # what is due

    async def _start_due(self) -> float | None:
        """Start what is due now; give the seconds until something else is, None for never."""
        catalog = self._catalog()

        def look(con: Connection) -> tuple[dict[TableRef, int], dict[tuple[str, str], Published]]:
            return self._store.newest_versions(con), self._store.publications(con)

        newest, known = await self._engine.run(look, lane="query")
        versions: dict[str, dict[str, int]] = defaultdict(dict)
        for ref in catalog.entries.keys() & newest.keys():
            versions[ref.dataset][ref.table] = newest[ref]
        wanted = {
            pair
            for name, dataset in catalog.datasets.items()
            for pair in (Pair(name, target) for target in dataset.targets)
            if versions[name] or lingers(pair, catalog, known.get(pair))
        }
        leaving = {
            pair
            for name, dataset in catalog.datasets.items()
            for pair in (Pair(name, target) for target in catalog.targets)
            if pair.target not in dataset.targets
            and (
                is_there(known.get(pair)) or (pair not in self._looked and can_reach(pair, catalog))
            )
        }
        waits = []
        self._cut_off()
        for pair in sorted(wanted | leaving, key=lambda pair: not _writes_files(pair, catalog)):
            if pair.target not in catalog.targets or pair in self._due_now:
                continue
            state = known.get(pair)
            if pair in wanted:
                differs = await self._differs(pair, catalog, versions, state)
                wait = self._due.publication(pair, catalog, state, differs)
                # What a site is told of the files should be true of those that come now. A field
                # that became personal waits for nothing.
                if (differs != "facts" or completed(state) is None) and any(
                    it.dataset == pair.dataset and _writes_files(it, catalog)
                    for it in self._due_now
                ):
                    continue
            else:
                differs = "facts"
                wait = self._due.removal(pair, catalog, state, looked=pair in self._looked)
            if wait > 0:
                waits.append(wait)
                continue
            task = asyncio.create_task(
                self._bring(pair, dry_run=False, thorough=differs == "nothing")
            )
            self._due_now[pair] = task
            task.add_done_callback(partial(self._ended, pair))
        return min(waits, default=None)

    def _cut_off(self) -> None:
        """End what sends, or waits to send, what is not to be shown any more."""
        for pair, work in self._under_way.items():
            if work.task is None or work.cut_off:
                continue
            if hides(pair, work.catalog, self._catalog()):
                work.cut_off = True
                work.task.cancel()  # as by a kill; it begins anew by this catalog

    def _ended(self, pair: Pair, _: asyncio.Task[PublishResult]) -> None:
        self._due_now.pop(pair, None)
        self.poke()

    async def _differs(
        self,
        pair: Pair,
        catalog: Catalog,
        versions: Mapping[str, Mapping[str, int]],
        state: Published | None,
    ) -> Differing:
        if state is None or state.success is None or state.attempt.problem is not None:
            return "facts"
        if pair not in self._compared:
            return "facts"
        if self._compared[pair] is not catalog:
            snapshot = await self._pin(catalog, pair.dataset)
            if state.success.fingerprint != self._fingerprint(snapshot, catalog, pair.target):
                return "facts"
            self._compared[pair] = catalog
        return "nothing" if state.success.versions == versions[pair.dataset] else "rows"

    # one dataset at one target

    async def _bring(
        self,
        pair: Pair,
        *,
        dry_run: bool,
        thorough: bool = False,
        told: Callable[[int], None] | None = None,
    ) -> PublishResult:
        """Do it by the catalog as it is, and anew where that hides what is being sent."""
        async with self._locks[pair]:
            while True:
                work = self._under_way[pair] = _Work(self._catalog())
                work.task = asyncio.create_task(
                    self._in_turn(pair, work, dry_run=dry_run, thorough=thorough, told=told)
                )
                try:
                    await asyncio.wait([work.task])
                finally:
                    del self._under_way[pair]
                    work.task.cancel()
                    await asyncio.gather(work.task, return_exceptions=True)
                if not (work.cut_off and work.task.cancelled()):
                    return work.task.result()

    async def _in_turn(self, pair: Pair, work: _Work, **how: Any) -> PublishResult:
        async with self._turn(pair):
            work.catalog = self._catalog()
            return await self._attempt(pair, work.catalog, **how)

    async def _attempt(
        self,
        pair: Pair,
        catalog: Catalog,
        *,
        dry_run: bool,
        thorough: bool,
        told: Callable[[int], None] | None,
    ) -> PublishResult:
        progress = Progress(0, told)
        known: Published | None = None
        error: Exception
        try:
            known = await self._records.known(pair)
            result = await self._carry_out(
                pair, catalog, known, progress, dry_run=dry_run, thorough=thorough
            )
        except PublisherError as failed:
            error, problem = failed, Problem(failed.code, dict(failed.params))
        except Exception as broken:  # a bug must not end the outbox
            log.exception("publishing broke", dataset=pair.dataset, target=pair.target)
            error, problem = broken, Problem("unexpected", {"reason": type(broken).__name__})
        else:
            if not dry_run:
                self._due.succeeded(pair, thorough=thorough)
                self.tallies[pair.target].add(result.outcome, None, progress)
                if known is not None and known.attempt.problem is not None:
                    log.info("target is back", dataset=pair.dataset, target=pair.target)
            return result
        finally:
            self.progress.pop(pair, None)
        if not dry_run:
            self.tallies[pair.target].add("failed", problem.code, progress)
            after = getattr(error, "retry_after", None)
            self._due.failed(pair, catalog, problem, after, thorough=thorough)
            if not expected(pair, catalog, known):
                # It was looked at in case the store forgot it: what another has there is no failure
                if problem.code == "ckan-not-ours":
                    self._looked.add(pair)
                return PublishResult(pair.dataset, pair.target, "failed", problem=problem)
            with suppress(PublisherError):  # a full disk, perhaps: the result tells it all the same
                await self._records.failed(pair, problem, thorough=thorough)
        return PublishResult(pair.dataset, pair.target, "failed", problem=problem)

    def _turn(self, pair: Pair) -> AbstractAsyncContextManager[Any]:
        """Give the pair's turn at its target; what is to go from there waits for nobody."""
        catalog = self._catalog()
        dataset = catalog.datasets.get(pair.dataset)
        published = self._compared.get(pair)
        if dataset is not None and pair.target not in dataset.targets:
            return nullcontext()
        if published is not None and hides(pair, published, catalog):
            return nullcontext()
        return self._gates[pair.target]

    async def _carry_out(
        self,
        pair: Pair,
        catalog: Catalog,
        known: Published | None,
        progress: Progress,
        *,
        dry_run: bool,
        thorough: bool,
    ) -> PublishResult:
        dataset = catalog.dataset(pair.dataset)
        success = known.success if known else None
        if pair.target not in dataset.targets:
            return await self._take_back(pair, catalog, dataset, known, dry_run=dry_run)
        written = self._written[pair.dataset]
        snapshot = await self._pin(catalog, pair.dataset)
        if not snapshot.tables and not lingers(pair, catalog, known):
            return _nothing(pair, "nothing-to-publish", {"dataset": pair.dataset})
        progress.total = sum(table.state.rows for table in snapshot.tables)
        self.progress[pair] = progress
        remote: Mapping[str, Any] = success.remote if success else {}
        async with self._targets.using(catalog, pair.target) as target:
            if not dry_run and (success is None or success.fingerprint in _GONE):
                # What is written from here on can be taken back, should nothing else be recorded
                remote = {**remote, "publisher": dataset.publisher}
                await self._records.write(pair, {}, BEGUN, remote)
            receipt = await target.publish(
                snapshot, remote, dry_run=dry_run, thorough=thorough, watch=progress
            )
        if not dry_run:
            await self._records.published(
                pair,
                snapshot.versions,
                self._fingerprint(snapshot, catalog, pair.target),
                receipt,
                known,
                compares=isinstance(catalog.targets[pair.target], CkanTarget),
                thorough=thorough,
            )
            if receipt.changes and _writes_files(pair, catalog):
                self._written[pair.dataset] += 1
                for other in [it for it in self._compared if it.dataset == pair.dataset]:
                    del self._compared[other]
            elif self._written[pair.dataset] == written:  # what was told of the files stands
                self._compared[pair] = catalog
        outcome = "unchanged" if not receipt.changes else "different" if dry_run else "published"
        return PublishResult(
            pair.dataset,
            pair.target,
            outcome,  # type: ignore[arg-type]  # one of three literals
            versions=snapshot.versions,
            changes=receipt.changes,
            notices=receipt.notices,
        )

    async def _take_back(
        self,
        pair: Pair,
        catalog: Catalog,
        dataset: Dataset,
        known: Published | None,
        *,
        dry_run: bool,
    ) -> PublishResult:
        """Withdraw a dataset that is not to be there, and remove it when its time has come.

        What is there is looked at, whatever was recorded: the store may have been restored.
        """
        success = known.success if known else None
        recorded = success is not None and success.fingerprint != REMOVED
        code = "target-not-listed" if dataset.public else "dataset-is-draft"
        nothing = _nothing(pair, code, {"dataset": pair.dataset, "target": pair.target})
        if not recorded and not can_reach(pair, catalog):
            return nothing
        remote: Mapping[str, Any] = success.remote if success else {}
        if not recorded:
            remote = {**remote, "publisher": dataset.publisher}
        async with self._targets.using(catalog, pair.target) as target:
            receipt = await target.withdraw(pair.dataset, remote, dry_run=dry_run)
            failed = known is not None and known.attempt.problem is not None
            if not recorded and not receipt.changes:
                if failed and not dry_run:  # when it was to be there still
                    await self._records.taken_back(pair, REMOVED, receipt.remote)
                self._looked.add(pair)
                return nothing
            if dry_run:
                outcome: PublishOutcome = "different" if receipt.changes else "unchanged"
                return PublishResult(pair.dataset, pair.target, outcome, changes=receipt.changes)
            since = withdrawn_at(success)
            if since is None:
                ends = WITHDRAWN if grace(catalog, pair.target) else REMOVED
                await self._records.taken_back(pair, ends, receipt.remote)
            elif left(since + grace(catalog, pair.target)) <= 0:
                receipt = await target.remove(pair.dataset, remote)
                await self._records.taken_back(pair, REMOVED, receipt.remote)
            elif failed:
                await self._records.taken_back(pair, WITHDRAWN, receipt.remote, since)
        if left((since or datetime.now(UTC)) + late(catalog, pair.target)) <= 0:
            self._looked.add(pair)
        return PublishResult(pair.dataset, pair.target, "withdrawn", changes=receipt.changes)

    async def _pin(self, catalog: Catalog, dataset: str) -> Snapshot:
        return await Snapshot.pin(
            self._engine, self._store, catalog, dataset, work=self._settings.work_path
        )

    def _fingerprint(self, snapshot: Snapshot, catalog: Catalog, target: str) -> str:
        if not snapshot.tables:
            return EMPTY
        return fingerprint(snapshot, catalog.targets[target].model_dump(mode="json"))


_GONE = (WITHDRAWN, REMOVED)


def _writes_files(pair: Pair, catalog: Catalog) -> bool:
    """Tell whether it is by the pair's target that the files come which other targets link to."""
    return isinstance(catalog.targets.get(pair.target), FolderTarget)


def _nothing(pair: Pair, code: str, params: Mapping[str, Any]) -> PublishResult:
    return PublishResult(pair.dataset, pair.target, "unchanged", problem=Problem(code, params))
