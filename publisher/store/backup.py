"""A whole, consistent copy of a data folder while it is served, and the way back.

    <backup>/manifest.json     formats, versions, and the SHA-256 of every file
    <backup>/data/             the data folder: store, landing, published files, keys

Both ways everything is written aside and renamed into place at the end: a backup or a restored
folder is there whole or not at all. A data folder may be a mount or have a parent that is not
ours to write, so a restore builds inside it; while ``.restore.partial`` is there, nobody uses it.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version as installed
from pathlib import Path, PurePosixPath

import orjson
from pydantic import ValidationError

from publisher.engine import Connection
from publisher.errors import StorageFullError, StoreError, StoreFormatError, UsageError, is_full
from publisher.landing import Landing
from publisher.model.base import Model
from publisher.store.formats import FORMAT, RESTORING, read_format
from publisher.store.snapshot import copy_database

MANIFEST = "manifest.json"
STORE = "store.duckdb"

_OF_THE_PROCESS = frozenset({"lock", "control.sock", "work"})
"""What belongs to the process that holds a data folder, at its top."""
_UNFINISHED = "partial"
"""Folders of this name hold what is being written."""
_BLOCK = 1 << 20


class FileRecord(Model):
    bytes: int
    sha256: str


class Manifest(Model):
    """What a backup holds."""

    publisher: str
    """The version that made it."""
    format: int
    """Of the store."""
    made_at: datetime
    tables: Mapping[str, int]
    """Version by ``dataset/table``."""
    files: Mapping[str, FileRecord]
    links: Mapping[str, str] = {}
    """Symbolic links and where they lead."""


@dataclass(frozen=True, slots=True)
class _Found:
    files: Mapping[str, Path]
    links: Mapping[str, str]


def backup(con: Connection, data: Path, target: Path, *, landing: Landing) -> Manifest:
    """Copy the store and everything else in *data* to the new folder *target*.

    What is landed is taken before and after the store's instant, and *landing* keeps its
    entries until then: a delivery that the copied store has not processed is in the backup as
    pending, one that it has processed is known by it. Raises UsageError where *target* is not
    empty, StorageFullError and StoreError.
    """
    _refuse_full(target)
    with _explained(target), _aside(target) as building:
        folder = building / "data"
        folder.mkdir(mode=0o700)
        with landing.keeping_entries():
            _take_along(data, folder)
            tables = copy_database(con, folder / STORE)
            _take_along(data, folder)
        found = _walk(folder)
        manifest = Manifest(
            publisher=installed("publisher"),
            format=read_format(con) or FORMAT,
            made_at=datetime.now(UTC),
            tables=tables,
            files={name: _record(path) for name, path in sorted(found.files.items())},
            links=found.links,
        )
        text = orjson.dumps(manifest.descriptor(), option=orjson.OPT_INDENT_2)
        _write(building / MANIFEST, text)
    return manifest


def restore(source: Path, data: Path) -> Manifest:
    """Make the data folder *data* from the backup in *source*.

    Every file is compared with the manifest on the way. Raises UsageError where *data* is not
    empty or *source* is no backup, StoreFormatError for a newer format, StoreError
    ``backup-damaged``; *data* is as it was then. What a restore that was killed left behind is
    done away with.
    """
    manifest = read_manifest(source)
    if manifest.format > FORMAT:
        raise StoreFormatError("store-format-newer", found=manifest.format, known=FORMAT)
    if not (data / RESTORING).exists():
        _refuse_full(data)
    with _explained(data), _within(data) as building:
        for name, record in manifest.files.items():
            place = building / _inside(name)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                copied = _copy(source / "data" / name, place)
            except FileNotFoundError:
                copied = None
            if copied != record:
                raise StoreError("backup-damaged", file=name)
        for name, leads_to in manifest.links.items():
            place = building / _inside(name)
            _inside(os.path.normpath(PurePosixPath(name).parent / leads_to))
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.symlink_to(leads_to)
    return manifest


def read_manifest(source: Path) -> Manifest:
    """Raise UsageError where *source* holds no backup, StoreError where it cannot be read."""
    try:
        return Manifest.model_validate_json((source / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError("backup-missing", path=str(source)) from None
    except (ValidationError, OSError) as error:
        raise StoreError("backup-damaged", file=MANIFEST) from error


# the whole or nothing


@contextmanager
def _aside(final: Path) -> Iterator[Path]:
    """Give a folder beside *final* that takes its place once all is done and on disk."""
    building = final.absolute().with_name(f".{final.absolute().name}.partial")
    building.parent.mkdir(parents=True, exist_ok=True)
    if building.exists():
        shutil.rmtree(building)  # of a process that was killed
    building.mkdir(mode=0o700)
    try:
        yield building
        _sync_folders(building)
        building.rename(final)  # takes the place of an empty folder, of no other
        _sync(building.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


@contextmanager
def _within(data: Path) -> Iterator[Path]:
    """Give a folder inside *data* whose content moves up, the store last, once it is on disk."""
    building = data / RESTORING
    made = not data.exists()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if building.exists():  # of a process that was killed: everything here is its own
        for child in data.iterdir():
            if child.name not in _OF_THE_PROCESS:
                _remove(child)
    building.mkdir(mode=0o700)
    try:
        yield building
    except BaseException:
        shutil.rmtree(data if made else building, ignore_errors=True)
        raise
    _sync_folders(building)
    for child in sorted(building.iterdir(), key=lambda child: child.name == STORE):
        child.rename(data / child.name)
    _sync(data)
    building.rmdir()
    _sync(data)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StorageFullError("storage-full") from error
        raise StoreError(
            "backup-unwritable", path=str(folder), reason=error.strerror or str(error)
        ) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _refuse_full(folder: Path) -> None:
    if folder.exists() and not (
        folder.is_dir() and {child.name for child in folder.iterdir()} <= _OF_THE_PROCESS
    ):
        raise UsageError("backup-not-empty", path=str(folder))


# files


def _walk(folder: Path) -> _Found:
    """Find what belongs to a data folder, by its name relative to it.

    Links below the top are the folder target's; at the top they are an administrator's way of
    spreading a data folder over disks, and are followed.
    """
    files: dict[str, Path] = {}
    links: dict[str, str] = {}
    for parent, folders, names in os.walk(folder, followlinks=True):
        top = parent == str(folder)
        inner = []
        for name in [*names, *folders]:
            path = Path(parent, name)
            relative = path.relative_to(folder).as_posix()
            if name == _UNFINISHED or (top and name in _OF_THE_PROCESS):
                continue
            if path.is_symlink() and not top:
                links[relative] = str(path.readlink())
            elif path.is_dir():
                inner.append(name)
            elif path.is_file():
                files[relative] = path
        folders[:] = inner
    return _Found(files, links)


def _take_along(data: Path, folder: Path) -> None:
    """Bring everything but the store itself from *data* to *folder*.

    What lies in folders is never changed in place, only replaced, so it is linked where the
    file system can; files at the top (keys, ids) are copied. What goes away meanwhile was not
    needed any more.
    """
    found = _walk(data)
    for name, path in found.files.items():
        place = folder / name
        if name.startswith("store.") or place.exists():
            continue
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            if "/" in name:
                _link(path, place)
            else:
                _copy(path, place)
        except FileNotFoundError:
            place.unlink(missing_ok=True)
    for name, leads_to in found.links.items():
        place = folder / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(leads_to)


def _link(path: Path, place: Path) -> None:
    try:
        os.link(path, place)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without links
        _copy(path, place)


def _copy(path: Path, place: Path) -> FileRecord:
    """Copy a file durably; give what was read."""
    digest, size = sha256(), 0
    with path.open("rb") as source, place.open("xb") as sink:
        os.fchmod(sink.fileno(), path.stat().st_mode & 0o777)
        while block := source.read(_BLOCK):
            digest.update(block)
            size += len(block)
            sink.write(block)
        sink.flush()
        os.fsync(sink.fileno())
    return FileRecord(bytes=size, sha256=digest.hexdigest())


def _record(path: Path) -> FileRecord:
    digest, size = sha256(), 0
    with path.open("rb") as source:
        while block := source.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return FileRecord(bytes=size, sha256=digest.hexdigest())


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as sink:
        sink.write(content)
        sink.flush()
        os.fsync(sink.fileno())


def _inside(name: str) -> str:
    """Give *name* where it stays inside the folder it is relative to; a backup may be forged."""
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise StoreError("backup-damaged", file=name)
    return name


def _sync_folders(folder: Path) -> None:
    for parent, _, _ in os.walk(folder):
        _sync(Path(parent))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
