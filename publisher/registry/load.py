"""catalog/ and schemas/ into one picture: everything that is right, and all that is wrong.

What a fault costs:

- a schema with an error costs the tables that use it, and so their datasets;
- a dataset with an error is left out whole, the others go on;
- two datasets of one name: the one whose file bears the name goes on, else neither;
- a target that is wrong or unknown costs nothing but publishing there;
- a partner that is wrong is not asked;
- an organisation whose entry is wrong is known by its name only until it is mended;
- a warning costs nothing.

What is right of a wrong file is judged all the same, and told with the rest; none of it runs.
"""

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from publisher.model.base import Model
from publisher.model.catalog import Catalog, Organization, TableEntry
from publisher.model.dataset import Dataset
from publisher.model.opendata_dk import BROKEN_RULES
from publisher.model.schema import Schema, version_order
from publisher.model.values import TableRef
from publisher.registry.checks.dataset import Surroundings, check_dataset
from publisher.registry.checks.schema import check_schema
from publisher.registry.checks.table import check_table
from publisher.registry.document import Document, read
from publisher.registry.files import find
from publisher.registry.finding import Finding
from publisher.registry.keys import nearest
from publisher.registry.listings import read_organizations, read_targets
from publisher.registry.mend import Parsed
from publisher.registry.parse import parse
from publisher.registry.partners import DescribedPartner, read_partners
from publisher.registry.paths import ANY, Steps
from publisher.secrets import Secrets

M = TypeVar("M", bound=Model)

_COSTS_NO_DATASET = {"no-such-target", *BROKEN_RULES}
_TABLE_NAMES = (("name",), ("resources", ANY, "name"))


@dataclass(frozen=True)
class Described:
    """A table as far as it and its schema could be read; it may be in no catalog."""

    entry: TableEntry
    document: Document
    """Of its dataset."""
    path: Steps
    """Where it stands there."""
    schema: Parsed[Schema]


@dataclass(frozen=True)
class Loaded:
    catalog: Catalog
    problems: tuple[Finding, ...]
    """Errors and warnings, by file and line."""
    schemas: tuple[Parsed[Schema], ...] = ()
    """Every schema as far as it could be read; for ``publisher check`` only."""
    tables: tuple[Described, ...] = ()
    """Every table as far as it could be read; for ``publisher check`` only."""
    partners: tuple[DescribedPartner, ...] = ()
    """Those that are right; for ``publisher check`` only."""
    wrong_partners: frozenset[str] | None = frozenset()
    """Names of those that are not; None where nobody can tell."""

    def keeping(self, before: Catalog) -> "Loaded":
        """Give the same with the partners of *before* whose entries are wrong by now.

        An answer that left them out would not say that anything is missing.
        """
        wrong = self.wrong_partners
        kept = {name: it for name, it in before.partners.items() if wrong is None or name in wrong}
        if not kept:
            return self
        partners = {**kept, **self.catalog.partners}
        return replace(self, catalog=replace(self.catalog, partners=partners))

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(found for found in self.problems if found.severity == "error")


@dataclass
class _File(Generic[M]):
    """One file, what it holds and what is wrong with it, told so far."""

    name: str
    parsed: Parsed[M]
    findings: list[Finding]
    tables: list[Parsed[Schema] | None] = field(default_factory=list)
    """Of a dataset: the schemas of its tables."""

    @property
    def model(self) -> M:
        return self.parsed.model

    @property
    def document(self) -> Document:
        return self.parsed.document

    @property
    def usable(self) -> bool:
        return self.parsed.whole and not any(
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

    schemas, _ = _read_all(Schema, files.schemas, problems)
    for schema in schemas.values():
        schema.findings += check_schema(schema.model, schema.document)
    _tell_doubled_schemas(schemas)

    datasets, unread = _read_all(Dataset, files.datasets, problems)
    _tell_names(datasets)
    tables = _Tables(set(files.schemas), schemas)
    # Others refer to the one that runs, where several files have its name
    first = sorted(datasets.values(), key=lambda it: (it.parsed.whole, _bears_its_name(it)))
    for dataset in reversed(first):
        tables.resolve(dataset, secrets)
        if any(dataset.document.lost(path) for path in _TABLE_NAMES):
            unread |= _names(dataset.name, dataset.document) | {dataset.model.name}
    around = Surroundings(
        organizations=organizations,
        targets=targets,
        schemas=tables.schemas,
        broken_tables=tables.broken,
        broken_datasets=unread,
    )
    for dataset in datasets.values():
        dataset.findings += check_dataset(dataset.model, dataset.tables, around, dataset.document)
    problems += [found for file in schemas.values() for found in file.findings]
    problems += [found for file in datasets.values() for found in file.findings]
    partners = read_partners(files, tables.schema, secrets)
    problems += partners.findings
    catalog = _catalog(schemas, datasets, around, partners.right)
    return Loaded(
        catalog,
        tuple(sorted(problems, key=lambda problem: problem.order)),
        tuple(file.parsed for file in schemas.values()),
        tuple(found for file in datasets.values() for found in _described(file)),
        tuple(partners.right.values()),
        partners.wrong,
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
        if found is None:
            problems += findings
            unread |= _names(name, document)
        else:
            files[name] = _File(name, found, findings)
    return files, unread


def _names(file: str, document: Document | None) -> set[str]:
    """Give the names that the dataset of *file* may have."""
    stated = document.value_at(()).get("name") if document else None
    return {Path(file).stem, *([stated] if isinstance(stated, str) else [])}


def _bears_its_name(file: _File[Dataset]) -> bool:
    return Path(file.name).stem == file.model.name


def _described(file: _File[Dataset]) -> Iterator[Described]:
    for index, (resource, schema) in enumerate(zip(file.model.resources, file.tables, strict=True)):
        if schema is not None:
            entry = TableEntry(file.model, resource, schema.model)
            yield Described(entry, file.document, ("resources", index), schema)


def _tell_doubled_schemas(schemas: dict[str, _File[Schema]]) -> None:
    # Tables name their schema's file, so they can go on
    first: dict[tuple[str, str], str] = {}
    for file in schemas.values():
        if file.document.lost(("name",)) or file.document.lost(("version",)):
            continue
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
        if not file.document.lost(("name",)):
            by_name[file.model.name].append(file)
    for name, files in by_name.items():
        for file in files:
            # One that can never run takes nobody's name; it is told whose it claims
            rivals = [it for it in files if it.parsed.whole or not file.parsed.whole]
            named = [rival for rival in rivals if _bears_its_name(rival)]
            others = ", ".join(rival.name for rival in rivals if rival is not file)
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
        self.schemas: dict[TableRef, Parsed[Schema]] = {}
        self.broken: set[TableRef] = set()

    def resolve(self, dataset: _File[Dataset], secrets: Secrets) -> None:
        for index, resource in enumerate(dataset.model.resources):
            path = ("resources", index)
            ref = TableRef(dataset.model.name, resource.name)
            schema = self.schema(
                dataset.document, resource.schema_path, (*path, "schema"), dataset.findings
            )
            dataset.tables.append(schema)
            if schema is None:
                self.broken.add(ref)
            else:
                self.schemas.setdefault(ref, schema)
            dataset.findings += check_table(resource, schema, secrets, dataset.document, path)

    def schema(
        self, document: Document, stated: str, path: Steps, findings: list[Finding]
    ) -> Parsed[Schema] | None:
        """Find the schema whose file is *stated* at *path*, and tell what is wrong with that."""
        if document.lost(path):
            return None
        file = posixpath.normpath(f"{posixpath.dirname(document.file)}/{stated}")
        if stated.startswith("/") or not file.startswith("schemas/"):
            findings.append(document.error("schema-outside", path, path=stated))
            return None
        if file not in self._known:
            # By their names alone: in folder and ending they are all alike
            stems = {posixpath.splitext(known)[0].removeprefix("schemas/"): known
                     for known in sorted(self._known)}  # fmt: skip
            stem = posixpath.splitext(file)[0].removeprefix("schemas/")
            near = stems.get(nearest(stem, list(stems)), "")
            findings.append(document.error("schema-missing", path, path=stated, nearest=near))
            return None
        found = self._files.get(file)
        if found is None or not found.usable:
            findings.append(document.error("schema-wrong", path, schema=file))
        return found.parsed if found else None


def _catalog(
    schemas: dict[str, _File[Schema]],
    datasets: dict[str, _File[Dataset]],
    around: Surroundings,
    partners: Mapping[str, DescribedPartner],
) -> Catalog:
    usable = [file for file in datasets.values() if file.usable]
    right = {file.model.name: _with_known_targets(file.model, around) for file in usable}
    stand_ins = {
        dataset.publisher: Organization(title=dataset.publisher)
        for dataset in right.values()
        if dataset.publisher not in around.organizations.right
    }
    entries = (
        TableEntry(right[file.model.name], resource, schema.model)
        for file in usable
        for resource, schema in zip(file.model.resources, file.tables, strict=True)
        if schema is not None
    )
    return Catalog(
        datasets=right,
        schemas=_by_name([file.model for file in schemas.values() if file.usable]),
        organizations={**around.organizations.right, **stand_ins},
        targets=around.targets.right,
        entries={entry.ref: entry for entry in entries},
        partners={name: it.partner for name, it in partners.items()},
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
