"""The temporary tables a judgement leaves: judged_good, which may be a view, and judged_bad."""

# ruff: noqa: S608 - only our own names and quoted identifiers are composed
from collections.abc import Collection

from publisher.engine import Connection, identifier, literal
from publisher.messages.text import cut
from publisher.model.run import ROWS_NAMED, Example, RuleCount
from publisher.model.table import sql_type
from publisher.validation.rows import BAD, FOLD_OF, ROW, Spools
from publisher.validation.spool import Spool
from publisher.validation.verdict import error_of
from publisher.validation.view import SourceView

Findings = tuple[RuleCount, ...]
_REFUSED = {
    "position": "BIGINT",
    "row_number": "BIGINT",
    "labels": "JSON",
    "cells": "JSON",
    "errors": "JSON",
    "rules": "VARCHAR[]",
}
_EXAMPLES = 20
_LONGEST_MESSAGE = 300  # it quotes the cell, which may be a document


def stage(
    con: Connection, view: SourceView, staged: Spool, read: Collection[str], folded: Collection[str]
) -> None:
    """Load the *staged* rows as judged_good, with constants; the fields in *read* were read.

    An empty judged_clash stands ready beside it.
    """
    if _is_view(con):
        con.execute("DROP VIEW temp.judged_good")
    columns = {ROW: "BIGINT"}
    columns |= {name: sql_type(view.schema.by_name[name]) for name in read}
    columns |= {BAD: "BOOLEAN"} | {FOLD_OF + name: "VARCHAR" for name in folded}
    select = [ROW]
    for field in view.schema.fields:
        name = identifier(field.name)
        constant = view.constants.get(field.name)
        text = "NULL" if constant is None else literal(str(constant))
        select.append(
            name if field.name in read else f"CAST({text} AS {sql_type(field)}) AS {name}"
        )
    select += [identifier(name) for name in columns if name not in {ROW, *read}]
    staged.load(con, "judged_good", columns, ", ".join(select))
    con.execute("DROP TABLE IF EXISTS temp.judged_clash")
    con.execute(
        "CREATE TEMP TABLE judged_clash"
        "(position BIGINT, rule VARCHAR, field VARCHAR, other BIGINT, note VARCHAR)"
    )


def stand(con: Connection, typed: str, select: str) -> None:
    """Let the rows *typed* be judged_good, which has none yet, without copying them."""
    con.execute("DROP TABLE temp.judged_good")
    con.execute(f"CREATE OR REPLACE TEMP VIEW judged_placed AS SELECT {select} FROM {typed}")
    con.execute(
        f"CREATE TEMP VIEW judged_good AS SELECT *, CAST(NULL AS BOOLEAN) AS {BAD} "
        "FROM temp.judged_placed"
    )


def _is_view(con: Connection) -> bool:
    found = con.execute(
        "SELECT 1 FROM duckdb_views() WHERE temporary AND view_name = 'judged_good'"
    )
    return found.fetchone() is not None


def part(con: Connection, spools: Spools) -> tuple[int, int]:
    """Take the bad rows out of judged_good and make judged_bad; count both."""
    spools.refused.load(con, "judged_bad", _REFUSED)
    spools.clashing.load(con, "judged_clashing", _REFUSED)
    # A row that is bad by itself and clashes too was written twice; the later has all its errors
    con.execute(
        "DELETE FROM temp.judged_bad WHERE position IN (SELECT position FROM temp.judged_clashing)"
    )
    con.execute("INSERT INTO temp.judged_bad SELECT * FROM temp.judged_clashing")
    clash = f"{ROW} IN (SELECT position FROM temp.judged_clashing)"
    if not _is_view(con):
        con.execute(f"DELETE FROM temp.judged_good WHERE {BAD} OR {clash}")
        con.execute(f"ALTER TABLE temp.judged_good DROP COLUMN {BAD}")
    else:
        con.execute("CREATE OR REPLACE TEMP VIEW judged_good AS FROM temp.judged_placed")
        if con.execute("SELECT 1 FROM temp.judged_clashing LIMIT 1").fetchone():
            con.execute(f"CREATE TEMP TABLE judged_rest AS FROM temp.judged_good WHERE NOT {clash}")
            con.execute("DROP VIEW temp.judged_good")
            con.execute("ALTER TABLE temp.judged_rest RENAME TO judged_good")
    con.execute("DROP TABLE temp.judged_clashing")
    con.execute("DROP TABLE temp.judged_clash")
    counts = con.execute(
        "SELECT (SELECT count(*) FROM temp.judged_good), (SELECT count(*) FROM temp.judged_bad)"
    ).fetchone()
    return counts or (0, 0)


def drop(con: Connection, spools: Spools) -> tuple[int, Findings]:
    """Count what is wrong with the rows whose details were spooled, and with those that clash.

    Gives how many rows clash and are not bad by themselves, and the findings. No good row is
    left to be taken by mistake.
    """
    spools.refused.load(con, "judged_bad", _REFUSED)
    found = con.execute(
        f"SELECT rule, field, count(*), min(position, {ROWS_NAMED}) FROM temp.judged_clash "
        "GROUP BY 1, 2"
    ).fetchall()
    clashes = tuple(
        RuleCount(*error_of(rule, field), count, tuple(rows)) for rule, field, count, rows in found
    )
    told = (*findings(con), *clashes)
    more = con.execute(
        "SELECT count(DISTINCT position) FROM temp.judged_clash "
        f"JOIN temp.judged_good ON {ROW} = position WHERE {BAD} IS NULL"
    ).fetchone()
    for table in ("judged_good", "judged_clash"):
        con.execute(f"DROP TABLE temp.{table}")
    return more[0] if more else 0, told


def finish(con: Connection) -> None:
    """Drop what only the judgement itself needs."""
    con.execute("ALTER TABLE temp.judged_bad DROP COLUMN position")


def findings(con: Connection) -> Findings:
    """Count the errors of judged_bad by rule and schema field."""
    found = con.execute(
        "SELECT error->>'type', error->>'field', count(*), "
        f"min(row_number, {ROWS_NAMED}) FROM (SELECT row_number, "
        "unnest(CAST(errors AS JSON[])) AS error FROM temp.judged_bad) "
        "GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
    ).fetchall()
    return tuple(RuleCount(rule, field, count, tuple(rows)) for rule, field, count, rows in found)


def examples(con: Connection) -> tuple[Example, ...]:
    """Give some errors of judged_bad, so that each rule and field has its share of them."""
    found = con.execute(
        "SELECT row_number, error->>'field' AS field, error->>'message' AS message "
        "FROM (SELECT row_number, unnest(CAST(errors AS JSON[])) AS error FROM temp.judged_bad) "
        "WHERE message IS NOT NULL "  # those that are told in brief have none
        "ORDER BY row_number() OVER (PARTITION BY error->>'type', field ORDER BY row_number), "
        f"row_number LIMIT {_EXAMPLES}"
    ).fetchall()
    return tuple(
        Example(row, field, cut(message, _LONGEST_MESSAGE))
        for row, field, message in sorted(found, key=lambda example: example[0])
    )
