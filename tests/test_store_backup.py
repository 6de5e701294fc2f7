"""A backup made while writers commit is one instant of the store; a restore is whole or nothing."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from scale import scale
from storing import Bad, Desk, entry, location, opened

from publisher.engine import Connection, Engine
from publisher.errors import StoreError, StoreFormatError, UsageError
from publisher.landing import Landing, Offer
from publisher.store import Store
from publisher.store.backup import MANIFEST, backup, restore
from publisher.store.formats import RESTORING

START = datetime.fromisoformat("2026-01-01")


def fill(desk: Desk, rows: int = 3) -> None:
    river = entry()
    desk.commit(
        river,
        [("a", START + timedelta(hours=hour), float(hour)) for hour in range(rows)],
        [Bad(9, ["a", "never", "x"])],
    )


def lay_out(data: Path) -> None:
    """What other parts keep in a data folder."""
    (data / "landing/contents/ab").mkdir(parents=True)
    (data / "landing/contents/ab/abcd").write_bytes(b"raw")
    (data / "landing/partial").mkdir()
    (data / "landing/partial/1").write_bytes(b"half")
    (data / "published/.packages/river/1").mkdir(parents=True)
    (data / "published/.packages/river/1/levels.csv").write_text("station\n")
    (data / "published/river").symlink_to(".packages/river/1")
    (data / "cursor.key").write_bytes(b"secret")
    (data / "cursor.key").chmod(0o600)
    (data / "lock").write_text("serve 1\n")
    (data / "work").mkdir(exist_ok=True)
    (data / "work/scratch").write_text("x")


def landing_of(data: Path) -> Landing:
    return Landing(data / "landing", max_bytes=1000)


@contextmanager
def opened_file(folder: Path) -> Iterator[Desk]:
    """The store of a restored folder; always a DuckDB file."""
    engine = Engine.open(str(folder / "store.duckdb"), work=folder / "work")
    store = Store(engine)
    try:
        with engine.cursor() as con:
            store.prepare(con)
            yield Desk(engine, store, con)
    finally:
        engine.close()


def rows_in(folder: Path) -> int:
    with opened_file(folder) as desk:
        state = desk.store.state(desk.con, entry().ref)
    assert state is not None
    return state.rows


def names(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_the_way_there_and_back(tmp_path: Path) -> None:
    data, copy, back = tmp_path / "data", tmp_path / "copy", tmp_path / "back"
    with opened(data) as desk:
        fill(desk)
        lay_out(data)
        manifest = backup(desk.con, data, copy, landing=landing_of(data))
        expected = desk.rows(entry().ref, 1)
    assert manifest.tables == {"river/levels": 1}
    assert names(copy / "data") == {
        "store.duckdb",
        "cursor.key",
        "landing/contents/ab/abcd",
        "published/.packages/river/1/levels.csv",
        "published/river",
    }
    back.mkdir()
    (back / "lock").touch()  # the process that restores holds the folder
    assert restore(copy, back) == manifest
    assert (back / "published/river/levels.csv").read_text() == "station\n"
    assert (back / "cursor.key").stat().st_mode & 0o777 == 0o600
    with opened_file(back) as desk:
        assert desk.rows(entry().ref, 1) == expected
        assert desk.store.quarantine_counts(desk.con, entry().ref).total == 1
        assert desk.commit(entry(), [("b", START, 1.0)]).version == 2


def test_a_backup_is_one_instant_while_writers_commit(tmp_path: Path) -> None:
    data = tmp_path / "data"
    refs = [entry(name=name).ref for name in ("river", "lake")]
    stop = threading.Event()
    made = dict.fromkeys(refs, 0)
    with opened(data) as desk:

        def write(name: str) -> None:
            of = entry(name=name)
            with desk.engine.cursor() as con:
                mine = Desk(desk.engine, desk.store, con)
                while not stop.is_set():
                    n = made[of.ref] + 1
                    level = [(str(i), START, float(n)) for i in range(n % 3 + 1)]
                    bad = [Bad(9, [name, str(n), "x"])]
                    assert mine.commit(of, level, bad, run=str(n)).version == n
                    made[of.ref] = n

        writers = [threading.Thread(target=write, args=(ref.dataset,)) for ref in refs]
        for writer in writers:
            writer.start()
        while min(made.values()) < 3:
            time.sleep(0.01)
        before = dict(made)
        manifests = [
            backup(desk.con, data, tmp_path / f"copy{number}", landing=landing_of(data))
            for number in range(3)
        ]
        meanwhile = [made[ref] - before[ref] for ref in refs]
        stop.set()
        for writer in writers:
            writer.join()
        assert min(meanwhile) > 0, "the writers were held up"
    for number, manifest in enumerate(manifests):
        back = tmp_path / f"back{number}"
        restore(tmp_path / f"copy{number}", back)
        with opened_file(back) as desk:
            for ref in refs:
                state = desk.store.state(desk.con, ref)
                assert state is not None
                assert manifest.tables[str(ref)] == state.version
                assert len(desk.rows(ref, state.version)) == state.rows
                settled = desk.con.execute(
                    "SELECT count(DISTINCT id) FROM store.meta.deliveries WHERE ref = ?",
                    [str(ref)],
                ).fetchall()
                assert settled == [(state.version,)]
                assert desk.store.quarantine_counts(desk.con, ref).total == state.version


def test_what_lands_and_is_settled_while_the_store_is_copied_is_in_the_copy(
    tmp_path: Path,
) -> None:
    data, copy, back = tmp_path / "data", tmp_path / "copy", tmp_path / "back"
    landing = landing_of(data)
    landed = []

    async def chunks() -> AsyncIterator[bytes]:
        yield b"raw"

    with opened(data) as desk:
        fill(desk)

        class Overtaken:
            """A connection that deliveries come by: before its instant, and settled after it."""

            def execute(self, statement: str, *parameters: Any) -> Connection:
                if statement.startswith("ATTACH"):
                    offer = Offer("in/a.csv", chunks())
                    landed.append(asyncio.run(landing.land(entry().ref, offer)))
                answer = desk.con.execute(statement, *parameters)
                if statement == "COMMIT":
                    landing.settle(landed[0])
                return answer

        backup(cast("Connection", Overtaken()), data, copy, landing=landing)
    assert landing.pending(entry().ref) == []
    restore(copy, back)
    assert landing_of(back).pending(entry().ref) == landed
    assert landing_of(back).path(landed[0].sha256).read_bytes() == b"raw"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    with opened(tmp_path / "data") as desk:
        fill(desk)
        lay_out(tmp_path / "data")
        data = tmp_path / "data"
        backup(desk.con, data, tmp_path / "copy", landing=landing_of(data))
    return tmp_path / "copy"


def test_nothing_is_overwritten(tmp_path: Path, copy: Path) -> None:
    with pytest.raises(UsageError) as refused:
        restore(copy, tmp_path / "data")
    assert refused.value.code == "backup-not-empty"
    other = tmp_path / "other"
    with opened(other) as desk, pytest.raises(UsageError):
        backup(desk.con, other, copy, landing=landing_of(other))


@pytest.mark.parametrize(
    "harm", ["changed", "missing", "manifest", "forged file", "forged link", "newer", "none"]
)
def test_a_damaged_backup_restores_nothing(tmp_path: Path, copy: Path, harm: str) -> None:
    raw = copy / "data/landing/contents/ab/abcd"
    manifest = json.loads((copy / MANIFEST).read_bytes())
    error: type[Exception] = StoreError
    if harm == "changed":
        raw.write_bytes(b"rav")
    elif harm == "missing":
        raw.unlink()
    elif harm == "manifest":
        (copy / MANIFEST).write_bytes(b'{"publisher"')
    elif harm == "forged file":
        manifest["files"]["../escaped"] = manifest["files"]["cursor.key"]
    elif harm == "forged link":
        manifest["links"]["published/x"] = "../../elsewhere"
    elif harm == "newer":
        manifest["format"], error = 99, StoreFormatError
    else:
        (copy / MANIFEST).unlink()
        error = UsageError
    if harm in {"forged file", "forged link", "newer"}:
        (copy / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(error):
        restore(copy, tmp_path / "back")
    assert {path.name for path in tmp_path.iterdir()} == {"data", "copy"}


_CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from publisher.engine import Engine
from publisher.landing import Landing
from publisher.store.backup import backup, restore
data, copy, back = map(Path, sys.argv[1:4])
engine = Engine.open(sys.argv[5], work=data / "work")
with engine.cursor() as con:
    print("go", flush=True)
    backup(con, data, copy, landing=Landing(data / "landing", max_bytes=1))
engine.close()
restore(copy, back)
"""


def run_child(data: Path, copy: Path, back: Path, *, kill_after: float | None) -> float:
    """Back up and restore in a process of its own; give the seconds it took."""
    tests = Path(__file__).parent
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, data, copy, back, tests, location(data)],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == b"go\n"
        started = time.monotonic()
        if kill_after is not None:
            time.sleep(kill_after)
            child.kill()
        assert child.wait() in {0, -signal.SIGKILL}
    return time.monotonic() - started


def test_a_kill_leaves_nothing_half_done(tmp_path: Path, seed: int) -> None:
    data, copy, back = tmp_path / "data", tmp_path / "copy", tmp_path / "back"
    with opened(data) as desk:
        fill(desk, rows=2000)
        lay_out(data)
    rounds = scale(3, 40)
    seconds = run_child(data, copy, back, kill_after=None)
    for number in range(rounds + 1):
        if not copy.exists():
            assert not back.exists()
            run_child(data, copy, back, kill_after=None)
        assert (copy / MANIFEST).is_file()
        if not back.exists() or (back / RESTORING).exists():
            restore(copy, back)
        assert rows_in(back) == 2000
        assert not list(tmp_path.rglob(".*.partial"))
        shutil.rmtree(copy)
        shutil.rmtree(back)
        share = (number + seed % 97 / 97) / rounds % 1
        run_child(data, copy, back, kill_after=seconds * share)


def test_a_data_folder_is_not_used_while_a_restore_is_half_done(copy: Path) -> None:
    back = copy.parent / "back"
    (back / RESTORING).mkdir(parents=True)
    (back / RESTORING / "store.duckdb").touch()
    (back / "landing").mkdir()
    with pytest.raises(StoreError) as refused, opened_file(back):
        pass
    assert refused.value.code == "restore-unfinished"
    restore(copy, back)
    assert rows_in(back) == 3


def test_the_copy_keeps_the_rows_in_order(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    with opened(data) as desk:
        stations = [f"s{number:04}" for number in range(400)]
        rows = [(s, START + timedelta(hours=h), 1.0) for h in range(10) for s in stations]
        desk.commit(entry(), rows)
        order = f"SELECT _row FROM {desk.store.relation_name(entry().ref)}"
        expected = desk.con.execute(f"{order} ORDER BY _row").fetchall()
        backup(desk.con, data, copy, landing=landing_of(data))
    engine = Engine.open(str(copy / "data/store.duckdb"), work=tmp_path / "work")
    with engine.cursor() as con:
        assert con.execute(order).fetchall() == expected
    engine.close()
