"""/mcp, asked by the official SDK's client as it comes: messages, tasks, and agents' tools within a key's rights."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent, TextResourceContents, ToolAnnotations

from hub.manifests import Agent
from hub.ports import Add, Tool, ToolCall
from hub.records import HOME, OWNER, Ask, Choice, TaskId
from hub.testing import FakeTool, MemoryWorkspaces, OutwardTool, ScriptedLLM, a_message, a_task
from tests.stories.day import Day
from tests.stories.serving import Served, bearer, served

OWN = ["send_message", "wait", "answer_question", "tasks", "task", "cancel_task"]
BOTH = pytest.mark.parametrize("mode", ["auto", "legacy"])


def an_agent(name: str, *tools: str) -> Agent:
    return Agent(name=name, version="1.0.0", description="Helps.", prompt="Help.", tools=tools)


def a_day(llm: ScriptedLLM | None = None, *tools: Tool, agents: Sequence[Agent] = (), **fields: Any) -> Day:
    known = agents or [an_agent("default", *(tool.name for tool in tools))]
    return Day(llm or ScriptedLLM(), tools=tools, agents={each.name: each for each in known}, **fields)


@asynccontextmanager
async def client(hub: Served, key: str = "", mode: Any = "auto") -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers=bearer(key or hub.key), timeout=20) as http,
        Client(streamable_http_client(f"{hub.url}/mcp", http_client=http), mode=mode) as found,
    ):
        yield found


async def call(found: Client, tool: str, **arguments: object) -> Any:
    """Return what a tool of the hub's own gave."""
    result = await found.call_tool(tool, arguments)
    assert not result.is_error, text(result)
    assert result.structured_content == json.loads(text(result))
    return result.structured_content


async def refused(found: Client, tool: str, **arguments: object) -> str:
    result = await found.call_tool(tool, arguments)
    assert result.is_error, text(result)
    return text(result)


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@BOTH
async def test_a_message_is_answered_and_its_task_can_be_read(mode: str) -> None:
    async with served(a_day(ScriptedLLM("Hello yourself."))) as hub, client(hub, mode=mode) as found:
        answer = await call(found, "send_message", text="Hello")
        listed = await call(found, "tasks")
        task = await call(found, "task", task=1)
        resources = (await found.list_resources()).resources
        read = (await found.read_resource("agenthost://tasks/1/transcript")).contents

    assert (answer["state"], answer["answer"], answer["next"]) == ("answered", "Hello yourself.", "")
    assert (answer["task"]["task"], answer["task"]["state"]) == (1, "completed")
    assert [each["task"] for each in listed["tasks"]] == [1]
    assert [(each["role"], each["text"]) for each in task["messages"]] == [
        ("user", "Hello"),
        ("agent", "Hello yourself."),
    ]
    assert [str(each.uri) for each in resources] == ["agenthost://tasks/1/transcript"]
    assert isinstance(read[0], TextResourceContents)
    assert "Hello yourself." in read[0].text


async def test_a_message_sent_again_under_the_same_id_counts_once_and_can_be_waited_for() -> None:
    async with served(a_day(ScriptedLLM("Done."))) as hub, client(hub) as found:
        first = await call(found, "send_message", text="Do it", wait=0, id="mine-1")
        again = await call(found, "send_message", text="Do it", wait=0, id="mine-1")
        other = await refused(found, "send_message", text="Do that", id="mine-1")
        waited = await call(found, "wait", message=first["message"])
        looked = await call(found, "wait", message=first["message"], wait=0)

    assert first["message"] == again["message"]
    assert first["state"] != "answered"
    assert "call wait" in first["next"]
    assert "Idempotency-Key" in other
    assert (waited["answer"], looked["answer"]) == ("Done.", "Done.")


async def test_a_question_is_answered_in_its_task() -> None:
    async with served(a_day(ScriptedLLM("Blue, then."))) as hub, client(hub) as found:
        asks = Ask(question="Which colour?")
        await hub.day.store.commit(Add(a_task(id="asks", number=1, person=OWNER, state="input-required", verdict=asks)))
        answer = await call(found, "send_message", text="Blue", task=1)
        nothing = await refused(found, "answer_question", message=answer["message"], choice="x")

    assert (answer["answer"], answer["task"]["task"]) == ("Blue, then.", 1)
    assert "offers no choices" in nothing


async def test_a_question_with_choices_is_answered_by_one_of_them() -> None:
    async with served(a_day(ScriptedLLM())) as hub, client(hub) as found:
        offers = (Choice(id="task/asks/cancel", text="Give it up"),)
        asks = a_task(id="asks", number=1, person=OWNER, state="input-required")
        question = a_message("Go on?", id="question", task=TaskId("asks"), role="notice", state="sent", choices=offers)
        await hub.day.store.commit(Add(asks), Add(question))
        wrong = await refused(found, "answer_question", message="question", choice="more")
        looked = await call(found, "wait", message="question")
        await call(found, "answer_question", message="question", choice="task/asks/cancel")
        task = await call(found, "task", task=1)

    assert "isn't one of this message's choices" in wrong
    assert looked["state"] == "sent"
    assert task["state"] == "canceled"


async def test_a_task_is_canceled_and_what_isnt_there_is_said_to_be_missing() -> None:
    async with served(a_day(ScriptedLLM("Yes?"))) as hub, client(hub) as found:
        await call(found, "send_message", text="Hello")
        canceled = await call(found, "cancel_task", task=1)
        missing = [
            await refused(found, "task", task=7),
            await refused(found, "cancel_task", task=7),
            await refused(found, "wait", message="nobody"),
            await refused(found, "nothing"),
        ]
        with pytest.raises(MCPError, match="there's no '7'"):
            await found.read_resource("agenthost://tasks/7/transcript")
        with pytest.raises(MCPError, match="there's no"):
            await found.read_resource("file:///etc/passwd")

    assert canceled["state"] == "canceled"
    assert all("there's no" in each for each in missing)


async def test_files_that_a_task_has_made_are_resources() -> None:
    workspaces = MemoryWorkspaces()
    async with served(a_day(ScriptedLLM("Written."), workspaces=workspaces)) as hub, client(hub) as found:
        await call(found, "send_message", text="Write it down")
        task = await hub.day.task(1)
        await workspaces.write(HOME, task.id, "note.txt", b"remember")
        (file,) = (await call(found, "task", task=1))["artefacts"]
        (read,) = (await found.read_resource(file["uri"])).contents

    assert (file["name"], file["media_type"], file["size"]) == ("note.txt", "text/plain", 8)
    assert isinstance(read, TextResourceContents)
    assert read.text == "remember"


# --- agents' tools


async def test_agents_tools_are_offered_with_their_schemas_and_what_they_do_to_the_world() -> None:
    schema = {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}
    tools = [
        FakeTool("sky.look", schema=schema),
        FakeTool("erase", effect="once"),
        FakeTool("tasks"),
        OutwardTool("send"),
    ]
    async with served(a_day(None, *tools)) as hub, client(hub) as found:
        listed = {tool.name: tool for tool in (await found.list_tools()).tools}
        looked = await found.call_tool("sky_look", {"at": "the moon"})
        wrong = await refused(found, "sky_look")

    assert [*listed] == [*OWN, "erase", "send", "sky_look"], "what's called as one of the hub's own is left out"
    assert listed["sky_look"].input_schema["required"] == ["at"]
    hints = {name: tool.annotations or ToolAnnotations() for name, tool in listed.items()}
    assert (hints["sky_look"].read_only_hint, hints["sky_look"].destructive_hint) == (True, False)
    assert (hints["erase"].read_only_hint, hints["erase"].destructive_hint) == (False, True)
    assert hints["send"].open_world_hint
    assert (hints["task"].read_only_hint, hints["cancel_task"].destructive_hint) == (True, True)
    assert text(looked) == "Looked."
    assert "at" in wrong
    assert [each.arguments for each in tools[0].calls] == [{"at": "the moon"}]


async def test_all_that_is_said_about_the_hubs_own_tools_costs_a_prompt_less_than_a_thousand_tokens() -> None:
    async with served(a_day()) as hub, client(hub) as found:
        tools = (await found.list_tools()).tools

    told = [tool.model_dump_json(by_alias=True, include={"name", "description", "input_schema"}) for tool in tools]
    assert sum(map(len, told)) / 4 < 1_000


async def test_what_goes_out_waits_for_the_person_and_no_program_can_give_that_leave() -> None:
    send = OutwardTool("send")
    async with served(a_day(ScriptedLLM("Eve has it."), send)) as hub, client(hub) as found:
        waits = text(await found.call_tool("send", {"to": "eve"}))
        again = text(await found.call_tool("send", {"to": "eve"}))
        task = await call(found, "task", task=1)
        tried = [
            await refused(found, "send_message", text="/approve 1"),
            await refused(found, "send_message", text="1"),
            await refused(found, "send_message", text="Approve", task=1),
        ]
        (question,) = [
            m for m in await hub.day.store.messages_of_task((await hub.day.task(1)).id, limit=9) if m.choices
        ]
        tried.append(await refused(found, "answer_question", message=question.id, choice=question.choices[0].id))
        assert send.calls == []

        async with hub.client() as person:
            (approval,) = (await person.get("/v1/approvals")).json()["items"]
            await person.post(f"/v1/approvals/{approval['id']}/approve")
        await hub.day.quiet()
        done = await call(found, "task", task=1)

    assert waits == again
    assert f"{hub.url}/tasks/1" in waits
    assert "Not done yet" in waits
    assert task["next"].startswith("A person must give leave")
    assert "commands are for people" in tried[0]
    assert all("A person must give leave" in each for each in tried[1:])
    assert [each.arguments for each in send.calls] == [{"to": "eve"}]
    assert [(each["tool"], each["failed"]) for each in done["calls"]] == [("send", False)]
    assert done["messages"][-1]["text"] == "Eve has it."


async def test_a_key_for_some_agents_sees_only_their_tools_and_speaks_only_to_them() -> None:
    tools = [FakeTool("look"), FakeTool("secret")]
    agents = [an_agent("default", "look", "secret"), an_agent("narrow", "look")]
    async with served(a_day(ScriptedLLM("Hi."), *tools, agents=agents)) as hub:
        key = await hub.key_for("messages:read", "messages:write", agents=("narrow",))
        async with client(hub, key) as found:
            names = [tool.name for tool in (await found.list_tools()).tools]
            hidden = await refused(found, "secret")
            other = await refused(found, "send_message", text="Hello", agent="default")
            answer = await call(found, "send_message", text="Hello", task="new")

    assert names == ["send_message", "wait", "answer_question", "look"]
    assert "there's no 'secret'" in hidden
    assert "installed: narrow" in other
    assert answer["task"]["agent"] == "narrow"
    assert tools[1].calls == []


async def test_a_key_is_offered_what_its_scopes_let_it_do_and_is_refused_the_rest() -> None:
    async with served(a_day(ScriptedLLM("Hi."), FakeTool("look"))) as hub:
        key = await hub.key_for("tasks:read")
        async with client(hub, key) as found:
            names = [tool.name for tool in (await found.list_tools()).tools]
            said = await refused(found, "send_message", text="Hello")
            looked = await refused(found, "look")
            canceled = await refused(found, "cancel_task", task=1)
        only_speaks = await hub.key_for("messages:write")
        async with client(hub, only_speaks) as found:
            resources = (await found.list_resources()).resources
            with pytest.raises(MCPError, match="lacks the scope tasks:read"):
                await found.read_resource("agenthost://tasks/1/transcript")

    assert names == ["tasks", "task"]
    assert "lacks the scope messages:write" in said
    assert "there's no 'look'" in looked
    assert "lacks the scope tasks:write" in canceled
    assert resources == []


async def test_what_another_tenant_has_isnt_there() -> None:
    async with served(a_day(ScriptedLLM("Our secret."))) as hub:
        async with client(hub) as ours:
            said = await call(ours, "send_message", text="Hello")
        task = await hub.day.task(1)
        async with client(hub, await hub.another_tenant()) as theirs:
            tasks = await call(theirs, "tasks")
            missing = [
                await refused(theirs, "wait", message=said["message"], wait=0),
                await refused(theirs, "answer_question", message=said["message"], choice="1"),
                await refused(theirs, "task", task=1),
                await refused(theirs, "cancel_task", task=1),
                await refused(theirs, "send_message", text="Hello", task=task.id),
            ]
            with pytest.raises(MCPError, match="there's no"):
                await theirs.read_resource("agenthost://tasks/1/transcript")
            resources = (await theirs.list_resources()).resources

    assert (tasks["tasks"], resources) == ([], [])
    assert all("there's no" in each and "secret" not in each for each in missing)


async def test_how_a_tool_fails_inside_isnt_told(caplog: pytest.LogCaptureFixture) -> None:
    def fail(call: ToolCall) -> str:
        raise RuntimeError("the password is hunter2")

    async with served(a_day(None, FakeTool("look", result=fail))) as hub, client(hub) as found:
        told = await refused(found, "look", at="the sky")

    assert "hunter2" not in told
    id = told.rpartition("id ")[2].rstrip(".")
    assert f"id {id}" in caplog.text
