"""The URL's grammar: parameters in, what was asked out, every fault told at once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, cast, get_args

from publisher.errors import ParameterError
from publisher.model.query import (
    PARAMETERS,
    Among,
    Compare,
    Comparison,
    Condition,
    Contains,
    Groups,
    IsNull,
    Newest,
    Order,
    Place,
)
from publisher.model.query import Part as TextPart
from publisher.model.schema import Field
from publisher.model.values import parse_zone
from publisher.query import parameters
from publisher.query.areas import box_of, near_of
from publisher.query.faults import Faults
from publisher.query.filters import read_filter
from publisher.query.groups import Stated as StatedGroups
from publisher.query.groups import read_groups, shown_fields
from publisher.query.names import nearest, unknown
from publisher.query.output import Style, Units, read_style, read_units
from publisher.query.parameters import (
    COUNTS,
    DEDUPES,
    DEFAULT_LIMIT,
    MOST_LIMIT,
    MOST_OFFSET,
    MOST_PARAMETERS,
    MOST_TIMEOUT,
    OPERATORS,
    PARTIALS,
    Counting,
    Parameter,
)
from publisher.query.times import (
    Bound,
    fault,
    interval_text,
    mentions_now,
    read_instant,
    read_interval,
    read_zone,
)
from publisher.query.values import (
    OPERATORS_OF,
    read_boolean,
    read_choice,
    read_count,
    read_grouping,
    read_list,
    read_names,
    read_value,
    sortable,
)

_MOST_VERSION = 2**62
Pairs = Sequence[tuple[str, str]]


Kind = Literal["rows", "latest", "aggregate", "export", "query"]
TAKEN: Mapping[Kind, tuple[Parameter, ...]] = {
    "rows": parameters.ROWS,
    "latest": parameters.LATEST,
    "aggregate": parameters.AGGREGATE,
    "export": parameters.EXPORT,
    "query": parameters.QUERY,
}


@dataclass(frozen=True, slots=True)
class Ask:
    """What kind of question it is, and what the table states about its answers."""

    kind: Kind = "rows"
    interval: timedelta | None = None
    """How often each entity reports."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a URL asks of a table's rows, before a version is settled."""

    where: tuple[Condition, ...]
    select: tuple[str, ...]
    order: tuple[Order, ...]
    newest: Newest | None
    groups: Groups | None
    place: Place | None
    units: Units
    style: Style
    limit: int
    offset: int
    count: Counting
    zone: str
    cursor: str | None
    version: int | None
    as_of: datetime | None
    """UTC, no tzinfo."""
    since: int | None
    expand: str | None
    fixed_time: str | None
    """The ``time`` to repeat on later pages where it spoke of ``now``."""


@dataclass(frozen=True, slots=True)
class Stated:
    """The parameters by name, and the names that came more than once."""

    values: Mapping[str, str]
    repeated: tuple[str, ...]


def distinct(pairs: Pairs) -> Stated:
    """Sort the parameters by name; ParameterError ``many-parameters`` where it is no use."""
    if len(pairs) > MOST_PARAMETERS:
        raise ParameterError("many-parameters", most=MOST_PARAMETERS)
    counts = Counter(name for name, _ in pairs)
    return Stated(dict(pairs), tuple(name for name, count in counts.items() if count > 1))


def given_twice(parameter: str) -> ParameterError:
    return fault("parameter-given-twice", parameter, parameter)


def read_when(stated: Stated) -> tuple[int | None, datetime | None]:
    """Give the version asked for, or the instant (UTC, no tzinfo), before the fields are known.

    None and None where that is wrong: ``read_rows`` tells it with everything else.
    """
    values = stated.values
    try:
        zone = parse_zone(read_zone("tz", values["tz"]) if "tz" in values else "UTC")
        return _when(values, zone)
    except ParameterError:
        return None, None


def read_query(stated: Stated, fields: Iterable[Field], now: datetime, ask: Ask) -> Asked:
    """Read the parameters of a query on a table that shows *fields*.

    *now* is aware. Raises ParameterError; several faults are told in one.
    """
    faults = Faults()
    reader = _Reader(fields, faults, ask)
    for name in stated.repeated:
        with faults:
            raise reader.repeated(name)
    once = {name: text for name, text in stated.values.items() if name not in stated.repeated}
    ours = {name: once.pop(name) for name in reader.reserved & once.keys()}
    with faults:
        reader.zone_text = read_zone("tz", ours["tz"]) if "tz" in ours else "UTC"
    asked = reader.read(ours, once, now)
    faults.settle()
    return asked


class _Reader:
    def __init__(self, fields: Iterable[Field], faults: Faults, ask: Ask) -> None:
        self.fields: Mapping[str, Field] = {field.name: field for field in fields}
        self.shown = self.fields
        """What an answer has: the table's fields, or those of its groups."""
        self.faults = faults
        self.ask = ask
        self.reserved = frozenset(parameter.name for parameter in TAKEN[ask.kind])
        self.zone_text = "UTC"
        self.time_field = next(
            (
                field
                for field in self.fields.values()
                if field.role == "time" and field.type in {"date", "datetime"}
            ),
            None,
        )

        longitude = self._role("longitude")
        latitude = self._role("latitude")
        self.place = Place(longitude, latitude) if longitude and latitude else None

    def _shows_place(self) -> bool:
        place = self.place
        return place is not None and {place.longitude, place.latitude} <= self.shown.keys()

    def _role(self, role: str) -> str | None:
        return next(
            (
                field.name
                for field in self.fields.values()
                if field.role == role and field.type in {"number", "integer"}
            ),
            None,
        )

    @property
    def zone(self) -> tzinfo:
        return parse_zone(self.zone_text)

    def read(self, ours: Mapping[str, str], filters: Mapping[str, str], now: datetime) -> Asked:
        where: list[Condition] = []
        for name, text in filters.items():
            with self.faults:
                where.append(self._condition(name, text))
        fixed_time = None
        bounds: tuple[Bound, Bound] = (None, None)
        with self.faults:
            if (interval := ours.get("time")) is not None:
                bounds = self._interval(interval, now)
                where += self._within(bounds)
                fixed_time = interval_text(bounds) if mentions_now(interval) else None
        where += self._filter(ours)
        newest = groups = None
        order: tuple[Order, ...] = ()
        with self.faults:
            newest, groups = self._what(ours, bounds)
            order = self._order(ours.get("sort"))
        select: tuple[str, ...] = tuple(self.shown)
        with self.faults:
            if "select" in ours:
                select = read_names("select", ours["select"], self.fields)
        limit, (version, as_of) = DEFAULT_LIMIT, (None, None)
        with self.faults:
            if "limit" in ours:
                limit = read_count("limit", ours["limit"], 1, MOST_LIMIT)
        units: Units = ()
        with self.faults:
            if "units" in ours:
                units = read_units(ours["units"], self.fields, select)
        style = read_style(ours, self.faults)
        offset, count = 0, COUNTS[0]
        with self.faults:
            if "offset" in ours:
                offset = read_count("offset", ours["offset"], 0, MOST_OFFSET)
                if "cursor" in ours:
                    raise fault("offset-and-cursor", "offset", ours["offset"])
        with self.faults:
            if "count" in ours:
                count = read_choice("count", ours["count"], COUNTS)
        with self.faults:
            version, as_of = _when(ours, self.zone)
        since = None
        with self.faults:
            since = _since(ours)
        self._of_partners(ours)
        return Asked(
            where=tuple(where),
            select=select,
            order=order,
            newest=newest,
            groups=groups,
            place=self.place if self._shows_place() else None,
            units=units,
            style=style,
            limit=limit,
            offset=offset,
            count=count,
            zone=self.zone_text,
            cursor=ours.get("cursor"),
            version=version,
            as_of=as_of,
            since=since,
            expand=ours.get("expand"),
            fixed_time=fixed_time,
        )

    def _of_partners(self, ours: Mapping[str, str]) -> None:
        """Refuse what is wrong about those who are asked, and how long."""
        with self.faults:
            if "partial" in ours:
                read_choice("partial", ours["partial"], PARTIALS)
        with self.faults:
            if "dedupe" in ours:
                read_choice("dedupe", ours["dedupe"], DEDUPES)
        with self.faults:
            if "timeout" in ours:
                read_count("timeout", ours["timeout"], 1, MOST_TIMEOUT)

    def _what(
        self, ours: Mapping[str, str], bounds: tuple[Bound, Bound]
    ) -> tuple[Newest | None, Groups | None]:
        """Read what is asked for instead of the rows."""
        if self.ask.kind == "latest":
            return self._newest(ours.get("by")), None
        if self.ask.kind in {"rows", "export"}:
            return None, None
        if self.ask.kind == "query" and not {"by", "every", "agg", "fill"} & ours.keys():
            return None, None
        for name in ("select", "units", "original"):
            if name in ours:
                raise fault("not-of-groups", name, ours[name])
        stated = StatedGroups(*(ours.get(name) for name in ("by", "every", "agg", "fill")))
        groups = read_groups(stated, self.fields, self.time_field, bounds, self.ask.interval)
        self.shown = shown_fields(groups, self.fields)
        return None, groups

    def _newest(self, by: str | None) -> Newest:
        """Read which rows of a table are the latest ones."""
        if self.time_field is None:
            raise ParameterError("latest-without-time", parameter="by")
        if by is not None:
            return Newest(self.time_field.name, read_grouping("by", by, self.fields))
        of = tuple(field.name for field in self.fields.values() if field.role == "entity")
        return Newest(self.time_field.name, of)

    def _filter(self, ours: Mapping[str, str]) -> list[Condition]:
        """Read what narrows the rows beside conditions on single fields."""
        found: list[Condition] = []
        with self.faults:
            if "filter" in ours:
                found.append(read_filter(ours["filter"], self.fields, self.place, self.zone))
        for name, read in (("bbox", box_of), ("near", near_of)):
            with self.faults:
                if name not in ours:
                    continue
                if self.place is None:
                    raise fault("no-place-fields", name, ours[name])
                found.append(read(name, ours[name].split(","), self.place))
        return found

    def repeated(self, parameter: str) -> ParameterError:
        """Give the error for a parameter that came twice, naming ``in`` where that would help."""
        if parameter not in self.reserved:
            field, op = self._target(parameter)
            if op in {"exact", "in"} and "in" in OPERATORS_OF[field.type]:
                return fault("repeated-parameter", parameter, parameter, field=field.name)
        return given_twice(parameter)

    def _condition(self, parameter: str, text: str) -> Condition:
        field, op = self._target(parameter)
        if op not in OPERATORS_OF[field.type]:
            raise fault(
                "operator-not-for-type",
                parameter,
                op,
                field=field.name,
                type=field.type,
                allowed=list(OPERATORS_OF[field.type]),
            )
        if op == "isnull":
            return IsNull(field.name, negated=not read_boolean(parameter, text))
        if op in {"in", "notin"}:
            items = read_list(parameter, text)
            values = tuple(read_value(field, parameter, item, self.zone) for item in items)
            return Among(field.name, values, negated=op == "notin")
        value = read_value(field, parameter, text, self.zone)
        if op in get_args(TextPart):
            return Contains(field.name, cast("TextPart", op), str(value))
        return Compare(field.name, cast("Comparison", op), value)

    def _target(self, parameter: str) -> tuple[Field, str]:
        """Give the field and operator; the longest known field name wins before ``__``."""
        if parameter in self.fields:
            if parameter in PARAMETERS:
                raise fault("field-named-otherwise", parameter, f"{parameter}__exact")
            return self.fields[parameter], "exact"
        name, found, op = parameter.rpartition("__")
        while found:
            if name in self.fields:
                if op in OPERATORS:
                    return self.fields[name], op
                raise unknown("operator", op, OPERATORS, parameter)
            name, found, rest = name.rpartition("__")
            op = f"{rest}__{op}"
        named = [f"{it}__exact" if it in PARAMETERS else it for it in self.fields]
        known = [*named, *sorted(self.reserved)]
        head, _, tail = parameter.partition("__")
        near = nearest(head, self.fields) if tail in OPERATORS else None
        if near is not None:
            raise fault(
                "unknown-parameter-near",
                parameter,
                parameter,
                allowed=known,
                nearest=f"{near}__{tail}",
            )
        raise unknown("parameter", parameter, known, parameter)

    def _interval(self, text: str, now: datetime) -> tuple[Bound, Bound]:
        if self.time_field is None:
            raise fault("no-time-field", "time", text)
        # A date is no instant: no zone moves it.
        zone = UTC if self.time_field.type == "date" else self.zone
        return read_interval("time", text, zone, now)

    def _within(self, bounds: tuple[Bound, Bound]) -> list[Condition]:
        field = self.time_field
        if field is None:
            return []
        ends: tuple[Comparison, Comparison] = ("gte", "lt")
        return [
            Compare(field.name, op, _first_date(bound) if field.type == "date" else bound)
            for op, bound in zip(ends, bounds, strict=True)
            if bound is not None
        ]

    def _order(self, text: str | None) -> tuple[Order, ...]:
        if text is None:
            return ()
        items = read_list("sort", text)
        orders = [Order(item.removeprefix("-"), item.startswith("-")) for item in items]
        for order in orders:
            if order.field not in self.shown:
                raise unknown("field", order.field, self.shown, "sort")
            if not sortable(self.shown[order.field]):
                field = self.shown[order.field]
                raise fault("not-sortable", "sort", field.name, type=field.type)
        if len({order.field for order in orders}) < len(orders):
            raise fault("name-twice", "sort", text)
        return tuple(orders)


def _since(ours: Mapping[str, str]) -> int | None:
    if "changed_since" not in ours:
        return None
    if "expand" in ours:
        raise fault("expand-and-since", "expand", ours["expand"])
    return read_count("changed_since", ours["changed_since"], 0, _MOST_VERSION)


def _when(ours: Mapping[str, str], zone: tzinfo) -> tuple[int | None, datetime | None]:
    version, as_of = ours.get("version"), ours.get("as_of")
    if version is not None and as_of is not None:
        raise fault("version-and-as-of", "as_of", as_of)
    return (
        None if version is None else read_count("version", version, 0, _MOST_VERSION),
        None if as_of is None else read_instant("as_of", as_of, zone),
    )


def _first_date(bound: datetime) -> date:
    """Give the first date that does not begin before *bound*."""
    whole = bound.date()
    if bound.time() == time():
        return whole
    return whole + timedelta(days=1) if whole < date.max else whole
