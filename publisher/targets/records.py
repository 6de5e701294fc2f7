"""What is written down of each try at a target, for the next try and for whoever asks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from publisher.engine import Engine
from publisher.model.run import Problem
from publisher.store import Published, Store
from publisher.targets.base import Receipt
from publisher.targets.due import SINCE, UNCOMPARED, WITHDRAWN, Pair, lasting

log = structlog.get_logger(__name__)

_COMPARED = ("compared", "found")
_MOST_FOUND = 20


class Records:
    def __init__(self, engine: Engine, store: Store) -> None:
        self._engine = engine
        self._store = store

    async def known(self, pair: Pair) -> Published | None:
        return await self._engine.run(
            lambda con: self._store.published(con, pair.dataset, pair.target), lane="query"
        )

    async def write(
        self,
        pair: Pair,
        versions: Mapping[str, int],
        mark: str,
        remote: Mapping[str, Any],
        problem: Problem | None = None,
    ) -> None:
        """Write down one try; *mark* is of all that was published besides rows."""
        await self._engine.run(
            lambda con: self._store.record_published(
                con,
                pair.dataset,
                pair.target,
                versions=versions,
                fingerprint=mark,
                remote=remote,
                problem=problem,
            )
        )

    async def published(
        self,
        pair: Pair,
        versions: Mapping[str, int],
        mark: str,
        receipt: Receipt,
        known: Published | None,
        *,
        compares: bool,
        thorough: bool,
    ) -> None:
        """Write down a success, if it tells anything new.

        *compares*: the target's rows are looked at now and then; *thorough*: they were just now.
        """
        last = known.attempt if known else None
        before = known.success.remote if known and known.success else {}
        now = datetime.now(UTC).isoformat()
        remote = {
            **receipt.remote,
            **({"notices": [_told(it) for it in receipt.notices]} if receipt.notices else {}),
            **{name: before[name] for name in _COMPARED if name in before},
        }
        if thorough:
            found = [change.what for change in receipt.changes]
            remote |= {"compared": now, "found": found[:_MOST_FOUND]}
        elif last is not None and UNCOMPARED in last.remote:
            remote[UNCOMPARED] = last.remote[UNCOMPARED]
        if compares:
            remote.setdefault("compared", now)
        if (
            receipt.changes
            or last is None
            or last.problem is not None
            or (last.versions, last.fingerprint, last.remote) != (versions, mark, remote)
        ):
            await self.write(pair, versions, mark, remote)
        if receipt.changes:
            log.info("published", dataset=pair.dataset, target=pair.target, **versions)
        if thorough and receipt.changes:
            log.warning(
                "put right what was found to differ",
                dataset=pair.dataset,
                target=pair.target,
                found=found,
            )

    async def taken_back(
        self, pair: Pair, mark: str, remote: Mapping[str, Any], since: datetime | None = None
    ) -> None:
        """Write down that a dataset was withdrawn or removed, *since* when if not just now."""
        about = {name: value for name, value in remote.items() if name != SINCE}
        if mark == WITHDRAWN:
            about[SINCE] = (since or datetime.now(UTC)).isoformat()
        await self.write(pair, {}, mark, about)
        if since is None:
            log.info(mark, dataset=pair.dataset, target=pair.target)

    async def failed(self, pair: Pair, problem: Problem, *, thorough: bool) -> None:
        """Write down what is new about a failure, and log the first alone."""
        known = await self.known(pair)
        last = known.attempt if known else None
        before = last.problem if last else None
        if before is None:
            log.warning("target fails", dataset=pair.dataset, target=pair.target, code=problem.code)
        stood = last.remote if last else {}
        remote = {**stood, UNCOMPARED: _told(lasting(problem))} if thorough else stood
        if before is None or lasting(before) != lasting(problem) or remote != stood:
            await self.write(
                pair,
                last.versions if last else {},
                last.fingerprint if last else "",
                remote,
                problem,
            )


def _told(problem: Problem) -> list[Any]:
    return [problem.code, dict(problem.params)]
