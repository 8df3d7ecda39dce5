"""What can't be delivered is told elsewhere: to its person by another way, and to the owner."""

from collections.abc import Collection

from hub.flow.notices import notice
from hub.ports import Clock, Store
from hub.records import OWNER, Address, Message, Person, PersonId, TenantId

HTTP = "http"


class Elsewhere:
    """Finds other ways to people."""

    def __init__(self, store: Store, clock: Clock, pushing: Collection[str]) -> None:
        self._store = store
        self._clock = clock
        self._pushing = pushing
        """Names of the bridges that deliver; everybody else reads for themselves."""

    async def tell(self, message: Message, why: str) -> tuple[Message, ...]:
        """Return what to say elsewhere about a message that its platform refuses for good.

        Of what was said elsewhere already nothing more is told: it would go on for ever.
        """
        if message.copy_of is not None:
            return ()
        person = await self._store.person(message.tenant, message.person)
        said: list[Message] = []
        if person is not None and person.role != "group":
            text = f"I couldn't deliver this by {message.address.bridge} ({why}):\n\n{message.text}"
            said.append(self._notice(message, person.id, await self._way_to(person.id, message), text))
        if person is None or person.role != "owner":
            whose = person.name if person else "somebody"
            text = f"A message for {whose} couldn't be delivered by {message.address.bridge}: {why}"
            said.append(self._notice(message, OWNER, await self._way_to(OWNER, message), text))
        return tuple(said)

    async def way_to(self, tenant: TenantId, person: PersonId) -> Address:
        """Return where somebody can be told something unasked: their own chat on a platform, else the web."""
        for link in await self._store.links(tenant, person):
            if link.chat and link.bridge in self._pushing:
                return Address(bridge=link.bridge, chat=link.chat)
        return Address(bridge=HTTP, chat=f"{person}/main")

    async def _way_to(self, person: PersonId, message: Message) -> Address:
        for link in await self._store.links(message.tenant, person):
            known = link.chat and link.bridge in self._pushing
            if known and (link.bridge, link.chat) != (message.address.bridge, message.address.chat):
                return Address(bridge=link.bridge, chat=link.chat)
        return Address(bridge=HTTP, chat=f"{person}/main")

    def _notice(self, message: Message, person: PersonId, to: Address, text: str) -> Message:
        return notice(
            text,
            tenant=message.tenant,
            to=to,
            person=person,
            now=self._clock.now(),
            task=message.task if person == message.person else None,
            copy_of=message.id,
        )


def is_owner(person: Person | None) -> bool:
    """Say whether somebody may change the hub."""
    return person is not None and person.role == "owner"
