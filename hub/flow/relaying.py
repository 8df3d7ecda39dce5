"""Carries wishes between hubs: a task's turn may be taken by another hub than the one a computer is connected to.

What's carried lies in the documents, in a box for each hub, for moments; a short word between the hubs says that
there's something. Words may get lost, so each hub looks by itself as well. What a dead hub leaves in its boxes is
thrown away.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hub.errors import PersonError, StoreError, ToolError, Unsure
from hub.lent import Call, RunCommand, WriteFile
from hub.ports import Documents, Hubs, Lent
from hub.records import PersonId, TenantId

log = logging.getLogger(__name__)

TOPIC = BOARD = "lending"
"""The word between hubs, and whose documents say what each one's computers lend."""
LOOK = 5.0
"""Seconds after which a hub looks without being told."""

Whose = tuple[TenantId, PersonId]
Frame = TypeVar("Frame")


class Posted(Struct, frozen=True, kw_only=True):
    """A computer as other hubs see it."""

    tenant: TenantId
    person: PersonId
    lent: Lent


class Carried(Struct, frozen=True, kw_only=True):
    """A wish on its way to another hub; without a call, one that nobody waits for any more."""

    sender: str
    id: str
    tenant: TenantId
    person: PersonId
    computer: str
    call: Call | None = None


class Returned(Struct, frozen=True, kw_only=True):
    """What came of it."""

    text: str
    failed: bool = False
    unsure: bool = False


Posts = Callable[[], Sequence[Posted]]
Carries = Callable[[Carried], Awaitable[str]]


class Relay:
    """One hub's boxes, and what it knows of the others' computers."""

    def __init__(self, hubs: Hubs, documents: Documents) -> None:
        self._hubs = hubs
        self._documents = documents
        self._far: dict[Whose, dict[str, tuple[str, Lent]]] = {}
        self._waiting: dict[str, tuple[str, asyncio.Future[Returned | None]]] = {}
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._sign = asyncio.Event()
        self._posts = b""

    def lent(self, whose: Whose) -> Mapping[str, Lent]:
        """Return what a person's computers lend that are connected to other hubs."""
        return {name: lent for name, (_, lent) in self._far.get(whose, {}).items()}

    def all(self) -> Sequence[Lent]:
        """Return what's lent on other hubs."""
        return [lent for theirs in self._far.values() for _, lent in theirs.values()]

    def look(self) -> None:
        """Have the boxes looked into now, and others told if something changed here."""
        self._sign.set()

    async def ask(self, whose: Whose, computer: str, call: Call) -> str:
        """Have the hub ask that a computer is connected to; raises ToolError and Unsure as that one does."""
        boot, _ = self._far[whose][computer]
        carried = Carried(
            sender=self._hubs.boot, id=call.id, tenant=whose[0], person=whose[1], computer=computer, call=call
        )
        waiting: asyncio.Future[Returned | None] = asyncio.get_running_loop().create_future()
        self._waiting[call.id] = boot, waiting
        try:
            await self._send(_calls(boot), call.id, carried)
            returned = await waiting
        except asyncio.CancelledError:
            await asyncio.shield(self._withdraw(boot, carried))
            raise
        finally:
            self._waiting.pop(call.id, None)
        if returned is None:
            raise _lost(call, computer)
        if returned.unsure:
            raise Unsure(returned.text)
        if returned.failed:
            raise ToolError(returned.text)
        return returned.text

    async def run(self, posts: Posts, carries: Carries) -> None:
        """Post what's lent here, see what others lend, carry out what they send, until cancelled."""
        self._hubs.hear(TOPIC, lambda _: self._sign.set())
        try:
            while True:
                try:
                    await self._post(posts())
                    await self._see()
                    await self._take(carries)
                except (StoreError, PersonError) as error:
                    log.warning("what's lent on other hubs can't be seen for now: %s", error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._sign.wait()
                self._sign.clear()
        finally:
            for task in self._at_work.values():
                task.cancel()
            await asyncio.gather(*self._at_work.values(), return_exceptions=True)

    # --- inside

    async def _post(self, posted: Sequence[Posted]) -> None:
        name = next((hub.name for hub in await self._hubs.listed() if hub.boot == self._hubs.boot), "")
        here = [replace(each, lent=replace(each.lent, hub=name)) for each in posted]
        posts = msgspec.json.encode(here)
        if posts == self._posts or (not here and not self._posts):
            return
        await self._documents.put(BOARD, self._hubs.boot, {"computers": posts.decode()})
        self._posts = posts
        await self._hubs.tell(TOPIC)

    async def _see(self) -> None:
        """Know what other living hubs have posted; throw away what dead ones left."""
        living = await self._hubs.living()
        far: dict[Whose, dict[str, tuple[str, Lent]]] = {}
        for boot, document in await self._documents.all(BOARD):
            if boot not in living:
                await self._clear(boot)
            elif boot != self._hubs.boot:
                for each in msgspec.json.decode(str(document["computers"]), type=list[Posted]):
                    far.setdefault((each.tenant, each.person), {})[each.lent.computer] = boot, each.lent
        self._far = far
        for boot, waiting in self._waiting.values():
            if boot not in living and not waiting.done():
                waiting.set_result(None)

    async def _clear(self, boot: str) -> None:
        for owner in (_calls(boot), _answers(boot)):
            await self._documents.forget(owner)
        await self._documents.remove(BOARD, boot)

    async def _take(self, carries: Carries) -> None:
        """Take what lies in this hub's boxes."""
        for id, document in await self._documents.all(_answers(self._hubs.boot)):
            await self._documents.remove(_answers(self._hubs.boot), id)
            _, waiting = self._waiting.get(id, ("", None))
            if waiting is not None and not waiting.done():
                waiting.set_result(_read(document, Returned))
        for id, document in await self._documents.all(_calls(self._hubs.boot)):
            if not await self._documents.remove(_calls(self._hubs.boot), id):
                continue  # withdrawn at this very moment
            carried = _read(document, Carried)
            if carried.call is None:
                if task := self._at_work.get(carried.id):
                    task.cancel()
            elif carried.id not in self._at_work:
                task = self._at_work[carried.id] = asyncio.create_task(self._carry(carried, carries))
                task.add_done_callback(lambda _, id=carried.id: self._at_work.pop(id, None))  # type: ignore[misc]

    async def _carry(self, carried: Carried, carries: Carries) -> None:
        try:
            returned = Returned(text=await carries(carried))
        except ToolError as error:
            returned = Returned(text=str(error), failed=True, unsure=isinstance(error, Unsure))
        try:
            await self._send(_answers(carried.sender), carried.id, returned)
        except (StoreError, PersonError) as error:
            log.warning("an answer of a computer can't be carried to its hub: %s", error)

    async def _withdraw(self, boot: str, carried: Carried) -> None:
        with suppress(StoreError, PersonError):
            if not await self._documents.remove(_calls(boot), carried.id):
                await self._send(_calls(boot), f"{carried.id} withdrawn", replace(carried, call=None))

    async def _send(self, owner: str, id: str, frame: Carried | Returned) -> None:
        await self._documents.put(owner, id, {"frame": msgspec.json.encode(frame).decode()})
        await self._hubs.tell(TOPIC)


def _read(document: Mapping[str, object], kind: type[Frame]) -> Frame:
    return msgspec.json.decode(str(document["frame"]), type=kind)


def _calls(boot: str) -> str:
    return f"{BOARD}/{boot}/calls"


def _answers(boot: str) -> str:
    return f"{BOARD}/{boot}/answers"


def _lost(call: Call, computer: str) -> ToolError:
    if isinstance(call.wish, WriteFile | RunCommand):
        return Unsure(f"The hub that {computer} was connected to ended; nobody knows whether it was done.")
    return ToolError(f"The hub that {computer} was connected to ended. Nothing was changed; try it again in a while.")
