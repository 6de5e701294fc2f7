"""Everything that matches, written to one file in its format by the engine.

The same version, query and format give the same bytes: the order is total, and no file carries
the time it was made. CSV has LF; Parquet has instants in UTC and documents as JSON text.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from publisher.engine import Connection, literal
from publisher.errors import ParameterError
from publisher.query.parameters import FORMATS, Form
from publisher.query.relations import only
from publisher.query.rows import Prepared, check_kept, matching
from publisher.query.sql import Source, file_statement, page_source
from publisher.query.stretches import stretches
from publisher.store import Store
from publisher.threads import beside

FILES: frozenset[Form] = frozenset({"parquet", "xlsx"})
"""Formats in which even a page is written as a file."""
_PIECE = 1_048_576
_BATCH = 10_000
_BOM = b"\xef\xbb\xbf"
_SHEET_ROWS = 1_048_576  # of Excel, its header among them
_SHEET_TEXT = 32_767
_SHEET_NAME = 31
_WORKBOOK = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
}
_AS_DAY, _AS_INSTANT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
_MOST_EXACT = 2**53
"""Larger integers are no exact numbers there."""
_FIRST_YEAR = 1900
_MADE = datetime(2000, 1, 1)  # noqa: DTZ001 - a workbook knows no zones
"""Stands in workbooks in the place of the time they were made."""


@dataclass(frozen=True, slots=True)
class Written:
    rows: int
    bytes: int
    sha256: str
    """In hex, of exactly these bytes."""


def write(con: Connection, store: Store, prepared: Prepared, form: Form, file: Path) -> Written:
    """Write all rows of the query to *file*.

    What was begun goes where that fails. Raises GoneError where its version went meanwhile,
    ParameterError ``sheet-too-small`` where a workbook cannot hold the rows.
    """
    try:
        source, left = matching(con, store, prepared)
        written = _WRITERS[form](_Work(con, left, source), file)
        check_kept(con, store, prepared)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    return written


def manifest(
    con: Connection, store: Store, prepared: Prepared, form: Form, written: Written
) -> dict[str, Any]:
    """Tell what a file holds, so that whoever has it can prove that it is whole."""
    query = prepared.query
    committed = store.committed_at(con, query.table, query.version)
    return {
        "dataset": query.table.dataset,
        "table": query.table.table,
        "version": query.version,
        "committedAt": committed.isoformat().replace("+00:00", "Z") if committed else None,
        "format": form,
        "mediaType": FORMATS[form],
        "rows": written.rows,
        "bytes": written.bytes,
        "sha256": written.sha256,
    }


def page(
    con: Connection, store: Store, prepared: Prepared, rows: Sequence[int], form: Form
) -> bytes:
    """Give the rows of one page, which are known by their ids, as such a file."""
    source, left = matching(con, store, prepared)
    body = page_of(con, left, source, rows, form)
    check_kept(con, store, prepared)
    return body


def page_of(
    con: Connection, prepared: Prepared, source: Source, rows: Sequence[int], form: Form
) -> bytes:
    """Give those rows of *source* as such a file."""
    with TemporaryDirectory(prefix="publisher-page-") as folder:
        file = Path(folder, "page")
        if prepared.query.groups is None:
            shown = only(source, rows)
        else:  # groups have no ids
            shown = page_source(prepared.query, prepared.fields, source, prepared.place)
        _WRITERS[form](_Work(con, prepared, shown), file)
        return file.read_bytes()


class _Whole:
    """A file made of texts and other files, and its digest in passing."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = sha256()

    def write(self, text: bytes) -> None:
        self._digest.update(text)
        self._file.write(text)

    def take(self, part: Path) -> None:
        """Append a file, which goes."""
        with part.open("rb") as made:
            while text := made.read(_PIECE):
                self.write(text)
        part.unlink()

    def written(self, rows: int) -> Written:
        return Written(rows, self._file.tell(), self._digest.hexdigest())


def _written(rows: int, file: Path) -> Written:
    with file.open("rb") as made:
        digest = file_digest(made, "sha256").hexdigest()
    return Written(rows, file.stat().st_size, digest)


@dataclass(frozen=True, slots=True)
class _Work:
    con: Connection
    prepared: Prepared
    source: Source

    def copy(self, source: Source, form: Form, file: Path, options: str) -> int:
        query, values = self.statement(source, form)
        target = f"{literal(str(file))} ({options})"
        done = self.con.execute(f"COPY ({query}) TO {target}", values).fetchone()
        return int(done[0]) if done else 0

    def statement(self, source: Source, form: Form) -> tuple[str, list[object]]:
        ready = self.prepared
        return file_statement(ready.query, ready.fields, source, form, ready.asked.style.decimal)

    def csv(self, file: Path) -> Written:
        style = self.prepared.asked.style
        options = f"FORMAT csv, DELIMITER {literal(style.separator)}, HEADER"
        return self._lines(
            "csv", file, _BOM if style.bom else b"", (f"{options} true", f"{options} false")
        )

    def ndjson(self, file: Path) -> Written:
        return self._lines("ndjson", file, b"", ("FORMAT json", "FORMAT json"))

    def _lines(self, form: Form, file: Path, head: bytes, options: tuple[str, str]) -> Written:
        """Write stretch after stretch; *options* of the first and of the others."""
        sources = stretches(self.con, self.prepared.query, self.prepared.fields, self.source)
        rows = 0
        with file.open("wb") as made, ExitStack() as stack:
            whole = _Whole(made)
            whole.write(head)
            taking = None
            for number, source in enumerate(sources):
                part = file.with_suffix(f".{number % 2}.part")
                stack.callback(part.unlink, missing_ok=True)
                rows += self.copy(source, form, part, options[number > 0])
                if taking is not None:
                    taking.result()
                taking = beside(partial(whole.take, part))  # while the engine sorts the next
                stack.callback(wait, [taking])
            if taking is not None:
                taking.result()
            return whole.written(rows)

    def parquet(self, file: Path) -> Written:
        rows = self.copy(self.source, "parquet", file, "FORMAT parquet, COMPRESSION zstd")
        return _written(rows, file)

    def json(self, file: Path) -> Written:
        return self._members(file, "json", b'{"data":')

    def geojson(self, file: Path) -> Written:
        return self._members(file, "geojson", b'{"type":"FeatureCollection","features":')

    def _members(self, file: Path, form: Form, head: bytes) -> Written:
        part = file.with_suffix(".part")
        try:
            rows = self.copy(self.source, form, part, "FORMAT json, ARRAY true")
            with file.open("wb") as made:
                whole = _Whole(made)
                whole.write(head)
                whole.take(part)
                whole.write(b',"next":null,"version":%d}\n' % self.prepared.query.version)
                return whole.written(rows)
        finally:
            part.unlink(missing_ok=True)

    def xlsx(self, file: Path) -> Written:
        """Write a workbook of one sheet; instants are local times without their offset."""
        import xlsxwriter  # noqa: PLC0415 - megabytes, for whoever wants a workbook

        answer = self.con.execute(*self.statement(self.source, "xlsx"))
        rows = 0
        with xlsxwriter.Workbook(str(file), {**_WORKBOOK, "tmpdir": str(file.parent)}) as book:
            book.set_properties({"created": _MADE})
            formats = [book.add_format({"num_format": it}) for it in (_AS_DAY, _AS_INSTANT)]
            sheet = book.add_worksheet(self.prepared.query.table.table[:_SHEET_NAME])
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, [field.name for field in self.prepared.shown])
            while batch := answer.fetchmany(_BATCH):
                if rows + len(batch) >= _SHEET_ROWS:
                    raise ParameterError("sheet-too-small", parameter="f", most=_SHEET_ROWS - 1)
                for cells in batch:
                    rows += 1
                    for column, cell in enumerate(cells):
                        _write_cell(sheet, (rows, column), cell, formats)
        return _written(rows, file)


def _write_cell(sheet: Any, place: tuple[int, int], cell: Any, formats: list[Any]) -> None:
    match cell:
        case None:
            return
        case bool():
            sheet.write_boolean(*place, cell)
        case int() | float() if abs(cell) <= _MOST_EXACT or isinstance(cell, float):
            sheet.write_number(*place, cell)
        case date() if cell.year >= _FIRST_YEAR:
            sheet.write_datetime(*place, cell, formats[isinstance(cell, datetime)])
        case _:
            sheet.write_string(*place, str(cell)[:_SHEET_TEXT])


_WRITERS: Mapping[Form, Callable[[_Work, Path], Written]] = {
    "json": _Work.json,
    "ndjson": _Work.ndjson,
    "csv": _Work.csv,
    "xlsx": _Work.xlsx,
    "geojson": _Work.geojson,
    "parquet": _Work.parquet,
}
