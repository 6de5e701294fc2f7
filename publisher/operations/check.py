"""``publisher check``: every problem of every file, with its place, rule and remedy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from publisher.errors import ConfigurationError
from publisher.messages import Language
from publisher.model.base import Model
from publisher.registry import Finding, Loaded, load
from publisher.secrets import Secrets
from publisher.validation import Validator


class FileProblem(Model):
    file: str
    """Relative to ``--root``."""
    line: int
    column: int
    rule: str
    severity: Literal["error", "warning"]
    message: str
    remedy: str


class Checked(Model):
    problems: tuple[FileProblem, ...]
    datasets: int
    tables: int

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def exit_code(self) -> int:
        return 2 if self.errors else 0


def check(root: Path, secrets: Secrets, language: Language) -> Checked:
    """Read catalog/ and schemas/ and prove that every table could be judged."""
    loaded = load(root, secrets)
    findings = [*loaded.problems, *_unjudgeable(loaded)]
    return Checked(
        problems=tuple(
            FileProblem(**finding.descriptor(language))
            for finding in sorted(findings, key=lambda finding: finding.order)
        ),
        datasets=len(loaded.catalog.datasets),
        tables=len(loaded.catalog.entries),
    )


def _unjudgeable(loaded: Loaded) -> Iterator[Finding]:
    """Find the tables whose view cannot be compiled: units, formats, encodings, checks."""
    for entry in loaded.catalog.entries.values():
        if entry.harvest is None:
            continue
        try:
            Validator(entry)
        except ConfigurationError as error:
            yield loaded.refused(entry, error)
