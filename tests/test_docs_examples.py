"""Every example in the pages for developers works as it stands, against the demo.

What is for a program that is not here (R, DuckDB's own shell, Excel, Power BI) has its addresses
asked.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

import pytest
from support import PROJECT

PAGES = ("developer.md", "recipes.md", "da/developer.md", "da/recipes.md", "../README.md")
SHOWN = "http://127.0.0.1:8080"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ADDRESS = re.compile(rf"{SHOWN}[^'\"\s\\]*")
_OWN = re.compile(r"^(make|git|pip|publisher|docker|cd) ", re.MULTILINE)
"""Commands of one's own machine; tests/test_docs.py and others run those."""


def blocks(page: str) -> list[tuple[str, str]]:
    return _BLOCK.findall((PROJECT / "docs" / page).read_text("utf-8"))


EXAMPLES = [
    pytest.param(kind, text, id=f"{page}-{number}-{kind}")
    for page in PAGES
    for number, (kind, text) in enumerate(blocks(page))
    if SHOWN in text and kind != "json" and not _OWN.search(text)
]


class Demo(NamedTuple):
    url: str
    data: str
    """What the README calls DATA."""

    def own(self, text: str) -> str:
        """Give the example as it is pasted beside this demo."""
        return text.replace(SHOWN, self.url).replace("DATA/", f"{self.data}/")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    with (folder / "errors").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "publisher", "demo", "--port", "0"],
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    told = ""
    try:
        assert process.stdout is not None
        while "Ctrl-C" not in told:
            line = process.stdout.readline()
            assert line, (folder / "errors").read_text()
            told += line
        found = re.search(r"http://127\.0\.0\.1:\d+", told)
        data = re.search(r"--data (\S+)", told)
        assert found
        assert data
        yield Demo(found[0], data[1])
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_an_example_works(demo: Demo, kind: str, text: str, tmp_path: Path) -> None:
    runs = {
        "sh": ["bash", "-euo", "pipefail", "-c"],
        "console": ["bash", "-euo", "pipefail", "-c"],
        "python": [sys.executable, "-c"],
        "js": [shutil.which("node") or "", "--input-type=module", "-e"],
    }
    if kind == "console":
        text = "\n".join(line[2:] for line in text.splitlines() if line.startswith("$ "))
    if kind not in runs or not runs[kind][0]:
        for address in _ADDRESS.findall(text):
            with urlopen(Request(demo.own(address))) as answer:
                assert answer.status == 200
                assert answer.read()
        return
    text = demo.own(text).replace("curl ", "curl --fail ")
    done = subprocess.run(
        [*runs[kind], text], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout or list(tmp_path.iterdir())


@pytest.mark.parametrize("page", ["federate.md", "da/federate.md"])
def test_a_neighbour_gets_the_demos_rows_as_the_page_tells(
    demo: Demo, page: str, tmp_path: Path
) -> None:
    [made, asked] = [text for _, text in blocks(page) if "--root neighbour" in text]
    made = demo.own(made).replace(".venv/bin/publisher", f"{sys.executable} -m publisher")
    made = made.replace("--port 8081", "--port 0")
    *before, serve = made.splitlines()
    run = ["bash", "-euo", "pipefail", "-c"]
    checked = subprocess.run(
        [*run, "\n".join(before)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "No problems found." in checked.stdout
    neighbour = subprocess.Popen(serve.split(), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        assert neighbour.stderr is not None
        lines = iter(neighbour.stderr.readline, "")
        address = next(line.split()[-1] for line in lines if line.startswith("Publisher answers"))
        asked = asked.replace("http://127.0.0.1:8081", address).replace("curl", "curl -sw '\\n'")
        asked = asked.replace(".venv/bin/publisher", f"{sys.executable} -m publisher")
        told = subprocess.run(
            [*run, asked], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
        )
        rows, days, datasets, *shown = told.stdout.splitlines()
        assert [it["_source"] for it in json.loads(rows)["data"]] == ["norddjurs"] * 2
        assert json.loads(days)["sources"]["data"][0]["pushedDown"] == ["groups"]
        assert "vandstand-ribe" in [it["name"] for it in json.loads(datasets)["data"]]
        assert any("vandstand-ribe/observations@norddjurs" in line for line in shown)
    finally:
        neighbour.terminate()
        neighbour.communicate(timeout=60)
