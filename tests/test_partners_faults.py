"""Partners that are slow, dead or lying: each costs its own rows, and the answer says so."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import orjson
import partner_faults
import pytest
import requests
from aiohttp import web
from federating import Loop, Town, publisher_at, towns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from partner_faults import FAULTS, Middle, next_link, plan
from scale import scale
from test_partners import SCHEMA

START = datetime(2026, 3, 1)
BOTH = "from=river/levels&from=river/levels@norddjurs"
TIMEOUT = 1.0


def rows_of(station: str, count: int) -> list[tuple[Any, ...]]:
    return [
        (station, START + timedelta(hours=hour), hour % 7, None, 10.5, 56.0)
        for hour in range(count)
    ]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Middle]]:
    loop = Loop()
    folder = tmp_path_factory.mktemp("faults")
    with towns(folder, "here", "there", max_delivery_bytes=2_000_000) as (here, there):
        here.table(SCHEMA, "river", rows_of("a", 20))
        there.table(SCHEMA, "river", rows_of("b", 20))
        middle = Middle(there.url)
        loop.run(middle.start())
        yield here, middle
        loop.run(middle.close())
    loop.close()


@pytest.fixture
def river(served: tuple[Town, Middle], monkeypatch: pytest.MonkeyPatch) -> tuple[Town, Middle]:
    """Give both, the partner met for the first time."""
    for name, seconds in (("_BUSY", 0.2), ("_FIRST", 0.5), ("_LONGEST", 1.0)):
        monkeypatch.setattr(f"publisher.partners.breaker.{name}", seconds)
    here, middle = served
    middle.planned.clear()
    met_anew(here, middle)
    return here, middle


def met_anew(here: Town, middle: Middle, **stated: Any) -> None:
    title = f"Nabokommune {time.monotonic()}"
    here.befriend("norddjurs", publisher_at(middle.url, title=title, timeout=TIMEOUT, **stated))
    here.get("/v1/query?from=river/levels@norddjurs&limit=1")  # its fields are known from now on
    middle.asked.clear()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_costs_the_partners_rows_and_they_come_once_it_is_over(river, name: str):
    here, middle = river
    fault, code = FAULTS[name]
    plan(middle, fault)
    began = time.monotonic()
    answer = requests.get(f"{here.url}/v1/query?{BOTH}&limit=100", timeout=20)
    took = time.monotonic() - began
    page = answer.json()
    assert took < TIMEOUT + 0.5
    assert [it["station"] for it in page["data"]] == ["a"] * 20
    assert page["complete"] is False
    assert answer.headers["X-Complete"] == "false"
    [ours, theirs] = page["sources"]["data"]
    assert (ours["status"], theirs["problem"]["code"]) == ("successful", code)
    assert theirs["status"] == ("skipped" if code == "http-busy" else "failed")
    assert page["versions"] == {"river/levels": 1}
    assert page["next"] is None
    middle.planned.clear()
    time.sleep(1.1 if name == "429, come back" else 0.3)
    rest = here.get(page["resume"])
    assert rest["complete"] is True
    assert [it["station"] for it in rest["data"]] == ["b"] * 20


def test_rows_of_another_type_are_left_out_and_counted(river):
    here, middle = river
    plan(middle, partner_faults.other_types)
    page = here.get(f"/v1/query?{BOTH}&limit=100")
    assert len(page["data"]) == 20
    theirs = page["sources"]["data"][1]
    assert (theirs["status"], theirs["refused"], theirs["rows"]) == ("partial", 20, 0)
    assert page["complete"] is False


def rewritten(change: Any, **headers: str) -> Any:
    """Change the rows of an answer, or its headers."""

    async def answer(_: web.Request, forward: Any) -> web.StreamResponse:
        code, told, body = await forward()
        rows = change([orjson.loads(line) for line in body.splitlines()])
        body = b"".join(orjson.dumps(it, option=orjson.OPT_APPEND_NEWLINE) for it in rows)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=code, headers={**told, **named}, body=body)

    return answer


ALONE = "from=river/levels@norddjurs"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rows: [{**it, "station": "evil"} for it in rows], 0),
        (lambda rows: rows[::-1], 20),
        (lambda rows: [rows[0], *rows], 20),
    ],
)
def test_one_partners_rows_are_looked_at_before_they_are_passed_on(river, change, expected):
    here, middle = river
    plan(middle, rewritten(change))
    page = here.get(f"/v1/query?{ALONE}&station=b&time=2026&limit=100")
    times = [it["at"] for it in page["data"]]
    assert times == sorted(times)
    assert len(set(times)) == expected


def test_more_rows_than_were_asked_for_are_not_taken(river):
    here, middle = river
    plan(middle, rewritten(lambda rows: rows * 2))
    page = here.get(f"/v1/query?{ALONE}&limit=5")
    assert page["sources"]["data"][0]["problem"]["code"] == "partner-unlike"
    plan(middle, rewritten(lambda _: [], Link=f'<{middle.url}/v1/x>; rel="next"'))
    page = here.get(f"/v1/query?{ALONE}&limit=5")
    assert page["sources"]["data"][0]["problem"]["code"] == "partner-unlike"
    assert page["next"] is None


@pytest.mark.parametrize("question", [ALONE, BOTH, f"{BOTH}&by=station", f"{BOTH}&count=exact"])
def test_numbers_in_headers_that_are_none_cost_nothing_else(river, question):
    here, middle = river
    large = "9" * 30
    plan(middle, rewritten(list, X_Table_Version=large, X_Total_Count=large))
    assert here.get(f"/v1/query?{question}&limit=30")["data"]


def test_pages_that_lead_elsewhere_or_never_end_are_not_followed(river):
    here, middle = river
    # Groups need all the rows there are
    question = f"/v1/query?{BOTH}&by=station&agg=level:count,level:p50"
    plan(middle, next_link("http://127.0.0.1:9/v1/rows"))
    page = here.get(question)
    assert page["sources"]["data"][1]["problem"]["code"] == "http-elsewhere"
    met_anew(here, middle, maxRows=100)
    plan(middle, *[next_link(f"{middle.url}/v1/datasets/river/levels/rows?f=ndjson")] * 50)
    page = here.get(question)
    assert page["sources"]["data"][1]["problem"]["code"] == "partner-many-rows"
    assert len(middle.asked) < 10
    assert [it["level_count"] for it in page["data"]] == [20]


def test_who_would_rather_have_nothing_gets_503_and_the_reasons(river):
    here, middle = river
    plan(middle, partner_faults.status(500))
    problem = here.get(f"/v1/query?{BOTH}&partial=deny", 503)
    assert (problem["code"], problem["complete"]) == ("partial-denied", False)
    assert problem["sources"]["failed"] == 1


def test_a_partner_that_keeps_failing_is_left_alone_and_then_tried(river):
    here, middle = river
    plan(middle, *[partner_faults.status(500)] * 5)
    for _ in range(5):
        here.get(f"/v1/query?{BOTH}&limit=1")
    asked = len(middle.asked)
    page = here.get(f"/v1/query?{BOTH}&limit=1")
    theirs = page["sources"]["data"][1]
    assert (theirs["status"], theirs["problem"]["code"]) == ("skipped", "partner-resting")
    assert len(middle.asked) == asked
    assert here.get("/v1/partners")["data"][0]["state"] == "open"
    time.sleep(0.6)
    assert here.get(f"/v1/query?{BOTH}&limit=1")["complete"] is True
    assert here.get("/v1/partners/norddjurs")["state"] == "closed"


def test_an_older_answer_has_to_do_where_a_steward_allows_it(river):
    here, middle = river
    met_anew(here, middle, stale="PT1H")
    question = f"/v1/query?{BOTH}&sort=-at&limit=30"
    fresh = here.get(question)
    plan(middle, partner_faults.status(500))
    time.sleep(1)
    old = here.get(question + "&count=none")
    assert old["data"] == fresh["data"]
    theirs = old["sources"]["data"][1]
    assert (theirs["status"], theirs["problem"]["code"]) == ("partial", "http-status")
    assert 1 <= theirs["age"] < 20
    assert old["complete"] is False


def test_equal_questions_at_the_same_time_cost_the_partner_one(river):
    here, middle = river
    count = scale(200, 1_000)
    with ThreadPoolExecutor(50) as pool:
        question = f"/v1/query?{BOTH}&level__gte=3&limit=5"
        answers = list(pool.map(lambda _: here.get(question)["data"], range(count)))
    assert all(it == answers[0] for it in answers)
    assert len(middle.asked) < count / 10


def test_one_caller_has_few_questions_under_way_at_partners(river):
    here, middle = river
    met_anew(here, middle, connections=32)
    before = middle.busiest = middle.busy  # of the tests before this some may hang yet
    plan(middle, *[partner_faults.slow] * 40)
    with ThreadPoolExecutor(40) as pool:
        questions = [f"/v1/query?from=river/levels@norddjurs&limit={n + 1}" for n in range(40)]
        pages = list(pool.map(here.get, questions))
    assert all(page["complete"] for page in pages)
    assert 4 <= middle.busiest - before <= 8


def test_a_partner_is_asked_no_more_often_than_its_steward_says(river):
    here, middle = river
    met_anew(here, middle, rate=10)
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        questions = [f"/v1/query?{ALONE}&limit={n + 1}" for n in range(8)]
        pages = list(pool.map(here.get, questions))
    assert all(page["complete"] for page in pages), [page["sources"] for page in pages]
    assert time.monotonic() - began >= 0.6
    met_anew(here, middle, rate=0.5)
    page = here.get(f"/v1/query?{ALONE}&limit=9")
    assert page["sources"]["data"][0]["problem"]["code"] == "partner-late"


@settings(
    max_examples=scale(12, 300),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    faults=st.lists(
        st.none() | st.sampled_from([it for it in FAULTS if it != "a bomb"]), max_size=8
    ),
    limit=st.integers(3, 30),
    sort=st.sampled_from(["", "&sort=-level", "&sort=at", "&sort=note,-at"]),
)
def test_no_row_is_lost_or_doubled_whatever_happens_on_the_way(river, faults, limit, sort):
    here, middle = river
    met_anew(here, middle)
    middle.planned.clear()
    plan(middle, *[FAULTS[it][0] if it is not None else None for it in faults])
    found: list[tuple[str, str]] = []
    url: str | None = f"/v1/query?{BOTH}&limit={limit}{sort}"
    for _ in range(200):
        page = here.get(url)
        found += [(it["station"], it["at"]) for it in page["data"]]
        told = {it["id"]: it["status"] for it in page["sources"]["data"]}
        assert page["complete"] == all(it == "successful" for it in told.values())
        if url == (url := page["next"] or page.get("resume")) or not page["complete"]:
            time.sleep(0.25)
        if url is None:
            break
    else:
        pytest.fail("it never ends")
    expected = [
        (station, f"{(START + timedelta(hours=hour)).isoformat()}Z")
        for station in "ab"
        for hour in range(20)
    ]
    assert sorted(found) == expected
