"""A URL as it came -> what's really asked. It's read once, here, and nobody reads the text again.

What two readers could understand in two ways is refused rather than guessed.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Literal, cast
from urllib.parse import quote, urljoin

from msgspec import Struct

from hub.errors import EgressRefused
from hub.outward import NAME

LONGEST = 4096
SHOWN = 200
PORTS = {"https": 443, "http": 80}

_URL = re.compile(r"(https?)://(\[[0-9a-f:.]*\]|[^/?#:@%\[\]]+)(?::([1-9][0-9]{0,4}))?([/?#].*)?", re.IGNORECASE)
_ODD = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\u200b-\u200f\ufeff]")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_KEPT = "!#$%&'()*+,/:;=?@[]~"


class Target(Struct, frozen=True, kw_only=True):
    """What's asked: of whom, at which port, and for what."""

    scheme: Literal["https", "http"]
    host: str
    """In lower case and ASCII; an IPv6 address without brackets."""
    port: int
    path: str
    """With the query; never empty."""

    @property
    def literal(self) -> IPv4Address | IPv6Address | None:
        """The address, if the host is written as one."""
        if ":" in self.host:
            return IPv6Address(self.host)
        return IPv4Address(self.host) if self.host.rpartition(".")[2].isdigit() else None

    @property
    def origin(self) -> tuple[str, str, int]:
        """What a request's secrets are for, and nobody else."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """Host and port as in the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole of it in the plainest spelling."""
        return f"{self.scheme}://{self.netloc}{self.path}"


def shown(url: str) -> str:
    """Return a URL for a message: without its query, which may hold a key, and not without end."""
    plain = re.split("[?#]", url, maxsplit=1)[0]
    return ascii(plain[:SHOWN])[1:-1]


def parse(url: str) -> Target:
    """Read an absolute URL; raises EgressRefused for one that's odd in any way."""
    if len(url) > LONGEST:
        raise _no(url, f"has more than {LONGEST} characters")
    if _ODD.search(url):
        raise _no(url, "has spaces, backslashes or invisible characters; write it without")
    found = _URL.fullmatch(url)
    if not found:
        raise _no(url, "isn't a plain https:// address, as https://example.org/page; no other scheme, user or % there")
    scheme = cast("Literal['https', 'http']", found[1].lower())
    port = int(found[3] or PORTS[scheme])
    if port > 65535:
        raise _no(url, f"there's no port {port}")
    rest = (found[4] or "/").partition("#")[0]
    try:
        path = quote(rest if rest.startswith("/") else f"/{rest}", safe=_KEPT)
    except UnicodeEncodeError:
        raise _no(url, "has broken characters") from None
    return Target(scheme=scheme, host=_host(url, found[2]), port=port, path=path)


def join(base: Target, location: str) -> Target:
    """Read where a redirect leads; raises EgressRefused."""
    if len(location) > LONGEST or _ODD.search(location):
        raise _no(base.url, "leads on to an odd address")
    try:
        whole = urljoin(base.url, location)
    except ValueError:
        raise _no(base.url, "leads on to an odd address") from None
    return parse(whole)


def _host(url: str, host: str) -> str:
    if host.startswith("["):
        try:
            return str(IPv6Address(host[1:-1]))
        except AddressValueError:
            raise _no(url, "has an odd IPv6 address") from None
    if not host.isascii():
        host = _in_ascii(url, host)
    host = host.lower()
    if not NAME.fullmatch(host) or len(host) > 253:
        raise _no(url, "has an odd host; write it as example.org, without a dot at its end")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise _no(url, "has an odd IPv4 address; write it as four plain numbers") from None
    return host


def _in_ascii(url: str, host: str) -> str:
    import httpx  # noqa: PLC0415 - it takes a while to load, and few hosts have such names

    try:
        return httpx.URL(scheme="https", host=host).raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError):
        raise _no(url, "has a host with odd characters; write it in ASCII (xn--...)") from None


def _no(url: str, why: str) -> EgressRefused:
    return EgressRefused(f"{shown(url)}: {why}")
