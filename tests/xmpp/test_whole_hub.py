"""The whole hub, as `agenthost run` starts it, with its account and its component on Debian's prosody."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.served import Model, Served, eventually
from tests.xmpp.friend import friend
from tests.xmpp.server import HUB, PASSWORD, SECRET, Prosody
from tests.xmpp.test_commands import run_form

ACCOUNT = """
[[bridges]]
kind = "xmpp"
name = "{name}"
jid = "{jid}"
password = "{password}"
host = "127.0.0.1"
port = {port}
ca_file = "{ca_file}"
access = "{access}"
owner = "{owner}"
"""
COMPONENT = """
[[bridges]]
kind = "xmpp"
name = "agents"
jid = "{jid}"
password = "{password}"
host = "127.0.0.1"
port = {port}
component = true
owner = "{owner}"
"""


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[str]:
    async with Model(tmp_path) as config:
        yield config


def accounts(prosody: Prosody, jid: str, closed: str, owner: str) -> str:
    """Return the config of an account, of one that only its owner may write to, and of a component."""
    common = {"password": PASSWORD, "port": prosody.port, "ca_file": prosody.certificate, "owner": owner}
    return (
        ACCOUNT.format(name="xmpp", jid=jid, access="pairing", **common)
        + ACCOUNT.format(name="closed", jid=closed, access="list", **common)
        + COMPONENT.format(jid=HUB, password=SECRET, port=prosody.component_port, owner=owner)
    )


async def is_connected(hub: Served, *names: str) -> bool:
    """Say whether the hub has these bridges connected."""
    states = {bridge["name"]: bridge["state"] for bridge in (await hub.get("/v1/status"))["bridges"]}
    return all(states.get(name) == "running" for name in names)


async def all_is_said(hub: Served) -> bool:
    """Say whether nothing of the owner's tasks waits to be answered or delivered."""
    states = set()
    for task in (await hub.get("/v1/tasks"))["items"]:
        states |= {message["state"] for message in (await hub.get(f"/v1/tasks/{task['id']}/messages"))["items"]}
    return states <= {"answered", "sent"}


async def test_a_day_over_xmpp(prosody: Prosody, name: str, model: str, tmp_path: Path) -> None:
    """Tasks in threads, forms, a stranger let in and one that isn't, an agent's own address; and a restart."""
    agent, closed, ann, bob = (prosody.add(f"{who}{name}") for who in ("agent", "closed", "ann", "bob"))
    config = model + accounts(prosody, agent, closed, ann)
    async with (
        friend(ann, prosody.port, prosody.certificate) as client,
        friend(bob, prosody.port, prosody.certificate) as other,
    ):
        async with Served(tmp_path, config) as hub:
            await eventually(lambda: is_connected(hub, "xmpp", "closed", "agents"), "not connected")
            other.say(closed, "Let me in", receipt="yes")
            sent = client.say(agent, "Find a train to Bonn", thread="A", receipt="yes")
            await client.until(client.read, 30)
            assert [found.get("id") for found in client.child("received")] == [sent["id"]]
            client.say(agent, "Write to my landlord", thread="B")
            await client.until(lambda: {said.thread for said in client.heard} == {"A", "B"}, 30)
            tasks = (await hub.get("/v1/tasks"))["items"]
            assert sorted(task["title"] for task in tasks) == ["Find a train to Bonn", "Write to my landlord"]

            client.say(agent, "/tasks")
            await client.until(lambda: any("landlord" in text and "#1" in text for text in client.texts), 30)
            to = client.messages[-1]["from"]
            fields, said = await run_form(client, to, "tasks", task="2", action="show")
            assert (sorted(fields["task"]), said) == (["1", "2"], "Done; the answer comes in the chat.")
            await client.until(lambda: any("Goal: Write to my landlord" in text for text in client.texts), 30)

            other.say(agent, "Let me in")
            await other.until(lambda: other.texts, 30)
            code = re.findall(r"\b[A-Z0-9]{8}\b", other.texts[0])[0]
            await run_form(client, to, "approve", text=code)
            await other.until(lambda: len(other.texts) >= 2, 30)
            other.say(agent, "What is 12 * 12?", receipt="yes")
            await other.until(lambda: other.child("received") and len(other.read()) >= 3, 30)
            assert {said.bare for said in other.heard} == {agent}

            client.say(f"default@{HUB}", "Hello")
            await client.until(lambda: any(said.bare == f"default@{HUB}" for said in client.heard), 30)
            await eventually(lambda: all_is_said(hub), "an answer isn't delivered")
            assert PASSWORD not in hub.log
            assert SECRET not in hub.log
        said_before = len(client.read())
        client.say(agent, "And the price?", thread="A")
        await asyncio.sleep(0.3)
        async with Served(tmp_path, config) as hub:
            await client.until(lambda: len(client.read()) > said_before, 30)
            await asyncio.sleep(1)
            assert list(client.read().values())[said_before:] == ["Answer to: And the price?"]
            assert len((await hub.get("/v1/tasks"))["items"]) == 2
