"""Whose turn it is: what a restart still knows, how many at once, who comes first, who waits."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support import write_yaml

from publisher.app import Service, open_service
from publisher.model.run import Run
from publisher.model.values import TableRef
from publisher.operations import OPERATIONS, Context
from publisher.settings import Settings


@dataclass
class Department:
    """A real HTTP server whose answers take their time, and which counts who asks at once."""

    bodies: dict[str, str] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    now: int = 0
    most: int = 0
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.asked.append(name)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.slow.get(name, 0.2))
        self.now -= 1
        return web.Response(text=self.bodies.get(name, f"id\n{name}\n"))


@pytest.fixture
async def department() -> AsyncIterator[Department]:
    department = Department()
    app = web.Application()
    app.router.add_get("/{name}", department.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    department.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield department
    await runner.cleanup()


def ref(name: str) -> TableRef:
    return TableRef("vand", name)


@asynccontextmanager
async def serving(
    root: Path, department: Department, *names: str, **harvest: Any
) -> AsyncIterator[Service]:
    """Open a service with these tables of ids, each harvested from the department's URL."""
    write_yaml(root / "catalog/organizations.yaml", {"by": {"title": "By"}})
    for name in names:
        schema = {
            "name": name,
            "version": "1.0.0",
            "fields": [{"name": "id", "type": "string", "constraints": {"required": True}}],
            "primaryKey": ["id"],
        }
        if name == "levels":
            reference = {"resource": "stations", "fields": ["id"]}
            schema["foreignKeys"] = [{"fields": ["id"], "reference": reference}]
        write_yaml(root / f"schemas/{name}.yaml", schema)
    tables = [
        {
            "name": name,
            "path": f"{name}.csv",
            "schema": f"../schemas/{name}.yaml",
            "harvest": {
                "source": {"type": "http", "url": f"{department.url}/{name}"},
                "every": "PT1H",
                **harvest,
            },
        }
        for name in names
    ]
    facts = {"name": "vand", "title": "Vand", "publisher": "by", "licenses": [{"name": "CC0-1.0"}]}
    write_yaml(
        root / "catalog/vand.yaml",
        {**facts, "resources": tables, "publish": {"access": "public"}},
    )
    settings = Settings(root=root, data=root / "data", threads=2, schedule_jitter=0)
    async with open_service(settings, environ={}) as service:
        assert [found for found in service.findings if found.severity == "error"] == []
        yield service


async def ended(service: Service, *names: str) -> dict[str, Run]:
    """Wait until each of these tables has a run that ended."""
    async with asyncio.timeout(20):
        while True:
            runs = await service.engine.run(service.store.last_harvests, lane="query")
            if all(ref(name) in runs and runs[ref(name)].finished_at for name in names):
                return {name: runs[ref(name)] for name in names}
            await asyncio.sleep(0.05)


# who waits for whom


async def test_looking_does_not_wait_behind_work(root: Path, department: Department) -> None:
    async def operate(service: Service, name: str, **params: Any) -> Any:
        operation = OPERATIONS[name]
        context = Context("en", lambda _: None)
        return await operation.run(service, operation.params(**params), context)

    async with serving(root, department, "stations") as service:
        await operate(service, "harvest", all=True)
        await operate(service, "publish", all=True)
        over = threading.Event()
        busy = [asyncio.create_task(service.engine.run(lambda _: over.wait(9))) for _ in range(4)]
        try:
            async with asyncio.timeout(6):
                status = await operate(service, "status")
                assert (await operate(service, "quarantine-list")).quarantine == ()
                assert (await operate(service, "quarantine-show", table="vand")).total == 0
                publishing = await operate(service, "publish", all=True, dry_run=True)
        finally:
            over.set()
            await asyncio.gather(*busy)
    assert status.datasets[0].targets[0].state == "current"
    assert [line.outcome for line in publishing.published] == ["unchanged"]


# what a restart still knows


@pytest.mark.parametrize(
    ("before", "last", "due_in"),
    [
        # The source was asked two days ago; judging rows again since then asked nobody.
        (("schedule", "committed", 48 * 60), ("release", "unchanged", 1), 0),
        (("schedule", "failed", 30), ("reference", "committed", 1), 24 * 60 - 30),
        (("command", "unchanged", 30), ("release", "failed", 1), 24 * 60 - 30),
        (("schedule", "committed", 30), ("schedule", "interrupted", 1), 0),
    ],
)
async def test_after_a_stop_a_table_is_due_by_when_its_source_was_last_read(
    root: Path, department: Department, before: Any, last: Any, due_in: float
) -> None:
    now = datetime.now(UTC)
    async with serving(root, department, "stations", every="P1D") as service:

        def remember(con: Any) -> None:
            for number, (trigger, outcome, minutes) in enumerate([before, last]):
                started = now - timedelta(minutes=minutes)
                run = Run(str(number), ref("stations"), trigger, started, outcome)
                service.store.finish_run(con, run)

        await service.engine.run(remember)
        await service.start_schedule()
        due = service.scheduler.next_run(ref("stations"))
        assert due is not None
        assert abs(due - now - timedelta(minutes=due_in)) < timedelta(seconds=5)


# how many at once, and who comes first


async def test_the_schedule_harvests_no_more_tables_at_once_than_the_setting_says(
    root: Path, department: Department
) -> None:
    names = [f"t{number}" for number in range(7)]
    async with serving(root, department, *names) as service:
        await service.start_schedule()
        runs = await ended(service, *names)
    assert {run.outcome for run in runs.values()} == {"committed"}
    assert department.most == 2


async def test_tables_that_others_refer_to_come_first_on_schedule_too(
    root: Path, department: Department
) -> None:
    department.bodies = {"levels": "id\nA\n", "stations": "id\nA\n"}
    department.slow = {"stations": 0.5}
    async with serving(root, department, "levels", "stations", maxBad="0%") as service:
        await service.start_schedule()
        runs = await ended(service, "levels", "stations")
        assert runs["levels"].rows.quarantined == 0
        assert runs["levels"].outcome == "committed"
    assert department.asked == ["stations", "levels"]


async def test_who_gives_up_waiting_leaves_the_queue_and_what_has_begun_goes_on(
    root: Path, department: Department
) -> None:
    names = [f"t{number}" for number in range(5)]
    async with serving(root, department, *names) as service:
        entries = service.catalog.entries.values()
        asking = asyncio.create_task(service.harvester.harvest_all(entries))
        async with asyncio.timeout(10):
            while len(department.asked) < 2:  # noqa: ASYNC110 - a few looks are plain
                await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await service.harvester.close()
        runs = await service.engine.run(service.store.last_harvests)
        assert sorted(run.outcome for run in runs.values()) == ["committed", "committed"]
        assert sorted(it.table for it in runs) == sorted(department.asked)
        left = next(entry for entry in entries if entry.ref not in runs)
        assert (await service.harvester.harvest(left)).outcome == "committed"
