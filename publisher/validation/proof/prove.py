"""The vectorised pass: what of a table is proved clean, and which cells are left to be judged."""

# ruff: noqa: S608 - the names are ours, texts are quoted
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any

from publisher.engine import Connection, DataError, InputError, OutOfMemoryError, literal
from publisher.validation.proof.cells import (
    RAW,
    TABLE,
    Plain,
    UnsplittableError,
    take_lines,
)
from publisher.validation.proof.question import Column, Question, counted

TYPED = "temp.judged_typed"
DOUBTED = "_doubted"
"""Whether a row is not proved clean."""
_MOST_LISTED = 1_000
_TEXTS = 10_000
"""Distinct texts that are held at a time while they are judged."""


class Doubt(Enum):
    """Why something is not proved clean."""

    UNKNOWN = auto()
    """It may be so, and takes more to tell."""
    UNCLEAN = auto()
    """No closer look would prove it."""


@dataclass(slots=True)
class Proof:
    """What was found."""

    rows: int
    unproved: dict[int, int] = field(default_factory=dict)
    """Position of a column to the number of its cells that are not proved clean, if any."""
    blank: int = 0
    keyless: int = 0
    ragged: int = 0
    """Rows of more or fewer cells than there are labels."""
    clashing: list[Sequence[int]] = field(default_factory=list)
    """Keys of which two rows may be equal."""
    certain: bool = False
    """Something is not proved clean, and would not be by a closer look."""
    by_extremes: Sequence[int] = ()
    """Positions of columns that were judged by the extremes of their values."""
    texts: dict[int, list[str | None]] = field(default_factory=dict)
    """Of columns that were looked at text by text, those that are not proved clean."""

    @property
    def clean(self) -> bool:
        return not (self.unproved or self.blank or self.keyless or self.ragged or self.clashing)

    def doubts(self, question: Question) -> dict[int, str]:
        """Say in SQL, by position, whether a cell of a column is not proved."""
        found = {}
        for at in self.unproved:
            column, texts = question.columns[at], self.texts.get(at)
            if texts is not None and len(texts) <= _MOST_LISTED:
                listed = ", ".join(literal(text) for text in texts if text is not None)
                some = f" OR {column.text} IN ({listed})" if listed else ""
                found[at] = f"({column.text} IS NULL{some})"
            else:
                found[at] = "true" if column.patterned else f"(NOT {column.clean})"
        return found

    def more_doubts(self, question: Question) -> list[str]:
        """Say in SQL what else of a row is not proved."""
        asked = (question.blank(), question.keyless())
        return [f"({each})" for each in asked if each is not None]


def doubt(proof: Proof, question: Question) -> str:
    """Say in SQL whether a row of `judged_cells` is not proved clean, keys apart."""
    cells, more = proof.doubts(question).values(), proof.more_doubts(question)
    return " OR ".join([f"{RAW} IS NOT NULL", *cells, *more])


def prove_file(
    con: Connection, plain: Plain, question: Question, folder: Path, *, unclean: bool = False
) -> tuple[Plain, Proof]:
    """Judge the file, and give it as it could be read; what is not clean is in `judged_cells`.

    *unclean* is known of it already. Raises UnsplittableError.
    """
    for way in plain.ways(folder):
        proof = None
        if not unclean:
            with suppress(UnsplittableError):
                proof = prove_plain(con, way, question)
            if proof is not None and proof.clean:
                return way, proof
        with suppress(UnsplittableError):
            take_lines(con, way)
            return way, proof or prove_table(con, question, repeating=way.repeating())
    raise UnsplittableError


def prove_plain(con: Connection, plain: Plain, question: Question) -> Proof | None:
    """Judge the file by one scan of it, or two; None where that cannot tell what is proved.

    Raises UnsplittableError.
    """
    if plain.width == 1:
        raise UnsplittableError  # a blank line, which has no cell, would pass for an empty one
    try:
        repeating = plain.repeating()
        asked = question.with_doubles(repeating)
        proof = _prove(con, plain.relation_with(asked.doubles), asked, repeating=repeating)
        # A column's extremes prove nothing of a plus sign, nor of values at their very bounds
        plus = plain.scan.result().plus
        unsure = [at for at in proof.by_extremes if plus or at in proof.unproved]
        if unsure and not proof.certain:
            for at, wrong in _looked_closer(con, plain, question, unsure).items():
                if wrong:
                    proof.unproved[at] = wrong
                else:
                    proof.unproved.pop(at, None)
        elif unsure and plus:
            return None  # which columns else are not proved is not known
    except DataError:
        return None  # the reader itself reads numbers, and trips over what is none
    except InputError as error:
        raise UnsplittableError from error
    if not plain.holds(proof.rows):
        raise UnsplittableError
    return proof


def _looked_closer(
    con: Connection, plain: Plain, question: Question, columns: Sequence[int]
) -> dict[int, int]:
    """Count the cells that are not clean in the columns at these positions, by their texts."""
    asked = _Asked()
    places = {at: asked.append(counted(f"NOT {question.columns[at].clean}")) for at in columns}
    found = asked.of(con, plain.relation)
    return {at: found[place] for at, place in places.items()}


def prove_typed(
    con: Connection,
    plain: Plain,
    question: Question,
    select: Callable[[Sequence[str]], Sequence[str]],
    names: Sequence[str],
) -> Proof | Doubt:
    """Read the file into `judged_typed` by the one scan that proves it clean.

    *select* makes the table's columns of the SQL of the question's values; *names* are those of
    them that the values become. Raises UnsplittableError.
    """
    if plain.width == 1:
        raise UnsplittableError  # see `prove_plain`
    tasks = {at: each for at, each in enumerate(question.columns) if not each.free}
    bulk = [at for at, each in tasks.items() if each.bulk]
    # Each text is read once, whatever is asked of its value
    reads = [f"r{at}" for at in range(len(question.columns))]  # two may be of one cell
    read = "".join(
        f", {each.read} AS {it}" for it, each in zip(reads, question.columns, strict=True)
    )
    values = [each.typed(it) for it, each in zip(reads, question.columns, strict=True)]
    clean = [
        each.readable(reads[at]) if each.bulk else each.proved(reads[at])
        for at, each in tasks.items()
    ]
    clean += [f"NOT ({each})" for each in (question.blank(), question.keyless()) if each]
    doubt = f"NOT coalesce({' AND '.join(f'({each})' for each in clean) or 'true'}, false)"
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE judged_typed AS "
            f"SELECT {', '.join([*select(values), f'{doubt} AS {DOUBTED}'])} "
            f"FROM (SELECT *{read} FROM {plain.relation})"
        )
    except DataError:
        return Doubt.UNKNOWN  # a value that its column cannot hold
    except InputError as error:
        raise UnsplittableError from error
    asked = _Asked()
    rows, doubted = asked.append("count(*)"), asked.append(counted(DOUBTED))
    extremes = {at: [asked.append(f"{it}({names[at]})") for it in ("min", "max")] for at in bulk}
    texts = {
        at: asked.append(f"list(DISTINCT {names[at]})")
        for at, each in tasks.items()
        if each.patterned
    }
    try:
        found = asked.of(con, TYPED)
    except OutOfMemoryError:
        return Doubt.UNKNOWN  # too many different texts
    if not plain.holds(found[rows]):
        raise UnsplittableError
    if found[doubted]:
        return Doubt.UNCLEAN
    if not all(
        _matches(tasks[at], text) for at, place in texts.items() for text in found[place] or ()
    ):
        return Doubt.UNCLEAN
    plus = plain.scan.result().plus
    unsure = [
        at for at in bulk if plus or not tasks[at].within(*(found[place] for place in extremes[at]))
    ]
    if unsure and any(_looked_closer(con, plain, question, unsure).values()):
        return Doubt.UNCLEAN
    return Proof(found[rows])


def prove_table(
    con: Connection, question: Question, *, repeating: frozenset[int] = frozenset()
) -> Proof:
    """Judge the cells in `judged_cells`."""
    proof = _prove(con, TABLE, question, bulk=False, repeating=repeating)
    ragged = con.execute(f"SELECT count(*) FROM {TABLE} WHERE {RAW} IS NOT NULL").fetchall()
    ((proof.ragged,),) = ragged
    return proof


def _prove(
    con: Connection,
    relation: str,
    question: Question,
    *,
    bulk: bool = True,
    repeating: frozenset[int],
) -> Proof:
    """Judge *relation*.

    Of the *repeating* columns, by index, each text is looked at once; their texts are held
    meanwhile, if they can be.
    """
    try:
        return _asked(con, relation, question, bulk=bulk, listed=repeating)
    except OutOfMemoryError:
        return _asked(con, relation, question, bulk=bulk, listed=None)


def _asked(
    con: Connection,
    relation: str,
    question: Question,
    *,
    bulk: bool,
    listed: frozenset[int] | None,
) -> Proof:
    """Ask by one SELECT; *listed* are columns of which all texts are taken, None: of none."""
    asked = _Asked()
    rows = asked.append("count(*)")
    tasks = {at: each for at, each in enumerate(question.columns) if not each.free}
    by_text = {
        at: asked.append(f"list(DISTINCT {each.text})")
        for at, each in tasks.items()
        if listed is not None and (each.index in listed or each.patterned)
    }
    extremes = {
        at: [asked.append(part) for part in each.in_bulk()]
        for at, each in tasks.items()
        if bulk and each.bulk and at not in by_text
    }
    doubtful = {
        at: asked.append(counted(f"NOT {each.clean}"))
        for at, each in tasks.items()
        if at not in by_text and at not in extremes
    }
    blank = asked.append(counted(question.blank()))
    keyless = asked.append(counted(question.keyless()))
    keys = []
    for key in question.keys:
        some, all_ = _key_counts(question, key)
        keys.append((key, asked.append(some), asked.append(all_)))
    found = asked.of(con, relation)
    proof = Proof(
        rows=found[rows], blank=found[blank], keyless=found[keyless], by_extremes=tuple(extremes)
    )
    for at, place in by_text.items():
        texts = _doubtful_texts(con, tasks[at], found[place] or ())
        if texts:
            proof.unproved[at], proof.texts[at] = len(texts), texts
    proof.certain = bool(
        proof.unproved
        or proof.blank
        or proof.keyless
        or any(found[place] for place in doubtful.values())
        or any(found[wrong] for wrong, _, _ in extremes.values())
    )
    for at, (wrong, least, most) in extremes.items():
        if found[wrong] or not tasks[at].within(found[least], found[most]):
            proof.unproved[at] = found[wrong] or 1
    for at, place in doubtful.items():
        each = tasks[at]
        matching = not each.patterned or all(
            _matches(each, text) for text in _texts(con, relation, each)
        )
        if found[place] or not matching:
            proof.unproved[at] = found[place] or 1
    # Of a cell that is not proved the value is not known yet
    proof.clashing += [
        key
        for key, some, all_ in keys
        if found[some] != found[all_] or proof.unproved.keys() & set(key)
    ]
    return proof


def _key_counts(question: Question, key: Sequence[int]) -> tuple[str, str]:
    """Count the different keys, and the rows that have one."""
    of = [question.columns[at] for at in key]
    parts = [part for each in of for part in each.key]
    different = f"count(DISTINCT hash({', '.join(parts)}))"
    if any(each.required for each in of):
        return different, "count(*)"
    some = " OR ".join(f"{part} IS NOT NULL" for part in parts)
    return f"{different} FILTER (WHERE {some})", counted(some)


def _doubtful_texts(con: Connection, each: Column, texts: Sequence[str | None]) -> list[str | None]:
    """Give those of the distinct *texts* of a column that are not proved clean."""
    doubtful: list[str | None] = [
        text
        for (text,) in con.execute(
            f"SELECT {each.text} FROM (SELECT unnest(CAST(? AS VARCHAR[])) AS {each.text}) "
            f"WHERE NOT {each.clean}",
            [list(texts)],
        ).fetchall()
    ]
    return doubtful + [text for text in texts if not _matches(each, text) and text not in doubtful]


class _Asked:
    """The expressions of one SELECT, by their places."""

    def __init__(self) -> None:
        self._expressions: list[str] = []

    def append(self, expression: str) -> int:
        self._expressions.append(expression)
        return len(self._expressions) - 1

    def of(self, con: Connection, relation: str) -> tuple[Any, ...]:
        query = f"SELECT {', '.join(self._expressions)} FROM {relation}"
        found: tuple[Any, ...] = con.execute(query).fetchall()[0]
        return found


def _texts(con: Connection, relation: str, each: Column) -> Iterator[str | None]:
    answer = con.execute(f"SELECT DISTINCT {each.text} FROM {relation}")
    while rows := answer.fetchmany(_TEXTS):
        yield from (text for (text,) in rows)


def _matches(each: Column, text: str | None) -> bool:
    """Tell whether the text keeps the column's pattern, as far as there is one."""
    pattern = None if each.form is None else each.form.pattern
    return pattern is None or text is None or text in each.missing or bool(pattern.match(text))
