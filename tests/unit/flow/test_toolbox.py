"""Which tool is taken, with what, and what comes of it."""

import asyncio
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec
import pytest

from hub.errors import ToolError
from hub.flow.toolbox import Toolbox, unsaid
from hub.manifests import Agent
from hub.ports import Effect, Filled, Said, Terms, Tool, ToolCall
from hub.records import HOME, OWNER, TaskId
from hub.store.documents import MemoryDocuments
from hub.testing import FakeClock, ScriptedLLM
from hub.testing.builders import a_step, a_task, a_turn
from hub.tools import built_in

AGENT = Agent(
    name="a", version="1.0.0", description="-", prompt="-", tools=("clock", "calculate", "remember", "recall", "gone")
)
TERMS = Terms(tenant=HOME)
TOOLS = built_in(FakeClock(), ZoneInfo("UTC"), MemoryDocuments())


class Oven:
    """A tool without any ability: what a stranger's looks like."""

    name = "oven"
    description = "Heat the oven."
    schema: Mapping[str, object] = {
        "type": "object",
        "properties": {"degrees": {"type": "integer", "minimum": 50, "maximum": 250}},
        "required": ["degrees"],
    }
    effect: Effect = "none"

    def fits(self, text: str) -> bool:
        return "oven" in text

    async def call(self, call: ToolCall) -> str:
        if call.arguments["degrees"] == 66:
            await asyncio.Event().wait()
        return "hot" * 50


def box(llm: ScriptedLLM | None = None) -> Toolbox:
    return Toolbox((*TOOLS, Oven()), llm or ScriptedLLM(), seconds=0.05, characters=40)


def called(name: str, arguments: Mapping[str, object]) -> ToolCall:
    return ToolCall(tool=name, arguments=arguments, key="k", tenant=HOME, person=OWNER, agent="a", task=TaskId("t"))


def said(*texts: str) -> tuple[Said, ...]:
    return tuple(Said("user" if number % 2 == 0 else "assistant", text) for number, text in enumerate(texts))


def value(filled: Filled) -> object:
    return msgspec.json.decode(filled.json)


def named(name: str) -> Tool:
    tool = box().named(name)
    assert tool is not None
    return tool


def test_tools_are_offered_that_the_agent_may_use_and_that_fit() -> None:
    assert [tool.name for tool in box().offered(AGENT, "What time is it in 3 hours? What is 3*4?")] == [
        "clock",
        "calculate",
    ]
    assert box().offered(AGENT, "preheat the oven") == ()
    assert box().offered(AGENT, "hello") == ()


async def test_a_plain_message_needs_no_decision() -> None:
    llm = ScriptedLLM()
    offered = box().offered(AGENT, "What is 17*23?")

    tool, decision = await box(llm).choose(said("What is 17*23?"), offered, (), TERMS)

    assert (tool and tool.name, decision, llm.asked) == ("calculate", None, [])


async def test_otherwise_the_llm_decides_among_the_offered_and_none() -> None:
    text = "I bought 3 shirts at 19.99 each, what's the total?"
    llm = ScriptedLLM(decisions=["calculate", "none"])
    toolbox = box(llm)
    offered = toolbox.offered(AGENT, text)

    tool, decision = await toolbox.choose(said(text), offered, (), TERMS)
    nothing, _ = await toolbox.choose(said(text), offered, (), TERMS)

    assert tool is not None
    assert tool.name == "calculate"
    assert decision is not None
    assert llm.asked[0].options == ("calculate", "none")
    assert nothing is None


async def test_no_tool_is_called_twice_in_a_turn() -> None:
    text = "What is 17*23?"
    llm = ScriptedLLM()

    assert await box(llm).choose(said(text), box().offered(AGENT, text), ["calculate"], TERMS) == (None, None)
    assert llm.asked == []


async def test_a_second_tool_must_be_very_likely() -> None:
    text = "My sister's birthday is in 9 days, keep that in mind"
    toolbox = box(ScriptedLLM(decisions=[[0.7, 0.3], [0.95, 0.05]]))
    offered = toolbox.offered(AGENT, text)
    assert [tool.name for tool in offered] == ["clock", "remember"]

    unsure, _ = await toolbox.choose(said(text), offered, ["remember"], TERMS)
    sure, _ = await toolbox.choose(said(text), offered, ["remember"], TERMS)

    assert unsure is None
    assert sure is not None


async def test_what_was_asked_is_all_since_the_last_answer() -> None:
    conversation = (*said("hi", "Hello!"), Said("user", "What day is it"), Said("user", "in 10 days?"))

    filled = await box().arguments(conversation, named("clock"), TERMS)

    assert value(filled) == {"date": "in 10 days"}


async def test_arguments_come_from_the_llm_where_no_rule_reads_them() -> None:
    llm = ScriptedLLM(fills=[{"expression": "3*19.99"}])

    filled = await box(llm).arguments(said("3 shirts at 19.99 each, what's the total?"), named("calculate"), TERMS)

    assert value(filled) == {"expression": "3*19.99"}
    assert llm.asked[0].schema == named("calculate").schema


async def test_what_nobody_said_is_not_quoted() -> None:
    text = "My sister's birthday is on 9 May, keep that in mind"
    llm = ScriptedLLM(fills=[{"fact": "My brother's name is Tom"}, {"fact": "sister's birthday is on 9 May"}])

    invented = await box(llm).arguments(said(text), named("remember"), TERMS)
    quoted = await box(llm).arguments(said(text), named("remember"), TERMS)

    assert value(invented) == {"fact": text}
    assert value(quoted) == {"fact": "sister's birthday is on 9 May"}


@pytest.mark.parametrize("wrong", [{"degrees": 400}, {"degrees": "hot"}, {}, {"degrees": 180.5}])
async def test_arguments_that_do_not_fit_the_schema_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ToolError, match="don't fit the tool"):
        await box(ScriptedLLM(fills=[wrong, wrong])).arguments(said("heat the oven"), Oven(), TERMS)
    outcome = await box().call(Oven(), called("oven", wrong))
    assert outcome.failed


async def test_arguments_that_do_not_fit_are_mended_once() -> None:
    llm = ScriptedLLM(fills=[{"degrees": "hot"}, {"degrees": 180}])

    filled = await box(llm).arguments(said("heat the oven"), Oven(), TERMS)

    assert value(filled) == {"degrees": 180}
    assert "That can't be used: The arguments don't fit the tool" in llm.asked[1].text


async def test_a_long_result_is_cut_and_says_so() -> None:
    outcome = await box().call(Oven(), called("oven", {"degrees": 180}))

    assert outcome.result == f"{'hot' * 13}h\n[cut: 110 more characters]"
    assert not outcome.failed


async def test_a_tool_that_hangs_is_a_failed_result() -> None:
    outcome = await box().call(Oven(), called("oven", {"degrees": 66}))

    assert (outcome.failed, outcome.result) == (True, "oven gave no answer within 0.05 seconds.")


async def test_a_tool_error_is_a_failed_result() -> None:
    outcome = await box().call(named("calculate"), called("calculate", {"expression": "1/0"}))

    assert (outcome.failed, outcome.result) == (True, "1/0: division by zero has no result.")


async def test_a_plain_call_that_went_well_is_the_whole_answer() -> None:
    step = a_step(a_turn(a_task()), kind="tool", name="calculate", result="17*23 = 391")
    failed = msgspec.structs.replace(step, failed=True)

    assert await box().answered(said("What is 17*23?"), [step]) == "17*23 = 391"
    assert await box().answered(said("What is 17*23?"), [failed]) is None
    assert await box().answered(said("What is 17*23?"), [step, step]) is None
    assert await box().answered(said("17*23 sheep and 4 cows?"), [step]) is None
    assert await box().answered(said("What is 17*23?"), []) is None


def test_a_number_that_was_found_and_not_said_is_noticed() -> None:
    step = a_step(
        a_turn(a_task()), kind="tool", name="calculate", request='{"expression":"17*23"}', result="17*23 = 391"
    )

    assert unsaid("17*23 equals 409.", [step]) == ("17*23 = 391",)
    assert unsaid("It's 391.", [step]) == ()
    assert unsaid("Sorry.", [msgspec.structs.replace(step, failed=True)]) == ()
    assert unsaid("Noted.", [msgspec.structs.replace(step, request="", result="my dog is called Rex")]) == ()


# --- tried again


TURN = a_turn(a_task("Heat the oven."))


class Coder(Oven):
    """A tool whose arguments are seldom right at once."""

    name = "oven"
    tries = 3


async def test_a_tool_that_may_fail_is_tried_again_without_asking() -> None:
    coder, failed = Coder(), a_step(TURN, kind="tool", name="oven", failed=True)
    offered = (coder, *TOOLS)

    assert await box().again(said("oven"), offered, []) is None
    assert await box().again(said("oven"), offered, [failed]) is coder
    assert await box().again(said("oven"), offered, [failed, failed]) is coder
    assert await box().again(said("oven"), offered, [failed] * 3) is None
    assert await box().again(said("oven"), offered, [failed, a_step(TURN, kind="tool", name="oven")]) is None
    assert await box().again(said("oven"), TOOLS, [failed]) is None
    assert await box().again(said("oven"), (Oven(),), [failed]) is None


async def test_what_a_rule_read_is_not_tried_again() -> None:
    class Reader(Coder):
        def read(self, text: str) -> Mapping[str, object]:
            return {"degrees": 100}

    assert await box().again(said("oven"), (Reader(),), [a_step(TURN, kind="tool", name="oven", failed=True)]) is None


async def test_a_further_try_sees_what_was_wrong_with_those_before() -> None:
    llm = ScriptedLLM(fills=[{"degrees": 200}])
    failed = [
        a_step(
            TURN,
            kind="tool",
            name="oven",
            request=f'{{"degrees":{number}}}',
            result=f"{number} is too cold.",
            failed=True,
        )
        for number in (1, 2, 3)
    ]

    await box(llm).arguments(said("heat the oven"), Coder(), TERMS, failed)

    told = llm.asked[0].text
    assert "1 is too cold" not in told
    assert told.index('{"degrees":2}') < told.index("2 is too cold") < told.index('{"degrees":3}')
    assert told.endswith("That failed. 3 is too cold.\nMend it.")
