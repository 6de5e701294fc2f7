"""What a partner says of the time is not believed, nor where its name leads to taken as checked."""

import functools
import itertools
import re
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from federating import Loop, Town, publisher_at, towns
from partner_faults import Fault, Forward, Middle, plan, redirect, status, telling
from partner_kinds import keys_of, rows_of
from standards import Standards
from test_partners import SCHEMA
from test_partners_standards import befriend

from publisher.sources.guard import Guard

QUESTION = "/v1/query?from=river/levels@norddjurs&limit=100"
ROWS = rows_of("b", 25)
PUBLIC = "127.0.0.2"
"""Plays an address of the public network."""
NAME = "partner.test"
_titles = itertools.count()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Middle, Middle]]:
    loop = Loop()
    with towns(tmp_path_factory.mktemp("names"), "here", "there") as (here, there):
        there.table(SCHEMA, "river", ROWS)
        rows = Middle(there.url, host=PUBLIC)
        everything = Middle(there.url, "/v1/")
        for middle in (rows, everything):
            loop.run(middle.start())
        yield here, rows, everything
        for middle in (rows, everything):
            loop.run(middle.close())
    loop.close()


@pytest.fixture
def clock(served: tuple[Town, Middle, Middle]) -> tuple[Town, Middle]:
    """Give both, the partner met for the first time."""
    here, _, middle = served
    middle.planned.clear()
    here.befriend("norddjurs", publisher_at(middle.url, title=f"{next(_titles)}", stale="PT1H"))
    for _ in range(2):  # it is made anew by the first, and its table known from the second on
        assert here.get(QUESTION)["complete"]
    return here, middle


def http_date(hours: float, seconds: float = 0) -> str:
    moment = datetime.now(UTC) + timedelta(hours=hours, seconds=seconds)
    return format_datetime(moment, usegmt=True)


def left_alone(here: Town) -> int:
    """Give the seconds that the partner is left alone for."""
    [theirs] = here.get(f"{QUESTION}&count=none")["sources"]["data"]
    assert theirs["problem"]["code"] == "partner-resting"
    return int(re.search(r"(\d+) s", theirs["problem"]["detail"])[1])


@pytest.mark.parametrize("hours", [-7, 0, 7])
def test_a_wait_until_a_time_is_by_the_clock_that_told_it(clock, hours):
    here, middle = clock
    plan(middle, status(503, Date=http_date(hours), Retry_After=http_date(hours, 20)))
    [theirs] = here.get(QUESTION)["sources"]["data"]
    assert theirs["problem"]["code"] == "http-busy"
    assert 15 <= left_alone(here) <= 21
    assert here.get("/v1/partners/norddjurs")["state"] == "open"


@pytest.mark.parametrize(
    ("stated", "least", "most"),
    [
        (-48, 1, 1),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1, 1),
        (24 * 365 * 5, 299, 300),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 299, 300),
        ("Fri, 31 Dec 9999 23:59:59 -1200", 1, 300),
        ("Mon, 01 Jan 0001 00:00:00 +1200", 1, 300),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", 1, 300),
        ("0", 1, 1),
        ("-30", 1, 5),
        ("1e9", 1, 5),
        ("nan", 1, 5),
        ("9" * 30, 299, 300),
        ("9" * 400, 299, 300),  # which is infinite as a number
        ("", 1, 5),
    ],
)
def test_no_wait_is_below_a_second_or_above_the_longest(clock, stated, least, most):
    here, middle = clock
    told = stated if isinstance(stated, str) else http_date(stated)
    plan(middle, status(429, Retry_After=told))
    [theirs] = here.get(QUESTION)["sources"]["data"]
    assert theirs["problem"]["code"] == "http-busy"
    assert least <= left_alone(here) <= most


@pytest.mark.parametrize("hours", [-7, 7, 24 * 365 * 50])
def test_ages_are_by_our_own_clock(clock, hours):
    here, middle = clock
    told = http_date(hours)
    plan(middle, telling(Date=told, Last_Modified=told, Age="99999", Expires=told))
    [theirs] = here.get(QUESTION)["sources"]["data"]
    retrieved = datetime.fromisoformat(theirs["retrievedAt"])
    assert abs(datetime.now(UTC) - retrieved) < timedelta(seconds=30)
    assert theirs["age"] is None
    plan(middle, status(500))
    [theirs] = here.get(f"{QUESTION}&count=none")["sources"]["data"]
    assert theirs["status"] == "partial"
    assert 0 <= theirs["age"] < 30


def updated_at(stated: Any) -> Fault:
    async def answer(_: web.Request, forward: Forward) -> web.StreamResponse:
        code, headers, body = await forward()
        told = orjson.loads(body)
        for it in told["data"]:
            it["updatedAt"] = stated
        return web.Response(status=code, headers=headers, body=orjson.dumps(told))

    return answer


@pytest.mark.parametrize(
    "stated",
    [
        "2999-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
        "2026-01-01",
    ],
)
def test_a_dataset_of_the_future_is_listed(clock, stated):
    here, middle = clock
    middle.always = updated_at(stated)
    try:
        listed = here.get("/v1/datasets?source=norddjurs")["data"]
    finally:
        middle.always = None
    assert [it["name"] for it in listed] == ["river"]


@pytest.mark.parametrize("stated", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
def test_a_portals_time_beyond_all_time_is_none(clock, stated):
    here, _ = clock
    loop, other = Loop(), Standards()
    loop.run(other.start())
    portal = Middle(other.url, "/datasets/levels")
    loop.run(portal.start())
    try:
        befriend(here, portal, "opendatasoft", here.table(SCHEMA, "portal", []))

        async def modified(_: web.Request, forward: Forward) -> web.StreamResponse:
            code, headers, body = await forward()
            told = orjson.loads(body)
            told["metas"]["default"]["modified"] = stated
            return web.Response(status=code, headers=headers, body=orjson.dumps(told))

        portal.always = modified
        [listed] = here.get("/v1/datasets?source=other")["data"]
        assert (listed["name"], listed["updatedAt"]) == ("portal", None)
        assert len(portal.asked) == 1
    finally:
        loop.run(portal.close())
        loop.run(other.close())
        loop.close()


# Names


class Names(AbstractResolver):
    """Answers one after another of *answers*; the last again and again."""

    def __init__(self) -> None:
        self.answers: list[list[str]] = [[PUBLIC]]
        self.asked = 0

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: int = 0,  # noqa: ARG002 - each has its own
    ) -> list[ResolveResult]:
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in found
        ]

    async def close(self) -> None:
        pass


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    found = Names()
    monkeypatch.setattr(aiohttp, "ThreadedResolver", lambda: found)
    permits = Guard.permits

    def permitted(guard: Guard, host: str, port: int, address: str) -> bool:
        return address in {PUBLIC, "127.0.0.3"} or permits(guard, host, port, address)

    monkeypatch.setattr(Guard, "permits", permitted)
    monkeypatch.setattr("publisher.partners.publisher._PAGE", 10)
    return found


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a name asked for anew for each request."""
    forgetting = functools.partial(aiohttp.TCPConnector, use_dns_cache=False, force_close=True)
    monkeypatch.setattr(aiohttp, "TCPConnector", forgetting)


@pytest.fixture
def trap(served: tuple[Town, Middle, Middle]) -> Iterator[list[str]]:
    """Listen on this machine's own address, at the partner's port; counts who comes."""
    came: list[str] = []
    with socket.create_server(("127.0.0.1", served[1].port)) as listening:
        listening.settimeout(0.05)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    connection, address = listening.accept()
                except TimeoutError:
                    continue
                came.append(address[0])
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield came
        over.set()
        thread.join()


def named(served: tuple[Town, Middle, Middle], **stated: Any) -> tuple[Town, Middle]:
    """Give the partner by its name, met for the first time."""
    here, middle, _ = served
    middle.planned.clear()
    url = f"http://{NAME}:{middle.port}"
    here.befriend("norddjurs", publisher_at(url, title=f"{next(_titles)}", timeout=5, **stated))
    middle.public = url
    for _ in range(2):
        assert here.get(QUESTION)["complete"]
    return here, middle


PRIVATE = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.1.1", "::1", "::ffff:127.0.0.1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_elsewhere_by_the_next_page_is_not_followed(
    served, names, forgetful, trap, address
):
    here, _ = named(served)
    names.answers = [[PUBLIC], [address]]
    [theirs] = here.get(QUESTION)["sources"]["data"]
    assert names.answers == [[address]]
    assert (theirs["status"], theirs["problem"]["code"]) == ("failed", "http-address")
    assert trap == []


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_elsewhere_by_the_time_of_a_redirect_is_not_followed(
    served, names, forgetful, trap, address
):
    here, middle = named(served)
    plan(middle, redirect(f"http://{NAME}:{middle.port}/v1/datasets/river/levels/rows?f=ndjson"))
    names.answers = [[PUBLIC], [address]]
    [theirs] = here.get(QUESTION)["sources"]["data"]
    assert names.answers == [[address]]
    assert (theirs["status"], theirs["problem"]["code"]) == ("failed", "http-address")
    assert trap == []


def test_an_address_that_is_refused_is_no_way_out_where_others_do_not_answer(
    served, names, forgetful, trap
):
    here, _ = named(served)
    names.answers = [["127.0.0.3", "127.0.0.1"]]  # nobody listens at the first
    [theirs] = here.get(QUESTION)["sources"]["data"]
    assert (theirs["status"], theirs["problem"]["code"]) == ("failed", "http-connection")
    assert trap == []


def test_a_steward_may_say_that_a_name_leads_to_this_network(served, names, forgetful, trap):
    here, _ = named(served, privateNetwork=True)
    names.answers = [["127.0.0.1"]]
    [theirs] = here.get(QUESTION)["sources"]["data"]
    assert theirs["status"] == "failed"
    assert set(trap) == {"127.0.0.1"}  # which is how the tests above would fail
    names.answers = [["169.254.169.254"]]
    [theirs] = here.get(f"{QUESTION}&sort=at")["sources"]["data"]
    assert theirs["problem"]["code"] == "http-address"


def test_a_name_is_not_asked_for_again_while_its_address_is_known(served, names, trap):
    here, _ = named(served)
    asked = names.asked
    names.answers = [["127.0.0.1"]]
    page = here.get(QUESTION)
    assert page["complete"], page["sources"]
    assert sorted((it["station"], it["at"]) for it in page["data"]) == keys_of(ROWS)
    assert names.asked == asked
    assert trap == []
