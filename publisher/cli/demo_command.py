"""``publisher demo``."""

import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.session import Session, command
from publisher.errors import UsageError
from publisher.messages.demo import tell

_PORT = 8080
_PAUSE = 4.0  # seconds between rounds: long enough to be read


@command
def demo(
    session: Session,
    once: Annotated[
        bool, typer.Option("--once", help="Play one full round, then tell whether all came about.")
    ] = False,
    port: Annotated[
        int | None, typer.Option(help="Port of the API (default 8080, or a free one).", max=65535)
    ] = None,
) -> int:
    """Run the whole service on the shipped example against simulated department systems."""
    # Only this command pays for loading the service and its departments.
    from publisher.demo import runner  # noqa: PLC0415

    def say(text: str) -> None:
        if session.json:
            session.note(text)
        else:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    with _data(session.common.data) as data:
        settings = session.settings_with(
            root=runner.example(),
            data=data,
            host="127.0.0.1",
            port=_port(port, once=once),
            file_quiet=0,  # the departments here rename what is complete
            http_attempts=2,  # a department that is down is given up within a second
            log_level="error",  # what goes wrong is told in the demo's own words
        )
        if once:
            found = session.run(runner.run_once(settings, say))
            if session.json:
                session.print_json({"outcome": "failed" if found else "done", "differences": found})
            return 1 if found else 0
        try:
            session.run(runner.run_on(settings, say, pause=_PAUSE))
        except KeyboardInterrupt:
            say("\n" + tell("ended", session.language))
            if session.json:
                session.print_json({"outcome": "ended"})
        return 0


@contextmanager
def _data(stated: Path | None) -> Iterator[Path]:
    """Give a folder of the demo's own: the stated one, or one that is gone afterwards."""
    if stated is None:
        with tempfile.TemporaryDirectory(prefix="publisher-demo-") as folder:
            yield Path(folder)
    elif stated.is_dir() and any(stated.iterdir()):
        raise UsageError("demo-data-not-empty", path=str(stated))
    else:
        yield stated.absolute()


def _port(stated: int | None, *, once: bool) -> int:
    if stated is not None or once:
        return stated or 0
    with socket.socket() as probe:
        return 0 if probe.connect_ex(("127.0.0.1", _PORT)) == 0 else _PORT
