"""Answers are kept as long as they are true, and equal questions asked at once are asked once."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from answering import SCHEMA, River, Site, answering, catalog_of, river_store, row

from publisher.model.run import Run
from publisher.model.schema import Schema

ROWS = "/v1/datasets/river/levels/rows"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with river_store(tmp_path / "store") as made:
        yield made


@pytest_asyncio.fixture
async def site(store: River, tmp_path: Path) -> AsyncIterator[Site]:
    async with answering(store, tmp_path / "data") as found:
        yield found


async def got(site: Site, query: str = "", coding: str = "identity") -> tuple[bytes, Any]:
    answer = await site.client.get(f"{ROWS}{query}", headers={"Accept-Encoding": coding})
    return await answer.read(), answer.headers


@pytest.fixture
def asked(store: River, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tell each time that the engine is asked."""
    found: list[str] = []
    engine = store.desk.engine
    run = engine.run

    async def counted(work: Any, **how: Any) -> Any:
        found.append(how.get("lane", "work"))
        return await run(work, **how)

    monkeypatch.setattr(engine, "run", counted)
    return found


async def test_an_answer_is_given_again_in_each_coding_until_it_is_true_no_more(
    site: Site, asked: list[str]
) -> None:
    query = f"?filter={'station=%27A%27%20OR%20' * 30}level%3E0"
    first, headers = await got(site, query)
    await got(site, query, "gzip")
    count = len(asked)
    for coding in ("identity", "gzip", "identity"):
        again, told = await got(site, query, coding)
        assert again == first
        assert told["ETag"].startswith(headers["ETag"].rstrip('"'))
        assert told["X-Table-Version"] == "2"
    assert len(asked) == count
    held = {"If-None-Match": headers["ETag"], "Accept-Encoding": "identity"}
    answer = await site.client.get(f"{ROWS}{query}", headers=held)
    assert (answer.status, await answer.read()) == (304, b"")
    assert answer.headers["X-Table-Version"] == "2"
    head = await site.client.head(f"{ROWS}{query}", headers={"Accept-Encoding": "identity"})
    assert head.headers["Content-Length"] == str(len(first))
    refused = await site.client.post(f"{ROWS}{query}", headers={"Accept-Encoding": "identity"})
    assert refused.status == 405
    assert len(asked) == count
    await site.commit(row("A", "2026-03-01T00:00:00", 4.0))
    assert (await got(site, query))[1]["X-Table-Version"] == "3"
    assert len(asked) > count


async def test_another_catalog_gives_another_answer(store: River, tmp_path: Path) -> None:
    catalogs = [catalog_of(store.river, store.draft, store.empty)]
    async with answering(store, tmp_path / "data", catalog=lambda: catalogs[-1]) as site:
        assert b"level" in (await got(site))[0]
        fields = [{**it, "personal": it["name"] == "level"} for it in SCHEMA["fields"]]
        hidden = Schema.model_validate({**SCHEMA, "fields": fields})
        entry = replace(store.river, schema=hidden)
        catalogs.append(catalog_of(entry, store.draft, store.empty))
        assert b"level" not in (await got(site))[0]


async def test_equal_questions_are_asked_once_and_one_who_leaves_stops_nothing(
    site: Site, asked: list[str]
) -> None:
    await got(site)
    asked.clear()
    tasks = [asyncio.create_task(got(site, "?limit__exact=7")) for _ in range(30)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    bodies = {(await task)[0] for task in tasks[1:]}
    assert len(bodies) == 1
    assert len(asked) <= 2


async def test_what_speaks_of_now_is_worked_out_anew_each_minute(
    site: Site, asked: list[str]
) -> None:
    await got(site, "?time=../now")
    count = len(asked)
    await got(site, "?time=../now")
    assert len(asked) <= count + 1  # unless the minute just ended


async def test_memory_is_bounded(store: River, tmp_path: Path, asked: list[str]) -> None:
    async with answering(store, tmp_path / "data", cache_bytes=40_000) as site:
        for number in range(100):
            await got(site, f"?level__gt={number}")
        asked.clear()
        await got(site, "?level__gt=99")
        assert asked == []
        await got(site, "?level__gt=0")
        assert asked
    async with answering(store, tmp_path / "data", cache_bytes=0) as site:
        await got(site)
        asked.clear()
        await got(site)
        assert asked


async def test_readers_never_see_less_than_what_was_committed_before_they_asked(
    site: Site,
) -> None:
    """Commits and questions go on together; each answer is whole, and no older than the last."""
    committed = [2]
    rng = random.Random(1)

    async def write() -> None:
        for number in range(15):
            await site.commit(row("W", f"2026-05-{number + 1:02}T00:00:00", float(number)))
            committed[0] += 1
            await asyncio.sleep(0.01)

    async def read() -> None:
        while committed[0] < 17:
            least = committed[0]
            body, headers = await got(site, rng.choice(["?station=W", "?station=W&limit=1000"]))
            version = int(headers["X-Table-Version"])
            assert version >= least
            assert body.count(b'"station":"W"') == version - 2

    await asyncio.gather(write(), *(read() for _ in range(4)))


async def test_pages_about_tables_are_kept_until_anything_is_written(
    site: Site, store: River
) -> None:
    pages = ("/v1/datasets", "/v1/datasets/river/levels", "/v1/datasets/river/levels/runs")

    async def kept(page: str, language: str = "en") -> bool:
        async with site.client.get(page, headers={"Accept-Language": language}) as answer:
            return answer.headers["Server-Timing"].startswith("cache")

    for page in pages:
        await kept(page)
        assert await kept(page)
        assert not await kept(page, "da")
    run = Run("r", store.river.ref, "command", datetime.now(UTC), "running")
    store.desk.store.start_run(store.desk.con, run)
    for page in pages:
        assert not await kept(page)
        assert await kept(page)
