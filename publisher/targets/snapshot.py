"""A dataset pinned at one version of each of its tables, as it may be published.

Only open fields are ever read: one that is marked personal in the catalog or in the store
never leaves here. Later commits do not change a snapshot.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from publisher.engine import Connection, Engine, Lane, identifier, literal
from publisher.model.catalog import Catalog, Organization, TableEntry
from publisher.model.dataset import Dataset, Resource
from publisher.model.schema import TEXTS, Field
from publisher.model.table import TableState, instant_text, sql_type
from publisher.model.values import TableRef
from publisher.store import Store
from publisher.store.changes import removed_keys
from publisher.targets.spool import Pages, pages, spooled

T = TypeVar("T")
ROW_ID = "_row"
"""The store's stable id of a row; with every batch, beside the open fields."""

_NULL_TEXTS = ("", "NULL", "\\N", "<null>", "\\N\\N")


@dataclass(frozen=True, slots=True)
class PinnedTable:
    """A table at one version."""

    entry: TableEntry
    state: TableState
    fields: tuple[Field, ...]
    """The open ones, typed as the store holds them, with the catalog's texts."""
    key: tuple[str, ...]
    """The primary key, if all of it is open; else empty."""

    @property
    def ref(self) -> TableRef:
        return self.entry.ref

    @property
    def name(self) -> str:
        return self.entry.resource.name

    @property
    def resource(self) -> Resource:
        return self.entry.resource

    @property
    def version(self) -> int:
        return self.state.version

    @property
    def time_field(self) -> Field | None:
        return next((field for field in self.fields if field.role == "time"), None)

    def order(self) -> str:
        """Give a total order: the key by code point, nulls last, then the row's id."""
        columns = [f"{identifier(name)} ASC NULLS LAST" for name in self.key]
        return ", ".join([*columns, ROW_ID])


class Snapshot:
    """The tables of one dataset that have a version, pinned together."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        *,
        dataset: Dataset,
        organization: Organization,
        tables: Sequence[PinnedTable],
        work: Path,
    ) -> None:
        self._engine = engine
        self._store = store
        self._work = work
        self.dataset = dataset
        self.organization = organization
        self.tables = tuple(tables)

    @classmethod
    async def pin(
        cls, engine: Engine, store: Store, catalog: Catalog, dataset: str, *, work: Path
    ) -> "Snapshot":
        """Pin the newest versions of the dataset's tables, all in one read transaction.

        Scratch files go under *work*. Raises NotFoundError where there is no such dataset.
        """
        catalog.dataset(dataset)
        entries = list(catalog.tables(dataset))

        def read(con: Connection) -> list[TableState | None]:
            con.execute("BEGIN")
            try:
                return [store.state(con, entry.ref) for entry in entries]
            finally:
                con.execute("ROLLBACK")

        states = await engine.run(read, lane="query")
        found = {entry.ref: state for entry, state in zip(entries, states, strict=True) if state}
        return cls.of(engine, store, catalog, dataset, found, work=work)

    @classmethod
    def of(
        cls,
        engine: Engine,
        store: Store,
        catalog: Catalog,
        dataset: str,
        states: Mapping[TableRef, TableState],
        *,
        work: Path,
    ) -> "Snapshot":
        """Pin the dataset's tables at *states*, which were read in one transaction."""
        wanted = catalog.dataset(dataset)
        return cls(
            engine,
            store,
            dataset=wanted,
            organization=catalog.organizations.get(wanted.publisher)
            or Organization(title=wanted.publisher),
            tables=[
                _pinned(entry, states[entry.ref])
                for entry in catalog.tables(dataset)
                if entry.ref in states
            ],
            work=work,
        )

    @property
    def versions(self) -> dict[str, int]:
        return {table.name: table.version for table in self.tables}

    async def null_text(self, table: PinnedTable) -> str:
        """Give a text that stands for null in the table's CSV and is no string cell in it.

        It is empty unless a cell is an empty string: readers cannot tell ``""`` from nothing.
        """
        texts = [identifier(field.name) for field in table.fields if sql_type(field) == "VARCHAR"]
        if not texts:
            return ""
        source, parameters = self._store.relation(table.ref, table.version)
        tests = ", ".join(
            "bool_or({})".format(" OR ".join(f"{text} = {literal(null)}" for text in texts))
            for null in _NULL_TEXTS
        )
        taken = await self._engine.run(
            lambda con: con.execute(f"SELECT {tests} FROM {source}", parameters).fetchone()  # noqa: S608 - identifiers quoted, no values
        )
        return next(
            (null for null, found in zip(_NULL_TEXTS, taken or (), strict=True) if not found),
            _NULL_TEXTS[-1],
        )

    async def committed_at(self, table: PinnedTable, version: int) -> datetime | None:
        """Give when the store committed a *version* of the table; None where it knows none."""
        return await self._engine.run(
            lambda con: self._store.committed_at(con, table.ref, version), lane="query"
        )

    async def span(self, table: PinnedTable) -> tuple[datetime, datetime] | None:
        """Give the first and the last instant of the time field, in UTC without a zone."""
        if table.time_field is None or sql_type(table.time_field) != "TIMESTAMP":
            return None
        time = identifier(table.time_field.name)
        source, parameters = self._store.relation(table.ref, table.version)
        found = await self._engine.run(
            lambda con: con.execute(
                f"SELECT min({time}), max({time}) FROM {source}",  # noqa: S608 - as above
                parameters,
            ).fetchone()
        )
        return (found[0], found[1]) if found and found[0] is not None else None

    async def copy_csv(self, table: PinnedTable, path: Path, *, null: str) -> int:
        """Write the table as CSV (UTF-8, comma, ISO 8601 in UTC, LF); give its rows."""
        columns = ", ".join(
            f"{instant_text(identifier(field.name))} AS {identifier(field.name)}"
            if sql_type(field) == "TIMESTAMP"
            else identifier(field.name)
            for field in table.fields
        )
        options = f"FORMAT csv, HEADER, NULLSTR {literal(null)}"
        return await self._copy(table, columns, path, options)

    async def copy_parquet(self, table: PinnedTable, path: Path) -> int:
        """Write the table as Parquet, instants adjusted to UTC; give its rows."""
        columns = ", ".join(
            f"{identifier(field.name)}::TIMESTAMPTZ AS {identifier(field.name)}"
            if sql_type(field) == "TIMESTAMP"
            else identifier(field.name)
            for field in table.fields
        )
        return await self._copy(table, columns, path, "FORMAT parquet, COMPRESSION zstd")

    async def _copy(self, table: PinnedTable, columns: str, path: Path, options: str) -> int:
        source, parameters = self._store.relation(table.ref, table.version)
        statement = (
            f"COPY (SELECT {columns} FROM {source} ORDER BY {table.order()})"  # noqa: S608
            f" TO {literal(str(path))} ({options})"
        )
        row = await self._engine.run(lambda con: con.execute(statement, parameters).fetchone())
        return int(row[0]) if row else 0

    def rows(
        self,
        table: PinnedTable,
        size: int,
        *,
        columns: str,
        since: int | None = None,
        until: int | None = None,
    ) -> Pages:
        """Give the rows in batches of *size* at most; with *since* those new or corrected after it.

        *columns* lists what is wanted of each row, as SQL over its open fields and ``_row``.
        *until* reads another version than the pinned one.
        """
        source, parameters = self._store.relation(table.ref, until or table.version)
        where = "" if since is None else " WHERE _since > ?"
        if since is not None:
            parameters = [*parameters, since]
        query = f"SELECT {columns} FROM {source}{where} ORDER BY {table.order()}"  # noqa: S608
        return self._spooled(query, parameters, size)

    def removed(
        self, table: PinnedTable, size: int, *, columns: str, since: int, until: int | None = None
    ) -> Pages:
        """Give the keys (``_row`` without a key) that were there at *since* and are not now."""
        query, parameters = removed_keys(
            table.ref, table.key or (ROW_ID,), since, until or table.version
        )
        return self._spooled(f"SELECT {columns} FROM ({query})", parameters, size)  # noqa: S608

    def relation(self, table: PinnedTable) -> tuple[str, list[object]]:
        """Give a FROM item with the table's rows at its version, and its parameters."""
        return self._store.relation(table.ref, table.version)

    async def run(self, work: Callable[[Connection], T], *, lane: Lane = "work") -> T:
        """Do *work* in one of the engine's threads."""
        return await self._engine.run(work, lane=lane)

    def scratch(self) -> Path:
        """Name a new folder for files that are let go of after use."""
        return self._work / f"publish-{uuid.uuid4().hex}"

    def pages(self, file: Path, size: int) -> Pages:
        """Give the rows that were spooled to *file*, *size* at most at a time."""
        return pages(self._engine, file, size)

    def _spooled(self, query: str, parameters: list[object], size: int) -> Pages:
        file = self.scratch().with_suffix(".parquet")
        return spooled(self._engine, query, parameters, file, size)


def _pinned(entry: TableEntry, state: TableState) -> PinnedTable:
    """Join what the store holds with what the catalog says of it now."""
    now = entry.schema.by_name
    fields = tuple(
        stored.model_copy(update={name: getattr(now[stored.name], name) for name in TEXTS})
        for stored in entry.shown_fields(state.schema)
    )
    names = {field.name for field in fields}
    key = state.schema.primary_key
    return PinnedTable(
        entry=entry,
        state=state,
        fields=fields,
        key=key if names.issuperset(key) else (),
    )
