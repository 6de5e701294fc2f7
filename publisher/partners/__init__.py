"""Partners: tables of others, asked where they lie.

A kind of partner is a small file here, a line in ``ADAPTERS``, a spec in
``publisher.model.partner`` and a page in docs/partners.
"""

from publisher.partners.base import Ask, Fetched, Grouped, Origin, Remote, RemoteDataset, Status
from publisher.partners.federation import ADAPTERS, Partners, View
from publisher.partners.origins import Addresses, Traced, is_of_publisher, read_origin, told_of

__all__ = [
    "ADAPTERS",
    "Addresses",
    "Ask",
    "Fetched",
    "Grouped",
    "Origin",
    "Partners",
    "Remote",
    "RemoteDataset",
    "Status",
    "Traced",
    "View",
    "is_of_publisher",
    "read_origin",
    "told_of",
]
