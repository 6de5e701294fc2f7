"""The newest row of each entity is the one that a plain reading of all rows finds.

Random deliveries correct and replace each other over several versions. What the store keeps at
hand, what is worked out from all rows, and Python must agree.
"""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scale
from storing import Desk, entry, opened

from publisher.errors import ParameterError
from publisher.model.catalog import TableEntry
from publisher.query import Signer, fetch, next_pairs, prepare

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIGNER = Signer(b"a key for tests")
FIELDS = ["station", "sensor", "at", "quality"]
SCHEMA: dict[str, Any] = {
    "name": "any",
    "version": "1.0.0",
    "fields": [
        {"name": "station", "role": "entity"},
        {"name": "sensor", "type": "integer"},
        {"name": "at", "type": "datetime", "role": "time"},
        {"name": "quality", "type": "integer", "role": "quality"},
    ],
    "primaryKey": ["station", "sensor", "at"],
}
TIMES = [datetime(2026, 1, 1, hour) for hour in range(6)]
deliveries = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.integers(1, 2),
            st.sampled_from(TIMES),
            st.none() | st.integers(0, 2),
        ),
        max_size=8,
        unique_by=lambda row: row[:3],
    ),
    min_size=1,
    max_size=4,
)
_tables = itertools.count()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened(tmp_path_factory.mktemp("latest")) as found:
        yield found


def asked(desk: Desk, table: TableEntry, *pairs: tuple[str, str]) -> list[tuple[Any, ...]]:
    """Follow all pages, two rows each."""
    found: list[tuple[Any, ...]] = []
    wanted = [*pairs, ("limit", "2")]
    while True:
        ready = prepare(desk.con, desk.store, table, wanted, signer=SIGNER, now=NOW, kind="latest")
        page = fetch(desk.con, desk.store, ready, form="json", signer=SIGNER)
        found += [row[:4] for row in page.rows]
        if page.cursor is None:
            return found
        wanted = next_pairs(wanted, ready, page.cursor)


def shown(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row[:2], f"{row[2].isoformat()}Z", row[3])


@settings(max_examples=scale(20, 1_000), suppress_health_check=[HealthCheck.too_slow])
@given(
    deliveries=deliveries,
    by=st.sampled_from([None, ["station"], ["station", "sensor"], ["quality"]]),
    conditions=st.lists(
        st.sampled_from(
            [("quality", "1"), ("station__in", "a,b"), ("time", "../2026-01-01T03:00Z")]
        ),
        unique=True,
    ),
)
def test_the_newest_of_each_is_the_one_in_all_rows(desk: Desk, deliveries, by, conditions):
    table = entry(SCHEMA, name=f"l{next(_tables)}")
    held: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    stored: list[list[tuple[Any, ...]]] = [[]]
    for rows in deliveries:
        before = dict(held)
        for row in rows:
            key = row[:3]
            # Stored last counts among equal times: a corrected row is a new one
            if held.get(key) != row:
                held.pop(key, None)
                held[key] = row
        if held != before or len(stored) == 1:
            stored.append(list(held.values()))
        desk.commit(table, rows)
    tests = {
        "quality": lambda row: row[3] == 1,
        "station__in": lambda row: row[0] in {"a", "b"},
        "time": lambda row: row[2] < TIMES[3],
    }
    names = by or ["station"]
    pairs = [*conditions, *([("by", ",".join(by))] if by else [])]
    newest = desk.store.newest_versions(desk.con).get(table.ref, 0)
    for version, rows in enumerate(stored[: newest + 1]):
        groups: dict[tuple[Any, ...], datetime] = {}
        for row in rows:
            if all(tests[name](row) for name, _ in conditions):
                group = tuple(row[FIELDS.index(name)] for name in names)
                groups[group] = max(row[2], groups.get(group, row[2]))
        found = asked(desk, table, *pairs, ("version", str(version)))
        at = {tuple(row[FIELDS.index(name)] for name in names): row[2] for row in found}
        assert at == {group: f"{when.isoformat()}Z" for group, when in groups.items()}
        assert len(found) == len(groups)
        assert {*found} <= {shown(row) for row in rows}
    assert asked(desk, table, *pairs) == found


def test_of_equal_times_the_one_stored_last_is_the_latest(desk: Desk):
    table = entry(SCHEMA, name="ties")
    desk.commit(table, [("a", 1, TIMES[0], 0), ("a", 2, TIMES[0], 0)])
    desk.commit(table, [("a", 1, TIMES[0], 1)])
    for pairs in ([], [("version", "2")], [("quality__lt", "5")]):
        assert asked(desk, table, *pairs) == [shown(("a", 1, TIMES[0], 1))]


def test_a_table_without_a_time_has_no_latest_rows(desk: Desk):
    fields = [{"name": "station", "role": "entity"}]
    table = entry({"name": "flat", "version": "1.0.0", "fields": fields}, name="timeless")
    with pytest.raises(ParameterError) as caught:
        asked(desk, table)
    assert caught.value.code == "latest-without-time"


def test_what_is_not_taken_is_told(desk: Desk):
    table = entry(SCHEMA, name="told")
    for pair, code in (
        (("by", "statoin"), "unknown-field-near"),
        (("by", "station,station"), "name-twice"),
        (("every", "PT1H"), "unknown-parameter"),
    ):
        with pytest.raises(ParameterError) as caught:
            asked(desk, table, pair)
        assert caught.value.code == code
