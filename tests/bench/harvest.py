"""From file to queryable, against frictionless alone validating the same file.

``python tests/bench/harvest.py [FILE] [--runs N]``: both as whole processes, in turn. FILE is
an export of Vandportalen's shape (UTF-8); without one, 109,218 made-up rows are written.
Prints seconds, peak memory and the ratio of the medians.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[2]
ROWS = 109_218
PREAMBLE = 13
HEADER = "Dato (DK normaltid);Vandstand (m DVR90);ks mrk."

FRICTIONLESS = """
import sys
from frictionless import Dialect, Resource, Schema
from frictionless.formats import CsvControl
dialect = Dialect(header_rows=[14], controls=[CsvControl(delimiter=";")])
schema = Schema.from_descriptor({"fields": [
    {"name": "Dato (DK normaltid)", "type": "datetime", "format": "%d-%m-%Y %H:%M",
     "constraints": {"required": True}},
    {"name": "Vandstand (m DVR90)", "type": "number",
     "constraints": {"minimum": -5, "maximum": 20}},
    {"name": "ks mrk.", "type": "integer", "constraints": {"enum": [0, 1, 2]}},
], "primaryKey": ["Dato (DK normaltid)"]})
folder, name = sys.argv[1].rsplit("/", 1)
resource = Resource(path=name, basepath=folder, encoding="utf-8", dialect=dialect, schema=schema)
report = resource.validate()
assert report.stats["errors"] == 0, report
"""


def made_up(path: Path) -> None:
    start = datetime(2024, 1, 1)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"Opdigtet, linje {n}\r\n" for n in range(PREAMBLE))
        file.write(HEADER + "\r\n")
        for n in range(ROWS):
            at = (start + timedelta(minutes=5 * n)).strftime("%d-%m-%Y %H:%M")
            file.write(f"{at};{(n * 37 % 4000) / 1000 - 1:.3f};{n % 3}\r\n")


def prepare(root: Path, file: Path) -> None:
    shutil.copytree(PROJECT / "schemas", root / "schemas")
    (root / "catalog").mkdir()
    shutil.copy(PROJECT / "catalog/organizations.yaml", root / "catalog")
    dataset = yaml.safe_load((PROJECT / "catalog/vandstand-ribe.yaml").read_text("utf-8"))
    harvest = dataset["resources"][0]["harvest"]
    harvest["source"]["path"] = str(file.resolve())
    harvest["encoding"] = "utf-8"
    (root / "catalog/vandstand-ribe.yaml").write_text(yaml.safe_dump(dataset, allow_unicode=True))


def timed(command: list[str]) -> tuple[float, float]:
    """Give the seconds and the peak MB of a whole process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command} ended with {status}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("file", type=Path, nargs="?")
    arguments.add_argument("--runs", type=int, default=5)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        file = options.file or root / "made-up.csv"
        if options.file is None:
            made_up(file)
        prepare(root, file)
        ours, theirs = [], []
        for run in range(options.runs):
            data = root / f"data-{run}"
            theirs.append(timed([sys.executable, "-c", FRICTIONLESS, str(file.resolve())]))
            harvest = ["harvest", "vandstand-ribe/observations", "--root", str(root)]
            ours.append(timed([sys.executable, "-m", "publisher", *harvest, "--data", str(data)]))
    for name, figures in [("frictionless validate", theirs), ("publisher harvest", ours)]:
        seconds = statistics.median(second for second, _ in figures)
        memory = max(peak for _, peak in figures)
        print(f"{name}: {seconds:.2f} s, peak {memory:.0f} MB")
    ratio = statistics.median(a for a, _ in ours) / statistics.median(b for b, _ in theirs)
    print(f"ratio: {ratio:.2f} (at most 1.5)")


if __name__ == "__main__":
    main()
