"""A partner that is gone for a week, and comes back as another one than it was."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from federating import Loop, Town, publisher_at, towns
from partner_faults import Middle
from partner_kinds import keys_of, rows_of
from test_partners import SCHEMA

from publisher.errors import SourceUnavailableError
from publisher.model.values import TableRef
from publisher.partners.breaker import Breaker

WEEK = 7 * 24 * 3600.0
BOTH = "/v1/query?from=river/levels&from=river/levels@norddjurs"
OURS, THEIRS = rows_of("a", 8), rows_of("b", 20)
WIDER = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "flow", "type": "number"}]}
WORDS = {
    **SCHEMA,
    "fields": [
        {"name": it["name"], "type": "string"} if it["name"] == "level" else it
        for it in SCHEMA["fields"]
    ],
}


class Neighbours:
    """Two Publishers that are stopped and started; the other one keeps its address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stacks = {"here": ExitStack(), "there": ExitStack()}
        self._loop = Loop()
        self.towns: dict[str, Town] = {}
        self.middle = Middle("")

    def start(self, name: str) -> Town:
        """Start one on the data that it has, with the tables that it had."""
        [town] = self._stacks[name].enter_context(towns(self._folder, name))
        before = self.towns.get(name)
        if before is not None:
            town.entries.update(before.entries)
        self.towns[name] = town
        if name == "there":
            self.middle.target = town.url
            self._loop.run(self.middle.start())
        else:
            stated = {"title": "Nabokommune", "timeout": 2, "stale": "PT1H"}
            town.befriend("norddjurs", publisher_at(self.middle.url, **stated))
        return town

    def stop(self, name: str) -> None:
        if name == "there":
            self._loop.run(self.middle.close())
        self._stacks[name].close()

    def close(self) -> None:
        self._loop.run(self.middle.close())
        for stack in self._stacks.values():
            stack.close()
        self._loop.close()


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Neighbours]:
    """Give both, who wait for little and forget soon."""
    for name, seconds in (("breaker._FIRST", 0.2), ("breaker._LONGEST", 0.4)):
        monkeypatch.setattr(f"publisher.partners.{name}", seconds)
    monkeypatch.setattr("publisher.partners.federation.FRESH", 0.3)
    found = Neighbours(tmp_path)
    there = found.start("there")
    there.table(SCHEMA, "river", THEIRS)
    there.table(SCHEMA, "brook", rows_of("b", 2))
    there.table(SCHEMA, "creek", [])
    here = found.start("here")
    here.table(SCHEMA, "river", OURS)
    for name in ("river", "brook", "creek"):
        here.get(f"/v1/query?from={name}/levels@norddjurs")
    yield found
    found.close()


def changed_meanwhile(there: Town) -> None:
    """Have new rows, a corrected one, a field more, a field of another type, a table less."""
    corrected = (*THEIRS[0][:2], 99, *THEIRS[0][3:])
    news = [*rows_of("c", 5), corrected]
    there.table(WIDER, "river", [(*row, 1.5) for row in news])
    there.table(WORDS, "creek", [(*row[:2], "high", *row[3:]) for row in rows_of("d", 4)])
    del there.entries[TableRef("brook", "levels")]
    there.table(SCHEMA, "other", [])


def path_of(url: str) -> str:
    return "/v1/" + url.partition("/v1/")[2]


def status_of(page: Any) -> tuple[str, str | None]:
    [theirs] = [it for it in page["sources"]["data"] if it["id"] == "norddjurs"]
    return theirs["status"], theirs.get("problem", {}).get("code")


def walked(here: Town, url: str | None, found: list[Any]) -> list[tuple[str, str]]:
    """Follow all pages, and what is missing on them, until nothing is."""
    for _ in range(100):
        if url is None:
            return sorted((it["station"], it["at"]) for it in found)
        page = here.get(path_of(url))
        found += page["data"]
        url = page["next"] or page.get("resume")
        if not page["complete"]:  # it may be tried by another just now
            time.sleep(0.1)
    pytest.fail("it never ends")


def eventually(here: Town, query: str, status: int = 200) -> Any:
    """Ask until what is known of the partner is new."""
    for _ in range(50):
        answer = here.ask(query)
        if answer.status_code == status and (status != 200 or answer.json()["complete"]):
            return answer.json()
        time.sleep(0.1)
    pytest.fail(answer.text)


def test_a_walk_from_before_the_week_goes_on_after_it_with_every_row_once(both):
    here = both.towns["here"]
    first = here.get(f"{BOTH}&sort=at&limit=6")
    assert first["complete"]
    both.stop("here")
    both.stop("there")

    here = both.start("here")
    away = here.get(path_of(first["next"]))
    assert status_of(away) == ("failed", "http-connection")  # what was kept went with the process
    assert {it["station"] for it in away["data"]} == {"a"}
    rest = [*first["data"], *away["data"]]
    while away["next"]:
        away = here.get(path_of(away["next"]))
        assert not away["complete"]
        rest += away["data"]
    again = here.get(path_of(away["resume"]))
    assert (again["complete"], again["data"]) == (False, [])

    changed_meanwhile(both.start("there"))
    assert walked(here, again["resume"], rest) == keys_of([*OURS, *THEIRS])
    assert {it["level"] for it in rest} == set(range(20))  # as they were then


def test_a_walk_whose_version_is_gone_says_so(both):
    here = both.towns["here"]
    first = here.get(f"{BOTH}&sort=at&limit=6")
    both.stop("there")
    there = both.start("there")
    changed_meanwhile(there)
    later = datetime.now(UTC) + timedelta(days=1)
    there.desk.store.prune_history(there.desk.con, TableRef("river", "levels"), later)
    page = here.get(path_of(first["next"]))
    assert status_of(page) == ("failed", "http-missing")
    assert {it["station"] for it in page["data"]} == {"a"}
    anew = walked(here, f"{BOTH}&limit=6", [])
    assert anew == keys_of([*OURS, *THEIRS, *rows_of("c", 5)])


def test_its_tables_are_known_meanwhile_and_as_they_are_afterwards(both):
    both.stop("here")
    both.stop("there")
    here = both.start("here")
    for name in ("river", "brook", "creek"):
        page = here.get(f"/v1/query?from={name}/levels@norddjurs&sort=-level&select=note,level")
        assert status_of(page)[0] in {"failed", "skipped"}
        assert page["data"] == []
    here.get("/v1/query?from=nowhere/levels@norddjurs")  # nobody can tell

    there = both.start("there")
    changed_meanwhile(there)
    rows = eventually(here, "/v1/query?from=river/levels@norddjurs&limit=100&select=station,flow")
    flows = Counter((it["station"], it["flow"]) for it in rows["data"])
    assert flows == {("b", None): 19, ("b", 1.5): 1, ("c", 1.5): 5}
    words = eventually(here, "/v1/query?from=creek/levels@norddjurs&level=high")
    assert len(words["data"]) == 4
    gone = eventually(here, "/v1/query?from=brook/levels@norddjurs", 400)
    assert gone["code"].startswith("from-unknown-table")


def test_an_old_answer_has_to_do_for_its_time_and_no_longer(both, monkeypatch):
    here = both.towns["here"]
    fresh = here.get(f"{BOTH}&limit=100")
    both.stop("there")
    later = [0.0]
    shifted = SimpleNamespace(monotonic=lambda: time.monotonic() + later[0])
    monkeypatch.setattr("publisher.partners.stale.time", shifted)
    for seconds in (0, 3_500):
        later[0] = seconds
        page = here.get(f"{BOTH}&limit=100&count=none")
        assert status_of(page)[0] == "partial"
        assert page["data"] == fresh["data"]
        age = page["sources"]["data"][1]["age"]
        assert seconds <= age <= seconds + 60
    for seconds in (3_601, WEEK):
        later[0] = seconds
        page = here.get(f"{BOTH}&limit=100&count=none")
        assert status_of(page)[0] in {"failed", "skipped"}
        assert {it["station"] for it in page["data"]} == {"a"}


def test_it_is_asked_every_five_minutes_at_the_least_for_a_week():
    now = [0.0]
    breaker = Breaker("norddjurs", lambda: now[0])
    tries: list[float] = []
    told: set[Any] = set()
    while now[0] < WEEK:
        try:
            breaker.enter()
        except SourceUnavailableError as error:
            told.add(error.params["seconds"])
            now[0] += 1
        else:
            tries.append(now[0])
            breaker.failed()
    waits = [after - before for before, after in itertools.pairwise(tries)]
    assert waits[:11] == [0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 300]
    assert set(waits[11:]) == {300}
    assert told == set(range(1, 301))
    now[0] += 300
    breaker.enter()
    breaker.succeeded()
    assert breaker.state == "closed"
    for _ in range(5):
        breaker.enter()
        breaker.failed()
    now[0] += 5
    assert breaker.state == "half-open"  # and so it begins anew
