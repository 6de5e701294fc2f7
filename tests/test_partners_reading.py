"""Partners' rows are read while others are still asked, and no longer than one query may take."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from federating import Loop, Town, publisher_at, towns
from partner_faults import Middle, late
from test_partners import SCHEMA
from test_partners_walks import row

from publisher.api import federated
from publisher.query import loads
from publisher.validation.units import conversion

SECONDS = 1
NAMES = ("east", "north", "west", "south")
ENDLESS = "SELECT count(*) FROM range(100000000) AS a, range(100000) AS b"


@pytest.fixture
def four(tmp_path: Path) -> Iterator[tuple[Town, str, Middle]]:
    """Four partners, the question to them all, and what stands before the last of them."""
    loop = Loop()
    with towns(tmp_path, "here", "there", query_timeout=SECONDS) as (here, there):
        middle = Middle(there.url)
        loop.run(middle.start())
        tables = []
        for name in NAMES:
            here.befriend(name, publisher_at(middle.url if name == NAMES[-1] else there.url))
            made = there.table(SCHEMA, name, [row(name, n, n) for n in range(5)])
            tables.append(f"from={made.ref}@{name}")
        question = "/v1/query?" + "&".join(tables)
        assert len(here.get(question)["data"]) == 20
        yield here, question, middle
        loop.run(middle.close())
    loop.close()


def endless(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have reading never end; gives what was begun, and what ended."""
    told: list[str] = []

    def load(con: Any, name: str, several: Any) -> Any:
        told.append("begin")
        try:
            con.execute(ENDLESS).fetchall()
        finally:
            told.append("end")

    monkeypatch.setattr(loads, "_loaded", load)
    return told


def test_rows_are_read_before_the_last_has_answered(four, monkeypatch):
    here, question, middle = four
    told: list[str] = []
    real = loads._loaded

    def load(con: Any, name: str, several: Any) -> Any:
        told.extend(ask.remote.partner for ask, _ in several)
        return real(con, name, several)

    monkeypatch.setattr(loads, "_loaded", load)
    middle.planned = [late(0.7)]
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(here.get, f"{question}&limit=9")
        time.sleep(0.5)
        assert sorted(told) == sorted(NAMES[:-1])
        assert len(answer.result()["data"]) == 9
    assert sorted(told) == sorted(NAMES)


def test_all_reading_of_a_question_is_stopped_when_its_time_is_over(four, monkeypatch):
    here, question, _ = four
    told = endless(monkeypatch)
    began = time.monotonic()
    problem = here.get(f"{question}&limit=7", 504)
    assert (problem["code"], len(told)) == ("query-timeout", 2)
    assert f"more than {SECONDS}.0 seconds" in problem["detail"]
    assert time.monotonic() - began < 2 * SECONDS + 1


def test_who_goes_away_leaves_nothing_being_read(four, monkeypatch):
    here, question, _ = four
    told = endless(monkeypatch)
    with pytest.raises(requests.Timeout):
        requests.get(f"{here.url}{question}&limit=7", timeout=0.3)
    for _ in range(100):
        if told.count("end") == len(told) - told.count("end") == 1:
            break
        time.sleep(0.05)
    else:
        pytest.fail(f"it goes on: {told}")
    monkeypatch.undo()
    assert len(here.get(f"{question}&limit=8")["data"]) == 8


@pytest.mark.parametrize(
    ("asked", "aside"),
    [
        ("station=b", False),
        ("units=level:m", True),  # for which all units there are may have to be loaded
        ("filter=level > 1", True),
        (f"station__in={','.join('abcdefgh' * 32)}", True),
    ],
)
def test_what_may_take_long_to_read_is_read_beside_the_loop(four, monkeypatch, asked, aside):
    here, question, _ = four
    told = []
    real = federated.prepare_federated

    def prepare(*given: Any, **stated: Any) -> Any:
        with suppress(RuntimeError):
            told.append(asyncio.get_running_loop())
        return real(*given, **stated)

    conversion("cm", "m")  # the first would take longer than there is time
    monkeypatch.setattr(federated, "prepare_federated", prepare)
    one = question.partition("&")[0]
    here.get(f"{one}&{asked}")
    assert bool(told) is not aside
