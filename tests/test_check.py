"""Every rule of `publisher check` beyond reading: what breaks it, and the line that is told."""

from datetime import UTC, datetime
from string import Formatter

import pytest
from catalogs import DATASET, FILES, LEVEL, OTHER, SECRETS, line_of, loaded, only, write
from hypothesis import given
from hypothesis import strategies as st

from publisher.harvest.cron import cron_trigger
from publisher.messages.catalog import CATALOG
from publisher.operations.check import check
from publisher.registry.checks.cron import cron_fault

# File, what stands there, what is written instead, the rule, and the text whose line is told.
RULES = [
    ("vand", "every: PT15M", 'cron: "61 * * * *"', "wrong-cron", "cron:"),
    ("vand", "every: PT15M", 'every: PT15M\n      cron: "0 * * * *"', "every-and-cron", "harvest:"),
    ("vand", "every: PT15M", "every: PT0S", "wrong-duration", "every:"),
    ("vand", "every: PT15M", "every: P99999999999D", "wrong-duration", "every:"),
    ("vand", "every: PT15M", "every:", "no-value", "every:"),
    ("vand", "maxBad: 5%", "maxBad: 105%", "wrong-share", "maxBad:"),
    ("vand", "history: P1Y", "history: P1D", "short-history", "history:"),
    ("vand", '"+01:00"', "Europe/Kopenhagen", "wrong-zone", "timezone:"),
    ("vand", "windows-1252", "windows-1262", "unknown-encoding", "encoding:"),
    ("vand", "windows-1252", "base64", "unknown-encoding", "encoding:"),
    ("vand", "interval: PT5M", "interval: PT5M\n    timezone: UTC", "misplaced-key", "timezone: U"),
    ("vand", "headerRows: [14]", 'headerRows: ["14"]', "not-whole-number", "headerRows:"),
    ("vand", "header: true", 'header: "true"', "not-true-or-false", "header:"),
    ("vand", "type: http", "type: https", "unknown-value", "type: http"),
    ("vand", "        type: http\n", "", "missing-key", "source:"),
    ("vand", 'url: "https://', 'url: "ftp://', "wrong-url", "url:"),
    ("vand", "Authorization:", '"Auth orization":', "wrong-header", "Auth ori"),
    ("vand", "${AREA}", "${AREO}", "variable-not-set", "url:"),
    ("vand", 'constant: "38.05"', "constant: 38.10", "constant-not-text", "constant:"),
    ("vand", 'constant: "38.05"', "constant: null", "empty-constant", "constant:"),
    ("vand", "column: Dato", "column: Dato\n          constant: x", "column-and-constant",
     "observed_at"),
    ("vand", "%d-%m-%Y %H:%M", "dd-mm-yyyy", "wrong-format", "dd-mm"),
    ("vand", "%d-%m-%Y %H:%M", "%d-%m-%Q", "wrong-format", "%Q"),
    ("vand", '"%d-%m-%Y %H:%M"', "any", "guessed-format", "format: any"),
    ("vand", "format: csv", "format: cvs", "unknown-value", "format: cvs"),
    ("vand", 'groupChar: "."', 'groupChar: ","', "same-characters", "groupChar:"),
    ("vand", 'decimalChar: ","', 'trueValues: [","]', "property-of-other-type", "trueValues:"),
    ("vand", "        level:\n", "        lvel:\n", "unmapped-field", "lvel:"),
    ("vand", "forbidden-value", "forbiden-value", "unknown-value", "forbiden"),
    ("vand", "fieldName: level", "fieldName: lvl", "unknown-check-field", "fieldName:"),
    ("vand", "          values: [99]\n", "", "missing-key", "- type: forb"),
    ("vand", "minRows: 1", "minRow: 1", "unknown-key", "minRow:"),
    ("vand", "path: stations.csv", "path: ../stations.csv", "unsafe-file-name", "path: ../st"),
    ("vand", "path: stations.csv", "path: /tmp/stations.csv", "unsafe-file-name", "path: /tmp"),
    ("vand", "path: stations.csv", "path: datapackage.json", "unsafe-file-name", "path: datap"),
    ("vand", "path: stations.csv", "path: stations.json", "path-not-csv", "path: stations.j"),
    ("vand", "path: stations.csv", "path: Observations.csv", "doubled-path", "path: observ"),
    ("vand", "../schemas/level.yaml", "../schemas/lvel.yaml", "schema-missing", "lvel.yaml"),
    ("vand", "../schemas/level.yaml", "../../other/level.yaml", "schema-outside", "other/level"),
    ("vand", "../schemas/level.yaml", "/schemas/level.yaml", "schema-outside", " /schemas/l"),
    ("vand", "name: vand\n", "name: Vand\n", "wrong-name", "name: Vand"),
    ("vand", "name: vand\n", "name: _vand\n", "wrong-name", "name: _vand"),
    ("vand", "name: vand\n", "name: havn\n", "file-name-differs", "name: havn"),
    ("vand", "title: Vandstand\n", "", "missing-key", "name: vand"),
    ("vand", "version: 1.2.0", "version: 1.2", "wants-text", "version:"),
    ("vand", "description: Made up.\nkey", "key", "no-description", "name: vand"),
    ("vand", "- name: CC-BY-4.0\n    path", "- path", None, ""),
    ("vand", "- name: CC-BY-4.0\n    path: https://creativecommons.org/licenses/by/4.0/\n    title",
     "- title", "nameless-license", "- title: Kred"),
    ("vand", "CC-BY-4.0\n    path: https://creativecommons.org/licenses/by/4.0/", "CC-BY-40",
     "unknown-license", "CC-BY-40"),
    ("vand", "themes: [ENVI]", "themes: [ENVY]", "unknown-value", "themes:"),
    ("vand", "themes: [ENVI]", "themes: ENVI", "not-a-list", "themes:"),
    ("vand", "UPDATE_CONT", "CONTINOUOUS", "unknown-value", "updateFreq"),
    ("vand", "  en:\n", "  enn:\n", "language-not-known", "enn:"),
    ("vand", "drift@example.org", "drift at example", "wrong-email", "drift at"),
    ("vand", '"2026-11-23T12:00:00Z"', '"2026-11-23"', "wrong-created", "created:"),
    ("vand", '"2026-11-23T12:00:00Z"', "2026-11-23", ["wrong-created", "date-not-text"],
     "created:"),
    ("vand", "access: public\n  ", "", "draft-with-targets", "targets:"),
    ("targets", "    esbjerg:", "    aarhus:",
     ["unknown-organization", "target-without-organization"], "aarhus:"),
    ("targets", "url: https://", "url: ", "wrong-url", "url:"),
    ("targets", "type: ckan", "type: ckann", "unknown-value", "type:"),
    ("targets", "by:", "folder:", ["folder-reserved", "no-such-target"], "folder:"),
    ("organizations", '"0561"', "0561", "wants-text", "municipality:"),
    ("organizations", '"0561"', '"561"', "wrong-municipality", "municipality:"),
    ("level", "version: 1.0.0", "version: v1", "wrong-version", "version:"),
    ("level", "- name: quality", "- name: Level", "doubled-field", "- name: Level"),
    ("level", "- name: quality", "- name: limit", "field-named-like-parameter", "- name: limit"),
    ("level", "- name: quality", "- name: _row", "wrong-field-name", "- name: _row"),
    ("level", "- name: quality", "- name: PM2__5", "wrong-field-name", "- name: PM2"),
    ("level", "role: quality", "role: time", ["doubled-role", "role-of-other-type"],
     "role: time\n    personal"),
    ("level", "type: integer\n    role: quality", "type: datetime\n    role: time",
     ["doubled-role", "unreadable-constraint", "unreadable-constraint", "unreadable-constraint"],
     "role: time\n    personal"),
    ("level", "unit: m\n    decimal: 10,3", 'unit: m\n    decimal: "3,10"', "wrong-decimal",
     "decimal:"),
    ("level", "    maxLength: 10", "    maximum: 10", "constraint-of-other-type", "maximum: 10"),
    ("level", "[0-9.]+", "[0-9.+", "wrong-pattern", "pattern:"),
    ("level", "minimum: -5", "minimum: low", "unreadable-constraint", "minimum: low"),
    ("level", "minimum: -5", "minimum: 50", "bounds-crossed", "maximum:"),
    ("level", "00:00:00Z", "00:00:00", "bound-without-offset", 'minimum: "'),
    ("level", "minimum: -5", "exclusiveMinimum: -5", "exclusive-bound", "../schemas/level.yaml"),
    ("level", "example: 1.5", "example: much", "wrong-example", "example:"),
    ("level", "[station, observed_at]", "[station, observed_on]", "unknown-key-field",
     "primaryKey"),
    ("level", "[station, observed_at]", "[station, station]", "doubled-key-field", "primaryKey"),
    ("level", "primaryKey: [station, observed_at]\n", "", "merge-without-key", "mode: merge"),
    ("vand", "mode: merge", "mode: append", "append-with-key", "mode: append"),
    ("level", '["nej"]', '["ja"]', "true-and-false", "falseValues:"),
    ("level", "role: entity", "role: entity\n    personal: true", "personal-key", "level.yaml"),
    ("level", "resource: stations", "resource: station", "unknown-foreign-table", "level.yaml"),
    ("level", "resource: stations", "resource: parkering/stations", None, ""),
    ("level", "resource: stations", "resource: havn/stations", "unknown-foreign-table",
     "level.yaml"),
    ("level", "      fields: [station]", "      fields: [statio]", "unknown-foreign-field",
     "level.yaml"),
    ("level", "- fields: [station]", "- fields: [quality]", "foreign-key-types", "level.yaml"),
    ("level", "- fields: [station]", "- fields: [station, level]", "uneven-foreign-key",
     "reference:"),
    ("level", "    unit: m\n", "", "unit-without-unit", "unit: cm"),
    ("level", "type: boolean\n", "type: boolean\n    unit: m\n", "unit-of-other-type",
     "unit: m\n    true"),
    ("level", "type: boolean\n", "type: boolean\n    format: x\n", "unknown-format", "format: x"),
    ("level", "type: boolean\n", "type: boolean\n    decimal: 9,1\n", "decimal-of-other-type",
     "decimal: 9"),
    ("station", "{name: latitude, type: number, role: latitude}", "{name: latitude, type: number}",
     "half-position", "role: longitude"),
    ("station", "{name: latitude, type: number, role", "{name: latitude, type: string, role",
     "role-of-other-type", "name: latitude"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "rule", "told"), RULES)
def test_a_broken_rule_is_told_in_its_line(tmp_path, file, old, new, rule, told):
    texts = {name.split("/")[1].removesuffix(".yaml"): text for name, text in FILES.items()}
    assert old in texts[file]
    texts[file] = texts[file].replace(old, new, 1)
    found = loaded(write(tmp_path, **texts))
    problems = [
        p for p in found.problems if p.code not in {"shrink-without-replace", "schema-wrong"}
    ]
    wanted = rule if isinstance(rule, list) else [rule] if rule else []
    assert [p.code for p in problems] == wanted, [p.text() for p in problems]
    if wanted:
        name = problems[0].file.split("/")[1].removesuffix(".yaml")
        assert problems[0].line == line_of(texts[name], told), problems[0].text()


def test_tables_of_one_name_are_told(tmp_path):
    table = "  - {name: stations, path: two.csv, schema: ../schemas/station.yaml}\n"
    found = loaded(write(tmp_path, parkering=OTHER + table))
    assert (only(found).code, only(found).line) == ("doubled-table", 6)
    assert list(found.catalog.datasets) == ["vand"]


def test_a_public_dataset_must_have_something_to_show(tmp_path):
    personal = LEVEL.replace("    type: ", "    personal: true\n    type: ").replace(
        "    personal: false\n", ""
    )
    found = loaded(write(tmp_path, level=personal))
    codes = {problem.code for problem in found.errors}
    assert codes == {"only-personal-fields", "personal-key"}

    draft = DATASET.replace("  access: public\n", "")
    assert loaded(write(tmp_path, level=personal, vand=draft)).errors == ()


def test_what_only_the_validator_knows_is_told_in_its_line(tmp_path):
    start, end = DATASET.index("      checks:"), DATASET.index("publish:\n")
    wrong = (DATASET[:start] + DATASET[end:]).replace("unit: cm", "unit: parsec_of_water")
    checked = check(write(tmp_path, vand=wrong), SECRETS, "en")
    problem = next(problem for problem in checked.problems if problem.severity == "error")
    assert (problem.rule, problem.file) == ("unknown-unit", "catalog/vand.yaml")
    assert problem.line == line_of(wrong, "        level:\n")


def test_profiles_that_frictionless_would_refuse_are_told(tmp_path):
    wrong = DATASET.replace("image: logo.png", "profile: tabular-data-package")
    assert {problem.code for problem in loaded(write(tmp_path, vand=wrong)).errors} == {
        "not-tabular"
    }
    wrong = DATASET.replace("image: logo.png", "profile: https://example.org/profile.json")
    assert only(loaded(write(tmp_path, vand=wrong))).code == "unknown-value"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("*/15 * * * *", None),
        ("0 6 * * mon-fri", None),
        ("0 6 * * fri-mon", None),
        ("30 6,18 1-7 jan,JUL 0", None),
        ("0 0 29 2 *", None),
        ("* * * *", "* * * *"),
        ("60 * * * *", "60"),
        ("0 24 * * *", "24"),
        ("0 0 0 * *", "0"),
        ("0 0 30 2 *", "30 2"),
        ("0 0 * 13 *", "13"),
        ("0 0 * * 8", "8"),
        ("0 0 * * man", "man"),
        ("*/0 * * * *", "*/0"),
        ("5-1 * * * *", "5-1"),
        ("@daily", "@daily"),
        ("", ""),
    ],
)
def test_a_crontab_line_is_right_or_its_wrong_part_is_told(line, fault):
    assert cron_fault(line) == fault


def column(low: int, high: int, *names: str) -> st.SearchStrategy[str]:
    one = st.integers(low - 1, high + 1).map(str) | st.sampled_from(["*", *names])
    part = st.tuples(one, one, st.sampled_from(["", "-", "-"]), st.sampled_from(["", "/2", "/0"]))
    written = part.map(lambda p: p[0] + (p[2] + p[1] if p[2] else "") + p[3])
    return st.lists(written, min_size=1, max_size=2).map(",".join)


@given(
    st.tuples(
        column(0, 59), column(0, 23), column(1, 31), column(1, 12, "feb"), column(0, 7, "sun")
    )
)
def test_what_passes_as_a_crontab_line_runs(columns):
    line = " ".join(columns)
    if cron_fault(line) is None:
        trigger = cron_trigger(line, UTC)
        assert trigger.get_next_fire_time(None, datetime(2026, 1, 1, tzinfo=UTC)) is not None


@pytest.mark.parametrize("code", sorted(CATALOG))
def test_both_languages_say_the_same_and_what_to_do(code):
    text = CATALOG[code]

    def names(*parts: str) -> set[str | None]:
        return {name for part in parts for _, name, _, _ in Formatter().parse(part) if name}

    assert names(text.en) == names(text.da)
    assert names(text.remedy_en) == names(text.remedy_da)
    assert text.remedy_en
    assert text.remedy_da
    assert text.en != text.da
