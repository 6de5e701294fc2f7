"""What the simulated departments show over HTTP, on a free port of loopback."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

LOGIN_PAGE = (
    b"<!doctype html><html lang=da><title>Log ind</title>"
    b"<body><h1>Log ind</h1><p>Din session er udl\xc3\xb8bet (opdigtet).</p></body></html>"
)


@dataclass(frozen=True, slots=True)
class Page:
    body: bytes
    media_type: str
    status: int = 200

    @property
    def etag(self) -> str:
        return hashlib.sha256(self.body).hexdigest()[:16]


DOWN = Page(b"503 Service Unavailable (opdigtet)", "text/plain", 503)


@dataclass
class Website:
    """One page a path; a client that has a page's ETag is told that it did not change."""

    pages: dict[str, Page] = field(default_factory=dict)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        page = self.pages.get(request.path)
        if page is None:
            raise web.HTTPNotFound
        response = web.Response(
            body=page.body, status=page.status, content_type=page.media_type, charset="utf-8"
        )
        if page.status == 200:
            response.etag = page.etag
            asked = request.if_none_match or ()
            if any(etag.value == page.etag for etag in asked):
                return web.Response(status=304, headers=response.headers)
        return response


@asynccontextmanager
async def open_website() -> AsyncIterator[Website]:
    site = Website()
    app = web.Application()
    app.router.add_get("/{path:.*}", site.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        site.url = f"http://{host}:{port}"
        yield site
    finally:
        await runner.cleanup()
