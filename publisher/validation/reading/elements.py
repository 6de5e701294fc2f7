"""Elements of JSON: their cells picked by path."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, islice
from typing import Any

from publisher.model.run import Problem
from publisher.validation.reading.table import Cells, Reading, Seen, Table, header_of

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_MISSING = object()
_KEYS_KEPT = 500
_SAMPLE = 100
_DEEPEST = 200  # levels; what writes JSON, here and in front of the store, takes 254


def picked(
    element: Any, columns: Sequence[str], *, number: int | None = None, seen: Seen | None = None
) -> Cells:
    """Make a row of *element*: the cell at each of *columns*, None where there is nothing."""
    if not isinstance(element, dict):
        broken = f"the element is no object but {_kind(element)}"
        return Cells(raw=[element], number=number, broken=broken)
    cells = []
    for column in columns:
        value = at(element, column)
        if value is _MISSING:
            value = None
        elif seen is not None:
            seen.columns.add(column)
        cells.append(value)
    if seen is not None and len(seen.keys) < _KEYS_KEPT:
        seen.keys.update(dict.fromkeys(element))
    return Cells(cells, raw=[element], number=number)


def table_of(elements: Iterator[Any], reading: Reading, notes: tuple[Problem, ...]) -> Table:
    """Make a table of *elements*: objects, or arrays of which the dialect's rows are the header.

    What the first of them is decides for all, as in Frictionless. Cells among them are rows
    that are broken already.
    """
    sample = list(islice(elements, _SAMPLE))
    first = next((element for element in sample if isinstance(element, dict | list)), None)
    whole = chain(sample, elements)
    if not isinstance(first, list) or isinstance(first, Cells):
        seen = Seen()
        return Table(None, _objects(whole, reading.columns, seen), notes, seen)
    dialect = reading.frictionless_dialect()
    rows = (_array(element) for element in whole)
    labels = header_of(dialect, [_array(element) for element in sample])
    return Table(labels, dialect.read_enumerated_content_stream(rows), notes)


def _objects(
    elements: Iterable[Any], columns: Sequence[str], seen: Seen
) -> Iterator[tuple[int, Cells]]:
    for number, element in enumerate(elements, start=2):  # to Frictionless their keys are row 1
        if isinstance(element, Cells):
            yield number, element
        else:
            yield number, picked(element, columns, seen=seen)


def _array(element: Any) -> list[Any]:
    if isinstance(element, list):
        return element
    return Cells(raw=[element], broken=f"the element is no array but {_kind(element)}")


def _kind(element: Any) -> str:
    if element is None or isinstance(element, bool):
        return {None: "null", True: "true", False: "false"}[element]
    for kind, name in ((dict, "an object"), (list, "an array"), (str, "a text")):
        if isinstance(element, kind):
            return name
    return "a number"


def nested_too_deep(element: Any, brackets: int) -> bool:
    """Tell whether *element*, whose text opens so many *brackets*, cannot be kept as it is."""
    if brackets <= _DEEPEST:
        return False
    level = [element]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return any(isinstance(outer, dict | list) for outer in level)


def at(element: dict[str, Any], path: str) -> Any:
    """Find what is at *path*: the exact key first, then steps such as ``object.co2[0]``."""
    if path in element:
        return element[path]
    found: Any = element
    for step in steps_of(path):
        fits = step in found if isinstance(found, dict) else False
        if isinstance(step, int) and isinstance(found, list):
            fits = step < len(found)
        if not fits:
            return _MISSING
        found = found[step]
    return found if path else _MISSING


@cache
def steps_of(path: str) -> tuple[str | int, ...]:
    """Take a path such as ``object.co2[0]`` apart."""
    return tuple(int(index) if index else key for key, index in _STEP.findall(path))
