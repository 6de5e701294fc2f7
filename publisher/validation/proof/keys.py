"""Rows with equal keys: cast values compared over the whole table, as Frictionless compares them.

Clean cells are compared by their forms; of those that are not, Frictionless' readers tell the
value, which is then written as a text of the form.
"""

# ruff: noqa: S608 - the names are ours; texts are parameters or quoted
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from frictionless import Field as FrictionlessField

from publisher.engine import Connection
from publisher.validation.proof.cells import NUMBER, TABLE, UnsplittableError
from publisher.validation.proof.question import Column, Question
from publisher.validation.spool import spool

MATCHES = "temp.judged_matches"
_PAGE = 10_000
_PLAIN_DIGITS = 400

Read = Callable[[int, str | None], Any]
"""The value of a column's text, None where it has none."""


def match_keys(
    con: Connection,
    question: Question,
    fields: Sequence[FrictionlessField],
    read: Read,
    folder: Path,
) -> None:
    """List in `judged_matches` each row whose key went before: ``n, rule, other``.

    The rule is the position of the key in the question. Raises
    UnsplittableError for values that have no text to be compared by.
    """
    con.execute("DROP TABLE IF EXISTS temp.judged_matches")
    con.execute("CREATE TEMP TABLE judged_matches(n BIGINT, rule INTEGER, other BIGINT)")
    for rule, key in enumerate(question.keys):
        of = [question.columns[index] for index in key]
        _mend(con, of, fields, read, folder)
        parts = ", ".join(part for each in of for part in _parts(each))
        some = " OR ".join(f"{part} IS NOT NULL" for each in of for part in _parts(each))
        source = f"{TABLE} LEFT JOIN temp.judged_mended AS m USING ({NUMBER})"
        con.execute(
            f"""
            INSERT INTO temp.judged_matches
            WITH hashed AS (
                SELECT {NUMBER}, hash({parts}) AS h FROM {source} WHERE {some}
            ), twice AS (SELECT h FROM hashed GROUP BY h HAVING count(*) > 1)
            SELECT {NUMBER}, ?, other FROM (
                SELECT {NUMBER}, lag({NUMBER}) OVER (PARTITION BY {parts} ORDER BY {NUMBER})
                    AS other
                FROM {source} WHERE hash({parts}) IN (SELECT h FROM twice) AND ({some})
            ) WHERE other IS NOT NULL
            """,
            [rule],
        )


def _parts(each: Column) -> tuple[str, ...]:
    """Compare a cell by its form, or by the mended text; NULL is None."""
    mended = f"m.t{each.index}"
    text = f"CASE WHEN m.{NUMBER} IS NULL THEN {each.text} ELSE {mended} END"
    absent = f"m.{NUMBER} IS NULL AND {each.absent}"
    parts = (text,) if each.form is None else each.form.key(f"({text})")
    return tuple(f"(CASE WHEN {absent} THEN NULL ELSE {part} END)" for part in parts)


def _mend(
    con: Connection,
    of: Sequence[Column],
    fields: Sequence[FrictionlessField],
    read: Read,
    folder: Path,
) -> None:
    """Make `judged_mended`: of rows with an unproved key cell, the texts of all key values."""
    texts = ", ".join(each.text for each in of)
    clean = ", ".join(each.clean for each in of)
    unproved = " OR ".join(f"NOT {each.clean}" for each in of)
    answer = con.execute(f"SELECT {NUMBER}, {texts}, {clean} FROM {TABLE} WHERE {unproved}")
    with spool(folder, "mended") as file:
        for number, *found in _pages(answer):
            row = {NUMBER: number}
            for each, text, proved in zip(of, found, found[len(of) :], strict=False):
                value = read(each.index, text)
                if value is not None:
                    name = f"t{each.index}"
                    row[name] = text if proved else _text(value, fields[each.index])
            file.add(row)
        columns = {NUMBER: "BIGINT"} | {f"t{each.index}": "VARCHAR" for each in of}
        file.load(con, "judged_mended", columns)
        file.path.unlink()


def _pages(answer: Connection) -> Iterator[tuple[Any, ...]]:
    while rows := answer.fetchmany(_PAGE):
        yield from rows


def _text(value: Any, field: FrictionlessField) -> str:
    """Write *value* as the one text of its form that all equal values have."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite():
        point = getattr(field, "decimal_char", ".")  # of an integer field there is none
        return _decimal(value).replace(".", point)
    own = field.format not in {"default", "any"}
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, datetime | date):
        return value.strftime(field.format) if own else value.isoformat()
    if isinstance(value, time) and value.tzinfo is None:
        return value.isoformat()
    if field.type == "yearmonth":
        return f"{value.year:04}-{value.month:02}"
    raise UnsplittableError


def _decimal(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - it is finite
    kept = "".join(map(str, digits)).lstrip("0")
    plain = kept.rstrip("0")
    exponent += len(kept) - len(plain)
    if not plain:
        return "0"
    if abs(exponent) > _PLAIN_DIGITS:
        # No form reads this, and it is as long as what a form compares as it is
        return f"{'-' * sign}{plain}x{exponent:+021}"
    return format(Decimal((sign, tuple(map(int, plain)), exponent)), "f")
