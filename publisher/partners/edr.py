"""An OGC API EDR 1.1 service (OGC 19-086r6): observations, as CoverageJSON or GeoJSON.

A record is what is told of one place and time: ``x``, ``y``, ``z``, ``t``, ``location`` where that
is known, and the parameters. What is passed on (a box, an interval of time, locations) narrows
what is fetched, and is applied again here. A whole answer comes at once: there are no pages.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from publisher.errors import SourceError
from publisher.model.dataset import Box
from publisher.model.partner import EdrTable
from publisher.model.query import Among, Compare, Condition, InBox
from publisher.model.schema import FieldType
from publisher.model.values import TableRef
from publisher.partners.base import Ask
from publisher.partners.coverage import ManyCellsError, UnreadableError, observations
from publisher.partners.endpoint import Endpoint, seconds_left
from publisher.partners.known import Known
from publisher.partners.ogc import (
    OgcAdapter,
    Pages,
    box_of,
    degrees,
    feature_record,
    interval_of,
    part_of,
)
from publisher.partners.own import Column, Told, paths_in, text_of, ucum
from publisher.partners.records import Columns, Record, Records, table_of
from publisher.validation import units

_PLACE = ("x", "y")
_LOCATION = "location"
_EDGE = 1e-6
"""Degrees by which a box is wider than what is asked: a point on its edge may lie outside."""
_EVERYWHERE: Box = (-180, -90, 180, 90)
_TYPES: Mapping[str, FieldType] = {"integer": "integer", "string": "string"}
"""Of parameters; others are numbers."""
_GEOGRAPHIC = re.compile("GEO|(?!PROJ).*(CRS84|4326)")
"""Begins what says that places are longitude and latitude."""


@dataclass(frozen=True, slots=True)
class _Narrow:
    """What a question is narrowed by."""

    box: InBox | None = None
    interval: str | None = None
    locations: frozenset[str] | None = None

    @property
    def told(self) -> list[str]:
        """What that is called where it is told."""
        return [
            *(["bbox"] if self.box is not None else []),
            *(["filter"] if self.interval is not None or self.locations is not None else []),
        ]


class EdrAdapter(OgcAdapter):
    kind = "OGC API EDR service"

    def __init__(self, endpoint: Endpoint, work: Path) -> None:
        super().__init__(endpoint, work)
        self._locations: Known[Sequence[str]] = Known()

    async def records(self, ask: Ask, until: float) -> Records:
        spec = cast("EdrTable", table_of(ask))
        narrow = _narrow(Columns(ask), spec, ask.where)
        whole = _Narrow(locations=narrow.locations)
        rest = self._pages(spec, whole, until) if narrow != whole else None
        found, taken = await self.narrowed(ask, self._pages(spec, narrow, until), rest)
        if ask.remote.told is not None and any("geometry" in it for it in found):
            # Of what features hold beside the parameters it tells nothing
            raise SourceError("partner-no-fields", partner=self.name, table=str(ask.remote.ref))
        return Records(
            found,
            pushed=(narrow if taken else whole).told,
            local=[
                *(["filter"] if ask.where else []),
                *(["sort", "limit"] if ask.order else []),
            ],
        )

    async def told(self, ref: TableRef, until: float) -> Told:
        spec = cast("EdrTable", self.bound[ref].spec)
        about = await self.about(f"/collections/{spec.collection}", until)
        return await asyncio.to_thread(_told, about, spec)

    async def _pages(self, spec: EdrTable, narrow: _Narrow, until: float) -> Pages:
        query = _stated(spec)
        if narrow.interval is not None:
            query["datetime"] = narrow.interval
        path = f"{_path(spec)}/{spec.query}"
        if spec.query == "locations":
            for id_ in await self._of(spec, narrow, until):
                yield await self._at(path, id_, query, until)
            return
        if spec.query == "position":
            query["coords"] = str(spec.coords)
        else:
            assert spec.box is not None  # noqa: S101 - the model says so
            box = _within(spec.box, narrow.box)
            if box is None:
                return  # nothing of what there is lies there
            query |= _of_box(spec.query, box)
        yield await self._asked(path, query, until)

    async def _at(
        self, path: str, id_: str, query: Mapping[str, str], until: float
    ) -> Sequence[Record]:
        try:
            page = await self._asked(f"{path}/{quote(id_, safe='')}", query, until)
        except SourceError as error:
            if error.code == "http-missing":
                self._locations.forget(path)
            raise
        return [{**it, _LOCATION: id_} for it in page]

    async def _of(self, spec: EdrTable, narrow: _Narrow, until: float) -> Sequence[str]:
        """Give the locations that are asked for; raises SourceError."""
        path = f"{_path(spec)}/locations"
        if spec.location is not None:
            ids: Sequence[str] = [spec.location]
        elif narrow.box is not None:
            box = _within(_EVERYWHERE, narrow.box)
            ids = await self._listed(path, _of_box(spec.query, box), until) if box else []
        else:
            ids = await self._locations.get(path, lambda: self._listed(path, {}, until))
        return [it for it in ids if narrow.locations is None or it in narrow.locations]

    async def _listed(self, path: str, query: Mapping[str, str], until: float) -> Sequence[str]:
        found, _ = await self.gathered(self.features(path, query, until))
        if any(not isinstance(it.get("id"), str | int) for it in found):
            raise self.unlike()
        return [str(it["id"]) for it in found]

    async def _asked(self, path: str, query: Mapping[str, str], until: float) -> Sequence[Record]:
        told, _ = await self.endpoint.document(path, query, seconds=seconds_left(until))
        if told is None:
            return []
        if isinstance(told, dict) and told.get("type") == "FeatureCollection":
            return self._features(told)
        most = self.endpoint.partner.spec.max_rows
        try:
            return await asyncio.to_thread(observations, told, most)
        except UnreadableError:
            raise self.unlike() from None
        except ManyCellsError:
            raise SourceError("partner-many-rows", partner=self.name, most=most) from None

    def _features(self, told: Mapping[str, object]) -> Sequence[Record]:
        features = told.get("features")
        if not isinstance(features, list) or not all(isinstance(it, dict) for it in features):
            raise self.unlike()
        return [{**feature_record(it), **_point(it.get("geometry"))} for it in features]


def _told(about: Mapping[str, Any], spec: EdrTable) -> Told:
    """Tell of the axes and of the parameters that are asked for; of nothing where none are told."""
    stated = part_of(about, "parameter_names")
    if not stated:
        return Told((), {})
    extent = part_of(about, "extent")
    crs = part_of(extent, "spatial").get("crs")
    geographic = crs is None or _GEOGRAPHIC.match(str(crs)) is not None
    columns = [
        Column("x", "number", role="longitude" if geographic else None),
        Column("y", "number", role="latitude" if geographic else None),
    ]
    if spec.z is not None or "vertical" in extent:
        columns.append(Column("z", "number"))
    columns.append(Column("t", "datetime", role="time"))
    if spec.query == "locations" or _LOCATION in paths_in(spec):
        columns.append(Column(_LOCATION, "string"))
    columns += [_parameter(it, part_of(stated, it)) for it in spec.parameters or stated]
    return Told(columns, {it.name: it.type for it in columns})


def _parameter(name: str, about: Mapping[str, Any]) -> Column:
    observed, unit = part_of(about, "observedProperty"), part_of(about, "unit")
    kind = _TYPES.get(str(about.get("data-type")), "number")
    titles = (about.get("label"), about.get("name"), observed.get("label"))
    return Column(
        name,
        kind,
        title=next((text for it in titles if (text := _text(it))), None),
        description=_text(about.get("description")) or _text(observed.get("description")),
        unit=None if kind == "string" else _unit(unit.get("symbol")),
    )


def _unit(symbol: object) -> str | None:
    """Give the UCUM code of a unit; its symbol may say that it is one."""
    if not isinstance(symbol, dict):
        return ucum(symbol)
    code, of = symbol.get("value"), str(symbol.get("type")).lower()
    return code if "ucum" in of and units.known(str(code)) else ucum(code)


def _text(stated: object) -> str | None:
    """Give a text, or one of those that there are in several languages."""
    if isinstance(stated, dict):
        stated = stated.get("en") or next(iter(stated.values()), None)
    return text_of(stated)


def _narrow(columns: Columns, spec: EdrTable, where: Sequence[Condition]) -> _Narrow:
    locations = None
    if spec.query == "locations":
        stated = [ids for it in where if (ids := _ids(columns, it)) is not None]
        locations = frozenset.intersection(*stated) if stated else None
    box = None if spec.query == "position" or spec.location else box_of(columns, where, _PLACE)
    return _Narrow(box, interval_of(columns, where), locations)


def _ids(columns: Columns, part: Condition) -> frozenset[str] | None:
    """Give the locations that a condition leaves; None where it does not tell."""
    match part:
        case Compare(field, "exact", value):
            values: tuple[object, ...] = (value,)
        case Among(field, values, negated=False):
            pass
        case _:
            return None
    texts = frozenset(it for it in values if isinstance(it, str))
    return texts if columns.plain(field) == _LOCATION and len(texts) == len(values) else None


def _path(spec: EdrTable) -> str:
    instance = f"/instances/{quote(spec.instance, safe='')}" if spec.instance else ""
    return f"/collections/{spec.collection}{instance}"


def _stated(spec: EdrTable) -> dict[str, str]:
    query = {"parameter-name": ",".join(spec.parameters), "z": spec.z, "f": spec.format}
    return {name: it for name, it in query.items() if it}


def _within(stated: Box, asked: InBox | None) -> Box | None:
    """Give what of the box that a table is of is asked for."""
    if asked is None:
        return stated
    west, south, east, north = stated
    west, south = max(west, asked.west - _EDGE), max(south, asked.south - _EDGE)
    east, north = min(east, asked.east + _EDGE), min(north, asked.north + _EDGE)
    return (west, south, east, north) if west <= east and south <= north else None


def _of_box(query: str, box: Box) -> dict[str, str]:
    west, south, east, north = map(degrees, box)
    if query != "area":
        return {"bbox": f"{west},{south},{east},{north}"}
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"coords": f"POLYGON(({','.join(f'{x} {y}' for x, y in corners)}))"}


def _point(geometry: object) -> Record:
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return {}
    coordinates = geometry.get("coordinates")
    return dict(zip("xyz", coordinates, strict=False)) if isinstance(coordinates, list) else {}
