"""The API over a real store and a real socket, with a little water-level data."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from storing import Bad, Desk, entry, opened
from yarl import URL

from publisher.api import SERVER_OPTIONS, Parts, create_app
from publisher.model.catalog import Catalog, Organization, TableEntry
from publisher.model.dataset import Dataset
from publisher.partners import Partners
from publisher.secrets import Secrets
from publisher.settings import Settings

CPR = "010203-1234"
HIDDEN_CELL = "tolv meter"
ROWS = "/v1/datasets/river/levels/rows"
PAGES = (
    "/v1/datasets",
    "/v1/datasets/river",
    "/v1/datasets/river/levels",
    ROWS,
    f"{ROWS}?f=csv",
    "/v1/datasets/river/levels/runs",
    "/v1/datasets/river/levels/quarantine",
    "/v1/schemas",
    "/v1/schemas/levels",
    "/v1/schemas/levels@1.2.0",
    "/v1/sources",
    "/v1/sources/river.levels",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/docs",
)
SCHEMA: dict[str, Any] = {
    "name": "levels",
    "version": "1.2.0",
    "title": "Vandstand",
    "fields": [
        {"name": "station", "type": "string", "role": "entity", "constraints": {"required": True}},
        {"name": "seen_at", "type": "datetime", "role": "time"},
        {"name": "level", "type": "number", "unit": "m"},
        {"name": "price", "type": "number", "decimal": "8,2"},
        {"name": "ok", "type": "boolean"},
        {"name": "count", "type": "integer"},
        {"name": "day", "type": "date"},
        {"name": "limit", "type": "integer"},
        {"name": "shape", "type": "geojson"},
        {"name": "warden", "type": "string", "personal": True},
    ],
    "primaryKey": ["station", "seen_at"],
}


def row(station: str, seen_at: str, level: float | None = None, **more: Any) -> tuple[Any, ...]:
    known = {
        "station": station,
        "seen_at": datetime.fromisoformat(seen_at),
        "level": level,
        "warden": CPR,
        **more,
    }
    return tuple(known.get(field["name"]) for field in SCHEMA["fields"])


def published(of: TableEntry, *, access: str | None = "public", **stated: Any) -> TableEntry:
    """Give the entry as one of a dataset with the texts and the access stated."""
    shape = {
        **of.dataset.descriptor(),
        "resources": [of.resource],
        "publish": {"access": access} if access else {},
        **stated,
    }
    return replace(of, dataset=Dataset.model_validate(shape))


@dataclass(frozen=True)
class River:
    """A store with two versions of a river's levels, an empty table and a draft, all made up."""

    desk: Desk
    river: TableEntry
    draft: TableEntry
    empty: TableEntry

    def commit(self, *rows: tuple[Any, ...]) -> None:
        self.desk.commit(self.river, rows)


@contextmanager
def river_store(folder: Path) -> Iterator[River]:
    river = published(
        entry(SCHEMA, name="river"),
        title="Vandstand i åen",
        keywords=["vand"],
        themes=["ENVI"],
        translations={"en": {"title": "Water level"}},
    )
    draft = published(entry({**SCHEMA, "name": "draft-schema"}, name="draft"), access=None)
    empty = published(entry({**SCHEMA, "name": "empty-schema"}, name="empty"))
    with opened(folder) as desk:
        desk.commit(
            river,
            [
                row("A", "2026-01-01T00:00:00", 1.5, price="1.10", ok=True, limit=7),
                row("A", "2026-01-01T00:15:00", None, ok=False, day="2026-01-02"),
                row("Å,b", "2026-06-30T22:00:00", 2.5, shape='{"type":"Point"}'),
            ],
            [
                Bad(
                    4,
                    ["A", "2026-01-01", HIDDEN_CELL, CPR],
                    column="Vandstand",
                    schema_field="level",
                ),
                Bad(5, ["A", "2026-01-01", "1", CPR], ["constraint-error"], "level", "warden"),
            ],
        )
        desk.commit(river, [row("A", "2026-01-01T00:00:00", 9.5), row("B", "2026-02-01T00:00:00")])
        desk.commit(draft, [row("A", "2026-01-01T00:00:00", 1.0)])
        yield River(desk, river, draft, empty)


@dataclass(frozen=True)
class Site:
    client: TestClient[Any, Any]
    store: River

    async def get(self, url: str, status: int = 200, **options: Any) -> Any:
        """Give the JSON at *url*: a whole one, a path, or a path below /v1/."""
        path = str(URL(url).relative()) if "://" in url else url
        path = path if path.startswith("/") else f"/v1/{path}"
        answer = await self.client.get(URL(path, encoded=True), **options)
        body = await answer.read()
        assert answer.status == status, body
        return orjson.loads(body)

    async def rows(self, query: str = "", status: int = 200, **options: Any) -> Any:
        return await self.get(f"datasets/river/levels/rows{query}", status, **options)

    async def commit(self, *rows: tuple[Any, ...]) -> None:
        await asyncio.to_thread(self.store.commit, *rows)


def catalog_of(*entries: TableEntry) -> Catalog:
    return Catalog(
        datasets={it.dataset.name: it.dataset for it in entries},
        schemas={it.schema.name: it.schema for it in entries},
        organizations={"made-up": Organization(title="Opdigtet Kommune", municipality="0999")},
        entries={it.ref: it for it in entries},
    )


class Server(TestServer):
    async def _make_runner(self, **_: Any) -> web.AppRunner:
        """Run as the service does, whatever aiohttp's own tests would like."""
        return web.AppRunner(self.app, **SERVER_OPTIONS)


@asynccontextmanager
async def answering(
    store: River,
    data: Path,
    *,
    catalog: Callable[[], Catalog] | None = None,
    more: Callable[[web.Application], None] = lambda _: None,
    **stated: Any,
) -> AsyncIterator[Site]:
    """Serve what is in *store*; *data* is the folder of the installation's key.

    *catalog* gives another picture than the store's own tables; *more* adds to what is served.
    """
    shipped = catalog_of(store.river, store.draft, store.empty)
    settings = Settings(data=data, **stated)
    shown = catalog or (lambda: shipped)
    partners = Partners(settings, Secrets({}), shown, store.desk.engine)
    parts = Parts(
        settings=settings,
        engine=store.desk.engine,
        store=store.desk.store,
        catalog=shown,
        partners=partners,
    )
    app = create_app(parts)
    more(app)
    try:
        async with TestClient(Server(app)) as client:
            yield Site(client, store)
    finally:
        await partners.close()
