"""Ad-hoc commands: a client's forms become the hub's commands."""

from pathlib import Path

import pytest
from slixmpp.exceptions import IqError
from slixmpp.jid import JID

from hub.errors import NotAllowed
from hub.records import TaskId
from hub.testing import a_task
from tests.xmpp.friend import Friend, friend
from tests.xmpp.running import a_desk, an_account, running
from tests.xmpp.server import Prosody


async def run_form(client: Friend, to: JID, node: str, **values: str) -> tuple[dict[str, list[str]], str]:
    """Fill in a command's form, and return its fields with their options, and what the answer says."""
    adhoc = client.plugin["xep_0050"]
    first = await adhoc.send_command(to, node, timeout=5)
    form = first["command"]["form"]
    fields = {var: [option["value"] for option in field["options"]] for var, field in form.get_fields().items()}
    reply = client.plugin["xep_0004"].make_form(ftype="submit")
    for var, value in values.items():
        reply.add_field(var=var, value=value)
    done = await adhoc.send_command(
        to, node, action="complete", sessionid=first["command"]["sessionid"], payload=[reply], timeout=5
    )
    return fields, " ".join(text for _, text in done["command"]["notes"])


async def test_the_commands_are_listed_and_a_task_is_chosen_in_a_form(
    prosody: Prosody, name: str, folder: Path
) -> None:
    """X5."""
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    tasks = [a_task("Bonn", id=TaskId("a"), number=1, person=ann), a_task("Rent", id=TaskId("b"), number=2, person=ann)]
    async with (
        running(an_account(prosody, agent), folder, a_desk(ann, tasks=tasks)) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "hello")
        await client.until(lambda: client.messages)
        to = client.messages[0]["from"]
        found = await client.plugin["xep_0050"].get_commands(to, timeout=5)
        listed = {node for _, node, _ in found["disco_items"]["items"]}
        assert listed == {"tasks", "new", "stop", "approve", "pair"}

        fields, said = await run_form(client, to, "tasks", task="2", action="move")
        assert (sorted(fields["task"]), fields["action"]) == (["1", "2"], ["show", "move", "stop", "resume"])
        assert said == "Done; the answer comes in the chat."
        await run_form(client, to, "new", text="Book a table")
        await run_form(client, to, "approve", text="K7QP-22")
        stopped = await client.plugin["xep_0050"].send_command(to, "stop", timeout=5)
        assert stopped["command"]["status"] == "completed"
        assert hub.texts == ["hello", "/move 2", "/new Book a table", "/approve K7QP-22", "/stop"]
        assert {(kept.sender, kept.address.chat) for kept in hub.kept} == {(ann, ann)}
        assert len({kept.external_id for kept in hub.kept}) == 5


async def test_strangers_find_no_commands_but_pairing_and_are_told_why_not(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, eve = prosody.add(f"agent{name}"), prosody.add(f"eve{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(eve, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "hello")
        await client.until(lambda: client.messages)
        to = client.messages[0]["from"]
        with pytest.raises(IqError, match="item-not-found"):
            await client.plugin["xep_0050"].send_command(to, "tasks", timeout=5)
        hub.faults = [NotAllowed("your code is 12345678")]
        _, said = await run_form(client, to, "pair", text="")
        assert said == "your code is 12345678"


async def test_we_say_that_we_are_a_bot_and_what_we_can_do(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder, a_desk(ann)),
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "hello")
        await client.until(lambda: client.messages)
        info = (await client.plugin["xep_0030"].get_info(client.messages[0]["from"], timeout=5))["disco_info"]
        assert ("client", "bot", None, "AgentHost") in info["identities"]
        assert {"urn:xmpp:receipts", "urn:xmpp:message-correct:0", "urn:xmpp:reply:0"} <= info["features"]
        assert "http://jabber.org/protocol/commands" in info["features"]
