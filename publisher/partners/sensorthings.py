"""An OGC SensorThings API 1.1 service (OGC 18-088): observations, page by page.

An interval as ``phenomenonTime`` is read as its start. Conditions on times and numbers narrow what
is fetched; all are applied again here.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from publisher.errors import SourceError, SourceUnavailableError
from publisher.model.query import Compare, Value, compared
from publisher.model.values import TableRef
from publisher.partners.base import Ask, RemoteDataset
from publisher.partners.endpoint import seconds_left
from publisher.partners.order import value_at
from publisher.partners.own import Column, Told, paths_in, text_of, ucum
from publisher.partners.records import (
    Columns,
    Record,
    Records,
    RecordsAdapter,
    Window,
    any_rows,
    in_order,
)
from publisher.partners.sampled import SAMPLE, sampled, types_of
from publisher.validation import units

if TYPE_CHECKING:
    from publisher.model.partner import SensorThingsTable

_PAGE = 1_000
_OPERATORS = {"exact": "eq", "gt": "gt", "gte": "ge", "lt": "lt", "lte": "le"}
_TIMES = ("phenomenonTime", "resultTime")
_NEXT = "@iot.nextLink"
_ID = "@iot.id"
_UCUM = "ucum:"
_OF_ONE = re.compile(r"(Datastreams\([^()/]+\))/Observations")


class SensorThingsAdapter(RecordsAdapter):
    kind = "SensorThings service"

    async def datasets(self, seconds: float) -> Sequence[RemoteDataset]:  # noqa: ARG002 - others ask
        title = self.endpoint.partner.spec.title
        return [
            RemoteDataset(
                partner=self.name,
                name=name,
                title=name,
                description=None,
                publisher=self.name,
                publisher_title=title,
                keywords=(),
                themes=(),
                licenses=(),
                updated_at=None,
                url=str(self.endpoint.url),
                tables=tuple(ref.table for ref in refs),
            )
            for name, refs in self.by_dataset.items()
        ]

    async def records(self, ask: Ask, until: float) -> Records:
        columns = Columns(ask)
        spec = cast("SensorThingsTable", columns.table)
        parts = [spec.filter] if spec.filter else []
        narrowed = [
            text for it in compared(ask.where) if (text := _condition(columns, it)) is not None
        ]
        exact = len(narrowed) == len(ask.where) and all(isinstance(it, Compare) for it in ask.where)
        first = next(iter(in_order(columns, ask.order)), None) if exact else None
        column = None if first is None else columns.plain(first.field)
        window = any_rows(ask)
        query = {"$top": str(_PAGE)}
        if first is not None and column in _TIMES and ask.limit is not None:
            window = Window(ask.limit, [column], seeking=ask.after is not None)
            query["$orderby"] = f"{column} {'desc' if first.descending else 'asc'}"
            query["$top"] = str(min(_PAGE, ask.limit + 100))
            if ask.after is not None:
                value = value_at(columns.fields[first.field], ask.after[0])
                op = "le" if first.descending else "ge"
                narrowed.append(f"{column} {op} {_literal(value)}")
        if parts or narrowed:
            query["$filter"] = " and ".join(f"({it})" for it in [*parts, *narrowed])
        if spec.expand:
            query["$expand"] = spec.expand
        found, more = await self.gathered(self._pages(f"/{spec.path}", query, until), window)
        return Records(
            found,
            more=more,
            pushed=[
                *(["filter"] if narrowed else []),
                *(["sort", "limit"] if window else []),
            ],
            local=[
                *(["filter"] if ask.where and not exact else []),
                *(["sort"] if ask.order else []),
            ],
        )

    async def told(self, ref: TableRef, until: float) -> Told:
        spec = cast("SensorThingsTable", self.bound[ref].spec)
        query = {"$top": str(SAMPLE)}
        if spec.filter:
            query["$filter"] = spec.filter
        if spec.expand:
            query["$expand"] = spec.expand
        records = await sampled(self._pages(f"/{spec.path}", query, until))
        unit = await self._unit(spec.path, until)
        return await asyncio.to_thread(_told, records, paths_in(spec), unit)

    async def _unit(self, path: str, until: float) -> Mapping[str, Any]:
        """Give the unit of one datastream's observations; empty where they are of several."""
        of_one = _OF_ONE.fullmatch(path)
        if of_one is None:
            return {}
        try:
            told, _ = await self.endpoint.document(f"/{of_one[1]}", {}, seconds=seconds_left(until))
        except SourceUnavailableError:
            raise
        except SourceError:  # it is not needed
            return {}
        found = told.get("unitOfMeasurement") if isinstance(told, dict) else None
        return found if isinstance(found, dict) else {}

    async def _pages(
        self, path: str, query: Mapping[str, str], until: float
    ) -> AsyncIterator[Sequence[Record]]:
        url = self.endpoint.address(path, query)
        while True:
            told, reply = await self.endpoint.document_at(url, seconds=seconds_left(until))
            values = told.get("value") if isinstance(told, dict) else None
            if not isinstance(told, dict) or not isinstance(values, list):
                raise self.unlike()
            if not all(isinstance(it, dict) for it in values):
                raise self.unlike()
            yield [_record(it) for it in values]
            link = told.get(_NEXT)
            if not isinstance(link, str):
                return
            url = self.endpoint.follow(reply.url, link)


def _told(records: Sequence[Record], named: Sequence[str], unit: Mapping[str, Any]) -> Told:
    types = types_of(records, [_ID, "result", "parameters", *named])
    kind = types.get("result", "number")
    kind = "number" if kind == "integer" else kind
    code = _ucum(unit) if kind == "number" else None
    columns = [Column(_ID, types[_ID], called="id")] if _ID in types else []
    columns += [
        Column("phenomenonTime", "datetime", role="time"),
        Column("resultTime", "datetime"),
        Column("result", kind, description=text_of(unit.get("name")), unit=code),
    ]
    if "parameters" in types:
        columns.append(Column("parameters", types["parameters"]))
    known = {it.name for it in columns}
    columns += [Column(it, types.get(it, "string")) for it in named if it not in known]
    identified = bool(records) and all(it.get(_ID) is not None for it in records)
    return Told(columns, {it.name: it.type for it in columns}, (_ID,) if identified else ())


def _ucum(unit: Mapping[str, Any]) -> str | None:
    """Give the UCUM code that a unit's definition says, or else its symbol."""
    definition = str(unit.get("definition"))
    code = definition.removeprefix(_UCUM)
    return code if code != definition and units.known(code) else ucum(unit.get("symbol"))


def _record(observation: Mapping[str, Any]) -> Record:
    return {
        name: it.partition("/")[0] if name in _TIMES and isinstance(it, str) else it
        for name, it in observation.items()
    }


def _condition(columns: Columns, part: Compare) -> str | None:
    column = columns.plain(part.field)
    kind = columns.fields[part.field].type
    numbers = kind in {"integer", "number"} and column == "result"
    if part.op not in _OPERATORS or not (numbers or (kind == "datetime" and column in _TIMES)):
        return None
    return f"{column} {_OPERATORS[part.op]} {_literal(part.value)}"


def _literal(value: Value) -> str:
    match value:
        case datetime():
            return f"{value.isoformat()}Z"
        case Decimal():
            return f"{value:f}"
        case _:
            return repr(value)
