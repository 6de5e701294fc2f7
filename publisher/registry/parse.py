"""Descriptors into models, with every fault told by our own codes instead of pydantic's."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from publisher.messages import TEXTS
from publisher.model.base import Model
from publisher.model.values import NAME
from publisher.registry.document import Document
from publisher.registry.finding import Finding
from publisher.registry.keys import homes, known_keys, nearest

_MAY_BE_NULL = {"constant", "example"}

M = TypeVar("M", bound=Model)
Path = Sequence[str | int]

_CODES: Mapping[str, str] = {
    "string_type": "wants-text",
    "int_type": "not-whole-number",
    "int_from_float": "not-whole-number",
    "float_type": "not-number",
    "bool_type": "not-true-or-false",
    "tuple_type": "not-a-list",
    "dict_type": "not-a-mapping",
    "mapping_type": "not-a-mapping",
    "model_type": "not-a-mapping",
    "too_short": "empty",
    "string_too_short": "empty",
    "string_too_long": "too-long",
    "greater_than": "too-small",
    "greater_than_equal": "too-small",
}


def parse(model: type[M], document: Document, path: Path = ()) -> tuple[M | None, list[Finding]]:
    """Read what *document* holds at *path* as a *model*; None where it is none, and why."""
    value = document.value
    for step in path:
        value = value[step]
    if nothing := _without_value(value, path):
        return None, [document.error("no-value", place, key=str(place[-1])) for place in nothing]
    try:
        # As JSON: strict there refuses numbers written as text, but takes lists for tuples
        found = model.model_validate_json(
            orjson.dumps(value), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        faults = error.errors(include_url=False)
        return None, [_finding(model, document, path, fault) for fault in faults if _own(fault)]
    return found, []


def parse_entries(
    models: type[M] | Mapping[str, type[M]], document: Document
) -> tuple[dict[str, M], list[Finding]]:
    """Read a *document* that maps names to entries, each on its own.

    *models* is the entries' model, or a table of them by the entry's ``type``. A file of
    nothing but comments holds no entries.
    """
    entries: dict[str, M] = {}
    if document.value is None:
        return entries, []
    if not isinstance(document.value, dict):
        return entries, [_wrong_kind("not-a-mapping", document, ())]
    findings: list[Finding] = []
    for name, stated in document.value.items():
        if not re.fullmatch(NAME, name):
            findings.append(document.error("wrong-name", (name,), key=name, value=name))
            continue
        model = models if isinstance(models, type) else _by_type(models, document, name, findings)
        if model is None:
            continue
        if not isinstance(stated, dict):
            findings.append(_wrong_kind("not-a-mapping", document, (name,)))
            continue
        entry, wrong = parse(model, document, (name,))
        findings += wrong
        if entry is not None:
            entries[name] = entry
    return entries, findings


def _by_type(
    models: Mapping[str, type[M]], document: Document, name: str, findings: list[Finding]
) -> type[M] | None:
    stated = document.value[name]
    if not isinstance(stated, dict):
        findings.append(_wrong_kind("not-a-mapping", document, (name,)))
        return None
    if "type" not in stated:
        findings.append(without_type(document, (name,)))
        return None
    kind = stated["type"]
    if not isinstance(kind, str) or kind not in models:
        findings.append(unknown_value(document, (name, "type"), kind, tuple(models)))
        return None
    return models[kind]


def unknown_value(document: Document, path: Path, value: object, known: Sequence[str]) -> Finding:
    """Tell that *value* is none of the *known*, naming the nearest."""
    return document.error(
        "unknown-value",
        path,
        key=_key(document, path),
        value=_shown(value),
        nearest=nearest(str(value), known),
        allowed=", ".join(known),
    )


def without_type(document: Document, path: Path) -> Finding:
    """Tell that the mapping at *path* has no ``type``, or which key is meant to be it.

    Without it nobody knows the other keys, so that a typo would go unnoticed.
    """
    meant = next((key for key in document.value_at(path) if nearest(key, ("type",))), None)
    at = described(document.known(path)) or document.file
    if meant is None:
        return document.error("missing-key", path, key="type", at=at)
    return document.error("unknown-key", (*path, meant), key=meant, at=at, nearest="type")


def described(path: Path) -> str:
    """Write a path as a person reads it, such as ``resources[0].harvest``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _without_value(value: object, path: Path) -> list[Path]:
    """Find the keys that nothing is written for; Frictionless refuses them too."""
    if isinstance(value, list):
        return [found for i, item in enumerate(value) for found in _without_value(item, (*path, i))]
    if not isinstance(value, dict):
        return []
    found: list[Path] = []
    for key, below in value.items():
        if below is None and key not in _MAY_BE_NULL:
            found.append((*path, key))
        found += _without_value(below, (*path, key))
    return found


def _own(fault: ErrorDetails) -> bool:
    """Leave out that a list is too short because its items are wrong."""
    return not (fault["type"] == "too_short" and fault["input"])


def _finding(model: type[Model], document: Document, base: Path, fault: ErrorDetails) -> Finding:
    location, kind = fault["loc"], fault["type"]
    path = (*base, *location)
    at = described(document.known(path))
    context = fault.get("ctx", {})
    if kind == "union_tag_not_found":
        return without_type(document, path)
    if kind == "missing" and location[-1] == "type":
        return without_type(document, path[:-1])
    if kind == "missing":
        return document.error("missing-key", path, key=str(location[-1]), at=at or document.file)
    if kind == "extra_forbidden":
        return _unknown_key(model, document, path, location)
    if kind == "union_tag_invalid":
        allowed = re.findall(r"'([^']*)'", str(context["expected_tags"]))
        return unknown_value(document, (*path, "type"), context["tag"], allowed)
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", str(context["expected"]))
        return unknown_value(document, path, fault["input"], allowed)
    code = _CODES.get(kind, kind)
    if code in {"empty", "too-long", "too-small"}:
        return document.error(code, path, key=_key(document, path), **context)
    if code in TEXTS:
        return _wrong_kind(code, document, path)
    return document.error("wrong-value", path, key=_key(document, path), reason=fault["msg"])


def _wrong_kind(code: str, document: Document, path: Path) -> Finding:
    written = document.written(path)
    return document.error(code, path, key=_key(document, path), value=_shown(written))


def _unknown_key(model: type[Model], document: Document, path: Path, location: Path) -> Finding:
    key = str(location[-1])
    at = described(document.known(path[:-1])) or document.file
    known = known_keys(model, location[:-1])
    near = nearest(key, known)
    if near:
        return document.error("unknown-key", path, key=key, at=at, nearest=near)
    places = homes(model, key)
    if places:
        return document.error("misplaced-key", path, key=key, at=at, place=" / ".join(places))
    return document.error("unknown-key-here", path, key=key, at=at, known=", ".join(known))


def _key(document: Document, path: Path) -> str:
    return described(document.known(path)) or document.file


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
