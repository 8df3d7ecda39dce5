"""Who may speak: policies, codes, accounts of one person; and what strangers are told and cost."""

import pytest

from hub.accounts import TelegramAccount, XmppAccount
from hub.errors import NotFound
from hub.flow.desk import FrontDesk
from hub.flow.pairing import REQUESTS
from hub.records import HOME, OWNER, Address
from hub.store.memory import MemoryStore
from hub.testing import FakeBridge, ScriptedLLM, hello
from tests.stories.day import Day, at_work, until
from tests.stories.door import TELEGRAM, a_day, by, code_in, is_stranger, person_of, told


async def test_the_owner_named_in_the_config_is_the_owner_there() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        await bridge.say(by("ann"))
        assert await bridge.heard(1) == ["Hi."]
        link = await day.store.link(HOME, "able", "ann")
        assert link is not None
        assert (link.person, link.chat) == (OWNER, "ann")


@pytest.mark.parametrize(
    ("allow", "sender", "handle", "enters"),
    [
        ("4711", "4711", "", True),
        ("4711", "4712", "", False),
        ("@bob_b", "4711", "@bob_b", True),
        ("@bob_b", "4711", "@eve", False),
        ("@example.org", "bob@example.org", "", True),
        ("@example.org", "bob@evil.example.org", "", False),
        ("@example.org", "bob@example.org.evil", "", False),
        ("@example.org", "example.org", "", False),
        ("@example.org", "4711", "", False),
        ("Bob@Example.org", "bob@example.org", "", True),
        ("", "", "", False),
    ],
)
async def test_a_list_lets_in_whom_it_names_and_nobody_else(allow: str, sender: str, handle: str, enters: bool) -> None:
    bridge = FakeBridge("able")
    account = TelegramAccount(name="able", access="list", allow=(allow,))
    async with a_day(bridge, account) as day, at_work(day, bridge):
        assert await is_stranger(bridge, by(sender, handle=handle, chat="c")) is not enters
        person = await person_of(day, sender)
        assert (person is not None and person.role == "member") is enters


async def test_who_is_struck_off_a_list_is_a_stranger_again() -> None:
    bridge, store = FakeBridge("able"), MemoryStore()
    account = TelegramAccount(name="able", access="list", allow=("bob",))
    async with a_day(bridge, account, store=store) as day, at_work(day, bridge):
        await bridge.say(by("bob"))
    bridge = FakeBridge("able")
    account = TelegramAccount(name="able", access="list", allow=())
    async with a_day(bridge, account, store=store) as day, at_work(day, bridge):
        assert await is_stranger(bridge, by("bob"))


async def test_who_is_struck_off_a_list_is_shown_nothing_at_the_desk_either() -> None:
    bridge, store = FakeBridge("able"), MemoryStore()
    allowed = TelegramAccount(name="able", access="list", allow=("bob",))
    async with a_day(bridge, allowed, store=store) as day, at_work(day, bridge):
        await bridge.say(by("bob"))
    struck = TelegramAccount(name="able", access="list")
    seen = [
        await FrontDesk(store, day.clock, 24, {"able": account}).person("able", "bob") for account in (allowed, struck)
    ]
    assert [person is not None for person in seen] == [True, False]


async def test_who_is_named_the_owner_later_becomes_the_owner() -> None:
    bridge, store = FakeBridge("able"), MemoryStore()
    async with a_day(bridge, TelegramAccount(name="able", access="open"), store=store) as day, at_work(day, bridge):
        await bridge.say(by("ann"))
    again = FakeBridge("able")
    async with a_day(again, TELEGRAM, store=store) as day, at_work(day, again):
        await again.say(by("ann", "/whoami"))
        await until(lambda: any("(owner)" in text for text in again.texts), "they aren't the owner")


async def test_open_lets_everybody_in_each_as_a_person_of_their_own() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge, TelegramAccount(name="able", access="open")) as day, at_work(day, bridge):
        await bridge.say(by("bob"))
        await bridge.say(by("bea"))
        await bridge.say(by("bob", "again"))
        bob, bea = await person_of(day, "bob"), await person_of(day, "bea")
        assert bob is not None
        assert bea is not None
        assert (bob.name, bob.role, bea.name) == ("Bob", "member", "Bea")
        assert bob.id != bea.id
        assert len(await day.store.people(HOME)) == 3


async def test_a_stranger_gets_a_code_that_the_owner_approves_and_is_let_in() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        code = code_in(await told(bridge, by("eve")))
        assert [(p.bridge, p.sender, p.name) for p in await day.hub.pairings.requests(HOME)] == [("able", "eve", "Eve")]
        await bridge.say(by("ann", f"/approve {code}"))
        await bridge.heard(2)
        await bridge.say(by("eve", "Hello"))
        await bridge.heard(3)

        at_eve = [d.text for d in bridge.deliveries if d.message.address.chat == "eve"]
        assert at_eve[0].startswith("You're let in")
        assert at_eve[1] == "Hi."
        assert [d.text for d in bridge.deliveries if d.message.address.chat == "ann"] == ["Eve is let in."]
        assert await day.hub.pairings.requests(HOME) == ()


@pytest.mark.parametrize("way", ["/pair {code}", "/start {code}", "/approve {lower}", "/pair {halves}"])
async def test_the_owner_may_give_a_strangers_code_in_several_ways(way: str) -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        code = code_in(await told(bridge, by("eve")))
        text = way.format(code=code, lower=code.lower(), halves=f"{code[:4]}-{code[4:]}")
        await bridge.say(by("ann", text))
        await bridge.heard(2)
        assert await person_of(day, "eve") is not None


async def test_approving_twice_is_no_error_and_makes_one_person() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        code = code_in(await told(bridge, by("eve")))
        one, other = await day.hub.pairings.approve(HOME, code), await day.hub.pairings.approve(HOME, code)
        assert one == other
        assert len(await day.store.people(HOME)) == 2
        await day.quiet()
        assert len(bridge.texts) == 1


async def test_a_request_is_approved_by_its_id_and_as_somebody_who_is_known() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        await told(bridge, by("eve"))
        (request,) = await day.hub.pairings.requests(HOME)
        await day.hub.pairings.approve(HOME, request.id, OWNER)
        person = await person_of(day, "eve")
        assert person is not None
        assert person.id == OWNER


async def test_only_the_owner_lets_people_in() -> None:
    bridge = FakeBridge("able")
    account = TelegramAccount(name="able", owner="ann", allow=("bob",))
    async with a_day(bridge, account) as day, at_work(day, bridge):
        code = code_in(await told(bridge, by("eve")))
        await bridge.say(by("bob", f"/approve {code}"))
        await bridge.say(by("bob", f"/pair {code}"))
        await bridge.heard(2)
        assert bridge.texts[0] == "Only the owner of this hub lets people in."
        assert await person_of(day, "eve") is None


async def test_who_is_refused_is_told_once_and_not_heard_for_a_day() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        code = code_in(await told(bridge, by("eve")))
        await bridge.say(by("ann", f"/deny {code}"))
        await bridge.heard(2)
        assert "doesn't let you in" in "".join(bridge.texts)
        await day.clock.advance(7200)
        assert await is_stranger(bridge, by("eve"))
        await day.clock.advance(24 * 3600)
        assert code_in(await told(bridge, by("eve"))) != code


async def test_a_stranger_is_told_at_most_once_a_minute_and_has_one_code() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        code = code_in(await told(bridge, by("eve")))
        assert await is_stranger(bridge, by("eve", "Hello?"))
        await day.clock.advance(61)
        assert code_in(await told(bridge, by("eve", "Hello??"))) == code
        assert len(await day.store.pairings(HOME, 9)) == 1


async def test_a_code_is_good_for_an_hour_and_across_a_restart() -> None:
    store = MemoryStore()
    bridge = FakeBridge("able")
    async with a_day(bridge, store=store) as day, at_work(day, bridge):
        code, other = code_in(await told(bridge, by("eve"))), code_in(await told(bridge, by("bob")))
    bridge = FakeBridge("able")
    async with a_day(bridge, store=store) as day, at_work(day, bridge):
        assert "good until 13:00" in await told(bridge, by("eve"))
        await day.hub.pairings.approve(HOME, code)
        await day.clock.advance(3601)
        with pytest.raises(NotFound):
            await day.hub.pairings.approve(HOME, other)
    assert code not in str(await store.pairings(HOME, 9))


async def test_strangers_cost_no_more_than_a_bounded_number_of_requests() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        silent = [await is_stranger(bridge, by(f"eve{number}")) for number in range(REQUESTS + 20)]
        assert silent == [False] * REQUESTS + [True] * 20
        assert len(await day.store.pairings(HOME, 1000)) == REQUESTS
        assert len(await day.store.people(HOME)) == 1
        assert await day.store.counts() == {}
        assert day.llm.prompts == []


async def test_wrong_codes_are_counted_and_then_nothing_is_told() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        right = await day.hub.pairings.code_for(HOME, OWNER)
        for _ in range(5):
            assert "don't know that code" in await told(bridge, by("eve", "/pair ABCDEFGH"))
        assert await is_stranger(bridge, by("eve", "/pair ABCDEFGH"))
        assert await is_stranger(bridge, by("eve", f"/pair {right}"))
        await day.clock.advance(3601)
        assert await person_of(day, "eve") is None


async def test_a_person_links_another_account_by_a_code() -> None:
    bridge, other = FakeBridge("able"), FakeBridge("other")
    day = Day(
        ScriptedLLM("One.", "Two."),
        bridges={"able": bridge, "other": other},
        accounts=[TELEGRAM, XmppAccount(name="other")],
        linked=False,
    )
    async with day, at_work(day, bridge, other):
        await bridge.say(by("ann", "/pair"))
        (text,) = await bridge.heard(1)
        from_there = Address(bridge="other", chat="ann@example.org")
        await other.say(hello(f"/pair {code_in(text)}", sender="ann@example.org", address=from_there))
        assert await other.heard(1) == ["This account is yours from now on, Owner: I know you here as well."]
        await other.say(hello("/whoami", sender="ann@example.org", address=from_there))
        assert "You are Owner (owner)" in (await other.heard(2))[1]
        accounts = await day.hub.pairings.accounts(HOME, OWNER)
        assert [(link.bridge, link.chat) for link in accounts] == [("able", "ann"), ("other", "ann@example.org")]


async def test_a_link_code_links_once_and_only_the_latest_is_good() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        old = await day.hub.pairings.code_for(HOME, OWNER)
        code = await day.hub.pairings.code_for(HOME, OWNER)
        await told(bridge, by("a2", f"/pair {old}"))
        await bridge.say(by("a2", f"/start {code}"))
        await told(bridge, by("eve", f"/pair {code}"))
        assert await person_of(day, "a2") is not None
        assert await person_of(day, "eve") is None


async def test_an_account_that_is_unlinked_is_a_strangers() -> None:
    bridge = FakeBridge("able")
    async with a_day(bridge) as day, at_work(day, bridge):
        code = await day.hub.pairings.code_for(HOME, OWNER)
        await bridge.say(by("a2", f"/pair {code}"))
        await bridge.say(by("a2", "/unlink able a2"))
        await bridge.heard(2)
        await told(bridge, by("a2"))
        assert await person_of(day, "a2") is None


async def test_where_a_bot_has_links_a_code_comes_as_one() -> None:
    bridge = FakeBridge("able")
    bridge.info = type(bridge.info)(name="able", invite="https://t.me/a_bot?start={code}")
    async with a_day(bridge) as day, at_work(day, bridge):
        await bridge.say(by("ann", "/pair"))
        (text,) = await bridge.heard(1)
        assert f"https://t.me/a_bot?start={code_in(text)}" in text
