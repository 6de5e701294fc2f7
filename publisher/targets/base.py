"""What a target is, and what comes of publishing to one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from publisher.model.run import Problem
from publisher.secrets import Secrets
from publisher.settings import Settings
from publisher.targets.extents import Extents
from publisher.targets.facts import Links
from publisher.targets.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class TargetContext:
    """What targets are opened with."""

    settings: Settings
    secrets: Secrets
    installation: str
    """Marks what this installation published, so that it never touches another's."""
    links: Links
    extents: Extents


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a target differs from what is to be published there."""

    what: str
    """Where it is: ``package``, ``package.title``, ``observations.rows``, ..."""
    before: Any
    """What the target holds; None where it holds nothing."""
    after: Any
    """What is to be there; None where it is to go."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a target did, or with a dry run would have done; no changes: it was up to date."""

    changes: tuple[Difference, ...] = ()
    remote: Mapping[str, Any] = field(default_factory=dict)
    """What the target must know to find its copy again (a CKAN id, ...); JSON values."""
    notices: tuple[Problem, ...] = ()
    """What the target does not take and the rest is there without."""


class Watch(Protocol):
    """Is told how far a publication is."""

    def sent(self, table: str, rows: int) -> None:
        """So many more *rows* of the table have arrived."""


class Target(Protocol):
    """A catalog that datasets are pushed to.

    Each method compares before it writes, so that a repeat changes nothing. They raise
    TargetError, and TargetUnavailableError where a later try may help.
    """

    async def publish(
        self,
        snapshot: Snapshot,
        remote: Mapping[str, Any],
        *,
        dry_run: bool,
        thorough: bool,
        watch: Watch,
    ) -> Receipt:
        """Bring the copy up to date; *thorough*: compare the rows themselves as well."""

    async def withdraw(self, dataset: str, remote: Mapping[str, Any], *, dry_run: bool) -> Receipt:
        """Hide the copy from everybody but its editors, or take it away where none can be."""

    async def remove(self, dataset: str, remote: Mapping[str, Any]) -> Receipt:
        """Take away a copy that was withdrawn."""

    async def close(self) -> None: ...


PublishOutcome = Literal["published", "unchanged", "different", "failed", "withdrawn"]


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What came of bringing one target up to date for one dataset."""

    dataset: str
    target: str
    outcome: PublishOutcome
    """``different``: of a dry run that found changes to make."""
    versions: Mapping[str, int] = field(default_factory=dict)
    """Of each table, as they are at the target now (with a dry run: would be)."""
    changes: tuple[Difference, ...] = ()
    problem: Problem | None = None
    """Why it failed, or why an unchanged one holds nothing."""
    notices: tuple[Problem, ...] = ()
    """What the target does not take and the rest is there without."""
