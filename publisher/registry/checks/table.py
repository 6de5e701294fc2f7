"""Rules of one table of a dataset file: how it is harvested and under which name published."""

import codecs
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from publisher.model.dataset import Check, FieldView, FileSource, Harvest, HttpSource, Resource
from publisher.model.schema import Field, Schema
from publisher.registry.checks.cells import check_reading
from publisher.registry.checks.cron import cron_fault
from publisher.registry.checks.schema import NAMES
from publisher.registry.checks.texts import check_secret, check_url, check_variables
from publisher.registry.document import Document
from publisher.registry.finding import Finding
from publisher.registry.keys import nearest
from publisher.registry.mend import Parsed
from publisher.registry.parse import unknown_value
from publisher.registry.paths import ANY, Path
from publisher.secrets import Secrets

_SHORTEST_HISTORY = timedelta(days=2)
_NUMBERS = ("number", "integer")


class _Options(NamedTuple):
    needed: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


# https://framework.frictionlessdata.io/docs/checks/baseline.html and the pages beside it
CHECKS: Mapping[str, _Options] = {
    "deviated-value": _Options(("fieldName",), ("interval", "average")),
    "deviated-cell": _Options((), ("interval", "ignoreFields")),
    "duplicate-row": _Options(),
    "forbidden-value": _Options(("fieldName", "values")),
    "sequential-value": _Options(("fieldName",)),
    "truncated-value": _Options(),
    "row-constraint": _Options(("formula",)),
    "required-value": _Options(("fieldName", "values")),
    "table-dimensions": _Options(
        (), ("numRows", "minRows", "maxRows", "numFields", "minFields", "maxFields")
    ),
    "ascii-value": _Options(),
}
_COMMON_OPTIONS = ("type", "name", "title", "description")


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
            yield from _check_view(name, view, schema, document, (*below, "fields", name))
    for index, check in enumerate(harvest.checks):
        yield from _check_check(check, schema, document, (*below, "checks", index))


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


def _check_view(
    name: str, view: FieldView, schema: Parsed[Schema], document: Document, path: Path
) -> Iterator[Finding]:
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


def _check_check(
    check: Check, schema: Parsed[Schema] | None, document: Document, path: Path
) -> Iterator[Finding]:
    if document.lost((*path, "type")):
        return
    options = CHECKS.get(check.type)
    if options is None:
        yield unknown_value(document, (*path, "type"), check.type, tuple(CHECKS))
        return
    yield from _check_options(check, options, document, path)
    if schema is not None and not schema.document.lost(NAMES):
        yield from _check_fields(check, schema.model, document, path)


def _check_options(
    check: Check, options: _Options, document: Document, path: Path
) -> Iterator[Finding]:
    stated = document.value_at(path)
    known = (*options.needed, *options.more, *_COMMON_OPTIONS)
    meant = set()
    for key in stated:
        if key in known:
            continue
        if near := nearest(key, known):
            meant.add(near)
            yield document.error("unknown-key", (*path, key), key=key, at=check.type, nearest=near)
        else:
            others = ", ".join(known)
            yield document.error(
                "unknown-key-here", (*path, key), key=key, at=check.type, known=others
            )
    for key in options.needed:
        if key not in stated and key not in meant and not document.lost((*path, key)):
            yield document.error("missing-key", path, key=key, at=check.type)


def _check_fields(
    check: Check, schema: Schema, document: Document, path: Path
) -> Iterator[Finding]:
    stated = document.value_at(path)
    known_fields = list(schema.by_name)
    ignored = stated.get("ignoreFields")
    named = [("fieldName", stated.get("fieldName"))]
    named += [("ignoreFields", name) for name in (ignored if isinstance(ignored, list) else [])]
    for key, name in named:
        if name is not None and name not in known_fields:
            yield document.error(
                "unknown-check-field",
                (*path, key),
                field=str(name),
                check=check.type,
                nearest=nearest(str(name), known_fields),
                known=", ".join(known_fields),
            )
