"""DuckDB: the one engine for parsing, storage and queries, and the only importer of it.

A process keeps one instance. The store is attached to it as ``store``, so the same SQL runs
on a DuckDB file and on DuckLake. Blocking work runs in threads, each with its own cursor.
"""

import contextlib
import importlib.util
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import duckdb

from publisher.errors import (
    EngineMemoryError,
    StorageFullError,
    StoreBusyError,
    StoreError,
    UsageError,
    is_full,
)

if TYPE_CHECKING:  # loaded by those who wait for work; who only validates does not
    import asyncio

__all__ = [
    "Connection",
    "DataError",
    "Engine",
    "InputError",
    "OutOfMemoryError",
    "Sitting",
    "identifier",
    "literal",
]

Connection = duckdb.DuckDBPyConnection
DataError = duckdb.DataError
"""A value cannot be read as the type that a statement wants."""
InputError = duckdb.InvalidInputException
"""A file is none that a reader can take apart."""
OutOfMemoryError = duckdb.OutOfMemoryException
T = TypeVar("T")
Lane = Literal["work", "query", "export"]

_CONFLICT_ATTEMPTS = 8
_INTERRUPT_SECONDS = 0.05
_NICE = 4
"""Little: who waits for the interpreter waits for whoever holds it."""
_QUERIES = 6  # at once for each thread: the engine shares its threads among them
_DUCKLAKE = "ducklake:"


def identifier(*names: str) -> str:
    """Quote names for SQL: ``identifier("data", "a/b")`` gives ``"data"."a/b"``."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def literal(text: str) -> str:
    """Quote a text for the few statements that take no parameters (ATTACH, COPY, SET)."""
    return "'" + text.replace("'", "''") + "'"


class Sitting:
    """Pieces of work one after another that share a connection, and its temporary tables."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        """Held by the one that works."""
        self.con: Connection | None = None
        """Made by the first."""
        self.large = False
        """Its tables take much memory, which is to go back to the system."""


class Engine:
    """One DuckDB instance with the store attached, and the threads that work on it."""

    def __init__(
        self, root: Connection, *, threads: int, store: str | None, memory_limit: str
    ) -> None:
        self._root = root
        self._memory_limit = memory_limit
        self.exclusive = store is not None and not store.startswith(_DUCKLAKE)
        """No other process writes to the store: the file is locked by this one."""
        self.queries = threads * _QUERIES
        """How many the query lane is at, at once."""
        self._guard = threading.Lock()
        self._lanes = {
            "work": ThreadPoolExecutor(threads, "work", initializer=_yield),
            "query": ThreadPoolExecutor(self.queries, "query"),
            "export": ThreadPoolExecutor(1, "export", initializer=_yield),
        }

    @classmethod
    def open(
        cls, store: str | None, *, work: Path, threads: int = 2, memory_limit: str = "256MB"
    ) -> "Engine":
        """Start DuckDB and attach *store*: a file's path, ``ducklake:...``, or None for none.

        Spilled data goes under *work*. Raises StoreBusyError where another process holds
        the file, StoreError where it cannot be opened.
        """
        with _explained():
            root = _connect(
                {
                    "threads": str(threads),
                    "memory_limit": memory_limit,
                    "temp_directory": str(work / "spill"),
                    "autoinstall_known_extensions": "false",
                    "autoload_known_extensions": "false",
                    "allow_community_extensions": "false",
                    "preserve_insertion_order": "true",
                    # What is not checkpointed cannot be let go of: of hundreds of small tables
                    # the blocks would fill the memory long before the log has its 16 MB. Of
                    # temporary tables a checkpoint is but work.
                    "wal_autocheckpoint": "16MB" if store is None else "128KB",
                }
            )
            try:
                _attach(root, store)
            except BaseException:
                root.close()
                raise
        return cls(root, threads=threads, store=store, memory_limit=memory_limit)

    @contextmanager
    def cursor(self, sitting: Sitting | None = None) -> Iterator[Connection]:
        """Give a connection that nobody else works with; the store is ``store`` in its SQL.

        That of a *sitting* is kept for what comes next.
        """
        if sitting is not None:
            with sitting.turn, _explained():
                sitting.con = sitting.con or self._connected()
                yield sitting.con
            return
        con = self._connected()
        try:
            with _explained():
                yield con
        finally:
            con.close()

    def _connected(self) -> Connection:
        with self._guard:
            return self._root.cursor()

    @contextmanager
    def sitting(self) -> Iterator[Sitting]:
        """Give one that ends with the context, before which its work has to have ended."""
        sitting = Sitting()
        try:
            yield sitting
        finally:
            if sitting.con is not None:
                # Its tables go with it, for which nobody waits
                self._lanes["query"].submit(self._leave, sitting.con, large=sitting.large)

    def _leave(self, con: Connection, *, large: bool) -> None:
        con.close()
        if large:
            # The allocator keeps what was freed until the limit is set, be it to what it was
            with self._connected() as other:
                other.execute(f"SET memory_limit = {literal(self._memory_limit)}")

    async def run(
        self,
        work: Callable[[Connection], T],
        *,
        lane: Lane = "work",
        timeout: float | None = None,  # noqa: ASYNC109 - passing it interrupts the engine as well
        sitting: Sitting | None = None,
    ) -> T:
        """Do *work* in a thread with a cursor of its own, or that of a *sitting*.

        What only looks, and shortly, belongs in the query lane: it does not wait behind work.
        What reads a whole table belongs in the export lane, one at a time.
        In these two lanes, cancelling or passing *timeout* interrupts the statement (UsageError
        ``query-timeout``); the clock starts when the work does. What has not begun within
        *timeout* never does (UsageError ``queries-waiting``). In the work lane it runs to its
        end: a commit is never left half-way by a cancelled caller.
        """
        import asyncio  # noqa: PLC0415

        holder: list[Connection] = []
        begun: list[float] = []

        def call() -> T:
            begun.append(time.monotonic())
            with self.cursor(sitting) as con:
                holder.append(con)
                return work(con)

        submitted = self._lanes[lane].submit(call)
        future = asyncio.wrap_future(submitted)
        try:
            return await _result(submitted, future, begun, timeout)
        except (TimeoutError, asyncio.CancelledError) as error:
            if future.done() and not future.cancelled() and error is future.exception():
                raise  # the work's own
            if lane != "work":
                await _interrupt(submitted, future, holder)
            else:
                submitted.cancel()  # which it cannot be once it has begun
                while not future.done():
                    with contextlib.suppress(asyncio.CancelledError):  # perhaps not the first
                        await asyncio.wait([future])
            if not future.cancelled():
                future.exception()  # has been seen
            if isinstance(error, TimeoutError):
                raise UsageError("query-timeout", seconds=timeout) from None
            raise

    def transaction(self, con: Connection, work: Callable[[], T]) -> T:
        """Run *work* as one transaction on *con*; on a conflict the whole of it runs again."""
        for attempt in range(1, _CONFLICT_ATTEMPTS + 1):
            con.execute("BEGIN")
            try:
                result = work()
                con.execute("COMMIT")
            except BaseException as error:
                _rollback(con)
                if _is_conflict(error) and attempt < _CONFLICT_ATTEMPTS:
                    time.sleep(random.uniform(0, 0.005 * 2**attempt))  # noqa: S311 - no secret
                    continue
                raise
            return result
        raise AssertionError

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.shutdown(wait=True)
        self._root.close()


def _connect(config: dict[str, str | bool | int | float | list[str]]) -> Connection:
    """Start the engine in a thread that yields, which its own threads then do as well."""

    def connect() -> Connection:
        _yield()
        return duckdb.connect(":memory:", config=config)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(connect).result()


def _yield() -> None:
    """Let the thread's work wait for the processor behind those who answer, where that can be."""
    if sys.platform == "linux":  # elsewhere a thread has no priority of this kind
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            now = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, now + _NICE)


def _attach(root: Connection, store: str | None) -> None:
    root.execute("SET GLOBAL TimeZone = 'UTC'")
    root.execute("SET GLOBAL python_enable_replacements = false")  # SQL sees no Python variable
    if store is None:
        return
    if store.startswith(_DUCKLAKE):
        root.execute(f"LOAD {literal(_extension('ducklake'))}")
    root.execute(f"ATTACH {literal(store)} AS store")


def _extension(name: str) -> str:
    """Find an extension in its package ``duckdb-extension-NAME``; its bare name otherwise."""
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in (package.submodule_search_locations or ()) if package else ():
        path = Path(folder, "extensions", f"v{duckdb.__version__}", f"{name}.duckdb_extension")
        if path.is_file():
            return str(path)
    return name


async def _result(
    submitted: "Future[T]",
    future: "asyncio.Future[T]",
    begun: list[float],
    timeout: float | None,  # noqa: ASYNC109 - counts from the start of the work
) -> T:
    """Wait for the work; TimeoutError *timeout* seconds after it began."""
    import asyncio  # noqa: PLC0415

    left = timeout
    while True:
        try:
            return await asyncio.wait_for(asyncio.shield(future), left)
        except TimeoutError:
            if timeout is None or future.done():
                raise
            if submitted.cancel():
                raise UsageError("queries-waiting", seconds=timeout) from None
            now = time.monotonic()
            left = (begun[0] if begun else now) + timeout - now
            if left <= 0:
                raise


async def _interrupt(
    submitted: "Future[T]", future: "asyncio.Future[T]", holder: list[Connection]
) -> None:
    """Stop a query that nobody waits for, whichever of its statements it is at."""
    import asyncio  # noqa: PLC0415

    submitted.cancel()  # where it has not begun
    while not future.done():
        for con in holder:
            with contextlib.suppress(duckdb.Error):  # closed meanwhile: it is done
                con.interrupt()
        await asyncio.wait([future], timeout=_INTERRUPT_SECONDS)


def _is_conflict(error: BaseException) -> bool:
    """Tell a conflict with another writer from a COMMIT that the disk refused."""
    return isinstance(error, duckdb.TransactionException) and not is_full(error)


def _rollback(con: Connection) -> None:
    try:
        con.execute("ROLLBACK")
    except duckdb.Error:
        return  # nothing was open any more: a failed COMMIT ends the transaction itself


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the engine's environmental failures into the errors people can act on."""
    try:
        yield
    except (
        duckdb.IOException,
        duckdb.OutOfMemoryException,
        duckdb.FatalException,
        duckdb.TransactionException,
    ) as error:
        text = str(error)
        if "lock" in text.lower() and "conflicting" in text.lower():
            raise StoreBusyError("store-busy") from error
        if is_full(error):
            raise StorageFullError("storage-full") from error
        if isinstance(error, duckdb.OutOfMemoryException):
            raise EngineMemoryError("engine-memory", reason=text.splitlines()[0]) from error
        raise StoreError("store-unusable", reason=text.splitlines()[0]) from error
