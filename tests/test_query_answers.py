"""Counts, offsets, features and names: what else is told beside the rows a filter finds."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import orjson
import pytest
from storing import Desk, entry, opened
from test_query_filter import NOW, SIGNER, VALUES, asked, table_of

from publisher.errors import ParameterError
from publisher.query import fetch, geojson_features, next_pairs, prepare
from publisher.query.grammar import Kind


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened(tmp_path_factory.mktemp("answers")) as found:
        yield found


def test_an_estimate_is_near_and_a_whole_table_is_counted(desk: Desk, monkeypatch):
    monkeypatch.setattr("publisher.query.rows._COUNTED", 8_000)
    row = {**dict.fromkeys(VALUES), "flag": True}
    table = table_of(desk, [{**row, "whole": number % 10} for number in range(24_000)])
    assert asked(desk, table, count="estimated")[1] == 24_000
    found = asked(desk, table, count="estimated", whole="3")[1]
    assert found is not None
    assert 1_200 < found < 3_600
    assert asked(desk, table, count="exact", whole="3")[1] == 2_400


def test_an_offset_leaves_out_rows_and_later_pages_follow_on(desk: Desk):
    table = table_of(desk, [dict.fromkeys(VALUES) for _ in range(30)])
    assert asked(desk, table, offset="25") == ([25, 26, 27, 28, 29], None)


def test_a_field_named_like_a_parameter_to_come_is_reached_by_its_operator(desk: Desk):
    fields = [{"name": "every", "type": "integer"}, {"name": "filter", "type": "string"}]
    table = entry({"name": "named", "version": "1.0.0", "fields": fields}, name="named")
    desk.commit(table, [(1, "a"), (2, "b")])
    ask = partial(prepare, desk.con, desk.store, table, signer=SIGNER, now=NOW)
    with pytest.raises(ParameterError) as caught:
        ask([("every", "1")])
    assert caught.value.code == "field-named-otherwise"
    ready = ask([("filter__exact", "a"), ("filter", "every = 1 AND filter = 'a'")])
    page = fetch(desk.con, desk.store, ready, form="json", signer=SIGNER)
    assert [row[:2] for row in page.rows] == [(1, "a")]


def test_features_have_their_point_page_by_page(desk: Desk):
    points = [(10.5, 56.0), (None, 56.0), (-180.0, 90.0)]
    data = [{**dict.fromkeys(VALUES), "east": east, "north": north} for east, north in points]
    table = table_of(desk, data)
    pairs = [("select", "no"), ("limit", "2"), ("sort", "-no")]
    found: list[Any] = []
    while True:
        ready = prepare(desk.con, desk.store, table, pairs, signer=SIGNER, now=NOW)
        page = fetch(desk.con, desk.store, ready, form="geojson", signer=SIGNER)
        found += orjson.loads(orjson.dumps(geojson_features(ready.shown, page.rows)))
        if page.cursor is None:
            break
        pairs = next_pairs(pairs, ready, page.cursor)
    assert found == [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": list(point)}
            if None not in point
            else None,
            "properties": {"no": number},
        }
        for number, point in reversed([*enumerate(points)])
    ]


def test_what_is_beyond_an_open_end_cannot_be_said_of_a_null(desk: Desk):
    row = dict.fromkeys(VALUES)
    table = table_of(desk, [row, {**row, "at": datetime(2026, 3, 29)}])
    for text in ("T_AFTER(at, INTERVAL('2026-01-01', '..'))", "T_BEFORE(at, INTERVAL('..', 'X'))"):
        stated = text.replace("X", "2026-01-01")
        assert asked(desk, table, filter=stated)[0] == []
        assert asked(desk, table, filter=f"NOT {stated}")[0] == [1]


def test_decimals_of_any_size_stand_in_one_list(desk: Desk):
    row = dict.fromkeys(VALUES)
    table = table_of(desk, [{**row, "exact": "1.500"}, {**row, "exact": "2.000"}, row])
    listed = "1.5,1e20,1.00000000000000000001"
    assert asked(desk, table, exact__in=listed)[0] == [0]
    assert asked(desk, table, exact__notin=listed)[0] == [1]


def test_a_pattern_may_end_in_an_escaped_backslash_and_a_new_line(desk: Desk):
    table = table_of(desk, [{**dict.fromkeys(VALUES), "text": "a\\\n"}])
    assert asked(desk, table, filter="text LIKE '%\\\\\n'")[0] == [0]


@pytest.mark.parametrize("kind", ["rows", "latest", "aggregate"])
def test_what_is_committed_while_the_newest_rows_are_read_changes_no_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: Kind
):
    fields = [
        {"name": "station", "role": "entity"},
        {"name": "at", "type": "datetime", "role": "time"},
        {"name": "level", "type": "integer"},
    ]
    key = ["station", "at"]
    schema = {"name": "read", "version": "1.0.0", "fields": fields, "primaryKey": key}
    table = entry(schema, name=f"read-{kind}")
    at = datetime(2026, 1, 1)
    desk.commit(table, [("a", at, 1), ("b", at, 2)])
    pairs = [("by", "station"), ("agg", "level:sum")] if kind == "aggregate" else []
    ready = prepare(desk.con, desk.store, table, pairs, signer=SIGNER, now=NOW, kind=kind)
    before = fetch(desk.con, desk.store, ready, form="json", signer=SIGNER).rows
    for name in ("relation_name", "latest_name"):
        found = getattr(desk.store, name)

        def late(ref: Any, found: Any = found) -> Any:
            monkeypatch.undo()
            desk.commit(table, [("a", at, 10), ("b", datetime(2026, 1, 2), 20)])
            return found(ref)

        monkeypatch.setattr(desk.store, name, late)
    assert fetch(desk.con, desk.store, ready, form="json", signer=SIGNER).rows == before
    now = prepare(desk.con, desk.store, table, pairs, signer=SIGNER, now=NOW, kind=kind)
    assert fetch(desk.con, desk.store, now, form="json", signer=SIGNER).rows != before
