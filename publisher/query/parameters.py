"""The parameters of the query grammar, each described once: parsed, documented and listed here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

DEFAULT_LIMIT = 100
MOST_LIMIT = 10_000
MOST_ITEMS = 1_000
"""Of one list, such as ``in`` takes."""
MOST_PARAMETERS = 100
MOST_OFFSET = 10_000
MOST_FILTER = 300_000
"""Characters."""
MOST_DEPTH = 50
"""Of conditions within conditions."""
MOST_TERMS = 1_000
"""Conditions and list items of a filter."""
MOST_AREAS = 10
"""Of a filter; each is looked for among all points."""
MOST_POINTS = 10_000
"""Of a polygon."""

FUNCTIONS = ("count", "min", "max", "sum", "avg", "median", "stddev", "first", "last")
"""Beside them ``pNN``, a percentile."""

Counting = Literal["none", "estimated", "exact"]
COUNTS: Sequence[Counting] = ("none", "estimated", "exact")

Form = Literal["json", "csv", "ndjson", "geojson", "parquet", "xlsx"]
FORMATS: Mapping[Form, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "geojson": "application/geo+json",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
SEPARATORS = {",": ",", ";": ";", "tab": "\t", "|": "|"}
DECIMALS = (".", ",")
SHAPES = ("objects", "arrays")
BOMS = ("0", "1")
PARTIALS = ("allow", "deny")
DEDUPES = ("on", "off")
MOST_TIMEOUT = 300


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    description: str
    schema: Mapping[str, Any]
    """JSON Schema of its text."""
    example: str | int | None = None
    required: bool = False


TIME = Parameter(
    "time",
    "Half-open interval on the field with role time: `start/end`, either end may be `..`. An end"
    " is an instant, a date, `now`, or `now-P1D` (any ISO 8601 duration; a month in it is 30 days,"
    " a year 365); one date, month or year alone means its whole interval in `tz`. `now` is the"
    " minute.",
    {"type": "string"},
    "2026-01-01/2026-02-01",
)
FILTER = Parameter(
    "filter",
    "Conditions in CQL2, as text or as JSON: comparisons, `AND OR NOT`, `BETWEEN IN LIKE IS NULL`,"
    " `T_AFTER` and its like, and `S_INTERSECTS(geometry, ...)` with `BBOX`, `POLYGON` or"
    " `MULTIPOLYGON` on the fields with roles longitude and latitude. Names of other than letters,"
    " digits, `_` and `.` stand in double quotes.",
    {"type": "string"},
    "level > 2.5 AND station IS NOT NULL",
)
BBOX = Parameter(
    "bbox",
    "`west,south,east,north` in degrees: rows whose point lies in the box or on its edge. A west"
    " greater than east crosses the date line.",
    {"type": "string"},
    "10.1,56.1,10.9,56.5",
)
NEAR = Parameter(
    "near",
    "`longitude,latitude,metres`: rows whose point lies within that distance, along a sphere.",
    {"type": "string"},
    "10.21,56.15,500",
)
OFFSET = Parameter(
    "offset",
    "Rows to leave out first; not beside `cursor`. Later pages follow `next`, which costs less.",
    {"type": "integer", "minimum": 0, "maximum": MOST_OFFSET, "default": 0},
)
COUNT = Parameter(
    "count",
    "Whether to count all rows that match, as `count` in the answer and in `X-Total-Count`:"
    " `exact`, or `estimated`, which is exact for up to a million rows and for a whole table.",
    {"type": "string", "enum": list(COUNTS), "default": "none"},
)
BY = Parameter(
    "by",
    "Fields whose values tell the rows apart of which the newest are given; default: those with"
    " the role entity.",
    {"type": "string"},
)
GROUP_BY = Parameter("by", "Fields to group by, in this order.", {"type": "string"})
EVERY = Parameter(
    "every",
    "A group for each period as well, `bucket`: `PT1H` and other times up to 24 hours, counted from"
    " each local midnight; `P1D`, `P1W` from Monday, `P1M`, `P1Y` of the calendar in `tz`.",
    {"type": "string"},
    "P1D",
)
AGG = Parameter(
    "agg",
    "What to work out: `FIELD:FUNCTION` after commas, such as `level:avg,level:p95,*:count`."
    " Functions: `count min max sum avg median stddev first last pNN`.",
    {"type": "string", "default": "*:count"},
    "*:count",
)
FILL = Parameter(
    "fill",
    "Give buckets without rows too, with `null`, or with the values of the bucket before"
    " (`previous`).",
    {"type": "string", "enum": ["null", "previous"]},
)
SELECT = Parameter(
    "select", "Fields to give, in this order; all when left out.", {"type": "string"}
)
SORT = Parameter(
    "sort",
    "Fields to sort by, `-` before a name for descending. The order is always total: the key,"
    " then the row's own id, complete it. Text sorts by Unicode code point, nulls come last"
    " both ways.",
    {"type": "string"},
)
LIMIT = Parameter(
    "limit",
    "Most rows to give.",
    {"type": "integer", "minimum": 1, "maximum": MOST_LIMIT, "default": DEFAULT_LIMIT},
)
CURSOR = Parameter(
    "cursor",
    "Where the next page starts, taken from `next` of the last one. Opaque, signed, and bound to"
    " the version and the query it began with.",
    {"type": "string"},
)
VERSION = Parameter(
    "version",
    "The table at that version, with the fields it had then; 0 is the table before its first. 410"
    " once its history is gone.",
    {"type": "integer", "minimum": 0},
)
AS_OF = Parameter(
    "as_of",
    "The table at the newest version committed by that instant, which may lie ahead; 404 where"
    " there was none yet. A time without an offset is in `tz`.",
    {"type": "string"},
    "2040-01-01T00:00:00Z",
)
CHANGED_SINCE = Parameter(
    "changed_since",
    "Of the rows that match, those that are new or were corrected after that version, and those"
    " that matched then and are no more: of these the key, and `_deleted: true`. Applied to a copy"
    " of that version they make one of the answer's. 410 once its history is gone.",
    {"type": "integer", "minimum": 0},
)
TZ = Parameter(
    "tz",
    "Zone of rendered times, and of times given without an offset: an IANA name or `+01:00`.",
    {"type": "string", "default": "UTC"},
    "Europe/Copenhagen",
)
F = Parameter(
    "f",
    "Format of the answer; without it the `Accept` header decides. `ndjson` is one object a line;"
    " `geojson` has the point of the fields with roles longitude and latitude. In both, and in"
    " CSV, the next page is in the `Link` header; so it is in the files `parquet` and `xlsx`.",
    {"type": "string", "enum": list(FORMATS), "default": "json"},
)
EXPORT_F = Parameter(
    "f",
    "Format of the file; without it the `Accept` header decides. `parquet` has instants in UTC,"
    " `xlsx` local times in `tz`.",
    {"type": "string", "enum": list(FORMATS), "default": "csv"},
    "csv",
)
SHAPE = Parameter(
    "shape",
    "Of `json`: rows as `objects`, or as `arrays` in the order of the answer's `fields`.",
    {"type": "string", "enum": list(SHAPES), "default": "objects"},
)
SEP = Parameter(
    "sep",
    "Of `csv`: what stands between the cells.",
    {"type": "string", "enum": list(SEPARATORS), "default": ","},
)
DECIMAL = Parameter(
    "decimal",
    "Of `csv`: the decimal mark of numbers.",
    {"type": "string", "enum": list(DECIMALS), "default": "."},
)
BOM = Parameter(
    "bom",
    "Of `csv`: `1` begins with a byte order mark, by which Excel knows UTF-8.",
    {"type": "string", "enum": list(BOMS), "default": "0"},
)
UNITS = Parameter(
    "units",
    "Numbers given in another unit: `FIELD:UNIT`, the unit in UCUM, such as `level:cm`; several"
    " after commas. Conditions and `sort` are about what is stored.",
    {"type": "string"},
)

EXPAND = Parameter(
    "expand",
    "Foreign keys to follow, by their first field: the fields of the row that is referred to stand"
    " beside the row's own, as `KEY.FIELD`, and can be asked for like them; a place that only the"
    " other table has counts for `bbox`, `near` and GeoJSON.",
    {"type": "string"},
)

FROM = Parameter(
    "from",
    "A table to ask, `dataset/table`, or `schema:NAME` for all tables under a schema; given again"
    " for each further one. `@local` behind it means ours, as nothing does.",
    {"type": "string"},
    "vandstand-ribe/observations",
    required=True,
)
ORIGINAL = Parameter(
    "original",
    "Fields whose numbers are given as their own table has them too, as `_original_FIELD`, with the"
    " unit that they are in there, `_unit_FIELD`; several after commas.",
    {"type": "string"},
)
PARTIAL = Parameter(
    "partial",
    "Whether an answer without what a partner did not give will do: `allow`, or `deny`, which"
    " answers 503 then.",
    {"type": "string", "enum": list(PARTIALS), "default": "allow"},
)
DEDUPE = Parameter(
    "dedupe",
    "Whether a table is left out that was harvested from another that is asked, or from the same as"
    " it: `on`, or `off`, which gives the rows of all of them.",
    {"type": "string", "enum": list(DEDUPES), "default": "on"},
)
TIMEOUT = Parameter(
    "timeout",
    "Most seconds to wait for the answer.",
    {"type": "integer", "minimum": 1, "maximum": MOST_TIMEOUT},
)

NARROWING = (TIME, FILTER, BBOX, NEAR, EXPAND)
PAGING = (SORT, LIMIT, OFFSET, CURSOR, COUNT, VERSION, AS_OF)
FORMATTING = (F, SHAPE, SEP, DECIMAL, BOM)
AGGREGATE = (*NARROWING, GROUP_BY, EVERY, AGG, FILL, *PAGING, TZ, *FORMATTING)
LATEST = (*NARROWING, BY, SELECT, *PAGING, TZ, UNITS, *FORMATTING)
EXPORT = (
    *(*NARROWING, SELECT, SORT, VERSION, AS_OF, CHANGED_SINCE, TZ, UNITS),
    *(EXPORT_F, SEP, DECIMAL, BOM),
)
QUERY = (
    *(FROM, *NARROWING[:-1], SELECT, GROUP_BY, EVERY, AGG, FILL, SORT, LIMIT, OFFSET, CURSOR),
    *(COUNT, AS_OF, TZ, UNITS, ORIGINAL, *FORMATTING, PARTIAL, DEDUPE, TIMEOUT),
)
ROWS = (*NARROWING, SELECT, *PAGING, CHANGED_SINCE, TZ, UNITS, *FORMATTING)

OPERATORS: Mapping[str, str] = {
    "exact": "is equal",
    "not": "is another value (nulls are left out)",
    "gt": "is greater",
    "gte": "is greater or equal",
    "lt": "is less",
    "lte": "is less or equal",
    "in": "is one of a comma list; items may be double-quoted as in CSV",
    "notin": "is none of a comma list (nulls are left out)",
    "contains": "holds the text",
    "startswith": "starts with the text",
    "endswith": "ends with the text",
    "isnull": "has no value (`true`) or has one (`false`)",
}
