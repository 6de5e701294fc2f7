"""Fixtures that every test may use.

Policy: real parts over doubles. A test talks to real sockets, files and, where it is about
CKAN, to the real CKAN that ``make test`` starts; it builds the little data it needs itself,
below ``tmp_path``. A test that cannot have its part is skipped with the reason, and
``.ci/run`` fails where that happened.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis.database import DirectoryBasedExampleDatabase
from scale import FULL
from support import PROJECT, CkanSite, LoopWatch

SEED = int(os.environ.get("PUBLISHER_TEST_SEED") or random.SystemRandom().randrange(2**32))

hypothesis.settings.register_profile(
    "publisher",
    deadline=None,
    derandomize=False,
    print_blob=True,
    max_examples=500 if FULL else 50,
    database=DirectoryBasedExampleDatabase(PROJECT / ".hypothesis" / "examples"),
)
hypothesis.settings.load_profile("publisher")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"random seed: PUBLISHER_TEST_SEED={SEED} draws the same again")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        test = getattr(item, "obj", None)
        if hypothesis.is_hypothesis_test(test):
            hypothesis.seed(SEED)(getattr(test, "__func__", test))
        if "ckan" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.ckan)


@pytest.fixture(scope="session")
def seed() -> int:
    """For tests that draw without hypothesis."""
    return SEED


@pytest.fixture(scope="session")
def _loop_watch() -> Iterator[LoopWatch]:
    watch = LoopWatch()
    watch.start()
    yield watch
    watch.stop()


@pytest.fixture(autouse=True)
def _loop_is_never_blocked(
    request: pytest.FixtureRequest, _loop_watch: LoopWatch
) -> Iterator[None]:
    _loop_watch.found.clear()
    yield
    if _loop_watch.found and request.node.get_closest_marker("blocks_loop") is None:
        pytest.fail("the event loop was blocked: " + "\n".join(_loop_watch.found), pytrace=False)


@pytest.fixture(scope="session")
def ckan() -> CkanSite:
    """Give the real CKAN; skips where none was started."""
    try:
        return CkanSite(os.environ["CKAN_URL"], os.environ["CKAN_API_KEY"], os.environ["CKAN_ORG"])
    except KeyError as missing:
        pytest.skip(
            f"{missing.args[0]} is not set: the tests against a real CKAN are left out; "
            "make test starts one where it is root on Debian"
        )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a root with empty catalog/ and schemas/."""
    folder = tmp_path / "root"
    (folder / "catalog").mkdir(parents=True)
    (folder / "schemas").mkdir()
    return folder
