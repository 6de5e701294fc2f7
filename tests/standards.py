"""Small services on real sockets that speak other catalogs' standards over made-up rows.

Each reads its own query language as the standard has it, as far as these rows need, refuses what it
does not know with 400, and pages in small steps.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

Row = tuple[Any, ...]
COLUMNS = ("station", "at", "level", "note", "east", "north")
_STEP = 5
_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    "eq": lambda one, other: one == other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
}


class Standards:
    """Serves *rows* as an Opendatasoft dataset, as features, and as observations."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.schema: dict[str, Any] | None = None
        """Of the features' properties, where it tells of one."""
        self.asked: list[str] = []
        """Questions for rows."""
        self.requests = 0
        self.refusing = 0
        """How many of the next questions are refused."""
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(middlewares=[self._counted])
        base = "/api/explore/v2.1/catalog/datasets/levels"
        app.router.add_get(base, self._ods_about)
        app.router.add_get(f"{base}/exports/json", self._ods)
        app.router.add_get("/collections/levels", self._collection)
        app.router.add_get("/collections/levels/schema", self._schema)
        app.router.add_get("/collections/levels/queryables", self._queryables)
        app.router.add_get("/collections/levels/items", self._items)
        app.router.add_get("/sta/v1.1/Observations", self._observations)
        app.router.add_get("/sta/v1.1/Datastreams(5)", self._datastream)
        app.router.add_get("/sta/v1.1/Datastreams(5)/Observations", self._observations)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @web.middleware
    async def _counted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests += 1
        asked = len(self.asked)
        answer: web.StreamResponse = await handler(request)
        if len(self.asked) > asked and self.refusing:
            self.refusing -= 1
            return web.json_response({"code": "NotNow"}, status=400)
        return answer

    def _records(self) -> list[dict[str, Any]]:
        return [dict(zip(COLUMNS, row, strict=True)) for row in self.rows]

    # Opendatasoft Explore v2.1

    async def _ods_about(self, _: web.Request) -> web.Response:
        kinds = ("text", "datetime", "int", "text", "double", "double")
        fields: list[dict[str, Any]] = [
            {"name": name, "type": kind} for name, kind in zip(COLUMNS, kinds, strict=True)
        ]
        fields.append({"name": "place", "type": "geo_point_2d", "description": "Where it stands"})
        fields.append({"name": "words", "type": "text", "annotations": {"multivalued": [","]}})
        fields[2] |= {"label": "Vandstand", "annotations": {"unit": ["cm"]}}
        metas = {"default": {"title": "Vandstand", "publisher": "Opdigtet By", "license": "CC BY"}}
        return web.json_response({"dataset_id": "levels", "fields": fields, "metas": metas})

    async def _ods(self, request: web.Request) -> web.Response:
        self.asked.append(request.query_string)
        known = {"where", "order_by", "limit", "select"}
        if set(request.query) - known:
            return web.json_response({"error_code": "InvalidRESTParameterError"}, status=400)
        records = self._records()
        for part in filter(None, request.query.get("where", "").split(" and ")):
            found = re.fullmatch(r"`(\w+)` (=|>=|<=|>|<) (?:date'([^']+)'|(\S+))", part)
            if found is None:
                return web.json_response({"error_code": "ODSQLSyntaxError"}, status=400)
            name, op, moment, number = found.groups()
            value = _moment(moment) if moment else float(number)
            records = [it for it in records if it[name] is not None and _TESTS[op](it[name], value)]
        # It says nothing of nulls: those come first here, whichever way
        for part in reversed(list(filter(None, request.query.get("order_by", "").split(",")))):
            name, _, way = part.partition(" ")
            column = name.strip("`")
            records.sort(key=lambda it, of=column: it[of], reverse=way == "desc")
        shown = request.query["select"].split(",")
        records = records[: int(request.query["limit"])]
        for it in records:
            whole = None not in {it["east"], it["north"]}
            it["place"] = {"lon": it["east"], "lat": it["north"]} if whole else None
            it["words"] = [it["station"], "x"]
        return web.json_response([{name: _json(it[name]) for name in shown} for it in records])

    # OGC API Features

    async def _collection(self, _: web.Request) -> web.Response:
        extent = {"spatial": {"bbox": [[8, 54, 13, 58]]}}
        return web.json_response({"id": "levels", "title": "Vandstand", "extent": extent})

    async def _schema(self, _: web.Request) -> web.Response:
        if self.schema is None:
            return web.json_response({"code": "NotFound"}, status=404)
        return web.json_response({"type": "object", "properties": self.schema})

    async def _queryables(self, _: web.Request) -> web.Response:
        return web.json_response({"properties": {"station": {"type": "string"}}})

    async def _items(self, request: web.Request) -> web.Response:
        self.asked.append(request.query_string)
        query = request.query
        if set(query) - {"limit", "offset", "bbox", "datetime", "station"}:
            return web.json_response({"code": "InvalidParameterValue"}, status=400)
        records = self._records()
        if "bbox" in query:
            west, south, east, north = map(float, query["bbox"].split(","))
            records = [
                it
                for it in records
                if None not in {it["east"], it["north"]}
                and west <= it["east"] <= east
                and south <= it["north"] <= north
            ]
        if "datetime" in query:
            low, _, high = query["datetime"].partition("/")
            records = [
                it
                for it in records
                if (low == ".." or it["at"] >= _moment(low))
                and (high == ".." or it["at"] <= _moment(high))
            ]
        if "station" in query:
            records = [it for it in records if it["station"] == query["station"]]
        start = int(query.get("offset", "0"))
        size = min(int(query["limit"]), _STEP)
        page = records[start : start + size]
        links = []
        if start + size < len(records):
            following = request.url.update_query(offset=str(start + size))
            links.append({"rel": "next", "href": str(following)})
        features = [
            {
                "type": "Feature",
                "id": number,
                "geometry": _point(it["east"], it["north"]),
                "properties": {name: _json(it[name]) for name in COLUMNS[:4]},
            }
            for number, it in enumerate(page, start)
        ]
        return web.json_response(
            {"type": "FeatureCollection", "features": features, "links": links},
            content_type="application/geo+json",
        )

    # SensorThings

    async def _datastream(self, _: web.Request) -> web.Response:
        unit = {"name": "centimetre", "symbol": "C", "definition": "ucum:cm"}
        return web.json_response({"@iot.id": 5, "unitOfMeasurement": unit})

    async def _observations(self, request: web.Request) -> web.Response:
        self.asked.append(request.query_string)
        query = request.query
        if set(query) - {"$filter", "$orderby", "$top", "$skip", "$expand"}:
            return web.json_response({"message": "unknown option"}, status=400)
        records = [
            {
                "@iot.id": f"{it['station']} {it['at']}",
                "phenomenonTime": it["at"],
                "result": it["level"],
                "parameters": {name: it[name] for name in ("note", "east", "north")},
                "Datastream": {"Thing": {"name": it["station"]}},
            }
            for it in self._records()
        ]
        for part in filter(None, query.get("$filter", "").split(" and ")):
            found = re.fullmatch(r"\((\w+) (eq|gt|ge|lt|le) (\S+)\)", part)
            if found is None:
                return web.json_response({"message": "not a filter"}, status=400)
            name, op, text = found.groups()
            value = _moment(text) if name == "phenomenonTime" else float(text)
            records = [it for it in records if it[name] is not None and _TESTS[op](it[name], value)]
        if "$orderby" in query:
            name, _, way = query["$orderby"].partition(" ")
            records.sort(key=lambda it: it[name], reverse=way == "desc")
        start, size = int(query.get("$skip", "0")), min(int(query["$top"]), _STEP)
        page = [
            {**it, "phenomenonTime": _json(it["phenomenonTime"])}
            for it in records[start : start + size]
        ]
        if query.get("$expand") != "Datastream/Thing":
            for it in page:
                del it["Datastream"]
        answer: dict[str, Any] = {"value": page}
        if start + size < len(records):
            answer["@iot.nextLink"] = str(request.url.update_query({"$skip": str(start + size)}))
        return web.json_response(answer)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def _json(value: Any) -> Any:
    return f"{value.isoformat()}+00:00" if isinstance(value, datetime) else value


def _point(east: float | None, north: float | None) -> Any:
    if east is None or north is None:
        return None
    return {"type": "Point", "coordinates": [east, north]}
