"""The tools of the tests against CKAN are what they say: the proxy, its faults, the watcher."""

import asyncio
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
import requests
from faults import FAULTS, Drip, Kill, Late, Refused, Silent
from faulty import FaultyProxy, action, reads, writes
from state_faults import STATE_FAULTS, Corner, own_corner
from support import CkanSite
from watcher import Watcher

FIELDS = [{"id": "k", "type": "text"}, {"id": "v", "type": "int4"}]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def corner(ckan: CkanSite) -> AsyncIterator[Corner]:
    async with own_corner(ckan) as made:
        yield made


@asynccontextmanager
async def made_package(corner: Corner) -> AsyncIterator[str]:
    made = await corner.call(
        "package_create",
        name=f"publisher-test-{uuid.uuid4().hex[:12]}",
        owner_org=corner.organization,
        title="Made up",
        tags=[{"name": "vand"}],
        extras=[{"key": key, "value": "1"} for key in ("publisher_a", "publisher_installation")],
        resources=[{"name": "levels"}],
    )
    await create(
        corner,
        made["resources"][0]["id"],
        marker=1,
        primary_key=["k"],
        records=rows(1),
    )
    yield made["name"]
    await corner.call("dataset_purge", id=made["id"])


@pytest.fixture
async def package(corner: Corner) -> AsyncIterator[str]:
    """Give the name of a package with a table of five rows, as version 1."""
    async with made_package(corner) as name:
        yield name


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wired(corner: Corner) -> AsyncIterator[str]:
    """Give a resource for all that passes through the proxy: one row of it is written."""
    async with made_package(corner) as name:
        yield await corner.resource(name)


@pytest.fixture
async def resource(corner: Corner, package: str) -> str:
    return await corner.resource(package)


@pytest.fixture
async def proxy(ckan: CkanSite) -> AsyncIterator[FaultyProxy]:
    async with FaultyProxy(ckan.url) as opened:
        yield opened


def rows(version: int) -> list[dict[str, Any]]:
    """Give five rows; of the next version one is gone, one is new, and three are changed."""
    return [{"k": f"k{n}", "v": 10 * version + n} for n in range(version, version + 5)]


def marked(**marker: Any) -> list[dict[str, Any]]:
    info = {f"publisher_{name}": str(value) for name, value in marker.items()}
    return [{**field, "info": info} for field in FIELDS]


async def create(corner: Corner, resource: str, *, marker: int, **more: Any) -> None:
    await corner.call(
        "datastore_create", resource_id=resource, force=True, fields=marked(version=marker), **more
    )


async def upsert(corner: Corner, resource: str, *records: dict[str, Any]) -> None:
    await corner.call(
        "datastore_upsert", resource_id=resource, force=True, records=records, method="upsert"
    )


async def seen(
    proxy: FaultyProxy, corner: Corner, resource: str, value: int, patience: float = 20.0
) -> str:
    """Write *value* through the proxy as a client does; give what the client sees."""

    def ask() -> str:
        try:
            with requests.post(
                f"{proxy.url}/api/3/action/datastore_upsert",
                json={
                    "resource_id": resource,
                    "records": [{"k": "wire", "v": value}],
                    "method": "upsert",
                    "force": True,
                },
                headers={"Authorization": corner.token},
                timeout=(5, patience),
                allow_redirects=False,
            ) as answer:
                if answer.status_code != 200:
                    return " ".join(
                        [str(answer.status_code), *answer.headers.get("Retry-After", "").split()]
                    )
                return f"success {answer.json()['success']}"
        except requests.RequestException as error:
            return type(error).__name__

    return await asyncio.to_thread(ask)


async def held(corner: Corner, resource: str) -> int | None:
    found = await corner.call("datastore_search", resource_id=resource, filters={"k": "wire"})
    return found["records"][0]["v"] if found["records"] else None


# What the client sees, and the value that CKAN holds then: 1 from before, 2 is sent.
SEEN = {
    "refused": ("ConnectionError", 1),
    "reset, not done": ("ConnectionError", 1),
    "reset, done": ("ConnectionError", 2),
    "reset, done late": ("ConnectionError", 1),
    "reset, done when released": ("ConnectionError", 1),
    "silent, not done": ("ReadTimeout", 1),
    "silent, done": ("ReadTimeout", 2),
    "502, not done": ("502", 1),
    "502, done": ("502", 2),
    "503, not done": ("503", 1),
    "503, done": ("503", 2),
    "504, not done": ("504", 1),
    "504, done": ("504", 2),
    "504, done late": ("504", 1),
    "504, done when released": ("504", 1),
    "429, seconds": ("429 1", 1),
    "429, date": ("429 ... GMT", 1),
    "drip": ("success True", 2),
    "cut short": ("ChunkedEncodingError", 2),
    "JSON ends early": ("JSONDecodeError", 2),
    "success false, not done": ("success False", 1),
    "success false, done": ("success False", 2),
    "empty, not done": ("JSONDecodeError", 1),
    "empty, done": ("JSONDecodeError", 2),
    "page, not done": ("JSONDecodeError", 1),
    "page, done": ("JSONDecodeError", 2),
    "redirected": ("302", 1),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_on_the_wire_is_what_it_says(
    corner: Corner, wired: str, proxy: FaultyProxy, name: str
):
    fault = FAULTS[name]
    patience = 1.0 if isinstance(fault, Drip) else 0.4 if isinstance(fault, Silent) else 20.0
    proxy.next(fault, action("datastore_upsert"), skip=1)
    assert await seen(proxy, corner, wired, 1) == "success True"
    told, value = SEEN[name]
    words = (await seen(proxy, corner, wired, 2, patience)).split()
    await proxy.idle()
    if isinstance(fault, Refused):
        assert await seen(proxy, corner, wired, 3) == "ConnectionError"
        await asyncio.sleep(fault.seconds + 0.1)
    assert (words[0], words[-1]) == (told.split()[0], told.split()[-1])
    call = proxy.calls[1]
    assert (call.nth, call.resource, call.records, call.fault) == (2, wired, 1, fault)
    assert call.ckan_status == (200 if value == 2 else None)
    if words[0].isdecimal() or words[0] == "ConnectionError":
        assert call.status == (int(words[0]) if words[0].isdecimal() else None)
    if isinstance(fault, Drip):
        # Each read waited less than the client's patience, and all of them more.
        assert call.seconds is not None
        assert call.seconds > patience
    if isinstance(fault, Late) and fault.seconds is not None:
        await asyncio.sleep(fault.seconds)
        await proxy.release()
        value = 2
    assert await held(corner, wired) == value
    assert await seen(proxy, corner, wired, 4) == "success True"
    await proxy.release()
    undone = isinstance(fault, Late) and fault.seconds is None
    assert await held(corner, wired) == (2 if undone else 4)
    assert proxy.planned == []


CHILD = """
import json, sys, urllib.request
url, token, resource = sys.argv[1:]
asked = {"resource_id": resource, "force": True, "records": [{"k": "wire", "v": 2}]}
urllib.request.urlopen(urllib.request.Request(
    url + "/api/3/action/datastore_upsert", json.dumps(asked).encode(),
    {"Authorization": token, "Content-Type": "application/json"}))
"""


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
async def test_a_process_is_killed_at_the_very_call(
    corner: Corner, wired: str, proxy: FaultyProxy, done: bool
):
    await upsert(corner, wired, {"k": "wire", "v": 1})
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, proxy.url, corner.token, wired
    )
    proxy.next(Kill(child.kill, done=done), writes)
    assert await child.wait() == -9
    assert await held(corner, wired) == (2 if done else 1)


async def test_what_is_not_planned_passes_as_it_is(
    corner: Corner, package: str, proxy: FaultyProxy
):
    proxy.next(FAULTS["502, not done"], reads, skip=1)
    content = b"k,v\n" + b"made up,1\n" * 300_000

    def pass_by() -> list[Any]:
        with requests.Session() as client:
            client.headers["Authorization"] = corner.token
            made = client.post(
                f"{proxy.url}/api/3/action/resource_create",
                data={"package_id": package, "name": "file", "url": "file.csv"},
                files={"upload": ("file.csv", content)},
                timeout=30,
            ).json()["result"]
            place = f"{proxy.url}/dataset/{package}/resource/{made['id']}/download/file.csv"
            shown = f"{proxy.url}/api/3/action/package_show?id={package}"
            return [
                client.get(place, timeout=30).content == content,
                client.get(shown, timeout=30).status_code,
                client.get(f"{proxy.url}/api/3/action/package_show?id=none", timeout=30).json()[
                    "success"
                ],
            ]

    assert await asyncio.to_thread(pass_by) == [True, 502, False]
    assert [call.action for call in proxy.writes] == ["resource_create"]
    assert [call.status for call in proxy.calls] == [200, 200, 502, 404]
    assert [call.resource for call in proxy.calls[2:]] == [package, "none"]


async def test_it_can_be_down_for_as_long_as_the_test_likes(
    corner: Corner, wired: str, proxy: FaultyProxy
):
    proxy.down()
    assert await seen(proxy, corner, wired, 1) == "ConnectionError"
    await proxy.up()
    assert await seen(proxy, corner, wired, 1) == "success True"
    assert (len(proxy.calls), proxy.rows_sent) == (1, 1)


async def view(corner: Corner, name: str) -> dict[str, Any]:
    """Give what can be told of a package, by the words that the expectations use."""
    package = await corner.find("package_show", id=name)
    if package is None:
        return {}
    info = (
        await corner.find("datastore_info", id=package["resources"][0]["id"])
        if (package["resources"])
        else None
    )
    organization = await corner.call("organization_show", id=corner.organization)
    tokens = await corner.call("api_token_list", user=corner.organization)
    return {
        **{name: package[name] for name in ("id", "state", "title", "notes", "private", "extras")},
        "tags": [tag["name"] for tag in package["tags"]],
        "resources": [item["name"] for item in package["resources"]],
        "columns": info and [field["id"] for field in info["fields"]],
        "marker": info and [field.get("info") for field in info["fields"]][:1],
        "rows": info
        and sorted(
            (row["k"], row.get("v") or 0)
            for row in await corner.rows(package["resources"][0]["id"])
        ),
        "organization": organization["state"],
        "tokens": len(tokens),
    }


CHANGED = {
    "token revoked": {"tokens"},
    "organisation deleted": {"state", "organization"},
    "package deleted": {"state"},
    "title edited": {"title"},
    "notes edited": {"notes"},
    "tags edited": {"tags"},
    "extra edited": {"extras"},
    "made private": {"private"},
    "resource edited": {"resources"},
    "resource deleted": {"resources", "columns", "marker", "rows"},
    "table dropped": {"columns", "marker", "rows"},
    "table truncated": {"rows"},
    "column added": {"columns"},
    "column dropped": {"columns", "rows"},
    "marker removed": {"marker"},
    "rows changed": {"rows"},
    "rows deleted": {"rows"},
    "rows added": {"rows"},
    "name taken": {"id", "title", "tags", "extras", "resources", "columns", "marker", "rows"},
}


@pytest.mark.parametrize("name", STATE_FAULTS)
async def test_what_is_done_by_hand_is_what_it_says(corner: Corner, package: str, name: str):
    before = await view(corner, package)
    heal = await STATE_FAULTS[name](corner, package)
    after = await view(corner, package)
    assert {key for key in before if before[key] != after[key]} == CHANGED[name]
    if heal is not None:
        await heal()
        # The name that was taken is free again, and ours stays deleted.
        assert await view(corner, package) == ({} if name == "name taken" else before)


async def publish(corner: Corner, resource: str, version: int) -> None:
    """Bring the table to *version* from the one before, as it ought to be done."""
    describe = {"resource_id": resource, "force": True}
    await corner.call(
        "datastore_create", **describe, fields=marked(version=version - 1, upcoming=version)
    )
    for gone in {row["k"] for row in rows(version - 1)} - {row["k"] for row in rows(version)}:
        await corner.call("datastore_records_delete", **describe, filters={"k": gone})
    for row in rows(version):
        await upsert(corner, resource, row)
    await create(corner, resource, marker=version)


async def test_the_watcher_has_nothing_against_honest_work(
    corner: Corner, resource: str, ckan: CkanSite
):
    with Watcher(ckan.url) as watcher:
        watcher.allow(resource, 1, rows(1), key=["k"])
        await asyncio.to_thread(watcher.wait)
        for version in range(2, 8):
            watcher.allow(resource, version, rows(version), key=["k"])
            await publish(corner, resource, version)
        await corner.call(
            "datastore_create",
            resource_id=resource,
            force=True,
            fields=[*marked(version=7), {"id": "new", "type": "text"}],
        )
        with watcher.suspended():
            await upsert(corner, resource, {"k": "by hand", "v": 0})
            await corner.call(
                "datastore_records_delete",
                resource_id=resource,
                force=True,
                filters={"k": "by hand"},
            )
        await asyncio.to_thread(watcher.wait)
    assert watcher.violations == []
    assert watcher.rounds >= 8  # those of the two waits at the least
    assert watcher.gap_ms(resource) == 0


PLANTED = {
    "a table that is emptied": "empty",
    "a row that no version holds": "strange",
    "a marker before its rows": "ahead",
    "a late write that undoes a newer one": "ahead",
    "a row that is missing": "ahead",
}


@pytest.mark.parametrize("name", PLANTED)
async def test_the_watcher_sees_what_may_not_be(
    corner: Corner, package: str, resource: str, ckan: CkanSite, name: str
):
    with Watcher(ckan.url) as watcher:
        for version in (1, 2):
            watcher.allow(resource, version, rows(version), key=["k"])
        if name == "a marker before its rows":
            await create(corner, resource, marker=2)
        else:
            await publish(corner, resource, 2)
        await asyncio.to_thread(watcher.wait)
        if name == "a table that is emptied":
            await STATE_FAULTS["table truncated"](corner, package)
        elif name == "a row that no version holds":
            await upsert(corner, resource, {**rows(2)[0], "v": 777})
        elif name == "a late write that undoes a newer one":
            await upsert(corner, resource, rows(1)[2])
        elif name == "a row that is missing":
            await corner.call(
                "datastore_records_delete",
                resource_id=resource,
                filters={"k": rows(2)[2]["k"]},
                force=True,
            )
        await asyncio.to_thread(watcher.wait)
    assert {violation.law for violation in watcher.violations} == {PLANTED[name]}


async def test_the_watcher_measures_how_long_a_resource_was_away(
    corner: Corner, package: str, resource: str, ckan: CkanSite
):
    with Watcher(ckan.url) as watcher:
        watcher.watch(resource)
        await asyncio.to_thread(watcher.wait)
        began = time.monotonic()
        await corner.call("package_patch", id=package, private=True)
        await asyncio.sleep(0.5)
        await corner.call("package_patch", id=package, private=False)
        await asyncio.to_thread(watcher.wait)
        away = 1000 * (time.monotonic() - began)
    assert 100 < watcher.gap_ms(resource) < away
    assert set(watcher.answers(resource)) == {200, 403}
    assert watcher.violations == []
