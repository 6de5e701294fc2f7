"""Exports on disk: each is made once, whoever asks, and they are kept within a bound."""

import asyncio
import os
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from publisher.errors import StorageFullError, StoreError, UsageError, is_full

_MANIFEST = ".manifest.json"
_BEGUN = ".tmp"
_MOST_WAITING = 20

Make = Callable[[Path], Awaitable[Mapping[str, Any]]]
"""Writes the file, and gives its manifest."""


@dataclass(frozen=True, slots=True)
class Kept:
    file: Path
    manifest: Mapping[str, Any]
    size: int


class Spool:
    """Files by name; the ones that were longest not asked for go first.

    Who is reading a file that goes reads it to its end: the system keeps it so long.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._making: dict[str, asyncio.Task[Kept]] = {}

    async def open(self) -> None:
        """Find what an earlier process made; what it did not finish goes."""
        for kept in await asyncio.to_thread(self._found):
            self._kept[kept.file.name] = kept
        await asyncio.to_thread(self._bound)

    async def close(self) -> None:
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def get(self, name: str, seconds: float, make: Make) -> Kept:
        """Give the file of that name, made now where it is not there.

        Its time of change becomes *seconds* since 1970, so that it has one tag whenever it is
        made. A caller who leaves stops nothing: others may wait for the same. Raises UsageError
        ``exports-waiting`` where too many are being made, StorageFullError.
        """
        kept = self._kept.get(name)
        if kept is not None and await asyncio.to_thread(kept.file.is_file):
            self._kept.move_to_end(name)
            return kept
        making = self._making.get(name)
        if making is None:
            if len(self._making) >= _MOST_WAITING:
                raise UsageError("exports-waiting", most=_MOST_WAITING)
            making = asyncio.create_task(self._make(name, seconds, make))
            self._making[name] = making
            making.add_done_callback(lambda _: self._making.pop(name, None))
        return await asyncio.shield(making)

    async def _make(self, name: str, seconds: float, make: Make) -> Kept:
        begun = self._folder / f"{name}.{uuid.uuid4().hex}{_BEGUN}"
        try:
            await asyncio.to_thread(self._folder.mkdir, exist_ok=True)
            manifest = await make(begun)
            kept = await asyncio.to_thread(self._finish, begun, name, seconds, manifest)
        except OSError as error:
            if is_full(error):
                raise StorageFullError("storage-full") from error
            reason = error.strerror or type(error).__name__
            raise StoreError(
                "data-folder-unusable", path=str(self._folder), reason=reason
            ) from error
        finally:
            await asyncio.to_thread(begun.unlink, missing_ok=True)
        self._kept[name] = kept
        await asyncio.to_thread(self._bound)
        return kept

    def _finish(self, begun: Path, name: str, seconds: float, manifest: Mapping[str, Any]) -> Kept:
        changed = int(seconds * 1_000_000) * 1_000
        os.utime(begun, ns=(changed, changed))
        file = self._folder / name
        begun.replace(file)
        proof = begun.with_suffix(_BEGUN + "-manifest")
        proof.write_bytes(orjson.dumps(manifest))
        proof.replace(self._folder / f"{name}{_MANIFEST}")
        return Kept(file, manifest, file.stat().st_size)

    def _bound(self) -> None:
        total = sum(kept.size for kept in self._kept.values())
        while total > self._most and len(self._kept) > 1:
            _, kept = self._kept.popitem(last=False)
            total -= kept.size
            _remove(kept.file)

    def _found(self) -> list[Kept]:
        """Give what is whole, the longest unchanged first, and let go of all else."""
        found = []
        for path in sorted(self._folder.glob("*")):
            if path.name.endswith(_MANIFEST):
                continue
            manifest = path.with_name(path.name + _MANIFEST)
            try:
                told = orjson.loads(manifest.read_bytes())
                size = path.stat().st_size
            except (OSError, ValueError):
                path.unlink(missing_ok=True)
                continue
            if told.get("bytes") == size:
                found.append(Kept(path, told, size))
            else:
                _remove(path)
        return sorted(found, key=lambda kept: kept.file.stat().st_atime)


def _remove(file: Path) -> None:
    file.with_name(file.name + _MANIFEST).unlink(missing_ok=True)
    file.unlink(missing_ok=True)
