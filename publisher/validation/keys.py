"""Keys over the whole delivery, judged in SQL on the staged values with Frictionless' rules.

A key twice within a delivery is an error; across deliveries it is a correction, so of rows
from several deliveries each clashes with those of its own only.

Cast values are compared, here as they are stored; None equals None in a composite key; the
most recent row with the same key is cited; rows that are bad for other reasons take part.
"""

# ruff: noqa: S608 - identifiers are quoted, relations come from the store, values are parameters
from collections.abc import Iterator, Mapping

from publisher.engine import Connection, identifier
from publisher.model.schema import ForeignKey, Schema
from publisher.validation.rows import ROW
from publisher.validation.verdict import FOREIGN, PRIMARY, UNIQUE, Clash

STAGED = "temp.judged_good"
_CLASHES = "temp.judged_clash"
_PAGE = 5000
_FAMILIES = {
    "number": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
    "text": ("VARCHAR",),
    "truth": ("BOOLEAN",),
    "date": ("DATE",),
    "instant": ("TIMESTAMP",),
    "time": ("TIME",),
    "json": ("JSON",),
}


def judge_keys(
    con: Connection,
    schema: Schema,
    columns: frozenset[str],
    references: Mapping[str, str],
    own: str,
    *,
    apart: str | None = None,
) -> None:
    """List in `judged_clash` every row of `judged_good` whose keys clash.

    *columns* are the staged fields; *references* are the relations that foreign keys are
    judged against, by the reference's text; *own* is the table's own name. *apart* is a
    relation of ``position`` and ``delivery``, where the rows come from several deliveries.
    """
    for field in schema.fields:
        if field.constraints.unique and field.name in columns:
            _clashes_within(con, UNIQUE, field.name, (field.name,), apart)
    if schema.primary_key:
        _clashes_within(con, PRIMARY, "", schema.primary_key, apart)
    for position, key in enumerate(schema.foreign_keys):
        if set(key.fields) <= columns:
            _dangling(con, position, key, references, own)


def clashes(con: Connection) -> Iterator[tuple[int, list[Clash]]]:
    """Give the rows that clash, by position, each with all its clashes; page by page."""
    after = -1
    while True:
        rows = con.execute(
            "SELECT position, list((rule, field, other, note) ORDER BY rule, field) "
            f"FROM {_CLASHES} WHERE position > ? GROUP BY position ORDER BY position LIMIT ?",
            [after, _PAGE],
        ).fetchall()
        for position, found in rows:
            yield position, [Clash(*clash) for clash in found]
        if len(rows) < _PAGE:
            return
        after = rows[-1][0]


def _clashes_within(
    con: Connection, rule: str, field: str, key: tuple[str, ...], apart: str | None
) -> None:
    names = ", ".join(identifier("s", name) for name in key)
    source = f"{STAGED} AS s"
    if apart is not None:
        names += ", q.delivery"
        source += f" JOIN {apart} AS q ON q.position = s.{ROW}"
    ((different, rows),) = con.execute(
        f"SELECT count(DISTINCT hash({names})), count(*) FROM {source} WHERE {_some('s', key)}"
    ).fetchall()
    if different == rows:
        return  # cheaper to see than which row is like which
    con.execute(
        f"INSERT INTO {_CLASHES} SELECT {ROW}, ?, ?, other, NULL FROM ("
        f"SELECT s.{ROW}, lag(s.{ROW}) OVER (PARTITION BY {names} ORDER BY s.{ROW}) AS other "
        f"FROM {source} WHERE {_some('s', key)}) WHERE other IS NOT NULL",
        [rule, field],
    )


def _dangling(
    con: Connection, position: int, key: ForeignKey, references: Mapping[str, str], own: str
) -> None:
    itself = key.reference.resource in {"", own}
    relation = references.get(key.reference.resource)
    wanted = ", ".join(map(identifier, key.reference.fields))
    sources = [f"SELECT {wanted} FROM {relation}"] if relation else []
    sources += [f"SELECT {wanted} FROM {STAGED}"] if itself else []
    held = [source for source in sources if _comparable(con, key.fields, source)]
    match = " AND ".join(
        f"{identifier('s', field)} IS NOT DISTINCT FROM {identifier('r', other)}"
        for field, other in zip(key.fields, key.reference.fields, strict=True)
    )
    against = f"ANTI JOIN ({' UNION ALL '.join(held)}) AS r ON {match}" if held else ""
    con.execute(
        f"INSERT INTO {_CLASHES} SELECT s.{ROW}, ?, ?, NULL, NULL FROM {STAGED} AS s {against} "
        f"WHERE {_some('s', key.fields)}",
        [FOREIGN, str(position)],
    )


def _comparable(con: Connection, fields: tuple[str, ...], source: str) -> bool:
    """Tell whether values can be equal at all: to Frictionless the text 1 is never the number."""
    names = ", ".join(map(identifier, fields))
    return _families(con, f"SELECT {names} FROM {STAGED}") == _families(con, source)


def _families(con: Connection, query: str) -> list[str]:
    types = [str(column[1]) for column in con.execute(f"DESCRIBE {query}").fetchall()]
    return [
        next((name for name, kinds in _FAMILIES.items() if type_.startswith(kinds)), type_)
        for type_ in types
    ]


def _some(table: str, key: tuple[str, ...]) -> str:
    """Say in SQL that some field of the key is there."""
    return "(" + " OR ".join(f"{identifier(table, name)} IS NOT NULL" for name in key) + ")"
