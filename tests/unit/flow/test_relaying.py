"""Two hubs on one store: a computer at one of them is lent to its person's tasks at the other, and to nobody else's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from msgspec.structs import replace

from hub.errors import ToolError, Unsure
from hub.flow.lending import Computer, FlowLending
from hub.flow.relaying import BOARD, Relay
from hub.lent import Answer, Call, Folder, ListFolder, Withdrawn, WriteFile
from hub.ports import HubInfo, Hubs, ToolCall
from hub.records import HOME, OWNER, PersonId, TaskId
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.testing import NOON

NOTES = ListFolder(folder="notes")
NOTE = WriteFile(folder="notes", path="todo.md", text="bread")
CALL = ToolCall(
    tool="computer_list", arguments={}, key="1", tenant=HOME, person=OWNER, agent="default", task=TaskId("none")
)


class Company:
    """Hubs that hear each other, or don't."""

    def __init__(self) -> None:
        self.living: set[str] = set()
        self.ears: list[tuple[str, Callable[[str], None]]] = []
        self.deaf = False


class Member:
    """One of them, as far as a relay asks."""

    def __init__(self, boot: str, company: Company) -> None:
        self.boot = boot
        self._company = company
        company.living.add(boot)

    async def living(self) -> frozenset[str]:
        return frozenset(self._company.living)

    async def listed(self) -> tuple[HubInfo, ...]:
        made: Any = HubInfo
        return tuple(
            made(boot=boot, name=f"hub {boot}", state="running", started_at=NOON, seen_at=NOON, until=NOON)
            for boot in sorted(self._company.living)
        )

    async def tell(self, topic: str, text: str = "") -> None:
        for boot, heard in self._company.ears:
            if boot != self.boot and not self._company.deaf:
                heard(text)

    def hear(self, topic: str, heard: Callable[[str], None]) -> None:
        self._company.ears.append((self.boot, heard))


class Laptop:
    """A computer at hub `a`."""

    def __init__(self) -> None:
        self.heard: list[Call | Withdrawn] = []
        self.silent = False
        self.outcome: Any = "done"
        self.computer = Computer(
            HOME, OWNER, "laptop", folders=(Folder(name="notes", writable=True),), since=NOON, send=self.send
        )

    async def send(self, frame: Call | Withdrawn) -> None:
        self.heard.append(frame)
        if isinstance(frame, Call) and not self.silent:
            self.computer.answered(Answer(id=frame.id, outcome=self.outcome, text="Here."))


class Two:
    """Two hubs over one store."""

    def __init__(self) -> None:
        self.company, self.documents = Company(), MemoryDocuments()
        self.a = FlowLending(MemoryStore())
        self.b = FlowLending(MemoryStore())
        self.laptop = Laptop()
        self.sharing: list[asyncio.Task[None]] = []

    async def seen(self, names: tuple[str, ...] = ("laptop",)) -> None:
        async with asyncio.timeout(10):
            while tuple(each.computer for each in self.b.lent(HOME, OWNER)) != names:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def two_hubs() -> AsyncIterator[Two]:
    two = Two()
    for boot, lending in (("a", two.a), ("b", two.b)):
        relay = Relay(cast("Hubs", Member(boot, two.company)), two.documents)
        two.sharing.append(asyncio.create_task(lending.share(relay)))
    await asyncio.sleep(0)
    two.a.join(two.laptop.computer)
    try:
        await two.seen()
        yield two
    finally:
        for task in two.sharing:
            task.cancel()
        await asyncio.gather(*two.sharing, return_exceptions=True)


async def test_a_computer_at_one_hub_is_lent_to_its_persons_tasks_at_another() -> None:
    async with two_hubs() as two:
        answer = await two.b.ask(CALL, "laptop", NOTES)
        (lent,) = two.b.lent(HOME, OWNER)
        names, others = two.b.names(), two.b.lent(HOME, PersonId("bob"))
        with pytest.raises(ToolError, match="isn't connected"):
            await two.b.ask(replace(CALL, person=PersonId("bob")), "laptop", NOTES)
        left = [owner for owner in await two.documents.owners() if await two.documents.all(owner)]

    assert (answer, lent.hub, "notes" in names, list(others)) == ("Here.", "hub a", True, [])
    assert left == [BOARD]


async def test_a_no_and_a_failure_come_back_as_they_are() -> None:
    async with two_hubs() as two:
        two.laptop.outcome = "refused"
        with pytest.raises(ToolError, match="didn't do it") as refused:
            await two.b.ask(CALL, "laptop", NOTES)
        two.laptop.silent = True
        asking = asyncio.create_task(two.b.ask(CALL, "laptop", NOTE))
        while len(two.laptop.heard) < 2:
            await asyncio.sleep(0.005)
        two.a.leave(two.laptop.computer)
        with pytest.raises(Unsure, match="nobody knows"):
            await asking
        await two.seen(())

    assert not isinstance(refused.value, Unsure)


async def test_a_caller_that_waits_no_more_has_it_withdrawn_at_the_other_hub() -> None:
    async with two_hubs() as two:
        two.laptop.silent = True
        asking = asyncio.create_task(two.b.ask(CALL, "laptop", NOTE))
        while not two.laptop.heard:
            await asyncio.sleep(0.005)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        async with asyncio.timeout(10):
            while len(two.laptop.heard) < 2:
                await asyncio.sleep(0.005)

    assert isinstance(two.laptop.heard[1], Withdrawn)


async def test_a_hub_that_dies_with_the_computer_ends_the_call_and_leaves_nothing() -> None:
    async with two_hubs() as two:
        two.laptop.silent = True
        asking = [asyncio.create_task(two.b.ask(CALL, "laptop", wish)) for wish in (NOTES, NOTE)]
        while len(two.laptop.heard) < 2:
            await asyncio.sleep(0.005)
        two.sharing[0].cancel()
        await asyncio.gather(two.sharing[0], return_exceptions=True)
        two.company.living.discard("a")
        two.company.ears[1][1]("")
        read, written = await asyncio.gather(*asking, return_exceptions=True)
        await two.seen(())
        left = [owner for owner in await two.documents.owners() if "/a/" in owner and await two.documents.all(owner)]

    assert (isinstance(read, ToolError), isinstance(read, Unsure), isinstance(written, Unsure)) == (True, False, True)
    assert left == []


async def test_words_that_get_lost_only_make_it_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.flow.relaying.LOOK", 0.02)
    async with two_hubs() as two:
        two.company.deaf = True
        assert await two.b.ask(CALL, "laptop", NOTES) == "Here."
        two.a.leave(two.laptop.computer)
        await two.seen(())
