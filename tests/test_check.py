"""Every rule of `publisher check` beyond reading: what breaks it, and the line that is told."""

from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

import pytest
from catalogs import (
    DATASET,
    EXPECTED,
    FILES,
    LEVEL,
    ORGANIZATIONS,
    OTHER,
    SECRETS,
    TARGETS,
    line_of,
    loaded,
    only,
    write,
)
from hypothesis import given
from hypothesis import strategies as st

from publisher.harvest.cron import cron_trigger
from publisher.messages.catalog import CATALOG
from publisher.model.values import TableRef
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
    ("vand", "format: csv", "profile: danisk", "unknown-value", "profile: danisk"),
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
    ("vand", "description: Made up.\nkey", "key", ["no-description", "portal-no-description"],
     "name: vand"),
    ("vand", "- name: CC-BY-4.0\n    path", "- path", None, ""),
    ("vand", "- name: CC-BY-4.0\n    path: https://creativecommons.org/licenses/by/4.0/\n    title",
     "- title", "nameless-license", "- title: Kred"),
    ("vand", "CC-BY-4.0\n    path: https://creativecommons.org/licenses/by/4.0/", "CC-BY-40",
     "unknown-license", "CC-BY-40"),
    ("vand", "themes: [ENVI]", "themes: [ENVY]", "unknown-value", "themes:"),
    ("vand", "themes: [ENVI]", "themes: ENVI", "not-a-list", "themes:"),
    ("vand", "access: public", "acces: public", "unknown-key", "acces:"),
    ("vand", "licenses:\n", "licences:\n", "unknown-key", "licences:"),
    ("vand", "title: Vandstand\n", "titel: Vandstand\n", "unknown-key", "titel:"),
    ("vand", "publisher: esbjerg", "publisher: Esbjerg", "wrong-name", "publisher:"),
    ("vand", "- name: observations", "- nam: observations", "unknown-key", "- nam:"),
    ("vand", "- name: stations", "- name: Stations", "wrong-name", "- name: Stations"),
    ("vand", "mode: merge", "mod: replace", "unknown-key", "mod:"),
    ("vand", "fieldName: level", "fildName: level", "unknown-key", "fildName:"),
    ("vand", "        type: http\n", "        tpye: http\n", "unknown-key", "tpye:"),
    ("level", "version: 1.0.0", "version: 1.0", "wrong-version", "version:"),
    ("level", "fields:\n  - name: station", "felder:\n  - name: station", "unknown-key", "felder:"),
    ("level", "- name: observed_at", "- name: PM2__5", "wrong-field-name", "- name: PM2"),
    ("level", "type: number", "type: text", "unknown-value", "type: text"),
    ("level", "type: integer", "type: [integer]", "unknown-value", "type: [int"),
    ("level", "    unit: m\n", "    unti: m\n", "unknown-key", "unti:"),
    ("level", "primaryKey: [", "primaryKy: [", "unknown-key", "primaryKy:"),
    ("station", "role: longitude", "rol: longitude", "unknown-key", "rol:"),
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
    ("organizations", "  email: data@example.org\n", "", "portal-no-email",
     "publisher: esb"),
    ("targets", "  url:", '  fields: {package: {notes: "{titel}"}}\n  url:', "unknown-fact",
     "fields:"),
    ("targets", "  url:", "  fields: {package: {data_directory: null}}\n  url:", None, ""),
    ("targets", "  url:", "  fields: {resource: {format: PARQUET}}\n  url:", "portal-format",
     "fields:"),
    ("targets", "  url:", '  fields: {package: {tags: "{keywords}"}}\n  url:', "field-not-free",
     "fields:"),
    ("targets", "  url:", "  keep: [tags, owner_org]\n  url:", "wrong-keep", "keep:"),
    ("targets", "  url:", "  groups: {ENVY: miljo}\n  url:", "unknown-value", "groups:"),
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
    ("level", '"2000-01-01T00:00:00Z"', "{from: 2000}", "unreadable-constraint", "minimum: {"),
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
    ("station", "type: string,", "type: string, personal: true,",
     ["personal-key", "personal-foreign-key"], "station.yaml"),
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


def test_what_a_portal_asks_for_costs_the_dataset_that_target_alone(tmp_path):
    listed = ORGANIZATIONS.replace("  email: data@example.org\n", "")
    found = loaded(write(tmp_path, organizations=listed))
    assert [problem.code for problem in found.errors] == ["portal-no-email"]
    assert found.catalog.datasets["vand"].publish.targets == ("folder", "by")


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
    wrong = without_checks(DATASET).replace("unit: cm", "unit: parsec_of_water")
    checked = check(write(tmp_path, vand=wrong), SECRETS, "en")
    problem = next(problem for problem in checked.problems if problem.severity == "error")
    assert (problem.rule, problem.file) == ("unknown-unit", "catalog/vand.yaml")
    assert problem.line == line_of(wrong, "        level:\n")


def without_checks(text: str) -> str:
    return text[: text.index("      checks:")] + text[text.index("publish:\n") :]


def told(root: Path) -> list[tuple[str, int, str]]:
    problems = check(root, SECRETS, "en").problems
    return [(p.file, p.line, p.rule) for p in problems if p.rule not in EXPECTED]


def replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    return text


def test_everything_that_is_wrong_with_a_dataset_is_told_at_once(tmp_path):
    wrong = {
        "keywords: [vand, sensor]": "keywords: [vand, 7]",
        "name: CC-BY-4.0\n    path: https://creativecommons.org/licenses/by/4.0/": "name: CC",
        "image: logo.png": "image:",
        "- name: stations": "- 5\n  - name: stations",
        "path: stations.csv": "path: ../stations.csv",
        "maxBytes: 1000000": "maxByte: 1000000",
        '"Bearer ${VAND_TOKEN}"': '"Bearer ${VAND}"',
        "every: PT15M": 'cron: "61 * * * *"',
        "windows-1252": "windows-1262",
        'constant: "38.05"': "constant: 3",
        'column: Dato\n          format: "%d-%m-%Y %H:%M"': 'constant: "x"',
        "column: Vandstand": 'constant: "y"',
        "unit: cm": "unit: banana",
        "bareNumber: true": 'bareNumber: "true"',
        "maxBad: 5%": "maxBad: many",
        "[folder, by]": "[folder, opendata]",
    }
    rules = [
        "wants-text", "unknown-license", "no-value", "not-a-mapping", "unsafe-file-name",
        "variable-not-set", "unknown-key", "wrong-cron", "unknown-encoding", "constant-not-text",
        "wrong-constant", "unknown-unit", "not-true-or-false", "wrong-share", "no-such-target",
    ]  # fmt: skip
    text = replaced(without_checks(DATASET), wrong)
    found = told(write(tmp_path, vand=text))
    assert [rule for _, _, rule in found] == rules
    lines = [line for _, line, _ in found]
    assert lines[3] == line_of(text, "- 5\n")
    assert lines[4] == line_of(text, "path: ../stations")
    assert lines[-1] == line_of(text, "targets: [folder")
    assert list(loaded(tmp_path).catalog.datasets) == ["parkering"]


def test_everything_that_is_wrong_with_a_schema_and_its_view_is_told_at_once(tmp_path):
    level = {
        "version: 1.0.0": "version: one",
        "title: Station\n    role: entity": "titel: Station\n    role: who",
        "[0-9.]+": "[0-9.",
        "type: number": "type: nummer",
        "    unit: m\n": "    unit: banana\n",
        "enum: [0, 1, 2]": "enum: [0, one]\n      minLength: no",
        "[station, observed_at]": "[staton, staton]",
    }
    rules = [
        ("catalog/vand.yaml", "schema-wrong"),
        ("catalog/vand.yaml", "unmapped-field"),
        ("schemas/level.yaml", "wrong-version"),
        ("schemas/level.yaml", "unknown-key"),
        ("schemas/level.yaml", "unknown-value"),
        ("schemas/level.yaml", "wrong-pattern"),
        ("schemas/level.yaml", "unknown-value"),
        ("schemas/level.yaml", "unknown-unit"),
        ("schemas/level.yaml", "unreadable-constraint"),
        ("schemas/level.yaml", "not-whole-number"),
        ("schemas/level.yaml", "unknown-key-field"),
        ("schemas/level.yaml", "doubled-key-field"),
    ]
    view = replaced(without_checks(DATASET), {"        observed_at:": "        obs:"})
    found = told(write(tmp_path, level=replaced(LEVEL, level), vand=view))
    assert [(file, rule) for file, _, rule in found] == rules
    assert "level" not in loaded(tmp_path).catalog.schemas


def test_a_wrong_target_is_judged_in_what_is_right_of_it(tmp_path):
    wrong = {"profile: opendata-dk": "profile: opendk", "https://": "ftp://", "token:": "tokn:"}
    root = write(tmp_path, targets=replaced(TARGETS, wrong), vand=without_checks(DATASET))
    assert [rule for _, _, rule in told(root)] == ["unknown-value", "wrong-url", "unknown-key"]
    assert set(loaded(root).catalog.targets) == {"folder"}


def test_a_table_is_never_read_by_the_schema_of_another_file_of_its_name(tmp_path):
    root = write(tmp_path)
    (root / "catalog/zz.yaml").write_text(
        OTHER.replace("station.yaml", "level.yaml").replace("title: P", "titel: P")
    )
    found = loaded(root)
    assert found.catalog.entry(TableRef("parkering", "stations")).schema.name == "station"
    assert [(p.file, p.code) for p in found.errors] == [
        ("catalog/zz.yaml", "doubled-dataset"),
        ("catalog/zz.yaml", "unknown-key"),
    ]
    (root / "catalog/parkering.yaml").rename(root / "catalog/p.yaml")
    assert "parkering" in loaded(root).catalog.datasets  # the wrong file stops no other


def test_the_unit_of_a_schema_is_known_even_where_nothing_is_converted(tmp_path):
    level = LEVEL.replace("unit: m\n", "unit: banana\n")
    view = without_checks(DATASET).replace("          unit: cm\n", "")
    assert told(write(tmp_path, level=level, vand=view)) == [
        ("schemas/level.yaml", line_of(level, "unit: banana"), "unknown-unit")
    ]
    assert check(tmp_path, SECRETS, "en").tables == 3  # it stops nothing


@pytest.mark.parametrize(
    ("file", "old", "new", "advice", "never"),
    [
        ("vand", "themes: [ENVI]", "themes: [ENVIRONMENT]", 'did you mean "ENVI"?', '"AGRI"'),
        ("vand", "UPDATE_CONT", "OFTEN", "allowed are UNKNOWN", "did you mean"),
        ("vand", "image: logo.png", "$schema: foo", "allowed are https:", "did you mean"),
        ("vand", "type: http", "type: kafka", "allowed are file, http", "did you mean"),
        ("vand", "publisher: esbjerg", "publisher: aarhus", "correct the name", "nearest"),
        ("vand", "[folder, by]", "[folder, opendata]", "correct the name", "nearest"),
        ("vand", "schemas/level.yaml", "schemas/traffic.yaml", "schemas/water", "nearest"),
        ("vand", "        level:\n", "        pressure:\n", "it has station, obs", "nearest"),
        ("vand", "fieldName: level", "fieldName: pressure", "has station, obs", "nearest"),
        (
            "vand",
            "minRows: 1",
            "colour: 1",
            "known here are description, maxFields",
            "did you mean",
        ),
        ("targets", "    esbjerg:", "    aarhus:", "or leave it out", "nearest"),
        ("level", "[station, observed_at]", "[station, xyz]", "has station, obs", "nearest"),
        ("level", "resource: stations", "resource: xyz", "add the table", "nearest"),
        ("level", "version: 1.0.0", "version: 1.0", "such as 1.0.0", '"1.0"'),
        ("level", "version: 1.0.0", "version: 2", "such as 2.0.0", '"2"'),
        ("level", "decimal: 10,3", "decimal: 10", 'such as "10,2"', '"10"'),
    ],
)
def test_only_what_is_near_and_right_is_advised(tmp_path, file, old, new, advice, never):
    texts = {name.split("/")[1].removesuffix(".yaml"): text for name, text in FILES.items()}
    text = replaced(texts[file], {old: new})
    problems = [
        p for p in loaded(write(tmp_path, **{file: text})).problems if p.code not in EXPECTED
    ]
    remedies = [p.remedy() for p in problems if p.code != "target-without-organization"]
    assert any(advice in remedy for remedy in remedies), remedies
    assert not any(never in remedy for remedy in remedies), remedies


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
