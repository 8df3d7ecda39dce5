"""The Hugging Face Hub's HTTP API, as far as fetching a model goes.

By httpx and not by huggingface_hub: that removes what it has of an interrupted download, checks no SHA-256, and takes
24 MB with a second HTTP client.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct, field

from hub import __version__
from hub.errors import PullError
from hub.weights.names import Offer, Repo

ENDPOINT = "https://huggingface.co"
SILENCE = 30.0
"""Seconds without a byte until a connection is given up."""


class _Lfs(Struct, frozen=True):
    sha256: str = ""
    size: int = 0


class _File(Struct, frozen=True):
    rfilename: str
    lfs: _Lfs | None = None


class _Info(Struct, frozen=True):
    sha: str = "main"
    siblings: list[_File] = field(default_factory=list)


class Listing(Struct, frozen=True):
    """A repository's models at a revision."""

    revision: str
    offers: list[Offer]


class HuggingFace:
    """The Hub that HF_ENDPOINT names, else the public one; HF_TOKEN opens what's gated."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.endpoint = (environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
        token = environ.get("HF_TOKEN", "").strip()
        headers = {"User-Agent": f"agenthost/{__version__}"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._known = bool(token)
        # Redirects lead to other hosts, where files lie: httpx doesn't take the token there.
        self._client = httpx.AsyncClient(
            headers=headers, follow_redirects=True, timeout=httpx.Timeout(SILENCE, connect=10.0)
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def models(self, repo: Repo) -> Listing:
        """Return the GGUF files of a repository, each with its SHA-256; raises PullError."""
        try:
            response = await self._client.get(f"{self.endpoint}/api/models/{repo.name}", params={"blobs": "true"})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from None
        if response.status_code != 200:
            raise self._refused(response, repo)
        try:
            info = msgspec.json.decode(response.content, type=_Info)
        except msgspec.DecodeError:
            raise PullError(
                f"{self.endpoint} gives no list of {repo.name}'s files; is HF_ENDPOINT a Hugging Face Hub?"
            ) from None
        offers = [
            Offer(name=file.rfilename, size=file.lfs.size, sha256=file.lfs.sha256)
            for file in info.siblings
            if file.lfs and file.lfs.sha256 and file.rfilename.lower().endswith(".gguf")
        ]
        return Listing(revision=info.sha, offers=offers)

    @asynccontextmanager
    async def reading(self, repo: Repo, listing: Listing, offer: Offer, start: int) -> AsyncIterator[httpx.Response]:
        """Ask for a file from an offset on; the answer says by its status whether it begins there (206) or at 0."""
        url = f"{self.endpoint}/{repo.name}/resolve/{quote(listing.revision)}/{quote(offer.name)}"
        headers = {"Range": f"bytes={start}-"} if start else {}
        headers["Accept-Encoding"] = "identity"
        try:
            async with self._client.stream("GET", url, headers=headers) as response:
                if response.status_code not in (200, 206):
                    await response.aread()
                    raise self._refused(response, repo)
                yield response
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: Exception) -> PullError:
        told = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return PullError(f"{self.endpoint} can't be reached, or broke off ({told})", passes=True)

    def _refused(self, response: httpx.Response, repo: Repo) -> PullError:
        status, told = response.status_code, response.headers.get("X-Error-Message", "")[:200]
        said = f"{response.url.host} answers HTTP {status}" + (f": {told}" if told else "")
        if status in (401, 403):
            way = "the token in HF_TOKEN may not read it" if self._known else "set HF_TOKEN to a token that may read it"
            accept = f"or there's no such repository; if it's gated, accept its terms at {self.endpoint}/{repo.name}"
            return PullError(f"{repo.name} isn't open to everybody ({said}): {way}, {accept}")
        if status == 404:
            return PullError(f"there's no {repo} at {self.endpoint} ({said}); mend the name")
        return PullError(said, passes=status in (408, 425, 429) or status >= 500)
