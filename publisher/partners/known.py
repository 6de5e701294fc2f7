"""What a partner told of itself, which is taken to be true for a while."""

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
        found = self._found.get(name)
        if found is None or time.monotonic() - found[1] >= FRESH:
            found = (await look(), time.monotonic())
            self._found[name] = found
        return found[0]

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
