"""A delivery judged: good rows typed and staged, bad ones with their reasons."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path

from publisher.engine import Connection, literal
from publisher.errors import ConfigurationError, DeliveryError
from publisher.model.catalog import TableEntry
from publisher.model.run import ROWS_NAMED, Delivery, Example, Problem, RuleCount
from publisher.model.table import QuarantinedRow
from publisher.validation import folds, keys, staging
from publisher.validation.bulk import Bulk
from publisher.validation.checks import run
from publisher.validation.checks.run import Checks
from publisher.validation.checks.theirs import RowChecks, speak
from publisher.validation.proof.cells import UnsplittableError
from publisher.validation.reading import Reading, format_of, open_table
from publisher.validation.requeue import QUEUE, Requeue
from publisher.validation.rows import Group, RowLoop, Spools, Tally
from publisher.validation.spool import scratch, spool
from publisher.validation.view import SourceView, missing_column


@dataclass(frozen=True)
class Judgement:
    """How a delivery was judged; its rows are in temp.judged_good and temp.judged_bad."""

    read: int
    good: int
    bad: int
    findings: tuple[RuleCount, ...]
    """Of the bad rows, by rule and field."""
    notes: tuple[Problem, ...]
    """What was noticed and refused no row."""
    labels: tuple[str, ...] | None = None
    """The delivery's header; None where it has none."""

    @property
    def absent(self) -> tuple[str, ...]:
        """The fields that the delivery says nothing about."""
        return tuple(note.params["field"] for note in self.notes if note.code == "absent-field")

    def missing(self, field: str) -> DeliveryError:
        """Say that an absent field had to be there after all."""
        return missing_column(field, field, self.labels or ())

    def examples(self, con: Connection) -> tuple[Example, ...]:
        """Give some errors, while the rows are still in temp.judged_bad."""
        return staging.examples(con)


Groups = Iterable[Group]
Opener = Callable[[], AbstractContextManager[Groups]]
"""Opens them from the start, as often as it is called."""


class Validator:
    """Judges a table's deliveries under its source view, which is compiled once.

    Raises ConfigurationError where the view cannot be compiled. Judges one delivery at a time.
    """

    def __init__(self, entry: TableEntry) -> None:
        harvest = entry.harvest
        self._entry = entry
        self._view = SourceView(entry)
        self._reading = Reading(
            dialect=harvest.read_dialect if harvest else {},
            encoding=harvest.read_encoding if harvest else None,
            columns=self._view.columns,
        )
        self._reading.check()
        listed = harvest.checks if harvest else ()
        self._checks = Checks.of(entry.schema, listed, run.table_of(entry)) if listed else None
        if listed:
            self._row_checks(again=False)

    def _row_checks(self, *, again: bool) -> RowChecks | None:
        """Begin Frictionless' checks on a delivery, or on rows that are judged *again*."""
        if self._checks is None:
            return None
        return RowChecks(self._view.published, self._checks.listed, again=again) or None

    def judge(
        self,
        con: Connection,
        delivery: Delivery,
        raw: Path,
        *,
        work: Path,
        max_bytes: int,
        references: Mapping[str, str],
        stored: str | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Judgement:
        """Judge the landed bytes in *raw*; leaves temp.judged_good and temp.judged_bad on *con*.

        Of one that is far past `maxBad`, so that nothing of it can be taken, the errors are
        counted and the first of them kept: it leaves no good rows.

        *work* is a folder for spools, which are gone afterwards. *max_bytes* bounds the
        delivery once it is decompressed. *references* are SQL
        relations by a foreign key's reference text; a key to one that is not there is
        refused. *stored* is the relation of the table's own rows, for further checks to look
        at. *progress* is told the number of rows read now and then.

        Raises DeliveryError where the delivery is no table the view can read, HeldError
        ``failed-check`` where a further check refuses the whole of it.
        """
        harvest = self._entry.harvest
        if harvest is None:
            raise ConfigurationError("no-harvest", table=str(self._entry.ref))
        format_ = format_of(harvest, delivery)
        notes: list[Problem] = []
        labels: tuple[str, ...] | None = None

        @contextmanager
        def opened() -> Iterator[Groups]:
            nonlocal labels
            with open_table(raw, format_, self._reading, work=work, max_bytes=max_bytes) as table:
                labels = table.labels
                fit = self._view.fit(table.labels or self._view.columns)
                yield [Group(fit, table.rows, table.file)]
                seen = self._view.review(table.seen) if table.seen else ()
            notes[:] = [*table.notes, *fit.notes, *seen]

        with scratch(work) as folder, _spools(folder) as spools:
            checks = self._row_checks(again=False)
            trial = _Trial(
                con,
                self._entry,
                self._view,
                spools,
                progress=progress,
                checks=checks,
                max_bad=harvest.max_bad,
            )
            trial.judge_rows(opened, folder)
            first_notes = tuple(notes)
            trial.judge_keys(references)
            if self._checks is not None:
                _receive(con, delivery)
                first_notes += trial.run_checks(self._checks, stored)
            if trial.hopeless:
                return replace(trial.count(first_notes), labels=labels)
            trial.recall(opened)
            trial.refuse(opened)
            judged = trial.settle(first_notes)
            staging.finish(con)
            return replace(judged, labels=labels)

    def rejudge(
        self,
        con: Connection,
        rows: Iterable[QuarantinedRow],
        *,
        work: Path,
        references: Mapping[str, str],
        stored: str | None = None,
    ) -> Judgement:
        """Judge quarantined rows again, the keys of each delivery's among themselves.

        Of the further checks those that speak of a whole delivery are left out.

        Both tables then have `_quarantine_id` as well. A row in which the view does not find
        its columns stays bad.
        """
        with scratch(work) as folder, _spools(folder) as spools, spool(folder, "queue") as file:
            queue = Requeue(self._view, file)
            queue.fill(rows)
            checks = self._row_checks(again=True)
            trial = _Trial(con, self._entry, self._view, spools, checks=checks)
            trial.judge_rows(queue.opened, folder)
            queue.load(con)
            trial.judge_keys(references, apart=QUEUE)
            notes: tuple[Problem, ...] = ()
            if self._checks is not None:
                con.execute(f"CREATE OR REPLACE TEMP VIEW judged_received AS FROM {QUEUE}")
                notes = trial.run_checks(self._checks, stored)
            queue.cite(con)
            trial.refuse(queue.opened)
            judged = trial.settle(notes)
            queue.identify(con)
            staging.finish(con)
            return judged


class _Trial:
    """The passes over one delivery, in their order."""

    def __init__(
        self,
        con: Connection,
        entry: TableEntry,
        view: SourceView,
        spools: Spools,
        *,
        progress: Callable[[int], None] | None = None,
        checks: RowChecks | None = None,
        max_bad: float | None = None,
    ) -> None:
        self._con = con
        self._entry = entry
        self._view = view
        self._spools = spools
        self._progress = progress
        self._checks = checks
        self._tally = Tally(max_bad=max_bad)
        self._read: set[str] = set()

    def judge_rows(self, opened: Opener, folder: Path) -> None:
        """Judge every row by itself, and stage the values."""
        bulks = []
        with opened() as groups:
            for group in groups:
                fit = group.fit
                self._read |= {slot.field.name for slot in fit.slots}
                loop = RowLoop(
                    self._view,
                    fit,
                    self._spools,
                    self._tally,
                    progress=self._progress,
                    checks=self._checks,
                )
                bulk = self._in_bulk(group, folder)
                self._tally.known += 0 if bulk is None else bulk.proof.rows
                loop.judge(group.rows if bulk is None else bulk.doubtful())
                bulks += [] if bulk is None else [bulk]
            folded = frozenset(self._tally.folded)
            staging.stage(self._con, self._view, self._spools.staged, self._read, folded)
            for bulk in bulks:
                self._tally.damaged += bulk.damaged()
                # A field that the delivery lacks may get values yet, of the rows it stands for
                whole = self._read | set(self._view.constants) >= set(self._view.schema.by_name)
                alone = len(bulks) == 1 and not self._tally.read and whole
                self._tally.read += bulk.stage(alone=alone)

    def _in_bulk(self, group: Group, folder: Path) -> Bulk | None:
        """Have the engine take the rows; None where only Python can."""
        if self._checks is not None:
            return None  # they are to see every row
        if group.file is None:
            return None
        try:
            bulk = Bulk(self._con, self._view, group.fit, group.file)
            bulk.take(folder)
        except UnsplittableError:
            return None
        return bulk

    def judge_keys(self, references: Mapping[str, str], *, apart: str | None = None) -> None:
        """Judge what only the whole delivery can tell: times in a fold, then keys."""
        schema, own = self._entry.schema, self._entry.resource.name
        folds.settle(self._con, schema, frozenset(self._tally.folded), apart=apart)
        columns = frozenset(self._read | set(self._view.constants))
        keys.judge_keys(self._con, schema, columns, references, own, apart=apart)

    def run_checks(self, checks: Checks, stored: str | None) -> tuple[Problem, ...]:
        """Run the further checks; give what they say and refuse no row for."""
        run.begin(self._con)
        notes: tuple[Problem, ...] = ()
        if self._checks is not None:
            whole = self._checks.remarks
            for remark in self._checks.end():
                if remark.position is None:
                    whole.append(remark)
                else:
                    self._spools.remarks.add(remark._asdict())
            notes = speak(whole, checks.listed)
            self._spools.remarks.load(self._con, "judged_remarks", run.COLUMNS)
            self._con.execute(f"INSERT INTO {run.CHECKED} BY NAME FROM temp.judged_remarks")
            self._con.execute("DROP TABLE temp.judged_remarks")
            checks.refuse(self._con, range(len(checks.listed)))
        checks.run(self._con, stored)
        notes += checks.notes(self._con)
        for name in ("TABLE temp.judged_checked", "VIEW temp.judged_received"):
            self._con.execute(f"DROP {name}")
        return notes

    @property
    def hopeless(self) -> bool:
        """The delivery is past maxBad, whatever its keys, and not all of its errors were kept."""
        return bool(self._tally.untold) and self._tally.past_max_bad

    def recall(self, opened: Opener) -> None:
        """Read the bad rows once more that were left untold, where the good ones prevailed."""
        untold = iter(self._tally.untold)
        position = next(untold, None)
        if position is None:
            return
        with opened() as groups:
            for group in groups:
                loop = RowLoop(self._view, group.fit, self._spools, self._tally)
                for at, cells in group.rows:
                    if at == position:
                        loop.tell(at, cells)
                        position = next(untold, None)

    def count(self, notes: tuple[Problem, ...]) -> Judgement:
        """Count what is wrong with a delivery of which nothing can be taken."""
        tally = self._tally
        more, found = staging.drop(self._con, self._spools)
        unspooled = (
            RuleCount(rule, field, count, tuple(rows))
            for (rule, field), (count, *rows) in tally.unspooled.items()
        )
        bad = tally.bad + more
        return Judgement(tally.read, tally.read - bad, bad, _summed([*found, *unspooled]), notes)

    def refuse(self, opened: Opener) -> None:
        """Read the rows that clash once more, for Frictionless to say what is wrong with them."""
        wanted = keys.clashes(self._con)
        position, found = next(wanted, (None, []))
        if position is None:
            return
        with opened() as groups:
            for group in groups:
                loop = RowLoop(self._view, group.fit, self._spools, self._tally)
                for at, cells in group.rows:
                    if at == position:
                        loop.refuse(at, cells, found)
                        position, found = next(wanted, (None, []))

    def settle(self, notes: tuple[Problem, ...]) -> Judgement:
        """Part the good rows from the bad ones, and count."""
        good, bad = staging.part(self._con, self._spools)
        damaged = self._tally.damaged
        if damaged:
            notes = (*notes, Problem("replacement-character", {"rows": damaged}))
        found = staging.findings(self._con)
        return Judgement(self._tally.read, good, bad, found, notes)


def _receive(con: Connection, delivery: Delivery) -> None:
    """Make `judged_received` for one delivery: the position is NULL, for every row."""
    landed = delivery.landed_at.astimezone(UTC).replace(tzinfo=None).isoformat()
    con.execute(
        "CREATE OR REPLACE TEMP VIEW judged_received AS SELECT CAST(NULL AS BIGINT) AS position, "
        f"CAST({literal(landed)} AS TIMESTAMP) AS received"
    )


def _summed(found: Iterable[RuleCount]) -> tuple[RuleCount, ...]:
    """Put together what was counted of one rule and field in several places."""
    sums: dict[tuple[str, str | None], RuleCount] = {}
    for part in found:
        so_far = sums.get((part.rule, part.field), RuleCount(part.rule, part.field, 0))
        sums[part.rule, part.field] = replace(
            part,
            count=so_far.count + part.count,
            rows=tuple(sorted((*so_far.rows, *part.rows))[:ROWS_NAMED]),
        )
    return tuple(sorted(sums.values(), key=lambda it: (-it.count, it.rule, it.field or "")))


@contextmanager
def _spools(folder: Path) -> Iterator[Spools]:
    with (
        spool(folder, "staged") as staged,
        spool(folder, "refused") as refused,
        spool(folder, "clashing") as clashing,
        spool(folder, "remarks") as remarks,
    ):
        yield Spools(staged, refused, clashing, remarks)
