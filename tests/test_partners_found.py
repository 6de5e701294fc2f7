"""What partners have is found from here: their datasets, their tables, and how they are."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import requests
import yaml
from commands import Installation
from federating import Town, publisher_at, towns
from test_partners import SCHEMA

from publisher.errors import SourceError
from publisher.model.catalog import Catalog
from publisher.model.partner import Partner
from publisher.model.values import TableRef
from publisher.partners import Partners
from publisher.secrets import Secrets
from publisher.settings import Settings

OTHER = {**SCHEMA, "name": "others", "version": "2.0.0"}
NEXT = {**SCHEMA, "version": "2.0.0"}


def row(station: str, east: float = 10.5) -> tuple[Any, ...]:
    return (station, datetime(2026, 3, 1), 1, None, east, 56.0)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Town, Town]]:
    with towns(tmp_path_factory.mktemp("found"), "here", "there", "yonder") as found:
        here, there, yonder = found
        here.table(SCHEMA, "river", [row("a")])
        there.table(SCHEMA, "river", [row("b", 12.0)])
        there.table(SCHEMA, "brook", [row("c")])
        there.table(OTHER, "sea", [row("d")])
        yonder.table(NEXT, "river", [row("e")])
        here.befriend("norddjurs", publisher_at(there.url))
        here.befriend("yonder", publisher_at(yonder.url))
        there.befriend("syddjurs", publisher_at(here.url))
        yield here, there, yonder


def stations(page: Any) -> list[str]:
    return sorted(it["station"] for it in page["data"])


def test_a_schema_is_found_wherever_it_is_in_its_major_version(three):
    here, _, _ = three
    page = here.get("/v1/query?from=schema:levels")
    assert stations(page) == ["a", "b", "c"]
    assert set(page["versions"]) == {
        "river/levels",
        "river/levels@norddjurs",
        "brook/levels@norddjurs",
    }
    assert stations(here.get("/v1/query?from=schema:levels@local")) == ["a"]
    assert stations(here.get("/v1/query?from=schema:levels@norddjurs")) == ["b", "c"]
    assert stations(here.get("/v1/query?from=schema:others@*")) == ["d"]


def test_a_table_is_asked_of_every_partner_who_has_it(three):
    here, _, _ = three
    page = here.get("/v1/query?from=river/levels&from=river/levels@*&sort=station")
    assert [(it["_source"], it["station"]) for it in page["data"]] == [
        ("local", "a"),
        ("norddjurs", "b"),
        ("yonder", "e"),
    ]
    assert page["sources"]["total"] == 3


def test_partners_who_know_each_other_do_not_ask_in_circles(three):
    here, there, _ = three
    assert stations(there.get("/v1/query?from=schema:levels")) == ["a", "b", "c"]
    assert stations(here.get("/v1/query?from=schema:levels@*")) == ["b", "c"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("from=river/levels@nobody", "unknown-partner"),
        ("from=rivr/levels@norddjurs", "from-unknown-table"),
        ("from=river/levels@norddjurs&levl=1", "unknown-parameter"),
        ("from=river/levels@norddjurs&level=high", "not-an-integer"),
        ("from=river/levels@norddjurs&cursor=AAAA", "bad-cursor"),
    ],
)
def test_what_is_wrong_with_a_question_to_partners_is_told(three, query, code):
    here, _, _ = three
    problem = here.get(f"/v1/query?{query}", 400)
    codes = [problem["code"], *(it["code"] for it in problem.get("errors", ()))]
    assert any(it.startswith(code) for it in codes), codes


def test_a_cursor_is_good_for_its_own_question_only(three):
    here, _, _ = three
    page = here.get("/v1/query?from=schema:levels&limit=1")
    cursor = page["next"].partition("cursor=")[2]
    here.get(f"/v1/query?from=schema:levels&limit=1&cursor={cursor}")
    for other in ("from=schema:levels&limit=1&level=1", "from=river/levels@norddjurs&limit=1"):
        assert here.get(f"/v1/query?{other}&cursor={cursor}", 400)["code"] == "bad-cursor"


@pytest.mark.parametrize("form", ["csv", "ndjson", "geojson", "parquet", "xlsx"])
def test_every_format_says_whether_it_is_complete(three, form: str):
    here, _, _ = three
    answer = requests.get(f"{here.url}/v1/query?from=schema:levels&f={form}", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["X-Complete"] == "true"
    assert len(answer.content) > 100


def test_datasets_of_partners_are_listed_beside_ours(three):
    here, there, _ = three
    ours = here.get("/v1/datasets")
    assert [(it["source"], it["name"]) for it in ours["data"]] == [("local", "river")]
    theirs = here.get("/v1/datasets?source=norddjurs")["data"]
    assert [it["name"] for it in theirs] == ["brook", "river", "sea"]
    assert theirs[0]["tables"] == ["brook/levels@norddjurs"]
    assert theirs[0]["url"] == f"{there.url}/v1/datasets/brook"
    every = here.get("/v1/datasets?source=*&q=river")
    assert [(it["name"], it["source"]) for it in every["data"]] == [
        ("river", "local"),
        ("river", "norddjurs"),
        ("river", "yonder"),
    ]
    assert here.get("/v1/datasets?source=nobody", 400)["code"] == "unknown-partner"
    first = here.get("/v1/datasets?source=*&limit=3")
    rest = here.get(first["next"])
    assert len(first["data"]) + len(rest["data"]) == 5


def test_datasets_are_found_by_where_they_are(three):
    here, there, _ = three
    assert [it["name"] for it in there.get("/v1/datasets?bbox=11.9,55,13,57")["data"]] == ["river"]
    assert here.get("/v1/datasets?bbox=11.9,55,13,57")["data"] == []
    assert here.get("/v1/datasets?bbox=170,55,11,57")["data"] != []
    assert here.get("/v1/datasets?bbox=1,2,3", 400)["code"] == "not-a-box"


def test_the_command_line_asks_partners_and_says_who_does_not_answer(three, root, tmp_path):
    _, there, _ = three
    (root / "catalog/partners.yaml").write_text(
        f"norddjurs: {{title: N, type: publisher, url: '{there.url}'}}\n"
        "dead: {title: D, type: publisher, url: 'http://127.0.0.1:9'}\n"
    )
    here = Installation(root, tmp_path / "data")
    listed = here.run("partners", "--json")
    assert listed.code == 1
    told = {it["partner"]: it for it in listed.json["partners"]}
    assert "brook/levels@norddjurs" in told["norddjurs"]["tables"]
    assert told["dead"]["problem"]["code"] == "http-connection"
    assert "brook/levels@norddjurs" in here.run("partners", "norddjurs").out
    assert here.run("partners", "nobody").code == 2

    assert here.run("check").code == 0
    checked = here.run("check", "--partners", "--json")
    [problem] = checked.json["problems"]
    assert (checked.code, problem["rule"], problem["line"]) == (2, "http-connection", 2)


def test_what_a_partner_does_not_give_is_logged_beside_the_answer(root, tmp_path):
    (root / "schemas/levels.yaml").write_text(yaml.safe_dump(SCHEMA))
    (root / "catalog/partners.yaml").write_text(
        "by:\n  title: By\n  type: ogc-features\n  url: http://127.0.0.1:9\n  tables:\n"
        "    river/levels: {collection: x, schema: ../schemas/levels.yaml}\n"
    )
    checked = Installation(root, tmp_path / "data").run("check", "--partners", "--json")
    assert [it["rule"] for it in checked.json["problems"]] == ["http-connection"]
    assert "a partner did not answer" in checked.err


def test_a_partner_whose_entry_was_broken_meanwhile_stays_and_is_told(three, root, tmp_path):
    _, there, _ = three
    entries = root / "catalog/partners.yaml"
    entries.write_text(f"norddjurs: {{title: N, type: publisher, url: '{there.url}'}}\n")
    here = Installation(root, tmp_path / "data")
    with here.serving() as url:
        asked = f"{url}/v1/query?from=brook/levels@norddjurs"
        assert requests.get(asked, timeout=20).json()["complete"]
        entries.write_text(f"norddjurs: {{title: N type: publisher, url: '{there.url}'}}\n")
        listed = here.run("partners", "--json")
        assert (listed.code, len(listed.json["partners"])) == (2, 1)
        assert listed.json["problems"]
        assert requests.get(asked, timeout=20).json()["complete"]
    listed = here.run("partners", "--json")
    assert (listed.code, listed.json["partners"]) == (2, [])
    entries.write_text(f"norddjurs: {{title: N, type: publisher, url: '{there.url}/v1'}}\n")
    [problem] = here.run("check", "--json").json["problems"]
    assert problem["rule"] == "partner-url-v1"


def test_a_walk_goes_on_after_a_restart_while_a_partner_is_away(three, tmp_path):
    here, there, _ = three
    catalog = Catalog(partners={"norddjurs": Partner("norddjurs", publisher_at(there.url))})
    dead = Catalog(partners={"norddjurs": Partner("norddjurs", publisher_at("http://127.0.0.1:9"))})
    settings = Settings(data=tmp_path)

    async def known(of: Catalog) -> Any:
        partners = Partners(settings, Secrets({}), lambda: of, here.desk.engine)
        try:
            found = await partners.find("norddjurs", TableRef("river", "levels"), 5)
            await partners.adapter("norddjurs")
            return await partners.find("norddjurs", TableRef("river", "levels"), 5) and found
        finally:
            await partners.close()

    before = asyncio.run(known(catalog))
    assert asyncio.run(known(dead)) == before
    (tmp_path / "partners.json").write_text("[{")
    with pytest.raises(SourceError):
        asyncio.run(known(dead))


def test_a_view_of_a_partners_table_is_compiled_by_check(root, tmp_path):
    (root / "schemas/levels.yaml").write_text(yaml.safe_dump(SCHEMA))
    (root / "catalog/partners.yaml").write_text(
        "by:\n  title: By\n  type: ckan\n  url: http://127.0.0.1:9\n  tables:\n"
        "    river/levels:\n      resource: x\n      schema: ../schemas/levels.yaml\n"
        "      fields: {level: {unit: kg}}\n"
    )
    checked = Installation(root, tmp_path / "data").run("check", "--json")
    assert checked.code == 2
    [problem] = [it for it in checked.json["problems"] if it["severity"] == "error"]
    assert (problem["file"], problem["line"]) == ("catalog/partners.yaml", 9)


def test_whoever_is_its_own_partner_is_told_and_asks_itself_no_further(three, tmp_path):
    here, _, _ = three
    here.befriend("mirror", publisher_at(here.url))
    try:
        page = here.get("/v1/query?from=river/levels&from=river/levels@mirror")
        [_, told] = page["sources"]["data"]
        assert (told["status"], told["problem"]["code"]) == ("failed", "partner-loop")
        assert page["data"]
    finally:
        del here.partners["mirror"]
        here.befriend("norddjurs", here.partners["norddjurs"].spec)


def test_partners_are_shown_with_their_tables(three):
    here, _, _ = three
    shown = here.get("/v1/partners/norddjurs")
    assert (shown["state"], shown["problem"]) == ("closed", None)
    assert {it["name"] for it in shown["tables"]} == {
        "brook/levels@norddjurs",
        "river/levels@norddjurs",
        "sea/levels@norddjurs",
    }
    assert shown["milliseconds"] > 0
    assert [it["id"] for it in here.get("/v1/partners")["data"]] == ["norddjurs", "yonder"]
    here.get("/v1/partners/nobody", 404)
