"""The query tree: what every front door parses into, and what is planned and answered.

Values are Python's own, as the field's type holds them: str, int, float, Decimal, bool,
date, time, and datetime without a zone, meaning UTC. Comparisons follow SQL's three-valued
logic: a null meets no condition but ``IsNull``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from publisher.model.values import TableRef

PARAMETERS = frozenset({
    "select", "sort", "limit", "cursor", "offset", "count", "version", "as_of", "changed_since",
    "tz", "units", "f", "filter", "time", "bbox", "near", "from", "partial", "timeout",
    "original", "dedupe", "by", "every", "agg", "fill", "sep", "decimal", "bom", "shape", "expand",
})  # fmt: skip
"""URL parameters of the grammar, those to come included: a field that is named like one is
reached as ``NAME__exact``, so that no address changes its meaning when the parameter comes."""

ROW = "_row"
"""What the id of a row is called, beside its fields."""
DELETED = "_deleted"
"""What says that a row is no more, among those that changed."""

Value = str | int | float | Decimal | bool | date | time | datetime

Comparison = Literal["exact", "not", "gt", "gte", "lt", "lte"]
Part = Literal["contains", "startswith", "endswith"]


@dataclass(frozen=True, slots=True)
class Compare:
    field: str
    op: Comparison
    value: Value


@dataclass(frozen=True, slots=True)
class Among:
    field: str
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Contains:
    """A text holds another, anywhere or at one end; case counts."""

    field: str
    part: Part
    value: str


@dataclass(frozen=True, slots=True)
class IsNull:
    field: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """A text is as the pattern: ``%`` stands for any characters, ``_`` for one; case counts."""

    field: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Place:
    """The two fields of a point, in degrees east and north (WGS 84)."""

    longitude: str
    latitude: str


@dataclass(frozen=True, slots=True)
class InBox:
    """A point lies in the box or on its edge; one with *west* > *east* crosses the date line."""

    place: Place
    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Near:
    """A point lies within *metres* of another, along the surface of a sphere."""

    place: Place
    longitude: float
    latitude: float
    metres: float


Polygon = tuple[tuple[tuple[float, float], ...], ...]
"""Its outer ring, then its holes; positions are degrees east and north."""


@dataclass(frozen=True, slots=True)
class InArea:
    """A point lies in one of the polygons or on its edge."""

    place: Place
    polygons: tuple[Polygon, ...]


@dataclass(frozen=True, slots=True)
class Always:
    """Every row, or none."""

    holds: bool


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Condition"


Condition = (
    Compare | Among | Contains | Like | IsNull | InBox | Near | InArea | Always | And | Or | Not
)


@dataclass(frozen=True, slots=True)
class Order:
    """Nulls come last either way; text by Unicode code point."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Newest:
    """Of the rows that match, the newest for each value of the fields *of*.

    Rows without a time are never it; of several with the same time, the one stored last is.
    """

    time: str
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """Seconds elapsed (a day's at most), or days or months of the calendar."""

    unit: Literal["seconds", "days", "months"]
    count: int

    def __str__(self) -> str:
        """Write it as ISO 8601 does."""
        return (
            f"PT{self.count}S" if self.unit == "seconds" else f"P{self.count}{self.unit[0].upper()}"
        )


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a group: the rows' *count* where there is no field."""

    function: str
    field: str | None

    @property
    def name(self) -> str:
        return self.function if self.field is None else f"{self.field}_{self.function}"


@dataclass(frozen=True, slots=True)
class Groups:
    """What is worked out of the rows that match, for each value of the fields *by*."""

    by: tuple[str, ...]
    every: Period | None
    """A group for each period of the field *time* as well."""
    time: str | None
    measures: tuple[Measure, ...]
    fill: Literal["null", "previous"] | None = None
    """What stands in buckets without rows; None: they are left out."""
    bounds: tuple[datetime | None, datetime | None] = (None, None)
    """The half-open interval that was asked for (UTC, no tzinfo)."""
    interval: timedelta | None = None
    """How often each entity reports; coverage is told by it."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """Fields of another table, at one version, beside those of the rows that refer to it."""

    name: str
    """Its fields are called ``name.field``."""
    table: TableRef
    version: int
    """0: it has no row yet."""
    on: tuple[tuple[str, str], ...]
    """Field of the row, and field of the other table that it equals."""
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Since:
    """Of the rows that match, those that came after a version, and what is of them no more.

    A row is no more where it matched at *version*, and no row of its key does now.
    """

    version: int
    key: tuple[str, ...]
    """By which rows are known again; the row's own id where the table shows no key."""


LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Member:
    """A table at one version, of those that are asked."""

    table: TableRef
    version: int
    source: str = LOCAL
    """Whose it is: ours, or a partner's."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table at one version, or of several together."""

    members: tuple[Member, ...]
    where: tuple[Condition, ...]
    """All of them hold."""
    select: tuple[str, ...]
    order: tuple[Order, ...]
    """Completed by the key; the row's own id settles what is left."""
    limit: int
    offset: int = 0
    zone: str = "UTC"
    """Of rendered times."""
    newest: Newest | None = None
    place: Place | None = None
    """Where its rows lie, for answers that tell."""
    units: tuple[tuple[str, tuple[Fraction, Fraction]], ...] = ()
    """Fields given in another unit: the stored value times the one, plus the other."""
    groups: Groups | None = None
    """Groups of the rows instead of the rows; ``select`` and ``order`` name what they have."""
    since: Since | None = None
    expansions: tuple[Expansion, ...] = ()
    united: bool = False
    """The rows say which member they are of."""

    @property
    def end(self) -> int:
        """The number of rows up to the end of the page, those that are skipped among them."""
        return self.offset + self.limit

    @property
    def table(self) -> TableRef:
        """The first table, which is the only one unless they are united."""
        return self.members[0].table

    @property
    def version(self) -> int:
        """The first table's."""
        return self.members[0].version


def flattened(where: Iterable[Condition]) -> Iterator[Condition]:
    """Give the conditions that must all hold, those that stand in an AND each by itself."""
    for part in where:
        if isinstance(part, And):
            yield from flattened(part.parts)
        else:
            yield part


def compared(where: Iterable[Condition]) -> list[Compare]:
    """Give those of them that compare a field with a value."""
    return [part for part in flattened(where) if isinstance(part, Compare)]
