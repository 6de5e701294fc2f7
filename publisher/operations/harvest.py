"""``publisher harvest``: bring in what the sources have to offer, now."""

import asyncio
from typing import TYPE_CHECKING

from publisher.errors import PublisherError, UsageError
from publisher.model.base import Model
from publisher.model.run import Counts, Run
from publisher.model.values import TableRef
from publisher.operations import select
from publisher.operations.base import (
    Answer,
    Context,
    Finding,
    Operation,
    Progress,
    Told,
    exit_code_of,
    first_that_applies,
)

if TYPE_CHECKING:
    from publisher.app import Service
    from publisher.model.catalog import TableEntry


class Params(Model):
    tables: tuple[str, ...] = ()
    """``dataset`` or ``dataset/table``."""
    all: bool = False


class Rows(Model):
    read: int
    new: int
    corrected: int
    unchanged: int
    removed: int
    quarantined: int

    @classmethod
    def of(cls, counts: Counts) -> "Rows":
        return cls(
            read=counts.read,
            new=counts.new,
            corrected=counts.corrected,
            unchanged=counts.unchanged,
            removed=counts.removed,
            quarantined=counts.quarantined,
        )


class RunLine(Model):
    """One run of the ledger."""

    dataset: str
    table: str
    outcome: str
    version: int | None
    rows: Rows
    seconds: float | None
    problem: Told | None
    findings: tuple[Finding, ...] = ()
    notes: tuple[Told, ...] = ()

    @classmethod
    def of(cls, run: Run, context: Context) -> "RunLine":
        return cls(
            dataset=run.ref.dataset,
            table=run.ref.table,
            outcome=run.outcome,
            version=run.version,
            rows=Rows.of(run.rows),
            seconds=None if run.seconds is None else round(run.seconds, 3),
            problem=context.told(run.problem) if run.problem else None,
            findings=tuple(Finding.of(found) for found in run.findings),
            notes=tuple(context.told(note) for note in run.notes),
        )


class Harvested(Answer):
    runs: tuple[RunLine, ...]

    @property
    def exit_code(self) -> int:
        codes = {exit_code_of(run.outcome, run.problem) for run in self.runs}
        return first_that_applies(codes | {super().exit_code})


async def _harvest(service: "Service", params: Params, context: Context) -> Harvested:
    await service.reload()
    entries, problems = select.tables(service, params.tables, everything=params.all)
    named = set(params.tables)
    wanted = []
    for entry in entries:
        if entry.harvest is not None:
            wanted.append(entry)
        elif str(entry.ref) in named:
            problems.append(UsageError("nothing-to-harvest", table=str(entry.ref)))
    runs = await _in_order(service, select.references_first(wanted), context)
    return Harvested(
        runs=tuple(RunLine.of(runs[entry.ref], context) for entry in wanted),
        problems=tuple(context.told(problem) for problem in problems),
    )


async def _in_order(
    service: "Service", entries: list["TableEntry"], context: Context
) -> dict[TableRef, Run]:
    """Harvest *entries* some at a time, each after those before it that it refers to."""
    room = asyncio.Semaphore(service.settings.threads)
    going: dict[TableRef, asyncio.Task[Run]] = {}

    def progress(ref: TableRef, rows: int) -> None:
        context.emit(Progress(task=str(ref), rows=rows))

    async def one(entry: "TableEntry", before: list[asyncio.Task[Run]]) -> Run:
        if before:
            await asyncio.wait(before)
        async with room:
            context.emit(Progress(task=str(entry.ref)))
            run = await service.harvester.harvest(entry, trigger="command", progress=progress)
            context.emit(Progress(task=str(entry.ref), rows=run.rows.read, done=True))
            return run

    try:
        async with asyncio.TaskGroup() as group:
            for entry in entries:
                before = [going[ref] for ref in entry.refers_to if ref in going]
                going[entry.ref] = group.create_task(one(entry, before))
    except ExceptionGroup as failures:
        raise _first_expected(failures) from failures
    return {ref: task.result() for ref, task in going.items()}


def _first_expected(failures: ExceptionGroup[Exception]) -> Exception:
    """Give the failure to tell: the ledger itself could not be written."""
    expected, rest = failures.split(PublisherError)
    chosen = expected or rest
    assert chosen is not None  # noqa: S101 - a group is never empty
    while isinstance(chosen, ExceptionGroup):
        chosen = chosen.exceptions[0]  # type: ignore[assignment]
    return chosen


HARVEST = Operation(Params, Harvested, _harvest)
