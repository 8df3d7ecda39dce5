"""One person on Telegram, XMPP and the web, and one hub that knows them on all three."""

import asyncio
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.both.running import Both, both, linked
from tests.both.running import until as within_a_minute
from tests.telegram.botapi import TOKEN, BotApi
from tests.telegram.says import until
from tests.xmpp.friend import friend
from tests.xmpp.server import PASSWORD, Prosody


async def test_a_task_goes_on_over_xmpp_that_began_on_telegram_and_is_seen_on_the_web(
    api: BotApi, prosody: Prosody, model: str, name: str, tmp_path: Path
) -> None:
    async with both(tmp_path, model, api, prosody, name) as running, linked(running, prosody, name) as ann:
        api.says("Plan my move m1x1")
        await until(lambda: any("m1x1" in text for text in running.read()), within=90)
        ann.say(running.jid, "/task 1 and the van? m2x2")
        await ann.until(lambda: any("m2x2" in text for text in ann.texts), within=90)
        [task] = await running.tasks()
        # What's read already may be a draft: it's one of the task's messages once it's whole.
        await within_a_minute(lambda: spoke_on_both(running, task["id"]))
        me = await running.hub.get("/v1/people/me")

    assert task["origin"]["bridge"] == "telegram"
    assert {account["bridge"] for account in me["accounts"]} == {"telegram", "xmpp"}


async def test_what_a_task_says_by_itself_is_told_once_where_it_began_and_once_to_each_follower(
    api: BotApi, prosody: Prosody, model: str, name: str, tmp_path: Path
) -> None:
    async with both(tmp_path, model, api, prosody, name) as running, linked(running, prosody, name) as ann:
        api.says("/schedule in 8s Water the plants m7x7")
        await until(lambda: len(running.read()) == 1, within=90)
        ann.say(running.jid, "/follow 1")
        await ann.until(lambda: any("You'll hear of" in text for text in ann.texts), within=90)
        await ann.until(lambda: told(ann.read().values())["asked"] == 1, within=90)
        await until(lambda: told(running.read())["asked"] == 1, within=90)
        await asyncio.sleep(1.0)

        assert told(ann.read().values()) == told(running.read())
        assert told(running.read())["answered"] >= 1


async def test_a_stranger_on_xmpp_is_let_in_from_the_web_and_then_answered(
    api: BotApi, prosody: Prosody, model: str, name: str, tmp_path: Path
) -> None:
    them = prosody.add(f"{name}bea")
    async with (
        both(tmp_path, model, api, prosody, name) as running,
        friend(them, prosody.port, prosody.certificate) as bea,
    ):
        bea.say(running.jid, "Hello m3x3")
        await bea.until(lambda: any("Your code is" in text for text in bea.texts), within=90)
        [request] = (await running.hub.get("/v1/pairings"))["items"]
        approved = await running.hub.http.post(f"/v1/pairings/{request['id']}/approve")
        await bea.until(lambda: any("let in" in text for text in bea.texts[1:]), within=90)
        bea.say(running.jid, "Hello again m4x4")
        await bea.until(lambda: any("m4x4" in text for text in bea.texts[1:]), within=90)

    assert approved.status_code == 200
    assert request["sender"] == f"{name}bea@localhost"
    assert not any("m3x3" in text for text in bea.texts)


async def test_doctor_and_status_tell_of_both_accounts_and_of_a_wrong_password(
    api: BotApi, prosody: Prosody, model: str, name: str, tmp_path: Path
) -> None:
    async with both(tmp_path, model, api, prosody, name) as running:
        well = await doctor(running)
        running.config.write_text(running.config.read_text().replace(PASSWORD, "not the password"))
        ill = await doctor(running)
        log = running.hub.log

    assert {"bridge telegram": "ok", "bridge xmpp": "ok", "xmpp in the hub": "ok"}.items() <= well.items()
    assert (ill["bridge telegram"], ill["bridge xmpp"]) == ("ok", "fault")
    assert TOKEN not in log
    assert PASSWORD not in log


async def spoke_on_both(running: Both, task: str) -> bool:
    """Say whether a task has messages of its person and its agent on both platforms."""
    said = (await running.hub.get(f"/v1/tasks/{task}/messages"))["items"]
    found = {(message["role"], message["bridge"]) for message in said}
    return found >= {(role, bridge) for role in ("user", "agent") for bridge in ("telegram", "xmpp")}


def told(chat: Iterable[str]) -> dict[str, int]:
    """Count what a task said by itself in a chat: its answers (not its progress), and that it asks whether to go on."""
    said = [text for text in chat if not text.startswith(("⏳", "#1"))]
    return {
        "answered": sum("Answer to m7x7" in text for text in said),
        "asked": sum("Shall I go on" in t for t in said),
    }


async def doctor(running: Both) -> dict[str, str]:
    """Run `agenthost doctor`, and return the state of each finding."""
    config, data = ("--config", str(running.config)), ("--data", str(running.hub.data))
    command = (sys.executable, "-m", "hub", "doctor", "--json", *config, *data, "--url", running.url)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return {item["check"]: item["state"] for item in json.loads(out)["items"]}
