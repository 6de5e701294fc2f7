"""The API from outside: what is shown, what never is, and how it is said."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
import structlog
from answering import CPR, HIDDEN_CELL, PAGES, ROWS, River, Site, answering, river_store, row
from yarl import URL

from publisher.messages import api, queries, several


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[River]:
    """For tests that change nothing."""
    with river_store(tmp_path_factory.mktemp("shared")) as store:
        yield store


@pytest.fixture
def own(tmp_path: Path) -> Iterator[River]:
    with river_store(tmp_path) as store:
        yield store


@pytest_asyncio.fixture
async def site(shared: River, tmp_path: Path) -> AsyncIterator[Site]:
    async with answering(shared, tmp_path / "data") as found:
        yield found


@pytest_asyncio.fixture
async def own_site(own: River, tmp_path: Path) -> AsyncIterator[Site]:
    async with answering(own, tmp_path / "data") as found:
        yield found


async def test_rows_are_given_with_offsets_in_the_keys_order(site: Site):
    answer = await site.rows("?select=station,seen_at,level,price,shape&version=1")
    assert answer == {
        "data": [
            {
                "station": "A",
                "seen_at": "2026-01-01T00:00:00Z",
                "level": 1.5,
                "price": 1.1,
                "shape": None,
            },
            {
                "station": "A",
                "seen_at": "2026-01-01T00:15:00Z",
                "level": None,
                "price": None,
                "shape": None,
            },
            {
                "station": "Å,b",
                "seen_at": "2026-06-30T22:00:00Z",
                "level": 2.5,
                "price": None,
                "shape": {"type": "Point"},
            },
        ],
        "next": None,
        "version": 1,
    }


async def test_decimals_are_exact(site: Site):
    answer = await site.client.get(f"{ROWS}?select=price&price__isnull=false&version=1")
    assert b'"price":1.10}' in await answer.read()


@pytest.mark.parametrize(
    ("query", "stations"),
    [
        ("?station=A", ["A", "A"]),
        ("?station__in=B,%22%C3%85,b%22", ["B", "Å,b"]),
        ("?limit__exact=7&version=1", ["A"]),
        ("?limit__isnull=false&version=1&limit=1", ["A"]),
        ("?level__gte=2.5&sort=-level", ["A", "Å,b"]),
        ("?level__not=2.5", ["A"]),
        ("?price=1.1&version=1", ["A"]),
        ("?price__lt=1000000000.001&version=1", ["A"]),
        ("?price__lt=1e2&version=1", ["A"]),
        ("?price=110E-2&version=1", ["A"]),
        ("?price__lt=1e-3&version=1", []),
        ("?ok=false", ["A"]),
        ("?day=2026-01-02", ["A"]),
        ("?time=2026-01", ["A", "A"]),
        ("?time=2026-01-01T00:15:00Z/..", ["A", "B", "Å,b"]),
        ("?time=../2026-01-01T00:15:00Z", ["A"]),
        ("?time=2026-07-01&tz=Europe/Copenhagen", ["Å,b"]),
        ("?time=2026-07-01", []),
        ("?time=9999", []),
        ("?time=9999-12-31&tz=-05:00", []),
        ("?time=now-P1D/..", []),
        ("?seen_at__gte=2026-01-01T01:15:00+01:00&station=A", ["A"]),
        ("?seen_at=2026-07-01T00:00&tz=%2B02:00", ["Å,b"]),
        ("?station__startswith=%C3%85", ["Å,b"]),
        ("?count__exact=9223372036854775807", []),
    ],
)
async def test_what_conditions_find(site: Site, query: str, stations: list[str]):
    answer = await site.rows(query)
    assert [row["station"] for row in answer["data"]] == stations


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Europe/Copenhagen", "2026-07-01T00:00:00+02:00"),
        ("+05:30", "2026-07-01T03:30:00+05:30"),
        ("America/St_Johns", "2026-06-30T19:30:00-02:30"),
        ("Z", "2026-06-30T22:00:00Z"),
    ],
)
async def test_times_are_shown_in_the_zone_asked_for(site: Site, zone: str, shown: str):
    answer = await site.rows(f"?tz={zone}&station__not=A&level__isnull=false")
    assert [row["seen_at"] for row in answer["data"]] == [shown]


@pytest.mark.parametrize(
    ("query", "code", "parameter", "said"),
    [
        ("?statoin=A", "unknown-parameter-near", "statoin", "station"),
        ("?statoin__in=A", "unknown-parameter-near", "statoin__in", "station__in"),
        ("?xyzzy=1", "unknown-parameter", "xyzzy", "xyzzy"),
        ("?station__gtt=A", "unknown-operator-near", "station__gtt", "gt"),
        ("?station=A&station=B", "repeated-parameter", "station", "station__in=a,b"),
        ("?limit=1&limit=2", "parameter-given-twice", "limit", "once"),
        ("?level__gt=1&level__gt=2", "parameter-given-twice", "level__gt", "once"),
        ("?shape__exact=1&shape__exact=2", "parameter-given-twice", "shape__exact", "once"),
        ("?count=1", "not-a-choice", "count", "estimated"),
        ("?units=level:s", "unit-not-of-field", "units", "UCUM"),
        ("?units=level:10*9999999.m", "unit-not-of-field", "units", "UCUM"),
        ("?units=level:10*99.10*99.10*99.10*99.m", "unit-not-of-field", "units", "UCUM"),
        ("?units=level:dB", "unit-not-of-field", "units", "UCUM"),
        ("?units=level:nonsense", "unit-not-of-field", "units", "UCUM"),
        ("?units=level", "not-a-unit", "units", "level:cm"),
        ("?units=station:m", "field-without-unit", "units", "station"),
        ("?sep=x", "not-a-choice", "sep", "tab"),
        ("?f=geojson", "no-place-fields", "f", "longitude"),
        ("?filter=level%20%3E", "filter-syntax", "filter", "8"),
        ("?bbox=1,2,3,4", "no-place-fields", "bbox", "longitude"),
        ("?offset=1&cursor=AAAA", "offset-and-cursor", "offset", "together"),
        ("?select=levle", "unknown-field-near", "select", "level"),
        ("?select=level,level", "name-twice", "select", "level"),
        ("?sort=shape", "not-sortable", "sort", "geojson"),
        ("?shape__exact=1", "operator-not-for-type", "shape__exact", "geojson"),
        ("?level__contains=1", "operator-not-for-type", "level__contains", "number"),
        ("?level=NaN", "not-a-number", "level", "NaN"),
        ("?level=1e999", "number-too-large", "level", "1e999"),
        ("?price=1e40", "number-too-large", "price", "1e40"),
        ("?price=1e-39", "number-too-large", "price", "1e-39"),
        ("?price=e5", "not-a-number", "price", "e5"),
        ("?level=", "empty-value", "level", "isnull"),
        ("?count__exact=9223372036854775808", "integer-too-large", "count__exact", "64 bits"),
        ("?count__exact=1.5", "not-an-integer", "count__exact", "1.5"),
        ("?count__exact=%D9%A3", "not-an-integer", "count__exact", "٣"),
        ("?ok=yes", "not-a-boolean", "ok", "true"),
        ("?day=2026-02-30", "not-a-date", "day", "2026-02-30"),
        ("?day=2026-W01-1", "not-a-date", "day", "2026-W01-1"),
        ("?seen_at=2026-02-30", "not-an-instant", "seen_at", "2026-02-30"),
        ("?seen_at=0001-01-01T00:00:00%2B14:00", "not-an-instant", "seen_at", "0001"),
        ("?time=yesterday", "not-an-interval", "time", "yesterday"),
        ("?time=../..", "not-an-interval", "time", "../.."),
        ("?time=2026-02-01/2026-01-01", "interval-backwards", "time", "earlier"),
        ("?time=now-P99999Y/..", "not-an-interval", "time", "now"),
        ("?station__in=%22A", "broken-list", "station__in", "comma"),
        ("?station=a%00b", "text-with-nul", "station", "NUL"),
        ("?tz=Mars/Olympus", "not-a-zone", "tz", "Mars"),
        ("?tz=localtime", "not-a-zone", "tz", "localtime"),
        ("?limit=0", "not-in-range", "limit", "10000"),
        ("?limit=10001", "not-in-range", "limit", "10000"),
        ("?version=-1", "not-in-range", "version", "-1"),
        ("?version=1&as_of=2026-01-01", "version-and-as-of", "as_of", "together"),
        ("?cursor=AAAA", "bad-cursor", "cursor", "cursor"),
        ("?cursor=%C3%A6", "bad-cursor", "cursor", "cursor"),
        ("?f=xml", "not-a-format", "f", "json"),
    ],
)
async def test_a_wrong_parameter_is_named_with_what_would_be_right(
    site: Site, query: str, code: str, parameter: str, said: str
):
    problem = await site.rows(query, 400)
    assert problem["code"] == code
    assert problem["parameter"] == parameter
    assert said in problem["detail"]
    assert "{" not in problem["detail"]


async def test_all_faults_are_told_at_once_in_danish_too(site: Site):
    problem = await site.rows(
        "?statoin=A&level=x&limit=0", 400, headers={"Accept-Language": "da, en;q=0.5"}
    )
    assert [one["code"] for one in problem["errors"]] == [
        "unknown-parameter-near",
        "not-a-number",
        "not-in-range",
    ]
    assert problem["title"] == "Forkert forespørgsel"
    assert problem["errors"][1]["detail"].startswith("level skal være et tal, ikke “x”")


async def test_a_list_has_at_most_a_thousand_items(site: Site):
    assert (await site.rows(f"?station__in={'a,' * 999}a"))["data"] == []
    problem = await site.rows(f"?station__in={'a,' * 1000}a", 400)
    assert problem["code"] == "long-list"
    for many in ("a&" * 16_000, "&".join(f"x{number}=1" for number in range(101))):
        for path in ("datasets", "datasets/river/levels/rows"):
            problem = await site.get(f"{path}?{many}", 400)
            assert (problem["code"], len(str(problem)) < 3_000) == ("many-parameters", True)
    problem = await site.rows("?" + "&".join(f"x{number}=1" for number in range(100)), 400)
    assert (problem["detail"][:3], len(problem["errors"])) == ("100", 20)
    assert [bool(one.get("allowed")) for one in problem["errors"]] == [True] + [False] * 19
    problem = await site.rows(f"?station={'a' * 33_000}", 414)
    assert problem["code"] == "address-too-long"


async def test_pages_are_followed_by_link_and_stay_on_their_version(own_site: Site):
    site = own_site
    found, url = [], f"{ROWS}?limit=1&sort=-level&select=station,level"
    while url:
        answer = await site.client.get(URL(url).relative() if "://" in url else url)
        body = orjson.loads(await answer.read())
        assert body["version"] == 2
        assert answer.headers["X-Table-Version"] == "2"
        assert answer.links.get("next", {}).get("url") == (body["next"] and URL(body["next"]))
        found += [tuple(row.values()) for row in body["data"]]
        await site.commit(row(f"new {len(found)}", "2026-03-01T00:00:00", 9.4))
        url = body["next"]
    assert found == [("A", 9.5), ("Å,b", 2.5), ("A", None), ("B", None)]


async def test_a_cursor_opens_only_its_own_query(site: Site):
    page = await site.rows("?limit=1&station=A")
    url = page["next"]
    assert (await site.get(url))["data"][0]["seen_at"] == "2026-01-01T00:15:00Z"
    for other in (
        url.replace("station=A", "station=B"),
        f"{url}&sort=level",
        url.replace("/river/levels/", "/empty/levels/"),
        url.replace("version=2", "version=1"),
        f"{url}==",
    ):
        assert (await site.get(other, 400))["code"] == "bad-cursor"
    assert (await site.get(url.replace("limit=1", "limit=5&select=level")))["version"] == 2


async def test_now_stays_the_same_on_later_pages(site: Site):
    page = await site.rows("?time=2026-01-01/now%2BP9999D&limit=1")
    assert "now" not in page["next"]
    assert len((await site.get(page["next"].replace("limit=1", "limit=9")))["data"]) == 3


async def test_an_instant_beside_a_cursor_is_of_the_same_version(own_site: Site):
    site = own_site
    page = await site.rows("?limit=1&version=1")
    cursor = page["next"].rpartition("=")[2]
    assert (await site.rows(f"?limit=1&cursor={cursor}"))["version"] == 1
    assert (await site.rows("?limit=1&as_of=2999-01-01&cursor=" + cursor, 400))[
        "code"
    ] == "bad-cursor"
    page = await site.rows("?limit=1")
    cursor = page["next"].rpartition("=")[2]
    assert (await site.rows("?limit=1&as_of=2999-01-01&cursor=" + cursor))["version"] == 2


async def test_versions_and_instants(own_site: Site):
    site = own_site
    first = await site.rows("?version=1&station=A&select=level&sort=-level")
    assert [row["level"] for row in first["data"]] == [1.5, None]
    assert (await site.rows("?version=0")) == {"data": [], "next": None, "version": 0}
    assert (await site.rows("?version=3", 404))["code"] == "unknown-version"
    assert (await site.rows("?as_of=2020-01-01", 404))["code"] == "no-version-yet"
    assert (await site.rows("?as_of=2999-01-01"))["version"] == 2
    desk, ref = site.store.desk, site.store.river.ref
    newest = datetime.fromisoformat((await site.get("datasets/river/levels"))["updatedAt"])
    await asyncio.to_thread(desk.store.prune_history, desk.con, ref, newest)
    for query in ("?version=1", "?as_of=2020-01-01"):
        assert (await site.rows(query, 410))["code"] == "version-gone"


async def test_a_table_without_a_version_is_empty(site: Site):
    for query in ("", "?as_of=2020-01-01", "?as_of=2999-01-01", "?version=0"):
        answer = await site.get(f"datasets/empty/levels/rows{query}")
        assert answer == {"data": [], "next": None, "version": 0}
    table = await site.get("datasets/empty/levels")
    assert (table["version"], table["rows"], table["updatedAt"]) == (0, 0, None)


async def test_csv_is_rfc_4180(site: Site):
    answer = await site.client.get(
        f"{ROWS}?select=station,ok,level,shape&version=1", headers={"Accept": "text/csv"}
    )
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert (await answer.read()).decode() == (
        "station,ok,level,shape\r\n"
        "A,true,1.5,\r\n"
        "A,false,,\r\n"
        '"Å,b",,2.5,"{""type"":""Point""}"\r\n'
    )


async def test_csv_is_written_for_whoever_reads_it(site: Site):
    answer = await site.client.get(
        f"{ROWS}?select=station,level,price&version=1&f=csv&sep=;&decimal=,&bom=1"
    )
    assert (await answer.read()) == (
        "\ufeffstation;level;price\r\nA;1,5;1,10\r\nA;;\r\nÅ,b;2,5;\r\n"
    ).encode()


async def test_rows_as_lines_and_as_arrays(site: Site):
    objects = await site.rows("?version=1&limit=2")
    arrays = await site.rows("?version=1&limit=2&shape=arrays")
    assert [dict(zip(arrays["fields"], row, strict=True)) for row in arrays["data"]] == objects[
        "data"
    ]
    answer = await site.client.get(f"{ROWS}?version=1&limit=2&f=ndjson")
    assert answer.content_type == "application/x-ndjson"
    lines = (await answer.read()).splitlines()
    assert [orjson.loads(line) for line in lines] == objects["data"]
    assert "next" in answer.links


async def test_numbers_are_given_in_the_unit_asked_for(site: Site):
    cells = await site.rows("?version=1&units=level:cm&select=level&level__gt=0")
    assert cells["data"] == [{"level": 150.0}, {"level": 250.0}]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("application/json;q=0.5, text/csv", "text/csv"),
        ("text/*", "text/csv"),
        ("image/png", "application/problem+json"),
    ],
)
async def test_accept_decides_the_format(site: Site, accept: str, kind: str):
    answer = await site.client.get(ROWS, headers={"Accept": accept})
    assert answer.content_type == kind
    assert answer.status == (406 if "problem" in kind else 200)


async def test_a_commit_is_seen_at_once(own_site: Site):
    site = own_site
    held = (await site.client.get(ROWS)).headers["ETag"]
    await site.commit(row("C", "2026-03-01T00:00:00", 3.0))
    answer = await site.client.get(ROWS, headers={"If-None-Match": held})
    assert (answer.status, answer.headers["X-Table-Version"]) == (200, "3")


async def test_datasets_are_found_and_paged(site: Site):
    everything = await site.get("datasets")
    assert [one["name"] for one in everything["data"]] == ["empty", "river"]
    assert everything["data"][1]["publisher"]["title"] == "Opdigtet Kommune"
    for query, names in (
        ("?q=WATER", ["river"]),
        ("?q=vandstand+lava", []),
        ("?q=a%CC%8Aen", ["river"]),
        ("?theme=envi&keyword=vand", ["river"]),
        ("?publisher=made-up", ["empty", "river"]),
        ("?publisher=nobody", []),
    ):
        found = await site.get(f"datasets{query}")
        assert [one["name"] for one in found["data"]] == names, query
    first = await site.get("datasets?limit=1")
    second = await site.get(first["next"])
    assert [first["data"][0]["name"], second["data"][0]["name"]] == ["empty", "river"]
    assert second["next"] is None
    assert (await site.get("datasets?qq=1", 400))["code"] == "unknown-parameter-near"


async def test_schemas_and_sources_are_paged_too(site: Site):
    for kind, key in (("schemas", "name"), ("sources", "id")):
        everything = await site.get(kind)
        first = await site.get(f"{kind}?limit=1")
        second = await site.get(first["next"])
        assert first["data"] + second["data"] == everything["data"]
        assert [one[key] for one in everything["data"]] == sorted(
            one[key] for one in everything["data"]
        )
        assert (len(first["data"]), second["next"], everything["next"]) == (1, None, None)
    problem = await site.get("/healthz?x=1", 400)
    assert (problem["code"], problem.get("allowed")) == ("takes-no-parameters", None)


async def test_a_table_tells_what_can_be_asked_of_it(site: Site):
    dataset = await site.get("datasets/river")
    assert dataset["tables"][0]["quality"]["quarantined"] == 2
    table = await site.get("datasets/river/levels")
    assert (table["version"], table["rows"], table["oldestVersion"]) == (2, 4, 1)
    assert table["roles"] == {"entity": ["station"], "time": ["seen_at"]}
    assert table["fields"][2] == {"name": "level", "type": "number", "unit": "m"}
    assert table["primaryKey"] == ["station", "seen_at"]
    assert (await site.get(table["links"]["rows"]))["version"] == 2


async def test_the_quarantine_is_counted_and_never_quoted(site: Site):
    answer = await site.get("datasets/river/levels/quarantine")
    assert answer == {
        "total": 2,
        "data": [
            {"rule": "constraint-error", "field": None, "count": 1, "rows": [5]},
            {"rule": "type-error", "field": "level", "count": 1, "rows": [4]},
        ],
    }


async def test_personal_fields_quarantined_cells_and_drafts_are_never_shown(site: Site):
    for path in PAGES:
        answer = await site.client.get(path, headers={"Accept-Encoding": "identity"})
        text = (await answer.read()).decode()
        assert answer.status == 200, path
        text = text.replace("changed_since", "")  # a parameter, where the grammar is told
        for hidden in (CPR, HIDDEN_CELL, "warden", "_since", "draft-schema", "draft.levels"):
            assert hidden not in text, (path, hidden)
    for query in ("warden=x", "warden__isnull=true", "select=warden", "sort=warden", "_row=1"):
        personal = await site.rows(f"?{query}", 400)
        missing = await site.rows(f"?{query.replace('warden', 'qqqqqq')}", 400)
        assert personal["code"] == missing["code"]
    for path in ("", "/levels", "/levels/rows", "/levels/runs", "/levels/quarantine"):
        draft = await site.get(f"datasets/draft{path}", 404)
        missing = await site.get(f"datasets/nobody{path}", 404)
        assert draft["code"] == missing["code"] == "dataset-not-found"
    assert (await site.get("schemas/draft-schema", 404))["code"] == "schema-not-found"
    assert (await site.get("schemas/levels@9.9.9", 404))["code"] == "schema-not-found"
    assert (await site.get("sources/draft.levels", 404))["code"] == "source-not-found"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "no-such-page"),
        ("GET", "/v1/datasets/", 404, "no-such-page"),
        ("GET", "/v1/datasets/river/nothing", 404, "table-not-found"),
        ("POST", ROWS, 405, "method-not-allowed"),
        ("DELETE", "/v1/datasets", 405, "method-not-allowed"),
        ("GET", "/v1/datasets/%3Cscript%3E", 404, "dataset-not-found"),
    ],
)
async def test_every_failure_is_a_problem(
    site: Site, method: str, path: str, status: int, code: str
):
    answer = await site.client.request(method, path)
    problem = orjson.loads(await answer.read())
    assert answer.content_type == "application/problem+json"
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"/docs#{code}"
    assert {"type", "title", "status", "detail", "instance"} <= problem.keys()
    if status == 405:
        assert "GET" in answer.headers["Allow"]


async def test_a_fault_of_ours_says_its_number_and_nothing_of_the_inside(
    own: River, tmp_path: Path
):
    own.desk.con.execute('DROP TABLE store.data."river/levels"')
    async with answering(own, tmp_path / "data") as site:
        with structlog.testing.capture_logs() as logged:
            problem = await site.rows(status=500)
    assert problem["code"] == "internal-error"
    assert logged[0]["id"] in problem["detail"]
    text = orjson.dumps(problem).decode()
    assert not re.search(r"Traceback|Catalog|DROP|store\.data|\.py", text)


async def test_a_cursor_outlives_a_restart_and_the_key_is_ours_alone(shared: River, tmp_path: Path):
    async with answering(shared, tmp_path / "a") as site:
        url = (await site.rows("?limit=1"))["next"]
        assert (tmp_path / "a" / "secret.key").stat().st_mode & 0o777 == 0o600
    async with answering(shared, tmp_path / "a") as again:
        assert len((await again.get(url))["data"]) == 1
    async with answering(shared, tmp_path / "b") as other:
        assert (await other.get(url, 400))["code"] == "bad-cursor"


async def test_links_begin_with_the_public_address(shared: River, tmp_path: Path):
    async with answering(shared, tmp_path, public_url="https://data.example.org/open/") as site:
        page = await site.rows("?limit=1")
        assert page["next"].startswith("https://data.example.org/open/v1/datasets/river/levels/")


async def test_the_reading_page_needs_nothing_else_and_explains_every_problem(site: Site):
    answer = await site.client.get("/docs")
    text = (await answer.read()).decode()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script|<link|<img|src=|https?://", text)
    assert all(f'id="{code}"' in text for code in (*api.API, *queries.QUERIES, *several.SEVERAL))
