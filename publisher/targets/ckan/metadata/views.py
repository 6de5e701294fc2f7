"""A table on the page of each resource that holds one, where the site can show it.

It is made with the resource and not again: whoever takes it away does so for good.
"""

from publisher.errors import TargetError
from publisher.targets.ckan.client import CkanClient
from publisher.targets.ckan.metadata.site import DATA_VIEW, Site


async def add_view(client: CkanClient, site: Site, resource: str, title: str) -> None:
    """Add the view to a new resource, unless the site made one by itself."""
    if DATA_VIEW not in site.plugins:
        return
    there = await client.find("resource_view_list", id=resource) or ()
    if any(view["view_type"] == DATA_VIEW for view in there):
        return
    try:
        await client.call(
            "resource_view_create", resource_id=resource, title=title, view_type=DATA_VIEW
        )
    except TargetError as error:
        if error.code not in {"ckan-rejected", "ckan-refused"}:
            raise  # a page without a table is no reason to fail
