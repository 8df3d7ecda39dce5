"""Where packages come from besides an upload: an https URL, or a registry by PUBLISHER/NAME."""

import re

from hub.errors import BadRequest, EgressError
from hub.packages.archive import Bounds
from hub.packages.registry import SECONDS, Claim, Registries
from hub.ports import Egress

LONGEST = 2_000


class Sources:
    """Fetches archives."""

    def __init__(self, egress: Egress, registries: Registries | None = None) -> None:
        """`registries` are asked one after the other."""
        self._egress = egress
        self.registries = registries

    def check(self, source: str) -> None:
        """Raise BadRequest for what's neither a URL nor a reference, or can't be looked up here."""
        if len(source) > LONGEST:
            raise BadRequest("source", f"has more than {LONGEST} characters")
        if "://" not in source:
            if self.registries is None:
                raise BadRequest("source", f"{source[:100]!r}: this hub asks no registries; give an https:// address")
            self.registries.check(source)
        elif not is_url(source):
            raise BadRequest("source", f"{source[:100]!r} won't do; only https:// is asked")

    async def fetch(self, source: str, version: str = "") -> tuple[bytes, Claim]:
        """Return an archive and what's said of it; of a registry's, the `version` if the source names none.

        Raises BadRequest, EgressError, StatementError, ManifestError.
        """
        self.check(source)
        if self.registries and not is_url(source):
            return await self.registries.fetch(source, version)
        fetched = await self._egress.fetch(source, limit=Bounds().packed, seconds=SECONDS)
        if fetched.status != 200:
            raise EgressError(f"{source.partition('?')[0]}: answered {fetched.status}, not with a package")
        return fetched.body, Claim()


def is_url(source: str) -> bool:
    """Say whether a source is a URL that may be asked."""
    return source.lower().startswith("https://")


def again(source: str) -> str:
    """Return where an edition's update is fetched from; raises BadRequest if it came from nowhere that can be asked."""
    if is_url(source):
        return source
    if re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+(@\S+)?", source):
        return source.partition("@")[0]
    raise BadRequest("id", "it was uploaded, and has no source to fetch an update from; install the new version")
