"""From the query tree to one SQL statement: values are parameters, names come from the schema."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from typing import Any

from publisher.engine import identifier, literal
from publisher.model.query import (
    ROW,
    Always,
    Among,
    And,
    Compare,
    Condition,
    Contains,
    InArea,
    InBox,
    IsNull,
    Like,
    Near,
    Not,
    Or,
    Order,
    Place,
    Rows,
    Value,
)
from publisher.model.schema import Field
from publisher.model.table import instant_text, sql_type
from publisher.model.values import parse_zone
from publisher.query.parameters import Form

_OPERATORS = {"exact": "=", "not": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_PARTS = {"contains": "contains", "startswith": "starts_with", "endswith": "suffix"}
_ESCAPE = "\\"
_EARTH = 6_371_008.8
"""Mean radius in metres (IUGG)."""
_DOCUMENTS = frozenset({"geojson", "array", "object", "list"})


Points = Mapping[InArea, tuple[Sequence[float], Sequence[float]]]
"""The longitudes and latitudes that lie in each area."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from: a FROM item, its parameters, and which points lie in areas."""

    text: str
    parameters: Sequence[object]
    points: Points = field(default_factory=dict)


@dataclass(slots=True)
class Statement:
    """SQL text under construction, with its parameters in the order of their marks."""

    parameters: list[object] = field(default_factory=list)
    points: Points = field(default_factory=dict)

    def value(self, value: object, kind: str | None = None) -> str:
        """Take *value* as a parameter and give its mark, cast to the engine's type *kind*."""
        self.parameters.append(value)
        return "?" if kind is None else f"CAST(? AS {kind})"


def rows_statement(
    query: Rows,
    fields: Mapping[str, Field],
    source: Source,
    form: Form,
    after: Sequence[Any] | None,
    *,
    near: bool = False,
    few: bool = False,
) -> tuple[str, list[object]]:
    """Give the statement for one page and one row more, and its parameters.

    Its columns are the selected ones as *form* writes them, then those of ``place`` that a
    cursor needs. *after* is the place where the page before ended; *near*: only those rows that
    are alike in what is sorted by first, which come before all others. *few*: that match.
    """
    units = dict(query.units)
    columns = [
        converted(fields[name], units[name])
        if name in units
        else rendered(fields[name], query.zone, form)
        for name in query.select
    ]
    columns += [f"CAST({identifier(name)} AS DOUBLE)" for name in located(query, form)]
    columns += [place_column(fields[order.field]) for order in query.order]
    statement, tail = _page(query, fields, source, after, query.limit + 1, near=near)
    if few:
        return f"SELECT {', '.join([*columns, ROW])} {tail}", statement.parameters
    # Rendered are the rows of the page alone, not all those that they are picked from. A select
    # keeps the order of what it selects from: the engine is told to
    page = f"(SELECT * {tail})"
    return f"SELECT {', '.join([*columns, ROW])} FROM {page} AS t", statement.parameters


def page_source(
    query: Rows, fields: Mapping[str, Field], source: Source, after: Sequence[Any] | None
) -> Source:
    """Give the rows of one page as a source, for them to be written another way."""
    statement, tail = _page(query, fields, source, after, query.limit)
    return Source(f"(SELECT * {tail})", statement.parameters, source.points)


def _page(
    query: Rows,
    fields: Mapping[str, Field],
    source: Source,
    after: Sequence[Any] | None,
    limit: int,
    *,
    near: bool = False,
) -> tuple[Statement, str]:
    """Write which rows are picked for a page, from FROM on."""
    statement = Statement(list(source.parameters), source.points)
    where = [condition(fields, part, statement) for part in query.where]
    if after is not None:
        where.append(that_come_after(query.order, fields, after, statement, near=near))
    order = ", ".join([*map(_ordered, query.order), ROW])
    most = statement.value(limit)
    offset = f" OFFSET {statement.value(query.offset)}" if query.offset else ""
    return (
        statement,
        f"FROM {source.text} AS t{filtered(where)} ORDER BY {order} LIMIT {most}{offset}",
    )


def file_statement(
    query: Rows, fields: Mapping[str, Field], source: Source, form: Form, mark: str
) -> tuple[str, list[object]]:
    """Give the statement for all rows as a file of *form* has them, and its parameters.

    *mark* is the decimal mark of numbers that are written as text.
    """
    units = dict(query.units)
    cells = {}
    for name in query.select:
        target = fields[name]
        as_number = name in units
        cell = converted(target, units[name]) if as_number else _filed(target, query, form)
        if form == "csv" and mark != "." and (as_number or target.type == "number"):
            cell = f"replace(CAST({cell} AS VARCHAR), '.', {literal(mark)})"
        cells[name] = cell
    statement = Statement(list(source.parameters), source.points)
    where = [condition(fields, part, statement) for part in query.where]
    order = ", ".join([*map(_ordered, query.order), ROW])
    columns = ", ".join(f"{cell} AS {identifier(name)}" for name, cell in cells.items())
    if form == "geojson" and query.place is not None:
        columns = _feature(cells, query.place)
    # Sorted are the values as they are stored, which are narrower than those that are written
    rows = f"SELECT * FROM {source.text} AS t{filtered(where)} ORDER BY {order}"
    return f"SELECT {columns} FROM ({rows}) AS t", statement.parameters


def _feature(cells: Mapping[str, str], place: Place) -> str:
    east, north = (
        f"CAST({identifier(name)} AS DOUBLE)" for name in (place.longitude, place.latitude)
    )
    members = ", ".join(f"{literal(name)}: {cell}" for name, cell in cells.items())
    point = f"{{'type': 'Point', 'coordinates': [{east}, {north}]}}"
    return (
        f"'Feature' AS type, CASE WHEN {east} IS NOT NULL AND {north} IS NOT NULL THEN {point}"
        f" END AS geometry, {{{members}}} AS properties"
    )


def _filed(target: Field, query: Rows, form: Form) -> str:
    """Give the expression of a column as a file of *form* has it."""
    name = identifier(target.name)
    if form == "parquet":
        if target.type == "datetime":
            return f"timezone('UTC', {name})"
        return f"CAST({name} AS VARCHAR)" if target.type in _DOCUMENTS else name
    if form == "xlsx":
        if target.type == "datetime":
            return _local(name, query.zone)
        if target.type == "number":
            return f"CAST({name} AS DOUBLE)"
        return name if target.type == "date" else rendered(target, query.zone, form)
    cell = rendered(target, query.zone, form)
    return f"CAST({cell} AS JSON)" if raw_json(target) and form != "csv" else cell


def _local(name: str, zone: str) -> str:
    return name if zone == "UTC" else f"({name} + to_minutes({_offset(name, zone)}))"


def count_statement(
    query: Rows, fields: Mapping[str, Field], source: Source
) -> tuple[str, list[object]]:
    """Give the statement that counts the rows that match."""
    matching, parameters = _matching(query, fields, source)
    return f"SELECT count(*) {matching}", parameters


def sample_statement(
    query: Rows, fields: Mapping[str, Field], source: Source, share: float
) -> tuple[str, list[object]]:
    """Give the statement that counts, among a *share* of the rows, those that match and all."""
    statement = Statement([], source.points)
    where = " AND ".join(condition(fields, part, statement) for part in query.where)
    return (
        f"SELECT count_if({where}), count(*) FROM {source.text} AS t"
        f" TABLESAMPLE SYSTEM ({100 * share:.6f} PERCENT) REPEATABLE (1)"
    ), [*statement.parameters, *source.parameters]


def spread_statement(
    query: Rows, fields: Mapping[str, Field], source: Source, by: Order, most: int
) -> tuple[str, list[object]]:
    """Give the statement for values of a field of *most* of the rows that match, in its order."""
    matching, parameters = _matching(query, fields, source)
    name = identifier(by.field)
    return (
        f"SELECT {place_column(fields[by.field])} FROM (SELECT * FROM (SELECT {name} {matching})"
        f" USING SAMPLE reservoir({most} ROWS)) WHERE {name} IS NOT NULL ORDER BY {_ordered(by)}"
    ), parameters


def _matching(query: Rows, fields: Mapping[str, Field], source: Source) -> tuple[str, list[object]]:
    """Give the FROM and WHERE of the rows that match, and their parameters."""
    statement = Statement(list(source.parameters), source.points)
    where = [condition(fields, part, statement) for part in query.where]
    return f"FROM {source.text} AS t{filtered(where)}", statement.parameters


def filtered(where: Sequence[str]) -> str:
    """Write the clause of conditions that must all hold."""
    return f" WHERE {' AND '.join(where)}" if where else ""


def fields_of(conditions: Iterable[Condition]) -> set[str]:
    """Give the names of the fields that conditions look at."""
    found: set[str] = set()
    for part in _leaves(conditions):
        match part:
            case InBox(place) | InArea(place) | Near(place):
                found |= {place.longitude, place.latitude}
            case Compare(name) | Among(name) | Contains(name) | Like(name) | IsNull(name):
                found.add(name)
    return found


def areas(conditions: Iterable[Condition]) -> Iterator[InArea]:
    """Give the polygons of conditions, wherever they stand in them."""
    return (part for part in _leaves(conditions) if isinstance(part, InArea))


def _leaves(conditions: Iterable[Condition]) -> Iterator[Condition]:
    """Give the conditions that hold no others."""
    for part in conditions:
        match part:
            case And(parts) | Or(parts):
                yield from _leaves(parts)
            case Not(negated):
                yield from _leaves([negated])
            case _:
                yield part


def _ordered(part: Order) -> str:
    return f"{identifier(part.field)} {'DESC' if part.descending else 'ASC'} NULLS LAST"


def place_statement(
    order: Sequence[Order],
    fields: Mapping[str, Field],
    source: Source,
    row: int,
) -> tuple[str, list[object]]:
    """Give the statement for the place of one row, by its id."""
    columns = [place_column(fields[part.field]) for part in order]
    return f"SELECT {', '.join([*columns, ROW])} FROM {source.text} AS t WHERE {ROW} = ?", [
        *source.parameters,
        row,
    ]


def condition(fields: Mapping[str, Field], part: Condition, statement: Statement) -> str:
    """Write a condition on *fields*; it stands by itself wherever it is put."""
    match part:
        case Always(holds):
            return "true" if holds else "false"
        case And(parts) | Or(parts):
            word = " AND " if isinstance(part, And) else " OR "
            return f"({word.join(condition(fields, it, statement) for it in parts)})"
        case Not(negated):
            return f"(NOT {condition(fields, negated, statement)})"
        case InBox():
            return _in_box(part, statement)
        case Near():
            return _near(part, statement)
        case InArea():
            return _in_area(part, statement)
        case _:
            return _simple(fields[part.field], part, statement)


def _simple(
    target: Field, part: Compare | Among | Contains | Like | IsNull, statement: Statement
) -> str:
    name = identifier(target.name)
    match part:
        case Compare(_, op, value):
            return f"{name} {_OPERATORS[op]} {_literal(target, value, statement)}"
        case Among(_, values, negated) if target.decimal is not None:
            # One type for all of the values might not hold each of them
            parts = [f"{name} = {_literal(target, value, statement)}" for value in values]
            return f"({'NOT ' if negated else ''}({' OR '.join(parts)}))"
        case Among(_, values, negated):
            marks = ", ".join(_literal(target, value, statement) for value in values)
            return f"{name} {'NOT IN' if negated else 'IN'} ({marks})"
        case Contains(_, where, text):
            return f"{_PARTS[where]}({name}, {statement.value(text)})"
        case Like(_, pattern):
            return f"{name} LIKE {statement.value(pattern)} ESCAPE {literal(_ESCAPE)}"
        case IsNull(_, negated):
            return f"({name} IS {'NOT ' if negated else ''}NULL)"


def _in_box(box: InBox, statement: Statement) -> str:
    east, north = identifier(box.place.longitude), identifier(box.place.latitude)
    within = f"{east} >= {statement.value(box.west, 'DOUBLE')}"
    within += " AND " if box.west <= box.east else " OR "
    within += f"{east} <= {statement.value(box.east, 'DOUBLE')}"
    return (
        f"(({within}) AND {north} >= {statement.value(box.south, 'DOUBLE')}"
        f" AND {north} <= {statement.value(box.north, 'DOUBLE')})"
    )


def _in_area(area: InArea, statement: Statement) -> str:
    east, north = identifier(area.place.longitude), identifier(area.place.latitude)
    eastings, northings = statement.points[area]
    return (
        f"(CASE WHEN {east} IS NOT NULL AND {north} IS NOT NULL THEN"
        f" (CAST({east} AS DOUBLE), CAST({north} AS DOUBLE)) IN (SELECT"
        f" (unnest({statement.value(eastings, 'DOUBLE[]')}),"
        f" unnest({statement.value(northings, 'DOUBLE[]')}))) END)"
    )


def _near(near: Near, statement: Statement) -> str:
    """Write the haversine of the angle between two points, which is exact for near ones."""
    east, north = identifier(near.place.longitude), identifier(near.place.latitude)
    here = statement.value(near.latitude, "DOUBLE")
    squared = f"pow(sin(radians({north} - {here}) / 2), 2)"
    squared += f" + cos(radians({statement.value(near.latitude, 'DOUBLE')}))"
    squared += f" * cos(radians({north}))"
    squared += f" * pow(sin(radians({east} - {statement.value(near.longitude, 'DOUBLE')}) / 2), 2)"
    metres = statement.value(near.metres, "DOUBLE")
    return f"({2 * _EARTH} * asin(sqrt(least(1, {squared}))) <= {metres})"


def _literal(target: Field, value: Value, statement: Statement) -> str:
    if target.decimal is not None and target.type == "number":
        whole, _, fraction = f"{value:f}".lstrip("+-").partition(".")
        kind = f"DECIMAL({max(1, len(whole.lstrip('0')) + len(fraction))},{len(fraction)})"
        return statement.value(f"{value:f}", kind)
    return statement.value(value, sql_type(target))


def place_column(target: Field) -> str:
    """Give the expression of a sort value as a cursor carries it: exact, and a JSON value."""
    name = identifier(target.name)
    if target.type == "datetime":
        return f"epoch_us({name})"
    if target.type in {"string", "any", "integer", "year", "boolean", "yearmonth"}:
        return name
    if target.type == "number" and target.decimal is None:
        return name
    return f"CAST({name} AS VARCHAR)"


def place_value(target: Field, value: object, statement: Statement) -> str:
    """Take a value as ``place_column`` gives it as a parameter, and give its mark."""
    if target.type == "datetime":
        return f"make_timestamp({statement.value(value, 'BIGINT')})"
    return statement.value(value, sql_type(target))


def that_come_after(
    order: Sequence[Order],
    fields: Mapping[str, Field],
    place: Sequence[Any],
    statement: Statement,
    *,
    near: bool = False,
) -> str:
    """Write that a row comes after *place* in the total order; nulls are last both ways.

    The place has the values of the order, then the row's id.

    *near*: and is alike in the first of the order.
    """
    if not order:
        return f"{ROW} > {statement.value(place[0], 'BIGINT')}"
    first, value = order[0], place[0]
    target = fields[first.field]
    name = identifier(first.field)
    if value is None:
        rest = that_come_after(order[1:], fields, place[1:], statement)
        return f"({name} IS NULL AND {rest})"
    others = ""
    if not near:
        beyond = "<" if first.descending else ">"
        others = f"{name} {beyond} {place_value(target, value, statement)} OR {name} IS NULL OR "
    same = f"{name} = {place_value(target, value, statement)}"
    rest = that_come_after(order[1:], fields, place[1:], statement)
    return f"({others}({same} AND {rest}))"


def rendered(target: Field, zone: str, form: Form) -> str:
    """Give the expression of a column as an answer shows it: rendered in the engine."""
    name = identifier(target.name)
    if target.type == "datetime":
        return _instant(name, zone)
    if target.type in {"date", "time"} or target.type in _DOCUMENTS:
        return f"CAST({name} AS VARCHAR)"
    if target.type == "number" and target.decimal is not None:
        return f"CAST({name} AS VARCHAR)"
    if target.type == "boolean" and form == "csv":
        return f"CAST({name} AS VARCHAR)"
    return name


def located(query: Rows, form: Form) -> tuple[str, ...]:
    """Give the fields of the point that an answer has beside those selected."""
    if form != "geojson" or query.place is None:
        return ()
    return query.place.longitude, query.place.latitude


def converted(target: Field, by: tuple[Fraction, Fraction]) -> str:
    """Write a number in another unit: *by* is a factor and what is added."""
    factor, offset = by
    name = f"CAST({identifier(target.name)} AS DOUBLE)"
    over = f" / {float(factor.denominator)!r}" if factor.denominator != 1 else ""
    plus = f" + {float(offset)!r}" if offset else ""
    value = f"{name} * {float(factor.numerator)!r}{over}{plus}"
    return f"(CASE WHEN isfinite({value}) THEN {value} END)"


def raw_json(target: Field) -> bool:
    """Tell whether the rendered text is JSON already: documents, and exact decimals."""
    return target.type in _DOCUMENTS or (target.type == "number" and target.decimal is not None)


def _instant(name: str, zone: str) -> str:
    if zone == "UTC":
        return instant_text(name)
    minutes = _offset(name, zone)
    return (
        f"replace(strftime({name} + to_minutes({minutes}), '%Y-%m-%dT%H:%M:%S.%f'), '.000000', '')"
        f" || CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END"
        f" || lpad(CAST(abs({minutes}) // 60 AS VARCHAR), 2, '0')"
        f" || ':' || lpad(CAST(abs({minutes}) % 60 AS VARCHAR), 2, '0')"
    )


def _offset(name: str, zone: str) -> str:
    """Give the zone's offset in whole minutes; *zone* is one that ``parse_zone`` knows.

    Offsets of the time before standard time have seconds, which RFC 3339 cannot write: the
    whole minutes are shown, and the local time with them, so the instant stays exact.
    """
    tzinfo = parse_zone(zone)
    fixed = tzinfo.utcoffset(None)
    if fixed is not None:
        return f"CAST({fixed // timedelta(minutes=1)} AS BIGINT)"
    local = f"timezone({literal(zone)}, timezone('UTC', {name}))"
    return f"((epoch_us({local}) - epoch_us({name})) // 60000000)"
