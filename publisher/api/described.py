"""The OpenAPI document of one table: its fields as parameters, with examples from its own rows."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from publisher.api.openapi import Particulars, operation, together
from publisher.api.parts import Call
from publisher.api.replies import reply_json
from publisher.api.route import Handler, Route
from publisher.engine import Connection
from publisher.model.query import PARAMETERS
from publisher.model.schema import Field
from publisher.query import Prepared, fetch, json_rows, prepare
from publisher.query.parameters import OPERATORS
from publisher.query.values import OPERATORS_OF, sortable

Row = Mapping[str, Any]
_TEXT: Mapping[str, Any] = {"type": "string"}
_CELLS: Mapping[str, Mapping[str, Any]] = {
    "integer": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "year": {"type": ["integer", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "datetime": {"type": ["string", "null"], "format": "date-time"},
    **{kind: {} for kind in ("geojson", "array", "object", "list")},
}
"""Of a cell in JSON, by the type of the field; text else."""
_ASKED: Mapping[str, Mapping[str, Any]] = {
    "integer": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "year": {"type": "integer", "minimum": 1, "maximum": 9999},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "yearmonth": {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"},
    "time": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"},
}
"""Of a parameter's text; any text else."""


def get_table_document(routes: Iterable[Route]) -> Handler:
    """Give the handler of the document that describes the *routes* of one table."""
    routes = tuple(routes)

    async def get_openapi(call: Call) -> web.Response:
        entry = call.entry()
        ready, row = await call.read(lambda con: _sample(con, call))
        resource, schema = entry.resource, entry.schema
        title = f"{entry.dataset.title}: {resource.title or resource.name}"
        about = resource.description or entry.dataset.description or schema.description or title
        of = _particulars(ready, row)
        place = entry.ref._asdict()
        paths = {it.path.format_map(place): {"get": operation(it, of)} for it in routes}
        return reply_json(call, together(title, str(ready.query.version), about, paths, routes))

    return get_openapi


def _sample(con: Connection, call: Call) -> tuple[Prepared, Row]:
    """Give the fields that can be asked for, and a row to make examples of."""
    store, signer, now = call.parts.store, call.signer, datetime.now(UTC)
    pairs = (("limit", "1"),)
    ready = prepare(con, store, call.entry(), pairs, signer=signer, now=now)
    page = fetch(con, store, ready, form="json", signer=signer)
    rows: list[Row] = orjson.loads(orjson.dumps(json_rows(ready.shown, page.rows)))
    return ready, rows[0] if rows else {}


def _particulars(ready: Prepared, row: Row) -> Particulars:
    fields = ready.fields
    return Particulars(
        conditions=[it for field in fields.values() for it in _conditions(field, row)],
        stated=dict(_stated(ready, row)),
        row={"type": "object", "properties": {it.name: _cell(it) for it in fields.values()}},
    )


def _cell(field: Field) -> dict[str, Any]:
    shape = dict(_CELLS.get(field.type, {"type": ["string", "null"]}))
    told = {"title": field.title, "description": field.description, "x-unit": field.unit}
    return shape | {name: text for name, text in told.items() if text}


def _conditions(field: Field, row: Row) -> Iterator[dict[str, Any]]:
    """Describe each condition that can be put on a field."""
    example = row.get(field.name)
    for op in OPERATORS_OF[field.type]:
        plain = op == "exact" and field.name not in PARAMETERS
        shape: Mapping[str, Any] = _ASKED.get(field.type, _TEXT)
        shown: Any = example
        if op == "isnull":
            shape, shown = {"type": "boolean"}, False
        found: dict[str, Any] = {
            "name": field.name if plain else f"{field.name}__{op}",
            "in": "query",
            "required": False,
            "description": f"{field.title or field.name}: {OPERATORS[op]}",
            "schema": shape,
        }
        if op in {"in", "notin"}:
            found |= {"schema": {"type": "array", "items": shape, "minItems": 1}}
            found |= {"style": "form", "explode": False}
            shown = None if shown is None else [shown]
        if shown is not None and not isinstance(shown, dict):
            found["example"] = shown
        yield found


def _stated(ready: Prepared, row: Row) -> Iterator[tuple[str, dict[str, Any]]]:
    """Say more of the parameters that name fields."""
    fields = ready.fields
    ordered = [name for name, field in fields.items() if sortable(field)]
    names = {"type": "array", "minItems": 1, "uniqueItems": True}
    several = {"style": "form", "explode": False}
    yield (
        "select",
        {
            **several,
            "schema": {**names, "items": {"enum": list(fields)}},
            "example": list(fields)[:3],
        },
    )
    if ordered:
        both = [*ordered, *(f"-{name}" for name in ordered)]
        yield (
            "sort",
            {
                **several,
                "schema": {"type": "array", "minItems": 1, "items": {"enum": both}},
                "example": [f"-{ordered[0]}"],
            },
        )
        yield (
            "by",
            {
                **several,
                "schema": {**names, "items": {"enum": ordered}},
                "example": ordered[:1],
            },
        )
    number = next((it.name for it in fields.values() if it.type == "number"), None)
    if number is not None:
        yield "agg", {"example": f"{number}:avg,*:count"}
    when = next((row[it.name] for it in fields.values() if it.role == "time" and row), None)
    if isinstance(when, str):
        yield "time", {"example": when[:10]}
