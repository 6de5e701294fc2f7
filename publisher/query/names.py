"""Help for names that are nearly right."""

from collections.abc import Iterable
from difflib import get_close_matches

from publisher.errors import ParameterError
from publisher.query.times import fault


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Give the known name that *name* was probably meant to be, None where none is near."""
    by_folded: dict[str, str] = {}
    for candidate in known:
        by_folded.setdefault(candidate.casefold(), candidate)
    found = get_close_matches(name.casefold()[:100], by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def unknown(kind: str, name: str, known: Iterable[str], parameter: str) -> ParameterError:
    """Give the error for a name that is not *known*, naming the nearest that is.

    *kind* is ``parameter``, ``field`` or ``operator``.
    """
    known = list(known)
    near = nearest(name, known)
    if near is None:
        return fault(f"unknown-{kind}", parameter, name, allowed=known)
    return fault(f"unknown-{kind}-near", parameter, name, allowed=known, nearest=near)
