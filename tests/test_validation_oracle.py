"""Promise 2: the verdict on every row is Frictionless' own.

Random schemas and tables are judged twice, by Frictionless on the file and by Publisher on
the same bytes. What departs on purpose (times placed in time, values no store can hold) is
left out of the generated tables here and has its own tests.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from frictionless import Dialect, Resource
from frictionless import Schema as FrictionlessSchema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judging import Court, court, entry
from scale import scale

PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"

Verdicts = dict[int, list[tuple[str, str, int, str]]]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    with court(tmp_path_factory.mktemp("oracle")) as found:
        yield found


CELLS = {
    "string": ["a", "b", "æøå", "x y", '"', "a,b", "line\nbreak", " ", "0", "-", "NA"],
    "number": ["0", "1", "1.0", "-0", "2.5", "1e2", " 7 ", "1_000", "1,5", "x", "٣", "1.2.3"],
    "integer": ["0", "1", "01", "-3", "5.0", "1_0", " 2", "x", "٣", "+4"],
    "boolean": ["true", "false", "1", "0", "yes", "True", " true"],
    "date": ["2025-01-02", "2025-1-2", "2025-13-01", "02-01-2025", "2025-01-02 "],
    "time": ["12:00:00", "12:00", "23:59:59.5", "24:00:00", "x"],
    "datetime": [
        "2025-01-02T03:04:05",
        "2025-01-02 03:04:05",
        "2025-01-02",
        "2025-06-01T00:00:00Z",
    ],
    "year": ["2025", "25", "+200", "20255", "x"],
    "yearmonth": ["2025-01", "2025-1", "2025-13", "x"],
    "duration": ["P1D", "PT24H", "P1Y", "P12M", "x", "PT1.5S"],
    "geopoint": ["10.1,56.2", "10.10, 56.20", "200,5", "x", "1,2,3"],
    "geojson": ['{"type": "Point", "coordinates": [10, 56]}', '{"type": "Nothing"}', "x"],
    "array": ["[1, 2]", "[]", "{}", "x"],
    "object": ['{"a": 1}', "[]", "x"],
    "list": ["a,b", "a", ","],
    "any": ["a", "1", "-", "æ"],
}
CONSTRAINTS: dict[str, list[dict[str, Any]]] = {
    "string": [{"minLength": 2}, {"maxLength": 3}, {"pattern": "a|b"}, {"enum": ["a", "b", "0"]}],
    "number": [{"minimum": 1}, {"exclusiveMaximum": "2.5"}, {"enum": ["1", 2.5]}],
    "integer": [{"maximum": 1}, {"exclusiveMinimum": 0}, {"enum": [0, 1]}],
    "boolean": [{"enum": [True]}],
    "date": [{"minimum": "2025-01-02"}, {"maximum": "2024-12-31"}],
    "time": [{"maximum": "12:00:00"}],
    "datetime": [{"required": True}],
    "year": [{"minimum": 2000}],
    "yearmonth": [{"minimum": "2025-02"}],
    "array": [{"minLength": 1}],
    "list": [{"minLength": 2}],
}
EVERYWHERE = ["", "", "-", "NA", "n/a"]
MISSING = [None, None, [""], ["", "-"], ["NA", "n/a"], []]
SAME_IN_PYTHON_AND_STORE = {
    "string", "number", "integer", "boolean", "date", "time", "year", "yearmonth", "duration", "any"
}  # fmt: skip


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    fields = []
    for position in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(list(CELLS)))
        constraints: dict[str, Any] = {}
        if draw(st.booleans()) and kind in CONSTRAINTS:
            constraints |= draw(st.sampled_from(CONSTRAINTS[kind]))
        if draw(st.integers(0, 3)) == 0:
            constraints["required"] = True
        if draw(st.integers(0, 5)) == 0 and kind in SAME_IN_PYTHON_AND_STORE:
            constraints["unique"] = True
        missing = draw(st.sampled_from(MISSING))
        fields.append(
            {
                "name": f"f{position}",
                "type": kind,
                "constraints": constraints,
                **({} if missing is None else {"missingValues": missing}),
            }
        )
    schema: dict[str, Any] = {"fields": fields}
    missing = draw(st.sampled_from(MISSING))
    if missing is not None:
        schema["missingValues"] = missing
    names = [field["name"] for field in fields if field["type"] in SAME_IN_PYTHON_AND_STORE]
    if names and draw(st.booleans()):
        schema["primaryKey"] = draw(st.permutations(names))[: draw(st.integers(1, 2))]
    return schema


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    schema = draw(schemas())
    rows = []
    for _ in range(draw(st.integers(0, 12))):
        row = [
            draw(st.sampled_from(EVERYWHERE + CELLS[field["type"]] * 2))
            for field in schema["fields"]
        ]
        shape = draw(st.integers(0, 15))
        if shape == 0:
            row = row[:-1]
        elif shape == 1:
            row = [*row, draw(st.sampled_from(["", "more"]))]
        elif shape == 2:
            row = [""] * len(row)
        elif shape == 3:
            row = []
        rows.append(row)
        if draw(st.integers(0, 7)) == 0:
            rows.append(list(row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerow([field["name"] for field in schema["fields"]])
    for row in rows:
        if row:
            writer.writerow(row)
        else:
            text.write("\n")
    return schema, text.getvalue()


@given(tables())
@settings(max_examples=scale(60, 4000), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_gets_frictionless_verdict(
    judge: Court, table: tuple[dict[str, Any], str]
) -> None:
    schema, text = table
    dialect = {"headerRows": [1], "csv": {"delimiter": ","}}
    found = judge.judge(entry(schema, dialect=dialect), text)

    expected, read = frictionless(judge.folder, schema, text, dialect)
    ours: Verdicts = {row["row_number"]: sorted(map(_told, row["errors"])) for row in judge.bad()}
    assert ours == expected
    assert found.read == read
    assert found.good == read - len(expected) == len(judge.good())
    assert found.bad == len(expected)


def frictionless(
    folder: Path, schema: dict[str, Any], text: str, dialect: dict[str, Any]
) -> tuple[Verdicts, int]:
    """Give Frictionless' errors by row of the same text in a file, and the number of rows."""
    (folder / "oracle.csv").write_bytes(text.encode())
    resource = Resource(
        path="oracle.csv",
        basepath=str(folder),
        schema=FrictionlessSchema.from_descriptor({"$schema": PROFILE, **schema}),
        dialect=Dialect.from_descriptor(dialect),
        encoding="utf-8",
    )
    verdicts: Verdicts = {}
    read = 0
    with resource:
        assert resource.header.valid
        for row in resource.row_stream:
            read += 1
            if row.errors:
                descriptors = [error.to_descriptor() for error in row.errors]
                verdicts[row.row_number] = sorted(map(_told, descriptors))
    return verdicts, read


def _told(error: dict[str, Any]) -> tuple[str, str, int, str]:
    return (error["type"], error.get("fieldName", ""), error.get("fieldNumber", 0), error["note"])
