"""The checks of one table, run over a delivery's staged rows."""

# ruff: noqa: S608 - the names are ours, values are parameters
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from publisher.engine import Connection, literal
from publisher.model import checks as model
from publisher.model.catalog import TableEntry
from publisher.model.run import ROWS_NAMED, Problem
from publisher.model.schema import Schema
from publisher.validation.checks.base import SERIES, Query, Table
from publisher.validation.checks.neighbours import Reach, know, line_up, numeric
from publisher.validation.checks.registry import Compiled, compiled
from publisher.validation.rows import BAD, ROW

CHECKED = "temp.judged_checked"
"""What was found: ``position, rank, field, note``; the rank is the check's place in the list."""
COLUMNS = {"position": "BIGINT", "rank": "INTEGER", "field": "VARCHAR", "note": "VARCHAR"}
_NOTED = "check-warning"


@dataclass(frozen=True)
class Checks:
    """All that a steward listed, in the order of the list."""

    schema: Schema
    listed: tuple[model.Check, ...]
    own: tuple[tuple[int, Compiled], ...]
    """Publisher's, with their places in the list."""

    @classmethod
    def of(cls, schema: Schema, listed: Sequence[model.Check], table: Table) -> "Checks":
        """Raise ConfigurationError for the first that cannot be run on the table."""
        own = [
            (rank, compiled(check, table))
            for rank, check in enumerate(listed)
            if isinstance(check, model.Own)
        ]
        return cls(schema, tuple(listed), tuple(own))

    @property
    def refusing(self) -> tuple[int, ...]:
        return tuple(i for i, check in enumerate(self.listed) if check.severity == "error")

    def run(self, con: Connection, stored: str | None) -> None:
        """Fill `judged_checked`, and list in `judged_clash` the rows that are refused.

        *stored* is the relation of the table's rows; None where there is none, or where the
        delivery replaces it.
        """
        know(con, self.schema, stored)
        self._run(con, [(rank, it) for rank, it in self.own if not it.serial])
        serial = [(rank, it) for rank, it in self.own if it.serial]
        if serial:
            doubted = {
                field
                for (field,) in con.execute(f"SELECT DISTINCT field FROM {CHECKED}").fetchall()
            }
            fields = {query.field for _, it in serial for query in it.queries}
            reach = _reach([it.check for _, it in serial])
            line_up(con, self.schema, fields & numeric(self.schema), doubted, reach)
            self._run(con, [each for each in serial if each[0] in self.refusing])
            # What stays is told of as it stays: a refused row is nobody's neighbour
            con.execute(
                f"DELETE FROM {SERIES} WHERE _position IN (SELECT position FROM temp.judged_clash)"
            )
            self._run(con, [each for each in serial if each[0] not in self.refusing])
        for table in ("judged_series", "judged_spans", "judged_entities"):
            con.execute(f"DROP TABLE IF EXISTS temp.{table}")
        con.execute("DROP VIEW temp.judged_known")

    def _run(self, con: Connection, checks: Sequence[tuple[int, Compiled]]) -> None:
        for rank, each in checks:
            for query in each.queries:
                _collect(con, rank, query)
        self.refuse(con, [rank for rank, _ in checks])

    def refuse(self, con: Connection, ranks: Sequence[int]) -> None:
        """List the rows that the checks of these *ranks* refuse."""
        for rank in set(ranks) & {*self.refusing}:
            con.execute(
                "INSERT INTO temp.judged_clash(position, rule, field, note) "
                f"SELECT position, ?, field, note FROM {CHECKED} WHERE rank = ?",
                [self.listed[rank].type, rank],
            )

    def notes(self, con: Connection) -> tuple[Problem, ...]:
        """Tell of the rows that stay, and that a check speaks against."""
        found = con.execute(
            f"SELECT rank, nullif(field, ''), count(*), min(position, {ROWS_NAMED}) "
            f"FROM {CHECKED} JOIN temp.judged_good ON {ROW} = position "
            f"WHERE {BAD} IS NULL AND position NOT IN (SELECT position FROM temp.judged_clash) "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        return tuple(
            Problem(
                _NOTED,
                {
                    "check": self.listed[rank].type,
                    "field": field or "-",
                    "count": count,
                    "rows": ", ".join(map(str, rows)),
                },
            )
            for rank, field, count, rows in found
        )


def table_of(entry: TableEntry) -> Table:
    harvest = entry.harvest
    fields = harvest.fields if harvest else {}
    units = {name: view.unit for name, view in fields.items() if view.unit is not None}
    return Table(entry.schema, units, entry.resource.interval, entry.mode)


def begin(con: Connection) -> None:
    """Make an empty `judged_checked`."""
    columns = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
    con.execute(f"CREATE OR REPLACE TEMP TABLE judged_checked({columns})")


def _collect(con: Connection, rank: int, query: Query) -> None:
    # The rank and the field are ours to write; the query's parameters are numbered or not
    con.execute(
        f"INSERT INTO {CHECKED} SELECT position, {rank}, {literal(query.field)}, min(note) "
        f"FROM ({query.sql}) GROUP BY position",
        list(query.params),
    )


def _reach(checks: Sequence[model.Own]) -> Reach:
    flat = [check for check in checks if isinstance(check, model.FlatLine)]
    rows = [check.rows - 1 for check in flat if check.rows is not None]
    lengths = [check.length for check in flat if check.length is not None]
    return Reach(max([1, *rows]), max([timedelta(0), *lengths]))
