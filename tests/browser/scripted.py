"""An OpenAI-compatible server in the test's own process: a hub in another one is answered as the test says."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.browser.running import PAUSE

MODEL = "scripted"
OPTION = re.compile(r"^(\w+)\) ", re.MULTILINE)
CONFIG = """
[llm]
backend = "remote"
url = "{url}"
model = "scripted"

[llm.decisions]
backend = "remote"
url = "{url}"
model = "scripted"
"""
Json = Mapping[str, Any]


@dataclass
class Script:
    """What's answered to what: the first rule whose words are in what was said last."""

    url: str = ""
    rules: list[tuple[str, str]] = field(default_factory=list)
    otherwise: str = "I’ll look into it."
    _go: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def config(self) -> str:
        """What a hub's config says of it."""
        return CONFIG.format(url=self.url)

    def when(self, words: str, answer: str) -> None:
        """Answer so to whatever has these words; no word after a ‖ is said before `go_on`."""
        self.rules.append((words, answer))

    def go_on(self) -> None:
        """Let the answer that waits at a ‖ go on, to its end."""
        self._go.set()

    async def pieces(self, said: str) -> AsyncIterator[str]:
        """Say the answer, a word at a time."""
        answer = next((answer for words, answer in self.rules if words in said), self.otherwise)
        for word in re.findall(r"\s*\S+", answer):
            if word.strip() == PAUSE:
                self._go.clear()
                await self._go.wait()
            else:
                yield word


@asynccontextmanager
async def scripted() -> AsyncIterator[Script]:
    """Serve a script until the end of the block."""
    script = Script()
    open_now: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                body = json.loads(await reader.readexactly(int(found[1]))) if found else {}
                await _answer(script, body, writer)
        open_now.discard(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    script.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield script
        for writer in open_now:
            writer.close()


async def _answer(script: Script, body: Json, writer: asyncio.StreamWriter) -> None:
    if not body.get("stream"):
        data = json.dumps(_whole(body) if body else {"object": "list", "data": [{"id": MODEL}]}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        await writer.drain()
        return
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    said = next(str(each["content"]) for each in reversed(body["messages"]) if each["role"] == "user")
    count = 0
    async for piece in script.pieces(said):
        count += 1
        await _event(writer, {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
    await _event(writer, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    await _event(writer, {"choices": [], "usage": {"prompt_tokens": 320, "completion_tokens": count}})
    for line in (b"data: [DONE]\n\n", b""):
        writer.write(b"%x\r\n%s\r\n" % (len(line), line))
    await writer.drain()


async def _event(writer: asyncio.StreamWriter, event: Json) -> None:
    line = f"data: {json.dumps({'id': '1', 'object': 'chat.completion.chunk', 'model': MODEL, **event})}\n\n".encode()
    writer.write(b"%x\r\n%s\r\n" % (len(line), line))
    await writer.drain()


def _whole(body: Json) -> Json:
    """Choose the last of what's offered: no tool, a new task, done. Else give the least that fits the schema."""
    last = (OPTION.findall(str(body["messages"][-1]["content"])) or ["A"])[-1]
    message = {"role": "assistant", "content": last}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "stop"}
    if body.get("logprobs"):
        likely = {"token": last, "logprob": -0.01}
        choice["logprobs"] = {"content": [likely | {"top_logprobs": [likely]}]}
    elif bound := body.get("response_format"):
        message["content"] = json.dumps(dict(_least(bound["json_schema"]["schema"])))
    usage = {"prompt_tokens": 320, "completion_tokens": 1}
    return {"id": "1", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage}


def _least(schema: Json) -> Iterator[tuple[str, object]]:
    properties = schema.get("properties", {})
    for name in schema.get("required", properties):
        kind = properties[name].get("type")
        values: dict[str, object] = {"array": [], "number": 0, "integer": 0, "boolean": False}
        yield name, properties[name].get("enum", [values.get(kind, "x")])[0]
