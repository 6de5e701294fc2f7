"""What the steps of a run come to: the ledger's one line of many deliveries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from publisher.model.run import ROWS_NAMED, Counts, Outcome, Problem, RuleCount, Run

_SEVERITY: Mapping[Outcome, int] = {"unchanged": 0, "committed": 1, "held": 2, "failed": 3}
_MOST_TOLD = 100
"""Bad files named in one run; a folder may hold thousands, and each run is kept."""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one delivery, or of the quarantined rows that were judged again."""

    outcome: Outcome
    rows: Counts = field(default_factory=Counts)
    problem: Problem | None = None
    findings: tuple[RuleCount, ...] = ()
    notes: tuple[Problem, ...] = ()
    changed: bool = False
    delivery: str | None = None


def summed(run: Run, steps: Sequence[Step], broke: Problem | None, *, seconds: float) -> Run:
    """End *run*; *broke* is what kept it from going on, and is told alone."""
    worst = max(steps, key=lambda step: _SEVERITY[step.outcome], default=Step("unchanged"))
    return replace(
        run,
        outcome="failed" if broke else worst.outcome,
        finished_at=datetime.now(UTC),
        rows=sum((step.rows for step in steps), Counts()),
        seconds=seconds,
        problem=broke or told_together(step.problem for step in steps if step.problem),
        findings=_merged(finding for step in steps for finding in step.findings),
        notes=_distinct(note for step in steps for note in step.notes),
        deliveries=tuple(step.delivery for step in steps if step.delivery),
    )


def told_together(problems: Iterable[Problem]) -> Problem | None:
    """Make one problem that names every bad file with its reason; a single one is told as it is."""
    distinct = _distinct(part for problem in problems for part in problem.parts or (problem,))
    if len(distinct) < 2:
        return distinct[0] if distinct else None
    told = list(distinct[:_MOST_TOLD])
    if more := len(distinct) - len(told):
        told.append(Problem("and-more", {"count": more}))
    return Problem(
        "files-unusable",
        {"count": len(distinct), "problems": [problem.descriptor() for problem in told]},
    )


def _distinct(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple({(it.code, repr(dict(it.params))): it for it in problems}.values())


def _merged(findings: Iterable[RuleCount]) -> tuple[RuleCount, ...]:
    """Count by rule and field over all deliveries, most frequent first; keep the first rows."""
    merged: dict[tuple[str, str | None], RuleCount] = {}
    for found in findings:
        known = merged.get((found.rule, found.field))
        if known is None:
            merged[found.rule, found.field] = found
            continue
        rows = tuple(dict.fromkeys([*known.rows, *found.rows]))[:ROWS_NAMED]
        merged[found.rule, found.field] = replace(known, count=known.count + found.count, rows=rows)
    return tuple(sorted(merged.values(), key=lambda found: -found.count))
