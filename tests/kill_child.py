"""One whole round in a process that may be killed: harvest every table, then publish.

The steps of a run are the functions in STEPS; each is crossed twice, on entering and on
leaving. At crossing number ``kill_at`` the process kills itself with SIGKILL; without one it
sends how many crossings there were.
"""

import asyncio
import functools
import inspect
import itertools
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from publisher import landing
from publisher.app import open_service
from publisher.engine import Engine
from publisher.harvest import harvester, step
from publisher.settings import Settings
from publisher.store import Store
from publisher.targets import outbox
from publisher.validation.judge import Validator

STEPS = [
    (landing.Landing, "land"),
    (landing.Landing, "settle"),
    (Validator, "judge"),
    (Store, "start_run"),
    (Store, "finish_run"),
    (Store, "commit"),
    (Store, "settle"),
    (Store, "record_published"),
    (Engine, "transaction"),
    (harvester.Harvester, "_take"),
    (harvester.Harvester, "_repeat"),
    (outbox.Outbox, "publish"),
]


def one_round(root: Path, kill_at: int | None, result: Connection | None) -> None:
    """Work through one round below *root*; sends the crossings."""
    crossings = itertools.count(1)

    def cross() -> None:
        number = next(crossings)
        if number == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(function):
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def call(*args, **kwargs):
                cross()
                result = await function(*args, **kwargs)
                cross()
                return result

        else:

            @functools.wraps(function)
            def call(*args, **kwargs):
                cross()
                result = function(*args, **kwargs)
                cross()
                return result

        return call

    for owner, name in STEPS:
        setattr(owner, name, watched(getattr(owner, name)))
    # os.fsync and os.replace are where bytes and names become durable
    os.fsync, os.replace = watched(os.fsync), watched(os.replace)
    step.take = watched(step.take)

    async def round_of_work() -> None:
        settings = Settings(root=root, data=root / "data", log_level="error", file_quiet=0)
        async with open_service(settings, environ={}) as service:
            for entry in service.catalog.entries.values():
                run = await service.harvester.harvest(entry)
                if run.outcome == "failed":
                    raise AssertionError(f"{entry.ref}: {run.problem}")
            for dataset in service.catalog.datasets:
                await service.outbox.publish(dataset)

    asyncio.run(round_of_work())
    if result is not None:
        result.send(next(crossings) - 1)


def dies_judging(root: Path) -> None:
    """Harvest every table, with a delivery among its news whose judging ends the process."""
    Validator.judge = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
    one_round(root, None, None)
