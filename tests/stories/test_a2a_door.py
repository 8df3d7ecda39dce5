"""Who may what over A2A: keys, tenants, pages of others, and what no request can do to the hub."""

import base64
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from a2a.client import A2ACardResolver
from a2a.client.errors import A2AClientError
from a2a.types import (
    CancelTaskRequest,
    GetExtendedAgentCardRequest,
    GetTaskRequest,
    ListTasksRequest,
    SubscribeToTaskRequest,
)
from a2a.utils.errors import (
    InvalidParamsError,
    TaskNotFoundError,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.records import TaskId
from hub.testing import ScriptedLLM
from tests.stories.a2a_client import VERSION, a_day, an_agent, client, naming, says, sent
from tests.stories.serving import Served, bearer, served

# --- who may


async def test_what_another_tenant_has_isnt_there() -> None:
    async with served(a_day(ScriptedLLM("Our secret.", "Theirs."))) as hub:
        async with client(hub, streaming=False) as ours:
            task = await sent(ours, says("Hello"))
        async with client(hub, await hub.another_tenant()) as theirs:
            for asked in (
                theirs.get_task(GetTaskRequest(id=task.id)),
                theirs.cancel_task(CancelTaskRequest(id=task.id)),
                sent(theirs, says("Hello", task=task.id)),
                anext(theirs.subscribe(SubscribeToTaskRequest(id=task.id))),
            ):
                with pytest.raises(TaskNotFoundError) as refused:
                    await asked
                assert "secret" not in str(refused.value)
            listed = await theirs.list_tasks(ListTasksRequest())
            apart = await sent(theirs, says("Hello", context=task.context_id))

    assert [*listed.tasks] == []
    assert apart.id != task.id


async def test_the_public_card_tells_of_the_default_agent_and_a_keys_own_card_of_those_it_may_have() -> None:
    agents = [an_agent("default"), an_agent("narrow"), an_agent("secret")]
    async with served(a_day(ScriptedLLM("Hi."), agents=agents)) as hub:
        async with httpx.AsyncClient() as http:
            card = await A2ACardResolver(http, hub.url).get_agent_card()
            raw = (await http.get(f"{hub.url}/.well-known/agent-card.json")).text
        key = await hub.key_for("messages:write", "tasks:read", agents=("narrow",))
        async with client(hub, key, streaming=False) as a2a:
            extended = await a2a.get_extended_agent_card(GetExtendedAgentCardRequest())
            task = await sent(a2a, naming("narrow", says("Hello")))
            with pytest.raises(InvalidParamsError, match="installed: narrow"):
                await sent(a2a, naming("secret", says("Hello", id="m2")))
        kept = await hub.day.store.task(TaskId(task.id))

    assert [skill.id for skill in card.skills] == ["default"]
    assert "secret" not in raw
    assert [(each.url, each.protocol_binding, each.protocol_version) for each in card.supported_interfaces] == [
        (f"{hub.url}/a2a", "JSONRPC", "1.0"),
        (f"{hub.url}/a2a", "HTTP+JSON", "1.0"),
    ]
    assert (card.capabilities.streaming, card.capabilities.push_notifications) == (True, False)
    assert card.security_schemes["bearer"].http_auth_security_scheme.scheme == "Bearer"
    assert [*card.security_requirements[0].schemes] == ["bearer"]
    assert [skill.id for skill in extended.skills] == ["narrow"]
    assert kept is not None
    assert kept.agent == "narrow"


async def test_a_keys_scopes_hold_here_too() -> None:
    async with served(a_day()) as hub:
        reads, writes = await hub.key_for("tasks:read"), await hub.key_for("messages:write")
        async with client(hub, reads, streaming=False) as a2a:
            with pytest.raises(A2AClientError, match="403"):
                await sent(a2a, says("Hello"))
            with pytest.raises(A2AClientError, match="403"):
                await a2a.cancel_task(CancelTaskRequest(id="t"))
        async with client(hub, writes) as a2a:
            with pytest.raises(A2AClientError, match="403"):
                await a2a.list_tasks(ListTasksRequest())


# --- the door


@pytest.fixture
async def hub() -> AsyncIterator[Served]:
    async with served(a_day()) as hub:
        yield hub


async def test_without_a_good_key_nobody_comes_in(hub: Served) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "ListTasks", "params": {}}
    async with hub.client("") as nobody:
        answers = [
            await nobody.post("/a2a", json=body),
            await nobody.post("/a2a", json=body, headers=bearer("ah_wrong")),
            await nobody.get("/a2a/tasks", headers=VERSION),
            await nobody.post("/a2a/message:send", json={}, headers=VERSION),
        ]

    assert [answer.status_code for answer in answers] == [401] * 4
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}


async def test_another_sites_page_is_refused_even_with_a_key(hub: Served) -> None:
    async with hub.client() as found:
        answers = [
            await found.post("/a2a", json={}, headers={"Origin": "https://evil.example"}),
            await found.get("/a2a/tasks", headers={**VERSION, "Origin": "https://evil.example"}),
            await found.get("/.well-known/agent-card.json", headers={"Host": "evil.example"}),
        ]

    assert [answer.status_code for answer in answers] == [403, 403, 400]


async def test_a_huge_request_is_refused_and_a_large_file_is_taken(hub: Served) -> None:
    raw = base64.b64encode(b"x" * 3_000_000).decode()
    message = {"messageId": "m", "role": "ROLE_USER", "parts": [{"raw": raw, "filename": "a"}]}
    config = {"returnImmediately": True}
    async with hub.client(headers=VERSION) as found:
        huge = await found.post("/a2a", content=b" " * 13_000_000)
        large = await found.post("/a2a/message:send", json={"message": message, "configuration": config})

    assert huge.status_code == 413
    assert large.status_code == 200, large.text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b'"\xff"', -32700),
        (b"[]", -32600),
        (b"{}", -32600),
        (b'{"jsonrpc": "2.0", "id": 1}', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "GetTask"}', -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "GetTask"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "message/send"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {}}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": [1]}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "SubscribeToTask", "params": {"id": "x"}}', -32001),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "CreateTaskPushNotificationConfig", "params": {}}', -32003),
    ],
)
async def test_a_bad_request_is_told_by_its_code(hub: Served, body: bytes, code: int) -> None:
    async with hub.client(headers=VERSION) as found:
        answer = await found.post("/a2a", content=body)

    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == code
    assert "result" not in answer.json()


@pytest.mark.parametrize(("version", "good"), [("1.0", True), ("1.1", True), ("0.3", False), ("", False), ("x", False)])
async def test_only_our_version_is_spoken(hub: Served, version: str, good: bool) -> None:
    body = {"jsonrpc": "2.0", "id": "a", "method": "ListTasks"}
    async with hub.client(headers={"A2A-Version": version}) as found:
        told = (await found.post("/a2a", json=body)).json()
        rest = await found.get("/a2a/tasks")

    assert ("result" in told) is good
    assert told["id"] == "a"
    assert rest.status_code == (200 if good else 400)
    if not good:
        assert told["error"]["code"] == -32009
        assert rest.json()["error"]["details"][0]["reason"] == "VERSION_NOT_SUPPORTED"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=8,
)
METHODS = ["SendMessage", "SendStreamingMessage", "GetTask", "ListTasks", "CancelTask", "SubscribeToTask", "x", ""]
PARTS = st.lists(
    st.dictionaries(st.sampled_from(["text", "raw", "data", "url", "filename", "mediaType"]), JSON), max_size=2
)
MESSAGES = st.fixed_dictionaries(
    {"messageId": st.text() | JSON, "parts": PARTS | JSON, "role": st.just("ROLE_USER") | JSON},
    optional={"contextId": st.text() | JSON, "taskId": st.text() | JSON, "metadata": JSON},
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "message": MESSAGES | JSON,
        "id": st.text() | JSON,
        "configuration": st.fixed_dictionaries({"returnImmediately": st.just(True)}) | JSON,
        "pageToken": JSON,
        "pageSize": JSON,
        "status": JSON,
        "statusTimestampAfter": JSON,
        "historyLength": JSON,
    },
)
REQUESTS = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": st.integers() | JSON, "method": st.sampled_from(METHODS) | JSON},
    optional={"params": PARAMS | JSON},
)
BODIES = st.binary(max_size=60) | (REQUESTS | JSON | st.lists(REQUESTS, max_size=2)).map(msgspec.json.encode)


@given(body=BODIES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nothing_that_is_sent_makes_the_hub_fail(hub: Served, body: bytes) -> None:
    async with hub.client(headers=VERSION) as found:
        answer = await found.post("/a2a", content=body)

    assert answer.status_code < 500, answer.text
    assert "-32603" not in answer.text


@given(verb=st.sampled_from([":cancel", ":subscribe", "", ":x"]), id=st.text(max_size=20), params=PARAMS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nothing_that_is_sent_as_plain_http_makes_it_fail(
    hub: Served, verb: str, id: str, params: dict[str, Any]
) -> None:
    async with hub.client(headers=VERSION) as found:
        path = f"/a2a/tasks/{quote(id, safe='')}{verb}"
        query = {name: str(value)[:50] for name, value in params.items()}
        answers = [
            await found.get(path, params=query),
            await found.post(path, content=msgspec.json.encode(params)),
            await found.get("/a2a/tasks", params=query),
        ]

    assert [answer.text for answer in answers if answer.status_code >= 500] == []
