"""Which files of catalog/ and schemas/ are read, and as what."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from publisher.registry.finding import Finding

_ENDINGS = (".yaml", ".yml", ".json")
_NOTES = (".md", ".txt")

Listing = Literal["organizations", "targets", "partners"]
"""The files of catalog/ that hold no dataset."""


@dataclass(frozen=True)
class Files:
    """Paths by the name that findings give them: relative to the root."""

    datasets: dict[str, Path]
    schemas: dict[str, Path]
    listings: dict[Listing, tuple[str, Path]]
    findings: tuple[Finding, ...]


def find(root: Path) -> Files:
    """List the descriptor files under *root*; hidden ones and notes (.md, .txt) are not."""
    findings: list[Finding] = []
    datasets: dict[str, Path] = {}
    listings: dict[Listing, tuple[str, Path]] = {}
    if not (root / "catalog").is_dir():
        findings.append(Finding("catalog", 1, "no-catalog", {"root": str(root.absolute())}))
    for file, path in _walk(root, "catalog", findings):
        name = next((name for name in get_args(Listing) if name == path.stem), None)
        if name is None or path.parent != root / "catalog":
            datasets[file] = path
        elif name in listings:
            params = {"name": name, "other": listings[name][0]}
            findings.append(Finding(file, 1, "doubled-listing", params))
        else:
            listings[name] = (file, path)
    schemas = dict(_walk(root, "schemas", findings))
    return Files(datasets, schemas, listings, tuple(findings))


def _walk(root: Path, folder: str, findings: list[Finding]) -> Iterator[tuple[str, Path]]:
    for parent, folders, names in os.walk(root / folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            file = path.relative_to(root).as_posix()
            if name.startswith(".") or name.endswith(("~", *_NOTES)):
                continue
            if path.suffix not in _ENDINGS:
                findings.append(Finding(file, 1, "ignored-file", {}, "warning"))
                continue
            yield file, path
