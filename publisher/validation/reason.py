"""Why Frictionless refuses what is not as its specifications have it."""

from frictionless import FrictionlessException


def reason(error: FrictionlessException) -> str:
    """Give all its reasons in one line."""
    return "; ".join(part.note for part in (error.reasons or [error.error]))
