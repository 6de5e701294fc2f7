"""A long order cut into stretches, each of which the engine sorts in memory.

Sorting a large table at once spills to disk and leaves what is written waiting until the last row
is sorted. Stretches follow one another: what they give, one after the other, is what the whole
sorted at once gives.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from publisher.engine import Connection, identifier
from publisher.model.query import Order, Rows
from publisher.model.schema import Field
from publisher.query.sql import (
    Source,
    Statement,
    count_statement,
    filtered,
    place_value,
    spread_statement,
)

_ROWS = 500_000
"""Of a stretch: what takes a tenth of the memory that the engine has at the least."""
_MOST = 64
"""Each of them reads the first column that is sorted by of the whole table."""
_SAMPLE = 4_000


def stretches(
    con: Connection, query: Rows, fields: Mapping[str, Field], source: Source
) -> list[Source]:
    """Give sources that together hold the rows of *source* that match, in the query's order."""
    costly = query.groups is not None or query.newest is not None or query.since is not None
    if costly or not query.order:  # to be worked out once
        return [source]
    [rows] = con.execute(*count_statement(query, fields, source)).fetchone() or (0,)
    wanted = min(-(-rows // _ROWS), _MOST)
    if wanted <= 1:
        return [source]
    first = query.order[0]
    sampled = con.execute(*spread_statement(query, fields, source, first, _SAMPLE)).fetchall()
    if not sampled:  # null, all of them
        return [source]
    places = [sampled[len(sampled) * part // wanted][0] for part in range(1, wanted)]
    return list(_between(first, fields[first.field], list(dict.fromkeys(places)), source))


def _between(first: Order, target: Field, cuts: Sequence[Any], source: Source) -> Iterator[Source]:
    name = identifier(first.field)
    beyond, before = ("<=", ">") if first.descending else (">=", "<")
    for start, end in pairwise([None, *cuts, None]):
        statement = Statement(list(source.parameters), source.points)
        where = []
        if start is not None:
            from_ = f"{name} {beyond} {place_value(target, start, statement)}"
            where.append(from_ if end is not None else f"({from_} OR {name} IS NULL)")
        if end is not None:
            where.append(f"{name} {before} {place_value(target, end, statement)}")
        text = f"(SELECT * FROM {source.text} AS t{filtered(where)})"
        yield Source(text, statement.parameters, source.points)
