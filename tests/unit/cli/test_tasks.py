"""`agenthost tasks`, `keys` and `status` against a real web."""

import json
from datetime import UTC, datetime, timedelta

import click
import pytest
from click.testing import CliRunner, Result

from hub.__main__ import load
from hub.cli.keys import expiry
from tests.unit.cli.conftest import Running


def run(hub: Running, name: str, *args: str, **environ: str) -> Result:
    return CliRunner().invoke(load(name), args, env={**hub.environ, **environ})


def say(hub: Running, text: str) -> None:
    assert run(hub, "send", text, "--task", "new", "--wait", "5").exit_code == 0


# --- tasks


@pytest.mark.parametrize("args", [[], ["list"], ["--limit", "10"]])
def test_tasks_are_listed_the_newest_first(hub: Running, args: list[str]) -> None:
    say(hub, "first")
    say(hub, "second")
    lines = run(hub, "tasks", *args).stdout.splitlines()

    assert [line.split()[:2] for line in lines[1:]] == [["#2", "second"], ["#1", "first"]]


def test_a_listing_is_limited_by_state_and_shown_as_json(hub: Running) -> None:
    say(hub, "first")
    done = json.loads(run(hub, "tasks", "--state", "completed", "--json").stdout)
    failed = json.loads(run(hub, "tasks", "list", "--state", "failed", "--json").stdout)
    still_open = json.loads(run(hub, "tasks", "--open", "--json").stdout)

    assert [task["title"] for task in done["items"]] == ["first"]
    assert done["next"] is None
    assert failed["items"] == still_open["items"] == []


def test_no_tasks_is_said_in_words(hub: Running) -> None:
    assert run(hub, "tasks").stdout == "No tasks.\n"


@pytest.mark.parametrize("name", ["1", "#1"])
def test_a_task_is_shown_with_what_was_said_and_its_turns(hub: Running, name: str) -> None:
    say(hub, "hello")
    shown = run(hub, "tasks", "show", name).stdout

    assert shown.startswith("#1 hello  completed")
    assert "You said: **hello**" in shown
    assert "1 of 20 turns" in shown


def test_a_tasks_timeline_is_printed_with_times_and_written_out_for_programs(hub: Running) -> None:
    say(hub, "hello")
    shown = run(hub, "tasks", "1", "--timeline").stdout
    told = json.loads(run(hub, "tasks", "show", "1", "--timeline", "--json").stdout)
    table = run(hub, "tasks", "#1", "--format", "csv").stdout
    lines = run(hub, "tasks", "1", "--timeline", "--format", "jsonl").stdout

    assert "said on http" in shown
    assert "You said: **hello**" in shown
    assert [item["kind"] for item in told["items"]] == [json.loads(line)["kind"] for line in lines.splitlines()]
    assert table.startswith("at,kind,what,detail")
    assert len(table.splitlines()) > len(told["items"])


def test_a_task_is_shown_as_json_with_messages_and_turns(hub: Running) -> None:
    say(hub, "hello")
    shown = json.loads(run(hub, "tasks", "show", "1", "--json").stdout)

    assert shown["task"]["title"] == "hello"
    assert [one["role"] for one in shown["messages"]] == ["user", "agent"]
    assert len(shown["turns"]) == 1


@pytest.mark.parametrize("name", ["77", "nonsense", "../keys", "a/b"])
def test_an_unknown_task_is_told_with_the_way_out(hub: Running, name: str) -> None:
    result = run(hub, "tasks", "show", name)

    assert result.exit_code == 1
    assert "agenthost tasks" in result.stderr


def test_a_task_is_stopped_resumed_and_canceled(slow_hub: Running) -> None:
    run(slow_hub, "send", "hello", "--wait", "0.2")

    assert run(slow_hub, "tasks", "stop", "1").stdout == "#1 hello  input-required\n"
    assert run(slow_hub, "tasks", "resume", "#1").stdout == "#1 hello  submitted\n"
    assert run(slow_hub, "tasks", "cancel", "1").stdout == "#1 hello  canceled\n"
    assert json.loads(run(slow_hub, "tasks", "show", "1", "--json").stdout)["task"]["state"] == "canceled"


# --- keys


def test_a_key_is_shown_once_and_opens_what_it_was_made_for(hub: Running) -> None:
    made = json.loads(run(hub, "keys", "create", "reader", "--scopes", "tasks:read, status:read", "--json").stdout)
    listed = run(hub, "keys", "list")
    tasks = run(hub, "tasks", AGENTHOST_KEY=made["key"])
    send = run(hub, "send", "hello", AGENTHOST_KEY=made["key"])

    assert set(made) == {"id", "key"}
    assert "reader" in listed.stdout
    assert made["key"] not in listed.stdout
    assert tasks.exit_code == 0
    assert send.exit_code == 1
    assert "messages:write" in send.stderr


def test_a_revoked_key_opens_nothing(hub: Running) -> None:
    made = json.loads(run(hub, "keys", "create", "reader", "--scopes", "tasks:read", "--json").stdout)
    run(hub, "keys", "revoke", made["id"])

    assert run(hub, "tasks", AGENTHOST_KEY=made["key"]).exit_code == 1
    assert "revoked" in run(hub, "keys", "list").stdout
    assert json.loads(run(hub, "keys", "list", "--json").stdout)["items"][-1]["revoked_at"]


def test_only_the_key_goes_to_standard_output(hub: Running) -> None:
    result = run(hub, "keys", "create", "reader", "--scopes", "tasks:read", "--expires", "90d")

    assert result.stdout.startswith("ah_")
    assert len(result.stdout.split()) == 1
    assert "isn't shown again" in result.stderr


@pytest.mark.parametrize("args", [("--scopes", "everything"), ("--scopes", ","), ("--scopes", "admin", "-e", "soon")])
def test_what_a_key_cannot_have_is_told_before_it_is_made(hub: Running, args: tuple[str, ...]) -> None:
    assert run(hub, "keys", "create", "x", *args).exit_code == 2


@pytest.mark.parametrize(("text", "days"), [("12h", 0.5), ("90d", 90), ("8w", 56), ("1y", 365)])
def test_a_span_is_written_short(text: str, days: float) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)

    assert expiry(text, now) == now + timedelta(days=days)


@pytest.mark.parametrize("text", ["", "5", "d", "0d", "1m", "99999d", "-1d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError, match="12h"):
        expiry(text, datetime.now(UTC))


# --- status


def test_status_shows_the_model_the_router_and_where_things_are(hub: Running) -> None:
    shown = run(hub, "status").stdout

    assert "scripted" in shown
    assert "untrained" in shown
    assert hub.url in shown


def test_status_as_json_is_what_the_hub_told(hub: Running) -> None:
    assert json.loads(run(hub, "status", "--json").stdout)["boot"] == hub.hub.boot


def test_a_fresh_link_stands_alone_on_its_line(hub: Running) -> None:
    shown = run(hub, "status", "--link").stdout

    assert "/sign-in#" in shown
    assert len(shown.split()) == 1


# --- chat without a terminal


def test_a_chat_without_a_terminal_goes_line_by_line(hub: Running) -> None:
    result = CliRunner().invoke(load("chat"), [], env=hub.environ, input="one\n\n/whoami\n")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == ["#1 one", "You said: **one**"]
    assert "owner" in result.stdout.splitlines()[2].lower()
