"""Publisher's checks on a file that is validated, their findings put into Frictionless' report.

They stand after Frictionless' own errors, in the order of rows. The file is read again where there
is something to tell of a row. There is no table: nothing is known of earlier deliveries, and the
file counts as received now.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from frictionless import FrictionlessException
from frictionless.errors import CellError
from frictionless.table.row import Row, create_cell_handlers

from publisher.engine import Connection, literal
from publisher.errors import UsageError
from publisher.model import checks as model
from publisher.model.run import Problem
from publisher.validation.checks import run
from publisher.validation.checks.base import Table
from publisher.validation.checks.errors import KINDS
from publisher.validation.checks.registry import OWN
from publisher.validation.checks.run import Checks
from publisher.validation.checks.staged import Opened, schema_of, stage
from publisher.validation.findings import Findings
from publisher.validation.outright import noted
from publisher.validation.reporting import Errors, Report
from publisher.validation.workspace import Workspace

_PAGE = 5_000


@dataclass(frozen=True)
class Listed:
    theirs: tuple[Mapping[str, Any], ...]
    """The descriptors that are Frictionless' business."""
    own: tuple[model.Own, ...]


def listed(descriptors: Sequence[Any]) -> Listed:
    """Raise UsageError ``wrong-check`` for what is no check of ours, though it says so."""
    theirs, own = [], []
    for each in descriptors:
        if not isinstance(each, Mapping) or not isinstance(each.get("type", ""), str):
            raise UsageError("wrong-check", reason=str(each))
        if each.get("type") not in OWN:
            theirs.append(each)
            continue
        own.append(model.read_own(each))
    return Listed(tuple(theirs), tuple(own))


def checked(
    report: Report,
    opened: Opened,
    own: Sequence[model.Own],
    *,
    file: Path,
    work: Workspace,
    limit: int,
) -> Report:
    """Give *report* with what the checks find; at most *limit* errors are kept in all.

    Raises ConfigurationError for a check that the schema is not made for.
    """
    if not report.head["tasks"]:
        return report
    with opened() as resource:
        schema = schema_of(resource)
    checks = Checks.of(schema, own, Table(schema))
    with work.engine.cursor() as con:
        stage(con, opened, schema, file, work.folder)
        _prepare(con)
        checks.run(con, None)
        adding = _Adding(report, limit)
        notes = checks.notes(con)
        for row, parts in _rows(opened, _found(con)):
            adding.add(row, parts)
    return adding.report([each.type for each in own], notes)


def _prepare(con: Connection) -> None:
    con.execute(
        "CREATE TEMP TABLE judged_clash(position BIGINT, rule VARCHAR, field VARCHAR, note VARCHAR)"
    )
    now = datetime.now(UTC).replace(tzinfo=None).isoformat()
    con.execute(
        "CREATE TEMP VIEW judged_received AS SELECT CAST(NULL AS BIGINT) AS position, "
        f"CAST({literal(now)} AS TIMESTAMP) AS received"
    )
    run.begin(con)


def _found(con: Connection) -> Iterator[tuple[int, list[tuple[str, str, str]]]]:
    """Give what refuses a row, by row: rule, field and note."""
    rows = con.execute(
        "SELECT position, rule, field, note FROM temp.judged_clash ORDER BY position, rule, field"
    )

    def each() -> Iterator[tuple[int, str, str, str]]:
        while page := rows.fetchmany(_PAGE):
            yield from page

    for number, parts in groupby(each(), itemgetter(0)):
        yield number, [(rule, field, note) for _, rule, field, note in parts]


def _rows(
    opened: Opened, found: Iterator[tuple[int, list[tuple[str, str, str]]]]
) -> Iterator[tuple[Any, list[tuple[str, str, str]]]]:
    """Give each row that something was found in."""
    number, parts = next(found, (None, []))
    if number is None:
        return
    with opened() as resource, suppress(FrictionlessException):
        handlers = create_cell_handlers(resource.header.get_expected_fields())
        rows = resource.dialect.read_enumerated_content_stream(resource.cell_stream)
        for position, cells in rows:
            if position == number:
                yield Row(cells, handlers=handlers, row_number=position), parts
                number, parts = next(found, (None, []))


class _Adding:
    """Adds errors to a report."""

    def __init__(self, report: Report, limit: int) -> None:
        self._report = report
        (self._task,) = report.head["tasks"]
        self._errors: Errors | None = report.task_errors
        self._list: list[dict[str, Any]] = list(self._task["errors"])
        self._limit = limit
        self._kept = self._task["stats"]["errors"]
        self._findings = Findings()
        self._full = self._kept >= limit

    def add(self, row: Any, parts: Sequence[tuple[str, str, str]]) -> None:
        for rule, field, note in parts:
            about = {"field_name": field} if issubclass(KINDS[rule], CellError) else {}
            error = KINDS[rule].from_row(row, note=note, **about).to_descriptor()
            self._findings.take([error])
            if self._kept >= self._limit:
                continue
            if self._errors is None:
                self._list.append(error)
            else:
                self._errors.add(error)
            self._kept += 1

    def report(self, names: Sequence[str], notes: tuple[Problem, ...]) -> Report:
        report, task = self._report, self._task
        told = list(task["warnings"])
        if not self._full and self._kept >= self._limit:
            told.append(f"reached error limit: {self._limit}")
        counts = {"errors": self._kept, "warnings": len(told)}
        task = {
            **task,
            "valid": not self._kept,
            "warnings": told,
            "errors": self._list,
            "stats": {**task["stats"], **counts},
        }
        head = {
            **report.head,
            "valid": not self._kept,
            "stats": {**report.head["stats"], **counts},
            "tasks": [task],
        }
        rules = Counter(report.by_rule) + Counter(self._findings.by_rule)
        added = replace(
            report,
            head=head,
            errors=rules.total(),
            by_rule=dict(rules.most_common()),
            findings=(*report.findings, *self._findings.all()),
            slow=(*report.slow, *dict.fromkeys(names)),
        )
        return noted(added, notes)
