"""What befalls a dataset in CKAN beside Publisher: by its editors, its administrators, by others.

STATE_FAULTS is the whole list. Each is done at once through CKAN's API, as the site's
administrator; where only people can put it right, it gives how they do. LookupError says that
what it would spoil is not there, as after another of them.

    async with own_corner(ckan) as corner:         # an organisation, an editor and a token
        ...                                        # publish with corner.token
        heal = await STATE_FAULTS["token revoked"](corner, package)
        ...
        if heal is not None:
            await heal()                           # corner.token may be another now
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import ckan_site
from ckan_site import RefusedError
from support import CkanSite

Heal = Callable[[], Awaitable[None]]


@dataclass
class Corner:
    """An organisation of a test's own, and the token of an editor who may work in it alone.

    The editor has the organisation's name.
    """

    site: CkanSite
    organization: str
    token: str = field(repr=False)

    async def call(self, action: str, **parameters: Any) -> Any:
        """Give an action's result, as the site's administrator; raises RefusedError."""
        return await asyncio.to_thread(ckan_site.call, self.site, action, **parameters)

    async def find(self, action: str, **parameters: Any) -> Any:
        """Give an action's result; None where CKAN has no such thing."""
        try:
            return await self.call(action, **parameters)
        except RefusedError as refusal:
            if refusal.status == 404:
                return None
            raise

    async def new_token(self) -> None:
        mine = replace(self.site, organization=self.organization)
        self.token = (await asyncio.to_thread(ckan_site.new_token, self.site, mine)).token

    async def packages(self, **which: Any) -> list[str]:
        found = await self.call(
            "package_search",
            fq=f"organization:{self.organization}",
            include_private=True,
            rows=1000,
            **which,
        )
        return [package["id"] for package in found["results"]]

    async def resource(self, package: str) -> str:
        """Give the id of the package's first resource that has a table; raises LookupError."""
        for item in (await self.call("package_show", id=package))["resources"]:
            if item["datastore_active"]:
                return str(item["id"])
        raise LookupError(f"no resource of {package} has a table")

    async def fields(self, resource: str) -> list[dict[str, Any]]:
        """Give the table's columns as datastore_create takes them."""
        info = await self.call("datastore_info", id=resource)
        return [
            {"id": field["id"], "type": field["type"], "info": field.get("info") or {}}
            for field in info["fields"]
        ]

    async def rows(self, resource: str, limit: int = 32_000) -> list[dict[str, Any]]:
        found = await self.call("datastore_search", resource_id=resource, limit=limit, sort="_id")
        return list(found["records"])


@asynccontextmanager
async def own_corner(site: CkanSite) -> AsyncIterator[Corner]:
    """Make a corner, and take it and its datasets away again."""
    with ckan_site.editor(site) as theirs:
        yield Corner(site, theirs.organization, theirs.token)


async def revoke(corner: Corner) -> None:
    await asyncio.to_thread(ckan_site.revoke, corner.site, corner.token)


async def token_revoked(corner: Corner, package: str) -> Heal:
    await revoke(corner)
    return corner.new_token


async def organization_deleted(corner: Corner, package: str) -> Heal:
    """CKAN deletes no organisation that has datasets: they are deleted first."""
    packages = await corner.packages()
    for each in packages:
        await corner.call("package_delete", id=each)
    await corner.call("organization_delete", id=corner.organization)

    async def restore() -> None:
        await corner.call("organization_patch", id=corner.organization, state="active")
        await corner.call(
            "organization_member_create",
            id=corner.organization,
            username=corner.organization,
            role="editor",
        )
        for each in packages:
            await corner.call("package_patch", id=each, state="active")

    return restore


async def package_deleted(corner: Corner, package: str) -> None:
    await corner.call("package_delete", id=package)


def _edited(**values: Any) -> "StateFault":
    async def edit(corner: Corner, package: str) -> None:
        await corner.call("package_patch", id=package, **values)

    return edit


async def extra_edited(corner: Corner, package: str) -> None:
    """Somebody writes in an extra of Publisher's, though not in those that say whose it is."""
    extras = (await corner.call("package_show", id=package))["extras"]
    ours = [
        extra["key"]
        for extra in extras
        if extra["key"].startswith("publisher_")
        and extra["key"] not in {"publisher_installation", "publisher_dataset"}
    ]
    if not ours:
        raise LookupError(f"{package} has no extra of Publisher's")
    await corner.call(
        "package_patch",
        id=package,
        extras=[
            {"key": extra["key"], "value": "by hand" if extra["key"] == ours[0] else extra["value"]}
            for extra in extras
        ],
    )


async def resource_edited(corner: Corner, package: str) -> None:
    await corner.call(
        "resource_patch", id=await corner.resource(package), name="By hand", description="By hand"
    )


async def resource_deleted(corner: Corner, package: str) -> None:
    await corner.call("resource_delete", id=await corner.resource(package))


async def table_dropped(corner: Corner, package: str) -> None:
    await corner.call("datastore_delete", resource_id=await corner.resource(package), force=True)


async def table_truncated(corner: Corner, package: str) -> None:
    await corner.call(
        "datastore_records_delete",
        resource_id=await corner.resource(package),
        filters={},
        force=True,
    )


async def column_added(corner: Corner, package: str) -> None:
    resource = await corner.resource(package)
    await _describe(corner, resource, [*await corner.fields(resource), _BY_HAND])


async def column_dropped(corner: Corner, package: str) -> None:
    """The last one, which is least likely to be of the key."""
    resource = await corner.resource(package)
    await _describe(corner, resource, (await corner.fields(resource))[:-1], delete_fields=True)


async def marker_removed(corner: Corner, package: str) -> None:
    """The whole data dictionary is emptied, and with it the version that stands in it."""
    resource = await corner.resource(package)
    await _describe(
        corner, resource, [{**field, "info": {}} for field in await corner.fields(resource)]
    )


_BY_HAND = {"id": "by_hand", "type": "text", "info": {"label": "By hand"}}


async def _describe(
    corner: Corner, resource: str, fields: list[dict[str, Any]], **more: Any
) -> None:
    await corner.call("datastore_create", resource_id=resource, fields=fields, force=True, **more)


async def rows_changed(corner: Corner, package: str) -> None:
    """Three rows get a null where they had a value, in the last column that has one."""
    resource = await corner.resource(package)
    rows = (await corner.rows(resource))[:3]
    column = [name for name, value in rows[0].items() if value is not None][-1]
    await _upsert(corner, resource, [{"_id": row["_id"], column: None} for row in rows], "update")


async def rows_deleted(corner: Corner, package: str) -> None:
    resource = await corner.resource(package)
    await corner.call(
        "datastore_records_delete",
        resource_id=resource,
        filters={"_id": [row["_id"] for row in await corner.rows(resource, 3)]},
        force=True,
    )


async def rows_added(corner: Corner, package: str) -> None:
    """Copies of three rows whose texts are other ones: with a key of texts it is another key."""
    resource = await corner.resource(package)
    texts = [field["id"] for field in await corner.fields(resource) if field["type"] == "text"]
    rows = [
        {**row, **{name: f"by hand {row[name]}" for name in texts}}
        for row in await corner.rows(resource, 3)
    ]
    for row in rows:
        del row["_id"]
    await _upsert(corner, resource, rows, "insert")


async def _upsert(
    corner: Corner, resource: str, records: list[dict[str, Any]], method: str
) -> None:
    await corner.call(
        "datastore_upsert", resource_id=resource, records=records, method=method, force=True
    )


async def name_taken(corner: Corner, package: str) -> Heal:
    """Ours is deleted and another installation publishes its own under that name."""
    ours = await corner.call("package_show", id=package)
    await corner.call("package_delete", id=package)
    theirs = await corner.call(
        "package_create",
        name=ours["name"],
        owner_org=corner.organization,
        title="Another installation's",
        extras=[{"key": "publisher_installation", "value": str(uuid.uuid4())}],
    )

    async def withdraw() -> None:
        await corner.call("dataset_purge", id=theirs["id"])

    return withdraw


StateFault = Callable[[Corner, str], Awaitable[Heal | None]]

STATE_FAULTS: Mapping[str, StateFault] = {
    "token revoked": token_revoked,
    "organisation deleted": organization_deleted,
    "package deleted": package_deleted,
    "title edited": _edited(title="By hand"),
    "notes edited": _edited(notes="By hand"),
    "tags edited": _edited(tags=[{"name": "by hand"}]),
    "extra edited": extra_edited,
    "made private": _edited(private=True),
    "resource edited": resource_edited,
    "resource deleted": resource_deleted,
    "table dropped": table_dropped,
    "table truncated": table_truncated,
    "column added": column_added,
    "column dropped": column_dropped,
    "marker removed": marker_removed,
    "rows changed": rows_changed,
    "rows deleted": rows_deleted,
    "rows added": rows_added,
    "name taken": name_taken,
}
