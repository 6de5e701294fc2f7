"""Stores of older formats are brought forward, each step whole or not at all."""

from datetime import datetime
from pathlib import Path

import pytest
from storing import DUCKLAKE, Desk, entry, location, opened

from publisher.engine import Connection, Engine
from publisher.errors import StoreFormatError
from publisher.model.run import Counts
from publisher.store import Store, formats

NOON = datetime.fromisoformat("2026-03-31T12:00")
RIVER = entry()
REF = RIVER.ref
NEXT = formats.FORMAT + 1

FORMAT_1 = """
CREATE SCHEMA store.data; CREATE SCHEMA store.history;
CREATE SCHEMA store.latest; CREATE SCHEMA store.meta;
CREATE TABLE store.meta.format (number INTEGER, since TIMESTAMP);
CREATE TABLE store.meta.versions (
    ref VARCHAR, version BIGINT, committed_at TIMESTAMP, run VARCHAR, total_rows BIGINT,
    read_rows BIGINT, new_rows BIGINT, corrected BIGINT, unchanged BIGINT, removed BIGINT,
    quarantined BIGINT);
CREATE TABLE store.meta.schemas (ref VARCHAR, version BIGINT, descriptor JSON);
CREATE TABLE store.meta.horizons (ref VARCHAR, oldest BIGINT);
CREATE TABLE store.meta.deliveries (
    ref VARCHAR, id VARCHAR, run VARCHAR, origin VARCHAR, sha256 VARCHAR, fingerprint VARCHAR,
    outcome VARCHAR, position JSON, problem JSON, settled_at TIMESTAMP);
CREATE TABLE store.meta.quarantine (
    ref VARCHAR, id VARCHAR, revision BIGINT, run VARCHAR, delivery VARCHAR, row_number BIGINT,
    labels JSON, cells JSON, errors JSON, rules VARCHAR[], version BIGINT);
CREATE TABLE store.meta.quarantine_closed (
    ref VARCHAR, id VARCHAR, run VARCHAR, reason VARCHAR, closed_at TIMESTAMP);
CREATE TABLE store.meta.runs (
    ref VARCHAR, id VARCHAR, started_at TIMESTAMP, finished_at TIMESTAMP, outcome VARCHAR,
    body JSON);
CREATE TABLE store.meta.intents (
    dataset VARCHAR, target VARCHAR, table_name VARCHAR, version BIGINT, made_at TIMESTAMP);
CREATE TABLE store.meta.published (
    dataset VARCHAR, target VARCHAR, versions JSON, fingerprint VARCHAR, remote JSON,
    problem JSON, attempted_at TIMESTAMP);
CREATE TABLE store.meta.compacted (ref VARCHAR, month_start TIMESTAMP, version BIGINT);
INSERT INTO store.meta.format VALUES (1, '2026-01-01');
INSERT INTO store.meta.versions VALUES
    ('river/levels', 1, '2026-01-01 10:00', 'run', 1, 1, 1, 0, 0, 0, 0),
    ('river/levels', 2, '2026-01-02 10:00', 'run', 1, 1, 0, 1, 0, 0, 0);
INSERT INTO store.meta.deliveries VALUES
    ('river/levels', '1', 'run', 'in/1.csv', 'aa', 'f', 'committed', '{}', NULL,
     '2026-01-01 10:00:01'),
    ('river/levels', '2', 'run', 'in/2.csv', 'bb', 'f', 'committed', '{}', NULL,
     '2026-01-02 10:00:01'),
    ('river/levels', '3', 'run', 'in/3.csv', 'cc', 'f', 'held', '{}', NULL,
     '2026-01-03 10:00:01');
INSERT INTO store.meta.intents VALUES ('river', 'folder', 'levels', 2, '2026-01-02 10:00');
CREATE TABLE store.data."river/levels" (
    station VARCHAR, "seen.at" TIMESTAMP, level DOUBLE, _since BIGINT, _row BIGINT);
CREATE TABLE store.latest."river/levels" AS FROM store.data."river/levels";
CREATE TABLE store.history."river/levels" (
    station VARCHAR, "seen.at" TIMESTAMP, level DOUBLE, _since BIGINT, _row BIGINT, _until BIGINT);
INSERT INTO store.data."river/levels" VALUES ('a', '2026-03-31 12:00', 2, 2, 8589934592);
INSERT INTO store.latest."river/levels" FROM store.data."river/levels";
INSERT INTO store.history."river/levels" VALUES ('a', '2026-03-31 12:00', 1, 1, 4294967296, 2)
"""


def lay_out_format_1(con: Connection) -> None:
    for statement in FORMAT_1.split(";"):
        con.execute(statement)
    descriptor = RIVER.schema.model_dump_json(by_alias=True, exclude_unset=True)
    con.execute("INSERT INTO store.meta.schemas VALUES (?, 1, ?)", [str(REF), descriptor])


def test_a_store_of_format_1_goes_on_with_all_it_held(tmp_path: Path) -> None:
    engine = Engine.open(location(tmp_path), work=tmp_path / "work")
    with engine.cursor() as con:
        lay_out_format_1(con)
    engine.close()
    with opened(tmp_path) as desk:
        assert formats.read_format(desk.con) == formats.FORMAT
        assert [desk.rows(REF, version, "level") for version in (1, 2)] == [[(1.0,)], [(2.0,)]]
        seen = desk.store.seen(desk.con, REF)
        assert {origin: (last.outcome, last.version) for origin, last in seen.items()} == {
            "in/1.csv": ("committed", 1),
            "in/2.csv": ("committed", 2),
            "in/3.csv": ("held", 2),
        }
        committed = desk.commit(RIVER, [("a", NOON, 3.0)])
        assert (committed.version, committed.counts) == (3, Counts(read=1, corrected=1))
        desk.store.keep_house(desk.con, REF, NOON.astimezone())


def test_an_older_format_is_brought_forward_after_a_copy(tmp_path: Path) -> None:
    """The next two formats are made up; the machinery is the one that real ones use."""

    def second(con: Connection) -> None:
        con.execute("ALTER TABLE store.meta.versions ADD COLUMN remark VARCHAR")

    def third(con: Connection) -> None:
        con.execute("CREATE TABLE store.meta.remarks AS SELECT ref FROM store.meta.versions")

    def broken(con: Connection) -> None:
        third(con)
        con.execute("SELECT no_such_column FROM store.meta.versions")

    target = NEXT + 1
    with opened(tmp_path) as desk:
        desk.commit(RIVER, [("a", NOON, 1.0)])
        steps = {NEXT: second, target: broken}
        with pytest.raises(Exception, match="no_such_column"):
            formats.prepare(desk.engine, desk.con, target=target, migrations=steps)
        assert formats.read_format(desk.con) == NEXT, "each migration is whole or not there"
    engine = Engine.open(location(tmp_path), work=tmp_path / "work")
    with engine.cursor() as con:
        steps = {NEXT: second, target: third}
        formats.prepare(engine, con, target=target, migrations=steps)
        assert formats.read_format(con) == target
        assert con.execute("SELECT ref FROM store.meta.remarks").fetchall() == [(str(REF),)]
        desk = Desk(engine, Store(engine), con)
        assert len(desk.rows(REF, 1)) == 1
        with pytest.raises(StoreFormatError) as refused:
            desk.store.prepare(con)
        assert refused.value.params == {"found": target, "known": formats.FORMAT}
    engine.close()
    copies = sorted(path.name for path in tmp_path.glob("store.duckdb.format-*"))
    numbers = [] if DUCKLAKE else [formats.FORMAT, NEXT]
    assert copies == [f"store.duckdb.format-{number}" for number in numbers]
    for number, name in zip(numbers, copies, strict=True):
        old = Engine.open(str(tmp_path / name), work=tmp_path / "work")
        with old.cursor() as con:
            assert formats.read_format(con) == number
        old.close()
