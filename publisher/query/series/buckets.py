"""Buckets of a series, worked out in memory: the plain ones, which are asked for most."""

from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

import numpy as np

from publisher.model.query import Groups
from publisher.model.schema import Field
from publisher.query.groups import COVERAGE
from publisher.query.series.columns import EPOCH, MICROSECOND, Array, Column, Series, Times

_DAY = 86_400
_SECOND = 1_000_000
_LARGEST = 2**62
_EXACT = 2**53
"""Up to which a float has every integer."""
_TAKEN = frozenset({"count", "min", "max", "avg", "sum"})


def plain(groups: Groups, fields: Mapping[str, Field], key: Sequence[str], zone: str) -> bool:
    """Tell whether ``bucketed`` may work *groups* out, of a table with that primary *key*."""
    every = groups.every
    return (
        zone == "UTC"
        and every is not None
        and every.unit == "seconds"
        and _DAY % every.count == 0
        and groups.fill is None
        and {*groups.by} <= {*key} - {groups.time}
        and (groups.interval is None or not any(it.role == "quality" for it in fields.values()))
        and all(
            it.field is None
            or (it.function in _TAKEN and it.field not in key and _is_number(fields[it.field]))
            for it in groups.measures
        )
    )


def _is_number(field: Field) -> bool:
    return field.type in {"number", "integer"} and field.decimal is None


def bucketed(found: Sequence[Series], between: tuple[int, int], groups: Groups) -> Series | None:
    """Give the buckets of the rows *between* two times as a series of their own.

    None where the engine should work them out.
    """
    every = groups.every
    if every is None:
        return None
    spans = [slice(*np.searchsorted(it.times, between)) for it in found]
    times = np.concatenate([it.times[of] for it, of in zip(found, spans, strict=True)])
    length = every.count * _SECOND
    starts = times // length * length
    first = np.flatnonzero(np.diff(starts, prepend=starts[:1] - 1))
    sizes = np.diff(first, append=len(times))
    columns: dict[str, Column] = {}
    for measure in groups.measures:
        if measure.field is None:
            columns[measure.name] = sizes
            continue
        parts = [it.columns[measure.field] for it in found]
        values = [part[of] for part, of in zip(parts, spans, strict=True)]
        cells = _worked_out(np.ma.concatenate(values), measure.function, first)  # type: ignore[no-untyped-call]
        if cells is None:
            return None
        columns[measure.name] = cells
    starts = starts[first]
    if groups.interval is not None:
        interval = groups.interval // MICROSECOND
        columns[COVERAGE] = _coverage(starts, sizes, length, interval, groups)
    same = {name: found[0].same[name] for name in groups.by}
    return Series(starts, same, columns, {}, whole=True)


def _worked_out(values: Any, function: str, first: Times) -> Column | None:
    """Give a measure of each bucket, of which *first* tells where they begin."""
    valid = ~np.ma.getmaskarray(values)
    known = values.data[valid]
    zeros = known[known == 0]
    if not np.isfinite(known).all() or np.signbit(zeros).any():
        return None  # which of two zeros is the least is the engine's to say
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    counts = np.add.reduceat(valid.astype(np.int64), first)
    if function == "count":
        return counts
    if function in {"min", "max"}:
        lowest, highest = _ends(values.dtype)
        least = function == "min"
        filled = np.where(valid, values.data, highest if least else lowest)
        found: Array = (np.minimum if least else np.maximum).reduceat(filled, first)
        return np.ma.array(found, mask=counts == 0)
    whole = values.dtype.kind == "i"
    largest = _EXACT if function == "avg" else _LARGEST
    if whole and len(known) and np.abs(known.astype(np.float64)).max() * len(known) > largest:
        return None
    kind = np.int64 if whole else np.float64
    with np.errstate(over="ignore"):
        sums = np.add.reduceat(np.where(valid, values.data, 0), first, dtype=kind)
    if function == "avg":
        return np.ma.array(sums / np.maximum(counts, 1), mask=counts == 0)
    if not whole:
        return np.ma.array(sums, mask=counts == 0)
    exact = zip(sums.tolist(), counts.tolist(), strict=True)
    return [str(it) if n else None for it, n in exact]


def _ends(kind: Any) -> tuple[Any, Any]:
    if kind.kind == "f":
        return -np.inf, np.inf
    span = np.iinfo(kind)
    return span.min, span.max


def _coverage(
    starts: Times, sizes: Times, length: int, every: int, groups: Groups
) -> list[str | None]:
    """Write what was observed, of how much that was to be expected in each bucket."""
    lower, upper = ((at - EPOCH) // MICROSECOND if at else None for at in groups.bounds)
    ends = starts + length if upper is None else np.minimum(starts + length, upper)
    begins = starts if lower is None else np.maximum(starts, lower)
    expected = np.floor((ends - begins) / every + 0.5).astype(np.int64)
    found: list[str | None] = []
    for due, seen in zip(expected.tolist(), sizes.tolist(), strict=True):
        # Halves are rounded up, as the engine does
        share = floor(min(1.0, seen / due) * 10_000 + 0.5) / 10_000 if due > 0 else "null"
        found.append(f'{{"expected":{due},"observed":{seen},"share":{share}}}')
    return found
