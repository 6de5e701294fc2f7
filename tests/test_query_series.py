"""Series kept in memory answer as the store does, whatever is committed between questions."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from answering import ROWS, Site, answering, river_store, row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scale
from storing import Desk, entry, opened

from publisher.model.catalog import TableEntry
from publisher.model.dataset import Resource
from publisher.query import (
    Page,
    Prepared,
    SeriesCache,
    Signer,
    fetch,
    json_rows,
    next_pairs,
    prepare,
)
from publisher.query.series import columns

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIGNER = Signer(b"a key for tests")
BORDER = datetime(2026, 2, 1)  # of two months
STATIONS, SENSORS = ["A", "å", "b, c"], [1, 300]
FIELDS: dict[str, dict[str, Any]] = {
    "station": {"type": "string", "role": "entity", "constraints": {"required": True}},
    "sensor": {"type": "integer", "role": "entity", "constraints": {"required": True}},
    "at": {"type": "datetime", "role": "time", "constraints": {"required": True}},
    "level": {"type": "number"},
    "whole": {"type": "integer"},
    "exact": {"type": "number", "decimal": "12,3"},
    "flag": {"type": "boolean"},
    "note": {"type": "string"},
    "day": {"type": "date"},
    "warden": {"type": "string", "personal": True},
}
MEASURES = ["*:count", "level:avg", "level:min", "level:count", "whole:sum", "whole:max"]
MEASURES += ["whole:avg", "level:sum", "exact:max", "level:median"]
TIMES = [BORDER + timedelta(hours=6 * n, microseconds=n % 2) for n in range(-5, 6)]
VALUES: dict[str, list[Any]] = {
    "level": [-0.0, 0.0, 1.5, 1e-300, 1 / 3, None],
    "whole": [0, -129, 40_000, 2**63 - 1, -(2**63), None],
    "exact": ["0.000", "-1.500", None],
    "flag": [True, False, None],
    "note": ["", "ø", "ø", 'q"', None],
    "day": ["2026-01-31", None],
    "warden": ["010203-1234"],
}
MEMBERS = {
    "station": st.sampled_from(STATIONS),
    "sensor": st.sampled_from(SENSORS),
    "at": st.sampled_from(TIMES),
    **{name: st.sampled_from(values) for name, values in VALUES.items()},
}
deliveries = st.lists(
    st.tuples(
        st.lists(st.tuples(*MEMBERS.values()), max_size=30, unique_by=lambda cells: cells[:3]),
        st.booleans(),
        st.integers(0, 2).map(bool),
    ),
    min_size=1,
    max_size=5,
)
"""Rows, whether the commit is followed, and whether anything is asked after it."""
_tables = itertools.count()


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]]]:
    """Give a kind and parameters, most of which a series answers."""
    kind = draw(st.sampled_from(["rows", "aggregate", "latest"]))
    pairs = []
    for name, values in {"station": STATIONS, "sensor": SENSORS}.items():
        if draw(st.integers(0, 9)) or kind != "latest":
            pairs.append((name, str(draw(st.sampled_from(values)))))
    if kind != "latest":
        ops = draw(st.sampled_from([("gte", "lt"), ("gt", "lte"), ("exact",), ("gte", "lte")]))
        pairs += [(f"at__{op}", f"{draw(st.sampled_from(TIMES)).isoformat()}Z") for op in ops]
    if kind == "aggregate":
        pairs.append(("every", draw(st.sampled_from(["PT6H", "PT15M", "PT24H", "PT7H", "P1D"]))))
        measures = draw(st.lists(st.sampled_from(MEASURES), min_size=1, max_size=4, unique=True))
        pairs.append(("agg", ",".join(measures)))
        pairs += draw(st.sampled_from([[], [("by", "station")], [("sort", "-bucket")]]))
    if kind == "rows":
        order = draw(st.sampled_from(["", "at", "-at", "sensor,-at", "-station,at", "level"]))
        pairs += [("sort", order)] if order else []
    pairs.append(("limit", str(draw(st.integers(1, 8)))))
    if draw(st.booleans()):
        pairs.append(("offset", str(draw(st.integers(0, 4)))))
    if draw(st.booleans()):
        pairs.append(("count", "exact"))
    if kind != "aggregate" and draw(st.booleans()):
        chosen = draw(st.lists(st.sampled_from(list(FIELDS)[:-1]), min_size=1, unique=True))
        pairs.append(("select", ",".join(chosen)))
    return kind, pairs


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened(tmp_path_factory.mktemp("series")) as found:
        yield found


def new_table(mode: str, interval: str | None = None) -> TableEntry:
    schema = {
        "name": "any",
        "version": "1.0.0",
        "fields": [{"name": name, **shape} for name, shape in FIELDS.items()],
        "primaryKey": ["station", "sensor", "at"],
    }
    made = entry(schema, name=f"t{next(_tables)}", mode=mode, maxShrink=1)
    stated = {**made.resource.model_dump(by_alias=True, exclude_unset=True), "interval": interval}
    return replace(made, resource=Resource.model_validate(stated)) if interval else made


def told(ready: Prepared, page: Page) -> Any:
    if not ready.exact:  # sums of floats may differ in their last digits
        rows = [[f"{it:.9g}" if isinstance(it, float) else it for it in row] for row in page.rows]
        cells = [row[: len(ready.query.select)] for row in rows]
        return cells, page.total, page.cursor is None
    return orjson.dumps(json_rows(ready.shown, page.rows)), page.total, page.cursor is None


@settings(
    max_examples=scale(25, 2_000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    most_rows=st.sampled_from([4, 50_000]),
    mode=st.sampled_from(["merge", "replace", "append"]),
    interval=st.sampled_from([None, "PT6H", "PT7M"]),
    delivered=deliveries,
    asked=st.lists(questions(), min_size=1, max_size=6),
    most=st.sampled_from([100_000_000, 3_000]),
)
def test_a_page_out_of_series_is_the_page_of_the_store(
    desk: Desk, most_rows, mode, interval, delivered, asked, most
):
    table, kept = new_table(mode, interval), SeriesCache(most, desk.store)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(columns, "MOST_TEXTS", most_rows)
        for rows, followed, seen in delivered:
            with desk.store.followed(kept.follow) if followed else nullcontext():
                desk.commit(table, rows)
            for kind, pairs in asked if seen else ():
                ask(desk, table, kept, kind, pairs)


def ask(
    desk: Desk, table: TableEntry, kept: SeriesCache, kind: Any, pairs: list[tuple[str, str]]
) -> None:
    """Compare a page by both ways, and those that follow it."""
    left: list[tuple[str, str]] | None = pairs
    while left is not None:
        ready = prepare(desk.con, desk.store, table, left, signer=SIGNER, now=NOW, kind=kind)
        there = fetch(desk.con, desk.store, ready, form="json", signer=SIGNER)
        for here in (
            kept.page(ready, table, "json"),
            kept.read(desk.con, ready, table, "json"),
            kept.page(ready, table, "json"),
        ):
            if here is not None:
                assert told(ready, here) == told(ready, there)
        left = next_pairs(left, ready, there.cursor) if there.cursor else None


@pytest.mark.parametrize(
    ("kind", "question", "from_series"),
    [
        ("rows", "station=A&sensor=1&time=2026-02", True),
        ("rows", "station=A&sensor=1&time=2026-01-31/2026-02-02&sort=-at&select=level", True),
        ("rows", "station=nowhere&sensor=1&time=2026-02-01&count=exact", True),
        ("rows", "station=A&sensor=1&at=2026-02-01T00:00:00Z", True),
        ("aggregate", "station=A&sensor=1&time=2026-02&every=PT1H&agg=level:avg,*:count", True),
        ("aggregate", "station=A&sensor=1&time=2026-02&every=P1D", False),
        ("aggregate", "station=A&sensor=1&time=2026-02&every=PT1H&fill=null", False),
        ("latest", "", True),
        ("latest", "station=A&sensor=1", True),
        ("rows", "station=A&time=2026-02", False),
        ("rows", "station=A&sensor=1&time=2026-01-31/2026-03-02", False),
        ("rows", "station=A&sensor=1&time=2026-02&level__gt=1", False),
        ("rows", "station=A&sensor=1&time=2026-02&sort=level", False),
        ("rows", "station=A&sensor=1&time=2026-02&tz=Europe/Copenhagen", False),
        ("rows", "station=A&sensor=1&time=9999-12", False),
        ("latest", "time=2026-02", False),
        ("latest", "station=A", False),
    ],
)
def test_which_questions_are_answered_from_series(
    desk: Desk, kind: Any, question: str, from_series: bool
):
    table, kept = new_table("merge"), SeriesCache(1_000_000, desk.store)
    desk.commit(table, [("A", 1, BORDER, 1.0, 1, "1.5", True, "", None, "x")])
    pairs = [tuple(pair.split("=", 1)) for pair in question.split("&") if pair]
    ready = prepare(desk.con, desk.store, table, pairs, signer=SIGNER, now=NOW, kind=kind)
    there = fetch(desk.con, desk.store, ready, form="json", signer=SIGNER)
    assert kept.page(ready, table, "json") is None
    for look in (
        lambda: kept.read(desk.con, ready, table, "json"),
        lambda: kept.page(ready, table, "json"),
    ):
        here = look()
        assert (here is not None) == from_series
        assert here is None or told(ready, here) == told(ready, there)


def test_a_series_is_kept_through_commits(desk: Desk):
    table, kept = new_table("merge"), SeriesCache(1_000_000, desk.store)
    line = ("A", 1, BORDER, 1.0, 1, "1.5", True, "", None, "x")
    desk.commit(table, [line])

    def asked(station: str, *, read: bool) -> bytes | None:
        pairs = [("station", station), ("sensor", "1"), ("time", "2026-02")]
        ready = prepare(desk.con, desk.store, table, pairs, signer=SIGNER, now=NOW)
        if read:
            kept.read(desk.con, ready, table, "json")
        page = kept.page(ready, table, "json")
        return None if page is None else orjson.dumps(json_rows(ready.shown, page.rows))

    before = asked("A", read=True)
    with desk.store.followed(kept.follow):
        desk.commit(table, [("b, c", *line[1:])])
        assert asked("A", read=False) == before
        assert asked("b, c", read=False) is None
        desk.commit(table, [(*line[:3], 2.0, *line[4:])])
        after = asked("A", read=False)  # it was brought up to date
        assert after == asked("A", read=True)
        assert after not in {None, before}
    desk.commit(table, [line])
    assert asked("A", read=False) is None  # nobody followed
    assert asked("A", read=True) == before


def test_series_of_a_month_are_read_together_once_a_second_is_asked_for(desk: Desk):
    fields = [{"name": name, **FIELDS[name]} for name in ("station", "at", "level", "whole")]
    schema = {"name": "a", "version": "1.0.0", "fields": fields, "primaryKey": ["station", "at"]}
    table, kept = entry(schema, name=f"t{next(_tables)}"), SeriesCache(1_000_000, desk.store)
    stations = ["ø", "A", "Å", "z", "a"]
    lines = [
        (it, at, None if it == "z" else 1 / 3, n) for n, at in enumerate(TIMES) for it in stations
    ]
    desk.commit(table, lines[::-1])

    def page(station: str, *, read: bool) -> bool:
        pairs = [("station", station), ("time", "2026-02-01/2026-02-02")]
        ready = prepare(desk.con, desk.store, table, pairs, signer=SIGNER, now=NOW)
        look = partial(kept.read, desk.con) if read else kept.page
        here = look(ready, table, "json")
        if here is not None:
            there = fetch(desk.con, desk.store, ready, form="json", signer=SIGNER)
            assert told(ready, here) == told(ready, there)
        return here is not None

    assert page("A", read=True)
    assert not page("z", read=False)
    assert page("ø", read=True)
    assert all(page(station, read=False) for station in stations)


def test_memory_is_bounded_and_large_series_are_left_to_the_store(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    table = new_table("merge")
    lines = [
        ("A", n % 20, BORDER + timedelta(minutes=n), 1.0, 1, "1.5", True, f"{n}", None, "x")
        for n in range(4_000)
    ]
    desk.commit(table, lines)
    kept = SeriesCache(400_000, desk.store)
    found = []
    for sensor in [*range(20), 19]:
        pairs = [("station", "A"), ("sensor", str(sensor)), ("time", "2026-02-03")]
        ready = prepare(desk.con, desk.store, table, pairs, signer=SIGNER, now=NOW)
        assert kept.read(desk.con, ready, table, "json") is not None
        found.append(ready)
    at_hand = [kept.page(it, table, "json") is not None for it in found]
    assert at_hand[-1]
    assert 0 < sum(at_hand) < len(at_hand)

    for most, rows in ((1_000_000, 199), (40_000, 10_000)):
        monkeypatch.setattr(columns, "MOST_TEXTS", rows)
        kept = SeriesCache(most, desk.store)
        assert kept.read(desk.con, found[0], table, "json") is None


def test_the_newest_of_entities_without_a_name(desk: Desk):
    fields = [{"name": name, **FIELDS[name]} for name in ("sensor", "at", "level")]
    fields[0] = {"name": "sensor", "type": "integer", "role": "entity"}
    schema = {"name": "a", "version": "1.0.0", "fields": fields, "primaryKey": ["sensor", "at"]}
    table, kept = entry(schema, name=f"t{next(_tables)}"), SeriesCache(1_000_000, desk.store)
    desk.commit(table, [(None, BORDER, 1.0), (1, BORDER, 2.0)])
    for pairs in ([], [("sensor", "1")], [("sensor", "2")]):
        ready = prepare(desk.con, desk.store, table, pairs, signer=SIGNER, now=NOW, kind="latest")
        here = kept.read(desk.con, ready, table, "json")
        assert here is not None
        there = fetch(desk.con, desk.store, ready, form="json", signer=SIGNER)
        assert told(ready, here) == told(ready, there)


async def test_the_api_answers_the_same_with_and_without_series(tmp_path: Path):
    """Commits and questions go on together, by whichever way they are answered."""
    day = f"{ROWS}?station=A&seen_at__gte=2026-01-01&seen_at__lt=2026-01-02"
    with river_store(tmp_path) as store:
        plain = answering(store, tmp_path / "data", series_bytes=0, cache_bytes=0)
        quick = answering(store, tmp_path / "data", cache_bytes=0)
        async with plain as without, quick as with_series:

            async def same(path: str) -> None:
                bodies = set()
                for site in (with_series, without, with_series):
                    async with site.client.get(path) as answer:
                        names = answer.headers["Server-Timing"]
                        bodies.add((await answer.read(), answer.headers["ETag"]))
                assert "engine" not in names  # the last was from memory
                assert len(bodies) == 1

            for number in range(5):
                store.commit(row("A", f"2026-01-01T0{number}:30:00", number / 3, day="2026-01-01"))
                for path in (
                    day,
                    f"{day}&f=csv&select=level,seen_at",
                    f"{day}&f=ndjson&select=level,price",
                    ROWS.replace("rows", "latest"),
                    ROWS.replace("rows", "latest") + "?station=A",
                ):
                    await same(path)


async def test_no_reader_is_given_less_than_what_was_committed_before(tmp_path: Path):
    with river_store(tmp_path) as store:
        async with answering(store, tmp_path / "data", cache_bytes=0) as site:
            committed = 0

            def commits() -> None:
                nonlocal committed
                with store.desk.engine.cursor() as con:
                    desk = replace(store.desk, con=con)
                    for number in range(1, 30):
                        desk.commit(store.river, [row("A", "2026-03-01T00:00:00", float(number))])
                        committed = number

            async def reads(site: Site) -> None:
                last = 0.0
                while not writing.done():
                    least = committed
                    found = await site.get(f"{ROWS}?station=A&time=2026-03-01")
                    level = found["data"][0]["level"] if found["data"] else 0
                    assert level >= max(least, last)
                    last = level

            writing = asyncio.ensure_future(asyncio.to_thread(commits))
            await asyncio.gather(writing, *(reads(site) for _ in range(4)))
