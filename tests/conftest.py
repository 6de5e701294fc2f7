"""Fixtures that every test may use.

Policy: real parts over doubles. A test talks to real sockets, files and, where it is about
CKAN, to the real CKAN that ``make test`` starts; it builds the little data it needs itself,
below ``tmp_path``. A test that cannot have its part is skipped with the reason, and
``.ci/run`` fails where that happened.
"""

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from ckan_site import awaited
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


SHARES = ("ckan", "whole", "rest")
"""The suite in three, to be run side by side, each about as long: what needs a CKAN, what runs
whole commands and whole verdicts, and the rest."""
_WHOLE = re.compile(
    r"test_(cli|control|demo|docs|frictionless|interrupts|kill|once|profiles|validat|verdict)"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--share", choices=SHARES, help="one of the shares of the suite")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if share := terminalreporter.config.stash.get(_SHARE, ""):
        terminalreporter.write_line(share)
    terminalreporter.write_line(f"random seed: PUBLISHER_TEST_SEED={SEED} draws the same again")


_SHARE = pytest.StashKey[str]()


def _share_of(item: pytest.Item) -> str:
    if item.get_closest_marker("ckan"):
        return "ckan"
    return "whole" if _WHOLE.match(item.path.name) else "rest"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        test = getattr(item, "obj", None)
        if hypothesis.is_hypothesis_test(test):
            hypothesis.seed(SEED)(getattr(test, "__func__", test))
        if {"ckan", "portal", "harvester"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.ckan)
    wanted = config.getoption("--share")
    if wanted is not None:
        kept = [item for item in items if _share_of(item) == wanted]
        config.stash[_SHARE] = f"share {wanted}: {len(kept)} of {len(items)} tests"
        items[:] = kept


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
    """Give the real CKAN, as it comes; skips where none was started."""
    home = os.environ.get("CKAN_HOME")
    try:
        return CkanSite(
            os.environ["CKAN_URL"],
            os.environ["CKAN_API_KEY"],
            os.environ["CKAN_ORG"],
            Path(home) if home else None,
        )
    except KeyError as missing:
        pytest.skip(
            f"{missing.args[0]} is not set: the tests against a real CKAN are left out; "
            "make test starts one where it is root on Debian"
        )


@pytest.fixture(scope="session")
def portal() -> CkanSite:
    """Give a real CKAN that behaves like the Open Data DK portal; waits until it is ready."""
    return _started_beside("portal")


@pytest.fixture(scope="session")
def harvester() -> CkanSite:
    """Give a real CKAN that can harvest a DCAT feed; waits until it is ready."""
    return _started_beside("harvester")


def _started_beside(kind: str) -> CkanSite:
    variable = f"PUBLISHER_TEST_{kind.upper()}_HOME"
    if not (home := os.environ.get(variable)):
        pytest.skip(
            f"{variable} is not set: the tests against this CKAN are left out; "
            "make test starts one where it is root on Debian"
        )
    try:
        return awaited(Path(home))
    except TimeoutError as error:
        told = str(error)
    pytest.fail(f"the CKAN {kind} is not there: {told}", pytrace=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a root with empty catalog/ and schemas/."""
    folder = tmp_path / "root"
    (folder / "catalog").mkdir(parents=True)
    (folder / "schemas").mkdir()
    return folder
