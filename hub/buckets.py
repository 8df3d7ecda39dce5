"""How often somebody may ask: token buckets, by what's asked for and by who asks.

A bucket holds as many requests as may be made in a minute (or in its own time) and fills up evenly; it's full again
after that time, so that forgetting one that wasn't asked for so long forgets nothing. There are at most so many.
Processes that share a database have buckets of their own: N of them let through up to N times as much.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence

from msgspec import Struct

from hub.ports import Clock

MANY = 100_000
"""Buckets in memory; who was away longest is forgotten first."""


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


class Buckets:
    """Counts requests against quotas."""

    def __init__(self, clock: Clock, many: int = MANY) -> None:
        self._clock = clock
        self._many = many
        self._levels: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, rule: Quota, who: str) -> Standing:
        """Count a request, if there's room for it."""
        now, rate = self._clock.monotonic(), rule.most / rule.seconds
        level, at = self._levels.pop((rule.name, who), (float(rule.most), now))
        level = min(float(rule.most), level + (now - at) * rate)
        # A hair's breadth of rounding is no reason to have somebody wait.
        allowed = level >= 1 - 1e-9
        level = max(0.0, level - 1) if allowed else level
        self._levels[rule.name, who] = (level, now)
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
