"""Ctrl-C: the first one asks the command to stop, the next ends the process at once.

Ending at once is safe: every commit is atomic, and even a kill is survived. Imports the
standard library's smallest parts only, for it is there before anything else is loaded.
"""

import os
import signal
from collections.abc import Callable

EXIT_CODE = 130


class Interrupts:
    """What Ctrl-C does to this process: signals are the process's own, and so is this."""

    def __init__(self) -> None:
        self.asked = False
        """The first one has come."""
        self.last_words: Callable[[], None] = lambda: None
        """Called before the process ends at once; must not wait for anything."""
        self._stop: Callable[[], None] | None = None

    def listen(self) -> None:
        """Take Ctrl-C in hand; the first one is kept until there is a way to stop."""
        signal.signal(signal.SIGINT, self.hear)

    def stop_by(self, stop: Callable[[], None] | None) -> None:
        """Have the first one, if need be the one that was kept, answered by *stop*."""
        self._stop = stop
        self._answer()

    def hear(self, *_: object) -> None:
        """Take note of a signal; called between any two steps of the main thread."""
        if self.asked:
            self.last_words()
            os._exit(EXIT_CODE)
        self.asked = True
        self._answer()

    def _answer(self) -> None:
        if self.asked and self._stop is not None:
            stop, self._stop = self._stop, None
            stop()


INTERRUPTS = Interrupts()


def break_off() -> None:
    """End a command that works in the main thread, and let it put its things away."""
    raise KeyboardInterrupt
