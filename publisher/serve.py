"""``publisher serve``: scheduler, harvest, publishing, API and control socket in one process."""

import asyncio
import ctypes
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import structlog
from aiohttp import web

from publisher.api import SERVER_OPTIONS, Parts, create_app
from publisher.app import Service
from publisher.control import Lock
from publisher.control.holder import held
from publisher.errors import ConfigurationError, StoreBusyError
from publisher.settings import Settings

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 2.0  # between looks at catalog/ and schemas/
_STOP_SECONDS = 30.0  # until a stop is forced; every step is safe against that
_AGAIN = 0.1
_BACKLOG = 512
_TURN_SECONDS = 0.0005
"""For which a thread may keep the interpreter from the event loop, at each of the several turns
that an answer takes."""
_MMAP_THRESHOLD = -3  # malloc.h
_LARGE = 128 * 1024


async def serve(settings: Settings, *, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; *ready* is called once, with the base URL.

    Raises StoreBusyError where another ``serve`` holds the data folder, ConfigurationError
    where the address cannot be listened on.
    """
    sys.setswitchinterval(_TURN_SECONDS)
    _give_memory_back()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stopper(stop))
    try:
        async with serving(settings, stop=stop) as url:
            ready(url)
            await stop.wait()
            log.info("stopping")
    except _StoppedEarly:
        return
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    log.info("stopped")


@asynccontextmanager
async def serving(settings: Settings, *, stop: asyncio.Event | None = None) -> AsyncIterator[str]:
    """Run the whole service while the context lasts; gives its base URL."""
    async with answering(settings, stop=stop) as (service, url), AsyncExitStack() as stack:
        service.outbox.start()
        await service.start_schedule()
        watch = asyncio.create_task(_watch(service))
        stack.push_async_callback(_cancelled, watch)
        stack.push_async_callback(_cancelled, asyncio.create_task(service.partners.keep_fresh()))
        stack.push_async_callback(_cancelled, asyncio.create_task(service.partners.keep_copies()))
        # What is there for good is not looked at again: a collection keeps every answer waiting
        gc.collect()
        gc.freeze()
        log.info("ready", url=url, data=str(settings.data), root=str(settings.root))
        yield url


@asynccontextmanager
async def answering(
    settings: Settings,
    *,
    environ: Mapping[str, str] | None = None,
    stop: asyncio.Event | None = None,
) -> AsyncIterator[tuple[Service, str]]:
    """Hold the store and answer: HTTP at the URL that is given, commands at the control socket.

    Nothing is done by itself: no schedule, no publishing. Setting *stop* ends the wait for
    a command that still works on the data folder.
    """
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(_bound(settings.host, settings.port))
        stack.enter_context(await _hold(settings, stop or asyncio.Event()))
        service, _server = await stack.enter_async_context(
            held(settings, log_level=settings.log_level, environ=environ)
        )
        runner = web.AppRunner(
            create_app(_parts(service)),
            handle_signals=False,
            access_log=None,
            shutdown_timeout=5,
            **SERVER_OPTIONS,
        )
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.SockSite(runner, listener, backlog=_BACKLOG).start()
        host, port = listener.getsockname()[:2]
        yield service, f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _give_memory_back() -> None:
    """Have what is freed and large go back to the system (mallopt(3)).

    The C library would keep what is no larger than anything that was ever freed before.
    """
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):  # a C library that has no such setting
            ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)


def _parts(service: Service) -> Parts:
    return Parts(
        settings=service.settings,
        engine=service.engine,
        store=service.store,
        catalog=lambda: service.catalog,
        next_run=service.scheduler.next_run,
        on_commit=service.on_commit,
        partners=service.partners,
        outbox=service.outbox,
    )


async def _watch(service: Service) -> None:
    """Read catalog/ and schemas/ again when a file changed; a wrong one stops no other."""
    known = service.catalog
    _tell_findings(service)
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            await service.reload()
            if service.catalog is not known:  # a command may have read it again before
                known = service.catalog
                service.scheduler.refresh(known.entries.values())
                log.info("catalog read again", datasets=len(known.datasets))
                _tell_findings(service)
        except Exception:  # the next look may find it mended
            log.exception("catalog could not be read again")


def _tell_findings(service: Service) -> None:
    for finding in service.findings:
        log.warning(
            "catalog problem",
            file=finding.file,
            line=finding.line,
            code=finding.code,
            severity=finding.severity,
        )


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class _StoppedEarly(Exception):  # noqa: N818 - not a failure
    """The service was told to stop while it still waited for the data folder."""


async def _hold(settings: Settings, stop: asyncio.Event) -> Lock:
    """Take the data folder; a command that works on it is waited for."""
    told = False
    while (lock := Lock.take(settings.data, "serve")) is None:
        kind, pid = Lock.holder(settings.data)
        if kind == "serve":
            raise StoreBusyError("already-serving", data=str(settings.data), pid=pid)
        if not told:
            log.warning("waiting for a command to finish", data=str(settings.data), pid=pid)
            told = True
        if stop.is_set():
            raise _StoppedEarly
        await asyncio.sleep(_AGAIN)
    return lock


def _bound(host: str, port: int) -> socket.socket:
    """Take the address before anything is opened, so that a taken one is known at once."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigurationError(
            "cannot-listen", host=host, port=port, reason=error.strerror
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(1)  # two starters on one port must not both get it
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        code = "port-taken" if error.errno == 98 else "cannot-listen"  # EADDRINUSE
        raise ConfigurationError(code, host=host, port=port, reason=error.strerror) from error
    return listener


def _stopper(stop: asyncio.Event) -> Callable[[], None]:
    """Give what a signal does: first it asks to stop, then it insists."""

    def stopping() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()
        forced = threading.Timer(_STOP_SECONDS, os._exit, args=(1,))
        forced.daemon = True
        forced.start()

    return stopping
