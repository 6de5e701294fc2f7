"""The report of `publisher validate` as one HTML page that needs nothing else.

What a file holds may be anything: every text is escaped, and the page forbids itself scripts
and whatever lies elsewhere.
"""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from publisher.cli.session import Session
from publisher.cli.verdicts import verdict
from publisher.messages import render
from publisher.messages.labels import integer
from publisher.validation.explain import Explained, column, legible, percent
from publisher.validation.reporting import Report

_STYLE = """
:root { color-scheme: light dark; --line: #767676; --bar: #2f6fb3; --bad: #b3261e; --good: #1b6e3c }
@media (prefers-color-scheme: dark) {
  :root { --line: #8a8a8a; --bar: #7db3ea; --bad: #ffb4ab; --good: #86d9a4 }
}
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { overflow-wrap: anywhere }
h2 { margin-top: 2.5rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem .3rem 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere }
.n { text-align: right; white-space: nowrap }
code { font-size: .95em; white-space: pre-wrap }
.verdict { font-weight: 600; color: var(--bad) }
.verdict.valid { color: var(--good) }
.bar { display: inline-block; width: 8rem; height: .7rem; vertical-align: middle }
.bar { border: 1px solid var(--line) }
.bar > span { display: block; height: 100%; background: var(--bar) }
article { border-left: 4px solid var(--bad); padding-left: 1rem; margin: 1.5rem 0 }
"""
_LONGEST_MESSAGE = 400
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def report_page(session: Session, file: Path, report: Report, found: Sequence[Explained]) -> str:
    """Give the page on *file* in the session's language."""
    return _Page(session, report).whole(file, found)


class _Page:
    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._say, self._language = session.label, session.language
        self._report = report

    def whole(self, file: Path, found: Sequence[Explained]) -> str:
        report = self._report
        title = escape(self._say("report-of", file=legible(file.name)))
        name = "verdict valid" if report.valid else "verdict"
        told = escape(verdict(self._session, report))
        body = [f'<h1>{title}</h1><p class="{name}">{told}</p>']
        for note in report.notes:
            what, remedy = render(note.code, note.params, self._language)
            body.append(f"<p>{escape(what)}; {escape(remedy)}</p>")
        if found:
            body += [self._by_rule(found), self._by_column(found), self._findings(found)]
        return (
            f'<!doctype html>\n<html lang="{self._language}">\n<head><meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
            f"<title>{title}</title>\n<style>{_STYLE}</style></head>\n"
            f"<body><main>\n{''.join(body)}</main></body>\n</html>\n"
        )

    def _by_rule(self, found: Iterable[Explained]) -> str:
        names = {
            it.finding.rule: it.finding.title for it in found if it.finding.title != it.finding.rule
        }
        rows = []
        for rule, errors in self._report.by_rule.items():
            title = f' <span lang="en">{escape(names[rule])}</span>' if rule in names else ""
            rows.append(
                f'<tr><th scope="row"><code>{escape(rule)}</code>{title}</th>'
                f'<td class="n">{self._integer(errors)}</td></tr>'
            )
        return self._table("by-rule", ["rule"], ["errors"], rows)

    def _by_column(self, found: Iterable[Explained]) -> str:
        rows = []
        for (name, number), group in groupby(found, key=lambda it: (it.field, it.number)):
            findings = [it.finding for it in group]
            # A row may break several rules in one column: of the most frequent it is certain
            most = max(it.rows for it in findings)
            errors = sum(it.errors for it in findings)
            rows.append(
                f'<tr><th scope="row">{escape(column(name, number, self._language))}</th>'
                f'<td class="n">{self._integer(errors)}</td><td>{self._bar(most)}</td></tr>'
            )
        return self._table("by-column", ["field"], ["errors", "share-of-rows"], rows)

    def _bar(self, rows: int) -> str:
        if not rows or not self._report.rows:
            return ""
        share = rows / self._report.rows
        return (
            f'<span class="bar" aria-hidden="true"><span style="width:{100 * share:.1f}%"></span>'
            f"</span> {escape(percent(share, self._language))}"
        )

    def _findings(self, found: Iterable[Explained]) -> str:
        told = [f"<h2>{escape(self._say('findings'))}</h2>\n"]
        for (name, number), group in groupby(found, key=lambda it: (it.field, it.number)):
            told.append(f"<section><h3>{escape(column(name, number, self._language))}</h3>\n")
            told += [self._finding(it) for it in group]
            told.append("</section>\n")
        return "".join(told)

    def _finding(self, it: Explained) -> str:
        share = self._bar(it.finding.rows)
        remedy = escape(it.remedy)
        rows = [
            f'<tr><td class="n">{"" if one.row is None else one.row}</td>'
            f"<td>{self._cell(one.cell)}</td>"
            f'<td lang="en">{escape(legible(one.message, _LONGEST_MESSAGE))}</td></tr>'
            for one in it.examples
        ]
        head = "".join(
            f'<th scope="col">{escape(self._say(name))}</th>'
            for name in ("row", "cell", "frictionless-says")
        )
        return (
            f"<article><p>{escape(it.what[:1].upper() + it.what[1:])}. {share}</p>"
            + (f"<p><b>{escape(self._say('remedy'))}:</b> {remedy}</p>" if remedy else "")
            + f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
            "</article>\n"
        )

    def _cell(self, cell: str | None) -> str:
        if cell is None:
            return escape(self._say("no-cell"))
        return f"<code>{escape(legible(cell))}</code>"

    def _table(
        self, title: str, names: Sequence[str], counts: Sequence[str], rows: Sequence[str]
    ) -> str:
        heads = [*names, *counts]
        head = "".join(f'<th scope="col">{escape(self._say(name))}</th>' for name in heads)
        return (
            f"<h2>{escape(self._say(title))}</h2>\n<table><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table>\n"
        )

    def _integer(self, number: int) -> str:
        return integer(number, self._language)
