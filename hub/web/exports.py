"""/v1/people/{id}/export: all that's kept of a person, as a zip that's written while it's sent."""

import zipfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack
from typing import IO, cast

from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import Stream

from hub.flow.portrait import Piece
from hub.web.auth import Asker, Hub
from hub.web.people import found
from hub.web.problems import PROBLEMS

ZIP = "application/zip"
MANY = 256 << 10
"""Bytes that are gathered before they're sent."""


@get(
    "/v1/people/{id:str}/export",
    opt={"scope": "messages:read"},
    tags=["people"],
    media_type=ZIP,
    responses={**PROBLEMS, 200: ResponseSpec(bytes, description="A zip.", media_type=ZIP, generate_examples=False)},
    summary="Hand over all that's kept of a person",
)
async def export(services: Hub, caller: Asker, id: FromPath[str]) -> Stream:
    """Return all that's somebody's, as a zip: the key's own person (`me`), or with the scope admin anybody.

    Messages, tasks, turns, receipts and memory as JSON lines, conversations to read, files as they are. No secrets.
    """
    person = await found(services, caller, id)
    if person.id != caller.person:
        caller.needs("admin")
    await services.audit.note(person.tenant, "person.exported", f"person/{person.id}")
    headers = {"Content-Disposition": f'attachment; filename="agenthost-{person.id}.zip"'}
    return Stream(zipped(services.portraits.of(person)), media_type=ZIP, headers=headers)


class Sink:
    """Takes bytes, and gives them away."""

    def __init__(self) -> None:
        self._gathered = bytearray()

    def write(self, data: bytes) -> int:
        """Take some."""
        self._gathered += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def __len__(self) -> int:
        return len(self._gathered)

    def taken(self) -> bytes:
        """Return what was taken, and forget it."""
        taken = bytes(self._gathered)
        self._gathered.clear()
        return taken


async def zipped(pieces: AsyncIterator[Piece]) -> AsyncGenerator[bytes, None]:
    """Yield a zip of files whose pieces come one after another; what was sent isn't held any more."""
    sink, name = Sink(), ""
    archive = zipfile.ZipFile(cast("IO[bytes]", sink), "w", zipfile.ZIP_DEFLATED)
    with ExitStack() as stack:
        stack.enter_context(archive)
        with ExitStack() as open_file:
            async for of, content in pieces:
                if of != name:
                    open_file.close()
                    file = open_file.enter_context(archive.open(of, "w", force_zip64=True))
                    name = of
                file.write(content)
                if len(sink) >= MANY:
                    yield sink.taken()
    yield sink.taken()
