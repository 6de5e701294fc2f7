"""Random schemas and files that try to part Publisher's verdict from Frictionless'."""

import csv
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from frictionless import Field, FrictionlessException

CELLS: dict[str, list[str]] = {
    "string": [
        "a", "b", "æøå", "x y", '"', "a,b", "line\nbreak", " ", "0", "-", "NA", "axyz", "b\n", "€",
        "a\x1fb", "a\x1f", "a\x85b", "\u2028", "\ufeff", "'", "a\rb", "a;b", "#a", "\\",
        "e\u0301", "\U0001f600",
        "http://a.dk/x", "a@b.dk", "5f1b5a0e-3c0c-4f6e-8d8a-000000000000", "POINT (30 10)", "YWI=",
    ],
    "number": [
        "0", "1", "1.0", "-0", "2.5", "1e2", " 7 ", "1_000", "1,5", "x", "٣", "1.2.3", "NaN", "inf",
        "+-1", "+1", "20.00000000000000000001", "19.9999999999999999999", "20", "1e-400", "0.1",
        "1.000", "1.000,5", "1,000.5", "kr. 12,50", "12 %", "-12.3 €", "1 000", ".5", "1.", "-.5",
        "1e5", "1E+2", "0x1f", "-5", "-5.000", "1.5", "1\u00a0000", "\u00a07", "-inf", "1e999",
        "0.1e1", "--1", "1-2", "12a3", "1..5", "1,,5", "٣,1", "9007199254740993", "00", "1e",
    ],
    "integer": [
        "0", "1", "01", "-3", "5.0", "1_0", " 2", "x", "٣", "+4", "-0", "007", "5", "12 %", "kr 5",
        "99999999999999999999", "9223372036854775807", "9223372036854775808", "1,000", "1e5", "-",
        "0x1f", "1 000", "--1", "-5-",
    ],
    "boolean": ["true", "false", "1", "0", "yes", "True", " true", "nej", "FALSE", "ja", "t"],
    "date": [
        "2025-01-02", "2025-1-2", "2025-13-01", "02-01-2025", "2025-01-02 ", "2025-02-30",
        "0001-01-01", "0000-01-01", "99999-01-01", "2025-01-02T00:00:00", "31-12-2025", "1-1-2025",
        "31/12/25", "20250102", "2. jan 2025", "2024-02-29", "2023-02-29", "٢٠٢٥-01-02",
        "-2025-01-02", "31.12.2025", "1900-02-29",
    ],
    "time": [
        "12:00:00", "12:00", "23:59:59.5", "24:00:00", "x", "12:00:00Z", "12:00:00+02:00",
        "00:00:00", "12:00:60", "12.00", "1200", "12:00:00,5", "9:00:00", "12:00:00.1234567",
    ],
    "datetime": [
        "2025-01-02T03:04:05", "2025-01-02 03:04:05", "2025-01-02", "2025-06-01T00:00:00Z",
        "2025-06-01T02:00:00+02:00", "2025-06-01 00:00:00.5Z", "2025-02-30T00:00:00Z",
        "2025-01-02T24:00:00Z", "2025-01-02T03:04:0 ",
        "2025-01-02T03:04:05,5", "2025-01-02x03:04:05",
        "2025-01-02T03:04:05z", "2025-01-02T03:04:05+0200", "2025-01-02T03:04:05+02",
        "2025-01-02T03:04:05.123456789", "2025-01-02T03:04:60Z", "0001-01-01T00:00:00",
        "2025-W01-4T03:04:05", "2025-01-02T03:04:05 ", "31-12-2025 10:00", "1-1-2025 1:00",
        "31-12-2025", "31.12.2025 10.00", "2025-01-02T03:04:05-00:00", "2025-10-26T02:30:00",
        "9999-12-31T24:00:00", "2025-06-01 00:00:00+14:00", "2025-06-01 00:00:00+15:00",
    ],
    "year": ["2025", "25", "+200", "20255", "x", "0000", "-100", " 202", "1_99", "٢٠٢٥", "2024"],
    "yearmonth": [
        "2025-01", "2025-1", "2025-13", "x", "2024-12", "+2025-01", "2025-01-01", "1-1", " 2025-01",
    ],
    "duration": ["P1D", "PT24H", "P1Y", "x", "P1M", "P1W", "PT0S", "-P1D", "P0.5D"],
    "geopoint": [
        "10.1,56.2", "200,5", "x", " 10 , 56 ", "[10, 56]", '{"lon": 10, "lat": 56}', "10.10,56.2",
    ],
    "geojson": [
        '{"type": "Point", "coordinates": [10, 56]}', "{}", "x", "[1]",
        '{"type": "Topology", "objects": {}, "arcs": []}',
    ],
    "any": ["a", "1", "-", "æ", "1.0"],
    "array": ["[1, 2]", "{}", "x", "[]", '["a"]', "[1,2]", "[1, null]"],
    "object": ["{}", '{"a": 1}', "[1]", "x", '{"a": 1, "b": 2}', '{"a":1}'],
    "list": ["a,b", "a", "1;2", "1,2", "", "1,,2", "true,false", "2025-01-02"],
}  # fmt: skip
BOUNDED = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
BOUNDS: dict[str, list[Any]] = {
    "number": [0, 1, -5, 20, "2.5", 1.5, "20", "1e2", 0.1],
    "integer": [0, 1, -3, 5, "1", 2**63],
    "date": ["2025-01-02", "2024-12-31"],
    "time": ["12:00:00", "00:00:00", "12:00:00Z"],
    "datetime": ["2025-01-02T03:04:05", "2025-06-01T00:00:00Z"],
    "year": [2000, 2025, "2024"],
    "yearmonth": ["2025-02", "2025-01"],
}  # fmt: skip
ENUMS: dict[str, list[list[Any]]] = {
    "string": [["a", "b", "0"], ["æøå", "x y"], ["'", "\\", "a"]],
    "number": [["1", 2.5], [0, "20", 7], ["1e2"]],
    "integer": [[0, 1], ["1", "5"]],
    "boolean": [[True], ["true"], ["yes"]],
    "date": [["2025-01-02"]],
    "time": [["12:00:00"]],
    "datetime": [["2025-01-02T03:04:05"], ["2025-06-01T00:00:00Z"]],
    "year": [[2025], ["2024"]],
    "yearmonth": [["2025-01"]],
    "duration": [["P1D"]],
    "geopoint": [["10.1,56.2"]],
    "geojson": [[{"type": "Point", "coordinates": [10, 56]}]],
    "any": [["a", "1"]],
    "array": [[[1, 2]], ["[1, 2]"]],
    "object": [[{"a": 1}], ['{"a": 1}']],
}  # fmt: skip
CHARACTERS = "0123456789.,+-eE_ :TZzPx/%'\u00a0٣æ[{"
PATTERNS = ["a|b", "[a-z]+", ".*", "[^a]", r"\w+", "(?i:A)", "a$", r"\d?"]
MEASURED = ("string", "array", "object", "list")
PROPERTIES: dict[str, list[dict[str, Any]]] = {
    "string": [{}, {}, *({"format": name} for name in ("uri", "email", "uuid", "binary", "wkt"))],
    "number": [
        {}, {}, {"decimalChar": ","}, {"decimalChar": ",", "groupChar": "."}, {"groupChar": ","},
        {"bareNumber": False}, {"floatNumber": True}, {"groupChar": " ", "decimalChar": ","},
        {"bareNumber": False, "decimalChar": ","}, {"decimalChar": "."}, {"groupChar": ""},
        {"groupChar": ".", "decimalChar": "."}, {"decimalChar": "@", "groupChar": "#"},
        {"decimalChar": ",", "groupChar": ".", "bareNumber": False}, {"decimalChar": "_"},
        {"groupChar": "_"}, {"bareNumber": True}, {"decimalChar": "e"}, {"groupChar": "'"},
        {"decimalChar": ",", "groupChar": "\u00a0"}, {"floatNumber": True, "decimalChar": ","},
    ],
    "integer": [{}, {}, {"bareNumber": False}, {"groupChar": ","}],
    "boolean": [
        {}, {"trueValues": ["yes"], "falseValues": ["nej"]}, {"trueValues": ["ja", "1"]},
        {"falseValues": ["0", "true"]}, {"trueValues": []},
    ],
    "datetime": [
        {}, {}, {"format": "%d-%m-%Y %H:%M"}, {"format": "%Y-%m-%d %H:%M:%S"}, {"format": "any"},
        {"format": "%d.%m.%Y %H.%M"}, {"format": "%Y-%m-%dT%H:%M:%S%z"}, {"format": "%d-%m-%Y"},
    ],
    "date": [
        {}, {"format": "%d-%m-%Y"}, {"format": "any"}, {"format": "%d/%m/%y"}, {"format": "%Y%m%d"},
        {"format": "%d.%m.%Y"}, {"format": "fmt:%d-%m-%Y"}, {"format": "%Y-%m-%d"},
        {"format": "%d. %b %Y"}, {"format": "x"},
    ],
    "time": [{}, {"format": "%H:%M"}, {"format": "any"}, {"format": "%H.%M"}],
    "geopoint": [{}, {"format": "array"}, {"format": "object"}],
    "geojson": [{}, {"format": "topojson"}],
    "array": [{}, {"arrayItem": {"type": "integer", "constraints": {"minimum": 2}}}],
    "list": [{}, {"delimiter": ";"}, {"itemType": "integer"}, {"itemType": "boolean"}],
}  # fmt: skip
PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"
EVERYWHERE = ["", "", "-", "NA", "n/a"]
MISSING: list[Any] = [
    None, None, None, [""], ["", "-"], ["NA", "n/a"], [], ["0", "1"], ["-", "-"], [" ", "'"],
    ["æøå"], [{"value": "-", "label": "none"}, {"value": ""}], [{"value": "NA"}],
]  # fmt: skip
# Whether Frictionless is needed is asked of schemas of these alone
PLAIN_PROPERTIES = {
    "string": set(), "integer": set(), "boolean": set(), "date": {"format"}, "datetime": {"format"},
    "number": {"decimalChar", "groupChar"},
}  # fmt: skip
PLAIN = tuple(PLAIN_PROPERTIES)
NAMED: list[dict[str, Any]] = [
    {"name": "a-b"}, {"name": "Å b"}, {"name": 5}, {"title": "Å b"}, {"title": 5}, {"version": "1"},
    {"description": ""}, {"name": ""}, {"name": "a\n"}, {"id": 5}, {"translations": {}},
]  # fmt: skip
MATCHES = ["exact", "equal", "subset", "superset", "partial"]
NAMES = ["t.csv", "t.csv", "t.tsv", "t", "T 1.csv"]
LIMITS = [None, None, 1, 3, 7, 100_000]
ENCODINGS = [
    ("utf-8", "utf-8"), ("utf-8", "utf-8"), ("utf-8", "utf-8"), (None, "utf-8"),
    ("windows-1252", "cp1252"), ("iso-8859-1", "iso-8859-1"), ("utf-8", "utf-8-sig"),
    (None, "utf-8-sig"), ("cp1252", "cp1252"), (None, "cp1252"),
    ("iso-8859-1", "iso-8859-1"), ("iso-8859-1", "cp1252"), ("utf-8", "cp1252"),
    ("utf-16", "utf-16"), ("ascii", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-8-sig", "utf-8"),
    ("windows-1252", "utf-8"), ("iso-8859-15", "iso-8859-15"), ("no-such", "utf-8"),
]  # fmt: skip
TAME = 7
DELIMITERS = [",", ",", ",", ",", ";", ";", "\t", "|", ":", "||", "", "x"]


leaking = pytest.mark.filterwarnings("ignore::ResourceWarning")
"""Frictionless leaves a file open that it cannot begin to read."""


@dataclass(frozen=True)
class Case:
    """A file, and all that is stated about it."""

    name: str
    content: bytes
    schema: dict[str, Any]
    dialect: dict[str, Any] | None
    encoding: str | None = None
    limit: int | None = None
    stop: bool = False
    """Nothing beyond the limit is asked for."""


def case(random: Random) -> Case:
    """Give one that may be anything, or (three in four) one that a proof can take on."""
    kind = random.choice(["plain", "tame", "any", "series"])
    if kind == "series":
        return _series(random)
    schema = deepcopy(_schema(random, plain=kind == "plain"))
    delimiter = random.choice(DELIMITERS if kind == "any" else DELIMITERS[:8])
    clean = random.random() < (0.6 if kind == "plain" else 0.2)
    text = _file(random, schema, delimiter if len(delimiter) == 1 else ",", clean=clean)
    dialect = deepcopy(_dialect(random, delimiter, tame=kind != "any"))
    if random.random() < 0.04:
        _misshape(random, dialect if dialect and random.random() < 0.2 else schema)
    encoding, written = random.choice(ENCODINGS if kind == "any" else ENCODINGS[:TAME])
    name = random.choice(NAMES if kind == "any" else NAMES[:1])
    content = text.encode(written, "replace" if random.random() < 0.9 else "backslashreplace")
    limit, stop = random.choice(LIMITS), random.random() < 0.1
    return Case(name, content, schema, dialect, encoding, limit, stop)


def _series(random: Random) -> Case:
    """Give what sensors write, with an odd cell or two: long enough for its texts to differ."""
    fields, columns = [], []
    count = random.choice([3, 40, 300])
    for number in range(random.randint(2, 6)):
        kind = random.choice(["string", "number", "number", "integer", "datetime", "date"])
        constraints: dict[str, Any] = {"required": True} if random.random() < 0.3 else {}
        if kind == "number" and random.random() < 0.6:
            constraints |= {"minimum": random.choice([-9, -5]), "maximum": random.choice([30, 20])}
        elif kind == "string" and random.random() < 0.3:
            constraints["pattern"] = "sensor-[0-9]+"
        fields.append({"name": f"f{number}", "type": kind, "constraints": constraints})
        texts = [text for _ in range(random.choice([1, 20])) for text in _ordinary(random, kind)]
        empty = random.choice([0, 0, 0, 0.1, 1])
        columns.append(
            ["" if random.random() < empty else random.choice(texts) for _ in range(count)]
        )
    for _ in range(random.choice([0, 0, 1, 2])):
        at = random.randrange(len(fields))
        odd = random.choice(["", *CELLS[fields[at]["type"]]])
        columns[at][random.randrange(count)] = odd if random.random() < 0.5 else odd.strip('"\r\n')
    schema: dict[str, Any] = {"fields": fields}
    if random.random() < 0.3:
        schema["missingValues"] = random.choice([[], ["", "-"], ["NA"]])
    if random.random() < 0.3:
        schema["primaryKey"] = [random.choice(fields)["name"]]
    header = [field["name"] for field in fields]
    text = _written(random, header, [list(row) for row in zip(*columns, strict=True)], ",")
    encoding, written = random.choice(ENCODINGS[:TAME])
    name = random.choice(["t.csv", "t_1.csv"])
    return Case(name, text.encode(written, "replace"), schema, None, encoding)


def _schema(random: Random, *, plain: bool) -> dict[str, Any]:
    """Give one of any kind, or a *plain* one of what can be proved without Frictionless."""
    modern = not plain and random.random() < 0.7
    kinds = PLAIN if plain else tuple(CELLS)
    fields = [_field(random, f"f{number}", kinds, modern, plain) for number in range(_few(random))]
    found: dict[str, Any] = {"fields": fields}
    if modern:
        found["$schema"] = PROFILE
    if (missing := random.choice(MISSING[:-2] if plain else MISSING)) is not None:
        found["missingValues"] = missing
    names = [field["name"] for field in fields]
    if random.random() < 0.5:
        key = random.sample(names, random.randint(1, min(3, len(names))))
        found["primaryKey"] = key[0] if len(key) == 1 and random.random() < 0.3 else key
    if random.random() < 0.1:
        found |= random.choice(NAMED)
    if plain:
        return found
    if random.random() < 0.05:
        reference = {"resource": "", "fields": [random.choice(names)]}
        found["foreignKeys"] = [{"fields": [random.choice(names)], "reference": reference}]
    if random.random() < 0.2:
        found["fieldsMatch"] = random.choice(MATCHES)
    return found


def _few(random: Random) -> int:
    return random.choice([1, 2, 2, 3, 3, 4])


def _misshape(random: Random, descriptor: dict[str, Any]) -> None:
    """Put something else for one of its values, or of those that they are made of."""
    name = random.choice(list(descriptor))
    value = descriptor[name]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = random.choice(value)
    if isinstance(value, dict) and value and random.random() < 0.8:
        _misshape(random, value)
    else:
        descriptor[name] = random.choice([5, "x", "", [], {}, None, True, [["f0"]], {"a": 1}, [5]])


def _field(
    random: Random, name: str, kinds: Sequence[str], modern: bool, plain: bool
) -> dict[str, Any]:
    kind = random.choice(kinds)
    constraints = _constraints(random, kind, modern=modern)
    if plain and kind != "string":
        known = BOUNDED if kind in {"number", "integer"} else ()
        constraints = {
            name: value
            for name, value in constraints.items()
            if name == "required" or (name in known and not isinstance(value, str))
        }
    field = {"name": name, "type": kind, "constraints": constraints}
    stated = [
        each
        for each in PROPERTIES.get(kind, [{}])
        if not plain or each.keys() <= PLAIN_PROPERTIES[kind]
    ]
    field |= random.choice(stated if random.random() < 0.6 else [{}])
    if (missing := random.choice(MISSING[:-2] if plain else MISSING)) is not None:
        field["missingValues"] = missing
    return field


def _constraints(random: Random, kind: str, *, modern: bool) -> dict[str, Any]:
    """Give constraints that the type has, but for few."""
    found: dict[str, Any] = {}
    if random.random() < 0.6:
        if kind in BOUNDS and random.random() < 0.7:
            for name in random.sample(
                BOUNDED[: 4 if modern or random.random() < 0.05 else 2], random.choice([1, 1, 2])
            ):
                found[name] = random.choice(BOUNDS[kind])
        elif kind in ENUMS and random.random() < 0.5:
            found["enum"] = random.choice(ENUMS[kind])
        elif kind in MEASURED:
            found[random.choice(["minLength", "maxLength"])] = random.randint(0, 4)
        if kind == "string" and random.random() < 0.5:
            found["pattern"] = random.choice(PATTERNS)
    if random.random() < 0.25:
        found["required"] = random.random() < 0.9
    if random.random() < 0.15:
        found["unique"] = random.random() < 0.9
    if random.random() < 0.005:
        found["pattern"] = "("
    return found


def _dialect(random: Random, delimiter: str, *, tame: bool) -> dict[str, Any] | None:
    """State the delimiter, as a rule, and of a dialect that is not *tame* much else."""
    found: dict[str, Any] = {}
    if random.random() < 0.7:
        found = {"csv": {"delimiter": delimiter}}
        if not tame and random.random() < 0.3:
            found = {"delimiter": delimiter}  # Table Dialect of version 1
        elif not tame and random.random() < 0.5:
            found["csv"] |= random.choice(
                [
                    {"quoteChar": "'"}, {"quoteChar": ""}, {"escapeChar": "\\"},
                    {"doubleQuote": False}, {"escapeChar": "\\", "doubleQuote": False},
                    {"skipInitialSpace": True}, {"lineTerminator": "\n"}, {"nullSequence": "NA"},
                ]
            )  # fmt: skip
    if not tame and random.random() < 0.5:
        found |= random.choice(
            [
                {"header": False}, {"headerRows": [1]}, {"headerRows": [2]}, {"headerRows": [1, 2]},
                {"headerRows": [1, 2], "headerJoin": "-"}, {"headerCase": False},
                {"headerRows": []}, {"commentChar": "#"}, {"commentRows": [2]},
                {"skipBlankRows": True}, {"header": False, "commentChar": "#"},
                {"headerRows": [1], "commentRows": [1]},
            ]
        )  # fmt: skip
    return found or (None if random.random() < 0.7 else {})


def _file(random: Random, of: dict[str, Any], delimiter: str, *, clean: bool) -> str:
    """Write a file for the schema *of*: some plain, some ragged, some quoted, some clean."""
    choices = [_choices(random, field, clean=clean) for field in of["fields"]]
    ragged, plain = not clean and random.random() < 0.5, random.random() < (0.9 if clean else 0.6)
    everywhere = [] if clean else EVERYWHERE
    rows = []
    for _ in range(random.randint(0, 14) if random.random() < 0.95 else 150):
        row = [random.choice(everywhere + cells * 3) for cells in choices]
        if plain:
            row = [cell.translate(str.maketrans("", "", f'"{delimiter}\r\n')) for cell in row]
        shape = random.randint(0, 15) if ragged else None
        if shape == 0:
            row = row[:-1]
        elif shape == 1:
            row = [*row, random.choice(["", "more"])]
        elif shape == 2:
            row = [""] * len(row)
        elif shape == 3:
            row = []
        rows += [row] * (1 if clean else random.choice([1, 1, 1, 1, 2]))
    if rows and random.random() < 0.05:
        rows = [rows[0]] * random.randint(90, 110) + rows  # Frictionless looks at a hundred lines
    return _written(random, _header(random, of), rows, delimiter)


def _choices(random: Random, field: dict[str, Any], *, clean: bool) -> list[str]:
    cells = CELLS[field["type"]]
    if clean:
        with suppress(FrictionlessException, TypeError, ValueError, re.error):
            read = Field.from_descriptor(field).create_cell_reader()
            tried = [*_ordinary(random, field["type"]), *(cells if random.random() < 0.5 else [])]
            cells = [cell for cell in tried if not read(cell)[1]] or cells
            return cells if random.random() < 0.7 else cells[:2]
    cells = [*cells, *(_altered(random, random.choice(cells)) for _ in range(4))]
    few = random.sample(cells, random.randint(1, min(2, len(cells))))
    return few if random.random() < 0.5 else cells


def _altered(random: Random, cell: str) -> str:
    """Give *cell* with a character more, fewer, or another."""
    at, character = random.randint(0, len(cell)), random.choice(CHARACTERS)
    return cell[:at] + random.choice(["", character, character]) + cell[at + random.randint(0, 1) :]


def _ordinary(random: Random, kind: str) -> list[str]:
    """Give texts as sensors write them, of which most are different."""
    found = {
        "string": lambda: f"sensor-{random.randint(0, 999)}",
        "number": lambda: f"{random.uniform(-9, 30):.{random.randint(0, 3)}f}",
        "integer": lambda: str(random.randint(-9, 999)),
        "date": lambda: f"2025-{random.randint(1, 12):02}-{random.randint(1, 28):02}",
        "datetime": lambda: f"2025-01-02T{random.randint(0, 23):02}:{random.randint(0, 59):02}:00Z",
    }.get(kind)
    return [found() for _ in range(20)] if found else []


def _header(random: Random, of: dict[str, Any]) -> list[str]:
    header = [field["name"] for field in of["fields"]]
    if random.random() < 0.15:
        header[random.randrange(len(header))] = random.choice(["", "other", "f0", "F0", " f0"])
    if random.random() < 0.05:
        header.append(random.choice(["more", ""]))
    if random.random() < (0.4 if "fieldsMatch" in of else 0.03):
        random.shuffle(header)
    if len(header) > 1 and random.random() < 0.03:
        header.pop()
    return header


def _written(random: Random, header: list[str], rows: list[list[str]], delimiter: str) -> str:
    text, end = io.StringIO(), random.choice(["\n", "\n", "\r\n", "\r\n", "\r"])
    end = "\n" if end == "\r" and random.random() < 0.7 else end
    writer = csv.writer(text, lineterminator=end, delimiter=delimiter)
    before = random.random()
    if before < 0.03:
        text.write(random.choice(["# about" + end, end, f"a{delimiter}b{delimiter}c" + end]))
    writer.writerow(header)
    for row in rows:
        if row:
            writer.writerow(row)
        else:
            text.write(end)
    found = text.getvalue()
    if random.random() < 0.1:
        return found.rstrip("\r\n")
    return _spoiled(random, found) if random.random() < 0.1 else found


def _spoiled(random: Random, text: str) -> str:
    """Put in, somewhere, what a csv writer does not write there; or leave nothing."""
    if random.random() < 0.1:
        return random.choice(["", "\n", " ", "\n\n"])
    at = random.randint(0, len(text))
    odd = random.choice(
        ['"', '""', "\r", "\n", "\0", "\n\n", ' "', "\t", "\\", "'", "\x1a", "\r\n"]
    )
    return text[:at] + odd + text[at:]
