"""Machines that carry our tag and that no hub owns: they cost money, and nobody would ever stop them."""

import logging
from collections.abc import Mapping

from msgspec import Struct

from hub.ports.time import Clock
from hub.waker.providers import Found, Provider, ProviderFault, Tagged, chosen

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two looks."""


class Orphan(Struct, frozen=True, kw_only=True):
    """A machine that nobody owns."""

    place: str
    id: str
    hub: str
    """The hub that it was made for."""
    state: str
    seen_at: float
    """When it was first seen, in seconds since 1970."""


class Orphans:
    """Looks for them, in every place where a hub's machine is."""

    def __init__(self, providers: Mapping[str, Provider], clock: Clock, *, destroy: bool) -> None:
        """`providers` is by hub; `destroy` has those destroyed that are still nobody's at the next look."""
        self._providers = {hub: each for hub, each in providers.items() if isinstance(each, Tagged)}
        self._clock = clock
        self._destroy = destroy
        self.seen: tuple[Orphan, ...] = ()
        """Those of the last look."""

    async def run(self) -> None:
        """Look until cancelled."""
        while self._providers:
            await self.look()
            await self._clock.sleep(EVERY)

    async def look(self) -> None:
        """Look once in each place; what can't be seen now stays as it was seen last."""
        before = {(each.place, each.id): each for each in self.seen}
        seen: list[Orphan] = []
        for place, provider in {each.place: each for each in self._providers.values()}.items():
            try:
                found = await provider.found()
            except ProviderFault as fault:
                log.warning("%s: can't be asked for orphans: %s", place, fault)
                seen += [each for each in self.seen if each.place == place]
                continue
            for machine in self._nobodys(place, found):
                known = before.get((place, machine.id))
                orphan = self._orphan(place, machine, known)
                if known is None:
                    log.warning(
                        "%s: machine %s of hub %r is %s, and nobody's", place, orphan.id, orphan.hub, orphan.state
                    )
                elif self._destroy and await self._discarded(provider, orphan):
                    continue
                seen.append(orphan)
        self.seen = tuple(seen)

    def _nobodys(self, place: str, found: tuple[Found, ...]) -> list[Found]:
        owned = {
            own.id
            for hub, provider in self._providers.items()
            if provider.place == place and (own := chosen(found, hub)) is not None
        }
        return [each for each in found if each.id not in owned and each.state not in {"missing", "stopping"}]

    def _orphan(self, place: str, machine: Found, known: Orphan | None) -> Orphan:
        at = known.seen_at if known else self._clock.now().timestamp()
        return Orphan(place=place, id=machine.id, hub=machine.hub, state=machine.state, seen_at=at)

    async def _discarded(self, provider: Tagged, orphan: Orphan) -> bool:
        try:
            await provider.discard(orphan.id)
        except ProviderFault as fault:
            log.warning("%s: machine %s is nobody's, and can't be destroyed: %s", orphan.place, orphan.id, fault)
            return False
        log.warning("%s: machine %s of hub %r was nobody's, and is destroyed", orphan.place, orphan.id, orphan.hub)
        return True
