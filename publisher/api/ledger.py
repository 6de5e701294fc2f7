"""One table's run ledger and what its quarantine holds."""

from collections.abc import Iterable

from aiohttp import web

from publisher.api import answers
from publisher.api.parts import Call
from publisher.api.replies import first, next_page, page_after, page_size, reply_kept
from publisher.engine import Connection
from publisher.model.run import RuleCount, Run


async def get_runs(call: Call) -> web.Response:
    entry = call.entry()
    before, size = page_after(call, "runs"), page_size(call)

    def read(con: Connection) -> tuple[list[Run], set[str]]:
        store = call.parts.store
        state = store.state(con, entry.ref)
        fields = entry.shown_fields(state.schema if state else None)
        runs = store.runs(con, entry.ref, limit=size + 1, before=before)
        return runs, {field.name for field in fields}

    found, names = await call.read_once(read)
    shown, more = first(found, size)
    next_url = next_page(call, "runs", shown[-1].id) if more else None
    data = tuple(_run(run, names) for run in shown)
    return await reply_kept(call, answers.Runs(data=data, next=next_url), next_url=next_url)


async def get_quarantine(call: Call) -> web.Response:
    entry = call.entry()

    def read(con: Connection) -> answers.Quarantine:
        store = call.parts.store
        state = store.state(con, entry.ref)
        fields = entry.shown_fields(state.schema if state else None)
        counts = store.quarantine_counts(con, entry.ref)
        names = {field.name for field in fields}
        return answers.Quarantine(total=counts.total, data=_findings(counts.rules, names))

    return await reply_kept(call, await call.read_once(read))


def _run(run: Run, names: set[str]) -> answers.RunAnswer:
    return answers.RunAnswer(
        id=run.id,
        trigger=run.trigger,
        started_at=run.started_at,
        finished_at=run.finished_at,
        outcome=run.outcome,
        version=run.version,
        rows=answers.RowCounts(
            read=run.rows.read,
            new=run.rows.new,
            corrected=run.rows.corrected,
            unchanged=run.rows.unchanged,
            removed=run.rows.removed,
            quarantined=run.rows.quarantined,
        ),
        seconds=None if run.seconds is None else round(run.seconds, 3),
        # Codes only: a problem's texts may quote cells, paths and internal addresses.
        problem=run.problem.code if run.problem else None,
        notes=tuple(note.code for note in run.notes),
        findings=_findings(run.findings, names),
    )


def _findings(counts: Iterable[RuleCount], names: set[str]) -> tuple[answers.Finding, ...]:
    return tuple(
        answers.Finding(
            rule=count.rule,
            field=count.field if count.field in names else None,
            count=count.count,
            rows=count.rows,
        )
        for count in counts
    )
