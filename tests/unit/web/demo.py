"""python -m tests.unit.web.demo [PORT]: the web over a flow that echoes slowly, to try front ends by hand."""

import asyncio
import socket
import sys

import msgspec

from hub.config import Config, HubConfig
from hub.web.server import Server
from hub.web.sessions import sign_in_url
from tests.unit.web.world import a_world, configured


async def serve(port: int) -> None:
    world = await a_world(pace=0.15)
    world = configured(world, replace_port(Config(), port))
    print(f"key: {world.key}")
    print(sign_in_url(world.services, world.people.new_code()), flush=True)
    await Server(world.app, closing=world.services.closing).serve(sockets=[socket.create_server(("127.0.0.1", port))])


def replace_port(config: Config, port: int) -> Config:
    return msgspec.structs.replace(config, hub=HubConfig(port=port))


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 8080))
