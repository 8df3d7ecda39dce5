"""Chats in other sites' pages: which there are, and who the people are that write in them."""

import re
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import urlsplit

from msgspec.structs import replace

from hub.colours import on
from hub.errors import BadRequest, NotAllowed, NotFound
from hub.flow.members import Members
from hub.guests import VISITOR, Card, Settings
from hub.ports import Add, Remove, Save, Store
from hub.records import Embed, EmbedId, Person, TenantId

MOST = 100
"""Chats that a tenant may have in pages."""


class Embeds:
    """Keeps the chats that tenants put into pages of their own."""

    def __init__(self, store: Store, members: Members) -> None:
        self._store = store
        self._members = members

    async def create(self, embed: Embed) -> Embed:
        """Keep a new chat; raises BadRequest for origins that no browser says, or one chat too many."""
        if len(await self._store.embeds(embed.tenant, limit=MOST)) == MOST:
            raise BadRequest("name", f"there are {MOST} of them already; remove one first")
        embed = replace(embed, origins=origins(embed.origins))
        await self._store.commit(Add(embed))
        return embed

    async def change(self, embed: Embed) -> Embed:
        """Keep a changed chat; raises BadRequest as create does."""
        embed = replace(embed, origins=origins(embed.origins))
        await self._store.commit(Save(embed))
        return embed

    async def remove(self, embed: Embed) -> None:
        """End a chat: nobody writes in it any more. What was written is kept."""
        await self._store.commit(Remove(embed))

    async def named(self, tenant: TenantId, id: str) -> Embed:
        """Return a tenant's chat; raises NotFound."""
        found = await self._store.embed(EmbedId(id))
        if found is None or found.tenant != tenant:
            raise NotFound(f"embed: there's no {id!r}; GET /v1/embeds lists them")
        return found

    async def shown(self, id: str) -> Embed | None:
        """Return a chat that may be shown now: it's there, and its tenant isn't suspended."""
        found = await self._store.embed(EmbedId(id))
        tenant = await self._store.tenant(found.tenant) if found else None
        return found if tenant and tenant.suspended_at is None else None

    async def person(self, embed: Embed, external: str, name: str) -> Person:
        """Return whom a page's own server calls by this name, made if it's new.

        Raises NotAllowed for one who is leaving or suspended, and for one who may more than a member: a page speaks for
        nobody who runs the place.
        """
        known = await self._members.known_as(embed.tenant, external, name or _name(external))
        if not known.is_heard or known.role != "member":
            raise NotAllowed("token: whom it names may not write from a page")
        return known


def settings_of(embed: Embed) -> Settings:
    """Return how a chat looks."""
    return Settings(
        title=embed.title or embed.name,
        greeting=embed.greeting,
        colour=embed.colour,
        ink=on(embed.colour) if embed.colour else "",
        visitors=embed.visitors,
    )


def card_of(embed: Embed) -> Card:
    """Return what the hub's waker knows of a chat: it shows it while the hub sleeps, and lets its guests in."""
    return Card(origins=embed.origins, settings=settings_of(embed))


def _name(external: str) -> str | None:
    """Return what operators call a visitor: short, and another than the next one's; None for who isn't one."""
    if not external.startswith(VISITOR):
        return None
    return f"Visitor {sha256(external.encode()).hexdigest()[:4].upper()}"


def origins(named: Iterable[str]) -> tuple[str, ...]:
    """Return origins as browsers say them; raises BadRequest for what isn't one."""
    return tuple(dict.fromkeys(_origin(each) for each in named))


def _origin(named: str) -> str:
    parts = urlsplit(named) if re.fullmatch(r"[!-~]{1,300}", named) else None
    host = parts.hostname if parts else None
    port = _port(named)
    if parts is None or host is None or port is None or parts.scheme not in ("http", "https") or parts.username:
        raise BadRequest("origins", f"{named[:80]!r} isn't one; give a scheme and a host, as https://shop.example")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise BadRequest("origins", f"{named[:80]!r} has more than scheme, host and port; leave the rest out")
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (0, usual) else "")


def _port(named: str) -> int | None:
    """Return a URL's port, 0 where it names none, None where it's no port."""
    try:
        return urlsplit(named).port or 0
    except ValueError:
        return None
