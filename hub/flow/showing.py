"""What's shown while work goes on: drafts, that somebody types, the state of a task's thread.

Nothing here is kept, and nothing waits for it: a turn goes on as fast as ever, however slow a platform is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from hub.errors import DeliveryDelayed, DeliveryError, StoreError
from hub.flow.labels import Label, Labels
from hub.ports import Bridge, Clock, Delta, Draft, Drafting, Feed, Store, Threading, Typing
from hub.records import Address, Event, Message, MessageId, Task, TaskId, Turn, TurnId

log = logging.getLogger(__name__)

PACE = 0.25
"""Seconds between two looks at an answer that's being written; bridges take longer still."""
TYPING = 4.0
PATIENCE = 5.0
"""Seconds after which a platform that doesn't answer is left alone until there's more to show."""
SETTLED = 1.0
"""A task's thread is told of its state once that has stood so long: most changes are over in no time."""
TOLD = 10_000
TRIES = 5


@dataclass
class _Live:
    """A turn that's being taken, and what stands of its answer."""

    text: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False


class Showing:
    """Watches what happens to everybody, and has the bridges show it."""

    def __init__(
        self,
        store: Store,
        feed: Feed,
        clock: Clock,
        bridges: Mapping[str, Bridge],
        labels: Labels,
        runs: Callable[[str], bool] = lambda bridge: True,
    ) -> None:
        """`runs` says whether this hub, and no other, runs a bridge."""
        self._store = store
        self._feed = feed
        self._clock = clock
        self._bridges = bridges
        self._threading = {name: bridge for name, bridge in bridges.items() if isinstance(bridge, Threading)}
        self._labels = labels
        self._runs = runs
        self._live: dict[TurnId, _Live] = {}
        self._telling: set[TaskId] = set()
        self._told: dict[tuple[TaskId, Address], tuple[str, str]] = {}

    async def run(self) -> None:
        """Show what happens until cancelled; without a bridge that can show anything it ends at once."""
        able = (Drafting, Typing, Threading)
        if not any(isinstance(bridge, able) for bridge in self._bridges.values()):
            return
        async with asyncio.TaskGroup() as group:
            while True:
                async for news in self._feed.watch_all():
                    self._take(news, group)
                log.warning("more happens than can be shown; some of it was left out")
                for live in self._live.values():
                    live.over = True
                    live.changed.set()

    def _take(self, news: Event | Delta, group: asyncio.TaskGroup) -> None:
        if isinstance(news, Delta):
            if live := self._live.get(news.turn):
                live.text = news.text if news.whole else live.text + news.text
                live.changed.set()
        elif news.kind == "turn" and news.turn:
            if live := self._live.get(news.turn):
                live.over = True
                live.changed.set()
            else:
                # Known from its first event on, so that no piece of its answer is missed.
                self._live[news.turn] = _Live()
                group.create_task(self._safely(self._follow(news.turn)))
        elif news.kind == "task" and news.task and news.task not in self._telling and self._threading:
            self._telling.add(news.task)
            group.create_task(self._safely(self._tell(news.task)))

    # --- a turn

    async def _follow(self, id: TurnId) -> None:
        live = self._live[id]
        try:
            turn = await self._store.turn(id)
            if turn is not None and turn.state == "working":
                await self._show_turn(turn, live)
        finally:
            del self._live[id]

    async def _show_turn(self, turn: Turn, live: _Live) -> None:
        last = await self._store.message(turn.messages[-1]) if turn.messages else None
        bridge = self._bridges.get(last.address.bridge) if last else None
        if bridge is None or last is None or not self._runs(bridge.name):
            return
        async with asyncio.TaskGroup() as group:
            typing = group.create_task(self._type(bridge, last.address, live))
            if isinstance(bridge, Drafting):
                await self._draft(bridge, turn, last, live)
            else:
                await self._until_over(live)
            typing.cancel()

    async def _type(self, bridge: Bridge, address: Address, live: _Live) -> None:
        while isinstance(bridge, Typing) and not live.over:
            await self._asked(bridge.typing(address))
            await self._clock.sleep(TYPING)

    async def _draft(self, bridge: Drafting, turn: Turn, last: Message, live: _Live) -> None:
        """Show an answer as it grows; a platform that's slow gets to see fewer of its states."""
        shown = ""
        label: Label | None = None
        while not live.over:
            await live.changed.wait()
            live.changed.clear()
            if live.over or live.text == shown:
                continue
            label = label or await self._labels.about(turn.task, last.address, last.id)
            if label.task is None:
                return
            shown = live.text
            await self._asked(bridge.show(_a_draft(last.address, turn, label, label.task, shown)))
            await self._clock.sleep(PACE)
        if shown and not await self._was_said(turn, last.id):
            await self._asked(bridge.drop(turn.id))

    async def _was_said(self, turn: Turn, asked: MessageId) -> bool:
        return any(reply.turn == turn.id for reply in await self._store.replies(asked))

    async def _until_over(self, live: _Live) -> None:
        while not live.over:
            await live.changed.wait()
            live.changed.clear()

    async def _asked(self, shown: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await shown
        except TimeoutError:
            log.debug("a platform took too long to show something")
        except DeliveryError as error:
            log.debug("a platform didn't show something: %s", error)

    # --- a task's thread

    async def _tell(self, id: TaskId) -> None:
        """Tell a task's threads of its title and state, as they stand after a while."""
        try:
            await self._clock.sleep(SETTLED)
        finally:
            self._telling.discard(id)
        for thread in await self._store.threads(id):
            if (known := self._threading.get(thread.bridge)) and self._runs(thread.bridge):
                at = Address(bridge=thread.bridge, chat=thread.chat, thread=thread.thread)
                await self._tell_thread(known, at, id)

    async def _tell_thread(self, bridge: Threading, at: Address, id: TaskId) -> None:
        for _ in range(TRIES):
            task = await self._store.task(id)
            before = self._told.get((id, at))
            if task is None or before == (task.title, task.state) or not _is_telling(task, before):
                return
            try:
                await bridge.tell(at, task)
            except DeliveryDelayed as delay:
                await self._clock.sleep(delay.after)
                continue
            except DeliveryError as error:
                log.warning("thread of task %s on %s: isn't told of its state: %s", id, at.bridge, error)
            if len(self._told) >= TOLD:
                self._told.clear()
            self._told[id, at] = (task.title, task.state)
            return

    async def _safely(self, work: Awaitable[None]) -> None:
        try:
            await work
        except StoreError as error:
            log.warning("something isn't shown: %s", error)
        except Exception:
            # What's shown is a courtesy: whatever is wrong with it, the rest must go on.
            log.exception("something isn't shown")


def _a_draft(address: Address, turn: Turn, label: Label, task: Task, text: str) -> Draft:
    return Draft(
        address=address,
        task=task,
        turn=turn.id,
        text=text,
        tagged=label.tagged,
        thread=label.thread,
        reply_to=label.reply_to,
    )


def _is_telling(task: Task, before: tuple[str, str] | None) -> bool:
    """Say whether a thread is told: a conversation is done with every answer, and its thread stays open."""
    if task.kind == "assignment" or task.state == "canceled":
        return True
    return before is not None and (before[1] == "canceled" or before[0] != task.title)
