"""Rules of one dataset, and of what it refers to in other files."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from publisher.model.catalog import CkanTarget, Organization
from publisher.model.dataset import Dataset, License
from publisher.model.schema import Schema
from publisher.model.values import TableRef
from publisher.registry.checks.texts import check_translations
from publisher.registry.document import Document
from publisher.registry.finding import Finding
from publisher.registry.keys import nearest
from publisher.registry.listings import Entries, Target
from publisher.registry.parse import Path

# https://licenses.opendefinition.org , the EU's licence vocabulary and SPDX's ids of the same
_LICENSES = (
    "CC-BY-4.0", "CC-BY-3.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC0-1.0",
    "ODbL-1.0", "ODC-BY-1.0", "PDDL-1.0", "ODC-PDDL-1.0", "DL-DE-BY-2.0", "DL-DE-ZERO-2.0",
    "OGL-UK-3.0", "NLOD-2.0", "etalab-2.0", "EUPL-1.2", "MIT", "Apache-2.0", "other-open",
)  # fmt: skip


@dataclass(frozen=True)
class Surroundings:
    """What the other files say."""

    organizations: Entries[Organization]
    targets: Entries[Target]
    schemas: Mapping[TableRef, Schema]
    """Of every table whose dataset and schema could be read."""
    broken_tables: Collection[TableRef]
    """Tables whose schema is wrong: told there, not at everyone who refers to them."""
    broken_datasets: Collection[str]
    """Names of the datasets whose file is wrong."""


def check_dataset(dataset: Dataset, around: Surroundings, document: Document) -> Iterator[Finding]:
    """Judge a dataset but for its tables' own rules."""
    yield from _check_publisher(dataset, around, document)
    yield from _check_targets(dataset, around, document)
    yield from _check_names(dataset, document)
    yield from check_translations(dataset.translations, document, ())
    for index, resource in enumerate(dataset.resources):
        path = ("resources", index)
        yield from check_translations(resource.translations, document, path)
        ref = TableRef(dataset.name, resource.name)
        if ref in around.schemas:
            yield from _check_foreign_keys(ref, around, document, (*path, "schema"))
    yield from _check_licenses(dataset, document)
    yield from _check_standard(dataset, around, document)
    if dataset.public:
        yield from _check_public(dataset, around, document)


def _check_foreign_keys(
    ref: TableRef, around: Surroundings, document: Document, path: Path
) -> Iterator[Finding]:
    schema = around.schemas[ref]
    for key in schema.foreign_keys:
        other = key.refers_to(ref)
        if other in around.broken_tables or other.dataset in around.broken_datasets:
            continue
        referred = around.schemas.get(other)
        if referred is None:
            near = nearest(str(other), [str(known) for known in around.schemas])
            yield document.error(
                "unknown-foreign-table", path, schema=schema.name, table=str(other), nearest=near
            )
            continue
        for mine, theirs in zip(key.fields, key.reference.fields, strict=False):
            target, field = referred.by_name.get(theirs), schema.by_name.get(mine)
            if target is None:
                yield document.error(
                    "unknown-foreign-field",
                    path,
                    schema=schema.name,
                    table=str(other),
                    field=theirs,
                    nearest=nearest(theirs, list(referred.by_name)) or referred.fields[0].name,
                )
            elif field is not None and field.type != target.type:
                yield document.error(
                    "foreign-key-types",
                    path,
                    field=mine,
                    type=field.type,
                    other=f"{other}: {theirs}",
                    other_type=target.type,
                )


def _check_publisher(
    dataset: Dataset, around: Surroundings, document: Document
) -> Iterator[Finding]:
    name = dataset.publisher
    if around.organizations.knows(name):
        return
    yield document.error(
        "unknown-publisher",
        ("publisher",),
        name=name,
        nearest=nearest(name, list(around.organizations.right)),
    )


def _check_targets(dataset: Dataset, around: Surroundings, document: Document) -> Iterator[Finding]:
    for index, name in enumerate(dataset.publish.targets):
        path = ("publish", "targets", index)
        target = around.targets.right.get(name)
        if not around.targets.knows(name):
            near = nearest(name, list(around.targets.right)) or "folder"
            yield document.error("no-such-target", path, name=name, nearest=near)
        elif (
            isinstance(target, CkanTarget)
            and around.organizations.knows(dataset.publisher)
            and dataset.publisher not in target.organizations
        ):
            yield document.warning(
                "target-without-organization", path, target=name, organization=dataset.publisher
            )
    if dataset.publish.targets and not dataset.public:
        yield document.warning("draft-with-targets", ("publish", "targets"))


def _check_names(dataset: Dataset, document: Document) -> Iterator[Finding]:
    names: set[str] = set()
    stems: set[str] = set()
    for index, resource in enumerate(dataset.resources):
        if resource.name in names:
            yield document.error("doubled-table", ("resources", index, "name"), name=resource.name)
        # The same table is written with other endings too: observations.parquet
        stem = resource.path.casefold().rpartition(".")[0] or resource.path.casefold()
        if stem in stems:
            yield document.error("doubled-path", ("resources", index, "path"), path=resource.path)
        names.add(resource.name)
        stems.add(stem)


def _check_licenses(dataset: Dataset, document: Document) -> Iterator[Finding]:
    for index, license_ in enumerate(dataset.licenses):
        yield from _check_license(license_, document, ("licenses", index))
    for table, resource in enumerate(dataset.resources):
        for index, license_ in enumerate(resource.licenses):
            path = ("resources", table, "licenses", index)
            yield from _check_license(license_, document, path)


def _check_license(license_: License, document: Document, path: Path) -> Iterator[Finding]:
    if not license_.name and not license_.path:
        yield document.error("nameless-license", path)
    elif license_.name and not license_.path and license_.name not in _LICENSES:
        near = nearest(license_.name, _LICENSES) or "CC-BY-4.0"
        yield document.warning("unknown-license", (*path, "name"), name=license_.name, nearest=near)


def _check_standard(
    dataset: Dataset, around: Surroundings, document: Document
) -> Iterator[Finding]:
    """Tell what Frictionless refuses by the version of Data Package that is stated."""
    newer = dataset.standard is not None and "/2." in dataset.standard
    tabular = dataset.profile == "tabular-data-package"
    for index, resource in enumerate(dataset.resources):
        path = ("resources", index)
        schema = around.schemas.get(TableRef(dataset.name, resource.name))
        for field in schema.fields if schema and not newer else ():
            stated = field.constraints.model_fields_set
            if stated & {"exclusive_minimum", "exclusive_maximum"}:
                yield document.error("exclusive-bound", (*path, "schema"), field=field.name)
        if tabular and resource.profile != "tabular-data-resource":
            yield document.error("not-tabular", (*path, "profile"), table=resource.name)


def _check_public(dataset: Dataset, around: Surroundings, document: Document) -> Iterator[Finding]:
    if not dataset.description:
        yield document.warning("no-description", ())
    if not dataset.licenses and not all(resource.licenses for resource in dataset.resources):
        yield document.warning("no-license", ())
    for index, resource in enumerate(dataset.resources):
        schema = around.schemas.get(TableRef(dataset.name, resource.name))
        if schema is None:
            continue
        path = ("resources", index, "schema")
        if not schema.open_fields:
            yield document.error("only-personal-fields", path, schema=schema.name)
        for name in schema.primary_key:
            if name in schema.by_name and schema.by_name[name].personal:
                yield document.error("personal-key", path, schema=schema.name, field=name)
        yield from _check_references(
            TableRef(dataset.name, resource.name), schema, around, document, path
        )


def _check_references(
    ref: TableRef, schema: Schema, around: Surroundings, document: Document, path: Path
) -> Iterator[Finding]:
    """Tell of open fields whose values are those of a personal one."""
    mine = {field.name for field in schema.open_fields}
    for key in schema.foreign_keys:
        other = key.refers_to(ref)
        referred = around.schemas.get(other)
        for name, theirs in zip(key.fields, key.reference.fields, strict=False):
            target = referred.by_name.get(theirs) if referred else None
            if name in mine and target is not None and target.personal:
                yield document.error(
                    "personal-foreign-key",
                    path,
                    schema=schema.name,
                    field=name,
                    other=f"{other}: {theirs}",
                )
