"""Whatever is committed in whatever mode: every version answers as a plain model of it does."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scale
from storing import DUCKLAKE, Desk, entry, opened

from publisher.errors import HeldError
from publisher.model.catalog import TableEntry
from publisher.model.run import Counts
from publisher.store import layout

START = datetime.fromisoformat("2026-01-31T23:00")
FIELDS: list[dict[str, Any]] = [
    {"name": "station", "type": "string", "role": "entity"},
    {"name": "seen.at", "type": "datetime", "role": "time"},
    {"name": "level", "type": "number"},
    {"name": "changed", "type": "integer"},
]
EXAMPLES = scale(4, 50) if DUCKLAKE else scale(60, 1000)
serial = count()

Row = tuple[str | None, datetime | None, float | None, int | None]
times = st.integers(0, 3).map(lambda hours: START + timedelta(hours=hours))
levels = st.sampled_from([None, 0.0, 1.0, 1.0000000000000002])
changes = st.sampled_from([None, 1, 2])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened(tmp_path_factory.mktemp("store")) as desk:
        yield desk


def schema(*, key: bool, modified: bool) -> dict[str, Any]:
    fields = [dict(item) for item in FIELDS]
    if modified:
        fields[3]["role"] = "modified"
    found: dict[str, Any] = {"name": "levels", "version": "1.0.0", "fields": fields}
    if key:
        found["primaryKey"] = ["station", "seen.at"]
    return found


def fresh(base: dict[str, Any], mode: str, table: str, shrink: float) -> TableEntry:
    return entry(base, table=table, mode=mode, maxShrink=shrink)


@st.composite
def keyed_rows(draw: st.DrawFn) -> list[Row]:
    stations = st.sampled_from(["a", "b", None])  # a null in a key equals a null
    keys = draw(st.lists(st.tuples(stations, times), unique=True, max_size=6))
    return [(*key, draw(levels), draw(changes)) for key in keys]


loose_rows = st.lists(
    st.tuples(st.sampled_from("ab"), st.none() | times, levels, changes), max_size=6
)
shrinks = st.sampled_from([0.5, 1.0])


@dataclass
class Model:
    """A keyed table's versions as plain Python."""

    modified: bool
    versions: list[dict[tuple[Any, ...], tuple[Row, int]]] = field(default_factory=list)

    def expect(self, mode: str, rows: list[Row], shrink: float) -> Counts | None:
        """Take the rows in; None where the commit is to be held."""
        now = dict(self.versions[-1]) if self.versions else {}
        before, version = len(now), len(self.versions) + 1
        new = corrected = 0
        for row in rows:
            known = now.get(row[:2])
            if known is None:
                new += 1
            elif known[0] == row or self._older(row, known[0]):
                continue
            else:
                corrected += 1
            now[row[:2]] = (row, version)
        gone = set(now) - {row[:2] for row in rows} if mode == "replace" else set()
        if before and len(gone) / before > shrink:
            return None
        counts = Counts(len(rows), new, corrected, len(rows) - new - corrected, len(gone))
        if counts.changed or not self.versions:
            self.versions.append({key: row for key, row in now.items() if key not in gone})
        return counts

    def _older(self, row: Row, known: Row) -> bool:
        return self.modified and row[3] is not None and known[3] is not None and row[3] < known[3]


def check_latest(desk: Desk, of: TableEntry, stored: list[tuple[Any, ...]]) -> None:
    newest: dict[str, tuple[Any, ...]] = {}
    for row in stored:
        if row[1] is None:
            continue
        known = newest.get(row[0])
        if known is None or (row[1], row[5]) > (known[1], known[5]):
            newest[row[0]] = row
    found = desk.con.execute(f"SELECT * FROM {layout.latest(of.ref)}").fetchall()
    assert sorted(found, key=repr) == sorted(newest.values(), key=repr)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    commits=st.lists(
        st.tuples(st.sampled_from(["merge", "replace"]), keyed_rows(), shrinks), max_size=5
    ),
    modified=st.booleans(),
)
def test_every_version_of_a_keyed_table_equals_the_model(
    desk: Desk, commits: list[tuple[str, list[Row], float]], *, modified: bool
) -> None:
    base, table = schema(key=True, modified=modified), f"keyed{next(serial)}"
    model = Model(modified)
    instants = []
    for mode, rows, shrink in commits:
        of = fresh(base, mode, table, shrink)
        before = desk.store.state(desk.con, of.ref)
        expected = model.expect(mode, rows, shrink)
        if expected is None:
            with pytest.raises(HeldError) as held:
                desk.commit(of, rows)
            assert held.value.code == "shrunk"
            assert desk.store.state(desk.con, of.ref) == before
            continue
        committed = desk.commit(of, rows)
        assert committed.counts == expected
        assert committed.version == len(model.versions)
        state = desk.store.state(desk.con, of.ref)
        assert state is not None
        assert (state.version, state.rows) == (len(model.versions), len(model.versions[-1]))
        if committed.changed:
            instants.append(state.committed_at)
    assert instants == sorted(set(instants))
    for version, content in enumerate(model.versions, 1):
        stored = desk.rows(of.ref, version)
        assert sorted((row[:5] for row in stored), key=repr) == sorted(
            ((*row, since) for row, since in content.values()), key=repr
        )
        assert len({row[5] for row in stored}) == len(stored)
        assert desk.store.version_at(desk.con, of.ref, instants[version - 1]) == version
    if model.versions:
        check_latest(desk, of, stored)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    commits=st.lists(
        st.tuples(st.sampled_from(["append", "merge", "replace"]), loose_rows, shrinks),
        max_size=5,
    )
)
def test_every_version_of_a_table_without_key_equals_the_model(
    desk: Desk, commits: list[tuple[str, list[Row], float]]
) -> None:
    base, table = schema(key=False, modified=False), f"loose{next(serial)}"
    versions: list[Counter[Row]] = []
    for mode, rows, shrink in commits:
        of = fresh(base, mode, table, shrink)
        before = versions[-1] if versions else Counter[Row]()
        offered = Counter(rows)
        arriving = offered if mode == "append" else offered - before
        leaving = before - offered if mode == "replace" else Counter[Row]()
        if before and (leaving.total() - arriving.total()) / before.total() > shrink:
            with pytest.raises(HeldError):
                desk.commit(of, rows)
            continue
        committed = desk.commit(of, rows)
        assert (committed.counts.new, committed.counts.removed) == (
            arriving.total(),
            leaving.total(),
        )
        assert committed.counts.unchanged == len(rows) - arriving.total()
        if committed.changed:
            versions.append(before - leaving + arriving)
    for version, content in enumerate(versions, 1):
        stored = desk.rows(of.ref, version)
        assert Counter(row[:4] for row in stored) == content
        assert len({row[5] for row in stored}) == len(stored)
    if versions:
        check_latest(desk, of, stored)
