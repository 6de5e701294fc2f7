"""A CKAN site's DataStore tables, by ``datastore_search``.

Every CKAN filters by equality and sorts; ranges exist from 2.12 on. What is passed on narrows what
is fetched, and is applied again here once the rows are read under their schema. A database may
sort text by a language's rules: an order that text takes part in is passed on up to there, and rows
that are alike so far are fetched all.
"""

import asyncio
import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from publisher.engine import Connection, identifier
from publisher.errors import DeliveryError, SourceError
from publisher.model.catalog import TableEntry
from publisher.model.dataset import Dataset, FieldView, FileSource, Harvest, Resource
from publisher.model.partner import BoundTable
from publisher.model.query import Among, Compare, Condition, Value
from publisher.model.run import Delivery
from publisher.model.schema import Field
from publisher.model.table import sql_type
from publisher.model.values import TableRef, parse_zone
from publisher.partners.base import ROW, Ask, Fetched, Remote
from publisher.partners.endpoint import Endpoint
from publisher.partners.order import value_at
from publisher.validation.judge import Validator

_PAGE = 10_000
_ID = "_id"
_RANGES_FROM = (2, 12)
_RANGES = {"gt", "gte", "lt", "lte"}
_TYPES: Mapping[str, set[str]] = {
    "integer": {"int", "int4", "int8", "int2", "numeric"},
    "number": {"int", "int4", "int8", "int2", "numeric", "float8", "float4", "float"},
    "string": {"text", "varchar"},
    "boolean": {"bool"},
    "date": {"date"},
    "datetime": {"timestamp"},
}
"""Column types in which a field's values are what they are in the field."""


class CkanAdapter:
    def __init__(self, endpoint: Endpoint, *, work: Path) -> None:
        self.endpoint = endpoint
        self._work = work
        self._bound = endpoint.partner.tables
        self._ranges: bool | None = None
        self._columns: dict[TableRef, Mapping[str, str]] = {}
        self._readers: dict[TableRef, _Reader] = {}

    async def tables(self, seconds: float) -> Mapping[TableRef, Remote]:  # noqa: ARG002 - others ask
        return {ref: self._remote(ref, bound) for ref, bound in self._bound.items()}

    async def find(self, ref: TableRef, seconds: float) -> Remote | None:  # noqa: ARG002 - as above
        bound = self._bound.get(ref)
        return None if bound is None else self._remote(ref, bound)

    def _remote(self, ref: TableRef, bound: BoundTable) -> Remote:
        fields = {field.name: field for field in bound.schema.open_fields}
        key = bound.schema.primary_key
        return Remote(
            self.endpoint.partner.name,
            ref,
            fields,
            key if fields.keys() >= set(key) else (),
            bound.schema,
        )

    async def fetch(self, ask: Ask, folder: Path, seconds: float) -> Fetched:
        until = asyncio.get_running_loop().time() + seconds
        ref = ask.remote.ref
        bound = self._bound[ref]
        if ask.as_of is not None:
            raise SourceError("partner-no-versions", partner=self.endpoint.partner.name)
        columns = await self._known(ref, bound, until)
        pushed = _Pushed(ask, bound, columns, ranges=bool(self._ranges))
        walk = _Walk(self, bound.spec.resource, pushed, until)
        records = await walk.records(ask.limit)
        file = folder / "records.ndjson"
        await asyncio.to_thread(_write, file, records)
        reader = self._readers.setdefault(ref, _Reader(ref, bound, self._work))
        return Fetched(
            load=partial(reader.load, ask),
            files=(file,),
            rows=len(records),
            more=walk.more,
            total=walk.total if pushed.exact and ask.counted else None,
            status=200,
            pushed=pushed.told,
            local=pushed.left,
            retrieved_at=datetime.now(UTC),
        )

    async def search(self, query: Mapping[str, str], until: float) -> Mapping[str, Any]:
        """Ask ``datastore_search``; gives its result."""
        told, _ = await self.endpoint.document(
            "/api/3/action/datastore_search", query, seconds=self._left(until)
        )
        found = told.get("result") if isinstance(told, dict) else None
        if not isinstance(found, dict) or not isinstance(found.get("records"), list):
            raise self.unlike()
        return found

    def unlike(self) -> SourceError:
        return SourceError("partner-unlike", partner=self.endpoint.partner.name, kind="CKAN")

    async def _known(self, ref: TableRef, bound: BoundTable, until: float) -> Mapping[str, str]:
        """Give the table's columns and their types, and learn what the site can do."""
        if self._ranges is None:
            told, _ = await self.endpoint.document(
                "/api/3/action/status_show", {}, seconds=self._left(until)
            )
            found = told.get("result") if isinstance(told, dict) else None
            stated = str(found.get("ckan_version", "")) if isinstance(found, dict) else ""
            numbers = tuple(int(it) for it in re.findall(r"\d+", stated)[:2])
            self._ranges = numbers >= _RANGES_FROM
        if ref not in self._columns:
            asked = {"resource_id": bound.spec.resource, "limit": "0"}
            found = await self.search(asked, until)
            self._columns[ref] = {
                str(it.get("id")): str(it.get("type"))
                for it in found.get("fields", ())
                if isinstance(it, dict)
            }
        return self._columns[ref]

    def _left(self, until: float) -> float:
        return max(until - asyncio.get_running_loop().time(), 0.001)


class _Pushed:
    """What of a question the site can be asked, and what is left."""

    def __init__(
        self, ask: Ask, bound: BoundTable, columns: Mapping[str, str], *, ranges: bool
    ) -> None:
        self._ask = ask
        self._bound = bound
        self._columns = columns
        self._ranges = ranges
        self.filters: dict[str, Any] = {}
        self.seeking = ask.after is not None
        """The first group of rows that are alike may lie before the place, in part."""
        left = [it for it in ask.where if not self._take(it)]
        self.exact = not left
        """The rows that it gives are those that match."""
        order = []
        for part in ask.order:
            column = self._plain(part.field)
            text = ask.remote.fields[part.field].type == "string"
            if column is None or (text and bound.spec.text_order is None):
                break
            order.append((column, part.descending))
        self.order = order if self.exact else []
        self.fields = sorted({it.column for it in map(self._view, ask.fields) if it.column} | {_ID})
        if self.order and ask.after is not None:
            self._seek(ask.after[0])
        self.told = [
            *(["filter"] if self.filters else []),
            *(["sort"] if self.order else []),
            *(["limit"] if self.order and ask.limit is not None else []),
        ]
        self.left = [
            *(["filter"] if left else []),
            *(["sort"] if len(self.order) < len(ask.order) else []),
        ]

    @property
    def sort(self) -> str:
        terms = [f"{column} {'desc' if down else 'asc'} nulls last" for column, down in self.order]
        return ", ".join([*terms, f"{_ID} asc"])

    def _view(self, name: str) -> FieldView:
        view = self._bound.spec.fields.get(name) or FieldView()
        if view.column is None and "constant" not in view.model_fields_set:
            return view.model_copy(update={"column": name})
        return view

    def _plain(self, name: str) -> str | None:
        """Give the column that holds a field's values just as they are."""
        view, field = self._view(name), self._ask.remote.fields[name]
        written = view.model_fields_set - {"column", "unit"}
        if view.column is None or written or (view.unit or field.unit) != field.unit:
            return None
        if self._columns.get(view.column) not in _TYPES.get(field.type, set()):
            return None
        if field.type == "datetime" and self._offset() is None:
            return None
        return view.column

    def _offset(self) -> timedelta | None:
        """Give the offset of its times; None where that changes with the season."""
        return parse_zone(self._bound.spec.timezone or "UTC").utcoffset(None)

    def _take(self, part: Condition) -> bool:
        """Take a condition along; tells whether nothing of it is left."""
        if isinstance(part, Among) and not part.negated:
            column = self._plain(part.field)
            values = [self._value(part.field, it) for it in part.values]
            if column is None or column in self.filters or None in values:
                return False
            self.filters[column] = values
            return True
        if not isinstance(part, Compare):
            return False
        column, value = self._plain(part.field), self._value(part.field, part.value)
        if column is None or value is None:
            return False
        known = self.filters.get(column)
        if part.op == "exact" and known is None:
            self.filters[column] = value
            return True
        text = self._ask.remote.fields[part.field].type in {"string", "boolean"}
        if part.op not in _RANGES or not self._ranges or text:
            return False
        if known is not None and (not isinstance(known, dict) or part.op in known):
            return False
        self.filters[column] = {**(known or {}), part.op: value}
        return True

    def _value(self, name: str, value: Value) -> Any:
        """Give a value as the site reads it; None where it has none like it."""
        field = self._ask.remote.fields[name]
        match value:
            case datetime():
                offset = self._offset()
                return None if offset is None else (value + offset).isoformat()
            case bool():
                return value
            case int() | float() | Decimal():
                whole = self._columns.get(self._view(name).column or "", "").startswith("int")
                if whole and value != int(value):
                    return None
                return int(value) if whole else str(value)
            case str():
                return None if value in self._missing(field) else value
            case _:
                return value.isoformat()

    def _missing(self, field: Field) -> Sequence[str]:
        stated = field.missing_values
        return self._bound.schema.missing_values if stated is None else stated

    def _seek(self, place: Any) -> None:
        """Begin at the rows that are alike in what is sorted by first, where that can be said."""
        first, (column, down) = self._ask.order[0], self.order[0]
        field = self._ask.remote.fields[first.field]
        never_null = field.required or first.field in self._ask.remote.key
        if place is None or not never_null or not self._ranges:
            return
        value = self._value(first.field, value_at(field, place))
        known = self.filters.get(column)
        if value is None or (known is not None and not isinstance(known, dict)):
            return
        op, strict = ("lte", "lt") if down else ("gte", "gt")
        if known is None or not {op, strict} & known.keys():
            self.filters[column] = {**(known or {}), op: value}


class _Walk:
    """Fetches page after page, until there are as many as are needed."""

    def __init__(self, adapter: CkanAdapter, resource: str, pushed: _Pushed, until: float) -> None:
        self._adapter = adapter
        self._resource = resource
        self._pushed = pushed
        self._until = until
        self._cap = adapter.endpoint.partner.spec.max_rows
        self.total: int | None = None
        self.more = False

    async def records(self, limit: int | None) -> list[dict[str, Any]]:
        """Give the records in the order that was passed on; those that are alike in it whole.

        With a *limit* so many and more behind the group that the place lies in. Raises SourceError.
        """
        window = limit is not None and bool(self._pushed.order)
        found: dict[Any, dict[str, Any]] = {}
        offset = 0
        while True:
            size = min(_PAGE, self._cap - offset + 1)
            if window and limit is not None:
                size = min(size, limit + 500)
            page = await self._page(offset, size)
            known = len(found)
            found |= {record.get(_ID): record for record in page}
            offset += len(page)
            if len(page) < size:
                return list(found.values())
            if len(found) == known:
                raise self._adapter.unlike()  # it gives the same again and again
            if window and limit is not None:
                records = self._enough(list(found.values()), limit)
                if records is not None:
                    self.more = True
                    return records
            if offset > self._cap:
                name = self._adapter.endpoint.partner.name
                raise SourceError("partner-many-rows", partner=name, most=self._cap)

    async def _page(self, offset: int, size: int) -> list[dict[str, Any]]:
        query = {
            "resource_id": self._resource,
            "limit": str(size),
            "offset": str(offset),
            "sort": self._pushed.sort,
            "include_total": "true" if offset == 0 else "false",
            "fields": ",".join(self._pushed.fields),
        }
        if self._pushed.filters:
            query["filters"] = orjson.dumps(self._pushed.filters).decode()
        result = await self._adapter.search(query, self._until)
        if offset == 0 and isinstance(result.get("total"), int):
            self.total = result["total"]
        page = result["records"]
        if len(page) > size or not all(isinstance(it, dict) for it in page):
            raise self._adapter.unlike()
        return list(page)

    def _enough(self, records: list[dict[str, Any]], limit: int) -> list[dict[str, Any]] | None:
        """Leave out the last group, which may not be whole; None where too few are left."""
        columns = [column for column, _ in self._pushed.order]

        def alike(record: dict[str, Any]) -> list[Any]:
            return [record.get(column) for column in columns]

        last = alike(records[-1])
        whole = len(records)
        while whole and alike(records[whole - 1]) == last:
            whole -= 1
        beyond = whole
        if self._pushed.seeking:
            first = alike(records[0])
            beyond -= sum(alike(it) == first for it in records[:whole])
        return records[:whole] if beyond >= limit else None


class _Reader:
    """Reads records under the table's schema, as a source's delivery is read."""

    def __init__(self, ref: TableRef, bound: BoundTable, work: Path) -> None:
        self._ref = ref
        self._work = work
        self._lock = threading.Lock()
        schema = bound.schema.model_copy(update={"foreign_keys": ()})
        harvest = Harvest(
            source=FileSource(type="file", path="records.ndjson"),
            format="ndjson",
            timezone=bound.spec.timezone,
            fields=bound.spec.fields,
            max_bad=1,
        )
        resource = Resource(
            name=ref.table, path="records.csv", schema_path=bound.spec.schema_path, harvest=harvest
        )
        dataset = Dataset(
            name=ref.dataset, title=ref.dataset, publisher="partner", resources=(resource,)
        )
        self._entry = TableEntry(dataset, resource, schema)
        self._validator: Validator | None = None

    def load(self, ask: Ask, con: Connection, name: str, files: Sequence[Path]) -> int:
        (file,) = files
        size = file.stat().st_size
        table = identifier(name)
        if not size:
            columns = ", ".join(
                f"{identifier(it)} {sql_type(ask.remote.fields[it])}" for it in ask.fields
            )
            con.execute(f"CREATE TEMP TABLE {table} ({columns}, {ROW} BIGINT)")
            return 0
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


def _write(file: Path, records: Sequence[dict[str, Any]]) -> None:
    with file.open("wb") as opened:
        for record in records:
            record.pop(_ID, None)
            opened.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
