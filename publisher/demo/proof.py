"""Compares what is served and published with what the departments delivered."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from publisher.demo.books import Books
from publisher.messages import Language
from publisher.messages.demo import tell


async def differences(
    every: Iterable[Books], url: str, published: Path, language: Language
) -> list[str]:
    """Give, in words, each difference between the books and what *url* and *published* hold."""
    found: list[str] = []
    async with aiohttp.ClientSession() as client:
        for books in every:
            table = f"{url}/v1/datasets/{books.ref}"
            served = {_row(books, row) async for row in _rows(client, table)}
            refused = (await _json(client, f"{table}/quarantine"))["total"]
            in_file = await asyncio.to_thread(_rows_in_file, published, books)
            found += _compared(books, served, refused, in_file, language)
    return found


def _compared(
    books: Books, served: set[tuple[Any, ...]], refused: int, in_file: int, language: Language
) -> Iterator[str]:
    delivered = {(*key, *values) for key, values in books.rows.items()}
    table, expected = books.ref, len(delivered)
    missing, extra = len(delivered - served), len(served - delivered)
    if missing or extra:
        counts = {"expected": expected, "missing": missing, "extra": extra}
        yield tell("other-rows", language, table=table, **counts)
    if refused != books.quarantined:
        counts = {"expected": books.quarantined, "found": refused}
        yield tell("other-quarantine", language, table=table, **counts)
    if in_file != expected:
        counts = {"expected": expected, "found": in_file}
        yield tell("not-published", language, table=table, **counts)


async def _rows(client: aiohttp.ClientSession, table: str) -> Any:
    next_: str | None = f"{table}/rows?limit=200"
    while next_:
        page = await _json(client, next_)
        for row in page["data"]:
            yield row
        next_ = page["next"]


async def _json(client: aiohttp.ClientSession, url: str) -> Any:
    async with client.get(url) as response:
        response.raise_for_status()
        return orjson.loads(await response.read())


def _row(books: Books, served: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(
        datetime.fromisoformat(served[name]) if name == "observed_at" else served[name]
        for name in books.fields
    )


def _rows_in_file(published: Path, books: Books) -> int:
    """Count the lines of the table's CSV, header not counted; -1 where it is not published."""
    folder = published / books.ref.dataset
    try:
        package = orjson.loads((folder / "datapackage.json").read_bytes())
        resource = next(it for it in package["resources"] if it["name"] == books.ref.table)
        text = (folder / resource["path"]).read_text(encoding="utf-8")
    except (OSError, StopIteration):
        return -1
    return len(text.splitlines()) - 1
