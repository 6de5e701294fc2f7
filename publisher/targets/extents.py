"""What time and what part of the Earth a table's rows cover: computed once for each version."""

from collections import OrderedDict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from publisher.engine import Connection, identifier
from publisher.model.schema import Field
from publisher.model.table import sql_type
from publisher.targets.snapshot import PinnedTable, Snapshot

if TYPE_CHECKING:
    from publisher.model.values import TableRef

_MOST = 10_000  # tables whose extent is remembered
_NUMBERS = ("DOUBLE", "DECIMAL", "BIGINT")


class Span(NamedTuple):
    """Aware instants, in UTC."""

    start: datetime
    end: datetime | None
    """None: it goes on."""

    @classmethod
    def over(cls, spans: "list[Span | None]") -> "Span | None":
        found = [span for span in spans if span is not None]
        if not found:
            return None
        ends = [span.end for span in found if span.end is not None]
        return cls(min(span.start for span in found), max(ends, default=None))


class Box(NamedTuple):
    """Degrees, EPSG:4326."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def over(cls, boxes: "list[Box | None]") -> "Box | None":
        found = [box for box in boxes if box is not None]
        if not found:
            return None
        return cls(
            min(box.west for box in found),
            min(box.south for box in found),
            max(box.east for box in found),
            max(box.north for box in found),
        )


class Extent(NamedTuple):
    span: Span | None
    """Of the field with the role time."""
    box: Box | None
    """Of the fields with the roles longitude and latitude."""


_Key = tuple["TableRef", int, datetime, tuple[str, ...]]


class Extents:
    """Gives tables' extents, and remembers them: a version's rows do not change.

    Which of its fields may be shown can, without a new version.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[_Key, Extent] = OrderedDict()

    async def of(self, snapshot: Snapshot, table: PinnedTable) -> Extent:
        shown = (*_time(table), *_place(table))
        key = (table.ref, table.version, table.state.committed_at, shown)
        if key not in self._known:
            self._known[key] = await self._look(snapshot, table)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    async def _look(self, snapshot: Snapshot, table: PinnedTable) -> Extent:
        time, place = _time(table), _place(table)
        wanted = [f"{end}({it})" for it in (*time, *place) for end in ("min", "max")]
        if not wanted:
            return Extent(None, None)
        source, parameters = snapshot.relation(table)
        if place:
            # A place off the Earth is no place: it says nothing of where the others are
            inside = f"{place[0]} BETWEEN -180 AND 180 AND {place[1]} BETWEEN -90 AND 90"
            wanted = [
                f"{it} FILTER (WHERE {inside})" if index >= 2 * len(time) else it
                for index, it in enumerate(wanted)
            ]
        query = f"SELECT {', '.join(wanted)} FROM {source}"  # noqa: S608 - names are quoted

        def look(con: Connection) -> list[object]:
            return list(con.execute(query, parameters).fetchone() or ())

        found = await snapshot.run(look, lane="query")
        span = _span(found[0], found[1]) if time else None
        box = None
        if place and found[-1] is not None:
            west, east, south, north = (float(str(it)) for it in found[-4:])
            box = Box(west, south, east, north)
        return Extent(span, box)


def _time(table: PinnedTable) -> list[str]:
    field = table.time_field
    if field is None or sql_type(field) not in {"TIMESTAMP", "DATE"}:
        return []
    return [f"{identifier(field.name)}::TIMESTAMP"]


def _place(table: PinnedTable) -> list[str]:
    fields = [_with_role(table, role) for role in ("longitude", "latitude")]
    if any(field is None or not sql_type(field).startswith(_NUMBERS) for field in fields):
        return []
    return [f"{identifier(field.name)}::DOUBLE" for field in fields if field]


def _with_role(table: PinnedTable, role: str) -> Field | None:
    return next((field for field in table.fields if field.role == role), None)


def _span(start: object, end: object) -> Span | None:
    if not (isinstance(start, datetime) and isinstance(end, datetime)):
        return None
    return Span(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
