"""A real ckanext-dcat harvester reads the feed: every dataset arrives, and goes when it is gone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from ckan_site import forget_feed, harvest
from publishing import ODD_ROWS, House, open_house
from support import CkanSite

from publisher.api.app import create_app
from publisher.api.parts import Parts
from publisher.model.catalog import Catalog
from publisher.settings import Settings

ODD: list[dict[str, Any]] = [
    {},
    {"description": None, "keywords": ["æ/ø,å", "x", "sø 1"], "licenses": []},
    {"title": 'Æøå "<&>"', "translations": {"en": {"title": "Odd & ends"}}, "themes": []},
    {
        "hvdCategories": ["meteorological"],
        "temporal": {"start": "2020-01-01", "end": "2020-12-31"},
        "spatial": {"bbox": [8, 54, 13, 58], "uri": ["https://sws.geonames.org/2612225/"]},
        "contactPoint": {"name": "Vandgruppen", "email": "vand@example.org"},
    },
]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


async def fill(house: House, names: list[str]) -> Catalog:
    """Commit a dataset of each kind, and give the catalog of them all."""
    entries: dict[Any, Any] = {}
    datasets: dict[str, Any] = {}
    for name, facts in zip(names, ODD, strict=True):
        house.name, house.facts = name, dict(facts)
        house.describe()
        await house.commit(ODD_ROWS)
        entries |= house.catalog.entries
        datasets |= house.catalog.datasets
    last = house.catalog
    return Catalog(
        datasets=datasets,
        schemas=last.schemas,
        organizations=last.organizations,
        targets=last.targets,
        entries=entries,
    )


@pytest.mark.parametrize(
    ("form", "media_type"),
    [("ttl", "text/turtle"), ("rdf", "application/rdf+xml"), ("jsonld", "application/ld+json")],
)
async def test_every_dataset_arrives_and_goes(
    house: House, harvester: CkanSite, form: str, media_type: str
) -> None:
    names = [f"hostes-{form}-{n}" for n in range(len(ODD))]
    catalog = await fill(house, names)
    shown = {"catalog": catalog}
    parts = Parts(
        settings=Settings(data=house.settings.data),
        engine=house.engine,
        store=house.store,
        catalog=lambda: shown["catalog"],
    )
    async with TestServer(create_app(parts), host="127.0.0.1") as server:
        feed = str(server.make_url(f"/catalog.{form}"))
        try:
            first = await asyncio.to_thread(harvest, harvester, feed, media_type)
            assert (first["errors"], [it["errors"] for it in first["objects"]]) == (
                [],
                [[]] * len(names),
            )
            assert {it["status"] for it in first["objects"]} == {"added"}
            titles = sorted(it["package"]["title"] for it in first["objects"])
            # This site is English, and its harvester takes the title of its own language
            assert titles == sorted(
                it.translations["en"].title if it.translations else it.title
                for it in catalog.datasets.values()
            )
            left = {name: it for name, it in catalog.datasets.items() if name != names[0]}
            shown["catalog"] = Catalog(
                datasets=left,
                schemas=catalog.schemas,
                organizations=catalog.organizations,
                targets=catalog.targets,
                entries={ref: it for ref, it in catalog.entries.items() if ref.dataset in left},
            )
            again = await asyncio.to_thread(harvest, harvester, feed, media_type)
            assert again["errors"] == []
            gone = [it["package"] for it in again["objects"] if it["status"] == "deleted"]
            assert [package["state"] for package in gone] == ["deleted"]
        finally:
            await asyncio.to_thread(forget_feed, harvester, feed)
