"""Rows on their way into the engine: NDJSON files, loaded as temporary tables."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import orjson

from publisher.engine import Connection, identifier, literal
from publisher.errors import StorageFullError, is_full

_BUFFER = 1024 * 1024
_OBJECT_SIZE = 16 * 1024 * 1024  # the engine's own default
_SMALL_OBJECT = 1024 * 1024  # where no line is longer: its buffers would crowd tables out to disk


class Spool:
    """Writes one NDJSON file, and loads it."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.write = file.write
        """Takes one line of JSON, its line end included."""
        self._file = file
        self.longest = 0
        """Bytes of the longest line that was added."""
        self._added = 0

    def add(self, row: Mapping[str, Any]) -> None:
        line = dumped(row)
        self.longest = max(self.longest, len(line))
        self._added += len(line)
        self.write(line)

    def flush(self) -> None:
        self._file.flush()

    def load(
        self, con: Connection, table: str, columns: Mapping[str, str], select: str = "*"
    ) -> None:
        """Create the temporary *table*, of *columns* (name to SQL type, not there is NULL)."""
        self._file.flush()
        types = ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in columns.items())
        least = _SMALL_OBJECT if self._added == self._file.tell() else _OBJECT_SIZE
        size = max(least, self.longest + 1)
        con.execute(f"DROP TABLE IF EXISTS temp.{identifier(table)}")
        con.execute(
            f"CREATE TEMP TABLE {identifier(table)} AS SELECT {select} FROM read_json("  # noqa: S608
            f"{literal(str(self.path))}, format = 'newline_delimited', compression = 'none', "
            f"columns = {{{types}}}, maximum_object_size = {size})"
        )


@contextmanager
def scratch(work: Path) -> Iterator[Path]:
    """Give a folder under *work* that is gone afterwards; StorageFullError where it is too full."""
    try:
        work.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=work, prefix="judge-") as folder:
            yield Path(folder)
    except OSError as error:
        if is_full(error):
            raise StorageFullError("storage-full") from error
        raise


@contextmanager
def spool(folder: Path, name: str) -> Iterator[Spool]:
    path = folder / f"{name}.ndjson"
    with path.open("wb", buffering=_BUFFER) as file:
        yield Spool(path, file)


def dumped(row: Mapping[str, Any]) -> bytes:
    """Write one line; raw cells of Excel keep their type, odd text is shown with its escapes."""
    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_PASSTHROUGH_DATETIME
    try:
        return orjson.dumps(row, default=_tagged, option=options)
    except TypeError:
        return orjson.dumps(_spelled(row), default=_tagged, option=options)


def revived(cell: Any) -> Any:
    """Undo what `dumped` did to a typed cell."""
    if isinstance(cell, dict) and len(cell) == 1:
        (tag, value), *_ = cell.items()
        if tag in _REVIVE:
            return _REVIVE[tag](value)
    return cell


_REVIVE: dict[str, Callable[[Any], Any]] = {
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$seconds": lambda seconds: timedelta(seconds=seconds),
}


def _tagged(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, time):
        return {"$time": value.isoformat()}
    if isinstance(value, timedelta):
        return {"$seconds": value.total_seconds()}
    return str(value)


def _spelled(value: Any) -> Any:
    """Spell out what orjson refuses: lone surrogates, and integers beyond 64 bits as text.

    Readers hand on nothing that is nested deeper than this can follow.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_spelled(str(key)): _spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return str(value)
    return value
