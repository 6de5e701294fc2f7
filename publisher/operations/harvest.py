"""``publisher harvest``: bring in what the sources have to offer, now."""

from typing import TYPE_CHECKING

from publisher.errors import UsageError
from publisher.model.base import Model
from publisher.model.run import Counts, Run
from publisher.operations import select
from publisher.operations.base import (
    Answer,
    Context,
    Finding,
    Operation,
    Progress,
    Told,
    first_that_applies,
)

if TYPE_CHECKING:
    from publisher.app import Service


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
        of_outcome = {"failed": 1, "interrupted": 1, "held": 3}
        codes = {of_outcome.get(run.outcome, 0) for run in self.runs}
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
    runs = await service.harvester.harvest_all(
        wanted,
        progress=lambda ref, rows: context.emit(Progress(task=str(ref), rows=rows)),
        done=lambda run: context.emit(Progress(task=str(run.ref), rows=run.rows.read, done=True)),
    )
    return Harvested(
        runs=tuple(RunLine.of(runs[entry.ref], context) for entry in wanted),
        problems=tuple(context.told(problem) for problem in problems),
    )


HARVEST = Operation(Params, Harvested, _harvest)
