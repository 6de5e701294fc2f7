"""Being the holder: the store is open here, and others are served while it is."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from publisher import log
from publisher.app import Service, open_service
from publisher.control.protocol import Refusal, Request, Result
from publisher.control.server import Server, execute
from publisher.operations import Progress
from publisher.settings import Settings


@asynccontextmanager
async def held(
    settings: Settings, *, log_level: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Service, Server]]:
    """Open the service and listen for commands; the caller has the lock."""
    log.configure(log_level)  # what is said until the secrets are known holds none
    async with open_service(settings, environ=environ) as service:
        log.configure(log_level, service.secrets)
        server = Server(service)
        await server.start()
        try:
            yield service, server
        finally:
            await server.stop()


async def run_held(
    settings: Settings,
    request: Request,
    *,
    log_level: str,
    emit: Callable[[Progress], None],
    answered: Callable[[Result | Refusal, bool], None],
) -> None:
    """Do *request* as the holder, then stay until those being served have their answers.

    *answered* is called with the answer, and whether others are still being served.
    """
    async with held(settings, log_level=log_level) as (service, server):
        answered(await execute(service, request, emit), server.busy)
        await server.drain()
