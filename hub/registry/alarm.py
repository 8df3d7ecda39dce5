"""When ratings of a package come in such numbers that somebody may be playing many.

A burst is held against the package's own past: so many in a day that it's three standard deviations above its days so
far. And once enough people have rated a package, one day moves what's shown by a tenth of a star at most, however many
come. A package that few have rated is moved by each one; there only the burst counts.
"""

from collections import Counter
from datetime import datetime, timedelta
from math import sqrt

from msgspec import Struct
from sqlalchemy import Connection, and_, func, select

from hub.registry.records import Listing
from hub.registry.summaries import VOTES, bayesian
from hub.registry.tables import ratings

DAYS = 28
"""That a package is held against."""
FEWEST = 5
"""In a day: so many are never a burst."""
DEVIATIONS = 3.0
SETTLED = 50
"""Ratings from which on one day doesn't change what's shown by more than DRIFT."""
DRIFT = 0.09
WIDEST = 4
"""Stars that somebody can turn a rating by."""
DAY = timedelta(days=1)


class Coming(Struct, frozen=True, kw_only=True):
    """A rating that's about to be kept."""

    stars: int
    before: int
    """Its stars that count so far; 0: it's new."""


def is_burst(connection: Connection, listing: Listing, coming: Coming, usual: float, now: datetime) -> bool:
    """Say whether a rating is to be held back until a moderator has looked at it."""
    package = and_(ratings.c.publisher == listing.publisher, ratings.c.name == listing.name)
    # What's held is in the day's number, so that an alarm lasts, but not in the past that later days are held against.
    lately = and_(package, ratings.c.updated_at > now - DAY)
    today = 1 + connection.execute(select(func.count()).select_from(ratings).where(lately)).scalar_one()
    past = and_(package, ratings.c.counted, ratings.c.created_at > now - DAY * (DAYS + 1))
    rows = connection.execute(select(ratings.c.created_at).where(past, ratings.c.created_at <= now - DAY))
    mean, deviation = spread(Counter((now - row.created_at) // DAY for row in rows))
    if today > FEWEST and today > mean + DEVIATIONS * deviation:
        return True
    return listing.ratings >= SETTLED and _moved(connection, listing, coming, usual, now) > DRIFT


def spread(days: Counter[int]) -> tuple[float, float]:
    """Return the mean and the standard deviation of what came on each of the days before; no day is quite like others.

    Of a package that was never rated, too, some come by chance: the deviation is never less than 1.
    """
    counts = [days.get(day, 0) for day in range(1, DAYS + 1)]
    mean = sum(counts) / DAYS
    return mean, max(1.0, sqrt(sum((count - mean) ** 2 for count in counts) / DAYS))


def _moved(connection: Connection, listing: Listing, coming: Coming, usual: float, now: datetime) -> float:
    """Return by how much a day's ratings on the coming one's side would move what was shown, had they come alone.

    Those that were turned count as turned all the way.
    """
    package = and_(ratings.c.publisher == listing.publisher, ratings.c.name == listing.name, ratings.c.counted)
    rows = connection.execute(select(ratings.c.stars).where(package, ratings.c.created_at > now - DAY))
    fresh = [row.stars for row in rows]
    turned = and_(package, ratings.c.updated_at > now - DAY, ratings.c.created_at <= now - DAY)
    many = connection.execute(select(func.count()).select_from(ratings).where(turned)).scalar_one()
    stars, count = listing.stars - sum(fresh), listing.ratings - len(fresh)
    yesterday = bayesian(stars, count, usual)
    alike = [each for each in fresh if (each < yesterday) == (coming.stars < yesterday)]
    added = 0 if coming.before else 1
    then = bayesian(stars + sum(alike) + coming.stars - coming.before, count + len(alike) + added, usual)
    return abs(then - yesterday) + WIDEST * many / (VOTES + listing.ratings)
