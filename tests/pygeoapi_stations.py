"""A plugin of pygeoapi for stations that measure: it tells where they are, and what they gave.

pygeoapi loads it in a process of its own, where this project is not installed.
"""

import json
from pathlib import Path
from typing import Any

from pygeoapi.provider.base_edr import BaseEDRProvider
from shapely.geometry import Point, box


class Stations(BaseEDRProvider):
    """Its data is a JSON list of ``[station, time, level, east, north]``."""

    def get_fields(self) -> dict[str, Any]:
        return {"level": {"type": "number", "title": "Level", "x-ogc-unit": "cm"}}

    def locations(
        self,
        location_id: str | None = None,
        bbox: list[float] | None = None,
        datetime_: str | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        rows = self._rows(box(*bbox) if bbox else None, datetime_)
        if location_id is not None:
            return _collection([row for row in rows if row[0] == location_id])
        points = {row[0]: {"type": "Point", "coordinates": row[3:]} for row in rows}
        features = [
            {"type": "Feature", "id": name, "geometry": it, "properties": {}}
            for name, it in points.items()
        ]
        return {"type": "FeatureCollection", "features": features}

    def area(self, wkt: Any, datetime_: str | None = None, **_: Any) -> dict[str, Any]:
        return _collection(self._rows(wkt, datetime_))

    def _rows(self, shape: Any, interval: str | None) -> list[list[Any]]:
        low, _, high = (interval or "../..").partition("/")
        return [
            row
            for row in json.loads(Path(self.data).read_text("utf-8"))
            if (shape is None or shape.contains(Point(row[3:])))
            and (low == ".." or row[1] >= low)
            and (high == ".." or row[1] <= high)
        ]


def _collection(rows: list[list[Any]]) -> dict[str, Any]:
    stations: dict[tuple[Any, ...], list[list[Any]]] = {}
    for row in rows:
        stations.setdefault((row[0], *row[3:]), []).append(row)
    coverages = [
        {
            "type": "Coverage",
            "id": name,
            "domain": {
                "type": "Domain",
                "domainType": "PointSeries",
                "axes": {
                    "x": {"values": [east]},
                    "y": {"values": [north]},
                    "t": {"values": [row[1] for row in own]},
                },
            },
            "ranges": {
                "level": {
                    "type": "NdArray",
                    "dataType": "integer",
                    "axisNames": ["t"],
                    "shape": [len(own)],
                    "values": [row[2] for row in own],
                }
            },
        }
        for (name, east, north), own in stations.items()
    ]
    return {"type": "CoverageCollection", "domainType": "PointSeries", "coverages": coverages}
