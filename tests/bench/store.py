"""Measures the store on tables of the size that a municipality's busiest sensors make.

    python tests/bench/store.py [--rows 8000000] [--data DIR]

Prints, in milliseconds of wall time: loading a whole table; merging 200 new rows and 200
corrections into it; a sensor's day at the current version, from a cursor that is new each
time; the table's state; the rows of a version that is not the newest.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from storing import Desk, delivery, entry, opened

from publisher.engine import Connection
from publisher.store import Commit

SENSORS = 200
EVERY = timedelta(minutes=5)
START = datetime.fromisoformat("2024-01-01")
SHAPE = f"""
    'sensor-' || lpad((i % {SENSORS})::VARCHAR, 6, '0') AS station,
    TIMESTAMP '{START}' + INTERVAL 5 MINUTE * (i // {SENSORS}) AS "seen.at",
"""


def judged(con: Connection, rows: str) -> None:
    con.execute(f"CREATE OR REPLACE TEMP TABLE judged_good AS {rows}")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE judged_bad (row_number BIGINT, labels JSON, cells JSON,"
        " errors JSON, rules VARCHAR[])"
    )


def commit(desk: Desk, rows: str) -> float:
    of = entry()
    judged(desk.con, rows)
    started = time.perf_counter()
    committed = desk.store.commit(desk.con, Commit(of, "bench", delivery(of.ref)))
    assert committed.changed
    return (time.perf_counter() - started) * 1000


def middle(what: Callable[[int], float], times: int) -> str:
    taken = sorted(what(number) for number in range(times))
    return f"{statistics.median(taken):9.1f} ms   (best {taken[0]:.1f}, worst {taken[-1]:.1f})"


def day(desk: Desk, version: int, number: int) -> float:
    source, values = desk.store.relation(entry().ref, version)
    begin = START + timedelta(days=number * 7 % 120)
    started = time.perf_counter()
    with desk.engine.cursor() as con:
        found = con.execute(
            f'SELECT station, "seen.at", level FROM {source}'
            ' WHERE station = ? AND "seen.at" >= ? AND "seen.at" < ?'
            ' ORDER BY station, "seen.at" LIMIT 1000',
            [*values, f"sensor-{number % SENSORS:06}", begin, begin + timedelta(days=1)],
        ).fetchall()
    assert len(found) == 288, len(found)
    return (time.perf_counter() - started) * 1000


def state(desk: Desk) -> float:
    started = time.perf_counter()
    assert desk.store.state(desk.con, entry().ref)
    return (time.perf_counter() - started) * 1000


def measure(folder: Path, rows: int) -> None:
    with opened(folder) as desk:
        whole = f"SELECT i + 2 AS _row_number, {SHAPE} random() AS level FROM range({rows}) AS r(i)"
        print(f"load of {rows:,} rows        {commit(desk, whole):9.1f} ms")
        new = (
            f"SELECT i + 2 AS _row_number, {SHAPE} random() AS level"
            f" FROM range({rows} + {{0}} * 200, {rows} + {{0}} * 200 + 200) AS r(i)"
        )
        mended = (
            f"SELECT i + 2 AS _row_number, {SHAPE} 2 + random() AS level"
            f" FROM range({rows // 2} + {{0}} * 200, {rows // 2} + {{0}} * 200 + 200) AS r(i)"
        )
        print("merge of 200 new rows        ", middle(lambda n: commit(desk, new.format(n)), 15))
        print("merge of 200 corrections     ", middle(lambda n: commit(desk, mended.format(n)), 15))
        now = desk.store.state(desk.con, entry().ref)
        assert now is not None
        print("a sensor's day, newest       ", middle(lambda n: day(desk, now.version, n), 60))
        print("a sensor's day, version 1    ", middle(lambda n: day(desk, 1, n), 60))
        print("state of a table             ", middle(lambda _: state(desk), 60))
    peak = psutil.Process().memory_info().rss / 1e6
    print(f"resident memory at the end    {peak:9.0f} MB")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"on disk                       {size / 1e6:9.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=8_000_000)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    folder = options.data or Path(tempfile.mkdtemp())
    try:
        measure(folder, options.rows)
    finally:
        if options.data is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
