"""Answers as a person reads them: tables and short sentences on stdout."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from publisher.cli.session import Session
from publisher.messages.text import cut
from publisher.operations.backup import Copied
from publisher.operations.base import Told
from publisher.operations.export import Exported
from publisher.operations.harvest import Harvested, RunLine
from publisher.operations.keys import Listed as KeysListed
from publisher.operations.keys import Made as KeyMade
from publisher.operations.keys import Revoked as KeyRevoked
from publisher.operations.partners import Listed as PartnersListed
from publisher.operations.publish import Change, Published
from publisher.operations.quarantine import Discarded, Listed, Shown
from publisher.operations.status import DatasetStatus, MqaStatus, Status
from publisher.operations.target_status import TargetStatus

_ROW_KINDS = ("missing", "different", "extra")
_STYLES = {
    "committed": "green",
    "published": "green",
    "current": "green",
    "held": "yellow",
    "behind": "yellow",
    "different": "yellow",
    "failed": "red",
    "failing": "red",
    "interrupted": "red",
}
_ROW_COUNTS = ("read", "new", "corrected", "unchanged", "removed", "quarantined")
_STATUS_COLUMNS = (
    "table",
    "access",
    "version",
    "rows",
    "quarantined",
    "last-run",
    "outcome",
    "lag",
    "next-run",
)
_NUMERIC = {
    *_ROW_COUNTS,
    "milliseconds",
    "tables",
    "version",
    "seconds",
    "rows",
    "count",
    "lag",
    "changes",
}
_WHOLE = {"table", "dataset", "outcome"}  # what is looked for by eye is never broken
_MOST_CHANGES = 20
_MOST_EXAMPLES = 20
_LONGEST_CELL = 60
_PIPE_WIDTH = 200  # columns where the output is no terminal


def console() -> Console:
    """Give stdout; what goes into a file or a pipe is not broken at a terminal's width."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def harvested(session: Session, answer: Harvested) -> None:
    if answer.runs:
        counts = [name for name in _ROW_COUNTS if any(_count(run, name) for run in answer.runs)]
        _print(
            session,
            ["table", "outcome", "version", *counts, "seconds"],
            (_run(session, run, counts) for run in answer.runs),
        )
    out = console()
    for run in answer.runs:
        about = f"{run.dataset}/{run.table}"
        if run.problem is not None:
            _problem(session, out, about, run.problem)
        for note in run.notes:
            _problem(session, out, about, note)
        _findings(session, out, about, run)


def published(session: Session, answer: Published) -> None:
    if not answer.published:
        console().print(session.label("nothing-to-publish"))
        return
    _print(
        session,
        ["dataset", "target", "outcome", "versions", "changes"],
        (
            [
                line.dataset,
                line.target,
                _styled(session, "outcome", line.outcome),
                ", ".join(f"{table}: {number}" for table, number in line.versions.items()),
                str(len(line.changes)),
            ]
            for line in answer.published
        ),
    )
    out = console()
    for line in answer.published:
        about = f"{line.dataset} → {line.target}"
        if line.problem is not None:
            _problem(session, out, about, line.problem)
        for notice in line.notices:
            _problem(session, out, about, notice)
        for change in line.changes[:_MOST_CHANGES] if answer.dry_run else ():
            out.print(f"{about}: {change.what}: {_change(session, change)}", soft_wrap=True)


def _change(session: Session, change: Change) -> str:
    if isinstance(change.before, dict) and change.after is None:
        return ", ".join(
            session.label(f"rows-{kind}", count=count)
            for kind, count in change.before.items()
            if count and kind in _ROW_KINDS
        )
    return f"{_short(change.before)} → {_short(change.after)}"


def status(session: Session, answer: Status) -> None:
    if not answer.datasets:
        console().print(session.label("no-datasets"))
        return
    _print(
        session,
        _STATUS_COLUMNS,
        (row for dataset in answer.datasets for row in _table_rows(session, dataset)),
    )
    targets = [(each, target) for each in answer.datasets for target in each.targets]
    if targets:
        _print(
            session,
            ["dataset", "target", "state", "published", "versions"],
            (
                [
                    dataset.name,
                    target.target,
                    _styled(session, "state", target.state),
                    _instant(session, target.published_at),
                    ", ".join(f"{table}: {number}" for table, number in target.versions.items()),
                ]
                for dataset, target in targets
            ),
        )
    out = console()
    for dataset in answer.datasets:
        for table in dataset.tables:
            if table.last_run is not None and table.last_run.problem is not None:
                about = f"{dataset.name}/{table.table}"
                _problem(session, out, about, table.last_run.problem)
                if table.last_run.examples:
                    _findings(session, out, about, table.last_run)
        for target in dataset.targets:
            _target(session, out, f"{dataset.name} → {target.target}", target)
        if dataset.mqa is not None:
            _mqa(session, out, dataset.name, dataset.mqa)


def partners_listed(session: Session, answer: PartnersListed) -> None:
    if not answer.partners:
        if not answer.problems:
            console().print(session.label("no-partners"))
        return
    _print(
        session,
        ["partner", "type", "state", "milliseconds", "answered", "tables"],
        (
            [
                it.partner,
                it.type,
                _styled(session, "state", it.state),
                "" if it.milliseconds is None else f"{it.milliseconds:.0f}",
                _instant(session, it.answered_at),
                str(len(it.tables)),
            ]
            for it in answer.partners
        ),
    )
    out = console()
    for it in answer.partners:
        if it.problem is not None:
            _problem(session, out, it.partner, it.problem)
        for table in it.tables:
            at = it.copies.get(table)
            copied = "" if at is None else f", {session.label('copied', at=_instant(session, at))}"
            out.print(f"{it.partner}: {table}{copied}", soft_wrap=True)


def _target(session: Session, out: Console, about: str, target: TargetStatus) -> None:
    """Say what the table has no room for."""
    for told in (target.problem, *target.notices):
        if told is not None:
            _problem(session, out, about, told)
    progress = target.progress
    lines = {
        "target-page": target.url,
        "target-compared": target.compared_at and _instant(session, target.compared_at),
        "target-found": ", ".join(target.found),
        "target-removed": target.removed_at and _instant(session, target.removed_at),
    }
    if progress is not None:
        out.print(
            f"{about}: {session.label('target-progress', **progress.model_dump())}", soft_wrap=True
        )
    for name, line in lines.items():
        if line:
            out.print(f"{about}: {session.label(name)}: {line}", soft_wrap=True, markup=False)


def _mqa(session: Session, out: Console, dataset: str, mqa: MqaStatus) -> None:
    rating = session.label(f"rating-{mqa.rating}")
    head = session.label("mqa", dataset=dataset, score=mqa.score, of=mqa.of, rating=rating)
    out.print(head, soft_wrap=True, markup=False)
    for it in mqa.missing:
        out.print(f"  +{it.points} {it.property}: {it.remedy}", soft_wrap=True, markup=False)


def quarantine_listed(session: Session, answer: Listed) -> None:
    if not any(table.rows for table in answer.quarantine):
        console().print(session.label("nothing-quarantined"))
        return
    _print(
        session,
        ["table", "rule", "field", "count", "first-rows"],
        (
            [
                f"{table.dataset}/{table.table}",
                found.rule,
                found.field or "",
                str(found.count),
                ", ".join(map(str, found.rows)),
            ]
            for table in answer.quarantine
            for found in table.findings
        ),
    )


def quarantine_shown(session: Session, answer: Shown) -> None:
    out = console()
    if not answer.rows:
        out.print(session.label("nothing-quarantined"))
        return
    for row in answer.rows:
        place = f"{session.label('row')} {row.row_number}"
        if row.origin is not None:
            place = f"{row.origin}, {place.lower()}"
        out.print(f"{place}  [{row.id}]", style="bold", soft_wrap=True)
        for error in row.errors:
            brief = f"{error.get('type')}: {error.get('fieldName')}"
            message = error.get("message") or error.get("note") or brief
            out.print(f"  {message}", style="red", soft_wrap=True)
        cells = "; ".join(f"{name}={_short(cell)}" for name, cell in row.cells.items())
        out.print(f"  {cells}", soft_wrap=True)
    if answer.after is not None:
        out.print(session.label("more-rows", after=answer.after))


def discarded(session: Session, answer: Discarded) -> None:
    table = f"{answer.dataset}/{answer.table}"
    console().print(session.label("discarded", rows=answer.discarded, table=table))


def exported(session: Session, answer: Exported) -> None:
    about = {
        "path": answer.path,
        "rows": _number(answer.manifest["rows"]),
        "bytes": _number(answer.manifest["bytes"]),
        "version": answer.manifest["version"],
    }
    console().print(session.label("exported", **about), soft_wrap=True)


def key_made(session: Session, answer: KeyMade) -> None:
    console().print(session.label("key-made", whom=answer.made.name), soft_wrap=True)
    console().print(answer.key, soft_wrap=True, markup=False)


def keys_listed(session: Session, answer: KeysListed) -> None:
    if not answer.keys:
        console().print(session.label("no-keys"))
    for key in answer.keys:
        ended = session.label("revoked") if key.revoked_at else ""
        line = f"{key.id}  {key.made_at:%Y-%m-%d}  {key.name}  {ended}".rstrip()
        console().print(line, soft_wrap=True, markup=False)


def key_revoked(session: Session, answer: KeyRevoked) -> None:
    console().print(session.label("key-revoked", whom=answer.revoked.name), soft_wrap=True)


def backed_up(session: Session, answer: Copied) -> None:
    _copied(session, "backed-up", answer)


def restored(session: Session, answer: Copied) -> None:
    _copied(session, "restored", answer)


def _copied(session: Session, sentence: str, answer: Copied) -> None:
    about = {
        "path": answer.path,
        "data": session.settings.data,
        "files": _number(answer.files),
        "bytes": _number(answer.bytes),
    }
    console().print(session.label(sentence, **about), soft_wrap=True)


def _count(run: RunLine, name: str) -> int:
    return int(getattr(run.rows, name))


def _run(session: Session, run: RunLine, counts: Sequence[str]) -> list[str | Text]:
    return [
        f"{run.dataset}/{run.table}",
        _styled(session, "outcome", run.outcome),
        _number(run.version),
        *(_number(_count(run, name)) for name in counts),
        "" if run.seconds is None else f"{run.seconds:.2f}",
    ]


def _table_rows(session: Session, dataset: DatasetStatus) -> Iterable[list[str | Text]]:
    for table in dataset.tables:
        last = table.last_run
        yield [
            f"{dataset.name}/{table.table}",
            session.label(f"access-{dataset.access}"),
            _number(table.version),
            _number(table.rows),
            _number(table.quarantined),
            _instant(session, last.started_at if last else None),
            _styled(session, "outcome", last.outcome) if last else "",
            _span(table.lag),
            _instant(session, table.next_run) if table.next_run else "",
        ]


def _print(session: Session, headings: Sequence[str], rows: Iterable[Iterable[str | Text]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in headings:
        counts = name in _NUMERIC
        table.add_column(
            session.label(name),
            justify="right" if counts else "left",
            overflow="fold",
            no_wrap=name in _WHOLE,
        )
    for row in rows:
        table.add_row(*row)
    console().print(table)


def _problem(session: Session, out: Console, about: str, problem: Told) -> None:
    for told in problem.problems or (problem,):
        out.print(f"{about}: {told.message}", soft_wrap=True)
        if told.remedy:
            out.print(f"  {session.label('remedy')}: {told.remedy}", soft_wrap=True)


def _findings(session: Session, out: Console, about: str, run: RunLine) -> None:
    """Count what is wrong with the rows; what no quarantine can show is shown here."""
    for found in run.findings:
        rows = ", ".join(map(str, found.rows))
        where = f" {found.field}" if found.field else ""
        more = f" ({session.label('first-rows').lower()}: {rows})" if rows else ""
        out.print(f"{about}: {found.rule}{where}: {found.count}{more}", soft_wrap=True)
    for it in run.examples[:_MOST_EXAMPLES]:
        row = session.label("row").lower()
        where = f", {it.field}" if it.field else ""
        out.print(f"  {it.origin}, {row} {it.row}{where}: {it.message}", soft_wrap=True)


def _styled(session: Session, kind: str, name: str) -> Text:
    return Text(session.label(f"{kind}-{name}"), style=_STYLES.get(name, ""))


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}".replace(",", " ")  # no-break space


def _instant(session: Session, value: datetime | None) -> str:
    if value is None:
        return session.label("never")
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _span(seconds: float | None) -> str:
    """Write a length of time by its largest unit: 42 s, 5 min, 3 h, 2 d."""
    if seconds is None:
        return ""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _short(value: object) -> str:
    return "" if value is None else cut(str(value), _LONGEST_CELL)


SHOWN: Mapping[str, Callable[[Session, Any], None]] = MappingProxyType(
    {
        "harvest": harvested,
        "publish": published,
        "quarantine-list": quarantine_listed,
        "quarantine-show": quarantine_shown,
        "quarantine-release": harvested,
        "quarantine-discard": discarded,
        "status": status,
        "partners": partners_listed,
        "export": exported,
        "keys-make": key_made,
        "keys-list": keys_listed,
        "keys-revoke": key_revoked,
        "backup": backed_up,
    }
)
"""How the answer of each operation is shown."""
