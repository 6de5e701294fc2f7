"""Where a DataStore table stands, told by the table itself.

It is kept in the ``info`` of the table's columns, goes with the table and is found again by
whoever lost their own notes. ``publisher_version`` is the version whose rows are all there;
``publisher_upcoming`` the one whose rows are under way. Beside each number stands when that
version was committed: after a restore the store makes the numbers that followed the backup a
second time, and rows of a version that is not this store's own tell nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

_VERSION, _UPCOMING = "publisher_version", "publisher_upcoming"
_COMMITTED = "_committed"  # behind either
_SETTLES = "publisher_settles"
_REFUSED = "publisher_refused"


class Mark(NamedTuple):
    """A version, and when it was committed."""

    version: int
    committed: str


Key = tuple[Any, ...]
"""The values of a row's key, as they are sent."""


@dataclass(frozen=True, slots=True)
class Marker:
    at: Mark | None = None
    upcoming: Mark | None = None
    settles: datetime | None = None
    """Until when a request that was given up may yet be carried out. Nothing newer than what it
    held is sent before, so that it can undo nothing."""
    refused: frozenset[Key] = frozenset()
    """Rows of the version that CKAN does not take."""

    @classmethod
    def read(cls, infos: Mapping[str, Mapping[str, str]]) -> "Marker":
        """Read it from the columns' info, in their order; the first that tells counts."""
        told: dict[str, str] = {}
        for info in infos.values():
            told = {**dict(info), **told}
        return cls(
            at=_mark(told, _VERSION),
            upcoming=_mark(told, _UPCOMING),
            settles=_instant(told.get(_SETTLES, "")),
            refused=_keys(told.get(_REFUSED, "")),
        )

    def settling(self) -> float:
        """Give the seconds until it has settled; 0 where it has."""
        if self.settles is None:
            return 0
        return max(0.0, (self.settles - datetime.now(UTC)).total_seconds())

    def info(self) -> dict[str, str]:
        told: dict[str, str] = {}
        if self.at is not None:
            told |= {_VERSION: str(self.at.version), _VERSION + _COMMITTED: self.at.committed}
        if self.upcoming is not None:
            told[_UPCOMING] = str(self.upcoming.version)
            told[_UPCOMING + _COMMITTED] = self.upcoming.committed
        if self.settling():
            told[_SETTLES] = self.settles.isoformat() if self.settles else ""
        if self.refused:
            told[_REFUSED] = orjson.dumps(sorted(self.refused, key=str)).decode()
        return told


@dataclass(frozen=True, slots=True)
class Held:
    """What the DataStore has under a resource's id."""

    home: str
    """The resource that the table belongs to: another one where the id is an alias."""
    types: Mapping[str, str]
    infos: Mapping[str, Mapping[str, str]]
    key: frozenset[str]
    """The columns that are indexed: we index none but the key's."""
    rows: int

    @property
    def marker(self) -> Marker:
        return Marker.read(self.infos)

    @classmethod
    def read(cls, info: Mapping[str, Any]) -> "Held":
        """Read what ``datastore_info`` answers."""
        fields = info["fields"]
        return cls(
            home=info["meta"]["id"],
            types={field["id"]: field["type"] for field in fields},
            infos={field["id"]: field.get("info") or {} for field in fields},
            key=frozenset(
                field["id"] for field in fields if field.get("schema", {}).get("is_index")
            ),
            rows=info["meta"]["count"],
        )


def _mark(told: Mapping[str, str], name: str) -> Mark | None:
    text = told.get(name, "")
    return Mark(int(text), told.get(name + _COMMITTED, "")) if text.isdecimal() else None


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _keys(text: str) -> frozenset[Key]:
    try:
        return frozenset(tuple(key) for key in orjson.loads(text))
    except (ValueError, TypeError):
        return frozenset()
