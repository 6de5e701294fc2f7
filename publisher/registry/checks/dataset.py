"""Rules of one dataset, and of what it refers to in other files."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from publisher.model import opendata_dk as portal
from publisher.model.catalog import CkanTarget, Organization
from publisher.model.dataset import Dataset, License
from publisher.model.schema import Field, Schema
from publisher.model.values import TableRef
from publisher.registry.checks.schema import NAMES
from publisher.registry.checks.texts import check_translations
from publisher.registry.document import Document
from publisher.registry.finding import Finding
from publisher.registry.keys import nearest
from publisher.registry.listings import Entries, Target
from publisher.registry.mend import Parsed
from publisher.registry.paths import ANY, Path

# https://licenses.opendefinition.org , the EU's licence vocabulary and SPDX's ids of the same
_LICENSES = (
    "CC-BY-4.0", "CC-BY-3.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC0-1.0",
    "ODbL-1.0", "ODC-BY-1.0", "PDDL-1.0", "ODC-PDDL-1.0", "DL-DE-BY-2.0", "DL-DE-ZERO-2.0",
    "OGL-UK-3.0", "NLOD-2.0", "etalab-2.0", "EUPL-1.2", "MIT", "Apache-2.0", "other-open",
)  # fmt: skip

_LICENSED = (("licenses", ANY), ("resources", ANY, "licenses", ANY))
_ENDS = (("fields", ANY), ("reference", "fields", ANY))


@dataclass(frozen=True)
class Surroundings:
    """What the other files say."""

    organizations: Entries[Organization]
    targets: Entries[Target]
    schemas: Mapping[TableRef, Parsed[Schema]]
    """Of every table whose dataset and schema could be read."""
    broken_tables: Collection[TableRef]
    """Tables without a schema: told there, not at everyone who refers to them."""
    broken_datasets: Collection[str]
    """Names of the datasets that may have tables nobody could read."""


Tables = Sequence[Parsed[Schema] | None]
"""The schemas of a dataset's tables, in their order; None where there is none to be read."""


def check_dataset(
    dataset: Dataset, tables: Tables, around: Surroundings, document: Document
) -> Iterator[Finding]:
    """Judge a dataset but for its tables' own rules."""
    yield from _check_publisher(dataset, around, document)
    yield from _check_targets(dataset, around, document)
    yield from _check_names(dataset, document)
    yield from check_translations(dataset.translations, document, ())
    for index, resource in enumerate(dataset.resources):
        path = ("resources", index)
        yield from check_translations(resource.translations, document, path)
        ref = TableRef(dataset.name, resource.name)
        schema = tables[index]
        if schema is not None:
            yield from _check_foreign_keys(ref, schema, around, document, (*path, "schema"))
    yield from _check_licenses(dataset, document)
    yield from _check_standard(dataset, tables, document)
    if dataset.public:
        yield from _check_public(dataset, tables, around, document)


def _check_foreign_keys(
    ref: TableRef, mine: Parsed[Schema], around: Surroundings, document: Document, path: Path
) -> Iterator[Finding]:
    name = mine.model.name
    for index, key in enumerate(mine.model.foreign_keys):
        if mine.document.lost(("foreignKeys", index, "reference", "resource")):
            continue
        other = key.refers_to(ref)
        theirs = mine if other == ref else around.schemas.get(other)
        if theirs is None:
            if other in around.broken_tables or other.dataset in around.broken_datasets:
                continue
            yield document.error(
                "unknown-foreign-table",
                path,
                schema=name,
                table=str(other),
                nearest=_nearest_table(other, around.schemas),
            )
            continue
        lost = (*(("foreignKeys", index, *end) for end in _ENDS),)
        if any(mine.document.lost(end) for end in lost):
            continue  # which field refers to which is not known
        for one, two in zip(key.fields, key.reference.fields, strict=False):
            field, target = mine.model.by_name.get(one), theirs.model.by_name.get(two)
            if target is None:
                known = list(theirs.model.by_name)
                if not theirs.document.lost(NAMES):
                    yield document.error(
                        "unknown-foreign-field",
                        path,
                        schema=name,
                        table=str(other),
                        field=two,
                        nearest=nearest(two, known),
                        known=", ".join(known),
                    )
            elif (
                field is not None
                and field.type != target.type
                and not _untyped(mine, field)
                and not _untyped(theirs, target)
            ):
                yield document.error(
                    "foreign-key-types",
                    path,
                    field=one,
                    type=field.type,
                    other=f"{other}: {two}",
                    other_type=target.type,
                )


def _untyped(schema: Parsed[Schema], field: Field) -> bool:
    return schema.document.lost(("fields", schema.model.fields.index(field), "type"))


def _nearest_table(ref: TableRef, known: Iterable[TableRef]) -> str:
    """Look for the table in its dataset first: names that begin alike are not near for that."""
    tables = [other.table for other in known if other.dataset == ref.dataset]
    if near := nearest(ref.table, tables):
        return str(TableRef(ref.dataset, near))
    datasets = [other.dataset for other in known if other.table == ref.table]
    return str(TableRef(datasets[0], ref.table)) if datasets else ""


def _check_publisher(
    dataset: Dataset, around: Surroundings, document: Document
) -> Iterator[Finding]:
    name = dataset.publisher
    if around.organizations.knows(name) or document.lost(("publisher",)):
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
            near = nearest(name, list(around.targets.right))
            yield document.error("no-such-target", path, name=name, nearest=near)
        elif (
            isinstance(target, CkanTarget)
            and not document.lost(("publisher",))
            and around.organizations.knows(dataset.publisher)
            and dataset.publisher not in target.organizations
        ):
            yield document.warning(
                "target-without-organization", path, target=name, organization=dataset.publisher
            )
        if isinstance(target, CkanTarget) and target.profile == "opendata-dk":
            organization = around.organizations.right.get(dataset.publisher)
            for code, key in portal.broken_rules(dataset, organization):
                if not document.lost((key,)):
                    yield document.error(code, (key,), target=name)
    draft = not dataset.public and not document.lost(("publish", "access"))
    if dataset.publish.targets and draft:
        yield document.warning("draft-with-targets", ("publish", "targets"))


def _check_names(dataset: Dataset, document: Document) -> Iterator[Finding]:
    names: set[str] = set()
    stems: set[str] = set()
    for index, resource in enumerate(dataset.resources):
        path = ("resources", index)
        if not document.lost((*path, "name")):
            if resource.name in names:
                yield document.error("doubled-table", (*path, "name"), name=resource.name)
            names.add(resource.name)
        # The same table is written with other endings too: observations.parquet
        stem = resource.path.casefold().rpartition(".")[0] or resource.path.casefold()
        if not document.lost((*path, "path")):
            if stem in stems:
                yield document.error("doubled-path", (*path, "path"), path=resource.path)
            stems.add(stem)


def _check_licenses(dataset: Dataset, document: Document) -> Iterator[Finding]:
    for index, license_ in enumerate(dataset.licenses):
        yield from _check_license(license_, document, ("licenses", index))
    for table, resource in enumerate(dataset.resources):
        for index, license_ in enumerate(resource.licenses):
            path = ("resources", table, "licenses", index)
            yield from _check_license(license_, document, path)


def _check_license(license_: License, document: Document, path: Path) -> Iterator[Finding]:
    if document.lost((*path, "path")) or (not license_.name and document.lost((*path, "name"))):
        return
    if not license_.name and not license_.path:
        yield document.error("nameless-license", path)
    elif license_.name and not license_.path and license_.name not in _LICENSES:
        near = nearest(license_.name, _LICENSES)
        yield document.warning("unknown-license", (*path, "name"), name=license_.name, nearest=near)


def _check_standard(dataset: Dataset, tables: Tables, document: Document) -> Iterator[Finding]:
    """Tell what Frictionless refuses by the version of Data Package that is stated."""
    newer = document.lost(("$schema",)) or "/2." in (dataset.standard or "")
    tabular = dataset.profile == "tabular-data-package"
    for index, resource in enumerate(dataset.resources):
        path = ("resources", index)
        schema = tables[index]
        for field in schema.model.fields if schema and not newer else ():
            stated = field.constraints.model_fields_set
            if stated & {"exclusive_minimum", "exclusive_maximum"}:
                yield document.error("exclusive-bound", (*path, "schema"), field=field.name)
        other = resource.profile != "tabular-data-resource"
        if tabular and other and not document.lost((*path, "profile")):
            yield document.error("not-tabular", (*path, "profile"), table=resource.name)


def _check_public(
    dataset: Dataset, tables: Tables, around: Surroundings, document: Document
) -> Iterator[Finding]:
    if not dataset.description and not document.lost(("description",)):
        yield document.warning("no-description", ())
    licensed = dataset.licenses or all(resource.licenses for resource in dataset.resources)
    if not licensed and not any(document.lost(path) for path in _LICENSED):
        yield document.warning("no-license", ())
    for index, parsed in enumerate(tables):
        if parsed is None:
            continue
        schema = parsed.model
        path = ("resources", index, "schema")
        if not schema.open_fields and not parsed.document.lost(("fields", ANY)):
            yield document.error("only-personal-fields", path, schema=schema.name)
        for name in schema.primary_key:
            if name in schema.by_name and schema.by_name[name].personal:
                yield document.error("personal-key", path, schema=schema.name, field=name)
        ref = TableRef(dataset.name, dataset.resources[index].name)
        yield from _check_references(ref, schema, around, document, path)


def _check_references(
    ref: TableRef, schema: Schema, around: Surroundings, document: Document, path: Path
) -> Iterator[Finding]:
    """Tell of open fields whose values are those of a personal one."""
    mine = {field.name for field in schema.open_fields}
    for key in schema.foreign_keys:
        other = key.refers_to(ref)
        referred = around.schemas.get(other)
        for name, theirs in zip(key.fields, key.reference.fields, strict=False):
            target = referred.model.by_name.get(theirs) if referred else None
            if name in mine and target is not None and target.personal:
                yield document.error(
                    "personal-foreign-key",
                    path,
                    schema=schema.name,
                    field=name,
                    other=f"{other}: {theirs}",
                )
