"""Requests of every kind at a fixed pace, while deliveries with corrections are harvested.

    python tests/bench/mixed.py [--rows 7000000] [--seconds 60] [--pace 500] [--keep FOLDER]

Requests begin at their time, whether or not earlier ones have been answered, and are timed from
then; they come from 20 addresses. Every five seconds a made-up file of 50,000 rows is delivered:
49,000 that are new and 1,000 corrections of rows of any age. Prints the percentiles of each kind
and of all, errors, rows that were harvested a second, listeners that were told, and peak memory.
Quotas are off. Errors count from the start, times after the first 20 seconds, in which the service
comes to know what is asked for.
"""

import argparse
import asyncio
import csv
import gc
import random
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import aiohttp
import psutil
import yaml
from rows import DATASET, PER_STATION, START, build_store, free_port, server

EVERY = 5.0
NEW, CORRECTED = 49_000, 1_000
LISTENERS = 100
CALLERS = 20
LEVELS = "/v1/datasets/river/levels"


def requests(rows: int) -> Iterator[tuple[str, str]]:
    """Give the kind and the address of one request after the other."""
    stations = rows // PER_STATION
    while True:
        station = f"station-{random.randrange(stations):04}"
        day = START + timedelta(days=random.randrange(360))
        kinds = {
            "latest of one": f"{LEVELS}/latest?station={station}",
            "latest of all": f"{LEVELS}/latest?limit=1000",
            "a day": f"{LEVELS}/rows?station={station}&time={day:%Y-%m-%d}",
            "hourly month": f"{LEVELS}/aggregate?station={station}&time={day:%Y-%m}"
            "&every=PT1H&agg=level:avg&limit=1000",
            "table": LEVELS,
            "datasets": "/v1/datasets",
        }
        [kind] = random.choices(list(kinds), weights=[30, 20, 25, 5, 10, 10])
        yield kind, kinds[kind]


def write(inbox: Path, number: int, rows: int) -> None:
    """Write a file that is not there yet for who looks for ``*.csv``."""
    stations = rows // PER_STATION
    first = START + timedelta(minutes=15 * PER_STATION)
    part = inbox / f"{number:04}.part"
    with part.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["station", "observed_at", "level", "quality"])
        for n in range(NEW):
            at = first + timedelta(minutes=15 * (number * (NEW // stations + 1) + n // stations))
            writer.writerow([f"station-{n % stations:04}", f"{at.isoformat()}Z", n % 97 / 10, 1])
        for _ in range(CORRECTED):
            at = START + timedelta(minutes=15 * random.randrange(PER_STATION))
            station = f"station-{random.randrange(stations):04}"
            writer.writerow([station, f"{at.isoformat()}Z", random.random(), 2])


async def load(
    url: str, options: argparse.Namespace, inbox: Path
) -> tuple[dict[str, list[float]], list[str], int]:
    times: dict[str, list[float]] = defaultdict(list)
    errors: list[str] = []
    told = 0

    async def ask(session: aiohttp.ClientSession, kind: str, path: str, due: float) -> None:
        try:
            async with session.get(url + path) as answer:
                body = await answer.read()
                if answer.status != 200:
                    errors.append(f"{answer.status} {path} {body[:200]!r}")
        except aiohttp.ClientError as error:
            errors.append(f"{type(error).__name__} {path}")
        times[kind].append(time.monotonic() - due)

    async def listen(session: aiohttp.ClientSession) -> None:
        nonlocal told
        headers = {"Accept": "text/event-stream"}
        timeout = aiohttp.ClientTimeout(total=None)
        async with session.get(
            url + LEVELS + "/changes", headers=headers, timeout=timeout
        ) as answer:
            async for line in answer.content:
                told += line.startswith(b"event: version")

    async def delivering() -> None:
        for part in sorted(inbox.glob("*.part")):
            part.rename(part.with_suffix(".csv"))
            await asyncio.sleep(EVERY)

    async with AsyncExitStack() as stack:
        sessions = [
            await stack.enter_async_context(
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(limit=0, local_addr=(f"127.0.1.{n + 1}", 0))
                )
            )
            for n in range(CALLERS)
        ]
        session = sessions[0]
        beside = [asyncio.create_task(delivering())]
        beside += [asyncio.create_task(listen(session)) for _ in range(LISTENERS)]
        await asyncio.sleep(EVERY)
        began = time.monotonic()
        asked = []
        measured = False
        for number, (kind, path) in enumerate(requests(options.rows)):
            due = began + number / options.pace
            if due > began + options.warm + options.seconds:
                break
            if not measured and due > began + options.warm:
                measured = True
                times.clear()
            await asyncio.sleep(max(0, due - time.monotonic()))
            session = sessions[number % CALLERS]
            asked.append(asyncio.create_task(ask(session, kind, path, due)))
        await asyncio.gather(*asked)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    return times, errors, told


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=7_000_000)
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--warm", type=float, default=20, help="seconds before it is measured")
    arguments.add_argument("--pace", type=float, default=500, help="requests a second")
    arguments.add_argument("--keep", type=Path, help="folder of the built data, which is copied")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        if options.keep is not None and (options.keep / "root").exists():
            shutil.copytree(options.keep / "root", root)
        else:
            root.mkdir()
            build_store(root, options.rows)
        measure(options, root)


def measure(options: argparse.Namespace, root: Path) -> None:
    inbox = root / "inbox"
    inbox.mkdir(exist_ok=True)
    dataset = {**DATASET}
    [resource] = DATASET["resources"]
    dataset["resources"] = [
        {
            **resource,
            "harvest": {"source": {"type": "file", "path": "inbox/*.csv"}, "every": "PT1S"},
        }
    ]
    (root / "catalog/river.yaml").write_text(yaml.safe_dump(dataset), "utf-8")
    for number in range(int((options.warm + options.seconds) / EVERY) + 3):
        write(inbox, number, options.rows)  # beforehand: it would keep the requests waiting
    port = free_port()
    arguments = ["publisher", "serve", "--root", str(root), "--data", str(root / "data")]
    with server([*arguments, "--port", str(port)], port, "/readyz") as process:
        url = f"http://127.0.0.1:{port}"
        before = rows_of(url)
        began = time.monotonic()
        gc.disable()  # a collection would keep the requests waiting
        times, errors, told = asyncio.run(load(url, options, inbox))
        harvested = (rows_of(url) - before) / (time.monotonic() - began)
        report(times, errors, process)
        print(f"{harvested:.0f} new rows a second; {LISTENERS} listeners were told {told} times")


def rows_of(url: str) -> int:
    async def ask() -> int:
        async with aiohttp.ClientSession() as session, session.get(url + LEVELS) as answer:
            return int((await answer.json())["rows"])

    return asyncio.run(ask())


def report(times: dict[str, list[float]], errors: list[str], process: psutil.Process) -> None:
    every = [it for kind in times.values() for it in kind]
    for kind, found in [*sorted(times.items()), ("all", every)]:
        print(
            f"{kind}: {len(found)} requests, p50 {percentile(found, 0.5):.1f} ms,"
            f" p95 {percentile(found, 0.95):.1f} ms, p99 {percentile(found, 0.99):.1f} ms"
        )
    print(f"p99 of all under 100 ms is asked; errors: {len(errors)} {errors[:3]}")
    print(f"memory: {process.memory_info().rss / 1e6:.0f} MB (under 1000)")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
