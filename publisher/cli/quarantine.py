"""``publisher quarantine``: rows that failed."""

from typing import Annotated

import typer

from publisher.cli.group import Group
from publisher.cli.session import Session, command, group
from publisher.cli.work import perform

quarantine = typer.Typer(
    cls=Group,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Rows that failed.",
)
quarantine.callback()(group)

Table = Annotated[str, typer.Argument(help="The table.", metavar="DATASET/TABLE")]


@quarantine.command("list")
@command
def list_(
    session: Session,
    table: Annotated[
        str | None, typer.Argument(help="Only this table.", metavar="DATASET/TABLE")
    ] = None,
) -> int:
    """Count the rows in quarantine by rule and field."""
    return perform(session, "quarantine-list", {"table": table})


@quarantine.command()
@command
def show(
    session: Session,
    table: Table,
    limit: Annotated[int, typer.Option(help="Most rows to show.", min=1, max=1000)] = 20,
    after: Annotated[str | None, typer.Option(help="Go on after the row of this id.")] = None,
) -> int:
    """Show rows with their cells and the reasons they were refused."""
    params = {"table": table, "limit": limit, "after": after}
    return perform(session, "quarantine-show", params)


@quarantine.command()
@command
def release(session: Session, table: Table) -> int:
    """Judge the rows again under today's schema and view; those that pass are committed."""
    return perform(session, "quarantine-release", {"table": table})


@quarantine.command()
@command
def discard(
    session: Session,
    table: Table,
    row: Annotated[
        list[str] | None, typer.Option(help="The id of a row; repeatable. Default: all rows.")
    ] = None,
) -> int:
    """Drop rows from the quarantine for good."""
    params = {"table": table, "rows": row or []}
    return perform(session, "quarantine-discard", params)
