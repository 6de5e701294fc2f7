"""Files as they lie on disk, with ranges and tags (RFC 9110, sections 13 and 14)."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter


async def send(request: web.Request, file: Path, headers: Mapping[str, str]) -> web.FileResponse:
    """Answer with a file, or with the part of it that is asked for."""
    kind = _Whole if await _is_another(request, file) else web.FileResponse
    return kind(file, headers=headers)


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
