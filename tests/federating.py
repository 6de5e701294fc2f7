"""Municipalities that ask each other: Publishers on real sockets, and tables in a real CKAN."""

import asyncio
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from aiohttp import web
from answering import published
from ckan_site import call, editor
from storing import Desk, entry, opened
from support import CkanSite

from publisher.api.app import SERVER_OPTIONS, create_app
from publisher.api.parts import Parts
from publisher.model.catalog import Catalog, Organization, TableEntry
from publisher.model.partner import (
    BoundTable,
    CkanPartner,
    CkanTable,
    Partner,
    PublisherPartner,
)
from publisher.model.values import TableRef
from publisher.partners import Partners
from publisher.secrets import Secrets
from publisher.settings import Settings


class Town:
    """One Publisher, whose tables and partners tests change as they like."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk = desk
        self.folder = folder
        self.url = ""
        self.entries: dict[TableRef, TableEntry] = {}
        self.partners: dict[str, Partner] = {}
        self._catalog = Catalog()

    def catalog(self) -> Catalog:
        return self._catalog

    def _changed(self) -> None:
        self._catalog = Catalog(
            datasets={it.dataset.name: it.dataset for it in self.entries.values()},
            schemas={it.schema.name: it.schema for it in self.entries.values()},
            organizations={"made-up": Organization(title="Opdigtet Kommune")},
            entries=dict(self.entries),
            partners=dict(self.partners),
        )

    def table(self, schema: Mapping[str, Any], name: str, rows: Any, **harvest: Any) -> TableEntry:
        """Make a public table ``name/levels`` of the rows, or commit them to the one there is."""
        made = published(entry(schema, name=name, **harvest))
        self.desk.commit(made, rows)
        self.add(made)
        return made

    def add(self, made: TableEntry) -> None:
        self.entries[made.ref] = made
        self._changed()

    def befriend(self, name: str, spec: Any, **tables: BoundTable) -> None:
        refs = {TableRef(*key.split("/")): bound for key, bound in tables.items()}
        self.partners[name] = Partner(name, spec, refs)
        self._changed()

    def ask(self, path: str, **options: Any) -> requests.Response:
        return requests.get(path if "://" in path else self.url + path, timeout=60, **options)

    def get(self, path: str, status: int = 200, **options: Any) -> Any:
        answer = self.ask(path, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def text(self, path: str) -> str:
        return requests.get(self.url + path, timeout=60).text

    def walk(self, query: str) -> list[dict[str, Any]]:
        """Follow all pages of a question that everybody answers."""
        found: list[dict[str, Any]] = []
        url: str | None = f"/v1/query?{query}"
        while url:
            page = self.get(url)
            assert page["complete"], page["sources"]
            found += page["data"]
            url = page["next"]
        return found


def publisher_at(url: str, **stated: Any) -> PublisherPartner:
    return PublisherPartner.model_validate(
        {"type": "publisher", "title": "Nabokommune", "url": url, **stated}
    )


def ckan_at(url: str, tables: Mapping[str, Any], **stated: Any) -> CkanPartner:
    return CkanPartner.model_validate(
        {"type": "ckan", "title": "Portal", "url": url, "tables": tables, **stated}
    )


def bound(resource: str, of: TableEntry, **stated: Any) -> BoundTable:
    table = {"resource": resource, "schema": "../schemas/any.yaml", **stated}
    return BoundTable(CkanTable.model_validate(table), of.schema)


class Loop:
    """An event loop in a thread, for servers that tests ask from outside."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def close(self) -> None:
        self.run(_nothing_left())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()


async def _nothing_left() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def towns(folder: Path, *names: str, **stated: Any) -> Iterator[list[Town]]:
    """Serve a Publisher for each name, all empty."""
    loop = Loop()
    with ExitStack() as stack:
        stack.callback(loop.close)
        found = []
        for name in names:
            home = folder / name
            town = Town(stack.enter_context(opened(home)), home)
            stack.callback(loop.run, loop.run(_serve(town, stated))())
            found.append(town)
        yield found


async def _serve(town: Town, stated: Mapping[str, Any]) -> Any:
    settings = Settings(data=town.folder, quota=0, **stated)
    settings.work_path.mkdir(exist_ok=True)
    partners = Partners(settings, Secrets({}), town.catalog, town.desk.engine)
    parts = Parts(
        settings=settings,
        engine=town.desk.engine,
        store=town.desk.store,
        catalog=town.catalog,
        partners=partners,
    )
    runner = web.AppRunner(create_app(parts), access_log=None, **SERVER_OPTIONS)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    town.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    copying = asyncio.create_task(partners.keep_copies())

    async def close() -> None:
        copying.cancel()
        await runner.cleanup()
        await partners.close()

    return close


@dataclass(frozen=True)
class DataStore:
    """A table at a CKAN, filled anew for each question."""

    site: CkanSite
    resource: str
    columns: Mapping[str, str]

    def fill(self, rows: list[tuple[Any, ...]]) -> None:
        call(
            self.site, "datastore_records_delete", resource_id=self.resource, force=True, filters={}
        )
        if rows:
            records = [dict(zip(self.columns, map(_cell, row), strict=True)) for row in rows]
            call(
                self.site,
                "datastore_upsert",
                resource_id=self.resource,
                force=True,
                method="insert",
                records=records,
            )


@contextmanager
def datastore_at(site: CkanSite, columns: Mapping[str, str]) -> Iterator[DataStore]:
    """Give a table of an editor's own; it goes with the context."""
    with editor(site) as own:
        yield datastore(own, f"made-up-{uuid.uuid4().hex[:12]}", columns)


def datastore(site: CkanSite, name: str, columns: Mapping[str, str]) -> DataStore:
    """Make a dataset with one DataStore table."""
    package = call(
        site,
        "package_create",
        name=name,
        owner_org=site.organization,
        title="Made up",
        author="Made up",  # the portal wants to know
        author_email="made-up@example.org",
    )
    made = call(
        site,
        "datastore_create",
        resource={"package_id": package["id"], "name": "levels", "format": "CSV"},
        fields=[{"id": column, "type": kind} for column, kind in columns.items()],
    )
    return DataStore(site, made["resource_id"], columns)


def _cell(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
