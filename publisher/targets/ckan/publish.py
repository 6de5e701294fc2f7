"""Brings a CKAN package to what a snapshot holds, takes it back, and lets it go.

A package stays private until its tables are whole. Whatever fails half-way is found again, by
its id, its name or its marks, and finished by the next try.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from publisher.errors import TargetError, TargetUnavailableError
from publisher.model.catalog import CkanTarget, TargetOrganization
from publisher.model.run import Problem
from publisher.targets.base import Difference, Receipt, TargetContext, Watch
from publisher.targets.ckan.client import CkanClient
from publisher.targets.ckan.homes import SPARES, Home
from publisher.targets.ckan.marker import Held
from publisher.targets.ckan.metadata import (
    LINKS,
    Destination,
    Profile,
    Site,
    Wanted,
    add_view,
    profile,
    site,
)
from publisher.targets.ckan.packages import Package, resource_ids
from publisher.targets.ckan.tables import Pace
from publisher.targets.dcat.mqa import mqa
from publisher.targets.facts import DatasetFacts, dataset_facts
from publisher.targets.snapshot import Snapshot

_SITE_SECONDS = 60.0  # what a site has and offers is asked anew after this long


class CkanPublisher:
    """A CKAN site as a target; each organisation writes with a token of its own."""

    def __init__(self, spec: CkanTarget, context: TargetContext) -> None:
        self._spec = spec
        self._context = context
        self._profile: Profile = profile(spec)
        self._clients: dict[tuple[str, str], CkanClient] = {}
        self._sites: dict[CkanClient, tuple[Site, float]] = {}

    async def publish(
        self,
        snapshot: Snapshot,
        remote: Mapping[str, Any],
        *,
        dry_run: bool,
        thorough: bool,
        watch: Watch,
    ) -> Receipt:
        """Bring the package up to date.

        What may not be told any more goes first: nothing that is wrong with the rest keeps it.
        """
        publisher = snapshot.dataset.publisher
        organization = self._organization(publisher)
        client = self._client(publisher, organization)
        ids = resource_ids(self._context.installation, snapshot.dataset.name)
        pace = Pace(late=self._spec.late, sent=watch.sent)
        first = (*(it.name for it in snapshot.tables), snapshot.dataset.resources[0].name)[0]
        homes = [
            Home(client, snapshot, table, resource_id=ids, pace=pace) for table in snapshot.tables
        ]
        package = await Package.find(
            client,
            snapshot.dataset.name,
            known=remote.get("id"),
            resource=ids(first),
            installation=self._context.installation,
        )
        there = package is not None and not package.deleted
        changes: list[Difference] = []
        if package is not None and there:
            faults = _Faults()
            for home in homes:
                with faults.kept():
                    await home.look()
                    if not dry_run:
                        await home.conceal(package)
            with faults.kept():
                changes += await _leave(client, snapshot, package, remote, ids, dry_run=dry_run)
            faults.settle()
        if not homes:
            return Receipt(changes=tuple(changes), remote=remote)
        facts = await dataset_facts(snapshot, self._context.links, self._context.extents)
        self._profile.check(facts)
        to = Destination(
            installation=self._context.installation,
            organization=organization.name,
            resource_id=ids,
            site=await self._site(client),
            mqa=await asyncio.to_thread(_score, facts, client.url, ids),
        )
        work = _Work(
            client,
            snapshot,
            homes,
            profile_=self._profile,
            wanted=self._profile.wanted(facts, to),
            there=to,
            keep={*self._spec.keep, *snapshot.dataset.publish.keep},
        )
        if package is None or not there:
            await self._check_organization(client, publisher, organization.name)
            changes.append(Difference("package", None, snapshot.dataset.name))
            if dry_run:
                changes += work.everything()
                return Receipt(changes=tuple(changes), remote=remote)
            package = await work.make(package)
        changes += await work.resources(package, dry_run=dry_run)
        try:
            changes += await work.tables(package, dry_run=dry_run, thorough=thorough)
        except TargetError as error:
            # Rows wait for a person; what may not be told any more does not wait with them
            if not dry_run and not isinstance(error, TargetUnavailableError):
                with suppress(TargetError):
                    await work.metadata(package, dry_run=False, show=False)
            raise
        if not dry_run:
            await work.views(remote)
        changes += await work.metadata(package, dry_run=dry_run)
        return Receipt(
            changes=tuple(changes),
            remote=work.remote(package, publisher),
            notices=tuple(work.notices),
        )

    async def withdraw(self, dataset: str, remote: Mapping[str, Any], *, dry_run: bool) -> Receipt:
        """Make the package private: its editors still see it, nobody else does."""
        package = await self._found(dataset, remote)
        if package is None or package.deleted:
            return Receipt(remote=remote)
        left = {**remote, "id": package.id}
        if package.private:
            return Receipt(remote=left)
        if not dry_run:
            await package.settle(
                lambda facts: {} if facts["private"] else {"update": {"private": True}}
            )
        return Receipt(changes=(Difference("package.private", False, True),), remote=left)

    async def remove(self, dataset: str, remote: Mapping[str, Any]) -> Receipt:
        """Delete the package, which its organisation's administrators can undo."""
        package = await self._found(dataset, remote)
        if package is None or package.deleted:
            return Receipt(remote=remote)
        publisher = str(remote.get("publisher", ""))
        client = self._client(publisher, self._organization(publisher))
        await client.call("package_delete", repeatable=True, id=package.id)
        return Receipt(changes=(Difference("package", dataset, None),), remote=remote)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    async def _found(self, dataset: str, remote: Mapping[str, Any]) -> Package | None:
        publisher = str(remote.get("publisher", ""))
        client = self._client(publisher, self._organization(publisher))
        return await Package.find(
            client,
            dataset,
            known=remote.get("id"),
            resource=None,
            installation=self._context.installation,
        )

    def _organization(self, publisher: str) -> TargetOrganization:
        found = self._spec.organizations.get(publisher)
        if found is None:
            raise TargetError("ckan-organization-unmapped", publisher=publisher, url=self._spec.url)
        return found

    def _client(self, publisher: str, organization: TargetOrganization) -> CkanClient:
        """Give the client that writes with the organisation's token as it is now."""
        token = self._context.secrets.expand(organization.token, secret=True)
        if (publisher, token) not in self._clients:
            self._clients[publisher, token] = CkanClient(
                self._spec.url, token, timeout=self._spec.timeout
            )
        return self._clients[publisher, token]

    async def _site(self, client: CkanClient) -> Site:
        known, asked = self._sites.get(client, (None, 0.0))
        now = time.monotonic()
        if known is None or now - asked > _SITE_SECONDS:
            known = await site(client)
            self._sites[client] = known, now
        return known

    async def _check_organization(self, client: CkanClient, publisher: str, name: str) -> None:
        allowed = await client.call(
            "organization_list_for_user", repeatable=True, permission="create_dataset"
        )
        if any(name in {found["name"], found["id"]} for found in allowed):
            return
        if await client.find("organization_show", id=name) is None:
            raise TargetError(
                "ckan-organization-missing", organization=name, publisher=publisher, url=client.url
            )
        raise TargetError("ckan-refused", url=client.url, action="package_create")


def _score(facts: DatasetFacts, url: str, resource_id: Callable[[str], str]) -> str:
    """Give the score of the metadata as it will be once the dataset is there."""
    resources = {
        table.name: {
            "id": resource_id(table.name),
            "url": f"{url}/datastore/dump/{resource_id(table.name)}",
        }
        for table in facts.tables
    }
    found = mqa(
        facts, {url: {"url": f"{url}/dataset/{facts.dataset.name}", "resources": resources}}
    )
    return f"{found.score}/{found.of} ({found.rating})"


class _Faults:
    """Keeps the first fault, so that the rest is done before it is raised."""

    def __init__(self) -> None:
        self._first: TargetError | None = None

    @contextmanager
    def kept(self, *, but: Callable[[TargetError], bool] = lambda _: False) -> Iterator[None]:
        """Go on after a fault, unless it is one of those *but* which nothing can be done."""
        try:
            yield
        except TargetError as error:
            if but(error):
                raise
            self._first = self._first or error

    def settle(self) -> None:
        if self._first is not None:
            raise self._first


def _is_of_the_site(error: TargetError) -> bool:
    """Tell whether it would be so with everything else there."""
    return isinstance(error, TargetUnavailableError) and error.code != "ckan-settling"


async def _leave(
    client: CkanClient,
    snapshot: Snapshot,
    package: Package,
    remote: Mapping[str, Any],
    ids: Callable[[str], str],
    *,
    dry_run: bool,
) -> list[Difference]:
    """Take out the resources of tables that the dataset has no longer."""
    before = {it["publisher_table"]: it["id"] for it in package.ours.values()}
    before |= {name: it["id"] for name, it in remote.get("resources", {}).items()}
    found = []
    stated = {resource.name for resource in snapshot.dataset.resources}
    for name in sorted(before.keys() - stated):
        leaving = [before[name], *(ids(f"{name}.{it}") for it in (*SPARES, *LINKS))]
        there = [resource for resource in leaving if resource in package.resources]
        if there:
            found.append(Difference(f"{name}.resource", name, None))
        if there and not dry_run:
            for resource in there:
                await client.call("resource_delete", id=resource)
            await package.read()
    return found


class _Work:
    """One dataset on its way to the site."""

    def __init__(
        self,
        client: CkanClient,
        snapshot: Snapshot,
        homes: Sequence[Home],
        *,
        profile_: Profile,
        wanted: Wanted,
        there: Destination,
        keep: Collection[str],
    ) -> None:
        self._client = client
        self._snapshot = snapshot
        self._homes = homes
        self._profile = profile_
        self._wanted = wanted
        self._there = there
        self._keep = keep
        self._new: set[str] = set()
        """Resources of tables that were made here."""
        self.notices: list[Problem] = list(wanted.notices)

    def everything(self) -> list[Difference]:
        """Say what a new package will hold."""
        rows = [
            Difference(f"{table.name}.rows", None, table.state.rows)
            for table in self._snapshot.tables
        ]
        told = self._profile.changes(self._wanted, {}, keep=()).differences
        return [*rows, *(it for it in told if it.after not in (None, "", []))]

    async def make(self, deleted: Package | None) -> Package:
        """Make the package, or bring back the one that was *deleted*."""
        if deleted is not None:
            await deleted.restore(self._snapshot.dataset.name)
            return deleted
        facts = await self._client.call(
            "package_create",
            **self._wanted.package,
            private=True,
            resources=[{**it.fields, "id": it.id} for it in self._wanted.resources if it.table],
        )
        self._new = {it.id for it in self._wanted.resources if it.table}
        return Package(self._client, facts)

    async def resources(self, package: Package, *, dry_run: bool) -> list[Difference]:
        """Add the resources that are missing for tables; a lost one comes back under its id."""
        missing = [
            it for it in self._wanted.resources if it.table and it.id not in package.resources
        ]
        if missing and not dry_run:
            await package.extend([{**it.fields, "id": it.id} for it in missing])
            self._new |= {it.id for it in missing}
        return [Difference(f"{it.table}.resource", None, it.id) for it in missing]

    async def tables(self, package: Package, *, dry_run: bool, thorough: bool) -> list[Difference]:
        """Bring the DataStore tables up to date, and say in what they differed.

        A table that cannot be brought keeps none of the others back; its fault is raised last.
        """
        changes = []
        faults = _Faults()
        for home in self._homes:
            with faults.kept(but=_is_of_the_site):
                changes += await self._bring(home, package, dry_run=dry_run, thorough=thorough)
        faults.settle()
        return changes

    async def _bring(
        self, home: Home, package: Package, *, dry_run: bool, thorough: bool
    ) -> list[Difference]:
        if not home.looked:
            await home.look()
        name, found, held = home.table.name, list(home.differences), home.held
        rows = (
            await self._rows(home, name, held)
            if held is not None and (dry_run or (thorough and not found))
            else []
        )
        if (found or rows) and not dry_run:
            await home.bring(package, thorough=thorough or bool(rows))
            self._tell_refused(home, name)
        if held is not None or not dry_run:
            found += await home.tidy(package, dry_run=dry_run)
        shown = package.resources.get(home.resource, {})
        if held is not None and not shown.get("datastore_active"):
            found.append(Difference(f"{name}.datastore_active", False, True))
            if not dry_run:
                await home.show(package)
        return found + rows

    async def _rows(self, home: Home, name: str, held: Held) -> list[Difference]:
        """Say how the rows differ, month by month."""
        if not home.table.fits(held):
            return []
        async with home.table.compared(held) as comparison:
            return [
                Difference(
                    f"{name}.rows.{it.month}" if it.month else f"{name}.rows",
                    {"missing": it.missing, "different": it.different, "extra": it.extra},
                    None,
                )
                for it in comparison.slices
            ]

    def _tell_refused(self, home: Home, name: str) -> None:
        if home.table.refused:
            self.notices.append(
                Problem(
                    "ckan-rows-refused",
                    {
                        "table": f"{self._snapshot.dataset.name}/{name}",
                        "rows": home.table.refused,
                        "reasons": "; ".join(home.table.reasons),
                    },
                )
            )

    async def metadata(
        self, package: Package, *, dry_run: bool, show: bool = True
    ) -> list[Difference]:
        """Bring the package's own properties up to date and, with *show*, make it public."""
        changes = self._profile.changes(self._wanted, package.facts, keep=self._keep)
        found = list(changes.differences)
        if show and package.private:
            found.append(Difference("package.private", True, False))
        if dry_run:
            return found

        def revision(facts: Mapping[str, Any]) -> Mapping[str, Any]:
            wanted = dict(self._profile.changes(self._wanted, facts, keep=self._keep).revision)
            if show and facts["private"]:
                wanted["update"] = {**wanted.get("update", {}), "private": False}
            return wanted

        if found:
            await package.settle(revision)
        for gone in changes.gone:
            await self._client.call("resource_delete", id=gone)
        return found

    async def views(self, remote: Mapping[str, Any]) -> None:
        """Show the tables that were not there when this dataset was last published."""
        before = remote.get("resources", {})
        for it in self._wanted.resources:
            # What a try that did not get this far has made is not in `_new`
            if it.id in self._new or (it.table and it.table not in before):
                await add_view(self._client, self._there.site, it.id, str(it.fields["name"]))

    def remote(self, package: Package, publisher: str) -> dict[str, Any]:
        shown = package.resources
        return {
            "id": package.id,
            "publisher": publisher,
            "url": f"{self._client.url}/dataset/{package.id}",
            "resources": {
                it.table: {"id": it.id, "url": str(shown.get(it.id, {}).get("url", ""))}
                for it in self._wanted.resources
                if it.table
            },
        }
