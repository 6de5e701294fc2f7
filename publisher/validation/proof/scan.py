"""One look at a file's bytes, beside the engine's work: what its lines are made of, and hashes."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Scan:
    """Counts over the whole file."""

    size: int
    """Bytes."""
    lines: int
    """Line ends, and a last line without one."""
    delimiters: int
    quotes: bool
    """There is a double quote somewhere."""
    plain_ends: bool
    """Lines end with LF throughout, or with CRLF throughout."""
    nul: bool
    plus: bool
    """There is a plus sign somewhere."""
    ascii: bool
    md5: str
    sha256: str


def scan(path: Path, delimiter: bytes, *, hashes: bool = True) -> Scan:
    """Read *path* once; *hashes* are left empty where they are not asked for."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = feeds = returns = pairs = delimiters = 0
    quotes = nul = plus = False
    plain = True
    last = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if hashes:
                md5.update(chunk)
                sha256.update(chunk)
            size += len(chunk)
            feeds += chunk.count(b"\n")
            delimiters += chunk.count(delimiter)
            quotes = quotes or b'"' in chunk
            nul = nul or b"\0" in chunk
            plus = plus or b"+" in chunk
            plain = plain and chunk.isascii()
            if b"\r" in chunk:
                returns += chunk.count(b"\r")
                pairs += chunk.count(b"\r\n")
            pairs += last == b"\r" and chunk.startswith(b"\n")
            last = chunk[-1:]
    return Scan(
        size=size,
        lines=feeds + (bool(size) and last != b"\n"),
        delimiters=delimiters,
        quotes=quotes,
        plain_ends=returns in {0, feeds} and pairs == returns,
        nul=nul,
        plus=plus,
        ascii=plain,
        md5=md5.hexdigest() if hashes else "",
        sha256=sha256.hexdigest() if hashes else "",
    )


def scanning(path: Path, delimiter: bytes, *, hashes: bool = True) -> "Future[Scan]":
    """Begin the scan in a thread of its own: it holds the interpreter's lock for moments only."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="scan")
    try:
        return pool.submit(scan, path, delimiter, hashes=hashes)
    finally:
        pool.shutdown(wait=False)
