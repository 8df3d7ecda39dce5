"""Somebody who publishes, as their client does it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from hub.packages.inspecting import inspected
from hub.releases import Release
from hub.statements import SigningKey, shown
from tests.unit.packages.zipping import a_plugin
from tests.unit.registry.conftest import Client, signed_up

V1 = "/registry/v1"
PROGRAM = '''
def echo() -> str:
    """Say hello to everybody."""
    return "{said}"
'''


@dataclass
class Author:
    """An account with a publisher and its key."""

    client: Client
    publisher: str
    headers: dict[str, str]
    key: SigningKey = field(default_factory=SigningKey.fresh)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.client.post(f"{V1}{path}", json=body, headers=self.headers)

    async def send(self, name: str, version: str, archive: bytes, statement: bytes) -> httpx.Response:
        """Send an archive with a statement, whatever they are."""
        parts = {"archive": ("a.zip", archive), "statement": ("s.json", statement)}
        path = f"{V1}/packages/{self.publisher}/{name}/versions/{version}"
        return await self.client.put(path, files=parts, headers=self.headers)

    async def publish(self, archive: bytes) -> httpx.Response:
        """Sign an archive by what's in it, and send it."""
        sheet = inspected(archive).sheet
        return await self.send(sheet.name, sheet.version, archive, self.stated(archive))

    def stated(self, archive: bytes) -> bytes:
        sheet = inspected(archive).sheet
        return self.key.seal(release(f"{self.publisher}/{sheet.name}", sheet.version, archive, sheet.asks))


def release(name: str, version: str, archive: bytes, asks: tuple[str, ...] = ()) -> Release:
    return Release.of(name, version, archive, asks, datetime(2026, 1, 1, tzinfo=UTC))


async def an_author(client: Client, name: str, publisher: str = "") -> Author:
    """Open an account, and name its publisher's key."""
    author = Author(client, publisher or name, await signed_up(client, name, publisher))
    answer = await author.post(f"/publishers/{author.publisher}/keys", public=shown(author.key.public))
    assert answer.status_code == 201, answer.text
    return author


def saying(said: str, name: str = "echo", version: str = "1.0.0", more: str = "") -> bytes:
    """Return a plugin of which a word makes other bytes."""
    return a_plugin(name, version, tool="echo", program=PROGRAM.format(said=said), more=more)
