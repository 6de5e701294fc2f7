"""How a dataset stands at each of its targets."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from publisher.model.base import Model
from publisher.model.run import Problem
from publisher.operations.base import Context, Told

if TYPE_CHECKING:
    from publisher.app import Service
    from publisher.model.dataset import Dataset
    from publisher.store import Published


class ProgressStatus(Model):
    rows: int
    """Sent so far; those that are there already are not sent."""
    total: int
    """Of the dataset as it is to be there."""
    seconds: float


class TargetStatus(Model):
    target: str
    state: Literal["current", "behind", "failing", "held", "never", "withdrawn"]
    """``failing`` passes by itself and is tried again, ``held`` waits for a person;
    ``withdrawn``: nobody but the target's editors sees it any more."""
    versions: Mapping[str, int]
    """Of each table, as the target holds it."""
    published_at: datetime | None
    problem: Told | None
    notices: tuple[Told, ...] = ()
    """What the target does not take; all else is there."""
    url: str | None = None
    """Its page there."""
    compared_at: datetime | None = None
    """When every row was last compared with the store's."""
    found: tuple[str, ...] = ()
    """What differed then, and was put right."""
    removed_at: datetime | None = None
    """When a withdrawn dataset will be removed."""
    progress: ProgressStatus | None = None
    """Of a publication under way; known to the process that serves only."""
    rows_per_second: float | None = None
    """Sent to the target since that process began."""


def target_states(
    service: "Service",
    dataset: "Dataset",
    publications: Mapping[tuple[str, str], "Published"],
    versions: Mapping[str, int],
    context: Context,
) -> tuple[TargetStatus, ...]:
    """Give them for the targets that are named, and for those it has not left yet."""
    from publisher.targets.due import REMOVED  # noqa: PLC0415 - loaded where a service is

    leaving = [
        target
        for (name, target), state in publications.items()
        if name == dataset.name
        and target not in dataset.targets
        and target in service.catalog.targets
        and state.success is not None
        and state.success.fingerprint != REMOVED
    ]
    return tuple(
        _target(service, (dataset.name, target), publications, versions, context)
        for target in (*dataset.targets, *sorted(leaving))
    )


def _target(
    service: "Service",
    place: tuple[str, str],
    publications: Mapping[tuple[str, str], "Published"],
    versions: Mapping[str, int],
    context: Context,
) -> TargetStatus:
    from publisher.targets.due import (  # noqa: PLC0415 - as above
        UNCOMPARED,
        WITHDRAWN,
        Pair,
        completed,
        grace,
        standing,
    )

    dataset, target = place
    known = publications.get(place)
    success = completed(known)
    problem = known.attempt.problem if known else None
    withdrawn = success is not None and success.fingerprint == WITHDRAWN
    remote: Mapping[str, Any] = success.remote if success else {}
    compared = remote.get("compared")
    told = [*remote.get("notices", ()), *filter(None, [remote.get(UNCOMPARED)])]
    progress = service.outbox.progress.get(Pair(dataset, target))
    tally = service.outbox.tallies.get(target)
    return TargetStatus(
        target=target,
        state=standing(known, versions),
        versions=dict(success.versions) if success else {},
        published_at=success.at if success else None,
        problem=context.told(problem) if problem else None,
        notices=tuple(context.told(Problem(*it)) for it in told),
        url=remote.get("url"),
        compared_at=datetime.fromisoformat(compared) if compared else None,
        found=tuple(remote.get("found", ())),
        removed_at=success.at + grace(service.catalog, target) if success and withdrawn else None,
        progress=ProgressStatus(
            rows=progress.rows, total=progress.total, seconds=round(progress.seconds, 1)
        )
        if progress
        else None,
        rows_per_second=round(tally.rows / tally.seconds, 1) if tally and tally.seconds else None,
    )
