"""Runs the whole service against the simulated departments, and judges what came of it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from publisher.app import Service
from publisher.demo.proof import differences
from publisher.demo.story import OPENING, Round, Story
from publisher.demo.telling import Teller
from publisher.demo.website import open_website
from publisher.messages import Language
from publisher.messages.demo import tell
from publisher.model.run import Counts, Run
from publisher.serve import answering
from publisher.settings import Settings

SEED = 3805
"""Of the made-up values; the same each time, so that two demos tell the same story."""


def example() -> Path:
    """Give the folder that holds the example's catalog/ and schemas/.

    It is inside an installed package, or at the top of the checkout that this runs from.
    """
    package = Path(__file__).resolve().parents[1]
    inside = package / "_example"
    return inside if inside.is_dir() else package.parent


async def run_once(settings: Settings, say: Callable[[str], None]) -> tuple[str, ...]:
    """Play the opening and tell what is not as expected; nothing if all of it came about."""
    async with _playing(settings, say) as (service, story, teller, url):
        found: list[str] = []
        for round_ in islice(story.rounds(), len(OPENING)):
            runs = await _play(service, round_, teller)
            found += _surprises(round_, runs, settings.language)
        found += await differences(story.books, url, settings.published_path, settings.language)
        teller.verdict(found)
        return tuple(found)


async def run_on(settings: Settings, say: Callable[[str], None], *, pause: float) -> None:
    """Play until cancelled, with *pause* seconds between the rounds."""
    async with _playing(settings, say) as (service, story, teller, url):
        for round_ in story.rounds():
            await _play(service, round_, teller)
            if round_.act == "arrival":
                teller.look(url, settings.data)
            await asyncio.sleep(pause)


@asynccontextmanager
async def _playing(
    settings: Settings, say: Callable[[str], None]
) -> AsyncIterator[tuple[Service, Story, Teller, str]]:
    teller = Teller(say, settings.language)
    teller.welcome(settings.data)
    inbox = settings.data / "inbox"
    await asyncio.to_thread(inbox.mkdir, parents=True, exist_ok=True)
    async with open_website() as website:
        story = Story(website, inbox, seed=SEED, now=datetime.now(UTC))
        environ = os.environ | {"DEPARTMENTS_INBOX": str(inbox), "DEPARTMENTS_URL": website.url}
        async with answering(settings, environ=environ) as (service, url):
            yield service, story, teller, url


async def _play(service: Service, round_: Round, teller: Teller) -> list[Run]:
    """Harvest each table and publish what changed."""
    teller.begin(round_)
    runs = []
    for expected in round_.expected:
        entry = service.catalog.entry(expected.ref)
        run = await service.harvester.harvest(entry)
        teller.ran(run)
        for released in await _released(service, run):
            teller.released(released)
        runs.append(run)
    published = []
    for dataset in service.catalog.datasets:
        results = await service.outbox.publish(dataset)
        if any(result.outcome == "published" for result in results):
            published.append(dataset)
    teller.published(published)
    return runs


async def _released(service: Service, run: Run) -> list[Run]:
    """Give the runs that let rows out of quarantine because of what *run* committed."""
    if run.outcome != "committed":
        return []
    newest = await service.engine.run(lambda con: service.store.runs(con, limit=10))
    return [
        it
        for it in newest
        if it.trigger == "reference" and it.started_at > run.started_at and it.rows.new
    ]


def _surprises(round_: Round, runs: list[Run], language: Language) -> list[str]:
    found = []
    for expected, run in zip(round_.expected, runs, strict=True):
        code = run.problem.code if run.problem else None
        wanted = _facts(expected.outcome, expected.rows, expected.code)
        got = _facts(run.outcome, run.rows, code)
        if wanted != got:
            about = {"round": round_.number, "table": run.ref, "expected": wanted, "found": got}
            found.append(tell("other-outcome", language, **about))
    return found


def _facts(outcome: str, rows: Counts, code: str | None) -> str:
    """Put into a line what was expected of a run, or came of it; rows count in commits only."""
    counts = ", ".join(f"{name} {count}" for name, count in asdict(rows).items() if count)
    return " ".join(
        part for part in (outcome, code, counts if outcome == "committed" else "") if part
    )
