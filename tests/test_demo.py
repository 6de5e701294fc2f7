"""The demo, as a newcomer meets it: the command, what it serves, and what it leaves on disk."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import aiohttp
from support import PROJECT

from publisher.demo.runner import run_once
from publisher.demo.story import OPENING, Story
from publisher.demo.website import Website
from publisher.settings import Settings

PUBLISHER = [sys.executable, "-m", "publisher"]
FRICTIONLESS = Path(sys.executable).with_name("frictionless")
DATASETS = {"vandstand-ribe", "trafik-aarhus", "indeklima-skoler", "parkering-aarhus"}


def environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PUBLISHER_")}


def test_one_round_comes_about_and_leaves_packages_that_frictionless_accepts(tmp_path: Path):
    data = tmp_path / "data"
    played = subprocess.run(
        [*PUBLISHER, "demo", "--once", "--json", "--data", data],
        cwd=tmp_path, env=environ(), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert played.returncode == 0, played.stdout + played.stderr
    assert json.loads(played.stdout) == {"outcome": "done", "differences": []}
    assert "HELD BACK" in played.stderr
    packages = {path.parent.name: path for path in (data / "published").glob("*/datapackage.json")}
    assert packages.keys() == DATASETS
    for package in packages.values():
        judged = subprocess.run(
            [FRICTIONLESS, "validate", package.name],
            cwd=package.parent, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert judged.returncode == 0, judged.stdout + judged.stderr


async def test_a_newcomer_sees_rows_refusals_and_files_and_ends_it(tmp_path: Path):
    demo = await asyncio.create_subprocess_exec(
        *PUBLISHER, "demo", "--port", "0", "--lang", "da",
        cwd=tmp_path, env=environ() | {"TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):  # what is promised to a newcomer
            told = ""
            while "Ctrl-C" not in told:
                line = await demo.stdout.readline()
                assert line, (told, await demo.stderr.read())
                told += line.decode()
        assert "opdigtede" in told
        url = re.search(r"curl '(http://[^/]+/v1/datasets/vandstand-ribe/observations)/rows", told)[
            1
        ]
        data = re.search(r"publisher status --data (\S+)", told)[1]
        async with aiohttp.ClientSession() as client:
            async with client.get(f"{url}/rows?limit=2") as answer:
                assert len((await answer.json())["data"]) == 2
            for page in ("docs/developer.md", "docs/da/developer.md"):
                shown = (PROJECT / page).read_text("utf-8")
                query = re.search(r"\$ curl -s '\S+/vandstand-ribe/observations(/\S+)'", shown)[1]
                async with client.get(f"{url}{query}") as answer:
                    assert len((await answer.json())["data"]) == 2, page
            async with client.get(f"{url}/quarantine") as answer:
                assert answer.status == 200
                assert "99.999" not in await answer.text()
        shown = await asyncio.create_subprocess_exec(
            *PUBLISHER, "quarantine", "show", "vandstand-ribe/observations", "--data", data,
            cwd=tmp_path, env=environ(), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        cells, _ = await shown.communicate()
        assert shown.returncode == 0
        assert "99.999" in cells.decode()
        assert "fejl" in cells.decode()
        assert (Path(data) / "published" / "vandstand-ribe" / "observations.csv").exists()
    finally:
        demo.send_signal(signal.SIGINT)
        _, complaints = await asyncio.wait_for(demo.communicate(), 40)
    assert demo.returncode == 0, complaints
    assert "Traceback" not in complaints.decode()
    assert not Path(data).exists()


async def test_what_does_not_come_about_is_told(tmp_path: Path):
    root = tmp_path / "root"
    for folder in ("catalog", "schemas"):
        shutil.copytree(PROJECT / folder, root / folder)
    file = root / "catalog" / "vandstand-ribe.yaml"
    file.write_text(file.read_text("utf-8").replace("maxBad: 5%", "maxBad: 0%"), "utf-8")
    settings = Settings(root=root, data=tmp_path / "data", port=0, http_attempts=1)
    told: list[str] = []
    differences = await run_once(settings, told.append)
    assert any("vandstand-ribe/observations" in it and "held" in it for it in differences)
    assert differences[-1] in told[-1] or differences[-1] in "\n".join(told)


def test_a_folder_with_something_in_it_is_not_used(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    refused = subprocess.run(
        [*PUBLISHER, "demo", "--once", "--data", tmp_path],
        env=environ(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert refused.returncode == 2
    assert str(tmp_path) in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_departments_tell_the_same_story_twice_and_say_that_it_is_made_up(tmp_path: Path):
    def played(name: str) -> list[bytes]:
        inbox, website = tmp_path / name, Website()
        inbox.mkdir()
        story = Story(website, inbox, seed=7, now=datetime(2026, 10, 26, 1, tzinfo=UTC))
        for _ in islice(story.rounds(), len(OPENING)):
            pass
        files = [path.read_bytes() for path in sorted(inbox.iterdir())]
        return [*files, *(page.body for page in website.pages.values())]

    once, again = played("once"), played("again")
    assert once == again
    assert all(b"opdigtet" in body.lower() or b"made up" in body.lower() for body in once[:1])
    assert once[0].decode("windows-1252").split("\r\n")[13].startswith("Dato (DK normaltid);")
