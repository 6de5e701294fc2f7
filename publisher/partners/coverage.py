"""CoverageJSON (OGC 21-069r2) as records: one for each place and time that has a cell.

A record holds the axes (``x``, ``y``, ``z``, ``t``), the parameters, and as ``location`` the
coverage's id. How many cells there are is known before any is made.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any, TypeGuard

Record = Mapping[str, Any]
_Place = tuple[tuple[str, Any], ...]


class UnreadableError(Exception):
    """It is no coverage, or one that cannot be read as records."""


class ManyCellsError(Exception):
    """It has more cells than are wanted."""


@dataclass(frozen=True, slots=True)
class _Axis:
    columns: tuple[str, ...]
    size: int
    at: Callable[[int], Sequence[Any]]
    """Gives the value of each column."""


@dataclass(frozen=True, slots=True)
class _Range:
    strides: Sequence[int]
    """For each axis; 0 where it has one value only, and is left out."""
    values: Sequence[Any]

    def at(self, cell: Sequence[int]) -> Any:
        return self.values[sum(map(mul, self.strides, cell))]


def observations(told: object, most: int) -> Sequence[Record]:
    """Read a Coverage or a CoverageCollection; raises UnreadableError, ManyCellsError.

    What several coverages tell of the same place and time is one record, where they tell of
    different parameters.
    """
    found: dict[_Place, dict[str, Any]] = {}
    others: list[Record] = []
    left = most
    for coverage in _coverages(told):
        axes, ranges = _read(coverage)
        cells = math.prod(axis.size for axis in axes)
        if cells > left:
            raise ManyCellsError
        left -= cells
        for place, measured in _cells(coverage.get("id"), axes, ranges):
            known = found.setdefault(place, {})
            if known.keys().isdisjoint(measured):
                known |= measured
            else:
                others.append({**measured, **dict(place)})
    return [*({**measured, **dict(place)} for place, measured in found.items()), *others]


def _coverages(told: object) -> Sequence[Mapping[str, Any]]:
    coverages = [told]
    if isinstance(told, dict) and told.get("type") == "CoverageCollection":
        coverages = told.get("coverages", [])
    if not isinstance(coverages, list):
        raise UnreadableError
    found = [it for it in coverages if isinstance(it, dict) and it.get("type") == "Coverage"]
    if len(found) < len(coverages):
        raise UnreadableError
    return found


def _read(coverage: Mapping[str, Any]) -> tuple[Sequence[_Axis], Mapping[str, _Range]]:
    domain, ranges = coverage.get("domain"), coverage.get("ranges")
    stated = domain.get("axes") if isinstance(domain, dict) else None
    if not isinstance(stated, dict) or not stated or not isinstance(ranges, dict):
        raise UnreadableError  # what lies under an address of its own is not fetched
    axes = {name: _axis(name, it) for name, it in stated.items()}
    return list(axes.values()), {name: _range(it, axes) for name, it in ranges.items()}


def _axis(name: str, stated: object) -> _Axis:
    if not isinstance(stated, dict):
        raise UnreadableError
    values = stated.get("values")
    if values is None:
        return _regular(name, stated)
    if not isinstance(values, list):
        raise UnreadableError
    if stated.get("dataType", "primitive") == "primitive":
        if not all(_is_scalar(it) for it in values):
            raise UnreadableError
        return _Axis((name,), len(values), lambda i: (values[i],))
    columns = stated.get("coordinates")
    if stated["dataType"] != "tuple" or not _are_names(columns):
        raise UnreadableError
    if not all(isinstance(it, list) and len(it) == len(columns) for it in values):
        raise UnreadableError
    if not all(_is_scalar(it) for row in values for it in row):
        raise UnreadableError
    return _Axis(tuple(columns), len(values), lambda i: values[i])


def _regular(name: str, stated: Mapping[str, Any]) -> _Axis:
    start, stop, size = stated.get("start"), stated.get("stop"), stated.get("num")
    if not isinstance(start, int | float) or not isinstance(stop, int | float):
        raise UnreadableError
    if not isinstance(size, int) or size < 1:
        raise UnreadableError
    step = (stop - start) / max(size - 1, 1)
    return _Axis((name,), size, lambda i: (start + i * step,))


def _range(stated: object, axes: Mapping[str, _Axis]) -> _Range:
    if not isinstance(stated, dict) or stated.get("type") != "NdArray":
        raise UnreadableError
    names, shape = stated.get("axisNames", []), stated.get("shape", [])
    values = stated.get("values")
    if not isinstance(values, list) or not _are_names(names) or not isinstance(shape, list):
        raise UnreadableError
    if shape != [axes[name].size for name in names if name in axes]:
        raise UnreadableError
    if any(axis.size != 1 for name, axis in axes.items() if name not in names):
        raise UnreadableError
    if len(values) != math.prod(shape) or not all(it is None or _is_scalar(it) for it in values):
        raise UnreadableError
    strides = {}
    step = 1
    for name, size in zip(reversed(names), reversed(shape), strict=True):
        strides[name] = step
        step *= size
    return _Range([strides.get(name, 0) for name in axes], values)


def _cells(
    id_: object, axes: Sequence[_Axis], ranges: Mapping[str, _Range]
) -> Iterator[tuple[_Place, dict[str, Any]]]:
    location = (("location", id_),) if _is_scalar(id_) else ()
    for cell in itertools.product(*(range(axis.size) for axis in axes)):
        place = tuple(
            pair
            for axis, i in zip(axes, cell, strict=True)
            for pair in zip(axis.columns, axis.at(i), strict=True)
        )
        yield (*location, *place), {name: it.at(cell) for name, it in ranges.items()}


def _are_names(stated: object) -> TypeGuard[list[str]]:
    if not isinstance(stated, list) or not all(isinstance(it, str) for it in stated):
        return False
    return len(set(stated)) == len(stated)


def _is_scalar(stated: object) -> bool:
    return isinstance(stated, str | int | float | bool)
