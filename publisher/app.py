"""The only place where the parts are put together."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from publisher.engine import Engine
from publisher.errors import StorageFullError, StoreError, is_full
from publisher.harvest import Harvester
from publisher.harvest.harvester import Parts
from publisher.landing import Landing
from publisher.model.catalog import Catalog, TableEntry
from publisher.model.values import TableRef
from publisher.registry import Finding, Loaded, load
from publisher.secrets import Secrets
from publisher.settings import Settings
from publisher.sources import Http, SourceContext
from publisher.store import Store
from publisher.targets import Outbox

if TYPE_CHECKING:
    from publisher.harvest.schedule import Scheduler
    from publisher.partners import Partners

log = structlog.get_logger(__name__)


class Service:
    """Every part of one installation, opened on its data folder."""

    def __init__(
        self, settings: Settings, secrets: Secrets, loaded: Loaded, engine: Engine, http: Http
    ) -> None:
        self.settings = settings
        self.secrets = secrets
        self.engine = engine
        self.http = http
        self._loaded = loaded
        self._signature = catalog_signature(settings.root)
        self.store = Store(engine)
        self.landing = Landing(settings.landing_path, max_bytes=settings.max_delivery_bytes)
        self.outbox = Outbox(
            settings=settings,
            secrets=secrets,
            engine=engine,
            store=self.store,
            catalog=self._current,
        )
        self._hearing: list[Callable[[], None]] = [self.outbox.poke]
        self.harvester = Harvester(
            Parts(
                settings=settings,
                engine=engine,
                store=self.store,
                landing=self.landing,
                sources=SourceContext(
                    root=settings.root, settings=settings, secrets=secrets, http=http
                ),
                entries=self._entries,
                committed=self._committed,
            )
        )

    def on_commit(self, heard: Callable[[], None]) -> None:
        """Have *heard* called whenever something was committed."""
        self._hearing.append(heard)

    def _committed(self) -> None:
        for heard in self._hearing:
            heard()

    @cached_property
    def partners(self) -> "Partners":
        # As below
        from publisher.partners import Partners  # noqa: PLC0415

        return Partners(self.settings, self.secrets, self._current, self.engine)

    async def leave_partners(self) -> None:
        if "partners" in vars(self):
            await self.partners.close()

    @cached_property
    def scheduler(self) -> "Scheduler":
        # A command that does one thing need not wait for what plans to be loaded
        from publisher.harvest.schedule import Scheduler  # noqa: PLC0415

        return Scheduler(self.harvester, self.catalog_entry, self.settings)

    def _current(self) -> Catalog:
        return self._loaded.catalog

    def _entries(self) -> Iterable[TableEntry]:
        return self.catalog.entries.values()

    @property
    def catalog(self) -> Catalog:
        return self._loaded.catalog

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong in catalog/ and schemas/ as they were last read."""
        return self._loaded.problems

    def catalog_entry(self, ref: TableRef) -> TableEntry | None:
        return self.catalog.entries.get(ref)

    async def reload(self) -> bool:
        """Read catalog/ and schemas/ again if a file changed; tell whether one had."""
        signature = await asyncio.to_thread(catalog_signature, self.settings.root)
        if signature == self._signature:
            return False
        loaded = await asyncio.to_thread(load, self.settings.root, self.secrets)
        self._loaded = loaded.keeping(self._loaded.catalog)
        self._signature = signature
        self.outbox.poke()
        return True

    async def start_schedule(self) -> None:
        harvests = await self.engine.run(self.store.last_harvests, lane="query")
        self.scheduler.start(self.catalog.entries.values(), harvests, self.housekeep)

    async def stop_schedule(self) -> None:
        if "scheduler" in vars(self):
            await self.scheduler.stop()

    async def housekeep(self) -> None:
        """Let go of what is kept no longer: raw deliveries, history, worn state."""
        now = datetime.now(UTC)
        removed = 0
        try:
            kept = await self.engine.run(self.store.unsettled_contents)
            removed = await asyncio.to_thread(
                self.landing.prune, now - self.settings.landing_keep, kept
            )
        except Exception:  # costs the landing's housekeeping, not the tables'
            log.exception("the landing could not be tidied")
        for entry in list(self.catalog.entries.values()):
            history = entry.harvest.history if entry.harvest else None
            before = now - (history or self.settings.history_keep)
            try:
                await self.engine.run(partial(self.store.keep_house, ref=entry.ref, before=before))
            except Exception:  # costs this table, not those behind it
                log.exception("a table could not be tidied", table=str(entry.ref))
        log.info("housekeeping done", deliveries_removed=removed)


@asynccontextmanager
async def open_service(
    settings: Settings, *, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Service]:
    """Open the installation in ``settings.data``; the caller is its one holder.

    Raises StoreBusyError where another process holds it, StoreFormatError where a newer
    Publisher wrote it.
    """
    secrets = Secrets(os.environ if environ is None else environ)
    async with AsyncExitStack() as stack:
        await asyncio.to_thread(_prepare_folders, settings)
        loaded = await asyncio.to_thread(load, settings.root, secrets)
        engine = await asyncio.to_thread(
            lambda: Engine.open(
                str(settings.store_path),
                work=settings.work_path,
                threads=settings.threads,
                memory_limit=settings.memory_limit,
            )
        )
        stack.push_async_callback(asyncio.to_thread, engine.close)
        http = await stack.enter_async_context(Http(settings))
        service = Service(settings, secrets, loaded, engine, http)
        await engine.run(service.store.prepare)
        interrupted = await engine.run(service.store.close_interrupted)
        if interrupted:
            log.warning(
                "runs were cut off by the last stop; they are taken up again", runs=interrupted
            )
        await asyncio.to_thread(service.landing.sweep)
        stack.push_async_callback(service.leave_partners)
        stack.push_async_callback(service.outbox.close)
        stack.push_async_callback(service.harvester.close)
        stack.push_async_callback(service.stop_schedule)
        yield service


def catalog_signature(root: Path) -> frozenset[tuple[str, int, int]]:
    """Give what changes when a file of catalog/ or schemas/ does."""
    found = set()
    for folder in ("catalog", "schemas"):
        for path in (root / folder).glob("*"):
            try:
                status = path.stat()
            except OSError:
                continue  # gone between the two looks: the next one tells
            found.add((str(path), status.st_mtime_ns, status.st_size))
    return frozenset(found)


def _prepare_folders(settings: Settings) -> None:
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(settings.work_path, ignore_errors=True)
        settings.work_path.mkdir(exist_ok=True)
    except OSError as error:
        if is_full(error):
            raise StorageFullError("storage-full") from error
        raise StoreError(
            "data-folder-unusable", path=str(settings.data), reason=error.strerror
        ) from error
