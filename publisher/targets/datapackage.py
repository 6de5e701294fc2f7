"""The descriptor of what is published: a Data Package, as catalogs and tools read it.

Spec: https://datapackage.org/standard/data-package/ . It says what the files hold, never how
they were harvested, and names no personal field. ``version`` of a resource is the table's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

import orjson

from publisher.errors import TargetError
from publisher.model.dataset import License
from publisher.model.schema import Field, ForeignKey
from publisher.targets.licenses import LICENSES
from publisher.targets.snapshot import PinnedTable, Snapshot

_READING = {
    "format",
    "decimal_char",
    "group_char",
    "bare_number",
    "float_number",
    "true_values",
    "false_values",
    "missing_values",
    "delimiter",
    "item_type",
}
_TEXT_FORMATS = {"string", "geojson"}
_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


@dataclass(frozen=True, slots=True)
class TableFiles:
    """What was written for one table."""

    paths: Mapping[str, str]
    """File name by format: ``csv``, ``parquet``."""
    hashes: Mapping[str, str]
    """SHA-256 in hex by format."""
    sizes: Mapping[str, int]
    """Bytes by format."""
    rows: int
    null: str
    """What stands for null in the CSV."""
    span: tuple[datetime, datetime] | None
    """First and last instant of the time field."""


def file_name(table: PinnedTable, format_: str) -> str:
    """Give the name a table's file is published under, as its resource's ``path`` has it.

    Raises TargetError where that would lead outside the dataset's folder.
    """
    path = PurePosixPath(table.resource.path)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise TargetError("unsafe-path", table=str(table.ref), path=table.resource.path)
    return str(path.with_suffix(f".{format_}"))


def descriptor(snapshot: Snapshot, files: Mapping[str, TableFiles]) -> dict[str, Any]:
    """Give the package's descriptor; *files* are by table name."""
    dataset = snapshot.dataset
    spans = [found.span for found in files.values() if found.span]
    stated = dataset.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    kept = (
        "id title description version homepage created image keywords themes"
        " updateFrequency translations sources accessRights hvdCategories spatial contactPoint"
        " languages conformsTo provenance rights"
    )
    package = {
        "name": dataset.name,
        **{key: stated[key] for key in kept.split() if key in stated},
        "licenses": [license_facts(license_) for license_ in dataset.licenses],
        "contributors": _contributors(snapshot),
        "modified": _instant(max(table.state.committed_at for table in snapshot.tables)),
        "temporal": _temporal(spans),
        "resources": [
            resource
            for table in snapshot.tables
            for resource in _resources(snapshot, table, files[table.name])
        ],
    }
    return {key: value for key, value in package.items() if value not in (None, [], ())}


def fingerprint(snapshot: Snapshot, *more: Any) -> str:
    """Give what changes whenever something other than rows is to be published differently."""
    nothing = TableFiles({}, {}, {}, 0, "", None)
    facts = descriptor(snapshot, {table.name: nothing for table in snapshot.tables})
    del facts["modified"]
    facts["tables"] = [
        [
            table.name,
            table.resource.path,
            *_texts(table).items(),
            published_schema(snapshot, table, ""),
        ]
        for table in snapshot.tables
    ]
    facts["formats"] = sorted(snapshot.dataset.publish.formats)
    facts["linked"] = "folder" in snapshot.dataset.targets
    facts["keep"] = sorted(snapshot.dataset.publish.keep)
    facts["temporal"] = snapshot.dataset.temporal and snapshot.dataset.temporal.descriptor()
    facts["organization"] = snapshot.organization.descriptor()
    return sha256(orjson.dumps([facts, *more], option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def license_facts(license_: License) -> dict[str, str]:
    """Complete a licence named by its Open Definition id with its address and title."""
    stated = license_.model_dump(exclude_none=True)
    known = LICENSES.get(license_.name or "")
    return {"path": known.path, "title": known.title, **stated} if known else stated


def published_schema(snapshot: Snapshot, table: PinnedTable, null: str) -> dict[str, Any]:
    """Give the Table Schema of the files: open fields only, in their published form."""
    schema = table.state.schema
    foreign = [
        {
            "fields": list(key.fields),
            "reference": {"resource": target, "fields": list(key.reference.fields)},
        }
        for key in schema.foreign_keys
        if (target := _referred(snapshot, table, key)) is not None
    ]
    stated = schema.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    kept = ("id", "title", "description", "translations")
    return {
        "name": schema.name,
        "version": schema.version,
        **{key: stated[key] for key in kept if key in stated},
        "fields": [published_field(field) for field in table.fields],
        **({"primaryKey": list(table.key)} if table.key else {}),
        **({"foreignKeys": foreign} if foreign else {}),
        "missingValues": [null],
    }


def published_field(field: Field) -> dict[str, Any]:
    """Give a field as the files hold it: how a source wrote it does not matter any more."""
    hidden = set(_READING - {"format"} if field.type in _TEXT_FORMATS else _READING)
    facts = field.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude=hidden | {"personal"}
    )
    facts = {**facts, "name": field.name, "type": "array" if field.type == "list" else field.type}
    if field.type in {"date", "time", "datetime"} and "constraints" in facts:
        facts["constraints"] = _published_limits(field, facts["constraints"])
    return facts


def _published_limits(field: Field, stated: Mapping[str, Any]) -> dict[str, Any]:
    limits = dict(stated)
    for name in _LIMITS:
        if isinstance(limits.get(name), str):
            limits[name] = _moment(field, limits[name])
    if "enum" in limits:
        limits["enum"] = [_moment(field, str(value)) for value in limits["enum"]]
    return limits


def _moment(field: Field, text: str) -> str:
    """Rewrite a limit as the cells are written; a time without a zone is UTC."""
    if field.format not in {None, "default", "any"}:
        found = datetime.strptime(text, str(field.format))  # noqa: DTZ007 - a zone is added below
        if field.type == "date":
            return found.date().isoformat()
        if field.type == "time":
            return found.time().isoformat()
        return _instant(found)
    if field.type == "datetime":
        return _instant(datetime.fromisoformat(text))
    return text


def _referred(snapshot: Snapshot, table: PinnedTable, key: ForeignKey) -> str | None:
    """Name the published table that a foreign key refers to, as the package calls it."""
    named = key.reference.resource
    name = table.name if named in {"", table.name} else named.removeprefix(f"{table.ref.dataset}/")
    other = next((pinned for pinned in snapshot.tables if pinned.name == name), None)
    if other is None or not {field.name for field in other.fields}.issuperset(key.reference.fields):
        return None
    if not {field.name for field in table.fields}.issuperset(key.fields):
        return None
    return "" if other is table else name


def _resources(
    snapshot: Snapshot, table: PinnedTable, files: TableFiles
) -> Iterable[dict[str, Any]]:
    facts = {
        **_texts(table),
        "version": table.version,
        "modified": _instant(table.state.committed_at),
    }
    if temporal := _temporal([files.span] if files.span else []):
        facts["temporal"] = temporal
    if "csv" in files.paths:
        yield {
            "name": table.name,
            "type": "table",
            "path": files.paths["csv"],
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            **_stats(files, "csv"),
            "rows": files.rows,
            **facts,
            "schema": published_schema(snapshot, table, files.null),
        }
    if "parquet" in files.paths:
        # A file to tools that do not read Parquet; its columns carry their own types.
        yield {
            "name": f"{table.name}-parquet" if "csv" in files.paths else table.name,
            "type": "file",
            "path": files.paths["parquet"],
            "format": "parquet",
            "mediatype": "application/vnd.apache.parquet",
            **_stats(files, "parquet"),
            **facts,
        }


def _texts(table: PinnedTable) -> dict[str, Any]:
    stated = table.resource.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    kept = ("title", "description", "interval", "translations", "sources")
    texts: dict[str, Any] = {key: stated[key] for key in kept if key in stated}
    if table.resource.licenses:
        texts["licenses"] = [license_facts(license_) for license_ in table.resource.licenses]
    return texts


def _stats(files: TableFiles, format_: str) -> dict[str, Any]:
    return {"bytes": files.sizes[format_], "hash": f"sha256:{files.hashes[format_]}"}


def _contributors(snapshot: Snapshot) -> list[dict[str, Any]]:
    organization = snapshot.organization
    publisher = {
        "title": organization.title,
        "path": organization.url,
        "email": organization.email,
        "roles": ["publisher"],
    }
    stated = [person.model_dump(mode="json") for person in snapshot.dataset.contributors]
    return [
        {key: value for key, value in person.items() if value is not None}
        for person in (publisher, *stated)
    ]


def _temporal(spans: Iterable[tuple[datetime, datetime]]) -> dict[str, str] | None:
    found = list(spans)
    if not found:
        return None
    return {
        "start": _instant(min(first for first, _ in found)),
        "end": _instant(max(last for _, last in found)),
    }


def _instant(moment: datetime) -> str:
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat() + "Z"
