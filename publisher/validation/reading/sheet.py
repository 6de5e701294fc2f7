"""A program of its own: writes one sheet of a workbook to stdout, a row of JSON a line.

``python sheet.py FILE SHEET MEMORY SECONDS``, SHEET being a name or a number as JSON. The
library takes memory for every cell between the first and the last one of a sheet, so that two
cells far apart ask for more than there is, and it ends the process where that fails. It
therefore works here, under limits, and what ends is not the service. Imports nothing of
Publisher's: that would cost the time of its start for each workbook.

The first line is an object: ``left``, the columns left out at the left, or ``error`` with its
``kind``. The last is ``null``; where it is missing the program came to a bad end.
"""

import math
import resource
import signal
import sys
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import orjson
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, load_workbook

_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_PASSTHROUGH_DATETIME


def main(file: str, wanted: str, memory: str, seconds: str) -> None:
    _bound(int(memory), int(seconds))
    write = sys.stdout.buffer.write
    try:
        with load_workbook(file) as book:
            sheet = _sheet(book, orjson.loads(wanted))
            if sheet is None:
                return _refuse("missing-sheet", ", ".join(book.sheet_names))
            write(orjson.dumps({"left": sheet.start[1] if sheet.start else 0}, option=_OPTIONS))
            for row in sheet.iter_rows():
                line = orjson.dumps(row, default=_tagged, option=_OPTIONS)
                write(line if b"null" not in line else _spelled(row))
    except MemoryError:
        return _refuse("memory", "")
    except CalamineError as error:
        return _refuse("unreadable", str(error))
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # which has no name that can be imported
            raise
        return _refuse("unreadable", str(error))
    write(b"null\n")
    return None


def _spelled(row: list[Any]) -> bytes:
    """Write what is no finite number as a text, for JSON would make nothing of it."""
    cells = [
        str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in row
    ]
    return orjson.dumps(cells, default=_tagged, option=_OPTIONS)


def _tagged(cell: Any) -> Any:
    """Write what JSON does not have under a tag, as the spool of rows does."""
    for kind, tag in ((datetime, "$datetime"), (date, "$date"), (time, "$time")):
        if isinstance(cell, kind):
            return {tag: cell.isoformat()}
    if isinstance(cell, timedelta):
        return {"$seconds": cell.total_seconds()}
    return str(cell)


def _sheet(book: CalamineWorkbook, wanted: str | int) -> CalamineSheet | None:
    names = book.sheet_names
    if isinstance(wanted, str) and wanted in names:
        return book.get_sheet_by_name(wanted)
    if isinstance(wanted, int) and 1 <= wanted <= len(names):
        return book.get_sheet_by_index(wanted - 1)
    return None


def _refuse(kind: str, reason: str) -> None:
    line = orjson.dumps({"error": reason, "kind": kind}, option=_OPTIONS)
    sys.stdout.buffer.write(line)


def _bound(memory: int, seconds: int) -> None:
    # A service that is told to stop ends its harvests first, and so this
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):  # where memory runs out all the same, this goes and not the service
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    for limit, most, last in (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CPU, seconds, seconds + 5),  # SIGXCPU, which says why; then SIGKILL
        (resource.RLIMIT_CORE, 0, 0),
    ):
        with suppress(ValueError, OSError):  # not every system has each of them
            resource.setrlimit(limit, (most, last))


if __name__ == "__main__":
    main(*sys.argv[1:])
