"""Rules of one table of a dataset file: how it is harvested and under which name published."""

import codecs
import re
from collections.abc import Iterator
from datetime import timedelta

from publisher.model.checks import Check
from publisher.model.dataset import FieldView, FileSource, Harvest, HttpSource, Resource
from publisher.model.schema import Field, Schema
from publisher.registry.checks.cells import check_reading
from publisher.registry.checks.cron import cron_fault
from publisher.registry.checks.schema import NAMES
from publisher.registry.checks.texts import check_secret, check_url, check_variables
from publisher.registry.document import Document
from publisher.registry.finding import Finding
from publisher.registry.keys import nearest
from publisher.registry.mend import Parsed
from publisher.registry.paths import ANY, Path
from publisher.secrets import Secrets

_SHORTEST_HISTORY = timedelta(days=2)
_NUMBERS = ("number", "integer")


def check_table(
    resource: Resource,
    schema: Parsed[Schema] | None,
    secrets: Secrets,
    document: Document,
    path: Path,
) -> Iterator[Finding]:
    """Judge the *resource* at *path*; *schema* is None where there is none to be read."""
    yield from _check_path(resource.path, document, (*path, "path"))
    harvest = resource.harvest
    if harvest is None:
        return
    below = (*path, "harvest")
    yield from _check_source(harvest, secrets, document, (*below, "source"))
    yield from _check_times(harvest, document, below)
    yield from _check_encoding(harvest, document, below)
    other_mode = harvest.mode != "replace" and not document.lost((*below, "mode"))
    if harvest.max_shrink is not None and other_mode:
        yield document.warning("shrink-without-replace", (*below, "maxShrink"))
    if schema is not None:
        yield from _check_mode(harvest, schema, document, below)
        for name, view in harvest.fields.items():
            yield from check_view(name, view, schema, document, (*below, "fields", name))
    if schema is not None and not schema.document.lost(NAMES):
        for index, check in enumerate(harvest.checks):
            yield from _check_fields(check, schema.model, document, (*below, "checks", index))


def _check_path(published: str, document: Document, path: Path) -> Iterator[Finding]:
    parts = published.split("/")
    unsafe = (
        published.startswith("/")
        or re.search(r"[\\:\x00-\x1f*?\"<>|]", published)
        or any(part.startswith(".") or not part.strip() for part in parts)
        or parts[-1].casefold() == "datapackage.json"
    )
    if unsafe:
        yield document.error("unsafe-file-name", path, path=published)
    elif not published.lower().endswith(".csv"):
        yield document.warning("path-not-csv", path, path=published)


def _check_source(
    harvest: Harvest, secrets: Secrets, document: Document, path: Path
) -> Iterator[Finding]:
    match harvest.source:
        case FileSource(path=where):
            yield from check_variables(where, secrets, document, (*path, "path"))
        case HttpSource(url=url, headers=headers):
            yield from check_url(url, document, (*path, "url"))
            yield from check_variables(url, secrets, document, (*path, "url"))
            for name, value in headers.items():
                at = (*path, "headers", name)
                if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):  # RFC 9110, token
                    yield document.error("wrong-header", at, name=name)
                yield from check_secret(name, value, document, at)
                yield from check_variables(value, secrets, document, at)


def _check_times(harvest: Harvest, document: Document, path: Path) -> Iterator[Finding]:
    if harvest.cron is not None and (fault := cron_fault(harvest.cron)) is not None:
        yield document.error("wrong-cron", (*path, "cron"), cron=harvest.cron, part=fault)
    if harvest.history is not None and harvest.history < _SHORTEST_HISTORY:
        yield document.error("short-history", (*path, "history"))


def _check_encoding(harvest: Harvest, document: Document, path: Path) -> Iterator[Finding]:
    if harvest.encoding is None:
        return
    try:
        text = codecs.lookup(harvest.encoding)._is_text_encoding  # noqa: SLF001 - as open() does
    except (LookupError, ValueError):
        text = False
    if not text:
        yield document.error("unknown-encoding", (*path, "encoding"), encoding=harvest.encoding)


def _check_mode(
    harvest: Harvest, schema: Parsed[Schema], document: Document, path: Path
) -> Iterator[Finding]:
    keyless = not schema.model.primary_key and not schema.document.lost(("primaryKey", ANY))
    if harvest.mode == "merge" and keyless:
        yield document.error("merge-without-key", (*path, "mode"), schema=schema.model.name)
    if harvest.mode == "append" and schema.model.primary_key:
        yield document.error("append-with-key", (*path, "mode"), schema=schema.model.name)


def check_view(
    name: str, view: FieldView, schema: Parsed[Schema], document: Document, path: Path
) -> Iterator[Finding]:
    """Judge how a source writes the field *name* of the schema."""
    field = schema.model.by_name.get(name)
    if field is None:
        if not schema.document.lost(NAMES):
            known = list(schema.model.by_name)
            yield document.error(
                "unmapped-field",
                path,
                field=name,
                schema=schema.model.name,
                nearest=nearest(name, known),
                known=", ".join(known),
            )
        return
    stated = ("fields", schema.model.fields.index(field))
    typed = not schema.document.lost((*stated, "type"))
    yield from check_reading(field, view, document, path, typed=typed)
    if view.unit is not None and field.unit is None:
        if not schema.document.lost((*stated, "unit")):
            yield document.error("unit-without-unit", (*path, "unit"), field=name, unit=view.unit)
    elif view.unit is not None and typed and field.type not in _NUMBERS:
        yield document.error("unit-of-no-number", (*path, "unit"), field=name, type=field.type)
    yield from _check_constant(field, view, document, path, typed=typed)


def _check_constant(
    field: Field, view: FieldView, document: Document, path: Path, *, typed: bool
) -> Iterator[Finding]:
    if "constant" not in view.model_fields_set:
        return
    at = (*path, "constant")
    if view.constant is None and field.required:
        yield document.error("empty-constant", at, field=field.name)
    elif (
        typed
        and view.constant is not None
        and field.type == "string"
        and not isinstance(view.constant, str)
    ):
        # YAML has made a number of it, and 38.10 would be 38.1
        yield document.error("constant-not-text", at, field=field.name, value=document.written(at))


def _check_fields(
    check: Check, schema: Schema, document: Document, path: Path
) -> Iterator[Finding]:
    """Find the fields that a check names and the schema does not have."""
    known = list(schema.by_name)
    for key, value in check.descriptor().items():
        if key not in {"fieldName", "fields", "ignoreFields"}:
            continue
        several = isinstance(value, list)
        for index, name in enumerate(value if several else [value]):
            if name not in known:
                yield document.error(
                    "unknown-check-field",
                    (*path, key, index) if several else (*path, key),
                    field=name,
                    check=check.type,
                    nearest=nearest(name, known),
                    known=", ".join(known),
                )
