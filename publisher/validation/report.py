"""`publisher validate`: Frictionless' own report on a file, and exact totals beside it.

The errors are found by a vectorised proof and Frictionless' own readers (``proof``); what the
proof cannot take on, Frictionless validates itself. Either way the report is the same.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any

from frictionless import FrictionlessException
from frictionless import Report as FrictionlessReport
from frictionless.formats import CsvControl
from frictionless.resources import TableResource

from publisher.validation.checklist import Listed
from publisher.validation.checks import beside
from publisher.validation.findings import Findings
from publisher.validation.outright import (
    LIMIT,
    Asked,
    check_packed,
    counted,
    outright,
    trusted,
)
from publisher.validation.proof.cells import UnsplittableError
from publisher.validation.proof.exact import Table
from publisher.validation.proof.scan import Hashes, scanning
from publisher.validation.reporting import Errors, Report
from publisher.validation.request import Request
from publisher.validation.workspace import Workspace

_UNREAD = {"source-error", "scheme-error", "format-error", "encoding-error", "compression-error"}
"""Where there is such an error and no row, there is nothing for a check to look at."""


@contextmanager
def reported(
    request: Request, hashes: Future[Hashes], work: Workspace, *, unclean: bool
) -> Iterator[Report]:
    """See `validate.validated`; *unclean* is known of the file already."""
    listed = beside.listed(request.checks)
    limit = request.limit_errors or LIMIT
    check_packed(request.file)
    with ExitStack() as stack:
        with trusted():
            asked = Asked.of(request)
            errors = Errors(work.folder / "errors.ndjson", limit, Findings())
            stack.callback(errors.close)
            theirs, report = Listed.of(listed.theirs, asked.profiled), None
            if not theirs.checks:  # they see rows, of which the proof has none
                with suppress(UnsplittableError):
                    report = _proved(asked, work, errors, hashes=hashes, unclean=unclean)
            report = report or outright(asked, limit, theirs)
            if listed.own and (report.rows or not _UNREAD & report.by_rule.keys()):
                report = beside.checked(
                    report, asked.resource, listed.own, file=request.file, work=work, limit=limit
                )
            described = asked.descriptor
        yield replace(report, schema=described)


def _proved(
    asked: Asked, work: Workspace, errors: Errors, *, hashes: Future[Hashes], unclean: bool
) -> Report:
    """Validate by proof. Raises UnsplittableError where that cannot be done."""
    began = time.perf_counter()
    file, resource = asked.file, asked.resource()
    if resource.format not in {"csv", "tsv"}:
        raise UnsplittableError
    delimiter = CsvControl.from_dialect(resource.dialect).get_defined("delimiter", default=",")
    scan = scanning(file, delimiter.encode() or b",")
    try:
        resource.to_descriptor(validate=True)
        resource.open()  # type: ignore[no-untyped-call]
    except FrictionlessException as error:
        raise UnsplittableError from error
    with resource:
        table = Table(resource)
        fragment = resource.fragment
        header = [error.to_descriptor() for error in resource.header.errors]
        errors.take_header(header, rows=len(fragment))
        if not (resource.labels or fragment):
            raise UnsplittableError
        control = CsvControl.from_dialect(resource.dialect)
        plain = table.plain(file, scan if control.delimiter == delimiter else None)
        with work.engine.cursor() as con:
            found = table.judge(con, plain, work.folder, errors.take, unclean=unclean)
        labels = list(resource.labels)
    head = _head(resource, labels, errors, found.rows, hashes=hashes.result(), began=began)
    report = counted(head, found.rows, errors.findings)
    return replace(report, task_errors=errors, slow=found.slow)


def _head(
    resource: TableResource,
    labels: list[str],
    errors: Errors,
    rows: int,
    *,
    hashes: Hashes,
    began: float,
) -> dict[str, Any]:
    """Make the report without its errors, with Frictionless' own words about truncation."""
    warnings = []
    stats = resource.stats
    if errors.stopped_at is None:
        stats.md5, stats.sha256, stats.bytes = hashes.md5, hashes.sha256, hashes.size
        stats.rows = rows
    else:
        warnings.append(f"reached error limit: {errors.limit}")
        _read_as_far(resource, errors.stopped_at)
    seconds = round(time.perf_counter() - began, 3)
    report = FrictionlessReport.from_validation_task(
        resource, time=seconds, labels=labels, errors=[], warnings=warnings
    )
    report.valid = report.tasks[0].valid = not errors.kept
    report.stats["errors"] = report.tasks[0].stats["errors"] = errors.kept
    descriptor: dict[str, Any] = report.to_descriptor()
    return descriptor


def _read_as_far(resource: TableResource, number: int) -> None:
    """Read on until row *number*, for the statistics of a file that was not read to its end."""
    resource.stats.md5 = resource.stats.sha256 = None
    with resource:
        rows = 0
        content = resource.dialect.read_enumerated_content_stream(resource.cell_stream)
        for at, _ in content:
            rows += 1
            if at >= number:
                break
        resource.stats.rows = rows
