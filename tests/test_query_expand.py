"""A foreign key is followed: the other table's fields stand beside the row's own."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest_asyncio
from answering import River, Site, answering, catalog_of, published
from storing import entry, opened

STATIONS: dict[str, Any] = {
    "name": "stations",
    "version": "1.0.0",
    "fields": [
        {"name": "id"},
        {"name": "name"},
        {"name": "lon", "type": "number", "role": "longitude"},
        {"name": "lat", "type": "number", "role": "latitude"},
        {"name": "since", "type": "datetime", "role": "time"},
        {"name": "keeper", "personal": True},
    ],
    "primaryKey": "id",
}
LEVELS: dict[str, Any] = {
    "name": "levels",
    "version": "1.0.0",
    "fields": [
        {"name": "station", "role": "entity"},
        {"name": "at", "type": "datetime", "role": "time"},
        {"name": "level", "type": "number"},
    ],
    "primaryKey": ["station", "at"],
    "foreignKeys": [
        {"fields": "station", "reference": {"resource": "places/stations", "fields": "id"}}
    ],
}


class Places:
    """A table of levels, and one of stations in another dataset; all made up."""

    def __init__(self, store: River) -> None:
        self.desk = store.desk
        self.levels = store.river
        self.stations = published(entry(STATIONS, name="places", table="stations"))
        self.hidden = False

    def catalog(self) -> Any:
        stations = self.stations
        if self.hidden:
            stations = published(stations, access=None)
        return catalog_of(self.levels, stations)

    def stand(self, *rows: tuple[Any, ...]) -> None:
        self.desk.commit(self.stations, [(*row, None, "Karen") for row in rows])

    def measure(self, *rows: tuple[Any, ...]) -> None:
        self.desk.commit(
            self.levels, [(name, datetime(2026, 1, 1, hour), level) for name, hour, level in rows]
        )


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[tuple[Site, Places]]:
    levels = published(entry(LEVELS, name="river"))
    with opened(tmp_path / "store") as desk:
        places = Places(River(desk, levels, levels, levels))
        places.measure(("A", 0, 1.0), ("A", 1, 2.0), ("B", 0, 3.0), ("C", 0, 4.0))
        places.stand(("A", "Ålen", 10.0, 56.0), ("B", "Broen", 11.0, 57.0))
        async with answering(
            River(desk, levels, levels, levels), tmp_path / "data", catalog=places.catalog
        ) as found:
            yield found, places


async def test_fields_of_the_other_table_are_shown_and_asked_for(site: Any) -> None:
    here, _ = site
    [row, *_] = (await here.rows("?expand=station"))["data"]
    assert row == {
        "station": "A",
        "at": "2026-01-01T00:00:00Z",
        "level": 1.0,
        "station.id": "A",
        "station.name": "Ålen",
        "station.lon": 10.0,
        "station.lat": 56.0,
        "station.since": None,
    }
    for query, levels in (
        ("station.name=Broen", [3.0]),
        ("station.name__isnull=true", [4.0]),
        ("bbox=9,55,10.5,56.5", [1.0, 2.0]),
        ("near=11,57,10", [3.0]),
        ("filter=station.name LIKE 'Å%' AND level > 1", [2.0]),
        ("sort=-station.name", [1.0, 2.0, 3.0, 4.0]),
    ):
        found = await here.rows(f"?expand=station&select=level&{quote(query, safe='=&,')}")
        assert [it["level"] for it in found["data"]] == levels, query
    means = await here.get(
        "datasets/river/levels/aggregate?expand=station&by=station.name&agg=level:max"
    )
    assert {it["station.name"]: it["level_max"] for it in means["data"]} == {
        "Broen": 3.0,
        "Ålen": 2.0,
        None: 4.0,
    }
    features = await here.rows("?expand=station&f=geojson&limit=1")
    assert features["features"][0]["geometry"]["coordinates"] == [10.0, 56.0]
    latest = await here.get("datasets/river/levels/latest?expand=station&select=station.name,level")
    assert [it["level"] for it in latest["data"]] == [2.0, 3.0, 4.0]
    export = await here.client.get("/v1/datasets/river/levels/export?expand=station&f=csv")
    assert b"\xc3\x85len" in await export.read()


async def test_pages_and_versions_stay_what_they_were(site: Any) -> None:
    here, places = site
    page = await here.rows("?expand=station&limit=1&select=station.name")
    places.stand(("A", "Åen", 10.0, 56.0), ("B", "Broen", 11.0, 57.0))
    following = await here.get(page["next"])
    assert following["data"] == [{"station.name": "Ålen"}]
    now = await here.rows("?expand=station&limit=1&select=station.name")
    assert now["data"] == [{"station.name": "Åen"}]
    fixed = "?expand=station&limit=1&select=station.name&version=1"
    assert (await here.rows(fixed))["data"] == [{"station.name": "Ålen"}]
    places.measure(("D", 0, 5.0))
    later = await here.rows(fixed.replace("version=1", "version=2"))
    assert later["data"] == [{"station.name": "Åen"}]


async def test_what_may_not_be_shown_is_not_followed(site: Any) -> None:
    here, places = site
    for query, code in (
        ("expand=level", "unknown-field"),
        ("expand=station,station", "name-twice"),
        ("expand=station&select=station.keeper", "unknown-field-near"),
        ("expand=station&changed_since=0", "expand-and-since"),
        ("station.name=x", "unknown-parameter"),
    ):
        problem = await here.rows(f"?{query}", status=400)
        assert problem["code"].startswith(code), query
    places.hidden = True
    assert (await here.rows("?expand=station", status=400))["code"] == "unknown-field"


async def test_a_table_that_has_no_row_yet_has_nothing_to_show(tmp_path: Path) -> None:
    levels = published(entry(LEVELS, name="river"))
    with opened(tmp_path / "store") as desk:
        river = River(desk, levels, levels, levels)
        places = Places(river)
        places.measure(("A", 0, 1.0))
        async with answering(river, tmp_path / "data", catalog=places.catalog) as here:
            found = await here.rows("?expand=station&select=level,station.since,station.lon")
            assert found["data"] == [{"level": 1.0, "station.since": None, "station.lon": None}]
            assert (await here.rows("?expand=station&bbox=9,55,12,58"))["data"] == []
