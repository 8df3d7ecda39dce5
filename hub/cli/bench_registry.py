"""Measures a registry with many packages: searches, and what its signed index costs."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

from sqlalchemy import Connection, insert, update

from hub.cli.bench_figures import Figure, p50_and
from hub.clock import SystemClock
from hub.records import PackageKind
from hub.registry.fulltext import Words, put_all_here
from hub.registry.indexing import Indexing
from hub.registry.listings import listed_changed
from hub.registry.records import AccountId, Listing, Version
from hub.registry.searching import Search
from hub.registry.shelf import Shelf, values
from hub.registry.tables import listings, places, versions
from hub.releases import shard_of
from hub.statements import SigningKey

VOCABULARY = 20_000
"""Words, of which the nth comes up about 1/n as often as the first, as in people's texts."""
README = 150
"""Words of a package's readme."""
PUBLISHERS = 5_000
AT_ONCE = 1_000
SEARCHES = 200
"""Of each length."""
AIM = 20.0
KINDS: tuple[PackageKind, ...] = ("plugin", "agent", "script", "skill", "server")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ONSETS = ("b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr", "v", "w", "z")
RHYMES = ("a", "ai", "e", "i", "o", "ou", "u")


class Language:
    """Words that nobody knows, some of them common and most of them rare."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        known: dict[str, None] = {}
        while len(known) < VOCABULARY:
            known["".join(dice.choice(ONSETS) + dice.choice(RHYMES) for _ in range(dice.randint(2, 4)))] = None
        self._words = list(known)
        self._weights = list(accumulate(1 / (place + 10) for place in range(VOCABULARY)))

    def said(self, count: int) -> list[str]:
        """Return some words."""
        return self._dice.choices(self._words, cum_weights=self._weights, k=count)


async def searching(folder: Path, *, packages: int) -> list[Figure]:
    """Fill a registry, search in it, and make its index: whole, and after one change."""
    dice = random.Random(7)  # noqa: S311 - the same packages each time
    language = Language(dice)
    shelf = Shelf(folder / "registry.db")
    await shelf.open()
    try:
        for piece in _pieces(language, dice, packages):
            await shelf.write(piece)
        return [*await _searches(shelf, language, dice, packages), *await _indexes(shelf, packages)]
    finally:
        await shelf.close()


async def _searches(shelf: Shelf, language: Language, dice: random.Random, packages: int) -> list[Figure]:
    search = Search(shelf)
    figures: list[Figure] = []
    for length in (1, 2, 3):
        seconds, processor = [], []
        for _ in range(SEARCHES):
            words = language.said(length)
            # The last word is being typed.
            words[-1] = words[-1][: dice.randint(3, 8)]
            began, busy = time.perf_counter(), time.process_time()
            await search.find(" ".join(words))
            seconds.append(time.perf_counter() - began)
            processor.append(time.process_time() - busy)
        name = f"registry: search in {packages:,}, {length} word{'s' if length > 1 else ''}"
        figures += p50_and(99, name, seconds, (AIM, None))
        # What it would take alone: a machine that's busy with other things makes the rest of what's measured.
        figures += p50_and(99, f"{name}, processor", processor, (None, None))
    return figures


async def _indexes(shelf: Shelf, packages: int) -> list[Figure]:
    indexing = Indexing(shelf, SystemClock(), SigningKey.fresh(), "http://127.0.0.1", 24, rest=timedelta())
    began = time.perf_counter()
    made = await indexing.current()
    whole = time.perf_counter() - began

    def change(connection: Connection) -> None:
        first = (versions.c.publisher == "publisher-0") & (versions.c.name == "package-0")
        connection.execute(update(versions).where(first).values(yanked_at=BEGAN, yanked="to be measured"))
        listed_changed(connection, "publisher-0", "package-0")

    await shelf.write(change)
    await SystemClock().sleep(1.1)
    began = time.perf_counter()
    again = await indexing.current()
    took = time.perf_counter() - began
    if again.serial <= made.serial:
        raise RuntimeError("the index wasn't made anew")
    return [
        Figure(name=f"registry: index of {packages:,}, whole", value=whole, unit="s"),
        Figure(name=f"registry: index of {packages:,}, one package changed", value=took * 1000, unit="ms"),
    ]


def _pieces(language: Language, dice: random.Random, packages: int) -> Iterator["Piece"]:
    for start in range(0, packages, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, packages))
        yield Piece([(number + 1, *_package(language, dice, number)) for number in numbers])


class Piece:
    """Some packages that are listed in one transaction, more quickly than by publishing one after the other."""

    def __init__(self, packages: list[tuple[int, Listing, Version]]) -> None:
        self._packages = packages

    def __call__(self, connection: Connection) -> None:
        """List them."""
        connection.execute(insert(listings), [values(listing) for _, listing, _ in self._packages])
        connection.execute(insert(versions), [values(version) for *_, version in self._packages])
        connection.execute(insert(places), [_place(number, listing) for number, listing, _ in self._packages])
        put_all_here(connection, [(number, _words(version)) for number, _, version in self._packages])


def _place(number: int, listing: Listing) -> dict[str, object]:
    shard = shard_of(f"{listing.publisher}/{listing.name}")
    return {"id": number, "publisher": listing.publisher, "name": listing.name, "shard": shard}


def _words(version: Version) -> Words:
    return Words(**{name: getattr(version, name) for name in Words.__struct_fields__})


def _package(language: Language, dice: random.Random, number: int) -> tuple[Listing, Version]:
    publisher = f"publisher-{number % PUBLISHERS}"
    # The first has a name of its own, to be changed; nobody searches for the numbers.
    name = f"{'-'.join(language.said(dice.randint(1, 2)))}-{number}" if number else "package-0"
    at, kind = BEGAN + timedelta(seconds=number), dice.choice(KINDS)
    listing = Listing(
        publisher=publisher,
        name=name,
        kind=kind,
        description="",
        tags=(),
        latest="1.0.0",
        skeleton=name,
        created_at=at,
        updated_at=at,
        deleted=False,
        downloads=0,
        installs=0,
        stars=0,
        ratings=0,
    )
    version = Version(
        publisher=publisher,
        name=name,
        version="1.0.0",
        kind=kind,
        sha256=sha256(name.encode()).hexdigest(),
        size=10_000,
        description=" ".join(language.said(12)),
        readme=" ".join(language.said(README)),
        license="MIT",
        tags=tuple(language.said(2)),
        tools=(),
        asks=(),
        notes=(),
        findings=(),
        envelope="{}",
        key="0123456789abcdef",
        state="listed",
        reason="",
        yanked_at=None,
        yanked="",
        account=AccountId("bench"),
        published_at=at,
    )
    return listing, version
