"""Files: fetched from where people's clients put them, and put where theirs can fetch them (XEP-0363).

An address in a message is a stranger's word, so nothing is fetched from within: only from public addresses, looked up
once and connected to as looked up, and from our own server's place for files, wherever that is.
"""

import asyncio
import logging
import mimetypes
import socket
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, SubElement

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector, hdrs
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from msgspec import Struct
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.jid import JID

from bridges.xmpp.convert import clean, too_large
from bridges.xmpp.stream import Client, Component
from hub.errors import DeliveryDelayed, DeliveryRefused, TooLarge
from hub.ports import Files
from hub.records import File, Part, Text

log = logging.getLogger(__name__)

UPLOAD = "urn:xmpp:http:upload:0"
PATIENCE = 15.0
TRANSFER = ClientTimeout(total=180, sock_connect=10, sock_read=30)
REDIRECTS = 3
CHUNK = 1 << 16
ASKED = {hdrs.AUTHORIZATION, hdrs.COOKIE, "Expires"}
"""The headers that an upload service may ask for (XEP-0363)."""
NAME = 120


class Forbidden(Exception):
    """Nothing is fetched from there."""


class Slot(Struct, frozen=True, kw_only=True):
    """A place for one file."""

    put: str
    get: str
    headers: dict[str, str]


class Exchange:
    """Fetches and uploads files."""

    def __init__(self, stream: Client | Component, files: Files, file_mb: int, context: ssl.SSLContext) -> None:
        self._stream = stream
        self._files = files
        self._file_mb = file_mb
        self._context = context
        self._service: str | None = None
        self._most = float("inf")
        self._own: set[tuple[str, int | None]] = set()
        """Hosts and ports where our own server keeps files."""

    async def fetch(self, url: str) -> Part:
        """Return the file at an address, or words in its place."""
        name = _name(url)
        try:
            async with asyncio.timeout(TRANSFER.total):
                return await self._fetched(url, name)
        except TooLarge as large:
            return Text(text=str(large))
        except (Forbidden, ClientError, OSError, ValueError, TimeoutError) as error:
            log.info("a file isn't fetched: %s", type(error).__name__)
            return Text(text=f"[a file that couldn't be fetched: {clean(url)}]")

    async def upload(self, name: str, media_type: str, data: bytes) -> str:
        """Put a file where people can fetch it, and return its address. Raises DeliveryRefused, DeliveryDelayed."""
        slot = await self._slot(name, media_type, len(data))
        headers = {hdrs.CONTENT_TYPE: media_type, hdrs.CONTENT_LENGTH: str(len(data)), **slot.headers}
        try:
            async with (
                ClientSession(timeout=TRANSFER, trust_env=False) as session,
                session.put(slot.put, data=data, headers=headers, ssl=self._context, allow_redirects=False) as answer,
            ):
                if answer.status not in (200, 201):
                    raise DeliveryRefused(f"{name} can't be uploaded: the server answered {answer.status}")
        except (ClientError, TimeoutError, OSError) as error:
            raise DeliveryDelayed(f"{name} can't be uploaded now: {type(error).__name__}", 30.0) from None
        return slot.get

    async def available(self) -> bool:
        """Say whether there's a place for files."""
        return await self._find() is not None

    async def _fetched(self, url: str, name: str) -> Part:
        for _ in range(REDIRECTS + 1):
            host, port = _where(url)
            resolver = _Guard(open_to=await self._open_to(host, port))
            resolver.check_literal(host)
            connector = TCPConnector(resolver=resolver, ssl=self._context, limit=1)
            async with (
                ClientSession(connector=connector, timeout=TRANSFER, trust_env=False) as session,
                session.get(url, allow_redirects=False) as answer,
            ):
                if answer.status in (301, 302, 303, 307, 308):
                    url = str(answer.url.join(type(answer.url)(answer.headers[hdrs.LOCATION])))
                    continue
                answer.raise_for_status()
                return await self._kept(answer, name)
        raise Forbidden("too many redirections")

    async def _kept(self, answer: ClientResponse, name: str) -> File:
        limit = self._file_mb * 1_000_000
        if (answer.content_length or 0) > limit:
            raise TooLarge(too_large(name, answer.content_length, self._file_mb))
        try:
            sha256, size = await self._files.put(_chunks(answer), limit=limit)
        except TooLarge:
            raise TooLarge(too_large(name, None, self._file_mb)) from None
        media_type = answer.content_type
        if media_type == "application/octet-stream":
            media_type = mimetypes.guess_type(name)[0] or media_type
        return File(name=name, media_type=media_type, size=size, sha256=sha256)

    async def _open_to(self, host: str, port: int | None) -> bool:
        """Say whether this is our own server's place for files, which may have a private address."""
        if (host, port) not in self._own and not await _is_public(host):
            # Only a slot tells where the server keeps files; it's asked for one and not used.
            try:
                await self._slot("probe", "text/plain", 1)
            except (DeliveryRefused, DeliveryDelayed):
                return False
        return (host, port) in self._own

    async def _slot(self, name: str, media_type: str, size: int) -> Slot:
        service = await self._find()
        if service is None:
            raise DeliveryRefused(f"{name} can't be sent: the server has no place for files (XEP-0363)")
        if size > self._most:
            raise DeliveryRefused(f"{name} can't be sent: it has {size:,} bytes, the server takes {self._most:,.0f}")
        iq = self._stream.make_iq_get(ito=service, ifrom=self._stream.boundjid.full)
        SubElement(iq.xml, f"{{{UPLOAD}}}request", {"filename": name, "size": str(size), "content-type": media_type})
        try:
            answer = await iq.send(timeout=PATIENCE)
        except IqError as error:
            raise DeliveryRefused(f"{name} can't be sent: {error.text or error.condition}") from None
        except IqTimeout:
            raise DeliveryDelayed(f"{name}: the place for files doesn't answer", 30.0) from None
        slot = _read_slot(answer.xml)
        self._own.add(_where(slot.get))
        return slot

    async def _find(self) -> str | None:
        if self._service is None:
            domain = self._stream.boundjid.domain
            if isinstance(self._stream, Component):
                domain = domain.partition(".")[2]
            for service in (domain, *await self._items(domain)):
                if await self._offers(service):
                    self._service = service
                    break
        return self._service

    async def _items(self, domain: str) -> list[str]:
        try:
            disco = self._stream.plugin["xep_0030"]
            found = await disco.get_items(jid=JID(domain), ifrom=self._stream.boundjid, timeout=PATIENCE)
        except (IqError, IqTimeout):
            return []
        return [str(jid) for jid, _, _ in found["disco_items"]["items"]]

    async def _offers(self, service: str) -> bool:
        try:
            disco = self._stream.plugin["xep_0030"]
            found = await disco.get_info(jid=JID(service), ifrom=self._stream.boundjid, timeout=PATIENCE)
        except (IqError, IqTimeout):
            return False
        limits = [
            field.findtext("{jabber:x:data}value", "")
            for field in found.xml.iter("{jabber:x:data}field")
            if field.get("var") == "max-file-size"
        ]
        self._most = next((float(limit) for limit in limits if limit.isdecimal()), self._most)
        return UPLOAD in found["disco_info"]["features"]


class _Guard(AbstractResolver):
    """Looks names up, and lets nothing through that isn't public."""

    def __init__(self, *, open_to: bool) -> None:
        self._open = open_to
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not self._open and not all(_public(entry["host"]) for entry in found):
            raise Forbidden(host)
        return found

    async def close(self) -> None:
        await self._resolver.close()

    def check_literal(self, host: str) -> None:
        """Raise Forbidden for an address that's no name, and so is never looked up."""
        try:
            ip_address(host)
        except ValueError:
            return
        if not self._open and not _public(host):
            raise Forbidden(host)


def _public(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_global and not (mapped or found).is_multicast


async def _is_public(host: str) -> bool:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(_public(str(entry[4][0])) for entry in found)


def _where(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise Forbidden(parts.scheme)
    return parts.hostname, parts.port


def _name(url: str) -> str:
    try:
        path = unquote(urlsplit(url).path)
    except ValueError:
        path = ""
    return clean(PurePosixPath(path).name)[-NAME:] or "file"


async def _chunks(answer: ClientResponse) -> AsyncIterator[bytes]:
    async for chunk in answer.content.iter_chunked(CHUNK):
        yield chunk


def _read_slot(iq: Element) -> Slot:
    slot = iq.find(f"{{{UPLOAD}}}slot")
    put = slot.find(f"{{{UPLOAD}}}put") if slot is not None else None
    get = slot.find(f"{{{UPLOAD}}}get") if slot is not None else None
    if put is None or get is None:
        raise DeliveryRefused("the place for files answers without a slot")
    headers = {
        header.get("name", ""): (header.text or "").replace("\n", "").replace("\r", "")
        for header in put.iterfind(f"{{{UPLOAD}}}header")
        if header.get("name") in ASKED
    }
    return Slot(put=put.get("url", ""), get=get.get("url", ""), headers=headers)
