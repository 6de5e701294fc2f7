"""Partners: tables of others, asked where they lie.

A kind of partner is a small file here, a line in ``ADAPTERS``, a spec in
``publisher.model.partner`` and a page in docs/partners.
"""

from publisher.partners.base import Ask, Fetched, Grouped, Remote, RemoteDataset, Status
from publisher.partners.federation import ADAPTERS, Partners, View

__all__ = [
    "ADAPTERS",
    "Ask",
    "Fetched",
    "Grouped",
    "Partners",
    "Remote",
    "RemoteDataset",
    "Status",
    "View",
]
