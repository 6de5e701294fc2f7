"""The command line: which commands there are, and where each of them lives.

A command's module is loaded when that command is asked for, so that none pays for what only
others need. In these modules what is quick to load stands at the top; ``check`` and
``validate`` need neither the store nor tables on a terminal, and never load them.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from publisher.cli.group import Command, Group
from publisher.cli.session import Common, Data, Json, Lang, Root, Session, group, leave
from publisher.errors import UsageError

COMMANDS: Mapping[str, str] = {
    "demo": "publisher.cli.demo_command",
    "serve": "publisher.cli.running",
    "check": "publisher.cli.catalog",
    "validate": "publisher.cli.catalog",
    "harvest": "publisher.cli.data",
    "publish": "publisher.cli.data",
    "status": "publisher.cli.data",
    "export": "publisher.cli.data",
    "partners": "publisher.cli.data",
    "quarantine": "publisher.cli.quarantine",
    "keys": "publisher.cli.keys",
    "backup": "publisher.cli.copies",
    "restore": "publisher.cli.copies",
}
"""Each command's module, which gives it by its name: a function, or a Typer of its own."""


class Commands(Group):
    """The commands of the table, loaded when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        found = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command(cmd_name, cls=Command)(found)
            found = alone
        return typer.main.get_command(found)


app = typer.Typer(
    name="publisher",
    cls=Commands,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Harvests, proves, publishes and serves a municipality's sensor data.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from publisher import __version__  # noqa: PLC0415 - looking it up takes its time

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def publisher(
    context: typer.Context,
    *,
    root: Root = None,
    data: Data = None,
    json: Json = False,
    lang: Lang = None,
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    group(context, root, data, json, lang)


def main() -> NoReturn:
    """Do what the process was called with, and end it."""
    words = sys.argv[1:]
    code = leave(Session(_stated(words)), lambda: _do(words))
    # What was open is closed by its block. The interpreter's own end would take as long as
    # judging a thousand rows, and after Ctrl-C wait for threads and tell of what they hold.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a full disk, or a reader who has gone
            stream.flush()
    os._exit(code)


def _do(words: Sequence[str]) -> int:
    try:
        code: int = typer.main.get_command(app).main(
            words, prog_name="publisher", standalone_mode=False
        )
    except TyperException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "publisher"
        raise UsageError(
            "wrong-command", reason=error.format_message().rstrip("."), command=path
        ) from None
    return code


def _stated(words: Sequence[str]) -> Common:
    """Give the options that decide how it is told that these words are no command."""
    own = list(takewhile(lambda word: word != "--", words))
    found = dict(pairwise([*own, ""]))
    found |= dict(word.split("=", 1) for word in own if "=" in word)
    root = found.get("--root")
    return Common(root=Path(root) if root else None, json="--json" in own, lang=found.get("--lang"))
