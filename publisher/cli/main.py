"""The command ``publisher``: its commands, a small module for each group of them."""

from typing import Annotated

import typer

from publisher import __version__
from publisher.cli import catalog, copies, data, demo_command, quarantine, running
from publisher.cli.session import Data, Json, Lang, Root, group

app = typer.Typer(
    name="publisher",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Harvests, proves, publishes and serves a municipality's sensor data.",
)


def _version(wanted: bool) -> None:
    if wanted:
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


for _module in (demo_command, running, catalog, data, copies):
    _module.register(app)
app.add_typer(quarantine.app, name="quarantine")


def run() -> None:
    """Run the command line; the process ends with the contract's exit codes."""
    app(prog_name="publisher")
