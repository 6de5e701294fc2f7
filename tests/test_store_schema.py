"""A changed schema is applied where the stored rows allow it, and refused with the reason."""

import copy
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from storing import LEVELS, Desk, delivery, entry, opened

from publisher.errors import SchemaChangeError
from publisher.model.catalog import TableEntry
from publisher.store import Commit, layout

NOON = datetime.fromisoformat("2026-03-31T12:00")
SCHEMA: dict[str, Any] = {
    **LEVELS,
    "fields": [
        *LEVELS["fields"],
        {"name": "note", "type": "string"},
        {"name": "day", "type": "date"},
        {"name": "state", "type": "object"},
    ],
}
ROW = ("a", NOON, 1.5, "clear", NOON.date(), '{"a": 1}')
REF = entry().ref


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened(tmp_path) as desk:
        desk.commit(entry(SCHEMA), [ROW, ("b", NOON, 2.0, None, NOON.date(), None)])
        yield desk


def changed(field: str | None = None, /, **change: Any) -> TableEntry:
    """The table with one *field*'s properties changed, or the schema's own."""
    schema = copy.deepcopy(SCHEMA)
    if field is None:
        schema.update(change)
    else:
        next(item for item in schema["fields"] if item["name"] == field).update(change)
    return entry(schema)


def apply(desk: Desk, of: TableEntry) -> int | None:
    committed = desk.store.commit(desk.con, Commit(of, "run", None))
    assert committed.changed
    state = desk.store.state(desk.con, REF)
    assert state is not None
    assert state.schema == of.schema
    return committed.version


def test_an_added_field_is_null_in_the_rows_there_are(desk: Desk) -> None:
    schema = copy.deepcopy(SCHEMA)
    schema["fields"].insert(0, {"name": "quality", "type": "integer", "role": "quality"})
    of = entry(schema)
    committed = desk.commit(of, [(7, *ROW), (8, "c", *ROW[1:])])
    assert (committed.version, committed.counts.corrected, committed.counts.new) == (2, 1, 1)
    names = "station, quality, _since"
    assert desk.rows(REF, 1, names) == [("a", None, 1), ("b", None, 1)]
    assert desk.rows(REF, 2, names) == [("a", 7, 2), ("b", None, 1), ("c", 8, 2)]
    newest = f"SELECT {names} FROM {layout.latest(REF)} ORDER BY ALL"
    assert desk.con.execute(newest).fetchall() == desk.rows(REF, 2, names)


@pytest.mark.parametrize(
    "of",
    [
        changed(title="Another title", version="1.0.1"),
        changed("note", personal=True),
        changed("note", title="Note", description="What was seen"),
        changed("level", constraints={"minimum": 1.5, "maximum": 2, "required": True}),
        changed("level", constraints={"exclusiveMinimum": 1, "enum": [1.5, 2.0]}),
        changed("note", constraints={"minLength": 5, "maxLength": 5, "pattern": "[a-z]+"}),
        changed("note", constraints={"enum": ["clear"], "unique": True}),
        changed("day", constraints={"minimum": "2026-03-31", "enum": ["2026-03-31"]}),
        changed("seen.at", constraints={"maximum": "2026-03-31T12:00:00Z"}),
        changed("day", format="%d-%m-%Y"),
    ],
)
def test_what_the_rows_keep_is_applied_and_makes_a_version(desk: Desk, of: TableEntry) -> None:
    assert apply(desk, of) == 2
    assert [row[:6] for row in desk.rows(REF, 2)] == [row[:6] for row in desk.rows(REF, 1)]
    again = desk.store.commit(desk.con, Commit(of, "run", None))
    assert (again.version, again.changed) == (2, False)


@pytest.mark.parametrize(
    ("of", "code"),
    [
        (changed("level", unit="cm"), "schema-unit-changed"),
        (changed("level", unit=None), "schema-unit-changed"),
        (changed("level", type="string"), "schema-type-changed"),
        (changed("level", decimal="10,2"), "schema-type-changed"),
        (changed("note", type="yearmonth"), "schema-type-changed"),
        (changed(primaryKey=["station"]), "schema-key-changed"),
        (changed(primaryKey=[]), "schema-key-changed"),
        (changed(fields=LEVELS["fields"]), "schema-field-removed"),
        (
            changed(
                fields=[
                    *SCHEMA["fields"],
                    {"name": "more", "type": "string", "constraints": {"required": True}},
                ]
            ),
            "schema-field-required",
        ),
        (changed("level", constraints={"maximum": 1.9}), "schema-narrowed"),
        (changed("level", constraints={"exclusiveMaximum": 2}), "schema-narrowed"),
        (changed("level", constraints={"enum": [1.5]}), "schema-narrowed"),
        (changed("note", constraints={"required": True}), "schema-narrowed"),
        (changed("note", constraints={"maxLength": 4}), "schema-narrowed"),
        (changed("note", constraints={"pattern": "[a-c]+"}), "schema-narrowed"),
        (changed("day", constraints={"unique": True}), "schema-narrowed"),
        (changed("day", constraints={"minimum": "2026-04-01"}), "schema-narrowed"),
        (changed("day", constraints={"minimum": "no day"}), "schema-constraint-unproven"),
        (changed("state", constraints={"minLength": 1}), "schema-constraint-unproven"),
    ],
)
def test_what_would_lose_or_break_stored_values_is_refused(
    desk: Desk, of: TableEntry, code: str
) -> None:
    before = desk.store.state(desk.con, REF)
    came = delivery(REF)
    for commit in (Commit(of, "run", None), Commit(of, "run", came)):
        desk.judged(of.schema, [])
        with pytest.raises(SchemaChangeError) as refused:
            desk.store.commit(desk.con, commit)
        assert refused.value.code == code
        assert refused.value.message("da")
        assert refused.value.remedy()
    assert desk.store.state(desk.con, REF) == before
    assert not desk.store.is_settled(desk.con, came.id)


def test_a_unit_may_be_stated_where_none_was(desk: Desk) -> None:
    assert apply(desk, changed("day", unit="d")) == 2


def test_a_table_that_never_held_a_row_takes_any_schema(desk: Desk) -> None:
    empty = entry(SCHEMA, table="empty")
    assert desk.commit(empty, []).version == 1
    other = entry({**LEVELS, "primaryKey": ["station"]}, table="empty")
    assert desk.commit(other, [("a", NOON, 1.0)]).version == 2
    assert desk.rows(other.ref, 1) == []
    emptied = entry(LEVELS, table="empty", mode="replace", maxShrink=1.0)
    with pytest.raises(SchemaChangeError):
        desk.commit(emptied, [])


def test_the_newest_rows_follow_the_roles(desk: Desk) -> None:
    later = NOON.replace(hour=13)
    desk.commit(entry(SCHEMA), [("a", later, 3.0, "clear", NOON.date(), None)])
    newest = f'SELECT station, "seen.at" FROM {layout.latest(REF)} ORDER BY ALL'
    assert desk.con.execute(newest).fetchall() == [("a", later), ("b", NOON)]
    of = changed("station", role=None)
    apply(desk, of)
    assert desk.con.execute(newest).fetchall() == [("a", later)]
    both = copy.deepcopy(SCHEMA)
    both["fields"][0]["role"] = None
    both["fields"][1]["role"] = None
    both["fields"][4]["role"] = "time"
    both["fields"][3]["role"] = "entity"
    desk.commit(entry(both), [("b", later, 3.0, None, NOON.date(), None)])
    assert desk.con.execute(newest).fetchall() == [("a", later), ("b", later)]
