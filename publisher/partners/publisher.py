"""Another Publisher: it tells of its tables, and takes every question as it is."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from publisher.engine import Connection
from publisher.errors import SourceError
from publisher.model.query import DELETED, Condition, InArea, InBox, Near
from publisher.model.schema import Field, Schema
from publisher.model.values import NAME, TableRef
from publisher.partners import cql2, loading, order
from publisher.partners.base import Ask, Fetched, Grouped, Origin, Remote, RemoteDataset
from publisher.partners.endpoint import Endpoint, Reply, seconds_left
from publisher.partners.origins import read_origin

_PAGE = 10_000
_LONGEST_FILTER = 5_000
"""Characters of a filter that fits in an address."""
_MOST_PAGES = 1_000
_MOST_COPIED = 100_000_000
"""Rows of one copy."""
_MOST_NUMBER = 2**63
_DIGITS = 20
_NEXT = re.compile(r'<([^<>]*)>\s*;\s*rel="?next"?')
_DELETED_FIELD = Field(name="deleted", type="boolean").model_copy(update={"name": DELETED})
_KNOWN = {info.alias or name for name, info in Field.model_fields.items()}


class PublisherAdapter:
    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def tables(self, seconds: float) -> Mapping[TableRef, Remote]:
        until = asyncio.get_running_loop().time() + seconds
        found = {}
        for dataset in [str(it["name"]) for it in await self._datasets(until)]:
            detail = await self._told(f"/v1/datasets/{dataset}", until)
            for table in filter(_is_named, _list(detail, "tables")):
                ref = TableRef(dataset, str(table["name"]))
                remote = await self.find(ref, seconds_left(until))
                if remote is not None:
                    found[ref] = remote
        return found

    async def datasets(self, seconds: float) -> Sequence[RemoteDataset]:
        until = asyncio.get_running_loop().time() + seconds
        found = []
        for listed in await self._datasets(until):
            name = str(listed["name"])
            tables = listed.get("tables")
            if not isinstance(tables, list):  # of a Publisher that lists them with the dataset only
                detail = await self._told(f"/v1/datasets/{name}", until)
                tables = [f"{name}/{it.get('name')}" for it in _list(detail, "tables")]
            address = str(self.endpoint.address(f"/v1/datasets/{name}"))
            try:
                found.append(_dataset(self.endpoint.partner.name, listed, tables, address))
            except (ValueError, TypeError, AttributeError):
                raise self._unlike() from None
        return found

    async def find(self, ref: TableRef, seconds: float) -> Remote | None:
        try:
            told, _ = await self.endpoint.document(f"/v1/datasets/{ref}", {}, seconds=seconds)
        except SourceError as error:
            if error.code == "http-missing":
                return None
            raise
        try:
            return _remote(self.endpoint.partner.name, ref, told)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise self._unlike() from None

    async def fetch(self, ask: Ask, folder: Path, seconds: float) -> Fetched:
        until = asyncio.get_running_loop().time() + seconds
        pushed, local = _shared(ask)
        if local:  # what is left to be done takes the rows themselves
            ask = replace(ask, limit=None, counted=False, grouped=None)
        most, grouped = ask.limit, ask.grouped is not None
        what = "aggregate" if grouped else "rows"
        query, form = self._query(ask, pushed), _form(ask)
        page = int(query["limit"])
        url = self.endpoint.address(f"/v1/datasets/{ask.remote.ref}/{what}", query)
        files: list[Path] = []
        rows = size = 0
        cap = self.endpoint.partner.spec.max_rows
        while True:
            file = folder / f"{len(files)}.rows"
            files.append(file)
            reply = await self.endpoint.file(url, file, seconds=seconds_left(until))
            self._check(reply, form)
            link = _next(reply)
            # As many as a page has, where it is not the last
            rows += page if link else reply.lines
            if form == "ndjson" and (reply.lines > page or (link and not reply.lines)):
                raise self._unlike()  # more than it was asked for, or nothing and yet more
            size += reply.bytes
            if size > self.endpoint.most_bytes:
                raise SourceError("partner-too-large", url=self.endpoint.shown, most=size)
            if len(files) == 1:
                first = reply
            if link is None or (most is not None and rows >= most):
                break
            if rows >= cap or len(files) >= _MOST_PAGES:
                raise SourceError("partner-many-rows", partner=self.endpoint.partner.name, most=cap)
            url = self.endpoint.follow(reply.url, link)
        total = first.headers.get("X-Total-Count")
        return Fetched(
            load=partial(self._load, ask, len(files) * page),
            files=files,
            rows=rows,
            more=link is not None and not grouped,
            grouped=grouped,
            lines=_wanted(ask) if form == "ndjson" else None,
            plain=not (local or grouped) and form == "ndjson",
            total=_number(total) if total else None,
            version=_number(first.headers.get("X-Table-Version")),
            status=first.status,
            pushed=_told_of(ask, pushed),
            local=["filter"] if local else [],
            retrieved_at=datetime.now(UTC),
        )

    async def copied(self, remote: Remote, since: int, folder: Path, seconds: float) -> Fetched:
        query = {"f": "parquet"}
        fields = dict(remote.fields)
        if remote.version:
            query["version"] = str(remote.version)
        if since:
            query["changed_since"] = str(since)
            fields[DELETED] = _DELETED_FIELD
        file = folder / "export.parquet"
        url = self.endpoint.address(f"/v1/datasets/{remote.ref}/export", query)
        reply = await self.endpoint.file(url, file, seconds=seconds)
        self._check(reply, "parquet")
        name = self.endpoint.partner.name

        def load(con: Connection, table: str, files: Sequence[Path]) -> int:
            return loading.load_parquet(
                con, table, files, fields, loading.Limit(name, _MOST_COPIED)
            )

        version = _number(reply.headers.get("X-Table-Version"))
        return Fetched(load=load, files=(file,), version=version, status=reply.status)

    async def committed(self, remote: Remote, version: int, seconds: float) -> datetime | None:
        path, query = f"/v1/datasets/{remote.ref}/changes", {"since": str(version - 1)}
        try:
            told, _ = await self.endpoint.document(path, {**query, "limit": "1"}, seconds=seconds)
        except SourceError as error:
            if error.code == "http-missing":
                return None
            raise
        try:
            stated = [it["committedAt"] for it in _list(told, "data") if it["version"] == version]
            return datetime.fromisoformat(str(stated[0])) if stated else None
        except (ValueError, KeyError):
            raise self._unlike() from None

    def _query(self, ask: Ask, pushed: Sequence[Condition]) -> dict[str, str]:
        place = None
        if ask.after is not None:
            place = order.after(ask.order, ask.remote.fields, ask.after)
        plain, rest = cql2.parted(pushed)
        text = " AND ".join(map(cql2.written, [*rest, *([place] if place else [])]))
        if len(text) > _LONGEST_FILTER:
            raise SourceError("partner-long-question", partner=self.endpoint.partner.name)
        pinned = bool(ask.version) or ask.as_of is not None
        query = {
            **plain,
            "f": _form(ask),
            "limit": str(min(ask.limit or _PAGE, _PAGE)),
            "filter": text,
            "version": str(ask.version or ""),
            "as_of": "" if ask.as_of is None or ask.version else f"{ask.as_of.isoformat()}Z",
        }
        if ask.grouped is not None:
            query |= _groups(ask.grouped)
        else:
            query |= {
                # A field that was added since is none of an older version's
                "select": "" if pinned else ",".join(ask.fields),
                "sort": ",".join(f"{'-' * it.descending}{it.field}" for it in ask.order),
                "count": "exact" if ask.counted else "",
            }
        return {name: value for name, value in query.items() if value}

    def _load(self, ask: Ask, most: int, con: Connection, name: str, files: Sequence[Path]) -> int:
        fields = _wanted(ask)
        if _form(ask) == "parquet":
            limit = loading.Limit(self.endpoint.partner.name, most)
            return loading.load_parquet(con, name, files, fields, limit)
        return loading.load(con, name, files, fields, self.endpoint.partner.name)

    def _check(self, reply: Reply, form: str) -> None:
        if form not in reply.headers.get("Content-Type", ""):
            raise self._unlike()

    async def _datasets(self, until: float) -> list[Any]:
        found: list[Any] = []
        query = {"limit": "1000"}
        for _ in range(_MOST_PAGES):
            told, reply = await self.endpoint.document(
                "/v1/datasets", query, seconds=seconds_left(until)
            )
            found += filter(_is_named, _list(told, "data"))
            link = _next(reply)
            if link is None:
                break
            query = dict(self.endpoint.follow(reply.url, link).query)
        return found

    async def _told(self, path: str, until: float) -> object:
        told, _ = await self.endpoint.document(path, {}, seconds=seconds_left(until))
        return told

    def _unlike(self) -> SourceError:
        return SourceError("partner-unlike", partner=self.endpoint.partner.name, kind="Publisher")


def _remote(partner: str, ref: TableRef, told: Any) -> Remote:
    fields = {}
    for stated in told["fields"]:
        known = {name: value for name, value in stated.items() if name in _KNOWN}
        found = Field.model_validate(known)
        fields[found.name] = found
    name, _, version = str(told["schemaName"]).partition("@")
    key = tuple(it for it in told["primaryKey"] if it in fields)
    schema = Schema(name=name, version=version, fields=tuple(fields.values()), primary_key=key)
    return Remote(partner, ref, fields, key, schema, _number(told["version"]), _origin(told))


def _dataset(partner: str, listed: Any, tables: list[Any], address: str) -> RemoteDataset:
    by = listed.get("publisher")
    by = by if isinstance(by, dict) else {}
    updated = listed.get("updatedAt")
    return RemoteDataset(
        partner=partner,
        name=str(listed["name"]),
        title=str(listed.get("title") or listed["name"]),
        description=listed.get("description") and str(listed["description"]),
        publisher=str(by.get("name") or partner),
        publisher_title=str(by.get("title") or by.get("name") or partner),
        keywords=tuple(map(str, listed.get("keywords") or ())),
        themes=tuple(map(str, listed.get("themes") or ())),
        licenses=tuple(it for it in listed.get("licenses") or () if isinstance(it, dict)),
        updated_at=datetime.fromisoformat(str(updated)) if updated else None,
        url=address,
        tables=tuple(str(it).partition("/")[2] for it in tables),
        origin=_origin(listed),
    )


def _origin(told: Any) -> Origin | None:
    found = told.get("origin")
    if not isinstance(found, dict):
        return None
    return read_origin(found.get("url"), whole=found.get("whole") is not False)


def _shared(ask: Ask) -> tuple[list[Condition], list[Condition]]:
    """Part the conditions in those that go along and those that are left to be done here."""
    pushed: list[Condition] = []
    local: list[Condition] = []
    for part in ask.where:
        try:
            cql2.written(part)
        except cql2.UnwritableError:
            local.append(part)
        else:
            pushed.append(part)
    return pushed, local


def _groups(wanted: Grouped) -> dict[str, str]:
    return {
        "by": ",".join(wanted.by),
        "every": str(wanted.every or ""),
        "agg": ",".join(f"{it.field or '*'}:{it.function}" for it in wanted.measures),
        "tz": wanted.zone,
    }


def _wanted(ask: Ask) -> Mapping[str, Field]:
    if ask.grouped is not None:
        return ask.grouped.fields
    return {it: ask.remote.fields[it] for it in ask.fields}


def _told_of(ask: Ask, pushed: Sequence[Condition]) -> list[str]:
    said = {"bbox" if isinstance(it, InBox | InArea | Near) else "filter": None for it in pushed}
    if ask.grouped is not None:
        return [*said, "groups"]
    return [
        *said,
        *(["sort"] if ask.order else []),
        *(["limit"] if ask.limit is not None else []),
        "select",
    ]


def _next(reply: Reply) -> str | None:
    """Give where the header Link (RFC 8288) leads to next."""
    found = _NEXT.search(reply.headers.get("Link", ""))
    return found[1] if found else None


def _form(ask: Ask) -> str:
    """Give the format in which nothing is lost: JSON's readers make floats of exact numbers."""
    exact = any(it.decimal is not None for it in _wanted(ask).values())
    return "parquet" if exact else "ndjson"


def _number(text: object) -> int:
    """Read a version or a count; 0 where it is none."""
    digits = str(text)
    found = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < _DIGITS else 0
    return found if found < _MOST_NUMBER else 0


def _is_named(listed: Mapping[str, Any]) -> bool:
    """Tell whether it has a name that can be asked for."""
    return re.fullmatch(NAME, str(listed.get("name"))) is not None


def _list(told: Any, name: str) -> list[Any]:
    found = told.get(name) if isinstance(told, dict) else None
    return [it for it in found if isinstance(it, dict)] if isinstance(found, list) else []
