"""Answers while they're written (T4), against our own Bot API server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridges.telegram.drafts import draft_id
from hub.errors import DeliveryDelayed
from hub.ports import Draft
from hub.records import Address, Text, TurnId
from hub.testing import a_task
from tests.telegram.botapi import TOKEN, BotApi
from tests.telegram.proxy import Proxy
from tests.telegram.says import until
from tests.telegram.seen import Refusal
from tests.telegram.world import World, an_account, outgoing

TASK = a_task(number=2, title="Landlord email")
TURN = TurnId("t1")
PACE = 0.4


@pytest.fixture
async def world(way: Proxy, tmp_path: Path) -> AsyncIterator[World]:
    world = World(an_account(way.url, TOKEN, pace=PACE), tmp_path / "files")
    async with world.running():
        yield world


def a_draft(text: str, *, chat: str = "1001", **fields: object) -> Draft:
    address = Address(bridge="telegram", chat=chat)
    return Draft(address=address, task=TASK, turn=TURN, text=text, **fields)  # type: ignore[arg-type]


async def write(world: World, *, chat: str = "1001", seconds: float = 1.5) -> str:
    """Write an answer word by word, faster than Telegram likes."""
    text = ""
    for number in range(int(seconds / 0.05)):
        text += f"word{number} "
        await world.bridge.show(a_draft(text, chat=chat))
        await asyncio.sleep(0.05)
    return text.strip()


async def test_an_answer_is_drafted_at_a_pace_under_one_id_and_always_sent(api: BotApi, world: World) -> None:
    text = await write(world)
    delivered = await world.bridge.deliver(outgoing(text, turn=TURN))
    await asyncio.sleep(PACE * 2)
    assert {draft.id for draft in api.drafts} == {draft_id(TURN)}
    assert draft_id(TURN) != 0
    gaps = [later.at - earlier.at for earlier, later in zip(api.drafts, api.drafts[1:], strict=False)]
    assert len(api.drafts) >= 2
    assert min(gaps) >= PACE * 0.9
    assert all(text.startswith(draft.text) and draft.can_stop for draft in api.drafts)
    assert api.texts == [text]
    assert [str(shown.id) for shown in api.shown] == list(delivered.ids)
    assert api.calls[-1].method != "sendMessageDraft"


async def test_the_native_stop_button_is_the_command_stop(api: BotApi, world: World) -> None:
    await world.bridge.show(a_draft("I'm thinking"))
    await until(lambda: bool(api.drafts))
    api.stops(api.drafts[0])
    [incoming] = await world.kept.count(1)
    assert (incoming.parts, incoming.sender, incoming.address.chat) == ((Text("/stop"),), "1001", "1001")


async def test_a_table_is_drafted_as_a_rich_message(api: BotApi, world: World) -> None:
    await world.bridge.show(a_draft("| a | b |\n|---|---|\n| 1 | 2 |"))
    await until(lambda: bool(api.drafts))
    assert api.drafts[0].text.startswith("<table>")


async def test_a_group_sees_one_message_that_grows_into_the_answer(api: BotApi, world: World) -> None:
    await write(world, chat="-1001", seconds=0.3)
    await until(lambda: bool(api.shown))
    assert api.texts[0].endswith(" …")
    delivered = await world.bridge.deliver(outgoing("**All** of it", chat="-1001", turn=TURN))
    assert (api.texts, len(api.shown), api.drafts) == (["All of it"], 1, [])
    assert delivered.ids == (str(api.shown[0].id),)


async def test_an_answer_that_cannot_be_put_into_its_draft_is_sent(api: BotApi, world: World) -> None:
    await world.bridge.show(a_draft("All", chat="-1001"))
    await until(lambda: bool(api.shown))
    api.refusing = [("editMessageText", Refusal("Bad Request: message can't be edited"))]
    await world.bridge.deliver(outgoing("All of it", chat="-1001", turn=TURN))
    await until(lambda: api.texts == ["All of it"])
    assert len(api.shown) == 2


async def test_a_last_edit_of_unknown_outcome_is_made_again_and_doubles_nothing(
    api: BotApi, way: Proxy, world: World
) -> None:
    await world.bridge.show(a_draft("All", chat="-1001"))
    await until(lambda: bool(api.shown))
    way.fail("editMessageText", "lost")
    message = outgoing("All of it", chat="-1001", turn=TURN)
    with pytest.raises(DeliveryDelayed):
        await world.bridge.deliver(message)
    await world.bridge.deliver(message)
    assert api.texts == ["All of it"]


async def test_what_a_crash_left_half_written_is_finished_by_the_next_run(
    api: BotApi, world: World, way: Proxy, tmp_path: Path
) -> None:
    await world.bridge.show(a_draft("All", chat="-1001"))
    await until(lambda: bool(api.shown))
    await asyncio.sleep(0.1)
    restarted = World(world.account, tmp_path / "files", documents=world.documents)
    async with restarted.running():
        await restarted.bridge.deliver(outgoing("All of it", chat="-1001", turn=TURN))
    assert api.texts == ["All of it"]


async def test_what_is_dropped_is_taken_away(api: BotApi, world: World) -> None:
    await world.bridge.show(a_draft("All", chat="-1001"))
    await until(lambda: bool(api.shown))
    await world.bridge.drop(TURN)
    await until(lambda: api.texts == [])


async def test_a_draft_that_is_too_fast_waits_and_so_does_the_answer_which_then_arrives(
    api: BotApi, way: Proxy, world: World
) -> None:
    way.fail("sendMessageDraft", "slow", after=2)
    await world.bridge.show(a_draft("All"))
    await until(lambda: way.faults == 1)
    with pytest.raises(DeliveryDelayed) as delayed:
        await world.bridge.deliver(outgoing("All of it", turn=TURN))
    assert 1 < delayed.value.after <= 2
    await asyncio.sleep(delayed.value.after)
    await world.bridge.deliver(outgoing("All of it", turn=TURN))
    assert (api.texts, api.drafts) == (["All of it"], [])


async def test_edits_leave_room_for_the_answer(api: BotApi, world: World) -> None:
    """However much is drafted, the answer needn't wait for its turn."""
    async with asyncio.TaskGroup() as group:
        group.create_task(write(world, chat="-1001", seconds=1.0))
        group.create_task(write(world, seconds=1.0))
    for chat in ("1001", "-1001"):
        await world.bridge.deliver(outgoing("All of it", chat=chat, turn=TURN))
    assert api.texts.count("All of it") == 2


async def test_a_server_without_drafts_gets_edits(api: BotApi, world: World) -> None:
    api.lacking |= {"sendMessageDraft", "sendRichMessageDraft"}
    await world.bridge.show(a_draft("All"))
    await until(lambda: api.texts == ["All …"])
    await world.bridge.deliver(outgoing("All of it", turn=TURN))
    assert (api.texts, len(api.shown)) == (["All of it"], 1)
