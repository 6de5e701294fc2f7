"""A consistent copy of the whole store in one DuckDB file, made while writers commit."""

import contextlib
import uuid
from pathlib import Path

from publisher.engine import Connection, identifier, literal


def copy_database(con: Connection, path: Path) -> dict[str, int]:
    """Write the store, as it is at one instant, to a new DuckDB file at *path*.

    All tables are read in one transaction, so they belong together whatever is committed
    meanwhile. Gives the versions that the copy holds, by table. Nothing is left at *path*
    where it fails.
    """
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    copy = f"copy_{uuid.uuid4().hex}"
    con.execute(f"ATTACH {literal(str(partial))} AS {identifier(copy)}")
    try:
        versions = _copy(con, copy)
        con.execute(f"CHECKPOINT {identifier(copy)}")
        con.execute(f"DETACH {identifier(copy)}")
    except BaseException:
        with contextlib.suppress(Exception):  # what failed is said, not that it is let go
            con.execute(f"DETACH {identifier(copy)}")
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)
    return versions


def _copy(con: Connection, copy: str) -> dict[str, int]:
    con.execute("BEGIN")
    try:
        con.execute(f"COPY FROM DATABASE store TO {identifier(copy)}")
        found = con.execute(
            "SELECT ref, max(version) FROM store.meta.versions GROUP BY ref ORDER BY ref"
        ).fetchall()
        con.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(Exception):
            con.execute("ROLLBACK")
        raise
    return dict(found)
