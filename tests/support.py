"""What several test files share: whatever they share stands here and nowhere else."""

import sys
import threading
import time
import traceback
from asyncio.events import Handle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = str(PROJECT / "publisher")


@dataclass(frozen=True)
class CkanSite:
    """A real CKAN that deploy/ckan-test started, and who speaks to it: at first its sysadmin.

    What can be done with one beside Publisher stands in ckan_site.py.
    """

    url: str
    token: str
    organization: str
    home: Path | None = None  # where its logs and settings are; None if others started it


def write_yaml(path: Path, content: Mapping[str, Any]) -> Path:
    """Write *content* as a steward's file; folders are made as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(dict(content), allow_unicode=True, sort_keys=False), "utf-8")
    return path


@dataclass
class _Callback:
    started: float
    queued: int
    ours: str | None = None
    seconds: float = 0


@dataclass
class LoopWatch:
    """Finds callbacks of Publisher's that hold an event loop for more than *limit* seconds.

    Only the time in which a frame of Publisher's was seen counts, for a test may prepare its
    data as it likes; and not the time a thread waited for a processor, so that a busy machine
    fails nobody.
    """

    limit: float = 0.5
    found: list[str] = field(default_factory=list)
    _running: dict[int, _Callback] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _original: Callable[[Handle], None] = Handle._run

    def start(self) -> None:
        watch, original = self, self._original

        def run(handle: Handle) -> None:
            thread = threading.get_ident()
            outer = watch._running.get(thread)
            callback = watch._running[thread] = _Callback(time.monotonic(), _queued())
            try:
                original(handle)
            finally:
                if outer is None:
                    watch._running.pop(thread, None)
                else:
                    watch._running[thread] = outer
                watch._judge(callback)

        Handle._run = run
        threading.Thread(target=self._sample, name="loop-watch", daemon=True).start()

    def stop(self) -> None:
        Handle._run = self._original
        self._stop.set()

    def _judge(self, callback: _Callback) -> None:
        if callback.seconds < self.limit:
            return
        seconds = callback.seconds - (_queued() - callback.queued) / 1e9
        if seconds >= self.limit:
            self.found.append(f"{seconds:.2f} s in\n{callback.ours}")

    def _sample(self) -> None:
        last, waited = time.monotonic(), _queued()
        while not self._stop.wait(0.02):
            now, queued = time.monotonic(), _queued()
            # While this thread waited for a processor it saw nothing
            starved, waited = (queued - waited) / 1e9, queued
            for thread, callback in list(self._running.items()):
                frame = sys._current_frames().get(thread)
                try:
                    ours = frame is not None and _ours(frame)
                except AttributeError:
                    continue  # the thread went on, and its frames with it, while they were read
                if ours:
                    callback.seconds += max(0, now - max(last, callback.started) - starved)
                    if callback.seconds > self.limit / 2:
                        callback.ours = "".join(traceback.format_stack(frame)[-12:])
            last = now


def _ours(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            return True
        frame = frame.f_back
    return False


def _queued() -> int:
    """Give the nanoseconds this thread has waited for a processor so far (Linux; else 0)."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text("ascii").split()[1])
    except (OSError, IndexError):
        return 0
