"""Obeys /quiet and /digest, and says the same over the API: when somebody wants to be left alone, and when told."""

from hub.flow.daily import Daily
from hub.flow.hours import Hours, clock_time, hours
from hub.flow.outbox import Outbox
from hub.flow.preferences import Preferences
from hub.flow.said import Said
from hub.flow.standing import moment
from hub.ports import Clock
from hub.records import Address, PersonId, TenantId

OFF = ("off", "never", "none", "no")
ON = "From {begin:%H:%M} to {end:%H:%M} ({zone}) I say nothing that nobody waits for; /quiet off ends that."


class Habits:
    """Keeps what people wish, and says how it stands."""

    def __init__(self, preferences: Preferences, outbox: Outbox, daily: Daily, clock: Clock) -> None:
        self.preferences = preferences
        self.daily = daily
        self._outbox = outbox
        self._clock = clock

    async def quiet(self, said: Said) -> str:
        """Set, end or tell somebody's quiet hours."""
        who = (said.message.tenant, said.message.person)
        if not said.rest:
            now = await self.preferences.quiet(*who)
            return await self._told(*who, now) if now else "You have no quiet hours; /quiet 22:00-07:00 sets them."
        if said.rest.lower() in OFF:
            await self.keep_quiet(*who, None)
            return "No more quiet hours: what waited comes now."
        wished = hours(said.rest)
        await self.keep_quiet(*who, wished)
        return await self._told(*who, wished)

    async def digest(self, said: Said) -> str:
        """Tell somebody how their tasks are: now, every day at a time, or no longer."""
        who = (said.message.tenant, said.message.person)
        if said.rest.lower() in ("", "now"):
            return await self.daily.text(*who)
        if said.rest.lower() in OFF:
            await self.preferences.forget_wish(*who)
            return "No more digests."
        first = await self.daily.begin(*who, clock_time(said.rest, "digest"), said.message.address)
        at = moment(first, self._clock.now(), await self.preferences.zone(*who))
        return f"A digest comes here every day, the first at {at}; /digest off ends it."

    async def keep_quiet(self, tenant: TenantId, person: PersonId, wished: Hours | None) -> None:
        """Have somebody left alone in these hours; what waits for the end of others goes out, or waits anew."""
        await self.preferences.keep_quiet(tenant, person, wished)
        await self._outbox.release(person)

    async def keep_digest(self, tenant: TenantId, person: PersonId, at: str, to: Address) -> None:
        """Have somebody told every day at a time, or (an empty one) no longer. Raises BadRequest."""
        if at:
            await self.daily.begin(tenant, person, clock_time(at, "digest"), to)
        else:
            await self.preferences.forget_wish(tenant, person)

    async def _told(self, tenant: TenantId, person: PersonId, wished: Hours) -> str:
        zone = wished.zone or (await self.preferences.zone(tenant, person)).key
        return ON.format(begin=wished.begin, end=wished.end, zone=zone)
