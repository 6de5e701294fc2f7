"""`publisher validate`: the report is Frictionless', the totals beside it are of the whole file."""

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from frictionless import Dialect, Schema, validate

from publisher.errors import ConfigurationError, DeliveryError, UsageError
from publisher.validation.reporting import Report
from publisher.validation.validate import validated

SCHEMA: dict[str, Any] = {
    "name": "made-up",
    "version": "1.0.0",
    "fields": [
        {"name": "id", "type": "integer", "role": "entity"},
        {"name": "level", "type": "number", "unit": "m", "constraints": {"maximum": 5}},
    ],
    "primaryKey": ["id"],
}


def validate_file(data: Path, schema: Path, **options: Any) -> tuple[dict[str, Any], Report]:
    """Give the report while it can be read, and what can be asked of it afterwards."""
    with validated(data, schema, **options) as found:
        return found.descriptor, found


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.chdir(tmp_path)
    schema, data = Path("schema.json"), Path("data.csv")
    schema.write_bytes(orjson.dumps(SCHEMA))
    rows = "".join(f"{number // 2};{number % 9}\n" for number in range(5000))
    data.write_text("identifier;level\n" + rows)
    return data, schema


def same(report: dict[str, Any]) -> dict[str, Any]:
    report["stats"].pop("seconds")
    for task in report["tasks"]:
        task["stats"].pop("seconds")
    return report


@pytest.mark.parametrize("limit", [None, 7, 100_000])
def test_the_report_is_frictionless_own(files: tuple[Path, Path], limit: int | None) -> None:
    data, schema = files
    dialect = {"csv": {"delimiter": ";"}}
    told, found = validate_file(data, schema, dialect=dialect, encoding="utf-8", limit_errors=limit)

    options: dict[str, Any] = {} if limit is None else {"limit_errors": limit}
    expected = validate(
        str(data),
        schema=Schema.from_descriptor(str(schema)),
        dialect=Dialect.from_descriptor(dialect),
        encoding="utf-8",
        **options,
    )
    assert same(told) == same(expected.to_descriptor())
    assert found.rows == 5000
    assert found.by_rule == {"primary-key": 2500, "constraint-error": 1665, "incorrect-label": 1}
    assert found.errors == 4166
    assert not found.valid


@pytest.mark.parametrize("limit", [7, 100_000])
def test_who_wants_to_stop_at_the_limit_does(files: tuple[Path, Path], limit: int) -> None:
    """Where it is not reached in the first rows, all is read and the totals are exact."""
    data, schema = files
    options: dict[str, Any] = {"dialect": {"csv": {"delimiter": ";"}}, "limit_errors": limit}
    told, whole = validate_file(data, schema, **options)
    early, found = validate_file(data, schema, **options, stop_at_limit=True)
    assert same(early) == same(told)
    if limit == 7:
        assert found.totals["errors"] == 7 < whole.errors
        assert found.totals["complete"] is False
        assert [note.code for note in found.notes] == ["stopped-at-limit"]
    else:
        assert found.totals == whole.totals


def test_who_stops_early_does_not_wait_for_the_engine(files: tuple[Path, Path]) -> None:
    """Frictionless itself stops early, and takes less time than to load more."""
    data, schema = files
    script = (
        "import sys; from pathlib import Path\n"
        "from publisher.validation.validate import validated\n"
        "with validated(*map(Path, sys.argv[1:]), limit_errors=7, stop_at_limit=True) as report:\n"
        "    print(report.errors, 'duckdb' in sys.modules)"
    )
    command = [sys.executable, "-c", script, str(data), str(schema)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout == "7 False\n"


def test_a_file_wherever_it_lies(files: tuple[Path, Path], tmp_path: Path) -> None:
    data = tmp_path / "elsewhere" / "å b.csv"
    data.parent.mkdir()
    data.write_text("id,level\n1,2\n")
    told, found = validate_file(data, tmp_path / "schema.json")
    assert found.valid
    assert told["tasks"][0]["place"] == str(data)
    assert (found.rows, found.errors, found.by_rule) == (1, 0, {})


def test_what_frictionless_cannot_take_is_told(files: tuple[Path, Path]) -> None:
    data, schema = files
    with pytest.raises(UsageError, match="nowhere"):
        validate_file(Path("nowhere.csv"), schema)
    with pytest.raises(UsageError):
        validate_file(Path("https://example.org/x.csv"), schema)
    schema.write_text('{"fields": [{"name": "id", "type": "nothing"}]}')
    with pytest.raises(ConfigurationError) as error:
        validate_file(data, schema)
    assert error.value.code == "unusable-schema"
    bound = {"name": "at", "type": "datetime", "constraints": {"minimum": "2025-01-01T00:00:00"}}
    schema.write_bytes(orjson.dumps({"fields": [bound]}))
    data.write_text("at\n2025-01-01T00:00:00Z\n")
    with pytest.raises(ConfigurationError) as error:
        validate_file(data, schema)
    assert error.value.code == "frictionless-crash"


@pytest.mark.parametrize(
    ("name", "content", "rules"),
    [
        ("rows.json", '[{"id": 1, "level": 2}, {"id": 2, "level": 9}]', {"constraint-error": 1}),
        ("rows.ndjson", '{"id": 1, "level": 2}\n{"id": 1, "level": 2}\n', {"primary-key": 1}),
        ("rows", "id,level\nx,2\n", {"type-error": 1, "primary-key": 1}),
        ("rows.json", '{"id":', {"source-error": 1}),
        ("rows.pdf", "%PDF", {"format-error": 1}),
    ],
)
def test_no_file_is_valid_unread(
    files: tuple[Path, Path], name: str, content: str, rules: dict[str, int]
) -> None:
    Path(name).write_text(content)
    _, found = validate_file(Path(name), files[1])
    assert dict(found.by_rule) == rules
    assert not found.valid


def test_what_cannot_be_unpacked_is_told(files: tuple[Path, Path]) -> None:
    packed = Path("data.csv.gz")
    packed.write_bytes(gzip.compress(files[0].read_bytes())[:2000])
    for early in (False, True):
        with pytest.raises(DeliveryError, match="gzip"):
            validate_file(packed, files[1], stop_at_limit=early)


def test_a_page_never_overwrites_what_is_judged(files: tuple[Path, Path]) -> None:
    data, schema = files
    before = data.read_bytes()
    command = ["validate", str(data), "--schema", str(schema), "--page", f"./{data}"]
    done = subprocess.run(
        [sys.executable, "-m", "publisher", *command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, data.read_bytes()) == (2, before)
    assert "would overwrite" in done.stderr


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([".", "--schema", "s.json"], "Error: . is a folder\nWhat to do: Name one file in it."),
        (["rows.csv", "--schema", "list.json"], 'cannot retrieve metadata "list.json"\n'),
        (["rows.parquet", "--schema", "s.json"], "What to do: hand it over as CSV, JSON or NDJSON"),
    ],
)
def test_what_was_meant_is_told_in_words(tmp_path: Path, asked: list[str], told: str) -> None:
    for name, content in {"rows.csv": "a\n1\n", "rows.parquet": "PAR1", "list.json": "[1]"}.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "s.json").write_bytes(orjson.dumps({"fields": [{"name": "a", "type": "any"}]}))
    command = [sys.executable, "-m", "publisher", "validate", *asked]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told in done.stdout + done.stderr
