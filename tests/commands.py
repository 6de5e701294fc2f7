"""The command line from outside: a small installation, and its commands as processes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from support import write_yaml

TOKEN = "s3cr3t-t0ken-of-the-test"
DEADLINE = 60.0


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)


@dataclass(frozen=True)
class Installation:
    root: Path
    data: Path

    def start(self, *words: str, common: bool = True, **environ: str) -> "subprocess.Popen[str]":
        places = ["--root", str(self.root), "--data", str(self.data)] if common else []
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.Popen(
            [sys.executable, "-m", "publisher", *words, *places],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**kept, "PYTHONUTF8": "1", "PUBLISHER_FILE_QUIET": "0", **environ},
        )

    def run(self, *words: str, **more: Any) -> Ended:
        return end(self.start(*words, **more))

    @contextmanager
    def serving(self, *words: str) -> Iterator[str]:
        """Run ``publisher serve``; gives its URL."""
        process = self.start("serve", "--port", "0", "--json", *words)
        try:
            assert process.stdout is not None
            line = process.stdout.readline() + process.stdout.readline() + process.stdout.readline()
            found = re.search(r"http://[^\"]+", line)
            assert found, end(process).err
            yield found[0]
        finally:
            process.send_signal(signal.SIGTERM)
            ended = end(process)
            assert ended.code == 0, ended.err
            assert "Traceback" not in ended.err, ended.err

    def deliver(self, name: str, *rows: str) -> Path:
        file = self.root / "inbox" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("sted;tid;niveau\n" + "".join(f"{row}\n" for row in rows), "utf-8")
        return file


def end(process: "subprocess.Popen[str]") -> Ended:
    try:
        out, err = process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"still running after {DEADLINE} s: {err}") from None
    return Ended(process.returncode, out, err)


def wait_for(there: Any, what: str, seconds: float = DEADLINE) -> None:
    limit = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < limit, f"waited in vain for {what}"
        time.sleep(0.02)


def installation(folder: Path) -> Installation:
    """Make an installation with one table, ``river/levels``, that is fed by files."""
    root = folder / "root"
    write_yaml(root / "catalog" / "organizations.yaml", {"town": {"title": "Byen"}})
    write_yaml(
        root / "schemas" / "level.yaml",
        {
            "name": "level",
            "version": "1.0.0",
            "fields": [
                {"name": "station", "type": "string", "constraints": {"required": True}},
                {"name": "at", "type": "datetime", "role": "time"},
                {"name": "level", "type": "number", "constraints": {"maximum": 20}},
            ],
            "primaryKey": ["station", "at"],
        },
    )
    write_yaml(root / "catalog" / "river.yaml", dataset("river", "inbox/*.csv"))
    return Installation(root, folder / "data")


def dataset(name: str, files: str, **harvest: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": "Vandstand",
        "description": "Opdigtede tal.",
        "publisher": "town",
        "licenses": [{"name": "CC-BY-4.0"}],
        "resources": [
            {
                "name": "levels",
                "path": "levels.csv",
                "schema": "../schemas/level.yaml",
                "harvest": {
                    "source": {"type": "file", "path": files},
                    "dialect": {"csv": {"delimiter": ";"}},
                    "fields": {
                        "station": {"column": "sted"},
                        "at": {"column": "tid"},
                        "level": {"column": "niveau"},
                    },
                    "maxBad": "50%",
                    **harvest,
                },
            }
        ],
        "publish": {"access": "public", "targets": ["folder"]},
    }
