"""Random schemas and files that try to part Publisher's verdict from Frictionless'."""

import csv
import io
from random import Random
from typing import Any

CELLS: dict[str, list[str]] = {
    "string": ["a", "b", "æøå", "x y", '"', "a,b", "line\nbreak", " ", "0", "-", "NA", "axyz"],
    "number": [
        "0", "1", "1.0", "-0", "2.5", "1e2", " 7 ", "1_000", "1,5", "x", "٣", "1.2.3", "NaN", "inf",
        "+-1", "+1", "20.00000000000000000001", "19.9999999999999999999", "20", "1e-400", "0.1",
        "1.000",
    ],
    "integer": [
        "0", "1", "01", "-3", "5.0", "1_0", " 2", "x", "٣", "+4", "-0", "007",
        "99999999999999999999",
    ],
    "boolean": ["true", "false", "1", "0", "yes", "True", " true", "nej"],
    "date": ["2025-01-02", "2025-1-2", "2025-13-01", "02-01-2025", "2025-01-02 ", "2025-02-30"],
    "time": ["12:00:00", "12:00", "23:59:59.5", "24:00:00", "x", "12:00:00Z"],
    "datetime": [
        "2025-01-02T03:04:05", "2025-01-02 03:04:05", "2025-01-02", "2025-06-01T00:00:00Z",
        "2025-06-01T02:00:00+02:00", "2025-06-01 00:00:00.5Z", "2025-02-30T00:00:00Z",
        "2025-01-02T24:00:00Z", "2025-01-02T03:04:05,5",
    ],
    "year": ["2025", "25", "+200", "20255", "x", "0000"],
    "yearmonth": ["2025-01", "2025-1", "2025-13", "x"],
    "duration": ["P1D", "PT24H", "P1Y", "x"],
    "geopoint": ["10.1,56.2", "200,5", "x"],
    "any": ["a", "1", "-", "æ"],
    "array": ["[1, 2]", "{}", "x"],
    "list": ["a,b", "a"],
}  # fmt: skip
CONSTRAINTS: dict[str, list[dict[str, Any]]] = {
    "string": [
        {"minLength": 2}, {"maxLength": 3}, {"pattern": "a|b"}, {"enum": ["a", "b", "0"]},
        {"pattern": "[a-z]+"},
    ],
    "number": [
        {"minimum": 1}, {"exclusiveMaximum": "2.5"}, {"enum": ["1", 2.5]},
        {"minimum": -5, "maximum": 20}, {"maximum": 0},
    ],
    "integer": [{"maximum": 1}, {"exclusiveMinimum": 0}, {"enum": [0, 1]}],
    "boolean": [{"enum": [True]}],
    "date": [{"minimum": "2025-01-02"}, {"maximum": "2024-12-31"}],
    "time": [{"maximum": "12:00:00"}],
    "datetime": [{"required": True}, {"minimum": "2025-01-02T03:04:05"}],
    "year": [{"minimum": 2000}],
    "yearmonth": [{"minimum": "2025-02"}],
}  # fmt: skip
PROPERTIES: dict[str, list[dict[str, Any]]] = {
    "number": [
        {}, {}, {"decimalChar": ","}, {"decimalChar": ",", "groupChar": "."}, {"groupChar": ","},
        {"bareNumber": False}, {"floatNumber": True},
    ],
    "integer": [{}, {}, {"bareNumber": False}],
    "boolean": [{}, {"trueValues": ["yes"], "falseValues": ["nej"]}],
    "datetime": [{}, {}, {"format": "%d-%m-%Y %H:%M"}],
    "date": [{}, {"format": "%d-%m-%Y"}, {"format": "any"}],
}  # fmt: skip
DANISH = ["31-12-2025 10:00", "1-1-2025 1:00", "31-12-2025"]
PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"
EVERYWHERE = ["", "", "-", "NA", "n/a"]
MISSING = [None, None, [""], ["", "-"], ["NA", "n/a"], [], ["0", "1"]]


def schema(random: Random) -> dict[str, Any]:
    fields = []
    for number in range(random.randint(1, 4)):
        kind = random.choice(list(CELLS))
        constraints: dict[str, Any] = {}
        if random.random() < 0.6 and kind in CONSTRAINTS:
            constraints |= random.choice(CONSTRAINTS[kind])
        if random.random() < 0.25:
            constraints["required"] = True
        if random.random() < 0.15:
            constraints["unique"] = True
        field = {"name": f"f{number}", "type": kind, "constraints": constraints}
        field |= random.choice(PROPERTIES.get(kind, [{}]))
        if (missing := random.choice(MISSING)) is not None:
            field["missingValues"] = missing
        fields.append(field)
    found: dict[str, Any] = {"$schema": PROFILE, "fields": fields}
    if (missing := random.choice(MISSING)) is not None:
        found["missingValues"] = missing
    if random.random() < 0.5:
        names = [field["name"] for field in fields]
        found["primaryKey"] = random.sample(names, random.randint(1, min(2, len(names))))
    return found


def file(random: Random, of: dict[str, Any]) -> str:
    """Write a file for the schema *of*: some plain, some ragged, some quoted."""
    choices = [_choices(random, field) for field in of["fields"]]
    ragged, plain = random.random() < 0.5, random.random() < 0.6
    rows = []
    for _ in range(random.randint(0, 14)):
        row = [random.choice(EVERYWHERE + cells * 3) for cells in choices]
        if plain:
            row = [cell.translate(str.maketrans("", "", '",\n')) for cell in row]
        shape = random.randint(0, 15) if ragged else None
        if shape == 0:
            row = row[:-1]
        elif shape == 1:
            row = [*row, random.choice(["", "more"])]
        elif shape == 2:
            row = [""] * len(row)
        elif shape == 3:
            row = []
        rows += [row] * random.choice([1, 1, 1, 1, 2])
    return _written(random, _header(random, of), rows)


def _choices(random: Random, field: dict[str, Any]) -> list[str]:
    cells = CELLS[field["type"]] + (DANISH if "format" in field else [])
    return random.sample(cells, random.randint(1, 2)) if random.random() < 0.6 else cells


def _header(random: Random, of: dict[str, Any]) -> list[str]:
    header = [field["name"] for field in of["fields"]]
    if random.random() < 0.15:
        header[random.randrange(len(header))] = random.choice(["", "other", "f0"])
    if random.random() < 0.05:
        header.append("more")
    return header


def _written(random: Random, header: list[str], rows: list[list[str]]) -> str:
    text, end = io.StringIO(), random.choice(["\n", "\r\n"])
    writer = csv.writer(text, lineterminator=end)
    writer.writerow(header)
    for row in rows:
        if row:
            writer.writerow(row)
        else:
            text.write(end)
    found = text.getvalue()
    return found.rstrip("\r\n") if random.random() < 0.1 else found
