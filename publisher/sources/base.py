"""What every source is, and what it is given to work with."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from publisher.landing import Offer
from publisher.model.run import Seen
from publisher.secrets import Secrets
from publisher.settings import Settings
from publisher.sources.client import HttpClient


@dataclass(frozen=True, slots=True)
class SourceContext:
    root: Path
    """Where relative paths start."""
    settings: Settings
    secrets: Secrets
    http: HttpClient


class Source(Protocol):
    """One department system, as one table's dataset file names it."""

    def offers(self, seen: Mapping[str, Seen]) -> AsyncIterator[Offer]:
        """Hand over what is new, in the order in which it is to be taken.

        *seen* holds, by origin, the deliveries already settled; what their cursors show to
        be unchanged is left out. An offer's chunks are read to their end, or given up,
        before the next offer is asked for; closing the iterator frees what it holds.

        Raises SourceError for what cannot be used (after the offers that can) and
        SourceUnavailableError where asking again later may help.
        """
        ...
