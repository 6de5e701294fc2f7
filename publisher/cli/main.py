"""The entry point of the command ``publisher``."""

import gc

from publisher.cli.interrupt import INTERRUPTS

_COLLECT_AFTER = 50_000  # new objects, of which loading modules alone makes some hundred thousand


def run() -> None:
    """Run the command line; the process ends with the contract's exit codes."""
    INTERRUPTS.listen()
    gc.set_threshold(_COLLECT_AFTER)
    # Loaded after that, so that Ctrl-C meanwhile is answered in words and not by a traceback.
    from publisher.cli.commands import main  # noqa: PLC0415

    main()
