"""The schemas of public tables, to be reused: without the fields that are personal."""

from collections import defaultdict
from typing import Any, NamedTuple

from aiohttp import web

from publisher.api import answers
from publisher.api.datasets import shown_field
from publisher.api.parts import Call
from publisher.api.replies import paged, reply_json, reply_kept
from publisher.errors import NotFoundError
from publisher.model.catalog import Catalog, TableEntry
from publisher.model.schema import ForeignKey, Schema, version_order

_SHOWN = 100


class _Public(NamedTuple):
    schema: Schema
    tables: list[TableEntry]
    """The public ones under it."""

    @property
    def key(self) -> str:
        return f"{self.schema.name} {self.schema.version}"  # a space comes before all of a name


async def list_schemas(call: Call) -> web.Response:
    found = sorted(_public(call.catalog), key=lambda it: it.key)
    shown, next_url = paged(call, "schemas", found, lambda it: it.key)
    data = tuple(
        answers.SchemaSummary(
            name=schema.name,
            version=schema.version,
            title=schema.title,
            description=schema.description,
            tables=tuple(sorted(str(entry.ref) for entry in tables)),
            url=f"/v1/schemas/{schema.name}@{schema.version}",
        )
        for schema, tables in shown
    )
    return await reply_kept(call, answers.Schemas(data=data, next=next_url), next_url=next_url)


async def get_schema(call: Call) -> web.Response:
    stated = call.path("schema")
    name, _, version = stated.partition("@")
    catalog = call.catalog
    found = [
        public
        for public in _public(catalog)
        if public.schema.name == name and version in {"", public.schema.version}
    ]
    if not found:
        raise NotFoundError("schema-not-found", schema=stated[:_SHOWN])
    newest = max(found, key=lambda public: version_order(public.schema.version))
    return reply_json(call, _open_descriptor(catalog, newest))


def _public(catalog: Catalog) -> list[_Public]:
    """Give each schema that public tables have, with those tables."""
    tables: dict[tuple[str, str], list[TableEntry]] = defaultdict(list)
    for entry in catalog.entries.values():
        if entry.dataset.public:
            tables[entry.schema.name, entry.schema.version].append(entry)
    return [_Public(entries[0].schema, entries) for entries in tables.values()]


def _open_descriptor(catalog: Catalog, public: _Public) -> dict[str, Any]:
    """Give the Table Schema without personal fields, and without keys that need them."""
    schema = public.schema
    names = {field.name for field in schema.open_fields}
    descriptor = schema.descriptor()
    descriptor["fields"] = [shown_field(field) for field in schema.open_fields]
    if not names.issuperset(schema.primary_key):
        del descriptor["primaryKey"]
    kept = [
        key.descriptor()
        for key in schema.foreign_keys
        if names.issuperset(key.fields)
        and all(_open_reference(catalog, entry, key) for entry in public.tables)
    ]
    descriptor.pop("foreignKeys", None)
    if kept:
        descriptor["foreignKeys"] = kept
    return descriptor


def _open_reference(catalog: Catalog, entry: TableEntry, key: ForeignKey) -> bool:
    """Tell whether everyone may know what the key refers to: no draft, nothing personal."""
    other = catalog.entries.get(key.refers_to(entry.ref))
    if other is None or not other.dataset.public:
        return False
    return {field.name for field in other.schema.open_fields}.issuperset(key.reference.fields)
