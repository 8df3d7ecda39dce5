"""An HTTP server on the loopback, of a function that answers: for what a provider's API is held against."""

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from msgspec import Struct


class Asked(Struct, frozen=True, kw_only=True):
    """A request."""

    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    body: bytes


Answer = Callable[[Asked], tuple[int, bytes] | None]
"""Returns a status and JSON (or XML); None: the connection is cut before the answer."""


class Served:
    """The server, in a thread of its own."""

    def __init__(self, answer: Answer) -> None:
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"answer": staticmethod(answer)})
        )
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    answer: Answer
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = dict(self.headers.items())
        answer = type(self).answer(Asked(method=self.command, path=self.path, headers=headers, body=body))
        if answer is None:
            self.close_connection = True
            self.connection.close()
            return
        status, content = answer
        self.send_response(status)
        self.send_header("Content-Type", "text/xml" if content.startswith(b"<") else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def __getattr__(self, name: str) -> Callable[[], None]:
        # Python's server looks for do_GET, do_POST and so on: all are answered alike.
        if name.startswith("do_"):
            return self._any
        raise AttributeError(name)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""
