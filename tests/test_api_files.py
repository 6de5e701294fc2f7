"""Bulk files by HTTP, and the service in numbers."""

import asyncio
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient
from answering import Server
from prometheus_client.parser import text_string_to_metric_families
from publishing import ODD_ROWS, House, open_house, water

from publisher.api.app import create_app
from publisher.api.parts import Parts


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(house: House) -> AsyncIterator[TestClient]:
    parts = Parts(
        settings=house.settings,
        engine=house.engine,
        store=house.store,
        catalog=lambda: house.catalog,
        outbox=house.outbox,
    )
    async with TestClient(Server(create_app(parts))) as opened:
        yield opened


async def test_a_bulk_file_is_the_one_its_descriptor_tells_of(
    house: House, client: TestClient
) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish(house.name)
    package = await (await client.get("/published/vand/datapackage.json")).json()
    for file in package["resources"]:
        answer = await client.get(f"/published/vand/{file['path']}")
        body = await answer.read()
        assert answer.content_type == file["mediatype"]
        assert (len(body), f"sha256:{sha256(body).hexdigest()}") == (file["bytes"], file["hash"])
        part = await client.get(f"/published/vand/{file['path']}", headers={"Range": "bytes=4-9"})
        assert (part.status, await part.read()) == (206, body[4:10])
        tag = answer.headers["ETag"]
        again = await client.get(f"/published/vand/{file['path']}", headers={"If-None-Match": tag})
        assert again.status == 304
        head = await client.head(f"/published/vand/{file['path']}")
        assert int(head.headers["Content-Length"]) == file["bytes"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "path",
    [
        "vand/missing.csv",
        "vand/..%2f..%2fstore.duckdb",
        "vand/../vand/levels.csv%00",
        "vand/%2e%2e/%2e%2e/installation",
        ".packages/vand",
        "another/levels.csv",
    ],
)
async def test_nothing_else_is_given(house: House, client: TestClient, path: str) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish(house.name)
    answer = await client.get(f"/published/{path}")
    assert answer.status in {400, 404}
    assert "installation" not in (await answer.text())[:60]


async def test_a_draft_gives_none_at_once(house: House, client: TestClient) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish(house.name)
    house.publish = {}
    house.describe()
    assert (await client.get("/published/vand/levels.csv")).status == 404


async def test_a_download_is_resumed_of_the_same_file_alone(
    house: House, client: TestClient
) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish(house.name)
    whole = await client.get("/published/vand/levels.csv")
    resumed = {"Range": "bytes=4-9", "If-Range": whole.headers["ETag"]}
    part = await client.get("/published/vand/levels.csv", headers=resumed)
    assert (part.status, await part.read()) == (206, (await whole.read())[4:10])
    await house.commit([water("new", 1)])
    await house.outbox.publish(house.name)
    again = await client.get("/published/vand/levels.csv", headers=resumed)
    assert again.status == 200
    assert b"new" in await again.read()


async def test_who_reads_slowly_gets_one_whole_file(house: House, client: TestClient) -> None:
    """Two newer packages come meanwhile, and the one being read is let go of."""
    await house.commit([], also=_many(200_000))
    await house.outbox.publish(house.name)
    whole = await (await client.get("/published/vand/levels.csv")).read()
    answer = await client.get("/published/vand/levels.csv")
    got = await answer.content.read(1_000)
    for minute in range(2):
        await house.commit([water("new", minute)])
        await house.outbox.publish(house.name)
    got += await answer.read()
    assert sha256(got).digest() == sha256(whole).digest()


def _many(rows: int) -> str:
    nulls = ", ".join(["NULL"] * 11)
    at = "TIMESTAMP '2026-01-01' + to_minutes(i)"
    return f"SELECT i + 1, 's', {at}, {nulls} FROM range({rows}) t(i)"


async def test_the_numbers_are_read_by_prometheus_and_documented(
    house: House, client: TestClient
) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish(house.name)
    answer = await client.get("/metrics")
    families = {it.name: it for it in text_string_to_metric_families(await answer.text())}
    values = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert values["publisher_table_rows", "levels", "vand"] == len(ODD_ROWS)
    assert values["publisher_target_datasets", "current", "folder"] == 1
    assert values["publisher_target_rows_sent_total", "folder"] == len(ODD_ROWS)
    assert values["publisher_target_publications_total", "folder", "published"] == 1
    house.publish = {}
    house.describe()
    assert "vand" not in await (await client.get("/metrics")).text()
    open_metrics = {"Accept": "application/openmetrics-text"}
    assert (await (await client.get("/metrics", headers=open_metrics)).text()).endswith("# EOF\n")
    for page in ("docs/operator.md", "docs/da/operator.md"):
        text = await asyncio.to_thread(Path(__file__).parents[1].joinpath(page).read_text, "utf-8")
        told = set(re.findall(r"`(publisher_[a-z_]+)`", text))
        assert told == {name for name in families if name.startswith("publisher_")}
