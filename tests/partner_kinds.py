"""A partner of each kind, each behind a network that fails as told, and a town that asks them."""

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from federating import Loop, Town, bound, ckan_at, datastore_at, publisher_at, towns
from partner_faults import Fault, Forward, Middle
from standards import Standards
from support import CkanSite
from test_partners import COLUMNS, SCHEMA
from test_partners_standards import befriend

from publisher.model.catalog import TableEntry

START = datetime(2026, 3, 1)
PATHS = {
    "publisher": "/rows",
    "ckan": "/datastore_search",
    "opendatasoft": "/exports/json",
    "ogc-features": "/items",
    "sensorthings": "/Observations",
}
"""Of each kind, what a request for rows goes to."""
KINDS = tuple(PATHS)
PAGED = tuple(kind for kind in KINDS if kind != "opendatasoft")
"""An Opendatasoft portal gives all in one export."""
LINKED = ("ogc-features", "sensorthings")
"""Whose pages say where the next one is."""
PAGE = 10
"""Rows of a page that Publishers and CKANs are asked for; others have fewer."""
_LEVEL = re.compile(rb'("(?:level|result)":\s*)-?\d+')
_names = itertools.count()


def rows_of(station: str, count: int, level: int | None = None) -> list[tuple[Any, ...]]:
    return [
        (station, START + timedelta(hours=n), n if level is None else level, None, 10.5, 56.0)
        for n in range(count)
    ]


def keys_of(rows: list[tuple[Any, ...]]) -> list[tuple[str, str]]:
    return sorted((row[0], f"{row[1].isoformat()}Z") for row in rows)


@dataclass
class Far:
    """A partner of *kind*, whose rows go through *middle*."""

    kind: str
    here: Town
    middle: Middle
    _befriend: Callable[..., None]

    def meet(self, rows: list[tuple[Any, ...]], **stated: Any) -> str:
        """Fill its table, and have it met for the first time; gives ``from=`` for its table."""
        self.middle.planned.clear()
        self.middle.always = None
        shape = self.here.table(SCHEMA, f"{self.kind[:3]}{next(_names)}", [])
        self._befriend(shape, rows, title=f"{self.kind} {next(_names)}", **stated)
        asked = f"from={shape.ref}@{self.name}"
        for _ in range(20):  # its columns are known from now on
            if self.here.get(f"/v1/query?{asked}&limit=1")["complete"]:
                break
        self.middle.asked.clear()
        self.middle.struck.clear()
        return asked

    @property
    def name(self) -> str:
        return {"publisher": "norddjurs", "ckan": "aarhus"}.get(self.kind, "other")


@contextmanager
def neighbours(folder: Path, site: CkanSite) -> Iterator[dict[str, Far]]:
    """Serve a town, and one partner of each kind."""
    loop = Loop()
    other = Standards()
    loop.run(other.start())
    with towns(folder, "here", "there") as (here, there), datastore_at(site, COLUMNS) as store:

        def publisher(shape: TableEntry, rows: Any, **stated: Any) -> None:
            there.table(SCHEMA, shape.dataset.name, rows)
            here.befriend("norddjurs", publisher_at(middles["publisher"].url, **stated))

        def ckan(shape: TableEntry, rows: Any, **stated: Any) -> None:
            store.fill(rows)
            table = {str(shape.ref): {"resource": store.resource, "schema": "x"}}
            spec = ckan_at(middles["ckan"].url, table, **stated)
            here.befriend("aarhus", spec, **{str(shape.ref): bound(store.resource, shape)})

        def standard(kind: str) -> Callable[..., None]:
            def meet(shape: TableEntry, rows: Any, **stated: Any) -> None:
                other.rows = rows
                befriend(here, middles[kind], kind, shape, **stated)

            return meet

        targets = {"publisher": there.url, "ckan": site.url}
        middles = {kind: Middle(targets.get(kind, other.url), PATHS[kind]) for kind in KINDS}
        made = {"publisher": publisher, "ckan": ckan}
        for middle in middles.values():
            loop.run(middle.start())
        yield {
            kind: Far(kind, here, middle, made.get(kind) or standard(kind))
            for kind, middle in middles.items()
        }
        for middle in middles.values():
            loop.run(middle.close())
    loop.run(other.close())
    loop.close()


# What happens to a page


def edited(kind: str, change: Callable[[dict[str, Any]], None]) -> Fault:
    """Change the rows of a page; *change* is given each, its level as ``level``."""

    async def answer(_: web.Request, forward: Forward) -> web.StreamResponse:
        status, headers, body = await forward()
        told = (
            [*map(orjson.loads, body.splitlines())] if kind == "publisher" else orjson.loads(body)
        )
        for row in _rows(kind, told):
            if kind == "sensorthings":
                row["level"] = row.pop("result")
            change(row)
            if kind == "sensorthings":
                row["result"] = row.pop("level")
        written = b"\n".join(map(_json, told)) if kind == "publisher" else _json(told)
        return web.Response(status=status, headers=headers, body=written)

    return answer


def _json(told: Any) -> bytes:
    return json.dumps(told).encode()  # it writes what is beyond 64 bits too


def _rows(kind: str, told: Any) -> list[dict[str, Any]]:
    match kind:
        case "ckan":
            return list(told["result"]["records"])
        case "ogc-features":
            return [it["properties"] for it in told["features"]]
        case "sensorthings":
            return list(told["value"])
        case _:
            return list(told)


def levels_written(text: str) -> Fault:
    """Write the first level of a page as *text*, which need not be JSON."""

    async def answer(_: web.Request, forward: Forward) -> web.StreamResponse:
        status, headers, body = await forward()
        body = _LEVEL.sub(lambda found: found[1] + text.encode(), body, count=1)
        return web.Response(status=status, headers=headers, body=body)

    return answer


def recoded(change: Callable[[bytes], bytes], charset: str = "") -> Fault:
    """Write a body in another way; the header tells of *charset*."""

    async def answer(_: web.Request, forward: Forward) -> web.StreamResponse:
        status, headers, body = await forward()
        kind = headers["Content-Type"].partition(";")[0]
        told = {**headers, "Content-Type": f"{kind}; charset={charset}" if charset else kind}
        return web.Response(status=status, headers=told, body=change(body))

    return answer


def again() -> Fault:
    """Give the first page whatever is asked for."""
    first: list[tuple[int, Mapping[str, str], bytes]] = []

    async def answer(_: web.Request, forward: Forward) -> web.StreamResponse:
        if not first:
            first.append(await forward())
        status, headers, body = first[0]
        return web.Response(status=status, headers=headers, body=body)

    return answer


def appended(thing: Any) -> Fault:
    """Put something beside the rows of a page."""

    async def answer(_: web.Request, forward: Forward) -> web.StreamResponse:
        status, headers, body = await forward()
        told = orjson.loads(body)
        told["value" if "value" in told else "features"].append(thing)
        return web.Response(status=status, headers=headers, body=orjson.dumps(told))

    return answer


def next_to(where: Callable[[str], str], *, empty: bool = False) -> Fault:
    """Have the link of a page lead to *where*, of the page's own address; without its rows."""

    async def answer(request: web.Request, forward: Forward) -> web.StreamResponse:
        status, headers, body = await forward()
        told = orjson.loads(body)
        href = where(str(request.url))
        if "value" in told:
            told |= {"@iot.nextLink": href, **({"value": []} if empty else {})}
        else:
            links = [{"rel": "next", "href": href}]
            told |= {"links": links, **({"features": []} if empty else {})}
        return web.Response(status=status, headers=headers, body=orjson.dumps(told))

    return answer
