"""Filters, boxes, circles and polygons answer as a plain reading of them would.

Conditions are drawn as trees and written as CQL2, as text and as JSON; the oracle is Python with
SQL's three-valued logic, and for places the definition of each.
"""

import itertools
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scale
from storing import Desk, entry, opened

from publisher.errors import ParameterError
from publisher.model.catalog import TableEntry
from publisher.query import Signer, fetch, json_rows, prepare

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIGNER = Signer(b"a key for tests")
FIELDS: dict[str, dict[str, Any]] = {
    "no": {"type": "integer"},
    "text": {"type": "string"},
    "PM2.5": {"type": "number"},
    "exact": {"type": "number", "decimal": "20,3"},
    "whole": {"type": "integer"},
    "flag": {"type": "boolean"},
    "at": {"type": "datetime", "role": "time"},
    "day": {"type": "date"},
    "east": {"type": "number", "role": "longitude"},
    "north": {"type": "number", "role": "latitude"},
    "secret": {"type": "string", "personal": True},
}
VALUES: dict[str, list[Any]] = {
    "text": ["", "a", "ab", "A", "å", "it's", "%", "_", "a%b", "\\", 'q"x', "two\nlines"],
    "PM2.5": [-0.0, 0.0, 1.5, -2.25, 1e-300, 0.1],
    "exact": ["0.000", "12345678901234567.125", "-1.500"],
    "whole": [-(2**63), -1, 0, 2**53 + 1, 2**63 - 1],
    "flag": [True, False],
    "at": [datetime(2026, 3, 29, 1, 30), datetime(2026, 3, 29, 1, 30, 0, 1), datetime(1, 1, 1)],
    "day": [datetime(2026, 2, 28).date(), datetime(2026, 3, 1).date()],
    "east": [-180.0, -10.0, 0.0, 10.0, 10.5, 179.9, 180.0],
    "north": [-90.0, 0.0, 56.0, 56.0001, 90.0],
}
Test = Callable[[dict[str, Any]], bool | None]
_tables = itertools.count()


@dataclass
class Filter:
    text: str
    node: Any
    """The same in CQL2's JSON form."""
    test: Test
    """True, False, or None where it cannot be said."""


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def literal(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, bool):
        return str(value).upper(), value
    if isinstance(value, datetime):
        stamp = f"{value.isoformat()}Z"
        return f"TIMESTAMP('{stamp}')", {"timestamp": stamp}
    if name == "day":
        return f"DATE('{value.isoformat()}')", {"date": value.isoformat()}
    if name == "exact":
        return value, Digits(value)
    if isinstance(value, str):
        return quoted(value), value
    return repr(value), value


class Digits:
    """A number that JSON is to hold digit by digit."""

    def __init__(self, text: str) -> None:
        self.text = text


def dumped(node: Any) -> str:
    marks: list[str] = []

    def default(value: Any) -> str:
        marks.append(value.text)
        return f"@{len(marks) - 1}@"

    text = json.dumps(node, default=default)
    for number, digits in enumerate(marks):
        text = text.replace(f'"@{number}@"', digits)
    return text


def comparable(name: str, value: Any) -> Any:
    return Decimal(value) if name == "exact" else value


def unknown_for_null(name: str, test: Callable[[Any], bool]) -> Test:
    return lambda row: None if row[name] is None else test(comparable(name, row[name]))


@st.composite
def leaves(draw: st.DrawFn) -> Filter:
    name = draw(st.sampled_from([it for it in VALUES if it not in {"east", "north"}]))
    shown = f'"{name}"' if draw(st.booleans()) else name
    prop = {"property": name}
    kinds = ["=", "<>", "in", "null"]
    if name != "flag":
        kinds += ["<", "<=", ">", ">=", "between"]
    if name == "text":
        kinds.append("like")
    if name in {"at", "day"}:
        kinds += ["t_after", "t_before", "t_during", "t_intersects"]
    kind = draw(st.sampled_from(kinds))
    one, other = (draw(st.sampled_from(VALUES[name])) for _ in range(2))
    (a, ja), (b, jb) = literal(name, one), literal(name, other)
    x, y = comparable(name, one), comparable(name, other)
    if kind == "null":
        return Filter(
            f"{shown} is null",
            {"op": "isNull", "args": [prop]},
            lambda row: row[name] is None,
        )
    if kind == "in":
        return Filter(
            f"{shown} IN ({a}, {b})",
            {"op": "in", "args": [prop, [ja, jb]]},
            unknown_for_null(name, lambda cell: cell in {x, y}),
        )
    if kind == "between":
        return Filter(
            f"{shown} BETWEEN {a} AND {b}",
            {"op": "between", "args": [prop, ja, jb]},
            unknown_for_null(name, lambda cell: x <= cell <= y),
        )
    if kind == "like":
        pattern = draw(st.sampled_from(["a%", "%b", "_", "%", "", r"\%", r"\\", "a_b", "%'%"]))
        return Filter(
            f"{shown} LIKE {quoted(pattern)}",
            {"op": "like", "args": [prop, pattern]},
            unknown_for_null(name, lambda cell: like(cell, pattern)),
        )
    tests = {
        "=": lambda cell: cell == x,
        "<>": lambda cell: cell != x,
        "<": lambda cell: cell < x,
        "<=": lambda cell: cell <= x,
        ">": lambda cell: cell > x,
        ">=": lambda cell: cell >= x,
        "t_after": lambda cell: cell > x,
        "t_before": lambda cell: cell < x,
        "t_during": lambda cell: x < cell < y,
        "t_intersects": lambda cell: x <= cell <= y,
    }
    if kind in {"t_during", "t_intersects"}:
        first, last = (next(iter(it.values())) for it in (ja, jb))
        text = f"{kind.upper()}({shown}, INTERVAL('{first}', '{last}'))"
        node = {"op": kind, "args": [prop, {"interval": [first, last]}]}
    elif kind in {"t_after", "t_before"}:
        text, node = f"{kind.upper()}({shown}, {a})", {"op": kind, "args": [prop, ja]}
    else:
        text, node = f"{shown} {kind} {a}", {"op": kind, "args": [prop, ja]}
    return Filter(text, node, unknown_for_null(name, tests[kind]))


def like(cell: str, pattern: str) -> bool:
    if not pattern:
        return not cell
    head, rest = pattern[0], pattern[1:]
    if head == "%":
        return any(like(cell[skip:], rest) for skip in range(len(cell) + 1))
    if head == "\\":
        head, rest = rest[0], rest[1:]
    elif head == "_":
        return bool(cell) and like(cell[1:], rest)
    return cell[:1] == head and like(cell[1:], rest)


@st.composite
def boxes(draw: st.DrawFn) -> Filter:
    west, east = draw(st.sampled_from(VALUES["east"])), draw(st.sampled_from(VALUES["east"]))
    south, north = sorted(draw(st.sampled_from(VALUES["north"])) for _ in range(2))

    def test(row: dict[str, Any]) -> bool | None:
        x, y = row["east"], row["north"]
        within = [x >= west, x <= east] if x is not None else [None, None]
        sides = both(within) if west <= east else either(within)
        return both([sides, None if y is None else south <= y <= north])

    bounds = [west, south, east, north]
    text = ", ".join(map(repr, bounds))
    return Filter(
        f"S_INTERSECTS(geometry, BBOX({text}))",
        {"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": bounds}]},
        test,
    )


@st.composite
def rectangles(draw: st.DrawFn) -> Filter:
    """Polygons whose inside can be told by looking: rectangles, one with a hole."""
    hole = draw(st.booleans())
    rings = [[[-10, 0], [10.5, 0], [10.5, 56.0001], [-10, 56.0001], [-10, 0]]]
    if hole:
        rings.append([[9, 55], [10.25, 55], [10.25, 56.00005], [9, 56.00005], [9, 55]])

    def test(row: dict[str, Any]) -> bool | None:
        x, y = row["east"], row["north"]
        if x is None or y is None:
            return None
        inside = -10 <= x <= 10.5 and 0 <= y <= 56.0001
        return inside and not (hole and 9 < x < 10.25 and 55 < y < 56.00005)

    text = ", ".join(f"({', '.join(f'{x} {y}' for x, y in ring)})" for ring in rings)
    return Filter(
        f"s_intersects(geometry, POLYGON({text}))",
        {
            "op": "s_intersects",
            "args": [{"property": "geometry"}, {"type": "Polygon", "coordinates": rings}],
        },
        test,
    )


def both(parts: list[bool | None]) -> bool | None:
    return False if False in parts else None if None in parts else True


def either(parts: list[bool | None]) -> bool | None:
    return True if True in parts else None if None in parts else False


def negated(part: Filter) -> Filter:
    def test(row: dict[str, Any]) -> bool | None:
        found = part.test(row)
        return None if found is None else not found

    return Filter(f"NOT ({part.text})", {"op": "not", "args": [part.node]}, test)


def joined(how: str, parts: list[Filter]) -> Filter:
    join = both if how == "and" else either
    return Filter(
        f" {how.upper()} ".join(f"({part.text})" for part in parts),
        {"op": how, "args": [part.node for part in parts]},
        lambda row: join([part.test(row) for part in parts]),
    )


filters = st.recursive(
    leaves() | boxes() | rectangles(),
    lambda inner: (
        inner.map(negated)
        | st.builds(joined, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3))
    ),
    max_leaves=6,
)
rows_of_tables = st.lists(
    st.fixed_dictionaries(
        {name: st.none() | st.sampled_from(values) for name, values in VALUES.items()}
    ),
    max_size=20,
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened(tmp_path_factory.mktemp("filters")) as found:
        yield found


def table_of(desk: Desk, rows: list[dict[str, Any]]) -> TableEntry:
    schema = {
        "name": "any",
        "version": "1.0.0",
        "fields": [{"name": name, **shape} for name, shape in FIELDS.items()],
        "primaryKey": ["no"],
    }
    table = entry(schema, name=f"f{next(_tables)}")
    full = [{"no": number, "secret": "x", **row} for number, row in enumerate(rows)]
    desk.commit(table, [tuple(row[name] for name in FIELDS) for row in full])
    return table


def asked(desk: Desk, table: TableEntry, **pairs: str) -> tuple[list[int], int | None]:
    ready = prepare(
        desk.con,
        desk.store,
        table,
        [*pairs.items(), ("select", "no"), ("limit", "10000")],
        signer=SIGNER,
        now=NOW,
    )
    page = fetch(desk.con, desk.store, ready, form="json", signer=SIGNER)
    rows = orjson.loads(orjson.dumps(json_rows(ready.shown, page.rows)))
    return [row["no"] for row in rows], page.total


@settings(max_examples=scale(50, 5_000), suppress_health_check=[HealthCheck.too_slow])
@given(data=rows_of_tables, wanted=filters)
def test_a_filter_finds_what_it_says_as_text_and_as_json(desk: Desk, data, wanted):
    table = table_of(desk, data)
    expected = [number for number, row in enumerate(data) if wanted.test(row)]
    for stated in (wanted.text, dumped(wanted.node)):
        assert asked(desk, table, filter=stated, count="exact") == (expected, len(expected))


@settings(max_examples=scale(20, 1_000))
@given(
    points=st.lists(
        st.tuples(st.floats(-180, 180), st.floats(-90, 90)) | st.just((None, 1.0)), max_size=20
    ),
    centre=st.tuples(st.floats(-180, 180), st.floats(-90, 90)),
    metres=st.floats(0, 20_000_000),
)
def test_near_is_the_distance_along_a_sphere(desk: Desk, points, centre, metres):
    data = [{**dict.fromkeys(VALUES), "east": east, "north": north} for east, north in points]
    table = table_of(desk, data)
    found, _ = asked(desk, table, near=f"{centre[0]!r},{centre[1]!r},{metres!r}")
    for number, (east, north) in enumerate(points):
        if east is None:
            assert number not in found
        elif abs((away := distance(centre, (east, north))) - metres) > 1:
            assert (number in found) == (away < metres)


def distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Give the angle between two unit vectors, in metres."""

    def vector(point: tuple[float, float]) -> tuple[float, ...]:
        east, north = (math.radians(it) for it in point)
        return (
            math.cos(north) * math.cos(east),
            math.cos(north) * math.sin(east),
            math.sin(north),
        )

    a, b = vector(one), vector(other)
    cross = math.hypot(
        a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    )
    return 6_371_008.8 * math.atan2(cross, sum(x * y for x, y in zip(a, b, strict=True)))


NESTED = 10_000


@pytest.mark.parametrize(
    ("parameter", "text", "code", "told"),
    [
        ("filter", "", "filter-syntax", {"position": 1}),
        ("filter", "text =", "filter-syntax", {"position": 7}),
        ("filter", "text = 'a' whole", "filter-syntax", {"position": 12}),
        ("filter", "text = 'open", "filter-syntax", {"position": 8}),
        ("filter", '{"op": "="', "filter-syntax", {"position": 11}),
        ("filter", '{"op": "=", "args": [{"property": "whole"}, NaN]}', "filter-syntax", {}),
        ("filter", "txet = 'a'", "unknown-field-near", {"nearest": "text"}),
        ("filter", "secret = 'a'", "unknown-field", {}),
        ("filter", '{"op": "lik", "args": [1]}', "unknown-operator-near", {"nearest": "like"}),
        ("filter", '{"op": "="}', "filter-no-condition", {}),
        ("filter", "[1]", "filter-syntax", {"position": 1}),
        ("filter", "text = 1", "filter-wrong-type", {"wanted": "'text'"}),
        ("filter", "whole = '1'", "filter-wrong-type", {"wanted": "25"}),
        ("filter", "whole = 1.5", "not-an-integer", {}),
        ("filter", "at > 5", "filter-wrong-type", {"wanted": "TIMESTAMP('2026-01-31T12:00:00Z')"}),
        ("filter", "at > TIMESTAMP('2026-02-30')", "not-an-instant", {}),
        ("filter", "text = whole", "filter-two-fields", {"value": "whole"}),
        ("filter", "whole LIKE 'a'", "operator-not-for-type", {"field": "whole"}),
        ("filter", r"text LIKE 'a\'", "filter-escape", {}),
        ("filter", "text = '\0'", "text-with-nul", {}),
        (
            "filter",
            r'{"op": "=", "args": [{"property": "text"}, "\ud800"]}',
            "text-not-unicode",
            {"value": "\ufffd"},
        ),
        (
            "filter",
            '{"op": "between", "args": [{"property": "whole"}, 1, {"property": "text"}]}',
            "filter-two-fields",
            {"value": "text"},
        ),
        ("filter", "T_AFTER(at, INTERVAL('garbage', '2026-01-01'))", "not-an-instant", {}),
        (
            "filter",
            " OR ".join(["S_INTERSECTS(geometry, BBOX(1, 2, 3, 4))"] * 11),
            "many-areas",
            {"most": 10},
        ),
        ("filter", f"{'NOT ' * NESTED}flag = TRUE", "filter-too-deep", {"most": 50}),
        (
            "filter",
            '{"op": "not", "args": [' * NESTED + "true" + "]}" * NESTED,
            "filter-too-deep",
            {"most": 50},
        ),
        ("filter", " AND ".join(["whole = 1"] * 2_000), "filter-too-large", {"most": 1_000}),
        ("filter", f"whole IN ({','.join('1' * 2_000)})", "filter-too-large", {"most": 1_000}),
        (
            "filter",
            f"S_INTERSECTS(geometry, POLYGON(({','.join(['0 0'] * 100_000)})))",
            "filter-too-long",
            {},
        ),
        (
            "filter",
            f"S_INTERSECTS(geometry, POLYGON(({','.join(['0 0'] * 20_000)})))",
            "area-too-detailed",
            {"most": 10_000},
        ),
        (
            "filter",
            "S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))",
            "not-an-area",
            {},
        ),
        ("filter", "S_INTERSECTS(geometry, BBOX(1, 2, 3))", "not-a-box", {}),
        ("filter", "S_INTERSECTS(text, BBOX(1, 2, 3, 4))", "unknown-field", {}),
        ("bbox", "1,2,3", "not-a-box", {}),
        ("bbox", "1,60,3,50", "not-a-box", {}),
        ("bbox", "1,2,nan,4", "not-a-box", {}),
        ("bbox", "1,2,3,91", "not-a-box", {}),
        ("near", "10,56", "not-a-circle", {}),
        ("near", "10,56,-1", "not-a-circle", {}),
        ("near", "10,56,inf", "not-a-circle", {}),
        ("offset", "10001", "not-in-range", {}),
        ("count", "all", "not-a-choice", {"choices": "none, estimated, exact"}),
    ],
)
def test_what_cannot_be_read_is_told(desk: Desk, parameter, text, code, told):
    table = table_of(desk, [])
    with pytest.raises(ParameterError) as caught:
        asked(desk, table, **{parameter: text})
    assert caught.value.code == code
    assert caught.value.params["parameter"] == parameter
    assert {name: caught.value.params[name] for name in told} == told


def test_a_table_without_places_says_so(desk: Desk):
    schema = {"name": "flat", "version": "1.0.0", "fields": [{"name": "no", "type": "integer"}]}
    table = entry(schema, name="flat")
    for parameter, text in (
        ("bbox", "1,2,3,4"),
        ("near", "1,2,3"),
        ("filter", "S_INTERSECTS(geometry, BBOX(1, 2, 3, 4))"),
    ):
        with pytest.raises(ParameterError) as caught:
            asked(desk, table, **{parameter: text})
        assert caught.value.code == "no-place-fields"
