"""A package in few words, as searches and pages list it, with what its ratings come to.

What's shown is no plain mean: each package starts with a few votes at the mean of all the registry's ratings, so that
one friend's five stars don't put it above what hundreds found good.
"""

from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection, func, select

from hub.ports import Clock
from hub.records import PackageKind
from hub.registry.records import Listing
from hub.registry.shelf import Shelf
from hub.registry.tables import listings

VOTES = 5
"""That every package starts with."""
NEUTRAL = 3.0
"""What they are worth while nobody has rated anything."""
RENEWED = timedelta(minutes=1)


class Score(Struct, frozen=True, kw_only=True):
    """What people think of a package."""

    mean: float | None
    """1 to 5, among them 5 votes at the registry's mean; null while nobody rated it."""
    n: int
    """How many rated it."""


class Summary(Struct, frozen=True, kw_only=True):
    """A package in few words."""

    publisher: str
    name: str
    kind: PackageKind
    description: str
    tags: tuple[str, ...]
    latest: str
    updated_at: datetime
    downloads: int
    installs: int
    """Hubs that proved that they fetched it."""
    rating: Score


class Usual:
    """The mean of all the registry's ratings, looked up once a minute."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock
        self._mean = NEUTRAL
        self._good_until = float("-inf")

    async def mean(self) -> float:
        """Return it."""
        if self._clock.monotonic() >= self._good_until:
            self._mean = await self._shelf.read(usual)
            self._good_until = self._clock.monotonic() + RENEWED.total_seconds()
        return self._mean


def usual(connection: Connection) -> float:
    """Return the mean of all ratings that count."""
    sums = select(func.sum(listings.c.stars), func.sum(listings.c.ratings)).where(listings.c.ratings > 0)
    stars, ratings = connection.execute(sums).one()
    return float(stars) / float(ratings) if ratings else NEUTRAL


def bayesian(stars: int, ratings: int, usual: float) -> float:
    """Return the mean of so many stars in so many ratings, among the votes that every package starts with."""
    return (VOTES * usual + stars) / (VOTES + ratings)


def summary_of(listing: Listing, usual: float) -> Summary:
    """Return a package in few words."""
    mean = round(bayesian(listing.stars, listing.ratings, usual), 2) if listing.ratings else None
    return Summary(
        publisher=listing.publisher,
        name=listing.name,
        kind=listing.kind,
        description=listing.description,
        tags=listing.tags,
        latest=listing.latest,
        updated_at=listing.updated_at,
        downloads=listing.downloads,
        installs=listing.installs,
        rating=Score(mean=mean, n=listing.ratings),
    )
