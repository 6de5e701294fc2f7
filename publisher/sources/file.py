"""Source ``file``: a path, a glob or a directory on this machine or a mounted share."""

import asyncio
import errno
import fnmatch
import glob
import os
import stat
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import structlog

from publisher.errors import DeliveryError, SourceError, SourceUnavailableError
from publisher.landing import Details, Offer, readable
from publisher.model.dataset import FileSource as FileSpec
from publisher.model.run import Problem, Seen
from publisher.sources.base import SourceContext

log = structlog.get_logger(__name__)

_READ_BYTES = 1 << 20
_UNFINISHED = (".part", ".partial", ".filepart", ".crdownload", ".tmp", ".temp", ".swp", "~")
_READINGS = 3  # of one file that changes while it is read


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    origin: str
    mtime_ns: int
    size: int

    @property
    def cursor(self) -> dict[str, int]:
        return {"mtime_ns": self.mtime_ns, "size": self.size}


class FileSource:
    """Offers the files, older ones first, that are new or changed since they were settled."""

    def __init__(self, spec: FileSpec, context: SourceContext) -> None:
        self._spec = spec
        self._root = _plain(Path.cwd() / context.root)
        self._secrets = context.secrets
        self._cap = context.settings.max_delivery_bytes
        self._quiet = context.settings.file_quiet

    async def offers(self, seen: Mapping[str, Seen]) -> AsyncIterator[Offer]:
        problems: list[SourceError] = []
        for found in await asyncio.to_thread(self._find, problems):
            last = seen.get(found.origin)
            if last is not None and last.cursor == found.cursor:
                continue
            if not await self._has_settled(found):
                log.info("file left to the next run, it is being written", file=found.origin)
                continue
            try:
                handle = await asyncio.to_thread(self._open, found)
            except SourceError as problem:
                problems.append(problem)
                continue
            try:
                yield Offer(found.origin, _chunks(handle, found), _details(found))
            finally:
                os.close(handle)
        if len(problems) == 1:
            raise problems[0]
        if problems:
            raise SourceError(
                "files-unusable",
                count=len(problems),
                problems=[Problem.of(problem).descriptor() for problem in problems],
            )

    def _find(self, problems: list[SourceError]) -> list[_Found]:
        """List the files, oldest first, then by name; what cannot be used is told."""
        found = []
        for path in self._paths(problems):
            try:
                found.append(self._look(path))
            except SourceError as problem:
                problems.append(problem)
        return sorted(found, key=lambda it: (it.mtime_ns, it.origin))

    def _paths(self, problems: list[SourceError]) -> list[Path]:
        stated = self._secrets.expand(self._spec.path)
        path = _plain(self._root / stated)
        try:
            if not stat.S_ISDIR(path.stat().st_mode):
                return [path]
            base, candidates = path, list(path.iterdir())
        except OSError as error:
            if not isinstance(error, FileNotFoundError) or not glob.has_magic(stated):
                self._refuse(path, error)
            base, candidates = self._matching(stated)
        found = [
            it
            for it in candidates
            if not _is_unfinished(it) and not os.path.isdir(it)  # noqa: PTH112 - False if denied
        ]
        return self._inside(base, found, problems)

    def _matching(self, pattern: str) -> tuple[Path, list[Path]]:
        """Expand a glob; the folder it starts in must be there, or a lost mount goes unseen."""
        parts = Path(pattern).parts
        fixed = next(at for at, part in enumerate(parts) if glob.has_magic(part))
        base = _plain(self._root.joinpath(*parts[:fixed]))
        try:
            with os.scandir(base):
                return base, list(dict.fromkeys(_expanded(base, parts[fixed:])))
        except OSError as error:
            self._refuse(base, error)

    def _inside(self, base: Path, paths: list[Path], problems: list[SourceError]) -> list[Path]:
        """Leave out links to files that are there themselves, and refuse those that lead out.

        Whoever may write to an inbox could have any other file of this machine taken by a link.
        """
        folder = Path(os.path.realpath(base))
        found, taken = [], set()
        links: list[tuple[Path, Path]] = []
        for path in paths:
            real = Path(os.path.realpath(path))
            if path.is_relative_to(base) and real == folder / path.relative_to(base):
                found.append(path)
                taken.add(real)
            elif real.is_relative_to(folder):
                links.append((path, real))
            else:
                told = {"file": self._origin(path), "folder": self._origin(base)}
                problems.append(SourceError("file-outside", **told))
        for path, real in links:
            if real not in taken:
                found.append(path)
                taken.add(real)
        return found

    def _look(self, path: Path) -> _Found:
        try:
            now = path.stat()
        except OSError as error:
            self._refuse(path, error)
        if not stat.S_ISREG(now.st_mode):
            raise SourceError("file-special", file=self._origin(path))
        if now.st_size > self._cap:
            raise DeliveryError("too-large", origin=self._origin(path), limit=readable(self._cap))
        return _Found(path, self._origin(path), now.st_mtime_ns, now.st_size)

    async def _has_settled(self, found: _Found) -> bool:
        """Wait until the file has not changed for a while; False where it is growing."""
        age = time.time() - found.mtime_ns / 1e9
        if not 0 <= age < self._quiet:
            return True
        await asyncio.sleep(self._quiet - age)
        try:
            return await asyncio.to_thread(self._look, found.path) == found
        except SourceError:
            return False

    def _open(self, found: _Found) -> int:
        try:
            # Without waiting: a pipe that took the file's place must not hold the run.
            handle = os.open(found.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            self._refuse(found.path, error)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise SourceError("file-special", file=found.origin)
        return handle

    def _origin(self, path: Path) -> str:
        if path.is_relative_to(self._root):
            path = path.relative_to(self._root)
        return os.fsencode(path).decode("utf-8", "backslashreplace")

    def _refuse(self, path: Path, error: OSError) -> NoReturn:
        file = self._origin(path)
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            raise SourceError("file-missing", file=file) from error
        if error.errno in {errno.EACCES, errno.EPERM}:
            raise SourceError("file-denied", file=file) from error
        if error.errno == errno.ELOOP:
            raise SourceError("file-loop", file=file) from error
        raise SourceUnavailableError(
            "file-unreadable", file=file, reason=error.strerror or type(error).__name__
        ) from error


async def _chunks(handle: int, found: _Found) -> AsyncIterator[bytes | Details]:
    """Read the file; from the start again where it was changed meanwhile."""
    expected = found
    for _ in range(_READINGS):
        offset = 0
        while chunk := await asyncio.to_thread(_read, handle, offset, found.origin):
            offset += len(chunk)
            yield chunk
        now = await asyncio.to_thread(os.fstat, handle)
        after = _Found(found.path, found.origin, now.st_mtime_ns, now.st_size)
        if after == expected and offset == now.st_size:
            return
        expected = after
        yield _details(after)
    raise SourceUnavailableError("file-changing", file=found.origin)


def _read(handle: int, offset: int, origin: str) -> bytes:
    try:
        return os.pread(handle, _READ_BYTES, offset)
    except OSError as error:
        raise SourceUnavailableError(
            "file-unreadable", file=origin, reason=error.strerror or type(error).__name__
        ) from error


def _details(found: _Found) -> Details:
    modified_at = datetime.fromtimestamp(found.mtime_ns / 1e9, UTC)
    return Details(modified_at=modified_at, cursor=found.cursor)


def _plain(path: Path) -> Path:
    """Take ``..`` out of the path by its text; symbolic links keep their names."""
    return Path(os.path.normpath(path))


def _expanded(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    """Match as `glob` does, but ``**`` goes into no linked folder: it might never come back."""
    head, rest = parts[0], parts[1:]
    if head == "**":
        yield from _expanded(folder, rest or ("*",))
        for name in _names(folder, "*"):
            child = folder / name
            if child.is_dir() and not child.is_symlink():
                yield from _expanded(child, parts)
        return
    for name in _names(folder, head) if glob.has_magic(head) else [head]:
        path = folder / name
        if rest and os.path.isdir(path):  # noqa: PTH112 - False if denied
            yield from _expanded(path, rest)
        elif not rest and os.path.lexists(path):
            yield _plain(path)


def _names(folder: Path, pattern: str) -> list[str]:
    """Give what matches in a folder, nothing where it cannot be read; no hidden ones unasked."""
    try:
        found = fnmatch.filter(sorted(os.listdir(folder)), pattern)  # noqa: PTH208 - only names
    except OSError:
        return []
    return [name for name in found if not name.startswith(".") or pattern.startswith(".")]


def _is_unfinished(path: Path) -> bool:
    return path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED)
