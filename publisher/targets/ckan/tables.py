"""One table in CKAN's DataStore, brought to a version by as little as will do.

A table is never emptied: what differs is corrected where it stands. `marker` says how far it
is. Two rules keep rows of different versions apart:

- a delta that was cut off is sent again, identically, before anything newer, so that a row of a
  half-sent version cannot stay behind;
- a request that was given up may be carried out late. What it holds is sent again at once, and
  nothing newer until the site must have dropped it (the target's ``late``): whenever it comes,
  it finds its own values.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from publisher.engine import Connection
from publisher.errors import TargetError, TargetUnavailableError
from publisher.targets.base import Difference
from publisher.targets.ckan import columns
from publisher.targets.ckan.client import CONNECTIONS, CkanClient, Doubts
from publisher.targets.ckan.compare import Comparison, comparing
from publisher.targets.ckan.marker import Held, Key, Mark, Marker
from publisher.targets.snapshot import PinnedTable, Snapshot
from publisher.targets.spool import Pages

CHUNK = 5_000
_DELETE_CHUNK = 1_000
_MOST_REFUSED = 1_000
_DUMP_BYTES, _ROW_BYTES = 100_000_000, 4_096  # more is no table of so many rows
_DUMP_SECONDS, _DUMP_ROWS_PER_SECOND = 300.0, 1_000  # CKAN 2.11 gives 4,000 rows a second


@dataclass(frozen=True, slots=True)
class Pace:
    """What is known of the site, and who is told how far things are."""

    late: timedelta
    """After which a request that was given up is carried out no more."""
    sent: Callable[[str, int], None]
    """Is told of each table's rows as they have arrived."""


class DataStoreTable:
    """A table of the snapshot, and the DataStore table that holds it in a resource."""

    def __init__(
        self,
        client: CkanClient,
        snapshot: Snapshot,
        table: PinnedTable,
        resource: str,
        pace: Pace,
    ) -> None:
        self._client = client
        self._snapshot = snapshot
        self._table = table
        self.resource = resource
        self._pace = pace
        self._key = columns.key(table)
        self._records = columns.records(table)
        self._mark = Mark(table.version, table.state.committed_at.isoformat())
        self._doubts = Doubts()
        self._made = False
        """By this very process: nobody else has a request under way."""
        self._refused: set[Key] = set()
        self.reasons: list[str] = []
        """Why CKAN refused rows; the first few."""

    @property
    def name(self) -> str:
        return self._table.name

    @property
    def refused(self) -> int:
        """Rows that CKAN does not take."""
        return len(self._refused)

    async def look(self) -> Held | None:
        """Give what answers under the resource's id; it may belong to another resource."""
        info = await self._client.find("datastore_info", id=self.resource)
        return None if info is None else Held.read(info)

    def fits(self, held: Held) -> bool:
        """Tell whether the table can become what is wanted by added and dropped columns alone."""
        wanted = self._types()
        return held.key == frozenset(self._key) and all(
            columns.same_type(wanted[name], type_)
            for name, type_ in held.types.items()
            if name in wanted
        )

    def differences(self, held: Held | None) -> list[Difference]:
        """Tell in what the table differs by what it says of itself; nothing: it is up to date."""
        name, wanted = self._table.name, self._types()
        if held is None:
            return [Difference(f"{name}.table", None, list(wanted))]
        if not self.fits(held) or held.types.keys() != wanted.keys():
            return [Difference(f"{name}.table", dict(held.types), wanted)]
        found = []
        marker = held.marker
        version = marker.at and marker.at.version
        if version != self._table.version or marker.upcoming is not None:
            found.append(Difference(f"{name}.version", version, self._table.version))
        elif marker.at is not None and marker.at != self._mark:
            found.append(Difference(f"{name}.committed", marker.at.committed, self._mark.committed))
        expected = self._table.state.rows - len(marker.refused)
        if held.rows != expected:
            found.append(Difference(f"{name}.rows", held.rows, expected))
        texts = {column["id"]: column["info"] for column in columns.columns(self._table, {})}
        if not found and _texts(held.infos) != _texts(texts):
            found.append(Difference(f"{name}.dictionary", _texts(held.infos), _texts(texts)))
        return found

    def surplus(self, held: Held) -> Collection[str]:
        """Give the columns there that are not to be shown."""
        return held.types.keys() - self._types().keys()

    @asynccontextmanager
    async def compared(self, held: Held) -> AsyncIterator[Comparison]:
        """Compare the rows themselves, of all that is held."""
        folder = self._snapshot.scratch()
        dump = folder.with_suffix(".csv")
        rows = max(held.rows, self._table.state.rows)
        try:
            await self._client.dump(
                self.resource,
                dump,
                most=_DUMP_BYTES + rows * _ROW_BYTES,
                seconds=_DUMP_SECONDS + rows / _DUMP_ROWS_PER_SECOND,
            )
            async with comparing(
                self._snapshot,
                self._table,
                dump,
                header=["_id", *held.types],
                refused=held.marker.refused,
            ) as comparison:
                yield comparison
        finally:
            await asyncio.to_thread(dump.unlink, missing_ok=True)

    # making

    async def in_one_call(self) -> list[dict[str, Any]] | None:
        """Give all rows; None where they are more than one call should carry."""
        if self._table.state.rows > CHUNK:
            return None
        found: list[dict[str, Any]] = []
        batches = self._all()
        async with aclosing(batches):
            async for batch in batches:
                if found:
                    return None
                found = await asyncio.to_thread(self._checked, batch)
        return found

    def _all(self) -> Pages:
        return self._snapshot.rows(self._table, CHUNK, columns=columns.wire(self._table))

    async def make(self, whole: list[dict[str, Any]] | None) -> None:
        """Make the table where there is none; *whole*: with all its rows."""
        self._made = True
        marker = Marker(upcoming=self._mark) if whole is None else Marker(at=self._mark)
        await self._write(
            "datastore_create",
            fields=columns.columns(self._table, marker.info()),
            primary_key=list(self._key),
            records=whole or [],
        )
        self._pace.sent(self._table.name, len(whole or ()))

    async def reshape(self, held: Held, *, aliases: Sequence[str]) -> Held:
        """Add and drop columns in place; what is known of the rows stays.

        Fields that may not be shown any more are gone with this one call.
        """
        surplus = self.surplus(held)
        added = self._types().keys() - held.types.keys()
        if not surplus and not added:
            return held
        marker = held.marker
        if marker.at is not None and await self._holds(added, marker.at.version):
            # Opened only now: the rows that are there lack what they hold, and no delta has it
            if marker.upcoming is not None:
                self._doubts.last = datetime.now(UTC)
            upcoming = self._mark if marker.upcoming == self._mark else None
            marker = replace(self._doubtful(marker), at=None, upcoming=upcoming)
        if surplus and aliases:
            # The alias is a view of all columns: none can go while it is there
            await self._write("datastore_create", aliases=[])
        shape: dict[str, Any] = {"delete_fields": True} if surplus else {}
        if aliases:
            shape["aliases"] = list(aliases)
        await self._write(
            "datastore_create",
            fields=columns.columns(self._table, marker.info()),
            **shape,
        )
        found = await self.look()
        if found is None:
            raise TargetError("ckan-missing", url=self._client.url, action="datastore_info")
        return found

    async def _holds(self, names: Collection[str], version: int) -> bool:
        """Tell whether rows of *version* or before have a value in one of the columns."""
        if not names:
            return False
        source, parameters = self._snapshot.relation(self._table)
        filled = " OR ".join(
            f"{columns.source(self._table, name)} IS NOT NULL" for name in sorted(names)
        )
        query = f"SELECT 1 FROM {source} WHERE _since <= ? AND ({filled}) LIMIT 1"  # noqa: S608

        def look(con: Connection) -> bool:
            return con.execute(query, [*parameters, version]).fetchone() is not None

        return await self._snapshot.run(look)

    # rows

    async def update(self, held: Held, *, thorough: bool = False) -> None:
        """Bring the rows to the snapshot's version; *held* has the wanted columns.

        With *thorough* the rows themselves are compared, whatever the marker says. Raises
        TargetUnavailableError ``ckan-settling`` where a newer version has to wait, TargetError
        ``ckan-differs`` where the table does not hold the rows afterwards.
        """
        marker = held.marker
        # A correction of the very version was cut off
        thorough = thorough or (marker.at is not None and marker.at == marker.upcoming)
        self._refused = set(marker.refused)
        if marker.at is not None and await self._reachable(marker.at, marker.upcoming):
            marker = await self._catch_up(marker, marker.at)
        else:
            marker = await self._load(held, marker)
        if await self._rows() != self._expected() or thorough:
            await self._correct(marker)
            counted = await self._rows()
            if counted != self._expected():
                raise TargetError(
                    "ckan-differs",
                    table=str(self._table.ref),
                    held=counted,
                    wanted=self._expected(),
                )
        done: Marker | None = None
        while done != (final := replace(self._doubtful(marker), at=self._mark, upcoming=None)):
            await self._describe(final)  # again, where this very call left a doubt
            done = final

    async def _reachable(self, held: Mark, upcoming: Mark | None) -> bool:
        """Tell whether the store can tell what changed since the version that is held."""
        until = upcoming or self._mark
        oldest, newest = self._table.state.oldest_version, self._table.version
        if not oldest <= held.version <= until.version <= newest:
            return False
        return await self._is_ours(held) and await self._is_ours(until)

    async def _is_ours(self, mark: Mark) -> bool:
        """Tell whether this store, and not one that was restored since, made the version."""
        committed = await self._snapshot.committed_at(self._table, mark.version)
        return committed is not None and committed.isoformat() == mark.committed

    async def _catch_up(self, marker: Marker, held: Mark) -> Marker:
        """Send the deltas that lead from the version held to the snapshot's."""
        if marker.upcoming is not None:
            interrupted = marker.upcoming
            marker = await self._delta(marker, held, interrupted)
            # Whoever was cut off may have left a request behind
            self._doubts.last = self._doubts.last or datetime.now(UTC)
            marker = self._doubtful(replace(marker, at=interrupted, upcoming=None))
            await self._describe(marker)
        if marker.at != self._mark:
            self._wait_for(marker)
            marker = await self._delta(marker, marker.at or held, self._mark)
        return marker

    async def _delta(self, marker: Marker, since: Mark, until: Mark) -> Marker:
        between = {"since": since.version, "until": until.version}
        marker = replace(marker, upcoming=until)
        await self._describe(marker)
        await self._delete(
            self._snapshot.removed(
                self._table, _DELETE_CHUNK, columns=columns.wire_key(self._table), **between
            )
        )
        await self._fill(
            self._snapshot.rows(self._table, CHUNK, columns=columns.wire(self._table), **between)
        )
        return self._doubtful(marker)

    async def _load(self, held: Held, marker: Marker) -> Marker:
        """Bring a table whose version tells nothing, or that is not whole yet, to this one."""
        if marker.upcoming is not None and not self._made and marker.settles is None:
            # Rows were on their way when it was cut off
            self._doubts.last = datetime.now(UTC)
            marker = self._doubtful(marker)
            await self._describe(marker)
        if marker.upcoming != self._mark:
            self._wait_for(marker)
        marker = Marker(upcoming=self._mark, settles=marker.settles)
        if held.marker != marker:
            await self._describe(marker)
        self._refused = set()
        if held.rows == 0:
            await self._fill(self._all(), empty=True)
            return self._doubtful(marker)
        return await self._correct(marker)

    async def _correct(self, marker: Marker) -> Marker:
        """Compare the rows one by one and put right those that differ."""
        held = await self.look()
        if held is None:
            raise TargetError("ckan-missing", url=self._client.url, action="datastore_info")
        async with self.compared(held) as comparison:
            if comparison.equal:
                return self._doubtful(marker)
            if await self.look() is None:
                # Dropped meanwhile: to describe it would make an empty one
                raise TargetError("ckan-missing", url=self._client.url, action="datastore_info")
            marker = replace(marker, upcoming=self._mark)
            await self._describe(marker)
            surplus = comparison.to_delete(_DELETE_CHUNK)
            async with aclosing(surplus):
                async for batch in surplus:
                    await self._write_rows(
                        "datastore_records_delete",
                        filters={"_id": [row["_id"] for row in batch]},
                    )
            await self._fill(comparison.to_send(CHUNK))
        return self._doubtful(marker)

    def _wait_for(self, marker: Marker) -> None:
        """Raise TargetUnavailableError where nothing newer may be sent yet."""
        seconds = marker.settling()
        if seconds:
            error = TargetUnavailableError(
                "ckan-settling", table=str(self._table.ref), seconds=round(seconds, 1)
            )
            error.retry_after = seconds
            raise error

    def _doubtful(self, marker: Marker) -> Marker:
        """Carry in the marker what this process knows: requests given up, rows refused."""
        settles = marker.settles
        if self._doubts.last is not None:
            settles = self._doubts.last + self._pace.late
        return replace(marker, settles=settles, refused=frozenset(self._refused))

    async def _describe(self, marker: Marker) -> None:
        await self._write("datastore_create", fields=columns.columns(self._table, marker.info()))

    async def _fill(self, batches: Pages, *, empty: bool = False) -> None:
        """Send rows over every connection at once; their keys differ, so their order is free."""
        sending: set[asyncio.Task[None]] = set()
        try:
            async with aclosing(batches):
                async for batch in batches:
                    records = await asyncio.to_thread(self._checked, batch)
                    if len(sending) == CONNECTIONS:
                        done, sending = await asyncio.wait(
                            sending, return_when=asyncio.FIRST_COMPLETED
                        )
                        for task in done:
                            task.result()
                    sending.add(asyncio.create_task(self._send(records, empty=empty)))
            for task in sending:
                await task
        finally:
            # A call under way comes to its end before anything newer is sent
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)

    async def _send(self, records: list[dict[str, Any]], *, empty: bool) -> None:
        """Send one chunk; into an *empty* table by insert, which is several times faster."""
        if empty:
            try:
                await self._write_rows(
                    "datastore_upsert", repeatable=False, method="insert", records=records
                )
            except TargetUnavailableError:
                pass  # it may have been taken or not: an upsert is right either way
            except TargetError as error:
                if error.code not in {"ckan-rejected", "ckan-too-large"}:
                    raise
            else:
                self._pace.sent(self._table.name, len(records))
                return
        await self._upsert(records)

    async def _upsert(self, records: list[dict[str, Any]]) -> None:
        """Send rows, without those that CKAN refuses."""
        while records:
            try:
                await self._write_rows("datastore_upsert", method="upsert", records=records)
            except TargetError as error:
                timed_out = error.code == "ckan-timeout"
                if (timed_out or error.code == "ckan-too-large") and len(records) > 1:
                    middle = len(records) // 2
                    await self._upsert(records[:middle])
                    records = records[middle:]
                    continue
                row = _refused_row(error, len(records))
                if row is None or len(self._refused) >= _MOST_REFUSED:
                    raise
                self.reasons = [*self.reasons, str(error.params.get("faults"))][:3]
                await self._refuse(records[row])
                records = records[:row] + records[row + 1 :]
                continue
            if self._refused:
                self._refused -= {self._key_of(record) for record in records}
            self._pace.sent(self._table.name, len(records))
            return

    async def _refuse(self, record: Mapping[str, Any]) -> None:
        """Leave a row out that CKAN does not take; an older one of its key must not stay."""
        self._refused.add(self._key_of(record))
        try:
            await self._write_rows(
                "datastore_records_delete", filters={name: record[name] for name in self._key}
            )
        except TargetError as error:
            if error.code != "ckan-rejected":
                raise  # a key that no row there can have

    async def _delete(self, batches: Pages) -> None:
        """Delete rows by key. Lists on two columns multiply, so only one column gets a list."""
        async with aclosing(batches):
            async for batch in batches:
                keys = self._records(batch)
                self._refused -= {self._key_of(record) for record in keys}
                listed = max(self._key, key=lambda name: len({row[name] for row in keys}))
                groups: dict[Key, list[Any]] = {}
                others = [name for name in self._key if name != listed]
                for record in keys:
                    values = tuple(record[name] for name in others)
                    groups.setdefault(values, []).append(record[listed])
                for values, items in groups.items():
                    filters = {**dict(zip(others, values, strict=True)), listed: items}
                    await self._write_rows("datastore_records_delete", filters=filters)

    def _checked(self, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
        records = self._records(batch)
        for name in self._key:
            if any(record[name] is None for record in records):
                # CKAN would take such a row anew each time it is sent.
                raise TargetError("ckan-null-key", table=str(self._table.ref), field=name)
        return records

    def _key_of(self, record: Mapping[str, Any]) -> Key:
        return tuple(record[name] for name in self._key)

    async def _rows(self) -> int:
        held = await self.look()
        return 0 if held is None else held.rows

    def _expected(self) -> int:
        return self._table.state.rows - len(self._refused)

    async def _write_rows(self, action: str, *, repeatable: bool = True, **parameters: Any) -> None:
        await self._write(action, repeatable=repeatable, calculate_record_count=False, **parameters)

    async def _write(self, action: str, *, repeatable: bool = True, **parameters: Any) -> None:
        await self._client.call(
            action,
            repeatable=repeatable,
            doubts=self._doubts,
            resource_id=self.resource,
            **parameters,
        )

    def _types(self) -> dict[str, str]:
        return {column["id"]: column["type"] for column in columns.columns(self._table, {})}


def _refused_row(error: TargetError, sent: int) -> int | None:
    """Give which of the rows *sent* by upsert CKAN did not take, counted from 0."""
    row = error.facts.get("records_row")
    if error.code != "ckan-rejected" or "records" not in error.facts:
        return None
    return row if isinstance(row, int) and 0 <= row < sent else None


def _texts(infos: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {
        column: {name: text for name, text in info.items() if not name.startswith(columns.OURS)}
        for column, info in infos.items()
    }
