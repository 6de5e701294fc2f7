"""Open licences by their Open Definition id, and what catalogs call them.

Sources: https://licenses.opendefinition.org ; CKAN's own list (``license_list`` of 2.12).
"""

from collections.abc import Mapping
from typing import NamedTuple


class KnownLicense(NamedTuple):
    path: str
    title: str
    ckan: str
    """Its id in a CKAN without a licence list of its own."""
    ckan_title: str
    """Its title in that list, by which ckanext-dcat's harvester knows it."""
    eu: str
    """Its code in the EU's authority table."""


LICENSES: Mapping[str, KnownLicense] = {
    "CC-BY-4.0": KnownLicense(
        "https://creativecommons.org/licenses/by/4.0/",
        "Creative Commons Attribution 4.0 International",
        "cc-by",
        "Creative Commons Attribution",
        "CC_BY_4_0",
    ),
    "CC-BY-SA-4.0": KnownLicense(
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "Creative Commons Attribution Share-Alike 4.0 International",
        "cc-by-sa",
        "Creative Commons Attribution Share-Alike",
        "CC_BYSA_4_0",
    ),
    "CC-BY-NC-4.0": KnownLicense(
        "https://creativecommons.org/licenses/by-nc/4.0/",
        "Creative Commons Attribution Non-Commercial 4.0 International",
        "cc-nc",
        "Creative Commons Non-Commercial (Any)",
        "CC_BYNC_4_0",
    ),
    "CC0-1.0": KnownLicense(
        "https://creativecommons.org/publicdomain/zero/1.0/",
        "Creative Commons Zero 1.0 Universal",
        "cc-zero",
        "Creative Commons CCZero",
        "CC0",
    ),
    "ODC-BY-1.0": KnownLicense(
        "https://opendatacommons.org/licenses/by/1-0/",
        "Open Data Commons Attribution License 1.0",
        "odc-by",
        "Open Data Commons Attribution License",
        "ODC_BY",
    ),
    "ODbL-1.0": KnownLicense(
        "https://opendatacommons.org/licenses/odbl/1-0/",
        "Open Data Commons Open Database License 1.0",
        "odc-odbl",
        "Open Data Commons Open Database License (ODbL)",
        "ODC_BL",
    ),
    "PDDL-1.0": KnownLicense(
        "https://opendatacommons.org/licenses/pddl/1-0/",
        "Open Data Commons Public Domain Dedication and License 1.0",
        "odc-pddl",
        "Open Data Commons Public Domain Dedication and License (PDDL)",
        "ODC_PDDL",
    ),
}
