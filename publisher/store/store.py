"""The store: tables, their versions and all state, in one database."""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import structlog

from publisher.engine import Connection, Engine, identifier
from publisher.model.catalog import TableEntry
from publisher.model.run import Delivery, Outcome, Problem, Rejection, Run, Seen
from publisher.model.schema import Schema
from publisher.model.table import QuarantinedRow, TableState
from publisher.model.values import TableRef
from publisher.store import (
    changes,
    compaction,
    formats,
    keys,
    layout,
    ledger,
    publications,
    quarantine,
    versions,
)
from publisher.store.commit import Commit, Committed, carry_out
from publisher.store.keys import ApiKey
from publisher.store.memory import Memory
from publisher.store.publications import Published
from publisher.store.quarantine import QuarantineCounts
from publisher.store.versions import Version

log = structlog.get_logger(__name__)
T = TypeVar("T")
Follower = Callable[[Connection, TableState, TableState], None]
"""Is told of a table as it was before a commit and as it is after."""


class Store:
    """What can be asked of and written to the store, each on the caller's connection.

    Writers of one table wait for each other here; readers never wait.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writers: defaultdict[TableRef, threading.Lock] = defaultdict(threading.Lock)
        self._states: Memory[TableState] = Memory(lasting=engine.exclusive)
        self._schemas: Memory[versions.Schemas] = Memory(lasting=engine.exclusive)
        self._moment = object()
        self._followers: list[Follower] = []

    @contextmanager
    def followed(self, follower: Follower) -> Iterator[None]:
        """Have *follower* called with every commit, before anyone is told of its version."""
        self._followers.append(follower)
        try:
            yield
        finally:
            self._followers.remove(follower)

    def prepare(self, con: Connection) -> None:
        """Create the store or bring it to the present format.

        Raises StoreFormatError where a newer Publisher wrote it.
        """
        formats.prepare(self._engine, con)

    @property
    def moment(self) -> object:
        """Something that is another after every write.

        What was read after it was looked at is what the store holds for as long as it is the same.
        """
        return self._moment if self._engine.exclusive else object()

    # tables and their versions

    def state(self, con: Connection, ref: TableRef) -> TableState | None:
        """Give the table after its newest commit, None before its first.

        It is asked with every request, so it is remembered until this process writes; where
        others may write too, it is looked up each time.
        """
        return self._states.get(ref, lambda: versions.state(con, ref))

    def known_state(self, ref: TableRef) -> TableState | None:
        """Give the same without a look at the store: None too where it has to be looked at.

        It is the same object until something about the table changes.
        """
        return self._states.known(ref)

    def stands(self, state: TableState) -> bool:
        """Tell, after reading, that *state* was the table's all the while: its rows were read."""
        return self._states.stands(state.ref, state)

    def schema_at(self, con: Connection, state: TableState, version: int) -> Schema:
        """Give the schema that *version* of the table was made under, 0 that of its first."""
        if version >= state.schema_since:
            return state.schema
        known = self._schemas.get(state.ref, lambda: versions.schemas(con, state.ref)) or ()
        earlier = [schema for since, schema in known if since <= version]
        return earlier[-1] if earlier else known[0][1]

    def states(self, con: Connection) -> dict[TableRef, TableState]:
        """Give every table that has a version."""
        return {ref: self._states.known(ref) or it for ref, it in versions.states(con).items()}

    def newest_versions(self, con: Connection) -> dict[TableRef, int]:
        """Give the newest version of every table that has one, by one look."""
        return {ref: self._told(ref, it) for ref, it in versions.newest(con).items()}

    def version_at(self, con: Connection, ref: TableRef, instant: datetime) -> int:
        """Give the newest version committed by *instant*.

        Raises NotFoundError before the first version, GoneError where its history is not kept.
        """
        return self._told(ref, versions.version_at(con, ref, instant))

    def versions_after(
        self, con: Connection, ref: TableRef, version: int, *, most: int
    ) -> list[Version]:
        """Give the versions after *version*, oldest first, as far as they are kept."""
        found = versions.after(con, ref, version, most=most)
        return [it for it in found if it.version == self._told(ref, it.version)]

    def _told(self, ref: TableRef, version: int) -> int:
        """Give the version, unless it is still being followed: then the one before."""
        known = self._states.known(ref)
        return version if known is None else min(version, known.version)

    def committed_at(self, con: Connection, ref: TableRef, version: int) -> datetime | None:
        """Give when *version* was committed; None where there is none, or none any longer."""
        return versions.committed_at(con, ref, version)

    def relation(self, ref: TableRef, version: int) -> tuple[str, list[object]]:
        """Give a FROM item with the columns, ``_since`` and ``_row`` of *version*, and parameters.

        The caller has seen that the version lies between the table's oldest and its newest.
        """
        return versions.relation(ref, version)

    def came(self, ref: TableRef, since: int, until: int) -> tuple[str, list[object]]:
        """Give a FROM item with the rows of *until* that are newer than *since*, and parameters."""
        return changes.came(ref, since, until)

    def went(self, ref: TableRef, since: int, until: int) -> tuple[str, list[object]]:
        """Give the same with the rows of *since*, as they were, that *until* has no longer."""
        return changes.went(ref, since, until)

    def latest_name(self, ref: TableRef) -> str:
        """Give the quoted table of the newest row of each entity, where there is a time role."""
        return layout.latest(ref)

    def relation_name(self, ref: TableRef) -> str:
        """Give the quoted table of current rows: whoever reads it asks whether the state stands."""
        return layout.data(ref)

    def has_values(self, con: Connection, ref: TableRef, field: str) -> bool:
        """Tell whether any current row has a value in *field*; False where it is not stored."""
        state = self.state(con, ref)
        if state is None or field not in state.schema.by_name:
            return False
        found = con.execute(
            f"SELECT 1 FROM {layout.data(ref)} WHERE {identifier(field)} IS NOT NULL LIMIT 1"
        ).fetchone()
        return found is not None

    def commit(self, con: Connection, commit: Commit) -> Committed:
        """Write rows, history, quarantine, cursor and version: all of it or nothing.

        Raises HeldError where ``replace`` would let go of more than ``maxShrink``,
        SchemaChangeError where the stored rows forbid the schema's change.
        """
        ref = commit.entry.ref
        with self._changing(ref) as follow:
            before = self._states.known(ref)
            done = self._write(con, lambda: carry_out(con, commit))
            after = None if before is None else self._followed(con, before)
            if after is not None:
                follow(after)
            return done

    def prune_history(self, con: Connection, ref: TableRef, before: datetime) -> int:
        """Let go of versions that were superseded by *before*; give the rows removed."""
        with self._states.unsure(ref), self._changing(ref):
            return self._write(con, lambda: versions.prune_history(con, ref, before))

    def keep_house(self, con: Connection, ref: TableRef, before: datetime) -> None:
        """Let go of history and worn state older than *before*; cluster closed months anew."""
        self.prune_history(con, ref, before)
        with self._writers[ref]:
            self._write(con, lambda: compaction.compact_state(con, ref, before))
            compaction.compact(self._engine, con, ref)

    # deliveries

    def seen(self, con: Connection, ref: TableRef) -> dict[str, Seen]:
        """Give the last settled delivery of each origin."""
        return ledger.seen(con, ref)

    def is_settled(self, con: Connection, delivery_id: str) -> bool:
        """Tell whether the delivery was processed, however it ended."""
        return ledger.is_settled(con, delivery_id)

    def settle(
        self,
        con: Connection,
        entry: TableEntry,
        delivery: Delivery,
        *,
        run: str,
        outcome: Outcome,
        rejection: Rejection | None = None,
        place: int | None = None,
    ) -> None:
        """Record a delivery that led to no commit, so that it is not judged again as it is.

        *place* is that of the same bytes where they were settled before.
        """
        self._write(
            con,
            lambda: ledger.settle(
                con,
                delivery,
                fingerprint=entry.judged_under(outcome),
                run=run,
                outcome=outcome,
                rejection=rejection,
                version=versions.newest_of(con, entry.ref) if place is None else place,
            ),
        )

    def rejections(
        self, con: Connection, deliveries: Collection[str]
    ) -> list[tuple[str, Rejection]]:
        """Give what was wrong with those of the *deliveries* that were refused, by origin."""
        return ledger.rejections(con, deliveries)

    def unsettled_contents(self, con: Connection) -> set[str]:
        """Give the SHA-256 of contents that were held or failed and not replaced since."""
        return ledger.unsettled_contents(con)

    # runs

    def start_run(self, con: Connection, run: Run) -> None:
        self._write(con, lambda: ledger.start_run(con, run))

    def finish_run(self, con: Connection, run: Run) -> None:
        self._write(con, lambda: ledger.finish_run(con, run))

    def runs(
        self,
        con: Connection,
        ref: TableRef | None = None,
        *,
        limit: int = 100,
        before: str | None = None,
    ) -> list[Run]:
        """Give runs, newest first; *before* is the id of the last one of the page before."""
        return ledger.runs(con, ref, limit=limit, before=before)

    def last_runs(self, con: Connection) -> dict[TableRef, Run]:
        """Give each table's newest run."""
        return ledger.last_runs(con)

    def last_harvests(self, con: Connection) -> dict[TableRef, Run]:
        """Give each table's newest run that asked its source, however it ended."""
        return ledger.last_harvests(con)

    def last_reads(self, con: Connection) -> dict[TableRef, datetime]:
        """Give when each table's source was last read in full."""
        return ledger.last_reads(con)

    def close_interrupted(self, con: Connection) -> int:
        """End the runs that a stopped process left open; give how many there were."""
        return self._write(con, lambda: ledger.close_interrupted(con))

    # quarantine

    def quarantine_rows(
        self,
        con: Connection,
        ref: TableRef,
        *,
        limit: int = 1000,
        after: str | None = None,
        only_rule: str | None = None,
        ids: Collection[str] | None = None,
    ) -> list[QuarantinedRow]:
        """Give at most *limit* rows that wait, oldest first, behind the id *after*."""
        return quarantine.rows(con, ref, limit=limit, after=after, only_rule=only_rule, ids=ids)

    def each_quarantined(
        self, con: Connection, ref: TableRef, *, only_rule: str | None = None
    ) -> Iterator[QuarantinedRow]:
        """Give every row that waits, a page in memory at a time; *con* may be used meanwhile."""
        return quarantine.each(con, ref, only_rule=only_rule)

    def quarantine_counts(self, con: Connection, ref: TableRef) -> QuarantineCounts:
        """Count the rows that wait: all, and by rule and field."""
        return quarantine.counts(con, ref)

    def quarantined(self, con: Connection, ref: TableRef) -> int:
        """Count the rows that wait, without a look at why."""
        return quarantine.count_open(con, ref)

    def waiting(self, con: Connection) -> dict[TableRef, int]:
        """Count the rows in quarantine, for every table that has any."""
        return quarantine.waiting(con)

    def has_quarantined(self, con: Connection, ref: TableRef, rule: str) -> bool:
        """Tell whether a row waits that *rule* alone refused."""
        return quarantine.has_open(con, ref, rule)

    def discard(self, con: Connection, ref: TableRef, ids: Collection[str] | None = None) -> int:
        """Close waiting rows without releasing them, all or those of *ids*; give how many."""
        with self._writers[ref]:
            return self._write(con, lambda: quarantine.discard(con, ref, ids))

    # publishing

    def record_published(
        self,
        con: Connection,
        dataset: str,
        target: str,
        *,
        versions: Mapping[str, int],
        fingerprint: str,
        remote: Mapping[str, Any],
        problem: Problem | None = None,
    ) -> None:
        """Write down one try to publish; *versions* are what the target holds after it."""
        self._write(
            con,
            lambda: publications.record_published(
                con,
                dataset,
                target,
                versions=versions,
                fingerprint=fingerprint,
                remote=remote,
                problem=problem,
            ),
        )

    def published(self, con: Connection, dataset: str, target: str) -> Published | None:
        """Give the newest try at a target and the newest that succeeded."""
        return publications.published(con, dataset, target)

    def publications(
        self, con: Connection, dataset: str | None = None
    ) -> dict[tuple[str, str], Published]:
        """Give the same for *dataset*, or every one, and every target that was ever tried."""
        return publications.publications(con, dataset)

    # keys of the API

    def make_key(self, con: Connection, name: str) -> tuple[ApiKey, str]:
        """Make a key; its text is told this once and kept nowhere."""
        return self._write(con, lambda: keys.make(con, name))

    def revoke_key(self, con: Connection, id_: str) -> ApiKey | None:
        """End a key; None where there is none of that id, or it was ended before."""
        return self._write(con, lambda: keys.revoke(con, id_))

    def api_keys(self, con: Connection) -> list[ApiKey]:
        """Give all keys there ever were, oldest first."""
        return keys.everyone(con)

    def _followed(self, con: Connection, before: TableState) -> TableState | None:
        """Tell who follows of a commit that was made; None where its state is to be looked up."""
        try:
            after = versions.state(con, before.ref)
            if after is None or after == before:
                return before
            for follower in self._followers:
                follower(con, before, after)
        except Exception:  # it is committed all the same
            log.exception("a commit could not be followed", table=str(before.ref))
            return None
        return after

    def _write(self, con: Connection, work: Callable[[], T]) -> T:
        try:
            return self._engine.transaction(con, work)
        finally:
            self._moment = object()

    @contextmanager
    def _changing(self, ref: TableRef) -> Iterator[Callable[[TableState], None]]:
        """Keep other writers of the table out, and forget what is known when they may come in."""
        states = self._states.changing(ref)
        try:
            with self._writers[ref], self._schemas.changing(ref), states as follow:
                yield follow
        finally:
            self._moment = object()  # only now is the new state told
