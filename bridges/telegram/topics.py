"""A topic for each task, where the chat has topics: made, named, closed, and made again when somebody deleted it."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from aiogram.methods import CloseForumTopic, CreateForumTopic, EditForumTopic, ReopenForumTopic
from msgspec import Struct, convert, to_builtins

from bridges.telegram.api import Api, Fault
from bridges.telegram.convert import Me
from bridges.telegram.wording import topic_name
from hub.ports import Clock, Documents
from hub.records import OPEN, Address, Task, TaskId

log = logging.getLogger(__name__)

KEPT = 500
"""Topics that are remembered as ours; older ones are only sent to."""
HOUR = 3600.0
"""Until a chat that let us make no topic is asked again."""
PREFIX = "topic/"


class Topic(Struct, frozen=True, kw_only=True):
    """A topic that the bot made, or named."""

    chat: int
    thread: int
    name: str
    done: bool = False
    ours: bool = True
    """It may be renamed: the bot made it, or a person left it without a name."""


class Topics:
    """Knows which topic is whose. The hub keeps it too, once something was delivered there."""

    def __init__(
        self, api: Api, documents: Documents, owner: str, clock: Clock, *, bot: Callable[[], Me], wanted: bool
    ) -> None:
        self._api = api
        self._documents = documents
        self._owner = owner
        self._clock = clock
        self._bot = bot
        self._wanted = wanted
        self._mine: OrderedDict[TaskId, Topic] = OrderedDict()
        self._forums: set[int] = set()
        self._unnamed: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._refused: dict[int, float] = {}
        self._making = asyncio.Lock()

    async def open(self) -> None:
        """Remember what the last run made."""
        for id, document in await self._documents.all(self._owner):
            if id.startswith(PREFIX):
                self._mine[TaskId(id.removeprefix(PREFIX))] = convert(document, Topic)

    def is_forum(self, chat: int) -> None:
        """Note that a group has topics."""
        self._forums.add(chat)

    def is_unnamed(self, chat: int, thread: int) -> None:
        """Note that a person began a topic without naming it: Telegram wants the bot to."""
        self._unnamed[chat, thread] = None
        if len(self._unnamed) > KEPT:
            self._unnamed.popitem(last=False)

    async def of(self, task: Task, address: Address, thread: str | None, *, tagged: bool) -> int | None:
        """Return the topic that's a task's own in a chat, made now if need be; None where it has none.

        Raises Fault when that can't be found out now; nothing was sent then.
        """
        chat = int(address.chat)
        mine = self._mine.get(task.id)
        if mine is not None and mine.chat == chat:
            return mine.thread
        if thread is not None:
            return int(thread)
        if address.thread is not None and not self._is_anothers(task, chat, int(address.thread)):
            return await self._adopted(task, chat, int(address.thread))
        if not self._may_make(chat, tagged=tagged):
            return None
        async with self._making:
            if task.id not in self._mine:
                await self._make(task, chat)
            mine = self._mine.get(task.id)
            return mine.thread if mine else None

    async def lost(self, task: Task, chat: int) -> None:
        """Forget a topic that somebody deleted."""
        mine = self._mine.get(task.id)
        if mine is not None and mine.chat == chat:
            await self._forget(task.id)

    async def reopen(self, chat: int, thread: int) -> None:
        """Open a topic of a group that's closed; raises Fault."""
        await self._api.call(ReopenForumTopic(chat_id=chat, message_thread_id=thread))

    async def tell(self, address: Address, task: Task) -> None:
        """Show a task's title and state on its topic; one that a person named is left alone. Raises Fault."""
        mine = self._mine.get(task.id)
        if mine is None or not mine.ours or address.thread is None or str(mine.thread) != address.thread:
            return
        done = task.state not in OPEN
        name = topic_name(task, done=done)
        await self._unless_so(EditForumTopic(chat_id=mine.chat, message_thread_id=mine.thread, name=name))
        # Only groups' topics can be closed; in a private chat the name says it.
        if mine.chat < 0 and done != mine.done:
            change = CloseForumTopic if done else ReopenForumTopic
            await self._unless_so(change(chat_id=mine.chat, message_thread_id=mine.thread))
        await self._remember(task.id, Topic(chat=mine.chat, thread=mine.thread, name=name, done=done))

    def _is_anothers(self, task: Task, chat: int, thread: int) -> bool:
        return any((topic.chat, topic.thread) == (chat, thread) and id != task.id for id, topic in self._mine.items())

    def _may_make(self, chat: int, *, tagged: bool) -> bool:
        if (
            not self._wanted
            or not self._api.knows(CreateForumTopic)
            or self._refused.get(chat, 0.0) > self._clock.monotonic()
        ):
            return False
        # A group's members talk where they like: there's a topic only where tasks would get mixed up.
        return self._bot().topics if chat > 0 else chat in self._forums and tagged

    async def _make(self, task: Task, chat: int) -> None:
        name = topic_name(task, done=False)
        try:
            topic = await self._api.call(CreateForumTopic(chat_id=chat, name=name))
        except Fault as fault:
            if fault.kind not in ("refused", "lacking"):
                raise
            log.info("chat %d: no topics: %s", chat, fault)
            self._refused[chat] = self._clock.monotonic() + HOUR
            return
        await self._remember(task.id, Topic(chat=chat, thread=topic.message_thread_id, name=name))

    async def _adopted(self, task: Task, chat: int, thread: int) -> int | None:
        """Return a topic that a person began in a private chat: it's the task's that was begun there."""
        if chat < 0:
            return None
        if (chat, thread) in self._unnamed:
            name = topic_name(task, done=False)
            await self._unless_so(EditForumTopic(chat_id=chat, message_thread_id=thread, name=name))
            self._unnamed.pop((chat, thread), None)
            await self._remember(task.id, Topic(chat=chat, thread=thread, name=name))
        else:
            await self._remember(task.id, Topic(chat=chat, thread=thread, name="", ours=False))
        return thread

    async def _unless_so(self, method: Any) -> None:
        """Call a method; that it's so already, or may not be changed, is no fault."""
        try:
            await self._api.call(method)
        except Fault as fault:
            if fault.kind not in ("refused", "lacking"):
                raise
            log.info("a topic: %s", fault)

    async def _remember(self, task: TaskId, topic: Topic) -> None:
        self._mine[task] = topic
        await self._documents.put(self._owner, f"{PREFIX}{task}", to_builtins(topic))
        while len(self._mine) > KEPT:
            await self._forget(next(iter(self._mine)))

    async def _forget(self, task: TaskId) -> None:
        del self._mine[task]
        await self._documents.remove(self._owner, f"{PREFIX}{task}")
