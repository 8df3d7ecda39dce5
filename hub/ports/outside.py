"""The one way out: every request to an address that somebody outside gave goes through it."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct


class Fetched(Struct, frozen=True, kw_only=True):
    """An answer, read whole."""

    url: str
    """Where it came from after redirects."""
    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    body: bytes


class Egress(Protocol):
    """Fetches from the outside.

    A host is resolved once and the connection goes to the address that was checked; what's private, local or reserved
    is refused, at each redirect again, and no proxy of the environment is used.
    """

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        hosts: Sequence[str] = (),
        limit: int = 5_000_000,
        seconds: float = 30.0,
        redirects: int = 3,
        cut: bool = False,
    ) -> Fetched:
        """Return the answer to a request, whatever its status.

        `hosts` are the only ones allowed, as "api.example.org" (port 443) or "api.example.org:8080"; empty: any public
        one. Raises EgressError, which names the URL and why it won't be asked, or what became of it: a scheme other
        than https (http only to a host that `hosts` names with its port), an address that isn't public, too many
        redirects, more than `limit` bytes (with `cut`, the first `limit` bytes are returned instead), longer than
        `seconds`. Nothing is connected to before all of that is clear.
        """


@runtime_checkable
class Vetting(Protocol):
    """An Egress that says beforehand whether it would ask."""

    async def vet(self, url: str, *, hosts: Sequence[str] = ()) -> None:
        """Raise EgressError, as `fetch` would, for a URL that may not be asked now; nothing is connected to."""
