"""``publisher status``: where every table and target stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from publisher.messages import render
from publisher.model.base import Model
from publisher.model.values import TableRef
from publisher.operations import select
from publisher.operations.base import Answer, Context, Operation
from publisher.operations.harvest import RunLine, rejected
from publisher.operations.target_status import TargetStatus, target_states

if TYPE_CHECKING:
    from publisher.app import Service
    from publisher.engine import Connection
    from publisher.model.dataset import Dataset
    from publisher.model.run import Rejection, Run
    from publisher.model.table import TableState
    from publisher.store import Published


class Params(Model):
    dataset: str | None = None
    """Every dataset otherwise."""


class LastRun(RunLine):
    started_at: datetime


class TableStatus(Model):
    table: str
    version: int | None
    """None before the first commit."""
    rows: int
    committed_at: datetime | None
    lag: float | None
    """Seconds since the source was last read in full; None where it never was."""
    quarantined: int
    last_run: LastRun | None
    next_run: datetime | None
    """Known to the process that serves only."""


class MissingStatus(Model):
    property: str
    """As DCAT names it."""
    points: int
    """It would add so many."""
    remedy: str


class MqaStatus(Model):
    """What data.europa.eu's metadata quality assessment gives."""

    score: int
    of: int
    rating: Literal["excellent", "good", "sufficient", "bad"]
    missing: tuple[MissingStatus, ...]


class DatasetStatus(Model):
    name: str
    title: str
    access: Literal["public", "draft"]
    tables: tuple[TableStatus, ...]
    targets: tuple[TargetStatus, ...]
    mqa: MqaStatus | None
    """Only where one dataset is asked for, and it has rows."""


class Status(Answer):
    datasets: tuple[DatasetStatus, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store knows of all tables and targets at one instant."""

    states: Mapping[TableRef, "TableState"]
    last_runs: Mapping[TableRef, "Run"]
    rejections: Mapping[TableRef, list[tuple[str, "Rejection"]]]
    """Of the last runs; only where one dataset is asked for."""
    last_reads: Mapping[TableRef, datetime]
    waiting: Mapping[TableRef, int]
    publications: Mapping[tuple[str, str], "Published"]


async def _status(service: "Service", params: Params, context: Context) -> Status:
    await service.reload()
    if params.dataset is None:
        wanted = list(service.catalog.datasets.values())
        problems = select.broken(service)
    else:
        wanted, problems = [select.dataset(service, params.dataset)], []
    store = service.store

    def look(con: "Connection") -> _Known:
        runs = store.last_runs(con)
        asked = {ref: run for ref, run in runs.items() if ref.dataset == params.dataset}
        return _Known(
            states=store.states(con),
            last_runs=runs,
            rejections=rejected(service, con, asked),
            last_reads=store.last_reads(con),
            waiting=store.waiting(con),
            publications=store.publications(con),
        )

    known = await service.engine.run(look, lane="query")
    mqa = await _mqa(service, params.dataset, known, context) if params.dataset else None
    return Status(
        datasets=tuple(_dataset(service, known, dataset, context, mqa) for dataset in wanted),
        problems=tuple(context.told(problem) for problem in problems),
    )


def _dataset(
    service: "Service",
    known: _Known,
    dataset: "Dataset",
    context: Context,
    mqa: MqaStatus | None,
) -> DatasetStatus:
    refs = [entry.ref for entry in service.catalog.tables(dataset.name)]
    versions = {ref.table: known.states[ref].version for ref in refs if ref in known.states}
    return DatasetStatus(
        name=dataset.name,
        title=dataset.title,
        access="public" if dataset.public else "draft",
        tables=tuple(_table(service, known, ref, context) for ref in refs),
        targets=target_states(service, dataset, known.publications, versions, context),
        mqa=mqa,
    )


async def _mqa(
    service: "Service", dataset: str, known: _Known, context: Context
) -> MqaStatus | None:
    if not any(ref.dataset == dataset for ref in known.states):
        return None
    # A while to load
    from publisher.targets.dcat.feed import Feed  # noqa: PLC0415

    feed = Feed(service.settings, service.engine, service.store)
    found = await feed.assess(service.catalog, dataset)
    return MqaStatus(
        score=found.score,
        of=found.of,
        rating=found.rating,
        missing=tuple(
            MissingStatus(
                property=it.name,
                points=it.points,
                remedy=render(it.code, {}, context.language)[1],
            )
            for it in found.missing
        ),
    )


def _table(service: "Service", known: _Known, ref: TableRef, context: Context) -> TableStatus:
    state = known.states.get(ref)
    read = known.last_reads.get(ref)
    last = known.last_runs.get(ref)
    return TableStatus(
        table=ref.table,
        version=state.version if state else None,
        rows=state.rows if state else 0,
        committed_at=state.committed_at if state else None,
        lag=round((datetime.now(UTC) - read).total_seconds(), 1) if read else None,
        quarantined=known.waiting.get(ref, 0),
        last_run=_last_run(last, context, known.rejections.get(ref, ())) if last else None,
        next_run=service.scheduler.next_run(ref),
    )


def _last_run(
    run: "Run", context: Context, rejections: Iterable[tuple[str, "Rejection"]]
) -> LastRun:
    line = RunLine.of(run, context, rejections)
    return LastRun(**line.model_dump(), started_at=run.started_at)


STATUS = Operation(Params, Status, _status)
