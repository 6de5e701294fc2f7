"""One station's day out of many rows, over HTTP, against others over the same table.

    python tests/bench/rows.py [--rows 7000000] [--clients 16] [--seconds 10] [--rounds 3]

All serve the same made-up rows: Publisher from its store, Datasette from SQLite with an index on
station and time, ROAPI from a sorted Parquet file and, where CKAN_URL and CKAN_API_KEY name a site,
CKAN from its DataStore, with CKAN_STATIONS of them alone (20; all takes a quarter of an hour to
load at first), by ``datastore_search``. Every request is another station's day (96 rows), so no
cache of answers helps. The rounds take turns. Prints requests/s, their ratios and the peak memory
of each; CKAN runs in processes of its own.
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
from typing import Any

import aiohttp
import duckdb
import psutil
import requests
import yaml
from yarl import URL

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
STATIONS = 200
CKAN_STATIONS = int(os.environ.get("CKAN_STATIONS", "20"))
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


def made_up(rows: int) -> str:
    """Give the rows as SQL: of as many years as 200 stations need for them, 7 million for each."""
    years = -(-rows // (PER_STATION * STATIONS))
    return f"""
        SELECT i + 2 AS _row_number,
            'station-' || lpad((i // {PER_STATION * years})::VARCHAR, 4, '0') AS station,
            TIMESTAMP '{START}' + to_minutes((i % {PER_STATION * years}) * 15) AS observed_at,
            ((i * 7919) % 4000) / 1000.0 AS level, (i % 3)::BIGINT AS quality
        FROM range({rows}) AS t(i)
    """


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
        con.execute(f"CREATE TEMP TABLE judged_good AS {made_up(rows)}")
        con.execute(
            "CREATE TEMP TABLE judged_bad"
            " (row_number BIGINT, labels JSON, cells JSON, errors JSON, rules VARCHAR[])"
        )
        committed = store.commit(con, Commit(entry, "bench", delivery))
        assert committed.counts.new == rows
    engine.close()


def build_sqlite(path: Path, rows: int) -> None:
    def readings() -> Iterator[tuple[str, str, float, int]]:
        for number in range(rows):
            station, reading = divmod(number, PER_STATION)
            at = (START + INTERVAL * reading).isoformat() + "Z"
            yield f"station-{station:04}", at, number * 7919 % 4000 / 1000, number % 3

    with sqlite3.connect(path) as con:
        con.execute("CREATE TABLE levels (station TEXT, observed_at TEXT, level REAL, quality INT)")
        con.executemany("INSERT INTO levels VALUES (?, ?, ?, ?)", readings())
        con.execute("CREATE INDEX by_station ON levels (station, observed_at)")
        con.execute("ANALYZE")


@contextmanager
def server(
    arguments: list[str],
    port: int,
    ready: str,
    *,
    program: list[str] | None = None,
    command: list[str] | None = None,
) -> Iterator[psutil.Process]:
    """Run a module, a *program* of Python's or a *command* until the context ends, quotas off."""
    process = subprocess.Popen(
        command or [sys.executable, *(program or ["-m", *arguments])],
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
    url: str, rows: int, clients: int, seconds: float, process: psutil.Process | None
) -> tuple[float, float, int]:
    """Give requests/s, processor milliseconds a request, and the most memory seen, in bytes."""
    end = time.monotonic() + seconds
    done = peak = 0
    before = sum(process.cpu_times()[:2]) if process else 0
    days = list(range(rows // DAY))
    random.shuffle(days)

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while time.monotonic() < end:
            station, day = divmod(days.pop(), DAYS)
            start = START + timedelta(days=day)
            asked = url.format(
                station=f"station-{station:04}",
                offset=day * DAY,
                start=start.isoformat() + "Z",
                end=(start + timedelta(days=1)).isoformat() + "Z",
            )
            async with session.get(URL(asked, encoded=True)) as answer:
                body = await answer.read()
                assert answer.status == 200, body
                assert body.count(b'"level"') >= DAY, body
            done += 1

    async def watch() -> None:
        nonlocal peak
        while time.monotonic() < end:
            peak = max(peak, process.memory_info().rss if process else 0)
            await asyncio.sleep(0.1)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=clients)) as session:
        began = time.monotonic()
        await asyncio.gather(watch(), *(client(session) for _ in range(clients)))
        seconds = time.monotonic() - began
    used = sum(process.cpu_times()[:2]) - before if process else 0
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


def build_parquet(path: Path, rows: int) -> None:
    made = made_up(rows)
    duckdb.sql(
        "COPY (SELECT station, strftime(observed_at, '%Y-%m-%dT%H:%M:%SZ') AS observed_at, level,"
        f" quality FROM ({made}) ORDER BY station, observed_at) TO '{path}' (FORMAT parquet)"
    )


def ckan_table(url: str, token: str, organization: str) -> str:
    """Give the id of a resource of CKAN_STATIONS stations, made at first use."""

    def call(action: str, **asked: Any) -> Any:
        answer = requests.post(
            f"{url}/api/3/action/{action}", json=asked, headers={"Authorization": token}, timeout=60
        )
        return answer.json().get("result") if answer.ok else None

    name = "made-up-bench-of-days"
    package = call("package_show", id=name) or call(
        "package_create", name=name, owner_org=organization, title="Made up"
    )
    for resource in package["resources"]:
        found = call("datastore_search", resource_id=resource["id"], limit=0)
        if found and found["total"] == CKAN_STATIONS * PER_STATION:
            return str(resource["id"])
    fields = [("station", "text"), ("observed_at", "text"), ("level", "float"), ("quality", "int")]
    made = call(
        "datastore_create",
        resource={"package_id": package["id"], "name": "levels"},
        fields=[{"id": name, "type": kind} for name, kind in fields],
        primary_key=["station", "observed_at"],
    )
    resource = str(made["resource_id"])
    for first in range(0, CKAN_STATIONS * PER_STATION, 20_000):
        records = []
        for number in range(first, min(first + 20_000, CKAN_STATIONS * PER_STATION)):
            station, reading = divmod(number, PER_STATION)
            records.append(
                {
                    "station": f"station-{station:04}",
                    "observed_at": (START + INTERVAL * reading).isoformat() + "Z",
                    "level": number * 7919 % 4000 / 1000,
                    "quality": number % 3,
                }
            )
        call("datastore_upsert", resource_id=resource, method="insert", records=records)
    return resource


def measure(options: argparse.Namespace, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    root, sqlite, parquet = folder / "root", folder / "levels.db", folder / "levels.parquet"
    if not root.exists():
        root.mkdir()
        build_store(root, options.rows)
    if not sqlite.exists():
        build_sqlite(sqlite, options.rows)
    if not parquet.exists():
        build_parquet(parquet, options.rows)
    here, there, yonder = free_port(), free_port(), free_port()
    publisher = ["publisher", "serve", "--root", str(root), "--data", str(root / "data")]
    datasette = ["datasette", "serve", str(sqlite), "--setting", "suggest_facets", "off"]
    roapi = [str(Path(sys.executable).with_name("roapi"))]
    roapi += ["--table", f"levels={parquet}", "--addr-http", f"127.0.0.1:{yonder}"]
    asked = {
        "publisher": f"http://127.0.0.1:{here}/v1/datasets/river/levels/rows"
        "?station={station}&time={start}/{end}",
        "datasette": f"http://127.0.0.1:{there}/levels/levels.json"
        "?station={station}&observed_at__gte={start}&observed_at__lt={end}"
        "&_shape=objects&_nocount=1&_nofacet=1",
        "roapi": f"http://127.0.0.1:{yonder}/api/tables/levels?filter[station]=%27{{station}}%27"
        "&filter[observed_at]gte=%27{start}%27&filter[observed_at]lt=%27{end}%27",
    }
    rows = dict.fromkeys(asked, options.rows)
    if "CKAN_URL" in os.environ:
        url = os.environ["CKAN_URL"]
        table = ckan_table(url, os.environ["CKAN_API_KEY"], os.environ["CKAN_ORG"])
        asked["ckan"] = (
            f"{url}/api/3/action/datastore_search?resource_id={table}&limit={DAY}"
            "&filters=%7B%22station%22:%22{station}%22%7D&sort=observed_at&offset={offset}"
            "&include_total=false"
        )
        rows["ckan"] = CKAN_STATIONS * PER_STATION
    found: dict[str, list[float]] = {name: [] for name in asked}
    costs: dict[str, list[float]] = {name: [] for name in asked}
    peaks = dict.fromkeys(asked, 0)
    with (
        server([*publisher, "--port", str(here)], here, "/readyz") as ours,
        server([*datasette, "--port", str(there)], there, "/-/versions.json") as theirs,
        server([], yonder, "/health", command=roapi) as others,
    ):
        processes = {"publisher": ours, "datasette": theirs, "roapi": others}
        for _ in range(options.rounds):
            for name, url in asked.items():
                rate, used, peak = asyncio.run(
                    load_up(url, rows[name], options.clients, options.seconds, processes.get(name))
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
    for name, least in {"datasette": 4, "roapi": 40, "ckan": 10}.items():
        if name in medians:
            ratio = medians["publisher"] / medians[name]
            print(f"ratio to {name}: {ratio:.1f} (at least {least})")


if __name__ == "__main__":
    main()
