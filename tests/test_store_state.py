"""History, runs, publications, formats and housekeeping: the state around the rows."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scale import scale
from storing import DUCKLAKE, Bad, Desk, delivery, entry, opened

from publisher.errors import GoneError, NotFoundError
from publisher.model.run import Counts, Problem, RuleCount, Run
from publisher.store.compaction import compact

NOON = datetime.fromisoformat("2026-03-31T12:00")
RIVER = entry()
REF = RIVER.ref


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened(tmp_path) as desk:
        yield desk


def committed_at(desk: Desk) -> datetime:
    state = desk.store.state(desk.con, REF)
    assert state is not None
    return state.committed_at


# versions in time


def test_an_instant_names_the_version_that_was_the_newest_then(desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        desk.store.version_at(desk.con, REF, datetime.now(UTC))
    desk.commit(RIVER, [("a", NOON, 1.0)])
    first = committed_at(desk)
    desk.commit(RIVER, [("a", NOON, 2.0)])
    second = committed_at(desk)
    at = [
        desk.store.version_at(desk.con, REF, instant)
        for instant in (first, second - timedelta(microseconds=1), second, datetime.now(UTC))
    ]
    assert at == [1, 1, 2, 2]
    with pytest.raises(NotFoundError):
        desk.store.version_at(desk.con, REF, first - timedelta(microseconds=1))


def test_history_goes_and_says_so(desk: Desk) -> None:
    times = []
    for level in (1.0, 2.0, 3.0, 4.0):
        desk.commit(RIVER, [("a", NOON, level), (str(level), NOON, level)])
        times.append(committed_at(desk))
    assert desk.store.prune_history(desk.con, REF, times[0]) == 0
    assert desk.store.prune_history(desk.con, REF, times[2] - timedelta(microseconds=1)) == 1
    state = desk.store.state(desk.con, REF)
    assert state is not None
    assert (state.oldest_version, state.version) == (2, 4)
    with pytest.raises(GoneError) as gone:
        desk.store.version_at(desk.con, REF, times[0])
    assert gone.value.params["oldest"] == 2
    assert [len(desk.rows(REF, version)) for version in (2, 3, 4)] == [3, 4, 5]
    desk.store.prune_history(desk.con, REF, datetime.now(UTC))
    assert [len(desk.rows(REF, 4)), desk.store.version_at(desk.con, REF, times[3])] == [5, 4]
    left = desk.con.execute('SELECT count(*) FROM store.history."river/levels"').fetchall()
    assert left == [(0,)]


# runs


def run(name: str, minute: int, **known: object) -> Run:
    started = datetime(2026, 4, 1, 12, minute, tzinfo=UTC)
    start = Run(id=name, ref=REF, trigger="command", started_at=started, outcome="running")
    return replace(start, **known)  # type: ignore[arg-type]


def test_the_ledger_gives_runs_as_they_stand_newest_first(desk: Desk) -> None:
    store, con = desk.store, desk.con
    other = replace(run("x", 5), ref=entry(name="lake").ref)
    ended = run(
        "b",
        1,
        outcome="held",
        finished_at=datetime(2026, 4, 1, 13, tzinfo=UTC),
        version=3,
        rows=Counts(read=5, new=2, quarantined=3),
        seconds=1.5,
        problem=Problem("too-many-bad", {"bad": 3}),
        findings=(RuleCount("type-error", "level", 3, (2, 3, 4)), RuleCount("blank-row", None, 1)),
        notes=(Problem("unused-column", {"column": "ø"}),),
        deliveries=("1", "2"),
    )
    for started in (run("a", 0), run("b", 1), run("c", 2), other):
        store.start_run(con, started)
    store.finish_run(con, ended)
    assert store.runs(con, REF) == [run("c", 2), ended, run("a", 0)]
    assert store.runs(con)[0] == other
    assert store.runs(con, REF, limit=1) == [run("c", 2)]
    assert store.runs(con, REF, before="c", limit=1) == [ended]
    assert store.runs(con, REF, before="b") == [run("a", 0)]
    assert store.last_runs(con) == {REF: run("c", 2), other.ref: other}


def test_runs_that_a_stop_cut_off_are_closed_with_what_they_had_committed(desk: Desk) -> None:
    store, con = desk.store, desk.con
    for name, minute in (("idle", 0), ("busy", 1), ("done", 2)):
        store.start_run(con, run(name, minute))
    store.finish_run(con, run("done", 2, outcome="unchanged"))
    desk.commit(RIVER, [("a", NOON, 1.0)], [Bad(3, ["x"])], run="busy")
    desk.commit(RIVER, [("a", NOON, 2.0)], run="busy")
    assert store.close_interrupted(con) == 2
    assert store.close_interrupted(con) == 0
    found = {item.id: item for item in store.runs(con, REF)}
    assert found["idle"].outcome == "interrupted"
    assert found["idle"].finished_at is not None
    assert found["done"].outcome == "unchanged"
    assert (found["busy"].outcome, found["busy"].version) == ("interrupted", 2)
    assert found["busy"].rows == Counts(read=3, new=1, corrected=1, quarantined=1)


# publishing


def test_how_a_dataset_stands_at_a_target_is_its_newest_try_and_its_newest_success(
    desk: Desk,
) -> None:
    store, con = desk.store, desk.con
    assert store.published(con, "river", "folder") is None
    record: dict[str, Any] = {"fingerprint": "f", "remote": {"id": "é"}}
    store.record_published(con, "river", "folder", versions={"levels": 1, "sites": 1}, **record)
    store.record_published(
        con, "river", "folder", versions={}, problem=Problem("refused", {"status": 403}), **record
    )
    known = store.published(con, "river", "folder")
    assert known is not None
    assert known.success is not None
    assert (known.success.versions, known.success.remote) == (
        {"levels": 1, "sites": 1},
        {"id": "é"},
    )
    assert known.attempt.problem == Problem("refused", {"status": 403})
    for target in ("folder", "odk"):
        store.record_published(con, "river", target, versions={"levels": 2, "sites": 1}, **record)
    known = store.published(con, "river", "folder")
    assert known is not None
    assert known.attempt == known.success
    assert store.publications(con).keys() == {("river", "folder"), ("river", "odk")}


# housekeeping


@settings(max_examples=scale(3, 10) if DUCKLAKE else scale(20, 200))
@given(
    batches=st.lists(
        st.lists(
            st.tuples(
                st.sampled_from("abc"),
                st.integers(-90, 1).map(lambda days: datetime.now() + timedelta(days=days)),  # noqa: DTZ005 - stored times bear no zone
                st.floats(0, 1),
            ),
            max_size=8,
            unique_by=lambda row: row[:2],
        ),
        max_size=4,
    )
)
def test_compaction_changes_no_answer(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[str, datetime, float]]]
) -> None:
    with opened(tmp_path_factory.mktemp("store")) as desk:
        for rows in batches:
            desk.commit(RIVER, rows)
        state = desk.store.state(desk.con, REF)
        versions = range(1, state.version + 1) if state else range(0)
        before = [desk.rows(REF, version) for version in versions]
        months = compact(desk.engine, desk.con, REF)
        assert [desk.rows(REF, version) for version in versions] == before
        assert compact(desk.engine, desk.con, REF) == [], "nothing came since"
        for month in months:
            laid_out = desk.con.execute(
                'SELECT station, "seen.at" FROM store.data."river/levels"'
                " WHERE date_trunc('month', \"seen.at\") = ?",
                [month],
            ).fetchall()
            assert laid_out == sorted(laid_out)


def test_worn_state_goes_and_what_counts_stays(desk: Desk) -> None:
    store, con = desk.store, desk.con
    for number in range(4):
        store.start_run(con, run(f"r{number}", number))
        came = delivery(REF)
        row = [("a", NOON, float(number))]
        desk.commit(RIVER, row, [Bad(3, [number])], delivered=came)
        store.finish_run(con, run(f"r{number}", number, outcome="committed"))
    store.start_run(con, run("open", 9))
    store.record_published(
        con, "river", "folder", versions={"levels": 3}, fingerprint="f", remote={}
    )
    first = store.quarantine_rows(con, REF)[0]
    store.discard(con, REF, [first.id])
    kept = {
        "seen": store.seen(con, REF),
        "quarantine": store.quarantine_rows(con, REF),
        "published": store.published(con, "river", "folder"),
        "rows": desk.rows(REF, 4),
    }
    store.keep_house(con, REF, datetime.now(UTC))
    assert kept == {
        "seen": store.seen(con, REF),
        "quarantine": store.quarantine_rows(con, REF),
        "published": store.published(con, "river", "folder"),
        "rows": desk.rows(REF, 4),
    }
    assert [item.id for item in store.runs(con, REF)] == ["open"]
    assert store.is_settled(con, came.id)
    left = {
        name: con.execute(f"SELECT count(*) FROM store.meta.{name}").fetchall()[0][0]
        for name in ("runs", "versions", "deliveries", "quarantine", "horizons")
    }
    assert left == {
        "runs": 1,
        "versions": 1,
        "deliveries": 3,
        "quarantine": 3,
        "horizons": 1,
    }


def test_hundreds_of_small_tables_fit_into_little_memory(tmp_path: Path) -> None:
    with opened(tmp_path, memory_limit="64MB") as desk:
        # Half a megabyte of blocks each, until they are let go of; DuckLake keeps no such blocks
        for number in range(20 if DUCKLAKE else 130):
            of = entry(table=f"t{number}")
            for level in (1.0, 2.0):
                desk.commit(of, [("a", datetime(2026, 1, 1), level)])
        state = desk.store.state(desk.con, of.ref)
        assert state is not None
        assert state.version == 2
