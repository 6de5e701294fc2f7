"""An OGC API Features service (OGC 17-069r4), page by page.

A feature is read as its properties, and beside them ``id`` and ``geometry``. What is passed on (a
box, an interval of time, equality of properties) narrows what is fetched, and is applied again
here.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from publisher.errors import SourceError
from publisher.model.query import Compare, InBox
from publisher.model.values import TableRef
from publisher.partners.base import Ask, RemoteDataset
from publisher.partners.endpoint import seconds_left
from publisher.partners.records import Columns, Record, Records, RecordsAdapter, any_rows, compared

if TYPE_CHECKING:
    from publisher.model.partner import FeaturesTable

_PAGE = 1_000
_OPEN = ".."
_EAST, _NORTH = "geometry.coordinates[0]", "geometry.coordinates[1]"


class FeaturesAdapter(RecordsAdapter):
    kind = "OGC API Features service"

    async def datasets(self, seconds: float) -> Sequence[RemoteDataset]:
        until = asyncio.get_running_loop().time() + seconds
        found = []
        for name, refs in self.by_dataset.items():
            about = await self._document(f"/collections/{self._collection(refs[0])}", until)
            keywords = about.get("keywords")
            found.append(
                RemoteDataset(
                    partner=self.name,
                    name=name,
                    title=str(about.get("title") or name),
                    description=about.get("description") and str(about["description"]),
                    publisher=self.name,
                    publisher_title=self.endpoint.partner.spec.title,
                    keywords=tuple(map(str, keywords)) if isinstance(keywords, list) else (),
                    themes=(),
                    licenses=(),
                    updated_at=None,
                    url=str(self.endpoint.address(f"/collections/{self._collection(refs[0])}")),
                    tables=tuple(ref.table for ref in refs),
                    box=_box(about),
                )
            )
        return found

    async def records(self, ask: Ask, until: float) -> Records:
        ref = ask.remote.ref
        columns = Columns(ask, self.bound[ref])
        collection = self._collection(ref)
        known = await self._queryables(collection, until)
        query = {"limit": str(_PAGE)}
        said = []
        for part in ask.where:
            if isinstance(part, InBox) and part.west <= part.east and _is_place(columns, part):
                query["bbox"] = f"{part.west!r},{part.south!r},{part.east!r},{part.north!r}"
                said.append("bbox")
        if cast("FeaturesTable", self.bound[ref].spec).temporal:
            interval = _interval(columns, compared(ask.where))
            if interval is not None:
                query["datetime"] = interval
                said.append("filter")
        for it in compared(ask.where):
            column = columns.plain(it.field)
            if it.op == "exact" and column in known and isinstance(it.value, str):
                query[str(column)] = it.value
                said.append("filter")
        pages = self._pages(f"/collections/{collection}/items", query, until)
        found, _ = await self.gathered(pages, any_rows(ask))
        return Records(
            found,
            pushed=sorted(set(said)),
            local=[
                *(["filter"] if ask.where else []),
                *(["sort", "limit"] if ask.order else []),
            ],
        )

    async def _pages(
        self, path: str, query: Mapping[str, str], until: float
    ) -> AsyncIterator[Sequence[Record]]:
        url = self.endpoint.address(path, query)
        while True:
            told, reply = await self.endpoint.document_at(url, seconds=seconds_left(until))
            features = told.get("features") if isinstance(told, dict) else None
            if not isinstance(features, list):
                raise self.unlike()
            yield [_record(it) for it in features if isinstance(it, dict)]
            links = told.get("links") if isinstance(told, dict) else None
            following = [
                it["href"]
                for it in (links if isinstance(links, list) else [])
                if isinstance(it, dict)
                and it.get("rel") == "next"
                and isinstance(it.get("href"), str)
            ]
            if not following or not features:
                return
            url = self.endpoint.follow(reply.url, following[0])

    async def _queryables(self, collection: str, until: float) -> set[str]:
        """Give the properties that can be asked by their name; none where it does not tell."""
        try:
            told = await self._document(f"/collections/{collection}/queryables", until)
        except SourceError as error:
            if error.code != "http-missing":
                raise
            return set()
        found = told.get("properties")
        return set(found) - {"bbox", "limit", "datetime"} if isinstance(found, dict) else set()

    async def _document(self, path: str, until: float) -> Mapping[str, Any]:
        told, _ = await self.endpoint.document(path, {"f": "json"}, seconds=seconds_left(until))
        if not isinstance(told, dict):
            raise self.unlike()
        return told

    def _collection(self, ref: TableRef) -> str:
        return cast("FeaturesTable", self.bound[ref].spec).collection


def _record(feature: Mapping[str, Any]) -> Record:
    properties = feature.get("properties")
    return {
        "id": feature.get("id"),
        "geometry": feature.get("geometry"),
        **(properties if isinstance(properties, dict) else {}),
    }


def _is_place(columns: Columns, box: InBox) -> bool:
    return (columns.plain(box.place.longitude), columns.plain(box.place.latitude)) == (
        _EAST,
        _NORTH,
    )


def _interval(columns: Columns, where: Sequence[Compare]) -> str | None:
    """Give the interval that the field with role time is asked for; wider than it rather."""
    low: datetime | None = None
    high: datetime | None = None
    for it in where:
        if columns.fields[it.field].role != "time" or not isinstance(it.value, datetime):
            continue
        if it.op in {"exact", "gt", "gte"}:
            low = it.value if low is None else max(low, it.value)
        if it.op in {"exact", "lt", "lte"}:
            high = it.value if high is None else min(high, it.value)
    if low is None and high is None:
        return None
    return f"{_instant(low)}/{_instant(high)}"


def _instant(moment: datetime | None) -> str:
    return _OPEN if moment is None else f"{moment.isoformat()}Z"


def _box(about: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    try:
        west, south, east, north = about["extent"]["spatial"]["bbox"][0][:4]
        return float(west), float(south), float(east), float(north)
    except (KeyError, IndexError, TypeError, ValueError):
        return None
