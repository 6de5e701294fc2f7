"""Groups whose rows lie in several places: what each place works out, and how that is put together.

A mean is of a sum and a count; a percentile or a spread is of the rows themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from publisher.engine import identifier
from publisher.model.query import ROW, Groups, Measure
from publisher.model.schema import Field
from publisher.model.table import sql_type
from publisher.query.groups import key_of, shown_fields
from publisher.query.sql import Source
from publisher.query.union import Part, columns_of

_OF: Mapping[str, tuple[str, ...]] = {
    "count": ("count",),
    "sum": ("sum",),
    "min": ("min",),
    "max": ("max",),
    "avg": ("sum", "count"),
}
"""By function, those that it can be worked out of where each is of some of the rows."""


def partial_groups(groups: Groups) -> Groups | None:
    """Give what each place is to work out; None where that takes the rows of all together."""
    if groups.fill is not None or groups.interval is not None:
        return None
    # By it a place that has no rows at all is known
    measures: dict[Measure, None] = {Measure("count", None): None}
    for measure in groups.measures:
        if measure.function not in _OF:
            return None
        measures |= {Measure(it, measure.field): None for it in _OF[measure.function]}
    if {it.name for it in measures} & {*key_of(groups)}:  # they could not stand side by side
        return None
    return replace(groups, measures=tuple(measures))


def merged(
    groups: Groups, fields: Mapping[str, Field], places: Sequence[tuple[str, Sequence[object]]]
) -> Source:
    """Give the groups of all rows, of FROM items that hold ``partial_groups`` of some of them."""
    keys = [identifier(name) for name in key_of(groups)]
    shown = shown_fields(groups, fields)
    measures = [
        f"CAST({_together(it)} AS {sql_type(shown[it.name])}) AS {identifier(it.name)}"
        for it in groups.measures
    ]
    there = f" WHERE {identifier('count')} > 0" if keys else ""
    text = " UNION ALL BY NAME ".join(
        f"SELECT * EXCLUDE ({ROW}) FROM {it}{there}" for it, _ in places
    )
    grouped = f" GROUP BY {', '.join(keys)}" if keys else ""
    columns = ", ".join([*keys, *measures, f"0 AS {ROW}"])
    parameters = [value for _, values in places for value in values]
    return Source(f"(SELECT {columns} FROM ({text}) AS p{grouped})", parameters)


def group_place(
    part: Part, theirs: Groups, fields: Mapping[str, Field]
) -> tuple[str, Sequence[object]]:
    """Give the FROM item of the groups, *theirs*, that a partner worked out of its rows."""
    text, parameters = part.relation or ("", ())
    columns = ", ".join(columns_of(part, shown_fields(theirs, fields)))
    return f"(SELECT {columns}, 0 AS {ROW} FROM {text} AS t)", parameters


def _together(measure: Measure) -> str:
    def of(function: str) -> str:
        return identifier(Measure(function, measure.field).name)

    match measure.function:
        case "count":
            return f"coalesce(sum({of('count')}), 0)"
        case "avg":
            return f"CAST(sum({of('sum')}) AS DOUBLE) / nullif(sum({of('count')}), 0)"
        case function:
            return f"{function}({of(function)})"
