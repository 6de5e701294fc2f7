"""What a profile hands to the target, and what comes of comparing it with the site's."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from publisher.model.run import Problem
from publisher.targets.base import Difference
from publisher.targets.ckan.metadata.site import Site
from publisher.targets.facts import DatasetFacts


@dataclass(frozen=True, slots=True)
class WantedResource:
    name: str
    """``observations`` for a table's own, ``observations.parquet`` for what leads to more."""
    id: str
    table: str | None
    """Whose rows it holds."""
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    package: Mapping[str, Any]
    """Its own fields, without resources."""
    resources: tuple[WantedResource, ...]
    """In their order."""
    former: tuple[str, ...] = ()
    """Ids that resources of ours have had, or may have, and that are not wanted now."""
    notices: tuple[Problem, ...] = ()
    """What the site cannot take, and is there without."""


@dataclass(frozen=True, slots=True)
class Changes:
    differences: tuple[Difference, ...] = ()
    revision: Mapping[str, Any] = field(default_factory=dict)
    """What ``package_revise`` takes, beside ``match``; empty: nothing to do."""
    gone: tuple[str, ...] = ()
    """Resources of ours that are to go."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a dataset goes, and what it is marked with there."""

    installation: str
    organization: str
    """Its name at the site."""
    resource_id: Callable[[str], str]
    """Gives a resource's id by its name."""
    site: Site
    mqa: str
    """The score of the metadata."""


class Profile(Protocol):
    """What a kind of site calls things."""

    def check(self, facts: DatasetFacts) -> None:
        """Raise TargetError ``ckan-profile`` naming each rule of the site that is broken."""

    def wanted(self, facts: DatasetFacts, to: Destination) -> Wanted:
        """Say what is to be there."""

    def changes(
        self, wanted: Wanted, package: Mapping[str, Any], *, keep: Collection[str]
    ) -> Changes:
        """Compare with what ``package_show`` gives; nothing once the revision was made."""
