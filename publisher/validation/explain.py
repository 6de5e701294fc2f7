"""Findings in words for the person who has to mend the file, in English and Danish."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from publisher.messages import TEXTS, Language, render
from publisher.messages.findings import KINDS
from publisher.messages.labels import counted, integer, label
from publisher.messages.text import cut
from publisher.validation import hints
from publisher.validation.findings import OUTSIDE, Example, Finding
from publisher.validation.reporting import Report

_TOLD = 3  # examples in a sentence
_LISTED = 8  # values of an enum, labels
_LONGEST = 60
_CELL_FREE = {"blank-row", "primary-key", "blank-header", "unmatched-header"}
"""Rules of no one field whose messages quote no cell."""
_EXAMPLES: Mapping[str, str] = {
    "integer": "12",
    "year": "2026",
    "yearmonth": "2026-01",
    "duration": "PT15M",
    "array": "[1, 2]",
    "object": '{"a": 1}',
}
_POINTS = {"default": '"10.1, 56.2"', "array": "[10.1, 56.2]", "object": '{"lon": 10, "lat": 56}'}


@dataclass(frozen=True, slots=True)
class Shown:
    """An example as it may be shown: what is personal is hidden."""

    row: int | None
    cell: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Explained:
    finding: Finding
    field: str | None
    number: int | None
    share: float | None
    """Rows that have such an error, of all rows; None of the header or the file."""
    examples: tuple[Shown, ...]
    what: str
    """What is wrong, how often; without the column."""
    where: str
    """The first examples in a sentence; may be empty."""
    text: str
    """All of it, with the column."""
    remedy: str

    def descriptor(self) -> dict[str, Any]:
        """Give it as ``publisher.findings`` of the report has it."""
        it = self.finding
        return {
            "rule": it.rule,
            **({"constraint": it.constraint} if it.rule == "constraint-error" else {}),
            "field": self.field,
            "fieldNumber": self.number,
            "errors": it.errors,
            "rows": it.rows,
            "share": self.share,
            "examples": [
                {"row": one.row, "cell": one.cell, "message": one.message} for one in self.examples
            ],
            "text": self.text,
            "remedy": self.remedy,
        }


def explained(report: Report, language: Language) -> list[Explained]:
    """Explain what was found: the whole table first, then by column; most frequent first."""
    explain = _Explainer(report, language)
    order = {
        number: (-max(it.errors for it in findings), number or 0)
        for number, findings in _by_column(report.findings).items()
    }

    def place(it: Finding) -> tuple[Any, ...]:
        # What is wrong with a heading often explains the cells below it, and comes first
        return it.field is not None, *order[it.number], it.field or "", it.rows > 0, -it.errors

    return [explain(finding) for finding in sorted(report.findings, key=place)]


def _by_column(findings: Iterable[Finding]) -> dict[int | None, list[Finding]]:
    found: dict[int | None, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.number, []).append(finding)
    return found


class _Explainer:
    def __init__(self, report: Report, language: Language) -> None:
        self._rows, self._language = report.rows, language
        schema = report.schema
        self._fields = {field["name"]: field for field in schema.get("fields", ())}
        key = schema.get("primaryKey", ())
        self._key = [key] if isinstance(key, str) else list(key)
        tasks = report.head.get("tasks") or [{}]
        self._labels: list[str] = tasks[0].get("labels", [])
        self._personal = {name for name, it in self._fields.items() if it.get("personal")}

    def __call__(self, finding: Finding) -> Explained:
        examples = tuple(self._shown(finding, example) for example in finding.examples)
        share = finding.rows / self._rows if finding.rows and self._rows else None
        params = self._params(finding)
        what, remedy = render(self._code(finding), params, self._language)
        guessed = [
            render(hint.code, self._said(hint.params), self._language)[0]
            for hint in self._hints(finding)
        ]
        remedy = "; ".join(guessed) or remedy
        where = self._where(finding, examples)
        lead = column(finding.field, None, self._language)
        return Explained(
            finding=finding,
            field=finding.field,
            number=finding.number,
            share=None if share is None else round(share, 6),
            examples=examples,
            what=what,
            where=where,
            text=f"{lead}: {what}.{' ' if where else ''}{where}",
            remedy=remedy,
        )

    def _say(self, name: str, **params: object) -> str:
        return label(name, self._language, **params)

    def _code(self, finding: Finding) -> str:
        rule, constraint = finding.rule, finding.constraint
        if rule == "constraint-error":
            code = f"constraint-{constraint}"
            return code if code in TEXTS else "constraint-other"
        if rule == "primary-key" and constraint:
            return "primary-key-empty"
        if rule in TEXTS and not rule.startswith("hint-"):
            return rule
        return "other" if finding.rows else "other-of-file"

    def _params(self, finding: Finding) -> dict[str, Any]:
        first = finding.examples[0]
        hidden = self._hides(finding, first)
        said = self._quoted(first.cell) if not hidden else self._say("hidden")
        labels = [one.cell for one in finding.examples if not self._hides(finding, one)]
        return {
            "count": self._count(finding),
            "expected": self._expected(finding),
            "constraint": finding.constraint,
            "title": finding.title,
            "note": self._say("hidden") if hidden else first.note,
            "field": self._quoted(finding.field),
            "label": said,
            "labels": self._listed(labels, finding.errors) if labels else said,
        }

    def _count(self, finding: Finding) -> str:
        """Tell how many, such as ``12 cells (0.4 % of the rows)``."""
        if not finding.rows:
            return counted("errors", finding.errors, self._language)
        whole = finding.field is None
        number = finding.rows if whole else finding.errors
        told = counted("rows" if whole else "cells", number, self._language)
        if not self._rows:
            return told
        return f"{told} ({percent(finding.rows / self._rows, self._language)})"

    def _expected(self, finding: Finding) -> str:
        field = self._fields.get(finding.field or "", {})
        if finding.rule == "primary-key":
            return ", ".join(self._key)
        if finding.rule == "type-error":
            return self._kind(field)
        if finding.rule == "plausible-range":
            # The bounds are the check's, which the note is the only one to know
            return finding.examples[0].note.rpartition(OUTSIDE)[2]
        stated = field.get("constraints", {}).get(finding.constraint)
        if finding.constraint == "enum" and isinstance(stated, list):
            return self._listed([str(value) for value in stated], len(stated), plain=True)
        return str(stated)

    def _kind(self, field: Mapping[str, Any]) -> str:
        kind, written = str(field.get("type", "any")), str(field.get("format", "default"))
        example = _EXAMPLES.get(kind, kind)
        if kind == "number":
            point = field.get("decimalChar", ".")
            group = field.get("groupChar") or ""
            example = f"1{group}234{point}5" if group else f"12{point}5"
        elif kind == "boolean":
            values = [*_texts(field, "true"), *_texts(field, "false")]
            example = ", ".join(values)
        elif kind in hints.DEFAULTS:
            default = written in {"default", "any"}
            example = hints.EXAMPLE.strftime(hints.DEFAULTS[kind] if default else written)
        elif kind == "geopoint":
            example = _POINTS.get(written, _POINTS["default"])
        elif kind == "list":
            example = f"a{field.get('delimiter', ',')}b"
        told = KINDS.get(f"{kind}/{written}") or KINDS.get(kind) or KINDS["other"]
        return told[self._language == "da"].format_map({"example": example})

    def _hints(self, finding: Finding) -> list[hints.Hint]:
        fields = list(self._fields)
        seen = [it for it in finding.examples if not self._hides(finding, it)]
        cells = [it.cell for it in seen if it.cell]
        if finding.rule == "incorrect-label" and cells and finding.field:
            hint = hints.of_label(cells[0], finding.field, fields, self._labels)
            return [hint] if hint else []
        if finding.rule == "missing-label" and hints.of_header(fields, self._labels):
            return [hints.Hint("hint-header-first")]
        field = self._fields.get(finding.field or "")
        if field is None or finding.rule.endswith("-label"):
            return []
        return hints.of_cells(finding.rule, finding.constraint, field, cells)

    def _said(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self._listed(value, len(value))
            if isinstance(value, list)
            else self._quoted(value)
            if name in {"delimiter", "label", "nearest"}
            else value
            for name, value in params.items()
        }

    def _where(self, finding: Finding, examples: Sequence[Shown]) -> str:
        rows = [
            (it, shown)
            for it, shown in zip(finding.examples, examples, strict=True)
            if it.row is not None
        ][:_TOLD]
        if not rows:
            return ""
        told = ", ".join(self._place(finding, it, shown) for it, shown in rows)
        return self._say("all-in" if len(rows) == finding.errors else "first-in", examples=told)

    def _place(self, finding: Finding, example: Example, shown: Shown) -> str:
        place = self._say("in-row", row=example.row)
        if finding.rule in {"unique-error", "primary-key"}:
            _, same, other = example.note.partition("the same as in the row at position ")
            if same:
                place += f" ({self._say('same-as', row=other)})"
        if shown.cell is not None and not (finding.constraint == "required" and not shown.cell):
            hidden = self._hides(finding, example)
            place += f" {shown.cell if hidden else self._quoted(shown.cell)}"
        return place

    def _shown(self, finding: Finding, example: Example) -> Shown:
        if not self._hides(finding, example):
            return Shown(example.row, example.cell, example.message)
        hidden = self._say("hidden")
        return Shown(example.row, None if example.cell is None else hidden, hidden)

    def _hides(self, finding: Finding, example: Example) -> bool:
        """Tell whether an example may hold what is personal.

        In a row of more or fewer cells than columns, a cell may be any other's; a heading that
        is far from the field's name may be a cell of a file without a header.
        """
        if not self._personal:
            return False
        if finding.rule == "missing-label" or finding.rule in _CELL_FREE:
            return False
        if finding.rule == "incorrect-label":
            return finding.field in self._personal and not hints.near(
                example.cell or "", finding.field or ""
            )
        if finding.field is None:
            return True
        shifted = example.cells is not None and example.cells != len(self._labels)
        return finding.field in self._personal or shifted

    def _quoted(self, text: str | None) -> str:
        return f'"{legible(text or "")}"'

    def _listed(self, texts: Sequence[str | None], count: int, *, plain: bool = False) -> str:
        told = [legible(text or "") if plain else self._quoted(text) for text in texts[:_LISTED]]
        more = count - len(told)
        number = integer(more, self._language)
        return ", ".join(told) + (f" {self._say('and-more', number=number)}" if more > 0 else "")


def column(name: str | None, number: int | None, language: Language) -> str:
    """Name a column, or the whole table."""
    if name is None:
        return label("the-table", language)
    if number is None:
        return label("column", language, field=legible(name))
    return label("column-place", language, field=legible(name), number=number)


def legible(text: str, longest: int = _LONGEST) -> str:
    """Cut *text* to what a line can hold; what does not print is written as its escape."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in cut(text, longest)
    )


def percent(share: float, language: Language) -> str:
    """Write a share of the rows in percent, with one decimal."""
    name, told = ("under-share", "0.1") if share < 0.0005 else ("share", f"{100 * share:.1f}")
    if told == "100.0" and share < 1:
        told = "99.9"
    told = told.removesuffix(".0")
    return label(name, language, share=told.replace(".", ",") if language == "da" else told)


def _texts(field: Mapping[str, Any], value: str) -> list[str]:
    stated = field.get(f"{value}Values")
    return (
        list(stated) if stated else [value, value.title(), value.upper(), str(+(value == "true"))]
    )
