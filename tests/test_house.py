"""The house's own rules, each held by a test."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import PROJECT

PACKAGE = PROJECT / "publisher"

# Where each library may be imported: its one home, or the few places it joins.
HOMES: dict[str, tuple[str, ...]] = {
    "aiohttp": ("sources", "partners", "api", "serve.py", "demo"),
    "apscheduler": ("harvest",),
    "ckanapi": ("targets/ckan",),
    "duckdb": ("engine.py",),
    "frictionless": ("validation",),
    "isodate": ("model/values.py",),
    "numpy": ("query/series",),
    "openpyxl": (),
    "orjson": ("",),  # JSON is everywhere
    "pint": ("validation/units.py",),
    "pydantic": ("model", "settings.py", "registry", "store", "operations", "control"),
    "pydantic_core": ("model", "registry"),
    "pydantic_settings": ("settings.py",),
    "python_calamine": ("validation/reading",),
    "rdflib": ("targets/dcat",),
    "lark": ("query/cql2.py",),
    "shapely": ("query/areas.py",),
    "prometheus_client": ("api/metrics.py",),
    "requests": ("targets/ckan",),
    "urllib3": ("targets/ckan",),
    "rich": ("cli",),
    "stamina": ("sources/http.py",),
    "structlog": ("",),  # so are logs
    "typer": ("cli",),
    "ucumvert": ("validation/units.py",),
    "xlsxwriter": ("query/files.py",),
    "yaml": ("registry", "validation/lean.py"),
    "yarl": ("sources", "partners", "api"),
}


def modules() -> Iterator[Path]:
    return (path for path in PACKAGE.rglob("*.py") if "_example" not in path.parts)


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.fail(f"these rules are about what git tracks: {listed.stderr}")
    return [
        path for name in listed.stdout.split("\0") if name and (path := PROJECT / name).exists()
    ]


def test_no_module_is_longer_than_500_lines():
    lengths = {
        str(path.relative_to(PROJECT)): len(path.read_text("utf-8").splitlines())
        for path in [*modules(), *(PROJECT / "tests").rglob("*.py")]
    }
    assert {name: lines for name, lines in lengths.items() if lines > 500} == {}


def test_imports_point_downwards():
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_library_is_imported_in_its_home_only():
    strays = []
    for path in modules():
        place = path.relative_to(PACKAGE).as_posix()
        for name in imported(path) - sys.stdlib_module_names - {"publisher"}:
            homes = HOMES.get(name, ())
            if not any(
                home == "" or place == home or place.startswith(f"{home}/") for home in homes
            ):
                strays.append(f"{name} in {place}")
    assert strays == []


def test_every_dependency_says_why_it_is_there():
    text = (PROJECT / "pyproject.toml").read_text("utf-8")
    project = tomllib.loads(text)
    stated = [*project["project"]["dependencies"]]
    for group in project["dependency-groups"].values():
        stated += [entry for entry in group if isinstance(entry, str)]
    unexplained = [
        entry for entry in stated if not re.search(rf'"{re.escape(entry)}",\s*#\s*\w+', text)
    ]
    assert unexplained == []


LOCKS = ("runtime.txt", "build.txt", "dev.txt", "bench.txt", "ducklake.txt", "pygeoapi.txt")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_hashes_and_names_no_host(name: str):
    text = (PROJECT / "deploy" / "locks" / name).read_text("utf-8")
    packages = re.split(r"\n(?=\S)", text.strip())
    assert len(packages) > 5
    assert [it for it in packages if not re.search(r"--hash=sha256:[0-9a-f]{64}", it)] == []
    assert [it for it in packages if not re.match(r"[a-z0-9.-]+==\S+", it)] == []
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links| @ ", text)


def test_what_is_locked_to_run_is_what_is_tested():
    locks = PROJECT / "deploy" / "locks"
    pin = re.compile(r"^([a-z0-9.-]+==\S+)", re.MULTILINE)
    pins = {name: set(pin.findall((locks / name).read_text("utf-8"))) for name in LOCKS}
    assert pins["runtime.txt"] <= pins["dev.txt"]
    assert pins["build.txt"] <= pins["dev.txt"]
    assert pins["dev.txt"] <= pins["bench.txt"]


def test_nothing_of_one_machine_is_in_the_project():
    told = [
        *("/" + "work/", "/" + "root/", "/" + "Users/", "/home" + "/", "../" + "shared"),
        *("py" + "pi.org", "files.python" + "hosted", "--index" + "-url", "--extra-index" + "-url"),
    ]
    found = [
        f"{path.relative_to(PROJECT)}: {words}"
        for path in tracked()
        if path.suffix not in {".gz", ".parquet", ".xlsx", ".png"}
        for text in [path.read_text("utf-8", errors="replace")]
        for words in told
        if words in text
    ]
    assert found == []


def test_the_wheel_holds_the_example_and_nothing_but_the_package(tmp_path: Path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    result = subprocess.run(build, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    example = {
        f"publisher/_example/{path.relative_to(PROJECT).as_posix()}"
        for folder in ("catalog", "schemas")
        for path in (PROJECT / folder).glob("*.yaml")
    }
    assert example
    assert example <= names
    assert {re.sub(r"-.*\.dist-info$", "", name.split("/")[0]) for name in names} == {"publisher"}
