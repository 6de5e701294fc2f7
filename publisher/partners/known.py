"""What a partner told of itself, which is taken to be true for a while."""

import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from publisher.errors import SourceError, SourceUnavailableError

FRESH = 300.0
"""Seconds for which it is."""

T = TypeVar("T")


class Known(Generic[T]):
    """What is known under each name."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[T, float]] = {}

    async def get(self, name: str, look: Callable[[], Awaitable[T]]) -> T:
        """Give it; *look* finds it where nothing is known, and may raise SourceError."""
        return await self._get(name, look, FRESH)

    async def at_least(self, name: str, look: Callable[[], Awaitable[T]], fresh: float) -> T:
        """Give it as it was *fresh* seconds ago at the most; older, where *look* cannot find it."""
        try:
            return await self._get(name, look, fresh)
        except SourceError:
            if name not in self._found:
                raise
            return self._found[name][0]

    async def _get(self, name: str, look: Callable[[], Awaitable[T]], fresh: float) -> T:
        found = self._found.get(name)
        if found is None or time.monotonic() - found[1] >= fresh:
            found = (await look(), time.monotonic())
            self._found[name] = found
        return found[0]

    def peek(self, name: str) -> T | None:
        """Give what is known, however old."""
        found = self._found.get(name)
        return None if found is None else found[0]

    def doubt(self, name: str) -> None:
        """Look anew before it is given again."""
        if name in self._found:
            self._found[name] = (self._found[name][0], -math.inf)

    def forget(self, name: str) -> None:
        self._found.pop(name, None)

    @contextmanager
    def trusted(self, name: str) -> Iterator[None]:
        """Forget it where a question that is built on it is refused."""
        try:
            yield
        except SourceError as error:
            if is_refusal(error):
                self.forget(name)
            raise


def is_refusal(error: SourceError) -> bool:
    """Tell whether the question is what a partner found wrong."""
    return error.code == "http-status" and not isinstance(error, SourceUnavailableError)
