"""What is collected from, and how it is. Addresses and paths stay inside."""

from collections.abc import Iterable

from aiohttp import web

from publisher.api import answers
from publisher.api.parts import Call
from publisher.api.replies import paged, reply
from publisher.engine import Connection
from publisher.errors import NotFoundError
from publisher.model.catalog import TableEntry
from publisher.model.dataset import Harvest
from publisher.model.run import Run
from publisher.model.values import TableRef, duration_text

_SHOWN = 100


async def list_sources(call: Call) -> web.Response:
    found = sorted(_harvested(call), key=_id)
    shown, next_url = paged(call, "sources", found, _id)
    runs = await call.read(call.parts.store.last_runs)
    data = tuple(_source(call, entry, harvest, runs.get(entry.ref)) for entry, harvest in shown)
    return reply(call, answers.Sources(data=data, next=next_url), next_url=next_url)


async def get_source(call: Call) -> web.Response:
    stated = call.path("source")
    for entry, harvest in _harvested(call):
        if source_id(entry.ref) == stated:

            def read(con: Connection, ref: TableRef = entry.ref) -> list[Run]:
                return call.parts.store.runs(con, ref, limit=1)

            runs = await call.read(read)
            return reply(call, _source(call, entry, harvest, runs[0] if runs else None))
    raise NotFoundError("source-not-found", source=stated[:_SHOWN])


def source_id(ref: TableRef) -> str:
    """Name the source of a table: no name has a dot, so this is unambiguous."""
    return f"{ref.dataset}.{ref.table}"


def _id(source: tuple[TableEntry, Harvest]) -> str:
    return source_id(source[0].ref)


def _harvested(call: Call) -> Iterable[tuple[TableEntry, Harvest]]:
    for entry in call.catalog.entries.values():
        if entry.dataset.public and entry.harvest is not None:
            yield entry, entry.harvest


def _source(
    call: Call, entry: TableEntry, harvest: Harvest, run: Run | None
) -> answers.SourceAnswer:
    return answers.SourceAnswer(
        id=source_id(entry.ref),
        dataset=entry.ref.dataset,
        table=entry.ref.table,
        type=harvest.source.type,
        every=duration_text(harvest.every) if harvest.every else None,
        cron=harvest.cron,
        timezone=harvest.read_timezone,
        mode=entry.mode,
        state=run.outcome if run else "never",
        last_run_at=(run.finished_at or run.started_at) if run else None,
        next_run_at=call.parts.next_run(entry.ref),
        problem=run.problem.code if run and run.problem else None,
    )
