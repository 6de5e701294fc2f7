"""What is told of a dataset besides its rows, worked out once for every catalog.

DCAT, CKAN and the Data Package say the same things in their own words: this is what they say.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from publisher.model.catalog import Organization
from publisher.model.dataset import ContactPoint, Dataset, License
from publisher.model.schema import Translation
from publisher.targets.datapackage import file_name, license_facts
from publisher.targets.extents import Box, Extents, Span
from publisher.targets.snapshot import PinnedTable, Snapshot

MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
LANGUAGE = "da"
"""Of the texts that a descriptor states outside its translations."""
_NO_KEYWORD = re.compile(r"[^\w .-]")
_KEYWORD_LENGTH = range(2, 101)


@dataclass(frozen=True, slots=True)
class Download:
    """A bulk file that the folder target writes; bytes and hash are of the last one written."""

    format: str
    """``csv`` or ``parquet``."""
    url: str
    media_type: str
    bytes: int | None
    sha256: str | None
    """In hex."""
    modified: datetime | None


@dataclass(frozen=True, slots=True)
class Links:
    """Where the installation can be reached from outside, and its bulk files."""

    public_url: str | None
    """None: nothing is linked to."""
    published: Path
    """The folder target's folder."""

    def to(self, *parts: str) -> str | None:
        if self.public_url is None:
            return None
        return "/".join((self.public_url.rstrip("/"), *(quote(part, safe="@/") for part in parts)))

    def package(self, dataset: Dataset) -> Mapping[str, Any]:
        """Give the descriptor of the bulk files in use; empty where there are none."""
        if "folder" not in dataset.targets or self.public_url is None:
            return {}
        try:
            found: Mapping[str, Any] = orjson.loads(
                (self.published / dataset.name / "datapackage.json").read_bytes()
            )
        except (OSError, ValueError):
            return {}
        return found


@dataclass(frozen=True, slots=True)
class TableFacts:
    table: PinnedTable
    span: Span | None
    box: Box | None
    license: Mapping[str, str]
    """Its ``name``, ``path`` and ``title``, as far as they are known; empty: none is stated."""
    api: str | None
    rows: str | None
    documentation: str | None
    schema_url: str | None
    downloads: tuple[Download, ...]

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def modified(self) -> datetime:
        return self.table.state.committed_at

    def title(self, language: str = LANGUAGE) -> str:
        resource = self.table.resource
        return _said(resource.title, resource.translations, language, "title") or resource.name

    def description(self, language: str = LANGUAGE) -> str | None:
        resource = self.table.resource
        return _said(resource.description, resource.translations, language, "description")


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    dataset: Dataset
    organization: Organization
    tables: tuple[TableFacts, ...]
    url: str | None
    issued: datetime | None
    modified: datetime
    span: Span | None
    box: Box | None
    frequency: str | None
    """EU code."""
    languages: tuple[str, ...]
    """Of two letters, the descriptor's own first."""
    contact: ContactPoint
    versions: Mapping[str, int]

    def title(self, language: str = LANGUAGE) -> str:
        said = _said(self.dataset.title, self.dataset.translations, language, "title")
        return said or self.dataset.title

    def description(self, language: str = LANGUAGE) -> str | None:
        dataset = self.dataset
        return _said(dataset.description, dataset.translations, language, "description")


async def dataset_facts(snapshot: Snapshot, links: Links, extents: Extents) -> DatasetFacts:
    """Work out what is told of a dataset whose tables are pinned; it has one at least."""
    dataset, organization = snapshot.dataset, snapshot.organization
    package = links.package(dataset)
    tables = []
    for table in snapshot.tables:
        extent = await extents.of(snapshot, table)
        place = ("v1", "datasets", dataset.name, table.name)
        schema = table.state.schema
        tables.append(
            TableFacts(
                table=table,
                span=extent.span,
                box=extent.box,
                license=_license(table.resource.licenses or dataset.licenses),
                api=links.to(*place),
                rows=links.to(*place, "rows"),
                documentation=links.to("docs"),
                schema_url=links.to("v1", "schemas", f"{schema.name}@{schema.version}"),
                downloads=_files(links, dataset, table, package),
            )
        )
    firsts = [await snapshot.committed_at(table, 1) for table in snapshot.tables]
    stated = dataset.spatial.bbox
    return DatasetFacts(
        dataset=dataset,
        organization=organization,
        tables=tuple(tables),
        url=links.to("v1", "datasets", dataset.name),
        issued=_issued(dataset) or min((it for it in firsts if it is not None), default=None),
        modified=max(table.modified for table in tables),
        span=_stated_span(dataset) or Span.over([table.span for table in tables]),
        box=Box(*stated) if stated else Box.over([table.box for table in tables]),
        frequency=dataset.update_frequency,
        languages=dataset.languages or in_languages(dataset.translations),
        contact=dataset.contact_point
        or ContactPoint(name=organization.title, email=organization.email, url=organization.url),
        versions=snapshot.versions,
    )


def keywords(stated: Iterable[str]) -> list[str]:
    """Give the keywords that every catalog takes, CKAN's tags being the narrowest.

    They hold letters, digits, blanks, ``-``, ``.`` and ``_``, and have 2 to 100 characters.
    """
    words = (" ".join(_NO_KEYWORD.sub(" ", word).split()) for word in stated)
    return sorted({word for word in words if len(word) in _KEYWORD_LENGTH})


def in_languages(translations: Iterable[str]) -> tuple[str, ...]:
    """Give the languages something may be said in, the descriptor's own first."""
    return (LANGUAGE, *sorted({*translations} - {LANGUAGE}))


def _said(
    stated: str | None, translations: Mapping[str, Translation], language: str, which: str
) -> str | None:
    """Give a text in *language* alone; the descriptor's own are in LANGUAGE."""
    other = translations.get(language)
    found = getattr(other, which) if other else None
    return found or (stated if language == LANGUAGE else None)


def _license(licenses: tuple[License, ...]) -> Mapping[str, str]:
    return license_facts(licenses[0]) if licenses else {}


def _issued(dataset: Dataset) -> datetime | None:
    if dataset.created is None:
        return None
    found = datetime.fromisoformat(dataset.created)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _stated_span(dataset: Dataset) -> Span | None:
    """Give the time that is stated."""
    if dataset.temporal is None:
        return None
    start = datetime.combine(date.fromisoformat(dataset.temporal.start), time.min, UTC)
    if dataset.temporal.end is None:
        return Span(start, None)
    return Span(start, datetime.combine(date.fromisoformat(dataset.temporal.end), time.max, UTC))


def _files(
    links: Links, dataset: Dataset, table: PinnedTable, package: Mapping[str, Any]
) -> tuple[Download, ...]:
    """Give the table's bulk files; of one that was written already the descriptor tells more."""
    if "folder" not in dataset.targets:
        return ()
    written = {file["path"]: file for file in package.get("resources", ())}
    found = []
    for format_ in sorted(set(dataset.publish.formats)):
        path = file_name(table, format_)
        url = links.to("published", dataset.name, path)
        if url is None:
            continue
        file = written.get(path, {})
        found.append(
            Download(
                format=format_,
                url=url,
                media_type=MEDIA_TYPES[format_],
                bytes=file.get("bytes"),
                sha256=str(file.get("hash", "")).removeprefix("sha256:") or None,
                modified=datetime.fromisoformat(file["modified"]) if "modified" in file else None,
            )
        )
    return tuple(found)
