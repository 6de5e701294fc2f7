"""Quarantined rows on their way to be judged again."""

# ruff: noqa: S608 - only our own names and quoted identifiers are composed
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson

from publisher.engine import Connection
from publisher.errors import DeliveryError
from publisher.landing import received
from publisher.model.table import QuarantinedRow
from publisher.validation.reading.elements import picked
from publisher.validation.reading.table import Cells
from publisher.validation.rows import ROW, Group
from publisher.validation.spool import Spool, revived
from publisher.validation.view import Fit, SourceView

_COLUMNS = {
    "position": "BIGINT",
    "row_number": "BIGINT",
    "id": "VARCHAR",
    "delivery": "VARCHAR",
    "received": "TIMESTAMP",
}
QUEUE = "temp.judged_queue"
"""The rows' positions, row numbers, ids and deliveries, once they are loaded."""


class Requeue:
    """Rows from the quarantine, spooled so that they can be read twice.

    They may come from several deliveries: their positions in the queue tell them apart, their
    row numbers are those of their deliveries.
    """

    def __init__(self, view: SourceView, queue: Spool) -> None:
        self._view = view
        self._queue = queue
        self._fits: dict[tuple[str, ...], Fit | str] = {}

    def fill(self, rows: Iterable[QuarantinedRow]) -> None:
        for position, row in enumerate(rows, start=1):
            self._queue.add(
                {
                    "position": position,
                    "row_number": row.row_number,
                    "id": row.id,
                    "delivery": row.delivery,
                    "received": _utc(received(row.delivery)),
                    "labels": row.labels,
                    "cells": row.cells,
                }
            )
        self._queue.flush()

    @contextmanager
    def opened(self) -> Iterator[Iterator[Group]]:
        with self._queue.path.open("rb") as file:
            rows = map(orjson.loads, file)
            yield (
                self._group(tuple(labels), group)
                for labels, group in groupby(rows, key=itemgetter("labels"))
            )

    def _group(self, labels: tuple[str, ...], rows: Iterable[dict[str, Any]]) -> Group:
        fit = self._fit(labels)
        if isinstance(fit, str):
            columns = self._view.fit(self._view.columns)
            return Group(columns, (self._cells(row, fit) for row in rows))
        return Group(fit, (self._cells(row, None) for row in rows))

    def _fit(self, labels: tuple[str, ...]) -> Fit | str:
        """Fit the view to a header, or say why it does not; no labels mean elements of JSON."""
        if labels not in self._fits:
            try:
                self._fits[labels] = self._view.fit(labels or self._view.columns)
            except DeliveryError as error:
                self._fits[labels] = error.message()
        return self._fits[labels]

    def _cells(self, row: dict[str, Any], broken: str | None) -> tuple[int, Cells]:
        position, number = row["position"], row["row_number"]
        if not row["labels"] and len(row["cells"]) == 1:
            return position, picked(row["cells"][0], self._view.columns, number=number)
        return position, Cells(
            [revived(cell) for cell in row["cells"]],
            raw=row["cells"],
            labels=tuple(row["labels"]),
            number=number,
            broken=broken,
        )

    def load(self, con: Connection) -> None:
        """Leave temp.judged_queue on *con*."""
        self._queue.load(con, "judged_queue", _COLUMNS)

    def cite(self, con: Connection) -> None:
        """Let clashes cite row numbers, not positions in the queue."""
        con.execute(
            f"UPDATE temp.judged_clash SET other = row_number FROM {QUEUE} AS q "
            "WHERE q.position = other"
        )

    def identify(self, con: Connection) -> None:
        """Give the judged rows their own row numbers and quarantine ids."""
        con.execute("ALTER TABLE temp.judged_good ADD COLUMN _quarantine_id VARCHAR")
        con.execute(
            f"UPDATE temp.judged_good SET _quarantine_id = q.id, {ROW} = q.row_number "
            f"FROM {QUEUE} AS q WHERE q.position = {ROW}"
        )
        con.execute("ALTER TABLE temp.judged_bad ADD COLUMN _quarantine_id VARCHAR")
        con.execute(
            f"UPDATE temp.judged_bad SET _quarantine_id = q.id FROM {QUEUE} AS q "
            "WHERE q.position = judged_bad.position"
        )
        con.execute(f"DROP TABLE {QUEUE}")


def _utc(instant: datetime | None) -> str | None:
    return None if instant is None else instant.replace(tzinfo=None).isoformat()
