"""A reader of a real CKAN, who polls without rest and knows what may be seen there.

    with Watcher(ckan.url) as watcher:
        watcher.allow(resource, 1, rows, key=("station", "at"))   # before anything of it is sent
        ...                                                       # publish it, and more versions
    assert watcher.violations == []
    assert watcher.gap_ms(resource) < 100

Three laws hold whatever befalls the sender:

- empty: no empty table where rows were, unless a version that may be there is empty;
- strange: no row that no version holds;
- ahead: a marker that says version N, and nothing of an upcoming one, tells of rows that are
  there. What is read after it is of N or later: no row that only older versions hold, and a total
  that a mix of N and later ones can have.

While a version is being sent, readers meet a mix of it and the one before, row by row. That is
allowed, and all that is.
"""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from scale import scale

Row = frozenset[tuple[str, Any]]

_VERSION, _UPCOMING = "publisher_version", "publisher_upcoming"
_SAMPLE = 200
_ENOUGH = 100


def canonical(row: Mapping[str, Any]) -> Row:
    """Give a row as it is compared: without CKAN's _id and without nulls.

    So a row is the same before and after a column is added that has no value yet.
    """
    return frozenset(
        (name, json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value)
        for name, value in row.items()
        if value is not None and name != "_id"
    )


@dataclass(frozen=True)
class Violation:
    law: str
    resource: str
    told: str


@dataclass(frozen=True, eq=False)
class _Version:
    number: int
    rows: frozenset[Row]
    keys: frozenset[Row]


@dataclass
class _Watched:
    """One resource: what may be seen there, and what has been."""

    versions: tuple[_Version, ...] = ()
    """Replaced as a whole, so that the reader's thread sees the old or the new one."""
    floor: int = 0
    """The newest version whose marker was read before now: rows are of it or of later ones."""
    total: int = 0
    """The last one seen that was not 0."""
    seen: bool = False
    """Whether it was ever there."""
    away_since: float | None = None
    gap: float = 0.0
    answers: Counter[int] = field(default_factory=Counter)
    bounds: tuple[int, int] = (0, 0)
    """The smallest and largest total that a mix of the possible versions can have."""
    bounds_of: tuple[_Version, ...] = ()

    def possible(self) -> tuple[_Version, ...]:
        found = tuple(version for version in self.versions if version.number >= self.floor)
        if found != self.bounds_of:
            keys = [version.keys for version in found] or [frozenset[Row]()]
            # Deletes go first, so of a mix no more is sure than what all of them hold.
            self.bounds = len(frozenset.intersection(*keys)), len(frozenset[Row]().union(*keys))
            self.bounds_of = found
        return found

    def forget(self) -> None:
        self.floor, self.total, self.seen, self.away_since = 0, 0, False, None


class Watcher:
    """Polls as an anonymous reader, from a thread of its own, from ``with`` to its end."""

    def __init__(self, url: str, *, interval: float = scale(300, 3) / 1_000) -> None:
        place = urlsplit(url)
        self.violations: list[Violation] = []
        self.rounds = 0
        self._wire = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        self._path = f"{place.path.rstrip('/')}/api/3/action/"
        self._interval = interval
        self._watched: dict[str, _Watched] = {}
        self._stop = threading.Event()
        self._turn = threading.Lock()
        """Held while one resource is read and judged."""
        self._thread = threading.Thread(target=self._run, name="watcher")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._wire.close()

    def watch(self, resource: str) -> None:
        """Look at *resource*; without versions only for emptiness and gaps."""
        self._watched.setdefault(resource, _Watched())

    def allow(
        self,
        resource: str,
        version: int,
        rows: Iterable[Mapping[str, Any]],
        *,
        key: Sequence[str],
    ) -> None:
        """Say what rows *version* holds, as datastore_search shows them.

        To be said before anything of it is sent. A version may be told again in another shape,
        as when a column is dropped or has another type: either shape is allowed.
        """
        held = [dict(row) for row in rows]
        told = _Version(
            version,
            frozenset(canonical(row) for row in held),
            frozenset(canonical({name: row[name] for name in key}) for row in held),
        )
        self.watch(resource)
        watched = self._watched[resource]
        watched.versions = (*watched.versions, told)

    def gap_ms(self, resource: str) -> float:
        """Give the longest time it answered 404 or 403 after it had been there."""
        watched = self._watched[resource]
        since = watched.away_since
        return 1000 * max(watched.gap, 0.0 if since is None else time.monotonic() - since)

    def answers(self, resource: str) -> Counter[int]:
        """Give how often each status was answered; 0: none came."""
        return self._watched[resource].answers

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Look away while somebody spoils things by hand and until they are put right.

        Afterwards nothing is known of what was there before.
        """
        with self._turn:
            yield
            for watched in self._watched.values():
                watched.forget()

    def wait(self, rounds: int = 3) -> None:
        """Return when everything was read *rounds* times from now."""
        until = self.rounds + rounds + 1
        while self.rounds < until and self._thread.is_alive():
            time.sleep(0.005)

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            for resource, watched in list(self._watched.items()):
                with self._turn:
                    self._look(resource, watched)
            self.rounds += 1

    def _look(self, resource: str, watched: _Watched) -> None:
        # The total comes from here: the one of datastore_search is a cached one, and to ask for
        # it holds up whoever changes the table's columns, for as long as a minute.
        info = self._ask(watched, "datastore_info", id=resource)
        if info is not None:
            # CKAN counts before it reads the dictionary: an older marker counts for the total.
            self._judge_total(resource, watched, info["meta"]["count"])
            watched.floor = max(watched.floor, _settled(info["fields"]))
        sample: dict[str, Any] = {"sort": "_id desc"}
        if self.rounds % 2:
            sample = {"sort": "_id", "offset": random.randrange(max(watched.total, 1))}
        found = self._ask(
            watched,
            "datastore_search",
            resource_id=resource,
            include_total=False,
            limit=_SAMPLE,
            **sample,
        )
        if found is not None:
            self._judge_rows(resource, watched, found["records"])

    def _judge_total(self, resource: str, watched: _Watched, total: int) -> None:
        possible, floor = watched.possible(), watched.floor
        fewest, most = watched.bounds
        if total == 0 and watched.total and all(version.rows for version in possible):
            self._note("empty", resource, f"no rows where {watched.total} were")
        elif floor and watched.versions and not fewest <= total <= most:
            self._note("ahead", resource, f"{total} rows after the marker of version {floor}")
        watched.total = total or watched.total

    def _judge_rows(self, resource: str, watched: _Watched, records: list[dict[str, Any]]) -> None:
        versions, possible = watched.versions, watched.possible()
        for record in records if versions else ():
            row = canonical(record)
            if any(row in version.rows for version in possible):
                continue
            if any(row in version.rows for version in versions):
                told = f"after the marker of version {watched.floor}: {record}"
                self._note("ahead", resource, told)
            else:
                self._note("strange", resource, str(record))

    def _note(self, law: str, resource: str, told: str) -> None:
        found = Violation(law, resource, told)
        if found not in self.violations and len(self.violations) < _ENOUGH:
            self.violations.append(found)

    def _ask(self, watched: _Watched, action: str, **parameters: Any) -> Any:
        """Give the result; None where there is none. Keeps the time that the resource is away."""
        try:
            self._wire.request(
                "POST",
                self._path + action,
                json.dumps(parameters),
                {"Content-Type": "application/json"},
            )
            answer = self._wire.getresponse()
            status, body = answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._wire.close()
            watched.answers[0] += 1
            return None
        now = time.monotonic()
        watched.answers[status] += 1
        if status == 200:
            if watched.away_since is not None:
                watched.gap = max(watched.gap, now - watched.away_since)
            watched.seen, watched.away_since = True, None
            return json.loads(body)["result"]
        if status in {403, 404} and watched.seen and watched.away_since is None:
            watched.away_since = now
        return None


def _settled(fields: list[dict[str, Any]]) -> int:
    """Give the version the marker tells of; 0 where there is none, or another is under way."""
    infos = [field.get("info") or {} for field in fields]
    told = {info[_VERSION] for info in infos if info.get(_VERSION)}
    if len(told) != 1 or any(info.get(_UPCOMING) for info in infos):
        return 0
    version = told.pop()
    return int(version) if version.isdecimal() else 0
