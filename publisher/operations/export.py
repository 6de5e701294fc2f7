"""``publisher export``: everything of a table that matches, as a file with its manifest."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

import orjson

from publisher.errors import ParameterError, UsageError
from publisher.model.base import Model
from publisher.operations import select
from publisher.operations.base import Answer, Context, Operation, Progress

if TYPE_CHECKING:
    from publisher.app import Service
    from publisher.engine import Connection

Format = Literal["csv", "ndjson", "parquet", "xlsx", "json", "geojson"]


class Params(Model):
    table: str
    format: Format
    path: str
    """Absolute: the process that writes it may stand elsewhere."""
    query: str = ""
    """Conditions and the like, as in the URL of an export."""


class Exported(Answer):
    path: str
    manifest: Mapping[str, Any]
    """What stands in the file's ``.manifest.json``."""


async def _export(service: "Service", params: Params, context: Context) -> Exported:
    # Loaded by who holds the store alone, like everything else that needs the engine.
    from publisher.query import Signer, files, prepare  # noqa: PLC0415
    from publisher.query.times import fault  # noqa: PLC0415

    await service.reload()
    entry = select.table(service, params.table)
    try:
        pairs = parse_qsl(params.query, keep_blank_values=True, strict_parsing=bool(params.query))
    except ValueError:
        raise ParameterError("not-a-query", parameter="--query", value=params.query) from None
    file = Path(params.path)
    begun = file.with_name(f".{file.name}.partial")
    store, now = service.store, datetime.now(UTC)

    def write(con: "Connection") -> dict[str, Any]:
        ready = prepare(
            *(con, store, entry, pairs),
            signer=Signer(b""),
            now=now,
            kind="export",
            others=service.catalog_entry,
        )
        if params.format == "geojson" and ready.query.place is None:
            raise fault("no-place-fields", "f", params.format)
        written = files.write(con, store, ready, params.format, begun)
        return files.manifest(con, store, ready, params.format, written)

    context.emit(Progress(task=file.name))
    try:
        await asyncio.to_thread(begun.touch)  # the engine's own word for a wrong place says less
        manifest = await service.engine.run(write, lane="export")
        begun.replace(file)
        file.with_name(f"{file.name}.manifest.json").write_bytes(
            orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )
    except OSError as error:
        raise UsageError(
            "export-unwritable", path=str(file), reason=error.strerror or type(error).__name__
        ) from error
    finally:
        begun.unlink(missing_ok=True)
    context.emit(Progress(task=file.name, rows=manifest["rows"], done=True))
    return Exported(path=str(file), manifest=manifest)


EXPORT = Operation(Params, Exported, _export)
