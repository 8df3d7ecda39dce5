"""Polling, against a Bot API server that somebody else wrote, over a way on which things go wrong."""

import asyncio
import time
from pathlib import Path

import pytest

from hub.errors import StoreUnavailable
from hub.records import File, Text
from tests.telegram.botapi import TOKEN as OURS
from tests.telegram.botapi import BotApi
from tests.telegram.emulator import TOKEN, Emulator
from tests.telegram.proxy import Kind, Proxy
from tests.telegram.says import album, until, until_acknowledged, until_made
from tests.telegram.world import QuickClock, Refusing, World, an_account, outgoing


async def test_what_is_said_comes_in_and_what_is_answered_goes_out(
    emulator: Emulator, proxy: Proxy, world: World
) -> None:
    """T1, over polling, with the emulator's own judgement of every request."""
    async with world.running() as bridge:
        number = await emulator.says("Hello")
        [incoming] = await world.kept.count(1)
        delivered = await bridge.deliver(outgoing("**Hi**, Ann", reply_to=incoming.external_id))
        await bridge.typing(incoming.address)
        await until_made(proxy, "sendChatAction")

    assert (incoming.external_id, incoming.sender, incoming.handle) == (str(number), "1001", "@ann")
    assert incoming.parts == (Text("Hello"),)
    [call] = proxy.made("sendMessage")
    assert (call.fields["text"], call.of("entities")) == ("Hi, Ann", [{"type": "bold", "offset": 0, "length": 2}])
    assert call.of("reply_parameters") == {"message_id": number, "allow_sending_without_reply": True}
    assert delivered.ids
    assert (await emulator.verdict("getUpdates", "sendMessage", "setMyCommands", "sendChatAction"))["ok"]


async def test_an_update_is_acknowledged_only_once_it_is_kept(emulator: Emulator, world: World) -> None:
    world.kept.gate.clear()
    async with world.running():
        await emulator.says("Hello")
        await asyncio.sleep(0.5)
        assert await emulator.pending() == 1
        world.kept.gate.set()
        await world.kept.count(1)
        await until_acknowledged(emulator)


async def test_a_restart_keeps_nothing_twice_and_loses_nothing(emulator: Emulator, world: World) -> None:
    """T1: killed between keeping and acknowledging."""
    async with world.running():
        await emulator.says("one")
        await world.kept.count(1)
    world.bridge = world.another()
    async with world.running():
        await emulator.says("two")
        await world.kept.count(2)
        await until_acknowledged(emulator)
    assert world.kept.texts == ["one", "two"]


async def test_what_cannot_be_kept_now_comes_again_before_what_was_said_after_it(
    emulator: Emulator, world: World
) -> None:
    world.kept.faults = [StoreUnavailable("full"), StoreUnavailable("full")]
    async with world.running():
        for text in ("one", "two", "three"):
            await emulator.says(text)
        await world.kept.count(3)
    assert world.kept.texts == ["one", "two", "three"]


async def test_a_slow_chat_holds_up_no_other(emulator: Emulator, world: World) -> None:
    world.kept.gate.clear()
    async with world.running():
        await emulator.says("slow", chat=1001)
        await asyncio.sleep(0.3)
        slow = world.kept.gate
        world.kept.gate = asyncio.Event()
        world.kept.gate.set()
        await emulator.says("fast", chat=1002)
        await world.kept.count(1)
        slow.set()
        await world.kept.count(2)
        await until_acknowledged(emulator)
    assert world.kept.texts == ["fast", "slow"]


@pytest.mark.parametrize("kind", ["slow", "gateway", "broken", "cut", "lost"])
async def test_whatever_befalls_the_asking_each_message_comes_once(
    emulator: Emulator, proxy: Proxy, world: World, kind: Kind
) -> None:
    async with world.running():
        proxy.fail("getUpdates", kind, times=2)
        await emulator.says("one")
        await emulator.says("two")
        await world.kept.count(2)
        await until_acknowledged(emulator)
    assert world.kept.texts == ["one", "two"]
    assert proxy.faults == 2


async def test_another_program_that_polls_is_told_of_and_outlasted(emulator: Emulator, world: World) -> None:
    """T2: a 409 is a clear word and a pause, not a crash."""
    other = asyncio.ensure_future(emulator.call("getUpdates", timeout=1))
    await asyncio.sleep(0.2)
    async with world.running(state="waiting") as bridge:
        assert "another program" in bridge.info.detail
        await other
        await emulator.says("Hello")
        await world.kept.count(1)
        assert bridge.info.state == "running"
        await bridge.deliver(outgoing("Hi"))
        await until_acknowledged(emulator)
    assert (await emulator.verdict("sendMessage", refusals=("getUpdates:409",)))["ok"]


async def test_files_come_in_byte_for_byte(emulator: Emulator, world: World) -> None:
    """T6"""
    contents = {kind: f"{kind} ".encode() * 1000 for kind in ("photo", "voice", "document")}
    ids = {kind: await emulator.upload(kind, content) for kind, content in contents.items()}
    size = {kind: len(content) for kind, content in contents.items()}
    async with world.running():
        photos = [
            {"file_id": ids["photo"], "file_unique_id": "p1", "width": 800, "height": 600, "file_size": size["photo"]},
            {"file_id": "small", "file_unique_id": "p0", "width": 80, "height": 60, "file_size": 10},
        ]
        await emulator.says(photo=photos, caption="Look")
        await emulator.says(voice={"file_id": ids["voice"], "file_unique_id": "v", "duration": 1})
        await emulator.says(
            document={"file_id": ids["document"], "file_unique_id": "d", "file_name": "a/b.pdf",
                      "mime_type": "application/pdf"}
        )  # fmt: skip
        picture, voice, document = await world.kept.count(3)
    found = [part for incoming in (picture, voice, document) for part in incoming.parts if isinstance(part, File)]
    assert [await world.files.read(file.sha256) for file in found] == list(contents.values())
    assert [file.name for file in found] == ["photo-p1.jpg", "voice-v.ogg", "a_b.pdf"]
    assert picture.parts[0] == Text("Look")


async def test_a_file_that_is_too_large_is_said_in_words(emulator: Emulator, proxy: Proxy, world: World) -> None:
    """T6"""
    async with world.running():
        big = {"file_id": "big", "file_unique_id": "b", "file_name": "film.mkv", "file_size": 31_000_000}
        await emulator.says(document=big, caption="Watch this")
        await world.kept.count(1)
        await until_made(proxy, "sendMessage")
    assert world.kept.texts == ["Watch this\n[file too large: film.mkv, 31 MB; the limit is 20 MB]"]
    assert "film.mkv, 31 MB; the limit is 20 MB" in proxy.texts[0]
    assert not proxy.made("getFile")


async def test_an_album_is_one_message_in_its_place(emulator: Emulator, world: World) -> None:
    """T6"""
    async with world.running():
        await emulator.says("before")
        await album(emulator, "a1")
        await emulator.says("after")
        before, pictures, after = await world.kept.count(3)
        await until_acknowledged(emulator)
    assert [part.name for part in pictures.parts if isinstance(part, File)] == [f"photo-a1{n}.jpg" for n in range(3)]
    assert pictures.parts[0] == Text("Our holidays")
    assert [len(incoming.parts) for incoming in (before, pictures, after)] == [1, 4, 1]


async def test_an_album_cut_in_two_by_a_restart_is_still_one_message(emulator: Emulator, world: World) -> None:
    async with world.running():
        await album(emulator, "a1", numbers=(0, 1))
        await asyncio.sleep(0.3)
        await until_acknowledged(emulator)
        assert world.kept.incoming == []
    # It comes while nobody is there: the poll that was cut off takes it, and ends; nobody acknowledges it.
    await album(emulator, "a1", numbers=(2,))
    await asyncio.sleep(0.3)
    world.bridge = world.another()
    async with world.running():
        await world.kept.count(1)
    assert [part.name for part in world.kept.incoming[0].parts if isinstance(part, File)] == [
        f"photo-a1{n}.jpg" for n in range(3)
    ]


async def test_a_stranger_gets_nothing_at_all(emulator: Emulator, proxy: Proxy, world: World) -> None:
    """T7: not a word, no typing, no receipt, no download."""
    world.kept = Refusing()
    async with world.running():
        photo = await emulator.upload("photo", b"x")
        asked = len(proxy.calls)
        await emulator.says("Let me in", chat=6666)
        await emulator.says(photo=[{"file_id": photo, "file_unique_id": "p", "width": 1, "height": 1}], chat=6666)
        await until_acknowledged(emulator)
        await asyncio.sleep(0.3)
    assert {call.method for call in proxy.calls[asked:]} <= {"getUpdates", "setMyCommands"}
    assert world.kept.asked == 2


async def test_a_wrong_token_is_refused_in_clear_words_that_hide_it(tmp_path: Path, proxy: Proxy) -> None:
    world = World(an_account(proxy.url + "/nowhere", TOKEN), tmp_path)
    async with world.running(state="refused") as bridge:
        assert "token" in bridge.info.detail
    info = await bridge.probe()
    assert (info.state, TOKEN in info.detail) == ("refused", False)


async def test_a_token_that_is_taken_back_is_told_and_tried_again(tmp_path: Path, api: BotApi) -> None:
    world = World(an_account(api.url, OURS), tmp_path, clock=QuickClock(60))
    async with world.running() as bridge:
        api.revoked = True
        await until(lambda: bridge.info.state == "refused")
        assert "token" in bridge.info.detail
        api.revoked = False
        api.says("Hello")
        await world.kept.count(1)
        assert bridge.info.state == "running"


async def test_an_update_that_cannot_be_read_hides_no_other(api: BotApi, tmp_path: Path) -> None:
    world = World(an_account(api.url, OURS), tmp_path)
    async with world.running():
        api.says("one")
        api.tell({"message": {"message_id": "not a number"}})
        api.tell({"message": api.message(text="two") | {"chat": 5}})
        api.says("three")
        await world.kept.count(2)
        await until(lambda: len(api.acknowledged) == 4)
    assert world.kept.texts == ["one", "three"]


async def test_a_message_that_the_hub_stumbles_over_is_skipped_in_the_end(api: BotApi, tmp_path: Path) -> None:
    world = World(an_account(api.url, OURS), tmp_path, clock=QuickClock(60))
    world.kept.faults = [RuntimeError("poison")] * 6
    async with world.running():
        api.says("poison")
        api.says("medicine")
        await world.kept.count(1)
    assert world.kept.texts == ["medicine"]


async def test_a_burst_of_200_is_kept_in_a_second(emulator: Emulator, world: World) -> None:
    async with world.running():
        world.kept.gate.clear()
        for number in range(200):
            await emulator.says(f"{number}", chat=2000 + number % 20)
        began = time.perf_counter()
        world.kept.gate.set()
        await world.kept.count(200)
        took = time.perf_counter() - began
        await until_acknowledged(emulator)
    assert took < 3.0  # the figure itself is `agenthost bench`'s; here it mustn't be of another order
    for chat in range(2000, 2020):
        numbers = [int(text) for kept, text in zip(world.kept.incoming, world.kept.texts, strict=True)
                   if kept.address.chat == str(chat)]  # fmt: skip
        assert numbers == sorted(numbers)
