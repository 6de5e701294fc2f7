"""Excel and OpenDocument workbooks: .xlsx, .xlsm, .xlsb, .xls, .ods.

Cells have the types Frictionless would get from them. Cells that show an error (#N/A) come
as empty: the library does not tell them apart.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import chain, islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, is_zipfile

from frictionless import Control
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, load_workbook

from publisher.errors import ConfigurationError, DeliveryError
from publisher.validation.reading.bytes import refuse_page
from publisher.validation.reading.table import Reading, Table, header_of

LARGEST_WORKBOOK = 200 * 1024 * 1024
"""Bytes, decompressed. A sheet is held whole while it is read."""

_SAMPLE = 100
_EXACT_INTEGERS = 2.0**53
_CONTROLS = ("excel", "ods")


@contextmanager
def open_workbook(path: Path, reading: Reading) -> Iterator[Table]:
    _check_size(path)
    dialect = reading.frictionless_dialect()
    controls = [dialect.get_control(name) for name in _CONTROLS if dialect.has_control(name)]
    wanted = _sheet_of(controls[0]) if controls else 1
    try:
        with load_workbook(path) as book:
            sheet = _sheet(book, wanted)
            rows = _rows(sheet)
            sample = list(islice(rows, _SAMPLE))
            if not sample:
                raise DeliveryError("empty-delivery")
            labels = header_of(dialect, sample)
            yield Table(labels, dialect.read_enumerated_content_stream(chain(sample, rows)))
    except CalamineError as error:
        refuse_page(path)
        raise DeliveryError("unreadable-workbook", reason=str(error)) from error


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if is_zipfile(path):
        try:
            with ZipFile(path) as parts:
                size = sum(part.file_size for part in parts.infolist())
        except BadZipFile as error:
            raise DeliveryError("unreadable-workbook", reason=str(error)) from error
    if size > LARGEST_WORKBOOK:
        raise DeliveryError("too-large-document", size=size, max_bytes=LARGEST_WORKBOOK)


def _sheet_of(control: Control) -> str | int:
    """Give the sheet a control states; ConfigurationError for an option that cannot be had."""
    stated = control.to_descriptor()
    sheet: str | int = stated.pop("sheet", 1)
    stated.pop("type", None)
    if any(stated.values()):
        options = ", ".join(name for name, value in stated.items() if value)
        raise ConfigurationError("wrong-dialect", reason=f"{options}: not supported for workbooks")
    return sheet


def _sheet(book: CalamineWorkbook, wanted: str | int) -> CalamineSheet:
    names = book.sheet_names
    if isinstance(wanted, str) and wanted in names:
        return book.get_sheet_by_name(wanted)
    if isinstance(wanted, int) and 1 <= wanted <= len(names):
        return book.get_sheet_by_index(wanted - 1)
    raise DeliveryError("missing-sheet", sheet=wanted, sheets=", ".join(names))


def _rows(sheet: CalamineSheet) -> Iterator[list[Any]]:
    """Give all rows from the sheet's first; calamine leaves out empty columns at the left."""
    left = [None] * (sheet.start[1] if sheet.start else 0)
    for cells in sheet.iter_rows():
        yield [*left, *map(_cell, cells)]


def _cell(cell: Any) -> Any:
    if cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT_INTEGERS:
        return int(cell)  # a sheet has only floats; Frictionless' library reads 5 as 5
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime.combine(cell, time())
    return cell
