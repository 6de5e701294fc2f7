"""What went away between two versions of a table."""

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
