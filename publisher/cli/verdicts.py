"""What ``check`` and ``validate`` found, as a person reads it: lines, no tables."""

import os
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Any

import typer

from publisher.cli.session import Session

if TYPE_CHECKING:  # they are loaded by the commands themselves
    from publisher.operations.check import Checked
    from publisher.validation.reporting import Report


def checked(session: Session, found: "Checked") -> None:
    for file, problems in groupby(found.problems, key=lambda problem: problem.file):
        _say(typer.style(file, bold=True))
        for problem in problems:
            colour = "red" if problem.severity == "error" else "yellow"
            severity = typer.style(session.label(f"severity-{problem.severity}"), fg=colour)
            place = session.label("line", line=problem.line)
            _say(f"  {place}: {severity} [{problem.rule}]: {problem.message}")
            if problem.remedy:
                _say(f"    {session.label('remedy')}: {problem.remedy}")
    if found.problems:
        warnings = len(found.problems) - found.errors
        _say(session.label("check-found", errors=found.errors, warnings=warnings))
    else:
        _say(session.label("check-clean"))


def report(session: Session, found: "Report") -> None:
    if found.valid:
        _say(typer.style(session.label("valid", rows=found.rows), fg="green"))
        return
    _say(typer.style(session.label("invalid", rows=found.rows, errors=found.errors), fg="red"))
    examples: dict[str, str] = {}
    for error in _errors(found.descriptor):
        examples.setdefault(str(error.get("type")), str(error.get("message")))
    for rule, count in found.by_rule.items():
        example = examples.get(rule)
        tail = f", {session.label('example')}: {example}" if example else ""
        _say(f"  {rule}: {count}{tail}")


def _errors(descriptor: Any) -> Iterable[dict[str, Any]]:
    yield from descriptor.get("errors", ())
    for task in descriptor.get("tasks", ()):
        yield from task.get("errors", ())


def _say(line: str) -> None:
    """Print *line*; its colours are kept on a terminal only, and not where none are wanted."""
    typer.echo(line, color=False if os.environ.get("NO_COLOR") else None)
