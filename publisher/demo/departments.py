"""The simulated departments: each makes what its real system would hand over at a moment.

The shapes are those of Vandportalen's exports, Aarhus' traffic and parking on Open Data DK and
OS2iot's data shares; every value is made up. A value depends on the seed and on its time alone,
so that what is delivered twice is the same twice, unless it was corrected in between.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson

from publisher.demo.books import Books, Expected, Key, Values, csv_lines, no_books, noise

STEP = timedelta(minutes=15)
"""Made-up time that passes from one round to the next."""

_NORMAL_TIME = timezone(timedelta(hours=1))
_LOCAL_TIME = ZoneInfo("Europe/Copenhagen")
_FIVE_MINUTES = timedelta(minutes=5)
_Line = tuple[str, str, int]

_PREAMBLE = """\
Vandportalen - opdigtede data fra publisher demo (made up)
Lokalitet:;38.05 Ribe Å, Kammerslusen indvendig
Tidsserie:;Vandstand
Drives af Esbjerg Kommune
Dataperiode:;{first} - {last} ( UTC +01:00:00 )
Vandstandsskala nulpunkt kote:;-0.07 m DVR90
ks mrk.:;0= ikke-korrigerede data (rådata)
;1= data udtyndet for outliers
;2= kvalitetskontrolleret data
Udtræksdato: ;{made}

Ingen kan drages til ansvar for målingernes rigtighed: de er opdigtede.

Dato (DK normaltid);Vandstand (m DVR90);ks mrk.
"""


@dataclass
class WaterLevel:
    """Drops exports into a folder; the newest hours come again in each of them."""

    seed: int
    inbox: Path
    books: Books = field(
        default_factory=no_books(
            "vandstand-ribe", "observations", "station", "observed_at", "level", "quality"
        )
    )
    _exports: int = 0
    _mending: bool = False
    _revised: set[datetime] = field(default_factory=set)

    def deliver(self, moment: datetime) -> Expected:
        """Export the last hours, with a few rows that cannot be right."""
        first = not self._exports
        times = _times(moment, hours=24 if first else 6)
        if self._mending:
            self._revised.add(times[len(times) // 2])  # a correction that comes late
        bad: list[_Line] = [(_stamp(times[-4]), "0.111", 0)]  # a time that comes twice
        if first:
            bad += [(_stamp(times[-1]), "99.999", 0), (_stamp(times[-2]), "fejl", 0)]
        good: dict[Key, Values] = {}
        lines: list[_Line] = []
        for time in times[:-2] if first else times:
            level, quality = self._reading(time)
            good["38.05", time] = (level, quality)
            lines.append((_stamp(time), f"{level:.3f}", quality))
        self._write(moment, times, lines + bad)
        self._mending = False
        return self.books.enter(good, bad=len(bad))

    def deliver_stuck(self, moment: datetime) -> Expected:
        """Export what a sensor writes that is stuck at its end: nearly every row is wrong."""
        times = _times(moment, hours=6)
        self._write(moment, times, [(_stamp(time), "99.999", 0) for time in times])
        self._mending = True
        return Expected(self.books.ref, "held", code="too-many-bad")

    def _reading(self, time: datetime) -> tuple[float, int]:
        hours = time.timestamp() / 3600
        level = 0.45 + 0.9 * math.sin(math.tau * hours / 12.42)
        level += 0.03 * noise(self.seed, "level", time) + (0.015 if time in self._revised else 0)
        return (round(level, 3), 2 if time in self._revised else 0)

    def _write(self, moment: datetime, times: list[datetime], lines: list[_Line]) -> None:
        if not self._mending:
            self._exports += 1
        head = _PREAMBLE.format(first=_stamp(times[0]), last=_stamp(times[-1]), made=_stamp(moment))
        text = head.replace("\n", "\r\n") + csv_lines(lines, ";")
        path = self.inbox / f"ribe-{self._exports:05}.csv"
        written = path.with_suffix(".part")
        written.write_bytes(text.encode("windows-1252"))
        written.rename(path)
        (self.inbox / f"ribe-{self._exports - 20:05}.csv").unlink(missing_ok=True)


_ROUTE_LABELS = (
    *("_id", "REPORT_NAME", "REPORT_ID", "ORGANISATION", "RBA_ID"),
    *("POINT_1_NAME", "POINT_1_LAT", "POINT_1_LNG", "POINT_1_STREET", "POINT_1_STREET_NUMBER"),
    *("POINT_1_POSTAL_CODE", "POINT_1_COUNTRY"),
    *("POINT_2_NAME", "POINT_2_LAT", "POINT_2_LNG", "POINT_2_STREET_NUMBER"),
    *("POINT_2_POSTAL_CODE", "POINT_2_CITY", "POINT_2_COUNTRY"),
    *("DURATION_IN_SEC", "DISTANCE_IN_METERS", "NDT_IN_KMH", "ROAD_TYPE"),
    *("POINT_1_CITY", "POINT_2_STREET"),
)
_OBSERVATION_LABELS = (
    *("_id", "REPORT_ID", "TIMESTAMP", "status"),
    *("avgMeasuredTime", "medianMeasuredTime", "vehicleCount", "avgSpeed"),
)


@dataclass
class Traffic:
    """Two CSV files over HTTP: the routes, and the newest measurement of each."""

    seed: int
    routes: Books = field(
        default_factory=no_books("trafik-aarhus", "routes", "route", "name", "duration", "distance")
    )
    books: Books = field(
        default_factory=no_books(
            *("trafik-aarhus", "observations", "route", "observed_at", "status"),
            *("average_time", "median_time", "vehicles", "average_speed"),
        )
    )
    _known: list[int] = field(default_factory=lambda: list(range(900001, 900041)))
    _new_route: int = 990001
    _waiting: dict[Key, Values] = field(default_factory=dict)

    def deliver_routes(self) -> tuple[bytes, Expected]:
        rows = [self._route(number, route) for number, route in enumerate(self._known, 1)]
        text = csv_lines([_ROUTE_LABELS, *rows], ",")
        good: dict[Key, Values] = {(str(row[2]),): (row[1], row[19], row[20]) for row in rows}
        return text.encode(), self.routes.enter(good)

    def add_route(self) -> None:
        """Tell of the route whose measurements were refused so far; they are good from now on."""
        self._known.append(self._new_route)
        self.books.release(self._waiting)
        self._waiting.clear()

    def deliver(self, moment: datetime) -> tuple[bytes, Expected]:
        """Give each route's newest measurement: one cell is no number, one route is unknown."""
        local = moment.astimezone(_LOCAL_TIME).strftime("%Y-%m-%dT%H:%M:%S")
        good: dict[Key, Values] = {}
        lines: list[list[object]] = []
        broken = self._known[int(moment.timestamp() / 900) % 40]
        for route in dict.fromkeys([*self._known, self._new_route]):
            values = self._measurement(route, moment)
            cells: list[object] = [len(lines) + 1, route, local, *values]
            key = (str(route), moment)
            if route == broken:
                cells[6] = "mange"
            elif route in self._known:
                good[key] = values
            else:
                self._waiting[key] = values
            lines.append(cells)
        text = csv_lines([_OBSERVATION_LABELS, *lines], ",")
        return text.encode(), self.books.enter(good, bad=len(lines) - len(good))

    def _measurement(self, route: int, moment: datetime) -> Values:
        luck = noise(self.seed, "traffic", route, moment)
        seconds = 40 + int(160 * luck)
        return ("OK", seconds, seconds - 2, int(30 * luck), 65 - int(40 * luck))

    def _route(self, number: int, route: int) -> list[object]:
        lat, lng = (56.1 + 0.1 * noise(self.seed, "lat", route), 10.1 + noise(self.seed, route) / 9)
        ends = [f"Opdigtet {number}", round(lat, 6), round(lng, 6)]
        return [
            number, f"Opdigtet strækning {number}", route, "publisher demo", number, *ends,
            "Opdigtet Allé", number, "8000", "Denmark", f"Opdigtet {number + 1}", *ends[1:],
            number, "8000", "Aarhus", "Denmark", 60, 800, 50, "STREET", "Aarhus", "Opdigtet Vej",
        ]  # fmt: skip


@dataclass
class IndoorClimate:
    """An OS2iot share: the latest message of each device, some of which cannot be decoded."""

    seed: int
    books: Books = field(
        default_factory=no_books(
            *("indeklima-skoler", "observations", "device", "observed_at"),
            *("temperature", "humidity", "co2"),
        )
    )
    devices: int = 16

    def deliver(self, moment: datetime) -> tuple[bytes, Expected]:
        undecodable = int(moment.timestamp() / 900) % self.devices
        elements: list[dict[str, object]] = []
        good: dict[Key, Values] = {}
        for number in range(self.devices):
            if number == undecodable:
                elements.append({"error": f"Could not decode data for device({number})"})
                continue
            name = f"opdigtet-elsys-{number + 1:02}"
            time = moment - timedelta(seconds=7 * number)
            luck = noise(self.seed, "climate", number, time)
            values = (round(19 + 5 * luck, 1), int(30 + 30 * luck), int(450 + 900 * luck))
            good[name, time] = values
            elements.append(
                {
                    "id": name,
                    "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "location": {"type": "Point", "coordinates": [10.4 + number / 100, 56.3]},
                    **dict(zip(("temperature", "humidity", "co2"), values, strict=True)),
                }
            )
        return orjson.dumps(elements), self.books.enter(good, bad=1)


@dataclass
class Parking:
    """CKAN's answer to a search: the records stand inside the document, in local time."""

    seed: int
    books: Books = field(
        default_factory=no_books(
            "parkering-aarhus", "occupancy", "garage", "observed_at", "vehicles", "spaces"
        )
    )
    garages: int = 12

    def deliver(self, moment: datetime) -> tuple[bytes, Expected]:
        """Give the newest count of each car park; one has counted more cars out than in."""
        broken = int(moment.timestamp() / 900) % self.garages
        records: list[dict[str, object]] = []
        good: dict[Key, Values] = {}
        for number in range(self.garages):
            name, spaces = f"OPDIGTET{number + 1:02}", 100 + 50 * number
            vehicles = int(spaces * noise(self.seed, "parking", number, moment))
            if number == broken:
                vehicles = -3
            else:
                good[name, moment] = (vehicles, spaces)
            records.append(
                {
                    "_id": number + 1,
                    "date": moment.astimezone(_LOCAL_TIME).strftime("%Y/%m/%d %H:%M:%S"),
                    "garageCode": name,
                    "vehicleCount": vehicles,
                    "totalSpaces": spaces,
                }
            )
        body = {
            "help": "Made up by publisher demo",
            "success": True,
            "result": {"records": records},
        }
        return orjson.dumps(body), self.books.enter(good, bad=1)


def _times(moment: datetime, *, hours: int) -> list[datetime]:
    return [moment - _FIVE_MINUTES * back for back in range(hours * 12 - 1, -1, -1)]


def _stamp(time: datetime) -> str:
    return time.astimezone(_NORMAL_TIME).strftime("%d-%m-%Y %H:%M")
