"""Work in a thread, beside what the caller goes on with."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


_LITTLE = 100
"""Rows on which work takes less time than the way to a thread and back."""


async def away(work: Callable[[], T], *, rows: int) -> T:
    """Do *work* on so many rows in a thread; on few of them at once."""
    return work() if rows <= _LITTLE else await asyncio.to_thread(work)


def beside(work: Callable[[], T]) -> "Future[T]":
    """Begin *work*; the future has its result, or what it raised."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="beside")
    try:
        return pool.submit(work)
    finally:
        pool.shutdown(wait=False)


async def to_its_end(working: "Future[T]", *, stop: Callable[[], None] = lambda: None) -> T:
    """Give what the thread's work comes to, even where the caller is cancelled meanwhile.

    A thread cannot be stopped: what comes next must not begin while it still writes. Work that
    has not begun is dropped, what has may heed *stop*. A cancellation is raised when the work has
    ended.
    """
    cancelled: asyncio.CancelledError | None = None
    ended = asyncio.ensure_future(asyncio.wrap_future(working))
    while not ended.done():
        try:
            await asyncio.wait([ended])
        except asyncio.CancelledError as error:  # perhaps not the first
            cancelled = error
            working.cancel()
            stop()
    if cancelled is None:
        return ended.result()
    if not ended.cancelled():
        ended.exception()  # has been seen
    raise cancelled
