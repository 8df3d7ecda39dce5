"""How often somebody may ask a registry for what, and which address they're counted for: see hub.buckets."""

import ipaddress
from collections.abc import Mapping, Sequence

from hub.buckets import MANY, Buckets, Quota, Standing
from hub.ports import Clock
from hub.shelves import ShelfConfig

MINUTE, DAY = 60.0, 86_400.0
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Limits:
    """Counts requests against quotas."""

    def __init__(self, clock: Clock, quotas: Mapping[str, Quota], many: int = MANY) -> None:
        self._buckets = Buckets(clock, many)
        self._quotas = quotas

    def take(self, quota: str, who: str) -> Standing:
        """Count a request, if there's room for it."""
        return self._buckets.take(self._quotas[quota], who)

    def __len__(self) -> int:
        """Return how many buckets there are."""
        return len(self._buckets)


def quotas_of(config: ShelfConfig) -> dict[str, Quota]:
    """Return the quotas that a config sets."""
    rules = (
        ("reads", config.reads_per_minute, MINUTE),
        ("downloads", config.downloads_per_minute, MINUTE),
        ("writes", config.writes_per_minute, MINUTE),
        ("sign-ins", config.sign_ins_per_minute, MINUTE),
        ("sign-ups", config.sign_ups_per_day, DAY),
    )
    return {name: Quota(name=name, most=most, seconds=seconds) for name, most, seconds in rules}


def address_of(peer: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """Return whose address a request is counted for; `forwarded` are X-Forwarded-For's, the nearest last.

    Only what a known proxy says is believed, and only of who came to it. IPv6 has a network of 2**64 addresses for
    each customer: they count as one.
    """
    current = peer
    for named in reversed(forwarded):
        known = _address(current)
        if known is None or not any(known in network for network in proxies):
            break
        if _address(named.strip()) is None:
            break
        current = named.strip()
    found = _address(current)
    if found is None:
        return current[:60]
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
    return str(found)


def networks_of(proxies: Sequence[str]) -> tuple[Network, ...]:
    """Return addresses, or networks as 10.0.0.0/8; raises ValueError."""
    return tuple(ipaddress.ip_network(each, strict=False) for each in proxies)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
