"""What services of OGC's API standards have in common: collections, features, boxes and times."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from publisher.errors import SourceError
from publisher.model.query import Compare, Condition, InBox, compared
from publisher.model.values import TableRef
from publisher.partners.base import Ask, RemoteDataset
from publisher.partners.endpoint import seconds_left
from publisher.partners.known import is_refusal
from publisher.partners.records import Columns, Record, RecordsAdapter, any_rows

if TYPE_CHECKING:
    from publisher.model.partner import EdrTable, FeaturesTable

_OPEN = ".."
_FAILED = 500
Pages = AsyncIterator[Sequence[Record]]
"""Of records, or of features."""


class OgcAdapter(RecordsAdapter):
    """A service whose tables are collections."""

    async def datasets(self, seconds: float) -> Sequence[RemoteDataset]:
        until = asyncio.get_running_loop().time() + seconds
        found = []
        for name, refs in self.by_dataset.items():
            path = f"/collections/{self.collection(refs[0])}"
            about = await self.about(path, until)
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
                    url=str(self.endpoint.address(path)),
                    tables=tuple(ref.table for ref in refs),
                    box=_box(about),
                )
            )
        return found

    def collection(self, ref: TableRef) -> str:
        return cast("FeaturesTable | EdrTable", self.bound[ref].spec).collection

    async def about(self, path: str, until: float) -> Mapping[str, Any]:
        """Give what is told of a collection; raises SourceError."""
        told, _ = await self.endpoint.document(path, {"f": "json"}, seconds=seconds_left(until))
        if not isinstance(told, dict):
            raise self.unlike()
        return told

    async def narrowed(
        self, ask: Ask, narrow: Pages, whole: Pages | None
    ) -> tuple[Sequence[Record], bool]:
        """Read the pages of a narrowed question; those of the *whole* one where it is not taken.

        Some refuse a time beyond their own, or fail where a box is empty. Tells whether it was
        taken. Raises SourceError.
        """
        try:
            found, _ = await self.gathered(narrow, any_rows(ask))
        except SourceError as error:
            if whole is None or not (is_refusal(error) or error.params.get("status") == _FAILED):
                raise
        else:
            return found, True
        found, _ = await self.gathered(whole, any_rows(ask))
        return found, False

    async def features(self, path: str, query: Mapping[str, str], until: float) -> Pages:
        """Give the features of a collection, page by page; raises SourceError."""
        url = self.endpoint.address(path, query)
        while True:
            told, reply = await self.endpoint.document_at(url, seconds=seconds_left(until))
            if told is None:
                return
            features = told.get("features") if isinstance(told, dict) else None
            if not isinstance(features, list) or not all(isinstance(it, dict) for it in features):
                raise self.unlike()
            yield features
            links = told.get("links") if isinstance(told, dict) else None
            following = [
                it["href"]
                for it in (links if isinstance(links, list) else [])
                if isinstance(it, dict)
                and it.get("rel") == "next"
                and isinstance(it.get("href"), str)
            ]
            if not following:
                return
            url = self.endpoint.follow(reply.url, following[0])


def part_of(about: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give the object that is told under a name; an empty one where none is."""
    found = about.get(name)
    return found if isinstance(found, dict) else {}


def feature_record(feature: Mapping[str, Any]) -> Record:
    """Give a feature as its properties, and beside them ``id`` and ``geometry``."""
    properties = feature.get("properties")
    return {
        "id": feature.get("id"),
        "geometry": feature.get("geometry"),
        **(properties if isinstance(properties, dict) else {}),
    }


def box_of(columns: Columns, where: Sequence[Condition], place: tuple[str, str]) -> InBox | None:
    """Give a box that all rows lie in; *place* are the columns of its longitude and latitude."""
    for it in where:
        if isinstance(it, InBox) and it.west <= it.east:
            held = columns.plain(it.place.longitude), columns.plain(it.place.latitude)
            if held == place:
                return it
    return None


def box_text(box: InBox) -> str:
    return ",".join(map(degrees, (box.west, box.south, box.east, box.north)))


def degrees(number: float) -> str:
    """Write a number without an exponent."""
    return f"{Decimal(repr(number)):f}"


def interval_of(columns: Columns, where: Sequence[Condition]) -> str | None:
    """Give the interval that the field with role time is asked for; wider than it rather."""
    low: datetime | None = None
    high: datetime | None = None
    for it in compared(where):
        if not _is_time(columns, it) or not isinstance(it.value, datetime):
            continue
        if it.op in {"exact", "gt", "gte"}:
            low = it.value if low is None else max(low, it.value)
        if it.op in {"exact", "lt", "lte"}:
            high = it.value if high is None else min(high, it.value)
    if low is None and high is None:
        return None
    return f"{_instant(low)}/{_instant(high)}"


def _is_time(columns: Columns, part: Compare) -> bool:
    return columns.fields[part.field].role == "time"


def _instant(moment: datetime | None) -> str:
    return _OPEN if moment is None else f"{moment.isoformat()}Z"


def _box(about: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    try:
        found = about["extent"]["spatial"]["bbox"]
        # Before EDR 1.1 it was the box itself
        west, south, east, north = (found[0] if isinstance(found[0], list) else found)[:4]
        return float(west), float(south), float(east), float(north)
    except (KeyError, IndexError, TypeError, ValueError):
        return None
