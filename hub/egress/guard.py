"""Requests to addresses that somebody outside gave: each host is looked up once, checked, and dialled as checked."""

import asyncio
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address

import httpcore
from msgspec import Struct
from msgspec.structs import replace

from hub.egress.addresses import Allowed, is_public
from hub.egress.urls import PORTS, Target, join, parse, shown
from hub.errors import EgressError, EgressRefused
from hub.ports import Fetched

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""A host and a port -> its addresses; raises OSError."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
OURS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "upgrade"}
    | {"transfer-encoding"}
)
"""Headers that say how a request is sent: nobody else's business."""
HARMLESS = frozenset({"accept", "accept-language", "user-agent"})
"""Headers that go along to another origin; any other may hold a secret."""
MOST_ADDRESSES = 16
PATIENCE = 5.0
"""Seconds until the next of several addresses is dialled."""


class Ask(Struct, frozen=True, kw_only=True):
    """One request."""

    target: Target
    method: str
    headers: Mapping[str, str]
    body: bytes | None
    cut: bool = False
    """Of an answer that's too long, its beginning will do."""


class GuardedEgress:
    """Egress over httpcore, which is what httpx dials with."""

    def __init__(
        self,
        allow: Iterable[str] = (),
        *,
        resolve: Resolve | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`allow` is as in the config; the others are what names are looked up, dialled and certified with."""
        self._allowed = Allowed(allow)
        self._resolve = resolve or _looked_up
        self._network = network or httpcore.AnyIOBackend()
        self._trust = trust

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
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if odd := sorted(name for name in given if name in OURS or name.startswith("proxy-")):
            raise EgressError(f"{shown(url)}: the header {odd[0]!r} can't be set")
        if method not in METHODS:
            raise EgressError(f"{shown(url)}: no method {method!r}; there are {', '.join(sorted(METHODS))}")
        ask = Ask(target=parse(url), method=method, headers=given, body=body, cut=cut)
        try:
            async with asyncio.timeout(seconds):
                return await self._follow(ask, hosts, limit, redirects)
        except TimeoutError:
            raise EgressError(f"{shown(url)}: no whole answer within {seconds:g} seconds") from None

    async def vet(self, url: str, *, hosts: Sequence[str] = ()) -> None:
        """See Vetting."""
        target = parse(url)
        self._check(target, hosts)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._addresses(target)
        except TimeoutError:
            raise EgressError(f"{shown(url)}: {target.host} isn't found within {PATIENCE:g} seconds") from None

    async def dial(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a host that was granted by name, at an address that's checked; raises EgressError and OSError."""
        target = parse(f"https://{host}:{port}/")
        self._check(target, (f"{target.host}:{port}",))
        *others, last = await self._addresses(target)
        for address in others:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    return await asyncio.open_connection(address, port)
        return await asyncio.open_connection(last, port)

    async def _follow(self, ask: Ask, hosts: Sequence[str], limit: int, redirects: int) -> Fetched:
        known: dict[tuple[str, int], tuple[str, ...]] = {}
        for _ in range(redirects + 1):
            where = (ask.target.host, ask.target.port)
            self._check(ask.target, hosts)
            # Looked up once for all of this request: a second answer could be another one.
            if where not in known:
                known[where] = await self._addresses(ask.target)
            fetched = await self._asked(ask, known[where], limit)
            location = fetched.headers.get("location")
            if fetched.status not in REDIRECTS or location is None:
                return fetched
            ask = _led_on(ask, fetched.status, join(ask.target, location))
        raise EgressError(f"{shown(ask.target.url)}: more than {redirects} redirects")

    # --- who may be asked

    def _check(self, target: Target, hosts: Sequence[str]) -> None:
        """Raise EgressRefused for a host, a port or a scheme that isn't to be asked, before anything is looked up."""
        url, literal = shown(target.url), target.literal
        allowed = self._allowed.names(target.host, target.port)
        netloc = f"[{target.host}]" if ":" in target.host else target.host
        spelled = f"{netloc}:{target.port}" in hosts
        if hosts and not spelled and not (netloc in hosts and target.port == 443):
            raise EgressRefused(f"{url}: only {', '.join(hosts)} may be asked")
        if target.scheme != "https" and not spelled and not allowed:
            raise EgressRefused(f"{url}: only https:// is asked")
        if target.port != PORTS["https"] and not spelled and not allowed:
            raise EgressRefused(f"{url}: only port {PORTS['https']} is asked, unless another one is granted by name")
        if "." not in target.host and literal is None and not allowed:
            raise EgressRefused(f"{url}: {target.host} is no public name")

    async def _addresses(self, target: Target) -> tuple[str, ...]:
        """Return a host's addresses, all of them checked; raises EgressError."""
        url, literal = shown(target.url), target.literal
        if literal is not None:
            found: Sequence[str] = (str(literal),)
        else:
            try:
                found = await self._resolve(target.host, target.port)
            except (OSError, UnicodeError) as error:
                raise EgressError(f"{url}: {target.host} isn't found ({error})") from None
        if not found or len(found) > MOST_ADDRESSES:
            raise EgressError(f"{url}: {target.host} has {len(found)} addresses")
        for text in found:
            # One bad address among good ones is enough: who dials may take any of them.
            if not self._is_open(text, target):
                raise EgressRefused(
                    f"{url}: {target.host} is at an address that isn't public; "
                    f"the operator can allow it under [egress] in the config file"
                )
        return tuple(dict.fromkeys(found))

    def _is_open(self, text: str, target: Target) -> bool:
        if "%" in text:
            return False
        try:
            address = ip_address(text)
        except ValueError:
            return False
        named = self._allowed.names(target.host, target.port)
        return named or self._allowed.covers(address, target.port) or is_public(address)

    # --- asking

    async def _asked(self, ask: Ask, addresses: tuple[str, ...], limit: int) -> Fetched:
        target, url = ask.target, shown(ask.target.url)
        headers = {
            "host": target.netloc,
            "accept": "*/*",
            "user-agent": "agenthost",
            **ask.headers,
            "accept-encoding": "gzip",
        }
        if ask.body is not None or ask.method in {"POST", "PUT", "PATCH"}:
            headers["content-length"] = str(len(ask.body or b""))
        where = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        pinned = _Pinned(self._network, target, addresses)
        try:
            async with (
                httpcore.AsyncConnectionPool(ssl_context=self._certified(target), network_backend=pinned) as pool,
                pool.stream(ask.method, where, headers=_encoded(url, headers), content=ask.body) as response,
            ):
                answered = _read_headers(response.headers)
                if ask.method == "HEAD" or response.status in REDIRECTS:
                    content = b""
                else:
                    content = await _read(url, response, answered, limit, cut=ask.cut)
                return Fetched(url=target.url, status=response.status, headers=answered, body=content)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise EgressError(f"{url}: gave no answer ({str(error) or type(error).__name__})") from None

    def _certified(self, target: Target) -> ssl.SSLContext | None:
        if target.scheme == "http":
            return None
        if self._trust is None:
            # Loading the authorities takes a while, and so does httpx: only where somebody is really asked.
            import httpx  # noqa: PLC0415

            self._trust = httpx.create_ssl_context(trust_env=False)
        return self._trust


class _Pinned(httpcore.AsyncNetworkBackend):
    """Dials the addresses that were checked, whatever the host's name would lead to by now."""

    def __init__(self, network: httpcore.AsyncNetworkBackend, target: Target, addresses: tuple[str, ...]) -> None:
        self._network = network
        self._target = target
        self._addresses = addresses

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - so it's named in httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        if (host, port) != (self._target.host, self._target.port):
            raise httpcore.ConnectError(f"{host}:{port} wasn't checked")
        for address in self._addresses[:-1]:
            try:
                return await self._network.connect_tcp(address, port, PATIENCE, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(self._addresses[-1], port, timeout, local_address, socket_options)


async def _looked_up(host: str, port: int) -> tuple[str, ...]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(place[0]) for *_, place in found))


def _led_on(ask: Ask, status: int, target: Target) -> Ask:
    """Return what's asked after a redirect; raises EgressError for one that would give something away."""
    here, there = shown(ask.target.url), shown(target.url)
    if ask.target.scheme == "https" and target.scheme != "https":
        raise EgressError(f"{here}: leads on to {there}, which isn't https")
    elsewhere = ask.target.origin != target.origin
    ask = replace(ask, target=target, headers=_plain(ask.headers) if elsewhere else ask.headers)
    if status in {307, 308}:
        if ask.body and elsewhere:
            raise EgressError(f"{here}: would have what was sent go on to {there}")
        return ask
    if ask.method == "HEAD" or (status != 303 and ask.method not in {"POST", "PUT", "PATCH", "DELETE"}):
        return ask
    return replace(ask, method="GET", body=None, headers=_without_body(ask.headers))


def _plain(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in headers.items() if name in HARMLESS}


def _without_body(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in headers.items() if not name.startswith("content-")}


def _encoded(url: str, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    try:
        return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
    except UnicodeEncodeError:
        raise EgressError(f"{url}: a header has characters beyond ASCII") from None


def _read_headers(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    read: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        read[name] = f"{read[name]}, {value}" if name in read else value
    return read


async def _read(url: str, response: httpcore.Response, headers: Mapping[str, str], limit: int, *, cut: bool) -> bytes:
    """Return the body, unpacked; raises EgressError, or cuts it, as soon as it's beyond the limit, packed or not."""
    too_much = EgressError(f"{url}: has more than {limit:,} bytes")
    if (length := headers.get("content-length", "")).isdigit() and int(length) > limit and not cut:
        raise too_much
    unpacking = _unpacking(url, headers.get("content-encoding", ""))
    came, content = 0, bytearray()
    async for chunk in response.aiter_stream():
        came += len(chunk)
        try:
            # At most one byte more than there's room for, however little it came packed in.
            content += unpacking.decompress(chunk, limit + 1 - len(content)) if unpacking else chunk
        except zlib.error:
            raise EgressError(f"{url}: is packed in a way that can't be read") from None
        if max(came, len(content)) > limit:
            if cut:
                return bytes(content[:limit])
            raise too_much
    if unpacking and came and not unpacking.eof:
        raise EgressError(f"{url}: broke off")
    return bytes(content)


def _unpacking(url: str, encoding: str) -> "zlib._Decompress | None":
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        case other:
            raise EgressError(f"{url}: came packed as {other[:40]!r}, which wasn't asked for")
