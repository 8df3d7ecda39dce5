"""A server on loopback that speaks the OpenAI wire, and can misbehave on it."""

import asyncio
import json
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Asked = dict[str, Any]


class Reply:
    """What the server sends for one request: a status, headers, and pieces of a body with pauses between."""

    def __init__(
        self,
        *pieces: bytes,
        status: int = 200,
        headers: dict[str, str] | None = None,
        breaks: bool = False,
        hangs: bool = False,
    ) -> None:
        self.pieces = pieces
        self.status = status
        self.headers = headers or {}
        self.breaks = breaks
        self.hangs = hangs


class Counterpart:
    """Answers every request by `answer`, but first by what stands in `replies`."""

    def __init__(self, answer: Callable[[Asked], Reply] | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.replies: list[Reply] = []
        self.models = Reply(b'{"data": []}')
        """The answer to those who look whether anybody is there."""
        self.asked: list[Asked] = []
        self.keys: list[str] = []
        self.targets: list[str] = []
        """What stood in the first lines of requests for an answer."""
        self.connections = 0
        self.left = asyncio.Event()
        """Set once a client has closed the connection while it was answered."""
        self.url = ""
        self._answer = answer or model
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def __aenter__(self) -> "Counterpart":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
        for writer in self._open.values():
            writer.close()
        await asyncio.gather(*self._open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        me = asyncio.current_task()
        assert me
        self._open[me] = writer
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answered(reader, writer):
                pass
        writer.close()
        del self._open[me]

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; return whether the connection is good for another."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        self.keys.append(fields.get("authorization", ""))
        if head.startswith("GET"):
            reply = self.models
        else:
            self.targets.append(head.split(" ", 2)[1])
            self.asked.append(json.loads(body))
            reply = self.replies.pop(0) if self.replies else self._answer(self.asked[-1])
        await self._send(reply, reader, writer)
        return not (reply.breaks or reply.hangs)

    async def _send(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        names = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        writer.write(f"HTTP/1.1 {reply.status} X\r\n{names}Transfer-Encoding: chunked\r\n\r\n".encode())
        for piece in reply.pieces:
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)
        if reply.hangs:
            await reader.read()
            self.left.set()
        elif not reply.breaks:
            writer.write(b"0\r\n\r\n")
            await writer.drain()


def model(asked: Asked) -> Reply:
    """Behave like a small model: stories, letters with log-probabilities, JSON that fits."""
    text = asked["messages"][-1]["content"]
    if len(str(asked["messages"])) > 8000:
        return refused(400, "too long", code="context_length_exceeded")
    if "response_format" in asked:
        return whole('{"what": "milk", "hour": 5}'[: asked["max_tokens"]])
    if asked.get("logprobs"):
        likely = [{"token": token, "logprob": logprob} for token, logprob in (("A", -0.2), (" B", -2.0), ("x", -4.0))]
        return whole("A", logprobs={"content": [{"token": "A", "logprob": -0.2, "top_logprobs": likely}]})
    words = ("Once upon a time there was a fox. " * 100 if "story" in text else "Paris.").split(" ")
    spoken = [word + " " for word in words][: asked["max_tokens"]]
    return streamed(*spoken, reason="length" if len(words) > len(spoken) else "stop", hangs="for ever" in text)


def streamed(*words: str, reason: str = "stop", breaks: bool = False, hangs: bool = False) -> Reply:
    """An answer in events, with usage at its end."""
    events: list[object] = [{"choices": [{"delta": {"content": word}}]} for word in words]
    events.append({"choices": [{"delta": {}, "finish_reason": reason}]})
    events.append({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": len(words)}})
    if breaks or hangs:
        del events[-2:]
    pieces = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    done = [] if breaks or hangs else [b"data: [DONE]\n\n"]
    return Reply(*pieces, *done, breaks=breaks, hangs=hangs)


def whole(text: str, **more: object) -> Reply:
    """An answer in one piece."""
    choice = {"message": {"content": text}, "finish_reason": "stop", **more}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    return Reply(json.dumps({"choices": [choice], "usage": usage}).encode())


def refused(status: int, text: str, *, code: str = "", **headers: str) -> Reply:
    """A no."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps({"error": {"message": text, "code": code}}).encode(), status=status, headers=named)


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return once something is true; fail if it never gets so."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.002)
