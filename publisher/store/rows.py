"""The rows of one commit: what is new, what differs, what goes.

``incoming`` are the judged rows with a number ``_n`` of their own; ``matched`` pairs them with
the current rows they stand for; ``leaving`` are the current rows that go to the history. All
three are temporary and narrow: the wide columns are read once, when rows are moved. Of rows
from the quarantine ``outdone`` has the ids of those that lost to another of their key.
"""

from dataclasses import dataclass

from publisher.engine import Connection, identifier, literal
from publisher.errors import HeldError
from publisher.model.dataset import Mode
from publisher.model.run import Counts
from publisher.model.schema import Schema
from publisher.model.values import TableRef
from publisher.store import layout

MAX_SHRINK = 0.2
"""Share of its rows that a table may lose by one ``replace``, where the steward states none."""


_COUNTS = """SELECT
    (SELECT count(*) FROM temp.judged_good),
    (SELECT count(*) FROM temp.incoming),
    (SELECT count(DISTINCT n) FROM temp.matched WHERE wins),
    (SELECT count(DISTINCT n) FROM temp.matched WHERE NOT wins),
    (SELECT count(*) FROM temp.leaving)"""


@dataclass(frozen=True, slots=True)
class Change:
    """How the judged rows are to enter a table."""

    ref: TableRef
    schema: Schema
    mode: Mode
    version: int
    """The one they would make."""
    rows: int
    """In the table before."""
    max_shrink: float | None
    released: bool
    """They come from the quarantine: what was committed after they were refused stands."""
    place: int | None = None
    """They were judged before, when this was the version: what came after it stands."""
    unsaid: tuple[str, ...] = ()
    """Fields that they say nothing about."""


def apply(con: Connection, change: Change) -> Counts:
    """Bring the rows of ``judged_good`` in; the counts are without the refused rows.

    Leaves ``temp.leaving`` for the tables that follow from the current rows. Raises HeldError
    where ``replace`` would let go of more rows than the steward allows.
    """
    _keep_unsaid(con, change)
    _take_in(con, change)
    _match(con, change)
    if change.released:
        _tell_outdone(con)
    _leave(con, change)
    read, offered, corrected, standing, leaving = con.execute(_COUNTS).fetchall()[0]
    counts = Counts(
        read=read,
        new=offered - corrected - standing,
        corrected=corrected,
        unchanged=read - offered + standing,
        removed=leaving - corrected,
    )
    _guard(change, counts)
    if leaving:
        _move_out(con, change)
    if counts.new or corrected:
        _move_in(con, change)
    return counts


def _keep_unsaid(con: Connection, change: Change) -> None:
    """Let merged rows keep the values that the delivery says nothing about."""
    key = change.schema.primary_key
    names = [identifier(name) for name in change.unsaid if name not in key]
    if change.mode != "merge" or not (key and names and change.rows):
        return
    kept = ", ".join(f"{name} = c.{name}" for name in names)
    same = _same_key(con, change.schema)
    con.execute(
        f"UPDATE temp.judged_good AS g SET {kept} FROM {layout.data(change.ref)} AS c WHERE {same}"
    )


def _same_key(con: Connection, schema: Schema) -> str:
    """Say in SQL that ``g`` and ``c`` have one key, in which a null equals a null.

    Where no judged row has a null, plain equality is said: by it alone the engine leaves out
    the parts of a large table that cannot match.
    """
    key = [identifier(name) for name in schema.primary_key]
    counted = ", ".join(f"count({name})" for name in key)
    rows, *filled = con.execute(f"SELECT count(*), {counted} FROM temp.judged_good").fetchall()[0]
    return " AND ".join(
        f"c.{name} {'=' if full == rows else 'IS NOT DISTINCT FROM'} g.{name}"
        for name, full in zip(key, filled, strict=True)
    )


def _take_in(con: Connection, change: Change) -> None:
    """Give the judged rows numbers; of released rows with one key only the newest goes on."""
    if not change.released:
        con.execute(
            "CREATE OR REPLACE TEMP VIEW incoming AS"
            " SELECT *, _row_number AS _n FROM temp.judged_good"
        )
        return
    newest = ""
    if change.schema.primary_key and change.mode != "append":
        modified = change.schema.modified_field
        order = f"{identifier(modified.name)} DESC NULLS LAST, " if modified else ""
        newest = (
            f" QUALIFY row_number() OVER (PARTITION BY {_names(change.schema.primary_key)}"
            f" ORDER BY {order}_quarantine_id DESC) = 1"
        )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE incoming_released AS"
        " SELECT *, row_number() OVER (ORDER BY _quarantine_id) AS _n"
        f" FROM temp.judged_good{newest}"
    )
    con.execute("CREATE OR REPLACE TEMP VIEW incoming AS SELECT * FROM temp.incoming_released")


def _match(con: Connection, change: Change) -> None:
    """Pair incoming rows (``n``) with current ones; ``wins`` where one supersedes the other."""
    if change.mode == "append" or not change.rows:
        pairs = (
            "SELECT 0::BIGINT AS n, 0::BIGINT AS current_row, false AS differs, false AS wins"
            " WHERE false"
        )
    elif change.schema.primary_key:
        pairs = _pairs_by_key(change, _same_key(con, change.schema))
    else:
        pairs = _pairs_by_row(change)
    con.execute(f"CREATE OR REPLACE TEMP TABLE matched AS {pairs}")


def _pairs_by_key(change: Change, same: str) -> str:
    key = set(change.schema.primary_key)
    rest = [identifier(field.name) for field in change.schema.fields if field.name not in key]
    differs = " OR ".join(f"c.{name} IS DISTINCT FROM g.{name}" for name in rest) or "false"
    wins = f"({differs})"
    if (modified := change.schema.modified_field) is not None:
        name = identifier(modified.name)
        wins += f" AND coalesce(g.{name} >= c.{name}, true)"
    source = "temp.incoming AS g"
    current = f"{layout.data(change.ref)} AS c ON {same}"
    limit = None if change.place is None or change.mode == "replace" else str(change.place)
    if change.released:
        source += " JOIN store.meta.quarantine AS q ON q.id = g._quarantine_id AND q.revision = 0"
        limit = "q.version"
    if limit is not None:
        current += (
            f" LEFT JOIN store.meta.replays AS p ON p.ref = {literal(str(change.ref))}"
            " AND p.version = c._since"
        )
        wins += f" AND coalesce(p.place, c._since) <= {limit}"
    return (
        f"SELECT g._n AS n, c._row AS current_row, ({differs}) AS differs, {wins} AS wins"
        f" FROM {source} JOIN {current}"
    )


def _pairs_by_row(change: Change) -> str:
    """Without a key a row stands for an equal one, each for one of them."""
    names = [identifier(field.name) for field in change.schema.fields]
    listed = ", ".join(names)
    same = " AND ".join(f"c.{name} IS NOT DISTINCT FROM g.{name}" for name in names)
    nth = f"row_number() OVER (PARTITION BY {listed}) AS _nth"
    return (
        "SELECT g._n AS n, c._row AS current_row, false AS differs, false AS wins"
        f" FROM (SELECT *, {nth} FROM temp.incoming) AS g"
        f" JOIN (SELECT *, {nth} FROM {layout.data(change.ref)}) AS c"
        f" ON g._nth = c._nth AND {same}"
    )


def _tell_outdone(con: Connection) -> None:
    con.execute(
        "CREATE OR REPLACE TEMP TABLE outdone AS SELECT _quarantine_id FROM temp.judged_good AS g"
        " ANTI JOIN (SELECT i._quarantine_id FROM temp.incoming AS i"
        "  ANTI JOIN (SELECT n FROM temp.matched WHERE differs AND NOT wins) AS m ON m.n = i._n)"
        " AS s ON s._quarantine_id = g._quarantine_id"
    )


def _leave(con: Connection, change: Change) -> None:
    going = "SELECT current_row FROM temp.matched WHERE wins"
    if change.mode == "replace" and not change.released:
        going += (
            f" UNION ALL SELECT c._row FROM {layout.data(change.ref)} AS c"
            " ANTI JOIN temp.matched AS m ON m.current_row = c._row"
        )
    con.execute(f"CREATE OR REPLACE TEMP TABLE leaving AS {going}")


def _guard(change: Change, counts: Counts) -> None:
    if change.mode != "replace" or change.released or not change.rows:
        return
    limit = MAX_SHRINK if change.max_shrink is None else change.max_shrink
    # without a key a corrected cell looks like one row gone and one come
    gone = counts.removed if change.schema.primary_key else max(0, counts.removed - counts.new)
    if gone / change.rows > limit:
        raise HeldError(
            "shrunk",
            table=str(change.ref),
            removed=gone,
            rows=change.rows,
            share=f"{gone / change.rows:.1%}",
            limit=f"{limit:.1%}",
        )


def _move_out(con: Connection, change: Change) -> None:
    current = layout.data(change.ref)
    con.execute(
        f"INSERT INTO {layout.history(change.ref)} BY NAME"
        f" SELECT c.*, ?::BIGINT AS _until FROM {current} AS c"
        " SEMI JOIN temp.leaving AS l ON l.current_row = c._row",
        [change.version],
    )
    con.execute(f"DELETE FROM {current} WHERE _row IN (SELECT current_row FROM temp.leaving)")


def _move_in(con: Connection, change: Change) -> None:
    names = layout.columns(change.schema.fields)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE arriving AS SELECT {names} FROM temp.incoming AS g"
        " ANTI JOIN (SELECT n FROM temp.matched WHERE NOT wins) AS m ON m.n = g._n"
        f" ORDER BY {layout.clustering(change.schema, 'g.')}, g._n"
    )
    # Their places in a table of their own: numbering rows as they pass keeps all to one thread
    con.execute(
        f"INSERT INTO {layout.data(change.ref)} BY NAME"
        f" SELECT {names}, $version AS _since, $first + rowid - least AS _row FROM temp.arriving,"
        "  (SELECT min(rowid) AS least FROM temp.arriving)",
        {"version": change.version, "first": change.version << 32},
    )
    con.execute("DROP TABLE temp.arriving")


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(map(identifier, names))
