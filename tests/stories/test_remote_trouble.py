"""A remote model that's away, refuses or costs too much: nobody's message is lost, and everybody is told what's up."""

from collections.abc import Sequence

from hub.errors import LLMAway, LLMRefused
from hub.ports import Said
from hub.records import Again, Ask, Limits
from hub.testing import ScriptedLLM, settle
from tests.stories.day import Day, until
from tests.stories.test_long_work import NO, assign, later


async def test_a_server_that_goes_away_costs_a_message_nothing_however_long_it_takes() -> None:
    llm = ScriptedLLM()
    for _ in range(9):
        llm.say(LLMAway("busy"))
    llm.say("Here I am.")
    async with Day(llm) as day:
        message = await day.says("hello")

        assert await day.replies(message) == ["Here I am."]


async def test_a_key_that_is_refused_keeps_the_message_tells_its_person_once_and_is_answered_after_the_mending() -> (
    None
):
    refused = LLMRefused("the key is refused; mend llm.key")

    def answer(_: Sequence[Said]) -> str | Exception:
        if len(llm.prompts) > 1:
            return "Now I can."
        llm.go_down("broken", str(refused))
        return refused

    llm = ScriptedLLM(answer)
    async with Day(llm) as day:
        message = await day.sends("hello")
        await until(lambda: llm.info.state == "broken", "it was never asked")
        await settle()
        assert (await day.now(message)).state != "failed"

        llm.come_up()
        await day.quiet()

        assert await day.replies(message) == ["Now I can."]
        notices = [said for said in await day.transcript(1) if "kept your message" in said]
        assert len(notices) == 1
        assert "the key is refused; mend llm.key" in notices[0]


async def test_a_refusal_of_this_request_alone_is_told_at_once() -> None:
    async with Day(ScriptedLLM(LLMRefused("no such parameter"))) as day:
        message = await day.says("hello")

        assert (await day.now(message)).state == "failed"
        assert "no such parameter" in (await day.replies(message))[0]


async def test_a_task_that_has_cost_its_money_asks_before_it_costs_more() -> None:
    llm = ScriptedLLM("Gold is up.", "Silver fell.", decisions=[NO, NO], price=0.3)
    async with Day(llm) as day:
        task = await assign(day, "Watch the prices", limits=Limits(money=0.5))
        assert isinstance(task.verdict, Again)

        await later(day, 600)
        task = await day.task(1)

        assert task.used.money == 0.6
        assert task.state == "input-required"
        assert isinstance(task.verdict, Ask)
        assert "a budget of 0.5" in task.verdict.question
