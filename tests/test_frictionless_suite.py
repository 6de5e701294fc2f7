"""Promise 2: Frictionless' own tests hold where Publisher answers them.

Its cases for fields, constraints, schemas, checks and the validation of resources are taken
from the installed package as they stand; the files they read are of its source release, which
`make test` fetches.
"""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import frictionless
import pytest
import suite
from support import PROJECT

HOME = PROJECT / "build" / f"frictionless-{frictionless.__version__}"
if not (HOME / "data").is_dir():
    pytest.skip(
        "the files of Frictionless' own tests are not here; `make test` fetches them",
        allow_module_level=True,
    )

pytestmark = pytest.mark.filterwarnings("ignore")
MODULES = [
    "fields/__spec__/test_*.py",
    "schema/__spec__/field/test_constraints.py",
    "schema/__spec__/field/test_read.py",
    "schema/__spec__/test_validate.py",
    "table/__spec__/test_fields_match.py",
    "checks/**/__spec__/test_*.py",
    "resource/__spec__/test_validate*.py",
    "actions/__spec__/test_validate.py",
    "table/__spec__/test_header.py",
]
TALLY = suite.Tally()


def _taken() -> Iterator[tuple[str, Any]]:
    root = Path(frictionless.__file__).parent
    for path in sorted(path for pattern in MODULES for path in root.glob(pattern)):
        parts = path.relative_to(root).with_suffix("").parts
        of = "_".join(part.removeprefix("test_") for part in parts if part != "__spec__")
        spec = importlib.util.spec_from_file_location(f"frictionless_suite_{of}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, value in vars(module).items():
            if name.startswith("test_"):
                yield f"test_{of}_{name.removeprefix('test_')}", value


# Tests that cannot run here at all, and why
WITHOUT: dict[str, str] = {}
if importlib.util.find_spec("tatsu") is None:
    WITHOUT["test_fields_string_string_read_cell_wkt"] = (
        "Frictionless reads well-known text by an extra that Publisher does not come with"
    )


def _skipped(test: Any) -> bool:
    """Tell whether the suite itself leaves it out."""
    return any(mark.name == "skip" for mark in getattr(test, "pytestmark", ()))


ALL = dict(_taken())
globals().update({name: test for name, test in ALL.items() if not _skipped(test)})
for _name in WITHOUT:
    del globals()[_name]


@pytest.fixture(autouse=True)
def asked(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch) -> Iterator[None]:
    if request.function is test_what_was_asked:
        yield
        return
    monkeypatch.chdir(HOME)
    with suite.asking(tmp_path, TALLY, request.node.name):
        yield


def test_what_was_asked(request: pytest.FixtureRequest, capsys) -> None:
    """Print how the questions were answered; every exception is listed, and none is stale."""
    cases, put = TALLY.tests, TALLY.asked | TALLY.beyond
    told = [
        f"Frictionless' own suite: {len(cases)} cases, of which {len(cases - put)} ask no verdict",
        f"{TALLY.paths.total():6} verdicts that both give alike, of them",
        *(f"{count:6}   {path}" for path, count in TALLY.paths.most_common()),
        f"{TALLY.alone.total():6} of Frictionless alone, of them",
        *(f"{count:6}   {reason}" for reason, count in TALLY.alone.most_common()),
        *(f"left out: {name}: {reason}" for name, reason in WITHOUT.items()),
    ]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *told, ""]))
    assert WITHOUT.keys() <= ALL.keys()
    here = [item for item in request.session.items if item.path == request.path]
    if len(here) > len(ALL):  # and not some cases that were picked
        assert dict(TALLY.alone) == suite.EXCEPTIONS
