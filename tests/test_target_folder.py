"""The folder target: Data Packages that Frictionless accepts, whole at every instant."""

import asyncio
import csv
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import frictionless
import orjson
import pytest
from publishing import ODD_ROWS, WATER, House, open_house, outcomes, water
from scale import scale

from publisher.errors import StorageFullError
from publisher.targets.folder import FolderTarget
from publisher.targets.progress import Progress
from publisher.targets.snapshot import Snapshot

HOW: dict[str, Any] = {"dry_run": False, "thorough": False, "watch": Progress(0)}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


def validated(package: Path) -> dict[str, Any]:
    """Run Frictionless over a package on disk; give its descriptor."""
    report = frictionless.validate(str(package / "datapackage.json"))
    assert report.valid, report.flatten(["type", "note"])
    assert not report.warnings
    assert not [task.warnings for task in report.tasks if task.warnings]
    return orjson.loads((package / "datapackage.json").read_bytes())


def read_package(package: Path) -> Any:
    return frictionless.Package(str(package / "datapackage.json")).get_resource("levels")


async def test_package_is_what_frictionless_reads_back_as_the_store_holds_it(
    house: House,
) -> None:
    await house.commit(ODD_ROWS)
    [result] = await house.outbox.publish("vand")
    assert (result.target, result.outcome, result.versions) == (
        "folder",
        "published",
        {"levels": 1},
    )
    package = await asyncio.to_thread(validated, house.published)
    table, parquet = package["resources"]
    assert (table["rows"], table["version"], parquet["format"]) == (4, 1, "parquet")
    assert table["schema"]["primaryKey"] == ["station", "at"]
    assert package["licenses"][0]["path"].startswith("https://creativecommons.org/")
    assert package["contributors"][0] == {
        "title": "Esbjerg Kommune",
        "email": "data@example.org",
        "roles": ["publisher"],
    }
    assert package["temporal"] == {"start": "2026-03-01T00:00:00Z", "end": "2026-03-01T00:02:00Z"}
    rows = [row.to_dict() for row in read_package(house.published).read_rows()]
    stored = await house.rows()
    assert len(rows) == len(stored) == 4
    for row, held in zip(sorted(rows, key=_key), sorted(stored, key=_key), strict=True):
        assert row.keys() == held.keys()
        for name, value in held.items():
            assert _same(row[name], value), (name, row[name], value)


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["station"], str(row["at"]).removesuffix("+00:00").replace("Z", "")


def _same(read: Any, held: Any) -> bool:
    if isinstance(read, datetime):
        return read.tzinfo is not None and read.replace(tzinfo=None) == held
    if isinstance(read, dict | list):
        return read == orjson.loads(held)
    if isinstance(held, float):
        return float(read) == held
    return read == held


async def test_personal_fields_and_harvest_instructions_stay_at_home(house: House) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish("vand")
    for file in house.published.iterdir():
        content = file.read_bytes()
        assert b"Karen" not in content
        assert b"read_by" not in content
        assert b"secret-inbox" not in content
    house.schemas["levels"] = {
        **WATER,
        "fields": [
            {**item, "personal": item["name"] in {"note", "read_by"}} for item in WATER["fields"]
        ],
    }
    house.describe()
    assert outcomes(await house.outbox.publish("vand")) == {"folder": "published"}
    assert b"note" not in (house.published / "levels.csv").read_bytes()
    await asyncio.to_thread(validated, house.published)
    gone = {"note", "read_by", "place"}
    fields = [item for item in WATER["fields"] if item["name"] not in gone]
    house.schemas["levels"] = {**WATER, "fields": fields}
    house.describe()
    assert outcomes(await house.outbox.publish("vand")) == {"folder": "published"}
    head = (house.published / "levels.csv").read_text("utf-8").splitlines()[0]
    assert gone.isdisjoint(head.split(","))


async def test_csv_is_written_in_the_house_style(house: House) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish("vand")
    text = (house.published / "levels.csv").read_text("utf-8")
    assert "\r" not in text
    rows = list(csv.DictReader(text.splitlines(keepends=True)))
    by_key = {(row["station"], row["at"]): row for row in rows}
    assert by_key["b", "2026-03-01T00:00:00.123000Z"]["level"] == "1e-07"
    assert by_key["b", "2026-03-01T00:02:00Z"]["level"] == "-0.30000000000000004"
    odd = by_key["å", "2026-03-01T00:00:00Z"]
    assert (odd["price"], odd["count"], odd["ok"], odd["day"], odd["clock"], odd["year"]) == (
        "12345678.90",
        "9007199254740993",
        "true",
        "2026-02-28",
        "23:59:01",
        "2026",
    )
    assert [row["station"] for row in rows] == ["b", "b", "å", "å"]


async def test_empty_strings_and_nulls_stay_apart(house: House) -> None:
    await house.commit(
        [water("a", 0, note=""), water("a", 1, note=None), water("a", 2, note="NULL")]
    )
    await house.outbox.publish("vand")
    await asyncio.to_thread(validated, house.published)
    table = read_package(house.published)
    assert table.schema.missing_values == ["\\N"]
    assert [row["note"] for row in table.read_rows()] == ["", None, "NULL"]


async def test_foreign_keys_are_published_and_hold(house: House) -> None:
    stations = {
        "name": "stations",
        "version": "1.0.0",
        "fields": [{"name": "id", "constraints": {"required": True}}],
        "primaryKey": "id",
    }
    key = {"fields": "station", "reference": {"resource": "stations", "fields": "id"}}
    house.schemas = {"levels": {**WATER, "foreignKeys": [key]}, "stations": stations}
    house.describe()
    await house.commit([("å",), ("b",)], "stations")
    await house.commit(ODD_ROWS)
    assert outcomes(await house.outbox.publish("vand")) == {"folder": "published"}
    package = await asyncio.to_thread(validated, house.published)
    assert (
        package["resources"][0]["schema"]["foreignKeys"][0]["reference"]["resource"] == "stations"
    )


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        file.name: (file.stat().st_mtime_ns, file.stat().st_ino) for file in folder.iterdir()
    } | {"": (folder.lstat().st_mtime_ns, folder.lstat().st_ino)}


async def test_a_second_publish_changes_nothing_and_the_same_version_gives_the_same_bytes(
    house: House, tmp_path: Path
) -> None:
    await house.commit([water(f"s{n % 7}", n) for n in range(3000)])
    await house.outbox.publish("vand")
    before = state_of(house.published)
    contents = {file.name: file.read_bytes() for file in house.published.iterdir()}
    [again] = await house.outbox.publish("vand")
    assert (again.outcome, again.changes) == ("unchanged", ())
    assert state_of(house.published) == before
    [dry] = await house.new_outbox().publish("vand", dry_run=True)
    assert dry.outcome == "unchanged"
    shutil.rmtree(house.settings.published_path)
    await house.outbox.publish("vand")
    assert {file.name: file.read_bytes() for file in house.published.iterdir()} == contents


async def test_corrections_and_removals_arrive_and_a_dry_run_only_tells(house: House) -> None:
    house.modes = {"levels": "replace"}
    house.describe()
    await house.commit([water("a", n) for n in range(10)])
    await house.outbox.publish("vand")
    before = state_of(house.published)
    await house.commit([water("a", n, level=1.0 if n == 3 else 0.1 + n / 3) for n in range(1, 10)])
    [dry] = await house.outbox.publish("vand", dry_run=True)
    assert dry.outcome == "different"
    assert [(change.what, change.before, change.after) for change in dry.changes] == [
        ("levels.version", 1, 2)
    ]
    assert state_of(house.published) == before
    await house.outbox.publish("vand")
    text = (house.published / "levels.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["level"] for row in rows][:3] == [
        "0.43333333333333335",
        "0.7666666666666666",
        "1.0",
    ]
    assert len(rows) == 9
    await asyncio.to_thread(validated, house.published)


async def test_a_changed_text_alone_is_published(house: House) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish("vand")
    house.facts["title"] = "Vandstand i bækken"
    house.describe()
    [result] = await house.outbox.publish("vand")
    assert (result.outcome, result.versions) == ("published", {"levels": 1})
    package = await asyncio.to_thread(validated, house.published)
    assert package["title"] == "Vandstand i bækken"


async def test_withdrawn_when_a_draft_again(house: House) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish("vand")
    house.publish = {}
    house.describe()
    assert outcomes(await house.outbox.publish("vand", dry_run=True)) == {"folder": "different"}
    assert house.published.exists()
    assert outcomes(await house.outbox.publish("vand")) == {"folder": "withdrawn"}
    assert not house.published.is_symlink()
    [nothing] = await house.outbox.publish("vand")
    assert nothing.problem is not None
    assert (nothing.outcome, nothing.problem.code) == ("unchanged", "dataset-is-draft")


async def test_a_field_that_became_personal_is_in_no_package_any_more(house: House) -> None:
    """The one before, which is kept for readers under way, goes at once."""
    await house.commit(ODD_ROWS)
    await house.outbox.publish("vand")
    await house.commit([water("c", 0, note="told")])
    await house.outbox.publish("vand")
    fields = [
        {**field, "personal": True} if field["name"] == "note" else field
        for field in WATER["fields"]
    ]
    house.schemas["levels"] = {**WATER, "fields": fields}
    house.describe()
    await house.outbox.publish("vand")
    texts = [path.read_text() for path in house.settings.published_path.rglob("*.csv")]
    assert texts
    assert all("told" not in text and "note" not in text for text in texts)


async def test_a_folder_that_somebody_else_made_is_left_alone(house: House) -> None:
    house.published.mkdir(parents=True)
    (house.published / "precious.txt").write_text("made up")
    await house.commit(ODD_ROWS)
    [result] = await house.outbox.publish("vand")
    assert result.problem is not None
    assert (result.outcome, result.problem.code) == ("failed", "folder-occupied")
    assert (house.published / "precious.txt").read_text() == "made up"


async def test_a_damaged_package_is_made_again(house: House) -> None:
    await house.commit(ODD_ROWS)
    await house.outbox.publish("vand")
    (house.published / "levels.csv").write_text("station\n")
    assert outcomes(await house.outbox.publish("vand")) == {"folder": "published"}
    await asyncio.to_thread(validated, house.published)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of half a megabyte, which takes the right to mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_leaves_the_last_package(house: House, small_disk: Path) -> None:
    await house.commit([water("a", n) for n in range(20)])
    target = FolderTarget(small_disk)
    await target.publish(await pin(house), {}, **HOW)
    await house.commit(
        [water(f"s{n % 9}", n, note=random.Random(n).randbytes(200).hex()) for n in range(5000)]
    )
    for _ in range(2):
        with pytest.raises(StorageFullError):
            await target.publish(await pin(house), {}, **HOW)
    package = await asyncio.to_thread(validated, small_disk / "vand")
    assert package["resources"][0]["rows"] == 20
    assert [path.name for path in (small_disk / ".packages/vand").iterdir()] == [
        (small_disk / "vand").readlink().name
    ]


class Dawdling(FolderTarget):
    """On a disk that takes its time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.begins = threading.Event()

    def _take_into_use(self, *arguments: Any) -> None:
        self.begins.set()
        time.sleep(0.3)
        super()._take_into_use(*arguments)


async def test_a_cancelled_publish_is_over_when_it_says_so_and_what_it_linked_is_whole(
    house: House,
) -> None:
    """Else its clean-up, or the next publish, removes files that its thread then links."""
    target = Dawdling(house.published.parent)
    await house.commit([water("a", n) for n in range(20)])
    publishing = asyncio.create_task(target.publish(await pin(house), {}, **HOW))
    await asyncio.to_thread(target.begins.wait)
    for _ in range(2):
        publishing.cancel()
        await asyncio.sleep(0.05)
    with pytest.raises(asyncio.CancelledError):
        await publishing
    package = await asyncio.to_thread(validated, house.published)
    assert package["resources"][0]["rows"] == 20
    left = [path.name for path in (house.published.parent / ".packages/vand").iterdir()]
    assert left == [house.published.readlink().name]
    assert (await target.publish(await pin(house), {}, **HOW)).changes == ()


async def pin(house: House) -> Snapshot:
    return await Snapshot.pin(
        house.engine, house.store, house.catalog, house.name, work=house.settings.work_path
    )


async def test_killed_at_any_instant_the_package_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    """The child publishes versions as fast as it can and is killed with -9 at random."""
    seen: set[int] = set()
    for _ in range(scale(4, 60)):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("publishing_child.py")),
            str(tmp_path),
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None
        for _ in range(2):
            assert await child.stdout.readline() == b"publishing\n"
        await asyncio.sleep(random.uniform(0, 0.2))
        child.kill()
        await child.wait()
        package = await asyncio.to_thread(validated, tmp_path / "data/published/vand")
        versions = {item["version"] for item in package["resources"]}
        assert len(versions) == 1
        seen |= versions
    assert len(seen) == scale(4, 60)
    async with open_house(tmp_path) as house:
        assert outcomes(await house.outbox.publish("vand"))["folder"] in {"published", "unchanged"}
        left = {path.name for path in (house.published.parent / ".packages/vand").iterdir()}
        assert house.published.readlink().name in left
        assert not [name for name in left if name.endswith((".tmp", ".link"))]
