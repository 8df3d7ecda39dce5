"""What the stories about A2A share: a hub that's served, and the official SDK's client of it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.types import (
    Message,
    Part,
    Role,
    SendMessageRequest,
    StreamResponse,
    Task,
)

from hub.manifests import Agent
from hub.ports import End, Piece, Tool
from hub.testing import ScriptedLLM
from tests.stories.day import Day
from tests.stories.serving import Served, bearer

BINDINGS = ["JSONRPC", "HTTP+JSON"]
BOTH = pytest.mark.parametrize("binding", BINDINGS)
VERSION = {"A2A-Version": "1.0"}


def an_agent(name: str, *tools: str) -> Agent:
    return Agent(name=name, version="1.0.0", description=f"Helps as {name}.", prompt="Help.", tools=tools)


def a_day(llm: ScriptedLLM | None = None, *tools: Tool, agents: Sequence[Agent] = (), **fields: Any) -> Day:
    known = agents or [an_agent("default", *(tool.name for tool in tools))]
    return Day(llm or ScriptedLLM(), tools=tools, agents={each.name: each for each in known}, **fields)


@asynccontextmanager
async def client(
    hub: Served, key: str = "", *, binding: str = "JSONRPC", streaming: bool = True
) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(headers=bearer(key or hub.key), timeout=20) as http:
        card = await A2ACardResolver(http, hub.url).get_agent_card()
        config = ClientConfig(httpx_client=http, streaming=streaming, supported_protocol_bindings=[binding])
        yield ClientFactory(config).create(card)


def says(text: str = "", *, id: str = "m1", task: str = "", context: str = "", **fields: Any) -> SendMessageRequest:
    parts = fields.pop("parts", None) or [Part(text=text)]
    message = Message(message_id=id, role=Role.ROLE_USER, parts=parts, task_id=task, context_id=context)
    return SendMessageRequest(message=message, **fields)


def naming(agent: str, request: SendMessageRequest) -> SendMessageRequest:
    request.message.metadata.update({"agent": agent})
    return request


async def sent(found: Client, request: SendMessageRequest) -> Task:
    """Send a message and return its task as the one answer, or the stream's first, has it."""
    return (await updates(found, request))[0].task


async def updates(found: Client, request: SendMessageRequest) -> list[StreamResponse]:
    return [update async for update in found.send_message(request)]


def answer_of(task: Task) -> str:
    return "".join(part.text for artifact in task.artifacts for part in artifact.parts)


class Stepwise(ScriptedLLM):
    """An LLM that says one piece of its answer for each `go`."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.go = asyncio.Semaphore(0)

    async def chat(self, *args: Any, **fields: Any) -> AsyncGenerator[Piece | End, None]:
        async for piece in super().chat(*args, **fields):
            if isinstance(piece, Piece):
                await self.go.acquire()
            yield piece
