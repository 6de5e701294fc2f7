"""A table's harvest as a steward meets it: real files and a real HTTP server, the whole service."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs
from support import write_yaml

from publisher.app import Service, open_service
from publisher.model.run import Run
from publisher.model.table import QuarantinedRow
from publisher.model.values import TableRef
from publisher.settings import Settings

LEVELS = TableRef("vand", "levels")


@dataclass
class Town:
    """A root with one dataset, ``vand``, whose tables the test describes."""

    root: Path
    schema: dict[str, Any] = field(
        default_factory=lambda: {
            "name": "level",
            "version": "1.0.0",
            "fields": [
                {"name": "station", "type": "string", "constraints": {"required": True}},
                {
                    "name": "at",
                    "type": "datetime",
                    "role": "time",
                    "constraints": {"required": True},
                },
                {"name": "level", "type": "number", "constraints": {"maximum": 20}},
            ],
            "primaryKey": ["station", "at"],
        }
    )
    harvest: dict[str, Any] = field(
        default_factory=lambda: {"source": {"type": "file", "path": "inbox/*.csv"}, "maxBad": "50%"}
    )
    more_tables: list[dict[str, Any]] = field(default_factory=list)
    day: int = 0

    def write(self) -> None:
        write_yaml(self.root / "catalog/organizations.yaml", {"by": {"title": "By"}})
        write_yaml(self.root / "schemas/level.yaml", self.schema)
        table = {
            "name": "levels",
            "path": "levels.csv",
            "schema": "../schemas/level.yaml",
            "harvest": self.harvest,
        }
        dataset = {
            "name": "vand",
            "title": "Vand",
            "publisher": "by",
            "licenses": [{"name": "CC0-1.0"}],
            "resources": [table, *self.more_tables],
            "publish": {"access": "public", "targets": ["folder"]},
        }
        write_yaml(self.root / "catalog/vand.yaml", dataset)

    def deliver(self, *lines: str, header: str = "station,at,level") -> None:
        self.day += 1
        part = self.root / "inbox" / f"{self.day:03}.part"
        part.parent.mkdir(exist_ok=True)
        part.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        part.rename(part.with_suffix(".csv"))

    @asynccontextmanager
    async def service(self, **stated: Any) -> AsyncIterator[Service]:
        self.write()
        settings = Settings(
            root=self.root, data=self.root / "data", http_attempts=1, file_quiet=0, **stated
        )
        async with open_service(settings, environ={}) as service:
            assert [f for f in service.findings if f.severity == "error"] == []
            yield service


@pytest.fixture
def town(root: Path) -> Town:
    return Town(root)


async def levels(service: Service) -> dict[str, float | None]:
    """Give the newest level of each station."""

    def read(con: Any) -> dict[str, float | None]:
        state = service.store.state(con, LEVELS)
        relation, values = service.store.relation(LEVELS, state.version)
        return dict(con.execute(f"SELECT station, level FROM {relation}", values).fetchall())

    return await service.engine.run(read)


async def harvest(service: Service, ref: TableRef = LEVELS) -> Run:
    await service.reload()
    return await service.harvester.harvest(service.catalog.entry(ref))


async def rows(service: Service, ref: TableRef = LEVELS) -> list[tuple[Any, ...]]:
    def read(con):
        state = service.store.state(con, ref)
        if state is None:
            return []
        relation, values = service.store.relation(ref, state.version)
        names = ", ".join(f'"{f.name}"' for f in state.schema.fields)
        return con.execute(f"SELECT {names} FROM {relation} ORDER BY ALL", values).fetchall()

    found = await service.engine.run(read)
    return [tuple(v.strftime("%H:%M") if hasattr(v, "strftime") else v for v in r) for r in found]


async def quarantined(service: Service) -> list[tuple[int, list[str]]]:
    kept = await waiting(service)
    return [(row.row_number, [error["type"] for error in row.errors]) for row in kept]


async def waiting(service: Service) -> list[QuarantinedRow]:
    return await service.engine.run(lambda con: service.store.quarantine_rows(con, LEVELS))


async def test_good_rows_go_on_bad_ones_wait_with_their_reasons(town: Town) -> None:
    town.deliver("A,2026-01-01T10:00:00Z,1.5", "A,2026-01-01T10:05:00Z,21", "B,soon,1")
    town.harvest["maxBad"] = "80%"
    async with town.service() as service:
        run = await harvest(service)
        assert run.outcome == "committed"
        assert (run.version, run.rows.read, run.rows.new, run.rows.quarantined) == (1, 3, 1, 2)
        assert await rows(service) == [("A", "10:00", 1.5)]
        assert await quarantined(service) == [(3, ["constraint-error"]), (4, ["type-error"])]
        assert (await harvest(service)).outcome == "unchanged"
        assert [r.outcome for r in await ledger(service)] == ["unchanged", "committed"]


async def test_refused_rows_are_counted_by_the_schemas_field_whatever_its_column(
    town: Town,
) -> None:
    town.harvest["fields"] = {"level": {"column": "at niveau"}, "at": {"column": "level"}}
    town.harvest["maxBad"] = "100%"
    town.deliver("A,soon,1", "A,2026-01-01T10:05:00Z,21", "A", header="station,level,at niveau")
    async with town.service() as service:
        run = await harvest(service)
        counts = await service.engine.run(lambda con: service.store.quarantine_counts(con, LEVELS))
        found = {(count.rule, count.field, count.rows) for count in counts.rules}
        assert found == {(count.rule, count.field, count.rows) for count in run.findings}
        assert {("type-error", "at", (2,)), ("constraint-error", "level", (3,))} < found
        errors = [error for row in await waiting(service) for error in row.errors]
        (cell,) = [error for error in errors if error["type"] == "type-error"]
        assert (cell["fieldName"], cell["field"]) == ("level", "at")


async def ledger(service: Service) -> list[Run]:
    return await service.engine.run(lambda con: service.store.runs(con, LEVELS))


async def test_a_later_delivery_corrects_and_adds(town: Town) -> None:
    town.deliver("A,2026-01-01T10:00:00Z,1", "A,2026-01-01T10:05:00Z,2")
    async with town.service() as service:
        await harvest(service)
        town.deliver("A,2026-01-01T10:05:00Z,2.5", "A,2026-01-01T10:10:00Z,3")
        run = await harvest(service)
        assert (run.version, run.rows.new, run.rows.corrected, run.rows.unchanged) == (2, 1, 1, 0)
        assert await rows(service) == [("A", "10:00", 1), ("A", "10:05", 2.5), ("A", "10:10", 3)]


async def test_a_renamed_column_empties_nothing(town: Town) -> None:
    town.deliver("a,2026-01-01T00:00:00Z,1", "b,2026-01-01T00:00:00Z,2")
    async with town.service() as service:
        await harvest(service)
        renamed = "station,at,vandstand"
        town.deliver("a,2026-01-01T00:00:00Z,1.5", "c,2026-01-01T00:00:00Z,3", header=renamed)
        run = await harvest(service)
        assert (run.outcome, run.version) == ("failed", 1)
        assert run.problem
        assert run.problem.code == "missing-column"
        assert await levels(service) == {"a": 1.0, "b": 2.0}
    town.harvest |= {"fields": {"level": {"column": "vandstand"}}}
    (town.root / "inbox/001.csv").unlink()  # taken, and not of the new shape
    async with town.service() as service:
        assert (await harvest(service)).outcome == "committed"
        assert await levels(service) == {"a": 1.5, "b": 2.0, "c": 3.0}


async def test_what_json_does_not_say_is_kept(town: Town) -> None:
    town.harvest["source"]["path"] = "inbox/*.json"
    at = "2026-01-01T00:00:00Z"
    inbox = town.root / "inbox"
    inbox.mkdir()
    (inbox / "1.json").write_text(f'[{{"station": "a", "at": "{at}", "level": 1}}]')
    async with town.service() as service:
        await harvest(service)
        silent = [{"station": name, "at": at} for name in "ab"]
        (inbox / "2.json").write_text(json.dumps(silent))
        run = await harvest(service)
        assert [note.code for note in run.notes] == ["absent-field"]
        assert await levels(service) == {"a": 1.0, "b": None}


async def test_past_max_bad_the_last_good_version_stays_until_the_view_is_mended(
    town: Town,
) -> None:
    town.deliver("A,2026-01-01T10:00:00Z,1")
    async with town.service() as service:
        await harvest(service)
        town.deliver("A,2026-01-01T10:05:00Z,25", "A,2026-01-01T10:10:00Z,26")
        for _ in range(2):
            run = await harvest(service)
            assert (run.outcome, run.version) == ("held", 1)
            assert run.problem is not None
            assert run.problem.code == "too-many-bad"
            assert [(it.field, it.count, it.rows) for it in run.findings] == [("level", 2, (2, 3))]
        assert await rows(service) == [("A", "10:00", 1)]
        assert await quarantined(service) == []
        town.schema["fields"][2]["constraints"]["maximum"] = 30
        town.write()
        run = await harvest(service)
        assert (run.outcome, run.rows.new) == ("committed", 2)


async def test_released_rows_are_judged_by_the_mended_schema(town: Town) -> None:
    town.deliver(
        "A,2026-01-01T10:00:00Z,1", "A,2026-01-01T10:05:00Z,25", "A,2026-01-01T10:10:00Z,x"
    )
    town.harvest["maxBad"] = "90%"
    async with town.service() as service:
        await harvest(service)
        town.schema["fields"][2]["constraints"]["maximum"] = 30
        town.write()
        await service.reload()
        run = await service.harvester.release(service.catalog.entry(LEVELS))
        assert (run.outcome, run.rows.new, run.rows.quarantined) == ("committed", 1, 1)
        assert await rows(service) == [("A", "10:00", 1), ("A", "10:05", 25)]
        assert await quarantined(service) == [(4, ["type-error"])]


async def test_a_released_row_never_undoes_what_came_later(town: Town) -> None:
    town.deliver("A,2026-01-01T10:00:00Z,25", "B,2026-01-01T10:00:00Z,1")
    async with town.service() as service:
        await harvest(service)
        town.deliver("A,2026-01-01T10:00:00Z,2")
        await harvest(service)
        town.schema["fields"][2]["constraints"]["maximum"] = 30
        town.write()
        await service.reload()
        await service.harvester.release(service.catalog.entry(LEVELS))
        assert await rows(service) == [("A", "10:00", 2), ("B", "10:00", 1)]
        assert await quarantined(service) == []


async def test_a_released_row_is_older_than_a_good_one_of_the_commit_that_refused_it(
    town: Town,
) -> None:
    town.harvest["maxBad"] = "50%"
    town.deliver("A,1 Jan 2026 10:00Z,1", "A,2026-01-01T10:00:00Z,2")
    async with town.service() as service:
        assert (await harvest(service)).version == 1
        (row,) = await waiting(service)
        assert (row.version, row.origin) == (0, "inbox/001.csv")
    town.schema["fields"][1]["format"] = "any"
    async with town.service() as service:
        await service.harvester.release(service.catalog.entry(LEVELS))
        assert await waiting(service) == []
        assert await rows(service) == [("A", "10:00", 2)]


async def test_rows_refused_for_a_missing_reference_come_in_when_it_does(town: Town) -> None:
    write_yaml(
        town.root / "schemas/station.yaml",
        {
            "name": "station",
            "version": "1.0.0",
            "fields": [{"name": "id", "type": "string", "constraints": {"required": True}}],
            "primaryKey": ["id"],
        },
    )
    town.more_tables = [
        {
            "name": "stations",
            "path": "stations.csv",
            "schema": "../schemas/station.yaml",
            "harvest": {"source": {"type": "file", "path": "stations.csv"}, "mode": "replace"},
        }
    ]
    town.schema["foreignKeys"] = [
        {"fields": ["station"], "reference": {"resource": "stations", "fields": ["id"]}}
    ]
    town.deliver("A,2026-01-01T10:00:00Z,1", "B,2026-01-01T10:00:00Z,2")
    stations = town.root / "stations.csv"
    stations.write_text("id\nA\n")
    async with town.service() as service:
        await harvest(service, TableRef("vand", "stations"))
        await harvest(service)
        assert await rows(service) == [("A", "10:00", 1)]
        assert await quarantined(service) == [(3, ["foreign-key"])]
        stations.write_text("id\nA\nB\n")
        await harvest(service, TableRef("vand", "stations"))
        assert await rows(service) == [("A", "10:00", 1), ("B", "10:00", 2)]
        assert await quarantined(service) == []


async def test_one_table_is_never_harvested_twice_at_once(town: Town) -> None:
    town.harvest["mode"] = "append"
    del town.schema["primaryKey"]
    town.deliver(*(f"A,2026-01-01T10:{n:02}:00Z,{n / 10}" for n in range(60)))
    async with town.service() as service:
        runs = await asyncio.gather(*(harvest(service) for _ in range(3)))
        assert sorted(run.outcome for run in runs) == ["committed", "unchanged", "unchanged"]
        assert len(await rows(service)) == 60


async def test_a_cancelled_caller_does_not_cut_the_harvest_off(town: Town) -> None:
    town.deliver(*(f"A,2026-01-01T{n // 60:02}:{n % 60:02}:00Z,1" for n in range(1200)))
    async with town.service() as service:
        waiting = asyncio.create_task(harvest(service))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await service.harvester.close()
        assert len(await rows(service)) == 1200
        assert (await ledger(service))[0].outcome == "committed"


async def test_what_landed_before_a_crash_is_brought_in_though_the_source_forgot_it(
    town: Town,
) -> None:
    town.deliver("A,2026-01-01T10:00:00Z,1")
    async with town.service() as service:
        entry = service.catalog.entry(LEVELS)
        source = service.harvester.source(entry)
        async for offer in source.offers({}):
            await service.landing.land(LEVELS, offer)
    for file in (town.root / "inbox").iterdir():
        file.unlink()
    async with town.service() as service:
        assert (await harvest(service)).rows.new == 1
        assert await rows(service) == [("A", "10:00", 1)]


async def test_what_cannot_be_tidied_stops_no_other_table(town: Town) -> None:
    town.more_tables = [
        {
            "name": name,
            "path": f"{name}.csv",
            "schema": "../schemas/level.yaml",
            "harvest": {"source": {"type": "file", "path": "inbox/*.csv"}, "history": "P2D"},
        }
        for name in ("more", "most")
    ]
    town.deliver("A,2026-01-01T10:00:00Z,1")

    def damage(con: Any) -> None:
        con.execute('DROP TABLE store.data."vand/more"')
        con.execute("UPDATE store.meta.runs SET finished_at = '2016-01-01'")

    async with town.service() as service:
        for table in ("levels", "more", "most"):
            await harvest(service, TableRef("vand", table))
        await service.engine.run(damage)
        with capture_logs() as lines:
            await service.housekeep()
        assert [line["table"] for line in lines if line["log_level"] == "error"] == ["vand/more"]
        assert await service.engine.run(service.store.runs) == []


@asynccontextmanager
async def department(answer: Callable[[web.Request], web.Response]) -> AsyncIterator[str]:
    app = web.Application()

    async def handle(request: web.Request) -> web.Response:
        return answer(request)

    app.router.add_get("/levels.csv", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/levels.csv"
    finally:
        await runner.cleanup()


GOOD = "station,at,level\nA,2026-01-01T10:00:00Z,1\n"


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (web.Response, "empty-delivery"),
        (lambda: web.Response(text="<!doctype html><title>Log ind</title>"), "html-page"),
        (lambda: web.Response(status=503), "http-busy"),
        (lambda: web.Response(status=403), "http-refused"),
        (
            lambda: web.Response(text="station,at,niveau\nA,2026-01-01T10:00:00Z,1\n"),
            "missing-column",
        ),
        (lambda: web.Response(text="station,at,level,level\nA,x,1,1\n"), "doubled-column"),
    ],
    ids=["empty", "login page", "down", "refused", "renamed column", "doubled column"],
)
async def test_a_source_that_fails_leaves_the_last_good_version_and_the_next_run_recovers(
    town: Town, bad: Callable[[], web.Response], code: str
) -> None:
    answers: list[Callable[[], web.Response]] = [lambda: web.Response(text=GOOD)]
    town.harvest["fields"] = {"level": {"column": "level"}}
    async with department(lambda _: answers[-1]()) as url:
        town.harvest["source"] = {"type": "http", "url": url}
        async with town.service() as service:
            assert (await harvest(service)).outcome == "committed"
            answers.append(bad)
            run = await harvest(service)
            assert (run.outcome, run.version) == ("failed", 1)
            assert run.problem is not None
            assert run.problem.code == code
            assert await rows(service) == [("A", "10:00", 1)]
            answers.append(lambda: web.Response(text=GOOD + "A,2026-01-01T10:05:00Z,2\n"))
            run = await harvest(service)
            assert (run.outcome, run.rows.new, run.rows.unchanged) == ("committed", 1, 1)
