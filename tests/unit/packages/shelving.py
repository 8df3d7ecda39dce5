"""A registry as hubs see it: its signed index, statements, keys and archives, and every way to be a bad one."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from hub.errors import EgressError
from hub.ports import Clock, Fetched
from hub.releases import (
    INDEX,
    Index,
    IndexedPackage,
    IndexedVersion,
    Release,
    Rotation,
    Shard,
    read_fetch,
    shard_of,
)
from hub.statements import SigningKey, public_of, shown
from hub.testing import FakeClock, FakeEgress

URL = "https://registry.example.org"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Kept:
    """A version."""

    archive: bytes
    statement: bytes
    key: str
    asks: tuple[str, ...] = ()
    yanked: str = ""
    revoked: str = ""
    listed_at: datetime | None = LONG_AGO


@dataclass
class StandIn:
    """A registry with its key, its publishers' keys and what they published."""

    url: str = URL
    clock: Clock = field(default_factory=FakeClock)
    key: SigningKey = field(default_factory=SigningKey.fresh)
    serial: int = 1
    hours: float = 24.0
    packages: dict[str, dict[str, Kept]] = field(default_factory=dict)
    publishers: dict[str, list[tuple[SigningKey, bytes | None]]] = field(default_factory=dict)
    fetches: list[tuple[str, str]] = field(default_factory=list)
    """The hub's key, and the SHA-256 of what it proved to fetch."""
    frozen: bytes | None = None
    """An index that's given in place of the true one."""

    def signer(self, publisher: str) -> SigningKey:
        """Return a publisher's key, made if they have none."""
        keys = self.publishers.setdefault(publisher, [(SigningKey.fresh(), None)])
        return keys[-1][0]

    def rotate(self, publisher: str, *, stated: bool = True) -> SigningKey:
        """Give a publisher a new key, stated by the old one or not."""
        old, fresh = self.signer(publisher), SigningKey.fresh()
        rotation = old.seal(Rotation.of(publisher, old, fresh.public, self.clock.now())) if stated else None
        self.publishers[publisher].append((fresh, rotation))
        return fresh

    def publish(
        self,
        name: str,
        version: str,
        archive: bytes,
        asks: Sequence[str] = (),
        *,
        signer: SigningKey | None = None,
        listed_at: datetime | None = LONG_AGO,
        stated: Mapping[str, Any] | None = None,
    ) -> Kept:
        """Publish a version; `stated` is stated of it in place of what's so."""
        signer = signer or self.signer(name.partition("/")[0])
        told = {"name": name, "version": version, "archive": archive, "permissions": asks, **(stated or {})}
        statement = signer.seal(Release.of(time=self.clock.now(), **told))
        kept = Kept(archive, statement, signer.id, tuple(asks), listed_at=listed_at)
        self.packages.setdefault(name, {})[version] = kept
        self.serial += 1
        return kept

    def yank(self, name: str, version: str, why: str) -> None:
        """Have the publisher take a version back."""
        self.packages[name][version].yanked = why
        self.serial += 1

    def revoke(self, name: str, version: str, why: str) -> None:
        """Take a version away."""
        self.packages[name][version].revoked = why
        self.serial += 1

    # --- what it answers

    def index(self) -> bytes:
        """Return the signed index."""
        now, shards = self.clock.now(), {id: sha256(body).hexdigest() for id, body in self.shards().items()}
        index = Index(
            registry=self.url,
            serial=self.serial,
            issued_at=now,
            expires_at=now + timedelta(hours=self.hours),
            shards={id: Shard(sha256=digest, packages=1) for id, digest in shards.items()},
        )
        return self.key.seal(index, INDEX)

    def shards(self) -> dict[str, bytes]:
        """Return the index's parts."""
        found: dict[str, list[IndexedPackage]] = {}
        for name, versions in sorted(self.packages.items()):
            listed = tuple(
                IndexedVersion(
                    version=version,
                    sha256=sha256(kept.archive).hexdigest(),
                    key=kept.key,
                    yanked=kept.yanked,
                    revoked=kept.revoked,
                    listed_at=kept.listed_at,
                )
                for version, kept in versions.items()
            )
            found.setdefault(shard_of(name), []).append(IndexedPackage(name=name, versions=listed))
        return {id: msgspec.json.encode(packages) for id, packages in found.items()}

    def answer(self, url: str, headers: Mapping[str, str]) -> Fetched | None:
        """Return what's answered at an address; None: it isn't this registry's."""
        if not url.startswith(f"{self.url}/registry/v1/"):
            return None
        parts = urlsplit(url)
        path = parts.path.removeprefix("/registry/v1/").split("/")
        body = self._answer(path, parse_qs(parts.query), headers)
        return Fetched(url=url, status=404 if body is None else 200, headers={}, body=body or b"{}")

    def _answer(self, path: list[str], query: Mapping[str, list[str]], headers: Mapping[str, str]) -> bytes | None:
        match path:
            case ["key"]:
                return msgspec.json.encode({"id": self.key.id, "public": shown(self.key.public)})
            case ["index"]:
                return self.frozen or self.index()
            case ["index", digest]:
                return next((body for body in self.shards().values() if sha256(body).hexdigest() == digest), None)
            case ["search"]:
                return self._search(query)
            case ["packages", publisher, name, *rest] if versions := self.packages.get(f"{publisher}/{name}"):
                return self._of(f"{publisher}/{name}", versions, rest, headers)
        return None

    def _search(self, query: Mapping[str, list[str]]) -> bytes:
        words = query.get("q", [""])[0]
        found = [self._summary(name) for name in sorted(self.packages) if words in name]
        return msgspec.json.encode({"items": found, "next": None})

    def _summary(self, name: str) -> dict[str, Any]:
        publisher, _, own = name.partition("/")
        versions = self.packages[name]
        return {
            "publisher": publisher,
            "name": own,
            "kind": "plugin",
            "description": f"Says what {own} is.",
            "tags": ["words"],
            "latest": [*versions][-1],
            "updated_at": self.clock.now(),
            "downloads": 12,
            "installs": 3,
            "rating": {"mean": 4.25, "n": 4},
        }

    def _of(self, name: str, versions: dict[str, Kept], rest: list[str], headers: Mapping[str, str]) -> bytes | None:
        keys = [
            {
                "id": key.id,
                "public": shown(key.public),
                "state": "active",
                "rotation": rotation and msgspec.Raw(rotation),
            }
            for key, rotation in self.publishers[name.partition("/")[0]]
        ]
        match rest:
            case []:
                listed = [self._version(version, kept) for version, kept in reversed(versions.items())]
                whole = {"license": "MIT", "readme": "# Hi\n<script>alert(1)</script>", "created_at": LONG_AGO}
                return msgspec.json.encode({**self._summary(name), **whole, "keys": keys, "versions": listed})
            case ["versions", version, what] if kept := versions.get(version):
                if what == "download":
                    self._note(headers)
                return {"statement": kept.statement, "download": kept.archive}.get(what)
            case ["ratings"]:
                rating = {"account": "bob", "stars": 4, "text": "Good.", "version": "1.0.0", "updated_at": LONG_AGO}
                return msgspec.json.encode({"items": [rating], "next": None})
        return None

    def _version(self, version: str, kept: Kept) -> dict[str, Any]:
        return {
            "version": version,
            "kind": "plugin",
            "sha256": sha256(kept.archive).hexdigest(),
            "size": len(kept.archive),
            "description": "Says what it is.",
            "license": "MIT",
            "tools": ["echo"],
            "asks": kept.asks,
            "notes": [],
            "findings": [],
            "key": kept.key,
            "state": "revoked" if kept.revoked else "listed",
            "reason": kept.revoked,
            "yanked": bool(kept.yanked),
            "yanked_reason": kept.yanked,
            "published_at": kept.listed_at or LONG_AGO,
        }

    def _note(self, headers: Mapping[str, str]) -> None:
        if "AgentHost-Hub" in headers:
            hub = headers["AgentHost-Hub"]
            fetch = read_fetch(base64.b64decode(headers["AgentHost-Fetch"]), public_of(hub))
            self.fetches.append((hub, fetch.sha256))


class RegistryEgress(FakeEgress):
    """An outside with registries in it."""

    def __init__(self, *registries: StandIn, answers: Mapping[str, Any] | None = None) -> None:
        super().__init__(answers)
        self.registries = registries

    async def fetch(self, url: str, **asked: Any) -> Fetched:
        """See FakeEgress."""
        for registry in self.registries:
            # What a test says beforehand takes the place of what the registry would say.
            if url not in self.answers and (answer := registry.answer(url, asked.get("headers") or {})):
                self.asked.append(("GET", url, asked.get("headers") or {}, None))
                if len(answer.body) > asked.get("limit", 5_000_000):
                    raise EgressError(f"{url}: has more than {asked['limit']:,} bytes")
                return answer
        return await super().fetch(url, **asked)
