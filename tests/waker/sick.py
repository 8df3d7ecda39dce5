"""A hub's process that's ill in the way that a file says: `sick.py PORT FILE PIDS`; "well" answers as a hub does."""

import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socket import create_server

REPORT = b'{"boot":"b","ready":true,"guests":[["key","hash"]],"known":"them"}'


class Answers(BaseHTTPRequestHandler):
    ill = False

    def do_GET(self) -> None:
        body = b"Internal Server Error" if self.ill else REPORT
        self.send_response(500 if self.ill else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main(port: int, illness: str) -> None:
    match illness:
        case "exits":
            sys.exit(3)
        case "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hangs":
            time.sleep(600)
        case "says nothing":
            with create_server(("127.0.0.1", port)):
                time.sleep(600)
        case _:
            Answers.ill = illness == "answers 500"
            HTTPServer(("127.0.0.1", port), Answers).serve_forever()


if __name__ == "__main__":
    with Path(sys.argv[3]).open("a") as pids:
        pids.write(f"{os.getpid()}\n")
    main(int(sys.argv[1]), Path(sys.argv[2]).read_text())
