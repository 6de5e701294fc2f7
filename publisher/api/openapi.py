"""The OpenAPI 3.1 document, made from the table of routes and the grammar's parameters.

Spec: https://spec.openapis.org/oas/v3.1.0
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from publisher import __version__
from publisher.api.answers import Problem
from publisher.api.route import Route
from publisher.model.base import Model
from publisher.query.parameters import OPERATORS, Parameter

_REFERENCE = "#/components/schemas/{model}"
_HEADERS = {
    "ETag": "Of this content in this coding; send it back as If-None-Match.",
    "Server-Timing": "Milliseconds spent, by step.",
}
_LINK = 'Address of the next page, `rel="next"`; left out on the last.'
_VERSION = "The version of the table that was read."
_TOTAL = "How many rows match; where `count=` asks for it."


def field_conditions() -> str:
    """Explain conditions on fields, in Markdown."""
    lines = [f"- `FIELD__{name}`: {text}" for name, text in OPERATORS.items()]
    return (
        "Conditions on fields, all of which must hold: `FIELD=value` or `FIELD__OPERATOR=value`."
        " The longest known field name wins before `__`; a field named like another parameter is"
        " reached as `NAME__exact`.\n\n" + "\n".join(lines)
    )


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is known of a route's parameters and answer beside what holds of all tables."""

    conditions: Sequence[Mapping[str, Any]] | None = None
    """Parameters in the place of the one that stands for all conditions on fields."""
    stated: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What is stated otherwise of a parameter, by its name."""
    row: Mapping[str, Any] | None = None
    """Shape of a row."""


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Give the document of the whole API."""
    routes = tuple(routes)
    about = (
        "Open data of sensors: one grammar over every table. Read-only, no key needed. Errors are"
        " RFC 9457 problems, in Danish where Accept-Language asks for it."
    )
    paths = {route.path: _operations(route) for route in routes}
    return together("Publisher", __version__, about, paths, routes)


def together(
    title: str, version: str, about: str, paths: Mapping[str, Any], routes: Iterable[Route]
) -> dict[str, Any]:
    """Give a document of these *paths*, with the shapes of the answers of *routes*."""
    models = (Problem, *dict.fromkeys(it.answer for it in routes if it.answer is not None))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": about,
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": _schemas(models)},
    }


def _operations(route: Route) -> dict[str, Any]:
    asked = operation(route)
    if not route.posted:
        return {"get": asked}
    body = {
        "type": "object",
        "description": "The parameters of the address by their names, lists where it has commas;"
        " `filter` as CQL2 text or JSON. What the address states as well counts there.",
        "properties": {"from": {"type": "array", "items": {"type": "string"}}},
        "additionalProperties": True,
    }
    example = {"from": ["vandstand-ribe/observations"], "level__gte": 2.5, "limit": 10}
    posted = {
        **asked,
        "parameters": [{**it, "required": it["in"] == "path"} for it in asked["parameters"]],
        "operationId": f"{route.name}_posted",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body, "example": example}},
        },
    }
    return {"get": asked, "post": posted}


_CONDITIONS: Mapping[str, Any] = {
    "name": "conditions",
    "in": "query",
    "description": field_conditions(),
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    "example": {"station": "38.05", "level__gte": "2.5"},
}


def operation(route: Route, of: Particulars | None = None) -> dict[str, Any]:
    """Describe a GET; those *of* one table name nothing in the path."""
    parameters = [_parameter(one, "path") for one in route.place] if of is None else []
    of = of or Particulars()
    parameters += [
        {**_parameter(one, "query"), **of.stated.get(one.name, {})} for one in route.query
    ]
    if route.fields:
        parameters += [dict(it) for it in of.conditions or [_CONDITIONS]]
    return {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "The answer",
                "headers": {
                    name: {"description": text, "schema": {"type": "string"}}
                    for name, text in _headers(route).items()
                },
                "content": {
                    kind: {"schema": _shape(route, kind, of.row)} for kind in route.formats
                },
            },
            "304": {"description": "What If-None-Match names is still the answer"},
            "default": {
                "description": "A problem, RFC 9457",
                "content": {
                    "application/problem+json": {
                        "schema": {"$ref": _REFERENCE.format(model="Problem")}
                    }
                },
            },
        },
    }


def _headers(route: Route) -> dict[str, str]:
    names = {parameter.name for parameter in route.query}
    return (
        _HEADERS
        | ({"Link": _LINK} if "cursor" in names else {})
        | ({"X-Table-Version": _VERSION} if "version" in names else {})
        | ({"X-Total-Count": _TOTAL} if "count" in names else {})
    )


def _parameter(one: Parameter, where: str) -> dict[str, Any]:
    parameter: dict[str, Any] = {
        "name": one.name,
        "in": where,
        "required": where == "path" or one.required,
        "description": one.description,
        "schema": dict(one.schema),
    }
    if one.example is not None:
        parameter["example"] = one.example
    return parameter


def _shape(route: Route, kind: str, row: Mapping[str, Any] | None) -> dict[str, Any]:
    if not kind.endswith("json"):
        return {"type": "string"}
    if route.answer is None:
        return {"type": "object"}
    shape = {"$ref": _REFERENCE.format(model=route.answer.__name__)}
    if row is None or kind != "application/json":
        return shape
    rows = {"type": "array", "items": {"anyOf": [dict(row), {"type": "array"}]}}
    return {"allOf": [shape, {"type": "object", "properties": {"data": rows}}]}


@cache
def _schemas(models: tuple[type[Model], ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for model in models:
        schema = model.model_json_schema(
            by_alias=True, ref_template=_REFERENCE, mode="serialization"
        )
        found |= schema.pop("$defs", {})
        found[model.__name__] = schema
    for schema in found.values():
        del schema["additionalProperties"]  # members may be added to an answer
    return found
