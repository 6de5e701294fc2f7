"""``publisher harvest``: bring in what the sources have to offer, now."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from publisher.errors import UsageError
from publisher.model.base import Model
from publisher.model.run import Counts, Rejection, Run
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
    from publisher.engine import Connection

_MOST_EXAMPLES = 100


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


class Example(Model):
    """An error of one row, of a delivery that was refused whole."""

    origin: str
    """The file or URL."""
    row: int
    field: str | None
    message: str


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
    examples: tuple[Example, ...] = ()
    """Of what is wrong with the rows of refused deliveries, which no quarantine holds."""

    @classmethod
    def of(
        cls, run: Run, context: Context, rejections: Iterable[tuple[str, Rejection]] = ()
    ) -> "RunLine":
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
            examples=tuple(
                Example(origin=origin, row=it.row, field=it.field, message=it.message)
                for origin, rejection in rejections
                for it in rejection.examples
            )[:_MOST_EXAMPLES],
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
    runs = await service.harvester.harvest_all(
        wanted,
        progress=lambda ref, rows: context.emit(Progress(task=str(ref), rows=rows)),
        done=lambda run: context.emit(Progress(task=str(run.ref), rows=run.rows.read, done=True)),
    )
    rejections = await service.engine.run(lambda con: rejected(service, con, runs), lane="query")
    return Harvested(
        runs=tuple(RunLine.of(runs[entry.ref], context, rejections[entry.ref]) for entry in wanted),
        problems=tuple(context.told(problem) for problem in problems),
    )


def rejected(
    service: "Service", con: "Connection", runs: Mapping[TableRef, Run]
) -> dict[TableRef, list[tuple[str, Rejection]]]:
    """Give what was wrong with the deliveries that each table's run refused, by origin."""
    return {
        ref: service.store.rejections(con, run.deliveries) if run.problem else []
        for ref, run in runs.items()
    }


HARVEST = Operation(Params, Harvested, _harvest)
