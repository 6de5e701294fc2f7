"""Where a CKAN's package was harvested from, by what ckanext-harvest and ckanext-dcat leave in it.

Of a package: the extras ``uri`` and ``guid`` (the dataset's address in the feed), ``identifier``
(DCAT's), ``harvest_source_url``. Of a resource: ``uri``, ``access_url``, ``download_url``, ``url``.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from yarl import URL

from publisher.partners.base import Origin
from publisher.partners.origins import is_below, is_of_publisher, is_of_table, read_origin

_OF_RESOURCE = ("uri", "access_url", "download_url", "url")
_OF_PACKAGE = ("uri", "guid", "identifier", "url")


def origin_of(package: Mapping[str, Any], resource: Mapping[str, Any], site: URL) -> Origin | None:
    """Give the address that a resource came from; None where it is at home at the *site*.

    Its own addresses count before those of the package, and of these the first that is of a table.
    """
    own = list(_elsewhere((resource.get(name) for name in _OF_RESOURCE), site))
    if own:
        return next((it for it in own if is_of_table(it)), own[-1])
    extras = package.get("extras")
    extras = [it for it in extras if isinstance(it, dict)] if isinstance(extras, list) else []
    told = {str(it.get("key")): it.get("value") for it in extras}
    found = list(_elsewhere((told.get(it) or package.get(it) for it in _OF_PACKAGE), site))
    known = [it for it in found if is_of_table(it) or is_of_publisher(it)]
    if known:
        return known[0]
    # Any page may be the package's `url`; a guid is an address where it came from a feed
    harvested = (told.get(it) for it in ("uri", "guid", "harvest_source_url"))
    return next(_elsewhere(harvested, site), None)


def _elsewhere(stated: Iterable[object], site: URL) -> Iterator[Origin]:
    for text in stated:
        found = read_origin(text)
        if found is not None and not is_below(URL(found.url), site):
            yield found
