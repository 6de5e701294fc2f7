"""The catalog as DCAT over HTTP: three ways to write one graph, valid, paged, remembered."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from answering import Server, catalog_of, published
from publishing import ODD_ROWS, START, House, open_house
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import DCAT, DCTERMS, RDF
from shapes import OURS, faults, official
from storing import Desk, entry, opened

from publisher.api import Parts, create_app
from publisher.engine import Connection
from publisher.model.catalog import Catalog, CkanTarget
from publisher.settings import Settings

BASE = "https://data.example.org"
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
DATASET = URIRef(f"{BASE}/v1/datasets/vand")
FULL: dict[str, Any] = {
    "translations": {"en": {"title": "Water level", "description": "Made up."}},
    "keywords": ["vand", "å/bæk", "vej, sti", "a", "50%"],
    "hvdCategories": ["meteorological", "c_3af3368c"],
    "spatial": {"uri": ["https://sws.geonames.org/2612225/", "intet sted"], "title": "Ribe"},
    "temporal": {"start": "2020-01-01"},
    "contactPoint": {"name": "Vandvagten", "email": "vand@example.org"},
    "conformsTo": ["https://example.org/standard"],
    "provenance": "Målt hvert 10. minut.",
    "rights": "Må bruges frit.",
    "version": "1.0",
}
BOX = {"spatial": {**FULL["spatial"], "bbox": [8.5, 55.2, 8.9, 55.4]}}
MEDIA = {"ttl": "text/turtle", "jsonld": "application/ld+json", "rdf": "application/rdf+xml"}
# rdflib's own, at every reading of JSON-LD
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
PARSED = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml"}
Client = TestClient[Any, Any]


@asynccontextmanager
async def serving(
    parts: Any, catalog: Any, *, public_url: str | None = BASE
) -> AsyncIterator[Client]:
    settings = parts.settings.model_copy(update={"public_url": public_url})
    app = create_app(
        Parts(settings=settings, engine=parts.engine, store=parts.store, catalog=catalog)
    )
    async with TestClient(Server(app)) as client:
        yield client


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, facts=FULL | BOX) as opened_:
        await opened_.commit(ODD_ROWS)
        await opened_.outbox.publish("vand")
        yield opened_


@pytest.fixture
async def client(house: House) -> AsyncIterator[Client]:
    async with serving(house, lambda: house.catalog) as serving_:
        yield serving_


async def graph(client: Client, path: str) -> Graph:
    answer = await client.get(path)
    assert answer.status == 200, await answer.text()
    form = path.partition("?")[0].rpartition(".")[2]
    assert answer.content_type == MEDIA[form]
    return Graph().parse(data=await answer.read(), format=PARSED[form])


@pytest.mark.parametrize("place", ["/catalog", "/catalog/vand"])
async def test_three_ways_to_write_are_one_graph(client: Client, place: str) -> None:
    graphs = [await graph(client, f"{place}.{form}?profile=dcat-ap") for form in MEDIA]
    assert len(graphs[0]) > 100
    # Pages name themselves and their neighbours by their own address
    for each in graphs:
        for node in list(each.subjects(RDF.type, HYDRA.PagedCollection)):
            each.remove((node, None, None))
    assert isomorphic(graphs[0], graphs[1])
    assert isomorphic(graphs[0], graphs[2])


@pytest.mark.parametrize("shapes", [OURS, *official()], ids=lambda path: path.name)
async def test_a_full_dataset_is_valid_without_a_warning(client: Client, shapes: Path) -> None:
    for place in ("/catalog.ttl", "/catalog/vand.ttl"):
        found = await graph(client, place)
        assert len(list(found.subjects(RDF.type, DCAT.Distribution))) == 3
        assert faults(found, shapes) == []
    if "-dk-" not in shapes.name:  # it wants sizes as decimals, and SHA-1
        assert faults(await graph(client, "/catalog.ttl?profile=dcat-ap"), shapes) == []


async def test_what_the_steward_wrote_is_told(house: House, client: Client) -> None:
    found = await graph(client, "/catalog.ttl?profile=dcat-ap")
    said = {str(word) for word in found.objects(DATASET, DCAT.keyword)}
    assert said == {"vand", "å bæk", "vej sti", "50"}
    assert set(found.objects(DATASET, DCTERMS.title)) == {
        Literal("Vandstand i åen", lang="da"),
        Literal("Water level", lang="en"),
    }
    [period] = found.objects(DATASET, DCTERMS.temporal)
    assert str(found.value(period, DCAT.startDate)) == "2020-01-01T00:00:00+00:00"
    assert found.value(period, DCAT.endDate) is None
    places = set(found.objects(DATASET, DCTERMS.spatial))
    assert {it for it in places if isinstance(it, URIRef)} == {URIRef(FULL["spatial"]["uri"][0])}
    [box] = [str(it) for place in places for it in found.objects(place, DCAT.bbox)]
    assert box == "POLYGON((8.5 55.2, 8.9 55.2, 8.9 55.4, 8.5 55.4, 8.5 55.2))"
    csv = URIRef(f"{DATASET}#levels-csv")
    assert found.value(csv, DCAT.downloadURL) == URIRef(f"{BASE}/published/vand/levels.csv")
    size = (house.published / "levels.csv").stat().st_size
    assert int(str(found.value(csv, DCAT.byteSize))) == size


async def test_danish_comes_first_however_it_is_written(client: Client) -> None:
    for form in MEDIA:
        text = await (await client.get(f"/catalog/vand.{form}")).text()
        assert 0 < text.index("Vandstand i åen") < text.index("Water level"), form


async def test_where_it_stands_at_ckan_is_told(tmp_path: Path) -> None:
    site = {"type": "ckan", "url": "https://ckan.example.org"}
    async with open_house(
        tmp_path,
        publish={"access": "public", "targets": ["folder", "site"]},
        targets={"site": CkanTarget.model_validate(site)},
        facts=BOX,
    ) as house:
        await house.commit(ODD_ROWS)
        resource = {"id": "r", "url": "https://ckan.example.org/dataset/vand/resource/r"}

        def record(con: Connection) -> None:
            house.store.record_published(
                con,
                "vand",
                "site",
                versions={"levels": 1},
                fingerprint="",
                remote={
                    "id": "d",
                    "url": "https://ckan.example.org/dataset/vand",
                    "resources": {"levels": resource},
                },
            )

        async with serving(house, lambda: house.catalog) as client:
            before = (await client.get("/catalog.ttl")).headers["ETag"]
            await house.engine.run(record)
            assert (await client.get("/catalog.ttl")).headers["ETag"] != before
            found = await graph(client, "/catalog.ttl")
        [way] = found.subjects(DCAT.accessURL, URIRef(resource["url"]))
        assert (DATASET, DCAT.distribution, way) in found
        assert found.value(DATASET, DCAT.landingPage) == URIRef(
            "https://ckan.example.org/dataset/vand"
        )
        assert faults(found, OURS) == []


async def test_who_holds_the_catalog_is_told_when_it_changes(house: House, client: Client) -> None:
    first = await client.get("/catalog.ttl")
    tag = {"If-None-Match": first.headers["ETag"]}
    assert (await client.get("/catalog.ttl", headers=tag)).status == 304
    assert (await client.get("/catalog.rdf", headers=tag)).status == 200
    assert (await client.get("/catalog.ttl?profile=dcat-ap", headers=tag)).status == 200
    async with serving(house, lambda: house.catalog) as another:
        assert await (await another.get("/catalog.ttl")).read() == await first.read()
    await house.commit([(*ODD_ROWS[0][:1], START.replace(year=2027), *ODD_ROWS[0][2:])])
    changed = await client.get("/catalog.ttl", headers=tag)
    assert changed.status == 200
    tag = {"If-None-Match": changed.headers["ETag"]}
    house.facts = {**house.facts, "rights": "Noget andet."}
    house.describe()
    changed = await client.get("/catalog.ttl", headers=tag)
    assert changed.status == 200
    assert "Noget andet." in await changed.text()


async def test_drafts_and_datasets_without_rows_are_left_out(house: House, client: Client) -> None:
    house.publish = {}
    house.describe()
    assert list((await graph(client, "/catalog.ttl")).subjects(RDF.type, DCAT.Dataset)) == []
    assert (await client.get("/catalog/vand.ttl")).status == 404
    house.publish = {"access": "public"}
    house.name = "tom"
    house.describe()
    answer = await client.get("/catalog/tom.ttl")
    assert (answer.status, (await answer.json())["code"]) == (404, "dataset-without-rows")
    assert list((await graph(client, "/catalog.ttl")).subjects(RDF.type, DCAT.Dataset)) == []


async def test_without_a_public_url_addresses_are_the_requests_own(house: House) -> None:
    async with serving(house, lambda: house.catalog, public_url=None) as client:
        answer = await client.get("/catalog.ttl", headers={"Host": "catalog.example:8080"})
        found = Graph().parse(data=await answer.read(), format="turtle")
    assert (
        URIRef("http://catalog.example:8080/v1/datasets/vand"),
        RDF.type,
        DCAT.Dataset,
    ) in found


@pytest.mark.blocks_loop("a traceback is drawn on the terminal")
async def test_a_dataset_that_cannot_be_told_of_is_left_out(house: House, client: Client) -> None:
    (house.published / "datapackage.json").write_text('{"resources": [{"name": "levels"}]}')
    answer = await client.get("/catalog.ttl")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "ETag" not in answer.headers
    found = Graph().parse(data=await answer.read(), format="turtle")
    assert list(found.objects(None, DCAT.dataset)) == []
    assert list(found.subjects(RDF.type, DCAT.Catalog)) == [URIRef(f"{BASE}/catalog")]
    assert (await (await client.get("/v1/datasets/vand")).json())["mqa"] is None


async def test_the_score_is_told_with_what_lacks(house: House, client: Client) -> None:
    house.facts = FULL
    house.describe()
    best = (await (await client.get("/v1/datasets/vand")).json())["mqa"]
    assert best == {"score": 405, "of": 405, "rating": "excellent", "missing": []}
    house.facts = {}
    house.describe()
    told = await (await client.get("/v1/datasets/vand", headers={"Accept-Language": "da"})).json()
    assert told["mqa"]["rating"] == "excellent"
    assert {it["property"]: it["points"] for it in told["mqa"]["missing"]} == {
        "spatial": 20,
        "rights": 5,
    }
    assert told["mqa"]["score"] == told["mqa"]["of"] - 25
    assert "Skriv `spatial`" in told["mqa"]["missing"][0]["remedy"]


@pytest.fixture
def many(tmp_path: Path) -> Iterator[tuple[Desk, Catalog]]:
    """101 datasets, one row each."""
    with opened(tmp_path) as desk:
        entries = [published(entry(name=f"d{number:03}"), title="Tal") for number in range(101)]
        for it in entries:
            desk.commit(it, [("A", START, 1.0)])
        yield desk, catalog_of(*entries)


async def test_pages_are_followed_like_a_harvester_does(
    many: tuple[Desk, Catalog], tmp_path: Path
) -> None:
    desk, catalog = many
    desk_parts = Parts(Settings(data=tmp_path), desk.engine, desk.store, lambda: catalog)
    async with serving(desk_parts, lambda: catalog) as client:
        seen: list[str] = []
        following: str | None = "/catalog.rdf"
        while following is not None:
            found = await graph(client, following)
            [page] = found.subjects(RDF.type, HYDRA.PagedCollection)
            assert int(str(found.value(page, HYDRA.totalItems))) == 101
            assert str(found.value(page, HYDRA.last)) == f"{BASE}/catalog.rdf?page=2"
            seen += map(str, found.subjects(RDF.type, DCAT.Dataset))
            after = found.value(page, HYDRA.next)
            following = str(after).removeprefix(BASE) if after else None
        assert sorted(seen) == [f"{BASE}/v1/datasets/d{number:03}" for number in range(101)]
        answer = await client.get("/catalog.rdf?page=3")
        assert (answer.status, (await answer.json())["code"]) == (404, "page-not-found")
        for query in ("page=0", "page=x", "profile=dcat"):
            assert (await client.get(f"/catalog.rdf?{query}")).status == 400
