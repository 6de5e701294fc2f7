"""``publisher check --partners``: whether what catalog/partners.yaml says is true today."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from publisher.engine import Engine
from publisher.errors import PublisherError
from publisher.operations.check import AskedPartner, ReadField, ReadTable, Told
from publisher.partners import Ask, Partners, Remote
from publisher.registry import Loaded
from publisher.registry.partners import DescribedPartner
from publisher.secrets import Secrets
from publisher.settings import Settings

_ROWS = 100
"""Of each table that are read to see whether they fit."""


def ask(loaded: Loaded, settings: Settings, secrets: Secrets) -> Told:
    """Ask every partner for its tables, and for some rows of those that are named."""
    with TemporaryDirectory(prefix="publisher-check-") as folder:
        work = Path(folder)
        engine = Engine.open(None, work=work)
        try:
            here = settings.model_copy(update={"data": work})
            return asyncio.run(_asked(loaded, here, secrets, engine))
        finally:
            engine.close()


async def _asked(loaded: Loaded, settings: Settings, secrets: Secrets, engine: Engine) -> Told:
    partners = Partners(settings, secrets, lambda: loaded.catalog, engine)
    try:
        found = await asyncio.gather(
            *(_ask(it, partners, engine, settings.partner_timeout) for it in loaded.partners)
        )
    finally:
        await partners.close()
    return Told(
        tuple(finding for told in found for finding in told.findings),
        tuple(table for told in found for table in told.tables),
        tuple(partner for told in found for partner in told.partners),
    )


async def _ask(
    described: DescribedPartner, partners: Partners, engine: Engine, seconds: float
) -> Told:
    name = described.partner.name
    try:  # a Publisher tells of its own
        listed = described.partner.tables or await partners.tables(name, seconds)
    except PublisherError as error:
        return Told((described.document.error(error.code, described.path(), **error.params),))
    document = described.document
    findings = [
        document.error("partner-no-table", (name, "copies", str(ref)), partner=name, table=str(ref))
        for ref in described.partner.copies
        if ref not in listed
    ]
    tables = []
    for ref in described.partner.tables:
        path = described.path(ref)
        try:
            remote = await partners.find(name, ref, seconds)
            assert remote is not None  # noqa: S101 - it is one of those that are named
            if remote.told is not None:
                tables.append(_fields_of(remote))
            refused, read = await _read(remote, partners, engine, seconds)
        except PublisherError as error:
            findings.append(document.error(error.code, path, **error.params))
            continue
        if refused:
            params = {"table": str(ref), "refused": refused, "rows": read}
            findings.append(document.warning("partner-rows-refused", path, **params))
    answers = AskedPartner(partner=name, tables=tuple(f"{ref}@{name}" for ref in sorted(listed)))
    failed = any(it.severity == "error" for it in findings)
    return Told(tuple(findings), tuple(tables), () if failed else (answers,))


def _fields_of(remote: Remote) -> ReadTable:
    fields = tuple(
        ReadField(name=it.name, type=it.type, column=remote.columns.get(it.name, it.name))
        for it in remote.fields.values()
    )
    return ReadTable(table=remote.name, fields=fields)


async def _read(
    remote: Remote, partners: Partners, engine: Engine, seconds: float
) -> tuple[int, int]:
    """Give how many of some rows do not fit, and how many were read; raises SourceError."""
    wanted = Ask(remote, tuple(remote.fields), limit=_ROWS, some=True)
    async with partners.fetched([wanted], seconds) as [status]:
        if status.fetched is None:
            assert status.problem is not None  # noqa: S101 - one of the two is there
            raise status.problem
        fetched = status.fetched
        refused = await engine.run(lambda con: fetched.load(con, "rows_to_check", fetched.files))
        return refused, fetched.rows or 0
