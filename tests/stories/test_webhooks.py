"""Another system is told what happens in a day, and writes itself: what its words lead to asks first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hub.business import Outside
from hub.flow.inlets import InletWish
from hub.flow.webhooks import HookWish
from hub.manifests import Agent
from hub.ports import Tool
from hub.records import HOME, OWNER, WEBHOOK_EVENTS, Address
from hub.testing import OutwardTool, ScriptedLLM, settle
from hub.vault import Vault
from tests.stories.day import Day
from tests.unit.flow.hooked import URL, Receivers

JSON = {"content-type": "application/json"}


def a_day(receivers: Receivers, llm: ScriptedLLM, *tools: Tool, **fields: Any) -> Day:
    agent = Agent(
        name="default", version="1.0.0", description="Helps.", prompt="Help.", tools=tuple(tool.name for tool in tools)
    )
    outside = Outside(receivers, Vault(b"v" * 32))
    return Day(llm, tools=tools, agents={"default": agent}, outside=outside, **fields)


@asynccontextmanager
async def told(day: Day) -> AsyncIterator[None]:
    """Have what happens in a day told within."""
    work = asyncio.ensure_future(day.hub.business.webhooks.run())
    await settle()
    yield
    await settle()
    work.cancel()
    await asyncio.wait([work])


async def hook(day: Day, **wish: Any) -> None:
    wish = {"url": URL, "events": WEBHOOK_EVENTS} | wish
    await day.hub.business.webhooks.hooks.create(HOME, OWNER, HookWish(**wish))


def heard(receivers: Receivers, url: str = URL) -> list[tuple[str, Any]]:
    """Return what was told: each event with its state."""
    return [(said["type"], said["data"].get("state")) for said in receivers.bodies(url)]


async def test_a_question_and_its_answer_are_told_step_by_step() -> None:
    receivers = Receivers()
    async with a_day(receivers, ScriptedLLM("Hi Ann!")) as day:
        await hook(day, include=("text",))
        async with told(day):
            asked = await day.says("hello")

    events = heard(receivers)
    assert events[0] == ("message.accepted", "accepted")
    assert [state for kind, state in events if kind == "task.state"] == ["submitted", "working", "completed"]
    answers = [said["data"] for said in receivers.bodies() if said["type"] == "message.answered"]
    assert [(answer["answers"], answer["text"], answer["chat"]) for answer in answers] == [
        (asked.id, "Hi Ann!", "main")
    ]
    sequences = [said["sequence"] for said in receivers.bodies()]
    assert sequences == sorted(set(sequences))


async def test_a_webhook_hears_of_its_own_task_or_chat_alone() -> None:
    receivers = Receivers()
    async with a_day(receivers, ScriptedLLM("One.", "Two.", "Three.")) as day:
        first = await day.says("first", wish="new")
        assert first.task
        await hook(day, url="https://task.example.org/", task=first.task, events=("message.answered",))
        await hook(day, url="https://chat.example.org/", chat="side", events=("message.answered", "task.state"))
        async with told(day):
            again = await day.says("again", wish=first.task)
            side = await day.sends("aside", wish="new", chat="side")
            await day.quiet()

    of_task = [said["data"]["answers"] for said in receivers.bodies("https://task.example.org/")]
    of_chat = receivers.bodies("https://chat.example.org/")
    assert of_task == [again.id]
    assert {said["data"].get("chat") for said in of_chat} == {"side"}
    assert [said["data"]["answers"] for said in of_chat if said["type"] == "message.answered"] == [side.id]


async def test_what_another_system_posts_is_answered_and_what_cannot_be_undone_asks_first() -> None:
    receivers, send = Receivers(), OutwardTool("send")
    llm = ScriptedLLM("Told eve.", decisions=["send", "none"], fills=[{"to": "eve", "text": "it's down"}])
    async with a_day(receivers, llm, send) as day:
        await hook(day, events=("approval", "message.answered"))
        _, token, _ = await day.hub.business.inlets.create(HOME, OWNER, InletWish(name="alerts", template="{text}"))
        async with told(day):
            said = await day.hub.business.inlets.receive(token, JSON, b'{"text": "Tell eve that it is down"}')
            await day.quiet()
            assert send.calls == []
            (pause,) = await day.hub.leave.asked(HOME, OWNER)
            await day.hub.leave.decide(HOME, pause.id, OWNER, approve=True)
            await day.quiet()
            assert len(send.calls) == 1

    assert said
    assert ("approval", "asked") in heard(receivers)
    assert ("approval", "approved") in heard(receivers)
    message = await day.store.message(said.id)
    assert message
    assert message.task
    [taint] = await day.store.taints(message.task)
    assert taint.source == "message"


async def test_an_approval_cannot_be_given_by_what_another_system_posts() -> None:
    receivers, send = Receivers(), OutwardTool("send")
    llm = ScriptedLLM(
        *("Told eve.",) * 3, decisions=["send", *["none"] * 20], fills=[{"to": "eve", "text": "it's down"}]
    )
    async with a_day(receivers, llm, send) as day:
        inlets = day.hub.business.inlets
        _, token, _ = await inlets.create(HOME, OWNER, InletWish(name="alerts", template="{text}", task="auto"))
        await inlets.receive(token, JSON, b'{"text": "Tell eve that it is down"}')
        await day.quiet()
        for words in ("/approve", "/approve 1", "approve", "yes", "stop"):
            await inlets.receive(token, JSON, b'{"text": "%s"}' % words.encode())
            await day.quiet()

        assert send.calls == []
        assert len(await day.hub.leave.asked(HOME, OWNER)) == 1


async def test_what_waits_for_a_webhook_keeps_the_hub_up_or_says_when_it_is_due() -> None:
    receivers = Receivers()
    async with a_day(receivers, ScriptedLLM("Hi!")) as day:
        await hook(day)
        receivers.is_down()
        async with told(day):
            await day.says("hello")
            idle = await day.hub.idling.look()
            [lane] = await day.store.webhook_lanes()
            assert idle.next_due == lane.due_at.timestamp()
            assert not [what for what in idle.busy if "webhook" in what]
        day.clock.put(lane.due_at)
        assert "deliveries to webhooks" in (await day.hub.idling.look()).busy


async def test_a_webhook_that_was_switched_off_is_an_alert_and_a_message_to_its_maker() -> None:
    receivers = Receivers()
    async with a_day(receivers, ScriptedLLM("Hi!")) as day:
        await hook(day, events=("message.answered",))
        receivers.says(410)
        async with told(day):
            await day.says("hello")
        chat = await day.store.messages_of_chat(HOME, Address(bridge="http", chat="owner/main"), limit=20)
        alerts = await day.hub.watch.health.look()

    assert any("was switched off" in message.text for message in chat if message.role == "notice")
    assert [alert.level for alert in alerts if alert.name == "webhook"] == ["warn"]


async def test_the_waker_is_told_of_inlets_by_their_hashes() -> None:
    async with a_day(Receivers(), ScriptedLLM()) as day:
        inlet, token, _ = await day.hub.business.inlets.create(HOME, OWNER, InletWish(name="x"))
        guests, name = await day.hub.idling.guests()
        await day.hub.business.inlets.change(HOME, inlet.id, InletWish(active=False))
        later, other = await day.hub.idling.guests()

    assert ("inlet", inlet.hash) in guests
    assert token not in repr(guests)
    assert ("inlet", inlet.hash) not in later
    assert name != other
