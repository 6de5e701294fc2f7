"""A commit: everything that one delivery changes, in one transaction or not at all.

The version that it makes is the intent to publish it: what targets are to hold follows from the
newest versions and the catalog, and is compared with what they were last given.

Bytes that are judged again, because the view changed or the steward let them go, keep the place
in the order that they had: the version at which they were first settled. A row of theirs
supersedes none that came after that, and counts as of that place itself when a later delivery
is judged again in its turn. So readers never see a value return that was corrected before.
"""

from dataclasses import dataclass, replace

from publisher.engine import Connection
from publisher.model.catalog import TableEntry
from publisher.model.run import Counts, Delivery
from publisher.model.table import TableState
from publisher.store import evolution, ledger, newest, quarantine, rows, versions


@dataclass(frozen=True, slots=True)
class Commit:
    """What is to be committed; the rows stand in ``temp.judged_good`` and ``temp.judged_bad``."""

    entry: TableEntry
    run: str
    delivery: Delivery | None
    """None for released rows, and where the schema alone is brought up to date."""
    released: bool = False
    """The rows come from the quarantine, named by ``_quarantine_id``."""
    place: int | None = None
    """Where these bytes were settled before: the version that the table had then."""
    unsaid: tuple[str, ...] = ()
    """Fields that the delivery says nothing about: merged rows keep what they have."""

    @property
    def has_rows(self) -> bool:
        return self.released or self.delivery is not None


@dataclass(frozen=True, slots=True)
class Committed:
    version: int | None
    """The table's version now; None where it has none yet."""
    counts: Counts
    changed: bool
    """A version was made."""


def carry_out(con: Connection, commit: Commit) -> Committed:
    """Write the commit, inside the caller's transaction; can be run again after a conflict."""
    entry = commit.entry
    stored = versions.state(con, entry.ref)
    if commit.delivery is not None and ledger.is_taken(con, commit.delivery.id):
        return Committed(stored.version if stored else None, Counts(), changed=False)
    change = evolution.judge(con, stored, entry.schema)
    if change.changed:
        evolution.apply(con, entry.ref, entry.schema, change, new=stored is None)
    before = stored.version if stored else 0
    place = commit.place
    if commit.released:
        quarantine.keep_open(con, entry.ref)
        place = quarantine.place(con, entry.ref)
    counts = _write_rows(con, commit, stored, before + 1) if commit.has_rows else Counts()
    counts = _write_refused(con, commit, counts, before)
    changed = change.changed or counts.changed
    if changed:
        span: versions.Span = (None, None)
        if counts.changed:
            left = bool(counts.corrected or counts.removed)
            newest.follow(con, entry.ref, entry.schema, before + 1, left=left)
            span = versions.span(con, entry.ref, entry.schema, before + 1, left=left)
        total = (stored.rows if stored else 0) + counts.new - counts.removed
        new = versions.NewVersion(
            ref=entry.ref,
            version=before + 1,
            run=commit.run,
            rows=total,
            counts=counts,
            schema=entry.schema if change.changed else None,
            span=span,
        )
        versions.record(con, new, stored)
        if place is not None:
            versions.record_place(con, entry.ref, before + 1, place)
    if commit.delivery is not None:
        ledger.settle(
            con,
            commit.delivery,
            fingerprint=entry.judged_under("committed"),
            run=commit.run,
            outcome="committed" if changed else "unchanged",
            version=before + changed if place is None else place,
        )
    return Committed(before + changed or None, counts, changed)


def _write_rows(con: Connection, commit: Commit, stored: TableState | None, version: int) -> Counts:
    entry = commit.entry
    return rows.apply(
        con,
        rows.Change(
            ref=entry.ref,
            schema=entry.schema,
            mode=entry.mode,
            version=version,
            rows=stored.rows if stored else 0,
            max_shrink=entry.harvest.max_shrink if entry.harvest else None,
            released=commit.released,
            place=commit.place,
            unsaid=commit.unsaid,
        ),
    )


def _write_refused(con: Connection, commit: Commit, counts: Counts, version: int) -> Counts:
    ref = commit.entry.ref
    if commit.released:
        refused = quarantine.judge_again(con, ref, run=commit.run)
    elif commit.delivery is not None:
        refused = quarantine.refuse(
            con, commit.delivery, run=commit.run, version=version, mode=commit.entry.mode
        )
    else:
        return counts
    return replace(counts, read=counts.read + refused, quarantined=refused)
