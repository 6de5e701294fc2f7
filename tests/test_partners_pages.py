"""Pages of every kind of partner: they fail on the way, come again, or never end."""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from partner_faults import FAULTS, cut, drip, html, no_text, plan, reset, status, truncated
from partner_kinds import (
    KINDS,
    LINKED,
    PAGE,
    PAGED,
    START,
    Far,
    again,
    appended,
    keys_of,
    neighbours,
    next_to,
    rows_of,
)
from scale import scale
from support import CkanSite
from yarl import URL

TIMEOUT = 1.0
PATIENCE = 0.7
FAILING = [it for it in FAULTS if it != "a bomb"]
ON_THE_WAY = {
    "500": (status(500), "http-status"),
    "reset": (reset, "http-connection"),
    "cut off": (cut, "http-cut-off"),
    "a byte a second": (drip, "http-timeout"),
    "a page": (html, None),
}


@pytest.fixture(scope="module")
def all_kinds(ckan: CkanSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Far]]:
    with neighbours(tmp_path_factory.mktemp("pages"), ckan) as found:
        yield found


@pytest.fixture
def kinds(all_kinds: dict[str, Far], monkeypatch: pytest.MonkeyPatch) -> dict[str, Far]:
    """Give them with small pages, and little patience where they fail."""
    for name, seconds in (("_BUSY", 0.2), ("_FIRST", 0.5), ("_LONGEST", 1.0)):
        monkeypatch.setattr(f"publisher.partners.breaker.{name}", seconds)
    for module in ("publisher", "ckan"):
        monkeypatch.setattr(f"publisher.partners.{module}._PAGE", PAGE)
    monkeypatch.setattr("publisher.partners.opendatasoft._BEYOND", 5)
    return all_kinds


def keys(data: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((it["station"], it["at"]) for it in data)


@pytest.mark.parametrize("name", ON_THE_WAY)
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_on_the_second_page_costs_all_its_rows_and_they_come_again(kinds, kind, name):
    far = kinds[kind]
    fault, code = ON_THE_WAY[name]
    rows = [(f"b{n}", START, n, None, 10.5, 56.0) for n in range(20)]
    asked = far.meet(rows, timeout=TIMEOUT)
    # Of a portal that gives one export a longer one is asked for where too many are alike
    question = f"{asked}&sort=at&limit={3 if kind == 'opendatasoft' else 100}"
    plan(far.middle, None, fault)
    began = time.monotonic()
    page = far.here.get(f"/v1/query?{question}")
    assert time.monotonic() - began < TIMEOUT + 0.5
    [theirs] = page["sources"]["data"]
    assert far.middle.struck[:2] == [None, fault]
    assert (page["data"], page["complete"], theirs["status"]) == ([], False, "failed")
    assert code in {None, theirs["problem"]["code"]}
    far.middle.planned.clear()
    time.sleep(0.1)
    found, url = [], page["resume"]
    for _ in range(50):  # the machine may be busy
        page = far.here.get(url)
        found += page["data"]
        url = page["next"] or page.get("resume")
        if url is None:
            break
    assert keys(found) == keys_of(rows)


@pytest.mark.parametrize("kind", PAGED)
def test_who_gives_the_same_page_again_and_again_is_left_out(kinds, kind):
    far = kinds[kind]
    asked = far.meet(rows_of("b", 45), maxRows=200)
    far.middle.always = again()
    page = far.here.get(f"/v1/query?{asked}&by=station&agg=level:p50")
    [theirs] = page["sources"]["data"]
    told = (theirs["status"], theirs["problem"]["code"])
    assert told == ("failed", "partner-many-rows" if kind == "publisher" else "partner-unlike")
    assert page["data"] == []
    assert len(far.middle.asked) <= 25


@pytest.mark.parametrize("kind", LINKED)
def test_a_last_page_that_leads_back_to_the_first_is_not_followed_for_ever(kinds, kind):
    far = kinds[kind]
    asked = far.meet(rows_of("b", 12))
    plan(far.middle, None, None, next_to(lambda _: far.middle.url + far.middle.asked[0]))
    page = far.here.get(f"/v1/query?{asked}&by=station&agg=*:count")
    [theirs] = page["sources"]["data"]
    assert (theirs["status"], theirs["problem"]["code"]) == ("failed", "partner-unlike")
    assert len(far.middle.asked) == 4


@pytest.mark.parametrize("kind", LINKED)
def test_an_empty_page_with_a_next_one_is_not_the_end(kinds, kind):
    far = kinds[kind]
    rows = rows_of("b", 12)
    asked = far.meet(rows)
    plan(far.middle, None, next_to(lambda _: far.middle.url + far.middle.asked[1], empty=True))
    page = far.here.get(f"/v1/query?{asked}&limit=100")
    assert page["complete"], page["sources"]
    assert keys(page["data"]) == keys_of(rows)


@pytest.mark.parametrize("kind", LINKED)
def test_empty_pages_that_never_end_are_not_followed_for_ever(kinds, kind):
    far = kinds[kind]
    asked = far.meet(rows_of("b", 12))
    name = "offset" if kind == "ogc-features" else "$skip"
    numbers = itertools.count()
    far.middle.always = next_to(
        lambda url: str(URL(url).update_query({name: str(next(numbers))})), empty=True
    )
    plan(far.middle, None)
    page = far.here.get(f"/v1/query?{asked}&limit=100")
    [theirs] = page["sources"]["data"]
    assert (theirs["status"], theirs["problem"]["code"]) == ("failed", "partner-unlike")
    assert len(far.middle.asked) < 30


@pytest.mark.parametrize("kind", LINKED)
def test_what_is_no_row_at_all_is_not_passed_over(kinds, kind):
    far = kinds[kind]
    asked = far.meet(rows_of("b", 12))
    plan(far.middle, None, appended("not a row"))
    page = far.here.get(f"/v1/query?{asked}&limit=100")
    [theirs] = page["sources"]["data"]
    assert (theirs["status"], theirs["problem"]["code"]) == ("failed", "partner-unlike")


@settings(
    max_examples=scale(10, 200),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    faults=st.fixed_dictionaries(
        {
            kind: st.lists(st.none() | st.sampled_from(FAILING), max_size=5)
            for kind in ("publisher", "ckan")
        }
    ),
    limit=st.integers(3, 45),
    sort=st.sampled_from(["", "&sort=-level", "&sort=at", "&sort=note,-at"]),
    few=st.sampled_from([1, 1_000]),
)
def test_of_two_partners_no_row_is_lost_or_doubled_and_each_is_told_of_as_it_was(
    kinds, monkeypatch, faults, limit, sort, few
):
    monkeypatch.setattr("publisher.query.federated._CHEAP", few)
    monkeypatch.setattr("publisher.partners.ckan._BEYOND", few)
    here = kinds["publisher"].here
    fars = [kinds[kind] for kind in faults]
    rows = {far.name: rows_of(far.name, 20) for far in fars}
    asked = "&".join(far.meet(rows[far.name], timeout=PATIENCE) for far in fars)
    for far in fars:
        plan(far.middle, *[FAULTS[it][0] if it else None for it in faults[far.kind]])
    found: list[dict[str, Any]] = []
    url: str | None = f"/v1/query?{asked}&limit={limit}{sort}"
    for _ in range(200):
        for far in fars:
            far.middle.struck.clear()
        page = here.get(url)
        found += page["data"]
        told = {it["id"]: it["status"] for it in page["sources"]["data"]}
        given = {it["id"]: it["rows"] for it in page["sources"]["data"]}
        problems = {it["id"]: it.get("problem", {}).get("code") for it in page["sources"]["data"]}
        assert page["complete"] == all(it == "successful" for it in told.values())
        for far in fars:
            struck = set(far.middle.struck)
            if told[far.name] == "successful":
                # A connection that broke is tried once more; of no rows none can be half
                harmless = {None, reset, cut, *(() if given[far.name] else (truncated, no_text))}
                if few == 1:  # where it fails when it is asked for more, what it gave first does
                    came = [it for it in far.middle.struck if it not in {reset, cut}]
                    assert came[0] in harmless, page["sources"]
                else:
                    assert struck <= harmless, page["sources"]
                    assert far.middle.struck[-1] not in {reset, cut}
            elif struck == {None}:  # then the machine is busy
                assert problems[far.name] in {"http-timeout", "partner-late"}
            if told[far.name] == "successful" and page["next"] is None:
                there = [it for it in found if it["station"] == far.name]
                assert keys(there) == keys_of(rows[far.name])
        url = page["next"] or page.get("resume")
        if url is None:
            break
        if not page["complete"]:
            time.sleep(0.25)
    else:
        pytest.fail("it never ends")
    assert keys(found) == keys_of([row for several in rows.values() for row in several])
