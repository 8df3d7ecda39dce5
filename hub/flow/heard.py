"""Whose words are in a task: what its own person said, and what came in with it from others.

What somebody forwards, a file and a file's name are others' words, whoever sent them. In a group it's the owner's words
that count as the person's own: only the owner gives leave there.
"""

from hub.ports import Store
from hub.records import File, Message, MessageId, Task, TaskId, Text

LOOK_BACK = 100
LATELY = 20
FORWARDED = "[forwarded from "
"""What bridges put before what somebody forwards."""


async def heard(store: Store, task: Task) -> str:
    """Return what the task's person said in it, a message a line; in a group, what its owner said."""
    messages = await store.messages_of_task(task.id, limit=LOOK_BACK)
    own = [_own(message) for message in messages if message.role == "user" and await _counts(store, message)]
    # A task that's planned by a command has its goal in the person's words, and no message; see Tasks.plan.
    command = await store.message(MessageId(task.id))
    if command is not None and command.task is None and await _counts(store, command):
        own.insert(0, task.goal)
    return "\n".join(filter(None, own))


async def said_lately(store: Store, task: TaskId) -> tuple[str, ...]:
    """Return the texts of a task's last messages by its people, oldest first."""
    messages = await store.messages_of_task(task, limit=LOOK_BACK)
    return tuple(message.text for message in messages if message.role == "user")[-LATELY:]


def brings(message: Message) -> str:
    """Return what of others a message brings along, in words; or nothing."""
    files = [part.name for part in message.parts if isinstance(part, File)]
    if files:
        return f"a file: {files[0]}"[:200]
    return "a forwarded message" if _text(message).startswith(FORWARDED) else ""


def _own(message: Message) -> str:
    return "" if _text(message).startswith(FORWARDED) else _text(message)


def _text(message: Message) -> str:
    return "\n".join(part.text for part in message.parts if isinstance(part, Text))


async def _counts(store: Store, message: Message) -> bool:
    if message.author is None:
        return True
    author = await store.person(message.tenant, message.author)
    return author is not None and author.role == "owner"
