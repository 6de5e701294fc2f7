"""Who holds a data folder: one process at a time, known even to a process that just died."""

import errno
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from publisher.errors import (
    ConfigurationError,
    PublisherError,
    StorageFullError,
    StoreError,
    is_full,
)

HolderKind = Literal["serve", "command"]


class Lock:
    """The lock on ``<data>/lock``; the kernel lets go of it when the process ends, however."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(cls, data: Path, kind: HolderKind) -> "Lock | None":
        """Hold *data*, which is made where it is missing; None where another process does.

        Raises ConfigurationError where it is a file, StoreError where it cannot be written.
        """
        try:
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unusable(data, error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        try:
            os.ftruncate(fd, 0)
            os.write(fd, f"{kind} {os.getpid()}\n".encode())
        except OSError as error:
            os.close(fd)
            raise unusable(data, error) from error
        return cls(fd)

    @staticmethod
    def holder(data: Path) -> tuple[str, str]:
        """Give the kind and process id that the holder wrote down; empty where it had no time."""
        try:
            kind, _, pid = (data / "lock").read_text(encoding="ascii").strip().partition(" ")
        except OSError:
            return "", ""
        return kind, pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)


def unusable(data: Path, error: OSError) -> PublisherError:
    if error.errno in {errno.EEXIST, errno.ENOTDIR}:
        return ConfigurationError("data-is-a-file", path=str(data))
    if is_full(error):
        return StorageFullError("storage-full")
    return StoreError("data-folder-unusable", path=str(data), reason=error.strerror or "")
