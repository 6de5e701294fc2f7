"""`publisher validate`: Frictionless' own report on a file, and exact totals beside it.

The errors are found by a vectorised proof and Frictionless' own readers (``proof``); what the
proof cannot take on, Frictionless validates itself. Either way the report is the same.
"""

import gzip
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from frictionless import Checklist, Dialect, FrictionlessException, Schema, settings, system
from frictionless import Report as FrictionlessReport
from frictionless.formats import CsvControl
from frictionless.resources import TableResource

from publisher.engine import Engine
from publisher.errors import ConfigurationError, DeliveryError, UsageError
from publisher.validation.checks import beside
from publisher.validation.findings import Findings
from publisher.validation.lean import MEMORY
from publisher.validation.proof.cells import UnsplittableError
from publisher.validation.proof.exact import Table
from publisher.validation.proof.scan import Hashes, scanning
from publisher.validation.reporting import Errors, Report

_CHUNK = 1024 * 1024


@contextmanager
def reported(
    file: Path,
    schema: Path,
    *,
    dialect: Mapping[str, Any] | None,
    encoding: str | None,
    limit_errors: int | None,
    hashes: Future[Hashes],
    unclean: bool,
    checks: Sequence[Any],
) -> Iterator[Report]:
    """See `validate.validated`; *unclean* is known of the file already."""
    listed = beside.listed(checks)
    limit = limit_errors or settings.DEFAULT_LIMIT_ERRORS
    if file.suffix == ".gz":
        _check_packed(file)
    # Trusted, for Frictionless takes paths from elsewhere only then; a file that is there and a
    # stated scheme keep it from ever taking one for a URL.
    with ExitStack() as stack:
        with _explained(), system.use_context(trusted=True):
            parsed = Schema.from_descriptor(str(schema))

            def resource() -> TableResource:
                options: dict[str, Any] = {"encoding": encoding} if encoding else {}
                if dialect:
                    options["dialect"] = Dialect.from_descriptor(dict(dialect))
                if not file.suffix:
                    options["format"] = "csv"
                # Said to be a table: what is none is an error then, and not valid unread
                return TableResource(
                    path=str(file), scheme="file", schema=parsed.to_copy(), **options
                )

            folder = Path(stack.enter_context(TemporaryDirectory(prefix="validate-")))
            errors = Errors(folder / "errors.ndjson", limit, Findings())
            stack.callback(errors.close)
            checklist = _checklist(listed.theirs)
            try:
                report = _proved(
                    resource(),
                    file,
                    folder,
                    errors,
                    checklist=checklist,
                    hashes=hashes,
                    unclean=unclean,
                )
            except UnsplittableError:
                report = _validated(resource, limit, checklist)
            if listed.own:
                report = beside.checked(
                    report, resource, listed.own, folder=folder, memory=MEMORY, limit=limit
                )
            described = parsed.to_descriptor()
        yield replace(report, schema=described)


def _check_packed(file: Path) -> None:
    """Raise DeliveryError for a file that cannot be unpacked: Frictionless breaks down on it."""
    try:
        with gzip.open(file) as packed:
            while packed.read(_CHUNK):
                pass
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DeliveryError("broken-gzip", reason=str(error)) from error


def _proved(
    resource: TableResource,
    file: Path,
    folder: Path,
    errors: Errors,
    *,
    checklist: Checklist,
    hashes: Future[Hashes],
    unclean: bool,
) -> Report:
    """Validate by proof. Raises UnsplittableError where that cannot be done."""
    began = time.perf_counter()
    if resource.format not in {"csv", "tsv"} or checklist.checks:
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
        engine = Engine.open(None, work=folder, memory_limit=MEMORY)
        try:
            with engine.cursor() as con:
                found = table.judge(con, plain, folder, errors.take, unclean=unclean)
        finally:
            engine.close()
        labels = list(resource.labels)
    head = _head(resource, labels, errors, found.rows, hashes=hashes.result(), began=began)
    return _report(head, errors, found.rows, errors.findings, found.slow)


def _report(
    head: dict[str, Any],
    errors: Errors | None,
    rows: int,
    findings: Findings,
    slow: tuple[str, ...] = (),
) -> Report:
    rules = findings.by_rule
    return Report(head, errors, rows, sum(rules.values()), rules, slow, findings.all())


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


def _checklist(checks: Sequence[Mapping[str, Any]]) -> Checklist:
    try:
        return Checklist.from_descriptor({"checks": [dict(check) for check in checks]})
    except FrictionlessException as error:
        reason = "; ".join(part.note for part in (error.reasons or [error.error]))
        raise UsageError("wrong-checks-option", reason=reason) from error


def _validated(resource: Any, limit: int, checklist: Checklist) -> Report:
    """Let Frictionless validate, and count what it left out."""
    found = resource().validate(checklist, limit_errors=limit)
    rows, findings = _count(resource(), checklist) if _truncated(found) else _counted(found)
    slow = tuple(dict.fromkeys(check.type for check in checklist.checks))
    return _report(found.to_descriptor(), None, rows, findings, slow)


def _truncated(report: FrictionlessReport) -> bool:
    return any("error limit" in warning for task in report.tasks for warning in task.warnings)


def _counted(report: FrictionlessReport) -> tuple[int, Findings]:
    findings = Findings()
    findings.take(error.to_descriptor() for error in report.errors)
    rows = 0
    for task in report.tasks:
        findings.take(error.to_descriptor() for error in task.errors)
        rows += int(task.stats.get("rows") or 0)
    return rows, findings


def _count(resource: TableResource, checklist: Checklist) -> tuple[int, Findings]:
    """Count the errors of every row, as Frictionless' validation does but keeping none."""
    rows = 0
    findings = Findings()
    checks = checklist.connect(resource)
    with resource:
        for check in list(checks):
            found = [error.to_descriptor() for error in check.validate_start()]
            findings.take(found)
            if any(error["type"] == "check-error" for error in found):
                checks.remove(check)
        while True:
            try:
                row = next(resource.row_stream)
            except StopIteration:
                break
            except FrictionlessException as error:
                findings.take([error.error.to_descriptor()])
                continue
            rows += 1
            findings.take(
                error.to_descriptor() for check in checks for error in check.validate_row(row)
            )
        for check in checks:
            findings.take(error.to_descriptor() for error in check.validate_end())
    return rows, findings


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except FrictionlessException as error:
        reason = "; ".join(part.note for part in (error.reasons or [error.error]))
        raise ConfigurationError("unusable-schema", reason=reason) from error
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        # It compares and hashes cells unguarded: a bound of another type, a key of arrays
        raise ConfigurationError("frictionless-crash", reason=str(error)) from error
