"""The CKAN target against a real CKAN: what is read back equals the store."""

import asyncio
import csv
import json
import random
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from ckan_house import shown
from publishing import ODD_ROWS, WATER, House, open_house, outcomes, water
from scale import scale
from support import CkanSite

from publisher.model.catalog import CkanTarget

Read = Callable[..., Any]


@pytest.fixture
def name() -> str:
    return f"publisher-test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def read(ckan: CkanSite) -> Read:
    """Give a function that calls an action as the site's administrator, beside Publisher."""

    def call(action: str, **parameters: Any) -> Any:
        with requests.post(
            f"{ckan.url}/api/3/action/{action}",
            json=parameters,
            headers={"Authorization": ckan.token},
            timeout=60,
        ) as answer:
            return answer.json().get("result")

    async def in_thread(action: str, **parameters: Any) -> Any:
        return await asyncio.to_thread(call, action, **parameters)

    return in_thread


def target(
    ckan: CkanSite, *, url: str | None = None, organization: str | None = None
) -> dict[str, CkanTarget]:
    spec = {
        "type": "ckan",
        "url": url or ckan.url,
        "timeout": 30,
        "late": "PT1S",
        "organizations": {
            "esbjerg": {"name": organization or ckan.organization, "token": "${CKAN_TOKEN}"}
        },
    }
    return {"portal": CkanTarget.model_validate(spec)}


@pytest.fixture
async def house(tmp_path: Path, ckan: CkanSite, name: str, read: Read) -> AsyncIterator[House]:
    async with open_house(
        tmp_path,
        name=name,
        publish={"access": "public", "targets": ["portal"]},
        targets=target(ckan),
        environ={"CKAN_TOKEN": ckan.token},
    ) as opened:
        yield opened
    if package := await read("package_show", id=name):
        await read("dataset_purge", id=package["id"])


async def package_of(read: Read, house: House) -> Any:
    return await read("package_show", id=house.name)


def resource_of(package: Any, table: str = "levels") -> Any:
    """Give the resource that a table is published as; its rows may be kept in another."""
    return next(it for it in package["resources"] if it.get("publisher_table") == table)


async def rows_at(read: Read, resource: str) -> list[dict[str, Any]]:
    answer = await read("datastore_search", resource_id=resource, limit=32_000, sort="_id")
    return answer["records"]


async def assert_equal(read: Read, house: House, ckan: CkanSite) -> list[dict[str, Any]]:
    """Compare the DataStore and its CSV dump with the store; give the DataStore's rows."""
    resource = resource_of(await package_of(read, house))
    held = await rows_at(read, resource["id"])
    stored = shown(await house.rows())
    found = [{key: value for key, value in row.items() if key != "_id"} for row in held]
    order = lambda row: (row["station"], row["at"])  # noqa: E731
    assert sorted(found, key=order) == sorted(stored, key=order)
    dump = await asyncio.to_thread(
        requests.get, f"{ckan.url}/datastore/dump/{resource['id']}", timeout=60
    )
    lines = list(csv.DictReader(dump.content.decode("utf-8-sig").splitlines()))
    assert [line["station"] for line in lines] == [row["station"] for row in held]
    return held


async def test_read_back_it_equals_the_store(house: House, read: Read, ckan: CkanSite) -> None:
    await house.commit(ODD_ROWS)
    [result] = await house.outbox.publish(house.name)
    assert (result.outcome, result.versions, result.problem) == ("published", {"levels": 1}, None)
    await assert_equal(read, house, ckan)
    package = await package_of(read, house)
    assert (package["title"], package["private"]) == ("Vandstand i åen", False)
    assert (package["license_id"], package["organization"]["name"]) == ("cc-by", ckan.organization)
    assert (package["author"], package["author_email"]) == ("Esbjerg Kommune", "data@example.org")
    assert sorted(tag["name"] for tag in package["tags"]) == ["vand", "å bæk"]
    extras = {extra["key"]: extra["value"] for extra in package["extras"]}
    installation = (house.settings.data / "installation").read_text().strip()
    assert extras["publisher_installation"] == installation
    assert extras["publisher_schemas"] == '{"levels":"water@1.2.0"}'
    assert extras["frequency"].endswith("/authority/frequency/HOURLY")
    [resource] = package["resources"]
    assert (resource["name"], resource["format"]) == ("Målinger levels", "CSV")
    fields = {
        item["id"]: item for item in (await read("datastore_info", id=resource["id"]))["fields"]
    }
    assert fields["level"]["type"] == "numeric"
    assert fields["at"]["type"] == "timestamp"
    info = fields["level"]["info"]
    assert (info["label"], info["notes"], info["unit"]) == ("Vandstand", "Over DVR90.", "m")
    assert [item for item in fields if fields[item]["schema"]["is_index"]] == ["station", "at"]


async def test_personal_fields_are_never_sent(house: House, read: Read, ckan: CkanSite) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish(house.name)
    [resource] = (await package_of(read, house))["resources"]
    before = await read("datastore_info", id=resource["id"])
    assert "read_by" not in json.dumps(before)
    house.schemas["levels"] = {
        **WATER,
        "fields": [
            {**item, "personal": item["name"] in {"note", "read_by"}} for item in WATER["fields"]
        ],
    }
    house.describe()
    assert outcomes(await house.outbox.publish(house.name)) == {"portal": "published"}
    after = await read("datastore_info", id=resource["id"])
    assert "note" not in [item["id"] for item in after["fields"]]
    await assert_equal(read, house, ckan)


async def test_a_second_publish_changes_nothing(house: House, read: Read, ckan: CkanSite) -> None:
    await house.commit([water("a", n) for n in range(50)])
    await house.outbox.publish(house.name)
    rows = await assert_equal(read, house, ckan)
    for _ in range(3):
        before = await package_of(read, house)
        [again] = await house.outbox.publish(house.name)
        assert (again.outcome, again.changes) == ("unchanged", ())
        [dry] = await house.new_outbox().publish(house.name, dry_run=True)
        assert dry.outcome == "unchanged"
        after = await package_of(read, house)
        # CKAN itself notes last_modified a while after rows came, once.
        if before["resources"][0]["last_modified"] == after["resources"][0]["last_modified"]:
            break
    assert after["metadata_modified"] == before["metadata_modified"]
    assert await assert_equal(read, house, ckan) == rows


async def test_corrections_removals_and_texts_arrive_without_a_reload(
    house: House, read: Read, ckan: CkanSite
) -> None:
    house.modes = {"levels": "replace"}
    house.describe()
    await house.commit([water(station, n) for station in "abc" for n in range(20)])
    await house.outbox.publish(house.name)
    ids = {(row["station"], row["at"]): row["_id"] for row in await assert_equal(read, house, ckan)}
    await house.commit(
        [
            water(station, n, level=7.5 if n == 5 else 0.1 + n / 3)
            for station in "abc"
            for n in range(1, 21)
        ]
    )
    house.facts["title"] = "Vandstand i bækken"
    house.describe()
    [dry] = await house.outbox.publish(house.name, dry_run=True)
    told = {change.what: (change.before, change.after) for change in dry.changes}
    assert dry.outcome == "different"
    assert told["levels.version"] == (1, 2)
    assert told["package.title"] == ("Vandstand i åen", "Vandstand i bækken")
    assert (await package_of(read, house))["title"] == "Vandstand i åen"
    [result] = await house.outbox.publish(house.name)
    assert result.outcome == "published"
    for row in await assert_equal(read, house, ckan):
        minute = int(row["at"][14:16])
        kept = ids.get((row["station"], row["at"]))
        assert (row["_id"] == kept) == (minute != 20)
    assert (await package_of(read, house))["title"] == "Vandstand i bækken"


async def test_a_new_column_and_a_changed_type(house: House, read: Read, ckan: CkanSite) -> None:
    await house.commit([water("a", 1)])
    await house.outbox.publish(house.name)
    house.schemas["levels"] = {
        **WATER,
        "fields": [*WATER["fields"], {"name": "extra", "type": "integer"}],
    }
    house.describe()
    await house.commit([(*water("a", 2), 42)])
    assert outcomes(await house.outbox.publish(house.name)) == {"portal": "published"}
    await assert_equal(read, house, ckan)
    [resource] = (await package_of(read, house))["resources"]
    # Somebody replaced the table by one that has another type.
    await read("datastore_delete", resource_id=resource["id"], force=True)
    await read(
        "datastore_create",
        resource_id=resource["id"],
        force=True,
        fields=[{"id": "station", "type": "text"}, {"id": "level", "type": "text"}],
    )
    [mended] = await house.outbox.publish(house.name)
    assert [change.what for change in mended.changes] == ["levels.table"]
    await assert_equal(read, house, ckan)


async def test_rows_lost_over_there_are_brought_back(
    house: House, read: Read, ckan: CkanSite
) -> None:
    await house.commit([water("a", n) for n in range(10)])
    await house.outbox.publish(house.name)
    [resource] = (await package_of(read, house))["resources"]
    await read(
        "datastore_records_delete", resource_id=resource["id"], filters={"station": "a"}, force=True
    )
    [mended] = await house.outbox.publish(house.name)
    assert [(change.what, change.before) for change in mended.changes] == [("levels.rows", 0)]
    await assert_equal(read, house, ckan)


async def test_a_table_without_a_key_gets_a_column_of_row_ids(house: House, read: Read) -> None:
    fields = [{"name": "row_id"}, {"name": "value", "type": "integer"}]
    house.schemas = {"events": {"name": "events", "version": "1.0.0", "fields": fields}}
    house.describe()
    await house.commit([("x", 1), ("x", 1)], "events")
    await house.outbox.publish(house.name)
    await house.commit([("x", 1)], "events")
    await house.outbox.publish(house.name)
    [resource] = (await package_of(read, house))["resources"]
    rows = await rows_at(read, resource["id"])
    assert [(row["row_id"], row["value"]) for row in rows] == [("x", 1)] * 3
    assert len({row["row_row_id"] for row in rows}) == 3


async def test_more_rows_than_one_call_takes(house: House, read: Read, ckan: CkanSite) -> None:
    fields = [{"name": "n", "type": "integer"}]
    house.schemas = {
        "numbers": {"name": "numbers", "version": "1.0.0", "fields": fields, "primaryKey": "n"}
    }
    house.describe()
    await house.commit([], "numbers", also="SELECT range, range FROM range(12_001)")
    await house.outbox.publish(house.name)
    [resource] = (await package_of(read, house))["resources"]
    assert sorted(row["n"] for row in await rows_at(read, resource["id"])) == list(range(12_001))


async def test_tables_come_and_go(house: House, read: Read) -> None:
    one = {"name": "one", "version": "1.0.0", "fields": [{"name": "n"}], "primaryKey": "n"}
    house.schemas = {"first": one, "second": {**one, "name": "two"}}
    house.describe()
    await house.commit([("1",)], "first")
    await house.outbox.publish(house.name)
    await house.commit([("2",)], "second")
    await house.outbox.publish(house.name)
    tables = [item["publisher_table"] for item in (await package_of(read, house))["resources"]]
    assert tables == ["first", "second"]
    house.schemas = {"second": {**one, "name": "two"}}
    house.describe()
    await house.outbox.publish(house.name)
    [resource] = (await package_of(read, house))["resources"]
    assert [row["n"] for row in await rows_at(read, resource["id"])] == ["2"]


async def test_withdrawn_it_is_private_and_comes_back_as_itself(
    house: House, read: Read, ckan: CkanSite
) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish(house.name)
    before = await package_of(read, house)
    house.publish = {"targets": ["portal"]}
    house.describe()
    assert outcomes(await house.outbox.publish(house.name)) == {"portal": "withdrawn"}
    assert (await package_of(read, house))["private"]
    house.publish = {"access": "public", "targets": ["portal"]}
    house.describe()
    assert outcomes(await house.outbox.publish(house.name)) == {"portal": "published"}
    after = await package_of(read, house)
    assert (after["id"], after["private"]) == (before["id"], False)
    await assert_equal(read, house, ckan)


async def failed(house: House) -> tuple[str, str, dict[str, Any]]:
    """Publish in vain; give the problem's code, its message and its parameters."""
    [result] = await house.outbox.publish(house.name)
    assert result.outcome == "failed"
    assert result.problem is not None
    return result.problem.code, json.dumps(dict(result.problem.params)), dict(result.problem.params)


async def test_a_refused_token_is_told_and_never_shown(
    house: House, ckan: CkanSite, read: Read
) -> None:
    house.environ["CKAN_TOKEN"] = "no-such-token-made-up"
    await house.commit(ODD_ROWS)
    code, text, _ = await failed(house)
    assert code == "ckan-refused"
    assert "no-such-token" not in text
    assert await package_of(read, house) is None


async def test_a_missing_organisation_is_named_and_not_created(
    house: House, ckan: CkanSite, read: Read
) -> None:
    house.targets = target(ckan, organization="no-such-municipality")
    house.describe()
    await house.commit(ODD_ROWS)
    code, _, params = await failed(house)
    assert (code, params["organization"]) == ("ckan-organization-missing", "no-such-municipality")
    assert await read("organization_show", id="no-such-municipality") is None


async def test_anothers_dataset_of_that_name_is_left_alone(
    house: House, ckan: CkanSite, read: Read
) -> None:
    await read("package_create", name=house.name, owner_org=ckan.organization, title="Another's")
    await house.commit(ODD_ROWS)
    code, _, _ = await failed(house)
    assert code == "ckan-not-ours"
    assert (await package_of(read, house))["title"] == "Another's"


async def test_what_is_no_ckan_is_told_apart(house: House, ckan: CkanSite) -> None:
    house.targets = target(ckan, url=f"{ckan.url}/about")
    house.describe()
    await house.commit(ODD_ROWS)
    assert (await failed(house))[0] in {"ckan-strange", "ckan-missing"}


class Wire:
    """A TCP relay to the real CKAN that can be cut."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._to = (place.hostname, place.port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._mending: asyncio.Task[None] | None = None
        self.port = 0
        self.cut_after: int | None = None
        """Bytes towards CKAN after which the wire is cut, once."""
        self.mended_after: float | None = 1.0
        """Seconds; None: only by ``up``."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def down(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    def _cut(self) -> None:
        self.cut_after = None
        self.down()
        if self.mended_after is not None:
            self._mending = asyncio.create_task(self._mend(self.mended_after))

    async def _mend(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.up()

    async def _relay(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection(*self._to)
        self._writers |= {back, forth}
        await asyncio.gather(self._pump(near, forth, counted=True), self._pump(far, back))
        self._writers -= {back, forth}

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, counted: bool = False
    ) -> None:
        try:
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
                if counted and self.cut_after is not None:
                    self.cut_after -= len(data)
                    if self.cut_after < 0:
                        self._cut()
        except OSError:
            pass
        finally:
            sink.close()


@pytest.fixture
async def wire(ckan: CkanSite) -> AsyncIterator[Wire]:
    wire = Wire(ckan.url)
    await wire.up()
    yield wire
    wire.down()


async def test_absent_and_then_there(house: House, ckan: CkanSite, read: Read, wire: Wire) -> None:
    house.targets = target(ckan, url=wire.url)
    house.describe()
    wire.down()
    await house.commit(ODD_ROWS)
    assert (await failed(house))[0] == "ckan-unreachable"
    await wire.up()
    assert outcomes(await house.outbox.publish(house.name)) == {"portal": "published"}
    await assert_equal(read, house, ckan)


@pytest.mark.parametrize("turn", range(scale(2, 25)))
async def test_gone_for_a_moment_in_the_middle(
    house: House, ckan: CkanSite, read: Read, wire: Wire, turn: int, seed: int
) -> None:
    cut_after = random.Random(seed + turn).randrange(1_000, 200_000)
    house.targets = target(ckan, url=wire.url)
    house.describe()
    await house.commit([water(f"s{n % 3}", n, note="made up " * 5) for n in range(1200)])
    wire.cut_after = cut_after
    for _ in range(5):
        [result] = await house.outbox.publish(house.name)
        if result.outcome != "failed":
            break
        await asyncio.sleep(1)
    assert wire.cut_after is None
    assert result.outcome == "published"
    await assert_equal(read, house, ckan)
    found = await read("package_search", q=f"name:{house.name}", include_private=True)
    assert found["count"] == 1


@pytest.mark.parametrize("turn", range(scale(2, 25)))
async def test_cut_off_within_a_version_no_row_of_it_stays_behind(
    house: House,
    ckan: CkanSite,
    read: Read,
    wire: Wire,
    turn: int,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows of version 2 are half sent; version 3 takes them away again."""
    cut_after = random.Random(seed + turn).randrange(10_000, 40_000)
    monkeypatch.setattr("publisher.targets.ckan.client._FIRST_WAIT", 0.01)
    monkeypatch.setattr("publisher.targets.ckan.tables.CHUNK", 50)
    house.targets = target(ckan, url=wire.url)
    house.modes = {"levels": "replace"}
    house.describe()
    await house.commit([water("a", n) for n in range(200)])
    await house.outbox.publish(house.name)
    await house.commit([water("a", n) for n in range(20, 400)])
    wire.cut_after, wire.mended_after = cut_after, None
    assert (await failed(house))[0] == "ckan-unreachable"
    [resource] = (await package_of(read, house))["resources"]
    fields = (await read("datastore_info", id=resource["id"]))["fields"]
    assert {item["info"].get("publisher_upcoming") for item in fields} == {"2"}
    await house.commit([water("a", n, level=1.5) for n in range(330)])
    await wire.up()
    assert outcomes(await house.outbox.publish(house.name)) == {"portal": "published"}
    await assert_equal(read, house, ckan)
