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
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
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
from publisher.store import Attempt, Published, Store
from publisher.targets.base import PublishOutcome, PublishResult, Receipt, Target, TargetContext
from publisher.targets.datapackage import fingerprint
from publisher.targets.due import (
    BEGUN,
    REMOVED,
    WITHDRAWN,
    Differing,
    Due,
    Pair,
    grace,
    lasting,
    left,
)
from publisher.targets.extents import Extents
from publisher.targets.facts import Links
from publisher.targets.kinds import installation_id, open_target
from publisher.targets.progress import Progress, Tally
from publisher.targets.snapshot import Snapshot

log = structlog.get_logger(__name__)

_BROKEN_WAIT = 10.0
_AT_ONCE = 2  # datasets that are published to one target at the same time
_WAITS = 3  # for what was left unanswered to settle, where somebody waits for the result


@dataclass(slots=True)
class _Open:
    spec: FolderTarget | CkanTarget
    target: Target
    uses: int = 0


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
        self._secrets = secrets
        self._engine = engine
        self._store = store
        self._catalog = catalog
        self._context: TargetContext | None = None
        self._open: dict[str, _Open] = {}
        self._locks: defaultdict[Pair, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._gates: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(_AT_ONCE)
        )
        self._due = Due(settings.backoff_max)
        self._compared: dict[Pair, Catalog] = {}
        """The catalog under which a pair was last found up to date."""
        self._under_way: dict[Pair, asyncio.Task[PublishResult]] = {}
        self._sending: set[Pair] = set()  # of those under way
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
        configured = self._catalog().targets
        return [
            await self._patiently(
                Pair(dataset, name), dry_run=dry_run, thorough=thorough, told=told
            )
            for name in names
            if name in configured
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
        tasks = [task for task in (self._loop, *self._under_way.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for held in self._open.values():
            await held.target.close()
        self._open.clear()

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
            Pair(name, target)
            for name, dataset in catalog.datasets.items()
            for target in dataset.targets
            if versions[name]
        }
        waits = []
        leaving = {
            pair
            for pair in itertools.starmap(Pair, known)
            if pair.dataset in catalog.datasets
            and pair.target not in catalog.datasets[pair.dataset].targets
            and (success := known[pair].success) is not None
            and success.fingerprint != REMOVED
        }
        for pair in self._sending & leaving:
            # It is cut off as by a kill, and then taken back
            self._under_way[pair].cancel()
        for pair in wanted | leaving:
            if pair.target not in catalog.targets or pair in self._under_way:
                continue
            state = known.get(pair)
            if pair in wanted:
                differs = await self._differs(pair, catalog, versions, state)
                wait = self._due.publication(pair, catalog, state, differs)
            else:
                differs = "facts"
                wait = self._due.removal(pair, catalog, state)
            if wait > 0:
                waits.append(wait)
                continue
            task = asyncio.create_task(
                self._bring(pair, dry_run=False, thorough=differs == "nothing")
            )
            self._under_way[pair] = task
            self._sending |= {pair} & wanted
            task.add_done_callback(partial(self._ended, pair))
        return min(waits, default=None)

    def _ended(self, pair: Pair, _: asyncio.Task[PublishResult]) -> None:
        self._under_way.pop(pair, None)
        self._sending.discard(pair)
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
        async with self._locks[pair], self._turn(pair):
            catalog = self._catalog()
            known = await self._known(pair)
            progress = Progress(0, told)
            error: Exception
            try:
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
                    self._due.succeeded(pair)
                self.tallies[pair.target].add(result.outcome, None, progress)
                if not dry_run and known is not None and known.attempt.problem is not None:
                    log.info("target is back", dataset=pair.dataset, target=pair.target)
                return result
            finally:
                self.progress.pop(pair, None)
            self.tallies[pair.target].add("failed", problem.code, progress)
            if not dry_run:
                after = getattr(error, "retry_after", None)
                await self._failed(pair, catalog, problem, after)
            return PublishResult(pair.dataset, pair.target, "failed", problem=problem)

    def _turn(self, pair: Pair) -> AbstractAsyncContextManager[Any]:
        """Give the pair's turn at its target; what is to go from there waits for nobody."""
        dataset = self._catalog().datasets.get(pair.dataset)
        if dataset is not None and pair.target not in dataset.targets:
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
            return await self._take_back(pair, catalog, dataset, success, dry_run=dry_run)
        snapshot = await self._pin(catalog, pair.dataset)
        if not snapshot.tables:
            return _nothing(pair, "nothing-to-publish", {"dataset": pair.dataset})
        progress.total = sum(table.state.rows for table in snapshot.tables)
        self.progress[pair] = progress
        remote: Mapping[str, Any] = success.remote if success else {}
        async with self._using(catalog, pair.target) as target:
            if not dry_run and (success is None or success.fingerprint in _GONE):
                # What is written from here on can be taken back, should nothing else be recorded
                remote = {**remote, "publisher": dataset.publisher}
                await self._record(pair, {}, BEGUN, remote)
            receipt = await target.publish(
                snapshot, remote, dry_run=dry_run, thorough=thorough, watch=progress
            )
        if not dry_run:
            await self._published(pair, catalog, snapshot, receipt, known, thorough=thorough)
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
        success: Attempt | None,
        *,
        dry_run: bool,
    ) -> PublishResult:
        """Withdraw a dataset that is not to be there, and remove it when its time has come."""
        if success is None or success.fingerprint == REMOVED:
            code = "target-not-listed" if dataset.public else "dataset-is-draft"
            return _nothing(pair, code, {"dataset": pair.dataset, "target": pair.target})
        async with self._using(catalog, pair.target) as target:
            receipt = await target.withdraw(pair.dataset, success.remote, dry_run=dry_run)
            if dry_run:
                outcome: PublishOutcome = "different" if receipt.changes else "unchanged"
                return PublishResult(pair.dataset, pair.target, outcome, changes=receipt.changes)
            if success.fingerprint != WITHDRAWN:
                ends = WITHDRAWN if grace(catalog, pair.target) else REMOVED
                await self._record(pair, {}, ends, receipt.remote)
                log.info("withdrawn", dataset=pair.dataset, target=pair.target)
            elif left(success.at + grace(catalog, pair.target)) <= 0:
                receipt = await target.remove(pair.dataset, success.remote)
                await self._record(pair, {}, REMOVED, receipt.remote)
                log.info("removed", dataset=pair.dataset, target=pair.target)
        return PublishResult(pair.dataset, pair.target, "withdrawn", changes=receipt.changes)

    async def _published(
        self,
        pair: Pair,
        catalog: Catalog,
        snapshot: Snapshot,
        receipt: Receipt,
        known: Published | None,
        *,
        thorough: bool,
    ) -> None:
        mark = self._fingerprint(snapshot, catalog, pair.target)
        last = known.attempt if known else None
        before = known.success.remote if known and known.success else {}
        now = datetime.now(UTC).isoformat()
        remote = {
            **receipt.remote,
            **_noted(receipt),
            **{name: before[name] for name in _COMPARED if name in before},
        }
        if thorough:
            remote |= {"compared": now, "found": [change.what for change in receipt.changes][:20]}
        if isinstance(catalog.targets[pair.target], CkanTarget):
            remote.setdefault("compared", now)
        if (
            receipt.changes
            or last is None
            or last.problem is not None
            or (last.versions, last.fingerprint, last.remote) != (snapshot.versions, mark, remote)
        ):
            await self._record(pair, snapshot.versions, mark, remote)
        if receipt.changes:
            log.info("published", dataset=pair.dataset, target=pair.target, **snapshot.versions)
        if thorough and receipt.changes:
            log.warning(
                "put right what was found to differ",
                dataset=pair.dataset,
                target=pair.target,
                found=[change.what for change in receipt.changes],
            )
        self._compared[pair] = catalog

    async def _failed(
        self, pair: Pair, catalog: Catalog, problem: Problem, after: float | None
    ) -> None:
        """Put off the next try; log the first failure only, and record what is new about it."""
        self._due.failed(pair, catalog, problem, after)
        with suppress(PublisherError):  # a full disk, perhaps: the result tells it all the same
            known = await self._known(pair)
            last = known.attempt if known else None
            before = last.problem if last else None
            if before is None:
                log.warning(
                    "target fails", dataset=pair.dataset, target=pair.target, code=problem.code
                )
            if before is None or lasting(before) != lasting(problem):
                await self._record(
                    pair,
                    last.versions if last else {},
                    last.fingerprint if last else "",
                    last.remote if last else {},
                    problem,
                )

    async def _known(self, pair: Pair) -> Published | None:
        return await self._engine.run(
            lambda con: self._store.published(con, pair.dataset, pair.target), lane="query"
        )

    async def _record(
        self,
        pair: Pair,
        versions: Mapping[str, int],
        mark: str,
        remote: Mapping[str, Any],
        problem: Problem | None = None,
    ) -> None:
        await self._engine.run(
            lambda con: self._store.record_published(
                con,
                pair.dataset,
                pair.target,
                versions=versions,
                fingerprint=mark,
                remote=remote,
                problem=problem,
            )
        )

    async def _pin(self, catalog: Catalog, dataset: str) -> Snapshot:
        return await Snapshot.pin(
            self._engine, self._store, catalog, dataset, work=self._settings.work_path
        )

    def _fingerprint(self, snapshot: Snapshot, catalog: Catalog, target: str) -> str:
        return fingerprint(snapshot, catalog.targets[target].model_dump(mode="json"))

    @asynccontextmanager
    async def _using(self, catalog: Catalog, name: str) -> AsyncIterator[Target]:
        """Give the target as the catalog has it now; it stays open for as long as it is used."""
        if self._context is None:
            installation = await asyncio.to_thread(installation_id, self._settings.data)
            self._context = TargetContext(
                settings=self._settings,
                secrets=self._secrets,
                installation=installation,
                links=Links(self._settings.public_url, self._settings.published_path),
                extents=Extents(),
            )
        spec = catalog.targets[name]
        before = self._open.get(name)
        if before is None or before.spec != spec:
            self._open[name] = _Open(spec, open_target(spec, self._context))
            if before is not None and not before.uses:
                await before.target.close()
        held = self._open[name]
        held.uses += 1
        try:
            yield held.target
        finally:
            held.uses -= 1
            if not held.uses and self._open.get(name) is not held:
                await held.target.close()


_GONE = (WITHDRAWN, REMOVED)
_COMPARED = ("compared", "found")


def _noted(receipt: Receipt) -> dict[str, Any]:
    notices = [[it.code, dict(it.params)] for it in receipt.notices]
    return {"notices": notices} if notices else {}


def _nothing(pair: Pair, code: str, params: Mapping[str, Any]) -> PublishResult:
    return PublishResult(pair.dataset, pair.target, "unchanged", problem=Problem(code, params))
