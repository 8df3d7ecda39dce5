"""Deliver to webhooks: in order for each, all side by side, as patiently as it takes, and never silently not."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from random import random

from msgspec.structs import replace

from hub.errors import Conflict, StoreUnavailable
from hub.failpoints import reach
from hub.flow.elsewhere import Elsewhere
from hub.flow.journal import Journal
from hub.flow.notices import notice
from hub.flow.outbox import Outbox
from hub.flow.webhook_posting import Outcome, Poster
from hub.ports import Change, Clock, Save, Store
from hub.records import OWNER, Message, Person, TenantId, Webhook, WebhookDelivery, WebhookId

log = logging.getLogger(__name__)

PAUSES = (5.0, 30.0, 120.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0, 43_200.0)
"""Seconds between two tries: 28 hours in all."""
TRIES = len(PAUSES) + 1
REFUSED = 7
"""So many tries of what the receiver won't have, in 1 h 43 min: others wait behind it."""
SPREAD = 0.2
"""So much longer or shorter is each pause, so that not all come back at one moment."""
OFF_AFTER = timedelta(days=3)
"""A webhook that nothing could be delivered to for so long is switched off."""
AT_ONCE, OF_A_TENANT = 64, 8
"""Deliveries under way: of all, and of one tenant, whose slow receivers mustn't hold up others'."""
BATCH = 50
"""Deliveries that are looked up at once; each is sent and noted by itself."""
LOOK = 300.0
"""The longest wait without a look at the time: a machine may sleep, and its clock be set."""
SUSPENDED = timedelta(hours=1)
STORE_PAUSE, FAULT_PAUSE = 5.0, 30.0
HALTED = 2.0
"""Seconds between looks whether everything is paused still."""


class WebhookLanes:
    """One lane for each webhook that something waits for; none where nothing does."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        outbox: Outbox,
        elsewhere: Elsewhere,
        clock: Clock,
        poster: Poster,
        *,
        check: Callable[[], None] = lambda: None,
        halted: Callable[[], bool] = lambda: False,
        spread: Callable[[], float] = random,
    ) -> None:
        """`check` raises HubEnded where another hub may be delivering by now. While it's `halted`, nothing goes out.
        `spread` is a number from 0 to 1.
        """
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._elsewhere = elsewhere
        self._clock = clock
        self._poster = poster
        self._check = check
        self._halted = halted
        self._spread = spread
        self._lanes: dict[WebhookId, asyncio.Event] = {}
        self._anew: set[WebhookId] = set()
        self._woken: asyncio.Queue[WebhookId] = asyncio.Queue()
        self._all = asyncio.Semaphore(AT_ONCE)
        self._of_tenant: Mapping[TenantId, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(OF_A_TENANT))
        self.sending = 0
        """How many deliveries are under way."""

    def wake(self, *hooks: WebhookId) -> None:
        """Have webhooks looked at: something waits for them."""
        for hook in hooks:
            self._woken.put_nowait(hook)

    def look_anew(self, hook: WebhookId) -> None:
        """Have a webhook looked at that was changed, or for which something goes before what waits."""
        self._anew.add(hook)
        self.wake(hook)

    async def run(self) -> None:
        """Deliver until cancelled; by one hub at a time. Raises StoreUnavailable."""
        self._lanes.clear()
        self.wake(*[lane.webhook for lane in await self._store.webhook_lanes()])
        async with asyncio.TaskGroup() as group:
            while True:
                hook = await self._woken.get()
                if stirred := self._lanes.get(hook):
                    stirred.set()
                else:
                    self._lanes[hook] = asyncio.Event()
                    group.create_task(self._lane(hook, self._lanes[hook]))

    async def switch_off(self, hook: Webhook, why: str) -> None:
        """Send a webhook nothing more, and tell who made it."""
        try:
            await self._commit(*await self._off(hook, why))
        except Conflict:
            return  # it was changed at this very moment: the next look finds it as it is
        self.look_anew(hook.id)

    # --- one lane

    async def _lane(self, id: WebhookId, stirred: asyncio.Event) -> None:
        try:
            while True:
                stirred.clear()
                pause = await self._safe_step(id)
                if pause is None and not stirred.is_set():
                    return
                if pause:
                    await self._wait(stirred, pause)
        finally:
            self._lanes.pop(id, None)
            self._anew.discard(id)

    async def _safe_step(self, id: WebhookId) -> float | None:
        try:
            return await self._step(id)
        except StoreUnavailable as error:
            log.warning("webhook %s: %s; looked at again in %.0f s", id, error, STORE_PAUSE)
            return STORE_PAUSE
        except Exception:
            # A lane lives on whatever happens in it: what waits is kept, and other lanes don't notice.
            log.exception("webhook %s: failed, looked at again in %.0f s", id, FAULT_PAUSE)
            return FAULT_PAUSE

    async def _step(self, id: WebhookId) -> float | None:
        """Do what's next; return after how many seconds to go on, or None if nothing waits."""
        self._anew.discard(id)
        waiting = await self._store.webhook_waiting(id, BATCH)
        if not waiting:
            return None
        head = waiting[0]
        wait = (head.due_at - self._clock.now()).total_seconds()
        if wait > 0:
            return min(wait, LOOK)
        if self._halted():
            return HALTED
        hook = await self._store.webhook(head.tenant, id)
        if hook is None or hook.off_at is not None:
            return None
        if await self._is_suspended(hook.tenant):
            await self._save(replace(head, due_at=self._clock.now() + SUSPENDED))
            return 0.0
        for delivery in waiting:
            async with self._of_tenant[hook.tenant], self._all:
                if self._halted() or id in self._anew or delivery.due_at > self._clock.now():
                    break
                if not await self._deliver(hook, delivery):
                    break
        return 0.0

    async def _deliver(self, hook: Webhook, head: WebhookDelivery) -> bool:
        """Send a delivery once; return whether the webhook is as it was, so that the next may be sent."""
        self._check()
        self.sending += 1
        try:
            reach("webhook.before-send")
            outcome = await self._poster.post(hook, head)
            reach("webhook.after-send")
            as_it_was = await self._record(hook, head, outcome)
            reach("webhook.after-record")
        finally:
            self.sending -= 1
        words = "delivered" if outcome.delivered else outcome.error if outcome.status else "no answer"
        log.info("webhook %s: delivery %s, try %d: %s", hook.id, head.id, head.attempts + 1, words)
        return as_it_was and outcome.delivered and hook.failing_since is None

    async def _wait(self, stirred: asyncio.Event, seconds: float) -> None:
        waits = [asyncio.ensure_future(stirred.wait()), asyncio.ensure_future(self._clock.sleep(seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _is_suspended(self, id: TenantId) -> bool:
        tenant = await self._store.tenant(id)
        return tenant is not None and tenant.suspended_at is not None

    # --- what's kept

    async def _record(self, hook: Webhook, head: WebhookDelivery, outcome: Outcome) -> bool:
        """Keep what came of a try, unless all is gone; return whether the webhook was still as it's given."""
        known = hook
        while True:
            try:
                await self._commit(*await self._outcome(hook, head, outcome))
            except Conflict:
                now = await self._store.webhook(hook.tenant, hook.id)
                if now is None or await self._store.webhook_delivery(head.tenant, head.id) is None:
                    return False
                hook = now
            else:
                return hook is known

    async def _outcome(self, hook: Webhook, head: WebhookDelivery, outcome: Outcome) -> tuple[Change, ...]:
        now = self._clock.now()
        tried = replace(
            head,
            attempts=head.attempts + 1,
            sent_at=now,
            ms=outcome.ms,
            status=outcome.status,
            answer=outcome.answer,
            error=outcome.error,
        )
        if outcome.delivered:
            fine = () if hook.failing_since is None else (Save(replace(hook, failing_since=None)),)
            return (Save(replace(tried, state="delivered")), *fine)
        failing = hook if hook.failing_since else replace(hook, failing_since=now)
        if outcome.gone:
            off = await self._off(failing, "its receiver answered 410: it wants nothing more")
            return (Save(replace(tried, state="dead")), *off)
        changes: tuple[Change, ...] = (Save(self._again(tried, outcome)),)
        since = failing.failing_since or now
        if now - since > OFF_AFTER:
            why = f"nothing could be delivered since {since:%Y-%m-%d %H:%M} UTC, at last: {outcome.error}"
            return (*changes, *await self._off(failing, why))
        return changes if failing is hook else (*changes, Save(failing))

    def _again(self, tried: WebhookDelivery, outcome: Outcome) -> WebhookDelivery:
        if tried.attempts >= (REFUSED if outcome.refused else TRIES):
            return replace(tried, state="dead")
        pause = PAUSES[tried.attempts - 1] * (1 + SPREAD * (2 * self._spread() - 1))
        return replace(tried, due_at=self._clock.now() + timedelta(seconds=max(pause, outcome.after)))

    async def _off(self, hook: Webhook, why: str) -> tuple[Change, ...]:
        """Return what switches a webhook off and tells who made it, or the owner if they're gone."""
        maker = await self._store.person(hook.tenant, hook.by)
        person = maker.id if maker is not None and _hears(maker) else OWNER
        name = f"“{hook.description}”" if hook.description else hook.id
        told = notice(
            f"The webhook {name} was switched off: {why}. What waits for it is kept. Mend its receiver, then switch it"
            " on again on the page Webhooks, where you can also send again what was given up.",
            tenant=hook.tenant,
            to=await self._elsewhere.way_to(hook.tenant, person),
            person=person,
            now=self._clock.now(),
        )
        log.warning("webhook %s is switched off: %s", hook.id, why)
        return (Save(replace(hook, off_at=self._clock.now(), off_why=why)), *self._outbox.say(told))

    async def _save(self, delivery: WebhookDelivery) -> None:
        try:
            await self._store.commit(Save(delivery))
        except Conflict:
            return  # the webhook is gone, and all that waited for it

    async def _commit(self, *changes: Change) -> None:
        """Keep changes; only with a notice among them is there news for anybody."""
        notices = [change.record for change in changes if isinstance(change.record, Message)]
        if notices:
            await self._journal.commit(*changes, wake=tuple(map(self._outbox.lane, notices)))
        else:
            await self._store.commit(*changes)


def _hears(person: Person) -> bool:
    return person.is_heard and person.role not in {"service", "group"}
