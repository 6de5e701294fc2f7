"""The watch that every test stands under finds what holds the event loop, and only that."""

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest
from support import PACKAGE, LoopWatch


@pytest.fixture
def watch() -> Iterator[LoopWatch]:
    watch = LoopWatch(limit=0.15)
    watch.start()
    yield watch
    watch.stop()


def ours(source: str) -> Callable[[], None]:
    """Give a function whose frame looks like one of Publisher's own."""
    names: dict[str, Callable[[], None]] = {}
    exec(compile(f"import time\ndef work():\n    {source}\n", f"{PACKAGE}/made.py", "exec"), names)
    return names["work"]


def spin(seconds: float) -> str:
    return f"until = time.monotonic() + {seconds}\n    while time.monotonic() < until: pass"


@pytest.mark.blocks_loop(reason="that is what is looked for")
@pytest.mark.parametrize("block", ["time.sleep(0.5)", spin(0.5)], ids=["sleeping", "computing"])
async def test_a_callback_of_ours_that_holds_the_loop_is_found(watch: LoopWatch, block: str):
    ours(block)()
    await next_callback()
    (found,) = watch.found
    assert "made.py" in found


async def test_what_the_test_itself_holds_is_not_ours(watch: LoopWatch):
    time.sleep(0.5)  # noqa: ASYNC251 - it is to block
    ours("time.sleep(0.03)")()
    await next_callback()
    assert watch.found == []


async def next_callback() -> None:
    await asyncio.sleep(0)
