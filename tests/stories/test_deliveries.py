"""What a platform is told of what it shows: tasks, threads, what's answered; and what it's asked to take back."""

from typing import Any

import pytest

from hub.errors import DeliveryDelayed, DeliveryRefused, DeliveryUncertain
from hub.ports import Add, Delivered, Outgoing
from hub.records import HOME, OWNER, Address, Incoming, Link, Message, PersonId
from hub.store.memory import MemoryStore
from hub.testing import AbleBridge, FakeBridge, Hang, ScriptedLLM, a_person, hello
from hub.testing.bridge import Fault
from tests.stories.day import Day, at_work, until


async def kept(day: Day, id: str) -> Message:
    found = await day.store.message_by_external(HOME, Address(bridge="able", chat="ann"), id)
    assert found is not None
    return found


def said(text: str, **fields: Any) -> Incoming:
    return hello(text, address=Address(bridge="able", chat="ann"), **fields)


async def test_an_answer_says_its_task_and_what_it_answers_and_is_tagged_only_beside_others() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM("One.", "Two."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train", external_id="11"))
        await bridge.heard(1)
        await bridge.say(said("/new Write to the landlord", external_id="12"))
        await bridge.heard(2)

        first, second = (delivery.outgoing for delivery in bridge.deliveries)
        assert first.task is not None
        assert second.task is not None
        assert [first.task.number, first.tagged, first.reply_to] == [1, False, "11"]
        assert [second.task.number, second.tagged, second.reply_to] == [2, True, "12"]


async def test_a_reply_to_any_part_of_an_answer_is_about_its_task() -> None:
    bridge = AbleBridge(parts=3)
    llm = ScriptedLLM("A long answer.", "Two.", "Sure.")
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train"))
        await bridge.heard(1)
        await bridge.say(said("/new Write to the landlord"))
        await bridge.heard(2)
        await bridge.say(said("and cheaper?", external_id="13", reply_to=bridge.deliveries[0].ids[2]))
        await bridge.heard(3)

        message = await kept(day, "13")
        assert message.route is not None
        assert (message.route.rule, message.task) == ("reply", (await day.task(1)).id)


async def test_a_thread_that_the_platform_gave_a_task_is_the_tasks_from_then_on() -> None:
    bridge = AbleBridge(threads=True)
    async with Day(ScriptedLLM("One.", "Two.", "Three."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train"))
        await bridge.heard(1)
        await bridge.say(said("/new Write to the landlord"))
        await bridge.heard(2)
        thread = Address(bridge="able", chat="ann", thread="thread-2")
        await bridge.say(hello("more politely", external_id="13", address=thread))
        await bridge.heard(3)

        message = await kept(day, "13")
        assert message.route is not None
        assert (message.route.rule, message.task) == ("thread", (await day.task(2)).id)
        assert bridge.deliveries[2].outgoing.thread == "thread-2"


async def test_an_answer_of_a_moved_message_is_taken_back_on_its_platform() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM("Wrong.", "Right."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train"))
        await bridge.heard(1)
        await bridge.say(said("/move new"))
        await until(lambda: "Right." in bridge.texts, "it isn't answered again")
        await day.quiet()

        assert "Wrong." not in bridge.texts
        assert bridge.gone == ["able-1"]


async def test_what_is_moved_while_it_waits_for_the_platform_is_never_shown() -> None:
    bridge = AbleBridge(faults=[DeliveryDelayed("slow down", 30.0)])
    async with Day(ScriptedLLM("Wrong.", "Right."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train", external_id="1"))
        await until(lambda: bridge.attempts != [], "nothing is delivered")
        await day.quiet()
        await day.hub.corrections.move(await kept(day, "1"), "new")
        await day.quiet()
        await day.clock.advance(31)
        await day.hub.scheduler.tick()
        await day.quiet()

        assert bridge.texts == ["Right."]


async def test_what_is_moved_while_it_is_being_delivered_is_taken_back_afterwards() -> None:
    bridge = AbleBridge()
    bridge.gate.clear()
    async with Day(ScriptedLLM("Wrong.", "Right."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train", external_id="1"))
        await until(lambda: bridge.attempts != [], "nothing is delivered")
        await day.hub.corrections.move(await kept(day, "1"), "new")
        bridge.gate.set()
        await until(lambda: "Right." in bridge.texts, "it isn't answered again")
        await day.quiet()

        assert bridge.texts == ["Right."]
        assert bridge.gone == ["able-1"]


async def test_taking_back_is_tried_again_for_as_long_as_the_platform_asks() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM("Wrong.", "Right."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train", external_id="1"))
        await bridge.heard(1)
        await day.quiet()
        bridge.faults.append(DeliveryDelayed("slow down", 5.0))
        await day.hub.corrections.move(await kept(day, "1"), "new")
        await day.quiet()
        assert bridge.gone == []
        await day.clock.advance(6)
        await day.hub.scheduler.tick()
        await day.quiet()

        assert bridge.texts == ["Right."]


async def test_a_message_shows_whether_it_is_sent_unknown_or_failed() -> None:
    bridge = AbleBridge(faults=[DeliveryUncertain("cut")])
    bridge.gate.clear()
    async with Day(ScriptedLLM("One."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train", external_id="1"))
        await until(lambda: bridge.attempts != [], "nothing is delivered")
        (reply,) = await day.store.replies((await kept(day, "1")).id)
        states = [reply.state]
        bridge.gate.set()
        await day.quiet()
        states.append((await day.now(reply)).state)
        await day.clock.advance(2)
        await day.hub.scheduler.tick()
        await day.quiet()
        states.append((await day.now(reply)).state)

        assert states == ["sending", "unknown", "sent"]
        assert [delivery.again for delivery in bridge.deliveries] == [False, True]


async def test_what_a_platform_refuses_is_told_by_another_way() -> None:
    one, other = FakeBridge("one", faults=[DeliveryRefused("blocked by the user")]), FakeBridge("other")
    async with Day(ScriptedLLM("Secret."), bridges={"one": one, "other": other}) as day, at_work(day, one, other):
        link = Link(tenant=HOME, bridge="other", sender="a2", person=OWNER, created_at=day.clock.now(), chat="a2")
        await day.store.commit(Add(link))
        await one.say(hello("Find a train", address=Address(bridge="one", chat="ann")))
        await other.heard(1)
        await day.quiet()

        assert other.texts == ["I couldn't deliver this by one (blocked by the user):\n\nSecret."]
        assert other.deliveries[0].message.address.chat == "a2"
        assert one.texts == []


async def test_what_cannot_be_delivered_at_all_is_told_to_the_owner_without_its_words() -> None:
    one = FakeBridge("one", faults=[DeliveryRefused("blocked by the user")])
    async with Day(ScriptedLLM("Secret."), bridges={"one": one}) as day, at_work(day, one):
        bob = a_person(id=PersonId("bob"), name="Bob", role="member")
        link = Link(tenant=HOME, bridge="one", sender="bob", person=bob.id, created_at=day.clock.now(), chat="bob")
        await day.store.commit(Add(bob), Add(link))
        await one.say(hello("Hello", sender="bob", address=Address(bridge="one", chat="bob")))
        await until(lambda: one.attempts != [], "nothing is delivered")
        await day.quiet()
        owners = await day.store.messages_of_chat(HOME, Address(bridge="http", chat="owner/main"), limit=9)
        bobs = await day.store.messages_of_chat(HOME, Address(bridge="http", chat="bob/main"), limit=9)

        assert [m.text for m in owners] == ["A message for Bob couldn't be delivered by one: blocked by the user"]
        assert [m.text for m in bobs] == ["I couldn't deliver this by one (blocked by the user):\n\nSecret."]


async def test_a_refused_word_about_a_refusal_is_not_told_again_and_again() -> None:
    one = FakeBridge("one", faults=[DeliveryRefused("no")] * 9)
    two = FakeBridge("two", faults=[DeliveryRefused("no")] * 9)
    async with Day(ScriptedLLM("Hi."), bridges={"one": one, "two": two}) as day, at_work(day, one, two):
        for name in ("one", "two"):
            link = Link(tenant=HOME, bridge=name, sender="x", person=OWNER, created_at=day.clock.now(), chat="x")
            await day.store.commit(Add(link))
        await one.say(hello("Hello", address=Address(bridge="one", chat="ann")))
        await until(lambda: two.attempts != [] or len(one.attempts) > 1, "nothing is delivered")
        await day.quiet()

        assert len(one.attempts) + len(two.attempts) == 2


async def test_an_outage_of_a_minute_costs_no_message() -> None:
    bridge = AbleBridge(faults=[DeliveryUncertain("502")] * 4)
    async with Day(ScriptedLLM("One."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train", external_id="1"))
        await until(lambda: bridge.attempts != [], "nothing is delivered")
        await day.quiet()
        for _ in range(90):
            await day.clock.advance(1)
            await day.hub.scheduler.tick()
            await day.quiet()

        (reply,) = await day.store.replies((await kept(day, "1")).id)
        assert reply.state == "sent"
        assert len(bridge.attempts) == 5


class Faulty(AbleBridge):
    """A bridge with a fault of its own, after it has sent."""

    async def deliver(self, outgoing: Outgoing) -> Delivered:
        await super().deliver(outgoing)
        raise KeyError("chat")


async def test_a_bridge_that_fails_in_its_own_way_does_not_send_for_ever() -> None:
    bridge = Faulty()
    async with Day(ScriptedLLM("One."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train", external_id="1"))
        await until(lambda: bridge.attempts != [], "nothing is delivered")
        await day.quiet()
        for _ in range(200):
            await day.clock.advance(1)
            await day.hub.scheduler.tick()
            await day.quiet()

        (reply,) = await day.store.replies((await kept(day, "1")).id)
        assert (reply.state, len([m for m in bridge.attempts if m.id == reply.id])) == ("failed", 5)


async def test_an_answer_cut_off_by_a_crash_between_sending_and_keeping_is_marked() -> None:
    bridge = AbleBridge(faults=[Hang()])
    llm = ScriptedLLM("One.")
    day = Day(llm, bridges={"able": bridge})
    async with day, at_work(day, bridge):
        await bridge.say(said("Find a train"))
        await bridge.heard(1)
    again = AbleBridge()
    async with Day(ScriptedLLM(), store=day.store, bridges={"able": again}) as later, at_work(later, again):
        await again.heard(1)
        assert [delivery.again for delivery in again.deliveries] == [True]


@pytest.mark.parametrize(
    ("faults", "again", "tries"),
    [([], [False], 1), ([DeliveryUncertain("cut")], [False, True], 2), ([DeliveryDelayed("slow", 1.0)], [False], 2)],
)
async def test_what_came_of_a_delivery_is_kept_once_the_store_can_again(
    faults: list[Fault], again: list[bool], tries: int
) -> None:
    bridge = AbleBridge(faults=faults)
    bridge.gate.clear()
    store = MemoryStore()
    async with Day(ScriptedLLM("One."), store=store, bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train", external_id="1"))
        await until(lambda: bridge.attempts != [], "nothing is delivered")
        store.full = True
        bridge.gate.set()
        for _ in range(30):
            await day.clock.advance(1)
        assert len(bridge.attempts) == 1, "what the store can't keep is sent again"
        store.full = False
        for _ in range(9):
            await day.clock.advance(1)
            await day.hub.scheduler.tick()
        await day.quiet()

        (reply,) = await day.store.replies((await kept(day, "1")).id)
        assert reply.state == "sent"
        assert ([delivery.again for delivery in bridge.deliveries], len(bridge.attempts)) == (again, tries)


async def test_what_is_moved_before_its_delivery_could_be_kept_is_taken_back() -> None:
    bridge = AbleBridge()
    bridge.gate.clear()
    store = MemoryStore()
    async with Day(ScriptedLLM("Wrong.", "Right."), store=store, bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train", external_id="1"))
        await until(lambda: bridge.attempts != [], "nothing is delivered")
        store.full = True
        bridge.gate.set()
        await until(lambda: bridge.deliveries != [], "nothing arrived")
        store.full = False
        await day.hub.corrections.move(await kept(day, "1"), "new")
        await day.clock.advance(9)
        await until(lambda: "Right." in bridge.texts, "it isn't answered again")
        await day.quiet()

        assert bridge.texts == ["Right."]
        assert bridge.gone == ["able-1"]
