"""How many random examples, kills and rows a test takes: the one setting for all of them."""

import os

FULL = os.environ.get("PUBLISHER_TEST_SCALE") == "full"


def scale(ci: int, full: int) -> int:
    """Give *full* under ``make test-long`` (PUBLISHER_TEST_SCALE=full), *ci* otherwise."""
    return full if FULL else ci
