"""Groups, whose tasks are their own; and machines that would talk without end."""

from hub.accounts import TelegramAccount
from hub.flow.guard import ANSWERS, SAME
from hub.records import HOME, OWNER, Address
from hub.testing import FakeBridge
from tests.stories.day import at_work
from tests.stories.door import TELEGRAM, a_day, by, is_stranger, told

# --- groups


async def test_a_group_is_let_in_by_a_known_member_and_has_tasks_of_its_own() -> None:
    bridge = FakeBridge("able")
    account = TelegramAccount(name="able", owner="ann", allow=("bob",))
    async with a_day(bridge, account) as day, at_work(day, bridge):
        assert await is_stranger(bridge, by("eve", chat="g1", group="Trip"))
        assert await day.store.link(HOME, "able", "group:g1") is None
        await bridge.say(by("ann", "Plan a trip", chat="g1", group="Trip", external_id="1"))
        await bridge.heard(1)
        await bridge.say(by("bob", "/tasks", chat="g1", group="Trip"))
        await bridge.heard(2)
        await bridge.say(by("ann", "/tasks"))
        await bridge.heard(3)

        link = await day.store.link(HOME, "able", "group:g1")
        assert link is not None
        group = await day.store.person(HOME, link.person)
        message = await day.store.message_by_external(HOME, Address(bridge="able", chat="g1"), "1")
        assert group is not None
        assert message is not None
        assert (group.name, group.role) == ("Trip", "group")
        assert (message.person, message.author, message.name) == (group.id, OWNER, "Ann")
        assert bridge.texts[1] == "#1 Plan a trip – completed"
        assert bridge.texts[2] == "No tasks yet. Write to me, and there'll be one."


async def test_a_stranger_in_a_group_is_told_nothing_though_the_group_is_let_in() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        await bridge.say(by("ann", chat="g1", group="Trip"))
        code = await day.hub.pairings.code_for(HOME, OWNER)
        assert await is_stranger(bridge, by("eve", chat="g1", group="Trip"))
        assert await is_stranger(bridge, by("eve", f"/pair {code}", chat="g1", group="Trip"))
        assert await day.hub.pairings.requests(HOME) == ()


async def test_nobody_is_taken_for_a_group_by_what_they_call_themselves() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        await bridge.say(by("ann", chat="g1", group="Trip"))
        await told(bridge, by("g1"))


async def test_codes_are_not_given_in_groups() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        await bridge.say(by("ann", "/pair", chat="g1", group="Trip"))
        assert "not in a group" in (await bridge.heard(1))[0]


# --- loops


async def test_one_who_says_the_same_over_and_over_is_told_once_and_then_not_heard_for_a_while() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge, TELEGRAM, *["Hi."] * 20) as day, at_work(day, bridge):
        for _ in range(SAME):
            assert await bridge.say(by("ann", "I am away"))
        ignored = [await is_stranger(bridge, by("ann", "I am away")) for _ in range(3)]
        await day.quiet()
        assert ignored == [True] * 3
        assert len([text for text in bridge.texts if "two machines" in text]) == 1
        await day.clock.advance(121)
        assert await bridge.say(by("ann", "I am back"))


async def test_a_message_that_is_handed_over_again_and_again_is_no_loop() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        again = by("ann", "Hello")
        assert [await bridge.say(again) for _ in range(12)] == [True, *[False] * 11]


async def test_who_answers_each_of_our_messages_at_once_for_ever_is_a_machine() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        for number in range(ANSWERS + 1):
            assert await bridge.say(by("ann", f"/task {number + 1}"))
            await day.quiet()
        assert await is_stranger(bridge, by("ann", "/task 1"))
        assert len([text for text in bridge.texts if "two machines" in text]) == 1


async def test_who_takes_their_time_to_answer_is_none() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        for number in range(ANSWERS + 10):
            assert await bridge.say(by("ann", f"/task {number + 1}"))
            await day.quiet()
            await day.clock.advance(2)


async def test_different_words_in_a_row_are_no_loop() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge, TELEGRAM, *["Hi."] * 60) as day, at_work(day, bridge):
        for number in range(50):
            assert await bridge.say(by("ann", f"/task {number}"))


async def test_somebody_who_becomes_known_twice_at_once_is_one_person() -> None:
    bridge = FakeBridge("able")
    account = TelegramAccount(name="able", access="open")
    async with a_day(bridge, account) as day:
        one, two = by("bob", "one", chat="a"), by("bob", "two", chat="b")
        async with at_work(day, bridge):
            bridge.push(one)
            assert await bridge.say(two)
        assert len(await day.store.people(HOME)) == 2
