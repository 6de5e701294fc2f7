"""Answers that are kept for when a partner does not answer, as long as its steward allows."""

import asyncio
import os
import shutil
import time
import uuid
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from publisher.partners.base import Ask, Fetched

_MOST = 500
_MOST_BYTES = 200_000_000


class Kept:
    """The last answer to each ask, the longest not used going first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._answers: OrderedDict[object, tuple[Fetched, float, int]] = OrderedDict()
        self._bytes = 0

    async def put(self, ask: Ask, fetched: Fetched) -> None:
        files, size = await asyncio.to_thread(self._copied, fetched)
        await self._drop(_key(ask))
        self._answers[_key(ask)] = (replace(fetched, files=files), time.monotonic(), size)
        self._bytes += size
        while len(self._answers) > _MOST or self._bytes > _MOST_BYTES:
            await self._drop(next(iter(self._answers)))

    def get(self, ask: Ask, most: float) -> Fetched | None:
        """Give the answer to *ask* that is *most* seconds old at the most, with its age."""
        found = self._answers.get(_key(ask))
        if found is None:
            return None
        fetched, at, _ = found
        age = time.monotonic() - at
        if age > most:
            return None
        self._answers.move_to_end(_key(ask))
        return replace(fetched, age=age)

    async def _drop(self, key: object) -> None:
        found = self._answers.pop(key, None)
        if found is not None:
            self._bytes -= found[2]
            for file in found[0].files:
                await asyncio.to_thread(file.unlink, missing_ok=True)

    def _copied(self, fetched: Fetched) -> tuple[list[Path], int]:
        self._folder.mkdir(parents=True, exist_ok=True)
        files, size = [], 0
        for file in fetched.files:
            kept = self._folder / uuid.uuid4().hex
            try:
                os.link(file, kept)
            except OSError:  # not on this file system
                shutil.copyfile(file, kept)
            files.append(kept)
            size += kept.stat().st_size
        return files, size


def _key(ask: Ask) -> object:
    remote = ask.remote
    return (
        (remote.partner, remote.ref, ask.fields, ask.where, ask.order, ask.after),
        (ask.limit, ask.version, ask.as_of, ask.counted),
    )
