"""What publishing to a real CKAN takes, beside the same CKAN's own pace.

    set -a; . HOME_OF_THE_CKAN/env; set +a
    make bench BENCH=ckan ARGS="[pace|delta|datasets|types|memory] [rows]"

The peer is a bare loop of datastore_upsert in threads, at the best of several methods, sizes of
chunk and numbers of connections, on the same CKAN in the same run.
"""

import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ckan_house import Quarter, described, quarter, remade
from faulty import FaultyProxy
from publishing import House, open_house, together
from state_faults import own_corner
from support import CkanSite

from publisher import log

if "CKAN_URL" not in os.environ:
    sys.exit("no CKAN: set -a; . HOME_OF_THE_CKAN/env; set +a (deploy/ckan-test/up starts one)")
SITE = CkanSite(
    os.environ["CKAN_URL"],
    os.environ["CKAN_API_KEY"],
    os.environ["CKAN_ORG"],
    Path(os.environ["CKAN_HOME"]),
)
NUMBERS = [f"v{n}" for n in range(6)]
SCHEMA: dict[str, Any] = {
    "name": "measured",
    "version": "1.0.0",
    "fields": [
        {"name": "station", "role": "entity"},
        {"name": "at", "type": "datetime", "role": "time"},
        *({"name": name, "type": "number"} for name in NUMBERS),
        {"name": "n", "type": "integer"},
        {"name": "quality", "type": "integer"},
    ],
    "primaryKey": ["station", "at"],
}
NARROW = {**SCHEMA, "fields": SCHEMA["fields"][:3]}
VALUES = ", ".join(f"round(i * 0.37 + {k}, 2) AS v{k}" for k in range(len(NUMBERS)))


def made(rows: int, quality: int = 0) -> str:
    """Give the query of made-up rows: ten columns, fifty stations, a value a minute."""
    return (
        f"SELECT i + 1 AS _row, 's' || (i % 50) AS station,"
        f" TIMESTAMP '2020-01-01' + to_minutes(i // 50) AS at, {VALUES},"
        f" i AS n, {quality} AS quality FROM range({rows}) t(i)"
    )


def call(action: str, **parameters: Any) -> Any:
    answer = requests.post(
        f"{SITE.url}/api/3/action/{action}",
        json=parameters,
        headers={"Authorization": SITE.token},
        timeout=300,
    )
    answer.raise_for_status()
    return answer.json()["result"]


def record(i: int) -> dict[str, Any]:
    minute = i // 50
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_577_836_800 + 60 * minute))
    values = {name: round(i * 0.37 + k, 2) for k, name in enumerate(NUMBERS)}
    return {"station": f"s{i % 50}", "at": at, **values, "n": i, "quality": 0}


@contextmanager
def bare_table() -> Iterator[str]:
    name = f"bare-{uuid.uuid4().hex[:12]}"
    package = call(
        "package_create",
        name=name,
        owner_org=SITE.organization,
        private=True,
        resources=[{"name": "bare", "url": "_datastore_only_resource", "url_type": "datastore"}],
    )
    table = package["resources"][0]["id"]
    types = {"station": "text", "at": "timestamp", "n": "int8", "quality": "int8"}
    names = ["station", "at", *NUMBERS, "n", "quality"]
    call(
        "datastore_create",
        resource_id=table,
        fields=[{"id": it, "type": types.get(it, "numeric")} for it in names],
        primary_key=["station", "at"],
    )
    try:
        yield table
    finally:
        call("dataset_purge", id=package["id"])


def bare(rows: int, method: str, chunk: int, connections: int) -> float:
    """Give the rows a second of a plain loop, the making of its rows left out."""
    records = [record(i) for i in range(rows)]
    local = threading.local()
    with bare_table() as table:

        def send(start: int) -> None:
            if not hasattr(local, "session"):
                local.session = requests.Session()
            answer = local.session.post(
                f"{SITE.url}/api/3/action/datastore_upsert",
                data=json.dumps(
                    {
                        "resource_id": table,
                        "method": method,
                        "records": records[start : start + chunk],
                        "calculate_record_count": False,
                    }
                ),
                headers={"Authorization": SITE.token, "Content-Type": "application/json"},
                timeout=300,
            )
            answer.raise_for_status()

        began = time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(send, range(0, rows, chunk)))
        return rows / (time.perf_counter() - began)


@asynccontextmanager
async def house_of(
    rows: int, schema: dict[str, Any] = SCHEMA, **more: Any
) -> AsyncIterator[Quarter]:
    names = [field["name"] for field in schema["fields"]]
    columns = ", ".join(f'"{name}"' for name in ("_row", *names))
    with tempfile.TemporaryDirectory() as folder:
        async with quarter(
            Path(folder), SITE, watched=False, schemas={"measured": schema}, **more
        ) as found:
            if rows:
                query = f"SELECT {columns} FROM ({made(rows)})"
                await found.house.commit([], "measured", also=query)
            yield found


async def published(found: Quarter, **how: bool) -> float:
    began = time.perf_counter()
    result = await found.publish(**how)
    assert result.problem is None, result.problem
    return time.perf_counter() - began


async def pace(rows: int) -> None:
    tried = [
        (method, chunk, connections)
        for method, chunk, connections in (
            ("insert", 2_000, 2),
            ("insert", 5_000, 2),
            ("insert", 5_000, 3),
            ("insert", 10_000, 2),
            ("upsert", 5_000, 2),
        )
    ]
    share = max(20_000, rows // 5)
    found = {how: bare(share, *how) for how in tried}
    for how, speed in found.items():
        print(f"  bare {how}: {speed:,.0f} rows/s of {share:,}")
    best = max(found, key=lambda how: found[how])
    peer = bare(rows, *best)
    async with house_of(rows, direct=True) as ours:
        seconds = await published(ours)
    print(f"pace: {rows / seconds:,.0f} rows/s, the whole publication of {rows:,} rows;")
    print(f"  bare {best}: {peer:,.0f} rows/s; ratio {rows / seconds / peer:.2f} (asked 0.9)")


async def delta(rows: int) -> None:
    async with house_of(rows) as ours:
        first = await published(ours)
        ours.proxy.clear()
        again = [await published(ours) for _ in range(5)]
        print(f"nothing changed: {len(ours.proxy.writes)} write calls (asked 0),", end=" ")
        print(f"{statistics.median(again):.2f} s; first load {first:.0f} s")
        for round_ in range(3):
            await ours.house.commit([], "measured", also=made(100, round_ + 1))
            ours.proxy.clear()
            seconds = await published(ours)
            print(f"100 changed of {rows:,}: {ours.proxy.rows_sent} rows sent,", end=" ")
            print(f"{seconds:.2f} s (asked: at most 100, under 2 s)")
        print(f"every row compared: {await published(ours, dry_run=True):.1f} s")


async def datasets(count: int) -> None:
    """Reconcile *count* datasets of a hundred rows: metadata, marker, total; then every row."""
    async with own_corner(SITE) as corner, FaultyProxy(SITE.url) as proxy:
        with tempfile.TemporaryDirectory() as folder:
            async with open_house(Path(folder)) as house:
                names = [f"{corner.organization}-{n}" for n in range(count)]
                catalogs = many(house, corner, names, proxy.url)
                for name in names:
                    house.name, house.catalog = name, catalogs
                    await house.commit([], "measured", also=made(100))
                await asyncio.gather(*(house.outbox.publish(name) for name in names))
                for url, thorough in ((proxy.url, True), (SITE.url, False), (SITE.url, True)):
                    house.catalog = many(house, corner, names, url)
                    proxy.clear()
                    began = time.perf_counter()
                    found = await asyncio.gather(
                        *(house.outbox.publish(name, thorough=thorough) for name in names)
                    )
                    seconds = time.perf_counter() - began
                    outcomes = {result.outcome for [result] in found}
                    if url == proxy.url:
                        print(f"{len(proxy.writes)} write calls of {len(proxy.calls)} calls;")
                    else:
                        how = "every row" if thorough else "metadata, marker and total (asked < 60)"
                        print(f"{count} datasets reconciled, {how}: {seconds:.1f} s, {outcomes}")


def many(house: House, corner: Any, names: list[str], url: str) -> Any:
    """Give a catalog of datasets that are alike but for their names."""
    told = described(url, corner.organization, corner.token)
    house.environ.update(told["environ"])
    house.targets, house.publish = told["targets"], told["publish"]
    house.schemas = {"measured": SCHEMA}
    found = []
    for name in names:
        house.name = name
        house.describe()
        found.append(house.catalog)
    return together(found)


async def types(rows: int) -> None:
    """Change a column's type under a reader who polls; nothing but the gap may be seen."""
    async with house_of(rows) as ours:
        await published(ours)
        table = ours.resource
        rows_as_text = [{**record(i), "quality": "0"} for i in range(rows)]
        await remade(ours.corner, table, "quality", rows_as_text)
        with polled(table) as readings:
            seconds = await published(ours)
        print(f"type changed of {rows:,} rows in {seconds:.1f} s: gap {gap_ms(readings):.0f} ms")
        away = sum(not there for _, _, there in readings)
        print(f"  (asked < 100), {len(readings)} readings, {away} of them 404")


@contextmanager
def polled(table: str) -> Iterator[list[tuple[float, float, bool]]]:
    """Read one row again and again: when asked, when answered, whether it was there."""
    readings: list[tuple[float, float, bool]] = []
    stop = threading.Event()

    def read() -> None:
        session = requests.Session()
        while not stop.is_set():
            asked = time.perf_counter()
            answer = session.get(
                f"{SITE.url}/api/3/action/datastore_search",
                params={"resource_id": table, "limit": "1", "include_total": "false"},
                timeout=60,
            )
            readings.append((asked, time.perf_counter(), answer.status_code == 200))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield readings
        time.sleep(1)
    finally:
        stop.set()
        thread.join()


def gap_ms(readings: list[tuple[float, float, bool]]) -> float:
    """Give the longest time from an answer that it was not there to the next that it was."""
    gap, since = 0.0, None
    for _, answered, there in sorted(readings, key=lambda reading: reading[1]):
        if not there:
            since = answered if since is None else since
        elif since is not None:
            gap, since = max(gap, answered - since), None
    return 1000 * (time.perf_counter() - since if since is not None else gap)


async def memory(rows: int) -> None:
    """Give the largest memory of this process after a first load of *rows* of three columns."""
    async with house_of(rows, NARROW, direct=True) as ours:
        seconds = await published(ours)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory: {peak:.0f} MB at most for {rows:,} rows, {rows / seconds:,.0f} rows/s")


CASES = {
    "pace": (pace, 300_000),
    "delta": (delta, 1_000_000),
    "datasets": (datasets, 500),
    "types": (types, 100_000),
    "memory": (memory, 1_000_000),
}

if __name__ == "__main__":
    log.configure("error")
    wanted = sys.argv[1:2] or list(CASES)
    for case in wanted:
        work, size = CASES[case]
        asyncio.run(work(int(sys.argv[2]) if len(sys.argv) > 2 else size))
