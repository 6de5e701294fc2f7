"""What happens in the demo, round by round, and what must come of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from publisher.demo.books import Books, Expected
from publisher.demo.departments import STEP, IndoorClimate, Parking, Traffic, WaterLevel
from publisher.demo.website import DOWN, LOGIN_PAGE, Page, Website

Act = Literal["arrival", "faults", "recovery", "silence", "more", "mended"]

OPENING: tuple[Act, ...] = ("arrival", "faults", "recovery", "silence")
"""One full round: everything that can happen, once."""

_ROUTES = "/aarhus/routes.csv"
_OBSERVATIONS = "/aarhus/observations.csv"
_CLIMATE = "/os2iot/api/v1/open-data-dk-sharing/1/data/2"
_PARKING = "/aarhus/parking.json"


@dataclass(frozen=True, slots=True)
class Round:
    number: int
    act: Act
    expected: tuple[Expected, ...]
    """Of each table, in the order in which they are harvested."""


class Story:
    """The departments together. Each round is made when it is asked for.

    The made-up time begins at noon (UTC) two days before *now* and takes a step each round,
    so that no opening meets the hour in which summer time begins or ends.
    """

    def __init__(self, website: Website, inbox: Path, *, seed: int, now: datetime) -> None:
        self._site = website
        noon = now.astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
        self._moment = noon - timedelta(days=2)
        self._water = WaterLevel(seed, inbox)
        self._traffic = Traffic(seed)
        self._climate = IndoorClimate(seed)
        self._parking = Parking(seed)

    @property
    def books(self) -> tuple[Books, ...]:
        """What each table must hold after the rounds so far."""
        return (
            self._water.books,
            self._traffic.routes,
            self._traffic.books,
            self._climate.books,
            self._parking.books,
        )

    def rounds(self) -> Iterator[Round]:
        """Give the opening, then more for ever: faults and recovery come back at times."""
        number = 0
        while True:
            number += 1
            if number <= len(OPENING):
                act = OPENING[number - 1]
            else:
                again: dict[int, Act] = {6: "faults", 7: "mended"}
                act = again.get(number % 8, "more")
            if act != "silence":
                self._moment += STEP
            yield Round(number, act, tuple(self._play(act)))

    def _play(self, act: Act) -> Iterator[Expected]:
        if act == "silence":
            yield from (Expected(books.ref, "unchanged") for books in self.books)
            return
        yield self._play_water(act)
        yield from self._play_traffic(act)
        climate, expected = self._climate.deliver(self._moment)
        self._show(_CLIMATE, climate, "application/json")
        yield expected
        yield self._play_parking(act)

    def _play_water(self, act: Act) -> Expected:
        if act == "faults":
            return self._water.deliver_stuck(self._moment)
        return self._water.deliver(self._moment)

    def _play_traffic(self, act: Act) -> Iterator[Expected]:
        if act == "recovery":
            self._traffic.add_route()
        if act in {"arrival", "recovery"}:
            routes, expected = self._traffic.deliver_routes()
            self._show(_ROUTES, routes, "text/csv")
            yield expected
        else:
            yield Expected(self._traffic.routes.ref, "unchanged")
        if act == "faults":
            self._site.pages[_OBSERVATIONS] = Page(LOGIN_PAGE, "text/html")
            yield Expected(self._traffic.books.ref, "failed", code="html-page")
            return
        observations, expected = self._traffic.deliver(self._moment)
        self._show(_OBSERVATIONS, observations, "text/csv")
        yield expected

    def _play_parking(self, act: Act) -> Expected:
        if act == "faults":
            self._site.pages[_PARKING] = DOWN
            return Expected(self._parking.books.ref, "failed", code="http-busy")
        parking, expected = self._parking.deliver(self._moment)
        self._show(_PARKING, parking, "application/json")
        return expected

    def _show(self, path: str, body: bytes, media_type: str) -> None:
        self._site.pages[path] = Page(body, media_type)
