"""One question to eight partners, over a second Publisher behind proxies that wait.

    python tests/bench/partners.py [--only CASE...]

Cases: ``slowest`` (partners that answer in 50 to 500 ms), ``stalled`` (one that does not answer,
against the deadline), ``rows`` (100,000 rows of eight partners in one order, page by page, and as
one percentile), ``overhead`` (a station's day of one partner, against asking it directly), ``same``
(1,000 equal questions at the same time). Rows are made up. Prints times, in all and beyond what the
slowest partner took to answer as its proxy saw it, and the peak memory of who asks.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import psutil
import yaml
from aiohttp import web
from rows import build_store, free_port, server

PARTNERS = 8
ROWS = 12_500
DELAYS = [0.05 + 0.45 * number / (PARTNERS - 1) for number in range(PARTNERS)]
DEADLINE = 2
LEVELS = "river/levels"


@dataclass
class Proxy:
    """Stands before the second Publisher; waits before each page of rows."""

    target: str
    url: str
    delay: float = 0.0
    asked: int = 0
    seconds: float = 0.0
    """That its answers of rows took in all."""
    session: aiohttp.ClientSession | None = field(default=None, repr=False)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        assert self.session is not None
        began = time.perf_counter()
        rows = "/rows" in request.path
        if rows:
            self.asked += 1
            await asyncio.sleep(self.delay)
        async with self.session.get(self.target + request.raw_path) as answer:
            kept = ("Content-Type", "Link", "X-Table-Version", "Content-Encoding")
            headers = {name: answer.headers[name] for name in kept if name in answer.headers}
            if "Link" in headers:
                headers["Link"] = headers["Link"].replace(self.target, self.url)
            body = await answer.read()
        if rows:
            self.seconds += time.perf_counter() - began
        return web.Response(status=answer.status, headers=headers, body=body)


@asynccontextmanager
async def proxies(target: str, ports: list[int]) -> AsyncIterator[list[Proxy]]:
    runners, found = [], []
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        for port in ports:
            proxy = Proxy(target, f"http://127.0.0.1:{port}", session=session)
            app = web.Application()
            app.router.add_get("/{path:.*}", proxy.handle)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            runners.append(runner)
            found.append(proxy)
        try:
            yield found
        finally:
            for runner in runners:
                await runner.cleanup()


@dataclass
class Bench:
    here: str
    proxies: list[Proxy]
    session: aiohttp.ClientSession
    process: psutil.Process

    async def ask(self, query: str) -> tuple[float, dict[str, Any]]:
        url = query if "://" in query else f"{self.here}{query}"
        began = time.perf_counter()
        async with self.session.get(url) as answer:
            body = orjson.loads(await answer.read())
            assert answer.status == 200, body
        return time.perf_counter() - began, body

    def wait(self, delays: list[float]) -> None:
        for proxy, delay in zip(self.proxies, delays, strict=True):
            proxy.delay = delay

    def slowest(self) -> float:
        """Give what the slowest partner took since this was asked last."""
        slowest = max(proxy.seconds for proxy in self.proxies)
        for proxy in self.proxies:
            proxy.seconds = 0.0
        return slowest


def asked_of(count: int) -> str:
    return "/v1/query?" + "&".join(f"from={LEVELS}@p{number}" for number in range(count))


async def slowest(bench: Bench) -> None:
    bench.wait(DELAYS)
    bench.slowest()
    times = []
    for number in range(10):
        took, body = await bench.ask(f"{asked_of(PARTNERS)}&level__gte={number / 100}&limit=100")
        assert body["complete"], body["sources"]
        times.append(took - bench.slowest())
    beyond = statistics.median(times)
    print(f"slowest: {beyond * 1000:.0f} ms beyond the slowest of {PARTNERS} (at most 50)")


async def stalled(bench: Bench) -> None:
    bench.wait([*DELAYS[:-1], 30])
    took, body = await bench.ask(f"{asked_of(PARTNERS)}&limit=100&timeout={DEADLINE}")
    told = [it["status"] for it in body["sources"]["data"]]
    print(
        f"stalled: {(took - DEADLINE) * 1000:.0f} ms beyond the deadline (at most 50);"
        f" {told.count('successful')} of {PARTNERS} complete"
    )


def peak(bench: Bench) -> float:
    """Give the megabytes that it has held at the most."""
    told = Path(f"/proc/{bench.process.pid}/status").read_text()
    [kilobytes] = [line.split()[1] for line in told.splitlines() if line.startswith("VmHWM")]
    return int(kilobytes) / 1000


async def rows(bench: Bench) -> None:
    bench.wait([0.0] * PARTNERS)
    before = bench.process.memory_info().rss / 1e6
    for name, query in (
        ("as one percentile of all", "&agg=level:p95"),
        ("in one order, page by page", "&sort=-level&limit=10000"),
    ):
        bench.slowest()
        took, found, url = 0.0, 0, f"{asked_of(PARTNERS)}{query}&timeout=60"
        while url:
            seconds, body = await bench.ask(url)
            assert body["complete"], body["sources"]
            took, found, url = took + seconds, found + len(body["data"]), body["next"]
        print(
            f"rows: {PARTNERS * ROWS} {name}: {took:.2f} s, {found} rows told;"
            f" {took - bench.slowest():.2f} s beyond the slowest partner (at most 2);"
            f" memory {peak(bench):.0f} MB at the most (under 200), {before:.0f} MB before"
        )


async def overhead(bench: Bench) -> None:
    bench.wait([0.0] * PARTNERS)
    through, direct = [], []
    for day in range(1, 28):
        query = f"station=station-0000&time=2020-01-{day:02}"
        through.append((await bench.ask(f"{asked_of(1)}&{query}"))[0])
        at = f"/v1/datasets/{LEVELS}/rows?{query}"
        direct.append((await bench.ask(f"{bench.proxies[0].url}{at}"))[0])
    more = statistics.median(through) - statistics.median(direct)
    print(
        f"overhead: {statistics.median(through) * 1000:.1f} ms through us,"
        f" {statistics.median(direct) * 1000:.1f} ms directly: {more * 1000:.1f} ms more (under 5)"
    )


async def same(bench: Bench) -> None:
    bench.wait([0.2] * PARTNERS)
    before = bench.proxies[0].asked
    await asyncio.gather(
        *(bench.ask(f"{asked_of(1)}&level__gte=1.5&limit=5") for _ in range(1_000))
    )
    print(f"same: 1,000 equal questions cost the partner {bench.proxies[0].asked - before} (1)")


RUN: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "slowest": slowest,
    "stalled": stalled,
    "rows": rows,
    "overhead": overhead,
    "same": same,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", nargs="*", choices=tuple(RUN), default=tuple(RUN))
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(options, Path(folder))


def measure(options: argparse.Namespace, folder: Path) -> None:
    here, there = folder / "here", folder / "there"
    for root, count in ((here, 1), (there, ROWS)):
        root.mkdir()
        build_store(root, count)
    ports = [free_port() for _ in range(PARTNERS)]
    partners = {
        f"p{number}": {
            "title": f"Made up {number}",
            "type": "publisher",
            "url": f"http://127.0.0.1:{port}",
            "timeout": 60,
        }
        for number, port in enumerate(ports)
    }
    (here / "catalog/partners.yaml").write_text(yaml.safe_dump(partners), "utf-8")
    one, two = free_port(), free_port()

    def serve(root: Path, port: int) -> list[str]:
        data = str(root / "data")
        return ["publisher", "serve", "--root", str(root), "--data", data, "--port", str(port)]

    with server(serve(there, two), two, "/readyz"):
        asyncio.run(run(options.only, serve(here, one), one, two, ports))


async def run(cases: Iterable[str], here: list[str], one: int, two: int, ports: list[int]) -> None:
    async with proxies(f"http://127.0.0.1:{two}", ports) as found:
        context = server(here, one, "/readyz")
        process = await asyncio.to_thread(context.__enter__)
        try:
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as session:
                bench = Bench(f"http://127.0.0.1:{one}", found, session, process)
                await bench.ask(f"{asked_of(PARTNERS)}&limit=1")  # their fields are known then
                for case in cases:
                    await RUN[case](bench)
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)


if __name__ == "__main__":
    main()
