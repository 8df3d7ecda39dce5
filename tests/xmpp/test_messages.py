"""Messages in and out between the bridge and common clients, over Debian's prosody."""

import asyncio
from pathlib import Path

import pytest
from slixmpp.jid import JID

from hub.errors import BadRequest, DeliveryDelayed, DeliveryRefused, NotAllowed, StoreUnavailable, Stranger
from hub.records import Address, Choice, Incoming, Text
from hub.testing import a_task
from tests.xmpp.friend import friend
from tests.xmpp.running import NAME, a_desk, an_account, answer, running
from tests.xmpp.server import PASSWORD, Prosody, needed


def echo(incoming: Incoming) -> str:
    """Answer with what was said."""
    return f"You said **{incoming.parts[0].text if isinstance(incoming.parts[0], Text) else ''}**"


async def test_a_message_is_kept_and_answered_in_its_chat(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        hub.answer = echo
        sent = client.say(agent, "hello", receipt="yes")
        await client.until(lambda: client.texts)
        assert client.texts == ["You said *hello*"]
    (kept,) = hub.kept
    assert (kept.external_id, kept.sender, kept.address.chat, kept.group) == (sent["id"], ann, ann, None)
    assert [found.get("id") for found in client.child("received")] == [sent["id"]]


async def test_a_receipt_is_sent_only_once_the_message_is_kept(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        hub.faults = [StoreUnavailable("the disk is full")]
        client.say(agent, "hello", receipt="yes")
        await hub.until(lambda: hub.handed)
        assert client.child("received") == []
        await client.until(lambda: client.child("received"))
        assert len(hub.handed) == 2
        assert hub.texts == ["hello"]


async def test_twenty_five_messages_to_an_absent_agent_arrive_once_and_in_order(
    prosody: Prosody, name: str, folder: Path
) -> None:
    """X2: both the server's offline store and its archive hand them over."""
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    account = an_account(prosody, agent)
    async with friend(ann, prosody.port, prosody.certificate) as client:
        async with running(account, folder, durable=True) as hub:
            client.say(agent, "first")
            await hub.until(lambda: hub.kept)
            await asyncio.sleep(0.3)
        for number in range(25):
            # Some clients give no ids, or count from 1 each day.
            client.say(agent, f"text {number}", id=str(number) if number % 2 else "")
        await asyncio.sleep(0.3)
        async with running(account, folder, durable=True) as hub:
            await hub.until(lambda: len(hub.kept) >= 25)
            client.say(agent, "last")
            await hub.until(lambda: "last" in hub.texts)
    fresh = [text for text in hub.texts if text != "first"]
    assert fresh == [*(f"text {number}" for number in range(25)), "last"]
    assert all(kept.sent_at <= hub.kept[-1].sent_at for kept in hub.kept)


async def test_messages_from_before_the_first_start_are_answered_if_the_server_put_them_aside(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with friend(ann, prosody.port, prosody.certificate) as client:
        client.say(agent, "are you there?")
        await asyncio.sleep(0.3)
        async with running(an_account(prosody, agent), folder) as hub:
            await hub.until(lambda: hub.kept)
            assert hub.texts == ["are you there?"]


async def test_a_corrected_message_comes_once_and_names_what_it_corrects(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        first = client.say(agent, "mlik")
        second = client.say(agent, "milk", replaces=first["id"])
        await hub.until(lambda: len(hub.kept) >= 2)
        await asyncio.sleep(0.1)
    assert [(kept.external_id, kept.corrects) for kept in hub.kept] == [
        (first["id"], None),
        (second["id"], first["id"]),
    ]


async def test_replies_go_both_ways_and_bring_no_quotes_along(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "first")
        client.say(agent, "second")
        await hub.until(lambda: len(hub.kept) == 2)
        (id,) = await hub.say("about the first", hub.kept[0])
        await client.until(lambda: client.texts)
        (said,) = client.heard
        assert (said.id, said.reply_to, said.reply_author) == (id, hub.kept[0].external_id, ann)

        reply = client.plugin["xep_0461"].make_reply(
            f"{agent}/x", said.id, fallback="about the first", mto=agent, mbody="thanks", mtype="chat"
        )
        reply.send()
        await hub.until(lambda: len(hub.kept) == 3)
        assert (hub.kept[2].reply_to, hub.texts[2]) == (id, "thanks")


async def test_an_answer_stays_in_its_messages_thread(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        for text, thread in (("a1", "A"), ("b1", "B"), ("a2", "A"), ("none", "")):
            client.say(agent, text, thread=thread)
        await hub.until(lambda: len(hub.kept) == 4)
        assert [kept.address.thread for kept in hub.kept] == ["A", "B", "A", None]
        delivered = await hub.bridge.deliver(answer("to a2", hub.kept[2].address, tagged=True, task=a_task("Bonn")))
        assert delivered.thread == "A"
        await hub.bridge.deliver(answer("to none", hub.kept[3].address, tagged=True, task=a_task("Find a train")))
        await client.until(lambda: len(client.texts) == 2)
        assert [(said.thread, said.body) for said in client.heard] == [
            ("A", "to a2"),
            (None, "#1 Find a train\n\nto none"),
        ]


async def test_threads_are_let_be_for_clients_that_put_everything_into_one(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent, threads=False), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "hello", thread="everything")
        await hub.until(lambda: hub.kept)
        assert hub.kept[0].address.thread is None
        delivered = await hub.bridge.deliver(answer("hi", hub.kept[0].address))
        await client.until(lambda: client.texts)
        assert (delivered.thread, client.heard[0].thread) == (None, "everything")


async def test_poison_and_length_never_end_the_stream(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    long = "\n\n".join(f"Paragraph {number}: " + "word " * 200 for number in range(15))
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "go")
        await hub.until(lambda: hub.kept)
        since = hub.bridge.info.since
        poison = "a\x00b\x0bc \x1b[31mred\x1b[0m \ud800lone\uffff"
        await hub.say(poison, hub.kept[0])
        ids = await hub.say(long, hub.kept[0])
        await client.until(lambda: len(client.texts) == 1 + len(ids))
        assert client.texts[0] == "abc red lone"
        assert [said.id for said in client.heard[1:]] == list(ids)
        assert all(len(text) <= 6_000 for text in client.texts)
        assert "".join("".join(client.texts[1:]).split()) == "".join(long.split())
        assert hub.bridge.info.since == since


async def test_choices_are_lines_with_numbers(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        choices = (Choice(id="route/1/new", text="A new task"), Choice(id="route/1/2", text="#2 Bonn"))
        await hub.bridge.deliver(answer("Which one?", Address(bridge=NAME, chat=ann), choices=choices, role="notice"))
        await client.until(lambda: client.texts)
        assert client.texts == ["Which one?\n\n1. A new task\n2. #2 Bonn"]


async def test_a_stranger_notices_nothing_and_others_are_told_why(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        hub.faults = [Stranger("nobody knows you"), NotAllowed("your code is 12345678"), BadRequest("text", "too odd")]
        for text in ("one", "two", "three", "four"):
            client.say(agent, text, receipt="yes")
        await hub.until(lambda: hub.kept)
        await client.until(lambda: len(client.texts) == 2 and client.child("received"))
        assert client.texts == ["your code is 12345678", "text: too odd"]
        assert len(client.child("received")) == 1
        assert hub.texts == ["four"]


async def test_a_mark_under_a_message_says_that_its_kept_and_then_answered(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        sent = client.say(agent, "hello")
        await client.until(lambda: client.child("reaction"))
        await hub.say("hi", hub.kept[0])
        await client.until(lambda: len(client.child("reaction")) == 2)
        assert [mark.text for mark in client.child("reaction")] == ["👀", "✅"]
        assert {marks.get("id") for marks in client.child("reactions")} == {sent["id"]}


async def test_what_our_other_clients_send_is_not_taken_for_somebody_elses(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(f"{agent}/phone", prosody.port, prosody.certificate) as phone,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        phone.say(ann, "written by hand")
        phone.say(agent, "a note to myself")
        await client.until(lambda: client.texts)
        client.say(phone.boundjid.full, "to the phone alone")
        client.say(agent, "to whoever is there")
        await hub.until(lambda: len(hub.kept) >= 2)
        await asyncio.sleep(0.2)
        assert hub.texts == ["to the phone alone", "to whoever is there"]


async def test_typing_shows_and_asides_are_no_messages(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        composing = client.make_message(mto=agent, mtype="chat")
        composing["chat_state"] = "composing"
        composing.send()
        client.plugin["xep_0444"].send_reactions(JID(agent), "some-id", ["👍"])
        client.plugin["xep_0424"].send_retraction(JID(agent), "some-id")
        client.say(agent, "hello")
        await hub.until(lambda: hub.kept)
        assert hub.texts == ["hello"]
        await hub.bridge.typing(hub.kept[0].address)
        await client.until(lambda: client.child("composing"))


async def test_a_message_to_nobody_is_refused_and_one_without_a_link_is_put_off(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent = prosody.add(f"agent{name}")
    async with running(an_account(prosody, agent), folder) as hub:
        with pytest.raises(DeliveryRefused, match="nobody@localhost can't be reached"):
            await hub.bridge.deliver(answer("hello", Address(bridge=NAME, chat="nobody@localhost")))
    with pytest.raises(DeliveryDelayed):
        await hub.bridge.deliver(answer("hello", Address(bridge=NAME, chat="nobody@localhost")))


async def test_an_answer_that_may_have_arrived_is_looked_up_and_not_said_twice(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder, durable=True) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        outgoing = answer("once", Address(bridge=NAME, chat=ann))
        await hub.bridge.deliver(outgoing)
        async with running(an_account(prosody, agent), folder / "next") as next_hub:
            again = answer("once", Address(bridge=NAME, chat=ann), again=True)
            held = type(again)(message=outgoing.message, again=True)
            assert (await next_hub.bridge.deliver(held)).ids == (outgoing.message.id,)
            await next_hub.bridge.deliver(again)
            await client.until(lambda: len(client.texts) == 2)
        assert [said.id for said in client.heard] == [outgoing.message.id, again.message.id]
        assert client.texts == ["once", "once"]


async def test_go_sendxmpp_is_heard_and_hears_the_answer(prosody: Prosody, name: str, folder: Path) -> None:
    """X1: a client of another make, in another language."""
    needed("go-sendxmpp")
    agent, bob = prosody.add(f"agent{name}"), prosody.add(f"bob{name}")
    common = ("go-sendxmpp", "-u", bob, "-p", PASSWORD, "-j", f"127.0.0.1:{prosody.port}", "-n")
    async with running(an_account(prosody, agent), folder) as hub:
        hub.answer = echo
        listener = await asyncio.create_subprocess_exec(
            *common, "-l", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        await asyncio.sleep(1)
        sender = await asyncio.create_subprocess_exec(*common, agent, stdin=asyncio.subprocess.PIPE)
        await sender.communicate(b"hello from Go\n")
        assert sender.returncode == 0
        assert listener.stdout is not None
        heard = ""
        async with asyncio.timeout(10):
            while "You said" not in heard:
                heard += (await listener.stdout.readline()).decode()
        listener.kill()
        await listener.communicate()
    assert f"{agent}: You said *hello from Go*" in heard
    assert hub.texts == ["hello from Go"]


async def test_presence_is_shown_to_those_who_are_known(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann, eve = (prosody.add(f"{who}{name}") for who in ("agent", "ann", "eve"))
    async with (
        running(an_account(prosody, agent), folder, a_desk(ann)),
        friend(ann, prosody.port, prosody.certificate) as client,
        friend(eve, prosody.port, prosody.certificate) as other,
    ):
        seen: list[str] = []
        for somebody in (client, other):
            somebody.add_event_handler("presence_available", lambda presence: seen.append(str(presence["to"].bare)))
            somebody.send_presence_subscription(agent)
        await client.until(lambda: client.client_roster[agent]["to"] and ann in seen)
        await asyncio.sleep(0.2)
        assert not other.client_roster[agent]["to"]
