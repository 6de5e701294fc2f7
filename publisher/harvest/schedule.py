"""When each table is harvested: APScheduler decides, and nothing is skipped in silence."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from publisher.harvest.cron import cron_trigger
from publisher.harvest.harvester import Harvester
from publisher.harvest.order import references_first
from publisher.model.catalog import TableEntry
from publisher.model.run import Run
from publisher.model.values import TableRef
from publisher.settings import Settings

log = structlog.get_logger(__name__)

_SPREAD = 2.0  # seconds over which tables that are due at once begin
_APART = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides when a table is harvested; a changed plan replaces the job."""

    every: timedelta | None
    cron: str | None

    @classmethod
    def of(cls, entry: TableEntry) -> "Plan | None":
        harvest = entry.harvest
        if harvest is None or (harvest.every is None and harvest.cron is None):
            return None
        return cls(harvest.every, harvest.cron)


def backoff(period: timedelta, failures: int, most: timedelta) -> timedelta:
    """Give the wait after so many failures in a row: it doubles, up to *most*.

    Never shorter than the table's own period.
    """
    # In floats, which many doublings of a long period do not overflow as they do a timedelta.
    doubled = period.total_seconds() * 2.0 ** min(failures, 64)
    return max(period, timedelta(seconds=min(doubled, most.total_seconds())))


class Scheduler:
    """Runs every table's harvest by its ``every`` or ``cron``.

    After a stop, what came due meanwhile runs at once, and once. A table that fails is asked
    less and less often (up to ``backoff_max``) and is reported once when it begins to fail
    and once when it is back.
    """

    def __init__(
        self,
        harvester: Harvester,
        entry: Callable[[TableRef], TableEntry | None],
        settings: Settings,
    ) -> None:
        self._harvester = harvester
        self._entry = entry
        self._settings = settings
        self._zone = ZoneInfo(settings.timezone)
        self._plans: dict[TableRef, Plan] = {}
        self._failures: dict[TableRef, int] = {}
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(_tell_overrun, EVENT_JOB_MAX_INSTANCES)

    def start(
        self,
        entries: Iterable[TableEntry],
        harvests: Mapping[TableRef, Run],
        housekeeping: Callable[[], Awaitable[None]],
    ) -> None:
        """Begin; *harvests* are the newest of each table, from before the stop.

        *housekeeping* runs once a day, in the small hours.
        """
        for ref, run in harvests.items():
            if run.outcome == "failed":
                self._failures[ref] = 1
        self._scheduler.start()
        self._scheduler.add_job(
            housekeeping, cron_trigger("17 3 * * *", self._zone, jitter=600), id="housekeeping"
        )
        self.refresh(entries, harvests)

    def refresh(
        self, entries: Iterable[TableEntry], harvests: Mapping[TableRef, Run] | None = None
    ) -> None:
        """Take over a changed catalog: jobs are added, moved and dropped as it says."""
        ordered = references_first(entries)
        wanted = {entry.ref: plan for entry in ordered if (plan := Plan.of(entry))}
        for ref in self._plans.keys() - wanted.keys():
            self._scheduler.remove_job(str(ref))
            del self._plans[ref]
        now = datetime.now(UTC)
        at_once: dict[TableRef, datetime] = {}
        for entry in ordered:
            ref = entry.ref
            plan = wanted.get(ref)
            if plan is None or self._plans.get(ref) == plan:
                continue
            self._plans[ref] = plan
            first = self._due(plan, (harvests or {}).get(ref))
            if first is None or first <= now:
                spread = random.uniform(0, min(_SPREAD, self._jitter(plan)))  # noqa: S311
                behind = [at_once[other] + _APART for other in entry.refers_to & at_once.keys()]
                first = at_once[ref] = max([now + timedelta(seconds=spread), *behind])
            self._scheduler.add_job(
                self._run,
                self._trigger(plan),
                args=[ref],
                id=str(ref),
                next_run_time=first,
                replace_existing=True,
            )

    async def stop(self) -> None:
        """Start nothing any more; what is going on is the harvester's to finish."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
            await asyncio.sleep(0)

    def next_run(self, ref: TableRef) -> datetime | None:
        job = self._scheduler.get_job(str(ref))
        return job.next_run_time if job else None

    def _due(self, plan: Plan, last: Run | None) -> datetime | None:
        """Tell when the harvest after *last* is due; None where none came to its end."""
        if last is None or last.outcome in {"running", "interrupted"}:
            return None
        if plan.every:
            return last.started_at + plan.every
        due: datetime | None = self._trigger(plan).get_next_fire_time(None, last.started_at)
        return due

    def _trigger(self, plan: Plan) -> BaseTrigger:
        if plan.cron is not None:
            return cron_trigger(plan.cron, self._zone, jitter=self._jitter(plan))
        assert plan.every is not None  # noqa: S101 - a plan has one of the two
        seconds = plan.every.total_seconds()
        return IntervalTrigger(seconds=seconds, jitter=self._jitter(plan) or None, timezone=UTC)

    def _jitter(self, plan: Plan) -> float:
        """Seconds by which a start may be late; a cron's period is read off its next two times."""
        return self._settings.schedule_jitter * self._period(plan).total_seconds()

    def _period(self, plan: Plan) -> timedelta:
        if plan.every is not None:
            return plan.every
        assert plan.cron is not None  # noqa: S101 - a plan has one of the two
        trigger = cron_trigger(plan.cron, self._zone)
        now = datetime.now(self._zone)
        first: datetime | None = trigger.get_next_fire_time(None, now)
        second: datetime | None = first and trigger.get_next_fire_time(
            first, first + timedelta(seconds=1)
        )
        return second - first if first and second else timedelta(days=1)

    async def _run(self, ref: TableRef) -> None:
        entry = self._entry(ref)
        if entry is None:
            return  # it left the catalog a moment ago; refresh drops the job
        try:
            run = await self._harvester.harvest(entry, trigger="schedule")
        except asyncio.CancelledError:
            return  # by stop(), which cancels the wait; the harvest itself goes on to its end
        if run.outcome == "failed":
            self._failed(ref, run)
        elif self._failures.pop(ref, 0):
            log.info("source is back", table=str(ref))

    def _failed(self, ref: TableRef, run: Run) -> None:
        failures = self._failures[ref] = self._failures.get(ref, 0) + 1
        if failures == 1:
            problem = run.problem
            log.error(
                "source fails",
                table=str(ref),
                code=problem.code if problem else None,
                **{
                    f"about_{key}": str(value)
                    for key, value in (problem.params if problem else {}).items()
                },
            )
        plan = self._plans.get(ref)
        job = self._scheduler.get_job(str(ref))
        if plan is None or job is None:
            return
        period = self._period(plan)
        wait = backoff(period, failures - 1, timedelta(seconds=self._settings.backoff_max))
        if wait > period:
            job.modify(next_run_time=datetime.now(UTC) + wait)


def _tell_overrun(event: JobExecutionEvent) -> None:
    log.warning("harvest still going when the next was due", table=event.job_id)
