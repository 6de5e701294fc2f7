"""While writers commit: exports prove themselves, walks end where they began, copies stay equal."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest_asyncio
from answering import Site, answering, river_store, row

TABLE = "/v1/datasets/river/levels"
START = datetime(2026, 4, 1)


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    with river_store(tmp_path / "store") as store:
        # One engine's threads are shared by all that goes on here; quotas are not the matter
        async with answering(store, tmp_path / "data", quota=0) as found:
            yield found


async def get(site: Site, path: str) -> tuple[bytes, Any]:
    answer = await site.client.get(path if path.startswith("/") else f"{TABLE}/{path}")
    body = await answer.read()
    assert answer.status == 200, body
    return body, answer.headers


async def write(site: Site, ended: asyncio.Event, seed: int) -> None:
    """Commit new and corrected rows, again and again."""
    rng = random.Random(seed)
    while not ended.is_set():
        await site.commit(
            *(
                row(f"s{rng.randrange(4)}", str(START + timedelta(minutes=minute)), rng.random())
                for minute in rng.sample(range(60), rng.randint(1, 12))
            )
        )
        await asyncio.sleep(0)


def local(url: str) -> str:
    return "/v1/" + url.partition("/v1/")[2]


async def test_exports_walks_and_copies_agree_while_others_write(site: Site) -> None:
    ended = asyncio.Event()
    writing = asyncio.create_task(write(site, ended, seed=1))
    try:
        copy: dict[Any, Any] = {}
        known = 0
        for _ in range(5):
            exports = await asyncio.gather(*(get(site, "export?f=ndjson") for _ in range(10)))
            by_version: dict[str, set[bytes]] = {}
            for body, headers in exports:
                by_version.setdefault(headers["X-Table-Version"], set()).add(body)
            assert all(len(bodies) == 1 for bodies in by_version.values())
            version, (export,) = max(by_version.items(), key=lambda it: int(it[0]))
            walked: list[Any] = []
            url = f"rows?limit=7&version={version}"
            while url:
                page = orjson.loads((await get(site, url))[0])
                walked += page["data"]
                url = local(page["next"]) if page["next"] else ""
            assert walked == [orjson.loads(line) for line in export.splitlines()]
            url = f"rows?limit=9&changed_since={known}"
            while url:
                page = orjson.loads((await get(site, url))[0])
                for change in page["data"]:
                    place = change["station"], change["seen_at"]
                    if change.pop("_deleted", False):
                        del copy[place]
                    else:
                        copy[place] = change
                url = local(page["next"]) if page["next"] else ""
                known = page["version"]
            whole, _ = await get(site, f"export?f=ndjson&version={known}")
            held = [orjson.loads(line) for line in whole.splitlines()]
            assert sorted(copy.values(), key=str) == sorted(held, key=str)
    finally:
        ended.set()
        await writing
    assert known > 5
