"""Looks at a delivery's bytes before a parser does: what is no table is told apart here."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from publisher.errors import ConfigurationError, DeliveryError
from publisher.model.run import Problem

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes without a line end that are still taken for one line of text."""

_CHUNK = 1024 * 1024
_GZIP = b"\x1f\x8b"
_NOT_TEXT = {
    b"PK\x03\x04": "ZIP or Excel",
    b"\xd0\xcf\x11\xe0": "Excel (.xls)",
    b"%PDF": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"PAR1": "Parquet",
    b"SQLite format 3": "SQLite",
}
_WIDE_MARKS = {  # the longer ones first, for one begins as another does
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body")


@contextmanager
def unpacked(raw: Path, work: Path, max_bytes: int) -> Iterator[Path]:
    """Give a file with the delivery's plain bytes; gzip is taken apart into *work*.

    Raises DeliveryError ``empty-delivery``, ``truncated``, ``broken-gzip``, or
    ``too-large-unpacked`` beyond *max_bytes*.
    """
    with raw.open("rb") as file:
        start = file.read(len(_GZIP))
    if not start:
        raise DeliveryError("empty-delivery")
    if start != _GZIP:
        yield raw
        return
    with NamedTemporaryFile(dir=work, prefix="unpacked-") as target:
        size = 0
        try:
            with gzip.open(raw) as packed:
                while chunk := packed.read(_CHUNK):
                    size += len(chunk)
                    if size > max_bytes:
                        raise DeliveryError("too-large-unpacked", max_bytes=max_bytes)
                    target.write(chunk)
        except EOFError as error:
            raise DeliveryError("truncated", size=size) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DeliveryError("broken-gzip", reason=str(error)) from error
        if not size:
            raise DeliveryError("empty-delivery")
        target.flush()
        yield Path(target.name)


def checked_text(path: Path, stated: str | None) -> str:
    """Make sure that *path* may hold text, and give the encoding it is read with.

    A UTF-8 byte order mark decides, whatever is stated: no text of another encoding begins
    so. Raises DeliveryError ``empty-delivery``, ``html-page``, ``not-text`` or ``utf-16-mark``.
    """
    encoding = python_encoding(stated or "utf-8")
    refuse_page(path)
    with path.open("rb") as file:
        start = file.read(_CHUNK)
    marked = start.startswith(codecs.BOM_UTF8)
    if not start.removeprefix(codecs.BOM_UTF8).strip():
        raise DeliveryError("empty-delivery")
    for magic, kind in _NOT_TEXT.items():
        if start.startswith(magic):
            raise DeliveryError("not-text", kind=kind)
    for mark, meant in _WIDE_MARKS.items():
        if start.startswith(mark) and not encoding.startswith(("utf-16", "utf-32")):
            raise DeliveryError("utf-16-mark", marked=meant, encoding=stated or "utf-8")
    return "utf-8-sig" if marked or encoding == "utf-8" else encoding


def refuse_page(path: Path) -> None:
    """Raise DeliveryError ``html-page`` for a web page."""
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(codecs.BOM_UTF8).lstrip()
    if start.lower().startswith(_HTML):
        raise DeliveryError("html-page", start=_excerpt(start))


def python_encoding(stated: str) -> str:
    """Give Python's name of an encoding; ConfigurationError ``unknown-encoding``."""
    try:
        with suppress(UnicodeDecodeError):
            b"x".decode(stated)  # Python also has codecs that are no text encodings
        return codecs.lookup(stated).name
    except LookupError:
        raise ConfigurationError("unknown-encoding", encoding=stated) from None


def check_lines(path: Path) -> None:
    """Make sure that *path* can be read by lines in bounded memory; DeliveryError ``huge-line``."""
    since = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            since = since + len(chunk) if end < 0 else len(chunk) - end
            if since > LONGEST_LINE:
                raise DeliveryError("huge-line", max_bytes=LONGEST_LINE)


def notes_on(encoding: str, stated: str | None) -> tuple[Problem, ...]:
    """Note that the byte order mark said otherwise than the dataset file."""
    if encoding != "utf-8-sig" or stated is None or codecs.lookup(stated).name.startswith("utf-8"):
        return ()
    return (Problem("encoding-by-mark", {"stated": stated}),)


def wrong_encoding(path: Path, encoding: str, stated: str | None) -> DeliveryError:
    """Find the first byte of *path* that is none of *encoding*, counted from 0, and its line."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    done, lines = 0, 1
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                kept = len(error.object) - len(chunk)
                before = error.object[: error.start].count(b"\n")
                return DeliveryError(
                    "wrong-encoding",
                    encoding=stated or "utf-8",
                    offset=done - kept + error.start,
                    line=lines + before,
                    byte=f"0x{error.object[error.start]:02x}",
                )
            if not chunk:
                break
            done += len(chunk)
            lines += chunk.count(b"\n")
    return DeliveryError("unreadable-delivery", reason=f"it cannot be decoded as {encoding}")


def _excerpt(start: bytes) -> str:
    return " ".join(start[:80].decode("ascii", "replace").split())
