"""Every sentence that ports.Humans promises, over the flow's own and the fake."""

from collections.abc import AsyncIterator

import pytest
from msgspec import Struct
from msgspec.structs import replace

from hub.errors import ToolError
from hub.flow.humans import FlowHumans
from hub.ports import Add, Humans, ToolCall
from hub.records import HOME, OWNER, PersonId, TaskId
from hub.testing import FakeHumans, ScriptedLLM, a_person, a_task
from tests.stories.day import Day

BEA = PersonId("bea")


class Asked(Struct):
    """Humans, and a call of a member's task."""

    humans: Humans
    call: ToolCall
    day: Day

    async def times(self) -> int:
        if isinstance(self.humans, FakeHumans):
            return len(self.humans.asked)
        return len(await self.day.store.handovers(HOME, limit=9, person=BEA))


@pytest.fixture(params=["flow", "fake"])
async def asked(request: pytest.FixtureRequest) -> AsyncIterator[Asked]:
    flow, fake = FlowHumans(), FakeHumans()
    async with Day(ScriptedLLM(), humans=flow) as day:
        theirs, owners = a_task(person=BEA), a_task(number=2)
        await day.store.commit(Add(a_person(id=BEA, name="Bea", role="member")), Add(theirs), Add(owners))
        fake.tasks = {theirs.id, owners.id}
        call = ToolCall(tool="t", arguments={}, key="k:1", tenant=HOME, person=BEA, agent="default", task=theirs.id)
        yield Asked(humans=flow if request.param == "flow" else fake, call=call, day=day)


async def test_a_human_is_asked_once_and_asked_again_nothing_changes(asked: Asked) -> None:
    first = await asked.humans.ask(asked.call, "They want a refund")
    again = await asked.humans.ask(asked.call, "They want a refund")
    assert "asked" in first
    assert again == first
    assert await asked.times() == 1


async def test_nobody_is_asked_without_a_reason_or_a_task_or_for_who_would_be_asked(asked: Asked) -> None:
    with pytest.raises(ToolError):
        await asked.humans.ask(asked.call, "  ")
    with pytest.raises(ToolError):
        await asked.humans.ask(replace(asked.call, task=TaskId("gone")), "They want a refund")
    with pytest.raises(ToolError):
        await asked.humans.ask(replace(asked.call, person=OWNER), "They want a refund")
    assert await asked.times() == 0
