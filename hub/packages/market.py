"""What registries tell of their packages, for people to look at: unsigned, bounded, and nothing that's installed by.

What's installed is held against the signed index and the publisher's statement; this only finds it. All of it is
strangers' words: lengths are capped here, and whoever shows it escapes it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from hub.errors import AgentHostError, BadRequest, EgressError, NotFound, StatementError, StoreUnavailable
from hub.outward import RegistryConfig
from hub.packages.indexes import ODD, address
from hub.packages.publishers import Told
from hub.packages.registry import REFERENCE, Registries
from hub.ports import Clock
from hub.releases import Index, IndexedPackage, IndexedVersion

SECONDS = 15.0
LARGEST = 1_000_000
"""Bytes of an answer."""
KEEP, KEPT = 60.0, 200
"""Seconds that an answer is kept, and answers."""
LINE, README, MANY = 500, 100_000, 200
"""Characters, and items, that are taken of what comes."""
Answer = TypeVar("Answer", bound=Struct)
Sort = Literal["relevance", "newest", "rating", "downloads"]


class Rating(Struct, frozen=True, kw_only=True):
    """How a package is rated."""

    mean: float | None = None
    n: int = 0


class Summary(Struct, frozen=True, kw_only=True):
    """A package, as it's found."""

    publisher: str
    name: str
    kind: str
    description: str = ""
    tags: tuple[str, ...] = ()
    latest: str = ""
    updated_at: datetime | None = None
    downloads: int = 0
    installs: int = 0
    rating: Rating = Rating()


class Version(Struct, frozen=True, kw_only=True):
    """A version, as it's told."""

    version: str
    kind: str = ""
    sha256: str = ""
    size: int = 0
    description: str = ""
    license: str = ""
    tools: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    key: str = ""
    yanked: bool = False
    yanked_reason: str = ""
    published_at: datetime | None = None


class Whole(Summary, frozen=True, kw_only=True):
    """A package with all that's told of it."""

    license: str = ""
    readme: str = ""
    keys: tuple[Told, ...] = ()
    versions: tuple[Version, ...] = ()


class Opinion(Struct, frozen=True, kw_only=True):
    """What somebody thinks of a package."""

    account: str
    stars: int
    text: str = ""
    version: str = ""
    updated_at: datetime | None = None


class _Found(Struct, frozen=True, kw_only=True):
    items: tuple[Summary, ...] = ()
    next: str | None = None


class _Opinions(Struct, frozen=True, kw_only=True):
    items: tuple[Opinion, ...] = ()


class Place(Struct, frozen=True, kw_only=True):
    """A registry of the config, and how it is."""

    url: str
    reachable: bool
    fault: str = ""
    """Why it can't be used now."""
    key: str = ""
    """The id of the key that its index is signed by."""
    serial: int | None = None
    issued_at: datetime | None = None
    expires_at: datetime | None = None


class Offer(Struct, frozen=True, kw_only=True):
    """A package with what this hub knows about it besides."""

    registry: str
    whole: Whole
    opinions: tuple[Opinion, ...]
    indexed: Mapping[str, IndexedVersion]
    """By version, what the signed index says; empty if it isn't believed."""
    signer: Literal["pinned", "new", "rotated", "refused", "unknown"]
    """Whose key signed the newest version: the one pinned here, one to be pinned, one that the pinned one stated."""
    doubt: str = ""
    """Why it couldn't be installed now."""


class Market:
    """Finds packages in the registries that the config names."""

    def __init__(self, registries: Registries, clock: Clock) -> None:
        self._registries = registries
        self._clock = clock
        self._indexes: dict[str, tuple[float, Index]] = {}
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def places(self) -> tuple[Place, ...]:
        """Return the registries, each asked for its index just now."""
        return tuple(await asyncio.gather(*map(self._place, self._registries.configs)))

    async def search(
        self,
        words: str,
        kind: str = "",
        tag: str = "",
        sort: Sort = "relevance",
        registry: str = "",
        cursor: str = "",
    ) -> tuple[list[tuple[str, Summary]], dict[str, str], dict[str, str]]:
        """Return what's found with its registry, where each registry goes on, and why those didn't answer that didn't.

        All registries are asked, unless one is named; a `cursor` is good for that one only. Raises BadRequest.
        """
        if cursor and not registry:
            raise BadRequest("registry", "name the one that the cursor is from")
        asked = {"q": words, "kind": kind, "tag": tag, "sort": sort, "cursor": cursor}
        query = urlencode({name: value for name, value in asked.items() if value})
        configs = [self._config(registry)] if registry else self._registries.configs
        answers = await asyncio.gather(*(self._found(address(each), query) for each in configs))
        found, following, faults = dict[str, tuple[str, Summary]](), {}, {}
        for config, answer in zip(configs, answers, strict=True):
            url = address(config)
            if isinstance(answer, str):
                faults[url] = answer
                continue
            for summary in filter(_is_named, answer.items[:MANY]):
                # Of two of one name the first registry's is what would be installed.
                found.setdefault(f"{summary.publisher}/{summary.name}", (url, _bounded(summary)))
            if answer.next:
                following[url] = answer.next[:LINE]
        return [*found.values()], following, faults

    async def package(self, publisher: str, name: str, registry: str = "") -> Offer:
        """Return a package, of the first registry that has it; raises BadRequest, NotFound, EgressError."""
        reference = f"{publisher}/{name}"
        if not REFERENCE.fullmatch(reference):
            raise BadRequest("package", f"{reference[:100]!r} won't do; write PUBLISHER/NAME")
        for config in [self._config(registry)] if registry else self._registries.configs:
            url = address(config)
            where = f"{url}/registry/v1/packages/{reference}"
            body = await self._asked(where)
            if body is not None:
                return await self._offer(config, reference, _read(where, body, Whole))
        raise NotFound(f"package: no registry of the config has {reference}")

    # --- the work

    async def _place(self, config: RegistryConfig) -> Place:
        url = address(config)
        try:
            index = await self._registries.indexes.index(config)
        except StoreUnavailable:
            raise
        except AgentHostError as error:
            return Place(url=url, reachable=isinstance(error, StatementError), fault=str(error)[:1000])
        seen = await self._registries.indexes.seen(config)
        return Place(
            url=url,
            reachable=True,
            key=seen.key if seen else "",
            serial=index.serial,
            issued_at=index.issued_at,
            expires_at=index.expires_at,
        )

    async def _found(self, url: str, query: str) -> "_Found | str":
        where = f"{url}/registry/v1/search?{query}"
        try:
            body = await self._asked(where)
            return _read(where, body, _Found) if body is not None else f"{url}: has no search"
        except AgentHostError as error:
            return str(error)[:LINE]

    async def _offer(self, config: RegistryConfig, reference: str, whole: Whole) -> Offer:
        url, indexed, doubt = address(config), None, ""
        signer: Literal["pinned", "new", "rotated", "refused", "unknown"] = "unknown"
        try:
            indexed = await self._registries.indexes.package(config, reference, await self._index(config))
            doubt = "" if indexed and indexed.versions else f"{url}: its signed index doesn't have {reference}"
            if indexed and indexed.versions:
                signer = await self._signer(url, reference, whole, indexed)
        except StoreUnavailable:
            raise
        except AgentHostError as error:
            signer, doubt = "refused" if indexed else "unknown", str(error)[:1000]
        body = await self._asked(f"{url}/registry/v1/packages/{reference}/ratings")
        opinions = _read(url, body, _Opinions).items if body is not None else ()
        return Offer(
            registry=url,
            whole=whole,
            opinions=opinions[:20],
            indexed={each.version: each for each in indexed.versions} if indexed else {},
            signer=signer,
            doubt=doubt,
        )

    async def _signer(
        self, url: str, reference: str, whole: Whole, indexed: IndexedPackage
    ) -> Literal["pinned", "new", "rotated"]:
        """Return whose key signed the newest version; raises StatementError if it isn't the publisher's."""
        publishers, publisher = self._registries.publishers, reference.partition("/")[0]
        newest = next((each for each in indexed.versions if each.version == whole.latest), indexed.versions[-1])
        known = await publishers.of(publisher)
        signer = await publishers.signer(publisher, newest.key, whole.keys, url)
        if signer == known:
            return "pinned"
        return "rotated" if signer.by == "rotation" else "new"

    async def _index(self, config: RegistryConfig) -> Index:
        now, url = self._clock.monotonic(), address(config)
        if url not in self._indexes or now - self._indexes[url][0] >= KEEP:
            self._indexes[url] = now, await self._registries.indexes.index(config)
        return self._indexes[url][1]

    def _config(self, url: str) -> RegistryConfig:
        config = self._registries.config(url)
        if config is None:
            known = ", ".join(map(address, self._registries.configs)) or "none"
            raise BadRequest("registry", f"{url[:200]!r} isn't under [[registries]]; there are: {known}")
        return config

    async def _asked(self, where: str) -> bytes | None:
        """Return an answer, None if there's no such thing; the same is asked once a minute. Raises EgressError."""
        now = self._clock.monotonic()
        at, body = self._kept.get(where, (0.0, b""))
        if where in self._kept and now - at < KEEP:
            return body
        fetched = await self._registries.egress.fetch(quote(where, safe=":/?&=%+[]"), limit=LARGEST, seconds=SECONDS)
        if fetched.status == 404:
            return None
        if fetched.status != 200:
            raise EgressError(f"{where.partition('?')[0]}: answered {fetched.status}")
        self._kept[where] = now, fetched.body
        self._kept.move_to_end(where)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return fetched.body


def _read(where: str, body: bytes, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(body, type=kind)
    except ODD as error:
        raise EgressError(f"{where.partition('?')[0]}: isn't a registry's answer ({str(error)[:200]})") from None


def _is_named(summary: Summary) -> bool:
    return REFERENCE.fullmatch(f"{summary.publisher}/{summary.name}") is not None


def _bounded(summary: Summary) -> Summary:
    return msgspec.structs.replace(
        summary, description=line(summary.description), tags=lines(summary.tags), kind=summary.kind[:20]
    )


def line(text: str) -> str:
    """Return a stranger's text as one line that isn't too long."""
    return " ".join(text[: 4 * LINE].split())[:LINE]


def lines(texts: Sequence[str]) -> tuple[str, ...]:
    """Return strangers' texts, each as one line, and not too many."""
    return tuple(map(line, texts[:50]))
