"""The API's own description is valid, complete, and what the answers look like."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from answering import River, Site, answering, catalog_of, river_store
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from scale import FULL, scale
from support import PROJECT

from publisher.api import Parts, create_app
from publisher.api.openapi import document
from publisher.api.routes import ROUTES
from publisher.model.catalog import Catalog
from publisher.model.partner import Partner, PublisherPartner
from publisher.model.query import PARAMETERS
from publisher.query.grammar import TAKEN
from publisher.query.parameters import OPERATORS, QUERY, ROWS
from publisher.settings import Settings

DOCUMENT = document(ROUTES)
UNDESCRIBED = {"/openapi.json", "/docs"}
"""The descriptions themselves."""
NEEDED = {"query": ("from=river/levels",)}
PLACE = {
    "dataset": "river",
    "table": "levels",
    "schema": "levels@1.2.0",
    "source": "river.levels",
    "partner": "norddjurs",
    "file": "levels.csv",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[River]:
    with river_store(tmp_path_factory.mktemp("openapi")) as found:
        yield found


@pytest_asyncio.fixture
async def site(store: River, tmp_path: Path) -> AsyncIterator[Site]:
    shipped = catalog_of(store.river, store.draft, store.empty)
    spec = PublisherPartner(type="publisher", title="Nabokommune", url="http://127.0.0.1:1")
    catalog = replace(shipped, partners={"norddjurs": Partner("norddjurs", spec)})
    async with answering(store, tmp_path, catalog=lambda: catalog) as found:
        yield found


def test_the_document_is_valid():
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_route_is_described(store: River, tmp_path: Path):
    app = create_app(
        Parts(
            settings=Settings(data=tmp_path),
            engine=store.desk.engine,
            store=store.desk.store,
            catalog=Catalog,
        )
    )
    served = {
        resource.canonical for resource in app.router.resources() if resource is not None
    } - UNDESCRIBED
    assert served == set(DOCUMENT["paths"])


async def test_what_is_served_is_what_was_made_from_the_routes(site: Site):
    assert await site.get("/openapi.json") == orjson.loads(orjson.dumps(DOCUMENT))


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if "application/json" in route.formats],
    ids=lambda route: route.name,
)
async def test_answers_have_the_shape_described(site: Site, route: Any):
    operation = DOCUMENT["paths"][route.path]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    counts = any(parameter.name == "count" for parameter in route.query)
    asked = "&".join([*NEEDED.get(route.name, ()), *["count=exact"] * counts])
    path = f"{route.path.format_map(PLACE)}?{asked}".rstrip("?")
    answer = await site.get(path, headers={"Accept": "application/json"})
    closed = {**schema, "components": DOCUMENT["components"]}
    Draft202012Validator(closed).validate(answer)
    model = route.answer
    if model is not None:
        named = set(DOCUMENT["components"]["schemas"][model.__name__]["properties"])
        # Told only where they apply: of arrays, and of answers with something missing
        assert set(answer) == named - ({"fields", "resume"} if counts else set())


def test_answers_may_grow():
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
        assert "additionalProperties" not in schema


async def test_the_headers_of_rows_are_described(site: Site):
    path = "/v1/datasets/{dataset}/{table}/rows"
    described = DOCUMENT["paths"][path]["get"]["responses"]["200"]["headers"]
    answer = await site.client.get(f"{path.format_map(PLACE)}?limit=1&count=exact")
    assert set(described) == {
        "ETag", "Link", "Server-Timing", "X-Table-Version", "X-Total-Count",
    }  # fmt: skip
    assert all(name in answer.headers for name in described)


async def test_problems_have_the_shape_described(site: Site):
    closed = {**DOCUMENT["components"]["schemas"]["Problem"], "components": DOCUMENT["components"]}
    for query in ("?x=1", "?x=1&limit=0", "?version=9"):
        answer = await site.client.get(f"/v1/datasets/river/levels/rows{query}")
        Draft202012Validator(closed).validate(orjson.loads(await answer.read()))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_every_parameter_described_is_taken_and_no_other(site: Site, route: Any):
    operation = DOCUMENT["paths"][route.path]["get"]
    path = route.path.format_map(PLACE)
    names = {parameter["name"] for parameter in operation["parameters"]}
    for parameter in operation["parameters"]:
        assert parameter["description"]
        if parameter["in"] == "query" and parameter["name"] not in {
            *("cursor", "conditions"),
            "expand",  # the table has no foreign key; tests/test_query_expand.py
        }:
            example = parameter.get("example") or parameter["schema"].get("default", "2")
            example = {
                "select": "station",
                "sort": "-station",
                "by": "station",
                "fill": "null",
                "units": "level:cm",
                "original": "level",
            }.get(parameter["name"], example)
            asked = dict(it.split("=") for it in NEEDED.get(route.name, ()))
            asked |= {parameter["name"]: str(example)}
            if parameter["name"] == "from":
                asked["from"] = "river/levels"
            if parameter["name"] == "fill":
                asked["every"] = "P1D"
            elif parameter["name"] == "sort" and "every" in names:
                asked["by"] = "station"
            answer = await site.client.get(path, params=asked)
            body = await answer.read()
            without_places = answer.status == 400 and b'"code":"no-place-fields"' in body
            assert answer.status in {200, 404} or without_places, (parameter["name"], body)
            assert body.find(b"unknown-parameter") < 0
    answer = await site.client.get(path, params={"no_such_parameter": "1"})
    assert answer.status == 400


def test_no_field_can_take_a_parameters_name():
    assert {parameter.name for kind in TAKEN.values() for parameter in kind} <= PARAMETERS


@pytest.mark.parametrize("page", ["docs/developer.md", "docs/da/developer.md"])
def test_the_developers_page_names_every_route_parameter_and_operator(page: str):
    text = (PROJECT / page).read_text("utf-8")
    missing = [route.path for route in ROUTES if route.path not in text]
    missing += [it.name for it in (*ROWS, *QUERY) if f"`{it.name}" not in text]
    missing += [name for name in OPERATORS if f"`{name}`" not in text]
    assert missing == []


async def test_a_tables_own_document_is_valid_and_its_examples_run(site: Site):
    told = await site.get("datasets/river/levels/openapi.json")
    OpenAPIV31SpecValidator(told).validate()
    detail = await site.get("datasets/river/levels")
    assert detail["links"]["openapi"].endswith("/v1/datasets/river/levels/openapi.json")
    rows = told["paths"]["/v1/datasets/river/levels/rows"]["get"]
    named = {it["name"]: it for it in rows["parameters"]}
    assert named["level__gte"]["schema"] == {"type": "number"}
    assert "limit__exact" in named
    assert not any(name.startswith("warden") for name in named)
    assert named["select"]["schema"]["items"]["enum"][:3] == ["station", "seen_at", "level"]
    for path, operations in told["paths"].items():
        for parameter in operations["get"]["parameters"]:
            if "example" not in parameter or parameter["name"] in {"as_of", "bbox", "near"}:
                continue
            value = parameter["example"]
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            asked = {parameter["name"]: text.lower() if isinstance(value, bool) else text}
            if parameter["name"] == "sort" and "aggregate" in path:
                asked["by"] = text.removeprefix("-")
            answer = await site.client.get(path, params=asked)
            assert answer.status == 200, (path, asked, await answer.text())
    [filtered] = (await site.get("datasets/river/levels/rows?station=B"))["data"]
    shape = rows["responses"]["200"]["content"]["application/json"]["schema"]
    closed = {**shape["allOf"][1], "components": told["components"]}
    Draft202012Validator(closed).validate({"data": [filtered]})


async def test_a_table_without_rows_is_described_as_well(site: Site):
    told = await site.get("datasets/empty/levels/openapi.json")
    OpenAPIV31SpecValidator(told).validate()


@pytest.mark.parametrize(
    ("path", "phases"),
    [
        ("/openapi.json", "examples,coverage,fuzzing"),
        # Each of its many parameters alone takes a minute
        (
            "/v1/datasets/river/levels/openapi.json",
            "examples,coverage,fuzzing" if FULL else "examples,fuzzing",
        ),
    ],
    ids=["whole", "table"],
)
async def test_schemathesis_finds_nothing(site: Site, path: str, phases: str, seed: int):
    """What a cursor or a filter may be no JSON Schema tells: valid ones may be refused."""
    server = site.client.server
    found = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", str(server.make_url(path))),
        *("--phases", phases, "-n", str(scale(5, 200))),
        *("--seed", str(seed), "--exclude-checks", "positive_data_acceptance"),
        *("--continue-on-failure", "--no-color"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await found.communicate()
    assert found.returncode == 0, told.decode()
