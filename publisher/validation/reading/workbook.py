"""Excel and OpenDocument workbooks: .xlsx, .xlsm, .xlsb, .xls, .ods.

Cells have the types Frictionless would get from them. Cells that show an error (#N/A) come
as empty: the library does not tell them apart. The library works in a process of its own,
under limits of memory and time (``sheet.py`` says why).
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile, is_zipfile

import orjson
from frictionless import Control

from publisher.errors import ConfigurationError, DeliveryError
from publisher.validation.reading.bytes import refuse_page
from publisher.validation.reading.table import Reading, Table, header_of
from publisher.validation.spool import revived

LARGEST_WORKBOOK = 200 * 1024 * 1024
"""Bytes, decompressed. A sheet is held whole while it is read."""
READER_MEMORY = 640 * 1024 * 1024
"""Bytes. The largest workbooks whose cells stand together take some 500 MB."""
READER_SECONDS = 120
"""Of processor time; the largest workbooks take some ten."""

_PROGRAM = Path(__file__).with_name("sheet.py")
_OUT_OF_BOUNDS = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGXCPU}
_SAMPLE = 100
_EXACT_INTEGERS = 2.0**53
_CONTROLS = ("excel", "ods")


@contextmanager
def open_workbook(path: Path, reading: Reading) -> Iterator[Table]:
    _check_size(path)
    dialect = reading.frictionless_dialect()
    controls = [dialect.get_control(name) for name in _CONTROLS if dialect.has_control(name)]
    wanted, stringified = _options(controls[0]) if controls else (1, False)
    with _reader(path, wanted) as program:
        rows = _rows(program, path, wanted)
        if stringified:
            rows = ([None if cell is None else str(cell) for cell in row] for row in rows)
        sample = list(islice(rows, _SAMPLE))
        if not sample:
            raise DeliveryError("empty-delivery")
        labels = header_of(dialect, sample)
        yield Table(labels, dialect.read_enumerated_content_stream(chain(sample, rows)))


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


def _options(control: Control) -> tuple[str | int, bool]:
    """Give a control's sheet, and whether all cells are to be texts.

    Raises ConfigurationError for an option that cannot be had.
    """
    stated = control.to_descriptor()
    sheet: str | int = stated.pop("sheet", 1)
    stringified = bool(stated.pop("stringified", False))
    stated.pop("type", None)
    if any(stated.values()):
        options = ", ".join(name for name, value in stated.items() if value)
        raise ConfigurationError("wrong-dialect", reason=f"{options}: not supported for workbooks")
    return sheet, stringified


@contextmanager
def _reader(path: Path, wanted: str | int) -> Iterator[subprocess.Popen[bytes]]:
    limits = (str(READER_MEMORY), str(READER_SECONDS))
    with subprocess.Popen(  # noqa: S603 - our own program, and a file that we named
        [sys.executable, "-P", str(_PROGRAM), str(path), orjson.dumps(wanted).decode(), *limits],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is meant for the service
    ) as program:
        try:
            yield program
        finally:
            program.kill()


def _rows(program: subprocess.Popen[bytes], path: Path, wanted: str | int) -> Iterator[list[Any]]:
    """Give all rows from the sheet's first; the library leaves out empty columns at the left."""
    if program.stdout is None:
        raise AssertionError
    left: list[None] = []
    while (line := _line(program, program.stdout)) is not None:
        if isinstance(line, list):
            yield [*left, *map(_cell, line)]
        elif "error" in line:
            raise _refusal(path, line["kind"], line["error"], wanted)
        else:
            left = [None] * line["left"]


def _line(program: subprocess.Popen[bytes], stream: IO[bytes]) -> Any:
    line = stream.readline()
    if line.endswith(b"\n"):
        return orjson.loads(line)
    if (code := program.wait()) in _OUT_OF_BOUNDS:
        raise _out_of_bounds()
    raise RuntimeError(f"the program that reads workbooks ended with {code}")


def _refusal(path: Path, kind: str, reason: str, wanted: str | int) -> DeliveryError:
    if kind == "memory":
        return _out_of_bounds()
    if kind == "missing-sheet":
        return DeliveryError("missing-sheet", sheet=wanted, sheets=reason)
    refuse_page(path)
    return DeliveryError("unreadable-workbook", reason=reason)


def _out_of_bounds() -> DeliveryError:
    return DeliveryError("workbook-out-of-bounds", max_bytes=READER_MEMORY, seconds=READER_SECONDS)


def _cell(cell: Any) -> Any:
    if cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT_INTEGERS:
        return int(cell)  # a sheet has only floats; Frictionless' library reads 5 as 5
    cell = revived(cell)
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime.combine(cell, time())
    return cell
