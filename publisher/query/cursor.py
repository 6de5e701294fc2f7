"""Cursors and ETags: opaque, signed with the installation's own key.

A cursor says where a page ended. What it is bound to (the table, the version, the conditions
and the order) is part of what is signed but not of what is sent, so a cursor of another
query does not verify. No URL is ever read from one.
"""

import binascii
import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from publisher.errors import ParameterError
from publisher.once import made_once

_TAG = 16
"""Bytes of the signature."""


def load_key(path: Path) -> bytes:
    """Give the installation's key, made at first use.

    Raises StorageFullError, StoreError.
    """
    return made_once(path, partial(secrets.token_bytes, 32))


class Signer:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def cursor(self, place: Any, *, bound_to: object) -> str:
        """Write *place*, a JSON value, as a cursor that opens only with the same *bound_to*."""
        content = orjson.dumps(place)
        return urlsafe_b64encode(self._tag(content, bound_to) + content).rstrip(b"=").decode()

    def place(self, cursor: str, *, bound_to: object) -> Any:
        """Read a cursor back; ParameterError ``bad-cursor`` where it is not one of this query."""
        signed = _decode(cursor)
        tag, content = signed[:_TAG], signed[_TAG:]
        if not hmac.compare_digest(self._tag(content, bound_to), tag):
            raise ParameterError("bad-cursor", parameter="cursor")
        return orjson.loads(content)

    def peek(self, cursor: str) -> Any:
        """Give what a cursor says, before it is known to be ours: nothing of it may be believed."""
        try:
            return orjson.loads(_decode(cursor)[_TAG:])
        except orjson.JSONDecodeError:
            raise ParameterError("bad-cursor", parameter="cursor") from None

    def etag(self, *parts: object) -> str:
        """Give the value of an ETag, without its quotes."""
        # What is large is bytes, and its text would be larger
        short = [hashlib.sha256(it).digest() if isinstance(it, bytes) else it for it in parts]
        return self._tag(b"", short).hex()

    def _tag(self, content: bytes, bound_to: object) -> bytes:
        # repr of frozen dataclasses of plain values: the same text for the same query.
        bound = hashlib.sha256(repr(bound_to).encode("utf-8", "surrogatepass")).digest()
        return hmac.digest(self._key, bound + content, "sha256")[:_TAG]


def _decode(cursor: str) -> bytes:
    try:
        stated = cursor.encode("ascii")
        content = urlsafe_b64decode(stated + b"=" * (-len(stated) % 4))
    except (ValueError, binascii.Error):
        raise ParameterError("bad-cursor", parameter="cursor") from None
    # Spellings that decode alike are refused: one place has one cursor.
    if len(content) <= _TAG or urlsafe_b64encode(content).rstrip(b"=") != stated:
        raise ParameterError("bad-cursor", parameter="cursor")
    return content
