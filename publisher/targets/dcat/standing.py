"""How datasets stand at one instant, and the keys that change when what is told of them may."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import orjson

from publisher.engine import Connection, Engine
from publisher.model.catalog import Catalog, CkanTarget
from publisher.model.schema import Schema
from publisher.model.table import TableState
from publisher.model.values import TableRef
from publisher.settings import Settings
from publisher.store import Published, Store
from publisher.store.publications import Attempt
from publisher.targets.dcat.distributions import Remotes
from publisher.targets.due import REMOVED, WITHDRAWN, completed

_Found = tuple[dict[TableRef, TableState], dict[tuple[str, str], Published]]
_TOLD = ("url", "resources")  # of what a CKAN site calls a dataset


@dataclass(frozen=True, slots=True)
class Standing:
    """A dataset as it stands."""

    name: str
    key: str
    states: Mapping[TableRef, TableState]
    remotes: Remotes


@dataclass(frozen=True, slots=True)
class Standings:
    """All datasets, read in one transaction."""

    catalog: Catalog
    settings: Settings
    states: Mapping[TableRef, TableState]
    publications: Mapping[tuple[str, str], Published]

    @classmethod
    async def read(
        cls, engine: Engine, store: Store, settings: Settings, catalog: Catalog
    ) -> "Standings":
        def look(con: Connection) -> _Found:
            con.execute("BEGIN")
            try:
                return store.states(con), store.publications(con)
            finally:
                con.execute("ROLLBACK")

        states, publications = await engine.run(look, lane="query")
        return cls(catalog, settings, states, publications)

    @classmethod
    async def read_one(
        cls, engine: Engine, store: Store, settings: Settings, catalog: Catalog, name: str
    ) -> "Standings":
        """Read one dataset alone."""
        refs = [entry.ref for entry in catalog.tables(name)]
        targets = catalog.dataset(name).targets

        def look(con: Connection) -> _Found:
            con.execute("BEGIN")
            try:
                states = {ref: state for ref in refs if (state := store.state(con, ref))}
                known = {(name, it): store.published(con, name, it) for it in targets}
            finally:
                con.execute("ROLLBACK")
            return states, {pair: it for pair, it in known.items() if it is not None}

        states, publications = await engine.run(look, lane="query")
        return cls(catalog, settings, states, publications)

    @property
    def public(self) -> list[str]:
        """The public datasets that have rows, by name."""
        held = {ref.dataset for ref in self.states}
        return sorted(
            name for name, it in self.catalog.datasets.items() if it.public and name in held
        )

    def modified(self, names: Sequence[str]) -> datetime | None:
        wanted = frozenset(names)
        times = [it.committed_at for ref, it in self.states.items() if ref.dataset in wanted]
        return max(times, default=None)

    def of(self, name: str) -> Standing:
        """Give how one dataset stands; looks for its bulk files."""
        dataset = self.catalog.datasets[name]
        entries = list(self.catalog.tables(name))
        states = {it.ref: self.states[it.ref] for it in entries if it.ref in self.states}
        remotes = {
            target: {key: known.remote[key] for key in _TOLD if key in known.remote}
            for target in dataset.targets
            if isinstance(self.catalog.targets.get(target), CkanTarget)
            and (known := self._success(name, target)) is not None
        }
        facts = [
            dataset.model_dump_json(exclude_unset=True),
            repr(self.catalog.organizations.get(dataset.publisher)),
            [
                # Which fields may be shown changes without a version of either kind
                (str(it.ref), it.schema.name, it.schema.version, _open(it.schema))
                for it in entries
            ],
            [(str(ref), it.version, it.committed_at) for ref, it in states.items()],
            self._files(name),
            remotes,
        ]
        return Standing(name, digest(facts), states, remotes)

    def _success(self, dataset: str, target: str) -> Attempt | None:
        known = completed(self.publications.get((dataset, target)))
        return None if known is None or known.fingerprint in (WITHDRAWN, REMOVED) else known

    def _files(self, dataset: str) -> tuple[int, ...]:
        """Give what changes when the dataset's bulk files are others."""
        try:
            found = (self.settings.published_path / dataset / "datapackage.json").stat()
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size


def _open(schema: Schema) -> list[tuple[str, str | None]]:
    return [(field.name, field.role) for field in schema.open_fields]


def digest(facts: object) -> str:
    return sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()
