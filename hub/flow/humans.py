"""Asking for a human: by a person's command or plain words, or by an agent's tool."""

from hub.errors import BadRequest, NotFound, ToolError
from hub.flow.handing import Handing
from hub.flow.said import Redirect, Said
from hub.ports import Store, ToolCall
from hub.records import Handover

ASKED = "I've asked for a human; they'll answer you here. Until then, I do."
WAITING = "A human was asked for already; they'll answer you here. Until then, I do."
TAKEN = "A human answers you already."


class HumanCommand:
    """Obeys /human."""

    def __init__(self, store: Store, handing: Handing) -> None:
        self._store = store
        self._handing = handing

    async def human(self, said: Said) -> str:
        """Ask for a human in the chats of whoever wants one.

        Whoever answers here themself is told so; in plain words, not by the command, they mean something else.
        """
        message = said.message
        plainly = not message.text.strip().startswith("/")
        recent = await self._store.talk(message.tenant, message.person, limit=20, before=message.id)
        task = next((each.task for each in reversed(recent) if each.task is not None), None)
        why = said.rest or message.text.strip() if plainly else said.rest
        who = message.tenant, message.person
        try:
            handover, new = await self._handing.ask(*who, message.address, "person", why, task)
        except BadRequest as error:
            if plainly:
                raise Redirect(None, message.text) from None
            return f"There's nobody else to ask: {error}."
        return ASKED if new else _as_it_is(handover)


class FlowHumans:
    """Humans of a hub: see the port. Tools are built before what they speak to: until `open` they're refused."""

    def __init__(self) -> None:
        self._flow: tuple[Store, Handing] | None = None

    def open(self, store: Store, handing: Handing) -> None:
        """Listen from now on."""
        self._flow = store, handing

    async def ask(self, call: ToolCall, reason: str) -> str:
        """See Humans."""
        if self._flow is None:
            raise ToolError("The hub is still starting; try again.")
        store, handing = self._flow
        if not reason.strip():
            raise ToolError("Say why a human is needed.")
        task = await store.task(call.task)
        if task is None or (task.tenant, task.person) != (call.tenant, call.person):
            raise ToolError("This call belongs to no task, so nobody can be asked about it.")
        recent = await store.messages_of_task(task.id, limit=20)
        at = next((each.address for each in reversed(recent) if each.role == "user"), task.origin)
        try:
            handover, _ = await handing.ask(task.tenant, task.person, at, "agent", reason, task.id)
        except (BadRequest, NotFound) as error:
            raise ToolError(f"Nobody can be asked: {error}.") from None
        if handover.state == "taken":
            return TAKEN
        return "A human is asked for, who'll answer in this chat."


def _as_it_is(handover: Handover) -> str:
    return TAKEN if handover.state == "taken" else WAITING
