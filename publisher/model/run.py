"""Deliveries, runs and their counts: what the ledger keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from publisher.errors import PublisherError
from publisher.model.values import TableRef

Outcome = Literal["committed", "unchanged", "held", "failed"]
ROWS_NAMED = 10
"""Of a rule broken in a field: how many rows are named."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a source handed over at once, durable in the landing."""

    id: str
    """Sorts by time of landing; unique."""
    ref: TableRef
    origin: str
    """The file's path or the URL without secrets: one stream of successive contents."""
    sha256: str
    size: int
    """Bytes, as landed."""
    landed_at: datetime
    modified_at: datetime | None = None
    media_type: str | None = None
    charset: str | None = None
    cursor: Mapping[str, Any] = field(default_factory=dict)
    """What the source needs to ask for news only: etag, last_modified, mtime_ns, ..."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The last delivery of one origin that was settled, and how."""

    delivery: str
    sha256: str
    view: str
    """``TableEntry.judged_under`` as it was then."""
    outcome: Outcome
    cursor: Mapping[str, Any]
    rejection: "Rejection | None" = None
    version: int = 0
    """The table's when these bytes were settled for the first time: their place in the order."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of a run. ``read`` = new + corrected + unchanged + superseded + quarantined."""

    read: int = 0
    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    """The same as the current row, or older than it by the ``modified`` field."""
    removed: int = 0
    quarantined: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.read + other.read,
            self.new + other.new,
            self.corrected + other.corrected,
            self.unchanged + other.unchanged,
            self.removed + other.removed,
            self.quarantined + other.quarantined,
        )

    @property
    def changed(self) -> bool:
        return bool(self.new or self.corrected or self.removed)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something failed, by the code and parameters of ``publisher.messages``."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    """``origin`` is the file or URL that it is about, where it is about one."""

    @classmethod
    def of(cls, error: PublisherError, **about: Any) -> "Problem":
        return cls(error.code, {**error.params, **about})

    @property
    def parts(self) -> tuple["Problem", ...]:
        """The problems that this one tells together; none where it is a single one."""
        parts = self.params.get("problems")
        if not isinstance(parts, list):
            return ()
        return tuple(Problem(part["code"], part["params"]) for part in parts)

    def descriptor(self) -> dict[str, Any]:
        """Give it as a part of another one's parameters."""
        return {"code": self.code, "params": dict(self.params)}


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule was broken in one field; ``rows`` are the first `ROWS_NAMED` numbers."""

    rule: str
    field: str | None
    count: int
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """One error of one row. It may quote a cell: never leaves by the API."""

    row: int
    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a delivery was held or failed as a whole; its rows are not in quarantine."""

    problem: Problem
    findings: tuple[RuleCount, ...] = ()
    examples: tuple[Example, ...] = ()
    """A few of each rule and field, by row number."""


@dataclass(frozen=True, slots=True)
class Run:
    """One line of the run ledger."""

    id: str
    ref: TableRef
    trigger: Literal["command", "schedule", "release", "reference"]
    started_at: datetime
    outcome: Outcome | Literal["running", "interrupted"]
    finished_at: datetime | None = None
    version: int | None = None
    """The table's version after the run, None where it has none yet."""
    rows: Counts = Counts()
    seconds: float | None = None
    problem: Problem | None = None
    findings: tuple[RuleCount, ...] = ()
    """Of the quarantined or held rows, by rule and field; never a cell."""
    notes: tuple[Problem, ...] = ()
    """What was noticed and did no harm: columns not used, an encoding's odd mark, ..."""
    deliveries: tuple[str, ...] = ()
