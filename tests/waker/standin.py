"""A hub's stand-in, that's up in no time: it keeps what the waker hands over, each once, on disk, as an inbox does.

Run as `python -m tests.waker.standin PORT FILE TOKEN`.
"""

import json
import signal
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hub.signing import HEADER, Checker

SCHEMA = "CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, chat TEXT, number INTEGER UNIQUE);"
PATIENCE = 5.0


class StandIn:
    """Its database, and how long nothing has happened."""

    def __init__(self, file: str, token: str) -> None:
        self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(SCHEMA)
        self._lock = threading.Lock()
        self._checker = Checker(token)
        self._heard_at = time.monotonic()
        self._shut = False

    def answer(self, signature: str, method: str, path: str, body: bytes) -> object | None:
        """Return what a request is answered with; None for one that isn't signed."""
        with self._lock:
            if not self._checker.good(signature, method, path, body, time.time()):
                return None
            idle = time.monotonic() - self._heard_at
            match path.partition("?")[0]:
                case "/v1/waker/report":
                    guests = [["key", "hash"]]
                    return {"boot": "b", "ready": True, "idle_seconds": idle, "guests": guests, "known": "b"}
                case "/v1/waker/drain":
                    self._shut = True
                    return {"drained": True}
                case _:
                    return {"settled": [] if self._shut else [self._keep(item) for item in json.loads(body)["items"]]}

    def _keep(self, item: dict[str, object]) -> object:
        self._heard_at = time.monotonic()
        update = json.loads(str(item["body"]))
        values = (str(update["message"]["chat"]["id"]), update["update_id"])
        self._database.execute("INSERT OR IGNORE INTO kept (chat, number) VALUES (?, ?)", values)
        return item["id"]


def main(port: str, file: str, token: str) -> None:
    """Serve until SIGTERM."""
    hub = StandIn(file, token)

    class Asked(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = PATIENCE

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            found = hub.answer(self.headers.get(HEADER, ""), self.command, self.path, body)
            said = json.dumps(found or {}).encode()
            self.send_response(200 if found is not None else 401)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET  # noqa: N815 - as its base has it

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Asked)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
