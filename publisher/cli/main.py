"""The entry point of the command ``publisher``."""

from publisher.cli.interrupt import INTERRUPTS


def run() -> None:
    """Run the command line; the process ends with the contract's exit codes."""
    INTERRUPTS.listen()
    # Loaded after that, so that Ctrl-C meanwhile is answered in words and not by a traceback.
    from publisher.cli.commands import main  # noqa: PLC0415

    main()
