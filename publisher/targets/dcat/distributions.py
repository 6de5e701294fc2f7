"""The ways to a dataset's rows: the API, the bulk files, and tables at CKAN sites."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rdflib import BNode, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDFS, SKOS, XSD

from publisher.targets import authority
from publisher.targets.dcat import vocabulary as words
from publisher.targets.dcat.terms import Node, Sheet, instant, text, uri
from publisher.targets.facts import LANGUAGE, DatasetFacts, Download, TableFacts
from publisher.targets.licenses import LICENSES

Remotes = Mapping[str, Mapping[str, Any]]
"""What CKAN targets call the dataset (``remote`` of the newest success), by the target's name."""

_WAYS = {
    "api": ("API, rækker som JSON eller CSV", "API, rows as JSON or CSV"),
    "csv": ("Alle rækker som CSV", "All rows as CSV"),
    "parquet": ("Alle rækker som Parquet", "All rows as Parquet"),
    "ckan": ("Tabel i datakataloget", "Table in the data catalog"),
}


@dataclass(frozen=True, slots=True)
class HighValue:
    """What marks a dataset of Regulation (EU) 2023/138."""

    law: Node
    categories: tuple[Node, ...]

    def mark(self, sheet: Sheet, node: Node) -> None:
        sheet.say(node, words.DCATAP.applicableLegislation, self.law)
        sheet.say(node, words.DCATAP.hvdCategory, *self.categories)


@dataclass(frozen=True, slots=True)
class Described:
    """A dataset that is being written down, and what its distributions share."""

    sheet: Sheet
    facts: DatasetFacts
    dataset: URIRef
    rights: Node | None
    high_value: HighValue | None
    files: bool
    """State sizes and checksums."""


def distributions(about: Described, remotes: Remotes) -> None:
    """State every distribution that there is, and the service behind the API."""
    service = _service(about)
    for table in about.facts.tables:
        address = uri(table.rows)
        if address is not None and service is not None:
            node = _distribution(about, table, "api", address, media="application/json")
            about.sheet.say(node, DCAT.accessService, service)
        for download in table.downloads:
            _bulk(about, table, download)
        for target, remote in sorted(remotes.items()):
            found = _remote_table(remote, table.name)
            if found is not None:
                _distribution(about, table, "ckan", found, media="text/csv", at=f"-{target}")


def _service(about: Described) -> Node | None:
    """State the API as it serves this dataset."""
    facts, sheet = about.facts, about.sheet
    endpoint = uri(facts.url)
    if endpoint is None:
        return None
    base = str(endpoint).rpartition("/v1/")[0]
    node = sheet.kind(URIRef(f"{about.dataset}#api"), DCAT.DataService)
    sheet.say(node, DCTERMS.title, text(f"API: {facts.title()}", LANGUAGE))
    sheet.say(node, DCAT.endpointURL, _resource(sheet, endpoint))
    sheet.say(node, DCAT.endpointDescription, _resource(sheet, URIRef(f"{base}/openapi.json")))
    sheet.say(node, DCAT.servesDataset, about.dataset)
    sheet.say(node, FOAF.page, sheet.kind(URIRef(f"{base}/docs"), FOAF.Document))
    for predicate in (DCAT.contactPoint, DCTERMS.publisher, DCTERMS.accessRights, DCAT.theme):
        for shared in list(sheet.objects(about.dataset, predicate)):
            sheet.add((node, predicate, shared))
    if facts.tables:
        sheet.say(node, DCTERMS.license, _licence(about, facts.tables[0]))
    sheet.say(node, DCTERMS.rights, about.rights)
    if about.high_value is not None:
        about.high_value.mark(sheet, node)
    return node


def _bulk(about: Described, table: TableFacts, download: Download) -> None:
    address = uri(download.url)
    if address is None:
        return
    sheet = about.sheet
    node = _distribution(
        about,
        table,
        download.format,
        address,
        media=download.media_type,
        modified=download.modified,
    )
    sheet.say(node, DCAT.downloadURL, _resource(sheet, address))
    if not about.files:
        return
    if download.bytes is not None:
        size = Literal(str(download.bytes), datatype=XSD.nonNegativeInteger)
        sheet.say(node, DCAT.byteSize, size)
    if download.sha256 is not None:
        checksum = BNode(f"of-{about.facts.dataset.name}.{table.name}.{download.format}")
        sheet.kind(checksum, words.SPDX.Checksum)
        algorithm = sheet.kind(words.SPDX.checksumAlgorithm_sha256, words.SPDX.ChecksumAlgorithm)
        sheet.say(checksum, words.SPDX.algorithm, algorithm)
        value = Literal(download.sha256.upper(), datatype=XSD.hexBinary)
        sheet.say(checksum, words.SPDX.checksumValue, value)
        sheet.say(node, words.SPDX.checksum, checksum)


def _distribution(
    about: Described,
    table: TableFacts,
    way: str,
    address: URIRef,
    *,
    media: str,
    at: str = "",
    modified: datetime | None = None,
) -> Node:
    sheet, facts = about.sheet, about.facts
    node = sheet.kind(URIRef(f"{about.dataset}#{table.name}-{way}{at}"), DCAT.Distribution)
    sheet.say(node, DCAT.accessURL, _resource(sheet, address))
    _titles(sheet, node, table, way)
    sheet.say(node, words.FORMAT, _file_type(sheet, media))
    sheet.say(node, DCAT.mediaType, sheet.kind(words.MEDIA_TYPES[media], DCTERMS.MediaType))
    sheet.say(node, DCTERMS.license, _licence(about, table))
    sheet.say(node, DCTERMS.rights, about.rights)
    sheet.say(node, DCTERMS.issued, instant(facts.issued))
    sheet.say(node, DCTERMS.modified, instant(modified or table.modified))
    for language in list(sheet.objects(about.dataset, DCTERMS.language)):
        sheet.add((node, DCTERMS.language, language))
    schema = uri(table.schema_url)
    if schema is not None:
        sheet.say(node, DCTERMS.conformsTo, sheet.kind(schema, DCTERMS.Standard))
    danish, english = words.AVAILABLE_LABEL
    sheet.kind(words.AVAILABLE, SKOS.Concept)
    labels = Literal(danish, lang="da"), Literal(english, lang="en")
    sheet.say(words.AVAILABLE, SKOS.prefLabel, *labels)
    sheet.say(node, words.DCATAP.availability, words.AVAILABLE)
    if about.high_value is not None:
        about.high_value.mark(sheet, node)
    sheet.say(about.dataset, DCAT.distribution, node)
    return node


def _file_type(sheet: Sheet, media: str) -> Node:
    code = words.FILE_CODES[media]
    node = sheet.kind(words.FILE_TYPES[code], DCTERMS.MediaTypeOrExtent)
    sheet.say(node, RDFS.label, Literal(code))
    return sheet.kind(node, words.IMT)


def _titles(sheet: Sheet, node: Node, table: TableFacts, way: str) -> None:
    danish, english = _WAYS[way]
    resource = table.table.resource
    sheet.say(node, DCTERMS.title, text(f"{table.title()}: {danish}", "da"))
    for language in sorted({LANGUAGE, *resource.translations}):
        said = text(table.description(language), language)
        sheet.say(node, DCTERMS.description, said)
    other = resource.translations.get("en")
    if other is not None and other.title:
        sheet.say(node, DCTERMS.title, text(f"{other.title}: {english}", "en"))
    if (node, DCTERMS.description, None) not in sheet:
        sheet.say(node, DCTERMS.description, Literal(danish, lang="da"))


def _licence(about: Described, table: TableFacts) -> Node | None:
    """State the table's licence: by the EU's table where it is there, else by its own address."""
    said, sheet = table.license, about.sheet
    known = LICENSES.get(said.get("name", ""))
    address = uri(authority.licence(said.get("name")) or said.get("path"))
    label = text(said.get("title")) or text(said.get("name"))
    if address is None and label is None:
        return None
    node = address or BNode(f"of-{about.facts.dataset.name}.{table.name}.licence")
    sheet.say(node, RDFS.label, label)
    sheet.say(node, DCTERMS.title, text(known.ckan_title if known else None))
    return sheet.kind(node, DCTERMS.LicenseDocument)


def _resource(sheet: Sheet, node: URIRef) -> Node:
    return sheet.kind(node, RDFS.Resource)


def _remote_table(remote: Mapping[str, Any], table: str) -> URIRef | None:
    """Give the address of the table's resource at a CKAN site, where it is known."""
    resources = remote.get("resources")
    found = resources.get(table) if isinstance(resources, Mapping) else None
    return uri(found.get("url")) if isinstance(found, Mapping) else None
