"""What is asked of a partner, what every kind of partner can do, and what comes of it."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from publisher.engine import Connection
from publisher.errors import PublisherError
from publisher.model.partner import TableSpec
from publisher.model.query import Condition, Measure, Order, Period
from publisher.model.schema import Field, Schema
from publisher.model.values import TableRef
from publisher.partners.endpoint import Endpoint

Outcome = Literal["successful", "partial", "skipped", "failed"]
Served = Literal["live", "cached", "materialised"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table was harvested from: an address of HTTP, without credentials and query."""

    url: str
    whole: bool = True
    """False: it holds a part of what stands there."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A partner's table, as far as it is known."""

    partner: str
    ref: TableRef
    fields: Mapping[str, Field]
    """Those that may be asked for."""
    key: tuple[str, ...]
    schema: Schema
    version: int = 0
    """Its newest; 0 where the partner knows no versions."""
    origin: Origin | None = None
    """Where it was harvested from, as the partner tells."""
    table: TableSpec | None = None
    """How its rows are read, where they are read as a source's deliveries are."""
    told: Mapping[str, str] | None = None
    """The types of its columns in the partner's words, where no schema of ours says its fields."""
    row: Field | None = None
    """A number that each row has for itself: it completes the order, and is shown to nobody."""

    @property
    def stored(self) -> Mapping[str, Field]:
        """The fields, and the number of the row."""
        return self.fields if self.row is None else {**self.fields, self.row.name: self.row}

    @property
    def name(self) -> str:
        return f"{self.ref}@{self.partner}"

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns that fields are read from, as far as that is stated."""
        views = self.table.fields if self.table is not None else {}
        return {name: it.column for name, it in views.items() if it.column is not None}

    @property
    def mark(self) -> int:
        """What is another number once the fields that the partner told of are others; else 0."""
        if self.told is None:
            return 0
        fields = sorted((it.name, it.type) for it in self.stored.values())
        return zlib.crc32(repr((sorted(self.told.items()), fields, self.key)).encode()) or 1


@dataclass(frozen=True, slots=True)
class RemoteDataset:
    """A partner's dataset, as it is listed."""

    partner: str
    name: str
    title: str
    description: str | None
    publisher: str
    publisher_title: str
    keywords: tuple[str, ...]
    themes: tuple[str, ...]
    licenses: tuple[Mapping[str, Any], ...]
    updated_at: datetime | None
    url: str
    """Where it is told of there."""
    tables: tuple[str, ...]
    box: tuple[float, float, float, float] | None = None
    """West, south, east, north, where that is known."""
    origin: Origin | None = None
    """Where it was harvested from, as the partner tells."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """Groups of the rows that match, which will do in place of the rows."""

    by: tuple[str, ...]
    every: Period | None
    measures: tuple[Measure, ...]
    zone: str
    """Of the periods."""
    fields: Mapping[str, Field]
    """What a group has."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Rows of one table that are wanted, in the table's own fields and units."""

    remote: Remote
    fields: tuple[str, ...]
    """The columns that are wanted; those of the order are among them."""
    where: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()
    """Total, where there is a limit."""
    after: tuple[Any, ...] | None = None
    """The place that the rows come after: a value for each of the order, as a cursor has it."""
    limit: int | None = None
    """Without it, all that match."""
    version: int = 0
    """That a walk is of; of a table without versions its mark, once a walk has begun."""
    as_of: datetime | None = None
    """UTC without a zone; of those that have versions."""
    some: bool = False
    """Any rows will do, so many as the limit says."""
    counted: bool = False
    """How many match is to be told as well."""
    grouped: Grouped | None = None
    """Whoever can work them out may give these instead."""


Load = Callable[[Connection, str, Sequence[Path]], int]
"""Makes a temporary table of the rows in files, typed and numbered in their order as ``_row``.

Gives how many did not fit and were left out; raises SourceError.
"""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Rows on disk, to be loaded."""

    load: Load
    files: Sequence[Path] = ()
    """They go once the question is answered."""
    rows: int | None = None
    """That the partner gave, where that is known without a look at them."""
    more: bool = False
    """There are more behind them."""
    served: Served = "live"
    """Of a copy (materialised) all rows are there, whatever was asked."""
    grouped: bool = False
    """They are the groups that were asked for."""
    lines: Mapping[str, Field] | None = None
    """Where they are objects of these fields, one a line: those of many tables can then be read at
    once, which ``load`` does for one."""
    plain: bool = False
    """They are objects, one a line, whose members are written as our own answers write them."""
    in_order: bool = True
    """They come in the order that was asked for."""
    total: int | None = None
    version: int = 0
    status: int | None = None
    """Of HTTP."""
    pushed: Sequence[str] = ()
    """What the partner was asked to do."""
    local: Sequence[str] = ()
    """What is left to be done here."""
    retrieved_at: datetime | None = None
    age: float | None = None
    """Seconds since then, where it was not asked now."""

    @property
    def whole(self) -> bool:
        """Whether all rows are there, those that were not asked for too."""
        return self.served == "materialised"


@dataclass(slots=True)
class Status:
    """How a partner's table did in one question."""

    source: str
    table: TableRef | None
    """None where nobody could tell which there are."""
    outcome: Outcome = "successful"
    milliseconds: float = 0
    rows: int = 0
    refused: int = 0
    """Rows that do not fit their schema."""
    problem: PublisherError | None = None
    fetched: Fetched | None = None


class Adapter(Protocol):
    """One partner, in the words of its kind."""

    @property
    def endpoint(self) -> Endpoint: ...

    async def tables(self, seconds: float) -> Mapping[TableRef, Remote]:
        """Give the tables that it has; raises SourceError."""
        ...

    async def datasets(self, seconds: float) -> Sequence[RemoteDataset]:
        """Give the datasets that they are of; raises SourceError."""
        ...

    async def find(self, ref: TableRef, seconds: float) -> Remote | None:
        """Give one of them as it is now; raises SourceError."""
        ...

    async def fetch(self, ask: Ask, folder: Path, seconds: float) -> Fetched:
        """Fetch what is asked for into *folder*; raises SourceError."""
        ...

    async def copied(self, remote: Remote, since: int, folder: Path, seconds: float) -> Fetched:
        """Fetch all rows; else what changed *since* a version, removed ones too, as ``_deleted``.

        Raises SourceError; ``http-missing`` where it cannot tell what changed since then.
        """
        ...

    async def committed(self, remote: Remote, version: int, seconds: float) -> datetime | None:
        """Tell when a version of a table came about; None where nobody knows, or not any more.

        Raises SourceError.
        """
        ...
