"""From the query tree to one SQL statement: values are parameters, names come from the schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from publisher.engine import identifier, literal
from publisher.model.query import Among, Compare, Condition, Contains, IsNull, Order, Rows, Value
from publisher.model.schema import Field
from publisher.model.table import sql_type
from publisher.model.values import parse_zone

Form = Literal["json", "csv"]

ROW = "_row"
_OPERATORS = {"exact": "=", "not": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_PARTS = {"contains": "contains", "startswith": "starts_with", "endswith": "suffix"}
_DOCUMENTS = frozenset({"geojson", "array", "object", "list"})


@dataclass(slots=True)
class Statement:
    """SQL text under construction, with its parameters in the order of their marks."""

    parameters: list[object] = field(default_factory=list)

    def value(self, value: object, kind: str | None = None) -> str:
        """Take *value* as a parameter and give its mark, cast to the engine's type *kind*."""
        self.parameters.append(value)
        return "?" if kind is None else f"CAST(? AS {kind})"


def rows_statement(
    query: Rows,
    fields: Mapping[str, Field],
    relation: tuple[str, Sequence[object]],
    form: Form,
    after: Sequence[Any] | None,
) -> tuple[str, list[object]]:
    """Give the statement for one page and one row more, and its parameters.

    Its columns are the selected ones as *form* writes them, then those of ``place`` that a
    cursor needs. *after* is the place where the page before ended.
    """
    columns = [rendered(fields[name], query.zone, form) for name in query.select]
    columns += [place_column(fields[order.field]) for order in query.order]
    source, source_parameters = relation
    statement = Statement(list(source_parameters))
    where = [condition(fields[part.field], part, statement) for part in query.where]
    if after is not None:
        where.append(_after(query.order, fields, after, statement))
    order = [
        f"{identifier(part.field)} {'DESC' if part.descending else 'ASC'} NULLS LAST"
        for part in query.order
    ]
    limit = statement.value(query.limit + 1)
    return (
        f"SELECT {', '.join([*columns, ROW])} FROM {source} AS t"
        + (f" WHERE {' AND '.join(where)}" if where else "")
        + f" ORDER BY {', '.join([*order, ROW])} LIMIT {limit}",
        statement.parameters,
    )


def place_statement(
    order: Sequence[Order],
    fields: Mapping[str, Field],
    relation: tuple[str, Sequence[object]],
    row: int,
) -> tuple[str, list[object]]:
    """Give the statement for the place of one row, by its id."""
    columns = [place_column(fields[part.field]) for part in order]
    source, parameters = relation
    return f"SELECT {', '.join([*columns, ROW])} FROM {source} AS t WHERE {ROW} = ?", [
        *parameters,
        row,
    ]


def condition(target: Field, part: Condition, statement: Statement) -> str:
    """Write one condition on *target*."""
    name = identifier(target.name)
    match part:
        case Compare(_, op, value):
            return f"{name} {_OPERATORS[op]} {_literal(target, value, statement)}"
        case Among(_, values, negated):
            marks = ", ".join(_literal(target, value, statement) for value in values)
            return f"{name} {'NOT IN' if negated else 'IN'} ({marks})"
        case Contains(_, where, text):
            return f"{_PARTS[where]}({name}, {statement.value(text)})"
        case IsNull(_, negated):
            return f"{name} IS {'NOT ' if negated else ''}NULL"


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


def _place_value(target: Field, value: object, statement: Statement) -> str:
    if target.type == "datetime":
        return f"make_timestamp({statement.value(value, 'BIGINT')})"
    return statement.value(value, sql_type(target))


def _after(
    order: Sequence[Order], fields: Mapping[str, Field], place: Sequence[Any], statement: Statement
) -> str:
    """Write that a row comes after *place* in the total order; nulls are last both ways."""
    if not order:
        return f"{ROW} > {statement.value(place[0], 'BIGINT')}"
    first, value = order[0], place[0]
    target = fields[first.field]
    name = identifier(first.field)
    if value is None:
        rest = _after(order[1:], fields, place[1:], statement)
        return f"({name} IS NULL AND {rest})"
    beyond = f"{name} {'<' if first.descending else '>'} {_place_value(target, value, statement)}"
    same = f"{name} = {_place_value(target, value, statement)}"
    rest = _after(order[1:], fields, place[1:], statement)
    return f"({beyond} OR {name} IS NULL OR ({same} AND {rest}))"


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


def raw_json(target: Field) -> bool:
    """Tell whether the rendered text is JSON already: documents, and exact decimals."""
    return target.type in _DOCUMENTS or (target.type == "number" and target.decimal is not None)


def _instant(name: str, zone: str) -> str:
    if zone == "UTC":
        return f"replace(strftime({name}, '%Y-%m-%dT%H:%M:%S.%fZ'), '.000000Z', 'Z')"
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
