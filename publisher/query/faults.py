"""Faults of a query, told all at once."""

from types import TracebackType

from publisher.errors import ParameterError


class Faults:
    """Collects what is wrong in ``with`` blocks, so that a caller learns of all of it at once."""

    def __init__(self) -> None:
        self._found: list[ParameterError] = []

    def __enter__(self) -> None:
        return

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        if isinstance(error, ParameterError):
            self._found.append(error)
            return True
        return False

    def settle(self) -> None:
        """Raise what was found: the one fault, or ``wrong-parameters`` with all ``faults``."""
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            raise ParameterError(
                "wrong-parameters", count=len(self._found), faults=tuple(self._found)
            )
