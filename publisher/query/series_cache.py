"""Series kept in memory, true for one state of their tables.

Most questions about sensors are for a stretch of one series or for what is newest. A series is
read from the store once, whole; a page of it costs no statement afterwards. A commit takes away
the series that it touched, and no others.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from itertools import count

from publisher.engine import Connection, identifier
from publisher.model.catalog import TableEntry
from publisher.model.query import Value
from publisher.model.table import TableState
from publisher.model.values import TableRef
from publisher.query.cursor import Signer
from publisher.query.parameters import Form
from publisher.query.rows import Page, Prepared
from publisher.query.series import NEWEST, Series, Wanted, cut, load, wanted_of
from publisher.store import Store

_MOST_TOUCHED = 20_000
"""Series that one look finds out about; after more has changed all are read again."""

Key = tuple[int, tuple[Value, ...], int]
"""The number of the table's book; the entity; the month, or ``NEWEST``."""


@dataclass(frozen=True, slots=True)
class _Book:
    """What the series of a table are true for."""

    number: int
    entry: TableEntry
    state: TableState


_Books = dict[TableRef, _Book]


class SeriesCache:
    """The series that were asked for last, as far as so many bytes hold them."""

    def __init__(self, most: int, store: Store) -> None:
        self._most = most
        self._store = store
        self._numbers = count()
        self._books = _Books()
        self._kept: OrderedDict[Key, tuple[Series, int]] = OrderedDict()
        self._size = 0
        self._guard = threading.Lock()
        self._renewing = threading.Lock()

    def page(
        self, prepared: Prepared, entry: TableEntry, *, form: Form, signer: Signer
    ) -> Page | None:
        """Give a page from memory alone; None where it cannot be had so."""
        wanted = wanted_of(prepared, form)
        return None if wanted is None else self._page(wanted, prepared, entry, signer)

    def read(
        self,
        con: Connection,
        prepared: Prepared,
        entry: TableEntry,
        *,
        form: Form,
        signer: Signer,
    ) -> Page | None:
        """Give the same, having read from the store what was missing."""
        wanted = wanted_of(prepared, form)
        if wanted is None or prepared.state is None or not self._most:
            return None
        book = self._renewed(con, entry, prepared.state)
        if book is None:
            return None
        for name in wanted.names:
            key = (book.number, *name)
            with self._guard:
                known = key in self._kept
            if not known:
                if not self._store.stands(book.state):
                    return None
                found = load(con, self._store, prepared, wanted, name[1])
                if not self._keep(book, key, found):
                    return None
        return self._page(wanted, prepared, entry, signer)

    def _page(
        self, wanted: Wanted, prepared: Prepared, entry: TableEntry, signer: Signer
    ) -> Page | None:
        found: list[Series] = []
        with self._guard:
            book = self._books.get(entry.ref)
            if book is None or book.state is not prepared.state or book.entry is not entry:
                return None
            for name in wanted.names:
                key = (book.number, *name)
                kept = self._kept.get(key)
                if kept is None or not kept[0].whole:
                    return None
                self._kept.move_to_end(key)
                found.append(kept[0])
        return cut(found, wanted, prepared, signer)

    def _renewed(self, con: Connection, entry: TableEntry, state: TableState) -> _Book | None:
        """Give the table's book for *state*; None where that is the table's no more."""
        with self._renewing:
            book = self._books.get(entry.ref)
            if book is not None and book.entry is entry and book.state is state:
                return book
            touched = None
            if book is not None and book.entry is entry:
                touched = _touched(con, self._store, book.state, state)
            if not self._store.stands(state):
                return None
            with self._guard:
                if book is None or touched is None:
                    # Those of the book before are found no more, and go when room is needed
                    renewed = _Book(next(self._numbers), entry, state)
                else:
                    renewed = replace(book, state=state)
                    for entity, month in touched:
                        self._drop((book.number, entity, month))
                self._books[entry.ref] = renewed
            return renewed

    def _keep(self, book: _Book, key: Key, series: Series) -> bool:
        """Keep a series that was read; False where its table was written to meanwhile."""
        size = series.size
        with self._guard:
            if self._books.get(book.entry.ref) is not book or not self._store.stands(book.state):
                return False
            self._drop(key)
            self._kept[key] = series, size
            self._size += size
            while self._size > self._most:
                self._drop(next(iter(self._kept)))
        return True

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= kept[1]


def _touched(
    con: Connection, store: Store, before: TableState, after: TableState
) -> list[tuple[tuple[Value, ...], int]] | None:
    """Give the entities and months of which rows came or went; None: it may be all of them."""
    schema, time = after.schema, after.schema.time_field
    if (
        after.version <= before.version
        or after.schema_since > before.version
        or after.oldest_version > before.version
        or time is None
    ):
        return None
    came = store.came(after.ref, before.version, after.version)
    went = store.went(after.ref, before.version, after.version)
    names = [identifier(field.name) for field in schema.entity_fields]
    at = identifier(time.name)
    month = f"CAST(year({at}) * 12 + month({at}) - 1 AS BIGINT)"
    rows = con.execute(
        f"SELECT DISTINCT {', '.join([*names, month])}"
        f" FROM ({came[0]} UNION ALL BY NAME {went[0]}) LIMIT {_MOST_TOUCHED + 1}",
        [*came[1], *went[1]],
    ).fetchall()
    if len(rows) > _MOST_TOUCHED:
        return None
    return [(tuple(row[:-1]), row[-1]) for row in rows] + [((), NEWEST)]
