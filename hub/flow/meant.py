"""Which task and which message a command is about."""

from hub.errors import PersonError
from hub.flow.said import Said
from hub.ports import Store
from hub.records import Message, Task


class Meant:
    """Finds what commands name, or point to by where they're said."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def task(self, said: Said, number: str) -> Task:
        """Return the task of that number; without one, the task whose own thread the command was said in.

        Raises PersonError with the way out.
        """
        if not number.strip() and (bound := await self.of_thread(said.message)):
            return bound
        digits = number.strip().lstrip("#")
        if not digits.isdecimal() or len(digits) > 9:
            raise PersonError(f"/{said.name} needs a task's number, as in `/{said.name} 3`; /tasks lists them.")
        task = await self._store.task_by_number(said.message.tenant, said.message.person, int(digits))
        if task is None:
            raise PersonError(f"There's no task {digits}; /tasks lists yours.")
        return task

    async def of_thread(self, message: Message) -> Task | None:
        """Return the task whose own the message's thread is, if it's the person's."""
        thread = await self._store.thread(message.tenant, message.address)
        task = await self._store.task(thread.task) if thread else None
        return task if task and task.person == message.person else None

    async def message(self, command: Message) -> Message | None:
        """Return the message that a command is about: the one replied to (or that it answers), else the last one."""
        if command.reply_to is not None:
            replied = await self._store.message(command.reply_to)
            if replied is not None and replied.answers is not None:
                return await self._store.message(replied.answers)
            return replied
        recent = await self._store.messages_of_chat(command.tenant, command.address, limit=50, before=command.id)
        mine = [message for message in recent if message.role == "user" and (message.task or message.state == "asking")]
        return mine[-1] if mine else None
