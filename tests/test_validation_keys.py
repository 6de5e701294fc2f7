"""Keys over a whole delivery and against other tables, and quarantined rows judged again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from frictionless import Package
from judging import Court, court, entry

ROUTES = [("1", "a"), ("2", "b"), ("3", None)]
TRAFFIC: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True}},
        {"name": "route", "type": "string"},
        {"name": "part", "type": "string"},
    ],
    "primaryKey": ["id"],
    "foreignKeys": [
        {
            "fields": ["route", "part"],
            "reference": {"resource": "routes", "fields": ["number", "half"]},
        }
    ],
}
TABLE = "id,route,part\n1,1,a\n2,1,b\n3,3,\n4,,\n5,,a\nx,9,z\n"


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Court]:
    with court(tmp_path) as found:
        found.con.execute("CREATE TEMP TABLE routes(number VARCHAR, half VARCHAR, n BIGINT)")
        for number, half in ROUTES:
            found.con.execute("INSERT INTO temp.routes VALUES (?, ?, ?)", [number, half, number])
        yield found


def test_foreign_keys_are_frictionless_own(judge: Court) -> None:
    judge.relations["routes"] = "temp.routes"
    judge.judge(entry(TRAFFIC), TABLE)

    lookup = "number,half\n" + "".join(f"{number},{half or ''}\n" for number, half in ROUTES)
    (judge.folder / "routes.csv").write_text(lookup)
    (judge.folder / "traffic.csv").write_text(TABLE)
    text = {"type": "string"}
    package = Package.from_descriptor(
        {
            "name": "made-up",
            "resources": [
                {
                    "name": "routes",
                    "path": "routes.csv",
                    "schema": {"fields": [{"name": "number", **text}, {"name": "half", **text}]},
                },
                {"name": "traffic", "path": "traffic.csv", "schema": TRAFFIC},
            ],
        },
        basepath=str(judge.folder),
    )
    expected = [
        (error.row_number, error.type, error.note) for error in package.validate().tasks[1].errors
    ]
    assert [
        (row["row_number"], error["type"], error["note"])
        for row in judge.bad()
        for error in row["errors"]
    ] == expected
    assert [row for row, rule, _ in expected if rule == "foreign-key"] == [3, 6, 7]
    assert judge.bad()[0]["errors"][0]["fieldNames"] == ["route", "part"]


def test_a_table_without_a_version_refuses_every_key(judge: Court) -> None:
    judge.judge(entry(TRAFFIC), TABLE)
    assert judge.good("id") == [(4,)]


def test_text_never_equals_a_number(judge: Court) -> None:
    judge.relations["routes"] = "temp.routes"
    schema = {
        "fields": [{"name": "route", "type": "string"}],
        "foreignKeys": [{"fields": "route", "reference": {"resource": "routes", "fields": "n"}}],
    }
    judge.judge(entry(schema), "route\n1\n2\n")
    assert judge.good() == []
    schema["fields"] = [{"name": "route", "type": "number"}]
    judge.judge(entry(schema), "route\n1.0\n4\n")
    assert judge.good("route") == [(1.0,)]


def test_a_reference_to_itself_finds_delivery_and_store(judge: Court) -> None:
    schema = {
        "fields": [{"name": "id", "type": "integer"}, {"name": "parent", "type": "integer"}],
        "foreignKeys": [{"fields": "parent", "reference": {"resource": "", "fields": "id"}}],
    }
    judge.con.execute("CREATE TEMP TABLE store AS SELECT 7 AS id, NULL::BIGINT AS parent")
    judge.relations[""] = "temp.store"
    judge.judge(entry(schema), "id,parent\n1,\n2,1\n3,7\n4,9\n")
    assert judge.good("id") == [(1,), (2,), (3,)]
    assert judge.refusals() == [(5, "foreign-key", None)]


def test_a_key_is_cited_by_its_most_recent_row(judge: Court) -> None:
    schema = {
        "fields": [
            {"name": "id", "type": "number", "constraints": {"unique": True}},
            {"name": "b"},
        ],
        "primaryKey": ["id"],
    }
    found = judge.judge(entry(schema), "id,b\n1,\n1.0,\n1.00,\n-0,\n0,\n")
    notes = [
        (row["row_number"], error["type"], error["note"])
        for row in judge.bad()
        for error in row["errors"]
    ]
    assert notes == [
        (row, rule, f"the same as in the row at position {row - 1}")
        for row in (3, 4, 6)
        for rule in ("unique-error", "primary-key")
    ]
    assert {(count.rule, count.count, count.rows) for count in found.findings} == {
        ("unique-error", 3, (3, 4, 6)),
        ("primary-key", 3, (3, 4, 6)),
    }


def test_quarantined_rows_are_judged_again_under_a_mended_view(judge: Court) -> None:
    schema: dict[str, Any] = {
        "fields": [
            {"name": "id", "type": "integer"},
            {"name": "level", "type": "number", "constraints": {"maximum": 5}},
        ],
        "primaryKey": ["id"],
    }
    table = entry(schema, dialect={"csv": {"delimiter": ";"}})
    judge.judge(table, "id;level\n1;6\n2;9\n3;1,5\n4;x\n4;6\n")
    rows = judge.quarantined(table)
    assert [row.row_number for row in rows] == [2, 3, 4, 5, 6]

    schema["fields"][1]["constraints"] = {"maximum": 8}
    mended = entry(schema, fields={"level": {"decimalChar": ","}})
    found = judge.rejudge(mended, rows)
    assert (found.read, found.good, found.bad) == (5, 2, 3)
    assert judge.good("_row_number, id, level, _quarantine_id") == [
        (2, 1, 6.0, "q2"),
        (4, 3, 1.5, "q4"),
    ]
    assert judge.refusals() == [
        (3, "constraint-error", "level"),
        (5, "type-error", "level"),
        (6, "primary-key", None),
    ]
    assert judge.bad()[2]["errors"][0]["note"] == "the same as in the row at position 5"
    again = judge.con.execute("SELECT _quarantine_id, cells FROM temp.judged_bad ORDER BY 1")
    assert again.fetchall() == [("q3", '["2","9"]'), ("q5", '["4","x"]'), ("q6", '["4","6"]')]


def test_a_key_in_two_deliveries_is_a_correction_when_rows_are_judged_again(judge: Court) -> None:
    schema: dict[str, Any] = {
        "fields": [
            {"name": "id", "type": "integer", "constraints": {"unique": True}},
            {"name": "delivery", "type": "number"},
        ],
        "primaryKey": ["id"],
    }
    judge.judge(entry(schema), "id,delivery\n1,-\n2,-\n1,-\n")
    rows = judge.quarantined(entry(schema))
    later = [replace(row, id=f"r{row.row_number}", delivery="2") for row in rows]
    view = entry(schema, fields={"delivery": {"missingValues": ["-"]}})
    judge.rejudge(view, [*rows, *later])
    assert {row for (row,) in judge.good("_quarantine_id")} == {"q2", "q3", "r2", "r3"}
    assert set(judge.refusals()) == {(4, "unique-error", "id"), (4, "primary-key", None)}


def test_elements_are_read_again_by_other_paths(judge: Court) -> None:
    schema = {"fields": [{"name": "co2", "type": "integer", "constraints": {"required": True}}]}
    table = entry(schema, format="json", fields={"co2": {"column": "object.co2"}})
    judge.judge(table, '[{"object": {"co2": 1}}, {"object": {"co2_ppm": 412}}, {"error": "x"}]')
    rows = judge.quarantined(table)
    found = judge.rejudge(entry(schema, fields={"co2": {"column": "object.co2_ppm"}}), rows)
    assert judge.good("co2, _quarantine_id") == [(412, "q3")]
    assert found.bad == 1


def test_a_row_whose_column_is_not_found_any_longer_stays_bad(judge: Court) -> None:
    schema = {"fields": [{"name": "n", "type": "integer"}]}
    table = entry(schema)
    judge.judge(table, "n\nx\n")
    found = judge.rejudge(entry(schema, fields={"n": {"column": "m"}}), judge.quarantined(table))
    assert (found.good, found.bad) == (0, 1)
    assert judge.refusals() == [(2, "source-error", None)]
    assert (judge.bad()[0]["labels"], judge.bad()[0]["cells"]) == (["n"], ["x"])
