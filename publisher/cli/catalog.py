"""``publisher check`` and ``publisher validate``: they need no store."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import orjson
import typer

from publisher.cli import verdicts
from publisher.cli.session import Session, command
from publisher.errors import UsageError
from publisher.secrets import Secrets

if TYPE_CHECKING:
    from publisher.model.profile import Profile
    from publisher.validation.explain import Explained
    from publisher.validation.reporting import Report

T = TypeVar("T")


@command
def check(
    session: Session,
    partners: Annotated[
        bool, typer.Option("--partners", help="Ask partners whether their entries are true.")
    ] = False,
) -> int:
    """Name every problem in catalog/ and schemas/, with file, line, rule and remedy."""
    # Only the commands that judge pay for loading the judges.
    from publisher.operations.check import check as look  # noqa: PLC0415

    secrets = Secrets(os.environ)
    asked = None
    if partners:
        from publisher import log  # noqa: PLC0415
        from publisher.operations.check_partners import ask  # noqa: PLC0415

        log.configure(session.settings.log_level, secrets)
        asked = partial(ask, settings=session.settings, secrets=secrets)
    found = look(session.root, secrets, session.language, partners=asked)
    if session.json:
        session.print_json(found.model_dump(mode="json", by_alias=True))
    else:
        verdicts.checked(session, found)
    return found.exit_code


@command
def validate(
    session: Session,
    *,
    file: Annotated[Path, typer.Argument(help="The file to judge.", metavar="FILE")],
    schema: Annotated[
        str, typer.Option(help="A schema file, or the name of one in schemas/.", metavar="SCHEMA")
    ],
    dialect: Annotated[
        str | None, typer.Option(help="Frictionless dialect of the file, as JSON.", metavar="JSON")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of the file; guessed if not stated.")
    ] = None,
    checks: Annotated[
        str | None, typer.Option(help="A list of further checks, as JSON.", metavar="JSON")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="How the file is written, such as danish.", metavar="NAME")
    ] = None,
    limit_errors: Annotated[
        int | None, typer.Option(help="Errors kept in the report; totals are exact.", min=1)
    ] = None,
    stop_at_limit: Annotated[
        bool, typer.Option("--stop-at-limit", help="Look for no more errors than are kept.")
    ] = False,
    page: Annotated[
        Path | None, typer.Option(help="Write the report as an HTML page too.", metavar="FILE")
    ] = None,
) -> int:
    """Judge a file under a schema; the report is Frictionless'."""
    from publisher.validation.validate import check_readable, validated  # noqa: PLC0415

    check_readable(file)
    by = _schema(session, schema)
    if page is not None and page.exists() and any(map(page.samefile, (file, by))):
        raise UsageError("page-over-file", file=str(page))
    with validated(
        file,
        by,
        dialect=None if dialect is None else _json(dialect, dict, "wrong-dialect-option", "{...}"),
        encoding=encoding,
        profile=_profile(profile),
        limit_errors=limit_errors,
        checks=_checks(checks),
        stop_at_limit=stop_at_limit,
    ) as report:
        found = _explained(session, report)
        if page is not None:
            _write_page(session, page, file, report, found)
        if session.json:
            report.write(sys.stdout.buffer, [it.descriptor() for it in found])
        else:
            verdicts.report(session, report, found)
        return 0 if report.valid else 1


def _explained(session: Session, report: "Report") -> "list[Explained]":
    if report.valid:
        return []
    # Only a file that is wrong waits for what explains it to be loaded.
    from publisher.validation.explain import explained  # noqa: PLC0415

    return explained(report, session.language)


def _write_page(
    session: Session, page: Path, file: Path, report: "Report", found: "list[Explained]"
) -> None:
    from publisher.cli.report_page import report_page  # noqa: PLC0415

    try:
        page.write_text(report_page(session, file, report, found), encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError("page-not-written", file=str(page), reason=reason) from None


def _checks(stated: str | None) -> list[Any]:
    if stated is None:
        return []
    # Only who states checks waits for what reads them to be loaded.
    from publisher.registry.stated import check_checks  # noqa: PLC0415

    listed = _json(stated, list, "wrong-checks-option", "[...]")
    check_checks(listed)
    return listed


def _schema(session: Session, stated: str) -> Path:
    """Find the schema by its file's path, or by its name in schemas/."""
    file = Path(stated)
    if file.is_file():
        return file
    for ending in (".yaml", ".yml", ".json"):
        named = session.root / "schemas" / f"{stated}{ending}"
        if named.is_file():
            return named
    raise UsageError("no-such-schema", schema=stated)


def _json(text: str, kind: type[T], code: str, shape: str) -> T:
    """Read an option that is JSON of a *kind*, which looks like *shape*."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UsageError(code, reason=str(error)) from None
    if not isinstance(found, kind):
        raise UsageError(code, reason=shape)
    return found


def _profile(name: str | None) -> "Profile | None":
    if name is None:
        return None
    from publisher.model.profile import PROFILES  # noqa: PLC0415 - as what judges

    if name in PROFILES:
        return PROFILES[name]
    from publisher.registry.keys import nearest  # noqa: PLC0415 - only who errs waits for it

    names = list(PROFILES)
    raise UsageError(
        "unknown-profile", profile=name, nearest=nearest(name, names), known=", ".join(names)
    )
