"""A table's versions as they are committed: a page of them, or a stream of events.

Events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from contextlib import suppress

import orjson
from aiohttp import web

from publisher.api import answers
from publisher.api.negotiation import NEVER, accepts
from publisher.api.parts import Call
from publisher.api.replies import first, page_size, reply, url_of
from publisher.engine import Connection
from publisher.errors import GoneError, NotFoundError
from publisher.model.catalog import TableEntry
from publisher.query.parameters import Parameter
from publisher.query.values import read_count
from publisher.store import Version

EVENTS = "text/event-stream"
SINCE = Parameter(
    "since",
    "Give the versions after this one. Default: all that are kept; of a stream, those to come."
    " 410 once its history is gone.",
    {"type": "integer", "minimum": 0},
    0,
)
_LAST = "Last-Event-ID"
_MOST_VERSION = 2**62
_HEARTBEAT_SECONDS = 15.0
_RETRY_MILLISECONDS = 5_000


def described(version: Version) -> answers.VersionAnswer:
    times = None
    if version.first is not None and version.last is not None:
        times = answers.TimeSpan(first=version.first, last=version.last)
    return answers.VersionAnswer(
        version=version.version,
        committed_at=version.committed_at,
        rows=answers.ChangedRows(
            total=version.total,
            new=version.new,
            corrected=version.corrected,
            removed=version.removed,
        ),
        time=times,
    )


def written(version: Version) -> bytes:
    """Give a version as the data of an event."""
    return orjson.dumps(described(version).model_dump(mode="json", by_alias=True))


async def get_changes(call: Call) -> web.StreamResponse:
    entry = call.entry()
    since = None
    if "since" in call.stated:
        since = read_count("since", call.stated["since"], 0, _MOST_VERSION)
    if accepts(call.request, EVENTS, "application/json") == EVENTS:
        last = call.request.headers.get(_LAST)
        if last:
            since = read_count(_LAST, last, 0, _MOST_VERSION)
        return await _stream(call, entry, since)
    size = page_size(call)
    newest, oldest = await _known(call, entry, since)
    after = max(0, oldest - 1) if since is None else since

    def read(con: Connection) -> list[Version]:
        return call.parts.store.versions_after(con, entry.ref, after, most=size + 1)

    shown, more = first(await call.read(read), size)
    next_url = None
    if more:
        kept = [(name, it) for name, it in call.pairs if name != "since"]
        next_url = url_of(call, [*kept, ("since", str(shown[-1].version))])
    found = answers.Changes(data=tuple(map(described, shown)), next=next_url, version=newest)
    return reply(call, found, next_url=next_url)


async def _known(call: Call, entry: TableEntry, since: int | None) -> tuple[int, int]:
    """Give the newest and the oldest version that is kept, having looked for that of *since*."""
    state = await call.read(lambda con: call.parts.store.state(con, entry.ref))
    newest, oldest = (state.version, state.oldest_version) if state else (0, 1)
    if since is not None and since > newest:
        raise NotFoundError("unknown-version", table=str(entry.ref), version=since, newest=newest)
    if since is not None and since + 1 < oldest:
        raise GoneError("version-gone", table=str(entry.ref), oldest=oldest)
    return newest, oldest


async def _stream(call: Call, entry: TableEntry, since: int | None) -> web.StreamResponse:
    newest, _ = await _known(call, entry, since)
    told = newest if since is None else since
    with call.commits.listening(entry.ref, newest) as after:
        headers = {"Cache-Control": NEVER, "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers={**headers, "Content-Type": EVENTS})
        await response.prepare(call.request)
        with suppress(ConnectionResetError):  # the caller left
            await response.write(b"retry: %d\n\n" % _RETRY_MILLISECONDS)
            while (events := await after(told, _HEARTBEAT_SECONDS)) is not None:
                if not call.still_public(entry):
                    break
                # A comment keeps what stands between from closing an idle connection
                await response.write(b"".join(event.frame for event in events) or b":\n\n")
                told = events[-1].version if events else told
    return response
