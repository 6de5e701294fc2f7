"""The bulk files that the folder target wrote, as they lie there."""

import asyncio
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from publisher.api.negotiation import BRIEF
from publisher.api.parts import Call
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
    kind = web.FileResponse
    if await _is_another(call.request, found):
        kind = _Whole
    headers = {"Cache-Control": BRIEF, "Content-Type": _TYPES.get(found.suffix, "application/json")}
    return kind(found, headers=headers)


class _Whole(web.FileResponse):
    """The whole file, though a range was asked for: of a file that is another by now."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        whole = {name: it for name, it in request.headers.items() if name.lower() != "range"}
        return await super().prepare(request.clone(headers=whole))


async def _is_another(request: web.Request, file: Path) -> bool:
    """Tell whether a resumed download is of another file (RFC 9110, section 13.1.5).

    aiohttp looks at dates alone there; its tags are made of the time and the size.
    """
    stated = request.headers.get("If-Range", "")
    if not stated.endswith('"'):
        return False
    status = await asyncio.to_thread(file.stat)
    return stated != f'"{status.st_mtime_ns:x}-{status.st_size:x}"'


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
