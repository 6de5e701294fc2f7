"""Row deltas: what changed between two versions makes a copy of the one a copy of the other."""

import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from answering import Site, answering, river_store
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scale
from storing import Desk, entry, opened

from publisher.query import Signer, fetch, json_rows, next_pairs, prepare

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIGNER = Signer(b"a key for tests")
FIELDS = [
    {"name": "station", "role": "entity"},
    {"name": "at", "type": "datetime", "role": "time"},
    {"name": "level", "type": "integer"},
    {"name": "who", "personal": True},
]
KEYED: dict[str, Any] = {
    "name": "any",
    "version": "1.0.0",
    "fields": FIELDS,
    "primaryKey": ["station", "at"],
}
KEYLESS = {"name": "any", "version": "1.0.0", "fields": FIELDS}
HIDDEN_KEY = {**KEYED, "primaryKey": ["station", "at", "who"]}
TIMES = [datetime(2026, 1, 1, hour) for hour in range(4)]
deliveries = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.sampled_from(TIMES),
            st.none() | st.integers(0, 2),
            st.just("Karen"),
        ),
        max_size=6,
        unique_by=lambda row: row[:2],
    ),
    min_size=1,
    max_size=5,
)
CONDITIONS = [
    "level=1",
    "level__gte=1",
    "station=a",
    "time=2026-01-01T01:00Z/..",
    "level__isnull=true",
]
_tables = itertools.count()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened(tmp_path_factory.mktemp("changed")) as found:
        yield found


def asked(desk: Desk, table: Any, *pairs: tuple[str, str]) -> list[dict[str, Any]]:
    """Follow all pages, three rows each."""
    found: list[dict[str, Any]] = []
    wanted = [*pairs, ("limit", "3")]
    while True:
        ready = prepare(desk.con, desk.store, table, wanted, signer=SIGNER, now=NOW)
        page = fetch(desk.con, desk.store, ready, form="json", signer=SIGNER)
        since = ready.query.since
        found += orjson.loads(orjson.dumps(json_rows(ready.shown, page.rows, since and since.key)))
        if page.cursor is None:
            return found
        wanted = next_pairs(wanted, ready, page.cursor)


@settings(max_examples=scale(25, 1_000), suppress_health_check=[HealthCheck.too_slow])
@given(
    deliveries=deliveries,
    schema=st.sampled_from([KEYED, KEYLESS, HIDDEN_KEY]),
    mode=st.sampled_from(["merge", "replace"]),
    conditions=st.lists(st.sampled_from(CONDITIONS), unique=True, max_size=2),
    data=st.data(),
)
def test_a_copy_of_one_version_becomes_one_of_another(
    desk: Desk, deliveries, schema, mode, conditions, data
) -> None:
    mode = mode if "primaryKey" in schema else "replace"
    table = entry(schema, name=f"c{next(_tables)}", mode=mode, maxShrink="100%")
    for rows in deliveries:
        desk.commit(table, rows)
    newest = desk.store.newest_versions(desk.con).get(table.ref, 0)
    until = data.draw(st.integers(0, newest))
    since = data.draw(st.integers(0, until))
    pairs = [tuple(it.split("=", 1)) for it in conditions]
    key = ("station", "at") if schema is KEYED else ("_row",)

    def whole(version: int) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Give the rows of a version by key; all of them came after version 0."""
        answer = asked(desk, table, *pairs, ("version", str(version)), ("changed_since", "0"))
        plain = asked(desk, table, *pairs, ("version", str(version)))
        stripped = [{name: it for name, it in row.items() if name != "_row"} for row in answer]
        assert sorted(map(str, stripped)) == sorted(map(str, plain))
        return {tuple(row[name] for name in key): row for row in answer}

    copy = whole(since)
    changes = asked(desk, table, *pairs, ("version", str(until)), ("changed_since", str(since)))
    places = [tuple(row[name] for name in key) for row in changes]
    assert len({*places}) == len(places)
    for place, row in zip(places, changes, strict=True):
        if row.pop("_deleted", False):
            assert {*row} == {*key}
            assert place in copy, "what never was there cannot go"
            del copy[place]
        else:
            assert copy.get(place) != row or schema is not KEYED or row in copy.values()
            copy[place] = row
    assert copy == whole(until)


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    with river_store(tmp_path) as store:
        async with answering(store, tmp_path / "data") as found:
            yield found


async def test_what_changed_in_every_format(site: Site) -> None:
    """Version 2 corrected A's first level and brought B."""
    rows = "datasets/river/levels/rows?changed_since=1&select=level"
    told = await site.get(rows)
    assert told["data"] == [
        {"station": "A", "seen_at": "2026-01-01T00:00:00Z", "level": 9.5},
        {"station": "B", "seen_at": "2026-02-01T00:00:00Z", "level": None},
    ]
    answer = await site.client.get(f"/v1/{rows}&f=csv")
    assert (await answer.text()).splitlines()[:2] == [
        "station,seen_at,level,_deleted",
        "A,2026-01-01T00:00:00Z,9.5,false",
    ]
    arrays = await site.get(f"{rows}&shape=arrays")
    assert arrays["fields"] == ["station", "seen_at", "level", "_deleted"]
    problem = await site.get("datasets/river/levels/rows?changed_since=3", status=404)
    assert problem["code"] == "unknown-version"
    problem = await site.get("datasets/river/levels/latest?changed_since=1", status=400)
    assert problem["code"] == "unknown-parameter"
