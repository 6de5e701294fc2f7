"""The shapes of the API's answers: written from these models, documented from them too."""

from datetime import datetime
from typing import Any

from publisher.model.base import Model


class PartnerProblem(Model):
    code: str
    detail: str


class Organization(Model):
    name: str
    title: str
    municipality: str | None
    email: str | None
    url: str | None


class Quality(Model):
    quarantined: int
    """Rows that failed and wait for correction; they are never shown."""
    last_run: str | None
    """How the newest harvest ended."""
    last_run_at: datetime | None


class Origin(Model):
    """Where a table or a dataset was harvested from."""

    url: str
    source: str | None
    """The partner whose it is, or `local`; null where it is nobody's that is known here."""
    dataset: str | None
    """Its name there."""
    table: str | None
    whole: bool
    """False: it holds a part of what stands there."""


class TableSummary(Model):
    name: str
    title: str | None
    version: int
    """0 before the first delivery was stored."""
    rows: int
    updated_at: datetime | None
    """When the version was committed."""
    url: str


class DatasetSummary(Model):
    source: str
    """`local`, or the partner whose it is."""
    name: str
    title: str
    description: str | None
    publisher: Organization
    keywords: tuple[str, ...]
    themes: tuple[str, ...]
    licenses: tuple[dict[str, Any], ...]
    update_frequency: str | None
    translations: dict[str, Any]
    updated_at: datetime | None
    """The newest of its tables."""
    url: str


class TableWithQuality(TableSummary):
    description: str | None
    quality: Quality


class MqaMissing(Model):
    property: str
    """As DCAT names it."""
    points: int
    """It would add so many."""
    remedy: str
    """What to write, in the language of the request."""


class Mqa(Model):
    """The score of the EU's metadata quality assessment."""

    score: int
    of: int
    rating: str
    """excellent, good, sufficient or bad."""
    missing: tuple[MqaMissing, ...]


class DatasetDetail(DatasetSummary):
    homepage: str | None
    mqa: Mqa | None
    """Null before the first delivery was stored, or where it cannot be told."""
    tables: tuple[TableWithQuality, ...]


class TableDetail(TableWithQuality):
    dataset: str
    translations: dict[str, Any]
    oldest_version: int | None
    """The first that `version` can ask for."""
    interval: str | None
    """How often each entity reports, ISO 8601."""
    mode: str
    """How deliveries are stored: merge, replace or append."""
    schema_name: str
    """`name@version`, as /v1/schemas knows it."""
    fields: tuple[dict[str, Any], ...]
    """Table Schema fields as they can be asked for; units are UCUM codes."""
    primary_key: tuple[str, ...]
    roles: dict[str, tuple[str, ...]]
    origin: Origin | None
    """Null where it comes from nobody who publishes it."""
    links: dict[str, str]


class SourceProblem(PartnerProblem):
    source: str


class ListedDataset(DatasetSummary):
    tables: tuple[str, ...]
    """As `from` of `/v1/query` takes them."""
    origin: Origin | None
    """Of all its tables; null where they came from several, or from nobody who publishes them."""


class Datasets(Model):
    data: tuple[ListedDataset, ...]
    next: str | None
    problems: tuple[SourceProblem, ...] = ()
    """Partners whose datasets could not be listed."""


class Rows(Model):
    data: tuple[dict[str, Any] | tuple[Any, ...], ...]
    """One object a row, a member a field; times have their offset, decimals are exact.

    With `shape=arrays` one array a row, in the order of `fields`.
    """
    fields: tuple[str, ...] | None = None
    """Names; there only with `shape=arrays`."""
    next: str | None
    """The next page's address; null on the last."""
    version: int
    """Of the table that was read."""
    count: int | None = None
    """Of all rows that match; there only where `count=` asks for it."""


class SourceStatus(Model):
    id: str
    """`local`, or a partner."""
    status: str
    """`successful`, `partial`, `skipped` or `failed`."""
    table: str | None = None
    """`dataset/table`; null where a partner could not tell of its tables, and of ours together."""
    milliseconds: float | None = None
    rows: int | None = None
    """That it gave for this page."""
    http: int | None = None
    """Status of its answer."""
    retrieved_at: datetime | None = None
    age: int | None = None
    """Seconds since then, where it was not asked now."""
    pushed_down: tuple[str, ...] | None = None
    """What it was asked to do: `filter`, `bbox`, `sort`, `limit`, `select`."""
    applied_locally: tuple[str, ...] | None = None
    """What was left to be done here."""
    truncated: bool | None = None
    """It has more behind these rows."""
    refused: int | None = None
    """Rows that do not fit the table's schema, and were left out."""
    copy_of: str | None = None
    """The table that is asked for it, which holds the same: this one is `skipped`."""
    instead_of: str | None = None
    """The table that could not be asked, of which this one is a copy."""
    problem: PartnerProblem | None = None


class SourcesStatus(Model):
    total: int
    successful: int
    partial: int
    skipped: int
    failed: int
    data: tuple[SourceStatus, ...]


class ManyRows(Model):
    data: tuple[dict[str, Any] | tuple[Any, ...], ...]
    """As the rows of one table; `_source`, `_dataset` and `_table` say where each is from."""
    fields: tuple[str, ...] | None = None
    """Names; there only with `shape=arrays`."""
    next: str | None
    """The next page's address, to be posted to with the same body where one was."""
    units: dict[str, str]
    """Of each field that has one, in UCUM; all pages of a walk have the first one's."""
    versions: dict[str, int | None]
    """Of each table, by `dataset/table@partner`, that was read; null where it has none."""
    complete: bool
    """Whether everybody answered."""
    resume: str | None = None
    """Where what is missing is given later; there only where something is."""
    sources: SourcesStatus
    count: int | None = None
    """Of all rows that match; there only where `count=` asks for it."""


class ChangedRows(Model):
    total: int
    """Of the table by then."""
    new: int
    corrected: int
    removed: int


class TimeSpan(Model):
    first: datetime
    last: datetime


class VersionAnswer(Model):
    version: int
    committed_at: datetime
    rows: ChangedRows
    time: TimeSpan | None
    """Of the rows that came or went, by the field with role time."""


class Changes(Model):
    data: tuple[VersionAnswer, ...]
    """Oldest first."""
    next: str | None
    version: int
    """The newest."""


class Manifest(Model):
    dataset: str
    table: str
    version: int
    committed_at: datetime | None
    format: str
    media_type: str
    rows: int
    bytes: int
    sha256: str
    """In hex, of the whole file."""
    url: str
    """Where just this file is to be had, as long as its version's history is kept."""


class RowCounts(Model):
    read: int
    new: int
    corrected: int
    unchanged: int
    removed: int
    quarantined: int


class Finding(Model):
    rule: str
    field: str | None
    """Null where it is no field, or one that is not shown."""
    count: int
    rows: tuple[int, ...]
    """The first few row numbers, as the delivery counts them."""


class RunAnswer(Model):
    id: str
    trigger: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    version: int | None
    rows: RowCounts
    seconds: float | None
    problem: str | None
    """Code of what went wrong."""
    notes: tuple[str, ...]
    """Codes of what was noticed and did no harm."""
    findings: tuple[Finding, ...]


class Runs(Model):
    data: tuple[RunAnswer, ...]
    next: str | None


class Quarantine(Model):
    total: int
    """Rows that wait."""
    data: tuple[Finding, ...]


class SchemaSummary(Model):
    name: str
    version: str
    title: str | None
    description: str | None
    tables: tuple[str, ...]
    """Public tables under it, as dataset/table."""
    url: str


class Schemas(Model):
    data: tuple[SchemaSummary, ...]
    next: str | None


class SourceAnswer(Model):
    id: str
    """`dataset.table`"""
    dataset: str
    table: str
    type: str
    every: str | None
    cron: str | None
    timezone: str | None
    mode: str
    state: str
    """`never`, or how the newest run ended."""
    last_run_at: datetime | None
    next_run_at: datetime | None
    problem: str | None
    """Code of what went wrong in the newest run."""


class Sources(Model):
    data: tuple[SourceAnswer, ...]
    next: str | None


class ToldField(Model):
    name: str
    column: str
    """The partner's own name of it."""
    type: str
    title: str | None
    description: str | None
    unit: str | None
    """UCUM code"""


class PartnerTable(Model):
    name: str
    """`dataset/table@partner`, as `from` takes it."""
    schema_name: str | None
    """`name@version`; null where its fields are as the partner tells of them."""
    fields: tuple[str, ...]
    primary_key: tuple[str, ...]
    copied_at: datetime | None
    """When the copy that is kept of it was equal to it last; null where none is kept."""
    told: tuple[ToldField, ...] | None
    """How the partner tells of its fields; null where a schema says it."""


class PartnerAnswer(Model):
    id: str
    title: str
    type: str
    url: str
    state: str
    """`closed`: it is asked; `open`: it is left alone for a while; `half-open`: it is tried."""
    milliseconds: float | None
    """That its answers took lately; null before the first."""
    asked: int
    failed: int
    answered_at: datetime | None
    problem: PartnerProblem | None
    """The last one, until it answers again."""
    problem_at: datetime | None
    tables: tuple[PartnerTable, ...] | None
    """Null where they are not known yet: ask for the partner itself."""


class Partners(Model):
    data: tuple[PartnerAnswer, ...]
    next: str | None


class Health(Model):
    status: str


class Problem(Model):
    """A problem detail, RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    parameter: str | None = None
    allowed: tuple[str, ...] | None = None
    errors: tuple[dict[str, Any], ...] | None = None
