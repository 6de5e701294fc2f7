"""What the API answers from, and what one request brings with it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from aiohttp import web

from publisher.api.cache import Cache, Flights
from publisher.api.commits import Commits
from publisher.api.quotas import Caller, Quotas
from publisher.api.spool import Spool
from publisher.engine import Connection, Engine, Sitting
from publisher.errors import NotFoundError
from publisher.model.catalog import Catalog, TableEntry
from publisher.model.dataset import Dataset
from publisher.model.values import TableRef
from publisher.partners import Partners
from publisher.query import SeriesCache, Signer
from publisher.settings import Settings
from publisher.store import Store
from publisher.targets import Outbox
from publisher.targets.dcat.feed import Feed

_SHOWN = 100
T = TypeVar("T")


def _unplanned(_ref: TableRef) -> datetime | None:
    return None


def _unheard(_heard: Callable[[], None]) -> None:
    return


@dataclass(frozen=True)
class Parts:
    settings: Settings
    engine: Engine
    store: Store
    catalog: Callable[[], Catalog]
    """Gives the present one; it may be read again while serving."""
    next_run: Callable[[TableRef], datetime | None] = _unplanned
    """When a table is harvested next; None where nothing is planned."""
    on_commit: Callable[[Callable[[], None]], None] = _unheard
    """Has a function called, in the event loop, whenever something was committed."""
    partners: Partners | None = None
    """Whom we federate with; None where nobody is asked from here."""
    outbox: Outbox | None = None
    """What is told of publications under way; None where nothing is published from here."""


PARTS = web.AppKey("parts", Parts)
SIGNER = web.AppKey("signer", Signer)
FEED = web.AppKey("feed", Feed)
QUOTAS = web.AppKey("quotas", Quotas)
CALLER = web.RequestKey("caller", Caller)
CACHE = web.AppKey("cache", Cache)
FLIGHTS = web.AppKey("flights", Flights[Any])
SERIES = web.AppKey("series", SeriesCache)
SPOOL = web.AppKey("spool", Spool)
COMMITS = web.AppKey("commits", Commits)


@dataclass(frozen=True)
class Call:
    """One request, its parameters read and known to be ones the route takes."""

    request: web.Request
    parts: Parts
    signer: Signer
    catalog: Catalog
    """As it was when the request came."""
    moment: object
    """What the store held then; see ``Store.moment``."""
    pairs: tuple[tuple[str, str], ...]
    """The URL's parameters as they stand there."""
    stated: Mapping[str, str]
    """The same by name; empty where the route reads ``pairs`` itself."""
    posted: tuple[tuple[str, str], ...] = ()
    """Those of ``pairs`` that came as the body."""

    async def read(
        self,
        work: Callable[[Connection], T],
        *,
        most: float | None = None,
        sitting: Sitting | None = None,
    ) -> T:
        """Do *work* on the store, which is stopped where it takes too long or the caller left.

        *most*: seconds that the caller would wait. It is the caller's
        turn that it waits for, and the caller's quota that it costs.
        """
        timeout = self.parts.settings.query_timeout
        if most is not None:
            timeout = min(timeout, most)
        start = 0.0

        def timed(con: Connection) -> T:
            nonlocal start
            start = time.monotonic()
            return work(con)

        async with self.caller.turn():
            try:
                return await self.parts.engine.run(
                    timed, lane="query", timeout=timeout, sitting=sitting
                )
            finally:
                self.caller.charge(time.monotonic() - start if start else 0)

    async def read_once(self, work: Callable[[Connection], T]) -> T:
        """Do the same once for all who ask the same of the same store at the same time."""
        asked = (self.request.raw_path, id(self.catalog), self.moment)
        found: T = await self.flights.once(asked, lambda: self.read(work))
        return found

    @property
    def caller(self) -> Caller:
        return self.request[CALLER]

    @property
    def feed(self) -> Feed:
        return self.request.app[FEED]

    @property
    def commits(self) -> Commits:
        return self.request.app[COMMITS]

    @property
    def cache(self) -> Cache:
        return self.request.app[CACHE]

    @property
    def series(self) -> SeriesCache:
        return self.request.app[SERIES]

    @property
    def flights(self) -> Flights[Any]:
        return self.request.app[FLIGHTS]

    @property
    def spool(self) -> Spool:
        return self.request.app[SPOOL]

    def other(self, ref: TableRef) -> TableEntry | None:
        """Give a table that may be shown beside another one."""
        dataset = self.catalog.datasets.get(ref.dataset)
        return self.catalog.entries.get(ref) if dataset is not None and dataset.public else None

    def still_public(self, entry: TableEntry) -> bool:
        """Tell whether a table that was found is to be shown by now."""
        catalog = self.parts.catalog()
        dataset = catalog.datasets.get(entry.ref.dataset)
        return dataset is not None and dataset.public and entry.ref in catalog.entries

    def path(self, name: str) -> str:
        return self.request.match_info[name]

    def dataset(self) -> Dataset:
        """Give the dataset the path names; a draft is not found, like one that is not there."""
        name = self.path("dataset")
        dataset = self.catalog.datasets.get(name)
        if dataset is None or not dataset.public:
            raise NotFoundError("dataset-not-found", dataset=name[:_SHOWN])
        return dataset

    def entry(self) -> TableEntry:
        """Give the table the path names, of a public dataset."""
        dataset, table = self.dataset(), self.path("table")
        entry = self.catalog.entries.get(TableRef(dataset.name, table))
        if entry is None:
            raise NotFoundError("table-not-found", dataset=dataset.name, table=table[:_SHOWN])
        return entry
