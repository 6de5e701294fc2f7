"""One delivery's way from the landing into the store; runs in a thread with its own cursor."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.engine import Connection
from publisher.errors import HeldError, PublisherError, SourceError
from publisher.harvest.attempts import attempt, given_up
from publisher.harvest.summary import Step
from publisher.landing import Landing
from publisher.model.catalog import TableEntry
from publisher.model.dataset import HttpSource
from publisher.model.run import Counts, Delivery, Outcome, Problem, Rejection
from publisher.store import Commit, Store
from publisher.threads import beside

if TYPE_CHECKING:
    from concurrent.futures import Future

    from publisher.validation.judge import Judgement, Validator


class Compiled:
    """A table's validator, compiled once, as soon as it is clear that one is needed.

    With it Frictionless is loaded, which takes longer than most deliveries do to arrive.
    """

    def __init__(self, entry: TableEntry) -> None:
        self._entry = entry
        self._future: Future[Validator] | None = None

    def begin(self) -> "Future[Validator]":
        """Compile it in a thread of its own, if it is not yet."""
        if self._future is None:
            self._future = beside(self._compile)
        return self._future

    def get(self) -> "Validator":
        """Wait for it. Raises ConfigurationError where the view cannot be compiled."""
        return self.begin().result()

    def _compile(self) -> "Validator":
        from publisher.validation.judge import Validator  # noqa: PLC0415 - see above

        return Validator(self._entry)


def references(store: Store, con: Connection, entry: TableEntry) -> dict[str, str]:
    """Give the relation that each foreign key of *entry* is judged against.

    A table without a version yet is left out: nothing can refer to it.
    """
    found = {}
    for key in entry.schema.foreign_keys:
        ref = key.refers_to(entry.ref)
        if store.state(con, ref) is not None:
            found[key.reference.resource] = store.relation_name(ref)
    return found


def _stored(store: Store, con: Connection, entry: TableEntry) -> str | None:
    """Give the relation of the rows that those of a delivery come beside; None for no such."""
    if entry.mode == "replace" or store.state(con, entry.ref) is None:
        return None
    return store.relation_name(entry.ref)


def take(
    con: Connection,
    store: Store,
    entry: TableEntry,
    delivery: Delivery,
    compiled: Compiled,
    *,
    landing: Landing,
    work: Path,
    max_bytes: int,
    run: str,
    progress: Callable[[int], None] | None,
    place: int | None = None,
) -> Step:
    """Judge the delivery and commit it whole, or hold it whole.

    A delivery that can never be taken under this view (no table, too many bad rows, too much
    gone, a schema change refused) is settled as held or failed, so that it is not judged
    again before the view or the bytes change. So is one at which every attempt broke down.
    Failures of this machine (disk, memory) are raised and leave the delivery pending.
    *max_bytes* bounds it once it is decompressed. *place* is that of bytes that were judged
    before.
    """
    judgement: Judgement | None = None
    gave_up = given_up(landing, delivery)
    with attempt(landing, delivery) if gave_up is None else nullcontext():
        try:
            if gave_up is not None:
                raise gave_up
            judgement = compiled.get().judge(
                con,
                delivery,
                landing.path(delivery.sha256, size=delivery.size),
                work=work,
                max_bytes=_most(entry, max_bytes),
                references=references(store, con, entry),
                stored=_stored(store, con, entry),
                progress=progress,
            )
            _within_max_bad(entry, judgement)
            _nothing_lost(con, store, entry, judgement)
            committed = store.commit(
                con,
                Commit(
                    entry=entry,
                    run=run,
                    delivery=delivery,
                    place=place,
                    unsaid=judgement.absent,
                ),
            )
        except PublisherError as error:
            if not error.final:
                raise
            return _refuse(
                con, store, entry, delivery, run=run, error=error, judgement=judgement, place=place
            )
    return Step(
        outcome="committed" if committed.changed else "unchanged",
        rows=committed.counts,
        findings=judgement.findings,
        notes=judgement.notes,
        changed=committed.changed,
    )


def judge_again(
    con: Connection,
    store: Store,
    entry: TableEntry,
    compiled: Compiled,
    *,
    work: Path,
    run: str,
    only_rule: str | None = None,
) -> Step:
    """Judge quarantined rows under today's schema and view; commit those that pass."""
    rows = store.each_quarantined(con, entry.ref, only_rule=only_rule)
    judgement = compiled.get().rejudge(
        con,
        rows,
        work=work,
        references=references(store, con, entry),
        stored=_stored(store, con, entry),
    )
    committed = store.commit(
        con,
        Commit(entry=entry, run=run, delivery=None, released=True),
    )
    return Step(
        outcome="committed" if committed.changed else "unchanged",
        rows=committed.counts,
        findings=judgement.findings,
        notes=judgement.notes,
        changed=committed.changed,
    )


def retitle(con: Connection, store: Store, entry: TableEntry, *, run: str) -> Step | None:
    """Bring the stored schema to a change that no delivery has to be judged again for.

    Any other change waits for a delivery that fits it.
    """
    state = store.state(con, entry.ref)
    if state is None or state.schema.reading != entry.schema.reading:
        return None
    if state.schema.descriptor() == entry.schema.descriptor():
        return None
    committed = store.commit(con, Commit(entry=entry, run=run, delivery=None))
    return Step("committed", changed=True) if committed.changed else None


def _most(entry: TableEntry, max_bytes: int) -> int:
    """Give the table's own bound where it is the narrower one."""
    source = entry.harvest.source if entry.harvest else None
    stated = source.max_bytes if isinstance(source, HttpSource) else None
    return min(max_bytes, stated or max_bytes)


def _within_max_bad(entry: TableEntry, judgement: "Judgement") -> None:
    limit = entry.harvest.max_bad if entry.harvest else 1.0
    if judgement.read and judgement.bad / judgement.read > limit:
        raise HeldError(
            "too-many-bad",
            bad=judgement.bad,
            read=judgement.read,
            share=f"{judgement.bad / judgement.read:.1%}",
            limit=f"{limit:.1%}",
        )


def _nothing_lost(con: Connection, store: Store, entry: TableEntry, judgement: "Judgement") -> None:
    """Refuse a header without the column of an optional field that has values already.

    The source has renamed or dropped it, and only the steward can tell which.
    """
    for name in judgement.absent if judgement.labels is not None else ():
        if store.has_values(con, entry.ref, name):
            raise judgement.missing(name)


def _refuse(
    con: Connection,
    store: Store,
    entry: TableEntry,
    delivery: Delivery,
    *,
    run: str,
    error: PublisherError,
    judgement: "Judgement | None",
    place: int | None,
) -> Step:
    outcome: Outcome = "held" if isinstance(error, HeldError) else "failed"
    # What is wrong with the view or the schema is no matter of this file, and told once
    about = {"origin": delivery.origin} if isinstance(error, HeldError | SourceError) else {}
    rejection = Rejection(Problem.of(error, **about))
    if judgement is not None:
        rejection = replace(
            rejection, findings=judgement.findings, examples=judgement.examples(con)
        )
    store.settle(con, entry, delivery, run=run, outcome=outcome, rejection=rejection, place=place)
    return Step(
        outcome=outcome,
        rows=Counts(read=judgement.read if judgement else 0),
        problem=rejection.problem,
        findings=rejection.findings,
        notes=judgement.notes if judgement else (),
    )
