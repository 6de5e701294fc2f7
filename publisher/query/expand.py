"""``expand``: a row with what the row says that its foreign key refers to.

The fields of the other table are called ``KEY.FIELD``, by the first field of the key. Of their
roles the place alone counts, and only where the table itself has none.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from publisher.engine import Connection
from publisher.errors import GoneError, NotFoundError, ParameterError
from publisher.model.catalog import TableEntry
from publisher.model.query import Expansion
from publisher.model.schema import Field, ForeignKey, Schema
from publisher.model.table import TableState
from publisher.model.values import TableRef
from publisher.query.names import unknown
from publisher.query.values import read_list
from publisher.store import Store

Others = Callable[[TableRef], TableEntry | None]
"""Finds the tables that may be shown beside the one that is asked."""
_MOST = 5


@dataclass(frozen=True, slots=True)
class Expanded:
    """What is to be shown beside a table's own fields, before its version is settled."""

    keys: tuple[ForeignKey, ...]
    entries: tuple[TableEntry, ...]

    def __bool__(self) -> bool:
        return bool(self.keys)


def read_expand(
    text: str | None, entry: TableEntry, fields: Mapping[str, Field], others: Others
) -> Expanded:
    """Read which foreign keys are to be followed; raises ParameterError."""
    if text is None:
        return Expanded((), ())
    known = {
        key.fields[0]: (key, other)
        for key in entry.schema.foreign_keys
        if {*key.fields} <= fields.keys()
        and (other := others(key.refers_to(entry.ref))) is not None
    }
    names = read_list("expand", text)
    for name in names:
        if name not in known:
            raise unknown("field", name, known, "expand")
    if len({*names}) < len(names) or len(names) > _MOST:
        raise ParameterError("name-twice", parameter="expand", value=text)
    found = [known[name] for name in names]
    return Expanded(tuple(key for key, _ in found), tuple(other for _, other in found))


def settle(
    con: Connection,
    store: Store,
    expanded: Expanded,
    fields: Mapping[str, Field],
    *,
    pinned: Sequence[int] | None,
    instant: datetime | None,
) -> tuple[tuple[Expansion, ...], dict[str, Field]]:
    """Settle the versions of the other tables, and give all fields there are then.

    They are the *pinned* ones of a page that came before, else the newest by *instant*, which is
    when the version asked for was committed; the newest where none was asked for.
    """
    found: list[Expansion] = []
    shown = dict(fields)
    has_place = any(field.role in {"longitude", "latitude"} for field in fields.values())
    for number, (key, entry) in enumerate(zip(expanded.keys, expanded.entries, strict=True)):
        state = store.state(con, entry.ref)
        version = pinned[number] if pinned is not None else _version(con, store, state, instant)
        if state is not None and 0 < version < state.oldest_version:
            raise GoneError("version-gone", table=str(entry.ref), oldest=state.oldest_version)
        stored = store.schema_at(con, state, version) if state is not None and version else None
        name = key.fields[0]
        open_ = _open(entry, stored, shown, name)
        if not {*key.reference.fields} <= {field.name for field in entry.shown_fields(stored)}:
            open_ = []  # what leads to the rows is not to be shown
        for field in open_:
            role = field.role if field.role in {"longitude", "latitude"} and not has_place else None
            called = f"{name}.{field.name}"
            shown[called] = field.model_copy(update={"name": called, "role": role})
        found.append(
            Expansion(
                name=name,
                table=entry.ref,
                version=version,
                on=tuple(zip(key.fields, key.reference.fields, strict=True)),
                fields=tuple(field.name for field in open_),
            )
        )
    return tuple(found), shown


def _open(entry: TableEntry, stored: Schema | None, shown: Iterable[str], name: str) -> list[Field]:
    taken = {*shown}
    return [it for it in entry.shown_fields(stored) if f"{name}.{it.name}" not in taken]


def _version(
    con: Connection, store: Store, state: TableState | None, instant: datetime | None
) -> int:
    if state is None:
        return 0
    if instant is None:
        return state.version
    try:
        return store.version_at(con, state.ref, instant)
    except NotFoundError:
        return 1  # it came later: rather what came first than nothing
