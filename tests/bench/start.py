"""Measures what a person waits for: the start of the service, and commands on a large catalog.

    python tests/bench/start.py [--files 500] [--runs 5]

Prints, as medians in seconds of wall and processor time: ``serve`` from the start of the
process to its first answer over HTTP; ``status`` asked of it; ``check`` on that many dataset
files. The wall times mean something on a machine that does nothing else.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from commands import Installation, dataset, end, installation
from support import write_yaml

HOUR = "38.05;2026-01-01T{:02}:00:00Z;1.5"


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ready(here: Installation) -> tuple[float, float]:
    began = time.monotonic()
    process = here.start("serve", "--port", "0", "--json")
    assert process.stdout is not None
    line = "".join(process.stdout.readline() for _ in range(3))
    with urllib.request.urlopen(line.split('"')[3] + "/readyz") as answer:
        assert answer.status == 200
    measured = time.monotonic() - began, processor_seconds(process.pid)
    process.terminate()
    end(process)
    return measured


def command(here: Installation, *words: str) -> tuple[float, float]:
    began, before = time.monotonic(), os.times()
    ended = here.run(*words)
    assert ended.code == 0, ended.err
    after = os.times()
    used = after.children_user + after.children_system - before.children_user
    return time.monotonic() - began, used - before.children_system


def tell(what: str, measure: Callable[[], tuple[float, float]], runs: int) -> None:
    measure()  # the first one reads the programs from disk
    wall, processor = (
        statistics.median(it) for it in zip(*(measure() for _ in range(runs)), strict=True)
    )
    print(f"{what}: {wall:.2f} s, {processor:.2f} s of a processor", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        here = installation(Path(folder))
        here.deliver("a.csv", *(HOUR.format(hour) for hour in range(24)))
        tell("serve, start to first answer", lambda: ready(here), options.runs)
        with here.serving():
            tell("status, asked of serve", lambda: command(here, "status"), options.runs)
        tell("status, with nothing running", lambda: command(here, "status"), options.runs)
        for number in range(options.files - 1):
            name = f"river{number}"
            write_yaml(here.root / "catalog" / f"{name}.yaml", dataset(name, f"{name}/*.csv"))
        tell(f"check, {options.files} files", lambda: command(here, "check"), options.runs)


if __name__ == "__main__":
    main()
