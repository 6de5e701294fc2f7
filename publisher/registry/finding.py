from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from publisher.messages import Language, render
from publisher.registry.paths import Steps

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or looks wrong, in a steward's file."""

    file: str
    """Relative to the root, with forward slashes."""
    line: int
    """Counted from 1."""
    code: str
    params: Mapping[str, object]
    severity: Severity = "error"
    column: int = 1
    """Counted from 1, in characters."""
    path: Steps = ()
    """Keys and list positions that lead to its place in the file."""

    def message(self, language: Language = "en") -> str:
        return render(self.code, self.params, language)[0]

    def remedy(self, language: Language = "en") -> str:
        return render(self.code, self.params, language)[1]

    def descriptor(self, language: Language = "en") -> dict[str, Any]:
        """Give it as plain JSON: file, line, column, severity, rule, message, remedy."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "severity": self.severity,
            "rule": self.code,
            "message": self.message(language),
            "remedy": self.remedy(language),
        }

    def text(self, language: Language = "en") -> str:
        """Give it as two lines for a person: place, rule and message; the remedy below."""
        severity = self.severity
        if language == "da":
            severity_word = {"error": "fejl", "warning": "advarsel"}[severity]
        else:
            severity_word = severity
        head = f"{self.file}:{self.line}:{self.column}: {severity_word} [{self.code}] "
        remedy = self.remedy(language)
        return head + self.message(language) + (f"\n    {remedy}" if remedy else "")

    @property
    def order(self) -> tuple[str, int, int, str]:
        """Sorts findings as a person walks through the files."""
        return self.file, self.line, self.column, self.code
