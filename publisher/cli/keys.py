"""``publisher keys``: who may ask the API for more than everybody."""

from typing import Annotated

import typer

from publisher.cli.group import Group
from publisher.cli.session import Session, command, group
from publisher.cli.work import perform

keys = typer.Typer(
    cls=Group,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Keys of the API.",
)
keys.callback()(group)


@keys.command()
@command
def make(
    session: Session,
    name: Annotated[str, typer.Argument(help="Whom or what it is for.", metavar="NAME")],
) -> int:
    """Make a key; it is printed this once."""
    return perform(session, "keys-make", {"name": name})


@keys.command("list")
@command
def list_(session: Session) -> int:
    """List the keys, without what opens anything."""
    return perform(session, "keys-list", {})


@keys.command()
@command
def revoke(
    session: Session, id_: Annotated[str, typer.Argument(help="Its id.", metavar="ID")]
) -> int:
    """End a key; it opens nothing within seconds."""
    return perform(session, "keys-revoke", {"id": id_})
