"""The documentation says everything, in both languages, and nothing in it leads nowhere."""

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest
import reference
import typer
from commands import Installation
from support import PROJECT

from publisher import errors
from publisher.api.routes import ROUTES
from publisher.cli.commands import app
from publisher.messages import TEXTS
from publisher.model import checks, site_fields
from publisher.registry.partners import TYPES as PARTNERS
from publisher.settings import Settings
from publisher.sources import SOURCES
from publisher.targets import TARGETS
from publisher.validation.checks.cells import RANGES

DOCS = PROJECT / "docs"
BOTH = pytest.mark.parametrize("docs", [DOCS, DOCS / "da"], ids=["en", "da"])
PAGES = sorted(
    path for path in [*PROJECT.glob("*.md"), *PROJECT.glob("deploy/*.md"), *DOCS.rglob("*.md")]
)


def text(page: Path) -> str:
    assert page.exists(), f"{page.relative_to(PROJECT)} is missing"
    return page.read_text("utf-8")


@BOTH
def test_every_setting_is_documented(docs: Path):
    page = text(docs / "settings.md")
    missing = [name for name in Settings.model_fields if f"PUBLISHER_{name.upper()}" not in page]
    assert missing == []


def commands(group: typer.core.TyperGroup, path: str = "") -> Iterator[tuple[str, object]]:
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}".strip(), command


@BOTH
def test_every_command_and_option_is_documented(docs: Path):
    page = text(docs / "commands.md")
    missing = []
    for name, command in commands(typer.main.get_command(app)):
        if f"publisher {name}" not in page:
            missing.append(name)
        options = {name for parameter in command.params for name in parameter.opts}
        missing += [it for it in options if it.startswith("--") and it not in page]
    assert missing == []


@BOTH
def test_every_check_and_option_is_documented(docs: Path):
    page = text(docs / "checks.md")
    common = {"type", "name", "title", "description", "severity"}
    for check in (*get_args(checks.Own), *get_args(checks.Frictionless)):
        (kind,) = get_args(check.model_fields["type"].annotation)
        (row,) = re.findall(rf"^\| `{kind}` \|.*$", page, re.MULTILINE)
        options = {it.alias or name for name, it in check.model_fields.items()} - common
        assert [it for it in options if f"`{it}`" not in row] == []


@BOTH
def test_every_plausible_range_is_documented(docs: Path):
    page = text(docs / "checks.md").replace("`dB`, ", "")
    for unit, bounds in RANGES.items():
        if unit == "dB":
            continue
        told = [f"{bound:,.10g}" for bound in bounds]
        if docs.name == "da":
            told = [bound.translate(str.maketrans(",.", ".,")) for bound in told]
        assert f"| `{unit}` | {' | '.join(told)} |" in page


@BOTH
def test_every_route_and_parameter_is_documented(docs: Path):
    page = text(docs / "developer.md")
    missing = [route.path for route in ROUTES if route.path not in page]
    names = {parameter.name for route in ROUTES for parameter in route.query}
    assert [*missing, *(name for name in sorted(names) if f"`{name}" not in page)] == []


@BOTH
@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_every_source_has_a_page(docs: Path, kind: str):
    assert f"type: {kind}" in text(docs / "sources" / f"{kind}.md")


@BOTH
@pytest.mark.parametrize("kind", sorted(TARGETS))
def test_every_target_has_a_page(docs: Path, kind: str):
    assert kind in text(docs / "targets" / f"{kind}.md")


@BOTH
@pytest.mark.parametrize("kind", sorted(PARTNERS))
def test_every_partner_has_a_page_with_the_keys_of_its_tables(docs: Path, kind: str):
    page = text(docs / "partners" / f"{kind}.md")
    assert f"type: {kind}" in page
    table = PARTNERS[kind].model_fields.get("tables")
    model = get_args(table.annotation)[1] if table is not None else None
    shape = model.model_fields.items() if model is not None else ()
    assert [it.alias or name for name, it in shape if f"{it.alias or name}:" not in page
            and f"`{it.alias or name}`" not in page] == []  # fmt: skip
    common = text(docs / "partners" / "README.md")
    stated = PARTNERS[kind].model_fields.items()
    assert [it.alias or name for name, it in stated if f"`{it.alias or name}`" not in common] == (
        ["tables"] if model is not None else []
    )


@BOTH
def test_every_fact_of_a_mapping_is_documented(docs: Path):
    page = text(docs / "targets" / "ckan.md")
    names = {*site_fields.DATASET_FACTS, *site_fields.RESOURCE_FACTS}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_the_error_pages_are_those_of_the_messages():
    for language, path in reference.paths().items():
        assert text(path) == reference.page(language), "run: make docs"


@BOTH
def test_what_check_says_is_shown_as_it_is(docs: Path, tmp_path: Path):
    for folder in ("catalog", "schemas"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    file = tmp_path / "catalog" / "vandstand-ribe.yaml"
    file.write_text(file.read_text("utf-8").replace("every:", "evry:"), "utf-8")
    language = "da" if docs.name == "da" else "en"
    ended = Installation(tmp_path, tmp_path / "data").run("check", "--lang", language)
    assert ended.code == 2
    assert f"```\n{ended.out}```\n" in text(docs / "steward.md")


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_a_text_says_the_same_in_both_languages(code: str):
    it = TEXTS[code]
    assert it.en.strip()
    assert it.da.strip()
    assert it.en != it.da
    assert bool(it.remedy_en) == bool(it.remedy_da)
    assert placeholders(it.en) == placeholders(it.da)
    assert placeholders(it.remedy_en) == placeholders(it.remedy_da)
    assert placeholders(it.alone_en) == placeholders(it.alone_da)
    assert bool(it.alone_en) == bool(it.alone_da)


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Give every call in the package that makes an error or a problem by its code."""
    makers = {name for name in vars(errors) if name.endswith("Error")} | {"Problem"}
    for path in (PROJECT / "publisher").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in makers and node.args and isinstance(node.args[0], ast.Constant):
                    yield f"{path.relative_to(PROJECT)}:{node.lineno}", node


def test_every_code_that_is_raised_has_its_texts():
    unknown = [f"{place} {node.args[0].value}" for place, node in calls()
               if node.args[0].value not in TEXTS]  # fmt: skip
    assert unknown == []


def test_the_codes_of_a_wrong_configuration_are_those_that_a_run_may_fail_with():
    ways = ("secrets.py", "sources/", "landing.py", "validation/", "harvest/", "store/", "targets/")
    raised = {
        node.args[0].value
        for place, node in calls()
        if getattr(node.func, "id", None) == "ConfigurationError"
        and place.startswith(tuple(f"publisher/{way}" for way in ways))
        and not place.startswith("publisher/validation/outright.py")  # of `validate` alone
    }
    assert raised == errors.CONFIGURATION_CODES


def test_what_may_pass_by_itself_is_every_unavailable_target_and_no_other_code():
    """And what else can stop a publication that says nothing of the dataset."""
    raised = {
        node.args[0].value
        for place, node in calls()
        if getattr(node.func, "id", "") == "TargetUnavailableError"
    }
    assert raised <= errors.PASSING_CODES
    assert {*TEXTS} >= errors.PASSING_CODES


def test_every_parameter_that_a_text_needs_is_given():
    missing = []
    for place, node in calls():
        it = TEXTS.get(node.args[0].value)
        given = {keyword.arg for keyword in node.keywords}
        if it is None or None in given or len(node.args) > 1:
            continue  # parameters passed on as a mapping
        wanted = placeholders(it.en) | placeholders(it.remedy_en) | placeholders(it.alone_en)
        missing += [f"{place} {node.args[0].value}: {name}" for name in wanted - given]
    assert missing == []


def test_every_page_is_there_in_danish():
    english = {path.relative_to(DOCS) for path in DOCS.rglob("*.md")}
    danish = {path.relative_to("da") for path in english if path.parts[0] == "da"}
    english = {path for path in english if path.parts[0] != "da"}
    assert english == danish


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_leads_somewhere(page: Path):
    broken = []
    prose = re.sub(r"```.*?```", "", text(page), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        name, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", name):
            continue
        there = (page.parent / name) if name else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_the_readme_shows_a_running_thing_by_line_30():
    start = text(PROJECT / "README.md").splitlines()[:30]
    assert any(line.startswith("$ curl") for line in start)
