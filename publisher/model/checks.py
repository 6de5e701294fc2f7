"""The further checks a steward may list under ``harvest.checks``.

Frictionless' own under its names and properties
(https://framework.frictionlessdata.io/docs/checks/baseline.html and the pages beside it), and
Publisher's: tests of sensor series as QARTOD (https://ioos.noaa.gov/project/qartod/) has them.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field as Key
from pydantic import TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from publisher.errors import UsageError
from publisher.model.base import Model
from publisher.model.values import Duration

Severity = Literal["error", "warning"]
Count = Annotated[int, Key(ge=0)]
Names = Annotated[tuple[str, ...], Key(min_length=1)]
Scalar = bool | int | float | str


class _Check(Model):
    name: str | None = None
    title: str | None = None
    description: str | None = None
    severity: Severity = "error"
    """``error`` refuses the row, ``warning`` leaves it and tells of it."""


class AsciiValue(_Check):
    type: Literal["ascii-value"]


class DeviatedCell(_Check):
    type: Literal["deviated-cell"]
    interval: int | float | None = None
    ignore_fields: tuple[str, ...] = ()
    severity: Severity = "warning"


class DeviatedValue(_Check):
    type: Literal["deviated-value"]
    field_name: str
    interval: int | float | None = None
    average: Literal["mean", "median", "mode"] | None = None
    severity: Severity = "warning"


class DuplicateRow(_Check):
    type: Literal["duplicate-row"]


class ForbiddenValue(_Check):
    type: Literal["forbidden-value"]
    field_name: str
    values: tuple[Scalar, ...]


class RequiredValue(_Check):
    type: Literal["required-value"]
    field_name: str
    values: tuple[Scalar, ...]


class SequentialValue(_Check):
    type: Literal["sequential-value"]
    field_name: str


class TruncatedValue(_Check):
    type: Literal["truncated-value"]


class RowConstraint(_Check):
    type: Literal["row-constraint"]
    formula: str


class TableDimensions(_Check):
    type: Literal["table-dimensions"]
    num_rows: Count | None = None
    min_rows: Count | None = None
    max_rows: Count | None = None
    num_fields: Count | None = None
    min_fields: Count | None = None
    max_fields: Count | None = None


class PlausibleRange(_Check):
    """Numbers within what the unit allows for."""

    type: Literal["plausible-range"]
    fields: Names | None = None
    """Otherwise every number field with a unit that has a range, or that `unit` converts to."""
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None
    """UCUM code of the bounds; that of the field otherwise."""

    @model_validator(mode="after")
    def _some_range(self) -> "PlausibleRange":
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise PydanticCustomError("range-of-nothing", "minimum is above maximum")
        return self


class SentinelValue(_Check):
    """Numbers that stand for no reading."""

    type: Literal["sentinel-value"]
    fields: Names | None = None
    """Otherwise every number field."""
    values: Annotated[tuple[float, ...], Key(min_length=1)] | None = None
    """As the source writes them, in its unit."""


class ClockAhead(_Check):
    """Times later than the delivery was received."""

    type: Literal["clock-ahead"]
    fields: Names | None = None
    """Otherwise the field with the role time."""
    by: Duration | None = None
    """That much is let pass; five minutes otherwise."""


class KnownRow(_Check):
    """Rows that an earlier delivery has brought already."""

    type: Literal["known-row"]
    fields: Names | None = None
    """That make two rows the same; all fields otherwise."""


class FlatLine(_Check):
    """A value that stays the same too long."""

    type: Literal["flat-line"]
    fields: Names | None = None
    length: Duration | None = Key(None, alias="for")
    rows: Annotated[int, Key(ge=2)] | None = None
    tolerance: Annotated[float, Key(ge=0)] = 0
    severity: Severity = "warning"

    @model_validator(mode="after")
    def _some_length(self) -> "FlatLine":
        if self.length is None and self.rows is None:
            raise PydanticCustomError("flat-line-of-no-length", "state for, or rows")
        return self


class StepChange(_Check):
    """A change from one row to the next that is too large."""

    type: Literal["step-change"]
    fields: Names
    maximum: Annotated[float, Key(ge=0)]
    within: Duration | None = None
    """Rows further apart are not compared."""
    severity: Severity = "warning"


class MissingInterval(_Check):
    """Rows that are further apart than they should be."""

    type: Literal["missing-interval"]
    interval: Duration | None = None
    """Otherwise the table's."""
    tolerance: Annotated[float, Key(ge=1)] = 1.5
    severity: Severity = "warning"


class FallingTotal(_Check):
    """A total that is lower than one before it."""

    type: Literal["falling-total"]
    fields: Names
    resets: bool = False
    """It may start over: fall to a tenth of the row before, or less."""


Series = FlatLine | StepChange | MissingInterval | FallingTotal
"""They compare an entity's rows in the order of time."""

Own = PlausibleRange | SentinelValue | ClockAhead | KnownRow | Series

Frictionless = (
    AsciiValue
    | DeviatedCell
    | DeviatedValue
    | DuplicateRow
    | ForbiddenValue
    | RequiredValue
    | SequentialValue
    | TruncatedValue
    | RowConstraint
    | TableDimensions
)

Check = Annotated[Own | Frictionless, Key(discriminator="type")]

_OWN: TypeAdapter[Own] = TypeAdapter(Annotated[Own, Key(discriminator="type")])


def read_own(descriptor: Mapping[str, Any]) -> Own:
    """Read one of Publisher's checks. Raises UsageError ``wrong-check``."""
    try:
        return _OWN.validate_json(orjson.dumps(descriptor), by_alias=True, by_name=False)
    except ValidationError as error:
        reason = "; ".join(
            f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()
        )
        raise UsageError("wrong-check", reason=reason) from error
