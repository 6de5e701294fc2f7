"""One table in CKAN's DataStore, brought to a version by as little as will do.

Every column's ``info`` carries where the table is: ``publisher_version``, and while rows are
under way ``publisher_upcoming``, the version they lead to. After a crash the same rows are sent
again before any newer ones, so that a row of a half-sent version cannot stay behind.

Beside each number stands when that version was committed. After a restore the store makes the
numbers that followed the backup a second time: rows of a version that is not this store's own
tell nothing, and the table is loaded anew.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NamedTuple

from publisher.errors import TargetError, TargetUnavailableError
from publisher.targets.base import Difference
from publisher.targets.ckan import mapping
from publisher.targets.ckan.client import CONNECTIONS, CkanClient
from publisher.targets.snapshot import PinnedTable, Snapshot

CHUNK = 5_000
_DELETE_CHUNK = 1_000
_VERSION, _UPCOMING = "publisher_version", "publisher_upcoming"
_COMMITTED = "_committed"  # behind either


class Mark(NamedTuple):
    """A version, and when it was committed: another may bear its number after a restore."""

    version: int
    committed: str

    def told_as(self, name: str) -> dict[str, str]:
        return {name: str(self.version), name + _COMMITTED: self.committed}


@dataclass(frozen=True, slots=True)
class Held:
    """What the DataStore has under a resource's id."""

    types: Mapping[str, str]
    infos: Mapping[str, Mapping[str, str]]
    key: frozenset[str]
    rows: int

    @property
    def mark(self) -> Mark | None:
        return self._mark(_VERSION)

    @property
    def upcoming(self) -> Mark | None:
        return self._mark(_UPCOMING)

    def _mark(self, name: str) -> Mark | None:
        info = next((info for info in self.infos.values() if name in info), {})
        text = info.get(name, "")
        return Mark(int(text), info.get(name + _COMMITTED, "")) if text.isdecimal() else None


class DataStoreTable:
    """A table of the snapshot and the DataStore table of the resource it is published as."""

    def __init__(
        self, client: CkanClient, snapshot: Snapshot, table: PinnedTable, resource: str
    ) -> None:
        self._client = client
        self._snapshot = snapshot
        self._table = table
        self._resource = resource
        self._key = mapping.key(table)
        self._record = mapping.record(table)
        self._mark = Mark(table.version, table.state.committed_at.isoformat())

    async def look(self) -> Held | None:
        info = await self._client.find("datastore_info", id=self._resource)
        if info is None:
            return None
        counted = await self._client.call(
            "datastore_search", resource_id=self._resource, limit=0, include_total=True
        )
        fields = info["fields"]
        return Held(
            types={field["id"]: field["type"] for field in fields},
            infos={field["id"]: field.get("info") or {} for field in fields},
            key=frozenset(
                field["id"] for field in fields if mapping.KEY in (field.get("info") or {})
            ),
            rows=counted["total"],
        )

    def differences(self, held: Held | None) -> list[Difference]:
        """Tell in what the DataStore differs; nothing where it is up to date."""
        table = self._table
        if held is None or not self._fits(held):
            before = None if held is None else sorted(held.types)
            after = [column["id"] for column in self._columns()]
            return [Difference(f"{table.name}.table", before, after)]
        found = []
        version = held.mark and held.mark.version
        if version != table.version or held.upcoming is not None:
            found.append(Difference(f"{table.name}.version", version, table.version))
        elif held.mark is not None and held.mark != self._mark:
            found.append(
                Difference(f"{table.name}.committed", held.mark.committed, self._mark.committed)
            )
        if held.rows != table.state.rows:
            found.append(Difference(f"{table.name}.rows", held.rows, table.state.rows))
        wanted = {column["id"]: column["info"] for column in self._columns()}
        if not found and held.infos != wanted:
            found.append(Difference(f"{table.name}.dictionary", _texts(held.infos), _texts(wanted)))
        return found

    async def update(self, held: Held | None) -> None:
        """Bring the DataStore table to the snapshot's version.

        Raises TargetError ``ckan-differs`` where it does not hold the rows afterwards.
        """
        if held is not None and not self._fits(held):
            # CKAN ignores a changed type in silence, so the table is made anew.
            await self._client.call("datastore_delete", resource_id=self._resource, force=True)
            held = None
        if held is None:
            await self._describe(self._empty(), new=True)
            await self._fill(self._snapshot.rows(self._table, CHUNK), empty=True)
        elif not await self._catch_up(held):
            await self._reload()
        if await self._count() != self._table.state.rows:
            await self._reload()
            counted = await self._count()
            if counted != self._table.state.rows:
                raise TargetError(
                    "ckan-differs",
                    table=str(self._table.ref),
                    held=counted,
                    wanted=self._table.state.rows,
                )
        await self._describe(self._mark.told_as(_VERSION))

    async def _catch_up(self, held: Held) -> bool:
        """Send what changed since the version held; False where that cannot be told any more."""
        table, now = self._table, held.mark
        upcoming = held.upcoming or self._mark
        oldest = table.state.oldest_version
        if now is None or not oldest <= now.version <= upcoming.version <= table.version:
            return False
        if not (await self._is_ours(now) and await self._is_ours(upcoming)):
            return False
        for until in sorted({upcoming, self._mark} - {now}):
            await self._describe(now.told_as(_VERSION) | until.told_as(_UPCOMING))
            between = {"since": now.version, "until": until.version}
            removed = self._snapshot.removed(table, _DELETE_CHUNK, **between)
            async with aclosing(removed):
                async for batch in removed:
                    await self._delete(batch)
            await self._fill(self._snapshot.rows(table, CHUNK, **between), empty=False)
            now = until
        return True

    async def _is_ours(self, mark: Mark) -> bool:
        """Tell whether this store, and not one that was restored since, made the version."""
        committed = await self._snapshot.committed_at(self._table, mark.version)
        return committed is not None and committed.isoformat() == mark.committed

    def _empty(self) -> dict[str, str]:
        return {_VERSION: ""} | self._mark.told_as(_UPCOMING)

    async def _reload(self) -> None:
        await self._describe(self._empty())
        await self._client.call(
            "datastore_records_delete",
            repeatable=True,
            resource_id=self._resource,
            filters={},
            calculate_record_count=False,
        )
        await self._fill(self._snapshot.rows(self._table, CHUNK), empty=True)

    async def _describe(self, marker: Mapping[str, str], *, new: bool = False) -> None:
        # Naming the key again would build its index again.
        key = {"primary_key": list(self._key)} if new else {}
        await self._client.call(
            "datastore_create",
            repeatable=True,
            resource_id=self._resource,
            fields=mapping.columns(self._table, marker),
            **key,
        )

    async def _fill(
        self, batches: AsyncGenerator[list[dict[str, Any]], None], *, empty: bool
    ) -> None:
        """Send rows over every connection at once; their keys differ, so their order is free."""
        sending: set[asyncio.Task[None]] = set()
        try:
            async for batch in batches:
                records = await asyncio.to_thread(self._records, batch)
                sending.add(asyncio.create_task(self._send(records, empty=empty)))
                if len(sending) == CONNECTIONS:
                    done, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
            for task in sending:
                await task
        finally:
            # A chunk under way comes to its end before anything newer is sent.
            await asyncio.gather(*sending, return_exceptions=True)

    async def _send(self, records: Sequence[dict[str, Any]], *, empty: bool) -> None:
        """Send one chunk; into an *empty* table by insert, which is several times faster."""
        chunk: dict[str, Any] = {
            "resource_id": self._resource,
            "records": records,
            "calculate_record_count": False,
        }
        if empty:
            try:
                await self._client.call("datastore_upsert", method="insert", **chunk)
            except TargetUnavailableError:
                pass  # it may have been taken or not: an upsert is right either way
            else:
                return
        await self._client.call("datastore_upsert", repeatable=True, method="upsert", **chunk)

    def _records(self, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
        records = [self._record(row) for row in batch]
        for name in self._key:
            if any(record[name] is None for record in records):
                # CKAN would take such a row anew each time it is sent.
                raise TargetError("ckan-null-key", table=str(self._table.ref), field=name)
        return records

    async def _delete(self, batch: list[dict[str, Any]]) -> None:
        """Delete rows by key. Lists on two columns multiply, so only one column gets a list."""
        keys = [self._record(row) for row in batch]
        listed = max(self._key, key=lambda name: len({record[name] for record in keys}))
        groups: dict[tuple[Any, ...], list[Any]] = {}
        others = [name for name in self._key if name != listed]
        for record in keys:
            groups.setdefault(tuple(record[name] for name in others), []).append(record[listed])
        for values, items in groups.items():
            await self._client.call(
                "datastore_records_delete",
                repeatable=True,
                resource_id=self._resource,
                filters={**dict(zip(others, values, strict=True)), listed: items},
                calculate_record_count=False,
            )

    async def _count(self) -> int:
        answer = await self._client.call(
            "datastore_search",
            repeatable=True,
            resource_id=self._resource,
            limit=0,
            include_total=True,
        )
        return int(answer["total"])

    def _columns(self) -> list[dict[str, Any]]:
        return mapping.columns(self._table, self._mark.told_as(_VERSION))

    def _fits(self, held: Held) -> bool:
        """Whether the table can become what is wanted by added columns alone."""
        wanted = {column["id"]: column["type"] for column in self._columns()}
        return (
            held.key == frozenset(self._key)
            and wanted.keys() >= held.types.keys()
            and all(mapping.same_type(wanted[name], type_) for name, type_ in held.types.items())
        )


def _texts(infos: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {
        column: {name: text for name, text in info.items() if not name.startswith(mapping.OURS)}
        for column, info in infos.items()
    }
