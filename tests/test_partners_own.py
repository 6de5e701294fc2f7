"""Partners' tables without a schema of ours: asked as they are, with the types they have there."""

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from ckan_site import call, editor
from commands import Installation
from federating import Town, ckan_at, towns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scale
from support import CkanSite
from test_partners import check_alike

from publisher.errors import SourceError
from publisher.model.partner import BoundTable, CkanTable
from publisher.model.values import TableRef
from publisher.partners.ckan import key_of
from publisher.partners.own import Told, legal, made, named, ucum

START = datetime(2026, 3, 28, 20)
AWKWARD = {
    "Vand stand (m)": "numeric",
    "måling": "text",
    "a": "int",
    "A": "text",
    "x_": "float8",
    "limit": "int",
    "kl. 12:30": "timestamp",
    "andel, %": "text",
    "2024": "date",
    "flag": "bool",
    "json": "json",
    "tags": "text[]",
    "tid": "time",
    "zone": "timestamptz",
}
NAMES = {
    "Vand stand (m)": "Vand_stand_m",
    "måling": "maaling",
    "a": "a",
    "A": "A_2",
    "x_": "x",
    "limit": "limit",
    "kl. 12:30": "kl._12_30",
    "andel, %": "andel",
    "2024": "f_2024",
    "flag": "flag",
    "json": "json",
    "tags": "tags",
    "tid": "tid",
    "zone": "zone",
}
TYPES = {
    "numeric": "number",
    "float8": "number",
    "int": "integer",
    "timestamp": "datetime",
    "timestamptz": "datetime",
    "date": "date",
    "time": "time",
    "bool": "boolean",
    "json": "object",
    "text[]": "array",
    "text": "string",
}
SAME: dict[str, Any] = {
    "name": "same",
    "version": "1.0.0",
    "missingValues": [],
    "fields": [{"name": NAMES[it], "type": TYPES[kind]} for it, kind in AWKWARD.items()],
}
"""What we would have written ourselves."""
_names = itertools.count()

rows_of_awkward = st.lists(
    st.tuples(
        st.none() | st.sampled_from([0.5, -1.25, 3.0]),
        st.none() | st.sampled_from(["æ", "Å", "a", "", "z"]),
        st.none() | st.integers(-2, 3),
        st.none() | st.sampled_from(["x", "X", 'q"', "a,b"]),
        st.none() | st.sampled_from([0.1, 2.5, -7.0]),
        st.none() | st.integers(0, 2),
        st.none() | st.integers(0, 20).map(lambda hours: START + timedelta(hours=hours)),
        st.none() | st.sampled_from(["10", "20"]),
        st.none() | st.integers(0, 3).map(lambda days: date(2026, 1, 1) + timedelta(days=days)),
        st.none() | st.booleans(),
        st.none() | st.sampled_from([{}, {"a": [1]}]),
        st.none() | st.sampled_from([[], ["x", "y"]]),
        st.none() | st.sampled_from([time(12, 30), time(0, 0, 5)]),
        st.none() | st.integers(0, 20).map(lambda hours: START + timedelta(hours=hours)),
    ),
    max_size=25,
)
CONDITIONS = (
    ("Vand_stand_m__gte", "0.5"),
    ("Vand_stand_m", "-1.25"),
    ("maaling", "æ"),
    ("maaling", ""),
    ("maaling__isnull", "true"),
    ("maaling__gt", "a"),
    ("a__in", "1,2"),
    ("a__lt", "2"),
    ("A_2__contains", "x"),
    ("A_2", "a,b"),
    ("x", "0.1"),
    ("x__gt", "0.1"),
    ("limit__exact", "1"),
    ("kl._12_30__gte", "2026-03-29T01:00:00Z"),
    ("kl._12_30", "2026-03-29T00:00:00Z"),
    ("zone__lt", "2026-03-29T04:00:00Z"),
    ("andel", "10"),
    ("f_2024", "2026-01-02"),
    ("f_2024__gt", "2026-01-02"),
    ("flag", "true"),
    ("tid__lt", "12:00:00"),
    ("filter", '"limit" > 0 OR A_2 IS NULL'),
)
SORTS = (
    "",
    "a",
    "-Vand_stand_m",
    "maaling,-a",
    "-kl._12_30",
    "f_2024,andel",
    "limit",
    "-flag",
    "tid",
)
GROUPED: tuple[list[tuple[str, str]], ...] = (
    [("by", "maaling"), ("agg", "Vand_stand_m:sum,*:count")],
    [("by", "limit,flag"), ("agg", "a:min,x:max,A_2:count")],
    [("by", "f_2024"), ("agg", "*:count,a:avg")],
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with towns(tmp_path_factory.mktemp("own"), "here") as (town,):
        yield town


class Site:
    """An editor's dataset at a CKAN, whose table is made anew at will."""

    def __init__(self, site: CkanSite) -> None:
        self.site = site
        self.resource: str | None = None
        self.package = call(
            site,
            "package_create",
            name=f"made-up-{uuid.uuid4().hex[:12]}",
            owner_org=site.organization,
            title="Made up",
            author="Made up",
            author_email="made-up@example.org",
        )["id"]

    def make(self, columns: dict[str, str], rows: Any = (), **info: Any) -> str:
        """Make the table anew, with the data dictionary that is stated by column."""
        place: dict[str, Any]
        if self.resource is None:
            place = {"resource": {"package_id": self.package, "name": "x", "format": "CSV"}}
        else:
            call(self.site, "datastore_delete", resource_id=self.resource, force=True)
            place = {"resource_id": self.resource, "force": True}
        fields = [
            {"id": it, "type": kind, **({"info": info[it]} if it in info else {})}
            for it, kind in columns.items()
        ]
        records = [dict(zip(columns, map(written, row), strict=True)) for row in rows]
        made = call(self.site, "datastore_create", **place, fields=fields, records=records)
        self.resource = made["resource_id"]
        return str(self.resource)


def written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | time) else value


@pytest.fixture(scope="module")
def new(ckan: CkanSite) -> Iterator[Site]:
    with editor(ckan) as own:
        yield Site(own)


@pytest.fixture(scope="module")
def old(portal: CkanSite) -> Iterator[Site]:
    """A site that knows no ranges."""
    with editor(portal) as own:
        yield Site(own)


def asked_of(here: Town, site: Site, most: int = 100_000, **stated: Any) -> str:
    """Befriend the site with its table, and give what names it; *most* rows are fetched."""
    name = f"t{next(_names)}/levels"
    table = {"resource": site.resource, **stated}
    spec = ckan_at(site.site.url, {name: table}, maxRows=most)
    here.befriend(f"by{name[1:-7]}", spec, **{name: BoundTable(spec.tables[name], None)})
    return f"{name}@by{name[1:-7]}"


def fields_of(here: Town, asked: str) -> dict[str, Any]:
    shown = here.get(f"/v1/partners/{asked.partition('@')[2]}")
    [table] = shown["tables"]
    assert (table["name"], table["schemaName"]) == (asked, None)
    return {it["name"]: it for it in table["told"]}


@pytest.mark.parametrize("which", ["new", "old"])
@settings(
    max_examples=scale(15, 1_000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    data=rows_of_awkward,
    wanted=st.lists(st.sampled_from(CONDITIONS), max_size=3, unique_by=lambda it: it[0]),
    sort=st.sampled_from(SORTS),
    groups=st.none() | st.sampled_from(GROUPED),
    limit=st.sampled_from([2, 7, 1000]),
)
def test_an_answer_is_as_if_we_had_written_the_schema(
    ckan, portal, here, new, old, which, data, wanted, sort, groups, limit
):
    site = {"new": new, "old": old}[which]
    whole = here.table(SAME, f"w{next(_names)}", data)
    placed = [(*row[:-1], row[-1] and row[-1].replace(tzinfo=UTC)) for row in data]
    site.make(AWKWARD, placed)
    asked = asked_of(here, site)

    question = [*wanted, ("limit", str(limit)), *(groups or [("sort", sort)] * bool(sort))]
    found = here.walk(urlencode([("from", asked), *question]))
    expected = here.walk(urlencode([("from", str(whole.ref)), *question]))

    check_alike(found, expected, "" if groups else sort)


@pytest.mark.parametrize("which", ["new", "old"])
def test_fields_have_the_types_and_the_words_of_the_partner(ckan, portal, here, new, old, which):
    site = {"new": new, "old": old}[which]
    label = {"label": "Vandstand", "notes": "Over DVR90", "type_override": "text"}
    site.make(AWKWARD, **{"Vand stand (m)": label})
    told = fields_of(here, asked_of(here, site))
    assert {it["column"]: (name, it["type"]) for name, it in told.items()} == {
        column: (NAMES[column], TYPES[kind]) for column, kind in AWKWARD.items()
    }
    assert told["Vand_stand_m"]["title"] == "Vandstand"
    assert told["Vand_stand_m"]["description"] == "Over DVR90"
    assert (told["maaling"]["title"], told["a"]["title"]) == ("måling", None)


def test_a_column_is_called_as_fields_say(ckan, here, new):
    new.make({"Level": "int", "level (m)": "float8"}, [(1, 0.5), (-999, 2.0)])
    fields = {
        "level": {"column": "level (m)"},
        "code": {"column": "Level", "missingValues": ["-999"]},
    }
    asked = asked_of(here, new, fields=fields)
    rows = here.walk(f"from={asked}&sort=level")
    assert [(it["level"], it["code"]) for it in rows] == [(0.5, 1), (2.0, None)]
    fields = {"level": {"column": "depth"}}
    page = here.get(f"/v1/query?from={asked_of(here, new, fields=fields)}")
    assert page["sources"]["data"][0]["problem"]["code"] == "partner-no-column"


def test_rows_without_a_key_are_known_by_their_number(ckan, portal, here, new, old):
    rows = [(1, "x")] * 20 + [(None, None)] * 10
    for site, passed in ((new, ["filter", "sort", "limit"]), (old, [])):
        site.make({"level": "int", "note": "text"}, rows)
        asked = asked_of(here, site)
        page = here.get(f"/v1/query?from={asked}&select=level&sort=-level&limit=7")
        assert page["sources"]["data"][0]["pushedDown"] == ["sort", "limit"]
        found = page["data"]
        while page["next"]:
            page = here.get(page["next"])
            found += page["data"]
        assert [it["level"] for it in found] == [1] * 20 + [None] * 10
        assert {name for it in found for name in it if name[0] != "_"} == {"level"}
        page = here.get(here.get(f"/v1/query?from={asked}&limit=7")["next"])
        assert page["sources"]["data"][0]["pushedDown"] == passed
        assert len(page["data"]) == 7


def test_few_of_many_rows_can_be_asked_for(ckan, here, new):
    new.make({"level": "int"}, [(n,) for n in range(1_500)])
    asked = asked_of(here, new, most=600)
    first = here.get(f"/v1/query?from={asked}&limit=50")
    later = here.get(first["next"])
    assert [it["level"] for page in (first, later) for it in page["data"]] == list(range(100))
    page = here.get(f"/v1/query?from={asked}&sort=-level&limit=2")
    assert [it["level"] for it in page["data"]] == [1499, 1498]
    told = here.get(f"/v1/query?from={asked}&level__isnull=false")["sources"]["data"]
    assert told[0]["problem"]["code"] == "partner-many-rows"


def test_a_table_that_is_made_anew_is_read_anew(ckan, here, new):
    new.make({"level": "int"}, [(1,), (2,)])
    asked = asked_of(here, new)
    assert [it["level"] for it in here.walk(f"from={asked}&sort=level")] == [1, 2]
    new.make({"level": "text"}, [("high",), ("low",)])
    page = here.get(f"/v1/query?from={asked}")
    assert (page["data"], page["complete"]) == ([], False)
    assert page["sources"]["data"][0]["problem"]["code"] == "partner-fields-changed"
    assert [it["level"] for it in here.walk(f"from={asked}&sort=level")] == ["high", "low"]
    assert fields_of(here, asked)["level"]["type"] == "string"
    new.make({"depth": "float8"}, [(0.5,)])
    assert here.get(f"/v1/query?from={asked}")["complete"] is False
    assert [it["depth"] for it in here.walk(f"from={asked}")] == [0.5]


def test_a_walk_does_not_go_on_in_other_fields(ckan, here, new):
    new.make({"level": "int"}, [(n,) for n in range(4)])
    asked = asked_of(here, new)
    ours = here.table(LEVEL, f"w{next(_names)}", [(n,) for n in range(10, 14)])
    first = here.get(f"/v1/query?from={asked}&from={ours.ref}&sort=level&limit=3")
    assert [it["level"] for it in first["data"]] == [0, 1, 2]
    new.make({"level": "float8"}, [(n + 0.5,) for n in range(4)])
    pages = [here.get(first["next"]) for _ in range(3)]
    codes = [it["sources"]["data"][1]["problem"]["code"] for it in pages]
    assert codes == ["partner-fields-changed"] * 3
    assert [[it["level"] for it in page["data"]] for page in pages] == [[10, 11, 12]] * 3
    last = here.get(pages[-1]["next"])
    assert ([it["level"] for it in last["data"]], last["complete"]) == ([13], False)
    assert len(here.walk(f"from={asked}&from={ours.ref}&limit=3")) == 8


def test_a_walk_goes_on_where_it_was_when_nobody_could_tell_of_the_fields(ckan, here, new):
    new.make({"level": "int"}, [(n,) for n in range(0, 12, 2)])
    asked = asked_of(here, new)
    ours = here.table(LEVEL, f"w{next(_names)}", [(n,) for n in range(1, 12, 2)])
    first = here.get(f"/v1/query?from={asked}&from={ours.ref}&sort=level&limit=4")
    assert [it["level"] for it in first["data"]] == [0, 1, 2, 3]
    name = asked.partition("@")[2]
    there = here.partners[name]
    away = there.spec.model_copy(update={"url": "http://127.0.0.1:9"})
    here.partners[name] = replace(there, spec=away)
    here.befriend("other", away)
    here.get(f"/v1/partners/{name}")  # and what was known of its tables goes
    second = here.get(first["next"])
    assert ([it["level"] for it in second["data"]], second["complete"]) == ([5, 7, 9, 11], False)
    here.partners[name] = there
    here.befriend("other", away)
    rest = here.get(second["resume"])
    assert [it["level"] for it in rest["data"]] == [4, 6, 8, 10]


LEVEL: dict[str, Any] = {
    "name": "level",
    "version": "1.0.0",
    "fields": [{"name": "level", "type": "integer"}],
}


def test_a_table_without_a_schema_is_under_none(ckan, here, new):
    new.make({"level": "int"}, [(1,)])
    asked = asked_of(here, new)
    ours = here.table({**LEVEL, "name": "own"}, f"w{next(_names)}", [(2,)])
    page = here.get("/v1/query?from=schema:own")
    assert [it["level"] for it in page["data"]] == [2]
    assert page["complete"] is True
    assert asked not in page["versions"]
    every = here.get(f"/v1/query?from={asked.partition('@')[0]}@*&from={ours.ref}&sort=level")
    assert [it["level"] for it in every["data"]] == [1, 2]
    assert every["versions"][asked] is None


def test_check_shows_the_fields_that_were_read(ckan, root, tmp_path, new):
    new.make({"level (m)": "float8", "a": "int"}, [(0.5, 1)])
    entry = {
        "title": "Made up",
        "type": "ckan",
        "url": new.site.url,
        "tables": {"river/levels": {"resource": new.resource}},
    }
    file = root / "catalog/partners.yaml"
    file.write_text(yaml.safe_dump({"by": entry}))
    here = Installation(root, tmp_path / "data")
    assert here.run("check", "--json").json["partnerTables"] == []
    checked = here.run("check", "--partners", "--json")
    assert (checked.code, checked.json["problems"]) == (0, [])
    [table] = checked.json["partnerTables"]
    assert table["table"] == "river/levels@by"
    assert table["fields"][0] == {"name": "level_m", "type": "number", "column": "level (m)"}
    assert 'level_m (number) = "level (m)"' in here.run("check", "--partners").out
    assert "river/levels@by" in here.run("partners", "by").out

    entry["tables"]["river/levels"]["resource"] = str(uuid.uuid4())
    file.write_text(yaml.safe_dump({"by": entry}))
    checked = here.run("check", "--partners", "--json")
    assert (checked.code, checked.json["problems"][0]["rule"]) == (2, "http-missing")


def test_only_names_can_be_stated_without_a_schema(root, tmp_path):
    fields = {
        "level": {"column": "a", "unit": "cm"},
        "Level": {"column": "b", "missingValues": ["-"]},
        "none": {"constant": 1},
    }
    table = {"resource": "x", "fields": fields}
    entry = {"title": "x", "type": "ckan", "url": "http://127.0.0.1:9", "tables": {"a/b": table}}
    (root / "catalog/partners.yaml").write_text(yaml.safe_dump({"by": entry}, sort_keys=False))
    checked = Installation(root, tmp_path / "data").run("check", "--json")
    assert checked.code == 2
    assert [it["rule"] for it in checked.json["problems"]] == [
        "view-without-schema",
        "doubled-field",
        "view-without-schema",
    ]


def test_a_table_of_which_nothing_is_told_says_so():
    table = CkanTable(resource="x")
    with pytest.raises(SourceError) as caught:
        made(TableRef("a", "b"), table, Told([], {}), "by")
    assert caught.value.code == "partner-no-fields"


def test_names_are_legal_and_each_is_ones_own():
    columns = [
        "a",
        "A",
        "a 2",
        "a_2",
        "å",
        "_x",
        "2024",
        "",
        "(!)",
        "x" * 80,
        "x" * 81,
        "Ü.b",
        "a__b",
    ]
    names = named({it: it for it in columns}, ["B", "x"])
    assert list(names.values()) != columns
    assert len({it.casefold() for it in names.values()} | {"b", "x"}) == len(columns) + 2
    assert all(legal(it) == it for it in names.values())
    assert names["a"] == "a"
    assert names["a_2"] == "a_2"
    assert (names["A"], names["a 2"]) == ("A_3", "a_2_2")
    assert (names["_x"], names["2024"], names["å"]) == ("x_2", "f_2024", "aa")


@given(st.lists(st.text(max_size=70), unique=True, max_size=20))
def test_any_columns_can_be_named(columns):
    names = named({it: it for it in columns})
    assert names.keys() == set(columns)
    assert all(legal(it) == it for it in names.values())
    assert len({it.casefold() for it in names.values()}) == len(columns)


def test_a_key_is_one_only_where_it_cannot_be_null():
    def about(*columns: tuple[str, bool, bool]) -> Any:
        fields = [
            {"id": name, "schema": {"uniquekey": unique, "notnull": sure}}
            for name, unique, sure in columns
        ]
        return {"fields": [*fields, {"id": "x"}]}

    assert key_of(about(("a", True, True), ("b", True, True), ("c", False, True))) == ("a", "b")
    assert key_of(about(("a", True, True), ("b", True, False))) == ()
    assert key_of({}) == ()


def test_a_symbol_that_may_mean_another_unit_is_none():
    assert (ucum("°C"), ucum("m"), ucum("C"), ucum("ha"), ucum(None)) == (
        "Cel",
        "m",
        None,
        None,
        None,
    )
