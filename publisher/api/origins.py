"""Where tables came from: what is told of ours, and what partners tell of theirs."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from publisher.api import answers
from publisher.api.parts import Parts
from publisher.model.catalog import TableEntry
from publisher.model.dataset import HttpSource
from publisher.model.query import LOCAL
from publisher.model.values import TableRef
from publisher.partners import Addresses, Origin, Traced, is_of_publisher, read_origin


def addresses_of(parts: Parts) -> Addresses:
    """Give whose addresses are known here."""
    if parts.partners is not None:
        return parts.partners.addresses
    return Addresses({}, parts.settings.public_url)


def told_by(parts: Parts, source: str, ref: TableRef) -> Origin | None:
    """Give the origin that whoever has a table tells of it, as far as that is known."""
    if source != LOCAL:
        return None if parts.partners is None else parts.partners.told(source, ref)
    entry = parts.catalog().entries.get(ref)
    if entry is None or not entry.dataset.public:
        return None
    return stated_origin(entry, addresses_of(parts))


def stated_origin(entry: TableEntry, addresses: Addresses) -> Origin | None:
    """Give where our own table came from, where that may be told.

    It is the one source that the steward names; else the address it is harvested from, where that
    is a partner's or another Publisher's: what other department systems are called stays inside.
    """
    sources = entry.resource.sources
    if not sources and len(entry.dataset.resources) == 1:
        sources = entry.dataset.sources
    if sources:
        return read_origin(sources[0].path) if len(sources) == 1 else None
    source = entry.harvest.source if entry.harvest is not None else None
    if not isinstance(source, HttpSource):
        return None
    found = read_origin(source.url)
    traced = None if found is None else addresses.trace(found)
    if found is None or traced is None or (traced.source is None and not is_of_publisher(found)):
        return None
    return found


def origin_of_entry(parts: Parts, entry: TableEntry) -> Traced | None:
    """Give where our own table came from in the end."""
    addresses = addresses_of(parts)
    return origin_of(parts, LOCAL, entry.ref, stated_origin(entry, addresses))


def origin_of(parts: Parts, source: str, ref: TableRef, origin: Origin | None) -> Traced | None:
    """Give where a table came from in the end, as far as others told; nobody is asked."""
    if origin is None:
        return None
    addresses = addresses_of(parts)
    own = addresses.key(source, ref)
    return addresses.follow(origin, partial(told_by, parts), own)


def shown(of: Traced | None) -> answers.Origin | None:
    if of is None:
        return None
    return answers.Origin(
        url=of.url, source=of.source, dataset=of.dataset, table=of.table, whole=of.whole
    )


def common(found: Sequence[Traced | None]) -> Traced | None:
    """Give the origin of a dataset: what all its tables came from."""
    known = [it for it in found if it is not None]
    if not known or len(known) < len(found):
        return None
    first = known[0]
    if all(it == first for it in known):
        return first
    above = {_dataset_url(it) for it in known}
    if len(above) > 1 or first.dataset is None:
        return None
    whole = all(it.whole for it in known)
    return replace(first, url=above.pop(), table=None, key=None, whole=whole)


def _dataset_url(of: Traced) -> str:
    return of.url.rpartition("/")[0].removesuffix("/resource") if of.table else of.url
