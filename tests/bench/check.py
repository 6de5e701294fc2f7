"""How long `publisher check`'s reading takes: ``python -m tests.bench.check [--files N]``.

Writes N dataset files with a schema each, half of them as large as the largest of the shipped
example, loads and cross-checks them, and prints the seconds of each of three passes.
"""

import argparse
import tempfile
import time
from pathlib import Path

from publisher.registry import load
from publisher.secrets import Secrets

PROJECT = Path(__file__).resolve().parents[2]


def write(root: Path, files: int) -> None:
    for folder in ("catalog", "schemas"):
        (root / folder).mkdir()
    organizations = (PROJECT / "catalog/organizations.yaml").read_text("utf-8")
    (root / "catalog/organizations.yaml").write_text(organizations, "utf-8")
    for dataset, schemas in (
        ("trafik-aarhus", ("traffic", "traffic-routes")),
        ("vandstand-ribe", ("water-level",)),
    ):
        text = (PROJECT / f"catalog/{dataset}.yaml").read_text("utf-8")
        for number in range(files // 2):
            name = f"{dataset}-{number}"
            changed = text.replace(f"name: {dataset}\n", f"name: {name}\n")
            for schema in schemas:
                changed = changed.replace(f"/{schema}.yaml", f"/{schema}-{number}.yaml")
                stated = (PROJECT / f"schemas/{schema}.yaml").read_text("utf-8")
                stated = stated.replace(f"name: {schema}\n", f"name: {schema}-{number}\n")
                (root / f"schemas/{schema}-{number}.yaml").write_text(stated, "utf-8")
            (root / f"catalog/{name}.yaml").write_text(changed, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, files)
        for _ in range(3):
            started = time.perf_counter()
            found = load(root, Secrets({}))
            seconds = time.perf_counter() - started
            print(
                f"{len(found.catalog.datasets)} datasets, {len(found.catalog.schemas)} schemas, "
                f"{len(found.problems)} problems: {seconds:.2f} s"
            )


if __name__ == "__main__":
    main()
