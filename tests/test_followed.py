"""A commit is followed before anyone is told of it, and nobody is told of half of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from storing import Desk, entry, opened

from publisher.model.table import TableState

RIVER = entry()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened(tmp_path) as found:
        found.commit(RIVER, [line(1)])
        yield found


def line(level: float) -> tuple[Any, ...]:
    known = {"station": "A", "observed_at": datetime(2026, 1, 1), "level": level}
    return tuple(known.get(field.name) for field in RIVER.schema.fields)


def told(desk: Desk) -> set[int]:
    """Give the newest version by every way that it is told."""
    store, con, ref = desk.store, desk.con, RIVER.ref
    state = store.state(con, ref)
    assert state is not None
    return {
        state.version,
        store.newest_versions(con)[ref],
        store.states(con)[ref].version,
        store.version_at(con, ref, datetime.now(UTC)),
        store.versions_after(con, ref, 0, most=10)[-1].version,
    }


def test_a_version_is_told_once_it_was_followed(desk: Desk) -> None:
    seen = []

    def follower(_: Any, before: TableState, after: TableState) -> None:
        seen.append((before.version, after.version, told(desk), desk.store.moment))

    assert told(desk) == {1}
    with desk.store.followed(follower):
        desk.commit(RIVER, [line(2)])
    [(before, after, meanwhile, moment)] = seen
    assert (before, after, meanwhile) == (1, 2, {1})
    assert told(desk) == {2}
    assert desk.store.moment is not moment  # what was read meanwhile is not kept
    desk.commit(RIVER, [line(3)])
    assert len(seen) == 1


def test_a_commit_that_changes_nothing_is_not_followed(desk: Desk) -> None:
    state = desk.store.state(desk.con, RIVER.ref)
    with desk.store.followed(lambda *_: pytest.fail("there is nothing to follow")):
        desk.commit(RIVER, [line(1)])
    assert desk.store.known_state(RIVER.ref) is state


def test_what_cannot_be_followed_is_committed(desk: Desk) -> None:
    assert told(desk) == {1}
    with desk.store.followed(lambda *_: 1 / 0):  # type: ignore[arg-type, return-value]
        assert desk.commit(RIVER, [line(2)]).version == 2
    assert told(desk) == {2}
