"""A real ckanext-dcat harvester reads the feed: every dataset arrives, and goes when it is gone."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from ckan_site import call, forget_feed, harvest
from publishing import ODD_ROWS, House, open_house, together
from support import CkanSite
from test_dcat import BOX, FULL, serving

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
    found = []
    for name, facts in zip(names, ODD, strict=True):
        house.name, house.facts = name, dict(facts)
        house.describe()
        await house.commit(ODD_ROWS)
        found.append(house.catalog)
    return together(found)


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
            kept = {ref: it for ref, it in catalog.entries.items() if ref.dataset in left}
            shown["catalog"] = replace(catalog, datasets=left, entries=kept)
            again = await asyncio.to_thread(harvest, harvester, feed, media_type)
            assert again["errors"] == []
            gone = [it["package"] for it in again["objects"] if it["status"] == "deleted"]
            assert [package["state"] for package in gone] == ["deleted"]
        finally:
            await asyncio.to_thread(forget_feed, harvester, feed)


async def test_what_a_dataset_tells_stands_where_ckan_has_it(
    harvester: CkanSite, tmp_path: Path
) -> None:
    async with (
        open_house(tmp_path, facts=FULL | BOX) as house,
        serving(house, lambda: house.catalog, public_url=None) as client,
    ):
        await house.commit(ODD_ROWS)
        await house.outbox.publish("vand")
        base = str(client.make_url("")).rstrip("/")
        feed = f"{base}/catalog.ttl?profile=dcat-ap"
        try:
            [found] = (await asyncio.to_thread(harvest, harvester, feed))["objects"]
            package = await asyncio.to_thread(
                call, harvester, "package_show", id=found["package"]["id"]
            )
        finally:
            await asyncio.to_thread(forget_feed, harvester, feed)
        size = (house.published / "levels.csv").stat().st_size
    assert package["license_id"] == "cc-by"
    assert {tag["name"] for tag in package["tags"]} == {"vand", "å bæk", "vej sti", "50"}
    told = {extra["key"]: extra["value"] for extra in package["extras"]}
    assert told["uri"] == f"{base}/v1/datasets/vand"
    assert told["spatial_uri"] == FULL["spatial"]["uri"][0]
    assert json.loads(told["spatial_bbox"])["coordinates"][0][0] == [8.5, 55.2]
    assert told["temporal_start"] == "2020-01-01T00:00:00+00:00"
    assert told["contact_email"] == "vand@example.org"
    assert len(json.loads(told["hvd_category"])) == 2
    ways = {it["url"]: it for it in package["resources"]}
    assert {url: it["format"] for url, it in ways.items()} == {
        f"{base}/v1/datasets/vand/levels/rows": "JSON",
        f"{base}/published/vand/levels.csv": "CSV",
        f"{base}/published/vand/levels.parquet": "PARQUET",
    }
    csv = ways[f"{base}/published/vand/levels.csv"]
    assert (csv["size"], len(csv["hash"])) == (size, 64)
