"""What was fetched, in files: some outlast whoever lets go of them."""

import os
import shutil
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path


def linked(files: Sequence[Path], folder: Path) -> tuple[list[Path], int]:
    """Give the same files in *folder*, and their bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    made, size = [], 0
    for file in files:
        kept = folder / uuid.uuid4().hex
        try:
            os.link(file, kept)
        except FileNotFoundError:
            raise
        except OSError:  # not on this file system
            shutil.copyfile(file, kept)
        made.append(kept)
        size += kept.stat().st_size
    return made, size


def removed(folders: Iterable[Path]) -> None:
    """Remove the folders, and what files they hold."""
    for folder in folders:
        try:
            with os.scandir(folder) as files:
                for file in files:
                    os.unlink(file)  # noqa: PTH108 - a path for each takes longer than the call
            folder.rmdir()
        except OSError:  # somebody still writes to it
            shutil.rmtree(folder, ignore_errors=True)
