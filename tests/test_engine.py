"""The engine's lanes: queries stop when nobody waits, commits run to their end."""

import asyncio
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from publisher.engine import Connection, Engine, identifier
from publisher.errors import (
    EngineMemoryError,
    StorageFullError,
    StoreBusyError,
    StoreError,
    UsageError,
)

ENDLESS = "SELECT count(*) FROM range(100000000000) AS a(i), range(1000) AS b(j) WHERE i % 7 = j"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(str(tmp_path / "store.duckdb"), work=tmp_path / "work")
    yield engine
    engine.close()


def endless(con: Connection) -> None:
    con.execute("SELECT 1")
    con.execute(ENDLESS)


async def test_a_query_past_its_time_is_stopped(engine: Engine) -> None:
    started = time.monotonic()
    with pytest.raises(UsageError) as late:
        await engine.run(endless, lane="query", timeout=0.2)
    assert late.value.code == "query-timeout"
    assert time.monotonic() - started < 10
    assert await engine.run(lambda con: con.execute("SELECT 7").fetchall(), lane="query") == [(7,)]


async def test_a_sittings_temporary_tables_are_its_own_and_go_with_it(engine: Engine) -> None:
    def held(con: Connection) -> int:
        [(count,)] = con.execute("SELECT count(*) FROM duckdb_tables() WHERE temporary").fetchall()
        return int(count)

    def make(con: Connection) -> None:
        con.execute("CREATE TEMP TABLE rows AS SELECT range AS n FROM range(1000000)")

    with engine.sitting() as sitting:
        await engine.run(make, lane="query", sitting=sitting)
        with pytest.raises(UsageError, match="was stopped"):
            await engine.run(endless, lane="query", timeout=0.2, sitting=sitting)
        assert await engine.run(held, lane="query", sitting=sitting) == 1
        assert await engine.run(held, lane="query") == 0
        assert memory_of_tables(engine) > 1_000_000
    for _ in range(100):
        if not memory_of_tables(engine):
            return
        await asyncio.sleep(0.05)
    pytest.fail("its tables are still there")


@pytest.mark.skipif(
    sys.platform != "linux", reason="the allocator is the engine's own on Linux only"
)
async def test_what_a_large_sitting_took_goes_back_to_the_system(engine: Engine) -> None:
    def make(con: Connection) -> None:
        con.execute("CREATE TEMP TABLE rows AS SELECT random() AS n FROM range(5000000)")

    with engine.sitting() as sitting:
        await engine.run(make, lane="query", sitting=sitting)
        held = memory_of_process()
        sitting.large = True
    for _ in range(40):  # by itself it would be kept for much longer
        if memory_of_process() < held - 30_000_000:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"it is still held: {memory_of_process()} of {held} bytes")


def memory_of_process() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def memory_of_tables(engine: Engine) -> int:
    told = "SELECT memory_usage_bytes FROM duckdb_memory() WHERE tag = 'IN_MEMORY_TABLE'"
    with engine.cursor() as con:
        return int(con.execute(told).fetchall()[0][0])


async def test_a_querys_time_begins_when_it_does(engine: Engine) -> None:
    asked = [asyncio.create_task(engine.run(endless, lane="query")) for _ in range(engine.queries)]
    await asyncio.sleep(0.1)  # every thread of the lane has one
    with pytest.raises(UsageError) as waited:
        await engine.run(lambda _: None, lane="query", timeout=0.1)
    assert waited.value.code == "queries-waiting"
    slow = asyncio.create_task(
        engine.run(lambda _: time.sleep(1.5) or "done", lane="query", timeout=2)
    )
    await asyncio.sleep(1)
    for task in asked:
        task.cancel()
    assert await slow == "done"
    await asyncio.wait(asked)


async def test_queries_nobody_waits_for_are_stopped_and_waiting_ones_never_begin(
    engine: Engine,
) -> None:
    began: list[int] = []
    all_running = threading.Event()

    def work(number: int) -> Callable[[Connection], None]:
        def call(con: Connection) -> None:
            began.append(number)
            if len(began) == engine.queries:
                all_running.set()
            endless(con)

        return call

    def ask(number: int) -> asyncio.Task[None]:
        return asyncio.create_task(engine.run(work(number), lane="query"))

    running = [ask(number) for number in range(engine.queries)]
    assert await asyncio.to_thread(all_running.wait, 10)
    waiting = [ask(number) for number in range(engine.queries, engine.queries + 5)]
    await asyncio.sleep(0)
    for tasks in (waiting, running):
        for task in tasks:
            task.cancel()
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
        assert {type(result) for result in results} == {asyncio.CancelledError}
    assert sorted(began) == list(range(engine.queries))


async def test_work_is_never_left_half_way(engine: Engine) -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def work(_: Connection) -> None:
        begun.set()
        go_on.wait(10)
        done.set()

    task = asyncio.create_task(engine.run(work))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()


async def test_a_timeout_of_the_work_itself_is_its_own(engine: Engine) -> None:
    def work(_: Connection) -> None:
        raise TimeoutError("of something else")

    with pytest.raises(TimeoutError, match="something else"):
        await engine.run(work, lane="query", timeout=5)


def test_a_conflict_runs_the_whole_transaction_again(engine: Engine) -> None:
    tries = []
    with engine.cursor() as one, engine.cursor() as other:
        one.execute("CREATE TABLE counter AS SELECT 0 AS n")

        def add() -> None:
            tries.append(1)
            one.execute("SELECT * FROM counter").fetchall()
            if len(tries) == 1:
                other.execute("UPDATE counter SET n = n + 10")
            one.execute("UPDATE counter SET n = n + 1")

        engine.transaction(one, add)
        assert len(tries) == 2
        assert other.execute("SELECT n FROM counter").fetchall() == [(11,)]

        def always() -> None:
            one.execute("SELECT * FROM counter").fetchall()
            other.execute("UPDATE counter SET n = n + 10")
            one.execute("UPDATE counter SET n = n + 1")

        with pytest.raises(Exception, match=r"(?i)conflict"):
            engine.transaction(one, always)


def test_a_commit_that_the_disk_has_no_room_for_is_not_tried_again(engine: Engine) -> None:
    tries = []
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        with engine.cursor() as con:

            def add() -> None:
                tries.append(1)
                con.execute("INSERT INTO store.numbers SELECT random() FROM range(10000)")

            for _ in range(10):
                tries.clear()
                engine.transaction(con, add)

    with engine.cursor() as con:
        con.execute("CREATE TABLE store.numbers (n DOUBLE)")
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(StorageFullError):
            fill()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert tries == [1]


def test_another_holder_of_the_file_is_named_as_such(tmp_path: Path, engine: Engine) -> None:
    child = (
        "import sys; from pathlib import Path; from publisher.engine import Engine\n"
        "from publisher.errors import StoreBusyError\n"
        "try: Engine.open(sys.argv[1], work=Path(sys.argv[2]))\n"
        "except StoreBusyError: sys.exit(7)\n"
    )
    path, work = str(tmp_path / "store.duckdb"), str(tmp_path / "other")
    done = subprocess.run([sys.executable, "-c", child, path, work], check=False)
    assert done.returncode == 7
    assert issubclass(StoreBusyError, StoreError)


def test_a_damaged_file_is_said_to_be_unusable(tmp_path: Path) -> None:
    (tmp_path / "store.duckdb").write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreError) as refused:
        Engine.open(str(tmp_path / "store.duckdb"), work=tmp_path / "work")
    assert refused.value.code == "store-unusable"


def test_sql_sees_utc_and_no_python_variables(engine: Engine) -> None:
    hidden = [1, 2, 3]
    with engine.cursor() as con:
        assert con.execute("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]
        with pytest.raises(Exception, match="hidden does not exist"):
            con.execute("SELECT * FROM hidden")
    assert hidden


def test_names_are_quoted_whatever_they_hold(engine: Engine) -> None:
    name = identifier("main", 'a"b; DROP TABLE x.y')
    with engine.cursor() as con:
        con.execute(f"CREATE TABLE {name} (n INTEGER)")
        assert con.execute(f"SELECT count(*) FROM {name}").fetchall() == [(0,)]


def test_out_of_memory_is_told_as_that(tmp_path: Path) -> None:
    engine = Engine.open(None, work=tmp_path, memory_limit="20MB")
    try:
        with pytest.raises(EngineMemoryError) as error, engine.cursor() as con:
            con.execute(
                "SELECT length(string_agg(repeat('x', 1000))) FROM range(100000)"
            ).fetchall()
        assert "memory_limit" in error.value.remedy()
    finally:
        engine.close()
