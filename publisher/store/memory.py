"""What readers ask with every request, remembered until this process writes."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from publisher.model.values import TableRef

T = TypeVar("T")


class Memory(Generic[T]):
    """One value by table. Unless *lasting*, others may write too: nothing is remembered."""

    def __init__(self, *, lasting: bool) -> None:
        self._lasting = lasting
        self._values: dict[TableRef, T] = {}
        self._unsure: Counter[TableRef] = Counter()
        self._changing: Counter[TableRef] = Counter()
        self._changes = 0
        self._guard = threading.Lock()

    def get(self, ref: TableRef, look: Callable[[], T | None]) -> T | None:
        """Give the value, by *look* where it is not known.

        A reader that looked before a change and remembers after it would bring the old value
        back: the count of changes tells it not to.
        """
        known = self._values.get(ref)
        if known is not None:
            return known
        changes = self._changes
        found = look()
        if found is not None and self._lasting:
            with self._guard:
                if changes == self._changes and not self._unsure[ref]:
                    self._values[ref] = found
        return found

    def known(self, ref: TableRef) -> T | None:
        """Give the value as it is remembered; None where it has to be looked up."""
        return None if self._unsure[ref] else self._values.get(ref)

    def stands(self, ref: TableRef, value: T) -> bool:
        """Tell whether nothing was written since *value* was remembered, nor is about to be.

        Whoever asks after reading has read what *value* tells of.
        """
        # In this order: a change that has ended since was forgotten before it ended
        return not self._changing[ref] and self._values.get(ref) is value

    @contextmanager
    def changing(self, ref: TableRef) -> Iterator[Callable[[T], None]]:
        """Change what the value tells of, which is forgotten afterwards.

        Unless the function that this gives was told of the value that follows.
        """
        following: list[T] = []
        with self._guard:
            self._changing[ref] += 1
        try:
            yield following.append
        finally:
            with self._guard:
                self._changes += 1
                self._values.pop(ref, None)
                if following and self._lasting and not self._unsure[ref]:
                    self._values[ref] = following[-1]
                self._changing[ref] -= 1

    @contextmanager
    def unsure(self, ref: TableRef) -> Iterator[None]:
        """Have everyone look for themselves meanwhile, so that nobody trusts what is gone."""
        with self._guard:
            self._unsure[ref] += 1
            self._values.pop(ref, None)
        try:
            yield
        finally:
            with self._guard:
                self._unsure[ref] -= 1
