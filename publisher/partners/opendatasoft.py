"""An Opendatasoft portal, by its Explore API v2.1: one export for each question.

What is passed on narrows what is fetched; conditions on texts, which it may compare otherwise, and
whatever it does not know are applied here. https://help.opendatasoft.com/apis/ods-explore-v2/
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from publisher.model.query import Compare, Condition, Value, compared
from publisher.model.schema import FieldType
from publisher.model.values import TableRef
from publisher.partners.base import Ask, RemoteDataset
from publisher.partners.endpoint import Endpoint, seconds_left
from publisher.partners.known import Known
from publisher.partners.order import value_at
from publisher.partners.own import Column, Told, text_of, ucum
from publisher.partners.records import (
    Columns,
    Record,
    Records,
    RecordsAdapter,
    Window,
    any_rows,
    in_order,
)

if TYPE_CHECKING:
    from publisher.model.partner import OpendatasoftTable

_BASE = "/api/explore/v2.1/catalog/datasets"
_OPERATORS = {"exact": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_TYPES: Mapping[str, set[str]] = {
    "integer": {"int", "double"},
    "number": {"int", "double"},
    "date": {"date"},
    "datetime": {"datetime"},
}
"""Of its fields, in which values are what they are in ours."""
_OWN_TYPES: Mapping[str, FieldType] = {
    "int": "integer",
    "double": "number",
    "date": "date",
    "datetime": "datetime",
    "boolean": "boolean",
    "geo_shape": "geojson",
    "file": "object",
    "json_blob": "any",
}
"""What its fields are read as where no schema says it; else as text."""
_BEYOND = 500


class OpendatasoftAdapter(RecordsAdapter):
    kind = "Opendatasoft"

    def __init__(self, endpoint: Endpoint, work: Path) -> None:
        super().__init__(endpoint, work)
        self._fields: Known[Sequence[Mapping[str, Any]]] = Known()

    async def datasets(self, seconds: float) -> Sequence[RemoteDataset]:
        until = asyncio.get_running_loop().time() + seconds
        found = []
        for name, refs in self.by_dataset.items():
            about = await self._about(_dataset_of(self, refs[0]), until)
            metas = about.get("metas")
            said = metas.get("default") if isinstance(metas, dict) else None
            tables = tuple(ref.table for ref in refs)
            found.append(self._listed(name, said if isinstance(said, dict) else {}, tables))
        return found

    async def records(self, ask: Ask, until: float) -> Records:
        dataset = _dataset_of(self, ask.remote.ref)
        columns = Columns(ask)
        fields = await self._fields.get(dataset, lambda: self._stated(dataset, until))
        types = {str(it.get("name")): str(it.get("type")) for it in fields}
        self.check_told(ask, {it: types.get(_top(it), "") for it in columns.read})
        pushed, left = [], []
        for part in ask.where:
            text = _condition(columns, types, part)
            left += [] if text is not None else [part]
            pushed += [text] if text is not None else []
        # Of what is left some narrows all the same: it is applied again here
        pushed += [
            text for it in compared(left) if (text := _condition(columns, types, it)) is not None
        ]
        order = [] if left else _ordered(columns, types, ask)
        window = any_rows(ask)
        if order and ask.limit is not None:
            by = [column for column, _ in order]
            window = Window(ask.limit, by, seeking=ask.after is not None)
            if ask.after is not None:
                pushed.append(_seek(columns, ask, order[0], ask.after[0]))
        query = {"select": ",".join(dict.fromkeys(map(_top, columns.read)))}
        if pushed:
            query["where"] = " and ".join(pushed)
        if order:
            query["order_by"] = ",".join(
                f"{_quoted(it)} {'desc' if down else 'asc'}" for it, down in order
            )
        pages = self._pages(dataset, query, window, until)
        with self._fields.trusted(dataset):
            found, more = await self.gathered(pages, window)
        return Records(
            found,
            more=more,
            pushed=[
                *(["filter"] if pushed else []),
                *(["sort"] if order else []),
                *(["limit"] if window else []),
            ],
            local=[
                *(["filter"] if left else []),
                *(["sort"] if len(order) < len(ask.order) else []),
            ],
        )

    async def told(self, ref: TableRef, until: float) -> Told:
        dataset = _dataset_of(self, ref)
        self._fields.forget(dataset)
        columns: list[Column] = []
        types = {}
        for stated in await self._fields.get(dataset, lambda: self._stated(dataset, until)):
            first = not any(it.role for it in columns)
            for column in _columns(stated, first=first):
                columns.append(column)
                types[column.name] = str(stated.get("type"))
        return Told(columns, types)

    async def _pages(
        self, dataset: str, query: Mapping[str, str], window: Window | None, until: float
    ) -> AsyncIterator[Sequence[Record]]:
        """Give one export; a longer one where the first had too few."""
        cap = self.endpoint.partner.spec.max_rows + 1
        size = cap if window is None else min(window.limit + _BEYOND, cap)
        known = 0
        while True:
            told, _ = await self.endpoint.document(
                f"{_BASE}/{dataset}/exports/json",
                {**query, "limit": str(size)},
                seconds=seconds_left(until),
            )
            if not isinstance(told, list):
                raise self.unlike()
            yield told[known:]
            if len(told) < size or size >= cap:
                return
            known, size = len(told), min(size * 4, cap)

    async def _stated(self, dataset: str, until: float) -> Sequence[Mapping[str, Any]]:
        fields = (await self._about(dataset, until)).get("fields")
        if not isinstance(fields, list):
            raise self.unlike()
        return [it for it in fields if isinstance(it, dict)]

    async def _about(self, dataset: str, until: float) -> Mapping[str, Any]:
        told, _ = await self.endpoint.document(
            f"{_BASE}/{dataset}", {}, seconds=seconds_left(until)
        )
        if not isinstance(told, dict):
            raise self.unlike()
        return told

    def _listed(self, name: str, said: Mapping[str, Any], tables: tuple[str, ...]) -> RemoteDataset:
        by = str(said.get("publisher") or self.endpoint.partner.spec.title)
        license_ = said.get("license")
        try:
            updated = datetime.fromisoformat(str(said.get("modified"))).astimezone(UTC)
        except (ValueError, OverflowError):
            updated = None
        keywords = said.get("keyword")
        return RemoteDataset(
            partner=self.name,
            name=name,
            title=str(said.get("title") or name),
            description=said.get("description") and str(said["description"]),
            publisher=self.name,
            publisher_title=by,
            keywords=tuple(map(str, keywords)) if isinstance(keywords, list) else (),
            themes=(),
            licenses=({"title": str(license_)},) if license_ else (),
            updated_at=updated,
            url=str(self.endpoint.url),
            tables=tables,
        )


def _dataset_of(adapter: OpendatasoftAdapter, ref: TableRef) -> str:
    return cast("OpendatasoftTable", adapter.bound[ref].spec).dataset


def _columns(stated: Mapping[str, Any], *, first: bool) -> list[Column]:
    """Read what is told of a field: a point is two columns, of which the *first* has the role."""
    name, kind = str(stated.get("name")), str(stated.get("type"))
    title, description = text_of(stated.get("label")), text_of(stated.get("description"))
    if kind == "geo_point_2d":
        return [
            Column(f"{name}.lon", "number", None, description, role="longitude" if first else None),
            Column(f"{name}.lat", "number", None, description, role="latitude" if first else None),
        ]
    notes = stated.get("annotations")
    notes = notes if isinstance(notes, dict) else {}
    unit = notes.get("unit")
    unit = ucum(unit[0] if isinstance(unit, list) and unit else unit)
    type_ = "array" if "multivalued" in notes else _OWN_TYPES.get(kind, "string")
    numeric = type_ in {"integer", "number"}
    return [Column(name, type_, title, description, unit if numeric else None)]


def _ordered(columns: Columns, types: Mapping[str, str], ask: Ask) -> list[tuple[str, bool]]:
    found = []
    for part in in_order(columns, ask.order):
        column = _plain(columns, types, part.field)
        if column is None:
            break
        found.append((column, part.descending))
    return found


def _plain(columns: Columns, types: Mapping[str, str], name: str) -> str | None:
    column = columns.plain(name)
    kinds = _TYPES.get(columns.fields[name].type, set())
    return column if column is not None and types.get(column) in kinds else None


def _condition(columns: Columns, types: Mapping[str, str], part: Condition) -> str | None:
    """Write a condition as ODSQL that holds for just the same rows; None where there is none."""
    if not isinstance(part, Compare) or part.op not in _OPERATORS:
        return None
    column = _plain(columns, types, part.field)
    if column is None:
        return None
    return f"{_quoted(column)} {_OPERATORS[part.op]} {_literal(part.value)}"


def _seek(columns: Columns, ask: Ask, first: tuple[str, bool], place: Any) -> str:
    column, down = first
    value = value_at(columns.fields[ask.order[0].field], place)
    return f"{_quoted(column)} {'<=' if down else '>='} {_literal(value)}"


def _literal(value: Value) -> str:
    match value:
        case datetime():
            return f"date'{value.isoformat()}Z'"
        case date():
            return f"date'{value.isoformat()}'"
        case Decimal():
            return f"{value:f}"
        case _:
            return repr(value)


def _quoted(column: str) -> str:
    return f"`{column.replace('`', '')}`"


def _top(column: str) -> str:
    """Give the field that a path begins with."""
    return column.partition(".")[0].partition("[")[0]
