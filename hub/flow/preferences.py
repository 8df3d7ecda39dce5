"""When somebody wants to be left alone, when to hear how things are, and in which language: kept as small documents."""

from datetime import date, time
from zoneinfo import ZoneInfo

from msgspec import Struct, convert, to_builtins

from hub.flow.hours import Hours
from hub.ports import Documents
from hub.records import Address, PersonId, TenantId, preferences_of
from hub.times.zones import Zones

QUIET = "quiet"
LANGUAGE = "language"
DIGESTS = "digests"
"""Owner of what says who gets a digest, and when: one small list, looked through every minute."""


class Wish(Struct, frozen=True, kw_only=True):
    """That somebody wants a digest every day."""

    tenant: TenantId
    person: PersonId
    at: time
    bridge: str
    chat: str
    last: date
    """The day of the last one, or the one before the first."""

    @property
    def address(self) -> Address:
        """Where it goes."""
        return Address(bridge=self.bridge, chat=self.chat)


class Preferences:
    """Keeps what people prefer."""

    def __init__(self, documents: Documents, zones: Zones) -> None:
        self._documents = documents
        self._zones = zones

    async def zone(self, tenant: TenantId, person: PersonId) -> ZoneInfo:
        """Return the zone whose clocks somebody goes by: the one they chose, else the hub's."""
        return ZoneInfo(await self._zones.of(tenant, person))

    async def quiet(self, tenant: TenantId, person: PersonId) -> Hours | None:
        """Return somebody's quiet hours, if they want any."""
        kept = await self._documents.get(preferences_of(tenant, person), QUIET)
        return convert(kept, Hours, strict=False) if kept else None

    async def keep_quiet(self, tenant: TenantId, person: PersonId, hours: Hours | None) -> None:
        """Have somebody left alone in these hours from now on, or in none."""
        owner = preferences_of(tenant, person)
        if hours is None:
            await self._documents.remove(owner, QUIET)
        else:
            await self._documents.put(owner, QUIET, to_builtins(hours))

    async def language(self, tenant: TenantId, person: PersonId) -> str:
        """Return the code of the language that somebody chose for the web site; empty if none."""
        kept = await self._documents.get(preferences_of(tenant, person), LANGUAGE)
        return str(kept["code"]) if kept else ""

    async def keep_language(self, tenant: TenantId, person: PersonId, code: str) -> None:
        """Have somebody's pages in this language from now on; an empty one leaves it to their browsers."""
        owner = preferences_of(tenant, person)
        if code:
            await self._documents.put(owner, LANGUAGE, {"code": code})
        else:
            await self._documents.remove(owner, LANGUAGE)

    async def wishes(self) -> tuple[Wish, ...]:
        """Return everybody's wish for a digest."""
        return tuple(convert(kept, Wish) for _, kept in await self._documents.all(DIGESTS))

    async def wish(self, tenant: TenantId, person: PersonId) -> Wish | None:
        """Return somebody's wish for a digest, if they have it."""
        kept = await self._documents.get(DIGESTS, _name(tenant, person))
        return convert(kept, Wish) if kept else None

    async def keep_wish(self, wish: Wish) -> None:
        """Have somebody get a digest every day."""
        await self._documents.put(DIGESTS, _name(wish.tenant, wish.person), to_builtins(wish))

    async def forget_wish(self, tenant: TenantId, person: PersonId) -> None:
        """Have somebody get no digests any more."""
        await self._documents.remove(DIGESTS, _name(tenant, person))


def _name(tenant: TenantId, person: PersonId) -> str:
    return f"{tenant}/{person}"
