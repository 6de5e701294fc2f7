"""Where tables were harvested from: addresses that others tell, read and never fetched."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from yarl import URL

from publisher.errors import ConfigurationError
from publisher.model.partner import CkanPartner, CkanTable, Partner
from publisher.model.query import LOCAL
from publisher.model.values import NAME, TableRef
from publisher.partners.base import Origin
from publisher.sources.guard import Guard, is_written_address

_LONGEST = 2_000
"""Characters of an address."""
_MOST_STEPS = 10
"""From one origin to the next."""
_WRITING = {"f", "format", "sep", "decimal", "bom", "shape", "tz", "units", "sort", "count"}
"""Parameters that leave rows and fields as they are."""
_WHOLE = {None, "", "rows", "export"}
_TABLE = re.compile(
    rf"(?P<base>.*)/v1/datasets/(?P<dataset>{NAME})(?:/(?P<table>{NAME})(?:/(?P<way>[^/]*))?)?/?"
)
_WAY = re.compile(rf"({NAME})-(?:api|csv|parquet)")
"""What our DCAT calls a distribution, behind the address of its dataset."""
_RESOURCE = re.compile(
    r"(?P<base>.*?)(?:/[a-z]{2}(?:_[A-Z]{2})?)?"
    r"/(?:dataset/(?P<dataset>[^/]+)(?:/resource/(?P<resource>[^/]+)(?:/.*)?)?"
    r"|datastore/dump/(?P<dumped>[^/]+))/?"
)
_TOP_LEVEL = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
_INSIDE = (".local", ".localhost", ".internal", ".intranet", ".lan", ".home.arpa", ".invalid")
"""Ends of names that stand for nothing outside of one network."""
_OUTSIDE = Guard(private=False)

Told = Callable[[str, TableRef], Origin | None]
"""Gives the origin that a partner tells of its table, or we of ours, as far as that is known."""


@dataclass(frozen=True, slots=True)
class Traced:
    """An origin, and whose it is where we know them."""

    url: str
    source: str | None = None
    """A partner, or ours."""
    dataset: str | None = None
    table: str | None = None
    key: str | None = None
    """Equal of all addresses of one table; None where it is not of a table."""
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Place:
    """What an address of a Publisher or of a CKAN says by its path."""

    kind: str
    base: str
    dataset: str | None
    table: str | None
    """At a CKAN, the resource's id."""
    whole: bool
    path: str


def read_origin(stated: object, *, whole: bool = True) -> Origin | None:
    """Give an address as the origin it is; None where it is not of HTTP.

    It has no credentials, and nothing of a query but whether that takes a part.
    """
    if not isinstance(stated, str) or len(stated) > _LONGEST:
        return None
    try:
        url = URL(stated.strip())
        if url.scheme not in {"http", "https"} or not url.host:
            return None
        place = _place(url)
        # What was expanded from a variable stands in no address that is told
        if "${" in url.path or "${" in url.host:
            return None
        clean = url.with_user(None).with_query(None).with_fragment(None)
        narrowed = bool(url.query.keys() - _WRITING) or (place is not None and not place.whole)
        return Origin(
            str(clean if place is None else clean.with_path(place.path, encoded=True)),
            whole=(whole and not narrowed),
        )
    except ValueError:
        return None


def is_of_table(origin: Origin) -> bool:
    """Tell whether it is known by its form to be the address of one table."""
    place = _place(URL(origin.url))
    return place is not None and place.table is not None


def is_of_publisher(origin: Origin) -> bool:
    """Tell whether it is known by its form to be an address of a Publisher's dataset."""
    place = _place(URL(origin.url))
    return place is not None and place.kind == "publisher"


def is_below(url: URL, base: URL) -> bool:
    """Tell whether an address is that of a site or below it."""
    path = base.raw_path.rstrip("/")
    return _server(url) == _server(base) and (
        url.raw_path == path or url.raw_path.startswith(f"{path}/")
    )


class Addresses:
    """Whose an address is: a partner's, ours, or nobody's that is known."""

    def __init__(
        self,
        partners: Mapping[str, Partner],
        public_url: str | None,
        expand: Callable[[str], str] = str,
    ) -> None:
        self.partners = partners
        self._sites = dict(_sites(partners, public_url, expand))

    def trace(self, origin: Origin) -> Traced | None:
        """Give whose it is; None of an address that is on nobody's network but its own."""
        url = URL(origin.url)
        below = [name for name, site in self._sites.items() if is_below(url, site)]
        if not below:
            if not _public(url):
                return None
            place = _place(url)
            return Traced(origin.url, key=_key(url, place), whole=origin.whole)
        # The longest address is the nearest; ours and the first by name of equal ones
        name = max(below, key=lambda it: len(self._sites[it].raw_path.rstrip("/")))
        found = Traced(origin.url, source=name, whole=origin.whole)
        place = _place(url)
        if place is None or place.base != self._sites[name].raw_path.rstrip("/"):
            return found
        return self._at(found, name, place, _key(url, place))

    def _at(self, found: Traced, name: str, place: _Place, key: str | None) -> Traced:
        spec = self.partners[name].spec if name != LOCAL else None
        kind = "publisher" if spec is None else spec.type
        if kind != place.kind:
            return found
        if not isinstance(spec, CkanPartner):
            return replace(found, dataset=place.dataset, table=place.table, key=key)
        for ref, bound in self.partners[name].tables.items():
            if isinstance(bound.spec, CkanTable) and bound.spec.resource == place.table:
                return replace(found, dataset=ref.dataset, table=ref.table, key=key)
        return replace(found, dataset=place.dataset, key=key)

    def follow(self, origin: Origin | None, told: Told, own: str | None = None) -> Traced | None:
        """Give where the chain of origins ends, as far as others tell of theirs.

        *own* is the key of the table itself, to which nothing leads back.
        """
        found = None
        seen = {own}
        while origin is not None and len(seen) <= _MOST_STEPS:
            here = self.trace(origin)
            if here is None or (here.key is not None and here.key in seen):
                break
            found = here if found is None else replace(here, whole=found.whole and here.whole)
            seen.add(here.key)
            origin = told_of(here, told)
        return found

    def key(self, source: str, ref: TableRef) -> str:
        """Give what addresses of a table are known by."""
        site = self._sites.get(source)
        spec = self.partners[source].spec if source in self.partners else None
        if site is not None and (source == LOCAL or (spec and spec.type == "publisher")):
            return f"{_server(site)}{site.raw_path.rstrip('/')}#{ref}"
        if site is not None and isinstance(spec, CkanPartner):
            tables = self.partners[source].tables
            ids = {
                it: of.spec.resource for it, of in tables.items() if isinstance(of.spec, CkanTable)
            }
            # Several tables that are read from one resource are parts of it, each another
            if ref in ids and Counter(ids.values())[ids[ref]] == 1:
                return f"{_server(site)}{site.raw_path.rstrip('/')}#{ids[ref]}"
        return f"{source}#{ref}"


def told_of(here: Traced, told: Told) -> Origin | None:
    """Give the origin of the table that another came from."""
    if here.source is None or here.dataset is None or here.table is None:
        return None
    return told(here.source, TableRef(here.dataset, here.table))


def _sites(
    partners: Mapping[str, Partner], public_url: str | None, expand: Callable[[str], str]
) -> Iterator[tuple[str, URL]]:
    if public_url is not None:
        yield LOCAL, URL(public_url)
    for name, partner in sorted(partners.items()):
        try:
            url = URL(expand(partner.spec.url))
        except (ConfigurationError, ValueError):
            continue  # it is told when it is asked
        if url.host:
            yield name, url


def _place(url: URL) -> _Place | None:
    found = _TABLE.fullmatch(url.raw_path)
    if found is not None:
        dataset, table, way = found["dataset"], found["table"], found["way"]
        if table is None and (named := _WAY.fullmatch(url.fragment)) is not None:
            table = named[1]
        if way not in _WHOLE and way != "latest":
            table = None  # no rows of it
        path = f"{found['base']}/v1/datasets/{dataset}{f'/{table}' if table else ''}"
        return _Place("publisher", found["base"], dataset, table, way in _WHOLE, path)
    found = _RESOURCE.fullmatch(url.raw_path)
    if found is None:
        return None
    resource = found["resource"] or found["dumped"]
    path = url.raw_path
    if found["resource"]:
        path = url.raw_path[: found.end("resource")]
    return _Place("ckan", found["base"], found["dataset"], resource, whole=True, path=path)


def _key(url: URL, place: _Place | None) -> str | None:
    if place is None or place.table is None:
        return None
    table = f"{place.dataset}/{place.table}" if place.kind == "publisher" else place.table
    return f"{_server(url)}{place.base}#{table}"


def _server(url: URL) -> str:
    """Give the server of an address: HTTP and HTTPS at their own ports are one."""
    host = (url.host or "").rstrip(".").lower()
    return host if url.is_default_port() else f"{host}:{url.port}"


def _public(url: URL) -> bool:
    """Tell whether a host may be one that everybody can ask: nobody's name is looked up."""
    host = (url.host or "").rstrip(".").lower()
    if is_written_address(url):
        return host != "localhost" and _OUTSIDE.permits(host, url.port or 0, host)
    name, dot, top = host.rpartition(".")
    return bool(dot and name and _TOP_LEVEL.fullmatch(top)) and not host.endswith(_INSIDE)
