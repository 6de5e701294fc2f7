"""How long judging a delivery takes, as a multiple of what Frictionless takes to validate it.

Takes an export of Vandportalen as its argument: semicolons, a preamble of 13 lines, then the
columns time, level and quality mark.

    python tests/bench/validation.py FILE [ENCODING]
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import psutil
from frictionless import Dialect, Resource, Schema

from publisher.engine import Engine
from publisher.model.catalog import TableEntry
from publisher.model.dataset import Dataset
from publisher.model.run import Delivery
from publisher.model.schema import Schema as TableSchema
from publisher.validation import Validator

DIALECT: dict[str, Any] = {"headerRows": [14], "csv": {"delimiter": ";"}}
TIME = {"type": "datetime", "constraints": {"required": True}}
LEVEL = {"type": "number", "constraints": {"minimum": -5, "maximum": 20}}
QUALITY = {"type": "integer", "constraints": {"enum": [0, 1, 2]}}
ROUNDS = 3


def main(file: Path, encoding: str = "windows-1252") -> None:
    labels = file.read_bytes().splitlines()[13].decode(encoding).split(";")
    alone, rows = _best(lambda: _frictionless(file, labels, encoding))
    judged, good = _best(lambda: _publisher(file, labels, encoding))
    result = {
        "rows": rows,
        "good": good,
        "frictionless_seconds": round(alone, 2),
        "publisher_seconds": round(judged, 2),
        "ratio": round(judged / alone, 2),
        "peak_megabytes": round(psutil.Process().memory_info().rss / 1e6),
    }
    print(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())


def _best(work: Callable[[], int]) -> tuple[float, int]:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found = work()
        times.append(time.perf_counter() - start)
    return min(times), found


def _frictionless(file: Path, labels: list[str], encoding: str) -> int:
    fields = [
        {"name": labels[0], "format": "%d-%m-%Y %H:%M", **TIME},
        {"name": labels[1], **LEVEL},
        {"name": labels[2], **QUALITY},
    ]
    schema = Schema.from_descriptor({"fields": fields, "primaryKey": [labels[0]]})
    resource = Resource(
        path=file.name,
        basepath=str(file.parent),
        schema=schema,
        dialect=Dialect.from_descriptor(DIALECT),
        encoding=encoding,
    )
    return int(resource.validate().tasks[0].stats["rows"])


def _publisher(file: Path, labels: list[str], encoding: str) -> int:
    entry = _entry(labels, encoding)
    delivery = Delivery(
        id="1",
        ref=entry.ref,
        origin=file.name,
        sha256="",
        size=file.stat().st_size,
        landed_at=datetime.now(UTC),
    )
    with TemporaryDirectory() as folder:
        engine = Engine.open(None, work=Path(folder))
        with engine.cursor() as con:
            judged = Validator(entry).judge(con, delivery, file, work=Path(folder), references={})
        engine.close()
    return judged.good


def _entry(labels: list[str], encoding: str) -> TableEntry:
    schema = TableSchema.model_validate(
        {
            "name": "level",
            "version": "1.0.0",
            "fields": [
                {"name": "observed_at", "role": "time", **TIME},
                {"name": "level", **LEVEL},
                {"name": "quality", **QUALITY},
            ],
            "primaryKey": ["observed_at"],
        }
    )
    harvest = {
        "source": {"type": "file", "path": "x"},
        "encoding": encoding,
        "dialect": DIALECT,
        "timezone": "+01:00",
        "fields": {
            "observed_at": {"column": labels[0], "format": "%d-%m-%Y %H:%M"},
            "level": {"column": labels[1]},
            "quality": {"column": labels[2]},
        },
    }
    resource = {"name": "level", "path": "level.csv", "schema": "level.yaml", "harvest": harvest}
    dataset = Dataset.model_validate(
        {"name": "bench", "title": "Bench", "publisher": "bench", "resources": [resource]}
    )
    return TableEntry(dataset, dataset.resources[0], schema)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
