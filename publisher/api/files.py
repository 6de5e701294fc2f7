"""The bulk files that the folder target wrote, as they lie there."""

import asyncio
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
from aiohttp import web

from publisher.api.negotiation import BRIEF
from publisher.api.parts import Call
from publisher.api.sending import send
from publisher.errors import NotFoundError
from publisher.targets.facts import MEDIA_TYPES

_DESCRIPTOR = "datapackage.json"
_TYPES = {f".{name}": media_type for name, media_type in MEDIA_TYPES.items()}
_SHOWN = 200


async def get_published(call: Call) -> web.StreamResponse:
    """Give a file of the package in use: only what its descriptor names, with ranges and tags."""
    dataset = call.dataset()
    name = call.path("file")
    found = None
    if "folder" in dataset.targets:
        home = call.parts.settings.published_path / dataset.name
        found = await asyncio.to_thread(_file, home, name)
    if found is None:
        raise NotFoundError("file-not-found", dataset=dataset.name, file=name[:_SHOWN])
    headers = {"Cache-Control": BRIEF, "Content-Type": _TYPES.get(found.suffix, "application/json")}
    return await send(call.request, found, headers)


def _file(home: Path, name: str) -> Path | None:
    """Find the file in the package that is in use now; another may be a moment later."""
    try:
        package = home.resolve(strict=True)
        descriptor: dict[str, Any] = orjson.loads((package / _DESCRIPTOR).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    named = {_DESCRIPTOR, *(str(file.get("path")) for file in descriptor.get("resources", ()))}
    wanted = str(PurePosixPath(name))
    if wanted not in named or not (package / wanted).is_file():
        return None
    return package / wanted
