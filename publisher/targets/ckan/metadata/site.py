"""What a CKAN site has and lets us do, asked once."""

from dataclasses import dataclass
from typing import Any

from publisher.errors import TargetError
from publisher.targets.ckan.client import CkanClient

DATA_VIEW = "datatables_view"


@dataclass(frozen=True, slots=True)
class Site:
    plugins: frozenset[str] = frozenset()
    licenses: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    """By name; those that the token may put datasets in."""


async def site(client: CkanClient) -> Site:
    """Ask the site; what it does not tell, it does not have. Raises what the client does."""
    status = await _ask(client, "status_show") or {}
    return Site(
        plugins=frozenset(status.get("extensions") or ()),
        licenses=frozenset(it["id"] for it in await _ask(client, "license_list") or ()),
        groups=frozenset(it["name"] for it in await _ask(client, "group_list_authz") or ()),
    )


async def _ask(client: CkanClient, action: str) -> Any:
    try:
        return await client.find(action)
    except TargetError as error:
        if error.code == "ckan-refused":
            return None
        raise
