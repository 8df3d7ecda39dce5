"""`agenthost approve` lists the calls that wait, and decides one of them."""

import json
from datetime import UTC, datetime, timedelta

from click.testing import CliRunner, Result

from hub.__main__ import load
from hub.ports import Add
from hub.testing import OutwardTool, a_pause, a_task, a_turn
from tests.unit.cli.conftest import Running


def run(hub: Running, *args: str) -> Result:
    return CliRunner().invoke(load("approve"), args, env=hub.environ)


def asked(hub: Running, number: int) -> str:
    hub.hub.toolbox.equip([OutwardTool("send")])
    now = datetime.now(UTC)
    task = a_task(number=number, state="input-required")
    turn = a_turn(task, state="done")
    pause = a_pause(turn, arguments='{"to":"\u202eeve"}', created_at=now, expires_at=now + timedelta(minutes=10))
    hub.do(hub.hub.store.commit(Add(task), Add(turn), Add(pause)))
    return pause.id


def test_calls_are_listed_to_the_letter_and_decided(hub: Running) -> None:
    assert run(hub).stdout == "Nothing waits for your leave.\n"
    one, two = asked(hub, 8), asked(hub, 9)
    listed = run(hub).stdout
    approved, denied = run(hub, one), run(hub, "--deny", two)
    again = run(hub, one)

    assert '"to": "\\u202eeve"' in listed
    assert approved.stdout == "send: approved\n"
    assert denied.stdout == "send: denied\n"
    assert again.exit_code != 0
    assert json.loads(run(hub, "--json").stdout)["items"] == []
