"""Whom the bridge trusts, and what it says when it isn't let in."""

import asyncio
import logging
from pathlib import Path

import pytest

from bridges.xmpp.bridge import XmppBridge
from bridges.xmpp.stream import trusted
from hub.clock import SystemClock
from hub.errors import ConfigError
from hub.ports import BridgeInfo
from hub.store.documents import MemoryDocuments
from hub.store.files import MemoryFiles
from tests.xmpp.friend import friend
from tests.xmpp.running import Running, a_desk, an_account, running
from tests.xmpp.server import HUB, PASSWORD, SECRET, Prosody
from tests.xmpp.wire import Wire


async def probed(prosody: Prosody, jid: str, **more: object) -> BridgeInfo:
    """Return what trying an account says."""
    bridge = XmppBridge(
        an_account(prosody, jid, **more),
        files=MemoryFiles(),
        desk=a_desk(),
        documents=MemoryDocuments(),
        clock=SystemClock(),
    )
    return await bridge.probe()


async def test_a_good_account_is_running_and_a_probe_disturbs_nobody(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        info = await probed(prosody, agent)
        assert (info.state, info.detail, info.account, info.kind) == ("running", "", agent, "xmpp")
        client.say(agent, "still there?")
        await hub.until(lambda: hub.kept)
        assert hub.bridge.info.state == "running"


async def test_a_certificate_of_an_unknown_authority_is_refused(prosody: Prosody, name: str) -> None:
    """X6."""
    info = await probed(prosody, prosody.add(f"agent{name}"), ca_file="")
    assert info.state == "refused"
    assert info.detail == (
        "the server's certificate isn't trusted (self-signed certificate); set ca_file to its CA, or mend it there"
    )


async def test_a_certificate_for_another_name_is_refused(prosody: Prosody, name: str) -> None:
    prosody.add(f"agent{name}")
    info = await probed(prosody, f"agent{name}@elsewhere.example")
    assert info.state == "refused"


async def test_a_wrong_password_is_refused_in_words(prosody: Prosody, name: str) -> None:
    info = await probed(prosody, prosody.add(f"agent{name}"), password="wrong")
    assert (info.state, info.detail) == ("refused", "the server doesn't take the JID and the password; mend them")


async def test_a_server_that_is_away_is_waited_for(prosody: Prosody, name: str) -> None:
    info = await probed(prosody, prosody.add(f"agent{name}"), port=1)
    assert info.state == "waiting"
    assert "refused" in info.detail.lower() or "connect" in info.detail.lower()


async def test_a_refused_account_is_not_tried_in_a_hurry(prosody: Prosody, name: str, folder: Path) -> None:
    agent = prosody.add(f"agent{name}")
    async with Wire(prosody.port) as wire:
        run = Running(an_account(prosody, agent, port=wire.port, password="wrong"), folder, a_desk())
        with pytest.raises(TimeoutError):
            await run_for(run, 2)
        assert wire.connections == 1


async def run_for(run: Running, seconds: float) -> None:
    """Run a bridge for some seconds."""
    async with asyncio.timeout(seconds):
        await run.bridge.run(run.accept)


@pytest.mark.parametrize("host", ["", "192.0.2.1", "xmpp.example.org"])
async def test_without_tls_nothing_leaves_this_machine(prosody: Prosody, name: str, host: str) -> None:
    info = await probed(prosody, f"agent{name}@localhost", host=host, plaintext=True)
    assert (info.state, info.detail[:31]) == ("refused", "plaintext: only to this machine")
    component = await probed(prosody, HUB, host=host, component=True, password=SECRET)
    assert (component.state, "this machine" in component.detail) == ("refused", True)


async def test_a_server_without_tls_on_this_machine_is_trusted_only_if_told_so(tmp_path: Path) -> None:
    server = Prosody(tmp_path, encryption=False)
    server.start()
    try:
        agent = server.add("agent")
        assert (await probed(server, agent, plaintext=True)).state == "running"
    finally:
        server.stop()


async def test_no_password_and_no_words_are_in_the_log(
    prosody: Prosody, name: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    caplog.set_level(logging.DEBUG)
    async with (
        friend(ann, prosody.port, prosody.certificate) as client,
        running(an_account(prosody, agent), folder) as hub,
    ):
        caplog.clear()
        await probed(prosody, agent)
        client.say(agent, "my secret wish")
        await hub.until(lambda: hub.kept)
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("bridges"))
    assert PASSWORD not in ours
    assert "my secret wish" not in ours


def test_a_ca_file_that_cannot_be_read_is_named(prosody: Prosody, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ca_file: .*nothing\.pem can't be read"):
        trusted(an_account(prosody, "agent@localhost", ca_file=str(tmp_path / "nothing.pem")))
