"""Rows that several partners gave are read by one statement, as if each were read by itself."""

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scale import scale

from publisher.engine import Connection, Engine
from publisher.errors import SourceError
from publisher.model.query import ROW, Compare, Order
from publisher.model.schema import Field, Schema
from publisher.model.values import TableRef
from publisher.partners import Ask, Fetched, Remote, loading
from publisher.query.loads import Loads

Row = tuple[str | None, float | str | None, float | None]
"""A station, a level and a number, of which the last two may be of the wrong type."""
ORDER = (Order("level", descending=True), Order("station"))
HIGH, HALF = "high", 1.5
stations = st.sampled_from(["a", "b", "c", None])
levels = st.sampled_from([0.5, 1.5, 2.5, None])
rows_of_pages = st.lists(
    st.lists(st.tuples(stations, levels | st.just(HIGH), st.sampled_from([1, 1, 1, None, HALF]))),
    min_size=1,
    max_size=3,
)
tables = st.tuples(
    rows_of_pages,
    st.none() | st.tuples(levels, stations),
    st.booleans(),
    st.sampled_from([*[None] * 5, b"<html>\n"]),
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    found = Engine.open(None, work=tmp_path_factory.mktemp("work"))
    yield found
    found.close()


@settings(max_examples=scale(100, 2_000), deadline=None)
@given(
    drawn=st.lists(tables, min_size=2, max_size=4),
    least=st.sampled_from([None, 1.5]),
    ordered=st.booleans(),
    number=st.sampled_from(["count", "File_Index"]),  # as the engine calls a file's number
)
def test_each_table_has_those_of_its_own_rows_that_were_asked_for(
    engine, drawn, least, ordered, number
):
    fields = {
        "station": Field(name="station", type="string"),
        "level": Field(name="level", type="number"),
        number: Field(name=number, type="integer"),
    }
    schema = Schema(name="levels", version="1.0.0", fields=tuple(fields.values()))
    where = () if least is None else (Compare("level", "gte", least),)
    came, wanted = [], []
    with tempfile.TemporaryDirectory() as folder:
        for table, (pages, place, more, damage) in enumerate(drawn):
            remote = Remote(f"p{table}", TableRef("river", "levels"), fields, (), schema)
            ask = Ask(remote, tuple(fields), where)
            if ordered:
                ask = Ask(remote, tuple(fields), where, ORDER, place)
            files = [Path(folder, f"{table}.{page}") for page in range(len(pages))]
            for file, rows in zip(files, pages, strict=True):
                written = (orjson.dumps(dict(zip(fields, row, strict=True))) for row in rows)
                file.write_bytes(b"".join(it + b"\n" for it in written))
            if damage is not None:
                files[-1].write_bytes(damage)
            load = partial(loading.load, fields=fields, partner=remote.partner)
            came.append((ask, Fetched(load, files, more=more, lines=fields)))
            rows = [row for page in pages for row in page]
            unlike = "partner-unlike" if more and not rows else None
            wrong = unlike if damage is None else "partner-not-rows"
            wanted.append(wrong or as_asked(rows, ask, least))
        for batches in ([came], [[it] for it in reversed(came)]):
            with engine.cursor() as con:
                loads = Loads()
                for batch in batches:
                    loads.read(con, batch)
                assert [told_of(loads, con, found) for _, found in came] == wanted


def as_asked(rows: list[Row], ask: Ask, least: float | None) -> tuple[Any, ...]:
    """Give the rows that are to be there behind their numbers, and what is to be counted."""

    def asked_for(station: str | None, level: float | str | None) -> bool:
        if not ask.order:
            return True
        matches = least is None or (isinstance(level, float) and level >= least)
        return matches and (ask.after is None or rank((level, station)) > rank(ask.after))

    wrong = [row for row in rows if row[1] == HIGH or row[2] == HALF]
    kept = [
        (place, *row)
        for place, row in enumerate(rows, 1)
        if row not in wrong and asked_for(row[0], row[1])
    ]
    return kept, len(rows) - len(wrong), len(wrong), kept[-1][0] if kept else None


def rank(place: Sequence[Any]) -> tuple[Any, ...]:
    """Give what sorts as a level and a station do: the highest first, nulls last."""
    level, station = place
    return (level is None, -(level or 0), station is None, station or "")


def told_of(loads: Loads, con: Connection, found: Fetched) -> tuple[Any, ...] | str:
    """Give the rows of a table behind their numbers, and what was counted; else what is wrong."""
    try:
        load = loads.of(found)
    except SourceError as error:
        return error.code
    columns = ", ".join(f'"{it}"' for it in found.lines or ())
    rows = con.execute(f"SELECT {ROW}, {columns} FROM {load.source} AS t ORDER BY {ROW}")
    return rows.fetchall(), load.rows, load.refused, load.last
