"""What is published of a dataset besides its rows, in the words of the site."""

from publisher.model.catalog import CkanTarget
from publisher.targets.ckan.metadata.base import (
    Changes,
    Destination,
    Profile,
    Wanted,
    WantedResource,
)
from publisher.targets.ckan.metadata.mapped import MappedProfile
from publisher.targets.ckan.metadata.opendata_dk import OpenDataDk
from publisher.targets.ckan.metadata.plain import LINKS, PlainProfile
from publisher.targets.ckan.metadata.site import Site, site
from publisher.targets.ckan.metadata.views import add_view

__all__ = [
    "LINKS",
    "Changes",
    "Destination",
    "Profile",
    "Site",
    "Wanted",
    "WantedResource",
    "add_view",
    "profile",
    "site",
]

PROFILES = {"ckan": PlainProfile, "opendata-dk": OpenDataDk}
"""By the target's ``profile``."""


def profile(spec: CkanTarget) -> Profile:
    found = PROFILES[spec.profile](spec)
    return MappedProfile(spec, found) if spec.fields.package or spec.fields.resource else found
