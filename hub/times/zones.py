"""Whose clock counts: the time zone that a person has chosen, else the hub's."""

import zoneinfo
from collections.abc import Mapping
from functools import cache
from zoneinfo import ZoneInfo

from hub.errors import BadRequest
from hub.ports import Documents
from hub.records import PersonId, TenantId, preferences_of

DOCUMENT = "timezone"


class Zones:
    """Keeps the time zones that people have chosen."""

    def __init__(self, documents: Documents, default: str) -> None:
        """`default` is the hub's, for who has chosen none."""
        self._documents = documents
        self.default = default

    async def of(self, tenant: TenantId, person: PersonId) -> str:
        """Return a person's time zone, as Europe/Berlin; the hub's if they've chosen none."""
        chosen = await self.chosen(tenant, person)
        return chosen or self.default

    async def chosen(self, tenant: TenantId, person: PersonId) -> str:
        """Return the time zone that a person has chosen, or nothing."""
        kept = await self._documents.get(preferences_of(tenant, person), DOCUMENT)
        name = str(kept["name"]) if kept else ""
        return name if name in zoneinfo.available_timezones() else ""

    async def choose(self, tenant: TenantId, person: PersonId, place: str) -> str:
        """Have a person's times be those of a zone, or of a city in it; nothing: the hub's. Return the zone's name.

        Raises BadRequest for a place that no zone is named after.
        """
        zone = named(place) if place.strip() else None
        if zone is None and place.strip():
            raise BadRequest(
                "timezone", f"none is known for {place[:60]!r}; use a name like Europe/Berlin, or a big city"
            )
        name = zone.key if zone else ""
        await self._documents.put(preferences_of(tenant, person), DOCUMENT, {"name": name})
        return name or self.default


def named(place: str) -> ZoneInfo | None:
    """Return the time zone that's called so, or after so big a city; None if there's none."""
    known = places()
    plain = simple(place)
    name = known.get(plain) or known.get(plain.split(",")[0].strip())
    return ZoneInfo(name) if name else None


def simple(place: str) -> str:
    """Return a place's name as `places` has it."""
    return " ".join(place.lower().replace("_", " ").strip(" .?!").split())


@cache
def places() -> Mapping[str, str]:
    """Return the names of time zones by what people call them: in small letters, or by a city alone."""
    names: dict[str, str] = {}
    for name in sorted(zoneinfo.available_timezones(), reverse=True):
        plain = simple(name)
        names[plain] = name
        if "/" in plain and not plain.startswith(("etc/", "us/", "posix", "right")):
            names.setdefault(plain.rpartition("/")[2], name)
    return names
