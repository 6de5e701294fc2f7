"""The one table of routes: served, checked and documented from here."""

from publisher.api import (
    answers,
    catalog,
    changes,
    datasets,
    described,
    exports,
    files,
    ledger,
    metrics,
    operation,
    partners,
    schemas,
    several,
    sources,
    tables,
)
from publisher.api.replies import DEFAULT_PAGE, MOST_PAGE
from publisher.api.route import Handler, Route
from publisher.query import parameters
from publisher.query.grammar import TAKEN, Kind
from publisher.query.parameters import Parameter
from publisher.targets.dcat.writing import MEDIA_TYPES
from publisher.targets.facts import MEDIA_TYPES as FILE_TYPES

_NAME = {"type": "string"}
DATASET = Parameter("dataset", "Name of a dataset.", _NAME, "vandstand-ribe")
TABLE = Parameter("table", "Name of a table of the dataset.", _NAME, "observations")
SCHEMA = Parameter("schema", "Name of a schema, or `name@version`.", _NAME, "water-level@1.0.0")
FILE = Parameter("file", "Path of a file that the package names.", _NAME, "observations.csv")
PARTNER = Parameter("partner", "Name of a partner.", _NAME, "norddjurs")
SOURCE = Parameter("source", "`dataset.table`", _NAME, "vandstand-ribe.observations")

_PAGE = (
    Parameter(
        "limit",
        "Most entries to give.",
        {"type": "integer", "minimum": 1, "maximum": MOST_PAGE, "default": DEFAULT_PAGE},
    ),
    Parameter("cursor", "Taken from `next` of the page before.", _NAME | {"minLength": 1}),
)
_SEARCH = (
    Parameter("q", "Words that all stand in the name, a title, a description or a keyword.", _NAME),
    Parameter("theme", "EU data theme, such as ENVI.", _NAME, "ENVI"),
    Parameter("keyword", "One of the dataset's keywords.", _NAME),
    Parameter("publisher", "Name of the organisation that publishes.", _NAME, "esbjerg"),
    Parameter(
        "bbox",
        "`west,south,east,north` in degrees: datasets that are about some of it.",
        _NAME,
        "8,55,9,56",
    ),
    Parameter(
        "source",
        "Whose: `local` (which is what is given without it), a partner, or `*` for all of them.",
        _NAME,
        "local",
    ),
)


_OF_TABLE = (DATASET, TABLE)
_TABLE_PATH = "/v1/datasets/{dataset}/{table}"

_CATALOG = tuple(
    route
    for form, media_type in MEDIA_TYPES.items()
    for route in (
        Route(
            f"/catalog.{form}",
            catalog.get_catalog(form),
            "The catalog as DCAT-AP, to be harvested by portals",
            None,
            query=catalog.CATALOG_QUERY,
            formats=(media_type,),
        ),
        Route(
            f"/catalog/{{dataset}}.{form}",
            catalog.get_catalog_dataset(form),
            "One dataset as DCAT-AP",
            None,
            place=(DATASET,),
            query=catalog.DATASET_QUERY,
            formats=(media_type,),
        ),
    )
)

_ASKED: tuple[tuple[Kind, Handler, str], ...] = (
    ("rows", tables.get_rows, "Rows of a table, filtered, sorted and paged"),
    ("latest", tables.get_latest, "The newest row of each entity, among those that match"),
    (
        "aggregate",
        tables.get_aggregate,
        "Groups and buckets of time, and what is worked out of each",
    ),
)
_QUERIES = tuple(
    Route(
        f"{_TABLE_PATH}/{kind}",
        handler,
        summary,
        answers.Rows,
        place=_OF_TABLE,
        query=TAKEN[kind],
        fields=True,
        formats=tuple(parameters.FORMATS.values()),
    )
    for kind, handler, summary in _ASKED
)

_ROUTES: tuple[Route, ...] = (
    Route(
        "/v1/datasets",
        datasets.list_datasets,
        "The datasets there are",
        answers.Datasets,
        query=(*_SEARCH, *_PAGE),
    ),
    Route(
        "/v1/datasets/{dataset}",
        datasets.get_dataset,
        "A dataset: metadata, tables, freshness and quality",
        answers.DatasetDetail,
        place=(DATASET,),
    ),
    Route(
        _TABLE_PATH,
        datasets.get_table,
        "A table: fields, units, roles, version and row count",
        answers.TableDetail,
        place=_OF_TABLE,
    ),
    *_QUERIES,
    Route(
        f"{_TABLE_PATH}/export",
        exports.get_export,
        "Everything of a table that matches, as a file",
        None,
        place=_OF_TABLE,
        query=TAKEN["export"],
        fields=True,
        formats=tuple(parameters.FORMATS.values()),
    ),
    Route(
        f"{_TABLE_PATH}/export/manifest",
        exports.get_manifest,
        "What an export holds: version, rows, bytes and SHA-256",
        answers.Manifest,
        place=_OF_TABLE,
        query=TAKEN["export"],
        fields=True,
    ),
    Route(
        f"{_TABLE_PATH}/changes",
        changes.get_changes,
        "The versions of a table as they are committed, as a page or as a stream of events",
        answers.Changes,
        place=_OF_TABLE,
        query=(changes.SINCE, _PAGE[0]),
        formats=("application/json", changes.EVENTS),
    ),
    Route(
        f"{_TABLE_PATH}/runs",
        ledger.get_runs,
        "The run ledger of a table, newest first",
        answers.Runs,
        place=_OF_TABLE,
        query=_PAGE,
    ),
    Route(
        f"{_TABLE_PATH}/quarantine",
        ledger.get_quarantine,
        "Counts of the rows that failed, by rule and field",
        answers.Quarantine,
        place=_OF_TABLE,
    ),
    Route(
        "/v1/query",
        several.query,
        "Rows, or groups of rows, of several tables together",
        answers.ManyRows,
        query=TAKEN["query"],
        fields=True,
        posted=True,
        formats=tuple(parameters.FORMATS.values()),
    ),
    Route(
        "/v1/schemas",
        schemas.list_schemas,
        "The schemas of public tables",
        answers.Schemas,
        query=_PAGE,
    ),
    Route(
        "/v1/schemas/{schema}",
        schemas.get_schema,
        "A schema as a Frictionless Table Schema, to be reused",
        None,
        place=(SCHEMA,),
    ),
    Route(
        "/v1/sources",
        sources.list_sources,
        "What is collected from, and how it is",
        answers.Sources,
        query=_PAGE,
    ),
    Route(
        "/v1/sources/{source}",
        sources.get_source,
        "One source, and how it is",
        answers.SourceAnswer,
        place=(SOURCE,),
    ),
    Route(
        "/v1/partners",
        partners.list_partners,
        "Whom we federate with, and how they are",
        answers.Partners,
        query=_PAGE,
    ),
    Route(
        "/v1/partners/{partner}",
        partners.get_partner,
        "One partner: how it is, and its tables",
        answers.PartnerAnswer,
        place=(PARTNER,),
    ),
    *_CATALOG,
    Route(
        "/published/{dataset}/{file}",
        files.get_published,
        "A bulk file of a dataset's Data Package, or its datapackage.json",
        None,
        place=(DATASET, FILE),
        formats=tuple(FILE_TYPES.values()),
    ),
    Route(
        "/metrics",
        metrics.get_metrics,
        "Counts and gauges, as Prometheus reads them",
        None,
        formats=("text/plain",),
        metered=False,
    ),
    Route(
        "/healthz", operation.get_health, "Whether the service lives", answers.Health, metered=False
    ),
    Route(
        "/readyz",
        operation.get_ready,
        "Whether the service is ready",
        answers.Health,
        metered=False,
    ),
)

ROUTES = (
    *_ROUTES,
    Route(
        f"{_TABLE_PATH}/openapi.json",
        described.get_table_document(it for it in _ROUTES if it.path.startswith(_TABLE_PATH)),
        "This document for one table: its own fields, with examples from its rows",
        None,
        place=_OF_TABLE,
    ),
)
