"""What the engine judges in bulk is what the row loop judges, row by row and value by value."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from judging import Court, court, entry
from scale import scale

from publisher.errors import PublisherError
from publisher.validation.bulk import Bulk
from publisher.validation.proof.dialects import Delimited

FIELDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "station": ({"type": "string"}, ["a", "b", "æ", "", "c-1", "\ufffd"]),
    "at": (
        {"type": "datetime", "role": "time"},
        [
            "2025-01-02T03:04:05", "2025-03-30T02:30:00", "2025-10-26T02:30:00", "x", "",
            "2025-07-01T12:00:00", "2025-07-01T12:00:0 ", "2025-06-01T00:00:00Z",
            "2025-06-01T02:00:00+02:00",
            "2025-06-01 00:00:00", "1980-06-01T00:00:00", "2025-02-30T00:00:00",
        ],
    ),
    "local": (
        {"type": "datetime"},
        [
            "31-12-2025 10:00", "30-03-2025 02:30", "1-1-2025 1:00", "26-10-2025 02:15", "x", "",
            "01-07-2025 00:00", "01.07.2025 00:00:30", "01/07/2025 12:00", "01-07.2025 12:00",
            "2025-07-01 12:00", "2025-07-01T12:00:00Z", "01-07-2025",
        ],
    ),
    "level": (
        {"type": "number", "unit": "m"},
        [
            "1", "1.5", "-0", "0.1", "20", "123.456", "1e2", "x", "", "1,5", "1.234,5", "NaN",
            "inf", "+1", " 2 ", "1.234", "-1.234.567", "0.181", "1234.567", "1,234.5", "n.a.",
            "0.30000000000000004", "9007199254740993",
        ],
    ),
    "count": (
        {"type": "integer"},
        ["1", "-5", "007", "5.0", "", "x", "99999999999999999999", "1.234", "12.34"],
    ),
    "open": ({"type": "boolean"}, ["true", "0", "ja", "", "x"]),
    "day": ({"type": "date"}, ["2025-01-02", "2025-13-01", "", "02-01-2025", "2/1/2025"]),
    "clock": ({"type": "time"}, ["12:00:00", "24:00:00", "", "12:00:00Z", "12:00"]),
    "year": ({"type": "year"}, ["2025", "", "25", "0000"]),
    "month": ({"type": "yearmonth"}, ["2025-01", "2025-1", ""]),
    "other": ({"type": "any"}, ["x", "1", ""]),
    "place": ({"type": "geopoint"}, ["10,56", "x", ""]),
}  # fmt: skip
CONSTRAINTS: dict[str, list[dict[str, Any]]] = {
    "station": [{"pattern": "[a-z]|c-1"}, {"enum": ["a", "b"]}, {"maxLength": 1}],
    "at": [{"minimum": "2025-01-02T03:04:05"}, {"minimum": "2025-01-02T03:04:05Z"}],
    "level": [{"minimum": 0}, {"minimum": -5, "maximum": 20}, {"enum": [1, 1.5]}],
    "count": [{"minimum": 0}],
}
VIEWS: dict[str, list[dict[str, Any]]] = {
    "station": [{}, {}, {"column": "Målested"}, {"constant": "k"}],
    "local": [{}, {"format": "%d-%m-%Y %H:%M"}],
    "level": [
        {}, {"unit": "cm"}, {"unit": "km"}, {"unit": "[ft_i]"}, {"decimalChar": ","},
        {"decimalChar": ",", "groupChar": "."}, {"bareNumber": False},
    ],
    "open": [{}, {"trueValues": ["ja"], "falseValues": ["nej", "0"]}],
}  # fmt: skip
ZONES = ["Europe/Copenhagen", "+01:00", "UTC", "-03:30", "America/Sao_Paulo"]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    with court(tmp_path_factory.mktemp("bulk")) as found:
        yield found


def drawn(random: Random) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Draw a schema, how the source writes it, and a delivery."""
    names = random.sample(list(FIELDS), random.randint(2, 6))
    fields, views, cells = [], {}, {}
    for name in names:
        described, texts = FIELDS[name]
        constraints: dict[str, Any] = {"required": True} if random.random() < 0.3 else {}
        if name in CONSTRAINTS and random.random() < 0.5:
            constraints |= random.choice(CONSTRAINTS[name])
        if random.random() < 0.1:
            constraints["unique"] = True
        field = {"name": name, **described, "constraints": constraints}
        if random.random() < 0.2:
            field["missingValues"] = random.choice([[], ["", "x"], ["x"], ["", "-"]])
        fields.append(field)
        if view := random.choice(VIEWS.get(name, [{}])):
            views[name] = view
        cells[name] = texts if random.random() < 0.4 else random.sample(texts, 2)
    schema: dict[str, Any] = {"fields": fields}
    if random.random() < 0.4:
        schema["primaryKey"] = random.sample(names, random.randint(1, min(2, len(names))))
    harvest = {"dialect": {"csv": {"delimiter": ";"}}, "timezone": random.choice(ZONES)}
    harvest |= {"fields": views} if views else {}
    if random.random() < 0.5:
        harvest["profile"] = "danish"
    encoding = random.choice(["utf-8", "windows-1252"])
    written = [name for name in names if "constant" not in views.get(name, {})]
    lines = [[views.get(name, {}).get("column", name) for name in written]]
    for _ in range(random.randint(1, 14)):
        row = [random.choice(cells[name]) for name in written]
        shape = random.random()
        row = row[:-1] if shape < 0.03 else [*row, "z"] if shape < 0.05 else row
        lines += [[""] * len(row) if 0.05 < shape < 0.07 else row] * random.choice([1, 1, 1, 2])
    text = random.choice(["\n", "\r\n"]).join(map(";".join, lines)) + "\n"
    return schema, {**harvest, "encoding": encoding}, text.encode(encoding, "replace")


def judged(judge: Court, schema: dict[str, Any], harvest: dict[str, Any], text: bytes) -> Any:
    try:
        found = judge.judge(entry(schema, **harvest), text)
    except PublisherError as error:
        return error.code
    names = ", ".join(f'"{field["name"]}"' for field in schema["fields"])
    return found, repr(judge.good(f"{names}, _row_number")), judge.bad()


NUMBER: dict[str, Any] = {"type": "number", "unit": "m"}
TEXT: dict[str, Any] = {"type": "string"}


@pytest.mark.parametrize(
    ("fields", "key", "views", "text"),
    [
        pytest.param(
            {"id": TEXT, "m": NUMBER, "raw": TEXT, "cm": {**NUMBER, "unit": "cm"}},
            [],
            {"m": {"column": "v", "unit": "cm"}, "raw": {"column": "v"}, "cm": {"column": "v"}},
            "id,v\na,150.0\nb,007\n",
            id="three fields of one column",
        ),
        pytest.param(
            {"id": TEXT, "note": TEXT}, ["id"], {}, "id,note\na,x\n,lost\n,\nb,y\n", id="no key"
        ),
        pytest.param({"id": TEXT, "note": TEXT}, [], {}, "id,note\na,x\n,\nb,y\n", id="blank row"),
        pytest.param({"rowid": NUMBER, "b": TEXT}, [], {}, "rowid,b\n5,x\n7,y\n", id="rowid"),
        pytest.param(
            {"rowid": TEXT, "b": TEXT}, [], {}, "rowid,b\n1; DROP TABLE x --,y\n", id="SQL"
        ),
        pytest.param(
            {"id": TEXT, "n": TEXT}, ["id"], {"id": {"constant": None}}, "n\nx\n", id="null key"
        ),
    ],
)
def test_what_only_the_whole_view_tells_is_judged_alike(
    judge: Court,
    fields: dict[str, Any],
    key: list[str],
    views: dict[str, Any],
    text: str,
    monkeypatch,
) -> None:
    schema: dict[str, Any] = {"fields": [{"name": name, **it} for name, it in fields.items()]}
    schema |= {"primaryKey": key} if key else {}
    harvest = {"fields": views} if views else {}
    in_bulk = judged(judge, schema, harvest, text.encode())
    monkeypatch.setattr(Delimited, "of", classmethod(lambda *_: None))
    assert in_bulk == judged(judge, schema, harvest, text.encode())


def test_empty_texts_beside_numbers_are_no_missing_values(judge: Court) -> None:
    fields = [
        {"name": "name", "type": "string"},
        {"name": "level", "type": "number", "constraints": {"required": True}},
        {"name": "code", "type": "string", "constraints": {"pattern": "[a-z]+"}},
    ]
    rows = [f"bro {n},{n / 7:.4f},{'' if n % 8 == 3 else 'ok'}" for n in range(40)]
    text = "\n".join(["name,level,code", *rows, ""]).encode()
    judge.judge(entry({"fields": fields, "missingValues": []}), text)
    assert len(judge.bad()) == 5


@pytest.mark.parametrize("row", ["20,x", "-5.0,x", "1,+45"])
def test_one_scan_takes_what_extremes_do_not_prove(judge: Court, row: str, monkeypatch) -> None:
    """Values at their very bounds, and a plus sign anywhere: only those columns are read again."""
    monkeypatch.setattr("publisher.validation.bulk.prove_file", None)
    level = {"name": "level", "type": "number", "constraints": {"minimum": -5, "maximum": 20}}
    schema = {"fields": [level, {"name": "phone", "type": "string"}]}
    assert judged(judge, schema, {}, f"level,phone\n{row}\n".encode())


@pytest.mark.long
def test_bulk_and_loop_judge_alike(judge: Court, seed: int, monkeypatch) -> None:
    taken, stage = [], Bulk.stage
    monkeypatch.setattr(Bulk, "stage", lambda bulk, **how: taken.append(1) or stage(bulk, **how))
    count = scale(60, 5_000)
    for number in range(count):
        schema, harvest, text = drawn(Random(f"{seed}-{number}"))
        in_bulk = judged(judge, schema, harvest, text)
        with monkeypatch.context() as only:
            only.setattr(Delimited, "of", classmethod(lambda *_: None))
            by_row = judged(judge, schema, harvest, text)
        assert in_bulk == by_row, f"seed {seed}, case {number}: {schema} {harvest} {text!r}"
    assert len(taken) > count / 5, "the rest is ragged, quoted, or of a view that is refused"
