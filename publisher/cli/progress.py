"""Progress on a terminal's stderr: a line for each table or dataset that is worked on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from publisher.operations import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class Shown:
    """Without a terminal nothing is shown."""

    def __init__(self, bars: "Bars | None") -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._guard = threading.Lock()

    def show(self, progress: Progress) -> None:
        """May be called from any thread."""
        with self._guard:
            if self._bars is None:
                return
            if progress.task not in self._tasks:
                self._tasks[progress.task] = self._bars.add_task(progress.task, total=None)
            task = self._tasks[progress.task]
            self._bars.update(task, completed=progress.rows)
            if progress.done:
                self._bars.update(
                    task, total=max(progress.rows, 1), completed=max(progress.rows, 1)
                )

    def close(self) -> None:
        with self._guard:
            if self._bars is not None:
                self._bars.stop()
                self._bars = None


@contextmanager
def shown(*, terminal: bool) -> Iterator[Shown]:
    view = Shown(_bars() if terminal else None)
    try:
        yield view
    finally:
        view.close()


def _bars() -> "Bars":
    # Loaded where there is a terminal to draw on.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        Progress as Bars,
    )
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    bars = Bars(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bars.start()
    return bars
