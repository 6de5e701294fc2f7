"""What partners were asked for one question so far, and what came of it."""

from collections.abc import Sequence
from dataclasses import replace

from publisher.errors import SourceError
from publisher.partners import Ask, Status

_MORE = 8
"""Times as many rows are asked for where too many of them did not fit."""


class Asked:
    """An answer does for the same question with another limit too: a page ends where it does."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[Ask, Status]] = {}
        """By the name of the table."""
        self._before: dict[str, tuple[Ask, Status]] = {}
        """The answers in whose place those to questions for more are."""
        self._last: set[str] = set()
        """Of whom more was asked in vain."""

    def missing(self, asks: Sequence[Ask]) -> list[Ask]:
        """Give those of the *asks* that nothing is known of."""
        return [ask for ask in asks if not self._knows(ask)]

    def take(self, asks: Sequence[Ask], statuses: Sequence[Status]) -> None:
        """Take note of answers."""
        for ask, status in zip(asks, statuses, strict=True):
            if self._knows(ask):
                self._before[ask.remote.name] = self._answers[ask.remote.name]
            self._answers[ask.remote.name] = ask, status

    def recover(self) -> None:
        """Have the answer before it do where one to a question for more failed.

        One that is old has to do only where the other was old too.
        """
        for name, before in list(self._before.items()):
            status = self._answers[name][1]
            fresh = before[1].fetched is not None and before[1].problem is None
            if status.fetched is None or (fresh and status.problem is not None):
                self._answers[name] = self._before.pop(name)
                self._last.add(name)

    def of(self, asks: Sequence[Ask]) -> tuple[tuple[Ask, ...], list[Status]]:
        """Give what was asked for the *asks*, all of which are known, and what came of it."""
        found = [self._answers[ask.remote.name] for ask in asks]
        return tuple(ask for ask, _ in found), [status for _, status in found]

    def more(self, asks: Sequence[Ask], of: Sequence[int], end: int) -> list[Ask]:
        """Give what those *of* the asks are asked again; *end*: rows up to the end of the page."""
        found = []
        for ask in (asks[number] for number in of):
            if ask.limit is not None and ask.remote.name not in self._last:
                limit = end if ask.limit < end else ask.limit * _MORE
                found.append(replace(ask, limit=limit))
        return found

    def give_up(self, asks: Sequence[Ask], of: Sequence[int]) -> None:
        """Have those *of* the asks failed who have more, though none of what they gave fits."""
        for number in of:
            ask, status = self._answers[asks[number].remote.name]
            self._before.pop(ask.remote.name, None)
            error = SourceError("partner-not-rows", partner=ask.remote.partner)
            fail(status, error)

    def _knows(self, ask: Ask) -> bool:
        known = self._answers.get(ask.remote.name)
        return known is not None and replace(known[0], limit=ask.limit) == ask


def fail(status: Status, error: SourceError) -> None:
    """Have nothing come of it but the *error*."""
    status.fetched, status.problem, status.outcome, status.rows = None, error, "failed", 0
