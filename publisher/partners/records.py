"""Partners whose tables are read as a source's deliveries are: under our schemas, or their own."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import orjson

from publisher.engine import Connection, identifier
from publisher.errors import DeliveryError, SourceError
from publisher.model.dataset import FieldView
from publisher.model.partner import TableSpec
from publisher.model.query import ROW, Order
from publisher.model.run import Delivery
from publisher.model.schema import Field, Schema
from publisher.model.values import TableRef, parse_zone
from publisher.partners.base import Ask, Fetched, Remote
from publisher.partners.endpoint import Endpoint
from publisher.partners.loading import load_none
from publisher.partners.own import ROW_NUMBER, Told, made
from publisher.registry.partners import entry_of
from publisher.validation.judge import Validator

_MOST_READERS = 100
_MOST_EMPTY = 20
"""Pages without rows, one after another, that lead to a next one."""
_MOST_COLUMNS = 2_000
"""That a partner may tell of; a database has no more."""
_MARK = Field(name="publisher.row", type="boolean")
"""Is in every record, so that one whose other values are null is not taken for a blank line."""
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Records:
    records: Sequence[Record]
    more: bool = False
    """There are more behind them."""
    total: int | None = None
    pushed: Sequence[str] = ()
    local: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """How many rows are wanted of a partner that sorts by some of what the order has."""

    limit: int
    by: Sequence[str]
    """The columns that it sorts by."""
    seeking: bool
    """It begins at the rows that are alike to the place in the first it sorts by."""

    def enough(self, records: Sequence[Record]) -> Sequence[Record] | None:
        """Leave out the last group, which may not be whole; None where too few are left.

        Of those that are alike to the first record in the first that is sorted by none counts: they
        may lie before the place.
        """
        if not self.by:  # any rows will do
            return records[: self.limit] if len(records) >= self.limit else None

        def alike(record: Record) -> list[Any]:
            return [record.get(column) for column in self.by]

        last = alike(records[-1])
        whole = len(records)
        while whole and alike(records[whole - 1]) == last:
            whole -= 1
        beyond = whole
        if self.seeking:
            first = records[0].get(self.by[0])
            beyond -= sum(it.get(self.by[0]) == first for it in records[:whole])
        return records[:whole] if beyond >= self.limit else None


def any_rows(ask: Ask) -> Window | None:
    """Give the window of a question for which any rows will do."""
    return Window(ask.limit or 0, (), seeking=False) if ask.some else None


class RecordsAdapter(ABC):
    """One partner whose records come as JSON objects."""

    kind: ClassVar[str]
    """What it is called where it does not answer like one."""

    def __init__(self, endpoint: Endpoint, work: Path) -> None:
        self.endpoint = endpoint
        self.bound = endpoint.partner.tables
        self._work = work
        self._readers: OrderedDict[tuple[TableRef, tuple[str, ...]], _Reader] = OrderedDict()
        self._own: dict[TableRef, Remote] = {}
        """Those without a schema of ours, as the partner told of them last."""

    async def tables(self, seconds: float) -> Mapping[TableRef, Remote]:
        """Give them; one of which nothing can be told costs no other."""
        looks = (self._look(ref, seconds) for ref in self.bound)
        found: dict[TableRef, Remote] = {}
        faults = []
        answers = await asyncio.gather(*looks, return_exceptions=True)
        for ref, answer in zip(self.bound, answers, strict=True):
            remote = answer
            if isinstance(answer, SourceError):
                faults.append(answer)
                remote = self._own.get(ref)  # what was known has to do
            if isinstance(remote, BaseException):
                raise remote
            if remote is not None:
                found[ref] = remote
        if faults and not found:
            raise faults[0]
        return found

    async def find(self, ref: TableRef, seconds: float) -> Remote | None:
        return await self._look(ref, seconds)

    async def _look(self, ref: TableRef, seconds: float) -> Remote | None:
        bound = self.bound.get(ref)
        if bound is None:
            return None
        if bound.schema is not None:
            return self._remote(ref, bound.spec, bound.schema)
        told = await self.told(ref, asyncio.get_running_loop().time() + seconds)
        if len(told.columns) > _MOST_COLUMNS:
            raise self.unlike()
        table, schema = await asyncio.to_thread(made, ref, bound.spec, told, self.name)
        remote = replace(self._remote(ref, table, schema), told=told.types)
        known = self._own.get(ref)
        if known == remote:  # and what reads its rows is made already
            return known
        self._own[ref] = remote
        return remote

    async def fetch(self, ask: Ask, folder: Path, seconds: float) -> Fetched:
        if ask.as_of is not None:
            raise SourceError("partner-no-versions", partner=self.name)
        if ask.version not in {0, ask.remote.mark}:  # of a walk that began with other fields
            raise SourceError("partner-fields-changed", partner=self.name)
        found = await self.records(ask, asyncio.get_running_loop().time() + seconds)
        file = folder / "records.ndjson"
        try:
            await asyncio.to_thread(_write, file, found.records)
        except TypeError:  # one is nested deeper than can be written
            raise self.unlike() from None
        reader = self._reader(ask)
        return Fetched(
            load=partial(reader.load, ask),
            files=(file,),
            rows=len(found.records),
            more=found.more,
            total=found.total,
            status=200,
            pushed=found.pushed,
            local=found.local,
            in_order=False,
            retrieved_at=datetime.now(UTC),
        )

    async def copied(self, remote: Remote, since: int, folder: Path, seconds: float) -> Fetched:  # noqa: ARG002 - it knows no versions
        return await self.fetch(Ask(remote, tuple(remote.stored)), folder, seconds)

    async def committed(self, remote: Remote, version: int, seconds: float) -> datetime | None:  # noqa: ARG002 - it knows no versions
        return None

    def _reader(self, ask: Ask) -> "_Reader":
        """Give what reads just these fields; what else a record lacks costs nothing then."""
        key = (ask.remote.ref, ask.fields)
        known = self._readers.get(key)
        if known is None or known.schema is not ask.remote.schema:
            while len(self._readers) >= _MOST_READERS:
                self._readers.popitem(last=False)
            self._readers[key] = _Reader(ask, self._work)
        self._readers.move_to_end(key)
        return self._readers[key]

    @abstractmethod
    async def records(self, ask: Ask, until: float) -> Records:
        """Give the records that hold the rows asked for, and perhaps others; raises SourceError.

        *until* is a time of the event loop.
        """

    @abstractmethod
    async def told(self, ref: TableRef, until: float) -> Told:
        """Ask what fields a table has; raises SourceError."""

    def check_told(self, ask: Ask, types: Mapping[str, str]) -> None:
        """Raise SourceError where a column that is asked for has another type than was told."""
        told = ask.remote.told
        if told is None:
            return
        asked = [it for it in Columns(ask).read if it in told]
        if any(types.get(column) != told[column] for column in asked):
            raise SourceError("partner-fields-changed", partner=self.name)

    @property
    def name(self) -> str:
        return self.endpoint.partner.name

    def unlike(self) -> SourceError:
        return SourceError("partner-unlike", partner=self.name, kind=self.kind)

    @property
    def by_dataset(self) -> Mapping[str, Sequence[TableRef]]:
        """The tables of each dataset."""
        found: dict[str, list[TableRef]] = {}
        for ref in self.bound:
            found.setdefault(ref.dataset, []).append(ref)
        return found

    async def gathered(
        self, pages: AsyncIterator[Sequence[Record]], window: Window | None = None
    ) -> tuple[Sequence[Record], bool]:
        """Read pages until there are enough, or no more; tells whether there are more.

        Raises SourceError where they are too many, come again and again, or stay empty.
        """
        cap = self.endpoint.partner.spec.max_rows
        found: list[Record] = []
        seen: set[bytes] = set()
        empty = 0
        async for page in pages:
            if not all(isinstance(it, dict) for it in page):
                raise self.unlike()
            mark = self._mark(page)
            empty = 0 if page else empty + 1
            if empty > _MOST_EMPTY or (page and mark in seen):
                raise self.unlike()  # it gives the same again and again
            seen.add(mark)
            found += page
            if window is not None and found:
                enough = window.enough(found)
                if enough is not None:
                    return enough, True
            if len(found) > cap:
                raise SourceError("partner-many-rows", partner=self.name, most=cap)
        return found, False

    def _mark(self, page: Sequence[Record]) -> bytes:
        """Give what a page is known by."""
        try:
            return orjson.dumps(page[:1])
        except TypeError:  # it is nested deeper than can be written
            raise self.unlike() from None

    def _remote(self, ref: TableRef, table: TableSpec, schema: Schema) -> Remote:
        fields = {field.name: field for field in schema.open_fields}
        row = fields.pop(ROW_NUMBER, None)
        key = schema.primary_key
        shown = key if fields.keys() >= set(key) else ()
        return Remote(self.name, ref, fields, shown, schema, table=table, row=row)


class Columns:
    """Which columns hold the fields of a table, and whether they hold them as they are."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.table = table_of(ask)
        self.fields = ask.remote.stored

    def view(self, name: str) -> FieldView:
        view = self.table.fields.get(name) or FieldView()
        if view.column is None and "constant" not in view.model_fields_set:
            return view.model_copy(update={"column": name})
        return view

    def plain(self, name: str) -> str | None:
        """Give the column of a field that is read without another format or unit.

        One in which some value stands for none is not such a column: elsewhere it is a value.
        """
        view, field = self.view(name), self.fields[name]
        written = view.model_fields_set - {"column", "unit"}
        if view.column is None or written or (view.unit or field.unit) != field.unit:
            return None
        if any(self.missing(name)) and not self.never_null(name):
            return None
        if field.type == "datetime" and self.offset is None:
            return None
        return view.column

    @property
    def offset(self) -> timedelta | None:
        """The offset of its times; None where that changes with the season."""
        return parse_zone(self.table.timezone or "UTC").utcoffset(None)

    def missing(self, name: str) -> Sequence[str]:
        """Give the texts that stand for no value."""
        stated = self.fields[name].missing_values
        return self.ask.remote.schema.missing_values if stated is None else stated

    def never_null(self, name: str) -> bool:
        return self.fields[name].required or name in self.ask.remote.key

    @property
    def read(self) -> list[str]:
        """The columns of the fields that are asked for."""
        return sorted({it.column for it in map(self.view, self.ask.fields) if it.column})


def table_of(ask: Ask) -> TableSpec:
    """Give how the rows that are asked for are read."""
    table = ask.remote.table
    assert table is not None  # noqa: S101 - of every table of such a partner that is known
    return table


def in_order(columns: Columns, order: Sequence[Order]) -> list[Order]:
    """Give the first of the order that anybody sorts alike: never null, and no text."""
    found = []
    for part in order:
        kind = columns.fields[part.field].type
        if columns.plain(part.field) is None or not columns.never_null(part.field):
            break
        if kind not in {"integer", "number", "datetime", "date"}:
            break
        found.append(part)
    return found


class _Reader:
    """Reads records under the table's schema, as a source's delivery is read."""

    def __init__(self, ask: Ask, work: Path) -> None:
        self.schema = ask.remote.schema
        self._ref = ask.remote.ref
        self._work = work
        self._lock = threading.Lock()
        entry = entry_of(self._ref, table_of(ask), self.schema, set(ask.fields))
        marked = (*entry.schema.fields, _MARK)
        self._entry = replace(entry, schema=entry.schema.model_copy(update={"fields": marked}))
        self._validator: Validator | None = None

    def load(self, ask: Ask, con: Connection, name: str, files: Sequence[Path]) -> int:
        (file,) = files
        size = file.stat().st_size
        table = identifier(name)
        if not size:
            return load_none(con, name, [ask.remote.stored[it] for it in ask.fields])
        fields = ", ".join(map(identifier, ask.fields))
        with self._lock:
            if self._validator is None:
                self._validator = Validator(self._entry)
            delivery = Delivery("0", self._ref, "records", "0" * 64, size, datetime.now(UTC))
            try:
                judged = self._validator.judge(
                    con,
                    delivery,
                    file,
                    work=self._work,
                    max_bytes=size + 1,
                    references={},
                )
            except DeliveryError as error:
                raise SourceError("partner-not-rows", partner=ask.remote.partner) from error
            con.execute(
                f"CREATE TEMP TABLE {table} AS SELECT {fields}, row_number() OVER () AS {ROW}"
                f" FROM judged_good"
            )
        return judged.bad


def _write(file: Path, records: Sequence[Record]) -> None:
    with file.open("wb") as opened:
        for record in records:
            marked = {**record, _MARK.name: True}
            opened.write(orjson.dumps(marked, option=orjson.OPT_APPEND_NEWLINE))
