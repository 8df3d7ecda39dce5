"""The hub's desk for bridges, without a hub behind it."""

from collections.abc import Iterable

from hub.records import OPEN, Address, Link, Message, Person, Task

HANDFUL = 10


class FakeDesk:
    """A Desk that knows what it was given."""

    def __init__(
        self,
        *,
        people: Iterable[Person] = (),
        links: Iterable[Link] = (),
        tasks: Iterable[Task] = (),
        messages: Iterable[Message] = (),
    ) -> None:
        self.people = {person.id: person for person in people}
        self.links = {(link.bridge, link.sender): link for link in links}
        self.given = list(tasks)
        """Open ones, and those that count as just finished."""
        self.messages = list(messages)

    async def person(self, bridge: str, sender: str) -> Person | None:
        link = self.links.get((bridge, sender))
        return self.people.get(link.person) if link else None

    async def tasks(self, bridge: str, sender: str) -> tuple[Task, ...]:
        person = await self.person(bridge, sender)
        theirs = [task for task in self.given if person and task.person == person.id and _shown(task)]
        return tuple(sorted(theirs, key=lambda task: task.updated_at, reverse=True)[:HANDFUL])

    async def message(self, address: Address, external_id: str) -> Message | None:
        where = (address.bridge, address.chat, external_id)
        found = (
            message
            for message in self.messages
            if (message.address.bridge, message.address.chat, message.external_id) == where
        )
        return next(found, None)


def _shown(task: Task) -> bool:
    return task.state in OPEN or task.state == "completed"
