"""The API as HTTP: what may be kept, who leaves or waits, and requests that are none."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from answering import PAGES, ROWS, River, Site, answering, river_store


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[River]:
    with river_store(tmp_path_factory.mktemp("shared")) as store:
        yield store


@pytest_asyncio.fixture
async def site(shared: River, tmp_path: Path) -> AsyncIterator[Site]:
    async with answering(shared, tmp_path / "data") as found:
        yield found


async def test_an_answer_held_already_is_not_sent_again(site: Site):
    for path in PAGES:
        if path in {"/healthz", "/readyz"}:
            continue
        for coding in ("identity", "gzip"):
            answer = await site.client.get(path, headers={"Accept-Encoding": coding})
            etag = answer.headers["ETag"]
            again = await site.client.get(
                path, headers={"Accept-Encoding": coding, "If-None-Match": f'"other", W/{etag}'}
            )
            assert (again.status, await again.read()) == (304, b"")


async def test_how_long_an_answer_may_be_kept(site: Site):
    for query, expected in (
        ("", "public, max-age=10, must-revalidate"),
        ("?version=1", "public, max-age=31536000, immutable"),
        ("?version=1&time=now-P1D/..", "public, max-age=10, must-revalidate"),
        ("?version=9", "no-store"),
    ):
        answer = await site.client.get(ROWS + query)
        assert answer.headers["Cache-Control"] == expected


async def test_larger_answers_are_compressed_with_a_tag_of_their_own(site: Site):
    plain = await site.client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    packed = await site.client.get("/openapi.json", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.headers["ETag"] != packed.headers["ETag"]
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 2
    refused = await site.client.get("/openapi.json", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


async def test_head_gives_the_headers_of_get(site: Site):
    for path in PAGES:
        got = await site.client.get(path)
        head = await site.client.head(path)
        assert (head.status, await head.read()) == (200, b"")
        for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control"):
            assert head.headers.get(name) == got.headers.get(name), (path, name)


async def test_any_page_may_ask_from_a_browser(site: Site):
    for path in (*PAGES, "/nothing", f"{ROWS}?x=1"):
        answer = await site.client.get(path)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "total;dur=" in answer.headers["Server-Timing"]
    preflight = await site.client.options(ROWS)
    assert preflight.status == 204
    assert "GET" in preflight.headers["Access-Control-Allow-Methods"]


async def test_a_query_that_takes_too_long_is_stopped(shared: River, tmp_path: Path):
    async with answering(shared, tmp_path, query_timeout=0.000_1) as site:
        assert (await site.rows(status=400))["code"] == "query-timeout"
