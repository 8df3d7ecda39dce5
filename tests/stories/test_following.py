"""A task that's continued elsewhere, followed, and watched: everybody who's to hear of it hears of it once."""

from typing import Any

from hub.accounts import TelegramAccount, XmppAccount
from hub.records import HOME, OWNER, Address, Event, Incoming
from hub.testing import AbleBridge, FakeBridge, ScriptedLLM, hello
from tests.stories.day import Day, at_work, until
from tests.stories.door import code_in

YES, NO = "yes", "no"
THERE = Address(bridge="xmpp", chat="ann@example.org")


def by_telegram(text: str, **fields: Any) -> Incoming:
    return hello(text, sender="4711", address=Address(bridge="telegram", chat="4711"), **fields)


def by_xmpp(text: str, **fields: Any) -> Incoming:
    return hello(text, sender="ann@example.org", address=THERE, **fields)


def a_day(llm: ScriptedLLM, telegram: FakeBridge, xmpp: FakeBridge) -> Day:
    accounts = (TelegramAccount(name="telegram", owner="4711"), XmppAccount(name="xmpp"))
    return Day(llm, bridges={"telegram": telegram, "xmpp": xmpp}, accounts=accounts, linked=False)


async def later(day: Day, seconds: float) -> None:
    await day.clock.advance(seconds)
    await day.hub.scheduler.tick()
    await day.quiet()


async def test_begun_on_telegram_continued_over_xmpp_watched_on_the_web_and_done_is_told_once_to_each() -> None:
    telegram, xmpp = AbleBridge("telegram"), AbleBridge("xmpp")
    llm = ScriptedLLM(
        "La la, and seventeen bikes.", "Noted, under 300 euros.", "Here it is, all of it: la.", decisions=[NO, NO, YES]
    )
    async with a_day(llm, telegram, xmpp) as day, at_work(day, telegram, xmpp):
        news = day.hub.feed.watch(HOME, OWNER)
        await telegram.say(by_telegram("/schedule in 1m sing a song of bikes"))
        await telegram.heard(1)
        await telegram.say(by_telegram("/pair"))
        code = code_in((await telegram.heard(2))[1])
        await xmpp.say(by_xmpp(f"/pair {code}"))
        await xmpp.heard(1)
        await later(day, 61)
        task = await day.task(1)
        assert (task.origin.bridge, task.state) == ("telegram", "working")

        await xmpp.say(by_xmpp("/task 1 at most 300 euros"))
        await xmpp.heard(2)
        await day.quiet()
        assert xmpp.texts[1] == "Noted, under 300 euros."
        await later(day, 700)
        await until(lambda: len(xmpp.texts) == 3, "nothing is told over XMPP")
        await day.quiet()

        assert (await day.task(1)).state == "completed"
        assert telegram.texts[2:] == ["Here it is, all of it: la."]
        assert xmpp.texts[2:] == ["Here it is, all of it: la."]
        assert [m.text for m in await day.store.messages_of_task(task.id, limit=20)].count(
            "Here it is, all of it: la."
        ) == 1
        watched = [await anext(news) for _ in range(5)]
        await news.aclose()
        assert any(isinstance(item, Event) and item.task == task.id for item in watched)


async def test_a_task_that_is_done_at_once_is_told_where_it_was_asked_and_where_it_began() -> None:
    telegram, xmpp = AbleBridge("telegram"), AbleBridge("xmpp")
    llm = ScriptedLLM("La la, the first verse.", "The song is sung.", decisions=[NO, YES])
    async with a_day(llm, telegram, xmpp) as day, at_work(day, telegram, xmpp):
        await telegram.say(by_telegram("/schedule in 1m sing a song of bikes"))
        await telegram.heard(1)
        code = await day.hub.pairings.code_for(HOME, OWNER)
        await xmpp.say(by_xmpp(f"/pair {code}"))
        await xmpp.heard(1)
        await later(day, 61)
        await xmpp.say(by_xmpp("/task 1 the red one will do", external_id="9"))
        await until(lambda: "The song is sung." in telegram.texts, "nothing is told where it began")
        await day.quiet()

        assert telegram.texts.count("The song is sung.") == 1
        assert xmpp.texts.count("The song is sung.") == 1
        assert xmpp.deliveries[-1].outgoing.reply_to == "9"
        assert telegram.deliveries[-1].outgoing.reply_to is None


async def test_one_follows_and_unfollows_by_a_word() -> None:
    telegram, xmpp = AbleBridge("telegram"), AbleBridge("xmpp")
    llm = ScriptedLLM("The first song.", "Another song entirely.", decisions=[YES, YES])
    async with a_day(llm, telegram, xmpp) as day, at_work(day, telegram, xmpp):
        await telegram.say(by_telegram("/schedule daily 12:30 sing to me"))
        await telegram.heard(1)
        code = await day.hub.pairings.code_for(HOME, OWNER)
        await xmpp.say(by_xmpp(f"/pair {code}"))
        await xmpp.say(by_xmpp("/follow 1"))
        await xmpp.say(by_xmpp("/follow 1"))
        await xmpp.heard(3)
        await later(day, 1801)
        await xmpp.heard(4)
        await xmpp.say(by_xmpp("/unfollow 1"))
        await xmpp.heard(5)
        await later(day, 86_400)
        await until(lambda: "Another song entirely." in telegram.texts, "the next song isn't sung")
        await day.quiet()

        assert xmpp.texts.count("The first song.") == telegram.texts.count("The first song.") == 1
        assert "Another song entirely." not in xmpp.texts


async def test_a_conversation_is_answered_only_where_it_goes_on() -> None:
    telegram, xmpp = AbleBridge("telegram"), AbleBridge("xmpp")
    async with a_day(ScriptedLLM("One.", "Two."), telegram, xmpp) as day, at_work(day, telegram, xmpp):
        await telegram.say(by_telegram("Plan a party"))
        await telegram.heard(1)
        code = await day.hub.pairings.code_for(HOME, OWNER)
        await xmpp.say(by_xmpp(f"/pair {code}"))
        await xmpp.say(by_xmpp("/task 1 with cake"))
        await xmpp.heard(2)
        await day.quiet()

        assert telegram.texts == ["One."]
        assert xmpp.texts[1:] == ["Two."]
        assert [(f.bridge, f.chat) for f in await day.store.follows((await day.task(1)).id)] == [("xmpp", THERE.chat)]


async def test_a_question_that_is_told_to_several_is_answered_from_any_of_them() -> None:
    telegram, xmpp = AbleBridge("telegram"), AbleBridge("xmpp")
    llm = ScriptedLLM(*(f"Song number {n} with {'la ' * n}" for n in range(1, 30)), decisions=[NO] * 29)
    async with a_day(llm, telegram, xmpp) as day, at_work(day, telegram, xmpp):
        await telegram.say(by_telegram("/schedule in 1m sing for ever"))
        await telegram.heard(1)
        code = await day.hub.pairings.code_for(HOME, OWNER)
        await xmpp.say(by_xmpp(f"/pair {code}"))
        await xmpp.say(by_xmpp("/follow 1"))
        await xmpp.heard(2)
        for _ in range(25):
            await later(day, 3601)
        question = next(d for d in xmpp.deliveries if d.message.choices)
        assert [c.text for c in question.message.choices] == ["Go on", "Leave it at that"]
        leave = question.message.choices[1].id
        await xmpp.say(by_xmpp("Leave it at that", choice=leave, reply_to=question.id))
        await day.quiet()

        assert (await day.task(1)).state == "completed"
        asked = [d for d in telegram.deliveries if "Go on" in [c.text for c in d.message.choices]]
        assert len(asked) == 1
