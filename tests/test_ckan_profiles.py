"""Edits and mappings at a CKAN with a schema of its own, which behaves like the national portal."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from ckan_site import call, editor
from publishing import House, open_house, water
from support import CkanSite

from publisher.model.catalog import CkanTarget

pytestmark = pytest.mark.blocks_loop  # the tests ask the site themselves


@pytest.fixture(scope="module")
def site(portal: CkanSite) -> Iterator[CkanSite]:
    with editor(portal) as made:
        yield made


def target(site: CkanSite, **stated: Any) -> dict[str, CkanTarget]:
    spec = {
        "type": "ckan",
        "url": site.url,
        "late": "PT1S",
        "organizations": {"esbjerg": {"name": site.organization, "token": "${TOKEN}"}},
        **stated,
    }
    return {"portal": CkanTarget.model_validate(spec)}


@pytest.fixture
async def house(tmp_path: Path, site: CkanSite) -> AsyncIterator[House]:
    async with open_house(
        tmp_path,
        name=f"publisher-test-{uuid.uuid4().hex[:12]}",
        publish={"access": "public", "targets": ["portal", "folder"]},
        targets=target(site, profile="opendata-dk"),
        environ={"TOKEN": site.token},
        public_url="https://data.example.org",
        facts={
            "themes": ["ENVI", "TRAN"],
            "translations": {"en": {"title": "Water level", "description": "Made up."}},
            "spatial": {
                "bbox": [8.3, 55.3, 8.9, 55.7],
                "uri": ["https://sws.geonames.org/2622447/"],
            },
            "contactPoint": {"name": "Made-up desk", "email": "desk@example.org"},
        },
    ) as opened:
        await opened.commit([water("a", minute) for minute in range(3)])
        yield opened


async def unchanged(house: House) -> None:
    [dry] = await house.new_outbox().publish(house.name, "portal", dry_run=True)
    assert [(it.what, it.before, it.after) for it in dry.changes] == []
    assert (dry.outcome, dry.problem) == ("unchanged", None)


async def test_what_changes_and_what_is_edited_there_is_put_right(
    house: House, site: CkanSite
) -> None:
    await house.outbox.publish(house.name, "portal")
    call(
        site,
        "package_revise",
        match={"name": house.name},
        update={"title": "By hand", "update_frequency": "CONTINOUOUS", "author": "x"},
    )
    call(site, "package_patch", id=house.name, data_themes=["AGRI"], data_directory=False)
    house.facts |= {"themes": ["ENVI"], "keywords": ["kun"]}
    house.describe()
    [result] = await house.new_outbox().publish(house.name, "portal")
    told = {it.what for it in result.changes}
    fields = ("title", "update_frequency", "author", "data_themes", "data_directory", "tags")
    assert {f"package.{name}" for name in fields} <= told
    package = call(site, "package_show", id=house.name)
    assert (package["title_translated"]["da"], package["data_themes"]) == (
        "Vandstand i åen",
        ["ENVI"],
    )
    assert (package["update_frequency"], package["data_directory"]) == ("HOURLY", True)
    assert [it["name"] for it in package["tags"]] == ["kun"]
    await unchanged(house)


async def test_a_mapping_fills_the_fields_of_another_schema(house: House, site: CkanSite) -> None:
    left_out = dict.fromkeys(
        (
            "url",
            "version",
            "maintainer",
            "maintainer_email",
            "license_id",
            "contact_name",
            "contact_email",
        )
    )
    house.targets = target(
        site,
        fields={
            "package": {
                **left_out,
                "title_translated": {"da": "{title}", "en": "{title}"},
                "data_themes": "{themes}",
                "update_frequency": "{frequency}",
                "temporal_start": "{temporal_start_day}",
                "temporal_end": "{temporal_end_day}",
                "data_directory": False,
                "documentation": "Se {documentation}: {keywords}",
            },
            "resource": {"format": "CSV", "license_id": "cc-by"},
        },
    )
    house.describe()
    [result] = await house.new_outbox().publish(house.name, "portal")
    assert (result.outcome, result.problem) == ("published", None)
    package = call(site, "package_show", id=house.name)
    assert package["data_themes"] == ["ENVI", "TRAN"]
    assert (package["update_frequency"], package["data_directory"]) == ("HOURLY", False)
    assert package["documentation"] == "Se https://data.example.org/docs: vand, å/bæk, a"
    assert {(it["format"], it["license_id"]) for it in package["resources"]} == {("CSV", "cc-by")}
    assert "temporal_start" not in {it["key"] for it in package["extras"]}
    await unchanged(house)
