"""``publisher quarantine``: the rows that failed, until they are released or discarded."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from publisher.errors import NotFoundError
from publisher.model.base import Model
from publisher.model.values import TableRef
from publisher.operations import select
from publisher.operations.base import Answer, Context, Finding, Operation, Progress
from publisher.operations.harvest import Harvested, RunLine

if TYPE_CHECKING:
    from publisher.app import Service
    from publisher.engine import Connection
    from publisher.model.table import QuarantinedRow


class ListParams(Model):
    table: str | None = None
    """``dataset/table``; every table otherwise."""


class TableParams(Model):
    table: str


class ShowParams(TableParams):
    limit: int = Field(20, ge=1, le=1000)
    after: str | None = None
    """The id of the last row seen."""


class DiscardParams(TableParams):
    rows: tuple[str, ...] = ()
    """Ids of rows; all of the table's otherwise."""


class TableQuarantine(Model):
    dataset: str
    table: str
    rows: int
    findings: tuple[Finding, ...]


class Listed(Answer):
    quarantine: tuple[TableQuarantine, ...]


class ShownRow(Model):
    id: str
    origin: str | None
    """The file or URL; None where it is not known any longer."""
    row_number: int
    cells: Mapping[str, Any]
    """As the source wrote them, by its own labels."""
    errors: tuple[Mapping[str, Any], ...]
    """Frictionless error descriptors."""
    version: int
    """What the table stood at before the commit that refused the row; 0: nothing yet."""
    run: str

    @classmethod
    def of(cls, row: "QuarantinedRow") -> "ShownRow":
        labels = _distinct(row.labels, len(row.cells))
        return cls(
            id=row.id,
            origin=row.origin,
            row_number=row.row_number,
            cells=dict(zip(labels, row.cells, strict=True)),
            errors=row.errors,
            version=row.version,
            run=row.run,
        )


class Shown(Answer):
    dataset: str
    table: str
    total: int
    rows: tuple[ShownRow, ...]
    after: str | None
    """Give this to see the rows that follow; None at the end."""


class Discarded(Answer):
    dataset: str
    table: str
    discarded: int


async def _list(service: "Service", params: ListParams, context: Context) -> Listed:  # noqa: ARG001
    await service.reload()
    entries = (
        [select.table(service, params.table)]
        if params.table is not None
        else list(service.catalog.entries.values())
    )

    def look(con: "Connection") -> list[TableQuarantine]:
        found = (_counted(service, con, entry.ref) for entry in entries)
        return [table for table in found if table.rows or params.table is not None]

    return Listed(quarantine=tuple(await service.engine.run(look, lane="query")))


def _counted(service: "Service", con: "Connection", ref: TableRef) -> TableQuarantine:
    counts = service.store.quarantine_counts(con, ref)
    return TableQuarantine(
        dataset=ref.dataset,
        table=ref.table,
        rows=counts.total,
        findings=tuple(Finding.of(count) for count in counts.rules),
    )


async def _show(service: "Service", params: ShowParams, context: Context) -> Shown:  # noqa: ARG001
    ref = select.table(service, params.table).ref
    if params.after is not None and (unknown := await _unknown(service, ref, [params.after])):
        raise unknown
    counts = await service.engine.run(
        lambda con: service.store.quarantine_counts(con, ref), lane="query"
    )
    rows = await service.engine.run(
        lambda con: service.store.quarantine_rows(
            con, ref, limit=params.limit + 1, after=params.after
        ),
        lane="query",
    )
    page = rows[: params.limit]
    return Shown(
        dataset=ref.dataset,
        table=ref.table,
        total=counts.total,
        rows=tuple(ShownRow.of(row) for row in page),
        after=page[-1].id if len(rows) > len(page) else None,
    )


async def _release(service: "Service", params: TableParams, context: Context) -> Harvested:
    await service.reload()
    entry = select.table(service, params.table)
    context.emit(Progress(task=str(entry.ref)))
    run = await service.harvester.release(entry)
    context.emit(Progress(task=str(entry.ref), rows=run.rows.read, done=True))
    return Harvested(runs=(RunLine.of(run, context),))


async def _discard(service: "Service", params: DiscardParams, context: Context) -> Discarded:
    ref = select.table(service, params.table).ref
    unknown = await _unknown(service, ref, params.rows)
    gone = await service.engine.run(
        lambda con: service.store.discard(con, ref, params.rows or None)
    )
    return Discarded(
        dataset=ref.dataset,
        table=ref.table,
        discarded=gone,
        problems=(context.told(unknown),) if unknown else (),
    )


async def _unknown(service: "Service", ref: TableRef, ids: Sequence[str]) -> NotFoundError | None:
    """Give the refusal of those *ids* that no row bears which waits."""
    waiting = await service.engine.run(
        lambda con: service.store.quarantine_rows(con, ref, limit=len(ids), ids=ids)
    )
    unknown = [it for it in ids if it not in {row.id for row in waiting}]
    if not unknown:
        return None
    return NotFoundError("unknown-rows", table=str(ref), rows=", ".join(unknown))


def _distinct(labels: tuple[str, ...], cells: int) -> list[str]:
    """Name each cell once: a row may be longer than its header, a header name a column twice."""
    names: list[str] = []
    for number in range(cells):
        name = labels[number] if number < len(labels) else ""
        names.append(name if name and name not in names else f"{name}#{number + 1}")
    return names


LIST = Operation(ListParams, Listed, _list)
SHOW = Operation(ShowParams, Shown, _show)
RELEASE = Operation(TableParams, Harvested, _release)
DISCARD = Operation(DiscardParams, Discarded, _discard, repeatable=False)
