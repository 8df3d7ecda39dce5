"""A Hugging Face Hub on loopback, its files on another host as the real one's are, that can misbehave."""

import asyncio
import json
from contextlib import suppress
from hashlib import sha256

Head = dict[str, str]


class Hub:
    """Has one repository; `files` are its files, `cut` after how many bytes each answer breaks off, in order."""

    def __init__(self, repo: str = "some/model-GGUF", **files: bytes) -> None:
        self.repo = repo
        self.files = {name.replace("__", "."): data for name, data in files.items()}
        self.hashes = {name: sha256(data).hexdigest() for name, data in self.files.items()}
        self.cut: list[int] = []
        self.ranges = True
        self.gated = ""
        """The token that's wanted."""
        self.asked: list[tuple[str, str, str]] = []
        """Host, what was asked for, and the Authorization header."""
        self.begun: list[str] = []
        """The Range header of each download."""
        self.url = ""
        self._files_url = ""
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> "Hub":
        for host in ("127.0.0.1", "127.0.0.2"):
            self._servers.append(await asyncio.start_server(self._serve, host, 0))
        names = [server.sockets[0].getsockname() for server in self._servers]
        self.url, self._files_url = (f"http://{host}:{port}" for host, port in names)
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *rest = head.split("\r\n")
            fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest if line)}
            path, key = first.split()[1], fields.get("authorization", "")
            self.asked.append((fields["host"].split(":")[0], path, key))
            await self._answer(path, key, fields, writer)
            await writer.drain()
        writer.close()

    async def _answer(self, path: str, key: str, fields: Head, writer: asyncio.StreamWriter) -> None:
        name = path.rpartition("/")[2]
        if path.startswith("/blob/"):
            await self._send(self.files[name], fields.get("range", ""), writer)
        elif self.repo not in path:
            _say(writer, 404, b'{"error":"Repository not found"}', "X-Error-Message: Repository not found")
        elif self.gated and key != f"Bearer {self.gated}":
            _say(writer, 401, b"{}", "X-Error-Message: Access to model is restricted")
        elif path.startswith("/api/"):
            _say(writer, 200, json.dumps(self._listing()).encode())
        else:
            _say(writer, 302, b"", f"Location: {self._files_url}/blob/{name}")

    def _listing(self) -> object:
        files = [
            {"rfilename": name, "size": len(data), "lfs": {"sha256": self.hashes[name], "size": len(data)}}
            for name, data in self.files.items()
        ]
        return {"sha": "c0ffee", "siblings": [{"rfilename": "README.md"}, *files]}

    async def _send(self, data: bytes, asked: str, writer: asyncio.StreamWriter) -> None:
        self.begun.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        status = 206 if start else 200
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(data) - start}\r\n\r\n".encode())
        part = data[start:]
        if self.cut:
            part = part[: self.cut.pop(0)]
        for at in range(0, len(part), 50_000):
            writer.write(part[at : at + 50_000])
            await writer.drain()


def _say(writer: asyncio.StreamWriter, status: int, body: bytes, *headers: str) -> None:
    lines = "".join(f"{header}\r\n" for header in headers)
    writer.write(f"HTTP/1.1 {status} X\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)
