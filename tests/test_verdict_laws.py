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
from publisher.validation.lean import Doubt, proved_clean
from publisher.validation.proof.scan import hashing
from publisher.validation.reporting import Report
from publisher.validation.validate import validated

LIMITS = [None, None, 1, 3, 7, 100_000]


def without_seconds(found: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = orjson.loads(orjson.dumps(found))
    for stats in (plain["stats"], *(task["stats"] for task in plain["tasks"])):
        stats.pop("seconds", None)
    return plain


def frictionless(data: Path, schema: dict[str, Any], dialect: Any, limit: int | None) -> Any:
    """Give Frictionless' report; None where it breaks down."""
    options: dict[str, Any] = {"limit_errors": limit} if limit else {}
    if dialect:
        options["dialect"] = Dialect.from_descriptor(dialect)
    try:
        with system.use_context(trusted=True):
            found = validate(
                str(data), schema=Schema.from_descriptor(schema), encoding="utf-8", **options
            )
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return None
    return without_seconds(found.to_descriptor())


@pytest.mark.long
def test_whole_reports_are_those_of_frictionless(tmp_path: Path, seed: int, monkeypatch) -> None:
    handed_over = []
    whole = report.outright
    monkeypatch.setattr(report, "outright", lambda *a: handed_over.append(1) or whole(*a))
    data, path = tmp_path / "t.csv", tmp_path / "s.json"
    count = scale(2000, 100_000)
    for number in range(count):
        random = Random(f"{seed}-{number}")
        schema = hostile.schema(random)
        text, limit = hostile.file(random, schema), random.choice(LIMITS)
        dialect = {"csv": {"delimiter": ","}} if random.random() < 0.6 else None
        about = f"seed {seed}, case {number}: {schema} {text!r} limit {limit}"
        path.write_bytes(orjson.dumps(schema))
        data.write_bytes(text.encode())
        expected = frictionless(data, schema, dialect, limit)
        try:
            with validated(
                data, path, dialect=dialect, encoding="utf-8", limit_errors=limit
            ) as found:
                assert without_seconds(found.descriptor) == expected, about
                written = io.BytesIO()
                found.write(written)
        except ConfigurationError as error:
            # Beyond the limit, where Frictionless stops, the totals may meet what breaks it
            if expected is not None and not expected["tasks"][0]["warnings"]:
                pytest.fail(f"{about}: {error}")
            continue
        document = orjson.loads(written.getvalue())
        totals = document.pop("publisher")
        assert without_seconds(document) == expected, about
        assert totals["errors"] == sum(totals["byRule"].values()), about
        if not expected["tasks"][0]["warnings"]:
            assert totals["errors"] == expected["stats"]["errors"], about
    assert len(handed_over) < count / 3, "most is proved, not handed over"


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


@pytest.mark.parametrize("ending", ["json", "yaml"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_clean_file_is_proved_without_frictionless(
    tmp_path: Path, ending: str, delimiter: str, monkeypatch
) -> None:
    rows = ["id,at,level,kind", "a,2025-01-01T00:00:00Z,1.5,a", "b,2025-01-01T00:05:00Z,,b"]
    data, path = tmp_path / "clean.csv", tmp_path / f"clean.{ending}"
    data.write_text("\n".join(rows).replace(",", delimiter) + "\n")
    path.write_bytes(orjson.dumps(CLEAN))
    clean = proved_clean(data, path, dialect=None, encoding=None, hashes=hashing(data))
    assert isinstance(clean, Report)
    with system.use_context(trusted=True):
        expected = validate(str(data), schema=Schema.from_descriptor(CLEAN))
    assert without_seconds(clean.descriptor) == without_seconds(expected.to_descriptor())
    assert clean.totals == {"rows": 2, "errors": 0, "byRule": {}}


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
    clean = proved_clean(data, path, dialect=dialect, encoding="windows-1252", hashes=hashing(data))
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
    clean = proved_clean(data, path, dialect=None, encoding=None, hashes=hashing(data))
    assert isinstance(clean, Doubt)
    with validated(data, path) as found, system.use_context(trusted=True):
        expected = validate(str(data), schema=Schema.from_descriptor(CLEAN))
        assert without_seconds(found.descriptor) == without_seconds(expected.to_descriptor())
        assert rule is None or rule in found.by_rule
