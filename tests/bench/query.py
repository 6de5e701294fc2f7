"""The query API's ways through made-up rows of 200 stations, each beside a peer in the same run.

    python tests/bench/query.py [--rows 7000000] [--keep FOLDER] [--only CASE...]

Cases: ``cached`` (against a bare aiohttp handler with the same bytes), ``means``, ``sorted`` and
``export`` (against DuckDB itself on the same rows and, where CKAN_URL, CKAN_API_KEY and CKAN_ORG
name a site, against CKAN's dump of CKAN_STATIONS, as in ``rows``), ``latest``, ``pages`` (the
thousandth against the first). Prints times, ratios and the service's peak memory. Quotas are off.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import aiohttp
import duckdb
import psutil
import requests
from aiohttp import web
from rows import (
    CKAN_STATIONS,
    PER_STATION,
    START,
    build_store,
    ckan_table,
    free_port,
    made_up,
    server,
)

TABLE = "/v1/datasets/river/levels"
DAY = f"station=station-0007&time={START:%Y-%m}-02"
CASES = ("cached", "means", "latest", "sorted", "pages", "export")


class Ours:
    """The service, and how long it takes."""

    def __init__(self, port: int, process: psutil.Process, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.process = process
        self.folder = folder

    def times(self, paths: list[str]) -> list[float]:
        """Give the seconds of each, one after the other, by a client that costs little itself."""
        found = []
        connection = HTTPConnection("127.0.0.1", int(self.url.rpartition(":")[2]))
        for path in paths:
            began = time.perf_counter()
            connection.request("GET", f"{TABLE}{path}")
            answer = connection.getresponse()
            body = answer.read()
            found.append(time.perf_counter() - began)
            assert answer.status == 200, body
        connection.close()
        return found


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def told(case: str, text: str) -> None:
    print(f"{case}: {text}", flush=True)


async def rate(url: str, process: psutil.Process, headers: dict[str, str], seconds: float) -> Any:
    """Give requests/s by 16 clients, and the server's processor milliseconds for each."""
    done = 0
    end = time.monotonic() + seconds
    before = sum(process.cpu_times()[:2])

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while time.monotonic() < end:
            async with session.get(url, headers=headers) as answer:
                await answer.read()
                assert answer.status in {200, 304}
            done += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=16)) as session:
        began = time.monotonic()
        await asyncio.gather(*(client(session) for _ in range(16)))
        took = time.monotonic() - began
    return done / took, (sum(process.cpu_times()[:2]) - before) / done * 1000


def cached(ours: Ours, _: Any) -> None:
    path = f"{ours.url}{TABLE}/rows?{DAY}"

    async def held() -> tuple[bytes, str]:
        async with aiohttp.ClientSession() as session, session.get(path) as answer:
            return await answer.read(), answer.headers["ETag"]

    body, etag = asyncio.run(held())
    file = ours.folder / "body.json"
    file.write_bytes(body)
    port = free_port()
    with server([], port, "/", program=[__file__, "--bare", str(port), str(file)]) as process:
        bare = asyncio.run(rate(f"http://127.0.0.1:{port}/", process, {}, 5))
    for name, headers in (("again", {}), ("304", {"If-None-Match": etag})):
        found = asyncio.run(rate(path, ours.process, headers, 5))
        told(
            f"cached, {name}",
            f"{found[0]:.0f} requests/s, {found[1]:.2f} ms of processor; a bare handler"
            f" {bare[0]:.0f}, {bare[1]:.2f} ms: {found[0] / bare[0]:.2f} of it,"
            f" by processor {bare[1] / found[1]:.2f} (at least 0.7)",
        )


def means(ours: Ours, con: duckdb.DuckDBPyConnection) -> None:
    stations = range(0, 180, 2)
    paths = [
        f"/aggregate?station=station-{it:04}&time={START:%Y}-03&every=PT1H&agg=level:avg&limit=1000"
        for it in stations
    ]
    found = statistics.median(ours.times(paths))
    bare = []
    for it in stations:
        began = time.perf_counter()
        con.execute(
            "SELECT date_trunc('hour', observed_at) AS hour, avg(level) FROM levels"
            " WHERE station = ? AND observed_at >= '2020-03-01' AND observed_at < '2020-04-01'"
            " GROUP BY 1 ORDER BY 1",
            [f"station-{it:04}"],
        ).fetchall()
        bare.append(time.perf_counter() - began)
    base = statistics.median(bare)
    told(
        "means",
        f"{found * 1000:.1f} ms; DuckDB's bare query {base * 1000:.1f} ms: {found / base:.2f}"
        " times (at most 1.5)",
    )


def latest(ours: Ours, _: Any) -> None:
    paths = [f"/latest?limit=1000&level__gte=0&quality__lte={2 + it}" for it in range(20)]
    whole = ours.times(paths)
    plain = ours.times([f"/latest?limit={201 + it}" for it in range(60)])
    told(
        "latest",
        f"of each station, p95 {p95(plain) * 1000:.1f} ms (under 10); with conditions on values"
        f" {p95(whole) * 1000:.0f} ms",
    )


def ordered(ours: Ours, con: duckdb.DuckDBPyConnection) -> None:
    """A month's rows by their value, and those of the whole table."""
    for named, time_, where in (
        ("of a month", f"&time={START:%Y}-03", " AND observed_at >= '{0}-03-01'"),
        ("of the whole table", "", ""),
    ):
        paths = [
            f"/rows?level__gte={it / 100}{time_}&sort=-level&limit=1000" for it in range(200, 230)
        ]
        found = ours.times(paths)
        bare = []
        end = " AND observed_at < '{0}-04-01'" if where else ""
        for it in range(200, 230):
            began = time.perf_counter()
            con.execute(
                f"SELECT * FROM levels WHERE level >= ?{(where + end).format(START.year)}"
                " ORDER BY level DESC NULLS LAST, station, observed_at LIMIT 1000",
                [it / 100],
            ).fetchall()
            bare.append(time.perf_counter() - began)
        told(
            "sorted",
            f"1,000 rows {named}, p95 {p95(found) * 1000:.0f} ms (under 100 of 49 million);"
            f" DuckDB's bare query {p95(bare) * 1000:.0f} ms",
        )


def pages(ours: Ours, _: Any) -> None:
    async def follow() -> list[float]:
        found = []
        url = f"{ours.url}{TABLE}/rows?limit=100"
        async with aiohttp.ClientSession() as session:
            for _ in range(1_000):
                began = time.perf_counter()
                async with session.get(url) as answer:
                    url = (await answer.json())["next"]
                found.append(time.perf_counter() - began)
        return found

    found = asyncio.run(follow())
    first, last = statistics.median(found[1:51]), statistics.median(found[-50:])
    told(
        "pages",
        f"first {first * 1000:.1f} ms, thousandth {last * 1000:.1f} ms: {last / first:.2f} times"
        " (under 1.2)",
    )


def export(ours: Ours, con: duckdb.DuckDBPyConnection) -> None:
    async def fetched(form: str) -> tuple[float, int]:
        size = 0
        timeout = aiohttp.ClientTimeout(total=900)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            began = time.perf_counter()
            async with session.get(f"{ours.url}{TABLE}/export?f={form}") as answer:
                assert answer.status == 200
                while piece := await answer.content.read(1 << 20):
                    size += len(piece)
            return time.perf_counter() - began, size

    copies = {"csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet, COMPRESSION zstd"}
    for form, options in copies.items():
        file = ours.folder / f"copy.{form}"
        bare, in_order = (
            copied(con, f"COPY {rows} TO '{file}' ({options})")
            for rows in ("levels", "(FROM levels ORDER BY station, observed_at)")
        )
        first, size = asyncio.run(fetched(form))
        again, _ = asyncio.run(fetched(form))
        told(
            f"export, {form}",
            f"{size / 1e6:.0f} MB first in {first:.1f} s; DuckDB's own COPY {bare:.1f} s:"
            f" {bare / first:.2f} of its pace (at least 0.5); in order, as ours, {in_order:.1f} s:"
            f" {in_order / first:.2f}; again {size / again / 1e6:.0f} MB/s",
        )
        file.unlink()
        if form == "csv" and "CKAN_URL" in os.environ:
            [(rows,)] = con.execute("SELECT count(*) FROM levels").fetchall()
            theirs = dumped()
            told(
                "export, csv",
                f"{rows / first:.0f} rows/s; CKAN's dump {theirs:.0f}: {rows / first / theirs:.1f}"
                " times (at least 10)",
            )


def copied(con: duckdb.DuckDBPyConnection, statement: str) -> float:
    began = time.perf_counter()
    con.execute(statement)
    return time.perf_counter() - began


def dumped() -> float:
    """Give the rows a second of CKAN's dump of a table."""
    url = os.environ["CKAN_URL"]
    table = ckan_table(url, os.environ["CKAN_API_KEY"], os.environ["CKAN_ORG"])
    began = time.perf_counter()
    answer = requests.get(f"{url}/datastore/dump/{table}", timeout=900)
    rows = answer.content.count(b"\n") - 1
    assert rows == CKAN_STATIONS * PER_STATION
    return rows / (time.perf_counter() - began)


RUN: dict[str, Callable[[Ours, Any], None]] = {
    "cached": cached,
    "means": means,
    "latest": latest,
    "sorted": ordered,
    "pages": pages,
    "export": export,
}


def bare_handler(port: int, file: Path) -> None:
    """Serve the file's bytes from memory, and do nothing else."""
    body = file.read_bytes()

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/", handle)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=7_000_000)
    arguments.add_argument("--keep", type=Path, help="folder of the built data, to use again")
    arguments.add_argument("--only", nargs="*", choices=CASES, default=CASES)
    arguments.add_argument("--bare", nargs=2, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.bare:
        bare_handler(int(options.bare[0]), Path(options.bare[1]))
        return
    folder = options.keep or Path(tempfile.mkdtemp())
    try:
        measure(options, folder)
    finally:
        if options.keep is None:
            shutil.rmtree(folder)


def measure(options: argparse.Namespace, folder: Path) -> None:
    root = folder / "root"
    if not root.exists():
        root.mkdir(parents=True)
        build_store(root, options.rows)
    port = free_port()
    arguments = ["publisher", "serve", "--root", str(root), "--data", str(root / "data")]
    con = duckdb.connect(str(folder / "peer.duckdb"), config={"threads": "2"})
    con.execute(f"CREATE TABLE IF NOT EXISTS levels AS {made_up(options.rows)}")
    with server([*arguments, "--port", str(port)], port, "/readyz") as process:
        ours = Ours(port, process, folder)
        for case in options.only:
            RUN[case](ours, con)
        peak = process.memory_info().rss
        told("memory", f"{peak / 1e6:.0f} MB at the end (under 1000)")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
