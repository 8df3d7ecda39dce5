"""How far a long task is, on real platforms: one message there that changes, and ends beside the answer."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from hub.accounts import name_of
from hub.ports import Add, Bridge
from hub.records import HOME, OWNER, Link
from hub.testing import Hang, ScriptedLLM
from tests.stories.day import Day, at_work
from tests.telegram.botapi import TOKEN, BotApi
from tests.telegram.world import World
from tests.telegram.world import an_account as a_bot
from tests.xmpp.friend import friend
from tests.xmpp.running import Running, a_desk
from tests.xmpp.running import an_account as a_jid
from tests.xmpp.server import Prosody

FIRST, LAST = "Working: turn 2 of 20", "Done after 3 turns"


async def soon(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not true():
            await asyncio.sleep(0.02)


def a_day(bridge: Bridge, **more: object) -> Day:
    llm = ScriptedLLM("The first verse, of seven.", Hang(), "The last of it is sung.", decisions=["no", "yes"])
    return Day(llm, bridges={bridge.name: bridge}, linked=False, **more)  # type: ignore[arg-type]


async def long_work(day: Day, shows: Callable[[str], bool]) -> None:
    """Have a planned task take three turns, of which the second is long."""
    await soon(lambda: shows("sing of bikes"))
    for seconds in (61, 60):
        await day.clock.advance(seconds)
        await day.hub.scheduler.tick()
        turns = len(day.llm.prompts)
        await soon(lambda turns=turns: len(day.llm.prompts) >= turns)  # type: ignore[misc]
        await asyncio.sleep(0.2)
    await soon(lambda: len(day.llm.prompts) == 2)
    await day.clock.advance(5)
    await soon(lambda: shows(FIRST))
    await day.hub.turns.stop((await day.task(1)).id)
    await day.clock.advance(5)
    await soon(lambda: shows("Stopped; /resume 1 goes on"))
    await day.hub.tasks.resume(await day.task(1))
    await day.clock.advance(1)
    await day.hub.scheduler.tick()
    await soon(lambda: shows("The last of it is sung."))
    await day.clock.advance(5)
    await soon(lambda: shows(LAST))


async def link(day: Day, bridge: str, sender: str) -> None:
    await day.store.commit(
        Add(Link(tenant=HOME, bridge=bridge, sender=sender, person=OWNER, created_at=day.clock.now()))
    )


async def test_on_telegram_it_is_edited(api: BotApi, tmp_path: Path) -> None:
    account = a_bot(api.url, TOKEN)
    world = World(account, tmp_path / "files")
    await world.files.open()
    async with a_day(world.bridge, accounts=(account,)) as day, at_work(day, world.bridge):
        await link(day, name_of(account), "1001")
        api.says("/schedule in 1m sing of bikes")
        await long_work(day, lambda text: any(text in shown for shown in api.texts))

        assert [text.splitlines()[0] for text in api.texts[1:]] == [f"{LAST}, 5 s", "The last of it is sung."]
        assert any(call.method == "editMessageText" for call in api.calls)


async def test_over_xmpp_it_is_corrected(prosody: Prosody, name: str, tmp_path: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    account = a_jid(prosody, agent)
    bridge = Running(account, tmp_path, a_desk()).bridge
    async with (
        a_day(bridge, accounts=(account,)) as day,
        at_work(day, bridge),
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        await link(day, name_of(account), ann)
        await soon(lambda: bridge.info.state == "running")
        client.say(agent, "/schedule in 1m sing of bikes")
        await long_work(day, lambda text: any(text in shown for shown in client.texts))

        assert [text.splitlines()[0] for text in client.read().values()][1:] == [
            f"{LAST}, 5 s",
            "The last of it is sung.",
        ]
