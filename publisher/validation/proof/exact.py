"""A file's errors as Frictionless would list them, from a proof and its own readers.

The resource is opened by Frictionless, which reads the head of the file: dialect, labels and
fields are its own. The rows are proved in the engine; those with a cell that no form proves,
with more or fewer cells than labels, or with a key that went before are judged one by one.
"""

# ruff: noqa: S608 - the names are ours, texts are quoted
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any, Protocol

import orjson
from frictionless import Field as FrictionlessField
from frictionless import FrictionlessException
from frictionless.resources import TableResource

from publisher.engine import Connection
from publisher.validation.proof.cells import (
    NUMBER,
    RAW,
    TABLE,
    Plain,
    UnsplittableError,
    columns,
    rows_where,
    take_rows,
)
from publisher.validation.proof.dialects import Delimited
from publisher.validation.proof.fields import stated_constraints, stated_properties
from publisher.validation.proof.form import SHAPE, Cell
from publisher.validation.proof.forms import form_of
from publisher.validation.proof.keys import MATCHES, match_keys
from publisher.validation.proof.prove import Proof, doubt, prove_file, prove_table
from publisher.validation.proof.question import Column, Question
from publisher.validation.proof.rows import NONE, Descriptor, Matches, RowJudge
from publisher.validation.proof.scan import Scan

_PAGE = 5_000
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum")
_UNHASHABLE = {"array", "object", "list", "geojson"}


Forgives = Callable[[int, Mapping[str, str], int], bool]
"""Of a row by its number, the texts of a key that went before, and the number of that row."""


class Profiled(Protocol):
    """Fields that are not read as their properties say."""

    def cells(self, con: Connection) -> Mapping[str, Cell]:
        """Say how, by name."""

    def forgiving(self) -> Forgives:
        """Give what tells of one file's rows whether they may have the key of another."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a file's rows."""

    rows: int
    slow: tuple[str, ...]
    """Names of the fields whose cells no form could prove."""


class Table:
    """An open resource whose rows the engine can judge. Raises UnsplittableError if it cannot."""

    def __init__(self, resource: TableResource) -> None:
        schema, dialect = resource.schema, resource.dialect
        if schema.foreign_keys or not dialect.header_case or resource.compression:
            raise UnsplittableError
        self._resource = resource
        self.fields: list[FrictionlessField] = resource.header.get_expected_fields()
        if not self.fields:
            raise UnsplittableError
        names = [field.name for field in self.fields]
        unique = [i for i, field in enumerate(self.fields) if field.constraints.get("unique")]
        primary = list(schema.primary_key) if set(schema.primary_key) <= set(names) else []
        self._sample = next(iter(resource.fragment), [])
        keyed = {*unique, *(names.index(name) for name in primary)}
        if any(self.fields[index].type in _UNHASHABLE for index in keyed):
            raise UnsplittableError  # Frictionless breaks down on them, or not: it shows
        self._keyed = keyed
        self._profiled: Profiled | None = next(
            (vars(it)["profiled"] for it in self.fields if "profiled" in vars(it)), None
        )
        self._forgives: Forgives | None = self._profiled and self._profiled.forgiving()
        self.question = Question(
            columns=[] if self._profiled else self._columns({}),
            unique=unique,
            primary=[names.index(name) for name in primary],
        )
        self._judge = RowJudge(self.fields, unique, self.question.primary)

    def _columns(self, others: Mapping[str, Cell]) -> list[Column]:
        return [
            _column(index, field, self._sample, others.get(field.name), keyed=index in self._keyed)
            for index, field in enumerate(self.fields)
        ]

    def plain(self, path: Path, scan: Future[Scan] | None) -> Plain | None:
        """Give the file as one the engine may read itself; None where it may not.

        *scan* is the file's, by its delimiter.
        """
        file = Delimited.of(path, self._resource.encoding, self._resource.dialect)
        return None if file is None else file.plain(len(self.fields), scan)

    def judge(
        self,
        con: Connection,
        plain: Plain | None,
        folder: Path,
        emit: Callable[[list[Descriptor]], None],
        *,
        unclean: bool = False,
    ) -> Found:
        """Give the errors of each row that has any to *emit*, in their order.

        *unclean* is known of the file already. Raises UnsplittableError where only Frictionless
        itself can tell.
        """
        proof = self._prove(con, plain, folder, unclean=unclean)
        if not proof.clean:
            self.judge_rows(con, proof, folder, emit)
        slow = [self.fields[index].name for index in proof.unproved if self._formless(index)]
        return Found(proof.rows, tuple(slow))

    def _prove(self, con: Connection, plain: Plain | None, folder: Path, *, unclean: bool) -> Proof:
        if self._profiled is not None:
            columns = self._columns(self._profiled.cells(con))
            self.question = replace(self.question, columns=columns)
        if plain is not None:
            with suppress(UnsplittableError):
                return prove_file(con, plain, self.question, folder, unclean=unclean)[1]
        return self._take_rows(con, folder)

    def load(self, con: Connection, plain: Plain | None, folder: Path) -> Proof:
        """Make `judged_cells` of all rows. Raises UnsplittableError."""
        return self._prove(con, plain, folder, unclean=True)

    @property
    def values(self) -> list[str]:
        """What each cell of a proved row is, in SQL."""
        return [column.value for column in self.question.columns]

    def proved(self, proof: Proof) -> str:
        """Give the rows of `judged_cells` all of whose cells are proved, as a relation."""
        return f"(FROM {TABLE} WHERE NOT ({doubt(proof, self.question)}))"

    def doubtful(self, con: Connection, proof: Proof) -> Iterator[tuple[int, list[Any]]]:
        """Give the other rows' numbers and values, as Frictionless' readers read them."""
        readers = self._judge.readers
        width = len(self.question.columns)
        for number, texts in rows_where(con, doubt(proof, self.question), width):
            yield number, [read(text)[0] for read, text in zip(readers, texts, strict=False)]

    def _formless(self, index: int) -> bool:
        return self.question.columns[index].form is None

    def _take_rows(self, con: Connection, folder: Path) -> Proof:
        stream = self._resource.dialect.read_enumerated_content_stream(self._resource.cell_stream)
        try:
            take_rows(con, stream, len(self.fields), folder)
        except FrictionlessException as error:  # where among the errors it stands, it knows itself
            raise UnsplittableError from error
        return prove_table(con, self.question)

    def judge_rows(
        self,
        con: Connection,
        proof: Proof,
        folder: Path,
        emit: Callable[[list[Descriptor]], None],
    ) -> None:
        """Give the errors of the rows of `judged_cells` to *emit*."""
        question = self.question
        if proof.clashing:
            match_keys(
                con, question, self.fields, lambda i, text: self._judge.readers[i](text)[0], folder
            )
        for found in _doubtful(con, question, proof, self._judge, self._once):
            if found:
                emit(found)

    def _once(self, number: int, cells: Sequence[str], key: Sequence[int], other: int) -> bool:
        """Tell whether a key that went before may stand here a second time."""
        if self._forgives is None:
            return False
        named = {self.fields[index].name: cells[index] for index in key}
        return self._forgives(number, named, other)


def _doubtful(
    con: Connection,
    question: Question,
    proof: Proof,
    judge: RowJudge,
    once: Callable[[int, Sequence[str], Sequence[int], int], bool],
) -> Iterator[list[Descriptor]]:
    """Have the rows judged that are not proved clean, in their order.

    *once* forgives a row that it has the key of another.
    """
    doubts = proof.doubts(question)
    places, more = list(doubts), proof.more_doubts(question)
    join, matched = "", "NULL"
    if proof.clashing:
        grouped = f"SELECT n AS m, list((rule, other)) AS found FROM {MATCHES} GROUP BY n"
        join = f"LEFT JOIN ({grouped}) ON {NUMBER} = m"
        matched = "found"
    whole = [f"{RAW} IS NOT NULL", f"{matched} IS NOT NULL", *more]
    flags = [f"({' OR '.join(whole)})", *doubts.values()]
    answer = con.execute(
        f"SELECT {NUMBER}, {RAW}, {matched}, {', '.join(flags)}, "
        f"{columns(len(question.columns))} "
        f"FROM {TABLE} {join} WHERE {' OR '.join(flags)} ORDER BY {NUMBER}"
    )
    keys, behind = question.keys, 4 + len(places)
    while rows := answer.fetchmany(_PAGE):
        for row in rows:
            number, raw, found = row[:3]
            cells = list(row[behind:])
            if row[3]:
                pairs = [
                    (rule, other)
                    for rule, other in map(_pair, found or ())
                    if not once(number, cells, keys[rule], other)
                ]
                matches = _matches(pairs, question, keys) if pairs else NONE
                yield judge(number, cells if raw is None else orjson.loads(raw), matches)
            else:
                yield judge.cells(number, cells, compress(places, row[4:behind]))


def _pair(found: Any) -> tuple[int, int]:
    """Give the rule, by its position, and the number of the other row."""
    rule, other = found.values() if isinstance(found, dict) else found
    return rule, other


def _matches(
    found: Sequence[tuple[int, int]], question: Question, keys: Sequence[Sequence[int]]
) -> Matches:
    unique: dict[int, int] = {}
    primary = None
    for rule, other in found:
        if rule < len(question.unique):
            unique[keys[rule][0]] = other
        else:
            primary = other
    return Matches(unique, primary)


def _column(
    index: int,
    field: FrictionlessField,
    sample: Sequence[Any],
    other: Cell | None,
    *,
    keyed: bool,
) -> Column:
    """Make a field's column; *other* is how its cells are read, if not by its properties."""
    missing = field.missing_values
    if not field.has_defined("missing_values") and field.schema:
        missing = field.schema.missing_values
    text = sample[index] if index < len(sample) and isinstance(sample[index], str) else ""
    stated = stated_constraints(field)
    form = None
    if stated.keys() <= {"required", "unique", *_BOUNDS, *SHAPE} and "\0" not in "".join(missing):
        cell = other or Cell(
            type=field.type,
            format=field.format,
            properties=stated_properties(field),
            bounds=_bounds(field, stated),
            shape={name: stated[name] for name in SHAPE if name in stated},
        )
        form = form_of(replace(cell, keyed=keyed, sample=text))
    return Column(index, form, tuple(missing), bool(stated.get("required")))


def _bounds(field: FrictionlessField, stated: Mapping[str, Any]) -> dict[str, Any]:
    """Read the bounds as Frictionless does, by the field's own reader."""
    read = field.create_value_reader()
    return {
        name: list(map(read, stated[name])) if name == "enum" else read(stated[name])
        for name in _BOUNDS
        if name in stated
    }
