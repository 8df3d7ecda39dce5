"""A client of registries: which versions a package has, and their bytes.

What a registry says of a version is a claim. Its SHA-256 is held against the bytes that come; the publisher's signature
will be another part of the claim, and be checked at the same place (`Claim.fault`).
"""

import re
from collections.abc import Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

from hub.errors import BadRequest, EgressError, ManifestError
from hub.packages.archive import Bounds
from hub.ports import Egress
from hub.releases import order

NAME = r"[a-z0-9][a-z0-9-]{0,62}[a-z0-9]"
REFERENCE = re.compile(rf"{NAME}/{NAME}(@[0-9A-Za-z.+-]{{1,64}})?")
VERSION = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}(-[0-9A-Za-z.-]{1,40})?(\+[0-9A-Za-z.-]{1,40})?", re.ASCII)
LISTING = 2_000_000
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

    def fault(self, archive: bytes) -> str:
        """Return what of the claim isn't so, in words; empty if it holds."""
        if self.sha256 and sha256(archive).hexdigest() != self.sha256:
            return "the registry gave other bytes than its listing says (SHA-256); nothing of it was installed"
        return ""


class Listed(Struct, frozen=True, kw_only=True):
    """A version as a registry lists it."""

    version: str
    sha256: str
    yanked: bool = False
    """Taken back: only who asks for this very version gets it."""


class Listing(Struct, frozen=True, kw_only=True):
    """A package as a registry has it."""

    versions: list[Listed]


class Registries:
    """The registries that the config names."""

    def __init__(self, urls: Sequence[str], egress: Egress) -> None:
        self._urls = [url.rstrip("/") for url in urls]
        self._egress = egress

    def check(self, reference: str) -> None:
        """Raise BadRequest for a reference that can't be looked up here."""
        if not REFERENCE.fullmatch(reference):
            raise BadRequest("source", f"{reference[:100]!r} won't do; write PUBLISHER/NAME or PUBLISHER/NAME@1.0.0")
        if not self._urls:
            raise BadRequest(
                "source", f"{reference}: no registry is configured; name one under [[registries]] in the config file"
            )

    async def fetch(self, reference: str) -> tuple[bytes, Claim]:
        """Return a version's archive, the newest if the reference names none, and what the registry says of it.

        Raises BadRequest for a reference that leads nowhere, EgressError if no registry answers, ManifestError for an
        answer that isn't a registry's.
        """
        self.check(reference)
        named, _, version = reference.partition("@")
        publisher, _, name = named.partition("/")
        for url in self._urls:
            where = f"{url}/registry/v1/packages/{publisher}/{name}"
            fetched = await self._egress.fetch(where, limit=LISTING, seconds=SECONDS)
            if fetched.status == 404:
                continue
            listed = _chosen(reference, version, _listing(where, fetched.status, fetched.body))
            where = f"{where}/versions/{listed.version}/download"
            fetched = await self._egress.fetch(where, limit=Bounds().packed, seconds=SECONDS)
            if fetched.status != 200:
                raise EgressError(f"{where}: answered {fetched.status}, not with a package")
            return fetched.body, Claim(sha256=listed.sha256, name=name, version=listed.version)
        raise BadRequest("source", f"{reference}: no registry has it; look at {' or '.join(self._urls)}")


def _listing(where: str, status: int, body: bytes) -> Listing:
    if status != 200:
        raise EgressError(f"{where}: answered {status}, not with a listing")
    try:
        listing = msgspec.json.decode(body, type=Listing)
    except msgspec.MsgspecError as error:
        raise ManifestError(f"{where}: isn't a registry's listing ({error})") from None
    for listed in listing.versions:
        if not VERSION.fullmatch(listed.version) or not re.fullmatch("[0-9a-f]{64}", listed.sha256):
            raise ManifestError(f"{where}: lists {listed.version[:40]!r} without a good version or SHA-256")
    return listing


def _chosen(reference: str, version: str, listing: Listing) -> Listed:
    if version:
        for listed in listing.versions:
            if listed.version == version:
                return listed
        known = ", ".join(listed.version for listed in listing.versions[-10:]) or "none"
        raise BadRequest("source", f"{reference}: there's no such version; the newest are {known}")
    offered = [listed for listed in listing.versions if not listed.yanked]
    if not offered:
        raise BadRequest("source", f"{reference}: all its versions were taken back; name one with @ to have it anyway")
    return max(offered, key=lambda listed: order(listed.version))
