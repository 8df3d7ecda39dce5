"""Deliver what the hub says: in order within a chat, as patiently as the platform asks, and never silently not."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from msgspec.structs import replace

from hub.errors import Conflict, DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUncertain, Duplicate
from hub.failpoints import reach
from hub.flow import accounting, lanes
from hub.flow.elsewhere import Elsewhere
from hub.flow.guard import Guard
from hub.flow.journal import Journal
from hub.flow.labels import Label, Labels
from hub.flow.quiet import Quiet
from hub.flow.standing import is_over
from hub.ports import Add, Bridge, Change, Clock, Delivered, Editing, Outgoing, Retracting, Save, Store
from hub.records import Entry, EntryId, EventKind, Message, MessageId, PersonId, Posting, Text, Thread, new_id, saved
from hub.spool import Spool

log = logging.getLogger(__name__)

PAUSES = (1.0, 5.0, 20.0, 60.0)
"""Seconds until a delivery of unknown outcome is tried again: most outages are over by then."""
UNCERTAIN = len(PAUSES) + 1
"""So many deliveries of unknown outcome, and it's given up: something dies over it each time."""
TRIES = 5
MANY = 1_000
LONGEST = timedelta(days=2)
"""No quiet hours last so long."""
RECENT = 20
"""Messages of a chat among which its newest one is looked for."""


class _Came(NamedTuple):
    """What came of a delivery."""

    outgoing: Outgoing
    of_it: Delivered | DeliveryError


class Outbox:
    """Delivers to the bridges that push. Where people read for themselves (HTTP), a kept message is a delivered one."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        journal: Journal,
        clock: Clock,
        bridges: Mapping[str, Bridge],
        labels: Labels,
        elsewhere: Elsewhere,
        guard: Guard,
        quiet: Quiet,
        check: Callable[[], None] = lambda: None,
        signature: Callable[[Message], Awaitable[str]] | None = None,
        halted: Callable[[], bool] = lambda: False,
    ) -> None:
        """`check` raises HubEnded where another hub may be delivering by now. `signature` says whose name stands over
        what a human said in an agent's place. While it's `halted`, nothing goes out.
        """
        self._store = store
        self._spool = spool
        self._journal = journal
        self._clock = clock
        self._bridges = bridges
        self._labels = labels
        self._elsewhere = elsewhere
        self._guard = guard
        self._quiet = quiet
        self._check = check
        self._signature = signature
        self._halted = halted
        self._came: dict[EntryId, _Came] = {}

    def say(self, message: Message) -> tuple[Change, ...]:
        """Return what keeps a message of the hub and has it delivered; commit it with what it tells of."""
        kind: EventKind = "notice" if message.role == "notice" else "reply"
        counted = accounting.brought(message)
        if message.address.bridge not in self._bridges:
            sent = replace(message, state="sent")
            return Add(sent), self._journal.about_message(kind, sent), *counted
        return Add(message), self._wait(message), self._journal.about_message(kind, message), *counted

    async def take_back(self, message: Message) -> tuple[Change, ...]:
        """Return what retracts a message of the hub, and has it taken back where it was delivered; wake its lane."""
        moved = replace(message, state="moved")
        changes: list[Change] = [Save(moved), self._journal.about_message("reply", moved)]
        if message.address.bridge in self._bridges:
            entry = await self._store.entry_of("outbox", message.id)
            if entry is not None and entry.state == "ready":
                # A delivery under way that hasn't seen this must not commit over it.
                changes.append(Save(entry))
            changes.append(self._wait(moved))
        return tuple(changes)

    async def change(self, id: MessageId, text: str) -> tuple[Change, ...]:
        """Return what gives a message of the hub other words, also where it was delivered; wake its lane.

        Nothing if it has them already, isn't there any more, or couldn't be delivered.
        """
        # The entry first: what's delivered between the two is then known to be, or this can't be committed.
        entry = await self._store.entry_of("outbox", id)
        message = await self._store.message(id)
        if message is None or message.text == text or message.state in ("moved", "failed"):
            return ()
        changed = replace(message, parts=(Text(text),))
        changes: list[Change] = [Save(changed), self._journal.about_message("notice", changed)]
        if message.address.bridge not in self._bridges:
            return tuple(changes)
        if entry is not None and entry.state in ("ready", "held"):
            changes.append(Save(entry))
            if entry.boot is None:
                return tuple(changes)  # it has these words when its turn has come
        return (*changes, self._wait(changed))

    def lane(self, message: Message) -> str:
        """Return the lane to wake once `say`, `take_back` or `change` is committed."""
        return lanes.out(message.tenant, message.address)

    async def deliver(self, lane: str) -> None:
        """Deliver what waits in a lane, until it's empty or must wait."""
        while not self._halted() and (waiting := await self._spool.ready(lane, self._clock.now())):
            try:
                if not await self._deliver(waiting[0]):
                    return
            except Conflict:
                continue  # it was retracted at this very moment: look again

    async def release(self, person: PersonId | None = None) -> None:
        """Have what waited for the end of quiet hours go out now: all whose time has come, or all of somebody's."""
        now = self._clock.now()
        for entry in await self._store.held(now if person is None else now + LONGEST, MANY):
            if entry.queue == "outbox" and (person is None or await self._is_for(entry, person)):
                try:
                    await self._journal.commit(self._spool.release(entry), wake=(entry.lane,))
                except Conflict:
                    continue  # somebody else saw to it

    async def _is_for(self, entry: Entry, person: PersonId) -> bool:
        message = await self._store.message(entry.message)
        return message is not None and message.person == person

    async def _deliver(self, entry: Entry) -> bool:
        message = await self._store.message(entry.message)
        bridge = self._bridges.get(message.address.bridge) if message else None
        if message is None or bridge is None:
            await self._journal.commit(self._spool.settle(entry))
            return True
        came = self._came.get(entry.id)
        if came and (message.state != "moved" or isinstance(came.of_it, Delivered)):
            return await self._keep(entry, message, came)
        if message.state == "moved":
            self._came.pop(entry.id, None)
            return await self._retract(entry, message, bridge)
        if until := await self._quiet.until(message):
            await self._journal.commit(self._spool.hold(entry, until))
            return True
        if message.state == "sent":
            return await self._edit(entry, message, bridge)
        return await self._send(entry, message, bridge)

    async def _send(self, entry: Entry, message: Message, bridge: Bridge) -> bool:
        if entry.deaths and await self._is_progress(message):
            # It may be there. A second one would be worse than none: what counts is told by itself.
            unsure = replace(message, state="failed", error="nobody knows whether it arrived")
            await self._journal.commit(self._spool.settle(entry), Save(unsure))
            return True
        begun, sending = self._spool.begin(entry), replace(message, state="sending")
        await self._journal.commit(Save(begun), Save(sending))
        entry = saved(begun)
        signed = await self._signed(sending)
        outgoing = replace(_outgoing(signed, await self._labels.of(message)), again=entry.deaths > 0)
        reach("outbox.before-deliver")
        self._check()
        of_it: Delivered | DeliveryError
        try:
            of_it = await bridge.deliver(outgoing)
        except DeliveryError as error:
            of_it = error
        except Exception as error:
            # A fault of a bridge's may come after the sending: without a count it would send for ever.
            log.exception("message %s to %s: the bridge failed", message.id, bridge.name)
            of_it = DeliveryUncertain(f"something is wrong inside the bridge ({type(error).__name__})")
        else:
            self._guard.said(message.address)
            reach("outbox.after-deliver")
        came = self._came[entry.id] = _Came(outgoing, of_it)
        return await self._keep(entry, sending, came)

    # --- what became of it

    async def _keep(self, entry: Entry, message: Message, came: _Came) -> bool:
        """Keep what came of a delivery; return whether the next may go.

        While the store can't, it's remembered, and kept with the lane's next look: nothing is sent twice for that.
        """
        if isinstance(came.of_it, Delivered):
            await self._settle(entry, replace(came.outgoing, message=message), came.of_it)
            reach("outbox.after-settle")
            on = True
        else:
            on = await self._failed(entry, message, came.of_it)
        del self._came[entry.id]
        return on

    async def _settle(self, entry: Entry, outgoing: Outgoing, delivered: Delivered) -> None:
        """Keep that it arrived, and what it's called there, in one commit; also if it was retracted meanwhile."""
        message = outgoing.message
        for attempt in range(TRIES):
            sent = replace(message, state="moved" if message.state == "moved" else "sent")
            try:
                await self._journal.commit(
                    self._spool.settle(entry),
                    Save(sent),
                    *await self._postings(message, delivered, again=attempt > 0),
                    *await self._thread(outgoing, delivered),
                    self._journal.about_message("delivery", sent),
                )
            except (Conflict, Duplicate):
                entry = await self._store.entry(entry.id) or entry
                message = await self._store.message(message.id) or message
                continue
            return
        raise Conflict(f"message {message.id} is delivered, and that can't be kept: it changes all the time")

    async def _postings(self, message: Message, delivered: Delivered, *, again: bool) -> list[Change]:
        """Return the platform's ids as records; an id that's known already (of a double) isn't kept twice."""
        at = message.address
        ids = dict.fromkeys(delivered.ids)
        if again:
            found = {id: await self._store.message_by_external(message.tenant, at, id) for id in ids}
            ids = {id: None for id, known in found.items() if known is None}
        return [
            Add(
                Posting(
                    tenant=message.tenant,
                    bridge=at.bridge,
                    chat=at.chat,
                    external_id=id,
                    message=message.id,
                    number=number,
                )
            )
            for number, id in enumerate(ids)
        ]

    async def _thread(self, outgoing: Outgoing, delivered: Delivered) -> list[Change]:
        """Return the thread that the platform gave the task, unless it's known, or another task's."""
        if delivered.thread is None or outgoing.task is None or delivered.thread == outgoing.thread:
            return []
        at = replace(outgoing.message.address, thread=delivered.thread)
        if await self._store.thread(outgoing.message.tenant, at):
            return []
        task = outgoing.task
        return [Add(Thread(tenant=task.tenant, bridge=at.bridge, chat=at.chat, thread=delivered.thread, task=task.id))]

    async def _failed(self, entry: Entry, message: Message, error: DeliveryError) -> bool:
        """Try it later, or give it up; return whether the next may go."""
        if isinstance(error, DeliveryDelayed):
            await self._later(entry, error.after, replace(message, state="ready"), str(error))
            return False
        if isinstance(error, DeliveryRefused) or entry.deaths + 1 >= UNCERTAIN:
            await self._give_up(entry, message, str(error))
            return True
        pause = PAUSES[min(entry.deaths, len(PAUSES) - 1)]
        await self._later(replace(entry, deaths=entry.deaths + 1), pause, replace(message, state="unknown"), str(error))
        return False

    async def _later(self, entry: Entry, seconds: float, message: Message, why: str) -> None:
        due_at = self._clock.now() + timedelta(seconds=seconds)
        await self._journal.commit(
            self._spool.release(entry, due_at=due_at, error=why),
            Save(message),
            self._journal.about_message("delivery", message),
        )

    async def _give_up(self, entry: Entry, message: Message, why: str) -> None:
        log.error("message %s to %s: given up: %s", message.id, message.address.bridge, why)
        failed = replace(message, state="failed", error=why)
        elsewhere = await self._elsewhere.tell(message, why)
        await self._journal.commit(
            self._spool.bury(entry, why),
            Save(failed),
            self._journal.about_message("delivery", failed),
            *(change for notice in elsewhere for change in self.say(notice)),
            wake=tuple(self.lane(notice) for notice in elsewhere),
        )

    # --- other words

    async def _edit(self, entry: Entry, message: Message, bridge: Bridge) -> bool:
        """Show other words of what was delivered. Where that can't be, the last ones are said anew, and others not."""
        ids = [posting.external_id for posting in await self._store.postings(message.id)]
        label = await self._labels.of(message)
        if ids and isinstance(bridge, Editing):
            begun = self._spool.begin(entry)
            await self._journal.commit(Save(begun))
            entry = saved(begun)
            outgoing = replace(_outgoing(await self._signed(message), label), newest=await self._is_newest(message))
            reach("outbox.before-edit")
            try:
                await bridge.edit(outgoing, ids)
            except DeliveryError as error:
                if not isinstance(error, DeliveryRefused) and entry.deaths + 1 < UNCERTAIN:
                    await self._once_more(entry, error)
                    return False
                log.info("message %s: %s doesn't show its new words: %s", message.id, bridge.name, error)
            else:
                reach("outbox.after-edit")
                await self._journal.commit(self._spool.settle(entry))
                return True
        task = label.task
        goes_on = task is not None and task.progress == message.id and not is_over(task)
        anew = () if goes_on or not ids else self.say(_anew(message))
        await self._journal.commit(self._spool.settle(entry), *anew)
        return True

    async def _signed(self, message: Message) -> Message:
        """Return a message as it's shown: with the name of the human who said it, if one did and it's to be seen."""
        name = await self._signature(message) if self._signature and message.sender else ""
        if not name:
            return message
        first, rest = (message.parts[0], message.parts[1:]) if message.parts else (Text(""), ())
        begin = (Text(f"{name}: {first.text}"),) if isinstance(first, Text) else (Text(f"{name}:"), first)
        return replace(message, parts=(*begin, *rest))

    async def _is_progress(self, message: Message) -> bool:
        task = await self._store.task(message.task) if message.task and message.role == "notice" else None
        return task is not None and task.progress == message.id

    async def _is_newest(self, message: Message) -> bool:
        latest = await self._store.messages_of_chat(message.tenant, message.address, limit=RECENT)
        said = [other.id for other in latest if other.role != "user" and other.state in ("sending", "unknown", "sent")]
        return said[-1:] == [message.id]

    # --- taking back

    async def _retract(self, entry: Entry, message: Message, bridge: Bridge) -> bool:
        """Take back what was delivered; nothing was, or the platform can't: then that's all."""
        ids = [posting.external_id for posting in await self._store.postings(message.id)]
        if ids and isinstance(bridge, Retracting):
            begun = self._spool.begin(entry)
            await self._journal.commit(Save(begun))
            entry = saved(begun)
            asked = await self._store.message(message.answers) if message.answers else None
            to = await self._store.task(asked.task) if asked and asked.task else None
            reach("outbox.before-retract")
            self._check()
            try:
                await bridge.retract(message, ids, to)
            except DeliveryError as error:
                if not isinstance(error, DeliveryRefused) and entry.deaths + 1 < UNCERTAIN:
                    await self._once_more(entry, error)
                    return False
                log.warning("message %s: %s doesn't take it back: %s", message.id, bridge.name, error)
            reach("outbox.after-retract")
        await self._journal.commit(self._spool.settle(entry))
        return True

    async def _once_more(self, entry: Entry, error: DeliveryError) -> None:
        doubt = isinstance(error, DeliveryUncertain)
        after = error.after if isinstance(error, DeliveryDelayed) else PAUSES[min(entry.deaths, len(PAUSES) - 1)]
        due_at = self._clock.now() + timedelta(seconds=after)
        again = replace(entry, deaths=entry.deaths + doubt)
        await self._journal.commit(self._spool.release(again, due_at=due_at, error=str(error)))

    def _wait(self, message: Message) -> Add:
        return self._spool.put("outbox", self.lane(message), message, self._clock.now())


def _outgoing(message: Message, label: Label) -> Outgoing:
    progress = label.task is not None and label.task.progress == message.id
    return Outgoing(
        message=message,
        task=label.task,
        tagged=label.tagged,
        thread=label.thread,
        reply_to=label.reply_to,
        silent=progress,
    )


def _anew(message: Message) -> Message:
    id = MessageId(new_id())
    return replace(message, id=id, external_id=id, state="ready", copy_of=message.id)
