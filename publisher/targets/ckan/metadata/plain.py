"""The profile ``ckan``: a site without a schema of its own."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson

from publisher.model.catalog import CkanTarget
from publisher.model.dataset import Theme
from publisher.model.run import Problem
from publisher.targets.ckan.metadata.base import Changes, Destination, Wanted, WantedResource
from publisher.targets.ckan.metadata.compare import Comparison, listed
from publisher.targets.ckan.metadata.said import Value, said, text_list
from publisher.targets.ckan.metadata.site import Site
from publisher.targets.ckan.packages import INSTALLATION
from publisher.targets.facts import LANGUAGE, DatasetFacts, Download, TableFacts, keywords
from publisher.targets.licenses import LICENSES

LINKS = ("api", "csv", "parquet")
"""What a table's resource is followed by, as far as there is such a thing."""

_TEXTS = {
    "da": {
        "api": "{title}: API",
        "csv": "{title}: hele tabellen (CSV)",
        "parquet": "{title}: hele tabellen (Parquet)",
        "about-api": "Rækkerne med filtre, sortering og flere formater. Vejledning: {url}",
        "about-csv": "Alle rækker i én fil, UTF-8 med komma.",
        "about-parquet": "Alle rækker i én fil til DuckDB, pandas, R og lignende.",
    },
    "en": {
        "api": "{title}: API",
        "csv": "{title}: the whole table (CSV)",
        "parquet": "{title}: the whole table (Parquet)",
        "about-api": "The rows, with filters, sorting and several formats. Documentation: {url}",
        "about-csv": "All rows in one file, UTF-8 with commas.",
        "about-parquet": "All rows in one file for DuckDB, pandas, R and the like.",
    },
}


class PlainProfile:
    """Writes what CKAN has fields for, and into extras what ckanext-dcat reads there."""

    formats: Mapping[str, str] = {"api": "API", "csv": "CSV", "parquet": "Parquet"}
    habits: Collection[str] = ()
    """Fields that the site writes itself once they are there."""

    def __init__(self, spec: CkanTarget) -> None:
        self._spec = spec

    def check(self, facts: DatasetFacts) -> None:
        """Find nothing: CKAN itself asks for no more than a dataset file has."""

    def wanted(self, facts: DatasetFacts, to: Destination) -> Wanted:
        told = said(facts)
        groups, notices = self._groups(facts, to.site)
        package = self.package(facts, told, to.site)
        extras = self.extras(told) | _identity(facts, to)
        resources = [
            WantedResource(name, to.resource_id(name), table, fields)
            for it in facts.tables
            for name, table, fields in self._resources(it, facts)
        ]
        there = {it.id for it in resources}
        put_in = [{"name": name} for name in groups]
        former = (to.resource_id(f"{it.name}.{link}") for it in facts.tables for link in LINKS)
        return Wanted(
            package={
                **package,
                "name": facts.dataset.name,
                "owner_org": to.organization,
                "tags": [{"name": name} for name in keywords(facts.dataset.keywords)],
                "groups": put_in,
                "extras": listed(extras, package, put_in),
            },
            resources=tuple(resources),
            former=tuple(it for it in former if it not in there),
            notices=tuple(notices),
        )

    def changes(
        self, wanted: Wanted, package: Mapping[str, Any], *, keep: Collection[str]
    ) -> Changes:
        return Comparison(wanted, package, keep=keep, habits=self.habits).changes()

    def package(self, facts: DatasetFacts, told: Mapping[str, Value], site: Site) -> dict[str, Any]:
        """Give the package's own fields; *told* are the facts by their names."""
        return {
            "title": told["title"],
            "notes": told["description"] or "",
            "url": told["homepage"] or told["api"] or "",
            "version": told["version"] or "",
            "author": told["publisher"],
            "author_email": told["publisher_email"] or "",
            "maintainer": told["contact_name"] or "",
            "maintainer_email": told["contact_email"] or "",
            "license_id": _license_id(facts.tables[0], site),
        }

    def extras(self, told: Mapping[str, Value]) -> dict[str, str]:
        """Give those that ckanext-dcat reads; what is not known is left out."""
        places, pages = told["spatial_uris"], told["documentation"]
        found = {
            "identifier": told["identifier"],
            "issued": told["issued"],
            "modified": told["modified"],
            "theme": text_list(told["theme_uris"]),
            "frequency": told["frequency_uri"],
            "language": text_list(told["language_uris"]),
            "spatial": told["spatial"],
            "spatial_uri": places[0] if isinstance(places, list) and places else None,
            "spatial_text": told["spatial_title"],
            "temporal_start": told["temporal_start"],
            "temporal_end": told["temporal_end"],
            "contact_name": told["contact_name"],
            "contact_email": told["contact_email"],
            "publisher_name": told["publisher"],
            "publisher_email": told["publisher_email"],
            "publisher_url": told["publisher_url"],
            "publisher_uri": told["publisher_uri"],
            "publisher_type": told["publisher_type_uri"],
            "access_rights": told["access_rights_uri"],
            "provenance": told["provenance"],
            "conforms_to": text_list(told["conforms_to"]),
            "documentation": text_list([str(pages)] if pages else None),
            "hvd_category": text_list(told["hvd_uris"]),
        }
        return {name: str(value) for name, value in found.items() if value}

    def resource(self, kind: str, facts: TableFacts, download: Download | None) -> dict[str, Any]:
        """Give the fields that a resource has beside its name, description and address."""
        fields: dict[str, Any] = {"format": self.formats.get(kind, "CSV")}
        if download is not None:
            fields["mimetype"] = download.media_type
        if kind == "table" and facts.schema_url:
            fields["conforms_to"] = orjson.dumps([facts.schema_url]).decode()
        return fields

    def _resources(
        self, table: TableFacts, facts: DatasetFacts
    ) -> Iterable[tuple[str, str | None, dict[str, Any]]]:
        own = {
            "name": table.title(),
            "description": table.description() or "",
            "publisher_table": table.name,
            "url": "_datastore_only_resource",
            "url_type": "datastore",
        }
        yield table.name, table.name, {**own, **self.resource("table", table, None)}
        texts = _TEXTS.get(facts.languages[0] if facts.languages else LANGUAGE, _TEXTS["en"])
        files = {it.format: it for it in table.downloads}
        for link in LINKS:
            url = table.rows if link == "api" else link in files and files[link].url
            if not url:
                continue
            about = texts[f"about-{link}"].format(url=table.documentation)
            more = self.resource(link, table, files.get(link))
            names = {"name": texts[link].format(title=table.title()), "description": about}
            yield f"{table.name}.{link}", None, {**names, "url": url, **more}

    def _groups(self, facts: DatasetFacts, site: Site) -> tuple[list[str], list[Problem]]:
        """Give the groups the dataset belongs in, and tell of those it cannot be put in."""
        mapped = self.groups()
        wanted = [mapped[theme] for theme in facts.dataset.themes if theme in mapped]
        lacking = [group for group in wanted if group not in site.groups]
        notices = [
            Problem("ckan-group-closed", {"group": group, "dataset": facts.dataset.name})
            for group in lacking
            if self._spec.groups
        ]
        return [group for group in dict.fromkeys(wanted) if group in site.groups], notices

    def groups(self) -> Mapping[Theme, str]:
        return self._spec.groups


def _identity(facts: DatasetFacts, to: Destination) -> dict[str, str]:
    schemas = {
        it.name: f"{it.table.state.schema.name}@{it.table.state.schema.version}"
        for it in facts.tables
    }
    return {
        INSTALLATION: to.installation,
        "publisher_dataset": facts.dataset.name,
        "publisher_versions": _json(facts.versions),
        "publisher_schemas": _json(schemas),
        "publisher_mqa": to.mqa,
    }


def _license_id(table: TableFacts, site: Site) -> str:
    """Give CKAN's id of the licence; one it does not know goes under its own name."""
    name = table.license.get("name")
    if name is None:
        return "notspecified"
    known = LICENSES[name].ckan if name in LICENSES else name
    return name if name in site.licenses else known


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
