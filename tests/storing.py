"""A store to test with, and deliveries made by hand in the shape that validation leaves them in.

``PUBLISHER_TEST_STORE=ducklake`` runs the same tests on DuckLake over a local metadata file.
"""

import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from publisher.engine import Connection, Engine, identifier
from publisher.model.catalog import TableEntry
from publisher.model.dataset import Dataset, Harvest, Resource
from publisher.model.run import Delivery
from publisher.model.schema import Schema
from publisher.model.table import sql_type
from publisher.model.values import TableRef
from publisher.store import Commit, Committed, Store

DUCKLAKE = os.environ.get("PUBLISHER_TEST_STORE") == "ducklake"
LEVELS: dict[str, Any] = {
    "name": "levels",
    "version": "1.0.0",
    "fields": [
        {"name": "station", "type": "string", "role": "entity"},
        {"name": "seen.at", "type": "datetime", "role": "time"},
        {"name": "level", "type": "number", "unit": "m"},
    ],
    "primaryKey": ["station", "seen.at"],
}
_PAGE = 500
_serial = itertools.count(1)


def location(folder: Path) -> str:
    if DUCKLAKE:
        return f"ducklake:{folder / 'store.ducklake'}"
    return str(folder / "store.duckdb")


@contextmanager
def opened(folder: Path, **options: Any) -> Iterator["Desk"]:
    (folder / "work").mkdir(parents=True, exist_ok=True)
    engine = Engine.open(location(folder), work=folder / "work", **options)
    try:
        store = Store(engine)
        with engine.cursor() as con:
            store.prepare(con)
            yield Desk(engine, store, con)
    finally:
        engine.close()


def entry(
    schema: Mapping[str, Any] = LEVELS,
    *,
    name: str = "river",
    table: str = "levels",
    **harvest: Any,
) -> TableEntry:
    resource = Resource.model_validate(
        {
            "name": table,
            "path": f"{table}.csv",
            "schema": "levels.yaml",
            "harvest": {"source": {"type": "file", "path": "in/*.csv"}, **harvest},
        }
    )
    dataset = Dataset.model_validate(
        {"name": name, "title": name, "publisher": "made-up", "resources": [resource]}
    )
    assert isinstance(resource.harvest, Harvest)
    return TableEntry(dataset, resource, Schema.model_validate(schema))


def delivery(ref: TableRef, *, origin: str = "in/a.csv", content: str | None = None) -> Delivery:
    serial = next(_serial)
    return Delivery(
        id=f"{serial:012}",
        ref=ref,
        origin=origin,
        sha256=sha256((content or str(serial)).encode()).hexdigest(),
        size=1,
        landed_at=datetime.now(UTC),
        cursor={"serial": serial},
    )


@dataclass
class Bad:
    """A row that validation refused."""

    number: int
    cells: list[Any]
    rules: list[str] = field(default_factory=lambda: ["type-error"])
    column: str = "level"
    """What the source calls it."""
    schema_field: str | None = None
    """The schema's field; rows that were stored before errors told it have none."""
    quarantine_id: str | None = None


@dataclass
class Desk:
    """A store with one connection."""

    engine: Engine
    store: Store
    con: Connection

    def judged(
        self,
        schema: Schema,
        good: Iterable[tuple[Any, ...]],
        bad: Iterable[Bad] = (),
        *,
        ids: list[str] | None = None,
    ) -> None:
        """Leave the two tables that validation does; *good* rows follow the schema's fields."""
        judged(self.con, schema, good, bad, ids=ids)

    def commit(
        self,
        of: TableEntry,
        good: Iterable[tuple[Any, ...]],
        bad: Iterable[Bad] = (),
        *,
        run: str = "run",
        delivered: Delivery | None = None,
    ) -> Committed:
        self.judged(of.schema, good, bad)
        return self.store.commit(self.con, Commit(of, run, delivered or delivery(of.ref)))

    def release(
        self,
        of: TableEntry,
        good: Mapping[str, tuple[Any, ...]],
        bad: Iterable[Bad] = (),
    ) -> Committed:
        """Commit quarantined rows, by their ids, as judged anew."""
        self.judged(of.schema, good.values(), bad, ids=list(good))
        return self.store.commit(self.con, Commit(of, "release", None, released=True))

    def rows(self, ref: TableRef, version: int, columns: str = "*") -> list[tuple[Any, ...]]:
        source, values = self.store.relation(ref, version)
        return self.con.execute(f"SELECT {columns} FROM {source} ORDER BY ALL", values).fetchall()


def judged(
    con: Connection,
    schema: Schema,
    good: Iterable[tuple[Any, ...]],
    bad: Iterable[Bad] = (),
    *,
    ids: list[str] | None = None,
) -> None:
    shape = ", ".join(f"{identifier(item.name)} {sql_type(item)}" for item in schema.fields)
    extra = "" if ids is None else ", _quarantine_id VARCHAR"
    con.execute(f"CREATE OR REPLACE TEMP TABLE judged_good (_row_number BIGINT, {shape}{extra})")
    rows = [
        [number, *row, *([] if ids is None else [ids[number - 2]])]
        for number, row in enumerate(good, 2)
    ]
    for start in range(0, len(rows), _PAGE):
        page = rows[start : start + _PAGE]
        holes = ", ".join([f"({', '.join('?' * len(page[0]))})"] * len(page))
        con.execute(
            f"INSERT INTO temp.judged_good VALUES {holes}",
            list(itertools.chain.from_iterable(page)),
        )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE judged_bad"
        f" (row_number BIGINT, labels JSON, cells JSON, errors JSON, rules VARCHAR[]{extra})"
    )
    for row in bad:
        told = {} if row.schema_field is None else {"field": row.schema_field}
        errors = [
            {"type": rule, "fieldName": row.column, "note": "made up", **told} for rule in row.rules
        ]
        values = [
            row.number,
            json.dumps([item.name for item in schema.fields]),
            json.dumps(row.cells),
            json.dumps(errors),
            row.rules,
            *([] if ids is None else [row.quarantine_id]),
        ]
        con.execute(f"INSERT INTO temp.judged_bad VALUES ({', '.join('?' * len(values))})", values)
