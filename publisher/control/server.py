"""The holder's end of the control socket."""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from pydantic import ValidationError

from publisher import __version__
from publisher.control.lock import unusable
from publisher.control.protocol import (
    LONGEST_REQUEST,
    PROTOCOL,
    Accepted,
    Refusal,
    Request,
    Result,
    address,
    line,
    may_ask,
)
from publisher.errors import PublisherError, StoreBusyError, UsageError
from publisher.operations import OPERATIONS, Context, Progress

if TYPE_CHECKING:
    from publisher.app import Service

log = structlog.get_logger(__name__)

_PATIENCE = 10.0  # seconds for a client to say what it wants, and to take its answer
_BACKLOG = 64
_UNSENT = 1_000_000  # bytes of progress that wait for a slow client; more is left out


async def execute(
    service: "Service", request: Request, emit: Callable[[Progress], None]
) -> Result | Refusal:
    """Do what *request* asks for: the one way, whether it came by the socket or not."""
    try:
        if (request.protocol, request.version) != (PROTOCOL, __version__):
            raise StoreBusyError("other-version", theirs=request.version, ours=__version__)  # noqa: TRY301
        operation = OPERATIONS.get(request.operation)
        if operation is None:
            raise UsageError("unknown-operation", name=request.operation)  # noqa: TRY301
        try:
            params = operation.params.model_validate(request.params)
        except ValidationError as error:
            raise UsageError("wrong-request", reason=error.errors()[0]["msg"]) from None
        answer = await operation.run(service, params, Context(request.language, emit))
        return Result(exit=answer.exit_code, answer=answer.model_dump(mode="json", by_alias=True))
    except PublisherError as error:
        return Refusal.of(error)
    except Exception as error:  # one command's bug must not end the process that serves
        log.exception("operation broke", operation=request.operation)
        return Refusal.of(PublisherError("unexpected", reason=type(error).__name__))


class Server:
    """Listens while the process holds the store."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._path = service.settings.socket_path
        self._going: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; a socket left by a process that died is taken over (the caller has the lock)."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.fchmod(listener.fileno(), 0o600)  # before it can be seen
            with address(self._path) as place:
                listener.bind(place)
            self._path.chmod(0o600)
        except OSError as error:
            listener.close()
            raise unusable(self._path.parent, error) from error
        self._listener = await asyncio.start_unix_server(
            self._connected, sock=listener, limit=LONGEST_REQUEST, backlog=_BACKLOG
        )

    @property
    def busy(self) -> bool:
        return bool(self._going)

    async def drain(self) -> None:
        """Wait until nobody is being served, then listen no more, with nothing in between."""
        while self._going:
            await asyncio.wait(self._going)
        self._close()

    async def stop(self) -> None:
        """Listen no more and break off what is being served; commits go on to their end."""
        self._close()
        for task in self._going:
            task.cancel()
        if self._going:
            await asyncio.wait(self._going)

    def _close(self) -> None:
        if self._listener is not None:
            self._path.unlink(missing_ok=True)
            self._listener.close()
            self._listener = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs callbacks of streams as tasks
        self._going.add(task)
        try:
            if may_ask(writer.get_extra_info("socket")):
                await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # stop() ends it; asyncio would report the cancelled callback as a failure
        except (OSError, ValueError, TimeoutError) as error:
            log.warning("control connection ended", reason=str(error))
        finally:
            self._going.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        text = await asyncio.wait_for(reader.readline(), _PATIENCE)
        if not text.endswith(b"\n"):
            return  # somebody looked whether anybody is there, or died in the midst of asking
        request = Request.model_validate_json(text)
        writer.write(line(Accepted(pid=os.getpid())))
        work = asyncio.create_task(execute(self._service, request, _emitter(writer)))
        gone = asyncio.create_task(reader.read(1))  # a client has nothing more to say
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                writer.write(line(work.result()))
                await asyncio.wait_for(writer.drain(), _PATIENCE)
        finally:
            gone.cancel()
            work.cancel()
            await asyncio.wait({work, gone})


def _emitter(writer: asyncio.StreamWriter) -> Callable[[Progress], None]:
    loop = asyncio.get_running_loop()

    def send(progress: Progress) -> None:
        if not writer.is_closing() and writer.transport.get_write_buffer_size() < _UNSENT:
            writer.write(line(progress))

    def emit(progress: Progress) -> None:
        loop.call_soon_threadsafe(send, progress)

    return emit
