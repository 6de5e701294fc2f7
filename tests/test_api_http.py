"""The API as HTTP: what may be kept, who leaves or waits, and requests that are none."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
import structlog
from aiohttp import web
from answering import PAGES, ROWS, River, Site, answering, river_store

from publisher.api.parts import PARTS
from publisher.engine import Connection


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
            assert again.headers["ETag"] == etag
    first = await site.client.get("/v1/datasets?limit=1")
    again = await site.client.get(
        "/v1/datasets?limit=1", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status, again.headers["Link"]) == (304, first.headers["Link"])


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


ENDLESS = "SELECT count(*) FROM range(100000000000) AS a(i), range(1000) AS b(j) WHERE i % 7 = j"


class Slow:
    """Two pages more: one asks without an end, one works for a moment and writes it down."""

    def __init__(self) -> None:
        self.begun, self.go_on, self.done = (threading.Event() for _ in range(3))
        self.ended: list[str] = []

    def serve(self, app: web.Application) -> None:
        app.router.add_get("/endless", self.ask)
        app.router.add_get("/work", self.work)

    async def ask(self, request: web.Request) -> web.Response:
        parts = request.app[PARTS]

        def read(con: Connection) -> None:
            self.begun.set()
            try:
                con.execute(ENDLESS)
            finally:
                self.end("query")

        await parts.engine.run(read, lane="query", timeout=parts.settings.query_timeout)
        return web.Response()

    async def work(self, request: web.Request) -> web.Response:
        def write(con: Connection) -> None:
            self.begun.set()
            self.go_on.wait(10)
            con.execute("SELECT 1")
            self.end("work")

        await request.app[PARTS].engine.run(write)
        return web.Response()

    def end(self, what: str) -> None:
        self.ended.append(what)
        self.done.set()

    async def left(self, site: Site, path: str) -> None:
        """Ask for *path* and leave as soon as the work has begun."""
        asked = asyncio.create_task(site.client.get(path))
        assert await asyncio.to_thread(self.begun.wait, 10)
        asked.cancel()
        await asyncio.wait([asked])
        await asyncio.sleep(0.2)
        self.go_on.set()
        assert await asyncio.to_thread(self.done.wait, 10)


async def test_nobody_works_for_a_caller_who_left(shared: River, tmp_path: Path):
    slow = Slow()
    async with answering(shared, tmp_path, more=slow.serve) as site:
        await slow.left(site, "/endless")
        assert slow.ended == ["query"]


async def test_what_is_written_is_written_though_the_caller_left(shared: River, tmp_path: Path):
    slow = Slow()
    async with answering(shared, tmp_path, more=slow.serve) as site:
        await slow.left(site, "/work")
        assert slow.ended == ["work"]


async def test_a_query_that_takes_too_long_is_stopped_and_one_that_waits_is_sent_away(
    shared: River, tmp_path: Path
):
    slow = Slow()
    async with answering(shared, tmp_path, more=slow.serve, query_timeout=1) as site:
        assert (await site.get("/endless", 504))["code"] == "query-timeout"
        engine = shared.desk.engine
        all_threads = [
            asyncio.create_task(engine.run(lambda con: con.execute(ENDLESS), lane="query"))
            for _ in range(engine.queries)
        ]
        await asyncio.sleep(0.1)
        paths = (ROWS, "/readyz", "/v1/datasets", "/v1/sources")
        for answer in await asyncio.gather(*(site.client.get(path) for path in paths)):
            problem = orjson.loads(await answer.read())
            assert (answer.status, problem["code"]) == (503, "queries-waiting")
            assert answer.headers["Retry-After"]
        for task in all_threads:
            task.cancel()
        await asyncio.wait(all_threads)


async def asked_raw(site: Site, *lines: str) -> tuple[int, bytes]:
    """Send a request as it is written; give the status and all of the answer."""
    reader, writer = await asyncio.open_connection(site.client.host, site.client.port)
    writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1]), answer


@pytest.mark.parametrize(
    "host", ["a:xx", "a:99999999", 'a b"<x>/?#', "", "a/b", "u@a", "[::1", "å.dk", "a:"]
)
async def test_a_host_that_is_none_is_refused(site: Site, host: str):
    with structlog.testing.capture_logs() as logged:
        status, answer = await asked_raw(site, f"GET {ROWS}?limit=1 HTTP/1.1", f"Host: {host}")
    assert (status, logged) == (400, [])
    assert b"wrong-host" in answer


@pytest.mark.parametrize("host", ["a", "data.example.org:8443", "127.0.0.1:1", "[::1]:65535"])
async def test_links_begin_with_the_host_that_was_asked(site: Site, host: str):
    status, answer = await asked_raw(site, f"GET {ROWS}?limit=1 HTTP/1.1", f"Host: {host}")
    assert (status, f"Link: <http://{host}/v1/".encode() in answer) == (200, True)
    whole = f"GET http://{host}{ROWS}?limit=1 HTTP/1.1"
    assert (await asked_raw(site, whole, "Host: other"))[0] == 200


async def test_a_client_of_old_needs_no_host(site: Site):
    status, answer = await asked_raw(site, f"GET {ROWS}?limit=1 HTTP/1.0")
    assert (status, b"Link: <http://127.0.0.1" in answer) == (200, True)


async def test_an_address_that_is_no_text_is_refused(site: Site):
    for address in (f"{ROWS}?station=%FF", "/v1/datasets/%C3", "/v1/datasets?q=%ED%A0%80"):
        assert (await site.get(address, 400))["code"] == "address-not-utf-8"


async def test_only_what_is_there_may_be_asked_from_a_browser(site: Site):
    assert (await site.client.options("/nothing")).status == 404
    answer = await site.client.get(ROWS)
    assert answer.headers["Server"] == "publisher"
