"""How far publications are, and what a process has sent to each target since it began."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """One dataset on its way to one target: told by the target, read by whoever asks."""

    total: int
    """Rows of the dataset as it is to be there; only those that differ are sent."""
    told: Callable[[int], None] | None = None
    """Is told the rows that have arrived so far."""
    rows: int = 0
    began: float = field(default_factory=time.monotonic)

    def sent(self, table: str, rows: int) -> None:
        del table
        self.rows += rows
        if self.told is not None:
            self.told(self.rows)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


@dataclass(slots=True)
class Tally:
    """What came of one target's publications."""

    rows: int = 0
    """Sent."""
    seconds: float = 0
    """In which rows were sent."""
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    """Failures by their code."""

    def add(self, outcome: str, problem: str | None, progress: Progress) -> None:
        self.outcomes[outcome] += 1
        if problem is not None:
            self.problems[problem] += 1
        if progress.rows:
            self.rows += progress.rows
            self.seconds += progress.seconds
