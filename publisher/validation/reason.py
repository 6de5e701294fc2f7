"""Why Frictionless refuses what is not as its specifications have it."""

from frictionless import FrictionlessException


def reason(error: FrictionlessException) -> str:
    """Give all its reasons in one line."""
    notes = (part.note for part in (error.reasons or [error.error]))
    return "; ".join(note.removesuffix(' because ""') for note in notes)
