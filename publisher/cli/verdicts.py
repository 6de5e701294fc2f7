"""What ``check`` and ``validate`` found, as a person reads it: lines, no tables."""

import os
import shutil
import textwrap
from itertools import groupby
from typing import TYPE_CHECKING

import typer

from publisher.cli.session import Session
from publisher.messages import render
from publisher.messages.labels import counted, integer

if TYPE_CHECKING:  # they are loaded by the commands themselves
    from collections.abc import Sequence

    from publisher.operations.check import Checked
    from publisher.validation.explain import Explained
    from publisher.validation.reporting import Report

_WIDTH = 80
_NARROWEST = 40
_MOST_FINDINGS = 50


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
    for it in found.partners:
        _say(session.label("partner-answers", partner=it.partner, tables=", ".join(it.tables)))
    for table in found.partner_tables:
        fields = ", ".join(
            f"{field.name} ({field.type})"
            + (f' = "{field.column}"' if field.column != field.name else "")
            for field in table.fields
        )
        _say(session.label("fields-read", table=table.table, fields=fields))
    if found.problems:
        warnings = len(found.problems) - found.errors
        _say(session.label("check-found", errors=found.errors, warnings=warnings))
    else:
        _say(session.label("check-clean"))


def report(session: Session, found: "Report", explained: "Sequence[Explained]") -> None:
    """Tell what was found, by column; *explained* is all of it, in that order."""
    _say(typer.style(verdict(session, found), fg="green" if found.valid else "red"))
    for note in found.notes:
        what, remedy = render(note.code, note.params, session.language)
        _wrapped(f"{session.label('severity-warning')}: {what}", 0, style="yellow")
        _wrapped(f"{session.label('remedy')}: {remedy}", 4)
    if found.valid:
        return
    # Only a file that is wrong waits for these to be loaded.
    from publisher.validation.explain import column  # noqa: PLC0415

    told = explained[:_MOST_FINDINGS]
    for (name, number), findings in groupby(told, key=lambda it: (it.field, it.number)):
        _say("")
        _say(typer.style(column(name, number, session.language), bold=True))
        for it in findings:
            _wrapped(f"{it.what[:1].upper()}{it.what[1:]}.", 2, style="red")
            if it.where:
                _wrapped(it.where, 4)
            if it.remedy:
                _wrapped(f"{session.label('remedy')}: {it.remedy}", 4)
    if rest := len(explained) - len(told):
        _say("")
        _say(session.label("more-findings", number=integer(rest, session.language)))


def verdict(session: Session, found: "Report") -> str:
    rows = counted("rows", found.rows, session.language)
    if found.valid:
        return session.label("valid", rows=rows)
    errors = counted("errors", found.errors, session.language)
    return session.label("invalid", errors=errors, rows=rows)


def _wrapped(text: str, indent: int, style: str | None = None) -> None:
    width = min(_WIDTH, shutil.get_terminal_size().columns)
    lines = textwrap.wrap(
        text,
        max(width, _NARROWEST),
        initial_indent=" " * indent,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines:
        _say(typer.style(line, fg=style) if style else line)


def _say(line: str) -> None:
    """Print *line*; its colours are kept on a terminal only, and not where none are wanted."""
    typer.echo(line, color=False if os.environ.get("NO_COLOR") else None)
