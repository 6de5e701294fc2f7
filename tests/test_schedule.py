"""When harvests run: crontab as the standard has it, catching up, backing off, saying so once."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from publisher.harvest.cron import cron_trigger
from publisher.harvest.schedule import Scheduler, backoff
from publisher.model.catalog import TableEntry
from publisher.model.dataset import Dataset
from publisher.model.run import Problem, Run
from publisher.model.schema import Schema
from publisher.model.values import TableRef
from publisher.settings import Settings

COPENHAGEN = ZoneInfo("Europe/Copenhagen")


def next_times(line: str, count: int = 4) -> list[str]:
    trigger, now, found = (
        cron_trigger(line, COPENHAGEN),
        datetime(2026, 11, 20, tzinfo=COPENHAGEN),
        [],
    )
    previous = None
    for _ in range(count):
        previous = trigger.get_next_fire_time(previous, now)
        now = previous + timedelta(seconds=1)
        found.append(previous.strftime("%a %d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("line", "times"),
    [
        ("*/15 * * * *", ["Fri 20 00:00", "Fri 20 00:15", "Fri 20 00:30", "Fri 20 00:45"]),
        ("0 6 * * 0", ["Sun 22 06:00", "Sun 29 06:00", "Sun 06 06:00", "Sun 13 06:00"]),
        ("0 6 * * 7", ["Sun 22 06:00", "Sun 29 06:00", "Sun 06 06:00", "Sun 13 06:00"]),
        ("0 6 * * 1-5", ["Fri 20 06:00", "Mon 23 06:00", "Tue 24 06:00", "Wed 25 06:00"]),
        ("0 6 * * fri-mon", ["Fri 20 06:00", "Sat 21 06:00", "Sun 22 06:00", "Mon 23 06:00"]),
        ("0 6 22 * 1", ["Sun 22 06:00", "Mon 23 06:00", "Mon 30 06:00", "Mon 07 06:00"]),
    ],
)
def test_crontab_means_what_the_standard_says(line: str, times: list[str]) -> None:
    assert next_times(line) == times


@pytest.mark.parametrize("line", ["", "* * * *", "61 * * * *", "0 0 * * 8", "0 0 * * someday"])
def test_a_wrong_crontab_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        cron_trigger(line, COPENHAGEN)


def test_backoff_doubles_to_its_bound_and_never_undercuts_the_period() -> None:
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    assert [backoff(minute, n, hour) // minute for n in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff(timedelta(days=1), 5, hour) == timedelta(days=1)
    assert backoff(timedelta(days=366), 1_000_000, hour) == timedelta(days=366)


def entry(every: str) -> TableEntry:
    dataset = Dataset.model_validate(
        {
            "name": "d",
            "title": "D",
            "publisher": "o",
            "resources": [
                {
                    "name": "t",
                    "path": "t.csv",
                    "schema": "s.yaml",
                    "harvest": {"source": {"type": "file", "path": "x.csv"}, "every": every},
                }
            ],
        }
    )
    schema = Schema.model_validate({"name": "s", "version": "1.0.0", "fields": [{"name": "a"}]})
    return TableEntry(dataset, dataset.resources[0], schema)


class RecordingHarvester:
    """Stands where the harvester is, to steer outcomes; the scheduler itself is real."""

    def __init__(self, outcomes: list[str]) -> None:
        self.outcomes = outcomes
        self.began: list[datetime] = []

    async def harvest(self, it: TableEntry, *, trigger: str) -> Run:  # noqa: ARG002
        self.began.append(datetime.now(UTC))
        outcome = self.outcomes.pop(0) if self.outcomes else "unchanged"
        problem = Problem("source-unreachable", {"url": "x"}) if outcome == "failed" else None
        return Run(
            id="r",
            ref=it.ref,
            trigger="schedule",
            started_at=self.began[-1],
            outcome=outcome,
            problem=problem,
        )


async def ran(harvester: RecordingHarvester, times: int) -> None:
    async with asyncio.timeout(10):
        while len(harvester.began) < times:  # noqa: ASYNC110 - a few looks are plain
            await asyncio.sleep(0.02)


async def nothing() -> None:
    pass


async def test_what_came_due_during_a_stop_runs_at_once_and_once() -> None:
    table = entry("PT1H")
    harvester = RecordingHarvester([])
    scheduler = Scheduler(harvester, lambda _: table, Settings(schedule_jitter=0))
    long_ago = Run(
        id="r",
        ref=table.ref,
        trigger="schedule",
        started_at=datetime.now(UTC) - timedelta(hours=30),
        outcome="committed",
    )
    scheduler.start([table], {table.ref: long_ago}, nothing)
    await ran(harvester, 1)
    await asyncio.sleep(0.2)
    assert len(harvester.began) == 1
    due = scheduler.next_run(table.ref)
    assert due is not None
    assert timedelta(minutes=59) < due - datetime.now(UTC) <= timedelta(hours=1)
    await scheduler.stop()


async def test_what_is_not_due_yet_waits_for_its_time() -> None:
    table = entry("PT1H")
    harvester = RecordingHarvester([])
    scheduler = Scheduler(harvester, lambda _: table, Settings(schedule_jitter=0))
    started = datetime.now(UTC) - timedelta(minutes=20)
    run = Run(id="r", ref=table.ref, trigger="schedule", started_at=started, outcome="committed")
    scheduler.start([table], {table.ref: run}, nothing)
    assert scheduler.next_run(table.ref) == started + timedelta(hours=1)
    await scheduler.stop()


async def test_a_failing_source_is_told_once_and_once_when_it_is_back() -> None:
    table = entry("PT0.2S")
    harvester = RecordingHarvester(["failed", "failed", "failed", "unchanged", "unchanged"])
    scheduler = Scheduler(harvester, lambda _: table, Settings(schedule_jitter=0, backoff_max=0.4))
    with capture_logs() as logs:
        scheduler.start([table], {}, nothing)
        await ran(harvester, 5)
        await asyncio.sleep(0.05)
        await scheduler.stop()
    told = [line["event"] for line in logs]
    assert told.count("source fails") == 1
    assert told.count("source is back") == 1
    waits = [b - a for a, b in zip(harvester.began, harvester.began[1:], strict=False)]
    assert waits[1] > timedelta(seconds=0.35), "the second failure must wait longer than the first"


async def test_a_table_that_leaves_the_catalog_is_harvested_no_more() -> None:
    table = entry("PT1H")
    scheduler = Scheduler(RecordingHarvester([]), lambda _: table, Settings())
    scheduler.start([table], {}, nothing)
    scheduler.refresh([])
    assert scheduler.next_run(TableRef("d", "t")) is None
    await scheduler.stop()
