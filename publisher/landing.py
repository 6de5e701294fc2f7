"""The landing: raw deliveries on disk, durable and named by content, before anything reads them.

    <landing>/contents/<sha256[:2]>/<sha256>           the bytes
    <landing>/pending/<dataset>/<table>/<id>.json      landed and not settled yet
    <landing>/pending/<dataset>/<table>/<id>.attempts  how attempts at judging it ended
    <landing>/partial/                                 what is being written
    <landing>/aside/                                   pending entries that cannot be read

Every file is written aside, synced and renamed into place, and its folder synced after it. The
pending entry comes last: a delivery either is there whole or was never there, whenever the
process is killed. One process at a time holds a landing.
"""

import asyncio
import hashlib
import os
import re
import secrets
import threading
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog

from publisher.errors import DeliveryError, StorageFullError, StoreError, is_full
from publisher.model.run import Delivery
from publisher.model.values import TableRef

__all__ = ["Details", "Landing", "Offer"]

log = structlog.get_logger(__name__)

_WRITE_BYTES = 1 << 20  # what is gathered before a thread is asked to write it
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Details:
    """What a source knows about the bytes it hands over."""

    modified_at: datetime | None = None
    media_type: str | None = None
    charset: str | None = None
    cursor: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON: what lets the source ask for news only."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a source hands over, not yet on disk."""

    origin: str
    chunks: AsyncIterator[bytes | Details]
    """The bytes. Details among them say that the transfer broke off and begins anew: what
    came before is dropped, and they take the place of those below."""
    details: Details = Details()


class Landing:
    """Raw deliveries below *path*, each at most *max_bytes* long."""

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self._contents = path / "contents"
        self._pending = path / "pending"
        self._partial = path / "partial"
        self._aside = path / "aside"
        self._max_bytes = max_bytes
        self._last_id = 0
        self._placing = threading.Lock()  # nothing is pruned while it is being placed
        self._settling = threading.Lock()
        self._keepers = 0
        self._put_off: list[Path] = []

    async def land(self, ref: TableRef, offer: Offer) -> Delivery:
        """Bring the offered bytes to disk; once this returns they outlast any crash.

        Raises DeliveryError ``too-large`` past the cap, StorageFullError where the disk is
        full, StoreError where it cannot be written, and whatever the source raises while it
        reads. Then nothing of the delivery remains.
        """
        partial = await asyncio.to_thread(self._begin)
        try:
            details = await self._receive(partial, offer)
            return await asyncio.to_thread(self._keep, partial, ref, offer.origin, details)
        except BaseException:
            await asyncio.to_thread(partial.discard)
            raise

    async def _receive(self, partial: "_Partial", offer: Offer) -> Details:
        details = offer.details
        gathered = bytearray()
        async for chunk in offer.chunks:
            if isinstance(chunk, Details):
                details = chunk
                gathered.clear()
                await asyncio.to_thread(partial.restart)
                continue
            gathered += chunk
            if partial.size + len(gathered) > self._max_bytes:
                raise DeliveryError(
                    "too-large", origin=offer.origin, limit=readable(self._max_bytes)
                )
            if len(gathered) >= _WRITE_BYTES:
                await asyncio.to_thread(partial.write, bytes(gathered))
                gathered.clear()
        await asyncio.to_thread(partial.write, bytes(gathered))
        return details

    def pending(self, ref: TableRef) -> list[Delivery]:
        """Give what landed for the table and is not settled, oldest first."""
        return list(self._entries(sorted(self._folder(ref).glob("*.json"))))

    def path(self, sha256: str, *, size: int | None = None) -> Path:
        """Give the file that holds the bytes; with *size* its length is looked at as well.

        Raises DeliveryError ``no-longer-landed`` or ``landing-damaged``.
        """
        path = self._place(sha256)
        try:
            found = path.stat().st_size
        except FileNotFoundError:
            raise DeliveryError("no-longer-landed", sha256=sha256) from None
        if size is not None and found != size:
            raise DeliveryError("landing-damaged", sha256=sha256)
        return path

    def settle(self, delivery: Delivery) -> None:
        """Take the delivery off the pending ones; its bytes stay until they are pruned."""
        self._attempts(delivery).unlink(missing_ok=True)
        entry = self._folder(delivery.ref) / f"{delivery.id}.json"
        with self._settling:
            if self._keepers:
                self._put_off.append(entry)
            else:
                entry.unlink(missing_ok=True)

    @contextmanager
    def keeping_entries(self) -> Iterator[None]:
        """Leave the entries of what is settled meanwhile until the end.

        Who copies the landing and the store one after the other finds each delivery in one
        of them then. An entry that a killed process leaves is known to the store as settled.
        """
        with self._settling:
            self._keepers += 1
        try:
            yield
        finally:
            with self._settling:
                self._keepers -= 1
                while self._put_off and not self._keepers:
                    self._put_off.pop().unlink(missing_ok=True)

    def attempts(self, delivery: Delivery) -> list[str]:
        """Give how the recorded attempts at judging a pending delivery ended, one by one."""
        try:
            return [str(ended) for ended in orjson.loads(self._attempts(delivery).read_bytes())]
        except (FileNotFoundError, ValueError, TypeError):
            return []

    def record_attempts(self, delivery: Delivery, attempts: Sequence[str]) -> None:
        """Record them durably, in place of those recorded before.

        Raises StorageFullError or StoreError.
        """
        place = self._attempts(delivery)
        if not attempts:
            place.unlink(missing_ok=True)
            return
        with _explained():
            partial = self._begin()
            try:
                partial.write(orjson.dumps(list(attempts)))
                partial.finish()
                partial.place(place)
            except BaseException:
                partial.discard()
                raise

    def prune(self, before: datetime, keep: Collection[str]) -> int:
        """Remove contents last landed before that, but no pending ones and none of *keep*.

        Gives how many were removed.
        """
        removed = 0
        limit = before.timestamp()
        with self._placing:
            kept = {entry.sha256 for entry in self._entries(self._pending.glob("*/*/*.json"))}
        kept.update(keep)
        for path in self._contents.glob("*/*"):
            with self._placing:  # landing the same bytes again makes their file young
                if path.name not in kept and path.stat().st_mtime < limit:
                    path.unlink()
                    removed += 1
        return removed

    def sweep(self) -> None:
        """Remove what a killed process left half-written; to be called before anything lands."""
        for path in self._partial.glob("*"):
            path.unlink()
        ids = (file.stem for file in self._pending.glob("*/*/*.json"))
        newest = max(filter(_ID.fullmatch, ids), default="0-")
        self._last_id = int(newest.partition("-")[0], 16)

    def _entries(self, files: Iterable[Path]) -> Iterator[Delivery]:
        """Read entries; one that is none of ours or damaged is put aside and stops no other."""
        for file in files:
            try:
                yield _read_entry(file.read_bytes())
            except FileNotFoundError:
                continue  # settled meanwhile
            except (ValueError, KeyError, TypeError, IsADirectoryError):
                name = "--".join(file.relative_to(self._pending).parts)
                place = self._aside / f"{name}.{secrets.token_hex(4)}"
                with _explained():
                    _make_folder(self._aside)
                    file.rename(place)
                log.warning("unreadable landing entry put aside", entry=str(file), place=str(place))

    def _begin(self) -> "_Partial":
        with _explained():
            _make_folder(self._partial)
            return _Partial(self._partial / secrets.token_hex(8))

    def _keep(self, partial: "_Partial", ref: TableRef, origin: str, details: Details) -> Delivery:
        """Name the written bytes by content, then write the pending entry."""
        sha256 = partial.finish()
        place, folder = self._place(sha256), self._folder(ref)
        with self._placing, _explained():
            now = self._next_instant()
            delivery = Delivery(
                id=f"{now:016x}-{secrets.token_hex(4)}",
                ref=ref,
                origin=origin,
                sha256=sha256,
                size=partial.size,
                landed_at=datetime.fromtimestamp(now / 1e9, UTC),
                modified_at=details.modified_at,
                media_type=details.media_type,
                charset=details.charset,
                cursor=dict(details.cursor),
            )
            _make_folder(place.parent)
            _make_folder(folder)
            # The entry is written before the bytes are placed: a full disk is met first.
            entry = _Partial(self._partial / f"{delivery.id}.json")
            try:
                entry.write(_entry(delivery))
                entry.finish()
                # Bytes that are there already are replaced by the same ones: it mends a
                # damaged file, and makes an old one young for `prune`.
                partial.place(place)
                entry.place(folder / entry.path.name)
            except BaseException:
                entry.discard()
                raise
        return delivery

    def _next_instant(self) -> int:
        """Give the time in nanoseconds, always later than the last, whatever the clock does."""
        self._last_id = max(time.time_ns(), self._last_id + 1)
        return self._last_id

    def _place(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise DeliveryError("no-longer-landed", sha256=sha256)
        return self._contents / sha256[:2] / sha256

    def _attempts(self, delivery: Delivery) -> Path:
        return self._folder(delivery.ref) / f"{delivery.id}.attempts"

    def _folder(self, ref: TableRef) -> Path:
        return self._pending / ref.dataset / ref.table


class _Partial:
    """A file on its way; its methods run in threads, one at a time even after a cancellation."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._digest = hashlib.sha256()
        self._busy = threading.Lock()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._open = True

    def write(self, data: bytes) -> None:
        with self._busy, _explained():
            self._digest.update(data)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self.size += len(data)

    def restart(self) -> None:
        with self._busy, _explained():
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)
            self._digest = hashlib.sha256()
            self.size = 0

    def finish(self) -> str:
        """Make the bytes durable; give their SHA-256."""
        with self._busy, _explained():
            os.fsync(self._file)
            self._close()
            return self._digest.hexdigest()

    def place(self, path: Path) -> None:
        self.path.replace(path)
        _sync_folder(path.parent)

    def discard(self) -> None:
        with self._busy:
            self._close()
            self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._open:
            self._open = False
            os.close(self._file)


def received(delivery: str) -> datetime | None:
    """Tell by a delivery's id when it landed; None where the id does not say."""
    try:
        return datetime.fromtimestamp(int(delivery.partition("-")[0], 16) / 1e9, UTC)
    except (ValueError, OverflowError):
        return None


def readable(size: int) -> str:
    """Write a number of bytes as people say it: ``1 GB``."""
    for unit, length in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= length:
            return f"{size / length:g} {unit}"
    return f"{size} bytes"


def _entry(delivery: Delivery) -> bytes:
    return orjson.dumps(
        {
            "id": delivery.id,
            "ref": list(delivery.ref),
            "origin": delivery.origin,
            "sha256": delivery.sha256,
            "size": delivery.size,
            "landed_at": delivery.landed_at,
            "modified_at": delivery.modified_at,
            "media_type": delivery.media_type,
            "charset": delivery.charset,
            "cursor": delivery.cursor,
        }
    )


def _read_entry(content: bytes) -> Delivery:
    """Raise ValueError, KeyError or TypeError where it is no entry."""
    stated = orjson.loads(content)
    modified_at = stated["modified_at"]
    return Delivery(
        **{
            **stated,
            "ref": TableRef(*stated["ref"]),
            "landed_at": datetime.fromisoformat(stated["landed_at"]),
            "modified_at": modified_at and datetime.fromisoformat(modified_at),
        }
    )


def _make_folder(folder: Path) -> None:
    """Make the folder and those above it, durably; for the service's own eyes only."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StorageFullError("storage-full") from error
        raise StoreError("landing-unusable", reason=error.strerror or str(error)) from error
