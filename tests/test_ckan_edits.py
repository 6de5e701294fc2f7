"""What others change of a package at a plain CKAN, and laws of what is compared there."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from ckan_site import call, editor
from hypothesis import given, settings
from hypothesis import strategies as st
from publishing import House, open_house, until, water
from scale import scale
from support import CkanSite

from publisher.model.catalog import CkanTarget
from publisher.targets.ckan.metadata import Wanted, WantedResource
from publisher.targets.ckan.metadata.compare import Comparison, listed
from publisher.targets.facts import keywords as legal

pytestmark = pytest.mark.blocks_loop  # the tests ask the site themselves


@given(st.lists(st.text(max_size=120), max_size=6))
@settings(max_examples=scale(200, 5_000))
def test_any_keyword_becomes_a_legal_tag_or_none(keywords: list[str]) -> None:
    found = legal(keywords)
    assert found == sorted({*found})
    for tag in found:
        assert 2 <= len(tag) <= 100
        assert all(letter.isalnum() or letter in " -_." for letter in tag)
        assert tag == tag.strip()
    assert legal(found) == found
    kept = {it for it in keywords if it.isalpha() and 2 <= len(it) <= 100}
    assert kept <= {*found}


VALUE = st.one_of(
    st.text(max_size=12),
    st.booleans(),
    st.lists(st.sampled_from(["ENVI", "TRAN", "å"]), max_size=2),
    st.sampled_from(["2026-03-01", '{"type": "Point", "coordinates": [8.7, 55.3]}']),
)
NAMES = st.sampled_from(["notes", "data_themes", "temporal_start", "url", "å"])


def dressed(value: Any, how: str) -> Any:
    """Give a value as one site or another shows what it was sent."""
    if how == "text" and isinstance(value, bool):
        return str(value)
    if how == "text" and isinstance(value, list):
        return json.dumps(value)
    if how == "text" and value == "2026-03-01":
        return "2026-03-01T00:00:00"
    return None if value in ("", []) else value


@given(
    st.dictionaries(NAMES, VALUE),
    st.dictionaries(NAMES, st.text(max_size=12)),
    st.dictionaries(st.sampled_from(["name", "description", "license_id"]), VALUE),
    st.sampled_from(["same", "text"]),
)
@settings(max_examples=scale(200, 5_000))
def test_what_was_sent_is_no_difference(
    package: dict[str, Any], extras: dict[str, str], resource: dict[str, Any], how: str
) -> None:
    package = {**package, "extras": listed(extras, package), "tags": [], "groups": []}
    wanted = Wanted(package, (WantedResource("a", "1", "a", resource),))
    plain = {"extras", "tags", "groups"}
    shown = {name: it if name in plain else dressed(it, how) for name, it in package.items()}
    shown["resources"] = [{"id": "1", **{name: dressed(it, how) for name, it in resource.items()}}]
    changes = Comparison(wanted, shown, keep=()).changes()
    assert (changes.differences, dict(changes.revision), changes.gone) == ((), {}, ())


@pytest.fixture(scope="module")
def site(ckan: CkanSite) -> Iterator[CkanSite]:
    with editor(ckan) as made:
        yield made


@pytest.fixture
async def house(tmp_path: Path, site: CkanSite) -> AsyncIterator[House]:
    spec = {
        "type": "ckan",
        "url": site.url,
        "late": "PT1S",
        "keep": ["maintainer"],
        "organizations": {"esbjerg": {"name": site.organization, "token": "${TOKEN}"}},
    }
    async with open_house(
        tmp_path,
        name=f"publisher-test-{uuid.uuid4().hex[:12]}",
        publish={
            "access": "public",
            "targets": ["portal", "folder"],
            "keep": ["tags", "extras.spatial_text", "resources.description"],
        },
        targets={"portal": CkanTarget.model_validate(spec)},
        environ={"TOKEN": site.token},
        public_url="https://data.example.org",
        facts={
            "themes": ["ENVI", "TRAN"],
            "spatial": {"bbox": [8.3, 55.3, 8.9, 55.7], "title": "Ribe Å"},
            "contactPoint": {"name": "Made-up desk", "email": "desk@example.org"},
        },
    ) as opened:
        await opened.commit([water("a", minute) for minute in range(3)])
        [result] = await opened.outbox.publish(opened.name, "portal")
        assert (result.outcome, result.problem) == ("published", None)
        yield opened


def held(site: CkanSite, house: House) -> tuple[dict[str, Any], dict[str, str]]:
    package = call(site, "package_show", id=house.name)
    return package, {it["key"]: it["value"] for it in package["extras"]}


async def changes(house: House, *, dry_run: bool = True) -> dict[str, tuple[Any, Any]]:
    [result] = await house.new_outbox().publish(house.name, "portal", dry_run=dry_run)
    assert result.problem is None
    return {it.what: (it.before, it.after) for it in result.changes}


EDITS: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"update": {"notes": "By hand."}}, "package.notes"),
    "emptied": ({"update": {"author_email": ""}}, "package.author_email"),
    "licence": ({"update": {"license_id": "notspecified"}}, "package.license_id"),
    "extra": ({"frequency": "x"}, "package.frequency"),
    "extra gone": ({"frequency": None}, "package.frequency"),
    "resource": ({"update__resources__0": {"name": "x", "format": "X"}}, "levels.name"),
    "link": ({"update__resources__1": {"url": "https://example.org"}}, "levels.api.url"),
    "link gone": ({"filter": ["-resources__3"]}, "levels.parquet.resource"),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_a_foreign_edit_is_told_and_put_right(
    house: House, site: CkanSite, edit: str
) -> None:
    revision, told = EDITS[edit]
    before, extras = held(site, house)
    if "frequency" in revision:
        edited = {name: it for name, it in {**extras, **revision}.items() if it}
        told_again = [{"key": name, "value": it} for name, it in edited.items()]
        revision = {"filter": ["-extras"], "update": {"extras": told_again}}
    call(site, "package_revise", match={"id": before["id"]}, **revision)
    assert told in await changes(house)
    assert told in await changes(house, dry_run=False)
    after, now = held(site, house)
    assert now == extras
    for name in ("notes", "author_email", "license_id"):
        assert after[name] == before[name]
    shown = [{name: it[name] for name in ("id", "name", "format", "url")} for it in
             after["resources"]]  # fmt: skip
    assert shown == [{name: it[name] for name in ("id", "name", "format", "url")} for it in
                     before["resources"]]  # fmt: skip
    assert await changes(house) == {}


async def test_what_is_kept_and_what_is_not_ours_stays(house: House, site: CkanSite) -> None:
    package, extras = held(site, house)
    extras |= {"spatial_text": "By hand", "publisher_note": "Another's", "theirs": "Another's"}
    table = package["resources"][0]
    call(
        site,
        "package_revise",
        match={"id": package["id"]},
        update={
            "maintainer": "The editors",
            "name": f"{house.name}-2",
            "tags": [{"name": "håndlavet"}],
            "extras": [{"key": key, "value": it} for key, it in extras.items()],
        },
        update__resources__0={"description": "By hand"},
        update__resources__extend=[{"url": "https://example.org/map", "name": "Map"}],
    )
    order = [it["id"] for it in call(site, "package_show", id=package["id"])["resources"]][::-1]
    call(site, "package_resource_reorder", id=package["id"], order=order)
    [view] = call(site, "resource_view_list", id=table["id"])
    call(site, "resource_view_delete", id=view["id"])
    edited = call(site, "package_show", id=package["id"])
    assert await changes(house) == {}
    house.facts["title"] = "Vandstand i bækken"
    house.publish = {**house.publish, "every": "PT1H"}
    house.describe()
    assert set(await changes(house, dry_run=False)) == {"package.title"}
    after = call(site, "package_show", id=package["id"])
    same = {"name", "maintainer", "tags", "extras", "resources"}
    assert {name: after[name] for name in same} == {name: edited[name] for name in same}
    assert call(site, "resource_view_list", id=table["id"]) == []


async def test_what_the_dataset_has_no_longer_goes(house: House, site: CkanSite) -> None:
    house.publish = {"access": "public", "targets": ["portal"]}  # no bulk files any longer
    house.facts |= {"keywords": ["kun"], "themes": [], "updateFrequency": None}
    house.describe()
    told = await changes(house, dry_run=False)
    assert {"package.tags", "package.theme", "package.frequency", "resource"} <= set(told)
    package, extras = held(site, house)
    assert [it["name"] for it in package["tags"]] == ["kun"]
    assert not {"theme", "frequency"} & set(extras)
    assert [it["format"] for it in package["resources"]] == ["CSV", "API"]
    assert await changes(house) == {}


async def test_groups_of_the_site(house: House, ckan: CkanSite, site: CkanSite) -> None:
    group, other = (f"publisher-test-{uuid.uuid4().hex[:12]}" for _ in range(2))
    users = [{"name": site.organization, "capacity": "editor"}]
    for name in (group, other):
        call(ckan, "group_create", name=name, users=users)
    try:
        spec = house.targets["portal"].model_dump(mode="json")
        spec["groups"] = {"ENVI": group, "TRAN": "no-such-group"}
        house.targets = {"portal": CkanTarget.model_validate(spec)}
        house.describe()
        house.outbox = house.new_outbox()
        [result] = await house.outbox.publish(house.name, "portal")
        told = {it.what.removeprefix("package.") for it in result.changes}
        assert told == {"groups", "publisher_groups", "publisher_fields"}
        told = [(it.code, it.params["group"]) for it in result.notices]
        assert told == [("ckan-group-closed", "no-such-group")]
        call(ckan, "member_create", id=other, object=held(site, house)[0]["id"],
             object_type="package", capacity="public")  # fmt: skip
        assert await changes(house) == {}
        house.facts["title"] = "Vandstand i bækken"
        house.describe()
        await changes(house, dry_run=False)
        assert {it["name"] for it in held(site, house)[0]["groups"]} == {group, other}
        house.facts["themes"] = ["TRAN"]
        house.describe()
        await changes(house, dry_run=False)
        assert {it["name"] for it in held(site, house)[0]["groups"]} == {other}
        assert await changes(house) == {}
    finally:
        for name in (group, other):
            call(ckan, "group_purge", id=name)


async def test_what_is_told_of_the_files_is_true_of_those_that_are_there(
    house: House, site: CkanSite
) -> None:
    spec = house.targets["portal"].model_dump(mode="json")
    spec["fields"] = {"resource": {"hash": "{sha256}"}}
    house.targets = {"portal": CkanTarget.model_validate(spec)}
    house.publish = {"access": "public", "targets": ["portal", "folder"]}
    house.describe()
    house.outbox = house.new_outbox()
    house.outbox.start()
    for minute in range(7, 9):
        version = await house.commit([water("a", minute)])
        house.outbox.poke()

        def told(version: int = version) -> bool:
            package = held(site, house)[0]
            extras = {it["key"]: it["value"] for it in package["extras"]}
            shown = {it["hash"] for it in package["resources"] if it["hash"]}
            files = (house.published / "levels.csv", house.published / "levels.parquet")
            return orjson.loads(extras["publisher_versions"]) == {"levels": version} and shown == {
                sha256(file.read_bytes()).hexdigest() for file in files
            }

        await until(told)


def test_an_extra_left_to_the_editors_stays_when_the_steward_says_it_no_more() -> None:
    written = {"provenance": "As we wrote", "publisher_dataset": "x"}
    shown = {it["key"]: it["value"] for it in listed(written, {})}
    shown["provenance"] = "The editors' own words"
    package = {"extras": [{"key": name, "value": value} for name, value in shown.items()]}
    wanted = Wanted({"extras": listed({"publisher_dataset": "x"}, {})}, ())
    for keep, left in (({"extras.provenance"}, True), (set(), False)):
        changes = Comparison(wanted, package, keep=keep).changes()
        assert ("package.provenance" in {it.what for it in changes.differences}) != left
        sent = changes.revision.get("update", {}).get("extras", package["extras"])
        assert ("provenance" in {it["key"] for it in sent}) == left
