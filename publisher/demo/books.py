"""What the store must hold if the service does its work: kept by the simulated departments."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from publisher.model.run import Counts, Outcome
from publisher.model.values import TableRef

_NONE = Counts()

Key = tuple[object, ...]
Values = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """What must come of one harvest."""

    ref: TableRef
    outcome: Outcome
    rows: Counts = _NONE
    code: str | None = None
    """Of the problem, where the harvest must fail or be held."""


@dataclass
class Books:
    """One table, as it must be after the deliveries so far."""

    ref: TableRef
    fields: tuple[str, ...]
    """The schema's names of what ``rows`` holds: first the key's, then the values'."""
    rows: dict[Key, Values] = field(default_factory=dict)
    quarantined: int = 0

    def enter(self, rows: Mapping[Key, Values], *, bad: int = 0) -> Expected:
        """Take over a delivery's good *rows*; *bad* of them more must be refused."""
        new = sum(key not in self.rows for key in rows)
        corrected = sum(key in self.rows and self.rows[key] != rows[key] for key in rows)
        self.rows.update(rows)
        self.quarantined += bad
        counts = Counts(
            read=len(rows) + bad,
            new=new,
            corrected=corrected,
            unchanged=len(rows) - new - corrected,
            quarantined=bad,
        )
        changed = new or corrected or bad
        return Expected(self.ref, "committed" if changed else "unchanged", counts)

    def release(self, rows: Mapping[Key, Values]) -> None:
        """Take over rows that were refused before and are good now."""
        self.rows.update(rows)
        self.quarantined -= len(rows)


def no_books(dataset: str, table: str, *fields: str) -> Callable[[], Books]:
    """Give what makes the books of a table before its first delivery."""
    return lambda: Books(TableRef(dataset, table), fields)


def noise(seed: int, *about: object) -> float:
    """Give a number from 0 to 1 that is always the same for the same seed and subject."""
    return random.Random("/".join(map(str, (seed, *about)))).random()  # noqa: S311 - no secret


def csv_lines(rows: Iterable[Iterable[object]], delimiter: str) -> str:
    """Write rows none of whose cells needs a quote, with CRLF as department systems do."""
    return "".join(delimiter.join(map(str, row)) + "\r\n" for row in rows)
