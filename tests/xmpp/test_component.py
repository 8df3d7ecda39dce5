"""A component of the server: an address for each agent, over one connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from slixmpp.jid import JID

from hub.accounts import XmppAccount
from hub.records import Incoming
from tests.xmpp.friend import friend
from tests.xmpp.running import Running, a_desk, an_account, running
from tests.xmpp.server import HUB, SECRET, Prosody
from tests.xmpp.test_commands import run_form


def account(prosody: Prosody) -> XmppAccount:
    """Return the component's account."""
    return an_account(prosody, HUB, component=True, password=SECRET, port=prosody.component_port, ca_file="")


@asynccontextmanager
async def component(prosody: Prosody, folder: Path, *known: str) -> AsyncIterator[Running]:
    """Run the bridge as the server's component."""
    async with running(account(prosody), folder, a_desk(*known)) as hub:
        hub.answer = lambda incoming: f"{incoming.agent} heard you"
        yield hub


async def test_each_agent_answers_from_its_own_address_in_the_messages_thread(
    prosody: Prosody, name: str, folder: Path
) -> None:
    """X8."""
    ann = prosody.add(f"ann{name}")
    async with (
        component(prosody, folder, ann) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        for agent in ("coder", "travel", "ops"):
            client.say(f"{agent}@{HUB}", f"hello {agent}", thread=f"thread of {agent}", receipt="yes")
        client.say(HUB, "hello all")
        await client.until(lambda: len(client.texts) == 4)
        assert sorted((said.bare, said.thread, said.body) for said in client.heard) == [
            (f"coder@{HUB}", "thread of coder", "coder heard you"),
            (HUB, None, "None heard you"),
            (f"ops@{HUB}", "thread of ops", "ops heard you"),
            (f"travel@{HUB}", "thread of travel", "travel heard you"),
        ]
        assert {kept.agent for kept in hub.kept} == {"coder", "travel", "ops", None}
        assert {kept.sender for kept in hub.kept} == {ann}
        assert len({kept.address.chat for kept in hub.kept}) == 4
        assert len(client.child("received")) == 3


async def test_a_sender_is_told_while_the_hub_is_down_and_served_once_its_back(
    prosody: Prosody, name: str, folder: Path
) -> None:
    ann = prosody.add(f"ann{name}")
    async with friend(ann, prosody.port, prosody.certificate) as client:
        async with component(prosody, folder, ann):
            client.say(f"coder@{HUB}", "one")
            await client.until(lambda: client.texts)
        await asyncio.sleep(0.2)
        client.say(f"coder@{HUB}", "two")
        await client.until(lambda: client.child("remote-server-timeout") or client.child("service-unavailable"))
        async with component(prosody, folder, ann):
            client.say(f"coder@{HUB}", "three")
            await client.until(lambda: len(client.texts) == 2)


async def test_an_agents_address_has_presence_and_commands(prosody: Prosody, name: str, folder: Path) -> None:
    ann, eve = prosody.add(f"ann{name}"), prosody.add(f"eve{name}")
    coder = f"coder@{HUB}"
    async with (
        component(prosody, folder, ann) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
        friend(eve, prosody.port, prosody.certificate) as stranger,
    ):
        seen: list[str] = []
        client.add_event_handler("presence_available", lambda presence: seen.append(presence["from"].bare))
        client.send_presence_subscription(coder)
        stranger.send_presence_subscription(coder)
        await client.until(lambda: coder in seen)
        assert not stranger.client_roster[coder]["to"]
        client.say(coder, "hello")
        await hub.until(lambda: hub.kept)
        _, said = await run_form(client, JID(coder), "new", text="Write a test")
        assert said == "Done; the answer comes in the chat."
        last: Incoming = hub.kept[-1]
        assert (hub.texts[-1], last.agent, last.address) == ("/new Write a test", "coder", hub.kept[0].address)


async def test_the_bridge_comes_back_to_a_server_that_was_restarted(tmp_path: Path) -> None:
    server = Prosody(tmp_path)
    server.start()
    try:
        ann = server.add("ann")
        async with component(server, tmp_path / "hub", ann) as hub:
            server.stop()
            await hub.until(lambda: hub.bridge.info.state == "waiting")
            server.start()
            await hub.connected(30)
            async with friend(ann, server.port, server.certificate) as client:
                client.say(f"coder@{HUB}", "hello again")
                await client.until(lambda: client.texts == ["coder heard you"])
    finally:
        server.stop()
