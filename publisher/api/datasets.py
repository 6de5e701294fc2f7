"""Datasets and their tables: what there is, how fresh, how good."""

import asyncio
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

import structlog
from aiohttp import web

from publisher.api import answers
from publisher.api.negotiation import language_of
from publisher.api.origins import common, origin_of, origin_of_entry, shown
from publisher.api.parts import Call
from publisher.api.problems import detail
from publisher.api.replies import paged, reply, reply_kept
from publisher.engine import Connection
from publisher.errors import PublisherError
from publisher.messages import render
from publisher.model.base import Model
from publisher.model.catalog import Catalog, TableEntry
from publisher.model.dataset import Dataset
from publisher.model.query import LOCAL, InBox, Place
from publisher.model.run import Run
from publisher.model.schema import TEXTS, Field
from publisher.model.table import TableState
from publisher.model.values import TableRef, duration_text
from publisher.partners import RemoteDataset
from publisher.query.areas import box_of
from publisher.query.times import fault
from publisher.targets.extents import Box

log = structlog.get_logger(__name__)

_PATHS = ("rows", "latest", "aggregate", "export", "changes", "runs", "quarantine")
_LINKS = {**{name: name for name in _PATHS}, "openapi": "openapi.json"}
States = Mapping[TableRef, TableState]


async def list_datasets(call: Call) -> web.Response:
    source = call.stated.get("source", LOCAL)
    states = await call.read_once(call.parts.store.states)
    if source != LOCAL:
        return await _list_everywhere(call, source, states)
    found = await _ours(call, states)
    page, next_url = paged(call, "datasets", found, lambda dataset: dataset.name)
    data = tuple(_listed(call, dataset, states) for dataset in page)
    answer = answers.Datasets(data=data, next=next_url)
    if any(it.origin for it in data):  # partners tell how far it goes back
        return reply(call, answer, next_url=next_url)
    return await reply_kept(call, answer, next_url=next_url)


async def _ours(call: Call, states: States) -> list[Dataset]:
    """Give our datasets that match, by name."""
    box = _asked_box(call)
    found = [
        dataset
        for _, dataset in sorted(call.catalog.datasets.items())
        if dataset.public and _matches(dataset, call.stated)
    ]
    if box is None:
        return found
    boxes = [await call.feed.box(call.catalog, dataset.name, states) for dataset in found]
    return [it for it, of in zip(found, boxes, strict=True) if of is not None and _meets(box, of)]


async def _list_everywhere(call: Call, source: str, states: States) -> web.Response:
    """Answer with the datasets of a partner, or of everybody."""
    partners = call.parts.partners
    known = sorted(partners.known) if partners is not None else []
    if source not in {"*", *known}:
        raise fault("unknown-partner", "source", source, allowed=[LOCAL, "*", *known])
    asked = known if source == "*" else [source]
    found: list[answers.ListedDataset] = []
    problems: list[answers.SourceProblem] = []
    if source == "*":
        found += [_listed(call, it, states) for it in await _ours(call, states)]
    seconds = call.parts.settings.partner_timeout
    told = await asyncio.gather(
        *(partners.datasets(name, seconds) for name in asked if partners is not None),
        return_exceptions=True,
    )
    for name, theirs in zip(asked, told, strict=True):
        if isinstance(theirs, PublisherError):
            text = detail(theirs, language_of(call.request))
            problems.append(answers.SourceProblem(source=name, code=theirs.code, detail=text))
        elif isinstance(theirs, BaseException):
            raise theirs
        else:
            found += [_theirs(call, it) for it in theirs if _theirs_match(it, call)]
    found.sort(key=_place)
    page, next_url = paged(call, "datasets", found, _place)
    answer = answers.Datasets(data=page, next=next_url, problems=tuple(problems))
    return reply(call, answer, next_url=next_url)


def _place(listed: answers.ListedDataset) -> str:
    return f"{listed.name}@{listed.source}"


def _listed(call: Call, dataset: Dataset, states: States) -> answers.ListedDataset:
    entries = list(call.catalog.tables(dataset.name))
    return answers.ListedDataset(
        **_summary(call.catalog, dataset, states),
        tables=tuple(str(entry.ref) for entry in entries),
        origin=shown(common([origin_of_entry(call.parts, entry) for entry in entries])),
    )


def _theirs(call: Call, of: RemoteDataset) -> answers.ListedDataset:
    ref = TableRef(of.name, next(iter(of.tables), ""))
    return answers.ListedDataset(
        source=of.partner,
        name=of.name,
        title=of.title,
        description=of.description,
        publisher=answers.Organization(
            name=of.publisher,
            title=of.publisher_title,
            municipality=None,
            email=None,
            url=None,
        ),
        keywords=of.keywords,
        themes=of.themes,
        licenses=of.licenses,
        update_frequency=None,
        translations={},
        updated_at=of.updated_at,
        url=of.url,
        tables=tuple(f"{of.name}/{table}@{of.partner}" for table in of.tables),
        origin=shown(origin_of(call.parts, of.partner, ref, of.origin)),
    )


def _theirs_match(of: RemoteDataset, call: Call) -> bool:
    box = _asked_box(call)
    if box is not None and (of.box is None or not _meets(box, Box(*of.box))):
        return False
    said = _Said(of.themes, of.keywords, of.publisher, (of.name, of.title, of.description or ""))
    return _fits(said, call.stated)


def _asked_box(call: Call) -> InBox | None:
    stated = call.stated.get("bbox")
    return None if stated is None else box_of("bbox", stated.split(","), Place("", ""))


def _meets(asked: InBox, of: Box) -> bool:
    if of.north < asked.south or of.south > asked.north:
        return False
    if asked.west <= asked.east:
        return of.east >= asked.west and of.west <= asked.east
    return of.east >= asked.west or of.west <= asked.east  # it crosses the date line


async def get_dataset(call: Call) -> web.Response:
    catalog, dataset = call.catalog, call.dataset()
    entries = list(catalog.tables(dataset.name))

    def read(con: Connection) -> tuple[States, tuple[answers.TableWithQuality, ...]]:
        store = call.parts.store
        states = {
            ref: state for ref in (e.ref for e in entries) if (state := store.state(con, ref))
        }
        return states, tuple(
            answers.TableWithQuality(**_table(call, con, entry, states.get(entry.ref)))
            for entry in entries
        )

    states, tables = await call.read(read)
    return reply(
        call,
        answers.DatasetDetail(
            **_summary(catalog, dataset, states),
            homepage=dataset.homepage,
            mqa=await _mqa(call, dataset.name) if states else None,
            tables=tables,
        ),
    )


async def _mqa(call: Call, dataset: str) -> answers.Mqa | None:
    try:
        found = await call.feed.assess(call.catalog, dataset)
    except PublisherError:
        raise
    except Exception:  # costs the score, not the page
        log.exception("a dataset's metadata could not be assessed", dataset=dataset)
        return None
    language = language_of(call.request)
    return answers.Mqa(
        score=found.score,
        of=found.of,
        rating=found.rating,
        missing=tuple(
            answers.MqaMissing(
                property=it.name, points=it.points, remedy=render(it.code, {}, language)[1]
            )
            for it in found.missing
        ),
    )


async def get_table(call: Call) -> web.Response:
    entry = call.entry()
    origin = origin_of_entry(call.parts, entry)

    def read(con: Connection) -> answers.TableDetail:
        state = call.parts.store.state(con, entry.ref)
        fields = entry.shown_fields(state.schema if state else None)
        key = (state.schema if state else entry.schema).primary_key
        names = {field.name for field in fields}
        common = _table(call, con, entry, state)
        return answers.TableDetail(
            **common,
            dataset=entry.ref.dataset,
            translations=_translations(entry.resource.translations),
            oldest_version=state.oldest_version if state else None,
            interval=duration_text(entry.resource.interval) if entry.resource.interval else None,
            mode=entry.mode,
            schema_name=f"{entry.schema.name}@{entry.schema.version}",
            fields=tuple(_described(field, entry.schema.by_name[field.name]) for field in fields),
            primary_key=key if names.issuperset(key) else (),
            roles=_roles(fields),
            origin=shown(origin),
            links={name: f"{common['url']}/{path}" for name, path in _LINKS.items()},
        )

    found = await call.read_once(read)
    if origin is not None:  # partners tell how far it goes back
        return reply(call, found)
    return await reply_kept(call, found)


def shown_field(field: Field) -> dict[str, object]:
    """Give the field's descriptor without what is ours alone."""
    descriptor = field.descriptor()
    descriptor.pop("personal", None)
    return descriptor


def _described(stored: Field, now: Field) -> dict[str, object]:
    """Give the field as it can be asked for, with what the catalog says of it."""
    texts = set(TEXTS)
    held = stored.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude={"personal"} | texts
    )
    said = now.model_dump(mode="json", by_alias=True, exclude_unset=True, include=texts)
    return held | said


def _summary(catalog: Catalog, dataset: Dataset, states: States) -> dict[str, object]:
    organization = catalog.organizations.get(dataset.publisher)
    updated = [state.committed_at for ref, state in states.items() if ref.dataset == dataset.name]
    return {
        "source": LOCAL,
        "name": dataset.name,
        "title": dataset.title,
        "description": dataset.description,
        "publisher": answers.Organization(
            name=dataset.publisher,
            title=organization.title if organization else dataset.publisher,
            municipality=organization.municipality if organization else None,
            email=organization.email if organization else None,
            url=organization.url if organization else None,
        ),
        "keywords": dataset.keywords,
        "themes": dataset.themes,
        "licenses": tuple(license_.descriptor() for license_ in dataset.licenses),
        "update_frequency": dataset.update_frequency,
        "translations": _translations(dataset.translations),
        "updated_at": max(updated, default=None),
        "url": f"/v1/datasets/{dataset.name}",
    }


def _table(
    call: Call, con: Connection, entry: TableEntry, state: TableState | None
) -> dict[str, object]:
    runs = call.parts.store.runs(con, entry.ref, limit=1)
    return {
        "name": entry.resource.name,
        "title": entry.resource.title,
        "description": entry.resource.description,
        "version": state.version if state else 0,
        "rows": state.rows if state else 0,
        "updated_at": state.committed_at if state else None,
        "url": f"/v1/datasets/{entry.ref}",
        "quality": answers.Quality(
            quarantined=call.parts.store.quarantined(con, entry.ref),
            last_run=runs[0].outcome if runs else None,
            last_run_at=_ended(runs[0]) if runs else None,
        ),
    }


def _ended(run: Run) -> datetime:
    return run.finished_at or run.started_at


def _roles(fields: tuple[Field, ...]) -> dict[str, tuple[str, ...]]:
    roles: dict[str, tuple[str, ...]] = {}
    for field in fields:
        if field.role is not None:
            roles[field.role] = (*roles.get(field.role, ()), field.name)
    return roles


def _translations(stated: Mapping[str, Model]) -> dict[str, object]:
    return {language: texts.descriptor() for language, texts in stated.items()}


class _Said(NamedTuple):
    """What a dataset is looked for by."""

    themes: tuple[str, ...]
    keywords: tuple[str, ...]
    publisher: str
    texts: tuple[str, ...]


def _matches(dataset: Dataset, stated: Mapping[str, str]) -> bool:
    texts = tuple(_texts(dataset))
    return _fits(_Said(dataset.themes, dataset.keywords, dataset.publisher, texts), stated)


def _fits(said: _Said, stated: Mapping[str, str]) -> bool:
    themes = {theme.casefold() for theme in said.themes}
    if "theme" in stated and stated["theme"].casefold() not in themes:
        return False
    if "keyword" in stated and stated["keyword"] not in said.keywords:
        return False
    if "publisher" in stated and stated["publisher"] != said.publisher:
        return False
    text = _folded("\n".join(said.texts))
    return all(word in text for word in _folded(stated.get("q", "")).split())


def _folded(text: str) -> str:
    """Write *text* as it is compared: an å is one, however it was typed."""
    return unicodedata.normalize("NFC", text).casefold()


def _texts(dataset: Dataset) -> Iterator[str]:
    yield from (dataset.name, dataset.title, dataset.description or "", *dataset.keywords)
    for texts in dataset.translations.values():
        yield from (texts.title or "", texts.description or "")
    for resource in dataset.resources:
        yield from (resource.name, resource.title or "", resource.description or "")
