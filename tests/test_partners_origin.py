"""Where a partner's table was harvested from: traced to who publishes it, and told."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from answering import published
from ckan_site import call, forget_feed, harvest
from federating import Town, bound, ckan_at, publisher_at, towns
from hypothesis import given
from hypothesis import strategies as st
from storing import entry
from support import CkanSite
from test_partners import SCHEMA

from publisher.model.catalog import TableEntry
from publisher.model.dataset import Resource
from publisher.model.partner import Partner
from publisher.model.schema import Schema
from publisher.model.values import TableRef
from publisher.partners import Addresses, Origin, Remote, read_origin
from publisher.partners.memory import recalled, remember

AWAY = "https://data.example.org"
_names = itertools.count()


def row(station: str, level: int = 1) -> tuple[Any, ...]:
    return (station, datetime(2026, 3, 1), level, None, 10.5, 56.0)


def harvested(
    town: Town, name: str, url: str, rows: list[tuple[Any, ...]], schema: Any = SCHEMA
) -> TableEntry:
    """Give a town a table that it harvests from *url*."""
    source = {"type": "http", "url": url, "headers": {"Authorization": "${HEMMELIG}"}}
    made = published(entry(schema, name=name, source=source))
    town.desk.commit(made, rows)
    town.add(made)
    return made


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Town, Town]]:
    with towns(tmp_path_factory.mktemp("origins"), "here", "there", "yonder") as found:
        here, there, yonder = found
        here.befriend("norddjurs", publisher_at(there.url))
        here.befriend("syddjurs", publisher_at(yonder.url))
        there.befriend("syd", publisher_at(yonder.url))
        yield here, there, yonder


def told(origin: Any) -> tuple[Any, ...] | None:
    return origin and (origin["source"], origin["dataset"], origin["table"])


def test_a_table_that_was_harvested_says_from_whom(three):
    here, there, _ = three
    there.table(SCHEMA, "spring", [row("a")])
    url = f"{there.url}/v1/datasets/spring/levels"
    harvested(here, "copied", f"{url}/export?f=csv&api_key=hemmelig#x", [row("a")])
    detail = here.get("/v1/datasets/copied/levels")
    assert detail["origin"] == {
        "url": url,
        "source": "norddjurs",
        "dataset": "spring",
        "table": "levels",
        "whole": False,  # a parameter that is not known may take a part
    }
    [listed] = [it for it in here.get("/v1/datasets")["data"] if it["name"] == "copied"]
    assert listed["origin"] == detail["origin"]
    assert here.get("/v1/datasets?source=*&q=spring")["data"][0]["origin"] is None


def test_a_chain_ends_where_the_last_one_harvested_from(three):
    here, there, yonder = three
    here.befriend("norddjurs", publisher_at(there.url, title="Nabokommune, mødt på ny"))
    yonder.table(SCHEMA, "source", [row("a")])
    end = f"{yonder.url}/v1/datasets/source/levels"
    harvested(there, "middle", f"{end}/rows", [row("a")])
    harvested(here, "end", f"{there.url}/v1/datasets/middle/levels/export?f=csv", [row("a")])
    before = here.get("/v1/datasets/end/levels")["origin"]
    assert told(before) == ("norddjurs", "middle", "levels")
    here.get("/v1/query?from=middle/levels@norddjurs")  # what it tells is known from now on
    assert here.get("/v1/datasets/end/levels")["origin"] == {
        "url": end,
        "source": "syddjurs",
        "dataset": "source",
        "table": "levels",
        "whole": True,
    }
    theirs = here.get("/v1/datasets?source=norddjurs&q=middle")["data"]
    assert told(theirs[0]["origin"]) == ("syddjurs", "source", "levels")
    # Each tells of it by the name that it has for it
    assert told(there.get("/v1/datasets/middle/levels")["origin"]) == ("syd", "source", "levels")


def test_those_who_name_each_other_lead_nowhere_further(three):
    here, there, _ = three
    theirs = f"{there.url}/v1/datasets/circle/levels"
    harvested(there, "circle", f"{here.url}/v1/datasets/circle/levels/rows", [row("a")])
    harvested(here, "circle", theirs, [row("a")])
    there.befriend("nord", publisher_at(here.url))
    page = here.get("/v1/query?from=circle/levels@norddjurs")
    assert [it["station"] for it in page["data"]] == ["a"]
    assert told(here.get("/v1/datasets/circle/levels")["origin"]) == (
        "norddjurs",
        "circle",
        "levels",
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.7/v1/datasets/river/levels/rows",
        "http://vandserver/v1/datasets/river/levels/rows",
        "http://vand.kommune.internal/v1/datasets/river/levels",
        "http://localhost:8080/v1/datasets/river/levels",
        "http://127.1/v1/datasets/river/levels",
        "http://[::1]/v1/datasets/river/levels",
        "https://vand.example.org/eksport.csv",
        "${VAND}/v1/datasets/river/levels",
        "https://${VAND}/v1/datasets/river/levels",
    ],
)
def test_addresses_of_ones_own_network_and_of_department_systems_are_not_told(three, url: str):
    here, _, _ = three
    made = harvested(here, f"inner-{next(_names)}", url, [row("a")])
    assert here.get(f"/v1/datasets/{made.ref}")["origin"] is None


def test_credentials_and_keys_are_not_told(three):
    here, _, _ = three
    url = "https://ole:hemmelig@data.example.org/v1/datasets/river/levels/rows?code=hemmelig"
    made = harvested(here, f"inner-{next(_names)}", url, [row("a")])
    answer = here.text(f"/v1/datasets/{made.ref}")
    assert f"{AWAY}/v1/datasets/river/levels" in answer
    assert "hemmelig" not in answer.casefold()
    assert "ole" not in here.get(f"/v1/datasets/{made.ref}")["origin"]["url"]


def test_a_steward_states_the_source_in_the_data_packages_own_words(three):
    here, _, _ = three
    made = published(entry(SCHEMA, name="stated"))
    shape = {**made.resource.descriptor(), "sources": [{"title": "Åer", "path": f"{AWAY}/aaer"}]}
    stated = replace(made, resource=Resource.model_validate(shape))
    here.desk.commit(stated, [row("a")])
    here.add(stated)
    origin = here.get("/v1/datasets/stated/levels")["origin"]
    assert (origin["url"], told(origin)) == (f"{AWAY}/aaer", (None, None, None))


async def test_a_dataset_that_a_ckan_harvested_is_found_again(
    harvester: CkanSite, tmp_path: Path
) -> None:
    await asyncio.to_thread(_found_again, harvester, tmp_path)


def _found_again(harvester: CkanSite, folder: Path) -> None:
    name = f"hostet-{next(_names)}"
    with towns(folder, "here", "there") as (here, there):
        made = there.table(SCHEMA, name, [row("a")])
        here.befriend("norddjurs", publisher_at(there.url))
        feed = f"{there.url}/catalog.ttl"
        try:
            [found] = harvest(harvester, feed)["objects"]
            package = call(harvester, "package_show", id=found["package"]["id"])
            resource = package["resources"][0]["id"]
            spec = {f"{name}/levels": {"resource": resource, "schema": "x"}}
            here.befriend(
                "portal", ckan_at(harvester.url, spec), **{f"{name}/levels": bound(resource, made)}
            )
            [listed] = here.get("/v1/datasets?source=portal")["data"]
            harvested(here, "after", f"{harvester.url}/datastore/dump/{resource}", [row("a")])
            here.get(f"/v1/query?from={name}/levels@portal")
            after = here.get("/v1/datasets/after/levels")["origin"]
        finally:
            forget_feed(harvester, feed)
    assert listed["origin"] == {
        "url": f"{there.url}/v1/datasets/{name}/levels",
        "source": "norddjurs",
        "dataset": name,
        "table": "levels",
        "whole": True,
    }
    assert told(after) == ("norddjurs", name, "levels")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"{AWAY}/v1/datasets/river", ("river", None)),
        (f"{AWAY}/v1/datasets/river#levels-csv", ("river", "levels")),
        (f"{AWAY}:443/v1/datasets/river/levels/", ("river", "levels")),
        ("http://data.example.org/v1/datasets/river/levels", ("river", "levels")),
        (f"{AWAY}/v1/datasets/river/levels/latest", ("river", "levels")),
        (f"{AWAY}/v1/datasets/river/levels/aggregate?every=P1D", ("river", None)),
        (f"{AWAY}/v1/datasets/river%2Flevels", (None, None)),
        (f"{AWAY}/v1/datasets/Å/levels", (None, None)),
        (f"{AWAY}/by/../v1/datasets/river/levels", ("river", "levels")),
        (f"{AWAY}/by/v1/datasets/river/levels", (None, None)),
    ],
)
def test_what_is_below_our_own_address_is_ours(url: str, expected: tuple[str | None, str | None]):
    origin = read_origin(url)
    assert origin is not None
    traced = Addresses({}, AWAY).trace(origin)
    assert traced is not None
    assert traced.source == "local"
    assert (traced.dataset, traced.table) == expected


def test_a_partner_at_a_longer_address_is_nearer_and_a_ckan_names_its_resources():
    levels = bound("abc", entry(SCHEMA))
    partners = {
        "city": Partner("city", publisher_at("https://example.org")),
        "harbour": Partner("harbour", publisher_at("https://example.org/havn/")),
        "portal": Partner(
            "portal",
            ckan_at(
                "https://portal.example.org", {"aa/levels": {"resource": "abc", "schema": "x"}}
            ),
            {TableRef("aa", "levels"): levels},
        ),
    }
    addresses = Addresses(partners, None)

    def of(url: str) -> tuple[Any, ...]:
        origin = read_origin(url)
        found = origin and addresses.trace(origin)
        return (found.source, found.dataset, found.table) if found else ()

    assert of("https://example.org/v1/datasets/a/b") == ("city", "a", "b")
    assert of("https://example.org/havn/v1/datasets/a/b") == ("harbour", "a", "b")
    assert of("https://example.org/havnen/v1/datasets/a/b") == ("city", None, None)
    portal = "https://portal.example.org"
    assert of(f"{portal}/da/dataset/vand/resource/abc/download/x.csv") == ("portal", "aa", "levels")
    assert of(f"{portal}/datastore/dump/abc?format=csv") == ("portal", "aa", "levels")
    assert of(f"{portal}/dataset/vand/resource/xyz") == ("portal", "vand", None)
    assert of(f"{portal}/dataset/vand") == ("portal", "vand", None)


@given(
    st.one_of(
        st.text(),
        st.none(),
        st.integers(),
        st.binary(),
        st.from_regex(r"(https?|ftp|file)://[\[\]:@%#?/a-z0-9.$\{\}å-]{0,40}", fullmatch=True),
        st.text().map(lambda it: f"{AWAY}/v1/datasets/{it}"),
    )
)
def test_whatever_is_told_as_an_origin_is_an_address_or_nothing(stated: object):
    found = read_origin(stated)
    if found is not None:
        assert found.url.startswith(("http://", "https://"))
        assert read_origin(found.url) == Origin(found.url)  # nothing is left to be taken off
        assert not {"@", "?", "#"} & set(found.url.split("/")[2])
        Addresses({}, AWAY).trace(found)
    assert read_origin(f"{AWAY}/{'a' * 2000}") is None


def test_origins_outlast_a_restart(tmp_path: Path):
    schema = Schema.model_validate(SCHEMA)
    fields = {field.name: field for field in schema.fields}
    for origin in (None, Origin(AWAY), Origin(AWAY, whole=False)):
        known = Remote(
            "nord", TableRef("a", "b"), fields, schema.primary_key, schema, 3, origin=origin
        )
        remember(tmp_path / "known.json", [known])
        assert list(recalled(tmp_path / "known.json")) == [known]
