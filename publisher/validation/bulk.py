"""Rows of a CSV delivery judged in bulk: the engine proves and types what is clean.

The rows with a cell that no form proves go on to the row loop, and only those.
"""

# ruff: noqa: S608 - the names are ours or quoted, texts are quoted
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from publisher.engine import Connection, identifier, literal
from publisher.model.table import sql_type
from publisher.validation import staging
from publisher.validation.proof.cells import (
    NUMBER,
    TABLE,
    UnsplittableError,
    rows_where,
)
from publisher.validation.proof.dialects import Delimited
from publisher.validation.proof.forms import form_of
from publisher.validation.proof.prove import (
    DOUBTED,
    TYPED,
    Doubt,
    Proof,
    doubt,
    prove_file,
    prove_typed,
)
from publisher.validation.proof.question import Column, Question
from publisher.validation.proof.zones import placing
from publisher.validation.rows import ROW
from publisher.validation.view import Fit, SourceView


class Bulk:
    """The rows under one header, as far as the engine can judge them.

    Raises UnsplittableError where it cannot.
    """

    def __init__(self, con: Connection, view: SourceView, fit: Fit, file: Delimited) -> None:
        if any(name.casefold() == "rowid" for name in view.schema.by_name):
            raise UnsplittableError  # the engine would take it for the number that it gives a row
        self._con, self._view, self._fit = con, view, fit
        self._plain = file.plain(len(fit.labels))
        self._question = self._asked(self._sample(file))
        self._proof: Proof | None = None
        self._typed = False
        """The rows are in `judged_typed` already."""

    @property
    def proof(self) -> Proof:
        if self._proof is None:
            raise UnsplittableError
        return self._proof

    def take(self, folder: Path) -> None:
        """Prove what can be proved. Raises UnsplittableError, and all is left as it was."""
        names = [identifier(slot.field.name) for slot in self._fit.slots]
        way = self._plain
        found: Proof | Doubt = Doubt.UNKNOWN
        for way in self._plain.ways(folder):
            with suppress(UnsplittableError):
                found = prove_typed(self._con, way, self._question, self._select, names)
                break
        if isinstance(found, Proof):
            self._plain, self._proof, self._typed = way, found, True
            return
        self._con.execute("DROP TABLE IF EXISTS temp.judged_typed")
        self._plain, self._proof = prove_file(
            self._con, way, self._question, folder, unclean=found is Doubt.UNCLEAN
        )

    def doubtful(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """Give the rows that are not proved clean."""
        if self.proof.clean:
            return
        # Read in full before the loop's own statements: they share the connection
        yield from rows_where(self._con, self._doubt(), self._plain.width)

    def stage(self, *, alone: bool) -> int:
        """Add the clean rows to `judged_good`, which has those of the loop by now; count them.

        They may stand for the table itself, which is not changed then, if they are *alone*.
        """
        values = [column.value for column in self._question.columns]
        if self.proof.clean and not self._typed:
            selected = [*self._select(values), f"false AS {DOUBTED}"]
            self._con.execute(
                f"CREATE OR REPLACE TEMP TABLE judged_typed AS "
                f"SELECT {', '.join(selected)} FROM {self._plain.relation}"
            )
        if self.proof.clean:
            # Numbering rows while they are read would keep the reader to one thread: it takes
            # longer than reading them into a table first, whose rows have numbers
            ((least,),) = self._con.execute(f"SELECT min(rowid) FROM {TYPED}").fetchall()
            position = f"rowid - {int(least or 0)} + {self._plain.first} AS {ROW}"
            columns = f"{position}, * EXCLUDE ({DOUBTED})"
            if alone:
                staging.stand(self._con, TYPED, columns)
                return self.proof.rows
            rows = f"{columns} FROM {TYPED}"
        else:
            rows = (
                f"{NUMBER} AS {ROW}, {', '.join(self._select(values))} FROM {TABLE} "
                f"WHERE NOT ({self._doubt()})"
            )
        ((count,),) = self._con.execute(
            f"INSERT INTO temp.judged_good BY NAME SELECT {rows}"
        ).fetchall()
        self._con.execute("DROP TABLE IF EXISTS temp.judged_cells")
        self._con.execute("DROP TABLE IF EXISTS temp.judged_typed")
        return int(count)

    def damaged(self) -> int:
        """Count the clean rows with U+FFFD in a cell that is read."""
        if self._plain.scan.result().ascii:
            return 0
        texts = [column.text for column in self._question.columns]
        some = " OR ".join(f"contains({text}, '\ufffd')" for text in texts)
        source = self._plain.relation if self.proof.clean else TABLE
        clean = "true" if self.proof.clean else f"NOT ({self._doubt()})"
        ((count,),) = self._con.execute(
            f"SELECT count(*) FROM {source} WHERE ({some}) AND {clean}"
        ).fetchall()
        return int(count)

    def _select(self, read: Sequence[str]) -> list[str]:
        """Say in SQL what the schema's fields are, of a clean row with the values *read*."""
        values = {slot.field.name: value for slot, value in zip(self._fit.slots, read, strict=True)}
        selected = []
        for field in self._view.schema.fields:
            constant = self._view.constants.get(field.name)
            stated = "NULL" if constant is None else literal(str(constant))
            value = values.get(field.name, stated)
            selected.append(f"CAST({value} AS {sql_type(field)}) AS {identifier(field.name)}")
        return selected

    def _doubt(self) -> str:
        return doubt(self.proof, self._question)

    def _asked(self, sample: Sequence[str]) -> Question:
        view, fit = self._view, self._fit
        place = placing(self._con, view.zone, view.zone_name)
        asked = []
        for slot in fit.slots:
            cell = slot.field.cell
            if cell is not None:
                text = sample[slot.index] if slot.index < len(sample) else ""
                placed = place if cell.type == "datetime" else None
                cell = replace(cell, sample=text, place=placed)
            source = slot.field.source
            asked.append(
                Column(
                    slot.index,
                    None if cell is None else form_of(cell),
                    tuple(source.missing_values),
                    bool(source.required),
                )
            )
        names = [slot.field.name for slot in fit.slots]
        mapped = {slot.index for slot in fit.slots}
        others = [
            Column(index, None, ("",), required=False)
            for index in range(len(fit.labels))
            if index not in mapped
        ]
        primary = [names.index(name) for name in view.open_key if name in names]
        if view.open_key and not primary:
            raise UnsplittableError  # no row has a key
        return Question(asked, (), primary, others, compared=False)

    def _sample(self, file: Delimited) -> list[str]:
        with file.path.open("rb") as lines:
            line = b"".join(lines.readline(100_000) for _ in range(file.first))
        text = line[len(self._plain.skipped) :].decode(file.encoding, "replace")
        return text.rstrip("\r\n").split(file.delimiter)
