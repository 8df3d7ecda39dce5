"""Who may speak, and keeping what they say: once, durably, before anybody is told that it's received."""

import re

from hub.config import LimitsConfig
from hub.errors import BadRequest, Duplicate, OverQuota, StoreError, StoreUnavailable, Stranger, TooLarge, TooMany
from hub.failpoints import reach
from hub.flow import accounting, lanes
from hub.flow.access import HTTP, Access, Who
from hub.flow.allowance import Allowance
from hub.flow.crowds import Waiting
from hub.flow.guard import Guard
from hub.flow.human import asks_for_human
from hub.flow.journal import Journal
from hub.flow.notices import answer_to, notice
from hub.flow.orders import is_order
from hub.flow.outbox import Outbox
from hub.ports import Add, Change, Clock, Store
from hub.records import Incoming, Message, MessageId, PersonId, Text, new_id
from hub.spool import Spool

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

TRIES = 3


class Inbox:
    """Keeps each incoming message once and has it worked on."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        journal: Journal,
        outbox: Outbox,
        clock: Clock,
        limits: LimitsConfig,
        access: Access,
        guard: Guard,
        allowance: Allowance,
        humans: bool = False,
    ) -> None:
        """With `humans`, who says that they want a human is taken for asking the hub for one, not an agent."""
        self._store = store
        self._spool = spool
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._limits = limits
        self._access = access
        self._guard = guard
        self._humans = humans
        self._allowance = allowance
        self.shut = False
        """Nothing is taken any more: the hub is about to stop, and who says something must say it again."""
        self._waiting = Waiting(store, clock, limits.waiting_per_person)

    async def accept(self, incoming: Incoming) -> bool:
        """Keep a message; return False if it was kept before. See Bridge.run for what's raised."""
        _, new = await self.keep(incoming)
        return new

    async def keep(self, incoming: Incoming, *beside: Change) -> tuple[Message, bool]:
        """Keep a message and return it, with True if it's new; one that came before is returned as it stands.

        What's `beside` is kept with a new message, or neither is.

        Raises NotAllowed, BadRequest, TooLarge, TooMany or OverQuota with words for the sender, StoreUnavailable if it
        can't be kept now. Once it returns, the hub answers for the message.
        """
        if self.shut:
            raise StoreUnavailable("the hub is about to sleep; say it again in a moment")
        if self._guard.paused(incoming) and not await self._find(incoming):
            raise Stranger("the same over and over; wait a little")
        for _ in range(TRIES):
            message, of_sender = await self._checked(incoming)
            command = self._is_command(incoming)
            lane = (lanes.commands if command else lanes.chat)(message.tenant, message.address)
            counted = accounting.brought(message) if command else accounting.said(message)
            reach("inbox.before-commit")
            try:
                await self._journal.commit(
                    *of_sender,
                    Add(message),
                    self._spool.put("inbox", lane, message, message.created_at),
                    self._journal.about_message("message", message),
                    *counted,
                    *beside,
                    wake=(lane,),
                )
            except Duplicate:
                if found := await self._find(incoming):
                    return found, False
                self._access.forget(incoming)  # the sender became known at this very moment
                continue
            reach("inbox.after-commit")
            await self._count(incoming, message)
            return message, True
        raise StoreError(f"message {incoming.external_id!r} is kept and can't be found")

    async def checked(self, incoming: Incoming) -> Message:
        """Return what's to be kept, once it's clear that it may be; raises as `keep` does."""
        return (await self._checked(incoming))[0]

    async def _checked(self, incoming: Incoming) -> tuple[Message, tuple[Change, ...]]:
        check_parts(incoming, self._limits.message_bytes)
        who = await self._access.who(incoming)
        message = await self._message(incoming, who)
        if not self._is_command(incoming):
            await self._check_waiting(incoming, who.person)
            await self._check_quota(incoming, message)
        return message, who.beside

    async def _check_quota(self, incoming: Incoming, message: Message) -> None:
        """Refuse what its tenant may not take any more; on a chat platform that's told once, until it's free again."""
        try:
            await self._allowance.admit(message.tenant, accounting.size_of(message))
        except OverQuota as over:
            if await self._find(incoming):
                return
            if incoming.address.bridge != HTTP and not self._allowance.tell(message.tenant, message.person, over):
                raise Stranger(str(over)) from None
            raise

    async def _count(self, incoming: Incoming, message: Message) -> None:
        """Have a loop end: its other side is told once, and not listened to for a while."""
        if self._guard.heard(incoming):
            text = "This looks like two machines answering each other, so I stop listening for two minutes."
            told = answer_to(message, text, self._clock.now())
            await self._journal.commit(*self._outbox.say(told), wake=(self._outbox.lane(told),))

    async def _check_waiting(self, incoming: Incoming, person: PersonId) -> None:
        if await self._waiting.one_more(incoming.tenant, person):
            return
        # Said before is kept before: a bridge that hands it over again must hear that, not that there's too much.
        if await self._find(incoming):
            return
        text = (
            f"{self._waiting.limit} of your messages wait for an answer; this one wasn't kept, send it again when some"
            " are answered"
        )
        if self._waiting.tell(incoming.tenant, person):
            told = notice(
                f"{text}. I say this once, not for each that comes now.",
                tenant=incoming.tenant,
                to=incoming.address,
                person=person,
                now=self._clock.now(),
            )
            await self._journal.commit(*self._outbox.say(told), wake=(self._outbox.lane(told),))
        raise TooMany(text, after=10.0)

    async def _message(self, incoming: Incoming, who: Who) -> Message:
        replied = None
        if incoming.reply_to is not None:
            replied = await self._store.message_by_external(incoming.tenant, incoming.address, incoming.reply_to)
        return Message(
            id=MessageId(new_id()),
            tenant=incoming.tenant,
            address=incoming.address,
            external_id=incoming.external_id,
            role="user",
            person=who.person,
            parts=incoming.parts,
            state="accepted",
            created_at=self._clock.now(),
            reply_to=replied.id if replied else None,
            wish=incoming.wish,
            agent=incoming.agent,
            sender=incoming.sender,
            author=who.author,
            name=incoming.name if who.author else "",
            choice=incoming.choice,
            corrects=await self._corrected(incoming, who),
            key=incoming.key,
        )

    async def _corrected(self, incoming: Incoming, who: Who) -> MessageId | None:
        """Return the message that gets other words; None if this one stands for itself.

        Only its own sender may change a message, whatever a platform lets others name. An edit of what was obeyed or
        chosen is a new message, and so is one that makes a command of it.
        """
        if incoming.corrects is None or self._is_command(incoming):
            return None
        old = await self._store.message_by_external(incoming.tenant, incoming.address, incoming.corrects)
        if old is not None and old.corrects is not None:
            old = await self._store.message(old.corrects)
        if old is None or old.role != "user" or (old.person, old.sender) != (who.person, incoming.sender):
            return None
        return None if old.task is None and old.state == "answered" else old.id

    def _is_command(self, incoming: Incoming) -> bool:
        return is_command(incoming) or (self._humans and _asks_for_human(incoming))

    async def _find(self, incoming: Incoming) -> Message | None:
        return await self._store.message_by_external(incoming.tenant, incoming.address, incoming.external_id)


def is_command(incoming: Incoming) -> bool:
    """Say whether a message is for the hub itself and not for an agent: `/word ...`, "stop" alone, or a button.

    What a program says with an order is meant as it stands.
    """
    if incoming.choice is not None:
        return True
    if is_order(incoming.address.bridge, incoming.external_id):
        return False
    part = incoming.parts[0]
    if not isinstance(part, Text):
        return False
    text = part.text.strip()
    return (text.startswith("/") and text[1:2].isalpha()) or text.lower().rstrip(".!") in {"stop", "cancel"}


def _asks_for_human(incoming: Incoming) -> bool:
    part = incoming.parts[0] if len(incoming.parts) == 1 and incoming.wish is None else None
    return isinstance(part, Text) and asks_for_human(part.text)


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
