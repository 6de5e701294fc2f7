"""``publisher harvest``, ``publish``, ``status``, ``partners`` and ``export``."""

import os
from pathlib import Path
from typing import Annotated, get_args

import typer

from publisher.cli.session import Session, command
from publisher.cli.work import perform
from publisher.errors import UsageError
from publisher.operations.export import Format

All = Annotated[bool, typer.Option("--all", help="Everything in the catalog.")]


@command
def harvest(
    session: Session,
    tables: Annotated[
        list[str] | None, typer.Argument(help="What to harvest.", metavar="DATASET[/TABLE]...")
    ] = None,
    everything: All = False,
) -> int:
    """Harvest now."""
    params = {"tables": tables or [], "all": everything}
    return perform(session, "harvest", params)


@command
def publish(  # noqa: PLR0917 - typer reads them by name
    session: Session,
    datasets: Annotated[
        list[str] | None, typer.Argument(help="What to publish.", metavar="DATASET...")
    ] = None,
    everything: All = False,
    target: Annotated[str | None, typer.Option(help="Only this target.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the difference, change nothing.")
    ] = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Compare every row, whatever is known.")
    ] = False,
) -> int:
    """Bring targets up to date."""
    params = {
        "datasets": datasets or [],
        "all": everything,
        "target": target,
        "dryRun": dry_run,
        "thorough": thorough,
    }
    return perform(session, "publish", params)


@command
def status(
    session: Session,
    dataset: Annotated[str | None, typer.Argument(help="Only this one.", metavar="DATASET")] = None,
) -> int:
    """Show runs, versions, lag, quarantine and target state."""
    return perform(session, "status", {"dataset": dataset})


@command
def partners(
    session: Session,
    partner: Annotated[str | None, typer.Argument(help="Only this one.", metavar="PARTNER")] = None,
) -> int:
    """Ask partners for their tables, and show how they are."""
    return perform(session, "partners", {"partner": partner})


@command
def export(
    session: Session,
    table: Annotated[str, typer.Argument(help="What to export.", metavar="DATASET[/TABLE]")],
    format_: Annotated[str, typer.Option("--format", help="|".join(get_args(Format)))],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    query: Annotated[
        str, typer.Option(help="Conditions and the like, as in the URL of an export.")
    ] = "",
) -> int:
    """Write everything that matches to a file, and its manifest beside it."""
    if format_ not in get_args(Format):
        raise UsageError("not-an-export-format", value=format_, choices=", ".join(get_args(Format)))
    path = os.path.abspath(output)  # noqa: PTH100 - resolves no link
    params = {"table": table, "format": format_, "path": path, "query": query}
    return perform(session, "export", params)
