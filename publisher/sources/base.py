"""What every source is, and what it is given to work with."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from publisher.landing import Offer
from publisher.model.run import Seen
from publisher.secrets import Secrets
from publisher.settings import Settings

if TYPE_CHECKING:  # who only reads files does not wait for it to be loaded
    from publisher.sources.client import HttpClient


class Http:
    """The HTTP client that all sources share, started when one first asks for it.

    An async context manager, whose end is the client's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._lock = asyncio.Lock()
        self._client: HttpClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def client(self) -> "HttpClient":
        from publisher.sources.client import HttpClient  # noqa: PLC0415

        async with self._lock:
            if self._client is None:
                client = HttpClient(self._settings)
                self._client = await self._stack.enter_async_context(client)
        return self._client


@dataclass(frozen=True, slots=True)
class SourceContext:
    root: Path
    """Where relative paths start."""
    settings: Settings
    secrets: Secrets
    http: Http


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
