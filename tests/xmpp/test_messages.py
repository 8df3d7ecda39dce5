"""Messages in and out between the bridge and a common client, over Debian's prosody."""

from pathlib import Path

from tests.xmpp.friend import friend
from tests.xmpp.running import an_account, running
from tests.xmpp.server import Prosody


async def test_a_message_is_kept_and_answered_in_its_chat(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        hub.answer = lambda incoming: f"You said **{incoming.parts[0].text}**"  # type: ignore[union-attr]
        sent = client.say(agent, "hello", receipt="yes")
        await client.until(lambda: client.texts)
        assert client.texts == ["You said *hello*"]
    (kept,) = hub.kept
    assert (kept.external_id, kept.sender, kept.address.chat, kept.group) == (sent["id"], ann, ann, None)
    assert [found.get("id") for found in client.child("received")] == [sent["id"]]
