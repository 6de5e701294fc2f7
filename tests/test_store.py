"""Commits: what one delivery changes, all of it or nothing; quarantine and release."""

import resource
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from storing import DUCKLAKE, LEVELS, Bad, Desk, delivery, entry, opened

from publisher.engine import Connection, identifier
from publisher.errors import HeldError, StorageFullError
from publisher.model.run import Counts, Example, Problem, Rejection, RuleCount
from publisher.store import Commit, layout

NOON = datetime.fromisoformat("2026-03-31T12:00")
LATER = NOON + timedelta(hours=1)
RIVER = entry()
REF = RIVER.ref
TABLES = ("versions", "schemas", "deliveries", "quarantine", "quarantine_closed")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened(tmp_path) as desk:
        yield desk


def everything(desk: Desk) -> dict[str, list[tuple[Any, ...]]]:
    """All that the store holds of the river."""
    names = [identifier("store", "meta", name) for name in TABLES]
    names += [desk.store.relation_name(REF), layout.latest(REF)]
    return {
        name: desk.con.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names
    }


def test_a_commit_brings_rows_cursor_and_version(desk: Desk) -> None:
    came = delivery(REF)
    committed = desk.commit(RIVER, [("a", NOON, 1.0)], delivered=came)
    assert (committed.version, committed.changed) == (1, True)
    assert desk.rows(REF, 1, 'station, "seen.at", level, _since') == [("a", NOON, 1.0, 1)]
    seen = desk.store.seen(desk.con, REF)[came.origin]
    assert (seen.delivery, seen.sha256, seen.outcome) == (came.id, came.sha256, "committed")
    assert seen.cursor == came.cursor
    assert seen.view == RIVER.view_fingerprint
    assert list(desk.store.states(desk.con)) == [REF]


@pytest.mark.parametrize("mode", ["merge", "append"])
def test_a_delivery_is_taken_once(desk: Desk, mode: str) -> None:
    of, came = entry(mode=mode), delivery(REF)
    desk.commit(of, [("a", NOON, 1.0)], [Bad(3, ["a", "x", "y"])], delivered=came)
    before = everything(desk)
    again = desk.commit(of, [("a", NOON, 1.0)], [Bad(3, ["a", "x", "y"])], delivered=came)
    assert (again.version, again.changed, again.counts) == (1, False, Counts())
    assert everything(desk) == before


def test_the_same_rows_again_make_no_version_but_settle(desk: Desk) -> None:
    desk.commit(RIVER, [("a", NOON, 1.0)])
    came = delivery(REF)
    again = desk.commit(RIVER, [("a", NOON, 1.0)], delivered=came)
    assert (again.version, again.changed) == (1, False)
    assert desk.store.is_settled(desk.con, came.id)
    assert desk.store.seen(desk.con, REF)[came.origin].outcome == "unchanged"


def test_a_held_or_failing_commit_leaves_nothing(desk: Desk) -> None:
    whole = entry(mode="replace")
    desk.commit(whole, [(str(n), NOON, 1.0) for n in range(10)])
    before = everything(desk)
    came = delivery(REF)
    with pytest.raises(HeldError) as held:
        desk.commit(whole, [("0", NOON, 2.0)], [Bad(3, ["a", "x", "y"])], delivered=came)
    assert held.value.code == "shrunk"
    assert held.value.params["removed"] == 9
    assert everything(desk) == before
    assert not desk.store.is_settled(desk.con, came.id)
    desk.judged(RIVER.schema, [("b", NOON, 1.0)], [Bad(3, ["a", "x", "y"])])
    desk.con.execute("ALTER TABLE judged_bad DROP COLUMN cells")  # the last step but two breaks
    with pytest.raises(Exception, match="cells"):
        desk.store.commit(desk.con, Commit(RIVER, "run", came))
    assert everything(desk) == before


def commit_too_much(desk: Desk) -> None:
    with desk.engine.cursor() as con:
        desk = replace(desk, con=con)
        desk.judged(RIVER.schema, [])
        con.execute(
            "INSERT INTO temp.judged_good"
            " SELECT i, uuid()::VARCHAR, ?, random() FROM range(400000) AS r(i)",
            [NOON],
        )
        desk.store.commit(con, Commit(RIVER, "run", delivery(REF)))


def test_a_full_disk_is_said_and_nothing_is_kept_of_the_step(desk: Desk, tmp_path: Path) -> None:
    desk.commit(RIVER, [("a", NOON, 1.0)])
    before = everything(desk)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 100_000, hard))
    try:
        with pytest.raises(StorageFullError):
            commit_too_much(desk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert everything(desk) == before
    assert desk.commit(RIVER, [("b", NOON, 1.0)]).version == 2


def test_two_rows_in_ten_may_go_but_not_three(desk: Desk) -> None:
    whole = entry(mode="replace")
    rows = [(str(n), NOON, 1.0) for n in range(10)]
    desk.commit(whole, rows)
    with pytest.raises(HeldError):
        desk.commit(whole, rows[3:])
    assert desk.commit(whole, rows[2:]).counts.removed == 2


def test_a_corrected_cell_of_a_table_without_key_is_no_loss(desk: Desk) -> None:
    loose = entry({**LEVELS, "primaryKey": []}, mode="replace")
    desk.commit(loose, [(str(n), NOON, 1.0) for n in range(10)])
    committed = desk.commit(loose, [(str(n), NOON, 2.0) for n in range(10)])
    assert (committed.counts.new, committed.counts.removed) == (10, 10)


def test_held_and_failed_deliveries_are_remembered_with_their_reason(desk: Desk) -> None:
    came = delivery(REF)
    why = Rejection(
        Problem("shrunk", {"removed": 9}),
        (RuleCount("type-error", "level", 1, (3,)),),
        (Example(3, "level", "no number"), Example(4, None, "blank")),
    )
    desk.store.settle(desk.con, RIVER, came, run="run", outcome="held", rejection=why)
    assert desk.store.is_settled(desk.con, came.id)
    seen = desk.store.seen(desk.con, REF)[came.origin]
    assert (seen.outcome, seen.rejection) == ("held", why)
    assert desk.store.rejections(desk.con, [came.id, "other"]) == [(came.origin, why)]
    assert desk.store.unsettled_contents(desk.con) == {came.sha256}
    assert desk.store.state(desk.con, REF) is None
    desk.commit(RIVER, [("a", NOON, 1.0)], delivered=delivery(REF))
    assert desk.store.unsettled_contents(desk.con) == set()


def test_quarantined_rows_wait_with_their_reasons(desk: Desk) -> None:
    bad = [
        Bad(3, ["a", "2026", "x"]),
        Bad(4, ["b", None, 1.5], rules=["foreign-key"], column="station"),
        Bad(5, ["c", {"deep": ["æ", 1]}, "z"], rules=["type-error", "constraint-error"]),
    ]
    committed = desk.commit(RIVER, [("a", NOON, 1.0)], bad)
    assert committed.counts == Counts(read=4, new=1, quarantined=3)
    rows = desk.store.quarantine_rows(desk.con, REF)
    assert [row.row_number for row in rows] == [3, 4, 5]
    assert rows[2].cells == ("c", {"deep": ["æ", 1]}, "z")
    assert rows[0].labels == ("station", "seen.at", "level")
    assert [error["type"] for error in rows[2].errors] == ["type-error", "constraint-error"]
    assert rows[0].version == 0
    counts = desk.store.quarantine_counts(desk.con, REF)
    assert counts.total == 3
    assert [(c.rule, c.field, c.count, c.rows) for c in counts.rules] == [
        ("type-error", "level", 2, (3, 5)),
        ("constraint-error", "level", 1, (5,)),
        ("foreign-key", "station", 1, (4,)),
    ]
    assert desk.store.has_quarantined(desk.con, REF, "foreign-key")
    assert not desk.store.has_quarantined(desk.con, REF, "constraint-error"), "not for it alone"
    page = desk.store.quarantine_rows(desk.con, REF, limit=1, after=rows[0].id)
    assert page == rows[1:2]
    keys = list(desk.store.each_quarantined(desk.con, REF, only_rule="foreign-key"))
    assert keys == rows[1:2]
    assert desk.store.discard(desk.con, REF, [rows[0].id]) == 1
    assert desk.store.discard(desk.con, REF) == 2
    assert desk.store.discard(desk.con, REF) == 0


def test_a_row_offered_again_waits_once(desk: Desk) -> None:
    same, grown = Bad(3, ["a", "x", "y"]), Bad(4, ["b", "x", "y"])
    desk.commit(RIVER, [("a", NOON, 1.0)], [same])
    desk.commit(RIVER, [("a", NOON, 1.0)], [same, grown])
    assert [row.cells[0] for row in desk.store.quarantine_rows(desk.con, REF)] == ["a", "b"]
    desk.commit(RIVER, [], [same], delivered=delivery(REF, origin="in/other.csv"))
    assert desk.store.quarantine_counts(desk.con, REF).total == 3, "another file's row is its own"


def test_the_same_bytes_read_under_a_new_view_replace_what_they_left(desk: Desk) -> None:
    first = delivery(REF, content="bytes")
    desk.commit(RIVER, [], [Bad(3, ["a", "x", "y"]), Bad(4, ["b", "x", "y"])], delivered=first)
    again = delivery(REF, content="bytes")
    desk.commit(RIVER, [("a", NOON, 1.0)], [Bad(4, ["b", "x", "z"])], delivered=again)
    assert [row.cells for row in desk.store.quarantine_rows(desk.con, REF)] == [("b", "x", "z")]


def test_a_whole_new_table_closes_what_waited(desk: Desk) -> None:
    whole = entry(mode="replace")
    desk.commit(whole, [("a", NOON, 1.0)], [Bad(3, ["a", "x", "y"])])
    desk.commit(whole, [("a", NOON, 1.0)], [Bad(3, ["b", "x", "y"])])
    assert [row.cells[0] for row in desk.store.quarantine_rows(desk.con, REF)] == ["b"]


def test_release_brings_good_rows_and_renews_the_reasons_of_the_others(desk: Desk) -> None:
    desk.commit(RIVER, [("a", NOON, 1.0)], [Bad(n, [n]) for n in (3, 4, 5)])
    mended, still, silent = desk.store.quarantine_rows(desk.con, REF)
    renewed = Bad(4, [4], rules=["constraint-error"], quarantine_id=still.id)
    same = Bad(5, [5], quarantine_id=silent.id)
    committed = desk.release(RIVER, {mended.id: ("b", NOON, 2.0)}, [renewed, same])
    assert committed.counts == Counts(read=3, new=1, quarantined=2)
    assert desk.rows(REF, 2, "station, _since") == [("a", 1), ("b", 2)]
    waiting = desk.store.quarantine_rows(desk.con, REF)
    assert [row.id for row in waiting] == [still.id, silent.id]
    assert waiting[0].errors[0]["type"] == "constraint-error"
    assert waiting[1] == silent


def test_a_released_row_never_supersedes_what_was_committed_after_it(desk: Desk) -> None:
    desk.commit(RIVER, [("a", NOON, 1.0), ("b", NOON, 1.0)])
    desk.commit(RIVER, [("c", NOON, 1.0)], [Bad(3, ["a"]), Bad(4, ["b"]), Bad(5, ["c"])])
    desk.commit(RIVER, [("b", NOON, 5.0)])
    a, b, c = (row.id for row in desk.store.quarantine_rows(desk.con, REF))
    late = desk.release(RIVER, {a: ("a", NOON, 9.0), b: ("b", NOON, 9.0), c: ("c", NOON, 9.0)})
    assert late.counts == Counts(read=3, corrected=1, unchanged=2)
    assert desk.rows(REF, 4, "station, level") == [("a", 9.0), ("b", 5.0), ("c", 1.0)]
    assert desk.store.quarantine_counts(desk.con, REF).total == 0


def test_of_released_rows_with_one_key_the_newest_counts(desk: Desk) -> None:
    for origin in ("in/1.csv", "in/2.csv"):
        desk.commit(RIVER, [], [Bad(3, ["a"])], delivered=delivery(REF, origin=origin))
    older, newer = (row.id for row in desk.store.quarantine_rows(desk.con, REF))
    committed = desk.release(RIVER, {newer: ("a", NOON, 2.0), older: ("a", NOON, 1.0)})
    assert committed.counts == Counts(read=2, new=1, unchanged=1)
    assert desk.rows(REF, 2, "level") == [(2.0,)]
    assert closed(desk) == {older: "superseded", newer: "released"}


def closed(desk: Desk) -> dict[str, str]:
    found = desk.con.execute("SELECT id, reason FROM store.meta.quarantine_closed").fetchall()
    return dict(found)


def test_a_released_row_that_lost_to_what_came_later_is_not_called_released(desk: Desk) -> None:
    desk.commit(RIVER, [("b", NOON, 5.0)], [Bad(n, [n]) for n in (3, 4)])
    lost, same = (row.id for row in desk.store.quarantine_rows(desk.con, REF))
    desk.commit(RIVER, [("a", NOON, 2.0)])
    committed = desk.release(RIVER, {lost: ("a", NOON, 1.0), same: ("b", NOON, 5.0)})
    assert committed.counts == Counts(read=2, unchanged=2)
    assert closed(desk) == {lost: "superseded", same: "released"}


def test_what_is_discarded_while_it_is_judged_again_stays_out(desk: Desk) -> None:
    desk.commit(RIVER, [("a", NOON, 1.0)], [Bad(n, [n]) for n in (3, 4)])
    good, bad = (row.id for row in desk.store.quarantine_rows(desk.con, REF))
    desk.judged(RIVER.schema, [("b", NOON, 2.0)], [Bad(4, [5], quarantine_id=bad)], ids=[good])
    assert desk.store.discard(desk.con, REF) == 2
    released = Commit(RIVER, "release", None, released=True)
    assert desk.store.commit(desk.con, released).counts == Counts()
    assert [row[0] for row in desk.rows(REF, 1)] == ["a"]
    assert set(closed(desk).values()) == {"discarded"}


def test_release_of_a_table_that_is_replaced_removes_nothing(desk: Desk) -> None:
    whole = entry(mode="replace")
    desk.commit(whole, [("a", NOON, 1.0)], [Bad(3, ["b"])])
    (row,) = desk.store.quarantine_rows(desk.con, REF)
    assert desk.release(whole, {row.id: ("b", NOON, 1.0)}).counts == Counts(read=1, new=1)


def test_rows_lie_by_month_entity_and_time(desk: Desk) -> None:
    april = NOON + timedelta(days=1)
    rows = [("b", LATER, 1.0), ("a", april, 1.0), ("b", NOON, 1.0), ("a", NOON, 1.0)]
    desk.commit(RIVER, rows)
    found = desk.con.execute(
        f'SELECT station, "seen.at" FROM {desk.store.relation_name(REF)} ORDER BY _row'
    ).fetchall()
    assert found == [("a", NOON), ("b", NOON), ("b", LATER), ("a", april)]


def test_writers_of_many_tables_do_not_get_into_each_others_way(desk: Desk) -> None:
    tables = [entry(table=f"t{number}") for number in range(2 if DUCKLAKE else 6)]
    failures: list[BaseException] = []

    def write(number: int) -> None:
        of = tables[number % len(tables)]
        try:
            with desk.engine.cursor() as con:
                mine = replace(desk, con=con)
                for step in range(3):
                    mine.commit(of, [(f"{number}", NOON, float(step))], [Bad(3, [number, step])])
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(2 * len(tables))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for of in tables:
        state = desk.store.state(desk.con, of.ref)
        assert state is not None
        assert (state.version, state.rows) == (6, 2)
        assert [len(desk.rows(of.ref, v)) for v in (1, 6)] == [1, 2]
        assert desk.store.quarantine_counts(desk.con, of.ref).total == 6


def test_a_state_looked_up_before_a_commit_is_not_remembered_after_it(desk: Desk) -> None:
    class Overtaken:
        """A connection whose answers another writer overtakes."""

        def execute(self, *statement: Any) -> SimpleNamespace:
            row = desk.con.execute(*statement).fetchone()
            desk.commit(RIVER, [("a", NOON, 2.0)])
            return SimpleNamespace(fetchone=lambda: row)

    desk.commit(RIVER, [("a", NOON, 1.0)])
    overtaken = desk.store.state(cast("Connection", Overtaken()), REF)
    found = desk.store.state(desk.con, REF)
    assert (overtaken and overtaken.version, found and found.version) == (1, 2)
    assert desk.store.state(desk.con, REF) == found
