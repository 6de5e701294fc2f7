"""Groups of rows and what is worked out of each: read, and written as a source of rows.

Groups are answered as if they were a table: its columns are the fields grouped by, ``bucket``, the
measures, and ``coverage``; so they are sorted, paged and rendered as rows are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from publisher.engine import Connection, identifier, literal
from publisher.model.query import ROW, Condition, Groups, Measure, Period
from publisher.model.schema import Field
from publisher.query.buckets import Calendar, calendar, read_period
from publisher.query.names import unknown
from publisher.query.parameters import FUNCTIONS
from publisher.query.sql import Source, Statement, condition, filtered
from publisher.query.times import fault
from publisher.query.values import read_choice, read_grouping, read_list, sortable

BUCKET, COVERAGE = "bucket", "coverage"
_PERCENTILE = re.compile(r"p(\d{1,2}|100)", re.ASCII)
_NUMBERS = frozenset({"number", "integer", "year"})
_FILLS: tuple[Literal["null", "previous"], ...] = ("null", "previous")
_MICROSECOND = timedelta(microseconds=1)
_FEW_YEARS = 50  # of which all rules of the calendar can be written
# Their names may be ones that no schema's field can have
_COUNTED = Field(name="count", type="integer")
_WORKED_OUT = Field(name="number", type="number")
_MOST_MEASURES = 50


@dataclass(frozen=True, slots=True)
class Stated:
    """The parameters of groups as they stand."""

    by: str | None
    every: str | None
    agg: str | None
    fill: str | None


def read_groups(
    stated: Stated,
    fields: Mapping[str, Field],
    time: Field | None,
    bounds: tuple[datetime | None, datetime | None],
    interval: timedelta | None,
) -> Groups:
    """Read what is to be worked out of a table that shows *fields*; raises ParameterError."""
    by = () if stated.by is None else read_grouping("by", stated.by, fields)
    every = None
    if stated.every is not None:
        if time is None:
            raise fault("no-time-field", "every", stated.every)
        every = read_period("every", stated.every)
        if time.type == "date" and every.unit == "seconds":
            raise fault("period-of-dates", "every", stated.every, field=time.name)
    fill = None
    if stated.fill is not None:
        fill = read_choice("fill", stated.fill, _FILLS)
        if every is None:
            raise fault("fill-without-every", "fill", stated.fill)
    found = Groups(
        by=by,
        every=every,
        time=time.name if time else None,
        measures=_measures(stated.agg or "*:count", fields, time),
        fill=fill,
        bounds=bounds,
        interval=interval if every else None,
    )
    names = [*key_of(found), *(measure.name for measure in found.measures)]
    names += [COVERAGE] if found.interval else []
    for name in names:
        if names.count(name) > 1:
            raise fault("group-name-twice", "agg", name)
    return found


def _measures(text: str, fields: Mapping[str, Field], time: Field | None) -> tuple[Measure, ...]:
    found = []
    for item in read_list("agg", text):
        name, _, function = item.rpartition(":")
        if function not in FUNCTIONS and not _PERCENTILE.fullmatch(function):
            raise unknown("function", function, [*FUNCTIONS, "p95"], "agg")
        if name == "*" and function == "count":
            found.append(Measure(function, None))
            continue
        if name not in fields:
            raise unknown("field", name, [*fields, "*"] if function == "count" else fields, "agg")
        field = fields[name]
        if not _takes(field, function):
            raise fault("function-not-for-type", "agg", function, field=name, type=field.type)
        if function in {"first", "last"} and time is None:
            raise fault("no-time-field", "agg", item)
        found.append(Measure(function, name))
    if len(set(found)) < len(found):
        raise fault("name-twice", "agg", text)
    if len(found) > _MOST_MEASURES:
        raise fault("long-list", "agg", text, most=_MOST_MEASURES)
    return tuple(found)


def _takes(field: Field, function: str) -> bool:
    if function == "count":
        return True
    if function in {"min", "max", "first", "last"}:
        return sortable(field)
    return field.type in _NUMBERS


def shown_fields(groups: Groups, fields: Mapping[str, Field]) -> dict[str, Field]:
    """Give the fields that the groups have, by name, in their order."""
    found = {name: fields[name] for name in groups.by}
    if groups.every is not None and groups.time is not None:
        found[BUCKET] = Field(name=BUCKET, type=fields[groups.time].type)
    for measure in groups.measures:
        found[measure.name] = _shown(measure, fields)
    if groups.interval is not None:
        found[COVERAGE] = Field(name=COVERAGE, type="object")
    return found


def key_of(groups: Groups) -> tuple[str, ...]:
    """Give the names of the columns that no two groups have alike."""
    return (*groups.by, BUCKET) if groups.every else groups.by


def inexact(groups: Groups, fields: Mapping[str, Field]) -> bool:
    """Tell whether the last digits may differ from one answer to the next."""
    return any(
        measure.function in {"avg", "stddev", "sum"}
        and measure.field is not None
        and fields[measure.field].type == "number"
        and (measure.function != "sum" or fields[measure.field].decimal is None)
        for measure in groups.measures
    )


def _shown(measure: Measure, fields: Mapping[str, Field]) -> Field:
    if measure.field is None or measure.function == "count":
        return _COUNTED.model_copy(update={"name": measure.name})
    field = fields[measure.field]
    if measure.function in {"min", "max", "first", "last"}:
        return field.model_copy(update={"name": measure.name, "role": None})
    decimal = None
    if measure.function == "sum" and field.type != "number":
        decimal = "38,0"
    elif measure.function == "sum" and field.decimal is not None:
        decimal = f"38,{field.decimal.split(',')[1].strip()}"
    shown = {"name": measure.name, "decimal": decimal, "unit": field.unit}
    return _WORKED_OUT.model_copy(update=shown)


@dataclass(frozen=True, slots=True)
class _Span:
    """The range of time that buckets are made for, and the rules of the calendar in it."""

    rules: Calendar
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class GroupsWork:
    """Writes the groups of the rows of a source that match, as a source of rows."""

    groups: Groups
    where: tuple[Condition, ...]
    fields: Mapping[str, Field]
    rows: Source
    zone: str

    def source(self, con: Connection) -> Source:
        """Give the statement's FROM item; the range of time is asked for first."""
        groups = self.groups
        span = None if groups.every is None else self._span(con, groups.every)
        statement, matching = self._matching()
        if groups.fill is None and groups.interval is None:
            # Each step costs the engine's planner more than the rows of a small answer do
            return Source(f"({self._grouped(span, f'({matching})', ROW)})", statement.parameters)
        steps = [f"matching AS ({matching})", f"grouped AS ({self._grouped(span, 'matching')})"]
        found = "grouped"
        if groups.fill is not None and span is not None:
            steps.append(f"filled AS ({self._filled(span, statement)})")
            found = "filled"
        covered = ""
        if groups.interval is not None:
            steps.append(f"entities AS ({self._entities()})")
            covered = f", {self._coverage(span)} AS {identifier(COVERAGE)}"
            found += f" AS g LEFT JOIN entities AS e ON {self._same('e')}"
        else:
            found += " AS g"
        return Source(
            f"(WITH {', '.join(steps)} SELECT g.*{covered}, 0 AS {ROW} FROM {found})",
            statement.parameters,
        )

    def _matching(self) -> tuple[Statement, str]:
        statement = Statement(list(self.rows.parameters), self.rows.points)
        where = [condition(self.fields, part, statement) for part in self.where]
        if self.groups.every is not None:
            where.append(f"{self._when} IS NOT NULL")
        return statement, f"SELECT * FROM {self.rows.text} AS t{filtered(where)}"

    def _grouped(self, span: _Span | None, matching: str, row: str | None = None) -> str:
        """Group the rows *matching*; each group has the same id, called *row*, if any."""
        groups = self.groups
        columns = [identifier(name) for name in key_of(groups)]
        source = f"{matching} AS m"
        if groups.every is not None:
            # Without a row there is no range, and no bucket either
            start = span.rules.start(self._instant) if span else "NULL"
            source = (
                f"(SELECT *, CAST({start} AS {self._type}) AS {identifier(BUCKET)}"
                f" FROM {matching} AS m) AS b"
            )
        measures = [
            f"{self._worked_out(measure)} AS {identifier(measure.name)}"
            for measure in groups.measures
        ]
        if groups.interval is not None:
            measures += [f"count(DISTINCT {self._observation()}) AS _observed"]
            if (quality := self._quality) is not None:
                measures += [f"histogram({identifier(quality)}) AS _quality"]
        if row is not None:
            measures.append(f"0 AS {row}")
        text = f"SELECT {', '.join([*columns, *measures])} FROM {source}"
        return text + (f" GROUP BY {', '.join(columns)}" if columns else "")

    # buckets

    @property
    def _when(self) -> str:
        return identifier(self.groups.time or "")

    @property
    def _instant(self) -> str:
        """The time as an instant; a date is a midnight that no zone moves."""
        return f"CAST({self._when} AS TIMESTAMP)"

    @property
    def _type(self) -> str:
        dated = self.groups.time is not None and self.fields[self.groups.time].type == "date"
        return "DATE" if dated else "TIMESTAMP"

    def _span(self, con: Connection, every: Period) -> _Span | None:
        """Look for the first and last instant of the rows that match; None where there is none.

        Where both ends were asked for there is nothing to look for.
        """
        zone = "UTC" if self._type == "DATE" else self.zone
        lower, upper = self.groups.bounds
        if lower is not None and upper is not None and upper.year - lower.year < _FEW_YEARS:
            years = range(lower.year, upper.year + 1)
            return _Span(calendar(every, zone, years), lower, max(lower, upper - _MICROSECOND))
        statement, matching = self._matching()
        [(first, last, years)] = con.execute(
            f"SELECT min({self._instant}), max({self._instant}),"
            f" coalesce(list(DISTINCT year({self._instant})), []) FROM ({matching})",
            statement.parameters,
        ).fetchall()
        if first is None and (self.groups.by or lower is None or upper is None):
            return None
        if lower is not None:
            first = lower
        if upper is not None:
            last = max(first, upper - _MICROSECOND)
        if self.groups.fill is not None:
            years = range(first.year, last.year + 1)
        return _Span(calendar(every, zone, years), first, last)

    def _filled(self, span: _Span, statement: Statement) -> str:
        """Put in the buckets without rows, for every group that has one with rows."""
        groups = self.groups
        starts = span.rules.starts(span.first, span.last)
        bucket = f"unnest({statement.value(starts, 'TIMESTAMP[]')})"
        names = [identifier(name) for name in groups.by]
        keys = (
            f"(SELECT DISTINCT {', '.join(names)} FROM grouped)" if names else "(SELECT 1 AS one)"
        )
        columns = [f"k.{name}" for name in names] + [f"s.{identifier(BUCKET)}"]
        for measure in groups.measures:
            name = identifier(measure.name)
            value = f"g.{name}"
            if measure.function == "count":
                value = f"coalesce({value}, 0)"
            elif groups.fill == "previous":
                part = f"PARTITION BY {', '.join(columns[:-1])} " if names else ""
                value = (
                    f"last_value({value} IGNORE NULLS) OVER ({part}ORDER BY {columns[-1]}"
                    " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
                )
            columns.append(f"{value} AS {name}")
        if groups.interval is not None:
            columns.append("coalesce(g._observed, 0) AS _observed")
            if self._quality is not None:
                columns.append("g._quality")
        return (
            f"SELECT {', '.join(columns)} FROM {keys} AS k CROSS JOIN"
            f" (SELECT CAST({bucket} AS {self._type}) AS {identifier(BUCKET)}) AS s"
            f" LEFT JOIN grouped AS g ON {self._same('k')}"
            f" AND g.{identifier(BUCKET)} = s.{identifier(BUCKET)}"
        )

    # coverage

    @property
    def _quality(self) -> str | None:
        return next((name for name, it in self.fields.items() if it.role == "quality"), None)

    @property
    def _entity(self) -> list[str]:
        return [name for name, field in self.fields.items() if field.role == "entity"]

    def _observation(self) -> str:
        """Write what tells one observation from another: its entity and its time."""
        return _struct([*self._entity, self.groups.time or ""])

    def _entities(self) -> str:
        """Count the entities of each group over all its buckets."""
        names = [identifier(name) for name in self.groups.by]
        entity = self._entity
        counted = "1"
        if not set(entity) <= set(self.groups.by):
            counted = f"count(DISTINCT {_struct(entity)})"
        text = f"SELECT {', '.join([*names, f'{counted} AS _entities'])} FROM matching"
        return text + (f" GROUP BY {', '.join(names)}" if names else "")

    def _same(self, other: str) -> str:
        names = [identifier(name) for name in self.groups.by]
        return " AND ".join(f"g.{it} IS NOT DISTINCT FROM {other}.{it}" for it in names) or "true"

    def _coverage(self, span: _Span | None) -> str:
        """Write what was observed, of how much that was to be expected in the bucket."""
        if span is None or self.groups.interval is None:
            return "CAST(NULL AS JSON)"
        start = f"CAST(g.{identifier(BUCKET)} AS TIMESTAMP)"
        end = span.rules.end(start)
        lower, upper = self.groups.bounds
        if upper is not None:
            end = f"least({end}, TIMESTAMP '{upper}')"
        if lower is not None:
            start = f"greatest({start}, TIMESTAMP '{lower}')"
        every = self.groups.interval // _MICROSECOND
        expected = (
            f"CAST(round(coalesce(e._entities, 1) * (epoch_us({end}) - epoch_us({start}))"
            f" / {every}) AS BIGINT)"
        )
        quality = ", 'quality', to_json(g._quality)" if self._quality is not None else ""
        return (
            f"json_object('expected', {expected}, 'observed', g._observed, 'share',"
            f" CASE WHEN {expected} > 0 THEN round(least(1, g._observed / {expected}), 4) END"
            f"{quality})"
        )

    # measures

    def _worked_out(self, measure: Measure) -> str:
        if measure.field is None:
            return "count(*)"
        name = identifier(measure.field)
        double = f"CAST({name} AS DOUBLE)"
        place = f"{{'at': {self._when}, 'row': {ROW}}}"
        if (match := _PERCENTILE.fullmatch(measure.function)) is not None:
            return f"quantile_cont({double}, {int(match[1]) / 100!r})"
        if measure.function == "sum":
            decimal = _shown(measure, self.fields).decimal
            return f"CAST(sum({name}) AS DECIMAL({decimal}))" if decimal else f"sum({name})"
        return {
            "count": f"count({name})",
            "min": f"min({name})",
            "max": f"max({name})",
            "avg": f"avg({double})",
            "median": f"quantile_cont({double}, 0.5)",
            "stddev": f"stddev_samp({double})",
            "first": f"arg_min({name}, {place})",
            "last": f"arg_max({name}, {place})",
        }[measure.function]


def _struct(names: Sequence[str]) -> str:
    return f"{{{', '.join(f'{literal(name)}: {identifier(name)}' for name in names)}}}"
