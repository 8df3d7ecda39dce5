"""A bridge in a process of its own, that's killed in the middle of keeping a message."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from bridges.xmpp.bridge import XmppBridge
from hub.accounts import XmppAccount
from hub.clock import SystemClock
from hub.records import Incoming, Text
from hub.store.documents import FileDocuments
from hub.store.files import FileStore
from tests.xmpp.running import a_desk
from tests.xmpp.server import PASSWORD


async def main(port: str, certificate: str, jid: str, folder: str, deadly: str) -> None:
    """Keep what comes in a file, and die in `accept` of a deadly text."""
    account = XmppAccount(jid=jid, password=PASSWORD, host="127.0.0.1", port=int(port), ca_file=certificate)
    place = Path(folder)
    book, keys = place / "kept", place / "keys"
    keys.touch()

    async def accept(incoming: Incoming) -> bool:
        part = incoming.parts[0]
        assert isinstance(part, Text)
        if deadly and part.text == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if incoming.external_id in keys.read_text().split():
            return False
        with keys.open("a") as known, book.open("a") as kept:
            known.write(f"{incoming.external_id}\n")
            kept.write(f"{part.text}\n")
        return True

    bridge = XmppBridge(
        account,
        files=FileStore(place / "files"),
        desk=a_desk(),
        documents=FileDocuments(place / "documents"),
        clock=SystemClock(),
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(bridge.run(accept))
        while bridge.info.state != "running":
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        with book.open("a") as kept:
            kept.write("up\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
