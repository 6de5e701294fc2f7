"""Further checks from outside: harvests, `publisher validate` and `publisher check`. Made up."""

import asyncio
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from commands import Installation
from frictionless import Checklist, Schema, validate
from judging import Court, court, entry
from support import write_yaml

from publisher.app import open_service
from publisher.errors import ConfigurationError, HeldError, UsageError
from publisher.messages import TEXTS
from publisher.model.values import TableRef
from publisher.operations.check import check
from publisher.secrets import Secrets
from publisher.settings import Settings
from publisher.validation.checks.errors import KINDS
from publisher.validation.validate import validated

FIELDS = [
    {"name": "sensor", "type": "string", "role": "entity"},
    {"name": "at", "type": "datetime", "role": "time"},
    {"name": "heat", "type": "number", "unit": "Cel"},
    {"name": "total", "type": "integer"},
]
KEYED = {"name": "made-up", "version": "1.0.0", "fields": FIELDS, "primaryKey": ["sensor", "at"]}
KEYLESS = {"name": "made-up", "version": "1.0.0", "fields": FIELDS}
HEAD = "sensor,at,heat,total\n"


def lines(*rows: str) -> str:
    return HEAD + "".join(f"{row}\n" for row in rows)


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Court]:
    with court(tmp_path) as found:
        yield found


def test_cells_that_no_sensor_means(judge: Court) -> None:
    checks = [
        {"type": "sentinel-value"},
        {"type": "plausible-range"},
        {"type": "clock-ahead", "by": "PT1H"},
    ]
    rows = ["a,2026-01-01T00:00:00Z,6553.5,1", "a,2026-01-01T01:00:00Z,-3,2"]
    rows += ["a,2199-01-01T00:00:00Z,-3,3", "a,2026-01-01T02:00:00Z,-3,wrong"]
    judge.judge(entry(KEYED, checks=checks), lines(*rows))
    assert judge.refusals() == [
        (2, "plausible-range", "heat"),
        (2, "sentinel-value", "heat"),
        (4, "clock-ahead", "at"),
        (5, "type-error", "total"),
    ]
    message = judge.bad()[0]["errors"][0]["message"]
    assert message.endswith("is implausible: 6553.5 is outside -50 … 80 Cel")


def test_bounds_and_sentinels_in_another_unit(judge: Court) -> None:
    checks = [
        {"type": "plausible-range", "minimum": 270, "maximum": 300, "unit": "K"},
        {"type": "sentinel-value", "values": [290]},
    ]
    table = entry(KEYED, checks=checks, fields={"heat": {"unit": "K"}})
    judge.judge(table, lines(*(f"a,2026-01-0{n}T00:00:00Z,{269 + n},1" for n in (1, 2, 9))))
    assert judge.refusals() == []
    judge.judge(table, lines("a,2026-01-01T00:00:00Z,290,1", "a,2026-01-02T00:00:00Z,269.9,1"))
    assert judge.refusals() == [(2, "sentinel-value", "heat"), (3, "plausible-range", "heat")]


def test_a_doubted_cell_is_nobodys_neighbour(judge: Court) -> None:
    checks = [
        {"type": "sentinel-value", "severity": "warning"},
        {"type": "step-change", "fields": ["heat"], "maximum": 5, "severity": "error"},
        {"type": "missing-interval", "interval": "PT1H"},
    ]
    rows = [f"a,2026-01-01T0{hour}:00:00Z,{heat},1" for hour, heat in enumerate([1, 6553.5, 2])]
    found = judge.judge(entry(KEYED, checks=checks), lines(*rows))
    assert judge.refusals() == []
    assert [note.params["check"] for note in found.notes] == ["sentinel-value"]


def test_warnings_leave_the_row_and_are_counted(judge: Court) -> None:
    checks = [{"type": "flat-line", "fields": ["heat"], "rows": 3}, {"type": "ascii-value"}]
    rows = [f"æ,2026-01-01T0{hour}:00:00Z,1,1" for hour in range(5)]
    table = entry(KEYED, checks=[checks[0], {**checks[1], "severity": "warning"}])
    found = judge.judge(table, lines(*rows))
    assert (found.good, found.bad) == (5, 0)
    assert [note.params for note in found.notes] == [
        {"check": "flat-line", "field": "heat", "count": 3, "rows": "4, 5, 6"},
        {"check": "ascii-value", "field": "sensor", "count": 5, "rows": "2, 3, 4, 5, 6"},
    ]


THEIRS: list[dict[str, Any]] = [
    {"type": "ascii-value"},
    {"type": "deviated-cell", "interval": 1},
    {"type": "deviated-value", "fieldName": "total", "interval": 1},
    {"type": "duplicate-row"},
    {"type": "forbidden-value", "fieldName": "total", "values": [3, "x"]},
    {"type": "required-value", "fieldName": "total", "values": [77]},
    {"type": "sequential-value", "fieldName": "total"},
    {"type": "truncated-value"},
    {"type": "row-constraint", "formula": "total < 8"},
    {"type": "table-dimensions", "maxRows": 2},
]
ROWS = [
    "a,2026-01-01T00:00:00Z,1.50,1",
    "a,2026-01-01T00:00:00Z,1.5,2",
    "ø,2026-01-02T00:00:00Z,1.5,3",
    "a,2026-01-01T00:00:00Z,1.50,1",
    "a,2026-01-03T00:00:00Z,x,4",
    f"{'b' * 255},2026-01-03T00:00:00Z,2,32767",
    f"{'c' * 6000},2026-01-03T00:00:00Z,,",
]


@pytest.mark.parametrize("descriptor", THEIRS, ids=lambda it: it["type"])
def test_frictionless_checks_find_in_a_harvest_what_they_find_in_a_file(
    judge: Court, tmp_path: Path, descriptor: dict[str, Any]
) -> None:
    file = tmp_path / "file.csv"
    file.write_text(lines(*ROWS))
    schema = Schema.from_descriptor(KEYLESS)
    checklist = Checklist.from_descriptor({"checks": [descriptor]})
    # By its content, for Frictionless trusts no path from elsewhere
    report = validate(
        file.read_bytes(), schema=schema, checklist=checklist, format="csv", encoding="utf-8"
    )
    expected = sorted(
        (error.row_number, error.note)
        for error in report.tasks[0].errors
        if error.type == descriptor["type"] and hasattr(error, "row_number")
    )
    of_table = [
        error.note
        for error in report.tasks[0].errors
        if error.type == descriptor["type"] and not hasattr(error, "row_number")
    ]
    assert expected or of_table
    stated = {"severity": "error", **descriptor}
    table = entry(KEYLESS, checks=[stated], maxBad="100%")
    if descriptor["type"] in {"required-value", "table-dimensions"}:
        with pytest.raises(HeldError) as held:
            judge.judge(table, lines(*ROWS))
        assert held.value.params == {"check": descriptor["type"], "note": of_table[0]}
        return
    judge.judge(table, lines(*ROWS))
    errors = [(row["row_number"], error) for row in judge.bad() for error in row["errors"]]
    found = [(n, error["note"]) for n, error in errors if error["type"] == descriptor["type"]]
    assert sorted(found) == expected or sorted(note for _, note in found) == sorted(of_table)


@pytest.mark.parametrize("limit", [None, 3])
@pytest.mark.parametrize("descriptor", THEIRS, ids=lambda it: it["type"])
def test_validate_gives_frictionless_report_of_its_checks(
    tmp_path: Path, descriptor: dict[str, Any], limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file.csv").write_text(lines(*ROWS))
    Path("schema.json").write_bytes(orjson.dumps(KEYLESS))
    options = {} if limit is None else {"limit_errors": limit}
    with validated(
        Path("file.csv"), Path("schema.json"), encoding="utf-8", checks=[descriptor], **options
    ) as found:
        told = found.descriptor
    expected = validate(
        "file.csv",
        schema=Schema.from_descriptor(KEYLESS),
        checklist=Checklist.from_descriptor({"checks": [descriptor]}),
        encoding="utf-8",
        **options,
    ).to_descriptor()
    for report in (told, expected):
        report["stats"].pop("seconds")
        report["tasks"][0]["stats"].pop("seconds")
    assert told == expected
    assert found.by_rule[descriptor["type"]] >= 1
    assert found.slow == (descriptor["type"],)


@pytest.mark.parametrize("limit", [None, 2])
def test_validate_tells_of_ours_in_the_same_report(tmp_path: Path, limit: int | None) -> None:
    file, schema = tmp_path / "file.csv", tmp_path / "schema.json"
    file.write_text(
        lines(*(f"a,2026-01-01T0{n}:00:00Z,{heat},1" for n, heat in enumerate([1, 99, 2, "x", 99])))
    )
    schema.write_bytes(orjson.dumps(KEYED))
    checks = [{"type": "plausible-range"}, {"type": "flat-line", "fields": ["total"], "rows": 2}]
    with validated(file, schema, checks=checks, limit_errors=limit) as found:
        (task,) = found.descriptor["tasks"]
        written = io.BytesIO()
        found.write(written)
    assert orjson.loads(written.getvalue())["tasks"] == [task]
    assert found.by_rule == {"plausible-range": 2, "type-error": 1}
    told = [(error["type"], error["rowNumber"]) for error in task["errors"]]
    assert told == [("type-error", 5), ("plausible-range", 3), ("plausible-range", 6)][:limit]
    assert task["errors"][1] == {
        "type": "plausible-range",
        "title": "Implausible Value",
        "description": "The value is outside what its unit allows for.",
        "message": 'The cell "99" in row at position "3" and field "heat" at position "3" is '
        "implausible: 99.0 is outside -50 … 80 Cel",
        "tags": ["#table", "#row", "#cell"],
        "note": "99.0 is outside -50 … 80 Cel",
        "cells": ["a", "2026-01-01T01:00:00Z", "99", "1"],
        "rowNumber": 3,
        "cell": "99",
        "fieldName": "heat",
        "fieldNumber": 3,
    }
    warnings = [
        "the check flat-line warns of rows that stay (field: total, number: 1, first rows: 4)"
    ]
    assert task["warnings"] == ([] if limit is None else ["reached error limit: 2"]) + warnings
    assert found.totals["slow"] == ["plausible-range", "flat-line"]


def test_a_steward_reads_what_the_checks_found(tmp_path: Path) -> None:
    write_yaml(tmp_path / "schemas/made-up.yaml", KEYED)
    rows = [f"a,2026-01-01T0{n}:00:00Z,{heat},1" for n, heat in enumerate([1, 99, 1, 6553.5])]
    (tmp_path / "file.csv").write_text(lines(*rows))
    checks = '[{"type": "plausible-range"}, {"type": "flat-line", "fields": ["total"], "rows": 2}]'
    ended = Installation(tmp_path, tmp_path / "data").run(
        *("validate", str(tmp_path / "file.csv"), "--schema", "made-up", "--lang", "da"),
        *("--checks", checks),
    )
    assert ended.code == 1
    told = """\
Ugyldig: 2 fejl i 4 rækker.
advarsel: kontrollen flat-line advarer om rækker, der bliver (felt: total,
antal: 1, de første rækker: 4)
    Det kan du gøre: se på dem i kilden; skriv severity: error under kontrollen
    for at få sådanne rækker afvist, eller udvid dens grænser, hvor de er
    rigtige

Kolonne "heat" (nr. 3)
  Uden for det troværdige, -50 … 80 Cel, i 2 celler (50 % af rækkerne).
    I række 3 "99", række 5 "6553.5".
    Det kan du gøre: få sensoren set efter, og se, om enheden er den rigtige;
    kan værdierne være rigtige, så angiv minimum og maximum i kontrollen
"""
    assert ended.out.replace("\N{NO-BREAK SPACE}", " ") == told


def test_frictionless_checks_may_warn_in_a_report_too(tmp_path: Path) -> None:
    file, schema = tmp_path / "rows.csv", tmp_path / "schema.json"
    file.write_text(lines(*(f"a,2026-01-01T00:00:00Z,{heat},1" for heat in (1, 2, 1, 2))))
    schema.write_bytes(orjson.dumps({"fields": KEYED["fields"]}))
    rows = {"type": "table-dimensions", "minRows": 9}
    warning = {"severity": "warning"}
    listed = [{"type": "duplicate-row", **warning}, {**rows, **warning}, rows]
    for limit in (None, 1):  # the second is reached, and all rows are still looked at
        with validated(file, schema, checks=listed, limit_errors=limit) as found:
            assert found.by_rule == {"table-dimensions": 1}
            warnings = found.descriptor["tasks"][0]["warnings"]
        stay, whole = "warns of rows that stay", "warns of the whole"
        assert [told for told in warnings if "error limit" not in told] == [
            f"the check duplicate-row {stay} (field: -, number: 2, first rows: 4, 5)",
            f"the check table-dimensions {whole}: number of rows is 4, the minimum is 9",
        ]


def test_checks_that_are_stated_wrongly_are_told_one_by_one(tmp_path: Path) -> None:
    write_yaml(tmp_path / "schemas/made-up.yaml", KEYED)
    (tmp_path / "file.csv").write_text(lines("a,2026-01-01T00:00:00Z,1,1"))
    checks = [{"type": "duplicate-row", "sevrity": "warning"}, {"type": "baseline"}]
    ended = Installation(tmp_path, tmp_path / "data").run(
        *("validate", str(tmp_path / "file.csv"), "--schema", "made-up", "--lang", "da"),
        *("--checks", orjson.dumps(checks).decode()),
    )
    assert ended.code == 2
    told = ended.err.replace("\n", " ")
    assert 'nøglen "sevrity" kendes ikke i checks[0]' in told
    assert 'checks[1].type kan ikke være "baseline"' in told


@pytest.mark.parametrize("rule", [*KINDS, "required-value", "table-dimensions"])
def test_each_rule_has_a_text_and_a_remedy(rule: str) -> None:
    assert TEXTS[rule].remedy_en
    assert TEXTS[rule].remedy_da


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"type": "flat-line"}, UsageError),
        ({"type": "flat-line", "rows": 3, "colour": "red"}, UsageError),
        ({"type": "no-such-check"}, UsageError),
        ({"type": "row-constraint"}, UsageError),
        ({"type": "plausible-range", "fields": ["nobody"]}, ConfigurationError),
    ],
)
def test_validate_refuses_a_wrong_check(
    tmp_path: Path, wrong: dict[str, Any], error: type[Exception]
) -> None:
    file, schema = tmp_path / "file.csv", tmp_path / "schema.json"
    file.write_text(lines("a,2026-01-01T00:00:00Z,1,1"))
    schema.write_bytes(orjson.dumps(KEYED))
    with pytest.raises(error), validated(file, schema, checks=[wrong]):
        pass


LEVELS = TableRef("made-up", "levels")


def write_town(root: Path, schema: dict[str, Any], checks: list[Any], **harvest: Any) -> None:
    write_yaml(root / "catalog/organizations.yaml", {"by": {"title": "By"}})
    write_yaml(root / "schemas/level.yaml", schema)
    source = {"type": "file", "path": "inbox/*.csv"}
    table = {
        "name": "levels",
        "path": "levels.csv",
        "schema": "../schemas/level.yaml",
        "harvest": {"source": source, "maxBad": "60%", "checks": checks, **harvest},
    }
    dataset = {"name": "made-up", "title": "Made up", "publisher": "by", "resources": [table]}
    write_yaml(root / "catalog/made-up.yaml", dataset)


def deliver(root: Path, name: str, *rows: str) -> None:
    (root / "inbox").mkdir(exist_ok=True)
    (root / "inbox" / name).write_text(lines(*rows))


async def test_each_fault_of_a_sensor_is_quarantined_by_its_name(root: Path) -> None:
    series = [
        {"type": "flat-line", "fields": ["heat"], "rows": 3},
        {"type": "step-change", "fields": ["heat"], "maximum": 30},
        {"type": "missing-interval", "interval": "PT1H"},
    ]
    checks = [
        {"type": "plausible-range"},
        {"type": "sentinel-value"},
        {"type": "clock-ahead"},
        {"type": "known-row"},
        {"type": "falling-total", "fields": ["total"]},
        *({**check, "severity": "error"} for check in series),
        {"type": "row-constraint", "formula": "total != 13"},
    ]
    write_town(root, KEYLESS, checks, maxBad="90%")
    settings = Settings(root=root, data=root / "data", file_quiet=0)
    async with open_service(settings, environ={}) as service:
        entry_ = service.catalog.entry(LEVELS)
        first = "a,2026-01-01T00:00:00Z,1,10"
        deliver(root, "1.csv", first)
        await service.harvester.harvest(entry_)
        deliver(
            root,
            "2.csv",
            first,
            "a,2026-01-01T01:00:00Z,90,11",
            "a,2026-01-01T02:00:00Z,-999,12",
            "a,2026-01-01T03:00:00Z,2,13",
            "a,2026-01-01T01:00:00Z,2,14",
            "a,2026-01-01T02:00:00Z,3,9",
            "a,2026-01-01T03:00:00Z,40,15",
            "a,2026-01-01T05:00:00Z,41,16",
            "a,2026-01-01T06:00:00Z,41,17",
            "a,2026-01-01T07:00:00Z,41,18",
            "a,2199-01-01T07:00:00Z,42,19",
        )
        run = await service.harvester.harvest(entry_)
        assert {(it.rule, it.field): it.rows for it in run.findings} == {
            ("known-row", None): (2,),
            ("plausible-range", "heat"): (3, 4),
            ("sentinel-value", "heat"): (4,),
            ("row-constraint", None): (5,),
            ("falling-total", "total"): (7,),
            ("step-change", "heat"): (8,),
            ("missing-interval", "at"): (9,),
            ("flat-line", "heat"): (11,),
            ("clock-ahead", "at"): (12,),
        }
        assert (run.rows.new, run.rows.quarantined) == (2, 9)


async def test_deliveries_are_compared_with_the_table(root: Path) -> None:
    checks = [
        {"type": "falling-total", "fields": ["total"]},
        {"type": "step-change", "fields": ["heat"], "maximum": 5},
    ]
    write_town(root, KEYED, checks)
    settings = Settings(root=root, data=root / "data", file_quiet=0)
    async with open_service(settings, environ={}) as service:

        async def harvest() -> tuple[int, int, list[str]]:
            run = await service.harvester.harvest(service.catalog.entry(LEVELS))
            notes = [note.params["rows"] for note in run.notes]
            return run.rows.new, run.rows.quarantined, notes

        deliver(root, "1.csv", "a,2026-01-01T00:00:00Z,1,10", "b,2026-01-01T00:00:00Z,1,90")
        assert await harvest() == (2, 0, [])
        deliver(root, "2.csv", "a,2026-01-03T00:00:00Z,8,9", "a,2026-01-04T00:00:00Z,8,20")
        assert await harvest() == (1, 1, ["3"])
        # Late: between what is there already, and above the later of the two
        deliver(root, "3.csv", "a,2026-01-02T00:00:00Z,2,21", "a,2026-01-02T12:00:00Z,2,15")
        assert await harvest() == (1, 1, ["3"])

        write_town(root, KEYED, checks[1:])
        await service.reload()
        run = await service.harvester.release(service.catalog.entry(LEVELS))
        assert (run.rows.new, run.rows.quarantined) == (2, 0)


async def test_a_row_that_was_ahead_stays_refused_and_is_known_afterwards(root: Path) -> None:
    write_town(root, KEYLESS, [{"type": "clock-ahead", "by": "PT1S"}, {"type": "known-row"}])
    settings = Settings(root=root, data=root / "data", file_quiet=0)
    async with open_service(settings, environ={}) as service:
        entry_ = service.catalog.entry(LEVELS)
        soon = "a,{},2,2"
        ahead = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()
        deliver(root, "1.csv", "a,2026-01-01T00:00:00Z,1,1", soon.format(ahead))
        run = await service.harvester.harvest(entry_)
        assert (run.rows.new, run.rows.quarantined) == (1, 1)
        deliver(root, "2.csv", "a,2026-01-01T00:00:00Z,1,1", "a,2026-01-01T00:00:00Z,1,2")
        run = await service.harvester.harvest(entry_)
        assert [(it.rule, it.rows) for it in run.findings] == [("known-row", (2,))]

        await asyncio.sleep(4)
        run = await service.harvester.release(entry_)
        assert (run.rows.new, run.rows.quarantined) == (0, 2)


@pytest.mark.parametrize(
    ("wrong", "rule", "key"),
    [
        ({"type": "step-changes", "fields": ["heat"], "maximum": 1}, "unknown-value", "type:"),
        ({"type": "step-change", "fields": ["heat"]}, "missing-key", "- "),
        ({"type": "step-change", "fields": ["heat"], "maximum": "x"}, "not-number", "maximum:"),
        ({"type": "step-change", "fields": ["hot"], "maximum": 1}, "unknown-check-field", "- hot"),
        ({"type": "step-change", "fields": ["sensor"], "maximum": 1}, "check-of-other-type", "- "),
        ({"type": "flat-line"}, "flat-line-of-no-length", "- "),
        ({"type": "flat-line", "row": 3}, "unknown-key", "row:"),
        ({"type": "flat-line", "for": "6 hours"}, "wrong-duration", "for:"),
        ({"type": "missing-interval"}, "check-without-interval", "- "),
        ({"type": "plausible-range", "fields": ["total"]}, "no-plausible-range", "- "),
        ({"type": "plausible-range", "minimum": 1}, "check-without-fields", "- "),
        ({"type": "plausible-range", "minimum": 1, "unit": "parsecs"}, "unknown-unit", "- "),
        ({"type": "plausible-range", "minimum": 2, "maximum": 1}, "range-of-nothing", "- "),
        ({"type": "known-row"}, "check-of-mode", "- "),
        ({"type": "duplicate-row", "severity": "bad"}, "unknown-value", "severity:"),
        ({"type": "deviated-value", "fieldName": "sensor"}, "unusable-check", "- "),
    ],
)
def test_check_tells_what_is_wrong_with_a_check_at_its_line(
    root: Path, wrong: dict[str, Any], rule: str, key: str
) -> None:
    write_town(root, KEYED, [wrong])
    found = [it for it in check(root, Secrets({}), "da").problems if it.severity == "error"]
    assert [it.rule for it in found] == [rule]
    text = (root / "catalog/made-up.yaml").read_text().splitlines()
    assert key in text[found[0].line - 1]


def test_a_file_that_cannot_be_read_is_told_as_without_checks(tmp_path: Path) -> None:
    file, schema = tmp_path / "rows.ndjson", tmp_path / "schema.json"
    file.write_text('{"level": 1\n')
    schema.write_bytes(orjson.dumps({"fields": [{"name": "level", "type": "number"}]}))
    with validated(file, schema, checks=[{"type": "sentinel-value"}]) as found:
        assert found.by_rule == {"source-error": 1}
