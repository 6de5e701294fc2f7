"""The entry point of the command ``publisher``."""

import gc
import os
import sys
from pathlib import Path

from publisher.cli.interrupt import INTERRUPTS

_COLLECT_AFTER = 50_000  # new objects, of which loading modules alone makes some hundred thousand


def run() -> None:
    """Run the command line; the process ends with the contract's exit codes."""
    INTERRUPTS.listen()
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the caller has closed it, and what is said is lost
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - until the end
    gc.set_threshold(_COLLECT_AFTER)
    # Loaded after that, so that Ctrl-C meanwhile is answered in words and not by a traceback.
    from publisher.cli.commands import main  # noqa: PLC0415

    main()
