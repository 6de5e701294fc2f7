"""The catalog's pages and its datasets, written when they are asked for and then remembered."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from rdflib import Graph, URIRef
from rdflib.namespace import DCAT

from publisher.engine import Engine
from publisher.errors import NotFoundError
from publisher.model.catalog import Catalog
from publisher.model.table import TableState
from publisher.model.values import TableRef
from publisher.settings import Settings
from publisher.store import Store
from publisher.targets.dcat.catalog import PAGE, Place, catalog_graph, last_page
from publisher.targets.dcat.dataset import dataset_graph
from publisher.targets.dcat.mqa import Mqa, mqa
from publisher.targets.dcat.standing import Standing, Standings, digest
from publisher.targets.dcat.writing import Form, fragment, joined
from publisher.targets.extents import Box, Extents
from publisher.targets.facts import DatasetFacts, Links, dataset_facts
from publisher.targets.snapshot import Snapshot

log = structlog.get_logger(__name__)

_MOST_BYTES = 32_000_000  # of datasets as text that are remembered
_MOST_ASSESSED = 10_000


@dataclass(frozen=True, slots=True)
class Shape:
    """How the catalog is asked for."""

    base: str
    """Where the API is reached, without a slash at the end."""
    form: Form
    files: bool
    """State the size and checksum of bulk files, see ``dataset_graph``."""

    def page(self, number: int) -> str:
        profile = "&profile=dcat-ap" if self.files else ""
        return f"{self.base}/catalog.{self.form}?page={number}{profile}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written."""

    key: str
    """The same key stands for the same text."""
    shape: Shape
    catalog: Catalog
    datasets: tuple[Standing, ...]
    around: Graph | None = None
    """The catalog and the page; None for one dataset by itself."""


class Feed:
    """Gives the catalog as DCAT; one for each installation."""

    def __init__(self, settings: Settings, engine: Engine, store: Store) -> None:
        self._settings = settings
        self._engine = engine
        self._store = store
        self._extents = Extents()
        self._fragments: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0
        """Bytes of them."""
        self._writing: dict[str, asyncio.Task[bytes]] = {}
        self._assessed: OrderedDict[str, Mqa] = OrderedDict()

    async def plan_page(self, catalog: Catalog, shape: Shape, number: int) -> Plan:
        """Plan a page of the public datasets that have rows.

        Raises NotFoundError ``page-not-found``.
        """
        now = await Standings.read(self._engine, self._store, self._settings, catalog)
        return await asyncio.to_thread(_plan_page, now, shape, number)

    async def plan_dataset(self, catalog: Catalog, shape: Shape, name: str) -> Plan:
        """Plan a public dataset by itself.

        Raises NotFoundError ``dataset-without-rows`` where it has no rows yet.
        """
        standing = await self._standing(catalog, name)
        return Plan(digest([str(shape), standing.key]), shape, catalog, (standing,))

    async def text(self, plan: Plan) -> tuple[bytes, bool]:
        """Give the text, in UTF-8, and whether it is whole.

        On a page, a dataset that cannot be described is left out, and logged.
        """
        fragments = []
        whole = True
        for standing in plan.datasets:
            try:
                fragments.append(await self._fragment(plan, standing))
            except Exception:  # costs this dataset, not those beside it
                if plan.around is None:
                    raise
                log.exception("a dataset is left out of the catalog", dataset=standing.name)
                address = URIRef(f"{plan.shape.base}/v1/datasets/{standing.name}")
                plan.around.remove((None, DCAT.dataset, address))
                whole = False
        form = plan.shape.form
        if plan.around is not None:
            fragments.insert(0, await asyncio.to_thread(fragment, plan.around, form))
        return joined(fragments, form), whole

    async def assess(self, catalog: Catalog, name: str) -> Mqa:
        """Give the score of a dataset; raises as ``plan_dataset`` does."""
        standing = await self._standing(catalog, name)
        if standing.key not in self._assessed:
            facts = await self._facts(catalog, standing, self._settings.public_url)
            found = await asyncio.to_thread(mqa, facts, standing.remotes)
            self._assessed[standing.key] = found
            while len(self._assessed) > _MOST_ASSESSED:
                self._assessed.popitem(last=False)
        return self._assessed[standing.key]

    async def box(
        self, catalog: Catalog, name: str, states: Mapping[TableRef, TableState]
    ) -> Box | None:
        """Give where a dataset is about: as it is stated, else what its rows cover.

        *states* are those of its tables, and perhaps of others.
        """
        stated = catalog.datasets[name].spatial.bbox
        if stated is not None:
            return Box(*stated)
        work = self._settings.work_path
        snapshot = Snapshot.of(self._engine, self._store, catalog, name, states, work=work)
        return Box.over([(await self._extents.of(snapshot, it)).box for it in snapshot.tables])

    async def _standing(self, catalog: Catalog, name: str) -> Standing:
        now = await Standings.read_one(self._engine, self._store, self._settings, catalog, name)
        standing = await asyncio.to_thread(now.of, name)
        if not standing.states:
            raise NotFoundError("dataset-without-rows", dataset=name)
        return standing

    async def _fragment(self, plan: Plan, standing: Standing) -> bytes:
        key = f"{standing.key} {plan.shape}"
        known = self._fragments.get(key)
        if known is not None:
            self._fragments.move_to_end(key)
            return known
        if key not in self._writing:
            # One writes for all who ask meanwhile, and goes on where the first of them leaves
            task = asyncio.create_task(self._write(plan, standing, key))
            self._writing[key] = task
            task.add_done_callback(lambda _: self._writing.pop(key))
        return await asyncio.shield(self._writing[key])

    async def _write(self, plan: Plan, standing: Standing, key: str) -> bytes:
        facts = await self._facts(plan.catalog, standing, plan.shape.base)

        def write() -> bytes:
            graph = dataset_graph(facts, standing.remotes, files=plan.shape.files)
            return fragment(graph, plan.shape.form)

        written = await asyncio.to_thread(write)
        self._fragments[key] = written
        self._held += len(written)
        while self._held > _MOST_BYTES:
            self._held -= len(self._fragments.popitem(last=False)[1])
        return written

    async def _facts(self, catalog: Catalog, standing: Standing, base: str | None) -> DatasetFacts:
        snapshot = Snapshot.of(
            self._engine,
            self._store,
            catalog,
            standing.name,
            standing.states,
            work=self._settings.work_path,
        )
        return await dataset_facts(
            snapshot, Links(base, self._settings.published_path), self._extents
        )


def _plan_page(now: Standings, shape: Shape, number: int) -> Plan:
    public = now.public
    last = last_page(len(public))
    if number > last:
        raise NotFoundError("page-not-found", page=number, last=last)
    shown = public[(number - 1) * PAGE : number * PAGE]
    datasets = tuple(now.of(name) for name in shown)
    pages = {"this": number, "first": 1, "last": last}
    if number > 1:
        pages["previous"] = number - 1
    if number < last:
        pages["next"] = number + 1
    around = catalog_graph(
        shape.base,
        now.catalog,
        shown,
        public=public,
        modified=now.modified(public),
        place=Place(len(public), {which: shape.page(it) for which, it in pages.items()}),
    )
    key = digest([str(shape), number, sorted(map(str, around)), [it.key for it in datasets]])
    return Plan(key, shape, now.catalog, datasets, around)
