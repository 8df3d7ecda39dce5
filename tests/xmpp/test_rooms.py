"""Rooms: the bridge joins them, and answers only who speaks to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from slixmpp.jid import JID
from slixmpp.plugins.xep_0004.stanza import Form

from hub.records import Incoming
from tests.xmpp.friend import Friend, friend
from tests.xmpp.running import Running, an_account, answer, running
from tests.xmpp.server import ROOMS, Prosody


@asynccontextmanager
async def in_a_room(
    prosody: Prosody, name: str, folder: Path, *, durable: bool = False
) -> AsyncIterator[tuple[Running, Friend, str]]:
    """Have Ann in a room of hers, and the bridge too."""
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    room = f"{name}@{ROOMS}"
    async with friend(ann, prosody.port, prosody.certificate) as client:
        await client.plugin["xep_0045"].join_muc_wait(JID(room), "Ann", timeout=10)
        await client.plugin["xep_0045"].set_room_config(JID(room), await config_of(client, room))
        account = an_account(prosody, agent, rooms=(f"{room}/Hub",))
        async with running(account, folder, durable=durable) as hub:
            await client.until(lambda: "Hub" in client.plugin["xep_0045"].get_roster(JID(room)))
            yield hub, client, room


async def config_of(client: Friend, room: str, *, open: bool = True) -> Form:
    """Return the room's form, filled in so that everybody sees who's who."""
    form = await client.plugin["xep_0045"].get_room_config(JID(room))
    form["type"] = "submit"
    form.set_values({"muc#roomconfig_whois": "anyone" if open else "moderators"})
    return form


def words(incoming: Incoming) -> str | None:
    """Answer with what was understood."""
    return f"heard: {incoming.parts[0].text}"  # type: ignore[union-attr]


async def test_in_a_room_only_what_is_addressed_to_us_is_taken_and_answered(
    prosody: Prosody, name: str, folder: Path
) -> None:
    """X4."""
    async with in_a_room(prosody, name, folder) as (hub, client, room):
        hub.answer = words
        for text in (
            "hello everybody",
            "Hub: what's new?",
            "hubbub!",
            "could @hub look at that",
            "/tasks",
            "hub, /tasks",
        ):
            client.say(room, text, kind="groupchat")
        await hub.until(lambda: len(hub.kept) >= 3)
        await client.until(lambda: len([text for text in client.texts if text.startswith("heard")]) == 3)
        assert hub.texts == ["what's new?", "could @hub look at that", "/tasks"]
        assert {(kept.address.chat, kept.group, kept.name, kept.sender) for kept in hub.kept} == {
            (room, name, "Ann", client.boundjid.bare)
        }
        answers = [said for said in client.heard if said.body.startswith("heard")]
        assert [said.body for said in answers] == [f"heard: {text}" for text in hub.texts]
        assert [said.reply_to for said in answers] == [kept.external_id for kept in hub.kept]
        assert {said.reply_author for said in answers} == {f"{room}/Ann"}


async def test_in_a_room_a_reply_to_us_needs_no_name(prosody: Prosody, name: str, folder: Path) -> None:
    async with in_a_room(prosody, name, folder) as (hub, client, room):
        client.say(room, "Hub: hello", kind="groupchat")
        await hub.until(lambda: hub.kept)
        ids = await hub.say("hello Ann", hub.kept[0])
        await client.until(lambda: "hello Ann" in client.texts)
        shown = next(said for said in client.heard if said.body == "hello Ann")
        assert shown.stanza_ids[room] == ids[0]
        client.say(room, "and me?", kind="groupchat", reply_to="somebody-elses", reply_author=f"{room}/Bob")
        client.say(room, "thanks", kind="groupchat", reply_to=ids[0], reply_author=f"{room}/Hub")
        await hub.until(lambda: len(hub.kept) == 2)
        assert (hub.texts[1], hub.kept[1].reply_to) == ("thanks", ids[0])


async def test_what_was_said_in_a_room_while_we_were_away_is_caught_up_with_and_old_talk_is_not(
    prosody: Prosody, name: str, folder: Path
) -> None:
    async with in_a_room(prosody, name, folder, durable=True) as (hub, client, room):
        client.say(room, "Hub: before", kind="groupchat")
        await hub.until(lambda: hub.kept)
        await asyncio.sleep(1.3)
        account = hub.account
    agent_again = account
    async with friend(client.boundjid.bare, prosody.port, prosody.certificate) as ann:
        await ann.plugin["xep_0045"].join_muc_wait(JID(room), "Ann", timeout=10, maxstanzas=0)
        ann.say(room, "Hub: meanwhile", kind="groupchat")
        await ann.until(lambda: "Hub: meanwhile" in ann.texts)
        async with running(agent_again, folder, durable=True) as again:
            await again.until(lambda: again.kept)
            ann.say(room, "Hub: after", kind="groupchat")
            await again.until(lambda: len(again.kept) >= 2)
            await asyncio.sleep(0.2)
            assert again.texts == ["meanwhile", "after"]


async def test_thrown_out_of_a_room_the_bridge_says_so(prosody: Prosody, name: str, folder: Path) -> None:
    async with in_a_room(prosody, name, folder) as (hub, client, room):
        await client.plugin["xep_0045"].set_role(JID(room), "Hub", "none")
        await hub.until(lambda: hub.bridge.info.detail)
        assert hub.bridge.info.detail == f"not in {room}: we were sent out"
        assert hub.bridge.info.state == "running"


async def test_a_nick_that_is_taken_gets_a_number(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    room = f"{name}@{ROOMS}"
    async with friend(ann, prosody.port, prosody.certificate) as client:
        muc = client.plugin["xep_0045"]
        await muc.join_muc_wait(JID(room), "Hub", timeout=10)
        await muc.set_room_config(JID(room), await config_of(client, room, open=False))
        async with running(an_account(prosody, agent, rooms=(f"{room}/Hub",)), folder) as hub:
            await client.until(lambda: "Hub2" in muc.get_roster(JID(room)))
            client.say(room, "Hub2: hello", kind="groupchat")
            await hub.until(lambda: hub.kept)
            # The room hides who's who: all that's known is the nick.
            assert (hub.texts, hub.kept[0].sender) == (["hello"], f"{room}/Hub")
            delivered = await hub.bridge.deliver(answer("hi", hub.kept[0].address))
            assert len(delivered.ids) == 2
