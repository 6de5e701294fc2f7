"""What `publisher validate` tells: Frictionless' report, held on disk where it may be long."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

if TYPE_CHECKING:  # what a clean file has none of
    from publisher.model.run import Problem
    from publisher.validation.findings import Finding, Findings

_BUFFER = 1024 * 1024


@dataclass
class Errors:
    """The errors of the report, kept on disk, and what all there were come to."""

    path: Path
    limit: int
    findings: "Findings"
    kept: int = 0
    stopped_at: int | None = None
    """The row that the limit was reached in."""
    _file: BinaryIO | None = None

    def take(self, errors: list[dict[str, Any]]) -> None:
        """Take the errors of one row, which are the last ones where the limit is reached."""
        self.findings.take(errors)
        if self.stopped_at is not None:
            return
        for error in errors[: self.limit - self.kept]:
            self._write(error)
        if self.kept >= self.limit:
            self.stopped_at = errors[0]["rowNumber"]

    def take_header(self, errors: list[dict[str, Any]], *, rows: int) -> None:
        """Take those of the header: it is after a row that Frictionless looks at the limit."""
        self.findings.take(errors)
        if rows and len(errors) >= self.limit:
            self.stopped_at = 0
            errors = errors[: self.limit]
        for error in errors:
            self._write(error)

    def add(self, error: dict[str, Any]) -> None:
        """Keep one more, behind the others."""
        self._write(error)

    def _write(self, error: dict[str, Any]) -> None:
        if self._file is None:
            self._file = self.path.open("wb", buffering=_BUFFER)
        self._file.write(orjson.dumps(error, option=orjson.OPT_APPEND_NEWLINE))
        self.kept += 1

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def __iter__(self) -> Iterator[bytes]:
        """Give each as one line of JSON."""
        if self._file is not None:
            self._file.flush()
            with self.path.open("rb") as lines:
                yield from lines


@dataclass(frozen=True)
class Report:
    head: Mapping[str, Any]
    """Frictionless' report as it gives it, its truncation included; the task's errors apart."""
    task_errors: Errors | None
    """Those of its one task, where they stand apart."""
    rows: int
    errors: int
    """In the whole file, however many the report holds."""
    by_rule: Mapping[str, int]
    slow: tuple[str, ...] = ()
    """Fields that only Frictionless' own readers can judge, cell by cell."""
    findings: "tuple[Finding, ...]" = ()
    schema: Mapping[str, Any] = field(default_factory=dict)
    """The schema's descriptor, where there are findings."""
    notes: "tuple[Problem, ...]" = ()
    """What further checks of severity ``warning`` say, and whether the end was not reached."""
    complete: bool = True
    """False: nothing was read beyond the limit of errors, and the totals are of what was."""

    @property
    def valid(self) -> bool:
        return not self.errors

    @property
    def descriptor(self) -> dict[str, Any]:
        """The whole report."""
        if self.task_errors is None:
            return dict(self.head)
        (task,) = self.head["tasks"]
        whole = [orjson.loads(line) for line in self.task_errors]
        return {**self.head, "tasks": [{**task, "errors": whole}]}

    @property
    def totals(self) -> dict[str, Any]:
        found = {"rows": self.rows, "errors": self.errors, "byRule": dict(self.by_rule)}
        found |= {"slow": list(self.slow)} if self.slow else {}
        return found if self.complete else {**found, "complete": False}

    def write(self, out: BinaryIO, findings: Sequence[Mapping[str, Any]] = ()) -> None:
        """Write the report as one JSON document, totals and *findings* under ``publisher``."""
        document = {**self.head, "publisher": {**self.totals, "findings": findings}}
        if self.task_errors is None:
            out.write(orjson.dumps(document) + b"\n")
            return
        (task,) = self.head["tasks"]
        mark = '"errors":["here"]'
        marked = {**document, "tasks": [{**task, "errors": ["here"]}]}
        before, _, after = orjson.dumps(marked).rpartition(mark.encode())
        out.write(before + b'"errors":[')
        comma = b""
        for line in self.task_errors:
            out.write(comma + line.rstrip(b"\n"))
            comma = b","
        out.write(b"]" + after + b"\n")
