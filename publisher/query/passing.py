"""Rows of one other Publisher, passed on as they are.

Whoever asks one partner for what it can answer alone need not wait for the engine: its rows are
looked at one by one, and are the page. Whatever is not as our own answers have it is left to the
engine, which tells what is wrong.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson

from publisher.model.query import And, Compare, Condition, Order, compared
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
        and all(_is_simple(it) for it in federated.asks[0].where)
        and not asked.units
        and asked.count == "none"
        and query.zone == "UTC"
        and names <= remote.fields.keys()
        and all(remote.fields[name].type in _READ for name in names)
    )


def _is_simple(of: Condition) -> bool:
    if isinstance(of, And):
        return all(map(_is_simple, of.parts))
    return isinstance(of, Compare) and of.op in _AGREES


def passed_on(federated: Federated, fetched: Fetched) -> Combined | None:
    """Give the page; None where the engine is to look at what came."""
    files = list(fetched.files)
    if not fetched.plain or len(files) != 1 or files[0].stat().st_size > _MOST_BYTES:
        return None
    query = federated.prepared.query
    [remote], [ask] = federated.remotes, federated.asks
    told = {SOURCE: remote.partner, DATASET: remote.ref.dataset, TABLE: remote.ref.table}
    columns = [(name, told.get(name), _reader(remote.fields.get(name))) for name in query.select]
    try:
        records = list(map(orjson.loads, files[0].read_bytes().splitlines()))
        end = query.offset + query.limit
        if not _as_asked(ask, remote.stored, records):
            return None
        wanted = records[query.offset : end]
        rows = [
            tuple(fixed or read(record.get(name)) for name, fixed, read in columns)
            for record in wanted
        ]
        more = fetched.more or len(records) > end
        ends = [_place(ask.order, remote.fields, records[:end]) or federated.places[0]]
    except (_OtherwiseError, ValueError, AttributeError, OverflowError):
        return None
    cursor = federated.cursor([fetched], federated.local_place, ends) if more else None
    return Combined(Page(rows, cursor), (len(records),), (0,), None)


def _as_asked(ask: Ask, fields: Mapping[str, Field], records: Sequence[Any]) -> bool:
    """Tell whether the records match, and come in the order that they were asked for, each once."""
    for it in compared(ask.where):
        agrees, value = _AGREES[it.op], _stated(it.value)
        if not all(
            (found := _at(fields[it.field], record.get(it.field))) is not None
            and agrees(found, value)
            for record in records
        ):
            return False
    for one, other in pairwise(_place(ask.order, fields, [it]) or [] for it in records):
        for part, before, after in zip(ask.order, one, other, strict=True):
            if before != after:
                if before is None or (after is not None and (before > after) != part.descending):
                    return False
                break
        else:
            return False
    return True


def _stated(value: Any) -> Any:
    """Give a value of a condition as a place has it."""
    if isinstance(value, datetime):
        return (value.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
    return value.isoformat() if isinstance(value, date) else value


def _place(
    order: Iterable[Order], fields: Mapping[str, Field], records: Sequence[Mapping[str, Any]]
) -> list[Any] | None:
    """Give the place of the last record, as a cursor has it."""
    if not records:
        return None
    return [_at(fields[it.field], records[-1].get(it.field)) for it in order]


def _at(field: Field, value: Any) -> Any:
    found = _reader(field)(value)
    if field.type == "datetime" and found is not None:
        return (datetime.fromisoformat(found) - _EPOCH) // _MICROSECOND
    return found


def _reader(field: Field | None) -> Callable[[Any], Any]:
    read = _READ.get(field.type) if field is not None else None

    def value(stated: Any) -> Any:
        if stated is None:
            return None
        if read is None:
            raise _OtherwiseError
        return read(stated)

    return value


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
