"""Open licences by their Open Definition id, and what catalogs call them.

Sources: https://licenses.opendefinition.org ; CKAN's own list (``license_list`` of 2.12).
"""

from collections.abc import Mapping
from typing import NamedTuple

from publisher.model.dataset import License


class KnownLicense(NamedTuple):
    path: str
    title: str
    ckan: str
    """Its id in a CKAN without a licence list of its own."""


LICENSES: Mapping[str, KnownLicense] = {
    "CC-BY-4.0": KnownLicense(
        "https://creativecommons.org/licenses/by/4.0/",
        "Creative Commons Attribution 4.0 International",
        "cc-by",
    ),
    "CC-BY-SA-4.0": KnownLicense(
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "Creative Commons Attribution Share-Alike 4.0 International",
        "cc-by-sa",
    ),
    "CC-BY-NC-4.0": KnownLicense(
        "https://creativecommons.org/licenses/by-nc/4.0/",
        "Creative Commons Attribution Non-Commercial 4.0 International",
        "cc-nc",
    ),
    "CC0-1.0": KnownLicense(
        "https://creativecommons.org/publicdomain/zero/1.0/",
        "Creative Commons Zero 1.0 Universal",
        "cc-zero",
    ),
    "ODC-BY-1.0": KnownLicense(
        "https://opendatacommons.org/licenses/by/1-0/",
        "Open Data Commons Attribution License 1.0",
        "odc-by",
    ),
    "ODbL-1.0": KnownLicense(
        "https://opendatacommons.org/licenses/odbl/1-0/",
        "Open Data Commons Open Database License 1.0",
        "odc-odbl",
    ),
    "PDDL-1.0": KnownLicense(
        "https://opendatacommons.org/licenses/pddl/1-0/",
        "Open Data Commons Public Domain Dedication and License 1.0",
        "odc-pddl",
    ),
}


def ckan_license(licenses: tuple[License, ...]) -> str:
    """Give CKAN's id of the first licence; one it does not know goes under its own name."""
    if not licenses or licenses[0].name is None:
        return "notspecified"
    name = licenses[0].name
    return LICENSES[name].ckan if name in LICENSES else name
