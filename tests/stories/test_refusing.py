"""Leave that's refused with a reason."""

from hub.records import HOME, OWNER
from hub.testing import ForeignTool, OutwardTool
from tests.stories.test_leave import a_day, tricked, waiting


async def test_the_agent_is_told_why_its_call_was_refused() -> None:
    fetch, send = ForeignTool("fetch"), OutwardTool("send")
    async with a_day(llm := tricked("I didn't send it."), fetch, send) as day:
        await day.says("Sum up the page")
        asked = await waiting(day)
        await day.hub.leave.decide(HOME, asked.id, OWNER, approve=False, reason="The price\nis wrong")
        await day.quiet()

        assert send.calls == []
        assert "They said why: The price is wrong" in llm.prompts[-1]
