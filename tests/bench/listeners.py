"""Idle listeners to a table's changes, and how soon all of them are told of a commit.

    python tests/bench/listeners.py [--listeners 10000]

Each is a connection of its own that asked for the stream of events. Prints the memory and the
processor time that they cost while nothing happens, and the seconds until the last was told.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

import psutil
import yaml
from rows import DATASET, build_store, free_port, server

LEVELS = "/v1/datasets/river/levels"
QUIET = 10.0


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""Both are held: a writer that nobody has closes the connection."""


async def listen(port: int, number: int) -> Line:
    # From many addresses: of one there are not ports enough for all
    local = (f"127.0.{number // 250}.{number % 250 + 1}", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=local)
    lines = (f"GET {LEVELS}/changes HTTP/1.1", "Host: localhost", "Accept: text/event-stream")
    writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head, head
    return reader, writer


async def told(line: Line) -> None:
    reader, _ = line
    while b"version" not in (text := await reader.readline()):
        assert text, "the stream ended"


async def measure(port: int, process: psutil.Process, listeners: int, inbox: Path) -> None:
    before = process.memory_info().rss
    lines: list[Line] = []
    for first in range(0, listeners, 100):
        count = min(100, listeners - first)
        lines += await asyncio.gather(*(listen(port, first + it) for it in range(count)))
    used = sum(process.cpu_times()[:2])
    await asyncio.sleep(QUIET)
    idle = (sum(process.cpu_times()[:2]) - used) / QUIET
    each = (process.memory_info().rss - before) / listeners
    print(
        f"{listeners} listeners: {each / 1000:.0f} kB each, {idle * 100:.1f} % of a processor idle"
    )
    waiting = [asyncio.create_task(told(line)) for line in lines]
    part = inbox / "1.part"
    part.write_text("station,observed_at,level,quality\nstation-0001,2031-01-01T00:00:00Z,1.0,1\n")
    part.rename(inbox / "1.csv")
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    began = time.monotonic()
    await asyncio.gather(*waiting)
    print(f"from the first to the last that was told: {time.monotonic() - began:.2f} s")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--listeners", type=int, default=10_000)
    options = arguments.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build_store(root, 35_040)
        (root / "inbox").mkdir()
        [table] = DATASET["resources"]
        source = {"source": {"type": "file", "path": "inbox/*.csv"}, "every": "PT1S"}
        dataset = {**DATASET, "resources": [{**table, "harvest": source}]}
        (root / "catalog/river.yaml").write_text(yaml.safe_dump(dataset), "utf-8")
        port = free_port()
        arguments = ["publisher", "serve", "--root", str(root), "--data", str(root / "data")]
        with server([*arguments, "--port", str(port)], port, "/readyz") as process:
            asyncio.run(measure(port, process, options.listeners, root / "inbox"))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
