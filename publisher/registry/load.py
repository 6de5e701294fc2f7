"""catalog/ and schemas/ into one picture: everything that is right, and all that is wrong.

What a fault costs:

- a schema with an error costs the tables that use it, and so their datasets;
- a dataset with an error is left out whole, the others go on;
- two datasets of one name: the one whose file bears the name goes on, else neither;
- a target that is wrong or unknown costs nothing but publishing there;
- an organisation whose entry is wrong is known by its name only until it is mended;
- a warning costs nothing.
"""

import posixpath
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from publisher.errors import ConfigurationError
from publisher.model.base import Model
from publisher.model.catalog import Catalog, Organization, TableEntry
from publisher.model.dataset import Dataset
from publisher.model.schema import Schema, version_order
from publisher.model.values import TableRef
from publisher.registry.checks.dataset import Surroundings, check_dataset
from publisher.registry.checks.schema import check_schema
from publisher.registry.checks.table import check_table
from publisher.registry.document import Document, read
from publisher.registry.files import find
from publisher.registry.finding import Finding
from publisher.registry.keys import nearest
from publisher.registry.listings import check_partners, read_organizations, read_targets
from publisher.registry.parse import parse
from publisher.secrets import Secrets

M = TypeVar("M", bound=Model)

_COSTS_NO_DATASET = {"no-such-target"}


@dataclass(frozen=True)
class Loaded:
    catalog: Catalog
    problems: tuple[Finding, ...]
    """Errors and warnings, by file and line."""
    documents: Mapping[str, Document]
    """The file of each dataset in the catalog."""

    def refused(self, entry: TableEntry, error: ConfigurationError) -> Finding:
        """Tell, at its place in the dataset's file, why a table cannot be harvested."""
        place: list[str | int] = ["resources", entry.dataset.resources.index(entry.resource)]
        place.append("harvest")
        views = entry.harvest.fields if entry.harvest else {}
        for name, view in views.items():
            if name == error.params.get("field") or (
                view.unit and view.unit in error.params.values()
            ):
                place += ["fields", name]
                break
        return self.documents[entry.dataset.name].error(error.code, place, **error.params)

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(found for found in self.problems if found.severity == "error")


@dataclass
class _File(Generic[M]):
    """One file, what it holds and what is wrong with it, told so far."""

    name: str
    document: Document
    model: M
    findings: list[Finding]

    @property
    def usable(self) -> bool:
        return not any(
            found.severity == "error" and found.code not in _COSTS_NO_DATASET
            for found in self.findings
        )


def load(root: Path, secrets: Secrets) -> Loaded:
    """Read and cross-check everything under *root*; no wrong file makes it fail.

    *secrets* tells which ``${VARIABLES}`` are set; values are not expanded here.
    """
    files = find(root)
    organizations = read_organizations(files)
    targets = read_targets(files, organizations, secrets)
    problems = [*files.findings, *organizations.findings, *targets.findings]
    problems += check_partners(files)

    schemas, _ = _read_all(Schema, files.schemas, problems)
    for schema in schemas.values():
        schema.findings += check_schema(schema.model, schema.document)
    _tell_doubled_schemas(schemas)

    datasets, unread = _read_all(Dataset, files.datasets, problems)
    _tell_names(datasets)
    tables = _Tables(set(files.schemas), schemas)
    for dataset in datasets.values():
        tables.resolve(dataset, secrets)
    around = Surroundings(
        organizations=organizations,
        targets=targets,
        schemas=tables.schemas,
        broken_tables=tables.broken,
        broken_datasets=unread,
    )
    for dataset in datasets.values():
        dataset.findings += check_dataset(dataset.model, around, dataset.document)
    problems += [found for file in schemas.values() for found in file.findings]
    problems += [found for file in datasets.values() for found in file.findings]
    catalog = _catalog(schemas, datasets, around)
    return Loaded(
        catalog,
        tuple(sorted(problems, key=lambda problem: problem.order)),
        {file.model.name: file.document for file in datasets.values() if file.usable},
    )


def _read_all(
    model: type[M], paths: dict[str, Path], problems: list[Finding]
) -> tuple[dict[str, _File[M]], set[str]]:
    """Read files; those that are no *model* go to the second, by the names they may have."""
    files: dict[str, _File[M]] = {}
    unread: set[str] = set()
    for name, path in paths.items():
        document, findings = read(path, name)
        found = None
        if document is not None:
            found, faults = parse(model, document)
            findings += faults
        if document is None or found is None:
            problems += findings
            unread.add(path.stem)
            stated = document.value_at(()).get("name") if document else None
            if isinstance(stated, str):
                unread.add(stated)
        else:
            files[name] = _File(name, document, found, findings)
    return files, unread


def _tell_doubled_schemas(schemas: dict[str, _File[Schema]]) -> None:
    # Tables name their schema's file, so they can go on
    first: dict[tuple[str, str], str] = {}
    for file in schemas.values():
        key = (file.model.name, file.model.version)
        if key in first:
            file.findings.append(
                file.document.warning(
                    "doubled-schema", ("name",), name=key[0], version=key[1], other=first[key]
                )
            )
        first.setdefault(key, file.name)


def _tell_names(datasets: dict[str, _File[Dataset]]) -> None:
    by_name: dict[str, list[_File[Dataset]]] = defaultdict(list)
    for file in datasets.values():
        by_name[file.model.name].append(file)
    for name, files in by_name.items():
        named = [file for file in files if Path(file.name).stem == name]
        for file in files:
            others = ", ".join(other.name for other in files if other is not file)
            if others and not (len(named) == 1 and file in named):
                file.findings.append(
                    file.document.error("doubled-dataset", ("name",), name=name, others=others)
                )
            elif others:
                file.findings.append(
                    file.document.warning("dataset-elsewhere", ("name",), name=name, others=others)
                )
            elif file not in named:
                file.findings.append(
                    file.document.warning("file-name-differs", ("name",), name=name)
                )


class _Tables:
    """Finds the schema of every table."""

    def __init__(self, known: set[str], files: dict[str, _File[Schema]]) -> None:
        self._known = known
        self._files = files
        self.schemas: dict[TableRef, Schema] = {}
        self.broken: set[TableRef] = set()

    def resolve(self, dataset: _File[Dataset], secrets: Secrets) -> None:
        for index, resource in enumerate(dataset.model.resources):
            path = ("resources", index)
            ref = TableRef(dataset.model.name, resource.name)
            schema = self._schema(dataset, resource.schema_path, (*path, "schema"))
            if schema is None:
                self.broken.add(ref)
            else:
                self.schemas[ref] = schema
            dataset.findings += check_table(resource, schema, secrets, dataset.document, path)

    def _schema(
        self, dataset: _File[Dataset], stated: str, path: tuple[str | int, ...]
    ) -> Schema | None:
        file = posixpath.normpath(f"{posixpath.dirname(dataset.name)}/{stated}")
        tell = dataset.document.error
        if stated.startswith("/") or not file.startswith("schemas/"):
            dataset.findings.append(tell("schema-outside", path, path=stated))
            return None
        if file not in self._known:
            near = nearest(file, sorted(self._known))
            dataset.findings.append(tell("schema-missing", path, path=stated, nearest=near))
            return None
        found = self._files.get(file)
        if found is None or not found.usable:
            dataset.findings.append(tell("schema-wrong", path, schema=file))
            return None
        return found.model


def _catalog(
    schemas: dict[str, _File[Schema]], datasets: dict[str, _File[Dataset]], around: Surroundings
) -> Catalog:
    right = {
        file.model.name: _with_known_targets(file.model, around)
        for file in datasets.values()
        if file.usable
    }
    stand_ins = {
        dataset.publisher: Organization(title=dataset.publisher)
        for dataset in right.values()
        if dataset.publisher not in around.organizations.right
    }
    entries = (
        TableEntry(dataset, resource, around.schemas[TableRef(dataset.name, resource.name)])
        for dataset in right.values()
        for resource in dataset.resources
    )
    return Catalog(
        datasets=right,
        schemas=_by_name([file.model for file in schemas.values() if file.usable]),
        organizations={**around.organizations.right, **stand_ins},
        targets=around.targets.right,
        entries={entry.ref: entry for entry in entries},
    )


def _by_name(schemas: list[Schema]) -> dict[str, Schema]:
    """Put the newest version under the schema's name, the others under ``name@version``."""
    found: dict[str, Schema] = {}
    for schema in sorted(schemas, key=lambda schema: version_order(schema.version), reverse=True):
        newest = found.setdefault(schema.name, schema)
        if newest.version != schema.version:
            found.setdefault(f"{schema.name}@{schema.version}", schema)
    return found


def _with_known_targets(dataset: Dataset, around: Surroundings) -> Dataset:
    known = tuple(name for name in dataset.publish.targets if name in around.targets.right)
    if known == dataset.publish.targets:
        return dataset
    publish = dataset.publish.model_copy(update={"targets": known})
    return dataset.model_copy(update={"publish": publish})
