"""The door of /mcp: who comes in, which pages don't, and what no request can do to the hub."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stories.serving import Served, bearer, served
from tests.stories.test_mcp import OWN, a_day

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
ACCEPTED = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
async def hub() -> AsyncIterator[Served]:
    async with served(a_day()) as hub:
        yield hub


async def test_without_a_good_key_nobody_comes_in(hub: Served) -> None:
    async with hub.client("") as nobody:
        answers = [
            await nobody.post("/mcp", json=INITIALIZE, headers=ACCEPTED),
            await nobody.post("/mcp", json=INITIALIZE, headers={**ACCEPTED, **bearer("ah_wrong")}),
            await nobody.post("/mcp", json=INITIALIZE, headers={**ACCEPTED, "Authorization": "Basic b3duZXI6"}),
        ]

    assert [answer.status_code for answer in answers] == [401] * 3
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}


async def test_a_browsers_session_is_no_key(hub: Served) -> None:
    async with hub.client("") as browser:
        code = hub.day.hub.people.new_code()
        signed_in = await browser.post("/v1/sign-in", json={"code": code})
        await browser.get("/v1/whoami")
        token = {"X-CSRFToken": browser.cookies["csrftoken"]}
        answer = await browser.post("/mcp", json=INITIALIZE, headers={**ACCEPTED, **token})

    assert signed_in.status_code == 204
    assert answer.status_code == 401
    assert "takes keys only" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 400),
        ({}, 200),
    ],
)
async def test_another_sites_page_is_refused_even_with_a_key(hub: Served, headers: dict[str, str], status: int) -> None:
    async with hub.client() as found:
        answer = await found.post("/mcp", json=INITIALIZE, headers={**ACCEPTED, **headers})

    assert answer.status_code == status


async def test_there_is_no_stream_to_get_and_no_session_to_end(hub: Served) -> None:
    async with hub.client() as found:
        answers = [await found.get("/mcp", headers=ACCEPTED), await found.delete("/mcp")]

    assert [(answer.status_code, answer.headers["allow"]) for answer in answers] == [(405, "POST")] * 2


async def test_a_huge_request_is_refused_unread(hub: Served) -> None:
    async with hub.client() as found:
        told = await found.post(
            "/mcp", content=b" " * 1_100_000, headers={**ACCEPTED, "Content-Type": "application/json"}
        )
        untold = await found.post("/mcp", content=chunks(), headers={**ACCEPTED, "Content-Type": "application/json"})

    assert [told.status_code, untold.status_code] == [413, 413]


async def chunks() -> AsyncIterator[bytes]:
    for _ in range(20):
        yield b" " * 100_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=8,
)
METHODS = ["tools/call", "tools/list", "resources/read", "resources/list", "initialize", "server/discover", "x", ""]
ARGUMENTS = st.dictionaries(st.sampled_from(["text", "task", "message", "wait", "choice", "limit", "state"]), JSON)
CALLS = st.fixed_dictionaries({"name": st.sampled_from([*OWN, "look", "x"]) | st.text(), "arguments": ARGUMENTS | JSON})
REQUESTS = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | JSON, "id": st.integers() | JSON, "method": st.sampled_from(METHODS) | JSON},
    optional={"params": CALLS | st.fixed_dictionaries({"uri": st.text()}) | JSON},
)
BODIES = st.binary(max_size=60) | (REQUESTS | JSON | st.lists(REQUESTS, max_size=2)).map(msgspec.json.encode)
VERSIONS = st.sampled_from([{}, {"Mcp-Protocol-Version": "2026-07-28"}, {"Mcp-Protocol-Version": "2025-06-18"}])


@given(body=BODIES, headers=VERSIONS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nothing_that_is_sent_makes_the_hub_fail(hub: Served, body: bytes, headers: dict[str, str]) -> None:
    sent = {**ACCEPTED, "Content-Type": "application/json", **headers}
    async with hub.client() as found:
        answer: httpx.Response = await found.post("/mcp", content=body, headers=sent)

    assert answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text
