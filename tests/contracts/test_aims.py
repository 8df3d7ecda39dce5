"""Every sentence that ports.Aims promises, over the flow's own and the fake."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from hub.errors import ToolError
from hub.flow.aiming import FlowAims
from hub.ports import Aims, Save, ToolCall
from hub.records import HOME, OWNER, Check, CommandExits, FileExists, ForFile, ForUrl, TaskId, Wait
from hub.testing import NOON, FakeAims, FakeChecking, ScriptedLLM
from tests.stories.day import CHAT, Day

REPORT = FileExists(path="report.md")


class Said(Struct):
    """Aims, and a call that says something about the end of its task."""

    aims: Aims
    call: ToolCall
    day: Day

    async def asked(self) -> tuple[Check, ...]:
        if isinstance(self.aims, FakeAims):
            return self.aims.proposed
        task = await self.day.store.task(self.call.task)
        assert task is not None
        return task.proposed

    async def converse(self) -> None:
        """Make it a conversation."""
        if isinstance(self.aims, FakeAims):
            self.aims.conversation = True
        task = await self.day.store.task(self.call.task)
        assert task is not None
        await self.day.store.commit(Save(replace(task, kind="conversation")))


@pytest.fixture(params=["flow", "fake"])
async def said(request: pytest.FixtureRequest) -> AsyncIterator[Said]:
    flow = FlowAims()
    async with Day(ScriptedLLM("Where to?"), aims=flow, checking=FakeChecking()) as day:
        task, _ = await day.hub.tasks.assign(
            tenant=HOME,
            person=OWNER,
            address=CHAT,
            text="Find trains",
            external_id="a",
            due_at=NOON + timedelta(days=9),
        )
        call = ToolCall(tool="t", arguments={}, key="k:1", tenant=HOME, person=OWNER, agent="default", task=task.id)
        yield Said(aims=flow if request.param == "flow" else FakeAims(), call=call, day=day)


async def test_what_is_proposed_waits_for_the_person_and_is_asked_once(said: Said) -> None:
    await said.aims.propose(said.call, [REPORT])
    await said.aims.propose(said.call, [REPORT])

    assert await said.asked() == (REPORT,)
    assert (await said.day.task(1)).checks == ()
    questions = [each for each in await said.day.store.messages_of_task(said.call.task, limit=9) if each.choices]
    assert len(questions) <= 1


async def test_nothing_else_is_proposed_while_something_is_asked(said: Said) -> None:
    await said.aims.propose(said.call, [REPORT])

    with pytest.raises(ToolError):
        await said.aims.propose(said.call, [CommandExits(command=("true",))])


async def test_what_could_never_be_checked_is_refused(said: Said) -> None:
    for checks in ([], [FileExists(path="../x")]):
        with pytest.raises(ToolError):
            await said.aims.propose(said.call, checks)


async def test_a_task_waits_until_a_time_or_for_something_by_then(said: Said) -> None:
    timed = msgspec.json.decode(await said.aims.wait(said.call, "in 2h", None), type=Wait)
    page = msgspec.json.decode(await said.aims.wait(said.call, "", ForUrl(url="https://example.org/")), type=Wait)

    assert (timed.until, timed.on) == (NOON + timedelta(hours=2), None)
    assert page.until == NOON + timedelta(days=1)
    assert isinstance(page.on, ForUrl)


async def test_a_wait_without_an_end_or_a_time_that_cannot_be_read_is_refused(said: Said) -> None:
    for until, on in (("", None), ("whenever", None), ("in 31d", ForFile(path="a"))):
        with pytest.raises(ToolError):
            await said.aims.wait(said.call, until, on)


async def test_a_conversation_has_no_such_end(said: Said) -> None:
    await said.converse()

    with pytest.raises(ToolError):
        await said.aims.propose(said.call, [REPORT])
    with pytest.raises(ToolError):
        await said.aims.wait(said.call, "in 2h", None)


async def test_before_the_flow_is_there_nothing_is_taken() -> None:
    call = ToolCall(tool="t", arguments={}, key="k", tenant=HOME, person=OWNER, agent="a", task=TaskId("t"))

    with pytest.raises(ToolError, match="starting"):
        await FlowAims().wait(call, "in 2h", None)
