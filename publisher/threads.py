"""Work in a thread of its own, beside what the caller goes on with."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def beside(work: Callable[[], T]) -> "Future[T]":
    """Begin *work*; the future has its result, or what it raised."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="beside")
    try:
        return pool.submit(work)
    finally:
        pool.shutdown(wait=False)
