"""Who may speak, and keeping what they say: once, durably, before anybody is told that it's received."""

import re
from collections import OrderedDict

from hub.config import LimitsConfig
from hub.errors import BadRequest, Duplicate, NotAllowed, StoreError, TooLarge, TooMany
from hub.failpoints import reach
from hub.flow import lanes
from hub.flow.crowds import Waiting
from hub.flow.journal import Journal
from hub.flow.notices import notice
from hub.flow.outbox import Outbox
from hub.ports import Add, Change, Clock, Store
from hub.records import Incoming, Message, MessageId, Person, PersonId, TenantId, Text, new_id
from hub.spool import Spool

REMEMBERED = 10_000
"""Senders whose person is remembered between messages."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
HTTP = "http"


class Inbox:
    """Keeps each incoming message once and has it worked on."""

    def __init__(
        self, store: Store, spool: Spool, journal: Journal, outbox: Outbox, clock: Clock, limits: LimitsConfig
    ) -> None:
        self._store = store
        self._spool = spool
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._limits = limits
        self._people: OrderedDict[tuple[TenantId, str, str], PersonId] = OrderedDict()
        self._waiting = Waiting(store, clock, limits.waiting_per_person)

    async def accept(self, incoming: Incoming) -> bool:
        """Keep a message; return False if it was kept before. See Bridge.run for what's raised."""
        _, new = await self.keep(incoming)
        return new

    async def keep(self, incoming: Incoming, *beside: Change) -> tuple[Message, bool]:
        """Keep a message and return it, with True if it's new; one that came before is returned as it stands.

        What's `beside` is kept with a new message, or neither is.

        Raises NotAllowed, BadRequest, TooLarge or TooMany with words for the sender, StoreUnavailable if it can't be
        kept now. Once it returns, the hub answers for the message.
        """
        message = await self.checked(incoming)
        command = is_command(incoming)
        lane = (lanes.commands if command else lanes.chat)(message.tenant, message.address)
        reach("inbox.before-commit")
        try:
            await self._journal.commit(
                Add(message),
                self._spool.put("inbox", lane, message, message.created_at),
                self._journal.about_message("message", message),
                *beside,
                wake=(lane,),
            )
        except Duplicate:
            return await self._known(incoming), False
        reach("inbox.after-commit")
        return message, True

    async def checked(self, incoming: Incoming) -> Message:
        """Return what's to be kept, once it's clear that it may be; raises as `keep` does."""
        check_parts(incoming, self._limits.message_bytes)
        person = await self._who(incoming)
        if not is_command(incoming):
            await self._check_waiting(incoming, person)
        return await self._message(incoming, person)

    async def _who(self, incoming: Incoming) -> PersonId:
        sender = (incoming.tenant, incoming.address.bridge, incoming.sender)
        person = self._people.get(sender)
        if person is None:
            found = await self._find(incoming)
            if found is None:
                raise NotAllowed("you aren't known here; ask the owner of this hub to let you in")
            person = self._people[sender] = found
            if len(self._people) > REMEMBERED:
                self._people.popitem(last=False)
        return person

    async def _find(self, incoming: Incoming) -> PersonId | None:
        # Over HTTP the sender is the person whose key or session it is.
        if incoming.address.bridge == HTTP:
            person: Person | None = await self._store.person(incoming.tenant, PersonId(incoming.sender))
            return person.id if person else None
        link = await self._store.link(incoming.tenant, incoming.address.bridge, incoming.sender)
        return link.person if link else None

    async def _check_waiting(self, incoming: Incoming, person: PersonId) -> None:
        if await self._waiting.one_more(incoming.tenant, person):
            return
        # Said before is kept before: a bridge that hands it over again must hear that, not that there's too much.
        if await self._store.message_by_external(incoming.tenant, incoming.address, incoming.external_id):
            return
        text = (
            f"{self._waiting.limit} of your messages wait for an answer; this one wasn't kept, send it again when some"
            " are answered"
        )
        if self._waiting.tell(person):
            told = notice(
                f"{text}. I say this once, not for each that comes now.",
                tenant=incoming.tenant,
                to=incoming.address,
                person=person,
                now=self._clock.now(),
            )
            await self._journal.commit(*self._outbox.say(told), wake=(self._outbox.lane(told),))
        raise TooMany(text, after=10.0)

    async def _message(self, incoming: Incoming, person: PersonId) -> Message:
        replied = None
        if incoming.reply_to is not None:
            replied = await self._store.message_by_external(incoming.tenant, incoming.address, incoming.reply_to)
        return Message(
            id=MessageId(new_id()),
            tenant=incoming.tenant,
            address=incoming.address,
            external_id=incoming.external_id,
            role="user",
            person=person,
            parts=incoming.parts,
            state="accepted",
            created_at=self._clock.now(),
            reply_to=replied.id if replied else None,
            wish=incoming.wish,
            agent=incoming.agent,
        )

    async def _known(self, incoming: Incoming) -> Message:
        message = await self._store.message_by_external(incoming.tenant, incoming.address, incoming.external_id)
        if message is None:
            raise StoreError(f"message {incoming.external_id!r} is kept and can't be found")
        return message


def is_command(incoming: Incoming) -> bool:
    """Say whether a message is for the hub itself and not for an agent: `/word ...`, or "stop" alone."""
    part = incoming.parts[0]
    if not isinstance(part, Text):
        return False
    text = part.text.strip()
    return (text.startswith("/") and text[1:2].isalpha()) or text.lower().rstrip(".!") in {"stop", "cancel"}


def check_parts(incoming: Incoming, message_bytes: int) -> None:
    """Raise BadRequest or TooLarge, with the way out, for what can't be kept as a message."""
    if not incoming.parts:
        raise BadRequest("parts", "a message needs at least one part; send some text or a file")
    texts = [part.text for part in incoming.parts if isinstance(part, Text)]
    if len(texts) == len(incoming.parts) and not any(text.strip() for text in texts):
        raise BadRequest("text", "it's empty; write something")
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    if size > message_bytes:
        raise TooLarge(f"text: {size:,} bytes, at most {message_bytes:,} fit into a message; send it as a file")
    for text in texts:
        if found := CONTROL.search(text):
            raise BadRequest("text", f"U+{ord(found[0]):04X} at {found.start()} is a control character; leave it out")
