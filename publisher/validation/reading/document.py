"""JSON documents: an array of records, at the top or at the dialect's `json.property`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from frictionless.formats import JsonControl

from publisher.errors import DeliveryError
from publisher.validation.reading.bytes import checked_text, notes_on, wrong_encoding
from publisher.validation.reading.elements import found_at, table_of
from publisher.validation.reading.table import Reading, Table

LARGEST_DOCUMENT = 32 * 1024 * 1024
"""Bytes. A document is parsed whole, into some ten times its size; NDJSON knows no such bound."""

_ERROR_KEYS = ("error", "errors", "message")


@contextmanager
def open_document(path: Path, reading: Reading) -> Iterator[Table]:
    size = path.stat().st_size
    if size > LARGEST_DOCUMENT:
        raise DeliveryError("too-large-document", size=size, max_bytes=LARGEST_DOCUMENT)
    encoding = checked_text(path, reading.encoding)
    try:
        text = path.read_text(encoding=encoding)
    except UnicodeDecodeError as error:
        raise wrong_encoding(path, encoding, reading.encoding) from error
    try:
        document = loads(text)
    except ValueError as error:
        raise DeliveryError("broken-json", reason=str(error)) from error
    del text
    records = _records(document, JsonControl.from_dialect(reading.frictionless_dialect()).property)
    yield table_of(iter(records), reading, notes_on(encoding, reading.encoding))


def loads(text: str) -> Any:
    """Parse JSON, and what Python's reader takes beyond it (NaN), to be judged as a cell.

    Raises ValueError.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def _records(document: Any, property_: str | None) -> list[Any]:
    found = found_at(document, property_) if property_ else document
    if isinstance(found, list):
        return found
    if isinstance(document, dict):
        for key in _ERROR_KEYS:
            if document.get(key):
                raise DeliveryError("error-body", message=str(document[key])[:300])
        kind = "an object with the keys " + ", ".join(list(document)[:20])
    else:
        kind = type(document).__name__
    raise DeliveryError("no-records", property=property_ or "", found=kind)
