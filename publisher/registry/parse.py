"""Descriptors into models, with every fault told by our own codes instead of pydantic's."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from publisher.messages import TEXTS
from publisher.model.base import Model
from publisher.model.values import NAME
from publisher.registry.document import Document
from publisher.registry.finding import Finding
from publisher.registry.keys import homes, known_keys, nearest
from publisher.registry.mend import Fault, Mender, Parsed
from publisher.registry.paths import Path

M = TypeVar("M", bound=Model)

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


def parse(
    model: type[M], document: Document, path: Path = ()
) -> tuple[Parsed[M] | None, list[Finding]]:
    """Read what *document* holds at *path* as a *model*, as far as it goes, and why no further."""
    findings: list[Finding] = []

    def tell(fault: Fault) -> None:
        findings.append(_finding(model, document, path, fault))

    mender = Mender(model, document, path)
    nothing = list(mender.nulls())
    for fault in mender.unknown_nulls() if nothing else ():
        tell(fault)
    # To a key that is not to be there at all, nothing is to be written either
    useless = {found.path for found in findings if found.code == "unknown-key-here"}
    findings += [
        document.error("no-value", place, key=str(place[-1]))
        for place in nothing
        if place not in useless
    ]
    return mender.mend(tell), findings


def parse_entries(
    models: type[M] | Mapping[str, type[M]], document: Document
) -> tuple[dict[str, Parsed[M]], list[Finding]]:
    """Read a *document* that maps names to entries, each on its own and as far as it goes.

    *models* is the entries' model, or a table of them by the entry's ``type``. A file of
    nothing but comments holds no entries.
    """
    entries: dict[str, Parsed[M]] = {}
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


def _finding(model: type[Model], document: Document, base: Path, fault: Fault) -> Finding:
    location, kind = fault.location, fault.kind
    path = (*base, *location)
    context = fault.context
    if kind == "union_tag_not_found":
        return without_type(document, path)
    if kind == "missing":
        return _missing_key(document, path)
    if kind == "extra_forbidden":
        return _unknown_key(model, document, path, location)
    if kind == "union_tag_invalid":
        allowed = re.findall(r"'([^']*)'", str(context["expected_tags"]))
        return unknown_value(document, (*path, "type"), context["tag"], allowed)
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", str(context["expected"]))
        return unknown_value(document, path, fault.input, allowed)
    if kind == "unknown-fact":
        return _unknown_fact(document, path, context["fact"], context["known"])
    code = _CODES.get(kind, kind)
    if code in {"empty", "too-long", "too-small"}:
        return document.error(code, path, key=_key(document, path), **context)
    if code == "wrong-version":
        written = document.written(path)
        value, example = _shown(written), _version_like(written)
        return document.error(code, path, key=_key(document, path), value=value, example=example)
    if code in TEXTS:
        return _wrong_kind(code, document, path)
    return document.error("wrong-value", path, key=_key(document, path), reason=fault.message)


def _wrong_kind(code: str, document: Document, path: Path) -> Finding:
    written = document.written(path)
    return document.error(code, path, key=_key(document, path), value=_shown(written))


def _missing_key(document: Document, path: Path) -> Finding:
    if path[-1] == "type":
        return without_type(document, path[:-1])
    at = described(document.known(path)) or document.file
    return document.error("missing-key", path, key=str(path[-1]), at=at)


def _unknown_fact(document: Document, path: Path, fact: str, known: Sequence[str]) -> Finding:
    return document.error(
        "unknown-fact",
        path,
        key=_key(document, path),
        fact=fact,
        nearest=nearest(fact, known),
        known=", ".join(known),
    )


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


def _version_like(written: str) -> str:
    """Give the semantic version that ``1``, ``1.2`` or ``v1.2`` is meant to be."""
    if match := re.fullmatch(r"v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", written, re.ASCII):
        return ".".join(str(int(part or 0)) for part in match.groups())
    return "1.0.0"


def _key(document: Document, path: Path) -> str:
    return described(document.known(path)) or document.file


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
