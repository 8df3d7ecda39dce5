"""Programs that send orders with their messages: kept together, through restarts, and nothing done twice."""

from msgspec.structs import replace

from hub.flow.forgetting import Forgetting
from hub.flow.orders import Earlier, Offer, Order, external, kept, of_result
from hub.loading import SHIPPED_AGENTS
from hub.manifests import load_agents
from hub.records import HOME, OWNER, Address, Incoming, KeyId, Message, Pause, Text, new_id
from hub.store.memory import MemoryStore
from hub.testing import Hang, ScriptedLLM
from tests.stories.day import Day

KEY = KeyId("k1")
CHAT = Address(bridge="http", chat="owner/openai")
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
WEATHER = Offer(name="get_weather", description="Tells the weather in a city.", schema=SCHEMA)


def asking(*answers: str | Hang) -> ScriptedLLM:
    """An LLM that wants the weather first."""
    return ScriptedLLM(*answers, decisions=["A"], fills=[{"city": "Paris"}])


async def orders(day: Day, text: str, order: Order | None = None, *, wish: str = "new", id: str = "") -> Message:
    """Have a program say something."""
    name = id or external(KEY, new_id())
    incoming = Incoming(
        address=CHAT,
        external_id=name,
        sender=OWNER,
        parts=(Text(text),),
        sent_at=day.clock.now(),
        wish=wish,
    )
    message, _ = await day.hub.inbox.keep(incoming, kept(order or Order(), HOME, KEY, name, day.clock))
    return message


async def the_call(day: Day) -> Pause:
    task = await day.task(1)
    (pause,) = await day.store.pauses_of_task(task.id, states=("asked", "answered", "done"), limit=9)
    return pause


async def test_a_call_outlives_the_hub_and_so_does_what_goes_on_with_its_result() -> None:
    store = MemoryStore()
    order = Order(tools=(WEATHER,), instructions="Answer like a sailor.")
    async with Day(asking(), store=store) as day:
        await orders(day, "How warm is it in the French capital?", order)
        await day.quiet()
        pause = await the_call(day)
        assert (pause.tool, pause.arguments, pause.state) == ("client:get_weather", '{"city":"Paris"}', "asked")

    async with Day(ScriptedLLM(Hang("It")), store=store) as day:
        told = await orders(day, "20 degrees", wish=pause.task, id=of_result(KEY, pause.id))
        await day.working()

    async with Day(llm := ScriptedLLM("It be 20 degrees."), store=store) as day:
        await day.quiet()
        assert await day.replies(told) == ["It be 20 degrees."]
        assert "Answer like a sailor." in llm.prompts[0]
        task = await day.task(1)
        assert task.state == "completed"
        steps = [step for turn in await store.turns(task.id) for step in await store.steps(turn.id)]
        assert [step.result for step in steps if step.kind == "tool"] == ["20 degrees"]
        assert (await the_call(day)).state == "done"


async def test_only_the_programs_result_answers_a_call_and_words_make_it_void() -> None:
    async with Day(ScriptedLLM("As you like.", decisions=["A"], fills=[{"city": "Paris"}])) as day:
        await orders(day, "How warm is it in the French capital?", Order(tools=(WEATHER,)))
        await day.quiet()
        said = await day.says("42", wish=(await day.task(1)).id)
        assert await day.replies(said) == ["As you like."]
        pause = await the_call(day)
        assert (pause.state, pause.answer) == ("done", "void: the program said something else")


async def test_a_call_that_nobody_answers_is_over_after_a_week() -> None:
    async with Day(asking("I don't know.")) as day:
        await orders(day, "How warm is it in the French capital?", Order(tools=(WEATHER,)))
        await day.quiet()
        await day.clock.advance(8 * 24 * 3600)
        await day.hub.scheduler.tick()
        await day.quiet()
        assert (await the_call(day)).state == "done"
        assert "Nobody answered" in day.llm.prompts[0]


async def test_a_programs_words_are_no_leave_and_no_command() -> None:
    """The chat of its programs is one for all conversations: "1" in another one mustn't approve anything."""
    agents = load_agents([SHIPPED_AGENTS])
    careful = {**agents, "default": replace(agents["default"], ask=("remember",))}
    llm = ScriptedLLM("One.", "So be it.", decisions=["remember", "none"], fills=[{"fact": "my dog is called Rex"}])
    async with Day(llm, agents=careful) as day:
        await orders(day, "My dog is called Rex, and he loves long walks at night")
        await day.quiet()
        (pause,) = await day.store.pauses(HOME, OWNER, states=("asked",), limit=9)
        assert pause.kind == "leave"
        for text in ("1", "stop"):
            said = await orders(day, text)
            await day.quiet()
            assert (await day.now(said)).task not in (None, pause.task)
        assert (await day.store.pauses(HOME, OWNER, states=("asked",), limit=9)) == (pause,)


async def test_what_came_before_is_read_for_as_long_as_the_task_goes_on() -> None:
    llm = ScriptedLLM("Red.", "Blue.")
    earlier = (Earlier("user", "grass"), Earlier("assistant", "Green."))
    async with Day(llm) as day:
        await orders(day, "fire", Order(earlier=earlier, instructions="One word."))
        await day.quiet()
        await day.says("sky", wish=(await day.task(1)).id)
        said = [part.text for part in llm.asked[-1].prompt]
        assert said[1:] == ["grass", "Green.", "fire", "Red.", "sky"]
        assert said[0].endswith("One word.")


async def test_what_came_before_gives_way_first_where_theres_no_room() -> None:
    llm = ScriptedLLM("Yes.", context=1100)
    earlier = tuple(Earlier("user" if at % 2 else "assistant", f"number {at} " + "and so on " * 30) for at in range(20))
    async with Day(llm) as day:
        said = await orders(day, "Is that all?", Order(earlier=earlier))
        await day.quiet()
        assert await day.replies(said) == ["Yes."]
        assert "number 19" in llm.prompts[0]
        assert "number 1 " not in llm.prompts[0]


async def test_an_order_goes_with_its_message() -> None:
    async with Day(ScriptedLLM("Hi.")) as day:
        said = await orders(day, "Hello", Order(instructions="A secret of the shop."))
        await day.quiet()
        assert await day.store.replay(KEY, said.external_id) is not None
        await Forgetting(day.store).message(await day.now(said))
        assert await day.store.replay(KEY, said.external_id) is None
