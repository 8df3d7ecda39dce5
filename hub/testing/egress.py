"""An outside that's made up: what each address answers is said beforehand."""

from collections.abc import Mapping, Sequence
from urllib.parse import urljoin, urlsplit

from msgspec.structs import replace

from hub.errors import EgressError, EgressRefused
from hub.ports import Fetched


class FakeEgress:
    """Answers from a table; what isn't in it isn't found. Redirects (a `location` among the headers) are followed."""

    def __init__(self, answers: Mapping[str, Fetched | bytes | EgressError] | None = None) -> None:
        """`answers` by URL: bytes are a whole answer of status 200; an error is raised."""
        self.answers = dict(answers or {})
        self.asked: list[tuple[str, str, Mapping[str, str], bytes | None]] = []
        """Method, URL, headers and body of each request that would have gone out, redirects too."""

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
        """See Egress."""
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        first = urlsplit(url).netloc
        for _ in range(redirects + 1):
            self._check(url, hosts)
            here = sent if urlsplit(url).netloc == first else {}
            self.asked.append((method, url, here, body))
            fetched = self._answer(url)
            if len(fetched.body) > limit:
                if cut:
                    return replace(fetched, body=fetched.body[:limit])
                raise EgressError(f"{url}: has more than {limit:,} bytes")
            location = fetched.headers.get("location")
            if fetched.status not in {301, 302, 303, 307, 308} or location is None:
                return fetched
            url = urljoin(url, location)
            if fetched.status not in {307, 308} and method != "HEAD":
                method, body = "GET", None
        raise EgressError(f"{url}: more than {redirects} redirects")

    async def vet(self, url: str, *, hosts: Sequence[str] = ()) -> None:
        """See Vetting."""
        self._check(url, hosts)

    def _check(self, url: str, hosts: Sequence[str]) -> None:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
        spelled = f"{parts.hostname}:{port}" in hosts
        if parts.scheme != "https" and not (parts.scheme == "http" and spelled):
            raise EgressRefused(f"{url}: only https:// is asked")
        if (hosts or port != 443) and not spelled and not (parts.hostname in hosts and port == 443):
            raise EgressRefused(f"{url}: only {', '.join(hosts) or 'port 443'} may be asked")

    def _answer(self, url: str) -> Fetched:
        answer = self.answers.get(url)
        if isinstance(answer, EgressError):
            raise answer
        if answer is None:
            raise EgressError(f"{url}: nobody answers there")
        if isinstance(answer, bytes):
            return Fetched(url=url, status=200, headers={}, body=answer)
        return (
            answer if answer.url else Fetched(url=url, status=answer.status, headers=answer.headers, body=answer.body)
        )
