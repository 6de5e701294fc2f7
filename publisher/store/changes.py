"""What came and what went away between two versions of a table."""

from publisher.engine import identifier
from publisher.model.values import TableRef
from publisher.store import layout


def removed_keys(
    ref: TableRef, columns: tuple[str, ...], since: int, until: int
) -> tuple[str, list[object]]:
    """Give the query, and its parameters, of the keys there at *since* and gone at *until*.

    Cheap however large the table is: a key that is back under *until* was brought by a version
    between the two. The caller has checked that *since* can still be asked for.
    """
    keys = ", ".join(identifier(name) for name in columns)
    query = (
        f"SELECT {keys} FROM {layout.history(ref)} "
        "WHERE _since <= ? AND _until > ? AND _until <= ? "
        f"EXCEPT (SELECT {keys} FROM {layout.data(ref)} WHERE _since > ? AND _since <= ? "
        f"UNION ALL SELECT {keys} FROM {layout.history(ref)} "
        "WHERE _since > ? AND _since <= ? AND _until > ?) "
        f"ORDER BY {keys}"
    )
    return query, [since, since, until, since, until, since, until, until]


def came(ref: TableRef, since: int, until: int) -> tuple[str, list[object]]:
    """Give a FROM item with the rows of *until* that are newer than *since*, and parameters."""
    item = (
        f"(SELECT * FROM {layout.data(ref)} WHERE _since > ? AND _since <= ?"
        f" UNION ALL BY NAME SELECT * EXCLUDE (_until) FROM {layout.history(ref)}"
        " WHERE _since > ? AND _since <= ? AND _until > ?)"
    )
    return item, [since, until, since, until, until]


def went(ref: TableRef, since: int, until: int) -> tuple[str, list[object]]:
    """Give the same with the rows of *since* as they were, that *until* has no longer."""
    item = (
        f"(SELECT * EXCLUDE (_until) FROM {layout.history(ref)}"
        " WHERE _since <= ? AND _until > ? AND _until <= ?)"
    )
    return item, [since, since, until]
