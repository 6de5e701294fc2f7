"""The forms by type: which cells of a table can be proved clean by their texts."""

import re
from collections.abc import Callable, Mapping

from publisher.engine import literal
from publisher.validation.proof import numbers, times
from publisher.validation.proof.form import Cell, Form, NoFormError, Sql, conjunction, properties


def form_of(cell: Cell) -> Form | None:
    """Give the form that proves cells of this kind; None where none does."""
    maker = _MAKERS.get(cell.type)
    if maker is None or (cell.shift and cell.type != "number"):
        return None
    try:
        return maker(cell)
    except NoFormError:
        return None


def _default_only(cell: Cell) -> None:
    if cell.format != "default" or cell.properties:
        raise NoFormError


def _text(cell: Cell) -> Form:
    _default_only(cell)
    shape = cell.shape or {}
    among = (cell.bounds or {}).get("enum")
    if (cell.bounds or {}).keys() - {"enum"}:
        raise NoFormError
    conditions: list[Sql] = []
    if among is not None:
        if not all(isinstance(item, str) and "\0" not in item for item in among):
            raise NoFormError
        listed = ", ".join(literal(item) for item in among)
        conditions.append(lambda text: f"{text} IN ({listed})")
    for name, operator in (("minLength", ">="), ("maxLength", "<=")):
        if (length := shape.get(name)) is not None:
            conditions.append(_length(operator, int(length)))
    pattern = shape.get("pattern")
    return Form(
        proves=lambda text, _: conjunction(*(condition(text) for condition in conditions)),
        value=lambda text: text,
        key=lambda text: (text,),
        # As Frictionless writes it: "a|b" has no brackets around it there either
        pattern=None if pattern is None else re.compile(f"^{pattern}$"),
    )


def _length(operator: str, length: int) -> Sql:
    return lambda text: f"length({text}) {operator} {length}"


def _boolean(cell: Cell) -> Form:
    stated = properties(cell, "trueValues", "falseValues")
    if cell.format != "default" or cell.bounds:
        raise NoFormError
    # Of a text on both lists Frictionless takes the later: the false
    true = list(stated.get("trueValues", ("true", "True", "TRUE", "1")))
    false = list(stated.get("falseValues", ("false", "False", "FALSE", "0")))
    if not all(isinstance(text, str) and "\0" not in text for text in (*true, *false)) or not false:
        raise NoFormError
    texts = ", ".join(literal(text) for text in (*true, *false))
    falses = ", ".join(literal(text) for text in false)
    return Form(
        proves=lambda text, _: f"{text} IN ({texts})",
        value=lambda text: f"{text} NOT IN ({falses})",
        key=lambda text: (f"{text} NOT IN ({falses})",),
    )


_MAKERS: Mapping[str, Callable[[Cell], Form]] = {
    "string": _text,
    "any": _text,
    "integer": numbers.integer,
    "number": numbers.number,
    "boolean": _boolean,
    "date": times.date_form,
    "datetime": times.datetime_form,
    "time": times.time_form,
    "year": numbers.year,
    "yearmonth": times.yearmonth_form,
}
