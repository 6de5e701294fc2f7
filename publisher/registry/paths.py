"""Paths into descriptors, and those of them that lead to what nobody knows."""

from collections.abc import Iterable, Sequence
from functools import cached_property

Path = Sequence[str | int]
"""Keys and list positions that lead to a part of a document."""
Steps = tuple[str | int, ...]
ANY = "*"
"""In a path: any key or position."""


class Gone:
    """Paths whose values are lost, and with them all that stands below."""

    def __init__(self, paths: Iterable[Steps] = ()) -> None:
        self._paths = frozenset(paths)
        self._answers: dict[Steps, bool] = {}

    def holds(self, path: Steps) -> bool:
        """Tell whether *path* leads into what is gone; ``ANY`` on either side fits every step."""
        if not self._paths:
            return False
        if path not in self._answers:
            # A file may have ten thousands of them: only those with ANY are gone through
            self._answers[path] = (
                any(_fits(gone, path) for gone in self._paths)
                if ANY in path
                else any(path[:length] in self._paths for length in range(len(path) + 1))
                or any(_fits(gone, path) for gone in self._patterns)
            )
        return self._answers[path]

    @cached_property
    def _patterns(self) -> tuple[Steps, ...]:
        return tuple(path for path in self._paths if ANY in path)


def _fits(gone: Steps, path: Steps) -> bool:
    return len(gone) <= len(path) and all(
        ANY in pair or pair[0] == pair[1] for pair in zip(gone, path, strict=False)
    )
