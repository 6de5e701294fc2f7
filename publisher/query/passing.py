"""Rows of one other Publisher, passed on as they are.

Whoever asks one partner for what it can answer alone need not wait for the engine: its rows are
looked at one by one, and are the page. Whatever is not as our own answers have it is left to the
engine, which tells what is wrong.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, repeat
from typing import Any

import orjson

from publisher.model.query import Compare, compared, flattened
from publisher.model.schema import Field
from publisher.partners import Ask, Fetched
from publisher.query.combined import Combined
from publisher.query.federated import Federated
from publisher.query.parameters import Form
from publisher.query.rows import Page
from publisher.query.union import DATASET, SOURCE, TABLE

_MOST_BYTES = 300_000
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 2**63
_AGREES: Mapping[str, Callable[[Any, Any], bool]] = {
    "exact": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


class _OtherwiseError(Exception):
    """A value is not as our own answers have it."""


def passes(federated: Federated, form: Form) -> bool:
    """Tell whether the one partner's rows can be the page as they are."""
    prepared = federated.prepared
    query, asked = prepared.query, prepared.asked
    if len(prepared.parts) != 1 or len(federated.asks) != 1:
        return False
    if federated.missing or federated.unfit or form not in {"json", "ndjson"}:
        return False
    [remote] = federated.remotes
    names = {*query.select} - {SOURCE, DATASET, TABLE}
    return (
        bool(federated.asks[0].order)
        and all(
            isinstance(it, Compare) and it.op in _AGREES
            for it in flattened(federated.asks[0].where)
        )
        and not asked.units
        and asked.count == "none"
        and query.zone == "UTC"
        and names <= remote.fields.keys()
        and all(remote.fields[name].type in _READ for name in names)
    )


def passed_on(federated: Federated, fetched: Fetched) -> Combined | None:
    """Give the page; None where the engine is to look at what came."""
    files = list(fetched.files)
    if not fetched.plain or len(files) != 1 or files[0].stat().st_size > _MOST_BYTES:
        return None
    query = federated.prepared.query
    [remote], [ask] = federated.remotes, federated.asks
    told = {SOURCE: remote.partner, DATASET: remote.ref.dataset, TABLE: remote.ref.table}
    try:
        came = _Records(files[0].read_bytes(), remote.stored)
        if not _as_asked(ask, came):
            return None
        end = query.end
        columns = [
            repeat(told[name], came.count) if name in told else came.cells(name)
            for name in query.select
        ]
        rows = list(zip(*columns, strict=True))[query.offset : end]
        last = min(came.count, end) - 1
        place = [came.places(it.field)[last] for it in ask.order] if came.count else None
    except (_OtherwiseError, ValueError, AttributeError, OverflowError):
        return None
    cursor = None
    if fetched.more or came.count > end:
        ends = [place or federated.places[0]]
        cursor = federated.cursor([fetched], federated.local_place, ends)
    return Combined(Page(rows, cursor), (came.count,), (0,), None)


class _Records:
    """What came, by field; each value is looked at once. Raises what a value raises."""

    def __init__(self, lines: bytes, fields: Mapping[str, Field]) -> None:
        self._records = list(map(orjson.loads, lines.splitlines()))
        self._fields = fields
        self._cells: dict[str, list[Any]] = {}
        self._places: dict[str, list[Any]] = {}
        self.count = len(self._records)

    def cells(self, name: str) -> list[Any]:
        """Give the values as the answer has them."""
        if name not in self._cells:
            read = _READ.get(self._fields[name].type)
            if read is None:
                raise _OtherwiseError
            self._cells[name] = [
                None if (it := record.get(name)) is None else read(it) for record in self._records
            ]
        return self._cells[name]

    def places(self, name: str) -> list[Any]:
        """Give them as a place has them: they can be compared."""
        if self._fields[name].type != "datetime":
            return self.cells(name)
        if name not in self._places:
            self._places[name] = [
                None if it is None else _microseconds(datetime.fromisoformat(it))
                for it in self.cells(name)
            ]
        return self._places[name]


def _as_asked(ask: Ask, came: _Records) -> bool:
    """Tell whether the records match, and come in the order that they were asked for, each once."""
    for it in compared(ask.where):
        agrees, value = _AGREES[it.op], _stated(it.value)
        if not all(found is not None and agrees(found, value) for found in came.places(it.field)):
            return False
    descending = [it.descending for it in ask.order]
    places = zip(*(came.places(it.field) for it in ask.order), strict=True)
    return all(_comes_before(one, other, descending) for one, other in pairwise(places))


def _comes_before(one: Sequence[Any], other: Sequence[Any], descending: Sequence[bool]) -> bool:
    for before, after, down in zip(one, other, descending, strict=True):
        if before != after:  # nulls come last either way
            return before is not None and (after is None or (before > after) == down)
    return False


def _stated(value: Any) -> Any:
    """Give a value of a condition as a place has it."""
    if isinstance(value, datetime):
        return _microseconds(value.replace(tzinfo=UTC))
    return value.isoformat() if isinstance(value, date) else value


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _text(stated: Any) -> str:
    if not isinstance(stated, str):
        raise _OtherwiseError
    return stated


def _number(stated: Any) -> float:
    if not isinstance(stated, float):
        raise _OtherwiseError
    return stated


def _integer(stated: Any) -> int:
    if type(stated) is not int or not -_LARGEST <= stated < _LARGEST:
        raise _OtherwiseError
    return stated


def _boolean(stated: Any) -> bool:
    if not isinstance(stated, bool):
        raise _OtherwiseError
    return stated


def _date(stated: Any) -> str:
    text = _text(stated)
    if date.fromisoformat(text).isoformat() != text:
        raise _OtherwiseError
    return text


def _instant(stated: Any) -> str:
    text = _text(stated)
    if _INSTANT.fullmatch(text) is None:
        raise _OtherwiseError
    datetime.fromisoformat(text)
    return text


_READ: Mapping[str, Callable[[Any], Any]] = {
    "string": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "datetime": _instant,
}
