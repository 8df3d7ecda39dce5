"""Ad-hoc commands with forms (XEP-0050, XEP-0004): what's asked in them is handed to the hub as the command's words."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from slixmpp.exceptions import XMPPError
from slixmpp.jid import JID

from bridges.xmpp.chats import Chats
from bridges.xmpp.hearing import Heard
from bridges.xmpp.sealing import Sealing
from bridges.xmpp.stream import Client, Component
from hub.errors import PersonError, StoreError
from hub.ports import Accept, Clock, Desk
from hub.records import Address, Incoming, Task, Text, new_id

log = logging.getLogger(__name__)

Session = dict[str, Any]
ACTIONS = (
    ("show", "Show how it stands", "/task {number}"),
    ("move", "My last message was about this one", "/move {number}"),
    ("stop", "Stop it", "/stop {number}"),
    ("resume", "Go on with it", "/resume {number}"),
)
IN_CHAT = "Done; the answer comes in the chat."
UNSEALED = "Our chat is encrypted, and forms aren't: write /tasks, /new, /stop or /approve in the chat."
EMPTY = "There's nothing under way. Write to me, and there'll be a task."


class Person:
    """Who opened a form, and from where."""

    def __init__(self, chats: Chats, iq: Any) -> None:
        said = Heard(kind="chat", sender=str(iq["from"]), to=str(iq["to"]))
        self.place = chats.place(said)


class Commands:
    """Offers the hub's commands as forms."""

    def __init__(
        self,
        stream: Client | Component,
        chats: Chats,
        accept: Accept,
        desk: Desk,
        clock: Clock,
        sealing: Sealing,
    ) -> None:
        self._stream = stream
        self._chats = chats
        self._accept = accept
        self._desk = desk
        self._clock = clock
        self._sealing = sealing

    def offer(self, jid: JID | None = None) -> None:
        """Offer them all, on our full JID or on one of a component's."""
        offered: tuple[tuple[str, str, Callable[[Any, Session], Awaitable[Session]]], ...] = (
            ("tasks", "Your tasks: show, move, stop, resume", self._tasks),
            ("new", "Begin a new task", partial(self._words, "new", "What is it about?", "/new {}", multi=True)),
            ("stop", "Stop what's at work", self._stop),
            (
                "approve",
                "Approve somebody or something",
                partial(self._words, "approve", "The code or number", "/approve {}"),
            ),
            (
                "pair",
                "Link another account to you",
                partial(self._words, "pair", "The code, if you have one", "/pair {}"),
            ),
        )
        for node, name, handler in offered:
            self._stream.plugin["xep_0050"].add_command(jid=jid, node=node, name=name, handler=handler)

    async def _tasks(self, iq: Any, session: Session) -> Session:
        person = await self._known(iq)
        tasks = await self._desk.tasks(person.place.bridge, person.place.sender)
        if not tasks:
            return _done(session, EMPTY)
        form = self._form("Your tasks", "Choose a task and what's to be done with it.")
        form.add_field(var="task", ftype="list-single", label="Task", required=True, options=_options(tasks))
        actions = [{"label": label, "value": action} for action, label, _ in ACTIONS]
        form.add_field(var="action", ftype="list-single", label="What", required=True, options=actions, value="show")
        return _next(session, form, partial(self._chosen, person))

    async def _chosen(self, person: Person, form: Any, session: Session) -> Session:
        values = form["values"]
        words = next((words for action, _, words in ACTIONS if action == values.get("action")), None)
        number = str(values.get("task", ""))
        if words is None or not number.isdecimal():
            raise XMPPError("bad-request", text="choose a task and what's to be done with it")
        return await self._obeyed(person, words.format(number=number), session)

    async def _stop(self, iq: Any, session: Session) -> Session:
        return await self._obeyed(await self._known(iq), "/stop", session)

    async def _words(
        self, node: str, label: str, words: str, iq: Any, session: Session, *, multi: bool = False
    ) -> Session:
        # Whoever pairs isn't known yet.
        person = Person(self._chats, iq) if node == "pair" else await self._known(iq)
        form = self._form(label, "")
        form.add_field(var="text", ftype="text-multi" if multi else "text-single", label=label, required=node != "pair")
        return _next(session, form, partial(self._written, person, words))

    async def _written(self, person: Person, words: str, form: Any, session: Session) -> Session:
        value = form["values"].get("text") or ""
        text = "\n".join(value) if isinstance(value, list) else str(value)
        return await self._obeyed(person, words.format(text.strip()).strip(), session)

    async def _obeyed(self, person: Person, words: str, session: Session) -> Session:
        place = person.place
        incoming = Incoming(
            address=Address(bridge=place.bridge, chat=place.chat),
            external_id=f"command-{session['id']}-{new_id()}",
            sender=place.sender,
            name=place.name,
            parts=(Text(text=words),),
            sent_at=self._clock.now(),
            agent=place.agent,
        )
        try:
            await self._accept(incoming)
        except PersonError as error:
            return _done(session, str(error), kind="error")
        except StoreError as error:
            log.warning("a command can't be kept: %s", error)
            return _done(session, "That can't be kept now; please try again.", kind="error")
        return _done(session, IN_CHAT)

    async def _known(self, iq: Any) -> Person:
        """Return who asks; a stranger is told what they'd be told if there were no commands."""
        person = Person(self._chats, iq)
        if await self._desk.person(person.place.bridge, person.place.sender) is None:
            raise XMPPError("item-not-found")
        if self._sealing.sealed(person.place.chat):
            raise XMPPError("not-allowed", text=UNSEALED)
        return person

    def _form(self, title: str, instructions: str) -> Any:
        return self._stream.plugin["xep_0004"].make_form(ftype="form", title=title, instructions=instructions)


def _options(tasks: Sequence[Task]) -> list[dict[str, str]]:
    return [{"label": f"#{task.number} {task.title} – {task.state}", "value": str(task.number)} for task in tasks]


def _next(session: Session, form: Any, then: Callable[[Any, Session], Awaitable[Session]]) -> Session:
    session["payload"] = form
    session["next"] = then
    session["has_next"] = False
    return session


def _done(session: Session, text: str, kind: str = "info") -> Session:
    session["payload"] = None
    session["next"] = None
    session["notes"] = [(kind, text)]
    return session
