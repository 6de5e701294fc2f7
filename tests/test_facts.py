"""What is told of a dataset besides its rows: extents from the data, links, texts."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from publishing import ODD_ROWS, House, open_house

from publisher.targets.dcat.feed import Feed, Shape
from publisher.targets.extents import Box, Extents, Span
from publisher.targets.facts import DatasetFacts, Links, dataset_facts
from publisher.targets.snapshot import Snapshot

PLACES: dict[str, Any] = {
    "name": "places",
    "version": "2.0.0",
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "lon", "type": "number", "role": "longitude"},
        {"name": "lat", "type": "number", "role": "latitude"},
        {"name": "day", "type": "date", "role": "time"},
    ],
    "primaryKey": "id",
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


async def facts(
    house: House,
    public_url: str | None = "https://data.example.org",
    extents: Extents | None = None,
) -> DatasetFacts:
    snapshot = await Snapshot.pin(
        house.engine, house.store, house.catalog, house.name, work=house.settings.work_path
    )
    return await dataset_facts(
        snapshot, Links(public_url, house.settings.published_path), extents or Extents()
    )


async def turtle(house: House, feed: Feed) -> str:
    shape = Shape("https://data.example.org", "ttl", files=False)
    text, whole = await feed.text(await feed.plan_dataset(house.catalog, shape, house.name))
    assert whole
    return text.decode()


async def test_extents_come_from_the_data_and_a_stated_one_wins(house: House) -> None:
    house.schemas = {"places": PLACES}
    house.describe()
    day = datetime(2026, 1, 2).date()
    await house.commit(
        [(1, 10.5, 56.3, day), (2, 10.7, 56.1, None), (3, 444.0, 56.2, day)], "places"
    )
    found = await facts(house)
    assert found.box == Box(10.5, 56.1, 10.7, 56.3)
    assert found.span == Span(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    house.facts = {
        "spatial": {"bbox": [8, 54, 13, 58]},
        "temporal": {"start": "2020-01-01", "end": "2020-12-31"},
    }
    house.describe()
    stated = await facts(house)
    assert stated.box == Box(8, 54, 13, 58)
    assert stated.span is not None
    assert stated.span.start == datetime(2020, 1, 1, tzinfo=UTC)
    assert stated.tables[0].box == Box(10.5, 56.1, 10.7, 56.3)


async def test_a_place_that_became_personal_is_told_no_more(house: House) -> None:
    """There is no new version, and what remembers the old one's extent is asked again."""
    house.schemas = {"places": PLACES}
    house.describe()
    await house.commit([(1, 8.76123, 55.33123, datetime(2026, 1, 2).date())], "places")
    extents = Extents()
    feed = Feed(house.settings, house.engine, house.store)
    assert "8.76123" in await turtle(house, feed)
    assert (await facts(house, extents=extents)).box == Box(8.76123, 55.33123, 8.76123, 55.33123)
    hidden = [
        {**field, "personal": True} if field["name"] in {"lon", "day"} else field
        for field in PLACES["fields"]
    ]
    house.schemas = {"places": {**PLACES, "fields": hidden}}
    house.describe()
    found = await facts(house, extents=extents)
    assert (found.box, found.span) == (None, None)
    assert "8.76123" not in await turtle(house, feed)


async def test_a_time_without_an_end_has_none_whenever_it_is_asked(house: House) -> None:
    house.facts = {"temporal": {"start": "2020-01-01"}}
    house.describe()
    await house.commit(ODD_ROWS)
    found = await facts(house)
    assert found.span == Span(datetime(2020, 1, 1, tzinfo=UTC), None)


async def test_links_lead_to_the_api_and_to_the_bulk_files(house: House) -> None:
    await house.commit(ODD_ROWS)
    [table] = (await facts(house)).tables
    assert [it.bytes for it in table.downloads] == [None, None]
    await house.outbox.publish(house.name)
    found = await facts(house)
    [table] = found.tables
    base = "https://data.example.org"
    assert (found.url, table.rows) == (
        f"{base}/v1/datasets/vand",
        f"{base}/v1/datasets/vand/levels/rows",
    )
    assert table.schema_url == f"{base}/v1/schemas/water@1.2.0"
    assert [(it.format, it.url) for it in table.downloads] == [
        ("csv", f"{base}/published/vand/levels.csv"),
        ("parquet", f"{base}/published/vand/levels.parquet"),
    ]
    for it in table.downloads:
        assert it.bytes == (house.published / Path(it.url).name).stat().st_size
    unlinked = await facts(house, public_url=None)
    assert (unlinked.url, unlinked.tables[0].rows, unlinked.tables[0].downloads) == (None, None, ())


async def test_texts_in_another_language_are_only_those_that_are_translated(house: House) -> None:
    house.facts = {"translations": {"en": {"title": "Water level"}}}
    house.describe()
    await house.commit(ODD_ROWS)
    found = await facts(house)
    assert found.languages == ("da", "en")
    assert (found.title("da"), found.title("en")) == ("Vandstand i åen", "Water level")
    assert (found.description("da"), found.description("en")) == ("Made-up levels.", None)
    assert (found.contact.name, found.contact.email) == ("Esbjerg Kommune", "data@example.org")
    assert found.tables[0].license["name"] == "CC-BY-4.0"
