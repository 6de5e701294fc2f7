"""Small files of the data folder that are made once and kept: the installation's id, its key."""

import errno
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from publisher.errors import StorageFullError, StoreError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def made_once(path: Path, make: Callable[[], bytes]) -> bytes:
    """Read the file, which *make* gives the content of when it is first asked for.

    It is for the service's own eyes (mode 0600), and there whole or not at all. Of two
    processes that make it at once, one wins and both read the same. Raises StorageFullError
    where the disk is full, StoreError where the folder cannot be used.
    """
    try:
        with suppress(FileNotFoundError):
            return path.read_bytes()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path, make())
        return path.read_bytes()
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError("storage-full") from error
        raise StoreError(
            "data-folder-unusable", path=str(path.parent), reason=error.strerror or ""
        ) from error


def _make(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)  # unlike a rename, it never takes another's place
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
