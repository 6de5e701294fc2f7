"""Which tables of a question hold the same observations, and which of them is asked.

A table covers another where the other was harvested from it, at once or over others; and where both
came from one table under one schema, the one of all of it, or both of the same part. What another
covers is a copy and is left out: nobody's observation comes twice, and none is lost.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Candidate:
    """A table that is meant."""

    name: str
    """``dataset/table@partner``; ours have no ``@``."""
    key: str
    """Equal where two names are of one table."""
    schema: str = ""
    local: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """What a table was harvested from, as it says."""

    of: str
    """The other's key."""
    part: str = ""
    """What of it; nothing where that is all. Equal texts are equal parts."""
    known: bool = True
    """The other is ours or a partner's; of anybody else's, whoever names it could lie."""


@dataclass(frozen=True, slots=True)
class Chosen:
    copies: Mapping[str, str] = field(default_factory=dict)
    """Those that are left out, and the table that is asked for each."""
    instead: Mapping[str, str] = field(default_factory=dict)
    """Those that are asked because another could not be, and that other."""
    replaced: frozenset[str] = frozenset()
    """Those that could not be asked, and for all of whose rows another is asked."""

    @property
    def written(self) -> list[list[tuple[str, str]]]:
        """What a cursor says of it."""
        return [list(self.copies.items()), list(self.instead.items())]

    @classmethod
    def read(cls, written: Any) -> "Chosen":
        """Read it back; raises ValueError or TypeError."""
        copies, instead = ({str(name): str(of) for name, of in pairs} for pairs in written)
        return cls(copies, instead)


@dataclass(frozen=True, slots=True)
class _Traced:
    table: Candidate
    way: tuple[str, ...]
    """Its own key, and those of what it came from, the last one first to have it."""
    parts: tuple[str, ...]
    known: bool

    def covers(self, other: "_Traced") -> bool:
        if self.table.key in other.way:
            return True
        alike = self.way[-1] == other.way[-1] and self.table.schema == other.table.schema
        alike = alike and self.known and other.known
        return alike and self.parts in {(), other.parts}

    def rank(self, kept: Collection[str]) -> tuple[bool, bool, int, bool, str]:
        """Give what sorts first what is rather asked: the origin, ours, the first by name."""
        table = self.table
        return table.name not in kept, bool(self.parts), len(self.way), not table.local, table.name


def choose(
    candidates: Iterable[Candidate],
    links: Mapping[str, Link],
    *,
    lost: Collection[str] = (),
    kept: Collection[str] = (),
) -> Chosen:
    """Choose which tables are asked: all but the copies, and those that are *lost*.

    The *lost* cannot be asked, as is known by now. The *kept* are asked in any case: they were on a
    page before. *links* are those of any tables by their keys; names are all different.
    """
    ranked = sorted((_traced(it, links) for it in candidates), key=lambda it: it.rank(kept))
    asked: list[_Traced] = []
    copies: dict[str, str] = {}
    for it in ranked:
        name = it.table.name
        if name in lost:
            continue
        by = None if name in kept else next((one for one in asked if one.covers(it)), None)
        if by is None:
            asked.append(it)
        else:
            copies[name] = by.table.name
    instead: dict[str, str] = {}
    replaced = set()
    gone = [it for it in ranked if it.table.name in lost]
    for it in asked:
        before = [one.table.name for one in gone if one.covers(it) and it.table.name not in kept]
        if before:
            instead[it.table.name] = before[0]
            replaced |= set() if it.parts else set(before)
    return Chosen(copies, instead, frozenset(replaced))


def _traced(table: Candidate, links: Mapping[str, Link]) -> _Traced:
    """Follow the links; those that lead in a circle end where it begins."""
    way, parts, known = [table.key], [], True
    while (link := links.get(way[-1])) is not None:
        if link.of in way:
            del way[way.index(link.of) + 1 :]
            break
        way.append(link.of)
        parts.append(link.part)
        known = link.known
    return _Traced(table, tuple(way), tuple(it for it in parts[: len(way) - 1] if it), known)
