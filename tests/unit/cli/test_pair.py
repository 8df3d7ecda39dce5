"""`agenthost pair` and `approve` against a real web."""

import json

from click.testing import CliRunner, Result

from hub.__main__ import load
from hub.records import Address
from hub.testing import hello
from tests.unit.cli.conftest import Running


def run(hub: Running, name: str, *args: str) -> Result:
    return CliRunner().invoke(load(name), args, env=hub.environ)


def a_knock(hub: Running, name: str = "Bea \x1b[31m") -> str:
    here = Address(bridge="telegram", chat=name)
    words = hub.do(hub.hub.pairings.knock(hello("hi", address=here, sender=name, name=name)))
    assert words
    return words.partition("code is ")[2][:8]


def test_who_asks_is_listed_let_in_and_then_known_with_the_account(hub: Running) -> None:
    code = a_knock(hub)
    listed = run(hub, "pair", "list").stdout
    status = run(hub, "status").stdout
    approved = run(hub, "approve", code)
    people = run(hub, "pair", "people").stdout

    assert "Bea" in listed
    assert "\x1b" not in listed + approved.stdout + people
    assert "1 to be let in" in status
    assert approved.stdout.startswith("Bea")
    assert "telegram Bea" in people
    assert run(hub, "pair", "list").stdout == "Nobody asks to be let in.\n"


def test_who_is_denied_is_not_let_in(hub: Running) -> None:
    assert "isn't let in" in run(hub, "pair", "deny", a_knock(hub)).stdout
    assert json.loads(run(hub, "pair", "list", "--json").stdout)["items"] == []


def test_a_wrong_code_is_told(hub: Running) -> None:
    result = run(hub, "pair", "approve", "ABCDEFGH")

    assert result.exit_code == 1
    assert "no request has that code" in result.stderr


def test_a_code_of_ones_own_says_what_to_write(hub: Running) -> None:
    code = json.loads(run(hub, "pair", "code", "--json").stdout)["code"]
    shown = run(hub, "pair", "code").stdout

    assert len(code) == 8
    assert shown.startswith("Write /pair ")


def test_an_account_is_unlinked(hub: Running) -> None:
    run(hub, "approve", a_knock(hub, "Cid"), "--as", "owner")

    assert "Cid" in run(hub, "pair", "people").stdout
    gone = run(hub, "pair", "unlink", "me", "telegram", "Cid")
    assert gone.exit_code == 0, gone.stderr
    assert "Cid" not in run(hub, "pair", "people").stdout
