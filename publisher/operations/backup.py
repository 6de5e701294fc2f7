"""``publisher backup``: a whole, consistent copy, made while serving."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.errors import UsageError
from publisher.model.base import Model
from publisher.operations.base import Answer, Context, Operation, Progress

if TYPE_CHECKING:
    from publisher.app import Service
    from publisher.store.backup import Manifest


class Params(Model):
    path: str
    """Absolute: the process that makes the copy may stand elsewhere."""


class Copied(Answer):
    """A copy that was made, or brought back."""

    path: str
    format: int
    """Of the store."""
    made_at: datetime
    tables: int
    files: int
    bytes: int

    @classmethod
    def of(cls, path: str, manifest: "Manifest") -> "Copied":
        return cls(
            path=path,
            format=manifest.format,
            made_at=manifest.made_at,
            tables=len(manifest.tables),
            files=len(manifest.files),
            bytes=sum(file.bytes for file in manifest.files.values()),
        )


async def _backup(service: "Service", params: Params, context: Context) -> Copied:
    # Loaded by who holds the store alone, like everything else that needs the engine.
    from publisher.store.backup import backup  # noqa: PLC0415

    target = Path(params.path)
    data = service.settings.data.absolute()
    if target == data or data in target.parents:
        raise UsageError("backup-inside-data", path=str(target), data=str(data))
    context.emit(Progress(task=target.name))
    manifest = await service.engine.run(
        lambda con: backup(con, data, target, landing=service.landing)
    )
    context.emit(Progress(task=target.name, done=True))
    return Copied.of(str(target), manifest)


BACKUP = Operation(Params, Copied, _backup, repeatable=False)
