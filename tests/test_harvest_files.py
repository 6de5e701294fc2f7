"""Several files of one source: each is told by its name, and none is taken twice."""

import gzip
from pathlib import Path

import pytest
from test_harvest import Town, harvest, ledger, rows, waiting

from publisher.messages import render


@pytest.fixture
def town(root: Path) -> Town:
    return Town(root)


async def test_every_bad_file_is_told_with_its_name_and_reason(town: Town) -> None:
    town.deliver("<!doctype html><title>Log ind</title>", header="")
    town.deliver("A,2026-01-01T10:00:00Z,25", "A,2026-01-01T10:05:00Z,26", "A,soon,1")
    town.deliver("Å,2026-01-01T10:00:00Z,25")
    damaged = town.root / "inbox/003.csv"
    damaged.write_bytes(damaged.read_bytes().replace("Å".encode(), b"\xc5"))
    town.deliver("A,2026-01-01T10:00:00Z,1")
    (town.root / "inbox/tabt.csv").symlink_to("findes-ikke.csv")
    async with town.service() as service:
        for outcome in ("new", "again"):
            run = await harvest(service)
            assert (run.outcome, run.version, run.problem.code) == ("failed", 1, "files-unusable")
            told = {(it.params.get("origin"), it.code) for it in run.problem.parts}
            assert told == {
                ("inbox/001.csv", "html-page"),
                ("inbox/002.csv", "too-many-bad"),
                ("inbox/003.csv", "wrong-encoding"),
                (None, "file-missing"),
            }, outcome
            (kept, *_) = await ledger(service)
            danish, _ = render(kept.problem.code, kept.problem.params, "da")
            for said in ("4 filer", "inbox/001.csv: leverancen er", "inbox/tabt.csv findes ikke"):
                assert said in danish
        for name in ("001", "003", "tabt"):
            (town.root / f"inbox/{name}.csv").unlink()
        run = await harvest(service)
        assert (run.outcome, run.problem.code) == ("held", "too-many-bad")
        assert run.problem.params["origin"] == "inbox/002.csv"


async def test_what_is_wrong_with_the_schema_is_told_once_and_blamed_on_no_file(town: Town) -> None:
    town.deliver("A,2026-01-01T10:00:00Z,1")
    town.deliver("A,2026-01-01T10:05:00Z,1")
    async with town.service() as service:
        await harvest(service)
        town.schema["fields"][2] = {"name": "level", "type": "string"}
        town.write()
        run = await harvest(service)
        assert (run.outcome, run.problem.code) == ("failed", "schema-type-changed")
        assert "origin" not in run.problem.params


async def test_findings_of_several_files_are_told_as_one(town: Town) -> None:
    town.harvest["maxBad"] = "100%"
    town.deliver("A,2026-01-01T10:00:00Z,25", "A,2026-01-01T10:05:00Z,26")
    town.deliver("B,2026-01-01T10:00:00Z,25", "B,soon,1", "C,later,1", "D,then,1", "E,now,1")
    async with town.service() as service:
        run = await harvest(service)
        assert [(it.rule, it.field, it.count, it.rows) for it in run.findings] == [
            ("type-error", "at", 4, (3, 4, 5, 6)),
            ("constraint-error", "level", 3, (2, 3)),
        ]


async def test_appended_bytes_are_never_taken_twice_even_under_a_new_view(town: Town) -> None:
    town.harvest["mode"] = "append"
    del town.schema["primaryKey"]
    town.deliver("A,2026-01-01T10:00:00Z,1")
    async with town.service() as service:
        await harvest(service)
        town.schema["fields"][2]["constraints"]["maximum"] = 30
        town.write()
        assert (await harvest(service)).rows.new == 0
        assert len(await rows(service)) == 1


async def test_a_file_that_is_renamed_or_copied_is_appended_once(town: Town) -> None:
    town.harvest["mode"] = "append"
    del town.schema["primaryKey"]
    town.deliver("A,2026-01-01T10:00:00Z,1")
    town.deliver("A,2026-01-01T10:00:00Z,1")
    inbox = town.root / "inbox"
    async with town.service() as service:
        assert (await harvest(service)).rows.new == 1
        (inbox / "001.csv").rename(inbox / "other.csv")
        assert (await harvest(service)).outcome == "unchanged"
        assert len(await rows(service)) == 1


async def test_what_is_larger_once_unpacked_than_may_be_is_refused(town: Town) -> None:
    town.harvest["source"]["path"] = "inbox/*.csv.gz"
    rows = "".join(f"A,2026-01-01T{n // 60:02}:{n % 60:02}:00Z,1\n" for n in range(1000))
    inbox = town.root / "inbox"
    inbox.mkdir()
    (inbox / "1.csv.gz").write_bytes(gzip.compress(b"station,at,level\n" + rows.encode()))
    async with town.service(max_delivery_bytes=20_000) as service:
        run = await harvest(service)
        assert run.problem
        assert run.problem.code == "too-large-unpacked"


async def test_a_file_whose_every_cell_is_wrong_is_held_with_examples_of_each(town: Town) -> None:
    names = [f"f{number:02}" for number in range(30)]
    town.schema["fields"] = [{"name": name, "type": "number"} for name in names]
    del town.schema["primaryKey"]
    town.harvest["mode"] = "append"
    town.deliver(*[",".join(['"1,5"'] * 30)] * 2, header=",".join(names))
    async with town.service() as service:
        run = await harvest(service)
        assert run.outcome == "held"
        assert {it.field: it.count for it in run.findings} == dict.fromkeys(names, 2)
        last = await service.engine.run(
            lambda con: service.store.rejections(con, run.deliveries), lane="query"
        )
        assert all(example.message for _, rejection in last for example in rejection.examples)


async def test_a_danish_file_lands_with_instants_and_decimals(town: Town) -> None:
    town.harvest |= {"profile": "danish-windows-1252"}
    town.harvest["maxBad"] = "60%"
    town.schema["fields"][0]["role"] = "entity"
    town.schema["fields"][2] = {"name": "level", "type": "number"}
    times = {
        "24-10-2026 12:00": "1.234,5",
        "25-10-2026 02:30": "2,5",
        "25.10.2026 02:30:00": "-0,25",
        "25/10/2026 03:30": "4",
        "2026-10-25T03:00:00Z": "5,0",
        "26-10-2026 12:00": "1.5",
        "28-03-2027 02:30": "7",
    }
    content = "station;at;level\n" + "".join(f"Å;{at};{level}\n" for at, level in times.items())
    inbox = town.root / "inbox"
    inbox.mkdir()
    (inbox / "a.csv").write_bytes(content.encode("cp1252"))
    async with town.service() as service:
        assert (await harvest(service)).outcome == "committed"
        assert await rows(service) == [
            ("Å", "10:00", 1234.5),
            ("Å", "00:30", 2.5),
            ("Å", "01:30", -0.25),
            ("Å", "02:30", 4.0),
            ("Å", "03:00", 5.0),
        ]
        kept = await waiting(service)
    assert [row.row_number for row in kept] == [7, 8]
    assert "is no decimal point" in kept[0].errors[0]["note"]
    assert "does not exist in Europe/Copenhagen" in kept[1].errors[0]["note"]
