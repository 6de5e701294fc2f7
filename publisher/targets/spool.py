"""An answer's rows in a file, to be read at the reader's pace.

Neither a thread nor a transaction is held between two pages, and a page holds so many bytes at
most, however wide the rows are.
"""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from publisher.engine import Connection, Engine, identifier, literal

PAGE_BYTES = 1_000_000  # of text: what makes JSON of a page, or reads it, holds up all else
_GROUP = 2_048  # rows, the fewest there can be: each page reads its groups whole
_WIDTH = "_publisher_width"

Pages = AsyncGenerator[list[dict[str, Any]], None]


def spool(con: Connection, query: str, parameters: list[object], file: Path) -> int:
    """Write the rows of *query* to *file* in its order; give how many they are."""
    described = con.execute(f"DESCRIBE {query}", parameters).fetchall()
    texts = [identifier(name) for name, type_, *_ in described if type_ in {"VARCHAR", "JSON"}]
    width = " + ".join(["0", *(f"coalesce(strlen({text}), 0)" for text in texts)])
    done = con.execute(
        f"COPY (SELECT *, {width} AS {_WIDTH} FROM ({query})) TO {literal(str(file))}"  # noqa: S608
        f" (FORMAT parquet, ROW_GROUP_SIZE {_GROUP})",
        parameters,
    ).fetchone()
    return int(done[0]) if done else 0


async def pages(engine: Engine, file: Path, size: int) -> Pages:
    """Give the rows that were spooled, *size* at most at a time and in their order."""
    page = (
        f"SELECT * EXCLUDE (file_row_number, {_WIDTH}) FROM {_rows(file)}"  # noqa: S608
        " WHERE file_row_number >= ? AND file_row_number < ? ORDER BY file_row_number"
    )
    first = 0
    for last in await engine.run(lambda con: _ends(con, file, size)):
        yield await engine.run(
            lambda con, first=first, last=last: _dicts(con, page, [first, last])  # type: ignore[misc]
        )
        first = last


async def spooled(
    engine: Engine, query: str, parameters: list[object], file: Path, size: int
) -> Pages:
    """Page through an answer by way of *file*, which is let go of afterwards."""
    try:
        await engine.run(lambda con: spool(con, query, parameters, file))
        async for batch in pages(engine, file, size):
            yield batch
    finally:
        await asyncio.to_thread(file.unlink, missing_ok=True)


def _ends(con: Connection, file: Path, size: int) -> list[int]:
    """Give the number of the row that each page ends before."""
    found = con.execute(f"SELECT count(*), max({_WIDTH}) FROM {_rows(file)}").fetchone()  # noqa: S608
    rows, widest = found or (0, None)
    if (widest or 0) * size <= PAGE_BYTES:
        return [min(end, rows) for end in range(size, rows + size, size)]
    answer = con.execute(
        "SELECT max(file_row_number) + 1 AS last FROM (SELECT file_row_number,"  # noqa: S608
        f" sum({_WIDTH}) OVER (ORDER BY file_row_number) // {PAGE_BYTES} AS page"
        f" FROM {_rows(file)}) GROUP BY page, file_row_number // ? ORDER BY last",
        [size],
    )
    return [row[0] for row in answer.fetchall()]


def _rows(file: Path) -> str:
    return f"read_parquet({literal(str(file))}, file_row_number = true)"


def _dicts(con: Connection, query: str, parameters: list[object]) -> list[dict[str, Any]]:
    answer = con.execute(query, parameters)
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
