"""When a dataset's turn at a target is: for its rows, for a look at all of them, to be removed."""

import random
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from publisher.errors import PASSING_CODES
from publisher.model.catalog import Catalog, CkanTarget
from publisher.model.run import Problem
from publisher.store import Attempt, Published

# In the place of a fingerprint
BEGUN, EMPTY, WITHDRAWN, REMOVED = "begun", "empty", "withdrawn", "removed"
SINCE = "withdrawn"  # when it was, in what is known of a target's copy
UNCOMPARED = "uncompared"  # why the rows could not be compared, in what is known of a target's copy
_FIRST_BACKOFF = 2.0
_SPREAD = 0.1  # of the reconcile period: what was new at the same time is not compared so

Differing = Literal["nothing", "rows", "facts"]
"""In what a target may differ: facts are all that is published besides rows."""


State = Literal["current", "behind", "failing", "held", "never", "withdrawn"]
"""``failing`` passes by itself and is tried again, ``held`` waits for a person; ``withdrawn``:
nobody but the target's editors sees it any more."""


class Pair(NamedTuple):
    dataset: str
    target: str


@dataclass(frozen=True, slots=True)
class _Failing:
    tries: int
    again: float
    """On the monotonic clock."""
    catalog: Catalog
    """As it was then."""


class Due:
    """Remembers what fails, and gives the seconds that each pair has to wait; at most 0: now."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._failing: dict[Pair, _Failing] = {}
        self._uncompared: dict[Pair, _Failing] = {}
        """Where a look at every row failed."""

    def failed(
        self,
        pair: Pair,
        catalog: Catalog,
        problem: Problem,
        after: float | None,
        *,
        thorough: bool,
    ) -> None:
        """Put off the next try, by *after* seconds at least.

        *thorough*: of a look at every row. Whether all else goes on, the next try tells.
        """
        failing = self._uncompared if thorough else self._failing
        tries = failing[pair].tries + 1 if pair in failing else 1
        wait = min(self._longest, _FIRST_BACKOFF * 2.0 ** min(tries - 1, 30))
        if problem.code not in PASSING_CODES:
            wait = self._longest
        wait = max(wait * random.uniform(0.5, 1), after or 0)  # noqa: S311 - no secret
        failing[pair] = _Failing(tries, time.monotonic() + wait, catalog)

    def succeeded(self, pair: Pair, *, thorough: bool) -> None:
        self._failing.pop(pair, None)
        if thorough:
            self._uncompared.pop(pair, None)

    def publication(
        self, pair: Pair, catalog: Catalog, state: Published | None, differs: Differing
    ) -> float:
        """Where nothing differs by what is known, it is the look at every row that is waited for.

        Only rows wait for the dataset's period: another fact may be a field that became personal.
        """
        held_off = _held_off(self._failing.get(pair), catalog)
        success = state.success if state else None
        if held_off or success is None or differs == "facts":
            return held_off
        if differs == "nothing":
            again = _held_off(self._uncompared.get(pair), catalog)
            return max(again, _until_compared(pair, catalog, success.remote))
        every = catalog.datasets[pair.dataset].publish.every
        return 0 if every is None else left(success.at + every)

    def removal(
        self, pair: Pair, catalog: Catalog, state: Published | None, *, looked: bool
    ) -> float:
        """Of a dataset that is not to be there: it is withdrawn now, and removed later.

        *looked*: since the process began, and since what had been asked before was settled, so
        that what was recorded can be believed.
        """
        success = state.success if state else None
        wait = _held_off(self._failing.get(pair), catalog)
        since = withdrawn_at(success)
        problem = state.attempt.problem if state else None
        if since is not None and problem is None:
            # What was given up before it was withdrawn may have come to pass since
            length = grace(catalog, pair.target) if looked else late(catalog, pair.target)
            wait = max(wait, left(since + length))
        return wait


def _held_off(failing: _Failing | None, catalog: Catalog) -> float:
    """Give the seconds to wait after a failure: none once the catalog is another."""
    if failing is None or failing.catalog is not catalog:
        return 0
    return max(0.0, failing.again - time.monotonic())


def is_there(state: Published | None) -> bool:
    """Tell whether, by what was recorded, something of the dataset is at the target."""
    success = state.success if state else None
    return success is not None and success.fingerprint != REMOVED


def can_reach(pair: Pair, catalog: Catalog) -> bool:
    """Tell whether the dataset's publisher may look at the target at all."""
    spec = catalog.targets[pair.target]
    publisher = catalog.datasets[pair.dataset].publisher
    return not isinstance(spec, CkanTarget) or publisher in spec.organizations


def expected(pair: Pair, catalog: Catalog, state: Published | None) -> bool:
    """Tell whether the dataset is to be at the target, or is there by what was recorded."""
    dataset = catalog.datasets.get(pair.dataset)
    return dataset is None or is_there(state) or pair.target in dataset.targets


def lingers(pair: Pair, catalog: Catalog, state: Published | None) -> bool:
    """Tell whether tables were published, perhaps, that the dataset has no longer."""
    success = state.success if state else None
    if success is not None and success.fingerprint == BEGUN:
        return True  # nobody knows
    stated = {resource.name for resource in catalog.datasets[pair.dataset].resources}
    return success is not None and not success.versions.keys() <= stated


def hides(pair: Pair, before: Catalog, now: Catalog) -> bool:
    """Tell whether something that was to be shown *before* is not to be shown *now*.

    A dataset file that is gone or cannot be read hides nothing.
    """
    if pair.dataset not in before.datasets or pair.dataset not in now.datasets:
        return False
    if pair.target not in before.datasets[pair.dataset].targets:
        return False
    if pair.target not in now.datasets[pair.dataset].targets:
        return True
    return not _shown(before, pair.dataset) <= _shown(now, pair.dataset)


def _shown(catalog: Catalog, dataset: str) -> set[tuple[str, str]]:
    return {
        (entry.ref.table, field.name)
        for entry in catalog.tables(dataset)
        for field in entry.shown_fields(None)
    }


def completed(state: Published | None) -> Attempt | None:
    """Give the newest publication, or withdrawal, that came to its end."""
    success = state.success if state else None
    return None if success is None or success.fingerprint == BEGUN else success


def withdrawn_at(success: Attempt | None) -> datetime | None:
    """Give when a dataset that is withdrawn now was; what was recorded since changes nothing."""
    if success is None or success.fingerprint != WITHDRAWN:
        return None
    since = success.remote.get(SINCE)
    return success.at if since is None else datetime.fromisoformat(since)


def standing(state: Published | None, versions: Mapping[str, int]) -> State:
    """Tell how a dataset stands at a target, where its tables have these *versions*."""
    problem = state.attempt.problem if state else None
    if problem is not None:
        return "failing" if problem.code in PASSING_CODES else "held"
    last = completed(state)
    if last is None or last.fingerprint == REMOVED:
        return "never"
    if last.fingerprint == WITHDRAWN:
        return "withdrawn"
    return "current" if last.versions == versions else "behind"


def lasting(problem: Problem) -> Problem:
    """Give the problem without what differs at every try."""
    params = {name: value for name, value in problem.params.items() if name != "seconds"}
    return Problem(problem.code, params)


def grace(catalog: Catalog, target: str) -> timedelta:
    """Give for how long a withdrawn dataset stays at the target."""
    spec = catalog.targets[target]
    return spec.grace if isinstance(spec, CkanTarget) else timedelta(0)


def late(catalog: Catalog, target: str) -> timedelta:
    """Give for how long what was given up there may still be carried out."""
    spec = catalog.targets[target]
    return spec.late if isinstance(spec, CkanTarget) else timedelta(0)


def left(until: datetime) -> float:
    """Give the seconds from now."""
    return (until - datetime.now(UTC)) / timedelta(seconds=1)


def _until_compared(pair: Pair, catalog: Catalog, remote: Mapping[str, Any]) -> float:
    spec = catalog.targets[pair.target]
    if not isinstance(spec, CkanTarget):
        return float("inf")
    if "compared" not in remote:
        return 0
    share = zlib.crc32("/".join(pair).encode()) / 0xFFFFFFFF
    return left(datetime.fromisoformat(remote["compared"]) + spec.reconcile * (1 - _SPREAD * share))
