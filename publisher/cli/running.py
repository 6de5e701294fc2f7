"""``publisher serve``."""

from typing import Annotated

import typer

from publisher import log
from publisher.cli.session import Session, command


@command
def serve(
    session: Session,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)
    ] = None,
) -> None:
    """Run scheduler, harvest, publishing and API in one process, until Ctrl-C."""
    # Only this command pays for loading the server.
    from publisher import serve as server  # noqa: PLC0415

    settings = session.settings_with(host=host, port=port)
    log.configure(settings.log_level)

    def ready(url: str) -> None:
        if session.json:
            session.print_json({"url": url})
        else:
            session.note(session.label("ready", url=url))

    session.run(server.serve(settings, ready=ready))
