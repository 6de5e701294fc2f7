"""Tables, versions and all state, in DuckDB or DuckLake."""

from publisher.store.commit import Commit, Committed
from publisher.store.keys import ApiKey
from publisher.store.publications import Attempt, Published
from publisher.store.quarantine import QuarantineCounts
from publisher.store.store import Store
from publisher.store.versions import Version

__all__ = [
    "ApiKey",
    "Attempt",
    "Commit",
    "Committed",
    "Published",
    "QuarantineCounts",
    "Store",
    "Version",
]
