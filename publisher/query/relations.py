"""Where rows come from: FROM items made of others, narrowed, joined and told apart."""

from collections.abc import Iterable, Mapping, Sequence

from publisher.engine import identifier
from publisher.model.query import DELETED, ROW, Expansion, Newest, Rows, Since
from publisher.model.schema import Field
from publisher.model.table import sql_type
from publisher.query.sql import Source, Statement, condition, filtered


def newest_source(
    query: Rows, newest: Newest, fields: Mapping[str, Field], source: Source
) -> Source:
    """Give what of *source* is newest among the rows that match."""
    statement = Statement([], source.points)
    where = [condition(fields, part, statement) for part in query.where]
    when = identifier(newest.time)
    where.append(f"{when} IS NOT NULL")
    of = ", ".join(identifier(name) for name in newest.of)
    # Without fields there is one group even of no rows, which has no newest one
    return Source(
        f"(SELECT t.* FROM {source.text} AS t SEMI JOIN ("
        f"SELECT max_by({ROW}, {{'at': {when}, 'row': {ROW}}}) AS newest"
        f" FROM {source.text} AS t WHERE {' AND '.join(where)}"
        f"{f' GROUP BY {of}' if of else ''}) AS n ON n.newest = t.{ROW})",
        [*source.parameters, *source.parameters, *statement.parameters],
        source.points,
    )


def changes_source(
    query: Rows, since: Since, fields: Mapping[str, Field], came: Source, went: Source
) -> Source:
    """Give the rows that *came* and match, and the keys of those that *went* without return."""
    statement = Statement(list(came.parameters), came.points)
    news = [condition(fields, part, statement) for part in query.where]
    statement.parameters += went.parameters
    olds = [condition(fields, part, statement) for part in query.where]
    key = [identifier(name) for name in since.key]
    same = " AND ".join(f"c.{name} IS NOT DISTINCT FROM w.{name}" for name in key)
    shown = ", ".join(f"w.{name}" for name in dict.fromkeys([*key, identifier(ROW)]))
    return Source(
        f"(WITH c AS MATERIALIZED (SELECT * FROM {came.text} AS t{filtered(news)})"
        f" SELECT *, false AS {identifier(DELETED)} FROM c UNION ALL BY NAME"
        f" SELECT {shown}, true AS {identifier(DELETED)}"
        f" FROM (SELECT * FROM {went.text} AS t{filtered(olds)}) AS w ANTI JOIN c ON {same})",
        statement.parameters,
    )


def expanded(
    relation: tuple[str, Sequence[object]],
    expansions: Sequence[tuple[Expansion, tuple[str, Sequence[object]]]],
) -> tuple[str, Sequence[object]]:
    """Join other tables' relations to that of the rows that refer to them."""
    if not expansions:
        return relation
    text, values = relation[0], list(relation[1])
    columns, joins = ["m.*"], []
    for number, (of, (other, parameters)) in enumerate(expansions):
        columns += [
            f"e{number}.{identifier(name)} AS {identifier(f'{of.name}.{name}')}"
            for name in of.fields
        ]
        on = " AND ".join(
            f"m.{identifier(here)} = e{number}.{identifier(there)}" for here, there in of.on
        )
        joins.append(f" LEFT JOIN {other} AS e{number} ON {on}")
        values += parameters
    return f"(SELECT {', '.join(columns)} FROM {text} AS m{''.join(joins)})", values


def only(source: Source, rows: Sequence[int]) -> Source:
    """Give the rows of *source* that have one of these ids."""
    return Source(
        f"(SELECT s.* FROM {source.text} AS s"
        f" SEMI JOIN (SELECT unnest(CAST(? AS BIGINT[])) AS id) AS p ON p.id = s.{ROW})",
        [*source.parameters, list(rows)],
        source.points,
    )


def empty_source(fields: Iterable[Field]) -> Source:
    """Give a source with no rows, of a table that is not stored yet."""
    columns = ", ".join(
        f"CAST(NULL AS {sql_type(target)}) AS {identifier(target.name)}"
        for target in fields
        if target.name != ROW
    )
    return Source(f"(SELECT {columns}, CAST(NULL AS BIGINT) AS {ROW} WHERE false)", [])
