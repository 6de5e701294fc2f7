"""The command line from outside: exit codes, JSON, both languages, options in any place."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args
from urllib.request import urlopen

import pytest
from commands import TOKEN, Installation, dataset, installation
from support import write_yaml

from publisher.messages.labels import LABELS
from publisher.model.run import Outcome
from publisher.targets.base import PublishOutcome
from publisher.targets.due import State

GOOD = ("38.05;2026-01-01T00:00:00Z;1.5", "38.05;2026-01-01T00:05:00Z;1.6")
BAD = "38.05;2026-01-01T00:10:00Z;99"


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return installation(tmp_path)


def test_harvest_prints_the_contracts_document_and_ends_with_0(here: Installation):
    here.deliver("a.csv", *GOOD, BAD)
    ended = here.run("harvest", "--all", "--json")
    assert (ended.code, ended.err) == (0, "")
    (run,) = ended.json["runs"]
    assert run["dataset"], run["table"] == ("river", "levels")
    assert (run["outcome"], run["version"], run["problem"]) == ("committed", 1, None)
    assert run["rows"] == {
        "read": 3,
        "new": 2,
        "corrected": 0,
        "unchanged": 0,
        "removed": 0,
        "quarantined": 1,
    }
    assert run["seconds"] > 0
    assert here.run("harvest", "river", "--json").json["runs"][0]["outcome"] == "unchanged"


def test_what_can_be_run_is_run_and_the_exit_code_is_the_first_that_applies(here: Installation):
    write_yaml(here.root / "catalog" / "lake.yaml", dataset("lake", "lake/*.csv", maxBad="0%"))
    write_yaml(
        here.root / "catalog" / "sea.yaml",
        dataset("sea", "x") | {"resources": [sea()]},
    )
    (here.root / "lake").mkdir()
    (here.root / "lake" / "a.csv").write_text(f"sted;tid;niveau\n{GOOD[0]}\n{BAD}\n")
    here.deliver("a.csv", *GOOD)

    def outcomes(*words: str) -> tuple[int, dict[str, str]]:
        ended = here.run("harvest", *words, "--json", SEA_TOKEN=TOKEN, PUBLISHER_HTTP_ATTEMPTS="1")
        return ended.code, {run["dataset"]: run["outcome"] for run in ended.json["runs"]}

    assert outcomes("river", "lake") == (3, {"river": "committed", "lake": "held"})
    assert outcomes("--all") == (1, {"river": "unchanged", "lake": "held", "sea": "failed"})
    assert outcomes("lake", "sea", "rivr") == (2, {"lake": "held", "sea": "failed"})
    (here.root / "catalog" / "lake.yaml").write_text("name: lake\ntitel: x\n")
    assert outcomes("--all") == (2, {"river": "unchanged", "sea": "failed"})
    assert outcomes("river") == (0, {"river": "unchanged"})
    assert here.run("harvest", "lake").code == 2


def test_each_of_several_bad_files_is_told_with_what_to_do_about_it(here: Installation):
    here.deliver("a.csv", *GOOD)
    here.deliver("b.csv", BAD)
    here.deliver("c.csv").write_text("<!doctype html><title>Log ind</title>")
    (run,) = here.run("harvest", "river", "--json", "--lang", "da").json["runs"]
    assert (run["version"], run["problem"]["code"]) == (1, "files-unusable")
    held, page = run["problem"]["problems"]
    assert (held["code"], held["params"]["origin"]) == ("too-many-bad", "inbox/b.csv")
    assert page["message"].startswith("inbox/c.csv: leverancen er en webside")
    assert (
        run["problem"]["message"]
        == f"2 filer kunne ikke bruges: {held['message']} | " + (page["message"])
    )
    told = here.run("harvest", "river")
    assert told.code == 1
    lines = told.out.splitlines()
    for file, why in (("b", "1 of 1 rows are wrong"), ("c", "the delivery is a web page")):
        (at,) = [
            n for n, line in enumerate(lines) if f"river/levels: inbox/{file}.csv: {why}" in line
        ]
        assert lines[at + 1].startswith("  What to do: ")


def test_a_held_delivery_can_be_looked_into_as_often_as_it_is_offered(here: Installation):
    late = [f"38.05;2026-01-01T01:{n:02}:00Z;99" for n in range(30)]
    here.deliver("a.csv", *late, "38.05;i morgen;1.5", f"38.05;2026-01-01T02:00:00Z;{'x' * 999}")
    for _ in range(2):
        (run,) = here.run("harvest", "river", "--json").json["runs"]
        assert (run["outcome"], run["findings"][0]["count"]) == ("held", 30)
        assert len(run["examples"]) == 20
        assert all(len(example["message"]) <= 300 for example in run["examples"])
        rare = [(it["origin"], it["row"], it["field"]) for it in run["examples"][-2:]]
        assert rare == [("inbox/a.csv", 32, "at"), ("inbox/a.csv", 33, "level")], (
            "each rule is there"
        )
    (status,) = here.run("status", "river", "--json").json["datasets"]
    assert status["tables"][0]["lastRun"]["examples"] == run["examples"]
    for words in (["harvest", "river"], ["status", "river"]):
        told = here.run(*words, "--lang", "da").out
        assert "river/levels: constraint-error level: 30 (første rækker: 2, 3," in told
        assert 'inbox/a.csv, række 32, at: Type error in the cell "i morgen"' in told
    with here.serving() as url:
        for page in ("river", "river/levels", "river/levels/runs", "river/levels/quarantine"):
            with urlopen(f"{url}/v1/datasets/{page}") as answer:
                text = answer.read().decode()
            assert "i morgen" not in text
            assert "inbox" not in text


def sea() -> dict[str, object]:
    """Give a table whose source refuses connections; port 1 is nobody's."""
    it = dataset("sea", "x")["resources"][0]
    it["harvest"]["source"] = {
        "type": "http",
        "url": "http://127.0.0.1:1/sea.csv",
        "headers": {"Authorization": "Bearer ${SEA_TOKEN}"},
    }
    return it


def test_a_secret_shows_up_nowhere(here: Installation):
    write_yaml(here.root / "catalog" / "sea.yaml", dataset("sea", "x") | {"resources": [sea()]})
    environ = {"SEA_TOKEN": TOKEN, "PUBLISHER_LOG_LEVEL": "debug", "PUBLISHER_HTTP_ATTEMPTS": "1"}
    for words in (["harvest", "sea"], ["harvest", "sea", "--json"], ["status", "--json"]):
        ended = here.run(*words, **environ)
        assert TOKEN not in ended.out + ended.err
    store = (here.data / "store.duckdb").read_bytes()
    assert TOKEN.encode() not in store


def test_an_unknown_name_is_2_and_names_the_nearest(here: Installation):
    ended = here.run("harvest", "rivver")
    assert ended.code == 2
    assert "“rivver”" in ended.err
    assert "“river”" in ended.err
    assert "Traceback" not in ended.err
    danish = here.run("harvest", "river/level", "--lang", "da", "--json")
    assert danish.code == 2
    assert danish.json["runs"] == []
    (problem,) = danish.json["problems"]
    assert (problem["code"], problem["remedy"]) == ("unknown-table-near", "Mente du “levels”?")


@pytest.mark.parametrize(
    "words",
    [
        ["harvest"],
        ["harvest", "river", "--all"],
        ["harvest", "--alle"],
        ["quarantine", "show"],
        ["publish", "river", "--target", "ckn"],
        ["status", "--lang", "sv"],
        ["bogus"],
    ],
)
def test_a_wrong_command_is_2(here: Installation, words: list[str]):
    ended = here.run(*words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err
    assert "Traceback" not in ended.err
    told = here.run("--json", *words)
    assert told.code == 2
    (problem,) = told.json["problems"]
    assert problem["message"] in told.err
    assert problem["remedy"]


def test_the_nearest_command_is_named(here: Installation):
    (problem,) = here.run("quarantine", "shw", "--json", "--lang", "da").json["problems"]
    assert (problem["code"], problem["remedy"]) == ("unknown-command-near", "Mente du “show”?")


def test_validate_loads_nothing_of_what_only_others_need(here: Installation, tmp_path: Path):
    file = tmp_path / "levels.csv"
    file.write_text("station,at,level\na,2026-01-01T00:00:00Z,9\n")

    def loaded(*words: str) -> set[str]:
        ended = here.run(*words, PYTHONPROFILEIMPORTTIME="1")
        assert ended.code == 0, ended.err
        return {line.split()[-1] for line in ended.err.splitlines()}

    others = {"rich", "structlog", "pydantic_settings", "publisher.control", "publisher.operations"}
    others |= {"publisher.validation.explain", "publisher.cli.report_page"}
    assert loaded("validate", str(file), "--schema", "level") & others == set()
    assert (
        loaded("validate", "--help") & {*others, "pydantic", "asyncio", "publisher.model"} == set()
    )


def test_wrong_settings_are_2_and_named(here: Installation):
    ended = here.run("status", "--json", PUBLISHER_PORT="many", PUBLISHER_LANGUAGE="da")
    assert ended.code == 2
    assert "port" in ended.err
    assert ended.json["problems"][0]["code"] == "wrong-settings"
    assert "Indstillingerne" in ended.err


def test_root_and_data_stand_before_or_after_the_command(here: Installation):
    places = ["--root", str(here.root), "--data", str(here.data)]
    for words in (
        [*places, "--json", "quarantine", "list"],
        ["quarantine", *places, "list", "--json"],
        ["quarantine", "list", "--json", *places],
    ):
        ended = here.run(*words, common=False)
        assert (ended.code, ended.json) == (0, {"quarantine": [], "problems": []})


def test_quarantine_is_listed_shown_released_and_discarded(here: Installation):
    here.deliver("a.csv", *GOOD, BAD, "38.05;2026-01-01T00:15:00Z;x")
    assert here.run("harvest", "river", "--json").json["runs"][0]["rows"]["quarantined"] == 2
    (table,) = here.run("quarantine", "list", "--json").json["quarantine"]
    assert (table["dataset"], table["rows"]) == ("river", 2)
    assert {found["rule"] for found in table["findings"]} == {"constraint-error", "type-error"}

    shown = here.run("quarantine", "show", "river", "--limit", "1", "--json").json
    (first,) = shown["rows"]
    assert (shown["total"], first["rowNumber"], first["cells"]["niveau"]) == (2, 4, "99")
    assert first["errors"][0]["type"] == "constraint-error"
    assert (first["origin"], first["version"]) == ("inbox/a.csv", 0)
    assert "inbox/a.csv, row 4  [" in here.run("quarantine", "show", "river").out
    rest = here.run("quarantine", "show", "river", "--after", shown["after"], "--json").json
    assert ([row["cells"]["niveau"] for row in rest["rows"]], rest["after"]) == (["x"], None)

    schema = here.root / "schemas" / "level.yaml"
    schema.write_text(schema.read_text().replace("maximum: 20", "maximum: 200"))
    released = here.run("quarantine", "release", "river/levels", "--json")
    assert released.code == 0
    assert released.json["runs"][0]["rows"]["new"] == 1
    last = rest["rows"][0]["id"]
    unknown = here.run("quarantine", "show", "river", "--after", "zzz", "--json")
    assert (unknown.code, unknown.json["problems"][0]["code"]) == (2, "unknown-rows")
    gone = here.run("quarantine", "discard", "river", "--row", last, "--row", "zzz", "--json")
    assert (gone.code, gone.json["discarded"]) == (2, 1)
    assert gone.json["problems"][0]["params"] == {"table": "river/levels", "rows": "zzz"}
    assert here.run("quarantine", "list", "--json").json["quarantine"] == []


def test_status_shows_tables_and_targets(here: Installation):
    here.deliver("a.csv", *GOOD, BAD)
    (before,) = here.run("status", "river", "--json").json["datasets"]
    assert before["tables"][0]["lastRun"] is None
    assert before["targets"][0]["state"] == "never"
    here.run("harvest", "river")
    assert (
        here.run("publish", "river", "--dry-run", "--json").json["published"][0]["outcome"]
        == "different"
    )
    published = here.run("publish", "--all", "--json")
    assert published.code == 0
    assert published.json["published"][0]["outcome"] == "published"
    assert here.run("publish", "river", "--json").json["published"][0]["outcome"] == "unchanged"
    (after,) = here.run("status", "--json").json["datasets"]
    (table,) = after["tables"]
    assert (table["version"], table["rows"], table["quarantined"]) == (1, 2, 1)
    assert table["lastRun"]["outcome"] == "committed"
    assert 0 <= table["lag"] < 60
    assert {name: it for name, it in after["targets"][0].items() if it} == {
        "target": "folder",
        "state": "current",
        "versions": {"levels": 1},
        "publishedAt": after["targets"][0]["publishedAt"],
    }
    assert after["mqa"] is None


def test_status_of_a_dataset_tells_the_score_of_its_metadata(here: Installation):
    here.deliver("a.csv", *GOOD)
    here.run("harvest", "river")
    here.run("publish", "--all")
    (alone,) = here.run("status", "river", "--json").json["datasets"]
    (reached,) = here.run(
        "status", "river", "--json", PUBLISHER_PUBLIC_URL="https://data.example.org"
    ).json["datasets"]
    told = [
        {it["property"]: it["points"] for it in one["mqa"]["missing"]} for one in (alone, reached)
    ]
    assert told[0].items() > told[1].items()
    assert told[0]["accessURL"] == 50
    assert reached["mqa"]["score"] == 405 - sum(told[1].values())
    shown = here.run("status", "river", PUBLISHER_LANGUAGE="da").out
    assert f"metadata får {alone['mqa']['score']} af 405 point" in shown
    assert "+50 accessURL: Sæt PUBLISHER_PUBLIC_URL" in shown


def test_check_names_file_line_and_remedy_and_tells_errors_by_its_exit_code(here: Installation):
    assert here.run("check", "--json").json["problems"] == []
    file = here.root / "catalog" / "river.yaml"
    file.write_text(file.read_text().replace("title: Vandstand", "titel: Vandstand"))
    schema = here.root / "schemas" / "level.yaml"
    schema.write_text(schema.read_text().replace("type: number", "type: nummer"))
    ended = here.run("check", "--json")
    assert ended.code == 2
    places = {(it["file"], it["line"]) for it in ended.json["problems"]}
    assert {("catalog/river.yaml", 2)} <= places
    assert any(file == "schemas/level.yaml" for file, _ in places)
    assert all(it["message"] and it["remedy"] for it in ended.json["problems"])
    text = here.run("check", "--lang", "da")
    assert text.code == 2
    assert "catalog/river.yaml" in text.out
    assert "linje 2" in text.out


def test_validate_gives_frictionless_report_and_exact_totals(here: Installation, tmp_path: Path):
    file = tmp_path / "levels.csv"
    file.write_text("station,at,level\n" + "a,2026-01-01T00:00:00Z,99\n" + ",x,1\n")
    ended = here.run("validate", str(file), "--schema", "level", "--limit-errors", "1", "--json")
    assert ended.code == 1
    assert ended.json["valid"] is False
    totals = ended.json["publisher"]
    assert (totals["rows"], totals["errors"]) == (2, 4)
    assert totals["byRule"] == {"constraint-error": 2, "type-error": 1, "primary-key": 1}
    assert sum(len(task["errors"]) for task in ended.json["tasks"]) == 1
    schema = str(here.root / "schemas" / "level.yaml")
    file.write_text("station,at,level\na,2026-01-01T00:00:00Z,9\n")
    assert here.run("validate", str(file), "--schema", schema).code == 0
    for words in (
        ["validate", str(tmp_path / "none.csv"), "--schema", schema],
        ["validate", str(file), "--schema", "levle"],
        ["validate", str(file), "--schema", schema, "--dialect", "{"],
    ):
        ended = here.run(*words)
        assert ended.code == 2
        assert "Traceback" not in ended.err
    assert "--dialect" in ended.err


def test_an_export_is_the_same_whether_or_not_serve_is_running(here: Installation, tmp_path: Path):
    here.deliver("a.csv", *GOOD)
    here.run("harvest", "river")
    words = ["export", "river", "--format", "csv", "--query", "level__gte=0", "--json", "-o"]
    alone = here.run(*words, str(tmp_path / "alone.csv"))
    with here.serving():
        beside = here.run(*words, str(tmp_path / "beside.csv"))
    assert (alone.code, beside.code) == (0, 0), alone.err
    content = (tmp_path / "alone.csv").read_bytes()
    assert (tmp_path / "beside.csv").read_bytes() == content
    assert alone.json["manifest"] == beside.json["manifest"]
    written = json.loads((tmp_path / "alone.csv.manifest.json").read_bytes())
    assert written["sha256"] == hashlib.sha256(content).hexdigest()
    for more, code in (
        (["river", "--format", "pdf", "-o", "x"], "not-an-export-format"),
        (["rivver", "--format", "csv", "-o", "x"], "unknown-dataset-near"),
        (["river", "--format", "csv", "-o", str(tmp_path / "no" / "x")], "export-unwritable"),
        (["river", "--format", "csv", "-o", "x", "--query", "nonsense"], "not-a-query"),
        (["river", "--format", "csv", "-o", "x", "--query", "levl=1"], "unknown-parameter-near"),
    ):
        refused = here.run("export", *more, "--json")
        assert (refused.code, refused.json["problems"][0]["code"]) == (2, code), refused.err


def test_a_backup_is_made_while_serving_and_brought_back(here: Installation, tmp_path: Path):
    here.deliver("a.csv", *GOOD, BAD)
    here.run("harvest", "river")
    copy, fresh = str(tmp_path / "copy"), Installation(here.root, tmp_path / "fresh")
    with here.serving():
        made = here.run("backup", copy, "--json")
        assert made.code == 0, made.err
        assert made.json["tables"] == 1
        refused = here.run("restore", copy, "--json")
        assert (refused.code, refused.json["problems"][0]["code"]) == (1, "still-held")
    assert here.run("backup", copy).code == 2
    assert here.run("restore", copy).code == 2
    assert here.run("backup", str(here.data / "copy")).code == 2
    assert fresh.run("restore", str(tmp_path)).code == 2
    brought = fresh.run("restore", copy, "--json")
    assert brought.code == 0, brought.err
    assert brought.json["files"] == made.json["files"]
    (table,) = fresh.run("status", "--json").json["datasets"][0]["tables"]
    assert (table["version"], table["rows"], table["quarantined"]) == (1, 2, 1)
    assert fresh.run("harvest", "river", "--json").json["runs"][0]["outcome"] == "unchanged"


def test_a_data_folder_that_cannot_be_used_is_told(here: Installation):
    here.data.write_text("a file stands here")
    for words in (["status"], ["serve", "--port", "0"], ["restore", str(here.root)]):
        ended = here.run(*words, "--json")
        assert (ended.code, ended.json["problems"][0]["code"]) == (2, "data-is-a-file"), words
        assert str(here.data) in ended.err
        assert "Traceback" not in ended.err


def test_a_folder_without_a_catalog_is_told_by_every_command(here: Installation, tmp_path: Path):
    elsewhere = Installation(tmp_path / "elsewhere", here.data)
    for words in (["harvest", "river"], ["publish", "--all"], ["status"], ["status", "river"]):
        ended = elsewhere.run(*words, "--json")
        (problem,) = ended.json["problems"]
        assert (ended.code, problem["code"]) == (2, "no-catalog"), words
        assert str(elsewhere.root) in problem["message"]


def test_what_only_the_steward_can_mend_is_2(here: Installation):
    write_yaml(here.root / "catalog" / "sea.yaml", dataset("sea", "x") | {"resources": [sea()]})
    ended = here.run("harvest", "sea", "--json")
    assert ended.json["runs"][0]["problem"]["code"] == "unset-variable"
    assert ended.code == 2
    towns = {"town": {"name": "town", "token": "${NONE}"}}
    ckan = {"type": "ckan", "url": "http://127.0.0.1:1", "organizations": towns}
    write_yaml(here.root / "catalog" / "targets.yaml", {"portal": ckan})
    river = dataset("river", "inbox/*.csv")
    river["publish"]["targets"] = ["portal"]
    write_yaml(here.root / "catalog" / "river.yaml", river)
    here.deliver("a.csv", *GOOD)
    assert here.run("harvest", "river").code == 0
    ended = here.run("publish", "river", "--json")
    assert ended.json["published"][0]["problem"]["code"] == "unset-variable"
    assert ended.code == 2


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_who_hears_nothing_is_answered_by_the_exit_code(closed: str, tmp_path: Path):
    command = f"{sys.executable} -m publisher validate nowhere.csv --schema none.json {closed}"
    ended = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_every_word_is_there_in_both_languages():
    for name, (english, danish) in LABELS.items():
        assert english, name
        assert danish, name
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", danish)), name
    kinds = {"outcome": (*get_args(Outcome), *get_args(PublishOutcome), "running", "interrupted")}
    kinds["state"] = get_args(State)
    wanted = {f"{kind}-{name}" for kind, names in kinds.items() for name in names}
    assert wanted <= LABELS.keys()
