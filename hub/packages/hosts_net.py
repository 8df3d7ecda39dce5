"""Functions that let a program ask its hosts over HTTPS, with secrets that it never sees.

A program writes {{NAME}} in place of a secret. Its value is put in at the edge, only for a request to a host that the
package was granted, and taken out of whatever comes back.
"""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import msgspec

from hub.errors import EgressError
from hub.packages.scripts import Hosts
from hub.packages.scrubbing import scrubbed
from hub.ports import Egress, Fetched

log = logging.getLogger(__name__)

NET = """\
class Response(NamedTuple):
    status: int
    url: str
    headers: dict[str, str]
    text: str
    json: Any
async def get(url: str, headers: dict[str, str] = {}) -> Response: ...
"""
SENDING = """\
async def post(url: str, body: Any, headers: dict[str, str] = {}) -> Response: ...
async def request(
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"],
    url: str,
    body: Any = None,
    headers: dict[str, str] = {},
) -> Response: ...
"""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SECRET = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,64})\s*\}\}")
URL = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?([/?][!-~]*)?")
"""What no two parsers read differently: no user, no backslash, no letters beyond ASCII, a host that's plain."""
FIELD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
FORBIDDEN = re.compile(
    r"host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|accept-encoding|proxy-.*",
    re.IGNORECASE,
)
"""Headers that are the connection's own."""
URL_CHARACTERS = 4_000
HEADERS, HEADER_CHARACTERS = 30, 4_000
BODY_BYTES = 1_000_000
ANSWER_BYTES = 1_000_000
SECONDS = 20.0
AT_ONCE = 4
"""Requests of one call under way side by side."""
CHARSETS = re.compile(
    r"utf-?(8|16)|(us-)?ascii|iso-8859-\d{1,2}|latin-?1|windows-125\d|koi8-r|shift_jis|euc-(jp|kr)|gb(2312|k|18030)|big5",
    re.IGNORECASE,
)
"""Python knows others that take a text's square in time."""


class Response(NamedTuple):
    """An answer, as a program sees it."""

    status: int
    url: str
    headers: dict[str, str]
    text: str
    json: Any
    """What a JSON answer holds, else None."""


# A program reads its name in errors: where it's from is nobody's business.
Response.__module__ = "hub"


def net_functions(egress: Egress | None, allowed: Sequence[str], secrets: Mapping[str, str], *, sends: bool) -> Hosts:
    """Return what a program with these hosts may ask, and with these secrets; more than ask only if it `sends`."""
    net = _Net(egress, allowed, secrets, sends=sends)
    return {"get": net.get, "post": net.post, "request": net.request}


class _Net:
    def __init__(
        self, egress: Egress | None, allowed: Sequence[str], secrets: Mapping[str, str], *, sends: bool
    ) -> None:
        self._egress = egress
        self._allowed = allowed
        self._secrets = secrets
        self._sends = sends
        self._few = asyncio.Semaphore(AT_ONCE)

    async def get(self, url: object, headers: object = None) -> Response:
        return await self._fetch("GET", url, None, headers)

    async def post(self, url: object, body: object, headers: object = None) -> Response:
        return await self._fetch("POST", url, body, headers)

    async def request(self, method: object, url: object, body: object = None, headers: object = None) -> Response:
        if method not in METHODS:
            raise ValueError(f"{str(method)[:20]!r} is no method; use {', '.join(METHODS)}")
        return await self._fetch(str(method), url, body, headers)

    async def _fetch(self, method: str, url: object, body: object, headers: object) -> Response:
        if self._egress is None:
            raise RuntimeError("this hub asks nobody outside")
        if method != "GET" and not self._sends:
            raise PermissionError(
                f'{method}: a tool with effect "none" may only get; its manifest has to tell its effect'
            )
        fields = _headers(headers)
        data = _body(body, fields)
        target, hidden = self._revealed(_url(url, self._allowed), fields)
        try:
            async with self._few:
                fetched = await self._egress.fetch(
                    target,
                    method=method,
                    headers=fields,
                    body=data,
                    hosts=self._allowed,
                    limit=ANSWER_BYTES,
                    seconds=SECONDS,
                    # A host that sends on to another would have it told the secret, too.
                    redirects=0 if hidden else 3,
                )
        except EgressError as error:
            raise OSError(self._scrubbed(str(error))) from None
        except (ValueError, TypeError, OSError, RuntimeError):
            # Not its words, for they may have the URL with its secrets.
            log.exception("asking %s stumbled", urlsplit(str(url)).hostname)
            raise OSError(f"{urlsplit(str(url)).hostname} couldn't be asked") from None
        return self._response(fetched)

    def _revealed(self, url: str, fields: dict[str, str]) -> tuple[str, bool]:
        """Put secrets in their places, in `fields` itself, and return the URL and whether there are any."""
        found = False
        for name, value in fields.items():
            fields[name] = SECRET.sub(self._value, value)
            found = found or fields[name] != value
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        if SECRET.search(unquote(f"{parts.path}#{parts.fragment}")) or any(SECRET.search(name) for name, _ in pairs):
            raise ValueError("a secret stands in a header or in the value of a query, as ?key={{NAME}}")
        if any(SECRET.search(value) for _, value in pairs):
            query = urlencode([(name, SECRET.sub(self._value, value)) for name, value in pairs])
            return urlunsplit(parts._replace(query=query)), True
        return url, found

    def _value(self, match: re.Match[str]) -> str:
        name = match[1]
        if name not in self._secrets:
            asked = ", ".join(self._secrets) or "none"
            raise PermissionError(f"{{{{{name}}}}}: the package has no such secret; permissions.secrets names {asked}")
        if not self._secrets[name]:
            raise RuntimeError(f"secret {name} isn't set; whoever runs this hub puts it into [[packages.secrets]]")
        return self._secrets[name]

    def _response(self, fetched: Fetched) -> Response:
        kind = fetched.headers.get("content-type", "")
        text = self._scrubbed(_decoded(fetched.body, kind))
        return Response(
            status=fetched.status,
            url=self._scrubbed(fetched.url),
            headers={name[:200]: self._scrubbed(value) for name, value in fetched.headers.items()},
            text=text,
            json=self._parsed(text) if "json" in kind.lower() else None,
        )

    def _parsed(self, text: str) -> Any:
        try:
            value = msgspec.json.decode(text)
            # \u0041 and the like are letters only now.
            return msgspec.json.decode(self._scrubbed(msgspec.json.encode(value).decode())) if self._secrets else value
        except (msgspec.DecodeError, RecursionError, ValueError):
            return None

    def _scrubbed(self, text: str) -> str:
        return scrubbed(text, self._secrets)


def _url(url: object, allowed: Sequence[str]) -> str:
    if not isinstance(url, str):
        raise TypeError("a URL is a text, as https://api.example.org/v1")
    if len(url) > URL_CHARACTERS:
        raise ValueError(f"the URL has {len(url)} characters; {URL_CHARACTERS} are the most")
    if not url.isprintable():
        raise ValueError("the URL has a character that can't be seen")
    # What stands for a secret, and what people write in a query, is made what a URL can have.
    url = quote(url, safe="!#$%&'()*+,/:;=?@[]~{}")
    parts = urlsplit(url) if URL.fullmatch(url) else None
    if parts is None:
        raise ValueError(f"{url[:200]!r} isn't a URL as https://api.example.org/v1?q=...")
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if f"{host}:{port}" not in {name if ":" in name else f"{name}:443" for name in allowed}:
        raise PermissionError(f"{host}:{port} isn't among the hosts it may ask: {', '.join(allowed)}")
    return url


def _headers(headers: object) -> dict[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, dict):
        raise TypeError('headers are a dictionary, as {"accept": "text/plain"}')
    if len(headers) > HEADERS:
        raise ValueError(f"{len(headers)} headers; {HEADERS} are the most")
    fields: dict[str, str] = {}
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str) or not FIELD.fullmatch(name):
            raise ValueError(f"header {str(name)[:80]!r}: its name has letters, digits and -, its value is a text")
        if FORBIDDEN.fullmatch(name):
            raise ValueError(f"header {name}: the hub sets that one itself")
        if len(value) > HEADER_CHARACTERS or not re.fullmatch(r"[\t -~]*", value):
            raise ValueError(f"header {name}: its value has up to {HEADER_CHARACTERS} plain characters, in one line")
        fields[name.lower()] = value.strip()
    return fields


def _body(body: object, fields: dict[str, str]) -> bytes | None:
    """Return a body's bytes: a text as it is, anything else as JSON; says so in `fields`."""
    if body is None:
        return None
    if isinstance(body, str):
        fields.setdefault("content-type", "text/plain; charset=utf-8")
        data = body.encode(errors="replace")
    else:
        try:
            data = msgspec.json.encode(body)
        except (TypeError, ValueError, OverflowError, RecursionError):
            raise TypeError("a body is a text, or what JSON can say") from None
        fields.setdefault("content-type", "application/json")
    if len(data) > BODY_BYTES:
        raise ValueError(f"the body has {len(data)} bytes; {BODY_BYTES} are the most")
    return data


def _decoded(body: bytes, kind: str) -> str:
    found = re.search(r"charset=[\"']?([\w-]+)", kind, re.IGNORECASE)
    charset = found[1] if found and CHARSETS.fullmatch(found[1]) else "utf-8"
    try:
        return body.decode(charset, errors="replace")
    except LookupError:
        return body.decode(errors="replace")
