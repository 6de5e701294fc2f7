"""Frictionless itself on a file, and exact totals of what it left out."""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frictionless import Checklist, Dialect, Error, FrictionlessException, Schema, settings, system
from frictionless import Report as FrictionlessReport
from frictionless.resources import TableResource

from publisher.errors import ConfigurationError, DeliveryError
from publisher.messages import render
from publisher.model.run import Problem
from publisher.validation.checklist import Listed
from publisher.validation.findings import Findings
from publisher.validation.reason import reason
from publisher.validation.reporting import Report
from publisher.validation.request import Request

if TYPE_CHECKING:  # it loads the engine, which Frictionless itself does without
    from publisher.validation.profiled import Profiled

Descriptor = dict[str, Any]
_CHUNK = 1024 * 1024
_CAPITAL = re.compile("[A-Z]")
LIMIT: int = settings.DEFAULT_LIMIT_ERRORS
_FIRST_ROWS = 5_000
"""Among which Frictionless itself looks for as many errors as are asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A file, and what it is judged under."""

    file: Path
    schema: Schema
    dialect: Mapping[str, Any] | None
    encoding: str | None
    profiled: "Profiled | None"

    @classmethod
    def of(cls, request: Request) -> "Asked":
        parsed, profiled = Schema.from_descriptor(str(request.schema)), None
        if request.profile is not None:
            from publisher.validation.profiled import Profiled  # noqa: PLC0415

            profiled = Profiled(parsed, request.profile)
        return cls(request.file, parsed, request.dialect, request.encoding, profiled)

    @property
    def descriptor(self) -> Descriptor:
        """The schema's, with what a profile says of its fields."""
        described = self.schema.to_descriptor()
        return described if self.profiled is None else self.profiled.descriptor(described)

    def resource(self) -> TableResource:
        options: dict[str, Any] = {"encoding": self.encoding} if self.encoding else {}
        if self.dialect:
            options["dialect"] = Dialect.from_descriptor(dict(self.dialect))
        if not self.file.suffix:
            options["format"] = "csv"
        # Said to be a table: what is none is an error then, and not valid unread
        schema = self.schema.to_copy()
        if self.profiled is not None:
            schema = self.profiled.applied(schema)
        return TableResource(path=str(self.file), scheme="file", schema=schema, **options)


@contextmanager
def trusted() -> Iterator[None]:
    """Let Frictionless work, and explain what it raises.

    Trusted, for it takes paths from elsewhere only then; a file that is there and a stated
    scheme keep it from ever taking one for a URL. Raises ConfigurationError.
    """
    try:
        with system.use_context(trusted=True):
            yield
    except FrictionlessException as error:
        raise ConfigurationError("unusable-schema", reason=reason(error)) from error
    except (TypeError, ValueError, ArithmeticError, AttributeError, re.error) as error:
        # It compares and hashes cells unguarded: a bound of another type, a key of arrays.
        # Nor does it look whether a pattern is a regular expression.
        raise ConfigurationError("frictionless-crash", reason=str(error)) from error


def check_packed(file: Path) -> None:
    """Raise DeliveryError for a file that cannot be unpacked: Frictionless breaks down on it."""
    if file.suffix != ".gz":
        return
    try:
        with gzip.open(file) as packed:
            while packed.read(_CHUNK):
                pass
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DeliveryError("broken-gzip", reason=str(error)) from error


def stopped(request: Request) -> Report | None:
    """Give Frictionless' report if it reaches the limit of errors within the first rows.

    Raises ConfigurationError and UsageError as `validate.validated` does.
    """
    if request.checks:
        from publisher.validation.checks import beside  # noqa: PLC0415 - it loads the engine

        if beside.listed(request.checks).own:
            return None  # they look at the whole table
    check_packed(request.file)
    with trusted():
        asked = Asked.of(request)
        limit = request.limit_errors or LIMIT
        listed = Listed.of(request.checks, asked.profiled)
        found = _exported(
            asked.resource().validate(listed, limit_errors=limit, limit_rows=_FIRST_ROWS)
        )
        if not _truncated(found):
            return None
        note = Problem("stopped-at-limit", {"limit": limit})
        report = counted(found, *_counted(found))
        described = asked.descriptor
    report = replace(report, schema=described, complete=False)
    return noted(replace(report, notes=(note,)), listed.notes)


def outright(asked: Asked, limit: int, checks: Listed) -> Report:
    """Let Frictionless validate, and count what it left out."""
    found = _exported(asked.resource().validate(checks, limit_errors=limit))
    rows, findings = _count(asked.resource(), checks) if _truncated(found) else _counted(found)
    keyed = [name for key in asked.schema.foreign_keys for name in key["fields"]]
    slow = tuple(dict.fromkeys([*keyed, *(check.type for check in checks.checks)]))
    return noted(replace(counted(found, rows, findings), slow=slow), checks.notes)


def noted(report: Report, notes: tuple[Problem, ...]) -> Report:
    """Add *notes*, which stand among Frictionless' warnings too."""
    if not notes or not report.head["tasks"]:
        return report
    (task,) = report.head["tasks"]
    told = [*task["warnings"], *(render(note.code, note.params)[0] for note in notes)]
    stats = {**task["stats"], "warnings": len(told)}
    head = {
        **report.head,
        "stats": {**report.head["stats"], "warnings": len(told)},
        "tasks": [{**task, "warnings": told, "stats": stats}],
    }
    return replace(report, head=head, notes=(*report.notes, *notes))


def counted(head: Descriptor, rows: int, findings: Findings) -> Report:
    """Give the report *head* with its totals."""
    rules = findings.by_rule
    return Report(head, None, rows, sum(rules.values()), rules, findings=findings.all())


def _exported(report: FrictionlessReport) -> Descriptor:
    """Give its descriptor, and take the errors out of it: it would copy them at each level."""
    errors = [task.errors for task in report.tasks]
    for task in report.tasks:
        task.errors = []
    found: Descriptor = report.to_descriptor()
    for task, held in zip(found["tasks"], errors, strict=True):
        task["errors"] = [_described(error) for error in held]
    return found


def _described(error: Error) -> Descriptor:
    """Do what `Error.to_descriptor` does, which looks the names up anew for each error."""
    kind: Any = type(error)  # mypy takes it for unhashable, as its instances are
    told = {name: getattr(error, part, None) for name, part in _parts(kind)}
    return {name: value for name, value in told.items() if value is not None}


@cache
def _parts(kind: type[Any]) -> Sequence[tuple[str, str]]:
    """Name the properties of such an error's descriptor, and the attributes they are."""
    names = kind.metadata_ensure_profile()["properties"]
    return [(name, _CAPITAL.sub(lambda found: f"_{found[0].lower()}", name)) for name in names]


def _truncated(report: Descriptor) -> bool:
    return any("error limit" in warning for task in report["tasks"] for warning in task["warnings"])


def _counted(report: Descriptor) -> tuple[int, Findings]:
    findings = Findings()
    findings.take(report["errors"])
    rows = 0
    for task in report["tasks"]:
        findings.take(task["errors"])
        rows += int(task["stats"].get("rows") or 0)
    return rows, findings


def _count(resource: TableResource, checklist: Checklist) -> tuple[int, Findings]:
    """Count the errors of every row, as Frictionless' validation does but keeping none."""
    rows = 0
    findings = Findings()
    checks = checklist.connect(resource)
    with resource:
        for check in list(checks):
            found = [_described(error) for error in check.validate_start()]
            findings.take(found)
            if any(error["type"] == "check-error" for error in found):
                checks.remove(check)
        while True:
            try:
                row = next(resource.row_stream)
            except StopIteration:
                break
            except FrictionlessException as error:
                findings.take([_described(error.error)])
                continue
            rows += 1
            findings.take(
                _described(error) for check in checks for error in check.validate_row(row)
            )
        for check in checks:
            findings.take(map(_described, check.validate_end()))
    return rows, findings
