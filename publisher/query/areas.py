"""Boxes, circles and polygons on the ground: read, and which points lie in them.

Coordinates are degrees east and north (WGS 84); a point on the edge lies within.
"""

from collections.abc import Sequence
from typing import Any

from publisher.engine import Connection, identifier
from publisher.errors import ParameterError
from publisher.model.query import InArea, InBox, Near, Place, Polygon
from publisher.query.parameters import MOST_POINTS
from publisher.query.times import fault

_HALF_ROUND = 20_037_508.0
"""Metres: no point is further away along the surface."""


def box_of(parameter: str, items: Sequence[str], place: Place) -> InBox:
    """Read ``west,south,east,north``; raises ParameterError."""
    match [_number(it) for it in items]:
        case [float(west), float(south), float(east), float(north)]:
            if max(abs(west), abs(east)) <= 180 and -90 <= south <= north <= 90:
                return InBox(place, west, south, east, north)
    raise fault("not-a-box", parameter, ",".join(items))


def near_of(parameter: str, items: Sequence[str], place: Place) -> Near:
    """Read ``longitude,latitude,metres``; raises ParameterError."""
    match [_number(it) for it in items]:
        case [float(east), float(north), float(metres)]:
            if abs(east) <= 180 and abs(north) <= 90 and 0 <= metres <= _HALF_ROUND:
                return Near(place, east, north, metres)
    raise fault("not-a-circle", parameter, ",".join(items))


def area_of(parameter: str, geometry: Any, place: Place) -> InArea:
    """Read a Polygon or MultiPolygon as GeoJSON has it (RFC 7946); raises ParameterError."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    stated = geometry.get("coordinates") if isinstance(geometry, dict) else None
    polygons = [stated] if kind == "Polygon" else stated if kind == "MultiPolygon" else None
    if not isinstance(polygons, list) or not polygons:
        raise fault("not-an-area", parameter, str(kind or ""))
    points = 0
    found: list[Polygon] = []
    for polygon in polygons:
        if not isinstance(polygon, list) or not polygon:
            raise fault("not-an-area", parameter, str(kind))
        rings = []
        for ring in polygon:
            if not isinstance(ring, list) or len(ring) < 4:
                raise fault("not-an-area", parameter, str(kind))
            points += len(ring)
            if points > MOST_POINTS:
                raise ParameterError("area-too-detailed", parameter=parameter, most=MOST_POINTS)
            rings.append(tuple(_position(parameter, it) for it in ring))
        found.append(tuple(rings))
    area = InArea(place, tuple(found))
    if not _shapely().is_valid(_shape(area)):
        raise fault("not-an-area", parameter, str(kind))
    return area


def points_within(
    con: Connection, relation: tuple[str, Sequence[object]], area: InArea
) -> tuple[list[float], list[float]]:
    """Give the longitudes and latitudes of *relation* that lie in *area*, each point once."""
    shape = _shape(area)
    east, north = identifier(area.place.longitude), identifier(area.place.latitude)
    source, parameters = relation
    west_, south_, east_, north_ = shape.bounds
    found = con.execute(
        f"SELECT DISTINCT CAST({east} AS DOUBLE) AS x, CAST({north} AS DOUBLE) AS y"  # noqa: S608
        f" FROM {source} AS t WHERE {east} BETWEEN CAST(? AS DOUBLE) AND CAST(? AS DOUBLE)"
        f" AND {north} BETWEEN CAST(? AS DOUBLE) AND CAST(? AS DOUBLE)",
        [*parameters, west_, east_, south_, north_],
    ).fetchnumpy()
    _shapely().prepare(shape)
    inside = _shapely().intersects_xy(shape, found["x"], found["y"])
    return found["x"][inside].tolist(), found["y"][inside].tolist()


def _shapely() -> Any:
    """Give the library, which takes megabytes: few ask for an area."""
    import shapely  # noqa: PLC0415

    return shapely


def _shape(area: InArea) -> Any:
    return _shapely().MultiPolygon([(rings[0], rings[1:]) for rings in area.polygons])


def _position(parameter: str, stated: Any) -> tuple[float, float]:
    if isinstance(stated, list) and len(stated) in {2, 3}:
        east, north = _number(str(stated[0])), _number(str(stated[1]))
        if east is not None and north is not None and abs(east) <= 180 and abs(north) <= 90:
            return east, north
    raise fault("not-an-area", parameter, str(stated))


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if abs(found) < 1e9 else None
