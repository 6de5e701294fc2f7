"""Take real exports the whole way and compare: file -> store -> CKAN and HTTP -> read back.

``python tests/real_exports.py FOLDER`` with FOLDER holding ``vandportalen/`` (three exports)
and ``aarhus-traffic/`` (observations and routes); CKAN_URL, CKAN_API_KEY and CKAN_ORG name a
real CKAN. The originals are not part of the project. What is read back is compared with an
independent reading of the same files (csv, zoneinfo). Exit code 0: all equal.
"""

import asyncio
import csv
import json
import os
import sys
import tempfile
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from aiohttp import web

from publisher.api import create_app
from publisher.api.parts import Parts
from publisher.app import Service, open_service
from publisher.settings import Settings

PROJECT = Path(__file__).resolve().parents[1]
NORMAL_TIME = timezone(timedelta(hours=1))
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
Rows = list[dict[str, Any]]


def utc(text: str, form: str, zone: tzinfo) -> str:
    moment = datetime.strptime(text, form).replace(tzinfo=zone)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(text: str) -> float | None:
    return float(text) if text else None


def whole(text: str) -> int | None:
    return int(text) if text else None


def vandportalen(path: Path, station: str, encoding: str) -> Rows:
    with path.open(encoding=encoding, newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))[14:]
    return [
        {
            "station": station,
            "observed_at": utc(row[0], "%d-%m-%Y %H:%M", NORMAL_TIME),
            "level": number(row[1]),
            "quality": whole(row[2]),
        }
        for row in rows
        if row
    ]


def columns(path: Path, view: dict[str, Any], read: dict[str, Callable[[str], Any]]) -> Rows:
    """Read the columns that the dataset file's own view names, cells by *read* or as text."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {
                field: read.get(field, lambda text: text or None)(row[spec["column"]])
                for field, spec in view.items()
            }
            for row in csv.DictReader(file)
        ]


@dataclass(frozen=True)
class Expected:
    dataset: str
    table: str
    title: str
    rows: Rows


def prepare(root: Path, data: Path, tag: str) -> list[Expected]:
    """Write the example's own dataset files, with the originals as sources and CKAN as target."""
    (root / "catalog").mkdir()
    (root / "schemas").symlink_to(PROJECT / "schemas")
    target = {
        "type": "ckan",
        "url": os.environ["CKAN_URL"],
        "organizations": {
            name: {"name": os.environ["CKAN_ORG"], "token": "${CKAN_API_KEY}"}
            for name in ("esbjerg", "aarhus")
        },
    }
    (root / "catalog/targets.yaml").write_text(yaml.safe_dump({"ckan": target}))
    organizations = (PROJECT / "catalog/organizations.yaml").read_text(encoding="utf-8")
    (root / "catalog/organizations.yaml").write_text(organizations, encoding="utf-8")

    def write(example: str, name: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        dataset = yaml.safe_load((PROJECT / f"catalog/{example}.yaml").read_text(encoding="utf-8"))
        dataset["name"] = f"{name}-{tag}"
        dataset["publish"]["targets"] = ["ckan"]
        change(dataset)
        path = root / "catalog" / f"{dataset['name']}.yaml"
        path.write_text(yaml.safe_dump(dataset, allow_unicode=True), encoding="utf-8")
        return dataset

    expected = []
    for file, name, station, encoding, label in [
        ("ribe-aa-38.05-2024.csv", "ribe-2024", "38.05", "utf-8", None),
        ("ribe-aa-38.05-2025-01.csv", "ribe-2025", "38.05", "windows-1252", None),
        (
            "kammersluse-9006701-2024.csv",
            "kammersluse-2024",
            "9006701",
            "utf-8",
            "Vandstand (Kystdirektoratet / Coastal Authority) (cm DVR90)",
        ),
    ]:
        path = data / "vandportalen" / file

        def change(dataset: dict[str, Any]) -> None:
            harvest = dataset["resources"][0]["harvest"]
            harvest["source"] = {"type": "file", "path": str(path)}  # noqa: B023
            harvest["encoding"] = encoding  # noqa: B023
            harvest["fields"]["station"] = {"constant": station}  # noqa: B023
            if label:  # noqa: B023
                harvest["fields"]["level"] = {"column": label}  # noqa: B023

        dataset = write("vandstand-ribe", name, change)
        rows = vandportalen(path, station, encoding)
        expected.append(Expected(dataset["name"], "observations", "Målinger", rows))

    folder = data / "aarhus-traffic"
    files = {"routes": "routes.csv", "observations": "observations-2024-03-22.csv"}

    def change_traffic(dataset: dict[str, Any]) -> None:
        for table in dataset["resources"]:
            path = folder / files[table["name"]]
            table["harvest"]["source"] = {"type": "file", "path": str(path)}

    traffic = write("trafik-aarhus", "traffic", change_traffic)
    views = {table["name"]: table["harvest"]["fields"] for table in traffic["resources"]}
    numbers = ("start_latitude", "start_longitude", "end_latitude", "end_longitude", "free_speed")
    expected.append(
        Expected(
            traffic["name"],
            "routes",
            "Strækninger",
            columns(
                folder / files["routes"],
                views["routes"],
                dict.fromkeys(numbers, number) | {"duration": whole, "distance": whole},
            ),
        )
    )
    expected.append(
        Expected(
            traffic["name"],
            "observations",
            "Målinger",
            columns(
                folder / files["observations"],
                views["observations"],
                {
                    "observed_at": lambda text: utc(text, "%Y-%m-%dT%H:%M:%S", COPENHAGEN),
                    "average_time": whole,
                    "median_time": whole,
                    "vehicles": whole,
                    "average_speed": number,
                },
            ),
        )
    )
    return expected


def fetch(url: str) -> dict[str, Any]:
    request = urllib.request.Request(url, headers={"Authorization": os.environ["CKAN_API_KEY"]})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def from_ckan(it: Expected) -> Rows:
    base = os.environ["CKAN_URL"] + "/api/3/action/"
    package = fetch(f"{base}package_show?id={it.dataset}")["result"]
    (resource,) = [found for found in package["resources"] if found["name"] == it.title]
    rows: Rows = []
    while True:
        query = urllib.parse.urlencode(
            {"resource_id": resource["id"], "limit": 32000, "offset": len(rows), "sort": "_id"}
        )
        page = fetch(f"{base}datastore_search?{query}")["result"]["records"]
        if not page:
            return rows
        rows += page


def from_api(it: Expected, base: str) -> Rows:
    rows: Rows = []
    url: str | None = f"{base}/v1/datasets/{it.dataset}/{it.table}/rows?limit=10000"
    while url:
        answer = fetch(urllib.parse.urljoin(base, url))
        rows += answer["data"]
        url = answer["next"]
    return rows


def alike(it: Expected, rows: Rows) -> list[tuple[Any, ...]]:
    """Bring rows of any side into one form: fields in order, times in UTC, numbers as floats."""
    names = list(it.rows[0])

    def form(value: Any, name: str) -> Any:
        if value is not None and name == "observed_at":
            moment = datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return moment.astimezone(UTC).isoformat()
        return float(value) if isinstance(value, int | float) else value

    return sorted((tuple(form(row[name], name) for name in names) for row in rows), key=repr)


async def serve(service: Service) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(
        create_app(
            Parts(
                settings=service.settings,
                engine=service.engine,
                store=service.store,
                catalog=lambda: service.catalog,
            )
        )
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def main(data: Path) -> int:
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        expected = prepare(root, data, uuid.uuid4().hex[:8])
        settings = Settings(root=root, data=root / "data")
        async with open_service(settings) as service:
            for finding in service.findings:
                print("finding:", finding)
            for it in expected:
                ref = next(
                    r for r in service.catalog.entries if str(r) == f"{it.dataset}/{it.table}"
                )
                run = await service.harvester.harvest(service.catalog.entries[ref])
                print(f"{ref}: {run.outcome}, {run.rows}, {run.seconds:.2f} s", run.problem or "")
            for dataset in service.catalog.datasets:
                for result in await service.outbox.publish(dataset):
                    print(f"{dataset} -> {result.target}: {result.outcome}", result.problem or "")
            runner, base = await serve(service)
            for it in expected:
                wanted = alike(it, it.rows)
                for side, read in [
                    ("CKAN", lambda it=it: from_ckan(it)),
                    ("/v1", lambda it=it: from_api(it, base)),
                ]:
                    got = alike(it, await asyncio.to_thread(read))
                    equal = got == wanted
                    wrong += not equal
                    said = "equal" if equal else f"DIFFERENT ({len(got)} read)"
                    print(f"{it.dataset}/{it.table} from {side}: {len(wanted)} rows {said}")
            await runner.cleanup()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]).resolve())))
