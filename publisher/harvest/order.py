"""The order in which tables are harvested: a reference that is not there yet refuses rows."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from publisher.model.catalog import TableEntry

if TYPE_CHECKING:
    from publisher.model.values import TableRef


def references_first(entries: Iterable[TableEntry]) -> list[TableEntry]:
    """Order *entries* so that a table comes after those its foreign keys refer to."""
    by_ref = {entry.ref: entry for entry in entries}
    ordered: dict[TableRef, TableEntry] = {}
    open_: set[TableRef] = set()

    def place(entry: TableEntry) -> None:
        if entry.ref in ordered or entry.ref in open_:
            return  # placed, or a circle, which has no order
        open_.add(entry.ref)
        for ref in sorted(entry.refers_to):
            if ref in by_ref:
                place(by_ref[ref])
        ordered[entry.ref] = entry

    for entry in by_ref.values():
        place(entry)
    return list(ordered.values())
