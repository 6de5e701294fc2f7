"""A table's raw cells in the engine: one VARCHAR column for each label, as Python's csv splits.

The engine reads the file itself where it cannot split it otherwise than Python's csv would;
where it could, Python's csv feeds it through a plain file of its own. ``c0``, ``c1``, ... are
the cells; NULL is a cell that is not there.
"""

# ruff: noqa: S608 - the names are ours, texts are quoted
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from publisher.engine import Connection, InputError, literal
from publisher.validation.proof.scan import Scan, scanning

TABLE = "temp.judged_cells"
NUMBER = "n"
"""The row number."""
RAW = "raw"
"""All cells as a JSON list where they are more or fewer than the labels; else NULL."""
_SEPARATOR = "\x1f"
_UTF8 = {"utf-8", "utf-8-sig"}
# The engine's Latin-1 refuses the codes in which Windows-1252 differs
_ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "iso8859-1": "latin-1", "cp1252": "latin-1"}
_CHUNK = 1024 * 1024
_TEXT = "VARCHAR"
_PAGE = 5_000
_BUFFER = 8 * 1024 * 1024
_PIECES, _PIECE = 6, 32 * 1024
_FEW = 0.2
"""Share of different texts among those looked at, under which they are taken to repeat."""
_LONGEST_LINE = 16 * 1024 * 1024


class UnsplittableError(Exception):
    """The engine cannot hold these cells, or could split the file otherwise than Python."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A file that the engine may read itself, if the scan bears it out."""

    path: Path
    encoding: str
    """As Python's codecs name it."""
    delimiter: str
    width: int
    skip: int
    """Lines before the first row."""
    skipped: bytes
    """Those lines."""
    scan: Future[Scan]

    @property
    def first(self) -> int:
        """Number of the first row."""
        return self.skip + 1

    @property
    def relation(self) -> str:
        """The rows in their order, without numbers."""
        return self._read(dict.fromkeys(map(column, range(self.width)), _TEXT), self.delimiter)

    def relation_with(self, doubles: Container[int]) -> str:
        """Give `relation` with the columns that are *doubles* read as such.

        An empty cell of theirs is NULL; DataError in a query where another is no number.
        """
        types = {column(at): "DOUBLE" if at in doubles else _TEXT for at in range(self.width)}
        texts = [f"coalesce({name}, '') AS {name}" for name in types if types[name] == _TEXT]
        read = self._read(types, self.delimiter)
        return f"(SELECT * REPLACE ({', '.join(texts)}) FROM {read})" if texts else read

    @property
    def lines(self) -> str:
        """The same, each as the one text ``line``; blank lines too."""
        return self._read({"line": _TEXT}, _SEPARATOR)

    def _read(self, types: Mapping[str, str], delimiter: str) -> str:
        """Read columns of these types. Where all are texts, none is NULL."""
        columns = ", ".join(f"{literal(name)}: '{type_}'" for name, type_ in types.items())
        # By such a list the engine finds columns by their place among those that a query selects
        # (seen in 2.0.0), which is harmless as long as it holds them all
        forced = ", ".join(map(literal, types)) if {*types.values()} == {_TEXT} else ""
        encoding = literal(_ENCODINGS[self.encoding])
        return (
            f"read_csv({literal(str(self.path))}, auto_detect = false, header = false, "
            f"delim = {literal(delimiter)}, quote = '', escape = '', comment = '', "
            f"encoding = {encoding}, skip = {self.skip}, columns = {{{columns}}}, "
            f"{forced and f'force_not_null = [{forced}], '}buffer_size = {_BUFFER})"
        )

    def ways(self, folder: Path) -> Iterator["Plain"]:
        """Give the file as the engine may be able to read it: as it is, or in UTF-8 in *folder*.

        Raises UnsplittableError where the file is not in its encoding.
        """
        if self.encoding in _ENCODINGS:
            yield self
        if self.encoding not in _UTF8:
            yield self._in_utf8(folder)

    def _in_utf8(self, folder: Path) -> "Plain":
        path = folder / "utf-8.csv"
        try:
            with (
                self.path.open(encoding=self.encoding, newline="") as source,
                path.open("w", encoding="utf-8", newline="") as target,
            ):
                while text := source.read(_CHUNK):
                    target.write(text)
        except UnicodeDecodeError as error:
            raise UnsplittableError from error
        with path.open("rb") as file:
            skipped = b"".join(file.readline() for _ in range(self.skip))
        scan = scanning(path, self.delimiter.encode())
        return replace(self, path=path, encoding="utf-8", skipped=skipped, scan=scan)

    def repeating(self) -> frozenset[int]:
        """Give the columns whose texts repeat, going by some pieces of the file."""
        rows = []
        delimiter, size = self.delimiter.encode(), self.path.stat().st_size
        with self.path.open("rb") as file:
            for start in range(0, size, max(size // _PIECES, _PIECE)):
                file.seek(start)
                lines = file.read(_PIECE).split(b"\n")[1:-1]
                rows += [line.rstrip(b"\r").split(delimiter) for line in lines]
        whole = [cells for cells in rows if len(cells) == self.width]
        texts = [set(column) for column in zip(*whole, strict=True)]
        return frozenset(at for at, seen in enumerate(texts) if len(seen) < len(whole) * _FEW)

    def holds(self, rows: int) -> bool:
        """Tell whether *rows* rows are what Python's csv would have split the file into."""
        beyond = self.skipped.count(self.delimiter.encode())
        return self.holds_lines(rows) and self.scan.result().delimiters == beyond + rows * (
            self.width - 1
        )

    def holds_lines(self, lines: int) -> bool:
        """Tell whether Python's csv would have split the file into so many rows, one a line."""
        found = self.scan.result()
        plain = not found.quotes and not found.nul and found.plain_ends
        return plain and lines == found.lines - self.skip


def column(index: int) -> str:
    return f"c{index}"


def columns(width: int) -> str:
    return ", ".join(column(index) for index in range(width))


def rows_where(con: Connection, condition: str, width: int) -> Iterator[tuple[int, list[str]]]:
    """Give numbers and cells of the rows of `judged_cells` that are so, in their order."""
    answer = con.execute(
        f"SELECT {NUMBER}, {RAW}, {columns(width)} FROM {TABLE} WHERE {condition} ORDER BY {NUMBER}"
    )
    while page := answer.fetchmany(_PAGE):
        for number, raw, *cells in page:
            yield number, cells if raw is None else orjson.loads(raw)


def take_lines(con: Connection, plain: Plain) -> None:
    """Make `judged_cells` of the file, line by line. Raises UnsplittableError."""
    width = plain.width
    cells = ", ".join(f"cells[{index + 1}] AS {column(index)}" for index in range(width))
    split = f"string_split(line, {literal(plain.delimiter)})"
    _drop(con)
    try:
        con.execute(
            f"CREATE TEMP TABLE judged_cells AS SELECT {NUMBER}, "
            f"CASE WHEN len(cells) <> {width} THEN CAST(to_json(cells) AS VARCHAR) END AS {RAW}, "
            f"{cells} FROM (SELECT row_number() OVER () + {plain.skip} AS {NUMBER}, "
            # of a blank line Python's csv makes no cell, and not an empty one
            f"CASE WHEN line = '' THEN [] ELSE {split} END AS cells FROM {plain.lines})"
        )
    except InputError as error:
        raise UnsplittableError from error
    (rows,) = con.execute(f"SELECT count(*) FROM {TABLE}").fetchall()[0]
    # Of a line that ends with what is to be in none, the engine leaves that out
    if not plain.holds_lines(rows) or plain.scan.result().separators:
        raise UnsplittableError


def take_rows(
    con: Connection,
    rows: Iterable[tuple[int, Sequence[Any]]],
    width: int,
    folder: Path,
    *,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Make `judged_cells` of *rows* as Python split them; give how many there were.

    Raises UnsplittableError for cells that are no text, or hold a NUL.
    """
    path = folder / "cells.txt"
    count = _write(rows, width, path, progress)
    names = [NUMBER, RAW, *(column(index) for index in range(width))]
    read = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    cells = ", ".join(
        f"CASE WHEN {RAW} IS NULL THEN {name} ELSE json_extract_string({RAW}, '$[{index}]') END "
        f"AS {name}"
        for index, name in enumerate(names[2:])
    )
    _drop(con)
    con.execute(
        f"CREATE TEMP TABLE judged_cells AS SELECT CAST({NUMBER} AS BIGINT) AS {NUMBER}, {RAW}, "
        f"{cells} FROM (SELECT * REPLACE (nullif({RAW}, '') AS {RAW}) FROM read_csv("
        f"{literal(str(path))}, auto_detect = false, header = false, delim = '{_SEPARATOR}', "
        f"quote = '', escape = '', comment = '', columns = {{{read}}}, "
        f"force_not_null = [{', '.join(map(literal, names))}], "
        f"buffer_size = {2 * _LONGEST_LINE}, max_line_size = {_LONGEST_LINE}))"
    )
    path.unlink()
    return count


def _write(
    rows: Iterable[tuple[int, Sequence[Any]]],
    width: int,
    path: Path,
    progress: Callable[[int], None] | None,
) -> int:
    count, between, empty = 0, width - 1, _SEPARATOR * width
    with path.open("w", encoding="utf-8", newline="\n", buffering=1024 * 1024) as file:
        write = file.write
        for number, cells in rows:
            count += 1
            if progress and not count % 10_000:
                progress(count)
            try:
                line = _SEPARATOR.join(cells)
            except TypeError as error:
                raise UnsplittableError from error
            if "\0" in line:
                raise UnsplittableError
            if (
                len(cells) != width
                or line.count(_SEPARATOR) != between
                or "\n" in line
                or "\r" in line
            ):
                raw = orjson.dumps(cells).decode()
                if len(raw) > _LONGEST_LINE // 2:
                    raise UnsplittableError
                write(f"{number}{_SEPARATOR}{raw}{empty}\n")
            elif len(line) > _LONGEST_LINE // 4:
                raise UnsplittableError
            else:
                write(f"{number}{_SEPARATOR}{_SEPARATOR}{line}\n")
    return count


def _drop(con: Connection) -> None:
    con.execute("DROP TABLE IF EXISTS temp.judged_cells")
