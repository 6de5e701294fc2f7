"""``publisher backup`` and ``publisher restore``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.session import Session, command
from publisher.cli.work import perform
from publisher.control import Lock
from publisher.errors import StoreBusyError
from publisher.operations.backup import Copied


@command
def backup(
    session: Session,
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.", metavar="DIR")],
) -> int:
    """Make a whole, consistent copy of the data folder, also while serving."""
    return perform(session, "backup", {"path": os.path.abspath(folder)})  # noqa: PTH100


@command
def restore(
    session: Session,
    folder: Annotated[Path, typer.Argument(help="A backup.", metavar="DIR")],
) -> None:
    """Bring a backup back into --data, which must be new or empty."""
    # Only this command pays for loading the engine.
    from publisher.store.backup import restore as bring_back  # noqa: PLC0415

    data = session.settings.data
    lock = Lock.take(data, "command")
    if lock is None:
        raise StoreBusyError("still-held", data=str(data), pid=Lock.holder(data)[1])
    with lock:
        answer = Copied.of(str(folder), bring_back(folder, data))
    if session.json:
        session.print_json(answer.model_dump(mode="json", by_alias=True))
    else:
        from publisher.cli import render  # noqa: PLC0415 - loaded where a person reads

        render.restored(session, answer)
