"""Where a table's rows are kept, so that readers of its resource never see it half made.

A table is kept in its own resource. One that has to be made anew while it may be read (its type
or key changed, somebody dropped it) is made whole in a second resource of the package, the
spare. Then the first resource's id is made an alias of the spare's table: whoever asks by the
old id finds the new table. Of the two spares a table can have, one is in use at most.

CKAN takes an alias named like a resource if that resource has no table. Between the old table
going and the alias coming, readers see a 404 for some tens of milliseconds: there is no way
without, see docs/targets/ckan.md.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from publisher.errors import TargetError, TargetUnavailableError
from publisher.targets.base import Difference
from publisher.targets.ckan.client import CkanClient
from publisher.targets.ckan.marker import Held
from publisher.targets.ckan.packages import Package
from publisher.targets.ckan.tables import DataStoreTable, Pace
from publisher.targets.snapshot import PinnedTable, Snapshot

SPARES = ("spare-a", "spare-b")
_ALIAS_TRIES = 200
_ALIAS_WAIT = 0.005


@contextmanager
def _unless_unavailable() -> Iterator[None]:
    """Go on where CKAN refuses."""
    try:
        yield
    except TargetError as error:
        if isinstance(error, TargetUnavailableError):
            raise


class Home:
    """A table of the snapshot in the resource it is published as."""

    def __init__(
        self,
        client: CkanClient,
        snapshot: Snapshot,
        table: PinnedTable,
        *,
        resource_id: Callable[[str], str],
        pace: Pace,
    ) -> None:
        self._client = client
        self._snapshot = snapshot
        self._table = table
        self.resource = resource_id(table.name)
        """The id that it is asked for by, for ever."""
        self._pace = pace
        self._spares = [resource_id(f"{table.name}.{spare}") for spare in SPARES]
        self.table = self._at(self.resource)
        """Where it is kept, as far as is known."""
        self.looked = False
        self.held: Held | None = None
        """What answers under the resource's id."""
        self.differences: Sequence[Difference] = ()
        """In what it differed when it was looked at."""

    async def look(self) -> None:
        self.held = await self.table.look()
        if self.held is not None:
            self.table = self._at(self.held.home)
        self.differences = self.table.differences(self.held)
        self.looked = True

    async def conceal(self, package: Package) -> None:
        """Take out the columns that are not to be shown any more, wherever they are kept.

        Where CKAN refuses that, `bring` and `tidy` meet it again.
        """
        for spare in self._spares:
            if spare in package.resources and spare != self.table.resource:
                with _unless_unavailable():
                    beside = self._at(spare)
                    left = await beside.look()
                    if left is not None and beside.surplus(left):
                        await self._drop(spare)
        if self.held is not None and self.table.surplus(self.held):
            with _unless_unavailable():
                self.held = await self._reshaped(self.held)

    async def _reshaped(self, held: Held) -> Held:
        aliases = [self.resource] if held.home != self.resource else []
        return await self.table.reshape(held, aliases=aliases)

    async def bring(self, package: Package, *, thorough: bool) -> None:
        """Make, change and fill the table until it holds the snapshot's version."""
        held = self.held
        if held is None and (begun := await self._begun()) is not None:
            await self._make_beside(package, None, begun)
            return
        if held is not None:
            held = await self._reshaped(held)
            if self.table.fits(held):
                await self.table.update(held, thorough=thorough)
                return
        whole = await self.table.in_one_call()
        if held is None and (whole is not None or package.private):
            await self._make(self._at(self.resource), whole)
        elif package.private:
            await self._drop(held.home if held else self.resource)
            await self._make(self._at(self.resource), whole)
        else:
            used = held.home if held else None
            spare = next(it for it in self._spares if it != used)
            await self._make_beside(package, used, spare)

    async def tidy(self, package: Package, *, dry_run: bool) -> list[Difference]:
        """Take out the spares that the table is not kept in.

        One that was left there holds rows, and perhaps fields, that nobody looks after.
        """
        home = self.table.resource
        left = [it for it in self._spares if it != home and it in package.resources]
        if left and not dry_run:
            for spare in left:
                await self._client.call("resource_delete", id=spare)
            await package.read()
        return [Difference(f"{self._table.name}.spare", it, None) for it in left]

    async def show(self, package: Package) -> None:
        """Have the resource's page show the table; CKAN does not know that an alias has one."""

        def active(facts: Mapping[str, Any]) -> Mapping[str, Any]:
            shown = Package.resources_of(facts).get(self.resource, {})
            if shown.get("datastore_active"):
                return {}
            return {f"update__resources__{self.resource}": {"datastore_active": True}}

        await package.read()
        await package.settle(active)

    def _at(self, resource: str) -> DataStoreTable:
        return DataStoreTable(self._client, self._snapshot, self._table, resource, self._pace)

    async def _begun(self) -> str | None:
        """Give the spare that a process before this one had begun to fill, or had filled."""
        for spare in self._spares:
            held = await self._at(spare).look()
            if held is not None and held.home == spare:
                return spare
        return None

    async def _make(self, table: DataStoreTable, whole: list[dict[str, Any]] | None) -> None:
        self.table = table
        try:
            await table.make(whole)
        except TargetError as error:
            if not whole or "records" not in error.facts:
                raise
            await table.make(None)  # a row that CKAN refuses: it is found by upsert
        held = await table.look()
        if held is None:
            raise TargetError("ckan-missing", url=self._client.url, action="datastore_info")
        # Another call, given up before, may have made it, with columns that are to be shown no more
        await table.update(await table.reshape(held, aliases=()))

    async def _make_beside(self, package: Package, used: str | None, spare: str) -> None:
        """Make the table in the *spare*, or go on there, and let it take the *used* one's place."""
        await package.extend([self._spare_resource(package, spare)])
        beside = self._at(spare)
        held = await beside.look()
        if held is not None and (not beside.fits(held) or held.home != spare):
            await self._drop(spare)
            held = None
        if held is None:
            await self._make(beside, await beside.in_one_call())
        else:
            self.table = beside
            await beside.update(await beside.reshape(held, aliases=()))
        await self._switch(spare, used)
        await self.show(package)

    async def _switch(self, spare: str, used: str | None) -> None:
        """Let the resource's id name the spare's table; the alias is asked for until it is free."""
        coming = asyncio.create_task(self._alias(spare))
        try:
            if used == self.resource:
                await self._drop(self.resource)
            elif used is not None:
                await self._client.call(
                    "datastore_create", repeatable=True, resource_id=used, aliases=[]
                )
            await coming
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    async def _alias(self, spare: str) -> None:
        for _ in range(_ALIAS_TRIES):
            try:
                await self._client.call(
                    "datastore_create",
                    repeatable=True,
                    resource_id=spare,
                    aliases=[self.resource],
                )
            except TargetError as error:
                if "alias" not in error.facts:
                    raise
                await asyncio.sleep(_ALIAS_WAIT)
            else:
                return
        raise TargetError(
            "ckan-rejected", url=self._client.url, action="datastore_create", faults="alias"
        )

    async def _drop(self, resource: str) -> None:
        try:
            await self._client.call("datastore_delete", repeatable=True, resource_id=resource)
        except TargetError as error:
            if error.code != "ckan-missing":
                raise

    def _spare_resource(self, package: Package, spare: str) -> Mapping[str, Any]:
        """Describe the second resource to people who find it in the package."""
        shown = package.resources.get(self.resource, {})
        return {
            **{name: shown[name] for name in ("format", "license_id") if shown.get(name)},
            "id": spare,
            "name": f"{shown.get('name') or self._table.name} (lager / storage)",
            "description": f"Rækkerne i / the rows of: {shown.get('name') or self._table.name}",
            "url": "_datastore_only_resource",
            "url_type": "datastore",
        }
