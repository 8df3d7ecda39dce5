"""Who else is told what becomes of a task: chats that follow it, besides the one where it began."""

from collections.abc import Sequence

from msgspec.structs import replace

from hub.flow.meant import Meant
from hub.flow.said import Said, tag
from hub.ports import Add, Change, Clock, Remove, Store
from hub.records import Address, Follow, Message, MessageId, Task, new_id


class Following:
    """Keeps who follows, and says everything unasked to each of them once."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def joined(self, task: Task, message: Message) -> tuple[Change, ...]:
        """Return what has a chat follow a task that's continued from there; nothing if it began there."""
        if same_chat(task.origin, message.address):
            return ()
        follows = await self._store.follows(task.id)
        if any(same_chat(_place(follow), message.address) for follow in follows):
            return ()
        return (Add(self._follow(task, message)),)

    async def follow(self, task: Task, message: Message) -> None:
        """Have the chat of a message follow a task; once more is no error."""
        if changes := await self.joined(task, message):
            await self._store.commit(*changes)

    async def unfollow(self, task: Task, message: Message) -> None:
        """Have the chat of a message follow a task no more."""
        await self._store.commit(Remove(self._follow(task, message)))

    async def copies(self, task: Task, said: Sequence[Message]) -> tuple[Message, ...]:
        """Return what's said about a task, once more for each chat that's to hear of it and doesn't already."""
        places = {_chat(place): place for place in (task.origin, *map(_place, await self._store.follows(task.id)))}
        return tuple(
            self._copy(message, place)
            for message in said
            for chat, place in places.items()
            if chat != _chat(message.address)
        )

    def _copy(self, message: Message, to: Address) -> Message:
        id = MessageId(new_id())
        return replace(message, id=id, external_id=id, address=to, answers=None, copy_of=message.id)

    def _follow(self, task: Task, message: Message) -> Follow:
        return Follow(
            task=task.id,
            bridge=message.address.bridge,
            chat=message.address.chat,
            tenant=task.tenant,
            person=task.person,
            created_at=self._clock.now(),
        )


class FollowCommands:
    """Obeys /follow and /unfollow."""

    def __init__(self, following: Following, meant: Meant) -> None:
        self._following = following
        self._meant = meant

    async def follow(self, said: Said) -> str:
        """Have this chat hear of a task."""
        task = await self._meant.task(said, said.rest)
        await self._following.follow(task, said.message)
        return f"You'll hear of {tag(task)} here."

    async def unfollow(self, said: Said) -> str:
        """Have this chat hear of a task no more."""
        task = await self._meant.task(said, said.rest)
        await self._following.unfollow(task, said.message)
        if same_chat(task.origin, said.message.address):
            return f"{tag(task)} began here, so you'll go on hearing of it here."
        return f"You won't hear of {tag(task)} here, unless you write about it."


def same_chat(one: Address, other: Address) -> bool:
    """Say whether two addresses are one chat; threads don't count."""
    return _chat(one) == _chat(other)


def _chat(address: Address) -> tuple[str, str]:
    return address.bridge, address.chat


def _place(follow: Follow) -> Address:
    return Address(bridge=follow.bridge, chat=follow.chat)
