"""Frictionless' verdict at the engine's speed: ``publisher validate`` against its peers.

    python tests/bench/verdict.py [--rows 1000000] [--runs 3] [--alone] [CASE ...]

Writes made-up sensor files and judges each with ``publisher validate --json``, with
frictionless and, where the file is clean, with DuckDB's bare typed read into a table; all as
whole processes, in turn, on two threads; with --alone only the first. Prints seconds, peak
memory and ratios, and the seconds of a whole harvest of the clean file.
"""

import argparse
import compileall
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

import publisher

STATIONS = 100
START = datetime(2025, 1, 1)
EVERY = timedelta(minutes=5)
FIELDS: list[dict[str, Any]] = [
    {
        "name": "station",
        "type": "string",
        "role": "entity",
        "constraints": {"required": True, "pattern": r"st-\d{3}"},
    },
    {"name": "observed_at", "type": "datetime", "role": "time", "constraints": {"required": True}},
    {"name": "level", "type": "number", "constraints": {"minimum": -5, "maximum": 20}},
    {"name": "temperature", "type": "number", "constraints": {"minimum": -40, "maximum": 60}},
    {"name": "humidity", "type": "integer", "constraints": {"minimum": 0, "maximum": 100}},
    {"name": "battery", "type": "number", "constraints": {"minimum": 0, "maximum": 5}},
    {"name": "quality", "type": "string", "constraints": {"enum": ["0", "1", "2"]}},
    {"name": "note", "type": "string"},
]
NAMES = [field["name"] for field in FIELDS]
BAD = {
    "station": ["S-1", ""],
    "observed_at": ["2025-02-30T00:00:00Z", "yesterday"],
    "level": ["99", "x"],
    "temperature": ["-273", "1;5"],
    "humidity": ["101", "5.0"],
    "battery": ["-1", "low"],
    "quality": ["3", "x"],
}

FRICTIONLESS = """
import sys, json
from frictionless import Dialect, Schema, system
from frictionless.resources import TableResource
path, schema, limit, encoding, dialect = sys.argv[1:]
with system.use_context(trusted=True):
    resource = TableResource(path=path, scheme="file", encoding=encoding,
        schema=Schema.from_descriptor(schema), dialect=Dialect.from_descriptor(json.loads(dialect)))
    print(resource.validate(limit_errors=int(limit)).to_json())
"""
BARE = """
import sys, duckdb
types = {"station": "VARCHAR", "observed_at": "TIMESTAMP", "quality": "VARCHAR", "note": "VARCHAR"}
types |= dict.fromkeys(["level", "temperature", "battery"], "DOUBLE") | {"humidity": sys.argv[2]}
columns = ", ".join(f"'{name}': '{types[name]}'" for name in sys.argv[3].split(","))
con = duckdb.connect(config={"threads": 2})
con.execute(f"CREATE TEMP TABLE t AS SELECT * FROM read_csv('{sys.argv[1]}', header = true, "
            f"columns = {{{columns}}})")
"""


def rows(count: int, *, floats: bool = False) -> Iterator[list[str]]:
    draw = random.Random(7)
    for number in range(count):
        station, reading = divmod(number, count // STATIONS)
        at = START + EVERY * reading
        values = [draw.uniform(-4, 19), draw.uniform(-30, 40), draw.uniform(2, 4)]
        level, temperature, battery = values
        humidity = draw.uniform(0, 100)
        numbers = (
            [repr(level), repr(temperature), repr(humidity), repr(battery)]
            if floats
            else [f"{level:.3f}", f"{temperature:.1f}", f"{humidity:.0f}", f"{battery:.2f}"]
        )
        note = draw.choice(["", "ok", "checked"])
        yield [f"st-{station:03}", f"{at:%Y-%m-%dT%H:%M:%SZ}", *numbers, draw.choice("012"), note]


def spoilt(count: int, share: float, *, shapes: bool) -> Iterator[list[str]]:
    """Spoil a *share* of the cells (of the rows, with *shapes*)."""
    draw = random.Random(11)
    before = NAMES
    for whole in rows(count):
        row = [
            draw.choice(BAD[name]) if name in BAD and draw.random() < share else cell
            for name, cell in zip(NAMES, whole, strict=True)
        ]
        if shapes and draw.random() < share:
            row = draw.choice([row[:-1], [*row, "more"], [""] * len(row), [*before[:2], *row[2:]]])
        yield row
        before = whole


def danish(count: int) -> Iterator[list[str]]:
    for station, at, *numbers, quality, _ in rows(count):
        when = f"{datetime.fromisoformat(at):%d-%m-%Y %H:%M}"
        yield [station, when, *(text.replace(".", ",") for text in numbers), quality, "målt"]


def danish_schema() -> dict[str, Any]:
    fields = json.loads(json.dumps(FIELDS))
    fields[1]["format"] = "%d-%m-%Y %H:%M"
    for each in fields:
        if each["type"] == "number":
            each["decimalChar"] = ","
    return schema_of(fields)


def schema_of(fields: list[dict[str, Any]]) -> dict[str, Any]:
    key = ["station", "observed_at"]
    return {"name": "sensor", "version": "1.0.0", "fields": fields, "primaryKey": key}


@dataclass(frozen=True)
class Case:
    about: str
    write: Callable[[int], Iterator[list[str]]]
    target: str
    schema: dict[str, Any] = field(default_factory=lambda: schema_of(FIELDS))
    limit: int | None = None
    clean: bool = False
    humidity: str = "BIGINT"
    delimiter: str = ","
    encoding: str = "utf-8"
    options: tuple[str, ...] = ()


_PEER_SECONDS = 60
"""After which frictionless is not measured again: it takes minutes for some files."""
FLOATS = [{**each, "type": "number"} if each["name"] == "humidity" else each for each in FIELDS]
UNLIMITED = 10**9
CASES = {
    "clean": Case("clean, two-column key", rows, "50, and at most 2.5 bare reads", clean=True),
    "floats": Case(
        "clean, four columns of random floats",
        lambda count: rows(count, floats=True),
        "35",
        schema_of(FLOATS),
        clean=True,
        humidity="DOUBLE",
    ),
    "danish": Case(
        "Windows-1252, semicolon, decimal comma, dd-mm-yyyy",
        danish,
        "30",
        danish_schema(),
        delimiter=";",
        encoding="windows-1252",
    ),
    "bad": Case(
        "1 % bad cells", lambda count: spoilt(count, 0.01, shapes=False), "15", limit=UNLIMITED
    ),
    "ragged": Case(
        "1 % bad cells, ragged rows and key clashes",
        lambda count: spoilt(count, 0.01, shapes=True),
        "10",
        limit=UNLIMITED,
    ),
    "worst": Case(
        "80 % bad rows of every kind, no limit",
        lambda count: spoilt(count, 0.18, shapes=True),
        "8, with a quarter of the memory",
        limit=UNLIMITED,
    ),
    "stopped": Case(
        "the same at the default limit, where both stop",
        lambda count: spoilt(count, 0.18, shapes=True),
        "1",
        options=("--stop-at-limit",),
    ),
    "counted": Case(
        "the same, where frictionless stops and the totals go on",
        lambda count: spoilt(count, 0.18, shapes=True),
        "nothing: the totals are exact",
    ),
}


def timed(command: list[str], codes: Container[int] = (0, 1)) -> tuple[float, float]:
    """Give the seconds and the peak MB of a whole process that ends with one of *codes*."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in codes:
        sys.exit(f"{command[:4]} ended with {status}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def commands(case: Case, file: Path, schema: Path) -> dict[str, list[str]]:
    dialect = json.dumps({"csv": {"delimiter": case.delimiter}})
    limit = str(case.limit or 1000)
    asked = ["--schema", str(schema), "--json", "--encoding", case.encoding]
    ours = [str(file), *asked, "--dialect", dialect, "--limit-errors", limit, *case.options]
    theirs = [str(file), str(schema), limit, case.encoding, dialect]
    found = {
        "publisher": [sys.executable, "-m", "publisher", "validate", *ours],
        "frictionless": [sys.executable, "-c", FRICTIONLESS, *theirs],
    }
    if case.clean:
        found["bare"] = [sys.executable, "-c", BARE, str(file), case.humidity, ",".join(NAMES)]
    return found


def measure(case: Case, folder: Path, count: int, runs: int, *, alone: bool) -> None:
    file, schema = folder / "sensor.csv", folder / "sensor.json"
    schema.write_text(json.dumps(case.schema))
    with file.open("w", encoding=case.encoding, newline="") as out:
        out.writelines(
            case.delimiter.join(cells) + "\n" for cells in chain([NAMES], case.write(count))
        )
    figures: dict[str, list[tuple[float, float]]] = {}
    for _ in range(runs):
        for name, command in commands(case, file, schema).items():
            taken = sum(seconds for seconds, _ in figures.get(name, ()))
            if name == "publisher" or (
                not alone and (name != "frictionless" or taken < _PEER_SECONDS)
            ):
                figures.setdefault(name, []).append(timed(command))
    seconds = {name: statistics.median(s for s, _ in found) for name, found in figures.items()}
    peaks = {name: max(peak for _, peak in found) for name, found in figures.items()}
    print(f"{case.about} ({file.stat().st_size / 1e6:.0f} MB, {count:,} rows)")
    for name, value in seconds.items():
        print(f"  {name}: {value:.2f} s, peak {peaks[name]:.0f} MB")
    if "frictionless" in seconds:
        ratio = seconds["frictionless"] / seconds["publisher"]
        print(f"  {ratio:.1f} times frictionless (at least {case.target})")
    if "bare" in seconds:
        print(f"  {seconds['publisher'] / seconds['bare']:.2f} bare typed reads")


def harvest(folder: Path, count: int, runs: int) -> None:
    """Time a whole harvest of the clean file, from the inbox to the committed version."""
    file = folder / "sensor.csv"
    with file.open("w", newline="") as out:
        out.write(",".join(NAMES) + "\n")
        out.writelines(",".join(row) + "\n" for row in rows(count))
    table = {
        "name": "readings",
        "path": "readings.csv",
        "schema": "../schemas/sensor.yaml",
        "harvest": {"source": {"type": "file", "path": str(file)}},
    }
    dataset = {"name": "bench", "title": "Made up", "publisher": "nobody", "resources": [table]}
    for path, content in (
        ("catalog/bench.yaml", dataset),
        ("catalog/organizations.yaml", {"nobody": {"title": "Nobody"}}),
        ("schemas/sensor.yaml", schema_of(FIELDS)),
    ):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(yaml.safe_dump(content))
    ours, bare = [], []
    for run in range(runs):
        data = folder / f"data-{run}"
        command = ["-m", "publisher", "harvest", "bench", "--root", str(folder)]
        ours.append(timed([sys.executable, *command, "--data", str(data)], {0}))
        bare.append(timed([sys.executable, "-c", BARE, str(file), "BIGINT", ",".join(NAMES)]))
    seconds = statistics.median(s for s, _ in ours)
    read = statistics.median(s for s, _ in bare)
    print(f"harvest of the clean file: {seconds:.2f} s, peak {max(p for _, p in ours):.0f} MB")
    print(f"  {seconds / read:.2f} bare typed reads (under 5)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help=", ".join([*CASES, "harvest"]))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="leave the peers out")
    options = parser.parse_args()
    # As its peers were when they were installed
    compileall.compile_dir(Path(publisher.__file__).parent, quiet=1)
    for name in options.cases or [*CASES, "harvest"]:
        with tempfile.TemporaryDirectory() as folder:
            if name == "harvest":
                harvest(Path(folder), options.rows, options.runs)
            else:
                measure(CASES[name], Path(folder), options.rows, options.runs, alone=options.alone)


if __name__ == "__main__":
    main()
