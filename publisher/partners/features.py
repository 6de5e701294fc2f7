"""An OGC API Features service (OGC 17-069r4), page by page.

A feature is read as its properties, and beside them ``id`` and ``geometry``. What is passed on (a
box, an interval of time, equality of properties) narrows what is fetched, and is applied again
here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from publisher.errors import SourceError
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
)
from publisher.partners.records import Columns, Records, compared

if TYPE_CHECKING:
    from publisher.model.partner import FeaturesTable

_PAGE = {"limit": "1000"}
_PLACE = ("geometry.coordinates[0]", "geometry.coordinates[1]")


class FeaturesAdapter(OgcAdapter):
    kind = "OGC API Features service"

    def __init__(self, endpoint: Endpoint, work: Path) -> None:
        super().__init__(endpoint, work)
        self._queryables: Known[set[str]] = Known()

    async def records(self, ask: Ask, until: float) -> Records:
        collection = self.collection(ask.remote.ref)
        known = await self._queryables.get(collection, lambda: self._told(collection, until))
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

    async def _pages(self, path: str, query: Mapping[str, str], until: float) -> Pages:
        async for features in self.features(path, query, until):
            yield [feature_record(it) for it in features]

    def _narrow(self, ask: Ask, known: set[str]) -> dict[str, str]:
        bound = self.bound[ask.remote.ref]
        columns = Columns(ask, bound)
        narrow = {}
        box = box_of(columns, ask.where, _PLACE)
        if box is not None:
            narrow["bbox"] = box_text(box)
        interval = interval_of(columns, ask.where)
        if interval is not None and cast("FeaturesTable", bound.spec).temporal:
            narrow["datetime"] = interval
        for it in compared(ask.where):
            column = columns.plain(it.field)
            if it.op == "exact" and column in known and isinstance(it.value, str):
                narrow[str(column)] = it.value
        return narrow

    async def _told(self, collection: str, until: float) -> set[str]:
        """Give the properties that can be asked by their name; none where it does not tell."""
        try:
            told = await self.about(f"/collections/{collection}/queryables", until)
        except SourceError as error:
            if error.code != "http-missing":
                raise
            return set()
        found = told.get("properties")
        return set(found) - {"bbox", "limit", "datetime"} if isinstance(found, dict) else set()
