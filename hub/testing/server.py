"""An OpenAI-compatible server on the loopback that answers at once: `python -m hub.testing.server --latency 0.05`.

It answers with the marks (`m1x5`) of what was said since the last answer, so that a test can tell which message was
answered by what. Asked to choose, it takes the first of what's offered.
"""

import argparse
import json
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "loopback"
FIRST = "A"
"""The letter of the first of what's offered."""
MARK = re.compile(r"\b(?:m\d+x|w\d+z)\d+\b")
"""The second kind is nothing that could be calculated."""
Json = Mapping[str, Any]


class Loopback(ThreadingHTTPServer):
    """The server; `served` holds the seconds that each answer took it."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int = 0, *, latency: float = 0.0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.latency = latency
        self.served: list[float] = []

    @property
    def url(self) -> str:
        """What a config calls `llm.url`."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that were cut: they are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Loopback

    def setup(self) -> None:
        super().setup()
        # An answer is several small writes, which would else wait for each other's acknowledgement.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        if self.path.endswith("/served"):
            self._send({"count": len(self.server.served), "seconds": sum(self.server.served)})
        else:
            self._send({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    def do_POST(self) -> None:
        began = time.perf_counter()
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        time.sleep(self.server.latency)
        if body.get("stream"):
            self._stream(body)
        else:
            self._send(_whole(body))
        self.server.served.append(time.perf_counter() - began)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def _send(self, answer: Json) -> None:
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, body: Json) -> None:
        data = b"".join(b"data: " + line.encode() + b"\n\n" for line in _lines(body))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _lines(body: Json) -> Iterator[str]:
    text = _answer(body["messages"])
    usage = _usage(body, text)
    for delta, reason in (({"role": "assistant", "content": text}, None), ({}, "stop")):
        yield json.dumps(_chunk([{"index": 0, "delta": delta, "finish_reason": reason}]))
    yield json.dumps(_chunk([]) | {"usage": usage})
    yield "[DONE]"


def _chunk(choices: Sequence[Json]) -> dict[str, Any]:
    return {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": list(choices)}


def _whole(body: Json) -> Json:
    text = _value(body) if body.get("response_format") else _answer(body["messages"])
    if body.get("logprobs"):
        text = FIRST
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    if body.get("logprobs"):
        likely = {"token": text, "logprob": -0.01, "bytes": list(text.encode())}
        choice["logprobs"] = {"content": [likely | {"top_logprobs": [likely]}]}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [choice],
        "usage": _usage(body, text),
    }


def _usage(body: Json, text: str) -> Json:
    prompt = sum(len(str(said["content"])) // 4 + 4 for said in body["messages"])
    return {"prompt_tokens": prompt, "completion_tokens": len(text) // 4 + 1, "total_tokens": prompt + len(text) // 4}


def _answer(messages: Sequence[Json]) -> str:
    fresh: list[str] = []
    for said in messages:
        fresh = [] if said["role"] == "assistant" else fresh + MARK.findall(str(said["content"]))
    return "Answer to " + " ".join(dict.fromkeys(fresh)) if fresh else f"Answer to: {str(messages[-1]['content'])[:80]}"


def _value(body: Json) -> str:
    """Return the least value that fits the schema: the first of an enumeration, else an empty one."""
    schema = body["response_format"].get("json_schema", {}).get("schema", {})
    return json.dumps(_least(schema))


def _least(schema: Json) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        return {name: _least(properties[name]) for name in schema.get("required", properties)}
    return {"array": [], "number": 0, "integer": 0, "boolean": False, "null": None}.get(schema.get("type", ""), "x")


def main() -> None:
    """Serve until killed; print the URL first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    options = parser.parse_args()
    with Loopback(options.port, latency=options.latency) as server:
        print(server.url, flush=True)  # noqa: T201  (who started it reads where it is)
        server.serve_forever()


if __name__ == "__main__":
    main()
