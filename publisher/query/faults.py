"""Faults of a query, told all at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from publisher.errors import ParameterError


class Faults:
    """Collects what is wrong, so that a caller learns of all of it at once."""

    def __init__(self) -> None:
        self._found: list[ParameterError] = []

    @contextmanager
    def collected(self) -> Iterator[None]:
        try:
            yield
        except ParameterError as error:
            self._found.append(error)

    def settle(self) -> None:
        """Raise what was found: the one fault, or ``wrong-parameters`` with all ``faults``."""
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            raise ParameterError(
                "wrong-parameters", count=len(self._found), faults=tuple(self._found)
            )
