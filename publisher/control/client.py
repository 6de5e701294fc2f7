"""A command's way to the store: by the socket of the holder, or as the holder."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Literal

from publisher import __version__
from publisher.control.lock import Lock
from publisher.control.protocol import (
    EVENTS,
    LONGEST_EVENT,
    PROTOCOL,
    Accepted,
    Refusal,
    Request,
    Result,
    address,
    line,
)
from publisher.errors import StoreBusyError
from publisher.operations import OPERATIONS, Progress
from publisher.settings import Settings

Notice = Literal["waiting-for-holder", "waiting-for-others"]
"""Labels in publisher.messages.labels."""
Place = Literal["here", "there"]
"""Where an operation is done: in this process, or in the one that holds the store."""

_PATIENCE = 60.0  # seconds that a process may hold the store without listening
_QUIET = 2.0  # seconds until the person is told that somebody is waited for
_AGAIN = 0.05
_ANSWER = 10.0  # seconds until a holder that listens must have accepted


class _NobodyListens(Exception):  # noqa: N818 - not a failure
    pass


class _Gone(Exception):  # noqa: N818 - becomes one only where the request cannot be repeated
    """The holder ended before it had answered."""


async def perform(
    settings: Settings,
    request: Request,
    *,
    log_level: str,
    emit: Callable[[Progress], None],
    answered: Callable[[Result], None],
    begun: Callable[[Place], None],
    notice: Callable[[Notice], None],
) -> None:
    """Have *request* done, and *answered* called with its result, by whoever holds the store.

    *begun* is called with where it is done, just before: it may be begun again elsewhere.

    Raises the PublisherError that the operation was refused with; StoreBusyError where the
    holder neither answers nor ends, or ended in the midst of what must not be repeated.
    """
    began = time.monotonic()
    told = False
    while True:
        try:
            _tell(await _ask(settings, request, emit, begun), answered)
        except _NobodyListens:
            pass
        except _Gone:
            if not OPERATIONS[request.operation].repeatable:
                raise StoreBusyError("holder-died") from None
        else:
            return
        lock = Lock.take(settings.data, "command")
        if lock is not None:
            with lock:
                begun("here")
                await _hold(
                    settings,
                    request,
                    log_level=log_level,
                    emit=emit,
                    answered=answered,
                    notice=notice,
                )
            return
        waited = time.monotonic() - began
        if waited > _PATIENCE:
            raise StoreBusyError("store-busy")
        if waited > _QUIET and not told:
            notice("waiting-for-holder")
            told = True
        await asyncio.sleep(_AGAIN)


async def _hold(
    settings: Settings,
    request: Request,
    *,
    log_level: str,
    emit: Callable[[Progress], None],
    answered: Callable[[Result], None],
    notice: Callable[[Notice], None],
) -> None:
    run_held = await asyncio.to_thread(_load_holder)
    refused: list[Refusal] = []

    def told(event: Result | Refusal, others: bool) -> None:
        if isinstance(event, Refusal):
            refused.append(event)
        else:
            answered(event)
        if others:
            notice("waiting-for-others")

    await run_held(settings, request, log_level=log_level, emit=emit, answered=told)
    for refusal in refused:
        raise refusal.error()


def _load_holder() -> Callable[..., Awaitable[None]]:
    """Load the engine, the judges and the targets, which only a holder pays for.

    It takes a while: in a thread, so that Ctrl-C is heard meanwhile.
    """
    from publisher.control.holder import run_held  # noqa: PLC0415

    return run_held


def _tell(event: Result | Refusal, answered: Callable[[Result], None]) -> None:
    if isinstance(event, Refusal):
        raise event.error()
    answered(event)


async def _ask(
    settings: Settings,
    request: Request,
    emit: Callable[[Progress], None],
    begun: Callable[[Place], None],
) -> Result | Refusal:
    accepted = False
    async with _connected(settings) as (reader, writer):
        try:
            writer.write(line(request))
            await writer.drain()
            while True:
                text = await asyncio.wait_for(reader.readline(), None if accepted else _ANSWER)
                if not text.endswith(b"\n"):
                    raise _Gone if accepted else _NobodyListens
                event = EVENTS.validate_json(text)
                if isinstance(event, Accepted):
                    _same_version(event)
                    accepted = True
                    begun("there")
                elif isinstance(event, Progress):
                    emit(event)
                else:
                    return event
        except ConnectionError:
            raise (_Gone if accepted else _NobodyListens) from None
        except TimeoutError:
            raise StoreBusyError("store-busy") from None


@asynccontextmanager
async def _connected(
    settings: Settings,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    try:
        with address(settings.socket_path) as place:
            reader, writer = await asyncio.open_unix_connection(place, limit=LONGEST_EVENT)
    except (FileNotFoundError, ConnectionError, NotADirectoryError):
        raise _NobodyListens from None
    except PermissionError:
        raise StoreBusyError("not-yours", path=str(settings.data)) from None
    try:
        yield reader, writer
    finally:
        writer.close()


def _same_version(holder: Accepted) -> None:
    if (holder.protocol, holder.version) != (PROTOCOL, __version__):
        raise StoreBusyError("other-version", theirs=__version__, ours=holder.version)
