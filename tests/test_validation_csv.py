"""CSV deliveries as departments send them, and what is no delivery at all. Data made up."""

import gzip
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from judging import Court, court, entry

from publisher.errors import ConfigurationError, DeliveryError, StorageFullError
from publisher.validation.spool import scratch, spool

LEVEL = {
    "fields": [
        {"name": "station", "type": "string", "role": "entity", "constraints": {"required": True}},
        {"name": "at", "type": "datetime", "role": "time", "constraints": {"required": True}},
        {"name": "level", "type": "number", "unit": "m", "constraints": {"maximum": 20}},
        {"name": "mark", "type": "integer"},
    ],
    "primaryKey": ["station", "at"],
}
VANDPORTALEN: dict[str, Any] = {
    "encoding": "windows-1252",
    "dialect": {"headerRows": [4], "csv": {"delimiter": ";"}},
    "timezone": "+01:00",
    "fields": {
        "station": {"constant": "38.05"},
        "at": {"column": "Dato (DK normaltid)", "format": "%d-%m-%Y %H:%M"},
        "level": {"column": "Vandstand (m DVR90)"},
        "mark": {"column": "ks mrk."},
    },
}
EXPORT = (
    "Opdigtet portal\r\n"
    "Lokalitet:;38.05 Opdigtet Å\r\n"
    "\r\n"
    "Dato (DK normaltid);Vandstand (m DVR90);ks mrk.\r\n"
    "01-07-2025 00:00;-0.146;2\r\n"
    "01-07-2025 00:05;x;2\r\n"
    "01-07-2025 00:10;21;\r\n"
)
PLAIN = {"fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]}


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Court]:
    with court(tmp_path) as found:
        yield found


def test_an_export_with_preamble_constant_and_normal_time(judge: Court) -> None:
    found = judge.judge(entry(LEVEL, **VANDPORTALEN), EXPORT.encode("windows-1252"))

    assert (found.read, found.good, found.bad) == (3, 1, 2)
    assert judge.good() == [(5, "38.05", datetime(2025, 6, 30, 23), -0.146, 2)]
    first, second = judge.bad()
    assert (first["row_number"], first["rules"]) == (6, ["type-error"])
    assert first["cells"] == ["01-07-2025 00:05", "x", "2"]
    assert first["labels"] == ["Dato (DK normaltid)", "Vandstand (m DVR90)", "ks mrk."]
    assert first["errors"][0] == {
        "type": "type-error",
        "message": 'Type error in the cell "x" in row "6" and field "Vandstand (m DVR90)" '
        'at position "2": type is "number/default"',
        "note": 'type is "number/default"',
        "rowNumber": 6,
        "cell": "x",
        "fieldName": "Vandstand (m DVR90)",
        "fieldNumber": 2,
        "field": "level",
    }
    assert second["errors"][0]["note"] == 'constraint "maximum" is "20"'
    assert {(count.rule, count.field, count.rows) for count in found.findings} == {
        ("type-error", "level", (6,)),
        ("constraint-error", "level", (7,)),
    }


def test_utf8_that_somebody_damaged_goes_through_as_windows_1252(judge: Court) -> None:
    """The preamble turns out as mojibake, which harms no cell that is read."""
    found = judge.judge(entry(LEVEL, **VANDPORTALEN), EXPORT.replace("Å", "\ufffd").encode())
    assert found.good == 1
    assert found.notes == ()


def test_replacement_characters_in_what_is_read_are_noted(judge: Court) -> None:
    found = judge.judge(entry(PLAIN), "id,name,m\ufffdl\n1,R\ufffddovre,x\n2,Ribe,\ufffd\n")
    assert found.good == 2
    assert {(note.code, str(note.params)) for note in found.notes} == {
        ("unused-columns", "{'columns': ['m\ufffdl']}"),
        ("damaged-labels", "{'labels': ['m\ufffdl']}"),
        ("replacement-character", "{'rows': 1}"),
    }


def test_danish_numbers(judge: Court) -> None:
    table = entry(
        {"fields": [{"name": "n", "type": "number", "constraints": {"minimum": "1.5"}}]},
        dialect={"csv": {"delimiter": ";"}},
        fields={"n": {"decimalChar": ",", "groupChar": ".", "bareNumber": False}},
    )
    judge.judge(table, "n\n1.234,5\nkr. 2,25\n1,5\n1,4\n1.5\n")
    assert judge.good("n") == [(1234.5,), (2.25,), (1.5,), (15.0,)]
    assert judge.refusals() == [(5, "constraint-error", "n")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_stated_encodings_and_byte_order_marks(judge: Court, encoding: str) -> None:
    stated = encoding.removesuffix("-sig")
    judge.judge(entry(PLAIN, encoding=stated), "id,name\n1,Rødovre\n".encode(encoding))
    assert judge.good("name") == [("Rødovre",)]


def test_a_utf8_mark_decides_against_the_stated_encoding(judge: Court) -> None:
    table = entry(PLAIN, encoding="windows-1252")
    found = judge.judge(table, '"id",name\n1,Rødovre\n'.encode("utf-8-sig"))
    assert judge.good("id, name") == [(1, "Rødovre")]
    assert [note.code for note in found.notes] == ["encoding-by-mark"]


def test_columns_are_found_by_label_wherever_they_stand(judge: Court) -> None:
    table = entry(PLAIN, fields={"name": {"column": "Sted å"}})
    judge.judge(table, "x,x, Sted a\u030a ,id\n,,Ribe,7\n")
    assert judge.good("id, name") == [(7, "Ribe")]


def test_two_fields_may_read_one_column(judge: Court) -> None:
    schema = {
        "fields": [
            {"name": "text", "type": "string"},
            {"name": "number", "type": "integer", "constraints": {"minimum": 0}},
        ]
    }
    table = entry(schema, fields={"text": {"column": "c"}, "number": {"column": "c"}})
    judge.judge(table, "c\n05\n-1\nx\n")
    assert judge.good("text, number") == [("05", 5)]
    assert judge.refusals() == [(3, "constraint-error", "c"), (4, "type-error", "c")]


def test_an_optional_field_may_be_absent_unless_it_is_mapped(judge: Court) -> None:
    found = judge.judge(entry(PLAIN), "id\n1\n")
    assert judge.good("id, name") == [(1, None)]
    assert [note.code for note in found.notes] == ["absent-field"]
    with pytest.raises(DeliveryError) as error:
        judge.judge(entry(PLAIN, fields={"name": {"column": "navn"}}), "id,Navn\n1,x\n")
    assert error.value.code == "missing-column"
    assert error.value.params["nearest"] == "Navn"
    assert error.value.params["header"] == ["id", "Navn"]
    with pytest.raises(DeliveryError) as error:
        judge.judge(entry(PLAIN, fields={"name": {"column": "Vandstand"}}), "id,x\n1,x\n")
    assert "nearest" not in error.value.remedy("en") + error.value.remedy("da")


def test_without_a_header_columns_are_in_schema_order(judge: Court) -> None:
    judge.judge(entry(PLAIN, dialect={"header": False, "csv": {"delimiter": ","}}), "1,a\n2,b\n")
    assert judge.good() == [(1, 1, "a"), (2, 2, "b")]


def test_comments_blank_rows_and_header_of_two_rows(judge: Court) -> None:
    table = entry(
        {"fields": [{"name": "level_m", "type": "number"}, {"name": "q", "type": "integer"}]},
        dialect={
            "headerRows": [1, 2],
            "headerJoin": "_",
            "commentChar": "#",
            "skipBlankRows": True,
            "csv": {"delimiter": ";"},
        },
    )
    judge.judge(table, "level;q\nm;q\n# note;\n\n1;2\n")
    assert judge.good() == [(5, 1.0, 2)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-delivery"),
        (b" \r\n \n", "empty-delivery"),
        (b"\n<!DOCTYPE html>\n<title>Log ind</title>", "html-page"),
        (b"PK\x03\x04rest", "not-text"),
        (b"id\n1\n", "missing-column"),
        (b"\n1,a\n", "missing-header"),
        (b"id,name,id\n1,a,2\n", "doubled-column"),
        ("id,name\n1,Rødovre\n".encode("windows-1252"), "wrong-encoding"),
        ("id,name\n1,a\n".encode("utf-16-le"), "nul-in-header"),
        ("id,name\n1,a\n".encode("utf-16"), "utf-16-mark"),
        (gzip.compress(b"id,name\n1,a\n" * 1000)[:40], "truncated"),
        (gzip.compress(b"id,name\n1,a\n")[:-8] + b"\0" * 8, "broken-gzip"),
        (gzip.compress(b"\0" * 2_000_000), "too-large-unpacked"),
        (gzip.compress(b""), "empty-delivery"),
        (b"id,name\n1," + b"x" * 17 * 1024 * 1024, "huge-line"),
        (b'id,name\n1,"' + b"x\n" * 9 * 1024 * 1024, "unreadable-delivery"),
    ],
)
def test_what_is_no_table_is_refused_whole(judge: Court, content: bytes, code: str) -> None:
    table = entry(PLAIN, fields={"name": {}, "id": {}})
    with pytest.raises(DeliveryError) as error:
        judge.judge(table, content)
    assert error.value.code == code
    for language in ("en", "da"):
        assert error.value.message(language)
        assert error.value.remedy(language)


def test_a_wrong_byte_is_told_with_its_place(judge: Court) -> None:
    content = b"id,name\n" + b"1,abcdefgh\n" * 150_000 + b"2,R\xf8dovre\n"
    with pytest.raises(DeliveryError) as error:
        judge.judge(entry(PLAIN), content, max_bytes=10_000_000)
    assert error.value.params == {
        "encoding": "utf-8",
        "offset": content.index(b"\xf8"),
        "line": 150_002,
        "byte": "0xf8",
    }


def test_gzip_is_taken_apart(judge: Court) -> None:
    judge.judge(entry(PLAIN), gzip.compress(b"id,name\n1,a\n"), origin="x.csv.gz")
    assert judge.good() == [(2, 1, "a")]


def test_what_no_store_can_hold_is_bad(judge: Court) -> None:
    schema = {
        "fields": [
            {"name": "i", "type": "integer"},
            {"name": "n", "type": "number"},
            {"name": "d", "type": "number", "decimal": "5,2"},
            {"name": "s", "type": "string"},
            {"name": "a", "type": "array"},
        ]
    }
    rows = [
        "9223372036854775807,1e300,123.45,ok,[1]",
        "9223372036854775808,1,1,,",
        "1,NaN,1,,",
        "1,inf,1,,",
        "1,1e999,1,,",
        "1,1,1.234,,",
        "1,1,1234.5,,",
        "1,1,1,nul\0,",
        '1,1,1,,"[""\\u0000""]"',
        "1,1,1,,[NaN]",
    ]
    found = judge.judge(entry(schema), "i,n,d,s,a\n" + "\n".join(rows) + "\n")
    assert found.good == 1
    assert [(row, rule) for row, rule, _ in judge.refusals()] == [
        (number, "unstorable") for number in range(3, 12)
    ]
    assert judge.good("i, CAST(d AS VARCHAR)") == [(2**63 - 1, "123.45")]


def test_every_type_is_stored_as_read(judge: Court) -> None:
    cells = {
        "string": "æ\nø",
        "number": "0.1",
        "integer": "-5",
        "boolean": "true",
        "date": "0999-12-31",
        "time": "23:59:59.5",
        "datetime": "2025-01-01T12:00:00.123456+01:00",
        "year": "0987",
        "yearmonth": "2025-1",
        "duration": "PT36H",
        "geopoint": "10.10, 56",
        "geojson": '{"type": "Point", "coordinates": [10.5, 56]}',
        "array": '[1, "a", null]',
        "object": '{"a": {"b": 1.5}}',
        "list": "a,b",
        "any": "x",
    }
    schema = {"fields": [{"name": f"f_{kind}", "type": kind} for kind in cells]}
    line = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells.values())
    judge.judge(entry(schema), ",".join(f"f_{kind}" for kind in cells) + "\n" + line + "\n")
    columns = ", ".join(f"CAST(f_{kind} AS VARCHAR)" for kind in cells)
    assert judge.good(columns) == [
        (
            "æ\nø",
            "0.1",
            "-5",
            "true",
            "0999-12-31",
            "23:59:59.5",
            "2025-01-01 11:00:00.123456",
            "987",
            "2025-01",
            "P1DT12H",
            "10.1,56",
            '{"type":"Point","coordinates":[10.5,56]}',
            '[1,"a",null]',
            '{"a":{"b":1.5}}',
            '["a","b"]',
            "x",
        )
    ]


def test_a_cell_frictionless_trips_over_costs_its_row_only(judge: Court) -> None:
    table = entry({"fields": [{"name": "n", "type": "number", "constraints": {"minimum": 0}}]})
    found = judge.judge(table, "n\nsNaN\n1\n")
    assert (found.good, found.bad) == (1, 1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"fields": {"nobody": {"column": "x"}}}, "unknown-view-field"),
        ({"fields": {"mark": {"constant": "x"}}}, "wrong-constant"),
        ({"fields": {"mark": {"constant": 2**70}}}, "wrong-constant"),
        ({"fields": {"station": {"constant": ""}}}, "wrong-constant"),
        ({"fields": {"level": {"unit": "s"}}}, "incompatible-units"),
        ({"fields": {"level": {"unit": "metre"}}}, "unknown-unit"),
        ({"fields": {"mark": {"unit": "m"}}}, "unit-without-unit"),
        ({"encoding": "windows-9999"}, "unknown-encoding"),
        ({"checks": [{"type": "missing-interval"}]}, "check-without-interval"),
        ({"checks": [{"type": "deviated-value", "fieldName": "station"}]}, "unusable-check"),
        ({"checks": [{"type": "known-row"}]}, "check-of-mode"),
    ],
)
def test_a_view_that_cannot_be_used(judge: Court, change: dict[str, Any], code: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        judge.judge(entry(LEVEL, **change), "x\n")
    assert error.value.code == code


def test_a_bound_that_is_no_value_of_its_field(judge: Court) -> None:
    schema = {"fields": [{"name": "n", "type": "date", "constraints": {"minimum": "low"}}]}
    with pytest.raises(ConfigurationError) as error:
        judge.judge(entry(schema), "n\n1\n")
    assert error.value.code == "unreadable-constraint"


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")

    def fill() -> None:
        with scratch(tmp_path) as folder:
            (folder / "staged.ndjson").symlink_to("/dev/full")
            with spool(folder, "staged") as staged:
                staged.add({"cell": "x" * 10_000_000})

    with pytest.raises(StorageFullError):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_of_a_row_with_very_many_errors_the_first_are_told_in_full(judge: Court) -> None:
    names = [f"f{number:02}" for number in range(30)]
    line = ";".join(["1,5"] * 30)
    found = judge.judge(
        entry(
            {"fields": [{"name": name, "type": "number"} for name in names]},
            dialect={"csv": {"delimiter": ";"}},
        ),
        ";".join(names) + f"\n{line}\n{line}\n",
    )
    assert {(it.rule, it.field, it.count, it.rows) for it in found.findings} == {
        ("type-error", name, 2, (2, 3)) for name in names
    }
    errors = judge.bad()[0]["errors"]
    assert [error["fieldName"] for error in errors] == names
    assert ["cell" in error for error in errors] == [True] * 20 + [False] * 10
    assert "this and the 9 after it" in errors[20]["note"]
    assert errors[21] == {"type": "type-error", "fieldName": "f21", "field": "f21"}


KEYED = {
    "fields": [{"name": "id", "type": "integer"}, {"name": "n", "type": "number"}],
    "primaryKey": ["id"],
}


def test_a_delivery_past_max_bad_is_counted_exactly_and_its_errors_are_not_kept(
    judge: Court,
) -> None:
    rows = ["1,1", "1,2", "1,x", *(f"{number},x" for number in range(2, 1500)), "y,x"]
    delivery = "id,n\n" + "\n".join(rows) + "\n"
    kept = judge.judge(entry(KEYED, maxBad="100%"), delivery)
    assert len(judge.bad()) == kept.bad == 1501
    counted = judge.judge(entry(KEYED, maxBad="5%"), delivery)
    assert counted == kept
    left = "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'judged%'"
    assert judge.con.execute(left).fetchall() == [("judged_bad",)], "for examples, and no good row"


def test_bad_rows_at_the_start_are_kept_where_the_good_ones_prevail(judge: Court) -> None:
    rows = [*(f"{number},x" for number in range(1100)), *(f"{n},1" for n in range(1100, 25_000))]
    found = judge.judge(entry(KEYED, maxBad="5%"), "id,n\n" + "\n".join(rows) + "\n")
    assert (found.good, found.bad) == (23_900, 1100)
    assert judge.bad()[-1]["row_number"] == 1101
    assert judge.bad()[-1]["errors"][0]["cell"] == "x"
