"""Where a file is validated: a folder of its own, and an engine that starts beside other work."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from publisher.engine import Engine
from publisher.threads import beside

_MEMORY = "400MB"


class Workspace:
    """A folder for what is spilled or spooled, and the engine."""

    def __init__(self, folder: Path, engine: Future[Engine]) -> None:
        self.folder = folder
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """Wait for it. Raises StoreError where it did not start."""
        return self._engine.result()


@contextmanager
def workspace() -> Iterator[Workspace]:
    """Start the engine in a thread: that takes as long as to load what then works with it.

    It starts whether it is needed or not, which only a look at the file tells; who does not ask
    for it does not hear of its failure.
    """
    with TemporaryDirectory(prefix="validate-") as name:
        folder = Path(name)
        engine = beside(lambda: Engine.open(None, work=folder, memory_limit=_MEMORY))
        try:
            yield Workspace(folder, engine)
        finally:
            if engine.exception() is None:
                engine.result().close()
