"""Promise 1: kill -9 at any step; afterwards every row is there exactly once.

Each round brings news to three tables (merge, append, replace), kills a process at one step of
its work, lets another finish, and compares the store, the quarantine and the published package
with what the deliveries said.
"""

import csv
import json
import multiprocessing
import random
import signal
from collections import Counter
from pathlib import Path

import pytest
from kill_child import dies_judging, one_round
from scale import scale

from publisher.app import open_service
from publisher.harvest.attempts import ATTEMPTS
from publisher.settings import Settings

# A fresh process for every round, forked from one that has the modules loaded already.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["kill_child"])

SCHEMA = """
name: reading
version: 1.0.0
fields:
  - {name: station, type: string, role: entity, constraints: {required: true}}
  - {name: observed_at, type: datetime, role: time, constraints: {required: true}}
  - {name: level, type: number, constraints: {maximum: 100}}
"""

DATASET = """
name: kill
title: Made up, to be killed
publisher: test
licenses: [{name: CC0-1.0}]
resources:
"""

TABLE = """
  - name: MODE
    path: MODE.csv
    schema: ../schemas/SCHEMA.yaml
    harvest:
      {mode: MODE, maxBad: 100%, maxShrink: 100%, source: {type: file, path: "inbox/MODE-*.csv"}}
"""


class Model:
    """What the deliveries so far amount to."""

    def __init__(self, root: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.inbox = root / "inbox"
        self.merged: dict[tuple[str, str], float] = {}
        self.appended: Counter[tuple[str, str, float]] = Counter()
        self.replaced: dict[tuple[str, str], float] = {}
        self.refused: Counter[str] = Counter()
        self.number = 0
        self.inbox.mkdir()
        for folder in ("catalog", "schemas"):
            (root / folder).mkdir()
        (root / "schemas/keyed.yaml").write_text(
            SCHEMA.replace("reading", "keyed") + "primaryKey: [station, observed_at]\n"
        )
        (root / "schemas/plain.yaml").write_text(SCHEMA.replace("reading", "plain"))
        (root / "catalog/organizations.yaml").write_text("test: {title: Test}\n")
        tables = "".join(
            TABLE.replace("MODE", mode).replace("SCHEMA", schema)
            for mode, schema in [("merge", "keyed"), ("append", "plain"), ("replace", "keyed")]
        )
        (root / "catalog/kill.yaml").write_text(
            DATASET + tables + "publish: {access: public, targets: [folder]}\n"
        )

    def news(self) -> None:
        """Write one more file for each table: new rows, corrections, and rows to refuse."""
        self.number += 1
        for mode in ("merge", "append", "replace"):
            rows = {
                (
                    f"S{self.random.randrange(3)}",
                    f"2026-01-01T00:{self.random.randrange(60):02}:00Z",
                ): round(self.random.uniform(-1, 120), 3)
                for _ in range(30)
            }
            lines = ["station,observed_at,level"]
            lines += [f"{station},{at},{level}" for (station, at), level in rows.items()]
            part = self.inbox / f".{mode}.part"
            part.write_text("\n".join(lines) + "\n")
            part.rename(self.inbox / f"{mode}-{self.number:04}.csv")
            good = {key: level for key, level in rows.items() if level <= 100}
            bad = len(rows) - len(good)
            # a delivery that is the whole table leaves nothing of the one before it to wait
            self.refused[mode] = bad + (self.refused[mode] if mode != "replace" else 0)
            if mode == "merge":
                self.merged |= good
            elif mode == "append":
                self.appended.update((*key, level) for key, level in good.items())
            else:
                self.replaced = good


def child(root: Path, kill_at: int | None) -> tuple[int | None, int]:
    """Give a round's exit code and how many steps it crossed (0 where it was killed)."""
    receive, send = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=one_round, args=(root, kill_at, send))
    process.start()
    send.close()
    process.join(120)
    steps = receive.recv() if process.exitcode == 0 else 0
    receive.close()
    return process.exitcode, steps


async def stored(root: Path) -> dict[str, tuple[list[tuple[str, str, float]], int]]:
    """Give each table's rows and how many wait in quarantine."""
    settings = Settings(root=root, data=root / "data", log_level="error")
    async with open_service(settings, environ={}) as service:

        def read(con):
            found = {}
            for ref in service.catalog.entries:
                state = service.store.state(con, ref)
                relation, values = service.store.relation(ref, state.version)
                rows = con.execute(
                    "SELECT station, strftime(observed_at, '%Y-%m-%dT%H:%M:%SZ'), level"
                    f" FROM {relation} ORDER BY ALL",
                    values,
                ).fetchall()
                waiting = sum(1 for _ in service.store.each_quarantined(con, ref))
                found[ref.table] = rows, waiting
            return found

        return await service.engine.run(read)


def published(root: Path, table: str) -> list[tuple[str, str, float]]:
    with (root / "data/published/kill" / f"{table}.csv").open(newline="") as file:
        return sorted(
            (row["station"], row["observed_at"], float(row["level"]))
            for row in csv.DictReader(file)
        )


async def test_every_row_is_there_once_after_kills_at_every_step(tmp_path: Path) -> None:
    kills = scale(8, 120)
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - to draw the same again
    model = Model(tmp_path, seed)
    model.news()
    for _ in range(2):  # the second round is one like all that follow
        ended, steps = child(tmp_path, None)
        assert ended == 0
        model.news()
    assert steps > 60, f"{steps} steps: the round no longer passes the steps it is to be killed at"
    killed = 0
    for index in range(kills):
        kill_at = 1 + (index * steps) // kills
        model.news()
        ended, _ = child(tmp_path, kill_at)
        # the last round left more or less to do, so that the very last steps may not come
        assert ended in {-signal.SIGKILL, 0}, f"seed {seed}, step {kill_at}"
        killed += ended != 0
        assert child(tmp_path, None)[0] == 0, f"seed {seed}, after a kill at step {kill_at}"
        expected = {
            "merge": sorted((*key, level) for key, level in model.merged.items()),
            "append": sorted(model.appended.elements()),
            "replace": sorted((*key, level) for key, level in model.replaced.items()),
        }
        found = await stored(tmp_path)
        for table, rows in expected.items():
            about = f"seed {seed}, {table} after a kill at step {kill_at} of {steps}"
            got, waiting = found[table]
            assert got == rows, about
            assert waiting == model.refused[table], about
            assert published(tmp_path, table) == rows, about
    assert killed >= kills * 0.85, f"only {killed} of {kills} were cut off"
    print(f"{killed} kills over {steps} steps")  # noqa: T201
    package = json.loads((tmp_path / "data/published/kill/datapackage.json").read_text())
    assert {resource["name"] for resource in package["resources"]} >= set(expected)


@pytest.mark.parametrize("deaths", [ATTEMPTS - 1, ATTEMPTS])
async def test_a_delivery_that_always_ends_the_process_is_set_aside(
    tmp_path: Path, deaths: int
) -> None:
    model = Model(tmp_path, seed=1)
    model.news()
    for _ in range(deaths):
        process = PROCESSES.Process(target=dies_judging, args=(tmp_path,))
        process.start()
        process.join(120)
        assert process.exitcode == -signal.SIGKILL
    model.news()
    files = sorted(model.inbox.glob("merge-*.csv"))
    poison, good = (len(file.read_text().splitlines()) - 1 for file in files)
    settings = Settings(root=tmp_path, data=tmp_path / "data", log_level="error", file_quiet=0)
    async with open_service(settings, environ={}) as service:
        entry = next(it for it in service.catalog.entries.values() if it.ref.table == "merge")
        run = await service.harvester.harvest(entry)
        if deaths < ATTEMPTS:
            assert (run.outcome, run.problem, run.rows.read) == ("committed", None, poison + good)
            return
        assert (run.outcome, run.rows.read) == ("failed", good)
        assert run.problem
        assert run.problem.code == "unjudgeable"
        assert service.landing.pending(entry.ref) == []
        again = await service.harvester.harvest(entry)
        assert (again.outcome, again.problem) == ("failed", run.problem)
