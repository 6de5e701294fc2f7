"""catalog/partners.yaml: whom we federate with, and under which schemas their tables are read."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from publisher.model.catalog import TableEntry
from publisher.model.dataset import Dataset, FieldView, FileSource, Harvest, Resource
from publisher.model.partner import (
    BoundTable,
    CkanPartner,
    EdrPartner,
    FeaturesPartner,
    OpendatasoftPartner,
    Partner,
    PartnerSpec,
    PublisherPartner,
    SensorThingsPartner,
    TableSpec,
)
from publisher.model.query import LOCAL
from publisher.model.schema import Schema
from publisher.model.values import TableRef
from publisher.registry.checks.table import check_view
from publisher.registry.checks.texts import check_secret, check_url, check_variables
from publisher.registry.document import Document
from publisher.registry.files import Files
from publisher.registry.finding import Finding
from publisher.registry.listings import Entries, opened, wrong_of
from publisher.registry.mend import Parsed
from publisher.registry.parse import parse_entries
from publisher.registry.paths import Steps
from publisher.secrets import Secrets

_NAMING = {"column", "missing_values"}
"""What a view may state of a field whose type is the partner's word."""
TYPES: Mapping[str, type[PartnerSpec]] = {
    "publisher": PublisherPartner,
    "ckan": CkanPartner,
    "opendatasoft": OpendatasoftPartner,
    "ogc-features": FeaturesPartner,
    "ogc-edr": EdrPartner,
    "sensorthings": SensorThingsPartner,
}


@dataclass(frozen=True)
class DescribedPartner:
    """A partner as its entry says, and where that stands."""

    partner: Partner
    document: Document

    def path(self, ref: TableRef | None = None) -> Steps:
        """Give where the partner stands in the document, or a table of it."""
        return (self.partner.name,) if ref is None else (self.partner.name, "tables", str(ref))


def entry_of(
    ref: TableRef, table: TableSpec, whole: Schema, fields: Collection[str] | None = None
) -> TableEntry:
    """Give a partner's table as one that is harvested, for its rows to be read alike.

    *fields* narrows it to some of them; a key that is not all there is none then. What refers to
    other tables does not count.
    """
    kept = tuple(it for it in whole.fields if fields is None or it.name in fields)
    names = {field.name for field in kept}
    schema = Schema(
        name=whole.name,
        version=whole.version,
        fields=kept,
        primary_key=whole.primary_key if names.issuperset(whole.primary_key) else (),
        missing_values=whole.missing_values,
    )
    harvest = Harvest(
        source=FileSource(type="file", path="records.ndjson"),
        format="ndjson",
        timezone=table.timezone,
        fields={name: it for name, it in table.fields.items() if name in names},
        max_bad=1,
    )
    resource = Resource(
        name=ref.table, path="records.csv", schema_path=table.schema_path or "", harvest=harvest
    )
    dataset = Dataset(name=ref.dataset, title=ref.dataset, publisher="x", resources=(resource,))
    return TableEntry(dataset, resource, schema)


class SchemaOf(Protocol):
    """Finds the schema that is named at a place of a document."""

    def __call__(
        self, document: Document, stated: str, path: Steps, findings: list[Finding]
    ) -> Parsed[Schema] | None: ...


def read_partners(files: Files, schema_of: SchemaOf, secrets: Secrets) -> Entries[DescribedPartner]:
    """Read the file; a partner whose entry is wrong is left out, and costs no other."""
    document, findings = opened(files, "partners")
    if document is None:
        return Entries({}, None if findings else frozenset(), tuple(findings))
    stated, faults = parse_entries(TYPES, document)
    findings += faults
    right = {}
    for name, entry in stated.items():
        found: list[Finding] = list(_check(name, entry.model, secrets, document))
        tables = {}
        if not isinstance(entry.model, PublisherPartner):
            tables = _tables(name, entry.model.tables, schema_of, document, found)
            found += _check_copies(name, entry.model.copies, entry.model.tables, document)
        findings += found
        if entry.whole and not any(it.severity == "error" for it in found):
            right[name] = DescribedPartner(Partner(name, entry.model, tables), document)
    return Entries(right, wrong_of(document, right), tuple(findings))


def _check(name: str, spec: PartnerSpec, secrets: Secrets, document: Document) -> Iterator[Finding]:
    if name == LOCAL:
        yield document.error("partner-reserved", (name,), name=name)
    yield from check_url(spec.url, document, (name, "url"))
    yield from check_variables(spec.url, secrets, document, (name, "url"))
    if isinstance(spec, PublisherPartner) and "/v1" in urlsplit(spec.url).path:
        yield document.error("partner-url-v1", (name, "url"))
    if spec.token is not None:
        path = (name, "token")
        yield from check_secret("token", spec.token, document, path)
        yield from check_variables(spec.token, secrets, document, path)


def _check_copies(
    name: str, copies: Iterable[str], tables: Collection[str], document: Document
) -> Iterator[Finding]:
    for table in copies:
        if table not in tables:
            here = (name, "copies", table)
            yield document.error("partner-no-table", here, partner=name, table=table)


def _tables(
    name: str,
    stated_tables: Mapping[str, TableSpec],
    schema_of: SchemaOf,
    document: Document,
    findings: list[Finding],
) -> dict[TableRef, BoundTable]:
    tables = {}
    for stated, table in stated_tables.items():
        here: Steps = (name, "tables", stated)
        dataset, _, called = stated.partition("/")
        ref = TableRef(dataset, called)
        if table.schema_path is None:
            findings += _check_names(table, document, here)
            tables[ref] = BoundTable(table, None)
            continue
        schema = schema_of(document, table.schema_path, (*here, "schema"), findings)
        if schema is None:
            continue
        findings += _check_views(table, schema, document, here)
        tables[ref] = BoundTable(table, schema.model)
    return tables


def _check_names(table: TableSpec, document: Document, here: Steps) -> Iterator[Finding]:
    """Judge what a table without a schema calls some of its columns."""
    seen: dict[str, str] = {}
    for field, view in table.fields.items():
        path = (*here, "fields", field)
        folded = field.casefold()
        if folded in seen:
            yield document.error("doubled-field", path, field=field, other=seen[folded])
        seen.setdefault(folded, field)
        for key in sorted(view.model_fields_set - _NAMING):
            stated = FieldView.model_fields[key].alias or key
            yield document.error("view-without-schema", (*path, stated), key=stated, field=field)


def _check_views(
    table: TableSpec, schema: Parsed[Schema], document: Document, here: Steps
) -> Iterator[Finding]:
    for field, view in table.fields.items():
        yield from check_view(field, view, schema, document, (*here, "fields", field))
