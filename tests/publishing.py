"""A made-up dataset in a real store, and an outbox that publishes it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from storing import delivery, judged

from publisher.engine import Connection, Engine
from publisher.model.catalog import (
    Catalog,
    CkanTarget,
    FolderTarget,
    Organization,
    TableEntry,
)
from publisher.model.dataset import Dataset
from publisher.model.schema import Schema
from publisher.model.values import TableRef
from publisher.secrets import Secrets
from publisher.settings import Settings
from publisher.store import Commit, Store
from publisher.targets import Outbox

WATER: dict[str, Any] = {
    "name": "water",
    "version": "1.2.0",
    "title": "Vandstand",
    "fields": [
        {"name": "station", "type": "string", "role": "entity", "constraints": {"required": True}},
        {
            "name": "at",
            "type": "datetime",
            "role": "time",
            "title": "Tidspunkt",
            "constraints": {"required": True, "minimum": "2020-01-01T00:00:00"},
        },
        {
            "name": "level",
            "type": "number",
            "unit": "m",
            "title": "Vandstand",
            "description": "Over DVR90.",
            "constraints": {"minimum": -5, "maximum": 20},
        },
        {"name": "price", "type": "number", "decimal": "10,2"},
        {"name": "count", "type": "integer", "decimalChar": ","},
        {"name": "ok", "type": "boolean", "trueValues": ["ja"], "falseValues": ["nej"]},
        {"name": "day", "type": "date", "format": "%d-%m-%Y"},
        {"name": "clock", "type": "time"},
        {"name": "year", "type": "year"},
        {"name": "place", "type": "object"},
        {"name": "parts", "type": "list"},
        {"name": "note", "type": "string"},
        {"name": "read_by", "type": "string", "personal": True},
    ],
    "primaryKey": ["station", "at"],
}
START = datetime(2026, 3, 1)


def water(station: str, minute: int, **values: Any) -> tuple[Any, ...]:
    """Give a row of WATER; what is not named is null but for a few fixed values."""
    row = {
        "station": station,
        "at": START + timedelta(minutes=minute),
        "level": 0.1 + minute / 3,
        "read_by": "Karen Made-Up",
        **values,
    }
    return tuple(row.get(item["name"]) for item in WATER["fields"])


ODD_ROWS = [
    water(
        "å",
        0,
        price=Decimal("12345678.90"),
        count=9_007_199_254_740_993,
        ok=True,
        day=date(2026, 2, 28),
        clock=time(23, 59, 1),
        year=2026,
        place='{"type": "Point", "coordinates": [8.76, 55.33]}',
        parts='["a", "b"]',
        note='says "so", twice\nover',
    ),
    water("å", 1, level=None, ok=False, note=" blanks "),
    water("b", 0, at=datetime(2026, 3, 1, 0, 0, 0, 123000), level=1e-7),
    water("b", 2, level=-0.30000000000000004, place="{}", parts="[]"),
]


@dataclass
class House:
    """One installation: a folder, a store, a catalog that the test changes, an outbox."""

    settings: Settings
    engine: Engine
    store: Store
    name: str = "vand"
    publish: dict[str, Any] = field(default_factory=lambda: {"access": "public"})
    schemas: dict[str, Any] = field(default_factory=lambda: {"levels": WATER})
    facts: dict[str, Any] = field(default_factory=dict)
    targets: dict[str, FolderTarget | CkanTarget] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.catalog = Catalog()
        self.secrets = Secrets(self.environ)
        self.describe()
        self.outbox = self.new_outbox()

    def new_outbox(self) -> Outbox:
        return Outbox(
            settings=self.settings,
            secrets=self.secrets,
            engine=self.engine,
            store=self.store,
            catalog=lambda: self.catalog,
        )

    def describe(self) -> None:
        """Make the catalog of what the test says now."""
        dataset = Dataset.model_validate(
            {
                "name": self.name,
                "title": "Vandstand i åen",
                "description": "Made-up levels.",
                "publisher": "esbjerg",
                "keywords": ["vand", "å/bæk", "a"],
                "themes": ["ENVI"],
                "updateFrequency": "HOURLY",
                "licenses": [{"name": "CC-BY-4.0"}],
                "sources": [{"title": "Vandportalen", "path": "https://vandportalen.example"}],
                "resources": [
                    {
                        "name": table,
                        "title": f"Målinger {table}",
                        "path": f"{table}.csv",
                        "schema": f"../schemas/{table}.yaml",
                        "harvest": {
                            "source": {"type": "file", "path": "secret-inbox/*.csv"},
                            **({"mode": self.modes[table]} if table in self.modes else {}),
                        },
                    }
                    for table in self.schemas
                ],
                "publish": self.publish,
                **self.facts,
            }
        )
        entries = [
            TableEntry(dataset, resource, Schema.model_validate(self.schemas[resource.name]))
            for resource in dataset.resources
        ]
        self.catalog = Catalog(
            datasets={self.name: dataset},
            schemas={entry.schema.name: entry.schema for entry in entries},
            organizations={
                "esbjerg": Organization(title="Esbjerg Kommune", email="data@example.org")
            },
            targets={"folder": FolderTarget(type="folder"), **self.targets},
            entries={entry.ref: entry for entry in entries},
        )

    @property
    def published(self) -> Path:
        return self.settings.published_path / self.name

    async def commit(
        self,
        rows: Iterable[tuple[Any, ...]],
        table: str = "levels",
        *,
        also: str | None = None,
    ) -> int:
        """Commit a delivery of *rows*, and of what the query *also* gives; give the version."""
        entry = self.catalog.entries[TableRef(self.name, table)]
        held = list(rows)

        def write(con: Connection) -> int:
            judged(con, entry.schema, held)
            if also is not None:
                con.execute(f"INSERT INTO temp.judged_good {also}")
            # Ids are unique beyond this process: one that is settled is never committed again.
            delivered = replace(delivery(entry.ref), id=uuid.uuid4().hex)
            done = self.store.commit(con, Commit(entry, "run", delivered))
            assert done.version is not None
            return done.version

        return await self.engine.run(write)

    async def rows(self, table: str = "levels") -> list[dict[str, Any]]:
        """Give the open fields of the table's rows as the store holds them, by key."""
        entry = self.catalog.entries[TableRef(self.name, table)]
        names = [item.name for item in entry.schema.open_fields]
        listed = ", ".join(f'"{name}"' for name in names)
        query = f"SELECT {listed} FROM {self.store.relation_name(entry.ref)} ORDER BY 1, 2"

        def read(con: Connection) -> list[dict[str, Any]]:
            return [dict(zip(names, row, strict=True)) for row in con.execute(query).fetchall()]

        return await self.engine.run(read)


@asynccontextmanager
async def open_house(
    folder: Path, *, public_url: str | None = None, **described: Any
) -> AsyncIterator[House]:
    settings = Settings(root=folder, data=folder / "data", backoff_max=0.2, public_url=public_url)
    settings.work_path.mkdir(parents=True, exist_ok=True)
    engine = await asyncio.to_thread(
        lambda: Engine.open(str(settings.store_path), work=settings.work_path)
    )
    store = Store(engine)
    await engine.run(store.prepare)
    house = House(settings, engine, store, **described)
    try:
        yield house
    finally:
        await house.outbox.close()
        await asyncio.to_thread(engine.close)


async def until(true: Callable[[], bool | Awaitable[bool]], seconds: float = 30) -> None:
    """Wait until it is; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


def together(catalogs: Iterable[Catalog]) -> Catalog:
    """Give one catalog with the datasets of all; the last one's organisations and targets count."""
    last = Catalog()
    for catalog in catalogs:
        last = replace(
            catalog,
            datasets={**last.datasets, **catalog.datasets},
            schemas={**last.schemas, **catalog.schemas},
            entries={**last.entries, **catalog.entries},
        )
    return last


def outcomes(results: Iterable[Any]) -> Mapping[str, str]:
    return {result.target: result.outcome for result in results}
