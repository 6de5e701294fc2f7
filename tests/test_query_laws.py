"""Rows answer as a plain reading of the grammar would: filtered, sorted and paged, whatever comes.

Random tables with nulls, ties, any Unicode, negative zero, the largest integers and
microseconds are asked random questions; the oracle is Python.
"""

import functools
import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scale
from storing import Desk, entry, opened

from publisher.errors import GoneError
from publisher.model.catalog import TableEntry
from publisher.query import Signer, fetch, files, json_rows, next_pairs, prepare, stretches

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIGNER = Signer(b"a key for tests")
FIELDS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "whole": {"type": "integer"},
    "real": {"type": "number"},
    "exact": {"type": "number", "decimal": "12,3"},
    "flag": {"type": "boolean"},
    "at": {"type": "datetime", "role": "time"},
    "day": {"type": "date"},
    "clock": {"type": "time"},
    "month": {"type": "yearmonth"},
    "secret": {"type": "string", "personal": True},
}
OPEN = [name for name in FIELDS if name != "secret"]
VALUES: dict[str, list[Any]] = {
    "text": ["", "a", "A", "b", "Å", "å", "ø", "zz", "￿", "😀", 'q"x', "a,b", "two\nlines", "%_"],
    "whole": [-(2**63), -1, 0, 1, 2**53 + 1, 2**63 - 1],
    "real": [-0.0, 0.0, 1.5, -2.25, 1e-300, 1.7e308, 0.1, 1 / 3],
    "exact": [Decimal("-0.001"), Decimal("0.000"), Decimal("1.500"), Decimal("999999999.999")],
    "flag": [True, False],
    "at": [
        datetime(1, 1, 1),
        datetime(2026, 3, 29, 1, 30),
        datetime(2026, 3, 29, 1, 30, 0, 1),
        datetime(2026, 10, 25, 0, 59, 59, 999999),
        datetime(9999, 12, 31),
    ],
    "day": [date(1, 1, 1), date(2026, 2, 28), date(2026, 3, 1)],
    "clock": [time(0), time(12, 30), time(23, 59, 59, 999999)],
    "month": ["2025-12", "2026-01"],
    "secret": ["010203-1234"],
}
_tables = itertools.count()


def written(value: Any) -> str:
    """Write a value as a caller would in a URL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return value.isoformat() if isinstance(value, date | time) else str(value)


def shown(name: str, value: Any) -> Any:
    """Give a value as the JSON answer shows it."""
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='auto')}Z"
    if isinstance(value, time):
        text = value.isoformat()
        return text.rstrip("0") if "." in text else text
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def quoted(items: list[str]) -> str:
    return ",".join('"' + item.replace('"', '""') + '"' for item in items)


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, str, Any]:
    """Give a parameter, its text, and a test of a row."""
    name = draw(st.sampled_from(OPEN))
    kinds = ["isnull", "in", "notin", "exact", "not"]
    if name != "flag":
        kinds += ["gt", "gte", "lt", "lte"]
    if name == "text":
        kinds += ["contains", "startswith", "endswith"]
    op = draw(st.sampled_from(kinds))
    if op == "isnull":
        wanted = draw(st.booleans())
        return f"{name}__isnull", written(wanted), lambda row: (row[name] is None) == wanted
    if op in {"in", "notin"}:
        many = draw(st.lists(st.sampled_from(VALUES[name]), min_size=1, max_size=3))
        text = quoted([written(value) for value in many])
        return (
            f"{name}__{op}",
            text,
            lambda row: row[name] is not None and (row[name] in many) == (op == "in"),
        )
    value = draw(st.sampled_from(VALUES[name]))
    tests = {
        "exact": lambda cell: cell == value,
        "not": lambda cell: cell != value,
        "gt": lambda cell: cell > value,
        "gte": lambda cell: cell >= value,
        "lt": lambda cell: cell < value,
        "lte": lambda cell: cell <= value,
        "contains": lambda cell: value in cell,
        "startswith": lambda cell: cell.startswith(value),
        "endswith": lambda cell: cell.endswith(value),
    }
    parameter = name if op == "exact" and draw(st.booleans()) else f"{name}__{op}"
    return parameter, written(value), lambda row: row[name] is not None and tests[op](row[name])


table_rows = st.fixed_dictionaries(
    {name: st.none() | st.sampled_from(values) for name, values in VALUES.items()}
)
rows_of_tables = st.lists(table_rows, max_size=25)
sorts = st.lists(
    st.tuples(st.sampled_from(OPEN), st.booleans()), max_size=3, unique_by=lambda item: item[0]
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened(tmp_path_factory.mktemp("laws")) as found:
        yield found


def new_table(key: list[str]) -> TableEntry:
    schema = {
        "name": "any",
        "version": "1.0.0",
        "fields": [{"name": name, **shape} for name, shape in FIELDS.items()],
        **({"primaryKey": key} if key else {}),
    }
    return entry(schema, name=f"t{next(_tables)}")


def pages(
    desk: Desk, table: TableEntry, pairs: list[tuple[str, str]], between: Any = lambda: None
) -> list[dict[str, Any]]:
    """Read all pages, calling *between* before each but the first."""
    found: list[dict[str, Any]] = []
    while True:
        ready = prepare(desk.con, desk.store, table, pairs, signer=SIGNER, now=NOW)
        page = fetch(desk.con, desk.store, ready, form="json", signer=SIGNER)
        found += orjson.loads(orjson.dumps(json_rows(ready.shown, page.rows)))
        if page.cursor is None:
            return found
        assert len(page.rows) == ready.query.limit
        pairs = next_pairs(pairs, ready, page.cursor)
        between()


@settings(
    max_examples=scale(90, 6_000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    data=rows_of_tables,
    key=st.sampled_from([[], ["text", "at"], ["secret", "whole"]]),
    wanted=st.lists(conditions(), max_size=3, unique_by=lambda item: item[0]),
    order=sorts,
    limit=st.integers(1, 8),
    others=rows_of_tables,
)
def test_pages_hold_exactly_the_versions_rows_in_order_once_each(
    desk: Desk, data, key, wanted, order, limit, others
):
    table = new_table(key)
    data = unique(data, key)
    desk.commit(table, [cells(row) for row in data])
    pairs = [(name, text) for name, text, _ in wanted]
    if {name for name, _ in pairs} >= {"text", "text__exact"}:
        pairs = pairs[:1]
    if order:
        pairs.append(("sort", ",".join(f"{'-' * down}{name}" for name, down in order)))
    waiting = [cells(row) for row in unique(others, key)]

    found = pages(desk, table, [*pairs, ("limit", "10000")])
    paged = pages(
        desk,
        table,
        [*pairs, ("limit", str(limit))],
        lambda: desk.commit(table, [waiting.pop()]) if waiting else None,
    )

    assert paged == found
    matching = [row for row in data if all(test(row) for _, _, test in wanted)]
    expected = [{name: shown(name, row[name]) for name in OPEN} for row in matching]
    assert canonical(found) == canonical(expected)
    terms = [*order, *((name, False) for name in key if name in OPEN)]
    places = [place(row, terms, matching, expected) for row in found]
    assert places == sorted(places)


@settings(max_examples=scale(40, 2_000), suppress_health_check=[HealthCheck.too_slow])
@given(
    data=st.lists(table_rows, min_size=5, max_size=25),
    key=st.sampled_from([[], ["text", "at"]]),
    wanted=st.lists(conditions(), max_size=1),
    order=sorts,
)
def test_a_file_sorted_in_stretches_holds_the_rows_that_a_page_holds(
    desk: Desk, tmp_path_factory, data, key, wanted, order
):
    table = new_table(key)
    desk.commit(table, [cells(row) for row in unique(data, key)])
    pairs = [(name, text) for name, text, _ in wanted]
    pairs += [("sort", ",".join(f"{'-' * down}{name}" for name, down in order))] * bool(order)
    file = tmp_path_factory.getbasetemp() / "laws.ndjson"

    ready = prepare(desk.con, desk.store, table, pairs, signer=SIGNER, now=NOW, kind="export")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretches, "_ROWS", 2)
        written = files.write(desk.con, desk.store, ready, "ndjson", file)

    body = file.read_bytes()
    rows = [orjson.loads(line) for line in body.splitlines()]
    assert rows == pages(desk, table, [*pairs, ("limit", "10000")])
    assert written == files.Written(len(rows), len(body), sha256(body).hexdigest())


def cells(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in FIELDS)


def unique(rows: list[dict[str, Any]], key: list[str]) -> list[dict[str, Any]]:
    if not key:
        return rows
    return list(
        {
            tuple(row[name] for name in key): row
            for row in rows
            if all(row[name] is not None for name in key)
        }.values()
    )


def canonical(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(orjson.dumps(row).decode() for row in rows)


def place(row: Any, terms: list[Any], matching: list[Any], expected: list[Any]) -> list[Any]:
    """Give what a row sorts by: nulls behind everything, either way; text by code point."""
    original = matching[expected.index(row)]
    return [_Term(original[name], down) for name, down in terms]


@functools.total_ordering
class _Term:
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any, down: bool) -> None:
        self.value = [ord(letter) for letter in value] if isinstance(value, str) else value
        self.down = down

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, _Term)
        return self.value == other.value

    def __lt__(self, other: "_Term") -> bool:
        if self.value is None or other.value is None:
            return self.value is not None
        return other.value < self.value if self.down else self.value < other.value


def test_a_sort_value_too_long_for_a_cursor_is_looked_up(desk: Desk):
    table = new_table([])
    rows = [{**dict.fromkeys(FIELDS), "text": "å" * (3000 - number)} for number in range(7)]
    desk.commit(table, [cells(row) for row in rows])
    found = pages(desk, table, [("sort", "-text"), ("limit", "2"), ("select", "text")])
    assert [row["text"] for row in found] == ["å" * (3000 - number) for number in range(7)]


def test_a_page_whose_history_went_meanwhile_is_gone_and_never_short(desk: Desk):
    table = new_table(["whole"])
    for text in ("a", "b"):
        desk.commit(table, [cells({**dict.fromkeys(FIELDS), "whole": 1, "text": text})])
    ready = prepare(desk.con, desk.store, table, [("version", "1")], signer=SIGNER, now=NOW)
    desk.store.prune_history(desk.con, table.ref, datetime.now(UTC))
    with pytest.raises(GoneError):
        fetch(desk.con, desk.store, ready, form="json", signer=SIGNER)
