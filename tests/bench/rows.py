"""One station's day out of many rows, over HTTP, against Datasette over the same table.

    python tests/bench/rows.py [--rows 7000000] [--clients 16] [--seconds 10] [--rounds 3]

Both serve the same made-up rows: Publisher from its store, Datasette from SQLite with an index
on station and time. Every request is another station's day (96 rows), so no cache of answers
helps. The rounds take turns. Prints requests/s, their ratio and the peak memory of each.
"""

import argparse
import asyncio
import os
import random
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import psutil
import yaml

from publisher.engine import Engine
from publisher.model.run import Delivery
from publisher.registry import load
from publisher.secrets import Secrets
from publisher.settings import Settings
from publisher.store import Commit, Store

START = datetime(2020, 1, 1)
INTERVAL = timedelta(minutes=15)
DAY = 96
DAYS = 365
PER_STATION = DAY * DAYS
MADE_UP = f"""
    SELECT i + 2 AS _row_number,
        'station-' || lpad((i // {PER_STATION})::VARCHAR, 4, '0') AS station,
        TIMESTAMP '{START}' + to_minutes((i % {PER_STATION}) * 15) AS observed_at,
        ((i * 7919) % 4000) / 1000.0 AS level, (i % 3)::BIGINT AS quality
    FROM range({{rows}}) AS t(i)
"""
SCHEMA = {
    "name": "levels",
    "version": "1.0.0",
    "fields": [
        {"name": "station", "type": "string", "role": "entity", "constraints": {"required": True}},
        {"name": "observed_at", "type": "datetime", "role": "time"},
        {"name": "level", "type": "number", "unit": "m"},
        {"name": "quality", "type": "integer"},
    ],
    "primaryKey": ["station", "observed_at"],
}
DATASET = {
    "name": "river",
    "title": "River (made up)",
    "publisher": "made-up",
    "resources": [
        {
            "name": "levels",
            "path": "levels.csv",
            "schema": "../schemas/levels.yaml",
            "harvest": {"source": {"type": "file", "path": "levels.csv"}},
        }
    ],
    "publish": {"access": "public", "targets": []},  # no bulk files while requests are timed
}


def build_store(root: Path, rows: int) -> None:
    """Commit the rows as one delivery, as validation would have left them."""
    for path, content in (
        ("catalog/river.yaml", DATASET),
        ("catalog/organizations.yaml", {"made-up": {"title": "Made up"}}),
        ("schemas/levels.yaml", SCHEMA),
    ):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(yaml.safe_dump(content), "utf-8")
    settings = Settings(root=root, data=root / "data")
    settings.work_path.mkdir(parents=True)
    (entry,) = load(root, Secrets({})).catalog.entries.values()
    engine = Engine.open(str(settings.store_path), work=settings.work_path, memory_limit="1GB")
    delivery = Delivery("1", entry.ref, "levels.csv", "0" * 64, 1, datetime.now(UTC))
    with engine.cursor() as con:
        store = Store(engine)
        store.prepare(con)
        con.execute(f"CREATE TEMP TABLE judged_good AS {MADE_UP.format(rows=rows)}")
        con.execute(
            "CREATE TEMP TABLE judged_bad"
            " (row_number BIGINT, labels JSON, cells JSON, errors JSON, rules VARCHAR[])"
        )
        committed = store.commit(con, Commit(entry, "bench", delivery))
        assert committed.counts.new == rows
    engine.close()


def build_sqlite(path: Path, rows: int) -> None:
    def made_up() -> Iterator[tuple[str, str, float, int]]:
        for number in range(rows):
            station, reading = divmod(number, PER_STATION)
            at = (START + INTERVAL * reading).isoformat() + "Z"
            yield f"station-{station:04}", at, number * 7919 % 4000 / 1000, number % 3

    with sqlite3.connect(path) as con:
        con.execute("CREATE TABLE levels (station TEXT, observed_at TEXT, level REAL, quality INT)")
        con.executemany("INSERT INTO levels VALUES (?, ?, ?, ?)", made_up())
        con.execute("CREATE INDEX by_station ON levels (station, observed_at)")
        con.execute("ANALYZE")


@contextmanager
def server(
    arguments: list[str], port: int, ready: str, *, program: list[str] | None = None
) -> Iterator[psutil.Process]:
    """Run a module, or a *program* of Python's, until the context ends; quotas are off."""
    process = subprocess.Popen(
        [sys.executable, *(program or ["-m", *arguments])],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PUBLISHER_QUOTA": "0"},
    )
    try:
        asyncio.run(answers(f"http://127.0.0.1:{port}{ready}"))
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


async def answers(url: str) -> None:
    deadline = time.monotonic() + 60
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.1)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def load_up(
    url: str, rows: int, clients: int, seconds: float, process: psutil.Process
) -> tuple[float, float, int]:
    """Give requests/s, processor milliseconds a request, and the most memory seen, in bytes."""
    end = time.monotonic() + seconds
    done = peak = 0
    before = sum(process.cpu_times()[:2])
    days = list(range(rows // DAY))
    random.shuffle(days)

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while time.monotonic() < end:
            station, day = divmod(days.pop(), DAYS)
            start = START + timedelta(days=day)
            asked = url.format(
                station=f"station-{station:04}",
                start=start.isoformat() + "Z",
                end=(start + timedelta(days=1)).isoformat() + "Z",
            )
            async with session.get(asked) as answer:
                body = await answer.read()
                assert answer.status == 200, body
                assert body.count(b'"level"') >= DAY, body
            done += 1

    async def watch() -> None:
        nonlocal peak
        while time.monotonic() < end:
            peak = max(peak, process.memory_info().rss)
            await asyncio.sleep(0.1)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=clients)) as session:
        began = time.monotonic()
        await asyncio.gather(watch(), *(client(session) for _ in range(clients)))
        seconds = time.monotonic() - began
    used = sum(process.cpu_times()[:2]) - before
    return done / seconds, used / done * 1000, peak


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=7_000_000)
    arguments.add_argument("--clients", type=int, default=16)
    arguments.add_argument("--seconds", type=float, default=10)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--keep", type=Path, help="folder of the built data, to use again")
    options = arguments.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp())
    try:
        measure(options, folder)
    finally:
        if options.keep is None:
            shutil.rmtree(folder)


def measure(options: argparse.Namespace, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    root, sqlite = folder / "root", folder / "levels.db"
    if not sqlite.exists():
        root.mkdir()
        build_store(root, options.rows)
        build_sqlite(sqlite, options.rows)
    here, there = free_port(), free_port()
    publisher = ["publisher", "serve", "--root", str(root), "--data", str(root / "data")]
    datasette = ["datasette", "serve", str(sqlite), "--setting", "suggest_facets", "off"]
    asked = {
        "publisher": f"http://127.0.0.1:{here}/v1/datasets/river/levels/rows"
        "?station={station}&time={start}/{end}",
        "datasette": f"http://127.0.0.1:{there}/levels/levels.json"
        "?station={station}&observed_at__gte={start}&observed_at__lt={end}"
        "&_shape=objects&_nocount=1&_nofacet=1",
    }
    found: dict[str, list[float]] = {name: [] for name in asked}
    costs: dict[str, list[float]] = {name: [] for name in asked}
    peaks = dict.fromkeys(asked, 0)
    with (
        server([*publisher, "--port", str(here)], here, "/readyz") as ours,
        server([*datasette, "--port", str(there)], there, "/-/versions.json") as theirs,
    ):
        processes = {"publisher": ours, "datasette": theirs}
        for _ in range(options.rounds):
            for name, url in asked.items():
                rate, used, peak = asyncio.run(
                    load_up(url, options.rows, options.clients, options.seconds, processes[name])
                )
                found[name].append(rate)
                costs[name].append(used)
                peaks[name] = max(peaks[name], peak)
    medians = {name: statistics.median(rates) for name, rates in found.items()}
    for name, rate in medians.items():
        print(
            f"{name}: {rate:.0f} requests/s, {statistics.median(costs[name]):.1f} ms of processor"
            f" each, peak {peaks[name] / 1e6:.0f} MB"
        )
    print(f"ratio: {medians['publisher'] / medians['datasette']:.2f} (at least 1)")


if __name__ == "__main__":
    main()
