"""The schemas of public tables, to be reused: without the fields that are personal."""

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from publisher.api import answers
from publisher.api.datasets import shown_field
from publisher.api.parts import Call
from publisher.api.replies import reply, reply_json
from publisher.errors import NotFoundError
from publisher.model.catalog import Catalog
from publisher.model.schema import ForeignKey, Schema

_SHOWN = 100


async def list_schemas(call: Call) -> web.Response:
    catalog = call.parts.catalog()
    return reply(
        call,
        answers.Schemas(
            data=tuple(
                answers.SchemaSummary(
                    name=schema.name,
                    version=schema.version,
                    title=schema.title,
                    description=schema.description,
                    tables=tables,
                    url=f"/v1/schemas/{schema.name}@{schema.version}",
                )
                for schema, tables in _public(catalog)
            )
        ),
    )


async def get_schema(call: Call) -> web.Response:
    stated = call.path("schema")
    name, _, version = stated.partition("@")
    catalog = call.parts.catalog()
    for schema, _tables in _public(catalog):
        if schema.name == name and version in {"", schema.version}:
            return reply_json(call, _open_descriptor(catalog, schema))
    raise NotFoundError("schema-not-found", schema=stated[:_SHOWN])


def _public(catalog: Catalog) -> Iterator[tuple[Schema, tuple[str, ...]]]:
    """Give each schema that a public table has, with those tables."""
    for name, schema in sorted(catalog.schemas.items()):
        tables = tuple(
            str(ref)
            for ref, entry in sorted(catalog.entries.items())
            if entry.dataset.public and entry.schema.name == name
        )
        if tables:
            yield schema, tables


def _open_descriptor(catalog: Catalog, schema: Schema) -> dict[str, Any]:
    """Give the Table Schema without personal fields, and without keys that need them."""
    names = {field.name for field in schema.open_fields}
    descriptor = schema.descriptor()
    descriptor["fields"] = [shown_field(field) for field in schema.open_fields]
    if not names.issuperset(schema.primary_key):
        del descriptor["primaryKey"]
    kept = [key.descriptor() for key in schema.foreign_keys if _open_key(catalog, key, names)]
    descriptor.pop("foreignKeys", None)
    if kept:
        descriptor["foreignKeys"] = kept
    return descriptor


def _open_key(catalog: Catalog, key: ForeignKey, names: set[str]) -> bool:
    dataset, slash, _ = key.reference.resource.partition("/")
    if slash and not (dataset in catalog.datasets and catalog.datasets[dataset].public):
        return False  # it would tell of a draft
    return names.issuperset(key.fields)
