"""A bare Litestar endpoint that keeps what the hub keeps of a message: `... -m hub.cli.bench_load_bare DIR`.

It's for comparison. No key is looked at, no limit, nobody is told and nothing answered: what's left is HTTP, JSON and
the rows, in the same commits to the same database.
"""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from litestar import Litestar, post
from litestar.params import JSONBody
from msgspec import Struct

from hub.config import Config, HubConfig
from hub.flow import accounting, lanes
from hub.ports import Add
from hub.records import HOME, OWNER, Address, Entry, EntryId, Event, Message, MessageId, Text, new_id
from hub.store.sql import SqlStore
from hub.web.server import Server, listening, url_of


class New(Struct):
    """What's said."""

    text: str
    task: str


class Kept(Struct):
    """What's answered."""

    id: str
    state: str


async def main(folder: str) -> None:
    """Serve until killed; print the URL first."""
    store = SqlStore.in_folder(Path(folder))
    await store.open()

    @post("/v1/messages", status_code=202)
    async def keep(data: JSONBody[New]) -> Kept:
        now, id = datetime.now(UTC), MessageId(new_id())
        message = Message(
            id=id,
            tenant=HOME,
            address=Address(bridge="http", chat=f"{OWNER}/main"),
            external_id=id,
            role="user",
            person=OWNER,
            parts=(Text(data.text),),
            state="accepted",
            created_at=now,
        )
        entry = Entry(
            id=EntryId(new_id()),
            tenant=HOME,
            queue="inbox",
            lane=lanes.chat(HOME, message.address),
            message=id,
            state="ready",
            created_at=now,
        )
        event = Event(tenant=HOME, person=OWNER, kind="message", created_at=now, message=id, state=message.state)
        await store.commit(Add(message), Add(entry), Add(event), *accounting.said(message))
        return Kept(id=id, state=message.state)

    app = Litestar([keep], logging_config=None, openapi_config=None)
    config = Config(hub=HubConfig(host="127.0.0.1", port=0))
    with listening(config) as found:
        print(url_of(config, found), flush=True)
        await Server(app, closing=asyncio.Event()).serve(sockets=[found])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
