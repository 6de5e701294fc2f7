"""Rows in newline-delimited JSON, as another Publisher writes them, into a typed table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from publisher.engine import Connection, DataError, InputError, identifier, literal
from publisher.errors import SourceError
from publisher.model.query import ROW
from publisher.model.schema import Field
from publisher.model.table import sql_type

OF, WRONG = "_of", "_wrong"
_FILE = "file_index"
"""What the engine's reader calls the number of the file that a row is of."""
_LONGEST_ROW = 4_000_000
"""Bytes. The engine's reader takes twice as much at once."""


def load(
    con: Connection, name: str, files: Sequence[Path], fields: Mapping[str, Field], partner: str
) -> int:
    """Make the temporary table *name*; its rows are numbered as they came.

    Gives how many were left out, because a value is none of its field's type. Raises SourceError
    where the files hold no such rows.
    """
    read_lines(con, name, [files], fields, partner)
    table = identifier(name)
    [(bad,)] = con.execute(f"SELECT count_if({WRONG}) FROM {table}").fetchall()
    if bad:
        con.execute(f"DELETE FROM {table} WHERE {WRONG}")
    return int(bad)


def read_lines(
    con: Connection,
    name: str,
    several: Sequence[Sequence[Path]],
    fields: Mapping[str, Field],
    partner: str,
) -> None:
    """Make the temporary table *name* of the rows of *several* tables, each in files of its own.

    They are numbered as they came, those of one table together. Each has the number of its table as
    ``OF``, and whether a value is none of its field's type as ``WRONG``. Raises SourceError, which
    names the *partner*, where a file holds no such rows. Several tables need names that
    ``stand_together``.
    """
    columns = {
        field: "JSON" if sql_type(it) == "JSON" else "VARCHAR" for field, it in fields.items()
    }
    pairs = ", ".join(f"{literal(field)}: '{kind}'" for field, kind in columns.items())
    names = [identifier(it) for it in fields]
    both = ", ".join(
        f"{column} AS r{number}, {_typed(it)} AS t{number}"
        for number, (column, it) in enumerate(zip(names, fields.values(), strict=True))
    )
    typed = ", ".join(f"t{number} AS {column}" for number, column in enumerate(names))
    wrong = " OR ".join(f"(r{it} IS NOT NULL AND t{it} IS NULL)" for it in range(len(names)))
    files = [(str(file), number) for number, its in enumerate(several) for file in its]
    longest = min(max(file.stat().st_size for its in several for file in its), _LONGEST_ROW)
    if not longest:  # which is no JSON
        load_none(con, name, fields.values(), f", {WRONG} BOOLEAN, {OF} BIGINT")
        return
    parameters: list[object] = [[file for file, _ in files]]
    of = "0"
    if len(several) > 1:
        of = f"(?::BIGINT[])[{_FILE}::BIGINT + 1]"
        parameters.insert(0, [number for _, number in files])
    try:
        con.execute(
            f"CREATE TEMP TABLE {identifier(name)} AS SELECT {typed}, row_number() OVER () AS"
            f" {ROW}, {wrong} AS {WRONG}, member AS {OF} FROM (SELECT {both}, {of} AS member FROM"
            f" read_json(?, format = 'newline_delimited', columns = {{{pairs}}},"
            f" maximum_object_size = {longest}))",
            parameters,
        )
    except (InputError, DataError) as error:
        raise SourceError("partner-not-rows", partner=partner) from error


def stand_together(fields: Iterable[str]) -> bool:
    """Tell whether files tell rows apart: a field could have the name of the file's number."""
    return _FILE not in {it.casefold() for it in fields}


@dataclass(frozen=True, slots=True)
class Limit:
    partner: str
    rows: int
    """That it was asked for at the most: a small file can hold very many."""


def load_parquet(
    con: Connection, name: str, files: Sequence[Path], fields: Mapping[str, Field], limit: Limit
) -> int:
    """Do the same of Parquet files, in which values have their types already."""
    table = identifier(name)
    try:
        told = "SELECT coalesce(sum(num_rows), 0) FROM parquet_file_metadata(?)"
        [(rows,)] = con.execute(told, [[str(file) for file in files]]).fetchall()
        if rows > limit.rows:
            raise SourceError("partner-many-rows", partner=limit.partner, most=limit.rows)
        [*held] = con.execute("SELECT name FROM parquet_schema(?)", [str(files[0])]).fetchall()
        there = {column for (column,) in held}
        columns = ", ".join(
            f"{_stored(it) if it.name in there else 'NULL'}::{sql_type(it)} AS"
            f" {identifier(it.name)}"
            for it in fields.values()
        )
        con.execute(
            f"CREATE TEMP TABLE {table} AS SELECT {columns}, row_number() OVER () AS {ROW}"
            " FROM read_parquet(?)",
            [[str(file) for file in files]],
        )
    except (InputError, DataError) as error:
        raise SourceError("partner-not-rows", partner=limit.partner) from error
    return 0


def load_none(con: Connection, name: str, fields: Iterable[Field], others: str = "") -> int:
    """Make the table without rows; *others* are columns that it is to have as well."""
    columns = ", ".join(f"{identifier(it.name)} {sql_type(it)}" for it in fields)
    con.execute(f"CREATE TEMP TABLE {identifier(name)} ({columns}, {ROW} BIGINT{others})")
    return 0


def _stored(field: Field) -> str:
    name = identifier(field.name)
    return f"timezone('UTC', {name})" if sql_type(field) == "TIMESTAMP" else name


def _typed(field: Field) -> str:
    name = identifier(field.name)
    kind = sql_type(field)
    if kind in {"TIMESTAMP", "DATE"}:
        moment = f"TRY_CAST({name} AS DATE)"
        if kind == "TIMESTAMP":
            moment = f"timezone('UTC', TRY_CAST({name} AS TIMESTAMPTZ))"
        # The engine knows others, and one that is infinite; nobody else does
        return f"CASE WHEN year({moment}) BETWEEN 1 AND 9999 THEN {moment} END"
    if kind in {"VARCHAR", "JSON"}:
        return name
    if kind in {"BIGINT", "INTEGER"}:  # a cast would round
        return (
            f"CASE WHEN regexp_full_match({name}, '-?[0-9]+') THEN TRY_CAST({name} AS {kind}) END"
        )
    typed = f"TRY_CAST({name} AS {kind})"
    return f"CASE WHEN isfinite({typed}) THEN {typed} END" if kind == "DOUBLE" else typed
