"""Tasks where the platform shows them: threads, replies, buttons, commands in a task's own thread."""

from typing import Any

import pytest

from hub.accounts import XmppAccount
from hub.records import HOME, Address, Incoming, Message
from hub.testing import AbleBridge, Hang, ScriptedLLM, hello
from tests.stories.day import Day, at_work, until


def said(text: str, *, thread: str | None = None, **fields: Any) -> Incoming:
    return hello(text, address=Address(bridge="able", chat="ann", thread=thread), **fields)


async def kept(day: Day, id: str) -> Message:
    found = await day.store.message_by_external(HOME, Address(bridge="able", chat="ann"), id)
    assert found is not None
    return found


async def test_an_unknown_thread_founds_a_task_and_is_its_own_from_then_on() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM("One.", "Two.", "Three.")
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        for number, thread in (("1", "a"), ("2", "b"), ("3", "a")):
            await bridge.say(said("Find something", thread=thread, external_id=number))
            await bridge.heard(int(number))

        one, two = await day.task(1), await day.task(2)
        assert [(await kept(day, id)).task for id in ("1", "2", "3")] == [one.id, two.id, one.id]
        assert [d.outgoing.thread for d in bridge.deliveries] == ["a", "b", "a"]


async def test_where_threads_mean_nothing_they_found_no_tasks() -> None:
    bridge = AbleBridge()
    account = XmppAccount(name="able", threads=False, owner="ann")
    day = Day(ScriptedLLM("One.", "Two.", decisions=["1"]), bridges={"able": bridge}, accounts=[account])
    async with day, at_work(day, bridge):
        await bridge.say(said("Find a train", thread="a"))
        await bridge.heard(1)
        await bridge.say(said("to Bonn", thread="b", external_id="2"))
        await bridge.heard(2)

        message = await kept(day, "2")
        assert message.route is not None
        assert message.route.rule != "thread"
        assert await day.store.thread(HOME, Address(bridge="able", chat="ann", thread="a")) is None


async def test_commands_in_a_tasks_own_thread_mean_that_task() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM(Hang("Hm"), "Two.")
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Think hard", thread="a"))
        await day.working()
        await bridge.say(said("/task", thread="a"))
        await bridge.heard(1)
        await bridge.say(said("/stop", thread="a"))
        await until(lambda: any("Stopped" in text for text in bridge.texts), "it isn't stopped")

        assert "#1 Think hard" in bridge.texts[0]
        assert (await day.task(1)).state == "input-required"


@pytest.mark.parametrize("noted", [True, False], ids=["later", "before it's noted what the platform calls it"])
async def test_move_alone_asks_and_a_pressed_button_moves(noted: bool) -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM("One.", "Two.", "Wrong.", "Right.", decisions=["2"])
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train"))
        await bridge.heard(1)
        await bridge.say(said("/new Write to the landlord"))
        await bridge.heard(2)
        await bridge.say(said("and politely", wish=(await day.task(1)).id, external_id="3"))
        await bridge.heard(3)
        await bridge.say(said("/move", reply_to=bridge.deliveries[2].id))
        await bridge.heard(4)
        question = bridge.deliveries[3]
        assert [choice.text for choice in question.message.choices] == ["#2 Write to the landlord", "A new task"]
        offered = question.id if noted else "not noted yet"
        pressed = said("#2", choice=question.message.choices[0].id, reply_to=offered, external_id="cb1")
        assert await bridge.say(pressed)
        await until(lambda: "Right." in bridge.texts, "it isn't answered again")
        assert not await bridge.say(pressed)
        again = said("#2", choice=question.message.choices[0].id, reply_to=question.id, external_id="cb2")
        await bridge.say(again)
        await day.quiet()

        assert (await kept(day, "3")).task == (await day.task(2)).id
        assert bridge.texts.count("Right.") == 1
        assert "Wrong." not in bridge.texts
        assert bridge.texts.count("Moved “and politely” to #2 Write to the landlord; it's answered there.") == 2


async def test_the_question_of_a_move_is_answered_by_a_number_too() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM("One.", "Two.", "Wrong.", "Right.")
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train"))
        await bridge.heard(1)
        await bridge.say(said("/new Write to the landlord"))
        await bridge.heard(2)
        await bridge.say(said("and politely", wish=(await day.task(1)).id, external_id="3"))
        await bridge.heard(3)
        await bridge.say(said("/move"))
        await bridge.heard(4)
        await bridge.say(said("1"))
        await until(lambda: "Right." in bridge.texts, "it isn't answered again")

        assert (await kept(day, "3")).task == (await day.task(2)).id


async def test_a_button_of_somebody_elses_question_does_nothing() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM("One."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train"))
        await bridge.heard(1)
        for reply_to, choice in ((None, "x"), (bridge.deliveries[0].id, "route/1/new")):
            await bridge.say(said("Yes", choice=choice, reply_to=reply_to))
        await bridge.heard(3)
        assert "isn't open any more" in bridge.texts[1]
        assert "isn't one of this message's choices" in bridge.texts[2]


async def test_a_reply_to_an_answer_is_about_its_task_also_over_a_restart() -> None:
    bridge = AbleBridge(parts=2)
    day = Day(ScriptedLLM("One.", "Two."), bridges={"able": bridge})
    async with day, at_work(day, bridge):
        await bridge.say(said("Find a train"))
        await bridge.heard(1)
        await bridge.say(said("/new Write to the landlord"))
        await bridge.heard(2)
    again = AbleBridge()
    later = Day(ScriptedLLM("Sure."), store=day.store, bridges={"able": again})
    async with later, at_work(later, again):
        await again.say(said("cheaper?", reply_to="able-1.2", external_id="9"))
        await until(lambda: "Sure." in again.texts, "it isn't answered")
        message = await kept(later, "9")
        assert message.route is not None
        assert (message.route.rule, message.task) == ("reply", (await later.task(1)).id)
