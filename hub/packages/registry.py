"""A client of registries: which versions a package has, and their bytes, held against what was signed.

What comes is believed only as far as two signatures reach: the registry's, over an index of all versions, and the
publisher's, over the archive. Both are checked before anything is unpacked.
"""

import base64
import re
from collections.abc import Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

from hub.errors import BadRequest, EgressError, ManifestError, StatementError
from hub.outward import RegistryConfig
from hub.packages.archive import Bounds
from hub.packages.indexes import ODD, Indexes, address
from hub.packages.publishers import Publishers, Signer, Told
from hub.packages.standings import Standings
from hub.ports import Clock, Documents, Egress
from hub.records import Package, Provenance
from hub.releases import (
    FETCH,
    Fetch,
    IndexedPackage,
    IndexedVersion,
    Install,
    InstallPredicate,
    order,
    read_release,
)
from hub.statements import SigningKey, Subject, public_of, shown

NAME = r"[a-z0-9][a-z0-9-]{0,62}[a-z0-9]"
REFERENCE = re.compile(rf"{NAME}/{NAME}(@[0-9A-Za-z.+-]{{1,64}})?")
ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
LISTING, STATEMENT = 2_000_000, 200_000
"""Bytes."""
SECONDS = 60.0


class Claim(Struct, frozen=True, kw_only=True):
    """What's said of an archive before anybody looked into it."""

    sha256: str = ""
    """Of the archive; empty: nobody says."""
    name: str = ""
    """Of the package; empty: nobody says."""
    version: str = ""
    enable: bool = True
    """False: whoever had it installed wants to look at it before it's used."""
    origin: Provenance | None = None
    """None: nobody signed it."""
    statement: str = ""
    """Its publisher's, as it came."""
    public: str = ""
    """What that must be signed by, in base64."""
    asks: tuple[str, ...] | None = None
    """The permissions that its publisher states; None: nobody says."""

    def fault(self, archive: bytes) -> str:
        """Return what of the claim isn't so, in words; empty if it holds."""
        if self.sha256 and sha256(archive).hexdigest() != self.sha256:
            return "the registry gave other bytes than its index says (SHA-256); nothing of it was installed"
        if self.origin:
            try:
                release = read_release(self.statement.encode(), public_of(self.public))
                release.check(self.origin.name, self.version, archive)
            except StatementError as error:
                return f"{error}; nothing of it was installed"
        return ""


class _Package(Struct, frozen=True, kw_only=True):
    """What a registry tells of a package, as far as it's needed here."""

    keys: tuple[Told, ...] = ()


class _Problem(Struct, frozen=True, kw_only=True):
    detail: str = ""


class Registries:
    """The registries that the config names."""

    def __init__(
        self,
        configs: Sequence[RegistryConfig],
        egress: Egress,
        documents: Documents,
        clock: Clock,
        identity: SigningKey | None = None,
    ) -> None:
        """`identity` is the hub's key; without one nothing can be rated from here."""
        self.configs = tuple(configs)
        self.indexes = Indexes(egress, documents, clock)
        self.publishers = Publishers(documents, clock)
        self.standings = Standings(documents)
        self.egress = egress
        self._clock = clock
        self._identity = identity

    def check(self, reference: str) -> None:
        """Raise BadRequest for a reference that can't be looked up here."""
        if not REFERENCE.fullmatch(reference):
            raise BadRequest("source", f"{reference[:100]!r} won't do; write PUBLISHER/NAME or PUBLISHER/NAME@1.0.0")
        if not self.configs:
            raise BadRequest(
                "source", f"{reference}: no registry is configured; name one under [[registries]] in the config file"
            )

    def config(self, url: str) -> RegistryConfig | None:
        """Return the registry with an address, None if the config names it no more."""
        return next((each for each in self.configs if address(each) == url.rstrip("/")), None)

    async def fetch(self, reference: str, version: str = "") -> tuple[bytes, Claim]:
        """Return a version's archive, the newest if neither names one, and what's signed of it; it holds.

        Raises BadRequest for a reference that leads nowhere, EgressError if no registry answers, StatementError or
        ManifestError for what can't be believed. Nothing of what comes was unpacked then, nor is a key pinned.
        """
        self.check(reference)
        name, _, named = reference.partition("@")
        for registry in self.configs:
            index = await self.indexes.index(registry)
            if package := await self.indexes.package(registry, name, index):
                # By the address that it calls itself: it may be reached by another one, and has to know its own.
                proof_for = index.registry or address(registry)
                return await self._fetched(registry, proof_for, name, chosen(reference, named or version, package))
        where = " or ".join(map(address, self.configs))
        raise BadRequest("source", f"{reference}: no registry has it; look at {where}")

    async def _fetched(
        self, registry: RegistryConfig, proof_for: str, name: str, indexed: IndexedVersion
    ) -> tuple[bytes, Claim]:
        url = address(registry)
        base = f"{url}/registry/v1/packages/{name}/versions/{indexed.version}"
        statement = await self._got(f"{base}/statement", STATEMENT)
        signer = await self._signer(url, name, indexed)
        release = read_release(statement, public_of(signer.public))
        claim = Claim(
            sha256=indexed.sha256,
            name=name.partition("/")[2],
            version=indexed.version,
            origin=Provenance(registry=url, name=name, sha256=indexed.sha256, key=signer.key),
            statement=statement.decode("utf-8", "replace"),
            public=signer.public,
            asks=release.predicate.permissions,
        )
        archive = await self._got(f"{base}/download", Bounds().packed, self._proof(proof_for, indexed.sha256))
        if fault := claim.fault(archive):
            raise ManifestError(f"{name} {indexed.version}: {fault}")
        if await self.publishers.of(signer.publisher) != signer:
            await self.publishers.keep(signer)
        return archive, claim

    async def _signer(self, url: str, name: str, indexed: IndexedVersion) -> Signer:
        """Return the publisher's key that a version must be signed by; raises StatementError if it isn't theirs."""
        publisher = name.partition("/")[0]
        known = await self.publishers.of(publisher)
        if known and known.public and known.key == indexed.key:
            return known
        body = await self._got(f"{url}/registry/v1/packages/{name}", LISTING)
        try:
            told = msgspec.json.decode(body, type=_Package).keys
        except ODD as error:
            raise ManifestError(f"{url}: what it tells of {name} isn't a registry's ({error})") from None
        return await self.publishers.signer(publisher, indexed.key, told, url)

    def _proof(self, url: str, digest: str) -> dict[str, str]:
        """Return the headers by which the hub may later rate what it fetches."""
        if self._identity is None:
            return {}
        stated = Fetch(registry=url, sha256=digest, time=self._clock.now())
        fetch = base64.b64encode(self._identity.seal(stated, FETCH)).decode()
        return {"AgentHost-Hub": shown(self._identity.public), "AgentHost-Fetch": fetch}

    async def _got(self, where: str, limit: int, headers: dict[str, str] | None = None) -> bytes:
        fetched = await self.egress.fetch(where, headers=headers, limit=limit, seconds=SECONDS)
        if fetched.status != 200:
            raise EgressError(f"{where}: answered {fetched.status}{_said(fetched.body)}")
        return fetched.body

    def receipt(self, package: Package, account: str) -> tuple[str, bytes]:
        """Return the hub's public key, and its statement that it uses a package, good for one account of its registry.

        Raises BadRequest if it doesn't, or the package isn't from a registry.
        """
        origin, since = package.now.origin, package.now.since
        if not ACCOUNT.fullmatch(account):
            raise BadRequest("account", f"{account[:60]!r} is no account; give its name at the registry")
        if origin is None:
            raise BadRequest("id", f"{package.id} isn't from a registry, so there's nobody to rate it for")
        if package.state != "enabled" or since is None:
            raise BadRequest("id", f"{package.id} isn't enabled; who rates it has used it")
        if self._identity is None:
            raise BadRequest("id", "this hub has no key of its own to sign a receipt with")
        stated = Install(
            subject=(Subject(name=origin.name, digest={"sha256": origin.sha256}),),
            predicate=InstallPredicate(
                version=package.now.version, account=account, enabled_at=since, time=self._clock.now()
            ),
        )
        return shown(self._identity.public), self._identity.seal(stated)


def chosen(reference: str, version: str, package: IndexedPackage) -> IndexedVersion:
    """Return the version that's asked for, else the newest that wasn't taken back; raises BadRequest."""
    if version:
        for listed in package.versions:
            if listed.version == version and listed.revoked:
                raise BadRequest("source", f"{reference}: its registry took {version} away: {listed.revoked[:300]}")
            if listed.version == version:
                return listed
        known = ", ".join(sorted((listed.version for listed in package.versions), key=order)[-10:]) or "none"
        raise BadRequest("source", f"{reference}: there's no such version; the newest are {known}")
    offered = [listed for listed in package.versions if not listed.yanked and not listed.revoked]
    if not offered:
        raise BadRequest("source", f"{reference}: all its versions were taken back; name one with @ to have it anyway")
    return max(offered, key=lambda listed: order(listed.version))


def _said(body: bytes) -> str:
    """Return what a problem says, after a comma; nothing if it's none."""
    try:
        detail = msgspec.json.decode(body[:20_000], type=_Problem).detail[:300]
    except ODD:
        detail = ""
    return f": {detail}" if detail else ", not with a package"
