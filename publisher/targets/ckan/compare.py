"""Compares the rows that a DataStore table holds with those it should hold, one by one.

CKAN's dump is read into the engine beside the store's rows, and both are joined there, so that
the size of neither matters. CKAN 2.12 tells instants to the millisecond, 2.11 to the second: that
is how far they are compared. JSON is equal where its values are, however it is written.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from publisher.engine import Connection, identifier, literal
from publisher.targets.ckan import columns
from publisher.targets.snapshot import ROW_ID, PinnedTable, Snapshot
from publisher.targets.spool import Pages, spool

_LONGEST_LINE = 33_554_432  # bytes of one row in the dump
_BATCH = 500  # rows whose JSON is read at a time
_SAMPLE = 1_000  # rows of the dump that show how far it tells instants


@dataclass(frozen=True, slots=True)
class Slice:
    """How the rows of one month differ (of the whole table where no field has the role time)."""

    month: str
    missing: int
    different: int
    extra: int


@dataclass(frozen=True, slots=True)
class Comparison:
    slices: tuple[Slice, ...]
    """Only those that differ."""
    _snapshot: Snapshot
    _folder: Path

    @property
    def equal(self) -> bool:
        return not self.slices

    def to_send(self, size: int) -> Pages:
        """Give the rows that are missing or different there, as they are sent."""
        return self._snapshot.pages(self._folder / "send.parquet", size)

    def to_delete(self, size: int) -> Pages:
        """Give CKAN's own ``_id`` of the rows that should not be there."""
        return self._snapshot.pages(self._folder / "delete.parquet", size)


@asynccontextmanager
async def comparing(
    snapshot: Snapshot,
    table: PinnedTable,
    dump: Path,
    *,
    header: Sequence[str],
    refused: Iterable[Sequence[Any]] = (),
) -> AsyncIterator[Comparison]:
    """Compare the table with the *dump*, a CSV without header of the columns *header*.

    Files go with the context. Rows whose key is among the *refused* are not missed.
    """
    folder = snapshot.scratch()
    await asyncio.to_thread(folder.mkdir)
    try:
        source, parameters = snapshot.relation(table)
        work = _Work(table, source, parameters, folder)

        def compare(con: Connection) -> tuple[Slice, ...]:
            work.read(con, dump, header)
            work.join(con, refused)
            slices = work.slices(con)
            if slices:
                work.write(con)
            return slices

        yield Comparison(await snapshot.run(compare), snapshot, folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class _Work:
    """The statements, over two files: what is held and what is wanted, in the same form."""

    def __init__(
        self, table: PinnedTable, source: str, parameters: list[object], folder: Path
    ) -> None:
        self._table = table
        self._source = source
        self._parameters = parameters
        self._folder = folder
        self._types = columns.sql_types(table)
        self._key = columns.key(table)
        self._unit = "millisecond"
        self._json = [name for name, type_ in self._types.items() if type_ == "JSON"]

    def read(self, con: Connection, dump: Path, header: Sequence[str]) -> None:
        """Bring both sides into one form, in files."""
        texts = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
        lines = (
            f"read_csv({literal(str(dump))}, auto_detect = false, header = false, delim = ',', "
            f"quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, "
            f"columns = {{{texts}}}, new_line = '\\n', "
            f"max_line_size = {_LONGEST_LINE}, buffer_size = {2 * _LONGEST_LINE})"
        )
        self._unit = self._told_to(con, lines)
        held = ", ".join(
            f"{self._form(f'TRY_CAST({identifier(name)} AS {type_})', type_)} AS {identifier(name)}"
            for name, type_ in self._types.items()
        )
        con.execute(
            f"COPY (SELECT {identifier('_id')}::BIGINT AS _id, {held} FROM {lines})"  # noqa: S608
            f" TO {self._file('held')} (FORMAT parquet)"
        )
        wanted = ", ".join(
            f"{self._form(columns.source(self._table, name), type_)} AS {identifier(name)}"
            for name, type_ in self._types.items()
        )
        con.execute(
            f"COPY (SELECT {ROW_ID} AS _row, {wanted} FROM {self._source})"  # noqa: S608
            f" TO {self._file('wanted')} (FORMAT parquet)",
            self._parameters,
        )

    def join(self, con: Connection, refused: Iterable[Sequence[Any]]) -> None:
        """Find the rows in which the two sides differ."""
        on_key = " AND ".join(f"h.{name} = w.{name}" for name in map(identifier, self._key))
        same = " AND ".join(
            f"h.{name} IS NOT DISTINCT FROM w.{name}" for name in map(identifier, self._types)
        )
        held = self._side("held")
        self._find_refused(con, refused)
        con.execute(
            f"CREATE TEMP TABLE lacking AS SELECT w._row, {self._month_of('w')} AS month,"  # noqa: S608
            f" EXISTS (SELECT 1 FROM {held} AS h WHERE {on_key}) AS there"
            f" FROM {self._side('wanted')} AS w ANTI JOIN {held} AS h ON {same}"
        )
        con.execute(
            f"CREATE TEMP TABLE surplus AS SELECT h._id, {self._month_of('h')} AS month"  # noqa: S608
            f" FROM {self._side('held')} AS h ANTI JOIN {self._side('wanted')} AS w ON {on_key}"
        )
        if self._json:
            self._leave_equal_json(con, on_key)
        if any(self._types[name] == "TIMESTAMP" for name in self._key):
            self._add_crowded(con, on_key)
        con.execute("DELETE FROM lacking WHERE _row IN (SELECT _row FROM refused)")

    def slices(self, con: Connection) -> tuple[Slice, ...]:
        rows = con.execute(
            "SELECT month, count_if(kind = 'missing'), count_if(kind = 'different'),"
            " count_if(kind = 'extra') FROM ("
            "SELECT month, if(there, 'different', 'missing') AS kind FROM lacking"
            " UNION ALL SELECT month, 'extra' FROM surplus) GROUP BY month ORDER BY month"
        ).fetchall()
        return tuple(Slice(*row) for row in rows)

    def write(self, con: Connection) -> None:
        """Write what is to be sent, and what is to be deleted."""
        send = (
            f"SELECT {columns.wire(self._table)} FROM {self._source} AS t"  # noqa: S608
            f" WHERE {ROW_ID} IN (SELECT _row FROM lacking) ORDER BY {self._table.order()}"
        )
        spool(con, send, self._parameters, self._folder / "send.parquet")
        delete = "SELECT _id FROM surplus ORDER BY _id"
        spool(con, delete, [], self._folder / "delete.parquet")

    def _leave_equal_json(self, con: Connection, on_key: str) -> None:
        """Take out the rows that differ in how JSON is written alone."""
        rest = [name for name in self._types if name not in self._json]
        same = " AND ".join(
            f"h.{name} IS NOT DISTINCT FROM w.{name}" for name in map(identifier, rest)
        )
        both = ", ".join(f"w.{name}, h.{name}" for name in map(identifier, self._json))
        answer = con.cursor().execute(
            f"SELECT w._row, {both} FROM {self._side('wanted')} AS w"  # noqa: S608
            f" JOIN {self._side('held')} AS h ON {on_key}"
            f" JOIN (SELECT _row FROM read_parquet({self._spool_lacking(con)})) AS l"
            f" ON l._row = w._row WHERE {same or 'true'}"
        )
        con.execute("CREATE TEMP TABLE equal (_row BIGINT)")
        while rows := answer.fetchmany(_BATCH):
            alike = [row[0] for row in rows if _alike(row[1:])]
            con.execute("INSERT INTO equal SELECT unnest(?::BIGINT[])", [alike])
        con.execute("DELETE FROM lacking WHERE _row IN (SELECT _row FROM equal)")

    def _spool_lacking(self, con: Connection) -> str:
        file = self._file("lacking")
        con.execute(f"COPY lacking TO {file} (FORMAT parquet)")
        return file

    def _find_refused(self, con: Connection, refused: Iterable[Sequence[Any]]) -> None:
        keys = [orjson.dumps(list(key)).decode() for key in refused]
        con.execute("CREATE TEMP TABLE refused (_row BIGINT)")
        if not keys:
            return
        sent = ", ".join(map(identifier, self._key))
        con.execute(
            "INSERT INTO refused SELECT _row FROM ("  # noqa: S608
            f"SELECT _row, json_array({sent})::VARCHAR AS key FROM"
            f" (SELECT {ROW_ID} AS _row, {columns.wire(self._table)} FROM {self._source}))"
            " WHERE list_contains(?::VARCHAR[], key)",
            [*self._parameters, keys],
        )

    def _add_crowded(self, con: Connection, on_key: str) -> None:
        """Have all rows of a key sent anew where there are more or fewer of it than there should.

        The dump tells instants less finely than a key may hold them, so that several rows can
        seem to have one key: which of them is missing, or left over, cannot be seen.
        """
        names = ", ".join(map(identifier, self._key))
        con.execute(
            f"CREATE TEMP TABLE crowded AS SELECT w.* EXCLUDE (n) FROM"  # noqa: S608
            f" (SELECT {names}, count(*) AS n FROM {self._side('wanted')}"
            f" WHERE _row NOT IN (SELECT _row FROM refused) GROUP BY ALL) AS w"
            f" JOIN (SELECT {names}, count(*) AS n FROM {self._side('held')} GROUP BY ALL) AS h"
            f" ON {on_key} WHERE w.n <> h.n"
        )
        con.execute(
            f"INSERT INTO surplus SELECT h._id, {self._month_of('h')}"  # noqa: S608
            f" FROM {self._side('held')} AS h SEMI JOIN crowded AS w ON {on_key}"
        )
        con.execute(
            f"INSERT INTO lacking SELECT h._row, {self._month_of('h')}, true"  # noqa: S608
            f" FROM (SELECT * FROM {self._side('wanted')}"
            " WHERE _row NOT IN (SELECT _row FROM lacking)) AS h"
            f" SEMI JOIN crowded AS w ON {on_key}"
        )

    def _told_to(self, con: Connection, lines: str) -> str:
        """Give the unit that the dump tells instants to."""
        times = [name for name, type_ in self._types.items() if type_ == "TIMESTAMP"]
        tests = " OR ".join(f"contains({identifier(name)}, '.')" for name in times)
        sample = f"(SELECT * FROM {lines} LIMIT {_SAMPLE})"  # noqa: S608 - names are quoted
        found = con.execute(f"SELECT bool_or({tests or 'false'}) FROM {sample}").fetchone()  # noqa: S608
        return "millisecond" if found and found[0] else "second"

    def _form(self, value: str, type_: str) -> str:
        if type_ == "TIMESTAMP":
            return f"date_trunc('{self._unit}', {value})"
        if type_ == "JSON":
            return f"nullif(json({value})::VARCHAR, 'null')"
        return value

    def _month_of(self, side: str) -> str:
        time = self._table.time_field
        if time is None or self._types[time.name] not in {"TIMESTAMP", "DATE"}:
            return "''"
        return f"coalesce(strftime({side}.{identifier(time.name)}, '%Y-%m'), '')"

    def _side(self, name: str) -> str:
        return f"read_parquet({self._file(name)})"

    def _file(self, name: str) -> str:
        return literal(str(self._folder / f"{name}.parquet"))


def _alike(texts: Sequence[str | None]) -> bool:
    """Tell whether JSON texts, by twos, stand for the same values."""
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return all(
        one == other or (one and other and orjson.loads(one) == orjson.loads(other))
        for one, other in pairs
    )
