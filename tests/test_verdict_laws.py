"""Promise 2: whole reports equal Frictionless', whatever the schema and the file.

The seed is printed; ``PUBLISHER_TEST_SEED`` draws the same again.
"""

import io
from pathlib import Path
from random import Random
from typing import Any

import hostile
import orjson
import pytest
from frictionless import Dialect, Schema, system, validate
from scale import scale

from publisher.errors import ConfigurationError
from publisher.validation import report
from publisher.validation.lean import proved_clean
from publisher.validation.proof.prove import Doubt
from publisher.validation.proof.scan import hashing
from publisher.validation.reporting import Report
from publisher.validation.request import Request
from publisher.validation.validate import validated
from publisher.validation.workspace import workspace


def without_seconds(found: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = orjson.loads(orjson.dumps(found))
    for stats in (plain["stats"], *(task["stats"] for task in plain["tasks"])):
        stats.pop("seconds", None)
    return plain


def frictionless(data: Path, case: hostile.Case) -> Any:
    """Give Frictionless' report; None where it breaks down or refuses the schema."""
    options: dict[str, Any] = {"limit_errors": case.limit} if case.limit else {}
    if case.encoding:
        options["encoding"] = case.encoding
    try:
        with system.use_context(trusted=True):
            if case.dialect:
                options["dialect"] = Dialect.from_descriptor(case.dialect)
            schema = Schema.from_descriptor(case.schema)
            if not data.suffix:
                options["format"] = "csv"
            found = validate(str(data), type="table", schema=schema, **options)
    except Exception:  # noqa: BLE001 - it breaks down in any way
        return None
    return without_seconds(found.to_descriptor())


def judge_case(folder: Path, case: hostile.Case) -> None:
    """Hold that both say the same of it."""
    data, path = folder / case.name, folder / "s.json"
    path.write_bytes(orjson.dumps(case.schema))
    data.write_bytes(case.content)
    expected = frictionless(data, case)
    try:
        with validated(
            data,
            path,
            dialect=case.dialect,
            encoding=case.encoding,
            limit_errors=case.limit,
            stop_at_limit=case.stop,
        ) as found:
            assert without_seconds(found.descriptor) == expected
            written = io.BytesIO()
            found.write(written)
    except ConfigurationError:
        # Beyond the limit, where Frictionless stops, the totals may meet what breaks it
        assert expected is None or expected["tasks"][0]["warnings"]
        return
    document = orjson.loads(written.getvalue())
    totals = document.pop("publisher")
    assert without_seconds(document) == expected
    assert totals["errors"] == sum(totals["byRule"].values())
    if not expected["tasks"][0]["warnings"]:
        assert totals["errors"] == expected["stats"]["errors"]


@pytest.mark.long
@hostile.leaking
def test_whole_reports_are_those_of_frictionless(tmp_path: Path, seed: int, monkeypatch) -> None:
    handed_over = []
    whole = report.outright
    monkeypatch.setattr(report, "outright", lambda *a: handed_over.append(1) or whole(*a))
    count = scale(300, 100_000)
    for number in range(count):
        case = hostile.case(Random(f"{seed}-{number}"))
        try:
            judge_case(tmp_path, case)
        except Exception as error:
            error.add_note(f"seed {seed}, case {number}: {case}")
            raise
    assert len(handed_over) < count / 2, "most is proved, not handed over"


CLEAN = {
    "name": "clean",
    "version": "1.0.0",
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True, "pattern": "[a-z]+"}},
        {"name": "at", "type": "datetime", "role": "time"},
        {"name": "level", "type": "number", "constraints": {"minimum": -5, "maximum": 20}},
        {"name": "kind", "type": "string", "constraints": {"enum": ["a", "b"]}},
    ],
    "primaryKey": ["id", "at"],
}


def proved(
    data: Path, schema: Path, *, dialect: Any = None, encoding: str | None = None
) -> Report | Doubt:
    hashes = hashing(data)
    with workspace() as work:
        return proved_clean(Request(data, schema, dialect, encoding), hashes, work)


@pytest.mark.parametrize("ending", ["json", "yaml"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_clean_file_is_proved_without_frictionless(
    tmp_path: Path, ending: str, delimiter: str, monkeypatch
) -> None:
    rows = ["id,at,level,kind", "a,2025-01-01T00:00:00Z,1.5,a", "b,2025-01-01T00:05:00Z,,b"]
    data, path = tmp_path / "clean.csv", tmp_path / f"clean.{ending}"
    data.write_text("\n".join(rows).replace(",", delimiter) + "\n")
    path.write_bytes(orjson.dumps(CLEAN))
    clean = proved(data, path)
    assert isinstance(clean, Report)
    with system.use_context(trusted=True):
        expected = validate(str(data), schema=Schema.from_descriptor(CLEAN))
    assert without_seconds(clean.descriptor) == without_seconds(expected.to_descriptor())
    assert clean.totals == {"rows": 2, "errors": 0, "byRule": {}}


def test_a_blank_at_the_end_of_a_time_is_seen(tmp_path: Path) -> None:
    """The engine's reader passes over it."""
    data, path = tmp_path / "times.csv", tmp_path / "times.json"
    data.write_text("id,at\na,2025-01-01T00:00:00\nb,2025-01-01T00:00:0 \n")
    fields = [{"name": "id", "type": "string"}, {"name": "at", "type": "datetime"}]
    path.write_bytes(orjson.dumps({"fields": fields}))
    with validated(data, path) as found:
        assert found.by_rule == {"type-error": 1}


NUMBER: dict[str, Any] = {"name": "level", "type": "number"}
NAME: dict[str, Any] = {"name": "name", "type": "string"}
STATUS: dict[str, Any] = {"name": "status", "type": "string", "constraints": {"required": True}}


@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        ([NUMBER, {**NUMBER, "name": "b"}], ["1,2", "3,4.5"]),
        ([NUMBER, {**NUMBER, "name": "b"}], []),
        (
            [NAME, NUMBER, STATUS],
            [f"Højbro {n},{n / 7:.4f},{'' if n % 9 == 3 else 'ok'}" for n in range(400)],
        ),
        (
            [NAME, STATUS, NUMBER],
            [f"bro_{n},ok,{'' if n % 9 == 3 else n / 7}" for n in range(400)],
        ),
    ],
    ids=["numbers", "no rows", "empty texts", "empty numbers"],
)
def test_numbers_that_the_engine_reads_leave_other_columns_as_they_are(
    tmp_path: Path, fields: list[dict[str, Any]], rows: list[str]
) -> None:
    header = ",".join(field["name"] for field in fields)
    content = "\n".join([header, *rows, ""]).encode()
    for encoding in (None, "utf-8", "iso8859-1"):
        case = hostile.Case("t.csv", content, {"fields": fields}, None, encoding)
        judge_case(tmp_path, case)


def test_a_line_keeps_the_separator_that_the_engine_would_drop_at_its_end(tmp_path: Path) -> None:
    """The lines of a file with a wrong row are read as one column, split by U+001F."""
    fields = [{"name": "id", "type": "string", "constraints": {"pattern": "[a-z]"}}]
    data, path = tmp_path / "separator.csv", tmp_path / "separator.json"
    data.write_text("id\na\nb\x1f\n")
    path.write_bytes(orjson.dumps({"fields": fields}))
    with validated(data, path) as found:
        (error,) = found.descriptor["tasks"][0]["errors"]
    assert error["cell"] == "b\x1f"


@pytest.mark.parametrize("delimiter", [None, "", ";;", 1, []])
def test_a_dialect_that_frictionless_refuses_is_refused(tmp_path: Path, delimiter: Any) -> None:
    data, path = tmp_path / "clean.csv", tmp_path / "clean.json"
    data.write_text("id,at,level,kind\n")
    path.write_bytes(orjson.dumps(CLEAN))
    dialect = {"csv": {"delimiter": delimiter}}
    judge_case(tmp_path, hostile.Case("clean.csv", data.read_bytes(), CLEAN, dialect))


@pytest.mark.parametrize("note", ["målt", "målt \u2013 3 €"])
def test_a_danish_file_is_proved_without_frictionless(tmp_path: Path, note: str) -> None:
    """As it is, and where Windows-1252 has signs that Latin-1 has not."""
    fields = [
        {"name": "at", "type": "datetime", "format": "%d-%m-%Y %H:%M"},
        {"name": "level", "type": "number", "decimalChar": ",", "constraints": {"maximum": 20}},
        {"name": "note", "type": "string", "constraints": {"enum": [note]}},
    ]
    dialect = {"csv": {"delimiter": ";"}}
    data, path = tmp_path / "clean.csv", tmp_path / "clean.json"
    data.write_text(f"at;level;note\n31-01-2025 00:05;1,5;{note}\n", encoding="windows-1252")
    path.write_bytes(orjson.dumps({"fields": fields}))
    clean = proved(data, path, dialect=dialect, encoding="windows-1252")
    assert isinstance(clean, Report)
    with system.use_context(trusted=True):
        options = {"encoding": "windows-1252", "dialect": Dialect.from_descriptor(dialect)}
        schema = Schema.from_descriptor({"fields": fields})
        expected = validate(str(data), schema=schema, **options)
    assert without_seconds(clean.descriptor) == without_seconds(expected.to_descriptor())


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("A,2025-01-01T00:00:00Z,1,a", "constraint-error"),
        ("c,2025-02-30T00:00:00Z,1,a", "type-error"),
        ("c,2025-01-01T00:00:00Z,21,a", "constraint-error"),
        ("c,2025-01-01T00:00:00Z,20.00000000000000000001,a", "constraint-error"),
        ("c,2025-01-01T00:00:00Z,+-1,a", "type-error"),
        ("c,2025-01-01T00:00:00Z,1,c", "constraint-error"),
        (",2025-01-01T00:00:00Z,1,a", "constraint-error"),
        ("a,2025-01-01 00:00:00Z,1,a", "primary-key"),
        ("c,2025-01-01T00:00:00Z,1", "missing-cell"),
        ("c,2025-01-01T00:00:00Z,1,a,", "extra-cell"),
        ('c,2025-01-01T00:00:00Z,1,"a', None),
        ("", "blank-row"),
    ],
)
def test_one_wrong_row_is_never_proved_clean(tmp_path: Path, row: str, rule: str | None) -> None:
    data, path = tmp_path / "clean.csv", tmp_path / "clean.json"
    data.write_text(f"id,at,level,kind\na,2025-01-01T00:00:00Z,1.5,a\n{row}\n")
    path.write_bytes(orjson.dumps(CLEAN))
    clean = proved(data, path)
    assert isinstance(clean, Doubt)
    with validated(data, path) as found, system.use_context(trusted=True):
        expected = validate(str(data), schema=Schema.from_descriptor(CLEAN))
        assert without_seconds(found.descriptor) == without_seconds(expected.to_descriptor())
        assert rule is None or rule in found.by_rule
