"""A package at a site: whose it is, and how it is changed when others change it too.

Identity is the CKAN id, kept in the outbox; the package carries this installation's id. One
that carries another's, or that has our name and no mark at all, is never touched. Every change
goes through ``package_revise`` and says which state it is made of: one that comes late, or
beside somebody else's, is refused by CKAN, looked at again and made anew.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from publisher.errors import TargetError, TargetUnavailableError
from publisher.targets.ckan.client import CkanClient

INSTALLATION = "publisher_installation"
_TRIES = 5


def extras_of(package: Mapping[str, Any]) -> dict[str, str]:
    return {extra["key"]: extra["value"] for extra in package.get("extras") or ()}


def resource_ids(installation: str, dataset: str) -> Callable[[str], str]:
    """Give the function from a resource's name to its id: the same one for ever, UUID 5."""

    def find(name: str) -> str:
        return str(uuid.uuid5(uuid.UUID(installation), f"{dataset}/{name}"))

    return find


class Package:
    """A package of ours, as it was last read."""

    def __init__(self, client: CkanClient, facts: Mapping[str, Any]) -> None:
        self._client = client
        self.facts = facts

    @property
    def id(self) -> str:
        return str(self.facts["id"])

    @property
    def private(self) -> bool:
        return bool(self.facts["private"])

    @property
    def deleted(self) -> bool:
        return bool(self.facts["state"] != "active")

    @property
    def resources(self) -> dict[str, Mapping[str, Any]]:
        return self.resources_of(self.facts)

    @property
    def ours(self) -> dict[str, Mapping[str, Any]]:
        """The resources that say which table of ours they are."""
        return {id_: it for id_, it in self.resources.items() if it.get("publisher_table")}

    @staticmethod
    def resources_of(facts: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        return {resource["id"]: resource for resource in facts["resources"]}

    @classmethod
    async def find(
        cls,
        client: CkanClient,
        name: str,
        *,
        known: str | None,
        resource: str | None,
        installation: str,
    ) -> "Package | None":
        """Give our package; None where there is none.

        It is looked for by the id that is *known*, by its name, and as the package of the
        *resource*, whose id is ours for ever: a deleted one has lost its name. Raises
        TargetError ``ckan-not-ours`` where another's is in its place.
        """
        for reference in filter(None, (known, name, resource)):
            facts = await client.find("package_show", id=reference)
            if facts is None and reference == resource:
                held = await client.find("resource_show", id=resource)
                facts = held and await client.find("package_show", id=held["package_id"])
            if facts is None:
                continue
            mark = extras_of(facts).get(INSTALLATION)
            if mark == installation or (mark is None and facts["id"] == known):
                return cls(client, facts)
            if facts["state"] == "active":
                raise TargetError("ckan-not-ours", url=client.url, name=facts["name"])
        return None

    async def read(self) -> None:
        """Read it again. Raises TargetError ``ckan-missing`` where it is gone."""
        self.facts = await self._client.call("package_show", repeatable=True, id=self.id)

    async def restore(self, name: str) -> None:
        """Bring back a deleted one; nobody sees it before it is up to date.

        Raises TargetError ``ckan-not-ours`` where another has its name by now.
        """
        try:
            await self._client.call(
                "package_revise",
                match={"id": self.id, "metadata_modified": self.facts["metadata_modified"]},
                update={"name": name, "state": "active", "private": True},
            )
        except TargetError as error:
            if "name" in error.facts:
                raise TargetError("ckan-not-ours", url=self._client.url, name=name) from None
            raise
        await self.read()

    async def revise(self, **revision: Any) -> None:
        """Change the package as it was last read, and read what has become of it.

        Raises TargetError ``ckan-contested`` where somebody else was faster, and
        TargetUnavailableError where it is not known whether it was done.
        """
        match = {"id": self.id, "metadata_modified": self.facts["metadata_modified"]}
        try:
            await self._client.call("package_revise", match=match, **revision)
        except TargetError as error:
            if "match" in error.facts:
                raise TargetError(
                    "ckan-contested", url=self._client.url, name=self.facts["name"]
                ) from None
            raise
        await self.read()

    async def extend(self, resources: Sequence[Mapping[str, Any]]) -> None:
        """Add the resources that are not there; one of an id that is there would break CKAN's."""

        def lacking(facts: Mapping[str, Any]) -> Mapping[str, Any]:
            there = self.resources_of(facts)
            left = [resource for resource in resources if resource["id"] not in there]
            return {"update__resources__extend": left} if left else {}

        await self.settle(lacking)

    async def settle(self, revision: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        """Revise until *revision*, made of the package as it is, has nothing left to change.

        A site that keeps changing what it is given is left as it is after some tries.
        """
        last: TargetError | None = None
        for _ in range(_TRIES):
            wanted = revision(self.facts)
            if not wanted:
                return
            try:
                await self.revise(**wanted)
            except TargetUnavailableError as error:
                if not error.lost:
                    raise
                last = error
                await self.read()
            except TargetError as error:
                if error.code != "ckan-contested":
                    raise
                last = error
                await self.read()
            else:
                last = None
        if last is not None:
            raise last
