"""All partners: found, asked at the same time within a deadline, each at its own cost."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog

from publisher.engine import Engine
from publisher.errors import PublisherError, SourceError, SourceUnavailableError
from publisher.model.catalog import Catalog
from publisher.model.partner import Partner
from publisher.model.values import TableRef
from publisher.partners.base import Adapter, Ask, Fetched, Origin, Remote, RemoteDataset, Status
from publisher.partners.ckan import CkanAdapter
from publisher.partners.copies import Copies, Copy, entry_text
from publisher.partners.edr import EdrAdapter
from publisher.partners.endpoint import Endpoint, Health
from publisher.partners.features import FeaturesAdapter
from publisher.partners.files import removed
from publisher.partners.known import FRESH, Known
from publisher.partners.memory import recalled, remember
from publisher.partners.opendatasoft import OpendatasoftAdapter
from publisher.partners.origins import Addresses
from publisher.partners.publisher import PublisherAdapter
from publisher.partners.sensorthings import SensorThingsAdapter
from publisher.partners.stale import Kept
from publisher.secrets import Secrets
from publisher.settings import Settings

log = structlog.get_logger(__name__)

ADAPTERS: Mapping[str, Callable[[Endpoint, Path], Adapter]] = MappingProxyType(
    {
        "publisher": lambda endpoint, _: PublisherAdapter(endpoint),
        "ckan": CkanAdapter,
        "opendatasoft": OpendatasoftAdapter,
        "ogc-features": FeaturesAdapter,
        "ogc-edr": EdrAdapter,
        "sensorthings": SensorThingsAdapter,
    }
)
"""By the ``type`` that catalog/partners.yaml states."""

_SLACK = 0.02
_MISSED = 2
"""Times its period that a copy may be old and is still asked in place of the table."""
_AGAIN = 60.0
"""Seconds after which a copy that could not be made is tried again, at the most."""
_TICK = 1.0
_SKIPPED = {"partner-resting", "partner-no-versions", "http-busy"}


@dataclass(frozen=True, slots=True)
class View:
    """How a partner does, and which of its tables are known."""

    partner: Partner
    address: str
    """Without what is secret in it."""
    state: str
    """Of its breaker: closed, open or half-open."""
    health: Health
    tables: tuple[Remote, ...] | None
    """None where it was never asked for them, or never told."""
    copies: Mapping[TableRef, Copy]
    """Those that are kept of its tables."""


class Partners:
    """Connections are opened at first use, and closed by ``close``."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        catalog: Callable[[], Catalog],
        engine: Engine,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._catalog = catalog
        self._via = f"publisher-{uuid.uuid4().hex}"
        """Tells a question of ours, should it come back (RFC 9110, section 7.6.3)."""
        self._work = settings.work_path / "partners"
        self._stack = AsyncExitStack()
        self._adapters: dict[str, Adapter] = {}
        self._opening = asyncio.Lock()
        self._remotes: dict[tuple[str, TableRef], tuple[Remote, float]] = {}
        self._listed: Known[Mapping[TableRef, Remote]] = Known()
        self._datasets: Known[Sequence[RemoteDataset]] = Known()
        self._memory = settings.data / "partners.json"
        self._recalled = False
        self._beside: set[asyncio.Task[None]] = set()
        """What goes on while nobody waits for it."""
        self._kept = Kept(self._work / "kept")
        self._copies = Copies(settings.data / "copies", engine)
        self._copying: set[tuple[str, TableRef]] = set()
        self._due: dict[tuple[str, TableRef, str], float] = {}
        """When a copy is made equal again, by its table and the entry that this is of."""
        self._addresses: Addresses | None = None

    async def close(self) -> None:
        try:
            await self._remember()
        finally:
            for task in list(self._beside):
                task.cancel()
            await asyncio.gather(*self._beside, return_exceptions=True)
            await self._stack.aclose()

    @property
    def known(self) -> Mapping[str, Partner]:
        return self._catalog().partners

    def is_ours(self, via: str) -> bool:
        """Tell whether a question that came through *via*, the header, is one of ours."""
        return self._via in via

    @property
    def addresses(self) -> Addresses:
        """Whose an address is, as the catalog says now."""
        known, found = self.known, self._addresses
        if found is None or found.partners is not known:
            found = Addresses(known, self._settings.public_url, self._secrets.expand)
            self._addresses = found
        return found

    def told(self, name: str, ref: TableRef) -> Origin | None:
        """Give the origin that a partner told of its table, as far as that is known: see base."""
        found = self._remotes.get((name, ref))
        return None if found is None else found[0].origin

    async def adapter(self, name: str) -> Adapter:
        """Give a partner's adapter, made anew where its entry is another one by now."""
        partner = self.known[name]
        async with self._opening:
            found = self._adapters.get(name)
            if found is None or found.endpoint.partner != partner:
                if found is not None:  # what was known may be another's
                    self._listed.forget(name)
                    self._datasets.forget(name)
                    await self._kept.forget(name)
                    others = {key: it for key, it in self._remotes.items() if key[0] != name}
                    self._remotes = others
                endpoint = Endpoint(partner, self._settings, self._secrets, via=self._via)
                await self._stack.enter_async_context(endpoint)
                await asyncio.to_thread(self._work.mkdir, parents=True, exist_ok=True)
                found = ADAPTERS[partner.spec.type](endpoint, self._work)
                self._adapters[name] = found
        return found

    async def find(self, name: str, ref: TableRef, seconds: float) -> Remote | None:
        """Give a partner's table; None where it has no such table.

        As its copy knows it has to do where nobody tells. Raises SourceError.
        """
        await self._recall()
        if name in self.known:
            await self.adapter(name)  # by which what was known of another entry goes
        known = self._remotes.get((name, ref))
        if known is None:
            try:
                return await self._look(name, ref, seconds)
            except SourceError:
                copy = self._copies.of(name, ref)
                if copy is None:
                    raise
                known = self._remotes[name, ref] = (copy.remote, time.monotonic())
        if time.monotonic() - known[1] >= FRESH:
            # Rather what was true a while ago than a wait for everybody who asks
            self._remotes[name, ref] = (known[0], time.monotonic())
            self._aside(self._look_again(name, ref))
        return known[0]

    async def _recall(self) -> None:
        """Take up what an earlier process knew; it is looked at anew when it is first asked for."""
        if not self._recalled:
            self._recalled = True
            found = await asyncio.to_thread(lambda: list(recalled(self._memory)))
            kept = {(it.partner, it.ref): (it, -FRESH) for it in found}
            self._remotes = {**kept, **self._remotes}

    async def _remember(self) -> None:
        kinds = {name: it.spec.type for name, it in self.known.items()}
        kept = [it for it, _ in self._remotes.values() if kinds.get(it.partner) == "publisher"]
        if kept:
            await asyncio.to_thread(remember, self._memory, kept)

    async def _look(self, name: str, ref: TableRef, seconds: float) -> Remote | None:
        adapter = await self.adapter(name)
        found = await adapter.find(ref, min(seconds, adapter.endpoint.partner.spec.timeout))
        if found is None:
            self._remotes.pop((name, ref), None)
        else:
            self._remotes[name, ref] = (found, time.monotonic())
        return found

    async def _look_again(self, name: str, ref: TableRef) -> None:
        with suppress(SourceError, KeyError):  # its health tells; or it is gone
            await self._look(name, ref, FRESH)

    async def tables(
        self, name: str, seconds: float, *, fresh: float = FRESH
    ) -> Mapping[TableRef, Remote]:
        """Give the tables of a partner, as they were *fresh* seconds ago at the most.

        What was known before has to do where it does not answer. Raises SourceError.
        """
        adapter = await self.adapter(name)

        async def look() -> Mapping[TableRef, Remote]:
            found = await adapter.tables(min(seconds, adapter.endpoint.partner.spec.timeout))
            now = time.monotonic()
            self._remotes |= {(name, ref): (remote, now) for ref, remote in found.items()}
            return found

        return await self._listed.at_least(name, look, fresh)

    async def datasets(
        self, name: str, seconds: float, *, fresh: float = FRESH
    ) -> Sequence[RemoteDataset]:
        """Give the datasets of a partner; else as ``tables``."""
        adapter = await self.adapter(name)
        most = min(seconds, adapter.endpoint.partner.spec.timeout)
        return await self._datasets.at_least(name, lambda: adapter.datasets(most), fresh)

    async def keep_fresh(self) -> None:
        """Look again and again which tables and datasets partners have, so that nobody waits."""
        while True:
            for name, partner in list(self.known.items()):
                seconds = partner.spec.timeout
                try:
                    await self.tables(name, seconds, fresh=FRESH / 2)
                    await self.datasets(name, seconds, fresh=FRESH / 2)
                except (SourceError, KeyError) as error:  # its health tells; or it is gone
                    log.info("a partner cannot be listed", partner=name, reason=str(error))
                except Exception:  # costs this partner, not those behind it
                    log.exception("a partner cannot be listed", partner=name)
            await self._remember()
            await asyncio.sleep(FRESH / 4)

    async def keep_copies(self) -> None:
        """Make copies equal to their partners' tables, each as often as its steward says."""
        while True:
            wanted = {
                (name, ref, entry_text(partner, ref)): period.total_seconds()
                for name, partner in self.known.items()
                for ref, period in partner.copies.items()
            }
            self._due = {key: self._due.get(key, 0.0) for key in wanted}
            for key, period in wanted.items():
                name, ref, _ = key
                now = time.monotonic()
                if (name, ref) not in self._copying and now >= self._due[key]:
                    self._due[key] = now + min(period, _AGAIN)
                    self._copying.add((name, ref))
                    self._aside(self._copy(key, now + period))
            await self._copies.sweep({*((name, ref) for name, ref, _ in wanted), *self._copying})
            await asyncio.sleep(_TICK)

    async def _copy(self, key: tuple[str, TableRef, str], due: float) -> None:
        """Make one equal, which is *due* again then; sooner where that did not come about."""
        name, ref, _ = key
        try:
            if await self._copied(name, ref):
                self._due[key] = due
        finally:
            self._copying.discard((name, ref))

    async def _copied(self, name: str, ref: TableRef) -> bool:
        """Make one equal; tells whether that came about."""
        try:
            bound = self.known[name].tables.get(ref)
            await self._copies.recall(name, ref, None if bound is None else bound.spec)
            remote = await self._look(name, ref, FRESH)
            if remote is None:
                log.warning("there is no table to be copied", partner=name, table=str(ref))
                return False
            await self._copies.refresh(await self.adapter(name), remote)
        except KeyError:  # the partner is gone
            return False
        except PublisherError as error:
            log.warning("a copy is not up to date", partner=name, table=str(ref), reason=str(error))
            return False
        except Exception:  # costs this copy, not those beside it
            log.exception("a table could not be copied", partner=name, table=str(ref))
            return False
        return True

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what nobody waits for."""
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def view(self, name: str, *, seconds: float | None = None, fresh: float = FRESH) -> View:
        """Give how a partner does; asks it for its tables where *seconds* are given for that.

        They may be known since *fresh* seconds.
        """
        adapter = await self.adapter(name)
        endpoint = adapter.endpoint
        if seconds is not None:
            with suppress(SourceError):  # its health tells
                await self.tables(name, seconds, fresh=fresh)
        listed = self._listed.peek(name)
        partner = endpoint.partner
        return View(
            partner=partner,
            address=endpoint.shown,
            state=endpoint.breaker.state,
            health=replace(endpoint.health),
            tables=None if listed is None else tuple(listed.values()),
            copies={ref: it for ref in partner.copies if (it := self._copies.of(name, ref))},
        )

    def forget(self, remote: Remote) -> None:
        """Look anew before it is asked again; what is known by now has to do where nobody tells.

        What a partner told of a table's fields has not: the next question waits to be told again.
        """
        known = self._remotes.get((remote.partner, remote.ref))
        if known is None:
            return
        if known[0].told is None:
            self._remotes[remote.partner, remote.ref] = (known[0], -FRESH)
            return
        del self._remotes[remote.partner, remote.ref]
        self._listed.doubt(remote.partner)

    @asynccontextmanager
    async def fetched(
        self,
        asks: Sequence[Ask],
        seconds: float,
        came: Callable[[Ask, Fetched], None] | None = None,
    ) -> AsyncIterator[list[Status]]:
        """Fetch what is asked for, all at the same time; the files go with the context.

        Whoever fails costs its own rows only: the status tells. What *came* is told while others
        are waited for.
        """
        name = uuid.uuid4().hex
        folders = [self._work / f"{name}.{number}" for number in range(len(asks))]
        for folder in folders:  # which takes less than a thread would
            folder.mkdir(parents=True)
        statuses = [Status(ask.remote.partner, ask.remote.ref) for ask in asks]

        async def fetch(ask: Ask, status: Status, folder: Path) -> None:
            await self._fetch(ask, status, folder, seconds)
            if came is not None and status.fetched is not None:
                came(ask, status.fetched)

        try:
            tasks = [
                asyncio.create_task(fetch(ask, status, folder))
                for ask, status, folder in zip(asks, statuses, folders, strict=True)
            ]
            try:
                if tasks:
                    # They end by themselves, and say why; this is for those that do not
                    await asyncio.wait(tasks, timeout=seconds + _SLACK)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for ask, status, folder in zip(asks, statuses, folders, strict=True):
                if status.fetched is None and status.problem is None:
                    late = SourceUnavailableError("partner-late", partner=status.source)
                    await self._fail(ask, status, folder, late)
            yield statuses
        finally:
            self._aside(asyncio.to_thread(removed, folders))

    async def _fetch(self, ask: Ask, status: Status, folder: Path, seconds: float) -> None:
        name = ask.remote.partner
        began = time.monotonic()
        try:
            fetched = await self._ask(ask, folder, seconds)
        except PublisherError as error:
            await self._fail(ask, status, folder, error)
        except Exception:  # costs this partner, not those beside it
            log.exception("a partner could not be asked", partner=name)
            unlike = SourceError("partner-unlike", partner=name, kind="partner")
            await self._fail(ask, status, folder, unlike)
        else:
            status.fetched, status.rows = fetched, fetched.rows or 0
        finally:
            status.milliseconds = (time.monotonic() - began) * 1000

    async def _ask(self, ask: Ask, folder: Path, seconds: float) -> Fetched:
        name = ask.remote.partner
        if name not in self.known:
            raise SourceError("partner-gone", partner=name)
        adapter = await self.adapter(name)
        partner = adapter.endpoint.partner
        spec, period = partner.spec, partner.copies.get(ask.remote.ref)
        if period is not None:
            most = period.total_seconds() * _MISSED
            copy = await self._copies.get(ask, partner, most, folder)
            if copy is not None:
                return copy
        fetched = await adapter.fetch(ask, folder, min(seconds, spec.timeout))
        if spec.stale is not None:
            await self._kept.put(ask, fetched)
        return fetched

    async def _fail(self, ask: Ask, status: Status, folder: Path, error: PublisherError) -> None:
        name = ask.remote.partner
        if not isinstance(error, SourceUnavailableError):  # it may be another table by now
            self.forget(ask.remote)
        status.problem = error
        status.outcome = "skipped" if error.code in _SKIPPED else "failed"
        partner = self.known.get(name)
        stale = partner.spec.stale if partner is not None else None
        if stale is not None:
            kept = await self._kept.get(ask, stale.total_seconds(), folder)
            if kept is None and partner is not None:
                kept = await self._copies.get(ask, partner, stale.total_seconds(), folder)
            if kept is not None:
                status.fetched, status.outcome = kept, "partial"
        table = str(ask.remote.ref)
        log.warning("a partner did not answer", partner=name, table=table, code=error.code)
