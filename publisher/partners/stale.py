"""Answers that are kept for when a partner does not answer, as long as its steward allows."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from publisher.model.table import sql_type
from publisher.partners.base import Ask, Fetched
from publisher.partners.files import linked

_MOST = 500
_MOST_BYTES = 200_000_000


class Kept:
    """The last answer to each ask, the longest not used going first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._answers: OrderedDict[tuple[str, object], tuple[Fetched, float, int]] = OrderedDict()

    async def put(self, ask: Ask, fetched: Fetched) -> None:
        files, size = await asyncio.to_thread(linked, fetched.files, self._folder)
        key = _key(ask)
        gone = [self._answers.pop(key)] if key in self._answers else []
        self._answers[key] = (replace(fetched, files=files), time.monotonic(), size)
        held = sum(it[2] for it in self._answers.values())
        while self._answers and (len(self._answers) > _MOST or held > _MOST_BYTES):
            gone.append(self._answers.popitem(last=False)[1])
            held -= gone[-1][2]
        await asyncio.to_thread(_removed, [file for it in gone for file in it[0].files])

    async def forget(self, partner: str) -> None:
        """Let go of what came from a partner whose entry is another one by now."""
        gone = [key for key in self._answers if key[0] == partner]
        files = [file for key in gone for file in self._answers.pop(key)[0].files]
        await asyncio.to_thread(_removed, files)

    async def get(self, ask: Ask, most: float, folder: Path) -> Fetched | None:
        """Give the answer to *ask* that is *most* seconds old at the most, with its age.

        Its files are those in *folder*, which nobody else lets go of.
        """
        found = self._answers.get(_key(ask))
        if found is None:
            return None
        fetched, at, _ = found
        age = time.monotonic() - at
        if age > most:
            return None
        self._answers.move_to_end(_key(ask))
        try:
            files, _ = await asyncio.to_thread(linked, fetched.files, folder)
        except FileNotFoundError:  # a newer one took its place just now
            return None
        return replace(fetched, files=files, age=age, served="cached")


def _removed(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _groups(ask: Ask) -> object:
    grouped = ask.grouped
    return grouped and (grouped.by, grouped.every, grouped.measures, grouped.zone)


def _key(ask: Ask) -> tuple[str, object]:
    remote = ask.remote
    kinds = tuple(sql_type(remote.stored[it]) for it in ask.fields)
    return remote.partner, (
        (remote.ref, ask.fields, kinds, ask.where, ask.order, ask.after),
        (ask.limit, ask.version, ask.as_of, ask.counted, _groups(ask)),
    )
