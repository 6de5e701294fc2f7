"""Where an HTTP source may lead: which addresses a connection may be made to.

A steward may name a system on the municipality's own network; what answers there may not
send us on to another one (a redirect to a router, a database or a cloud's metadata service).
The check is made on the addresses that are then connected to, so that a name which answers
differently a second time gains nothing.
"""

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")  # RFC 3879: deprecated, and routed all the same
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (  # those that are not link-local
            "fd00:ec2::254",  # Amazon
            "168.63.129.16",  # Azure's platform
            "192.0.0.192",  # Oracle
            "100.100.100.200",  # Alibaba
        ),
    )
)


class AddressRefusedError(Exception):
    """A host has no address that may be connected to; caught where the URL is known."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(host, address)
        self.host = host
        self.address = address


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides on addresses: link-local ones and metadata services never."""

    private: bool
    """Whether private networks are open to all hosts: for URLs that a steward wrote."""
    hosts: Collection[str] = ()
    """``host`` or ``host:port`` that may be on a private network anyway."""

    def permits(self, host: str, port: int, address: str) -> bool:
        found = _meant(ipaddress.ip_address(address))
        if found.is_link_local or found in _METADATA:
            return False
        return self.private or self._named(host, port) or (found.is_global and not _special(found))

    def check_literal(self, url: URL) -> None:
        """Raise AddressRefusedError where the URL's host is written as a forbidden address."""
        host = url.host or ""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return  # a name: the resolver's answer is checked
        if not self.permits(host, url.port or 0, host):
            raise AddressRefusedError(host, host)

    def names(self, url: URL) -> bool:
        """Tell whether the URL's host is one of *hosts*."""
        return self._named(url.host or "", url.port or 0)

    def _named(self, host: str, port: int) -> bool:
        host = host.lower().rstrip(".")
        shown = f"[{host}]" if ":" in host else host
        return any(name.lower() in {host, shown, f"{shown}:{port}"} for name in self.hosts)


class GuardedResolver(AbstractResolver):
    """Resolves names, and hands on only the addresses that *guard* permits."""

    def __init__(self, resolver: AbstractResolver, guard: Guard) -> None:
        self._resolver = resolver
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        permitted = [it for it in found if self._guard.permits(host, port, it["host"])]
        if found and not permitted:
            raise AddressRefusedError(host, found[0]["host"])
        return permitted

    async def close(self) -> None:
        await self._resolver.close()


def is_written_address(url: URL) -> bool:
    """Tell whether the URL's host is written as an address, or is this machine by its name."""
    host = url.host or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.rstrip(".").lower() == "localhost"
    return True


def same_origin(stated: URL, target: URL) -> bool:
    """Whether both are one server; http on port 80 moving to https on 443 stays at home."""
    if stated.host != target.host:
        return False
    return (stated.scheme, stated.port) == (target.scheme, target.port) or (
        (stated.scheme, stated.port) == ("http", 80)
        and (target.scheme, target.port) == ("https", 443)
    )


def _meant(address: Address) -> Any:
    """Give the IPv4 address that an IPv6 one stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo and teredo[1]) or address


def _special(address: Address) -> bool:
    inner = address.version == 6 and address in _SITE_LOCAL
    return inner or address.is_multicast or address.is_unspecified or address.is_reserved
