"""Exports: files that hold everything that matches, once made and always the same."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import orjson
import pytest
import pytest_asyncio
from answering import CPR, River, Site, answering, river_store, row
from publishing import until

from publisher.api.parts import COMMITS

EXPORT = "/v1/datasets/river/levels/export"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with river_store(tmp_path / "store") as made:
        yield made


@pytest_asyncio.fixture
async def site(store: River, tmp_path: Path) -> AsyncIterator[Site]:
    async with answering(store, tmp_path / "data") as found:
        yield found


async def fetched(site: Site, query: str, **headers: str) -> tuple[bytes, Any]:
    answer = await site.client.get(f"{EXPORT}{query}", headers=headers)
    body = await answer.read()
    assert answer.status in {200, 206}, body
    return body, answer.headers


async def test_each_format_holds_the_rows_that_pages_give(site: Site, tmp_path: Path) -> None:
    rows = (await site.rows("?tz=Europe/Copenhagen"))["data"]
    body, _ = await fetched(site, "?f=ndjson&tz=Europe/Copenhagen")
    assert [orjson.loads(line) for line in body.splitlines()] == rows
    body, _ = await fetched(site, "?f=json&tz=Europe/Copenhagen")
    assert orjson.loads(body) == {"data": rows, "next": None, "version": 2}
    body, headers = await fetched(site, "?f=csv&tz=Europe/Copenhagen")
    assert headers["Content-Disposition"] == 'attachment; filename="river-levels-2.csv"'
    listed = list(csv.DictReader(io.StringIO(body.decode())))
    assert [it["seen_at"] for it in listed] == [it["seen_at"] for it in rows]
    body, _ = await fetched(site, "?f=parquet")
    file = tmp_path / "a.parquet"
    file.write_bytes(body)
    kinds = duckdb.sql(f"DESCRIBE SELECT * FROM '{file}'").fetchall()
    assert dict(it[:2] for it in kinds)["seen_at"] == "TIMESTAMP WITH TIME ZONE"
    assert duckdb.sql(f"SELECT station, level FROM '{file}'").fetchall() == [
        (it["station"], it["level"]) for it in rows
    ]
    body, _ = await fetched(site, "?f=xlsx&tz=Europe/Copenhagen")
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    cells = list(sheet.iter_rows(values_only=True))
    assert [it[0] for it in cells[1:]] == [it["station"] for it in rows]
    assert [it[1].isoformat() for it in cells[1:]] == [it["seen_at"][:19] for it in rows]
    for form in ("csv", "ndjson", "json", "parquet", "xlsx"):
        assert CPR.encode() not in (await fetched(site, f"?f={form}"))[0]


async def test_a_manifest_proves_the_file_and_names_it_for_ever(site: Site) -> None:
    body, headers = await fetched(site, "?f=csv&station=A")
    link = headers["Link"].removeprefix("<").partition(">")[0]
    manifest = await site.get(link)
    assert (manifest["rows"], manifest["version"]) == (2, 2)
    assert (manifest["bytes"], manifest["sha256"]) == (len(body), sha256(body).hexdigest())
    await site.commit(row("A", "2026-03-01T00:00:00", 4.0))
    assert (await fetched(site, "?f=csv&station=A"))[0] != body
    again = await site.client.get(manifest["url"].partition("/v1/")[2].join(["/v1/", ""]))
    assert await again.read() == body
    assert "immutable" in again.headers["Cache-Control"]
    assert await site.get(link) == manifest


async def test_the_same_version_gives_the_same_bytes_and_tag_whoever_makes_it(
    site: Site, store: River, tmp_path: Path
) -> None:
    for form in ("csv", "ndjson", "json", "parquet", "xlsx"):
        one, first = await fetched(site, f"?f={form}")
        (tmp_path / "data" / "exports").rename(tmp_path / f"gone-{form}")
        two, second = await fetched(site, f"?f={form}&version=2")
        assert (one, first["ETag"]) == (two, second["ETag"])
        held = await site.client.get(f"{EXPORT}?f={form}", headers={"If-None-Match": first["ETag"]})
        assert held.status == 304
    async with answering(store, tmp_path / "data") as restarted:
        assert (await fetched(restarted, "?f=xlsx"))[0] == two


async def test_parts_of_a_file_are_given_as_readers_of_parquet_ask(site: Site) -> None:
    whole, headers = await fetched(site, "?f=parquet")
    part, told = await fetched(site, "?f=parquet", Range="bytes=-8")
    assert part == whole[-8:]
    assert told["Content-Range"] == f"bytes {len(whole) - 8}-{len(whole) - 1}/{len(whole)}"
    head = await site.client.head(f"{EXPORT}?f=parquet")
    assert head.headers["Content-Length"] == str(len(whole))
    part, _ = await fetched(site, "?f=parquet", Range="bytes=0-3", **{"If-Range": headers["ETag"]})
    assert part == b"PAR1"


# Cut off as it opens a file, aiohttp leaves the closing to the garbage collector
@pytest.mark.filterwarnings("ignore:.*FileIO.*:pytest.PytestUnraisableExceptionWarning")
async def test_equal_exports_are_made_once_however_many_ask(site: Site, monkeypatch) -> None:
    made = []
    engine = site.store.desk.engine
    run = engine.run

    async def counted(work: Any, **how: Any) -> Any:
        made.extend([1] * (how.get("lane") == "export"))
        return await run(work, **how)

    monkeypatch.setattr(engine, "run", counted)
    answers = await asyncio.gather(*(fetched(site, "?f=csv") for _ in range(20)))
    assert len({body for body, _ in answers}) == 1
    assert len(made) == 1
    cut = asyncio.create_task(fetched(site, "?f=ndjson"))
    other = asyncio.create_task(fetched(site, "?f=ndjson"))
    await asyncio.sleep(0.01)
    cut.cancel()
    assert (await other)[0]
    assert len(made) == 2


async def test_the_disk_is_bounded(store: River, tmp_path: Path) -> None:
    async with answering(store, tmp_path / "data", export_bytes=400) as site:
        for number in range(20):
            await fetched(site, f"?f=csv&level__gt={number}")
        files = [it for it in (tmp_path / "data" / "exports").iterdir() if it.suffix == ".csv"]
        assert 0 < sum(it.stat().st_size for it in files) <= 400


async def test_csv_for_excel_and_what_is_refused(site: Site) -> None:
    body, _ = await fetched(site, "?f=csv&sep=;&decimal=,&bom=1&select=station,level,price")
    assert body.startswith(b"\xef\xbb\xbfstation;level;price\n")
    assert b"9,5" in body
    for query, code in (
        ("?offset=3", "unknown-parameter"),
        ("?f=geojson", "no-place-fields"),
        ("?f=pdf", "not-a-format"),
        ("?version=9", "unknown-version"),
    ):
        answer = await site.client.get(f"{EXPORT}{query}")
        assert orjson.loads(await answer.read())["code"].startswith(code)
    assert (await fetched(site, "?f=csv&version=0"))[0].count(b"\n") == 1


async def test_pages_as_files(site: Site) -> None:
    answer = await site.client.get("/v1/datasets/river/levels/rows?f=xlsx&limit=2")
    sheet = openpyxl.load_workbook(io.BytesIO(await answer.read())).active
    assert sheet.max_row == 3
    assert 'rel="next"' in answer.headers["Link"]


# versions as they are committed


async def test_versions_are_told_with_counts_and_times(site: Site) -> None:
    told = await site.get("datasets/river/levels/changes")
    assert told["version"] == 2
    assert [it["rows"] for it in told["data"]] == [
        {"total": 3, "new": 3, "corrected": 0, "removed": 0},
        {"total": 4, "new": 1, "corrected": 1, "removed": 0},
    ]
    assert told["data"][1]["time"] == {
        "first": "2026-01-01T00:00:00Z",
        "last": "2026-02-01T00:00:00Z",
    }
    page = await site.get("datasets/river/levels/changes?limit=1")
    assert [it["version"] for it in page["data"]] == [1]
    page = await site.get(page["next"])
    assert ([it["version"] for it in page["data"]], page["next"]) == ([2], None)
    await site.get("datasets/river/levels/changes?since=3", status=404)


async def events(answer: Any, count: int) -> list[tuple[int, Any]]:
    found: list[tuple[int, Any]] = []
    number = 0
    async with asyncio.timeout(20):
        async for line in answer.content:
            if line.startswith(b"id: "):
                number = int(line[4:])
            if line.startswith(b"data: "):
                found.append((number, orjson.loads(line[6:])))
                if len(found) == count:
                    break
    return found


async def test_events_come_as_versions_do_and_are_replayed(site: Site) -> None:
    url = "/v1/datasets/river/levels/changes"
    headers = {"Accept": "text/event-stream"}
    async with site.client.get(url, headers=headers) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        await site.commit(row("A", "2026-03-01T00:00:00", 4.0))
        site.client.app[COMMITS].poke()
        [(number, told)] = await events(answer, 1)
        assert (number, told["version"], told["rows"]["new"]) == (3, 3, 1)
    async with site.client.get(url, headers={**headers, "Last-Event-ID": "1"}) as answer:
        assert [number for number, _ in await events(answer, 2)] == [2, 3]
    commits = site.client.app[COMMITS]
    await until(lambda: not commits._topics)


async def test_streams_end_with_the_dataset_and_with_the_service(
    store: River, tmp_path: Path
) -> None:
    url = "/v1/datasets/river/levels/changes"
    async with answering(store, tmp_path / "data") as site:
        streams = [
            await site.client.get(url, headers={"Accept": "text/event-stream"}) for _ in range(100)
        ]
        await site.commit(row("A", "2026-03-01T00:00:00", 4.0))
        site.client.app[COMMITS].poke()
        for answer in streams:
            assert [number for number, _ in await events(answer, 1)] == [3]
        site.client.app[COMMITS].close()
        for answer in streams:
            assert await answer.content.read() == b"\n"
