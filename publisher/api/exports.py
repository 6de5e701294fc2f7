"""Everything of a table that matches, as a file, and the manifest that proves it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from publisher.api.negotiation import BRIEF, IMMUTABLE, form_of, media_type
from publisher.api.parts import Call
from publisher.api.replies import reply_json, url_of
from publisher.api.sending import send
from publisher.api.spool import Kept
from publisher.engine import Connection
from publisher.query import Prepared, files, prepare
from publisher.query.parameters import Form
from publisher.query.times import fault

_WRITING = 1
"""Part of every export's name: to be raised when the same rows are written in other bytes."""
_PREFERRED: tuple[Form, ...] = ("csv", "ndjson", "parquet", "xlsx", "json", "geojson")
_FRACTION = 1_000_000


@dataclass(frozen=True, slots=True)
class _Export:
    prepared: Prepared
    form: Form
    kept: Kept

    @property
    def fixed(self) -> bool:
        """Whether the address gives the same for ever."""
        return self.prepared.fixed


async def get_export(call: Call) -> web.StreamResponse:
    export = await _made(call)
    query, form = export.prepared.query, export.form
    name = f"{query.table.dataset}-{query.table.table}-{query.version}.{form}"
    headers = {
        "Content-Type": media_type(form),
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": IMMUTABLE if export.fixed else BRIEF,
        "Vary": "Accept",
        "X-Table-Version": str(query.version),
        "Link": f'<{_address(call, export, manifest=True)}>; rel="describedby"',
    }
    return await send(call.request, export.kept.file, headers)


async def get_manifest(call: Call) -> web.Response:
    export = await _made(call)
    content = {**export.kept.manifest, "url": _address(call, export, manifest=False)}
    return reply_json(call, content, cache=IMMUTABLE if export.fixed else BRIEF)


def _address(call: Call, export: _Export, *, manifest: bool) -> str:
    """Give the address of just this export, or of its manifest, for ever."""
    fixed = export.prepared.asked.fixed_time
    kept = [
        (name, fixed if name == "time" and fixed else value)
        for name, value in call.pairs
        if name not in {"as_of", "version", "f"}
    ]
    pinned = [*kept, ("version", str(export.prepared.query.version)), ("f", export.form)]
    here = url_of(call, pinned)
    head, mark, query = here.partition("?")
    head = head.removesuffix("/manifest") + ("/manifest" if manifest else "")
    return head + mark + query


async def _made(call: Call) -> _Export:
    entry = call.entry()
    form = form_of(call.request, dict(call.pairs).get("f"), _PREFERRED)
    now = datetime.now(UTC)
    store, engine, settings = call.parts.store, call.parts.engine, call.parts.settings

    def settle(con: Connection) -> tuple[Prepared, datetime | None]:
        ready = prepare(
            con,
            store,
            entry,
            call.pairs,
            signer=call.signer,
            now=now,
            kind="export",
            others=call.other,
        )
        if form == "geojson" and ready.query.place is None:
            raise fault("no-place-fields", "f", form)
        return ready, store.committed_at(con, entry.ref, ready.query.version)

    prepared, committed = await call.read(settle)
    shown = [(field.name, field.type, field.decimal) for field in prepared.shown]
    key = call.signer.etag(_WRITING, prepared.query, prepared.asked.style, form, shown)
    # The fraction tells files of one version and size apart
    seconds = int(committed.timestamp()) if committed else 0
    moment = seconds + int(key[:8], 16) % _FRACTION / _FRACTION

    async def make(file: Path) -> Mapping[str, Any]:
        began = time.monotonic()

        def write(con: Connection) -> Mapping[str, Any]:
            nonlocal began
            began = time.monotonic()
            written = files.write(con, store, prepared, form, file)
            return files.manifest(con, store, prepared, form, written)

        manifest = await engine.run(write, lane="export", timeout=settings.export_timeout)
        call.caller.charge(time.monotonic() - began, manifest["rows"])
        return manifest

    kept = await call.spool.get(f"{key}.{form}", moment, make)
    return _Export(prepared, form, kept)
