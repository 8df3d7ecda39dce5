"""Which addresses are public, and which others the operator allows.

An address is public only if nothing says otherwise: whatever is private, local, reserved or carries such an address
inside is refused, also where Python's own `is_global` doesn't know of it yet.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from hub.errors import EgressError
from hub.outward import is_network, place

Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

_REFUSED: tuple[_Network, ...] = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            # Within the part of IPv6 that's given out: Teredo and other protocols, documentation, 6to4.
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
        ),
    )
)
_GIVEN_OUT = IPv6Network("2000::/3")
"""All other IPv6 is local, reserved, or another notation of IPv4."""
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64: the last four bytes are the IPv4 address that's really asked."""
_ISATAP = (0x00005EFE, 0x02005EFE)
METADATA: frozenset[Address] = frozenset(
    map(ip_address, ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"))
) | {ip_address("fd00:ec2::254")}
"""Where clouds tell a machine its own secrets. Some of them look public."""


def is_public(address: Address) -> bool:
    """Say whether an address is anybody's on the Internet."""
    if address in METADATA or any(address in network for network in _REFUSED):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global
    if address in _TRANSLATED:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if address not in _GIVEN_OUT:
        return False
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global


class Allowed:
    """What the operator allows besides what's public."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """Take entries as `[egress] allow` has them; raises EgressError for one that's odd."""
        self._networks: list[_Network] = []
        self._places: set[tuple[str, int]] = set()
        for entry in entries:
            if is_network(entry):
                self._networks.append(ip_network(entry))
            elif found := place(entry):
                self._places.add(found)
            else:
                raise EgressError(f"{entry!r} won't do; write it as 192.168.1.5:8123 or 10.1.2.0/24")

    def names(self, host: str, port: int) -> bool:
        """Say whether this very host and port are allowed, whatever address it has."""
        return (host, port) in self._places

    def covers(self, address: Address, port: int) -> bool:
        """Say whether an address is allowed for a port; where clouds keep secrets it has to be named itself."""
        if (str(address), port) in self._places:
            return True
        return address not in METADATA and any(address in network for network in self._networks)
