"""An OGC API Features service (OGC 17-069r4), page by page.

A feature is read as its properties, and beside them ``id`` and ``geometry``. What is passed on (a
box, an interval of time, equality of properties) narrows what is fetched, and is applied again
here.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from publisher.errors import SourceError, SourceUnavailableError
from publisher.model.query import compared
from publisher.model.schema import FieldType, Role
from publisher.model.values import TableRef
from publisher.partners.base import Ask
from publisher.partners.endpoint import Endpoint
from publisher.partners.known import Known
from publisher.partners.ogc import (
    OgcAdapter,
    Pages,
    box_of,
    box_text,
    feature_record,
    interval_of,
    part_of,
)
from publisher.partners.own import Column, Told, paths_in, text_of
from publisher.partners.records import Columns, Record, Records
from publisher.partners.sampled import (
    columns_of,
    sampled,
    settled,
    type_of,
    types_of,
)

if TYPE_CHECKING:
    from publisher.model.partner import FeaturesTable

_PAGE = {"limit": "1000"}
_PLACE = ("geometry.coordinates[0]", "geometry.coordinates[1]")
_INSTANTS = {"primary-instant", "primary-interval-start"}
"""Roles of times, https://docs.ogc.org/is/23-058r2/23-058r2.html ."""


class FeaturesAdapter(OgcAdapter):
    kind = "OGC API Features service"

    def __init__(self, endpoint: Endpoint, work: Path) -> None:
        super().__init__(endpoint, work)
        self._queryables: Known[set[str]] = Known()

    async def records(self, ask: Ask, until: float) -> Records:
        collection = self.collection(ask.remote.ref)
        known = await self._queryables.get(collection, lambda: self._askable(collection, until))
        narrow = self._narrow(ask, known)
        path = f"/collections/{collection}/items"
        whole = self._pages(path, _PAGE, until) if narrow else None
        pages = self._pages(path, {**_PAGE, **narrow}, until)
        found, taken = await self.narrowed(ask, pages, whole)
        if not taken:
            self._queryables.forget(collection)
        pushed = {"bbox" if it == "bbox" else "filter" for it in narrow} if taken else ()
        return Records(
            found,
            pushed=sorted(pushed),
            local=[
                *(["filter"] if ask.where else []),
                *(["sort", "limit"] if ask.order else []),
            ],
        )

    async def told(self, ref: TableRef, until: float) -> Told:
        table = self.bound[ref].spec
        path = f"/collections/{self.collection(ref)}"
        stated = await self._stated(path, until)
        pages = self._pages(f"{path}/items", _PAGE, until)
        records = await sampled(pages)
        temporal = cast("FeaturesTable", table).temporal
        return await asyncio.to_thread(_told, stated, records, paths_in(table), temporal=temporal)

    async def _stated(self, path: str, until: float) -> Mapping[str, Any]:
        """Give the JSON schemas of the properties; none where it does not tell."""
        for part in ("schema", "queryables"):
            try:
                found = (await self.about(f"{path}/{part}", until)).get("properties")
            except SourceUnavailableError:
                raise
            except SourceError:  # not every service has it
                continue
            if isinstance(found, dict):
                return found
        return {}

    async def _pages(self, path: str, query: Mapping[str, str], until: float) -> Pages:
        async for features in self.features(path, query, until):
            yield [feature_record(it) for it in features]

    def _narrow(self, ask: Ask, known: set[str]) -> dict[str, str]:
        columns = Columns(ask)
        narrow = {}
        box = box_of(columns, ask.where, _PLACE)
        if box is not None:
            narrow["bbox"] = box_text(box)
        interval = interval_of(columns, ask.where)
        if interval is not None and cast("FeaturesTable", columns.table).temporal:
            narrow["datetime"] = interval
        for it in compared(ask.where):
            column = columns.plain(it.field)
            if it.op == "exact" and column in known and isinstance(it.value, str):
                narrow[str(column)] = it.value
        return narrow

    async def _askable(self, collection: str, until: float) -> set[str]:
        """Give the properties that can be asked by their name; none where it does not tell."""
        try:
            told = await self.about(f"/collections/{collection}/queryables", until)
        except SourceError as error:
            if error.code != "http-missing":
                raise
            return set()
        found = told.get("properties")
        return set(found) - {"bbox", "limit", "datetime"} if isinstance(found, dict) else set()


def _told(
    stated: Mapping[str, Any], records: Sequence[Record], named: Sequence[str], *, temporal: bool
) -> Told:
    """Tell of the columns that are *stated*, that *records* have, and that are *named*.

    The only time is the one with that role where the service narrows by it.
    """
    seen = [it for it in columns_of(records) if it not in {"id", "geometry"}]
    types = types_of(records, ["id", *seen, *named])
    kinds = {
        name: kind
        for name in [*stated, *seen]
        if (kind := settled(type_of(stated.get(name)), types.get(name))) is not None
    }
    times = [name for name, kind in kinds.items() if kind == "datetime"]
    marked = [name for name in times if part_of(stated, name).get("x-ogc-role") in _INSTANTS]
    time = next(iter(marked or (times if temporal and len(times) == 1 else [])), None)
    columns = [Column("id", types["id"])] if "id" in types else []
    columns += [
        _column(name, kind, part_of(stated, name), "time" if name == time else None)
        for name, kind in kinds.items()
    ]
    columns += _geometry(records)
    known = {it.name for it in columns}
    columns += [Column(it, types.get(it, "string")) for it in named if it not in known]
    ids = {repr(it.get("id")) for it in records if it.get("id") is not None}
    key = ("id",) if records and len(ids) == len(records) else ()
    return Told(columns, {it.name: it.type for it in columns}, key)


def _column(name: str, kind: FieldType, about: Mapping[str, Any], role: Role | None) -> Column:
    title, description = text_of(about.get("title")), text_of(about.get("description"))
    return Column(name, kind, title, description, role=role)


def _geometry(records: Sequence[Record]) -> list[Column]:
    """Give longitude and latitude where there are but points."""
    shapes = [it["geometry"] for it in records if isinstance(it.get("geometry"), dict)]
    if not shapes:
        return []
    if all(it.get("type") == "Point" for it in shapes):
        return [
            Column(_PLACE[0], "number", role="longitude", called="longitude"),
            Column(_PLACE[1], "number", role="latitude", called="latitude"),
        ]
    return [Column("geometry", "geojson")]
