"""How often somebody may ask: token buckets, by what's asked for and by who asks.

A bucket holds as many requests as may be made in a minute (or in its own time) and fills up evenly; it's full again
after that time, so that forgetting one that wasn't asked for so long forgets nothing. There are at most so many.
Processes that share a database have buckets of their own: N of them let through up to N times as much.
"""

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from hub.ports import Clock
from hub.shelves import ShelfConfig

MANY = 100_000
"""Buckets in memory; who was away longest is forgotten first."""
MINUTE, DAY = 60.0, 86_400.0
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Quota(Struct, frozen=True, kw_only=True):
    """How much of one thing somebody may ask for."""

    name: str
    """As it stands in RateLimit-Policy."""
    most: int
    seconds: float


class Standing(Struct, frozen=True, kw_only=True):
    """How somebody stands after a request."""

    quota: Quota
    allowed: bool
    left: int
    full_in: float
    """Seconds until nothing of it is used."""
    after: float
    """Seconds until there's one again."""


class Limits:
    """Counts requests against quotas."""

    def __init__(self, clock: Clock, quotas: Mapping[str, Quota], many: int = MANY) -> None:
        self._clock = clock
        self._quotas = quotas
        self._many = many
        self._levels: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, quota: str, who: str) -> Standing:
        """Count a request, if there's room for it."""
        rule, now = self._quotas[quota], self._clock.monotonic()
        rate = rule.most / rule.seconds
        level, at = self._levels.pop((quota, who), (float(rule.most), now))
        level = min(float(rule.most), level + (now - at) * rate)
        # A hair's breadth of rounding is no reason to have somebody wait.
        allowed = level >= 1 - 1e-9
        level = max(0.0, level - 1) if allowed else level
        self._levels[quota, who] = (level, now)
        if len(self._levels) > self._many:
            self._levels.popitem(last=False)
        return Standing(
            quota=rule,
            allowed=allowed,
            left=int(level + 1e-9),
            full_in=(rule.most - level) / rate,
            after=0.0 if level >= 1 else (1 - level) / rate,
        )

    def __len__(self) -> int:
        """Return how many buckets there are."""
        return len(self._levels)


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


def policies(standings: Sequence[Standing]) -> str:
    """Return RateLimit-Policy, as draft-ietf-httpapi-ratelimit-headers-09 has it."""
    rules = {standing.quota.name: standing.quota for standing in standings}
    return ", ".join(f'"{rule.name}";q={rule.most};w={math.ceil(rule.seconds)}' for rule in rules.values())


def told(standings: Sequence[Standing]) -> str:
    """Return RateLimit, as the same draft has it: of each quota the one of which least is left."""
    least: dict[str, Standing] = {}
    for standing in sorted(standings, key=lambda each: -each.left):
        least[standing.quota.name] = standing
    return ", ".join(f'"{name}";r={each.left};t={math.ceil(each.full_in)}' for name, each in least.items())


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
