"""A clean file proved clean without Frictionless, whose import alone takes longer than the proof.

Only for what is plain: a CSV file, a schema and a dialect of which every key is known here, so
that Frictionless could not see anything else in them. In any doubt there is no answer.
"""

import codecs
import csv
import re
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from publisher.model.profile import AS_STATED, Profile, Writing
from publisher.validation.proof.cells import Plain, UnsplittableError
from publisher.validation.proof.form import Cell
from publisher.validation.proof.forms import form_of
from publisher.validation.proof.prove import Doubt, Proof, prove_plain
from publisher.validation.proof.question import Column, Question
from publisher.validation.proof.scan import Hashes, scanning
from publisher.validation.proof.zones import Place, placing
from publisher.validation.reporting import Report
from publisher.validation.request import Request
from publisher.validation.workspace import Workspace

_SAMPLE_LINES = 100  # as many as Frictionless looks at
_DETECTED_BYTES = 10_000  # as many as its guess at the encoding looks at
_LONGEST_LINE = 1_000_000
_TEXTS = {"title", "description"}
_OWN = {"role", "unit", "personal", "observedProperty", "translations", "decimal"}
_SCHEMA = {"name", "version", "id", "fields", "primaryKey", "missingValues", "translations"}
_READING = ("decimalChar", "groupChar")
_FIELD = {"name", "type", "format", "constraints", "missingValues", *_READING}
_BOUNDS = {"minimum", "maximum"}  # the exclusive ones are refused in a schema of version 1
_NAME = r"[-a-z0-9._/]+"
_CONSTRAINTS: Mapping[str, set[str]] = {
    "string": {"required", "unique", "minLength", "maxLength", "pattern", "enum"},
    "number": {"required", "unique", *_BOUNDS},
    "integer": {"required", "unique", *_BOUNDS},
    "datetime": {"required", "unique"},
    "date": {"required", "unique"},
    "boolean": {"required"},
}


_ENCODINGS = {"utf-8", "cp1252", "iso8859-1"}


class _DoubtError(Exception):
    pass


def proved_clean(request: Request, hashes: Future[Hashes], work: Workspace) -> Report | Doubt:
    """Give the report on a file without errors, if it is proved to be one."""
    began = time.perf_counter()
    file, profile = request.file, request.profile
    if file.suffix != ".csv" or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", file.stem):
        return Doubt.UNKNOWN  # how Frictionless would name the resource
    try:
        known = _schema(_loaded(request.schema), profile)
        plain, sample = _plain(file, known, _delimiter(request.dialect), request.encoding)
        proof = _proof(plain, known, sample, profile, work)
    except (_DoubtError, UnsplittableError):
        return Doubt.UNKNOWN
    if proof is None or not proof.clean:
        return Doubt.UNCLEAN
    found = hashes.result()
    seconds = round(time.perf_counter() - began, 3)
    none = {"errors": 0, "warnings": 0, "seconds": seconds}
    counts = {"bytes": found.size, "fields": len(known.fields), "rows": proof.rows}
    task = {
        "name": file.stem,
        "type": "table",
        "valid": True,
        "place": str(file),
        "labels": list(known.fields),
        "stats": {**none, "md5": found.md5, "sha256": found.sha256}
        | {name: count for name, count in counts.items() if count},
        "warnings": [],
        "errors": [],
    }
    stats = {"tasks": 1, **none}
    report = {"valid": True, "stats": stats, "warnings": [], "errors": [], "tasks": [task]}
    return Report(report, None, proof.rows, 0, {})


def _plain(
    file: Path, known: "_Schema", stated: str | None, encoding: str | None
) -> tuple[Plain, list[str]]:
    """Look at the head of the file, and give its first row as well."""
    scan = scanning(file, (stated or ",").encode())
    codec, lines = _sample(file, encoding)
    delimiter = stated or _sniffed(lines)
    if delimiter != (stated or ","):
        scan = scanning(file, delimiter.encode())
    names = list(known.fields)
    rows = [line.rstrip("\r\n").split(delimiter) for line in lines]
    if rows[0] != names or any(len(row) != len(names) for row in rows) or len(names) == 1:
        raise _DoubtError
    plain = Plain(file, codec, delimiter, len(names), 1, lines[0].encode(codec), scan)
    return plain, rows[1] if len(rows) > 1 else names


def _proof(
    plain: Plain, known: "_Schema", sample: list[str], profile: Profile | None, work: Workspace
) -> Proof | None:
    """Prove the file as the engine can read it. Raises UnsplittableError where it cannot."""
    with work.engine.cursor() as con:
        place = None
        if profile is not None:
            from zoneinfo import ZoneInfo  # noqa: PLC0415

            place = placing(con, ZoneInfo(profile.timezone), profile.timezone)
        question = _question(known, sample, place)
        for way in plain.ways(work.folder):
            with suppress(UnsplittableError):
                return prove_plain(con, way, question)
    raise UnsplittableError


def _loaded(path: Path) -> Any:
    content = path.read_bytes()
    if path.suffix == ".json":
        try:
            return orjson.loads(content)
        except ValueError as error:
            raise _DoubtError from error
    if path.suffix not in {".yaml", ".yml"}:
        raise _DoubtError
    import yaml  # noqa: PLC0415 - a while to load, and not needed for JSON

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return yaml.load(content, loader)  # noqa: S506 - a safe one, in C where there is one
    except (ValueError, yaml.YAMLError) as error:
        raise _DoubtError from error


def _known(found: Any, keys: set[str]) -> Mapping[str, Any]:
    """Give a mapping of which all is known: *keys*, texts, and keys of our own."""
    if not isinstance(found, dict) or found.keys() - keys - _TEXTS - _OWN:
        raise _DoubtError
    if not all(isinstance(found[name], str) for name in _TEXTS & found.keys()):
        raise _DoubtError
    return found


@dataclass(frozen=True, slots=True)
class _Schema:
    fields: Mapping[str, Mapping[str, Any]]
    writing: Mapping[str, Writing]
    missing: tuple[str, ...]
    primary: tuple[str, ...]


def _schema(found: Any, profile: Profile | None) -> _Schema:
    known = _known(found, _SCHEMA)
    name = known.get("name", "schema")
    if not isinstance(name, str) or not re.fullmatch(_NAME, name):
        raise _DoubtError
    listed, primary = known.get("fields"), known.get("primaryKey", [])
    primary = [primary] if isinstance(primary, str) else primary
    if not isinstance(listed, list) or not isinstance(primary, list):
        raise _DoubtError
    if not all(isinstance(name, str) for name in primary):
        raise _DoubtError
    fields, writing = {}, {}
    for each in listed:
        field = _known(each, _FIELD)
        name, kind = field.get("name"), field.get("type")
        if not isinstance(name, str) or not name or not isinstance(kind, str):
            raise _DoubtError
        if kind not in _CONSTRAINTS or not _readable(kind, field):
            raise _DoubtError
        _check_constraints(kind, field.get("constraints", {}))
        writing[name] = AS_STATED if profile is None else profile.writing(kind, field)
        fields[name] = {**field, **writing[name].properties}
    if len(fields) != len(listed) or len(set(primary)) != len(primary):
        raise _DoubtError
    if not fields.keys() >= set(primary):
        raise _DoubtError
    return _Schema(fields, writing, _missing(known.get("missingValues", [""])), tuple(primary))


def _readable(kind: str, field: Mapping[str, Any]) -> bool:
    """Tell whether the properties that say how the cells are read are known and well-formed."""
    stated = {name: field[name] for name in _READING if name in field}
    format_ = field.get("format", "default")
    known = format_ == "default" or (kind in {"date", "datetime"} and str(format_).startswith("%"))
    return (
        known
        and (not stated or kind == "number")
        and all(isinstance(char, str) and len(char) == 1 for char in stated.values())
    )


def _missing(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise _DoubtError
    return tuple(found)


def _check_constraints(kind: str, found: Any) -> None:
    if not isinstance(found, dict) or found.keys() - _CONSTRAINTS[kind]:
        raise _DoubtError
    for name, value in found.items():
        if name in {"required", "unique"}:
            right = isinstance(value, bool)
        elif name in {"minLength", "maxLength"}:
            right = type(value) is int and value >= 0
        elif name == "pattern":
            right = isinstance(value, str) and _compiles(value)
        elif name == "enum":
            right = bool(value) and isinstance(value, list)
            right = right and all(isinstance(item, str) for item in value)
        else:
            right = type(value) is int or (kind == "number" and type(value) is float)
        if not right:
            raise _DoubtError


def _compiles(pattern: str) -> bool:
    try:
        re.compile(f"^{pattern}$")
    except re.error:
        return False
    return True


def _question(schema: _Schema, sample: list[str], place: Place | None) -> Question:
    """Ask what the schema asks; *sample* has a text of each field.

    *place* is for the times that a profile tells how to read.
    """
    columns, unique = [], []
    for index, (name, field) in enumerate(schema.fields.items()):
        constraints = field.get("constraints", {})
        if constraints.get("unique"):
            unique.append(index)
        bounds = {
            name: value if type(value) is int else Decimal(str(value))
            for name, value in constraints.items()
            if name in _BOUNDS
        }
        if "enum" in constraints:
            bounds["enum"] = constraints["enum"]
        shape = {
            name: constraints[name]
            for name in ("pattern", "minLength", "maxLength")
            if name in constraints
        }
        writing = schema.writing[name]
        form = form_of(
            Cell(
                type=field["type"],
                format=field.get("format", "default"),
                properties={name: field[name] for name in _READING if name in field},
                bounds=bounds,
                shape=shape,
                keyed=bool(name in schema.primary or constraints.get("unique")),
                place=place if writing.formats and field["type"] == "datetime" else None,
                formats=writing.formats,
                thousands=writing.thousands,
                sample=sample[index],
            )
        )
        missing = _missing(field["missingValues"]) if "missingValues" in field else schema.missing
        columns.append(Column(index, form, missing, bool(constraints.get("required"))))
    names = list(schema.fields)
    return Question(columns, unique, [names.index(name) for name in schema.primary])


def _delimiter(dialect: Mapping[str, Any] | None) -> str | None:
    if not dialect:
        return None
    control = dialect.get("csv")
    if dialect.keys() != {"csv"} or not isinstance(control, dict) or control.keys() - {"delimiter"}:
        raise _DoubtError
    if not control:
        return None
    if (delimiter := control["delimiter"]) not in (",", ";", "\t", "|"):
        raise _DoubtError
    return str(delimiter)


def _sample(file: Path, encoding: str | None) -> tuple[str, list[str]]:
    """Give the first lines of the file, and the encoding that they are in."""
    with file.open("rb") as opened:
        start = opened.read(_DETECTED_BYTES)
    if start.startswith(codecs.BOM_UTF8) or (encoding is None and not start.isascii()):
        raise _DoubtError
    try:
        codec = codecs.lookup(encoding or "utf-8").name
        if codec not in _ENCODINGS:
            raise _DoubtError
        with file.open(encoding=codec, newline="") as text:
            lines = [text.readline(_LONGEST_LINE) for _ in range(_SAMPLE_LINES)]
    except (LookupError, UnicodeDecodeError) as error:
        raise _DoubtError from error
    lines = [line for line in islice(lines, _SAMPLE_LINES) if line]
    if not lines or any('"' in line or line.strip("\r\n") == "" for line in lines):
        raise _DoubtError
    return codec, lines


def _sniffed(lines: list[str]) -> str:
    """Guess the delimiter as Frictionless' parser does, by the same call."""
    try:
        config = csv.Sniffer().sniff("".join(lines), ",\t;|")
    except csv.Error:
        return ","
    if config.skipinitialspace or config.escapechar or config.quotechar not in {"'", '"'}:
        raise _DoubtError
    if config.delimiter not in {",", ";", "\t", "|"}:
        raise _DoubtError
    return config.delimiter
