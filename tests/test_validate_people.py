"""What a steward reads when a file is wrong: whole sentences, in English and Danish."""

from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import hostile
import orjson
import pytest
from commands import Installation
from scale import scale

from publisher.errors import ConfigurationError
from publisher.validation.explain import explained
from publisher.validation.findings import Finding
from publisher.validation.validate import validated

SCHEMA: dict[str, Any] = {
    "name": "water-level",
    "version": "1.0.0",
    "fields": [
        {"name": "station", "type": "string", "constraints": {"required": True}},
        {"name": "observed_at", "type": "datetime"},
        {"name": "level", "type": "number", "constraints": {"minimum": -5, "maximum": 20}},
        {"name": "quality", "type": "string", "constraints": {"enum": ["god", "usikker"]}},
        {"name": "place", "type": "string", "constraints": {"pattern": "[A-Za-zæøåÆØÅ ]+"}},
    ],
    "primaryKey": ["station", "observed_at"],
}
GOOD = """station,observed_at,level,quality,place
Ribe,2026-01-31T13:00:00Z,1.52,god,Ribe Å
Ribe,2026-01-31T13:15:00Z,1.54,god,Ribe Å
Ribe,2026-01-31T13:30:00Z,1.55,god,Ribe Å
Ribe,2026-01-31T13:45:00Z,1.57,usikker,Ribe Å
"""
BROKEN = """station,observed_at,level,qualty,place
Ribe,2026-01-31T13:00:00Z,"1,52",god,Ribe Å
Ribe,31-01-2026 13:15,1.54,god,Ribe Å
Ribe,2026-01-31T13:00:00Z,1.55,god,Ribe Å
Ribe,2026-01-31T13:45:00Z,-9999,god,Ribe Å
Ribe,2026-01-31T14:00:00Z,n/a,god,Ribe Å
Ribe,2026-01-31T14:15:00Z,1.60,Usikker,Ribe Å
Ribe,2026-01-31T14:30:00Z,1.61,usikker
,,,,
Ribe,2026-01-31T14:45:00Z,1.62,god,Ribe Å, ved broen
"""
SAID = {
    "en": """\
Invalid: 11 errors in 9 rows.

The whole table
  The key (station, observed_at) is that of an earlier row, in 1 row (11.1 % of
  the rows).
    In row 4 (as in row 2).
    What to do: remove the repeated rows; if they are different readings, the
    key in the schema ("primaryKey") lacks a field that tells them apart
  No value in the whole row, in 1 row (11.1 % of the rows).
    In row 9.
    What to do: remove the blank rows
  The key (station, observed_at) is empty, in 1 row (11.1 % of the rows).
    In row 9.
    What to do: have the key filled in, or remove the rows
  More cells than the header has columns, in 1 row (11.1 % of the rows).
    In row 10 " ved broen".
    What to do: see whether a text or a number holds the delimiter: it must
    stand in double quotes then

Column "level" (no. 3)
  Not a number written like 12.5, in 2 cells (22.2 % of the rows).
    In row 2 "1,52", row 6 "n/a".
    What to do: if "n/a" stands for no value, add it to "missingValues" in the
    schema, beside ""; the numbers have a decimal comma: state "decimalChar":
    "," for the field in the schema, or have the source write a point
  Below the smallest allowed value, -5, in 1 cell (11.1 % of the rows).
    In row 5 "-9999".
    What to do: if "-9999" is how the sensor says that it has no value, add it
    to "missingValues" in the schema, beside ""; otherwise have it corrected at
    the source

Column "observed_at" (no. 2)
  Not a date and time written like 2026-01-31T13:45:00Z, in 1 cell (11.1 % of
  the rows).
    In row 3 "31-01-2026 13:15".
    What to do: it seems to be written another way: if so, state "format":
    "%d-%m-%Y %H:%M" for the field in the schema

Column "quality" (no. 4)
  The heading in the file is "qualty", where the schema has "quality".
    What to do: it may be a misspelling: rename the column in the file, or the
    field in the schema
  None of the allowed values, god, usikker, in 1 cell (11.1 % of the rows).
    In row 7 "Usikker".
    What to do: for "Usikker", did you mean "usikker"? Capitals and blanks count
    too

Column "place" (no. 5)
  The row ends before this column, in 1 cell (11.1 % of the rows).
    In row 8.
    What to do: see whether the rows lack a delimiter, or are broken by a line
    break in a text: such a text must stand in double quotes
""",
    "da": """\
Ugyldig: 11 fejl i 9 rækker.

Hele tabellen
  Nøglen (station, observed_at) er den samme som i en tidligere række, i 1 række
  (11,1 % af rækkerne).
    I række 4 (som i række 2).
    Det kan du gøre: fjern de gentagne rækker; er det forskellige målinger,
    mangler nøglen i skemaet ("primaryKey") et felt, der skiller dem ad
  Ingen værdi i hele rækken, i 1 række (11,1 % af rækkerne).
    I række 9.
    Det kan du gøre: fjern de tomme rækker
  Nøglen (station, observed_at) er tom, i 1 række (11,1 % af rækkerne).
    I række 9.
    Det kan du gøre: få nøglen udfyldt, eller fjern rækkerne
  Flere celler, end der er kolonner i overskriften, i 1 række (11,1 % af
  rækkerne).
    I række 10 " ved broen".
    Det kan du gøre: se, om en tekst eller et tal indeholder skilletegnet: så
    skal det stå i anførselstegn

Kolonne "level" (nr. 3)
  Ikke et tal skrevet som 12.5, i 2 celler (22,2 % af rækkerne).
    I række 2 "1,52", række 6 "n/a".
    Det kan du gøre: står "n/a" for en manglende værdi, så føj det til
    "missingValues" i skemaet, ved siden af ""; tallene har decimalkomma: angiv
    "decimalChar": "," for feltet i skemaet, eller få kilden til at skrive
    punktum
  Under den mindste tilladte værdi, -5, i 1 celle (11,1 % af rækkerne).
    I række 5 "-9999".
    Det kan du gøre: er "-9999" sensorens måde at sige, at den ingen værdi har,
    så føj det til "missingValues" i skemaet, ved siden af ""; ellers få det
    rettet hos kilden

Kolonne "observed_at" (nr. 2)
  Ikke en dato med klokkeslæt skrevet som 2026-01-31T13:45:00Z, i 1 celle
  (11,1 % af rækkerne).
    I række 3 "31-01-2026 13:15".
    Det kan du gøre: det ser ud til at være skrevet på en anden måde: angiv i så
    fald "format": "%d-%m-%Y %H:%M" for feltet i skemaet

Kolonne "quality" (nr. 4)
  Overskriften i filen er "qualty", hvor skemaet har "quality".
    Det kan du gøre: det kan være en stavefejl: omdøb kolonnen i filen eller
    feltet i skemaet
  Ingen af de tilladte værdier, god, usikker, i 1 celle (11,1 % af rækkerne).
    I række 7 "Usikker".
    Det kan du gøre: mentes der "usikker" med "Usikker"? Store bogstaver og
    mellemrum tæller med

Kolonne "place" (nr. 5)
  Rækken slutter før denne kolonne, i 1 celle (11,1 % af rækkerne).
    I række 8.
    Det kan du gøre: se, om rækkerne mangler et skilletegn, eller er brudt af et
    linjeskift i en tekst: sådan en tekst skal stå i anførselstegn
""",
}
DELIMITER = {
    "en": """\
Invalid: 5 errors in 4 rows.

Column "station" (no. 1)
  The heading in the file is "station;observed_at;level;quality;place", where
  the schema has "station".
    What to do: the whole header was read as one column: if the columns are
    separated by ";", state it: --dialect '{"csv":{"delimiter":";"}}'

Column "observed_at" (no. 2)
  The file has no such column.
    What to do: the whole header was read as one column: put that right first

Column "level" (no. 3)
  The file has no such column.
    What to do: the whole header was read as one column: put that right first

Column "quality" (no. 4)
  The file has no such column.
    What to do: the whole header was read as one column: put that right first

Column "place" (no. 5)
  The file has no such column.
    What to do: the whole header was read as one column: put that right first
""",
    "da": """\
Ugyldig: 5 fejl i 4 rækker.

Kolonne "station" (nr. 1)
  Overskriften i filen er "station;observed_at;level;quality;place", hvor
  skemaet har "station".
    Det kan du gøre: hele overskriften er læst som én kolonne: er kolonnerne
    adskilt af ";", så angiv det: --dialect '{"csv":{"delimiter":";"}}'

Kolonne "observed_at" (nr. 2)
  Filen har ingen sådan kolonne.
    Det kan du gøre: hele overskriften er læst som én kolonne: få det på plads
    først

Kolonne "level" (nr. 3)
  Filen har ingen sådan kolonne.
    Det kan du gøre: hele overskriften er læst som én kolonne: få det på plads
    først

Kolonne "quality" (nr. 4)
  Filen har ingen sådan kolonne.
    Det kan du gøre: hele overskriften er læst som én kolonne: få det på plads
    først

Kolonne "place" (nr. 5)
  Filen har ingen sådan kolonne.
    Det kan du gøre: hele overskriften er læst som én kolonne: få det på plads
    først
""",
}
ENCODING = {
    "en": """\
Invalid: 1 error in 0 rows.

The whole table
  The file is not written in the encoding it was read in: 'utf-8' codec can't
  decode byte 0xc5 in position 80: invalid continuation byte.
    What to do: state its own; Danish systems often write windows-1252:
    --encoding windows-1252
""",
    "da": """\
Ugyldig: 1 fejl i 0 rækker.

Hele tabellen
  Filen er ikke skrevet i den tegnkodning, den blev læst med: 'utf-8' codec
  can't decode byte 0xc5 in position 80: invalid continuation byte.
    Det kan du gøre: angiv dens egen; danske systemer skriver ofte windows-1252:
    --encoding windows-1252
""",
}
LANGUAGES = pytest.mark.parametrize("language", ["en", "da"])


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")  # which keeps a number and its % on one line


def belongs(error: dict[str, Any], finding: Finding) -> bool:
    """Tell by Frictionless' own words whether the finding counts the error."""
    if (error["type"], error.get("fieldName") or None) != (finding.rule, finding.field):
        return False
    if finding.rule == "constraint-error":
        return f'constraint "{finding.constraint}"' in error["note"]
    return error["note"].startswith("cells composing") == (finding.constraint == "empty")


class Steward:
    def __init__(self, folder: Path) -> None:
        self.installation = Installation(folder, folder / "data")
        self.file, self.schema = folder / "vandstand.csv", folder / "schema.json"
        self.schema.write_bytes(orjson.dumps(SCHEMA))

    def reads(self, content: bytes, language: str, *options: str, code: int = 1) -> str:
        self.file.write_bytes(content)
        words = ["validate", str(self.file), "--schema", str(self.schema), "--lang", language]
        ended = self.installation.run(*words, *options, common=False)
        assert (ended.code, ended.err) == (code, "")
        return plain(ended.out)


@pytest.fixture
def steward(tmp_path: Path) -> Steward:
    return Steward(tmp_path)


@LANGUAGES
def test_a_file_broken_in_ten_ways(steward: Steward, language: str) -> None:
    assert steward.reads(GOOD.encode(), "en", code=0) == "Valid: 4 rows, no errors.\n"
    assert steward.reads(BROKEN.encode(), language) == SAID[language]


@LANGUAGES
def test_another_delimiter(steward: Steward, language: str) -> None:
    comma = '{"csv": {"delimiter": ","}}'
    content = GOOD.replace(",", ";").encode()
    assert steward.reads(content, language, "--dialect", comma) == DELIMITER[language]


@LANGUAGES
def test_another_encoding(steward: Steward, language: str) -> None:
    content = GOOD.encode("windows-1252")
    assert steward.reads(content, language, "--encoding", "utf-8") == ENCODING[language]
    misread = steward.reads(GOOD.encode(), language, "--encoding", "windows-1252")
    assert '"Ribe Ã…"' in misread
    assert "--encoding utf-8" in " ".join(misread.split())


def test_as_json(steward: Steward) -> None:
    document = orjson.loads(steward.reads(BROKEN.encode(), "da", "--json"))
    totals = document["publisher"]
    assert (totals["rows"], totals["errors"]) == (9, sum(totals["byRule"].values()))
    (bound,) = [it for it in totals["findings"] if it.get("constraint") == "minimum"]
    assert bound == {
        "rule": "constraint-error",
        "constraint": "minimum",
        "field": "level",
        "fieldNumber": 3,
        "errors": 1,
        "rows": 1,
        "share": 0.111111,
        "examples": [
            {
                "row": 5,
                "cell": "-9999",
                "message": 'The cell "-9999" in row at position "5" and field "level" at position '
                '"3" does not conform to a constraint: constraint "minimum" is "-5"',
            }
        ],
        "text": 'Kolonne "level": under den mindste tilladte værdi, -5, i 1 celle (11,1 % af '
        'rækkerne). I række 5 "-9999".',
        "remedy": 'er "-9999" sensorens måde at sige, at den ingen værdi har, så føj det til '
        '"missingValues" i skemaet, ved siden af ""; ellers få det rettet hos kilden',
    }
    clean = orjson.loads(steward.reads(GOOD.encode(), "da", "--json", code=0))
    assert clean["publisher"] == {"rows": 4, "errors": 0, "byRule": {}, "findings": []}


class Page(HTMLParser):
    """Keeps the texts of a page, and holds that its tags are closed and none loads anything."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: dict[str, list[dict[str, str | None]]] = {}
        self.text = ""
        self.feed(content)
        self.close()
        assert self.open == []
        assert self.tags.keys().isdisjoint({"script", "img", "link", "iframe", "form", "a"})
        names = {name for tags in self.tags.values() for tag in tags for name in tag}
        assert not {name for name in names if name.startswith("on") or name in {"src", "href"}}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.setdefault(tag, []).append(dict(attrs))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@LANGUAGES
def test_as_a_page(steward: Steward, tmp_path: Path, language: str) -> None:
    file = tmp_path / "report.html"
    hostile_cells = GOOD.replace("1.52", '"<script>alert(1)</script>"').replace(
        "usikker", "<img src=x onerror='a()'>&amp;\x1b[31m\u202e"
    )
    told = steward.reads(hostile_cells.encode(), language, "--page", str(file))
    assert "\x1b" not in told
    assert "\u202e" not in told
    page = Page(plain(file.read_text("utf-8")))
    assert page.tags["html"] == [{"lang": language}]
    assert page.tags["main"]
    assert "<script>alert(1)</script>" in page.text
    assert r"<img src=x onerror='a()'>&amp;\x1b[31m\u202e" in page.text
    for line in told.replace("What to do: ", "").replace("Det kan du gøre: ", "").splitlines():
        assert line.strip().removesuffix(".") in page.text or line.startswith("    ")
    steward.reads(GOOD.encode(), language, "--page", str(file), code=0)
    assert Page(file.read_text("utf-8")).tags["p"] == [{"class": "verdict valid"}]


def test_what_is_personal_is_not_shown(steward: Steward, tmp_path: Path) -> None:
    fields = [*SCHEMA["fields"], {"name": "cpr", "type": "integer", "personal": True}]
    steward.schema.write_bytes(orjson.dumps({**SCHEMA, "fields": fields}))
    file = tmp_path / "report.html"
    row = "Ribe,2026-01-31T13:00:00Z,1.5,god,Ribe"
    content = "station,observed_at,level,quality,place,cpr\n" + "".join(
        f"{line}\n"
        for line in (
            f"{row},070761-4285",
            "Ribe,2026-01-31T14:00:00Z,070761-4285,god,Ribe,1,2",
            "Ribe,2026-01-31T15:00:00Z,1.5,god,Ribe,1,070761-4285",
            "Ribe,2026-01-31T16:00:00Z,070761-4285,god,Ribe",
        )
    )
    told = steward.reads(content.encode(), "en", "--page", str(file))
    assert "In row 2 (hidden: personal)." in told
    document = orjson.loads(steward.reads(content.encode(), "en", "--json"))
    for shown in (told, file.read_text("utf-8"), orjson.dumps(document["publisher"]).decode()):
        assert "070761" not in shown


@pytest.mark.long
@hostile.leaking
def test_findings_are_all_errors_by_rule_and_column(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "s.json"
    for number in range(scale(100, 10_000)):
        case = hostile.case(Random(f"{seed}-{number}"))
        about = f"seed {seed}, case {number}: {case}"
        data = tmp_path / case.name
        path.write_bytes(orjson.dumps(case.schema))
        data.write_bytes(case.content)
        stated: dict[str, Any] = {"dialect": case.dialect, "encoding": case.encoding}
        try:
            with validated(data, path, **stated, limit_errors=10**9) as whole:
                errors = [
                    *whole.descriptor["errors"],
                    *(error for task in whole.descriptor["tasks"] for error in task["errors"]),
                ]
            with validated(data, path, **stated, limit_errors=1) as cut:
                findings = cut.findings
                texts = [explained(cut, language) for language in ("en", "da")]
        except ConfigurationError:
            continue
        counts = dict.fromkeys(cut.by_rule, 0)
        for finding in findings:
            counts[finding.rule] += finding.errors
            same = [error for error in errors if belongs(error, finding)]
            assert finding.errors == len(same), about
            rows = {error["rowNumber"] for error in same if "rowNumber" in error}
            assert finding.rows == len(rows), about
        assert counts == cut.by_rule == whole.by_rule, about
        for language in texts:
            assert len(language) == len(findings), about
            assert all(it.text and it.examples for it in language), about
