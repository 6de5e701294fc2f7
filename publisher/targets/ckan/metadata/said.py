"""Everything that is told of a dataset and its resources, by name.

Profiles are made of these, and so are the mappings that stewards write for sites with schemas
of their own: the names are public, and stand in docs/targets/ckan.md.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from publisher.model.catalog import Organization
from publisher.targets import authority
from publisher.targets.extents import Box
from publisher.targets.facts import DatasetFacts, Download, TableFacts

Value = str | int | list[str] | None

DATASET_FACTS: Mapping[str, Callable[[DatasetFacts], Value]] = {
    "name": lambda it: it.dataset.name,
    "title": lambda it: it.title(),
    "title.en": lambda it: it.title("en"),
    "description": lambda it: it.description(),
    "description.en": lambda it: it.description("en"),
    "version": lambda it: it.dataset.version,
    "homepage": lambda it: it.dataset.homepage or it.organization.url,
    "keywords": lambda it: list(it.dataset.keywords),
    "themes": lambda it: list(it.dataset.themes),
    "theme_uris": lambda it: [authority.theme(code) for code in it.dataset.themes],
    "frequency": lambda it: it.frequency,
    "frequency_uri": lambda it: authority.frequency(it.frequency) if it.frequency else None,
    "license": lambda it: it.tables[0].license.get("name"),
    "license_uri": lambda it: _license_uri(it.tables[0]),
    "publisher": lambda it: it.organization.title,
    "publisher_email": lambda it: it.organization.email,
    "publisher_url": lambda it: it.organization.url,
    "publisher_uri": lambda it: it.organization.uri,
    "publisher_type_uri": lambda it: _publisher_type(it.organization),
    "municipality": lambda it: it.organization.municipality,
    "contact_name": lambda it: it.contact.name,
    "contact_email": lambda it: it.contact.email,
    "contact_url": lambda it: it.contact.url,
    "issued": lambda it: instant(it.issued),
    "modified": lambda it: instant(it.modified),
    "temporal_start": lambda it: instant(it.span.start) if it.span else None,
    "temporal_end": lambda it: instant(it.span.end) if it.span else None,
    "temporal_start_day": lambda it: _day(it.span.start) if it.span else None,
    "temporal_end_day": lambda it: _day(it.span.end) if it.span else None,
    "spatial": lambda it: geojson(it.box) if it.box else None,
    "spatial_uris": lambda it: list(it.dataset.spatial.uri),
    "spatial_title": lambda it: it.dataset.spatial.title or it.organization.title,
    "bbox": lambda it: ",".join(f"{number:g}" for number in it.box) if it.box else None,
    "identifier": lambda it: it.dataset.id or it.url or it.dataset.name,
    "languages": lambda it: list(it.languages),
    "language_uris": lambda it: list(filter(None, map(authority.language, it.languages))),
    "access_rights": lambda it: it.dataset.access_rights,
    "access_rights_uri": lambda it: authority.access_right(it.dataset.access_rights),
    "hvd_uris": lambda it: [authority.hvd_category(name) for name in it.dataset.hvd_categories],
    "conforms_to": lambda it: _conforms_to(it),  # noqa: PLW0108 - it stands below
    "provenance": lambda it: it.dataset.provenance,
    "rights": lambda it: it.dataset.rights,
    "api": lambda it: it.url,
    "documentation": lambda it: it.tables[0].documentation,
}

_Resource = tuple[TableFacts, Download | None]
RESOURCE_FACTS: Mapping[str, Callable[[_Resource], Value]] = {
    "table": lambda it: it[0].name,
    "title": lambda it: it[0].title(),
    "title.en": lambda it: it[0].title("en"),
    "description": lambda it: it[0].description(),
    "description.en": lambda it: it[0].description("en"),
    "license": lambda it: it[0].license.get("name"),
    "license_uri": lambda it: _license_uri(it[0]),
    "api": lambda it: it[0].api,
    "rows": lambda it: it[0].rows,
    "documentation": lambda it: it[0].documentation,
    "schema": lambda it: it[0].schema_url,
    "modified": lambda it: instant(it[0].modified),
    "temporal_start": lambda it: instant(it[0].span.start) if it[0].span else None,
    "temporal_end": lambda it: instant(it[0].span.end) if it[0].span else None,
    "format": lambda it: it[1].format.upper() if it[1] else "CSV",
    "media_type": lambda it: it[1].media_type if it[1] else "text/csv",
    "bytes": lambda it: it[1].bytes if it[1] else None,
    "sha256": lambda it: it[1].sha256 if it[1] else None,
}


def instant(moment: datetime | None) -> str | None:
    """Write an instant in UTC, to the second."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _day(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None


def geojson(box: Box) -> str:
    """Write a box as CKAN's harvesters and ckanext-spatial read it; a point where it is one."""
    if (box.west, box.south) == (box.east, box.north):
        shape = {"type": "Point", "coordinates": [box.west, box.south]}
    else:
        ring = [
            [box.west, box.south],
            [box.east, box.south],
            [box.east, box.north],
            [box.west, box.north],
            [box.west, box.south],
        ]
        shape = {"type": "Polygon", "coordinates": [ring]}
    return orjson.dumps(shape).decode()


def text_list(value: Value) -> str | None:
    """Write a list as extras hold it; None where it is empty."""
    return orjson.dumps(value).decode() if value else None


def said(facts: DatasetFacts) -> dict[str, Value]:
    return {name: tell(facts) for name, tell in DATASET_FACTS.items()}


def said_of(resource: _Resource) -> dict[str, Any]:
    return {name: tell(resource) for name, tell in RESOURCE_FACTS.items()}


def _publisher_type(organization: Organization) -> str | None:
    kind = organization.authority
    return authority.publisher_type(kind) if kind else None


def _license_uri(table: TableFacts) -> str | None:
    return authority.licence(table.license.get("name")) or table.license.get("path")


def _conforms_to(facts: DatasetFacts) -> list[str]:
    schemas = [table.schema_url for table in facts.tables if table.schema_url]
    return [*facts.dataset.conforms_to, *dict.fromkeys(schemas)]
