"""JSON, NDJSON and workbooks, judged by the same rules as CSV. Data made up."""

import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest
from judging import Court, court, entry

from publisher.errors import DeliveryError

CLIMATE = {
    "fields": [
        {"name": "device", "type": "string", "role": "entity", "constraints": {"required": True}},
        {"name": "at", "type": "datetime", "role": "time", "constraints": {"required": True}},
        {"name": "co2", "type": "number", "unit": "[ppm]", "constraints": {"minimum": 300}},
        {"name": "battery", "type": "number", "unit": "V"},
    ],
    "primaryKey": ["device", "at"],
}
SHARE: dict[str, Any] = {
    "fields": {
        "device": {"column": "deviceInfo.devEui"},
        "at": {"column": "time"},
        "co2": {"column": "object.co2"},
        "battery": {"column": "object.vdd[0]", "unit": "mV"},
    }
}
PLAIN = {"fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]}


def message(device: str, co2: object, vdd: int = 3612) -> dict[str, Any]:
    return {
        "deviceInfo": {"devEui": device, "profile": "x"},
        "time": "2026-11-23T08:00:00Z",
        "object": {"co2": co2, "vdd": [vdd]},
        "fCnt": 7,
    }


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Court]:
    with court(tmp_path) as found:
        yield found


def test_a_share_with_elements_in_error(judge: Court) -> None:
    broken = {"error": "Could not decode data for device(17)"}
    share = [message("a", 412), broken, message("b", 12), "nonsense", message("c", 500.5)]
    found = judge.judge(entry(CLIMATE, **SHARE), orjson.dumps(share), origin="http://x/share.json")

    assert (found.read, found.good, found.bad) == (5, 2, 3)
    assert judge.good("device, co2, battery") == [("a", 412.0, 3.612), ("c", 500.5, 3.612)]
    assert [(row["row_number"], row["rules"]) for row in judge.bad()] == [
        (3, ["blank-row", "primary-key"]),
        (4, ["constraint-error"]),
        (5, ["source-error"]),
    ]
    assert [(row["labels"], row["cells"]) for row in judge.bad()] == [
        ([], [element]) for element in (broken, message("b", 12), "nonsense")
    ]
    assert {note.code: note.params for note in found.notes} == {
        "unused-columns": {"columns": ["fCnt", "error"]}
    }


def test_records_at_a_path_inside_the_document(judge: Court) -> None:
    table = entry(PLAIN, dialect={"json": {"property": "result.records"}})
    document = {"success": True, "result": {"records": [{"id": 1, "name": "a"}, {"id": "2"}]}}
    judge.judge(table, orjson.dumps(document), origin="x")
    assert judge.good("id, name") == [(1, "a"), (2, None)]


def test_an_exact_key_goes_before_a_path(judge: Court) -> None:
    table = entry(PLAIN, format="json", fields={"name": {"column": "a.b"}})
    judge.judge(table, orjson.dumps([{"id": 1, "a.b": "key", "a": {"b": "path"}}]))
    assert judge.good("name") == [("key",)]


def test_arrays_have_their_header_in_the_dialects_rows(judge: Court) -> None:
    table = entry(PLAIN, format="json", dialect={"headerRows": [2]})
    judge.judge(table, orjson.dumps([["made up"], ["name", "id"], ["a", 1], "x", ["b", "y"]]))
    assert judge.good() == [(3, 1, "a")]
    assert judge.refusals() == [(4, "source-error", None), (5, "type-error", "id")]


def test_bad_lines_of_ndjson_cost_themselves_only(judge: Court) -> None:
    lines = ['{"id": 1, "name": "ø"}', '{"id": 2,', "", "[1]", '{"id": NaN}', '{"id": 3}']
    found = judge.judge(entry(PLAIN), "\n".join(lines), origin="x.ndjson")
    assert judge.good() == [(2, 1, "ø"), (6, 3, None)]
    assert judge.refusals() == [
        (3, "source-error", None),
        (4, "source-error", None),
        (5, "type-error", "id"),
    ]
    assert judge.bad()[0]["cells"] == ['{"id": 2,']
    assert found.read == 5


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'{"error": "share not found"}', "error-body"),
        (b'{"count": 0}', "no-records"),
        (b"17", "no-records"),
        (b"[{]", "broken-json"),
        (b"<html>", "html-page"),
        ('[{"id": 1, "name": "ø"}]'.encode("latin-1"), "wrong-encoding"),
        (b'[{"nr": 1, "name": "x"}]', "missing-column"),
        (b'[{"id": 1, "name": "' + b"x" * 17_000_000 + b'"}]', "huge-element"),
        (b"[" * 100_000 + b"]" * 100_000, "broken-json"),
        (b'[{"id": 1}, {"id": 2}', "broken-json"),
        (b'[{"id": 1} {"id": 2}]', "broken-json"),
        (b'[{"id": 1}] x', "broken-json"),
    ],
)
def test_documents_that_are_no_table(judge: Court, content: bytes, code: str) -> None:
    schema = {
        "fields": [PLAIN["fields"][0] | {"constraints": {"required": True}}, *PLAIN["fields"][1:]]
    }
    with pytest.raises(DeliveryError) as error:
        judge.judge(entry(schema, format="json"), content, max_bytes=100_000_000)
    assert error.value.code == code
    assert error.value.message("da")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_document_reads_alike_wherever_its_text_is_cut(
    judge: Court, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("publisher.validation.reading.jsontext._WINDOW", size)
    values = [-1.5e3, 10, True, None, 'a"]},{\\', "æ\n", {"x": [[], {}]}, [1, [2.25]], 1e-7]
    schema = {"fields": [{"name": "id", "type": "integer"}, {"name": "v", "type": "any"}]}
    records = [{"id": number, "v": value} for number, value in enumerate(values)]
    document = {"a.b": 1, "a": [{"b": [{"id": 7}]}, {"x": [0], "b": records}], "z": [[1, 2], {}]}
    table = entry(schema, format="json", dialect={"json": {"property": "a[1].b"}})
    judge.judge(table, orjson.dumps(document, option=orjson.OPT_INDENT_2))
    found = judge.good("id, v")
    judge.judge(entry(schema), b"\n".join(map(orjson.dumps, records)), origin="x.ndjson")
    assert found == judge.good("id, v")
    assert [number for number, _ in found] == list(range(len(values)))


def test_what_is_nested_too_deep_costs_itself_only(judge: Court) -> None:
    schema = {"fields": [*PLAIN["fields"], {"name": "o", "type": "object"}]}
    deep = [f'{{"id": 2, "o": {{"x": {"[" * depth + "]" * depth}}}}}' for depth in (150, 300, 900)]
    lines = ['{"id": 1}', *deep, "[" * 100_000 + "]" * 100_000, '{"id": 3}']
    found = judge.judge(entry(schema), "\n".join(lines), origin="x.ndjson")
    assert (found.read, judge.good("id")) == (6, [(1,), (2,), (3,)])
    assert judge.refusals() == [(row, "source-error", None) for row in (4, 5, 6)]
    assert judge.bad()[0]["cells"] == [lines[2]]
    assert judge.rejudge(entry(schema), judge.quarantined(entry(schema))).bad == 3
    judge.judge(entry(schema), f"[{lines[0]},{deep[0]},{deep[1]}]", origin="x.json")
    assert judge.refusals() == [(4, "source-error", None)]


def test_memory_is_bounded_by_an_element_not_by_the_document(judge: Court) -> None:
    table = entry({"fields": [{"name": "a", "type": "integer"}]}, maxBad="100%")
    judge.judge(table, b"[]", origin="x.json")
    tracemalloc.start()
    try:
        judge.judge(
            table,
            "[" + ",".join(['{"a":1}'] * 60_000) + "]",
            origin="x.json",
            max_bytes=10_000_000,
        )
        assert tracemalloc.get_traced_memory()[1] < 6_000_000
    finally:
        tracemalloc.stop()


def test_an_empty_array_is_a_delivery_without_rows(judge: Court) -> None:
    found = judge.judge(entry(PLAIN, format="json"), b"[]")
    assert (found.read, found.good, found.bad) == (0, 0, 0)


def test_the_format_is_told_by_dialect_name_and_media_type(judge: Court) -> None:
    record = b'{"id": 1}\n'
    for origin, media_type, content in [
        ("https://x/y.jsonl?k=v", "text/plain", record),
        ("https://x/y", "application/x-ndjson; charset=utf-8", record),
        ("https://x/y", "application/json", b"[" + record + b"]"),
        ("y.bin", None, b"id,name\n1,\n"),
    ]:
        judge.judge(entry(PLAIN), content, origin=origin, media_type=media_type)
        assert judge.good("id") == [(1,)]


SHEET = {
    "fields": [
        {"name": "n", "type": "integer"},
        {"name": "x", "type": "number"},
        {"name": "day", "type": "date", "format": "%d-%m-%Y"},
        {"name": "at", "type": "datetime"},
        {"name": "clock", "type": "time"},
        {"name": "ok", "type": "boolean"},
        {"name": "s", "type": "string", "constraints": {"required": True}},
    ]
}


def workbook(rows: list[list[object]], sheet: str = "Data") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Forside"
    target = book.create_sheet(sheet)
    for row in rows:
        target.append(row)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def test_workbooks_keep_the_types_of_their_cells(judge: Court) -> None:
    noon, moment = time(12, 30), datetime(2026, 11, 23, 8)
    content = workbook(
        [
            ["opdigtet"],
            ["n", "x", "day", "at", "clock", "ok", "s"],
            [5, 0.5, date(2026, 11, 23), moment, noon, True, "æ"],
            [5.5, None, date(2026, 11, 23), moment, noon, False, None],
        ]
    )
    table = entry(SHEET, dialect={"headerRows": [2], "excel": {"sheet": "Data"}}, timezone="+01:00")
    judge.judge(table, content, origin="x.xlsx")
    assert judge.good() == [
        (3, 5, 0.5, date(2026, 11, 23), datetime(2026, 11, 23, 7), noon, True, "æ")
    ]
    assert judge.refusals() == [(4, "type-error", "n"), (4, "constraint-error", "s")]

    mended = {
        "fields": [SHEET["fields"][0] | {"type": "number"}, *SHEET["fields"][1:6], {"name": "s"}]
    }
    released = entry(mended, dialect={"excel": {"sheet": "Data"}}, timezone="+01:00")
    found = judge.rejudge(released, judge.quarantined(table))
    assert (found.good, found.bad) == (1, 0)
    assert judge.good('n, day, "at", clock') == [
        (5.5, date(2026, 11, 23), datetime(2026, 11, 23, 7), noon)
    ]


def test_numbers_of_a_workbook_can_be_read_as_texts(judge: Court) -> None:
    content = workbook([["s", "n"], [5301, 7], [0.5, None], [None, "8"]], "Data")
    table = entry(
        {"fields": [{"name": "s", "type": "string"}, {"name": "n", "type": "integer"}]},
        dialect={"excel": {"sheet": "Data", "stringified": True}},
    )
    judge.judge(table, content, origin="x.xlsx")
    assert judge.good("s, n") == [("5301", 7), ("0.5", None), (None, 8)]


def test_cells_far_apart_cost_the_workbook_not_the_service(judge: Court) -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "n", 1
    content = BytesIO()
    book.save(content)
    with pytest.raises(DeliveryError) as error:
        judge.judge(entry(PLAIN), content.getvalue(), origin="x.xlsx")
    assert error.value.code == "workbook-out-of-bounds"


def test_workbooks_that_are_none(judge: Court) -> None:
    bomb = BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 201 * 1024 * 1024)
    for content, code in [
        (b"PK\x03\x04 cut off", "unreadable-workbook"),
        (b"<html>log in", "html-page"),
        (workbook([], "Andet"), "missing-sheet"),
        (workbook([]), "empty-delivery"),
        (bomb.getvalue(), "too-large-document"),
    ]:
        with pytest.raises(DeliveryError) as error:
            judge.judge(entry(SHEET, dialect={"excel": {"sheet": "Data"}}), content)
        assert error.value.code == code
