"""What a Frictionless field declares, under Table Schema's names."""

from collections.abc import Mapping
from typing import Any

from frictionless import Field as FrictionlessField

from publisher.validation.proof.form import PROPERTIES


def stated_constraints(field: FrictionlessField) -> Mapping[str, Any]:
    """Give the constraints that count for its type."""
    return {
        name: value
        for name, value in field.constraints.items()
        if name in field.supported_constraints and value is not None
    }


def stated_properties(field: FrictionlessField) -> Mapping[str, Any]:
    """Give what it says of how its cells are read, the format apart."""
    return {
        ours: getattr(field, theirs)
        for theirs, ours in PROPERTIES.items()
        if hasattr(field, theirs) and field.has_defined(theirs)
    }
