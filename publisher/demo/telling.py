"""Tells, in plain words and line by line, what happens in the demo."""

import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path

from publisher.demo.story import Round
from publisher.messages import Language, render
from publisher.messages.demo import tell
from publisher.model.run import RuleCount, Run

_WIDTH = 100


class Teller:
    def __init__(self, say: Callable[[str], None], language: Language) -> None:
        self._say = say
        self._language = language

    def welcome(self, data: Path) -> None:
        self._say(_filled(tell("welcome", self._language, data=data)))

    def begin(self, round_: Round) -> None:
        self._say("\n" + _filled(f"[{round_.number}] {tell(round_.act, self._language)}"))

    def ran(self, run: Run) -> None:
        """Tell what came of one harvest, with the reasons of what was refused."""
        problem = remedy = ""
        if run.problem is not None:
            problem, remedy = render(run.problem.code, run.problem.params, self._language)
        rows = run.rows
        counts = {"new": rows.new, "corrected": rows.corrected, "quarantined": rows.quarantined}
        about = {"table": run.ref, "version": run.version, "problem": problem}
        self._say(_filled(tell(run.outcome, self._language, **about, **counts), "    "))
        if remedy:
            self._say(_filled(f"-> {remedy}", "      "))
        if run.outcome == "committed":
            for found in run.findings:
                self._refused(found)

    def _refused(self, found: RuleCount) -> None:
        name = "refused" if found.field else "refused-row"
        rows = ", ".join(map(str, found.rows))
        about = tell(name, self._language, rule=found.rule, field=found.field, rows=rows)
        self._say(f"      {about}")

    def released(self, run: Run) -> None:
        """Tell that rows were let out of quarantine since what they refer to has come."""
        about = {"table": run.ref, "version": run.version, "rows": run.rows.new}
        self._say(_filled(tell("released", self._language, **about), "    "))

    def published(self, datasets: Iterable[str]) -> None:
        if names := ", ".join(datasets):
            self._say("    " + tell("published", self._language, datasets=names))

    def look(self, url: str, data: Path) -> None:
        """Give the commands that show the rows, the refused ones and the published files."""
        table = "vandstand-ribe/observations"
        rows = f"{url}/v1/datasets/{table}"
        commands = {
            "look-rows": f"curl '{rows}/rows?sort=-observed_at&limit=3'",
            "look-refused": f"curl '{rows}/quarantine'",
            "look-cells": f"publisher quarantine show {table} --data {data}",
            "look-status": f"publisher status --data {data}",
            "look-package": f"ls {data / 'published' / 'vandstand-ribe'}",
        }
        self._say("\n" + tell("look", self._language))
        for name, command in commands.items():
            self._say(f"    {command}\n        # {tell(name, self._language)}")
        self._say(tell("stop", self._language))

    def verdict(self, differences: Iterable[str]) -> None:
        """Tell what was not as expected, or that everything was."""
        found = list(differences)
        name = "not-all-came-about" if found else "all-came-about"
        self._say("\n" + tell(name, self._language))
        for difference in found:
            self._say(f"    {difference}")


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  " if indent else "",
        break_long_words=False,
        break_on_hyphens=False,
    )
