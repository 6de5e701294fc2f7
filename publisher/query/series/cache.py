"""Series kept in memory, true for one state of their tables.

Most questions about sensors are for a stretch of one series or for what is newest. A series is
read from the store once, whole; a page of it costs no statement afterwards. A commit changes
the series that it touched, and leaves the others.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import count

import structlog

from publisher.engine import Connection
from publisher.model.catalog import TableEntry
from publisher.model.query import Value
from publisher.model.table import TableState
from publisher.model.values import TableRef
from publisher.query.parameters import Form
from publisher.query.rows import Page, Prepared
from publisher.query.series.columns import (
    NEWEST,
    Change,
    Name,
    Series,
    Shape,
    changed,
    changes,
    load,
    load_together,
    too_much,
)
from publisher.query.series.pages import Wanted, page_of, wanted_of
from publisher.store import Store

log = structlog.get_logger(__name__)

_MOST_CHANGES = 8
"""Commits behind which a series that nobody asks for is let go of."""
_SHARE = 8
"""Of the memory, that one series may take, or those that are read together."""
_MOST_SHOWN = 5_000
"""Cells of a page that is written soon."""
_MOST_LOOKED_AT = 40_000
"""Cells that are worked on soon."""

Key = tuple[int, tuple[Value, ...], int]
"""The number of the table's book; the entity; the month, or ``NEWEST``."""


@dataclass(frozen=True, slots=True)
class _Book:
    """What the series of a table are true for."""

    number: int
    entry: TableEntry
    state: TableState
    shape: Shape
    asked: set[int] = field(default_factory=set)
    """Months of which a series was read."""
    together: set[int] = field(default_factory=set)
    """Months whose series were read together, which is tried once."""


@dataclass(slots=True)
class _Kept:
    series: Series
    size: int
    changes: list[Change] = field(default_factory=list)
    """Committed since; to be made when it is asked for."""

    @property
    def cells(self) -> int:
        """Count the cells that are looked at for a page, roughly."""
        return len(self.series.times) * len(self.series.columns) * len(self.changes)


_Books = dict[TableRef, _Book]


class SeriesCache:
    """The series that were asked for last, as far as so many bytes hold them."""

    def __init__(self, most: int, store: Store) -> None:
        self._most = most
        self._store = store
        self._numbers = count()
        self._books = _Books()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._size = 0
        self._guard = threading.Lock()
        self._together = threading.Lock()

    def page(self, prepared: Prepared, entry: TableEntry, form: Form) -> Page | None:
        """Give a page from memory alone, and soon; None where it cannot be had so."""
        wanted = wanted_of(prepared, form)
        if wanted is None or len(prepared.query.select) * prepared.query.limit > _MOST_SHOWN:
            return None
        return self._page(wanted, prepared, entry, soon=True)

    def read(
        self, con: Connection, prepared: Prepared, entry: TableEntry, form: Form
    ) -> Page | None:
        """Give the same, having read from the store what was missing."""
        wanted = wanted_of(prepared, form)
        if wanted is None or prepared.state is None or not self._most:
            return None
        if not self._store.stands(prepared.state):
            return None
        book = self._book(entry, prepared.state, wanted.shape)
        for entity, month in wanted.names:
            if not self._have(con, book, wanted, (book.number, entity, month)):
                return None
        return self._page(wanted, prepared, entry, soon=False)

    def _have(self, con: Connection, book: _Book, wanted: Wanted, key: Key) -> bool:
        """Have a series kept; False where its table is written to meanwhile."""
        if key in self._kept:
            return True
        _, _, month = key
        # When several of a month are asked for the others will be
        several = month != NEWEST and month in book.asked and month not in book.together
        if several and self._together.acquire(blocking=False):
            try:
                book.together.add(month)
                found = load_together(con, self._store, wanted.shape, month, self._most // _SHARE)
            finally:
                self._together.release()
            self._keep(book, found or {})
            if key in self._kept:
                return True
        book.asked.add(month)
        series = load(con, self._store, wanted.shape, key[1:])
        return self._keep(book, {key[1:]: series})

    def _page(
        self, wanted: Wanted, prepared: Prepared, entry: TableEntry, *, soon: bool
    ) -> Page | None:
        with self._guard:
            book = self._books.get(entry.ref)
            if book is None or book.state is not prepared.state or book.entry is not entry:
                return None
            kept = []
            for name in wanted.names:
                key = (book.number, *name)
                if key in self._kept:
                    self._kept.move_to_end(key)
                    kept.append((key, self._kept[key], list(self._kept[key].changes)))
        if len(kept) < len(wanted.months):
            return None
        measures = len(wanted.groups.measures) if wanted.groups else 0
        cells = sum(it.cells + len(it.series.times) * measures for _, it, _ in kept)
        if soon and cells > _MOST_LOOKED_AT:
            return None
        found = [self._up_to_date(*it) for it in kept]
        return page_of(found, wanted, prepared) if all(it.whole for it in found) else None

    def _up_to_date(self, key: Key, kept: _Kept, noted: list[Change]) -> Series:
        if not noted:
            return kept.series
        series = reduce(changed, noted, kept.series)
        with self._guard:
            # Another may have done it, or a commit noted more
            if self._kept.get(key) is kept and len(kept.changes) == len(noted):
                self._put(key, series)
        return series

    def follow(self, con: Connection, before: TableState, after: TableState) -> None:
        """Bring a table's series from one state to the next, before anyone is told of it."""
        book = self._books.get(after.ref)
        if book is None or book.state != before:
            return
        try:
            self._bring(con, book, after)
        except Exception:  # costs what was kept, not the commit
            log.exception("series could not be brought up to date", table=str(after.ref))
            self._books.pop(after.ref, None)

    def _bring(self, con: Connection, book: _Book, after: TableState) -> None:
        with self._guard:
            # Nothing is added any more: its table is being written to
            names = [
                key[1:]
                for key, kept in self._kept.items()
                if key[0] == book.number and kept.series.whole
            ]
        newest = ((), NEWEST)
        dated = [name for name in names if name != newest]
        found = changes(con, self._store, book.shape, dated, before=book.state, after=after)
        again = load(con, self._store, book.shape, newest) if newest in names else None
        with self._guard:
            if found is None:
                del self._books[after.ref]
                return
            for name, change in found.items():
                self._note((book.number, *name), change)
            self._drop((book.number, *newest))
            if again is not None:
                self._put((book.number, *newest), again)
            self._books[after.ref] = replace(book, state=after)

    def _book(self, entry: TableEntry, state: TableState, shape: Shape) -> _Book:
        """Give the table's book for *state*, a new one unless it was brought there."""
        with self._guard:
            book = self._books.get(entry.ref)
            if book is None or book.entry is not entry or book.state != state:
                # Those of the book before are found no more, and go when room is needed
                book = _Book(next(self._numbers), entry, state, shape)
            elif book.state is not state:
                book = replace(book, state=state)
            self._books[entry.ref] = book
            return book

    def _note(self, key: Key, change: Change) -> None:
        """Have a series brought up to date when it is next asked for."""
        kept = self._kept.get(key)
        if kept is None or len(kept.changes) == _MOST_CHANGES:
            self._drop(key)
            return
        kept.changes.append(change)
        kept.size += change.size
        self._size += change.size
        self._make_room()

    def _keep(self, book: _Book, found: Mapping[Name, Series]) -> bool:
        """Keep series that were read; False where their table was written to meanwhile."""
        with self._guard:
            if self._books.get(book.entry.ref) is not book or not self._store.stands(book.state):
                return False
            for name, series in found.items():
                self._put((book.number, *name), series)
        return True

    def _put(self, key: Key, series: Series) -> None:
        self._drop(key)
        if series.size > self._most // _SHARE:
            series = too_much()
        kept = self._kept[key] = _Kept(series, series.size)
        self._size += kept.size
        self._make_room()

    def _make_room(self) -> None:
        while self._size > self._most:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= kept.size
