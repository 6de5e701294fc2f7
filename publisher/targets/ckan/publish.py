"""Brings a CKAN package to what a snapshot holds, and takes it back.

Identity is the CKAN id, kept in the outbox; the package carries this installation's id, and a
package of that name without it is never touched. A package stays private until its tables are
loaded. Whatever fails half-way is found again, by its id or name, and finished by the next try.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from publisher.errors import TargetError
from publisher.model.catalog import CkanTarget, TargetOrganization
from publisher.secrets import Secrets
from publisher.targets.base import Difference, Receipt
from publisher.targets.ckan import mapping
from publisher.targets.ckan.client import CkanClient
from publisher.targets.ckan.tables import DataStoreTable
from publisher.targets.snapshot import Snapshot

_TEXTS = ("title", "notes", "url", "version", "author", "author_email", "license_id")


class CkanPublisher:
    """A CKAN site as a target; each organisation writes with a token of its own."""

    def __init__(self, spec: CkanTarget, *, installation: str, secrets: Secrets) -> None:
        self._spec = spec
        self._installation = installation
        self._secrets = secrets
        self._clients: dict[tuple[str, str], CkanClient] = {}

    async def publish(
        self, snapshot: Snapshot, remote: Mapping[str, Any], *, dry_run: bool
    ) -> Receipt:
        publisher = snapshot.dataset.publisher
        organization = self._organization(publisher)
        client = self._client(publisher, organization)
        wanted = mapping.package(
            snapshot, installation=self._installation, organization=organization.name
        )
        package = await self._find(client, wanted["name"], remote)
        changes = []
        if package is None:
            await self._check_organization(client, publisher, organization.name)
            changes.append(Difference("package", None, wanted["name"]))
            if dry_run:
                return Receipt(changes=tuple(changes))
            package = await client.call(
                "package_create",
                **wanted,
                private=True,
                resources=[_new_resource(table) for table in snapshot.tables],
            )
        changes += await self._tables(client, snapshot, package, dry_run=dry_run)
        changes += await self._metadata(client, wanted, package, dry_run=dry_run)
        return Receipt(changes=tuple(changes), remote={"id": package["id"], "publisher": publisher})

    async def withdraw(self, dataset: str, remote: Mapping[str, Any], *, dry_run: bool) -> Receipt:
        """Make the package private: its editors still see it, nobody else does."""
        publisher = str(remote.get("publisher", ""))
        client = self._client(publisher, self._organization(publisher))
        package = await self._find(client, dataset, remote)
        if package is None or package["private"]:
            return Receipt(remote=remote)
        if not dry_run:
            await client.call("package_patch", id=package["id"], private=True)
        return Receipt(changes=(Difference("package.private", False, True),), remote=remote)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    def _organization(self, publisher: str) -> TargetOrganization:
        found = self._spec.organizations.get(publisher)
        if found is None:
            raise TargetError("ckan-organization-unmapped", publisher=publisher, url=self._spec.url)
        return found

    def _client(self, publisher: str, organization: TargetOrganization) -> CkanClient:
        """Give the client that writes with the organisation's token as it is now."""
        token = self._secrets.expand(organization.token, secret=True)
        if (publisher, token) not in self._clients:
            self._clients[publisher, token] = CkanClient(
                self._spec.url, token, timeout=self._spec.timeout
            )
        return self._clients[publisher, token]

    async def _find(
        self, client: CkanClient, name: str, remote: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Give our package, None where there is none.

        Raises TargetError ``ckan-not-ours`` where another's has the name.
        """
        for reference in filter(None, (remote.get("id"), name)):
            package: dict[str, Any] | None = await client.find("package_show", id=reference)
            if package is None or package["state"] != "active":
                continue
            extras = _extras(package)
            if extras.get(mapping.INSTALLATION) != self._installation:
                raise TargetError("ckan-not-ours", url=client.url, name=package["name"])
            return package
        return None

    async def _check_organization(self, client: CkanClient, publisher: str, name: str) -> None:
        allowed = await client.call("organization_list_for_user", permission="create_dataset")
        if any(name in {found["name"], found["id"]} for found in allowed):
            return
        if await client.find("organization_show", id=name) is None:
            raise TargetError(
                "ckan-organization-missing", organization=name, publisher=publisher, url=client.url
            )
        raise TargetError("ckan-refused", url=client.url, action="package_create")

    async def _tables(
        self, client: CkanClient, snapshot: Snapshot, package: dict[str, Any], *, dry_run: bool
    ) -> list[Difference]:
        """Bring resources and their DataStore tables up to date."""
        changes = []
        held = {
            resource["publisher_table"]: resource
            for resource in package["resources"]
            if resource.get("publisher_table")
        }
        for table in snapshot.tables:
            if table.name not in held:
                changes.append(Difference(f"{table.name}.resource", None, table.name))
                if dry_run:
                    continue
                resource = _new_resource(table)
                await client.call(
                    "package_revise",
                    match={"id": package["id"]},
                    update__resources__extend=[resource],
                )
                held[table.name] = resource
            data = DataStoreTable(client, snapshot, table, held[table.name]["id"])
            found = await data.look()
            differences = data.differences(found)
            if differences and not dry_run:
                await data.update(found)
            changes += differences
            changes += await self._resource(
                client, package["id"], held[table.name], mapping.resource(table), dry_run=dry_run
            )
        for name in held.keys() - snapshot.versions.keys():
            changes.append(Difference(f"{name}.resource", name, None))
            if not dry_run:
                await client.call("resource_delete", id=held[name]["id"])
        return changes

    async def _resource(
        self,
        client: CkanClient,
        package: str,
        held: Mapping[str, Any],
        wanted: Mapping[str, Any],
        *,
        dry_run: bool,
    ) -> list[Difference]:
        differing = {key: value for key, value in wanted.items() if (held.get(key) or "") != value}
        if differing and not dry_run:
            revision: dict[str, Any] = {f"update__resources__{held['id']}": differing}
            await client.call("package_revise", match={"id": package}, **revision)
        table = wanted["publisher_table"]
        return [
            Difference(f"{table}.{key}", held.get(key), value) for key, value in differing.items()
        ]

    async def _metadata(
        self,
        client: CkanClient,
        wanted: Mapping[str, Any],
        package: Mapping[str, Any],
        *,
        dry_run: bool,
    ) -> list[Difference]:
        """Bring the package's own properties up to date and, last of all, make it public."""
        update = {key: wanted[key] for key in _TEXTS if (package.get(key) or "") != wanted[key]}
        changes = [
            Difference(f"package.{key}", package.get(key), value) for key, value in update.items()
        ]
        organization = package.get("organization") or {}
        if wanted["owner_org"] not in {organization.get("name"), package.get("owner_org")}:
            update["owner_org"] = wanted["owner_org"]
            changes.append(
                Difference("package.owner_org", organization.get("name"), wanted["owner_org"])
            )
        tags = sorted(tag["name"] for tag in package.get("tags", ()))
        wanted_tags = [tag["name"] for tag in wanted["tags"]]
        if tags != wanted_tags:
            update["tags"] = wanted["tags"]
            changes.append(Difference("package.tags", tags, wanted_tags))
        held, ours = _extras(package), _extras(wanted)
        if {key: value for key, value in held.items() if key.startswith(mapping.OURS)} != ours:
            # The list is replaced as a whole: what others noted there is sent back as it was.
            others = [
                extra for extra in package["extras"] if not extra["key"].startswith(mapping.OURS)
            ]
            update["extras"] = [*others, *wanted["extras"]]
            changes += [
                Difference(f"package.{key}", held.get(key), ours.get(key))
                for key in sorted({*held, *ours})
                if key.startswith(mapping.OURS) and held.get(key) != ours.get(key)
            ]
        if package["private"]:
            update["private"] = False
            changes.append(Difference("package.private", True, False))
        if update and not dry_run:
            await client.call("package_revise", match={"id": package["id"]}, update=update)
        return changes


def _new_resource(table: Any) -> dict[str, Any]:
    return {
        **mapping.resource(table),
        "id": str(uuid.uuid4()),
        "url": "_datastore_only_resource",  # CKAN puts the dump's address in its place
        "url_type": "datastore",
    }


def _extras(package: Mapping[str, Any]) -> dict[str, str]:
    return {extra["key"]: extra["value"] for extra in package.get("extras") or ()}
