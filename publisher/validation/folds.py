"""Times that exist twice, settled by the order of the series they stand in.

When clocks are put back, a local hour passes twice. Within one entity's series the rows of
that hour come in delivery order: where the times break against the direction of the series
exactly once, the break parts the first passing from the second. The direction is told by
the series' nearest times outside the fold. Anything else does not decide, and the rows are
refused rather than guessed.
"""

# ruff: noqa: S608 - only our own names and quoted identifiers are composed
from publisher.engine import Connection, identifier
from publisher.model.schema import Schema
from publisher.validation.rows import FOLD_OF, ROW
from publisher.validation.verdict import FOLD

_DECIDED = "temp.judged_fold"


def settle(
    con: Connection, schema: Schema, folded: frozenset[str], *, apart: str | None = None
) -> None:
    """Place the *folded* fields' times of `judged_good`; rows that cannot be leave it.

    Those are listed in `judged_clash`. What remains of the folds is dropped. *apart* is a
    relation of ``position`` and ``delivery``, where the rows come from several deliveries:
    each has series of its own.
    """
    for name in sorted(folded):
        _decide(con, name, _series(schema, name), apart)
        field, fold = identifier(name), identifier(FOLD_OF + name)
        con.execute(
            f"UPDATE temp.judged_good SET {field} = {field} "
            f"+ to_seconds(CAST(split_part({fold}, '/', 2) AS BIGINT)) "
            f"WHERE {ROW} IN (SELECT position FROM {_DECIDED} WHERE late)"
        )
        con.execute(
            f"INSERT INTO temp.judged_clash SELECT position, ?, ?, NULL, NULL FROM {_DECIDED} "
            "WHERE late IS NULL",
            [FOLD, name],
        )
        con.execute(
            f"DELETE FROM temp.judged_good WHERE {ROW} IN "
            f"(SELECT position FROM {_DECIDED} WHERE late IS NULL)"
        )
        con.execute(f"ALTER TABLE temp.judged_good DROP COLUMN {fold}")
        con.execute(f"DROP TABLE {_DECIDED}")


def _series(schema: Schema, time: str) -> tuple[str, ...]:
    """Name the fields that tell one series from another: the entity's, else the key's others."""
    entity = tuple(field.name for field in schema.entity_fields)
    return entity or tuple(name for name in schema.primary_key if name != time)


def _decide(con: Connection, name: str, series: tuple[str, ...], apart: str | None) -> None:
    """List the times in a fold, and whether each is the later one; NULL: undecided."""
    time, fold = identifier(name), identifier(FOLD_OF + name)
    entity = "".join(f", {identifier(part)}" for part in series)
    source = "temp.judged_good"
    if apart is not None:
        entity += ", _delivery"
        source = (
            f"(SELECT s.*, q.delivery AS _delivery FROM {source} AS s "
            f"JOIN {apart} AS q ON q.position = s.{ROW})"
        )
    outside = f"CASE WHEN {fold} IS NULL THEN {time} END"
    con.execute("DROP TABLE IF EXISTS temp.judged_fold")
    con.execute(
        f"""
        CREATE TEMP TABLE judged_fold AS
        WITH timed AS (
            SELECT {ROW} AS position, {time} AS t, {fold} AS fold,
                dense_rank() OVER (ORDER BY 1{entity}) AS series,
                last_value({outside} IGNORE NULLS) OVER (PARTITION BY 1{entity} ORDER BY {ROW}
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS earlier,
                first_value({outside} IGNORE NULLS) OVER (PARTITION BY 1{entity} ORDER BY {ROW}
                    ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS later
            FROM {source} WHERE {time} IS NOT NULL
        ), folded AS (
            SELECT position, series, fold, t,
                lag(t) OVER (PARTITION BY series, fold ORDER BY position) AS before,
                first_value(earlier) OVER whole AS earlier,
                last_value(later) OVER whole AS later
            FROM timed WHERE fold IS NOT NULL
            WINDOW whole AS (PARTITION BY series, fold ORDER BY position
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
        ), broken AS (
            SELECT position, series, fold,
                coalesce(later, t) > coalesce(earlier, t) AS upwards,
                CASE WHEN earlier IS NULL AND later IS NULL THEN NULL
                    WHEN coalesce(later, t) > coalesce(earlier, t) THEN t <= before
                    ELSE t >= before END AS break
            FROM folded
        )
        SELECT position, CASE
            WHEN sum(CAST(break AS INTEGER)) OVER (PARTITION BY series, fold) = 1
            THEN (sum(coalesce(CAST(break AS INTEGER), 0)) OVER (
                PARTITION BY series, fold ORDER BY position) = 1) = upwards END AS late
        FROM broken
        """
    )
