"""All that a hub asks outside, on one port, by somebody who repeats whatever they're told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "Certainly."


class Elsewhere(ThreadingHTTPServer):
    """A model's server, the Bot API, an identity provider, and whoever is told by webhooks."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.status = 200
        """Of the model's server: another one has it complain, and repeat all that it was sent."""
        self.prompts: list[bytes] = []
        self.told: list[bytes] = []
        """Bodies of webhooks."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of who hangs up."""


class _Door(BaseHTTPRequestHandler):
    server: Elsewhere
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, body: bytes) -> None:
        repeated = f"{self.path} {self.headers} {body.decode(errors='replace')}"
        if "/chat/completions" in self.path:
            self.server.prompts.append(body)
        if "/models" in self.path or "/chat/completions" in self.path:
            self._as_a_model(body, repeated)
        elif self.path.startswith("/bot"):
            self._say(502, "text/html", f"<html>Bad gateway: {repeated}</html>")
        elif self.path.startswith("/.well-known/"):
            url = self.server.url
            ends = {f"{name}_endpoint": f"{url}/{name}" for name in ("authorization", "token")}
            self._json(200, {"issuer": url, "jwks_uri": f"{url}/jwks", **ends})
        elif self.path.startswith("/token"):
            self._json(400, {"error": "invalid_grant", "error_description": repeated})
        else:
            self.server.told.append(body)
            self._say(500 if "fails" in self.path else 200, "text/plain", "Thank you.")

    def _as_a_model(self, body: bytes, repeated: str) -> None:
        if self.server.status != 200:
            self._json(self.server.status, {"error": {"message": f"no good: {repeated}", "type": "x", "code": "x"}})
        elif "/models" in self.path:
            self._json(200, {"object": "list", "data": [{"id": "small", "object": "model"}]})
        elif json.loads(body).get("stream"):
            delta = {"choices": [{"index": 0, "delta": {"content": ANSWER}, "finish_reason": None}]}
            end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            events = "".join(f"data: {json.dumps({'id': 'x', 'model': 'small', **each})}\n\n" for each in (delta, end))
            self._say(200, "text/event-stream", f"{events}data: [DONE]\n\n")
        else:
            said = {"index": 0, "message": {"role": "assistant", "content": "A"}, "finish_reason": "stop"}
            self._json(200, {"id": "x", "object": "chat.completion", "model": "small", "choices": [said]})

    def _json(self, status: int, said: object) -> None:
        self._say(status, "application/json", json.dumps(said))

    def _say(self, status: int, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """Serve it until the end of the block."""
    server = Elsewhere()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
