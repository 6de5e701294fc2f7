"""A CKAN site's DataStore tables, by ``datastore_search``.

Every CKAN filters by equality and sorts; ranges exist from 2.12 on. What is passed on narrows what
is fetched, and is applied again here once the rows are read under their schema. A database may
sort text by a language's rules: an order that text takes part in is passed on up to there, and rows
that are alike so far are fetched all.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import orjson

from publisher.errors import SourceError, SourceUnavailableError
from publisher.model.partner import CkanTable, TableSpec
from publisher.model.query import Among, Compare, Condition, Value
from publisher.model.schema import FieldType
from publisher.model.values import TableRef
from publisher.partners.base import Ask, Origin, Remote, RemoteDataset
from publisher.partners.endpoint import Endpoint, seconds_left
from publisher.partners.harvested import origin_of
from publisher.partners.order import value_at
from publisher.partners.own import Column, Told, text_of
from publisher.partners.records import (
    Columns,
    Records,
    RecordsAdapter,
    Window,
    any_rows,
    table_of,
)

_BEYOND = 500
"""Rows that are asked for beyond a limit, for the group of those that are alike to be whole."""
_PAGE = 10_000
_ID = "_id"
_TRACING = 2.0
"""Seconds for what is told beside a table: the rows are to come all the same."""
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
_OWN_TYPES: Mapping[str, FieldType] = {
    **dict.fromkeys(("int", "int2", "int4", "int8"), "integer"),
    **dict.fromkeys(("numeric", "float", "float4", "float8"), "number"),
    **dict.fromkeys(("timestamp", "timestamptz"), "datetime"),
    **dict.fromkeys(("json", "jsonb", "nested"), "object"),
    "date": "date",
    "time": "time",
    "bool": "boolean",
}
"""What a column is read as where no schema says it; else as text, a list as a list."""


class CkanAdapter(RecordsAdapter):
    kind = "CKAN"

    def __init__(self, endpoint: Endpoint, work: Path) -> None:
        super().__init__(endpoint, work)
        self._ranges: bool | None = None
        self._columns: dict[TableRef, Mapping[str, str]] = {}
        self._origins: dict[TableRef, Origin | None] = {}

    async def tables(self, seconds: float) -> Mapping[TableRef, Remote]:
        await self._trace(self.bound, seconds)
        found = await super().tables(seconds)
        return {ref: replace(it, origin=self._origins.get(ref)) for ref, it in found.items()}

    async def find(self, ref: TableRef, seconds: float) -> Remote | None:
        await self._trace([ref], seconds)
        found = await super().find(ref, seconds)
        return found and replace(found, origin=self._origins.get(ref))

    async def _trace(self, refs: Iterable[TableRef], seconds: float) -> None:
        """Learn where tables were harvested from, where the site tells that in time."""
        until = asyncio.get_running_loop().time() + min(seconds / 2, _TRACING)
        packages: dict[str, Mapping[str, Any]] = {}
        with suppress(SourceError):  # it is looked for again
            for ref in refs:
                if ref in self.bound and ref not in self._origins:
                    resource = await self._shown("resource_show", self._id(ref), until)
                    id_ = str(resource.get("package_id"))
                    if id_ not in packages:
                        packages[id_] = await self._shown("package_show", id_, until)
                    self._origins[ref] = origin_of(packages[id_], resource, self.endpoint.url)

    def _id(self, ref: TableRef) -> str:
        return _spec(self.bound[ref].spec).resource

    async def datasets(self, seconds: float) -> Sequence[RemoteDataset]:
        until = asyncio.get_running_loop().time() + seconds
        found = []
        for name, refs in self.by_dataset.items():
            resource = await self._shown("resource_show", self._id(refs[0]), until)
            package = await self._shown("package_show", str(resource.get("package_id")), until)
            address = str(self.endpoint.address(f"/dataset/{package.get('name')}"))
            tables = tuple(ref.table for ref in refs)
            origin = origin_of(package, resource, self.endpoint.url)
            self._origins[refs[0]] = origin
            listed = _dataset(self.endpoint.partner.name, name, package, tables, address)
            found.append(replace(listed, origin=origin))
        return found

    async def _shown(self, action: str, of: str, until: float) -> Mapping[str, Any]:
        told, _ = await self.endpoint.document(
            f"/api/3/action/{action}", {"id": of}, seconds=seconds_left(until)
        )
        found = told.get("result") if isinstance(told, dict) else None
        if not isinstance(found, dict):
            raise self.unlike()
        return found

    async def records(self, ask: Ask, until: float) -> Records:
        ref = ask.remote.ref
        resource = _spec(table_of(ask)).resource
        columns = await self._known(ref, resource, until)
        pushed = _Pushed(ask, columns, ranges=bool(self._ranges))
        walk = _Walk(self, ask, pushed, until)
        window = any_rows(ask)
        if pushed.order and ask.limit is not None:
            by = [column for column, _ in pushed.order]
            window = Window(ask.limit, by, seeking=ask.after is not None)
        found, more = await self.gathered(walk.pages(window), window)
        self.check_told(ask, self._columns[ref])
        if _ID not in pushed.read:
            found = [{name: it for name, it in record.items() if name != _ID} for record in found]
        return Records(
            found,
            more=more,
            total=walk.total if pushed.exact and ask.counted else None,
            pushed=pushed.told,
            local=pushed.left,
        )

    async def told(self, ref: TableRef, until: float) -> Told:
        resource = self._id(ref)
        result = await self.search({"resource_id": resource, "limit": "0"}, until)
        self._columns.pop(ref, None)
        self.learn(ref, result)
        stated = [it for it in result["fields"] if isinstance(it, dict) and it.get("id") != _ID]
        types = {str(it.get("id")): str(it.get("type")) for it in stated}
        numbered = _ID if self._columns[ref].get(_ID) in _TYPES["integer"] else None
        columns = [_column(it) for it in stated]
        return Told(columns, types, await self._key(resource, until), numbered)

    async def _key(self, resource: str, until: float) -> tuple[str, ...]:
        """Give the columns that the database holds to be unique; none where it is not told."""
        try:
            about = await self._shown("datastore_info", resource, until)
        except SourceUnavailableError:
            raise
        except SourceError:  # an older site does not tell everybody
            return ()
        return key_of(about)

    async def search(self, query: Mapping[str, str], until: float) -> Mapping[str, Any]:
        """Ask ``datastore_search``; gives its result."""
        told, _ = await self.endpoint.document(
            "/api/3/action/datastore_search", query, seconds=seconds_left(until)
        )
        found = told.get("result") if isinstance(told, dict) else None
        if not isinstance(found, dict) or not isinstance(found.get("records"), list):
            raise self.unlike()
        return found

    async def _known(self, ref: TableRef, resource: str, until: float) -> Mapping[str, str]:
        """Give the table's columns and their types, and learn what the site can do."""
        if self._ranges is None:
            told, _ = await self.endpoint.document(
                "/api/3/action/status_show", {}, seconds=seconds_left(until)
            )
            found = told.get("result") if isinstance(told, dict) else None
            stated = str(found.get("ckan_version", "")) if isinstance(found, dict) else ""
            numbers = tuple(int(it) for it in re.findall(r"\d+", stated)[:2])
            self._ranges = numbers >= _RANGES_FROM
        if ref not in self._columns:
            asked = {"resource_id": resource, "limit": "0"}
            self.learn(ref, await self.search(asked, until))
        return self._columns[ref]

    def learn(self, ref: TableRef, result: Mapping[str, Any]) -> None:
        """Take note of the columns that an answer tells of: their types may change."""
        fields = result.get("fields")
        if not isinstance(fields, list):
            raise self.unlike()
        found = [it for it in fields if isinstance(it, dict)]
        told = {str(it.get("id")): str(it.get("type")) for it in found}
        # What is not asked for is not told of either
        self._columns[ref] = {**self._columns.get(ref, {}), **told}


def _spec(table: TableSpec) -> CkanTable:
    return cast("CkanTable", table)


def _column(stated: Mapping[str, Any]) -> Column:
    """Read a field of an answer, and what the data dictionary says of it.

    Its `type_override` holds for the next import: until then values are of the column's type.
    """
    about = stated.get("info")
    about = about if isinstance(about, dict) else {}
    kind = str(stated.get("type"))
    return Column(
        name=str(stated.get("id")),
        type="array" if kind.startswith("_") else _OWN_TYPES.get(kind, "string"),
        title=text_of(about.get("label")),
        description=text_of(about.get("notes")),
    )


def key_of(about: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the unique columns that `datastore_info` tells of, where none of them can be null."""
    stated = about.get("fields")
    found = {}
    for it in stated if isinstance(stated, list) else []:
        said = it.get("schema") if isinstance(it, dict) else None
        if isinstance(said, dict) and said.get("uniquekey") is True:
            found[str(it.get("id"))] = said.get("notnull") is True
    return tuple(found) if all(found.values()) else ()


def _dataset(
    partner: str, name: str, package: Mapping[str, Any], tables: tuple[str, ...], address: str
) -> RemoteDataset:
    by = package.get("organization")
    by = by if isinstance(by, dict) else {}
    license_ = package.get("license_title")
    try:
        updated = datetime.fromisoformat(str(package.get("metadata_modified"))).replace(tzinfo=UTC)
    except ValueError:
        updated = None
    return RemoteDataset(
        partner=partner,
        name=name,
        title=str(package.get("title") or name),
        description=package.get("notes") and str(package["notes"]),
        publisher=str(by.get("name") or partner),
        publisher_title=str(by.get("title") or by.get("name") or partner),
        keywords=tuple(
            str(it.get("name")) for it in package.get("tags") or () if isinstance(it, dict)
        ),
        themes=(),
        licenses=({"title": str(license_)},) if license_ else (),
        updated_at=updated,
        url=address,
        tables=tables,
    )


class _Pushed:
    """What of a question the site can be asked, and what is left."""

    def __init__(self, ask: Ask, types: Mapping[str, str], *, ranges: bool) -> None:
        self._columns = Columns(ask)
        self._fields = ask.remote.stored
        self._types = types
        self._ranges = ranges
        self.filters: dict[str, Any] = {}
        left = [it for it in ask.where if not self._take(it)]
        self.exact = not left
        """The rows that it gives are those that match."""
        order = []
        for part in ask.order:
            column = self._plain(part.field)
            # A comma parts one term from the next, and can be written in none
            if column is None or "," in column or not self._sorts_alike(part.field):
                break
            order.append((column, part.descending))
        self.order = order if self.exact else []
        self.read = self._columns.read
        self.fields = list(dict.fromkeys((*self.read, _ID)))
        after = ask.after if self.order else None
        if after is not None and not self._seek(ask.order[0].field, after[0]):
            self.order = []  # how far the place is cannot be told: all rows are read
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

    def _sorts_alike(self, name: str) -> bool:
        if self._fields[name].type != "string":
            return True
        # The text that stands for no value is a value there
        nulls = self._columns.missing(name) and not self._columns.never_null(name)
        return _spec(self._columns.table).text_order is not None and not nulls

    def _plain(self, name: str) -> str | None:
        """Give the column that holds a field's values just as they are."""
        column = self._columns.plain(name)
        kinds = _TYPES.get(self._fields[name].type, set())
        return column if column is not None and self._types.get(column) in kinds else None

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
        text = self._fields[part.field].type in {"string", "boolean"}
        if part.op not in _RANGES or not self._ranges or text:
            return False
        if known is not None and (not isinstance(known, dict) or part.op in known):
            return False
        self.filters[column] = {**(known or {}), part.op: value}
        return True

    def _value(self, name: str, value: Value) -> Any:
        """Give a value as the site reads it; None where it has none like it."""
        match value:
            case datetime():
                offset = self._columns.offset
                return None if offset is None else (value + offset).isoformat()
            case bool():
                return value
            case int() | float() | Decimal():
                whole = self._types.get(self._columns.view(name).column or "", "").startswith("int")
                if whole and value != int(value):
                    return None
                return int(value) if whole else str(value)
            case str():
                return None if value in self._columns.missing(name) else value
            case _:
                return value.isoformat()

    def _seek(self, name: str, place: Any) -> bool:
        """Begin at the rows that are alike in what is sorted by first; tells whether it can."""
        column, down = self.order[0]
        text = self._fields[name].type == "string"
        if place is None or text or not self._columns.never_null(name) or not self._ranges:
            return False
        value = self._value(name, value_at(self._fields[name], place))
        known = self.filters.get(column, {})
        if value is None or not isinstance(known, dict):
            return False
        # The place lies within what was asked for, and so is the narrower bound
        op, strict = ("lte", "lt") if down else ("gte", "gt")
        self.filters[column] = {**{it: of for it, of in known.items() if it != strict}, op: value}
        return True


class _Walk:
    """Fetches page after page."""

    def __init__(self, adapter: CkanAdapter, ask: Ask, pushed: _Pushed, until: float) -> None:
        self._adapter = adapter
        self._ref = ask.remote.ref
        self._resource = _spec(table_of(ask)).resource
        self._pushed = pushed
        self._until = until
        self.total: int | None = None

    async def pages(self, window: Window | None) -> AsyncIterator[list[dict[str, Any]]]:
        size = _PAGE if window is None else min(_PAGE, window.limit + _BEYOND)
        seen: set[Any] = set()
        offset = 0
        while True:
            page, most = await self._page(offset, size)
            offset += len(page)
            # Rows that were written meanwhile push others to the next page once more
            new = [record for record in page if record.get(_ID) not in seen]
            seen.update(record.get(_ID) for record in page)
            yield new
            if len(page) < most:
                return
            if not new:
                raise self._adapter.unlike()  # it gives the same again and again

    async def _page(self, offset: int, size: int) -> tuple[list[dict[str, Any]], int]:
        """Give a page, and how many rows it might have had, which may be fewer than are asked."""
        query = {
            "resource_id": self._resource,
            "limit": str(size),
            "offset": str(offset),
            "sort": self._pushed.sort,
            "include_total": "true" if offset == 0 else "false",
        }
        if not any("," in it for it in self._pushed.fields):  # all of them otherwise
            query["fields"] = ",".join(self._pushed.fields)
        if self._pushed.filters:
            query["filters"] = orjson.dumps(self._pushed.filters).decode()
        result = await self._adapter.search(query, self._until)
        if offset == 0 and isinstance(result.get("total"), int):
            self.total = result["total"]
        self._adapter.learn(self._ref, result)
        page = result["records"]
        if len(page) > size or not all(isinstance(it, dict) for it in page):
            raise self._adapter.unlike()
        stated = result.get("limit")
        most = min(size, stated) if isinstance(stated, int) and stated > 0 else size
        return list(page), most
