"""Two looks at a file's bytes beside the engine's work: what its lines are made of, and hashes."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.threads import beside

if TYPE_CHECKING:
    from concurrent.futures import Future

_CHUNK = 256 * 1024  # what a core's cache holds while it is looked at again and again
_HASHED = 4 * 1024 * 1024  # after each, the interpreter's lock is waited for


@dataclass(frozen=True, slots=True)
class Hashes:
    """Of the whole file."""

    size: int
    """Bytes."""
    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Scan:
    """Counts over the whole file."""

    lines: int
    """Line ends, and a last line without one."""
    delimiters: int
    quotes: bool
    """There is a double quote somewhere."""
    plain_ends: bool
    """Lines end with LF throughout, or with CRLF throughout."""
    nul: bool
    separators: bool
    """There is a unit separator, U+001F, somewhere."""
    plus: bool
    """There is a plus sign somewhere."""
    ascii: bool


def hashing(path: Path) -> "Future[Hashes]":
    """Begin to hash *path* in a thread of its own."""
    return beside(lambda: _hashes(path))


def scanning(path: Path, delimiter: bytes) -> "Future[Scan]":
    """Begin the scan in a thread of its own: it holds the interpreter's lock for moments only."""
    return beside(lambda: _scan(path, delimiter))


def _hashes(path: Path) -> Hashes:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = 0
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(_HASHED)
        view = memoryview(buffer)
        while length := file.readinto(buffer):
            md5.update(view[:length])
            sha256.update(view[:length])
            size += length
    return Hashes(size, md5.hexdigest(), sha256.hexdigest())


def _scan(path: Path, delimiter: bytes) -> Scan:
    feeds = returns = pairs = delimiters = 0
    quotes = nul = plus = separators = False
    plain = True
    last = b""
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            feeds += chunk.count(b"\n")
            delimiters += chunk.count(delimiter)
            quotes = quotes or b'"' in chunk
            nul = nul or b"\0" in chunk
            plus = plus or b"+" in chunk
            separators = separators or b"\x1f" in chunk
            plain = plain and chunk.isascii()
            if b"\r" in chunk:
                returns += chunk.count(b"\r")
                pairs += chunk.count(b"\r\n")
            pairs += last == b"\r" and chunk.startswith(b"\n")
            last = chunk[-1:]
    return Scan(
        lines=feeds + bool(last and last != b"\n"),
        delimiters=delimiters,
        quotes=quotes,
        plain_ends=returns in {0, feeds} and pairs == returns,
        nul=nul,
        separators=separators,
        plus=plus,
        ascii=plain,
    )
