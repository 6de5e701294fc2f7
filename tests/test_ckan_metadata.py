"""What a catalog tells of a dataset: complete, put right, and the editors' own left to them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from ckan_house import Quarter, quarter
from ckan_site import call
from publishing import ODD_ROWS, WATER
from support import CkanSite

from publisher.model.catalog import CkanTarget
from publisher.model.site_fields import DATASET_FACTS, RESOURCE_FACTS
from publisher.settings import Settings
from publisher.targets.ckan.metadata import said
from publisher.targets.ckan.metadata.compare import same

PLACED: dict[str, Any] = {
    **WATER,
    "fields": [
        *WATER["fields"],
        {"name": "lon", "type": "number", "role": "longitude"},
        {"name": "lat", "type": "number", "role": "latitude"},
    ],
}
ROWS = [(*row, 10.5 + index / 10, 56.25) for index, row in enumerate(ODD_ROWS)]
FACTS: dict[str, Any] = {
    "keywords": ["vand", "å/bæk", "sø, stor", "x"],
    "translations": {"en": {"title": "Water level", "description": "Made-up."}},
    "hvdCategories": ["meteorological"],
    "contactPoint": {"name": "Vandgruppen", "email": "vand@example.org"},
    "provenance": "Made up for the tests.",
}
PUBLISH: dict[str, Any] = {"access": "public", "targets": ["portal", "folder"]}


@asynccontextmanager
async def placed(folder: Path, site: CkanSite) -> AsyncIterator[Quarter]:
    async with quarter(
        folder,
        site,
        watched=False,
        schemas={"levels": PLACED},
        facts=dict(FACTS),
        publish=dict(PUBLISH),
    ) as found:
        link(found)
        yield found


@pytest.fixture
async def here(tmp_path: Path, ckan: CkanSite) -> AsyncIterator[Quarter]:
    async with placed(tmp_path, ckan) as found:
        yield found


@pytest.fixture
async def there(tmp_path: Path, portal: CkanSite) -> AsyncIterator[Quarter]:
    """The same at a site with the portal's schema and habits."""
    async with placed(tmp_path, portal) as found:
        retarget(found, profile="opendata-dk")
        yield found


def link(here: Quarter) -> None:
    house = here.house
    told = house.settings.model_dump() | {"public_url": "https://data.example.org/"}
    house.settings = Settings(**told)
    house.outbox = house.new_outbox()


def retarget(here: Quarter, **more: Any) -> None:
    held = here.house.targets["portal"].model_dump(by_alias=True)
    here.house.targets = {"portal": CkanTarget.model_validate({**held, **more})}
    here.house.describe()


async def publish(here: Quarter) -> Mapping[str, Any]:
    results = await here.house.outbox.publish(here.house.name, "portal")
    assert [result.problem for result in results] == [None]
    return await here.corner.call("package_show", id=here.house.name)


async def assert_equal(here: Quarter) -> None:
    outbox = here.house.new_outbox()
    try:
        [result] = await outbox.publish(here.house.name, "portal", dry_run=True)
    finally:
        await outbox.close()
    assert result.changes == ()
    here.proxy.clear()
    await here.house.outbox.publish(here.house.name, "portal")
    assert here.proxy.writes == []


def extras(package: Mapping[str, Any]) -> dict[str, str]:
    return {extra["key"]: extra["value"] for extra in package["extras"]}


async def test_everything_that_is_known_is_told(here: Quarter) -> None:
    await here.house.commit(ROWS)
    await here.house.outbox.publish(here.house.name, "folder")
    package = await publish(here)
    told = extras(package)
    assert (package["maintainer"], package["maintainer_email"]) == (
        "Vandgruppen",
        "vand@example.org",
    )
    assert [tag["name"] for tag in package["tags"]] == ["sø stor", "vand", "å bæk"]
    assert orjson.loads(told["spatial"])["coordinates"][0][:2] == [[10.5, 56.25], [10.8, 56.25]]
    assert (told["temporal_start"], told["temporal_end"]) == (
        "2026-03-01T00:00:00Z",
        "2026-03-01T00:02:00Z",
    )
    assert orjson.loads(told["theme"]) == [
        "http://publications.europa.eu/resource/authority/data-theme/ENVI"
    ]
    assert orjson.loads(told["hvd_category"]) == ["http://data.europa.eu/bna/c_164e0bf5"]
    assert told["publisher_mqa"].endswith("/405 (excellent)")
    base = "https://data.example.org"
    assert [(it["format"], it["url"]) for it in package["resources"][1:]] == [
        ("API", f"{base}/v1/datasets/{here.house.name}/levels/rows"),
        ("CSV", f"{base}/published/{here.house.name}/levels.csv"),
        ("Parquet", f"{base}/published/{here.house.name}/levels.parquet"),
    ]
    assert f"{base}/docs" in package["resources"][1]["description"]
    views = await here.corner.call("resource_view_list", id=here.resource)
    assert [view["view_type"] for view in views] == ["datatables_view"]
    await assert_equal(here)
    await here.corner.call("resource_view_delete", id=views[0]["id"])
    here.house.facts["title"] = "Andet"
    here.house.describe()
    await publish(here)
    assert await here.corner.call("resource_view_list", id=here.resource) == []


async def test_foreign_edits_are_told_and_put_right_but_the_editors_own_stay(
    here: Quarter,
) -> None:
    await here.house.commit(ROWS)
    here.house.publish["keep"] = ["notes", "tags", "extras.provenance"]
    retarget(here, keep=["resources.description"])
    package = await publish(here)
    held = extras(package)
    await here.corner.call(
        "package_patch",
        id=package["id"],
        title="By hand",
        notes="By an editor",
        tags=[{"name": "redaktion"}],
        extras=[
            *({"key": name, "value": it} for name, it in held.items() if name != "provenance"),
            {"key": "provenance", "value": "By an editor"},
            {"key": "note", "value": "Theirs"},
        ],
    )
    await here.corner.call(
        "resource_patch", id=here.resource, name="By hand", description="By an editor"
    )
    theirs = await here.corner.call(
        "resource_create", package_id=package["id"], url="https://example.org/x", name="Theirs"
    )
    [result] = await here.house.outbox.publish(here.house.name, "portal", dry_run=True)
    told = {change.what: (change.before, change.after) for change in result.changes}
    assert told == {
        "package.title": ("By hand", "Vandstand i åen"),
        "levels.name": ("By hand", "Målinger levels"),
    }
    after = await publish(here)
    assert (after["title"], after["notes"]) == ("Vandstand i åen", "By an editor")
    assert [tag["name"] for tag in after["tags"]] == ["redaktion"]
    assert (extras(after)["provenance"], extras(after)["note"]) == ("By an editor", "Theirs")
    names = {it["id"]: (it["name"], it["description"]) for it in after["resources"]}
    assert names[here.resource] == ("Målinger levels", "By an editor")
    assert theirs["id"] in names
    await assert_equal(here)


async def test_groups_are_those_the_site_has_and_others_are_told(here: Quarter) -> None:
    group = f"{here.house.name}-miljoe"
    await here.corner.call("group_create", name=group)
    try:
        await here.corner.call(
            "group_member_create", id=group, username=here.corner.organization, role="editor"
        )
        retarget(here, groups={"ENVI": group, "TRAN": "no-such-group"})
        here.house.facts = {**FACTS, "themes": ["ENVI", "TRAN"]}
        here.house.describe()
        await here.house.commit(ROWS)
        [result] = await here.house.outbox.publish(here.house.name, "portal")
        assert [(it.code, it.params["group"]) for it in result.notices] == [
            ("ckan-group-closed", "no-such-group")
        ]
        package = await here.corner.call("package_show", id=here.house.name)
        assert [it["name"] for it in package["groups"]] == [group]
        await assert_equal(here)
    finally:
        await here.corner.call("group_purge", id=group)


async def test_what_is_not_told_any_more_goes(here: Quarter) -> None:
    await here.house.commit(ROWS)
    assert "provenance" in extras(await publish(here))
    here.house.facts = {name: it for name, it in FACTS.items() if name != "provenance"}
    here.house.publish = {"access": "public", "targets": ["portal"]}
    here.house.describe()
    package = await publish(here)
    assert "provenance" not in extras(package)
    assert [it["format"] for it in package["resources"]] == ["CSV", "API"]
    await assert_equal(here)


async def test_open_data_dk_takes_it_and_keeps_it_equal(there: Quarter) -> None:
    await there.house.commit(ROWS)
    package = await publish(there)
    assert package["data_themes"] == ["ENVI"]
    assert package["update_frequency"] == "HOURLY"
    assert (package["temporal_start"], package["data_directory"]) == ("2026-03-01", True)
    assert (package["author"], package["author_email"]) == ("Esbjerg Kommune", "vand@example.org")
    assert package["title_translated"]["da"] == "Vandstand i åen"
    assert {it["license_id"] for it in package["resources"]} == {"cc-by"}
    assert [it["format"] for it in package["resources"]] == ["CSV", "REST", "CSV", "OCTET"]
    told = extras(package)
    assert told["access_rights"].endswith("access-right/PUBLIC")
    assert {"contact_name", "author"}.isdisjoint(told)
    await assert_equal(there)
    await there.corner.call("package_patch", id=package["id"], title="By hand")
    assert (await publish(there))["title"] == "Vandstand i åen"
    await there.house.commit([(*ROWS[0][:2], 7.25, *ROWS[0][3:])])
    await publish(there)
    await assert_equal(there)
    with_dcat = await asyncio.to_thread(_dcat, there)
    assert "access-right/PUBLIC" in with_dcat


def _dcat(there: Quarter) -> str:
    import requests  # noqa: PLC0415

    site = there.corner.site
    return requests.get(f"{site.url}/dataset/{there.house.name}.ttl", timeout=60).text


async def test_the_portals_rules_are_told_before_any_call(there: Quarter) -> None:
    await there.house.commit(ROWS)
    there.house.facts = {**FACTS, "description": None, "contactPoint": {"name": "Vandgruppen"}}
    there.house.describe()
    there.house.catalog.organizations["esbjerg"] = there.house.catalog.organizations[  # type: ignore[index]
        "esbjerg"
    ].model_copy(update={"email": None})
    there.proxy.clear()
    [result] = await there.house.outbox.publish(there.house.name, "portal")
    assert result.problem is not None
    assert result.problem.code == "ckan-profile"
    assert [part.code for part in result.problem.parts] == [
        "portal-no-description",
        "portal-no-email",
    ]
    assert there.proxy.writes == []


async def test_a_stewards_mapping_serves_another_schema(there: Quarter) -> None:
    """The site's own field names; nothing is sent that is mapped to nothing."""
    fields = {
        "package": {
            "data_themes": "{themes}",
            "notes": "{description}\n\nKontakt: {contact_email}",
            "update_frequency": "{frequency}",
            "temporal_end": None,
            "data_directory": False,
        },
        "resource": {"description": "{description} ({table})", "format": "CSV"},
    }
    retarget(there, fields=fields)
    await there.house.commit(ROWS)
    package = await publish(there)
    assert package["notes"].endswith("Kontakt: vand@example.org")
    assert package["data_directory"] is False
    assert not package.get("temporal_end")
    assert {it["format"] for it in package["resources"]} == {"CSV"}
    assert package["resources"][0]["description"] == " (levels)"
    await assert_equal(there)


def test_the_facts_a_mapping_may_name_are_those_that_are_told() -> None:
    assert {*said.DATASET_FACTS} == DATASET_FACTS
    assert {*said.RESOURCE_FACTS} == RESOURCE_FACTS


@pytest.mark.parametrize(
    ("wanted", "held", "equal"),
    [
        (["a", "b"], '["a", "b"]', True),
        (["a", "b"], ["b", "a"], True),
        ("2026-01-01", "2026-01-01T00:00:00", True),
        ("2026-01-01T10:00:00Z", "2026-01-01", False),
        (True, "True", True),
        (None, "", True),
        ([], None, True),
        ("0", None, False),
        (12, "12", True),
    ],
)
def test_values_are_the_same_in_whichever_dress(wanted: Any, held: Any, equal: bool) -> None:
    assert same(wanted, held) is equal


def test_the_portal_is_what_it_says(portal: CkanSite) -> None:
    assert call(portal, "status_show")["ckan_version"].startswith("2.11")
