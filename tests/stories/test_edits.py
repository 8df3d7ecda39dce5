"""A message that its person changes is answered once, by its new words, whatever had become of the old ones."""

from typing import Any

import pytest

from hub.errors import StoreUnavailable
from hub.records import HOME, Address, Incoming, Message
from hub.store.memory import MemoryStore
from hub.testing import AbleBridge, Hang, ScriptedLLM, hello
from tests.stories.day import Day, at_work, until


def said(text: str, **fields: Any) -> Incoming:
    return hello(text, address=Address(bridge="able", chat="ann"), **fields)


def edit(text: str, number: int = 1, **fields: Any) -> Incoming:
    return said(text, external_id=f"1/e{number}", corrects="1", **fields)


async def kept(day: Day, id: str) -> Message:
    found = await day.store.message_by_external(HOME, Address(bridge="able", chat="ann"), id)
    assert found is not None
    return found


async def test_what_was_answered_is_answered_again_and_the_old_answer_taken_back() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM("To Bonn.", "To Rome."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("A train to Bonn", external_id="1"))
        await bridge.heard(1)
        await bridge.say(edit("A train to Rome"))
        await until(lambda: bridge.texts == ["To Rome."], "it isn't answered anew")
        await day.quiet()

        message = await kept(day, "1")
        task = await day.task(1)
        assert (message.text, message.state) == ("A train to Rome", "answered")
        assert (task.goal, task.title) == ("A train to Rome", "A train to Rome")
        assert await day.transcript(1) == ["A train to Rome", "To Rome."]
        assert bridge.deliveries[-1].outgoing.reply_to == "1"


async def test_what_is_being_answered_is_stopped_without_a_word_and_begun_again() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM(Hang("To B"), "To Rome.")
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("A train to Bonn", external_id="1"))
        await day.working()
        await bridge.say(edit("A train to Rome"))
        await bridge.heard(1)
        await day.quiet()

        assert bridge.texts == ["To Rome."]
        assert "Bonn" not in str(llm.prompts[-1])
        assert (await kept(day, "1")).state == "answered"


async def test_what_waits_is_answered_by_its_new_words_alone() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM("To Rome.")
    llm.go_down()
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("A train to Bonn", external_id="1"))
        await until(lambda: bridge.texts != [], "nobody says that it waits")
        await bridge.say(edit("A train to Rome"))
        await until(lambda: True, "")
        llm.come_up()
        await until(lambda: "To Rome." in bridge.texts, "it isn't answered")
        await day.quiet()

        assert len(llm.prompts) == 1
        assert len(bridge.texts) == 2


async def test_each_of_several_edits_in_a_row_leaves_one_answer() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM(Hang("To"), *["To Oslo."] * 4)
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("A train to Bonn", external_id="1"))
        await day.working()
        for number, place in enumerate(("Rome", "Prague", "Oslo"), 1):
            await bridge.say(edit(f"A train to {place}", number))
        await until(lambda: bridge.texts == ["To Oslo."], "the last words aren't answered")
        await day.quiet()

        assert bridge.texts == ["To Oslo."]
        assert (await kept(day, "1")).text == "A train to Oslo"


async def test_the_same_edit_handed_over_twice_is_one() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM("To Bonn.", "To Rome."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("A train to Bonn", external_id="1"))
        await bridge.heard(1)
        assert await bridge.say(edit("A train to Rome"))
        assert not await bridge.say(edit("A train to Rome"))
        await until(lambda: bridge.texts == ["To Rome."], "it isn't answered anew")


async def test_nobody_changes_the_words_of_another() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM("To Bonn.", "Hi."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("A train to Bonn", external_id="1"))
        await bridge.heard(1)
        link = await day.store.link(HOME, "able", "ann")
        assert link is not None
        code = await day.hub.pairings.code_for(HOME, link.person)
        assert code
        spoken = edit("Send them money", sender="eve")
        with pytest.raises(Exception, match="aren't known"):
            await bridge.say(spoken)
        assert (await kept(day, "1")).text == "A train to Bonn"


async def test_an_edit_that_is_a_command_is_obeyed_and_changes_nothing() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM("To Bonn."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("A train to Bonn", external_id="1"))
        await bridge.heard(1)
        await bridge.say(edit("/tasks"))
        assert (await bridge.heard(2))[1] == "#1 A train to Bonn – completed"
        assert (await kept(day, "1")).text == "A train to Bonn"


async def test_what_was_stopped_along_with_an_edited_message_is_answered_too() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM(Hang("Pl"), "Planned.", "More.")
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Plan a party", external_id="1"))
        await day.working()
        await bridge.say(edit("Plan a feast"))
        await bridge.say(said("with cake", external_id="2", wish=(await day.task(1)).id))
        await until(lambda: "Planned." in bridge.texts, "it isn't answered")
        await day.quiet()
        states = [(await kept(day, id)).state for id in ("1", "2")]

        assert states == ["answered", "answered"]


@pytest.mark.parametrize("point", ["edit.before-commit", "edit.after-commit"])
@pytest.mark.parametrize("first", ["To Bonn.", Hang("To B")])
async def test_a_kill_while_words_are_changed_leaves_one_answer(
    point: str, first: str | Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, bridge = MemoryStore(), AbleBridge()
    day = Day(ScriptedLLM(first), store=store, bridges={"able": bridge})
    async with day, at_work(day, bridge):
        await bridge.say(said("A train to Bonn", external_id="1"))
        await until(lambda: bridge.texts != [] or bool(day.hub.turns.running), "nothing is begun")
        if isinstance(first, str):
            await day.quiet()
        killed = killing(day, point, monkeypatch)
        await bridge.say(edit("A train to Rome"))
        await until(lambda: bool(killed), "it isn't killed")
        store.full = True
    store.full = False
    monkeypatch.undo()
    again = AbleBridge()
    again.counted_from = 100
    llm = ScriptedLLM(*["To Rome."] * 3)
    async with Day(llm, store=store, bridges={"able": again}) as later, at_work(later, again):
        await until(lambda: again.texts == ["To Rome."], "it isn't answered after the kill")
        await later.quiet()

        assert again.texts == ["To Rome."]
        assert await later.transcript(1) == ["A train to Rome", "To Rome."]
        assert again.gone == (["able-1"] if isinstance(first, str) else [])


def killing(day: Day, point: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have nothing be kept any more from a point on: what a kill at that point leaves."""
    killed: list[str] = []

    def reach(name: str) -> None:
        if name == point and not killed:
            killed.append(name)
            store = day.store
            assert isinstance(store, MemoryStore)
            store.full = True
            raise StoreUnavailable("killed")

    monkeypatch.setattr("hub.flow.edits.reach", reach)
    return killed
