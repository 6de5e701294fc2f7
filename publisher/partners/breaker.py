"""When a partner is left alone: while it fails, and for as long as it asks for."""

from collections.abc import Callable

from publisher.errors import SourceUnavailableError

_FAILURES = 5
"""In a row, after which it is left alone."""
_FIRST, _LONGEST = 5.0, 300.0
"""Seconds that it is left alone for; each time twice as long."""
_BUSY = 5.0
"""Where it says that it is busy, but not for how long."""


class Breaker:
    """Closed while a partner answers; open while it is left alone; then one request tries it.

    *clock* gives seconds that never go back.
    """

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self._name = name
        self._clock = clock
        self._failures = 0
        self._rest = _FIRST
        self._until = 0.0
        self._tried = False

    @property
    def state(self) -> str:
        if self._clock() < self._until:
            return "open"
        return "half-open" if self._failures >= _FAILURES else "closed"

    def enter(self) -> None:
        """Raise SourceUnavailableError ``partner-resting`` where it is not to be asked now."""
        left = self._until - self._clock()
        if left > 0 or (self._failures >= _FAILURES and self._tried):
            raise SourceUnavailableError(
                "partner-resting", partner=self._name, seconds=max(1, round(left))
            )
        self._tried = self._failures >= _FAILURES

    def succeeded(self) -> None:
        self._failures, self._rest, self._tried = 0, _FIRST, False

    def failed(self) -> None:
        self._failures += 1
        self._tried = False
        now = self._clock()
        # Of those that were under way together only the first tells something
        if self._failures >= _FAILURES and now >= self._until:
            self._until = now + self._rest
            self._rest = min(self._rest * 2, _LONGEST)

    def left(self) -> None:
        """Take it that nothing was learnt: whoever asked went away."""
        self._tried = False

    def busy(self, seconds: float | None) -> None:
        """Leave it alone for the *seconds* that it asked for."""
        self._tried = False
        wait = _BUSY if seconds is None else min(max(seconds, 1.0), _LONGEST)
        self._until = max(self._until, self._clock() + wait)
