"""The errors that further checks make, in Frictionless' shape."""

from collections.abc import Mapping

from frictionless import errors

_AT = (
    'The cell "{cell}" in row at position "{rowNumber}" and field "{fieldName}" '
    'at position "{fieldNumber}" '
)


class PlausibleRangeError(errors.CellError):
    type = "plausible-range"
    title = "Implausible Value"
    description = "The value is outside what its unit allows for."
    template = _AT + "is implausible: {note}"


class SentinelValueError(errors.CellError):
    type = "sentinel-value"
    title = "Sentinel Value"
    description = "The value stands for no reading."
    template = _AT + "is no reading: {note}"


class ClockAheadError(errors.CellError):
    type = "clock-ahead"
    title = "Clock Ahead"
    description = "The time is later than the delivery was received."
    template = _AT + "is in the future: {note}"


class KnownRowError(errors.RowError):
    type = "known-row"
    title = "Known Row"
    description = "An earlier delivery has brought the row."
    template = 'Row at position "{rowNumber}" is known: {note}'


class FlatLineError(errors.CellError):
    type = "flat-line"
    title = "Flat Line"
    description = "The value stays the same too long."
    template = _AT + "does not move: {note}"


class StepChangeError(errors.CellError):
    type = "step-change"
    title = "Step Change"
    description = "The value changes too much from one row to the next."
    template = _AT + "is a step: {note}"


class MissingIntervalError(errors.CellError):
    type = "missing-interval"
    title = "Missing Interval"
    description = "Rows are missing before this one."
    template = _AT + "comes late: {note}"


class FallingTotalError(errors.CellError):
    type = "falling-total"
    title = "Falling Total"
    description = "The total is lower than one before it."
    template = _AT + "falls: {note}"


class DeviatedValueError(errors.CellError):
    """Frictionless' names its row in the note only."""

    type = errors.DeviatedValueError.type
    title = errors.DeviatedValueError.title
    description = errors.DeviatedValueError.description
    template = errors.DeviatedValueError.template


class DeviatedCellError(errors.CellError):
    """Likewise."""

    type = errors.DeviatedCellError.type
    title = errors.DeviatedCellError.title
    description = errors.DeviatedCellError.description
    template = errors.DeviatedCellError.template


KINDS: Mapping[str, type[errors.RowError]] = {
    kind.type: kind
    for kind in (
        PlausibleRangeError,
        SentinelValueError,
        ClockAheadError,
        KnownRowError,
        FlatLineError,
        StepChangeError,
        MissingIntervalError,
        FallingTotalError,
        DeviatedValueError,
        DeviatedCellError,
        errors.AsciiValueError,
        errors.DuplicateRowError,
        errors.ForbiddenValueError,
        errors.RowConstraintError,
        errors.SequentialValueError,
        errors.TruncatedValueError,
    )
}
"""By the check's name."""
