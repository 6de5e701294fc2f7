"""catalog/ and schemas/: what is right is loaded, and what is wrong costs only itself."""

import re
from pathlib import Path

import pytest
from catalogs import (
    DATASET,
    EXPECTED,
    FILES,
    LEVEL,
    ORGANIZATIONS,
    OTHER,
    SECRETS,
    STATION,
    TARGETS,
    line_of,
    loaded,
    only,
    write,
)
from frictionless import Package, system
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import PROJECT

from publisher.errors import NotFoundError
from publisher.model.values import TableRef
from publisher.registry import load
from publisher.secrets import Secrets


def package(file: Path) -> Package:
    with system.use_context(trusted=True):
        return Package(str(file))


def test_a_catalog_is_loaded_whole(tmp_path):
    found = loaded(write(tmp_path))

    assert {problem.code for problem in found.problems} == EXPECTED
    catalog = found.catalog
    assert set(catalog.datasets) == {"vand", "parkering"}
    assert set(catalog.targets) == {"folder", "by"}
    entry = catalog.entry(TableRef("vand", "observations"))
    assert entry.schema is catalog.schemas["level"]
    assert entry.mode == "merge"
    assert catalog.dataset("vand").created == "2026-11-23T12:00:00Z"


def test_the_shipped_example_has_no_problem_and_frictionless_loads_it():
    found = load(PROJECT, Secrets({}))

    assert found.problems == ()
    assert len(found.catalog.entries) == 5
    assert all(dataset.public for dataset in found.catalog.datasets.values())
    for name in found.catalog.datasets:
        names = [resource.name for resource in package(PROJECT / f"catalog/{name}.yaml").resources]
        assert names == [entry.ref.table for entry in found.catalog.tables(name)]


def test_json_descriptors_are_read_too(tmp_path):
    root = write(tmp_path)
    (root / "catalog/parkering.yaml").unlink()
    (root / "catalog/havn.json").write_text(
        '{\n\t"name": "havn",\n\t"title": "Havn \\ud83d\\udea2",\n\t"publisher": "esbjerg",\n'
        '\t"resources": [{"name": "a", "path": "a.csv", "schema": "../schemas/station.yaml"}],\n'
        '\t"keyword": ["havn"]\n}'
    )
    problem = only(loaded(root))
    assert (problem.file, problem.line, problem.code) == ("catalog/havn.json", 6, "unknown-key")


def keys_of(text: str) -> list[tuple[int, int, str]]:
    """List every key of a file as written here: line, column and key."""
    found = []
    for number, line in enumerate(text.splitlines()):
        parts = line.replace("{", " ").replace("- ", "  ").split(": ")
        position = 0
        for part in parts[:-1] if not line.rstrip().endswith(":") else [line.rstrip()[:-1]]:
            key = part.split()[-1].rstrip(":").lstrip(",")
            column = line.index(key, position)
            position = column + len(key)
            if key.isidentifier():
                found.append((number, column, key))
    return found


# Names that a steward chooses, and headers that a source chooses: nothing says what is right
CHOSEN = {"Authorization"}
PLACES = [
    (file, *place)
    for file in ("vand", "level", "station", "organizations", "targets")
    for place in keys_of(FILES.get(f"catalog/{file}.yaml") or FILES[f"schemas/{file}.yaml"])
    if place[2] not in CHOSEN
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=len(PLACES))
@given(st.sampled_from(PLACES), st.sampled_from("abxz"), st.data())
def test_a_typo_in_any_key_is_found_in_its_line(tmp_path, place, letter, data):
    file, line, column, key = place
    at = data.draw(st.integers(0, len(key)))
    typo = key[:at] + letter + key[at:]
    lines = (FILES.get(f"catalog/{file}.yaml") or FILES[f"schemas/{file}.yaml"]).splitlines()
    lines[line] = lines[line][:column] + typo + lines[line][column + len(key) :]
    found = loaded(write(tmp_path, **{file: "\n".join(lines) + "\n"}))

    if file in {"organizations", "targets"} and line == 0:
        # A name of an entry is no key: those who refer to it are told
        assert {p.code for p in found.errors} <= {"unknown-publisher", "no-such-target"}
        assert found.errors
        return
    stem = f"{file}.yaml"
    there = [p for p in found.problems if p.file.endswith(stem) and p.line == line + 1]
    assert any(typo in (p.message() + p.remedy()) for p in there), [p.text() for p in found.errors]
    assert "parkering" in found.catalog.datasets or file in {"station", "organizations"}
    # One typo is one problem: what it hides is not taken for missing
    follows = {*EXPECTED, "schema-wrong", "target-without-organization"}
    others = [p.text() for p in found.problems if p not in there and p.code not in follows]
    assert others == []


JUNK = st.sampled_from(
    ["", "'", '"', ":", " - ", "[", "{", "}", "\n", "\t", "&a ", "*a", "!!set ", "null", "12", "x",
     "true", "no", "1e999", "2026-11-23", "P1D", "-1", "0", "åæø", "\x00", "\udcff", "<<: ", "[]",
     "''", "[a]", "{a: b}", "[1]", "2026-11-23T10:00:00Z", "~", "0x1F", "1_000", "12:30", "🌊"],
)  # fmt: skip


def damaged(text: str) -> st.SearchStrategy[str]:
    """Draw *text* with a value replaced, or with a part cut out and something put in."""
    values = [match.span(1) for match in re.finditer(r": ([^\n{\[]+)", text)]
    anywhere = st.tuples(st.integers(0, len(text)), st.integers(0, 60)).map(
        lambda part: (part[0], part[0] + part[1])
    )
    return st.tuples(st.sampled_from(values) | anywhere, JUNK).map(
        lambda drawn: text[: drawn[0][0]] + drawn[1] + text[drawn[0][1] :]
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_file_makes_loading_fail_and_what_passes_frictionless_loads(tmp_path, data):
    file, text = data.draw(
        st.sampled_from([("vand", DATASET), ("level", LEVEL), ("targets", TARGETS)])
    )
    content = data.draw(damaged(text)).encode("utf-8", "surrogateescape")
    root = write(tmp_path, **{file: content})
    found = loaded(root)

    assert "parkering" in found.catalog.datasets
    for name in found.catalog.datasets:
        file = next(root.glob(f"catalog/{name}.yaml"), root / "catalog/vand.yaml")
        assert package(file).resources


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_can_lie_in_every_file(tmp_path, content):
    names = ("vand", "targets", "level")
    root = write(tmp_path, **dict.fromkeys(names, content))
    (root / "catalog/partners.yaml").write_bytes(content)
    (root / "catalog/more.json").write_bytes(content)
    found = loaded(root)
    assert "parkering" in found.catalog.datasets
    assert "folder" in found.catalog.targets


@pytest.mark.parametrize(
    ("content", "rule", "line"),
    [
        ("name: vand\n\ttitle: x", "yaml-character", 2),
        ("name: vand\ntitle: Vand: stand", "yaml-colon", 2),
        ("name: vand\ntitle: 'Vand\n", "yaml-quote", 2),
        ("name: vand\nkeywords: [a, b\ntitle: x", "yaml-bracket", 2),
        ("name: vand\nname: vand2\n" + DATASET[11:], "doubled-key", 2),
        ("name: vand\n---\nname: x", "several-documents", 2),
        ("name: &a [*b]", "unknown-alias", 1),
        ("name: !!python/object/apply:os.system [ls]", "yaml-tag", 1),
        ("name: vand\ntitle: R\udcf8dovre", "not-utf-8", 2),
        ("name: vand\ntitle: a\x01b", "control-character", 2),
        ("name: vand\nno: true\n" + DATASET[11:], "key-not-text", 2),
        ("name: vand\nversion: .inf\n", "number-out-of-range", 2),
        ("- " * 100_000, "too-deep", 1),
        ("[" * 100_000, "too-deep", 1),
        ("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
         + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
         "too-many-values", 1),
        ("# " + "x" * 1_000_000, "file-too-large", 1),
        ("just a text", "not-a-mapping", 1),
        ("", "not-a-mapping", 1),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told_and_costs_itself(tmp_path, content, rule, line):
    found = loaded(write(tmp_path, vand=content.encode("utf-8", "surrogateescape")))
    first = found.errors[0]
    assert (first.file, first.code, first.line) == ("catalog/vand.yaml", rule, line)
    assert first.remedy("da")
    assert list(found.catalog.datasets) == ["parkering"]


def test_files_that_are_unreadable_or_strange_are_told(tmp_path):
    root = write(tmp_path)
    (root / "catalog/vand.yaml").unlink()
    (root / "catalog/vand.yaml").mkdir()
    (root / "catalog/havn.yaml.bak").write_text("x")
    (root / "catalog/README.md").write_text("x")
    (root / "catalog/.hidden.yaml").write_text("x: [")
    (root / "catalog/loop.yaml").symlink_to("loop.yaml")
    found = loaded(root)
    assert {(p.file, p.code) for p in found.problems} == {
        ("catalog/havn.yaml.bak", "ignored-file"),
        ("catalog/loop.yaml", "unreadable-file"),
    }


def test_a_folder_without_catalog_is_told(tmp_path):
    assert [problem.code for problem in loaded(tmp_path).problems] == ["no-catalog"]


def test_two_datasets_of_one_name_name_both_files(tmp_path):
    root = write(tmp_path)
    (root / "catalog/kopi.yaml").write_text(OTHER)
    found = loaded(root)
    told = {(p.file, p.code, p.params.get("others")) for p in found.problems}
    assert ("catalog/kopi.yaml", "doubled-dataset", "catalog/parkering.yaml") in told
    assert ("catalog/parkering.yaml", "dataset-elsewhere", "catalog/kopi.yaml") in told
    assert "parkering" in found.catalog.datasets  # the file that bears the name

    (root / "catalog/parkering.yaml").rename(root / "catalog/havn.yaml")
    found = loaded(root)
    assert [p.file for p in found.errors] == ["catalog/havn.yaml", "catalog/kopi.yaml"]
    assert "parkering" not in found.catalog.datasets  # nothing says which is meant


def test_a_wrong_schema_costs_the_datasets_that_use_it(tmp_path):
    found = loaded(write(tmp_path, level=LEVEL.replace("type: number", "type: nummer")))
    assert [(p.file, p.code) for p in found.errors] == [
        ("catalog/vand.yaml", "schema-wrong"),
        ("schemas/level.yaml", "unknown-value"),
    ]
    assert found.errors[1].params["nearest"] == "number"
    assert list(found.catalog.datasets) == ["parkering"]
    assert "level" not in found.catalog.schemas


def test_an_unknown_or_wrong_target_costs_only_publishing_there(tmp_path):
    found = loaded(write(tmp_path, vand=DATASET.replace("[folder, by]", "[folder, byen]")))
    problem = only(found)
    assert (problem.code, problem.params["nearest"]) == ("no-such-target", "by")
    assert found.catalog.dataset("vand").publish.targets == ("folder",)

    found = loaded(write(tmp_path, targets=TARGETS.replace("url: ", "uri: ")))
    assert {p.file for p in found.errors} == {"catalog/targets.yaml"}  # told there only
    assert found.catalog.dataset("vand").publish.targets == ("folder",)


def test_a_wrong_organisation_is_known_by_name_until_it_is_mended(tmp_path):
    for wrong in (ORGANIZATIONS.replace("title", "titel"), "esbjerg: [", "- esbjerg"):
        found = loaded(write(tmp_path, organizations=wrong))
        assert {p.file for p in found.errors} == {"catalog/organizations.yaml"}
        assert found.catalog.organizations["esbjerg"].title == "esbjerg"
        assert set(found.catalog.datasets) == {"vand", "parkering"}

    found = loaded(write(tmp_path, vand=DATASET.replace("publisher: esbjerg", "publisher: esbjrg")))
    assert (only(found).code, only(found).params["nearest"]) == ("unknown-publisher", "esbjerg")
    assert list(found.catalog.datasets) == ["parkering"]


PARTNERS = """\
norddjurs: {title: Norddjurs Kommune, type: publisher, url: "https://data.example.org"}
aarhus:
  title: Aarhus Kommune
  type: ckan
  url: https://portal.example.org
  token: "${BY_TOKEN}"
  tables:
    river/levels:
      resource: b3eeb0ff-c8a8-4824-99d6-e0a3747c8b0d
      schema: ../schemas/level.yaml
      timezone: Europe/Copenhagen
      fields: {level: {column: VALUE, unit: cm}}
"""


def test_partners_are_read_and_their_tables_bound_to_our_schemas(tmp_path):
    root = write(tmp_path)
    (root / "catalog/partners.yaml").write_text(PARTNERS)
    found = loaded(root)
    assert {problem.code for problem in found.problems} == EXPECTED
    partners = found.catalog.partners
    assert {name: it.spec.type for name, it in partners.items()} == {
        "norddjurs": "publisher",
        "aarhus": "ckan",
    }
    [(ref, table)] = partners["aarhus"].tables.items()
    assert str(ref) == "river/levels"
    assert table.schema is found.catalog.schemas["level"]
    assert table.spec.fields["level"].unit == "cm"


@pytest.mark.parametrize(
    ("written", "instead", "code"),
    [
        ("type: publisher", "type: publishr", "unknown-value"),
        ("https://data.example.org", "data.example.org", "wrong-url"),
        ("norddjurs:", "local:", "partner-reserved"),
        ("title: Norddjurs Kommune, ", "", "missing-key"),
        ("river/levels:", "Levels:", "wrong-table-name"),
        ("level.yaml", "levl.yaml", "schema-missing"),
        ("fields: {level:", "fields: {levle:", "unmapped-field"),
        ("unit: cm", "unt: cm", "unknown-key"),
        ("resource: b3ee", "resources: b3ee", "unknown-key"),
        ("Europe/Copenhagen", "Europe/Kopenhagen", "wrong-zone"),
    ],
)
def test_what_is_wrong_with_a_partner_costs_that_partner_only(tmp_path, written, instead, code):
    root = write(tmp_path)
    text = PARTNERS.replace(written, instead)
    assert text != PARTNERS
    (root / "catalog/partners.yaml").write_text(text)
    found = loaded(root)
    codes = [it.code for it in found.errors if it.file == "catalog/partners.yaml"]
    assert code in codes
    assert len(found.catalog.partners) == 1
    assert set(found.catalog.datasets) == {"vand", "parkering"}


def test_versions_of_a_schema_live_side_by_side(tmp_path):
    root = write(tmp_path)
    (root / "schemas/station-2.yaml").write_text(STATION.replace("1.0.0", "1.10.0"))
    (root / "schemas/station-3.yaml").write_text(STATION.replace("1.0.0", "1.9.0"))
    catalog = loaded(root).catalog
    assert catalog.schema("station").version == "1.10.0"
    assert catalog.schema("station@1.9.0").version == "1.9.0"
    assert catalog.schema("station@1.10.0").version == "1.10.0"
    with pytest.raises(NotFoundError):
        catalog.schema("station@2.0.0")
    assert sorted(schema.version for schema in catalog.schemas.values()) == [
        "1.0.0", "1.0.0", "1.10.0", "1.9.0",
    ]  # fmt: skip

    (root / "schemas/copy.yaml").write_text(STATION)
    assert only(loaded(root)).code == "doubled-schema"


def test_secrets_are_named_and_never_shown(tmp_path):
    root = write(
        tmp_path,
        targets=TARGETS.replace("${BY_TOKEN}", "eyJhbGciOi.secret"),
        vand=DATASET.replace("Bearer ${VAND_TOKEN}", "Bearer hunter2hunter2").replace(
            "https://example.org/$", "https://bob:pass1234@example.org/$"
        ),
    )
    found = loaded(root)
    told = [p for p in found.problems if p.code == "secret-in-file"]
    assert [(p.file, p.severity) for p in told] == [
        ("catalog/targets.yaml", "warning"),
        ("catalog/vand.yaml", "warning"),
        ("catalog/vand.yaml", "warning"),
    ]
    text = "".join(p.text() + str(p.descriptor()) for p in found.problems)
    assert not any(secret in text for secret in ("eyJhb", "hunter2", "pass1234"))

    unset = [p for p in load(root, Secrets({})).problems if p.code == "variable-not-set"]
    assert [p.params["name"] for p in unset] == ["AREA"]


def test_findings_are_sorted_and_each_has_a_remedy(tmp_path):
    wrong = DATASET.replace("interval: PT5M", "interval: 5m").replace("type: http", "type: htp")
    found = load(write(tmp_path, vand=wrong), SECRETS)
    lines = [p.line for p in found.errors]
    assert lines == [line_of(wrong, "interval: 5m"), line_of(wrong, "type: htp")]
    assert all(p.remedy("en") and p.remedy("da") for p in found.errors)
    assert found.errors[0].text("da").splitlines()[0] == (
        f"catalog/vand.yaml:{lines[0]}:5: fejl [wrong-duration] "
        'resources[1].interval er "5m", som ikke er et tidsrum'
    )
